#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A test machine: a kernel of Debian's, the static binary, busybox and a script, in an emulator, fresh each time.

    machine = Machine('6.1', append='lockdown=integrity')
    machine.add('/bin/podtrace', 'build/amd64/podtrace')
    result = machine.run('podtrace doctor >/out/doctor')
    result.code, result.files['doctor'], result.console

    tests/vm/machine.py 6.1 [--append WORDS] [--file HERE=THERE]... [SCRIPT]
                        by hand: runs SCRIPT (default: standard input), prints what it wrote, exits as it did

The script runs as root with /proc, /sys and /dev mounted and loopback up; there is no disk, no module and no other
process. What it leaves in /out comes back, through a serial line of its own. A script that takes too long is ended in
the machine (code 143), a machine that hangs is killed and its console told. Kernels are those of machines.lock, fetched
into the user's cache once.
"""

import argparse
import contextlib
import dataclasses
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
LOCK = HERE / 'machines.lock'
CACHE = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache') / 'podtrace' / 'vm'
QEMU = 'qemu-system-x86_64'
CPU = 'max,-cx16'  # qemu 7.2 spoils the flags behind cmpxchg16b now and then: a double fault in kmalloc (6.12)
MEMORY_MIB = 256
TIMEOUT = 120  # seconds of the script
AROUND = 60  # seconds to start and to bring back what it left: 3 on an idle host

INIT = b"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mkdir -p /proc /sys /dev /tmp /out
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
ifconfig lo up
cd /tmp
timeout TIMEOUT sh /script >/out/script.log 2>&1 </dev/null
echo $? >/out/script.code
stty -F /dev/ttyS1 raw
tar -cz -C /out . >/dev/ttyS1
poweroff -f
"""


class Unavailable(Exception):
    """Why there can be no machine here."""


@dataclasses.dataclass
class Result:
    code: int  # the script's
    console: str  # what the kernel said
    files: dict  # name below /out: bytes

    @property
    def log(self) -> str:
        """What the script said."""
        return self.files['script.log'].decode('utf-8', 'replace')


# ---- parts ------------------------------------------------------------------------------------------------------

def rows() -> dict:
    """{name: (file name, SHA-256)} of machines.lock."""
    lines = (line.split() for line in LOCK.read_text(encoding='utf-8').splitlines() if line and line[0] != '#')
    return {name: (path.rpartition('/')[2], digest) for name, _, _, path, digest in lines}


def part(name: str, inside: str) -> pathlib.Path:
    """The file of that package whose path begins with INSIDE, from the cache."""
    if name not in rows():
        raise Unavailable(f'machines.lock has no {name}')
    package, digest = rows()[name]
    path = CACHE / digest / inside.rpartition('/')[2]
    if not path.exists():
        fetched = subprocess.run([ROOT / 'third_party' / 'fetch.sh', LOCK], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if fetched.returncode:
            raise Unavailable(fetched.stderr.strip())
        _unpack(pathlib.Path(fetched.stdout.strip(), package), inside, path)
    return path


def _unpack(package, inside, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', package], stdout=subprocess.PIPE) as unpacked:
        with tarfile.open(fileobj=unpacked.stdout, mode='r|') as tar:
            for member in tar:
                if member.isfile() and member.name.startswith('./' + inside):
                    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                        shutil.copyfileobj(tar.extractfile(member), file)
                    os.replace(file.name, path)
        unpacked.stdout.read()


def cpio(entries) -> bytes:
    """An initramfs (newc) of (path, mode, bytes or the numbers of a device)."""
    out = io.BytesIO()
    for path, mode, content in [*entries, ('TRAILER!!!', 0, b'')]:
        name = path.strip('/').encode() + b'\0'
        device = content if isinstance(content, tuple) else (0, 0)
        data = b'' if isinstance(content, tuple) else content
        fields = (out.tell(), mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        for piece in (b'070701' + b''.join(b'%08x' % field for field in fields) + name, data):
            out.write(piece + bytes(-len(piece) % 4))
    return out.getvalue()


# ---- the machine ------------------------------------------------------------------------------------------------

class Machine:
    def __init__(self, kernel: str, append='', memory=MEMORY_MIB, processors=1, counting=False):
        """counting: its clock counts the instructions that the processor has run, one a nanosecond. Two runs of the
        same are the same but for one instruction in a thousand; kernel addresses must be too (nokaslr)."""
        if not shutil.which(QEMU):
            raise Unavailable(f'no {QEMU} here: apt-get install qemu-system-x86')
        self.kernel = part(f'linux-{kernel}', 'boot/vmlinuz-')
        self.append, self.memory, self.processors = append, memory, processors
        # memory is copied by loops that count, not by one instruction that does it all (rep movsb)
        self.accelerator = ['-cpu', f'{CPU},-erms,-fsrm', '-accel', 'tcg,thread=single', '-icount',
                          'shift=0,sleep=off'] if counting else ['-cpu', CPU, '-accel', 'tcg']
        self.files = {'/bin/busybox': part('busybox-static', 'bin/busybox').read_bytes()}

    def add(self, there: str, content):
        """A file, all may run it: its bytes, or the path of one here."""
        self.files[there] = content if isinstance(content, bytes) else pathlib.Path(content).read_bytes()

    def _initramfs(self, script, timeout) -> bytes:
        init = INIT.replace(b'TIMEOUT', b'%d' % timeout)
        files = {**self.files, '/init': init, '/script': script.encode()}
        folders = sorted({str(parent) for path in files for parent in pathlib.PurePath(path).parents} - {'/'})
        return cpio([*((folder, 0o40755, b'') for folder in [*folders, '/dev']), ('/dev/console', 0o20600, (5, 1)),
                     *((path, 0o100755, content) for path, content in files.items())])

    def run(self, script: str, timeout=TIMEOUT) -> Result:
        with tempfile.TemporaryDirectory(prefix='podtrace-vm-') as folder:
            console, out, initrd = (pathlib.Path(folder, name) for name in ('console', 'out', 'initrd'))
            initrd.write_bytes(self._initramfs(script, timeout))
            command = [QEMU, '-M', 'q35', *self.accelerator, '-m', str(self.memory), '-smp', str(self.processors),
                       '-nodefaults', '-no-user-config', '-nographic', '-display', 'none', '-no-reboot',
                       '-serial', f'file:{console}', '-serial', f'file:{out}', '-kernel', self.kernel,
                       '-initrd', initrd, '-append', f'console=ttyS0 panic=-1 quiet {self.append}']
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(command, stdin=subprocess.DEVNULL, timeout=timeout + AROUND, check=True)
            told = console.read_text(encoding='utf-8', errors='replace')
            try:
                files = self._files(out)
            except (tarfile.TarError, EOFError) as why:
                raise AssertionError(f'the machine brought nothing back; its console:\n{told}') from why
        return Result(int(files['script.code']), told, files)

    @staticmethod
    def _files(path) -> dict:
        with tarfile.open(path) as tar:
            return {member.name.removeprefix('./'): tar.extractfile(member).read() for member in tar
                    if member.isfile()}


def main():
    parser = argparse.ArgumentParser(description='Runs a script in a test machine.')
    parser.add_argument('kernel', help=', '.join(name[6:] for name in rows() if name.startswith('linux-')))
    parser.add_argument('script', nargs='?', type=argparse.FileType(), default=sys.stdin)
    parser.add_argument('--append', default='', help='words for the kernel command line')
    parser.add_argument('--file', action='append', default=[], metavar='HERE=THERE')
    parser.add_argument('--timeout', type=int, default=TIMEOUT)
    options = parser.parse_intermixed_args()
    try:
        machine = Machine(options.kernel, options.append)
        for pair in options.file:
            here, _, there = pair.partition('=')
            machine.add(there, here)
        result = machine.run(options.script.read(), options.timeout)
    except (Unavailable, AssertionError) as why:
        sys.exit(f'machine.py: {why}')
    sys.stdout.write(result.log)
    sys.exit(result.code)


if __name__ == '__main__':
    main()
