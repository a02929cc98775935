# SPDX-License-Identifier: Apache-2.0
"""Builds the OCI image archive, and reads it as a container runtime does: from index.json by digests, trusting none."""
import contextlib
import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile

ROOT = pathlib.Path(__file__).parents[2]
BINARY = pathlib.Path(os.environ.get('PODTRACE') or ROOT / 'build' / 'amd64' / 'podtrace')
ARCH = 'amd64'
VERSION = '0.0.0-test'


def build(out, binary=BINARY, arch=ARCH, version=VERSION, **env):
    """What `make image` does. Failure is an AssertionError with what oci.sh said."""
    done = subprocess.run([ROOT / 'images' / 'oci.sh', binary, arch, version, out], capture_output=True, text=True,
                          check=False, env={**os.environ, **env})
    if done.returncode:
        raise AssertionError(done.stderr)
    return out


class Image:
    """The one image of an archive. Every blob is checked when it is read; `read` holds those that were."""

    def __init__(self, path):
        with tarfile.open(path, 'r:') as archive:
            self.names = archive.getnames()
            self.files = {member.name: archive.extractfile(member).read()
                          for member in archive.getmembers() if member.isfile()}
        self.read = set()
        self.layout = json.loads(self.files['oci-layout'])
        self.index = json.loads(self.files['index.json'])
        [self.entry] = self.index['manifests']
        self.manifest = json.loads(self.blob(self.entry))
        self.config = json.loads(self.blob(self.manifest['config']))
        [layer] = self.manifest['layers']
        self.layer = gzip.decompress(self.blob(layer))
        [diff_id] = self.config['rootfs']['diff_ids']
        _check('the unpacked layer', diff_id, self.layer)

    def blob(self, descriptor):
        algorithm, _, digest = descriptor['digest'].partition(':')
        name = f'blobs/{algorithm}/{digest}'
        data = self.files[name]
        _check(name, descriptor['digest'], data)
        if len(data) != descriptor['size']:
            raise ValueError(f'{name}: {len(data)} bytes, its descriptor says {descriptor["size"]}')
        self.read.add(name)
        return data

    @contextlib.contextmanager
    def members(self):
        with tarfile.open(fileobj=io.BytesIO(self.layer), mode='r:') as layer:
            yield layer

    def unpack(self, folder):
        with self.members() as layer:
            for member in layer.getmembers():
                if member.name.startswith('/') or '..' in member.name.split('/'):
                    raise ValueError(f'{member.name}: leads out of the image')
            layer.extractall(folder)


def _check(name, digest, data):
    found = 'sha256:' + hashlib.sha256(data).hexdigest()
    if found != digest:
        raise ValueError(f'{name}: is {found}, should be {digest}')
