# SPDX-License-Identifier: Apache-2.0
"""The archive that `make image` writes: its bytes, its size, what is in it and what is not."""
import glob
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import oci

SIZE_MAX = 2_500_000  # of the archive: binary, certificates and licences
PREFLIGHT = ('name', 'vendor', 'version', 'release', 'summary', 'description', 'maintainer')
OCI = ('title', 'description', 'version', 'created', 'licenses')
CERTIFICATES = '/usr/share/ca-certificates/mozilla'
FOLDER = tempfile.TemporaryDirectory(prefix='podtrace-image-')  # of this run of tests
ARCHIVE = os.path.join(FOLDER.name, 'image.tar')


def setUpModule():
    if not oci.BINARY.exists():
        raise unittest.SkipTest(f'{oci.BINARY} is not built: make')
    oci.build(ARCHIVE)


def stub(machine):
    """Enough of an ELF header to name an architecture."""
    path = os.path.join(FOLDER.name, f'elf-{machine}')
    pathlib.Path(path).write_bytes(b'\x7fELF\2\1\1' + bytes(9) + b'\2\0' + machine.to_bytes(2, 'little') + bytes(44))
    return path


class Case(unittest.TestCase):
    def setUp(self):
        self.image = oci.Image(ARCHIVE)


class Archive(Case):
    def test_every_digest_is_true_and_every_blob_used(self):
        blobs = {name for name in self.image.files if name.startswith('blobs/')}
        self.assertEqual(blobs, self.image.read)
        self.assertEqual(set(self.image.files) - blobs, {'oci-layout', 'index.json'})
        self.assertEqual(self.image.layout, {'imageLayoutVersion': '1.0.0'})

    def test_a_flipped_bit_is_found(self):
        data = bytearray(pathlib.Path(ARCHIVE).read_bytes())
        data[len(data) // 2] ^= 1  # in the layer, by far the largest
        broken = os.path.join(FOLDER.name, 'broken.tar')
        pathlib.Path(broken).write_bytes(data)
        with self.assertRaises(ValueError):
            oci.Image(broken)

    def test_size(self):
        self.assertLessEqual(os.path.getsize(ARCHIVE), SIZE_MAX)

    def test_names_that_importers_look_for(self):
        notes = self.image.entry['annotations']
        self.assertEqual(notes['org.opencontainers.image.ref.name'], oci.VERSION)
        self.assertEqual(notes['io.containerd.image.name'], f'localhost/podtrace:{oci.VERSION}')
        self.assertEqual(self.image.entry['platform'], {'os': 'linux', 'architecture': 'amd64'})

    def test_same_input_same_bytes(self):
        first = pathlib.Path(ARCHIVE).read_bytes()
        with tempfile.TemporaryDirectory(prefix='another-place-') as folder:
            binary = os.path.join(folder, 'a-longer-name')
            pathlib.Path(binary).write_bytes(oci.BINARY.read_bytes())
            os.chmod(binary, 0o700)
            again = os.path.join(folder, 'b.tar')
            mask = os.umask(0o077)
            try:
                oci.build(again, binary=binary, TMPDIR=folder, TZ='Asia/Tokyo', LC_ALL='C.UTF-8')
            finally:
                os.umask(mask)
            self.assertEqual(first, pathlib.Path(again).read_bytes())
            # the control: the time is in there
            oci.build(again, SOURCE_DATE_EPOCH='1')
            self.assertNotEqual(first, pathlib.Path(again).read_bytes())
            self.assertEqual(oci.Image(again).config['created'], '1970-01-01T00:00:01Z')


class Config(Case):
    def test_what_it_runs(self):
        config = self.image.config['config']
        self.assertEqual((config['Entrypoint'], config['Cmd'], config['User']), (['/podtrace'], ['agent'], '0'))
        self.assertEqual((self.image.config['os'], self.image.config['architecture']), ('linux', 'amd64'))

    def test_labels(self):
        labels = self.image.config['config']['Labels']
        for name in PREFLIGHT + tuple('org.opencontainers.image.' + name for name in OCI):
            self.assertTrue(labels.get(name), name)
        self.assertEqual(labels['version'], oci.VERSION)
        self.assertNotIn('org.opencontainers.image.source', labels)  # nobody told it
        out = os.path.join(FOLDER.name, 'labels.tar')
        told = oci.Image(oci.build(out, IMAGE_SOURCE='https://git.example/podtrace', IMAGE_RELEASE='7'))
        labels = told.config['config']['Labels']
        self.assertEqual(labels['org.opencontainers.image.source'], 'https://git.example/podtrace')
        self.assertEqual(labels['release'], '7')

    def test_arm64(self):
        image = oci.Image(oci.build(os.path.join(FOLDER.name, 'arm64.tar'), binary=stub(183), arch='arm64'))
        self.assertEqual(image.entry['platform'], {'os': 'linux', 'architecture': 'arm64', 'variant': 'v8'})
        self.assertEqual((image.config['architecture'], image.config['variant']), ('arm64', 'v8'))


class Refusals(unittest.TestCase):
    """What oci.sh will not make an image of. It leaves no file and says what to do."""

    def refuses(self, words, **arguments):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(AssertionError, words):
                oci.build(os.path.join(folder, 'out.tar'), **arguments)
            self.assertEqual(os.listdir(folder), [])

    def test_refusals(self):
        self.refuses('not for arm64: run "make ARCH=arm64"', arch='arm64')
        self.refuses('ARCH is amd64 or arm64', arch='riscv64')
        self.refuses('run "make ARCH=amd64" first', binary='/nowhere/podtrace')
        self.refuses('no ELF file', binary=__file__)
        self.refuses('is no tag', version='1.0+dirty')
        self.refuses('seconds since 1970', SOURCE_DATE_EPOCH='yesterday')


class Layer(Case):
    def text(self, name):
        with self.image.members() as layer:
            return layer.extractfile(name).read().decode()

    def test_nothing_else_is_in_it(self):
        with self.image.members() as layer:
            members = layer.getmembers()
        names = [member.name for member in members]
        self.assertEqual(names, sorted(names))
        for member in members:
            self.assertRegex(member.name, r'^(podtrace$|etc(/ssl(/certs(/ca-certificates\.crt)?)?)?$|licenses(/|$))')
            self.assertTrue(member.isfile() or member.isdir(), member.name)
            self.assertEqual((member.uid, member.gid, member.uname, member.gname), (0, 0, '', ''), member.name)
            program = member.isdir() or member.name == 'podtrace'
            self.assertEqual(member.mode, 0o755 if program else 0o644, member.name)
        self.assertEqual(len({member.mtime for member in members}), 1)

    def test_the_binary_is_the_one_that_was_built_and_static(self):
        with self.image.members() as layer:
            self.assertEqual(layer.extractfile('podtrace').read(), oci.BINARY.read_bytes())
        headers = subprocess.run(['readelf', '-lW', oci.BINARY], capture_output=True, text=True, check=True).stdout
        self.assertNotRegex(headers, 'INTERP|DYNAMIC')

    def test_certificates_are_the_packages_and_no_others(self):
        bundle = self.text('etc/ssl/certs/ca-certificates.crt')
        found = re.findall(r'-----BEGIN.*?-----END CERTIFICATE-----', bundle, re.S)
        wanted = [pathlib.Path(path).read_text(encoding='ascii').strip() for path in glob.glob(f'{CERTIFICATES}/*.crt')]
        self.assertGreater(len(wanted), 100)
        self.assertEqual(sorted(found), sorted(wanted))
        # the control: what this host trusts besides must not leak into an image
        for path in glob.glob('/usr/local/share/ca-certificates/*.crt'):
            self.assertNotIn(pathlib.Path(path).read_text(encoding='utf-8').strip(), found)

    def test_each_component_has_its_licence(self):
        readme = self.text('licenses/README')
        with self.image.members() as layer:
            texts = {member.name: member.size for member in layer.getmembers()
                     if member.isfile() and member.name.startswith('licenses/') and member.name != 'licenses/README'}
        used = set()
        for row in readme.split('\ncomponent ')[1].splitlines()[1:]:
            component, version, _, *names = row.split()
            self.assertRegex(version, r'^\d', row)
            for name in names:
                path = f'licenses/{name}' if '/' in name else f'licenses/{component}/{name}'
                self.assertGreater(texts[path], 500, path)
                used.add(path)
        self.assertEqual(used, set(texts))
        locked = re.findall(r'^([\w-]+) ', (oci.ROOT / 'third_party/sources.lock').read_text(encoding='utf-8'), re.M)
        for component in set(locked) | {'podtrace', 'ca-certificates'}:
            self.assertRegex(readme, rf'\n{component} ')

    def test_licence_label_is_the_sum_of_the_rows(self):
        rows = self.text('licenses/README').split('\ncomponent ')[1].splitlines()[1:]
        label = self.image.config['config']['Labels']['org.opencontainers.image.licenses']
        self.assertEqual(label.split(' AND '), sorted({row.split()[2] for row in rows}))


if __name__ == '__main__':
    unittest.main()
