# SPDX-License-Identifier: Apache-2.0
"""btf/: what lies there was made for the programs of today, and `make btf` takes the types out of whatever a kernel
comes as."""
import gzip
import io
import lzma
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools'))

import btf  # noqa: E402  pylint: disable=wrong-import-position
import btf_image  # noqa: E402  pylint: disable=wrong-import-position
import btf_types  # noqa: E402  pylint: disable=wrong-import-position


def objects(arch) -> list:
    """All but the one that is not loaded without the kernel's own types."""
    found = sorted(path for path in (ROOT / 'build' / arch / 'obj' / 'bpf').glob('*.bpf.o')
                   if path.name != 'preempt.bpf.o')
    if not found:
        raise unittest.SkipTest(f'the programs for {arch} are not built: make ARCH={arch}')
    return found


def summary(raw) -> set:
    return btf_types.Btf(raw).summary()


def whole_of(row) -> bytes:
    """The kernel's own BTF: kept since it was reduced, or from Debian's package."""
    kept = btf.CACHE / row.arch / f'{row.release}.btf'
    if kept.exists():
        return kept.read_bytes()
    package = dict(btf.packages(row.arch)).get(row.source)
    if not package:
        raise unittest.SkipTest(f'{row.source} is not here')
    fetched = subprocess.run([ROOT / 'third_party' / 'fetch.sh', btf.LOCK], capture_output=True, text=True, check=False)
    if fetched.returncode:
        raise unittest.SkipTest(fetched.stderr.strip())
    with tempfile.TemporaryDirectory() as folder:
        return btf_image.read(btf.from_package(pathlib.Path(fetched.stdout.strip(), package), folder)).btf


class Committed(unittest.TestCase):
    def test_table_and_files(self):
        rows = btf.rows()
        self.assertGreaterEqual(len(rows), 2)
        self.assertEqual(sorted(row.path for row in rows), sorted((ROOT / 'btf').glob('*/*')))
        self.assertEqual({row.path: row.reduced for row in rows}, {row.path: row.path.stat().st_size for row in rows})
        self.assertEqual(rows, sorted(rows))

    def test_packages_are_in_the_table(self):
        for arch in ('amd64', 'arm64'):
            listed = {row.source for row in btf.rows() if row.arch == arch}
            self.assertLessEqual({source for source, _ in btf.packages(arch)}, listed)

    def test_made_for_these_programs(self):
        """A program that reads a field more than these files have would be refused on their kernels."""
        for arch in sorted({row.arch for row in btf.rows()}):
            with self.subTest(arch):
                programs = btf.Programs(objects(arch))
                for row in btf.rows():
                    if row.arch == arch:
                        self.assertEqual(row.asked, programs.digest, f'{row.release}: make btf ARCH={arch}')

    def test_programs_that_ask_for_less_are_others(self):
        """The control."""
        paths = objects('amd64')
        every, fewer = btf.Programs(paths), btf.Programs([p for p in paths if p.name != 'tcp.bpf.o'])
        self.assertIn('field task_struct.tgid', every.asked)
        self.assertIn('field tcp_sock.srtt_us', every.asked - fewer.asked)
        self.assertNotEqual(every.digest, fewer.digest)

    def test_same_when_made_anew(self):
        paths = objects('amd64')
        fewer = btf.Programs([p for p in paths if p.name != 'tcp.bpf.o'])
        for row in btf.rows():
            if row.arch != 'amd64':
                continue
            with self.subTest(row.release):
                whole, committed = whole_of(row), summary(row.path.read_bytes())
                self.assertEqual(len(whole), row.whole)
                self.assertEqual(summary(btf.Programs(paths).reduce(whole)), committed)
                self.assertNotEqual(summary(fewer.reduce(whole)), committed)  # the control

    def test_what_is_read_is_there(self):
        """Of each kernel, the fields that no program can do without."""
        for row in btf.rows():
            members = {name: {m[0] for m in members} for _, name, _, members in summary(row.path.read_bytes())}
            self.assertLessEqual({'pid', 'tgid', 'comm', 'cred', 'cgroups', 'start_boottime'}, members['task_struct'])
            self.assertIn('dfl_cgrp', members['css_set'])
            self.assertIn('bytes_received', members['tcp_sock'])


class Kernels(unittest.TestCase):
    """Files that look like kernels: the BTF in them is a reduced one, the rest is noise."""

    RELEASE = '6.99.0-1-test'
    RAW = (ROOT / 'btf' / 'amd64' / '5.10.0-32-cloud-amd64.btf').read_bytes()
    # bytes that only begin like BTF come before it
    NOISE = btf_image.MAGIC + b'\xff' * 64 + f'\0Linux version {RELEASE} (somebody) #1\0'.encode()
    ELF = b'\x7fELF\2\1\1'.ljust(18, b'\0') + struct.pack('<H', 62) + bytes(44) + NOISE + RAW + b'\1' * 999

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def read(self, content):
        path = self.folder / 'kernel'
        path.write_bytes(content)
        return btf_image.read(path)

    def refused(self, content, words):
        with self.assertRaisesRegex(btf_image.Unusable, words):
            self.read(content)

    @staticmethod
    def bzimage(payload):
        """With the length that every compression but gzip has behind it."""
        payload += struct.pack('<I', 1234)
        head = bytearray(1024)
        head[0x1f1] = 1
        head[0x202:0x208] = b'HdrS\x0f\x02'
        struct.pack_into('<II', head, 0x248, 100, len(payload))
        return bytes(head) + bytes(100) + payload + b'behind it'

    def pack(self, program, *arguments):
        if not shutil.which(program):
            self.skipTest(f'no {program} here')
        return subprocess.run([program, *arguments, '-c'], input=self.ELF, capture_output=True, check=True).stdout

    def check(self, content, arch='amd64'):
        full = self.read(content)
        self.assertEqual((full.btf, full.arch, full.release), (self.RAW, arch, self.RELEASE))

    def test_elf(self):
        self.check(self.ELF)

    def test_raw(self):
        full = self.read(self.RAW)
        self.assertEqual((full.btf, full.arch, full.release), (self.RAW, None, None))
        self.assertEqual(self.read(gzip.compress(self.RAW)).btf, self.RAW)

    def test_bzimage(self):
        self.check(self.bzimage(gzip.compress(self.ELF)))
        self.check(self.bzimage(lzma.compress(self.ELF, check=lzma.CHECK_CRC32)))

    def test_bzimage_xz_as_kernels_have_it(self):
        self.check(self.bzimage(self.pack('xz', '--check=crc32', '--x86', '--lzma2=dict=32MiB')))

    def test_bzimage_lz4(self):
        self.check(self.bzimage(self.pack('lz4', '-l', '-9')))

    def test_bzimage_zstd(self):
        self.check(self.bzimage(self.pack('zstd', '-19')))

    def test_arm64(self):
        image = b'MZ\0\0'.ljust(56, b'\0') + b'ARM\x64' + bytes(4) + self.NOISE + self.RAW
        self.check(image, 'arm64')
        self.check(gzip.compress(image), 'arm64')
        packed = gzip.compress(image)
        zboot = struct.pack('<4s4sII8x32s', b'MZ\0\0', b'zimg', 128, len(packed), b'gzip').ljust(128, b'\0')
        self.check(zboot + packed, 'arm64')
        self.refused(zboot.replace(b'gzip', b'lzma') + packed, 'packed with lzma')

    def test_the_largest_counts(self):
        """Modules and programs that are built in have BTF too."""
        small = struct.pack('<HBBIIIII', 0xeb9f, 1, 0, 24, 0, 0, 0, 1) + b'\0'
        self.assertEqual(btf_image.btf_size(small), 25)
        self.check(self.ELF[:64] + small + self.ELF[64:] + small)

    def test_damaged(self):
        whole = self.bzimage(gzip.compress(self.ELF))
        self.refused(b'', 'no BTF')
        self.refused(b'\0' * 5000, 'no BTF')
        self.refused(self.ELF[:-len(self.RAW)], 'no BTF')
        self.refused(whole[:2000], 'cut off')
        self.refused(self.bzimage(b'BZh91AY&SY' + bytes(99)), 'something else than gzip')
        self.refused(self.bzimage(gzip.compress(self.ELF)[:50] + b'\xff' * 5000), 'gzip data is damaged')
        self.refused(self.bzimage(lzma.compress(self.ELF)[:50] + b'\xff' * 5000), 'xz data is damaged')
        self.refused(self.bzimage(b'\x28\xb5\x2f\xfd' + b'\xff' * 5000), 'zstd data is damaged|apt-get install zstd')


class Make(unittest.TestCase):
    """The tool, in a folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        before = btf.HERE, btf.README, btf.CACHE
        self.addCleanup(lambda: (setattr(btf, 'HERE', before[0]), setattr(btf, 'README', before[1]),
                                 setattr(btf, 'CACHE', before[2])))
        btf.HERE, btf.README, btf.CACHE = self.folder, self.folder / 'README.md', self.folder / 'cache'
        btf.README.write_text(f'Before.\n{btf.BEGIN}{btf.END}After.\n', encoding='utf-8')
        self.kernel = self.folder / 'vmlinux'
        self.kernel.write_bytes(Kernels.ELF)
        self.programs = btf.Programs(objects('amd64'))

    def add(self, *arguments):
        with redirect_stdout(io.StringIO()):
            return btf.add('amd64', self.programs, *arguments)

    def test_add(self):
        row = self.add(self.kernel)
        self.assertEqual(row.path, self.folder / 'amd64' / f'{Kernels.RELEASE}.btf')
        self.assertEqual(summary(row.path.read_bytes()), summary(Kernels.RAW))
        self.assertEqual((row.source, row.whole, row.asked), ('vmlinux', len(Kernels.RAW), self.programs.digest))
        self.add(self.kernel, '5.0.0-named')
        self.add(self.kernel)  # again: still one row
        self.assertEqual([r.release for r in btf.rows()], ['5.0.0-named', Kernels.RELEASE])
        text = btf.README.read_text(encoding='utf-8')
        self.assertTrue(text.startswith('Before.\n') and text.endswith('After.\n'))

    def test_refused(self):
        raw = self.folder / 'raw'
        raw.write_bytes(Kernels.RAW)
        arm = self.folder / 'arm'
        arm.write_bytes(Kernels.ELF[:18] + struct.pack('<H', 183) + Kernels.ELF[20:])
        for arguments, words in (((raw,), 'NAME=RELEASE'), ((raw, '../up'), 'no release'), ((raw, ''), 'NAME='),
                                 ((raw, 'a' * 65), 'no release'), ((arm,), 'make btf ARCH=arm64'),
                                 ((self.folder,), 'cannot read .*directory'), ((self.folder / 'no',), 'No such file')):
            with self.subTest(arguments), self.assertRaisesRegex(btf.Refused, words):
                self.add(*arguments)
        self.assertEqual(btf.rows(), [])
        self.assertEqual(list(self.folder.glob('amd64/*')), [])
        self.add(raw, '6.1.0')  # the control

    def embed(self):
        out, said, warned = self.folder / 'gen' / 'embedded.inc', io.StringIO(), io.StringIO()
        with redirect_stdout(said), redirect_stderr(warned):
            btf.embed('amd64', self.programs, out)
        return out.read_text(encoding='utf-8'), said.getvalue(), warned.getvalue()

    def test_embed(self):
        table, said, warned = self.embed()
        self.assertIn('embedded[] = {\n};', table)  # nothing to embed is fine
        row = self.add(self.kernel)
        table, said, warned = self.embed()
        self.assertIn(f'{{ "{row.release}", btf_0, sizeof(btf_0), {row.reduced} }}', table)
        self.assertIn(f'{row.release}: {row.reduced} bytes, ', said)
        self.assertEqual(warned, '')
        self.programs.digest = 'other'
        self.assertIn('made for other programs', self.embed()[2])

    def test_by_make(self):
        """What make passes on, up to the refusal."""
        env = {key: value for key, value in os.environ.items() if not key.startswith('MAKE') and key != 'MFLAGS'}
        done = subprocess.run(['make', 'btf', 'VMLINUX=/proc/version', 'NAME=a b'], cwd=ROOT, env=env,
                              capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('cannot use /proc/version: there is no BTF in it', done.stderr)
