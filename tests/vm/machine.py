#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A test machine: a kernel of Debian's, the static binary, busybox and a script, in an emulator, fresh each time.

    machine = Machine('6.1', append='lockdown=integrity')
    machine.add('/bin/podtrace', 'build/amd64/podtrace')
    result = machine.run('podtrace doctor >/out/doctor')
    result.code, result.files['doctor'], result.console

    tests/vm/machine.py 6.1 [--arch arm64] [--append WORDS] [--file HERE=THERE]... [SCRIPT]
                        by hand: runs SCRIPT (default: standard input), prints what it wrote, exits as it did;
                        with --shell a shell on this terminal instead

The script runs as root with /proc, /sys and /dev mounted and loopback up; there is no disk, no module and no other
process. What it leaves in /out comes back, through a serial line of its own. A script that takes too long is ended in
the machine (code 143), a machine that hangs is killed and its console told. Kernels are those of machines.lock, fetched
into the user's cache once.
"""

import argparse
import contextlib
import dataclasses
import fnmatch
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
CPU = 'max,-cx16'  # qemu 7.2 spoils the flags behind cmpxchg16b now and then: a double fault in kmalloc (6.12)
MEMORY_MIB = 256
TIMEOUT = 400  # seconds in the machine: all families are loaded several times, on a host that does other work
AROUND = 60  # seconds to start and to bring back what it left: 3 on an idle host



@dataclasses.dataclass
class Arch:
    suffix: str  # of its names in machines.lock
    qemu: str
    package: str  # that has it
    machine: tuple
    counting: tuple  # the same with a clock that counts instructions
    console: str
    out: str  # the second serial line
    out_device: tuple
    compiler: str


# memory is copied by loops that count, not by one instruction that does it all (rep movsb)
ARCHES = {
    'amd64': Arch('', 'qemu-system-x86_64', 'qemu-system-x86', ('-M', 'q35', '-cpu', CPU),
                  ('-M', 'q35', '-cpu', f'{CPU},-erms,-fsrm'), 'ttyS0', 'ttyS1', ('-serial', 'chardev:out'), 'gcc'),
    'arm64': Arch('-arm64', 'qemu-system-aarch64', 'qemu-system-arm', ('-M', 'virt,gic-version=3', '-cpu', 'cortex-a57'),
                  ('-M', 'virt,gic-version=3', '-cpu', 'cortex-a57'), 'ttyAMA0', 'ttyS0',
                  ('-device', 'pci-serial,chardev=out'), 'aarch64-linux-gnu-gcc'),
}

INIT = b"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mkdir -p /proc /sys /dev /tmp /out
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
ifconfig lo up
cd /tmp
"""
BATCH = b"""
timeout TIMEOUT sh /script >/out/script.log 2>&1 </dev/null
echo $? >/out/script.code
stty -F /dev/SERIAL raw
tar -cz -C /out . >/dev/SERIAL
poweroff -f
"""
SHELL = b"""
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
echo "$(uname -r) on $(uname -m); podtrace is in /bin; exit, or Ctrl-A X, ends the machine"
setsid cttyhack sh
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


def part(name: str, inside: tuple) -> pathlib.Path:
    """The first file of that package whose path begins as one of INSIDE does, from the cache."""
    if name not in rows():
        raise Unavailable(f'machines.lock has no {name}; it has {", ".join(sorted(rows()))}')
    path = CACHE / rows()[name][1] / inside[0].rpartition('/')[2]
    if not path.exists():
        _unpack(package_of(name), inside, path)
    return path


def package_of(name: str) -> pathlib.Path:
    """That package of machines.lock, fetched."""
    row = next(line for line in LOCK.read_text(encoding='utf-8').splitlines() if line.split()[:1] == [name])
    with tempfile.NamedTemporaryFile('w', prefix='podtrace-', suffix='.lock') as alone:
        alone.write(row + '\n')
        alone.flush()
        return fetch(alone.name) / rows()[name][0]


def fetch(lock) -> pathlib.Path:
    """The folder with all that this lock file names."""
    fetched = subprocess.run([ROOT / 'third_party' / 'fetch.sh', lock], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False)
    if fetched.returncode:
        raise Unavailable(fetched.stderr.strip())
    return pathlib.Path(fetched.stdout.strip())


def _unpack(package, inside, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', package], stdout=subprocess.PIPE) as unpacked:
        with tarfile.open(fileobj=unpacked.stdout, mode='r|') as tar:
            for member in tar:
                if member.isfile() and any(fnmatch.fnmatch(member.name, f'./{start}*') for start in inside):
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
    def __init__(self, kernel: str, append='', memory=MEMORY_MIB, processors=1, counting=False, arch='amd64'):
        """counting: its clock counts the instructions that the processor has run, one a nanosecond. Two runs of the
        same are the same but for one instruction in a thousand; kernel addresses must be too (nokaslr)."""
        self.name, self.arch = arch, ARCHES[arch]
        if not shutil.which(self.arch.qemu):
            raise Unavailable(f'no {self.arch.qemu} here: apt-get install {self.arch.package}')
        self.kernel = part(f'linux-{kernel}{self.arch.suffix}', ('boot/vmlinuz-', 'usr/lib/modules/*/vmlinuz'))
        self.append, self.memory, self.processors = append, memory, processors
        # by one thread: two of them do not always survive it when the kernel patches what the other one runs (qemu 7.2)
        self.accelerator = [*self.arch.counting, '-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off'] \
            if counting else [*self.arch.machine, '-accel', 'tcg,thread=single']
        self.files = {'/bin/busybox': part(f'busybox-static{self.arch.suffix}', ('bin/busybox',)).read_bytes()}

    def add(self, there: str, content):
        """A file, all may run it: its bytes, or the path of one here."""
        self.files[there] = content if isinstance(content, bytes) else pathlib.Path(content).read_bytes()

    def add_podtrace(self):
        """The one of $PODTRACE, or of the build."""
        default = ROOT / 'build' / self.name / 'podtrace'
        path = pathlib.Path(os.environ.get('PODTRACE', default) if self.name == 'amd64' else default)
        if not path.exists():
            raise Unavailable(f'podtrace is not built: make ARCH={self.name}')
        self.add('/bin/podtrace', path)

    def add_program(self, there: str, source):
        """A static program, of one C source."""
        if not shutil.which(self.arch.compiler):
            raise Unavailable(f'no {self.arch.compiler} here: third_party/install-packages.sh {self.name}')
        with tempfile.TemporaryDirectory(prefix='podtrace-vm-') as folder:
            out = pathlib.Path(folder, 'out')
            subprocess.run([self.arch.compiler, '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-pthread', '-o', out,
                            source], check=True)
            self.add(there, out)

    def _initramfs(self, init, script='') -> bytes:
        files = {**self.files, '/init': INIT + init, '/script': script.encode()}
        folders = sorted({str(parent) for path in files for parent in pathlib.PurePath(path).parents} - {'/'})
        return cpio([*((folder, 0o40755, b'') for folder in [*folders, '/dev']), ('/dev/console', 0o20600, (5, 1)),
                     *((path, 0o100755, content) for path, content in files.items())])

    def command(self, initrd, *serial) -> list:
        return [self.arch.qemu, *self.accelerator, '-m', str(self.memory), '-smp', str(self.processors), '-nodefaults',
                '-no-user-config', '-nographic', '-display', 'none', '-no-reboot', *serial, '-kernel', self.kernel,
                '-initrd', initrd, '-append', f'console={self.arch.console} panic=-1 quiet {self.append}']

    def shell(self):
        """For a person: a shell on this terminal."""
        with tempfile.NamedTemporaryFile(prefix='podtrace-vm-') as initrd:
            initrd.write(self._initramfs(SHELL))
            initrd.flush()
            subprocess.run(self.command(initrd.name, '-serial', 'mon:stdio'), check=True)

    def run(self, script: str, timeout=TIMEOUT) -> Result:
        with tempfile.TemporaryDirectory(prefix='podtrace-vm-') as folder:
            console, out, initrd = (pathlib.Path(folder, name) for name in ('console', 'out', 'initrd'))
            batch = BATCH.replace(b'TIMEOUT', b'%d' % timeout).replace(b'SERIAL', self.arch.out.encode())
            initrd.write_bytes(self._initramfs(batch, script))
            command = self.command(initrd, '-serial', f'file:{console}', '-chardev', f'file,id=out,path={out}',
                                   *self.arch.out_device)
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
    parser.add_argument('--arch', choices=ARCHES, default='amd64')
    parser.add_argument('--append', default='', help='words for the kernel command line')
    parser.add_argument('--file', action='append', default=[], metavar='HERE=THERE')
    parser.add_argument('--timeout', type=int, default=TIMEOUT)
    parser.add_argument('--shell', action='store_true', help='a shell on this terminal instead of a script')
    options = parser.parse_intermixed_args()
    try:
        machine = Machine(options.kernel, options.append, arch=options.arch)
        for pair in options.file:
            here, _, there = pair.partition('=')
            machine.add(there, here)
        if options.shell:
            machine.shell()
            return
        result = machine.run(options.script.read(), options.timeout)
    except (Unavailable, AssertionError) as why:
        sys.exit(f'machine.py: {why}')
    sys.stdout.write(result.log)
    sys.exit(result.code)


if __name__ == '__main__':
    main()
