#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The JSON of an OCI image layout around one layer; oci.sh calls it.

    oci_layout.py LAYER.tar LAYER.tar.gz FOLDER

image-spec 1.1: index.json names the manifest, the manifest the config and the layer, all by SHA-256.
"""
import hashlib
import json
import os
import pathlib
import sys
import time

SUMMARY = 'Watches processes and connections of a Kubernetes node with eBPF and exports OTLP'
DESCRIPTION = ('podtrace is one static binary that watches the kernel with eBPF, tells which pod and container each '
               'event belongs to, and sends traces, metrics and logs to an OpenTelemetry collector.')
PEOPLE = 'The podtrace authors'
VARIANT = {'arm64': 'v8'}  # as containerd and docker name it
MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
CONFIG = 'application/vnd.oci.image.config.v1+json'
LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
INDEX = 'application/vnd.oci.image.index.v1+json'


class Layout:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.blobs = self.folder / 'blobs' / 'sha256'
        self.blobs.mkdir(parents=True)

    def add(self, media_type, data):
        """Stores a blob and returns its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        (self.blobs / digest).write_bytes(data)
        return {'mediaType': media_type, 'digest': 'sha256:' + digest, 'size': len(data)}

    def write(self, name, node):
        (self.folder / name).write_bytes(to_json(node))


def to_json(node):
    return json.dumps(node, separators=(',', ':'), sort_keys=True, ensure_ascii=False).encode()


def labels(env, created):
    """OCI's annotations and what Red Hat's preflight asks for; a label without a value is left out."""
    oci = {'title': 'podtrace', 'description': DESCRIPTION, 'version': env['VERSION'], 'created': created,
           'licenses': env['LICENSES'], 'vendor': PEOPLE, 'authors': PEOPLE,
           'revision': env.get('REVISION'), 'source': env.get('IMAGE_SOURCE')}
    all_of_them = {'org.opencontainers.image.' + key: value for key, value in oci.items()}
    all_of_them.update({'name': 'podtrace', 'vendor': PEOPLE, 'version': env['VERSION'],
                        'release': env.get('IMAGE_RELEASE') or '1', 'summary': SUMMARY,
                        'description': DESCRIPTION, 'maintainer': PEOPLE})
    return {key: value for key, value in all_of_them.items() if value}


def platform(arch):
    found = {'architecture': arch, 'os': 'linux'}
    if arch in VARIANT:
        found['variant'] = VARIANT[arch]
    return found


def main(layer_tar, layer_gz, folder):
    env = os.environ
    created = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(int(env['EPOCH'])))
    where = platform(env['ARCH'])
    layout = Layout(folder)
    layer = layout.add(LAYER, pathlib.Path(layer_gz).read_bytes())
    config = layout.add(CONFIG, to_json({
        **where, 'created': created,
        # uid 0: Kubernetes gives the capabilities of a pod only to root's programs
        'config': {'User': '0', 'Entrypoint': ['/podtrace'], 'Cmd': ['agent'], 'WorkingDir': '/',
                   'Labels': labels(env, created)},
        'rootfs': {'type': 'layers',
                   'diff_ids': ['sha256:' + hashlib.sha256(pathlib.Path(layer_tar).read_bytes()).hexdigest()]},
        'history': [{'created': created, 'created_by': 'images/oci.sh', 'author': PEOPLE}]}))
    manifest = layout.add(MANIFEST, to_json({
        'schemaVersion': 2, 'mediaType': MANIFEST, 'config': config, 'layers': [layer],
        'annotations': {key: value for key, value in labels(env, created).items() if '.' in key}}))
    name = (env.get('IMAGE_NAME') or 'localhost/podtrace') + ':' + env['VERSION']
    # the first is skopeo's and podman's, the second containerd's, which takes it as the whole name
    manifest.update({'platform': where, 'annotations': {'org.opencontainers.image.ref.name': env['VERSION'],
                                                        'io.containerd.image.name': name}})
    layout.write('index.json', {'schemaVersion': 2, 'mediaType': INDEX, 'manifests': [manifest]})
    layout.write('oci-layout', {'imageLayoutVersion': '1.0.0'})


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
