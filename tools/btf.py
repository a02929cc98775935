#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reduced BTF of btf/: makes it, and makes C of it. Called by make; `make btf` is the way to use it.

    tools/btf.py --arch ARCH --objects OBJECT... add [--name RELEASE] FILE   a kernel more, or one anew
    tools/btf.py --arch ARCH --objects OBJECT... all                         every kernel of btf/README.md anew
    tools/btf.py --arch ARCH --objects OBJECT... embed OUT                   the table for src/capture/btf_embedded.c

Reduced to what the BPF objects ask for (bpftool gen min_core_btf). When these ask for more, every file has to be made
anew: so btf/README.md has for each the digest of what was asked. Whole BTF is kept in the user's cache for that.
"""
import argparse
import dataclasses
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zlib

import btf_image
import btf_types

ROOT = pathlib.Path(__file__).resolve().parents[1]
HERE = ROOT / 'btf'
README = HERE / 'README.md'
LOCK = HERE / 'debian.lock'
CACHE = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache') / 'podtrace' / 'btf'
OWN = '/sys/kernel/btf/vmlinux'
BEGIN, END = '<!-- written by make btf -->\n', '<!-- to here -->\n'
HEAD = '| arch | kernel | made from | whole | reduced | asked |\n|---|---|---|--:|--:|---|\n'
IMAGE = re.compile(r'\./(boot/vmlinuz-|(usr/)?lib/modules/[^/]+/vmlinuz$)')
RELEASE = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}')


class Refused(Exception):
    """Why it cannot be done, and what to do."""


@dataclasses.dataclass(order=True)
class Row:
    arch: str
    release: str
    source: str
    whole: int
    reduced: int
    asked: str

    @property
    def path(self):
        return HERE / self.arch / f'{self.release}.btf'

    def __str__(self):
        return f'| {self.arch} | {self.release} | {self.source} | {self.whole} | {self.reduced} | {self.asked} |\n'


def rows() -> list:
    table = README.read_text(encoding='utf-8').partition(BEGIN)[2].partition(END)[0]
    out = []
    for line in table.splitlines()[2:]:
        arch, release, source, whole, reduced, asked = (cell.strip() for cell in line.strip('|').split('|'))
        out.append(Row(arch, release, source, int(whole), int(reduced), asked))
    return out


def write_rows(new):
    before, _, rest = README.read_text(encoding='utf-8').partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(before + BEGIN + HEAD + ''.join(map(str, sorted(new))) + END + after, encoding='utf-8')


class Programs:
    """The BPF objects that kernels' types are reduced for."""

    def __init__(self, paths):
        self.paths = [path for path in sorted(paths) if self._asks(path)]
        self.asked = btf_types.asked(path.read_bytes() for path in self.paths)
        self.digest = hashlib.sha256('\n'.join(sorted(self.asked)).encode()).hexdigest()[:12]

    @staticmethod
    def _asks(path) -> bool:
        elf = path.read_bytes()
        return '.BTF.ext' in btf_types.sections(elf) and bool(btf_types.asked([elf]))

    def reduce(self, whole: bytes) -> bytes:
        with tempfile.TemporaryDirectory(prefix='podtrace-btf-') as folder:
            source, target = pathlib.Path(folder, 'whole'), pathlib.Path(folder, 'reduced')
            source.write_bytes(whole)
            done = subprocess.run([os.environ.get('BPFTOOL', 'bpftool'), 'gen', 'min_core_btf', source, target,
                                   *self.paths], capture_output=True, text=True, check=False)
            if done.returncode or not target.exists():
                raise Refused(f'bpftool gen min_core_btf: {(done.stderr or done.stdout).strip()}')
            return target.read_bytes()


# ---- a kernel more ----------------------------------------------------------------------------------------------

def release_of(path, full, name) -> str:
    release = name or full.release or (os.uname().release if str(path) == OWN else None)
    if not release:
        raise Refused(f'{path} does not tell of which kernel it is: make btf VMLINUX={path} NAME=RELEASE, as '
                      '"uname -r" says it there')
    if not RELEASE.fullmatch(release):
        raise Refused(f'"{release}" is no release of a kernel, as "uname -r" says it')
    return release


def add(arch, programs, path, name=None, source=None) -> Row:
    try:
        full = btf_image.read(path)
    except OSError as why:
        raise Refused(f'cannot read {path}: {why.strerror}') from why
    except btf_image.Unusable as why:
        raise Refused(f'cannot use {path}: {why}') from why
    if full.arch not in (None, arch):
        raise Refused(f'{path} is a kernel for {full.arch}: make btf ARCH={full.arch} VMLINUX={path}')
    release = release_of(path, full, name)
    reduced = programs.reduce(full.btf)
    row = Row(arch, release, source or pathlib.PurePath(path).name, len(full.btf), len(reduced), programs.digest)
    kept = CACHE / arch / f'{release}.btf'
    for where, content in ((kept, full.btf), (row.path, reduced)):
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content)
    write_rows([old for old in rows() if (old.arch, old.release) != (arch, release)] + [row])
    print(f'  BTF     {arch} {release}: {row.reduced} bytes of {row.whole}')
    return row


def packages(arch) -> list:
    """(what it is, file name) of the lock's packages for this architecture."""
    lines = (line.split() for line in LOCK.read_text(encoding='utf-8').splitlines() if line and line[0] != '#')
    return [(f'{package} {version}', path.rpartition('/')[2]) for package, version, _, path, _ in lines
            if path.endswith(f'_{arch}.deb')]


def from_package(package, folder) -> pathlib.Path:
    """The kernel's image out of a Debian package."""
    target = pathlib.Path(folder, 'vmlinuz')
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', package], stdout=subprocess.PIPE) as unpacked:
        with tarfile.open(fileobj=unpacked.stdout, mode='r|') as tar:
            for member in tar:
                if member.isfile() and IMAGE.match(member.name):
                    target.write_bytes(tar.extractfile(member).read())
        unpacked.stdout.read()
    if not target.exists():
        raise Refused(f'{package} has no kernel in it')
    return target


def add_all(arch, programs):
    fetched = subprocess.run([ROOT / 'third_party' / 'fetch.sh', LOCK], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode:
        raise Refused('the kernels of btf/debian.lock cannot be had')
    done = set()
    for source, name in packages(arch):
        with tempfile.TemporaryDirectory(prefix='podtrace-btf-') as folder:
            image = from_package(pathlib.Path(fetched.stdout.strip(), name), folder)
            done.add(add(arch, programs, image, source=source).release)
    lacking = []
    for row in rows():
        kept = CACHE / arch / f'{row.release}.btf'
        if row.arch != arch or row.release in done:
            continue
        if kept.exists():
            add(arch, programs, kept, row.release, row.source)
        elif row.asked != programs.digest:
            lacking.append(f'make btf ARCH={arch} NAME={row.release} VMLINUX={row.source}')
    if lacking:
        raise Refused('not made anew, because their kernels are not here: ' + '; '.join(lacking))


# ---- into the binary --------------------------------------------------------------------------------------------

def embed(arch, programs, out):
    """One array for each kernel, and the table of them."""
    arrays, table = [], []
    for n, row in enumerate(row for row in sorted(rows()) if row.arch == arch):
        raw = row.path.read_bytes()
        packed = zlib.compress(raw, 9)
        lines = [packed[i:i + 24] for i in range(0, len(packed), 24)]
        text = ',\n\t'.join(', '.join(map(str, line)) for line in lines)
        arrays.append(f'static const u8 btf_{n}[] = {{\n\t{text}\n}};\n')
        table.append(f'\t{{ "{row.release}", btf_{n}, sizeof(btf_{n}), {len(raw)} }},\n')
        print(f'  BTF     {arch} {row.release}: {len(raw)} bytes, {len(packed)} in the binary')
        if row.asked != programs.digest:
            print(f'btf/{arch}/{row.release}.btf: made for other programs, what reads more than these did stays off '
                  'on that kernel: make btf', file=sys.stderr)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text('/* Made by tools/btf.py from btf/. */\n' + ''.join(arrays) +
                   'static const struct btf_embedded embedded[] = {\n' + ''.join(table) + '};\n', encoding='utf-8')


def main():
    parser = argparse.ArgumentParser(description='Makes the reduced BTF of btf/, and C of it.')
    parser.add_argument('--arch', required=True, choices=('amd64', 'arm64'))
    parser.add_argument('--objects', required=True, type=lambda text: [pathlib.Path(path) for path in text.split()])
    commands = parser.add_subparsers(dest='command', required=True)
    one = commands.add_parser('add')
    one.add_argument('--name')
    one.add_argument('file')
    commands.add_parser('all')
    commands.add_parser('embed').add_argument('out', type=pathlib.Path)
    o = parser.parse_args()
    programs = Programs(o.objects)
    try:
        if o.command == 'add':
            add(o.arch, programs, o.file, o.name)
        elif o.command == 'all':
            add_all(o.arch, programs)
        else:
            embed(o.arch, programs, o.out)
    except Refused as why:
        sys.exit(f'make btf: {why}')


if __name__ == '__main__':
    main()
