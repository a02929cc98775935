# SPDX-License-Identifier: Apache-2.0
"""The root file system of a machine with systemd, as an initramfs: Debian's systemd and what it cannot start without.

There is no disk, and so no driver and no image to be made by root: the packages of systemd.lock go as they are into one
archive, without documentation and the like. It lies in the user's cache under a name made of all that it was made of.
"""

import hashlib
import io
import pathlib
import subprocess
import tarfile

import machine
from cri import parts

LOCK = machine.HERE / 'systemd.lock'
# /bin and the others are links to these, as on any Debian of today
MERGED = ('bin', 'sbin', 'lib', 'lib64')
# Of no use here: 40 MB, and a dozen programs that would look for disks.
LEFT_OUT = ('usr/share/', 'usr/lib/x86_64-linux-gnu/gconv/', 'usr/lib/udev/', 'var/lib/dpkg/', 'usr/lib/systemd/catalog/',
            'usr/lib/systemd/system-generators/')
# Units that want what there is not: another program, a terminal, a disk, a module. They would fail, or take their time.
MASKED = ('dev-hugepages.mount', 'dev-mqueue.mount', 'getty.target', 'kmod-static-nodes.service',
          'proc-sys-fs-binfmt_misc.automount', 'sys-fs-fuse-connections.mount', 'sys-kernel-config.mount',
          'systemd-ask-password-console.path', 'systemd-ask-password-wall.path', 'systemd-binfmt.service',
          'systemd-firstboot.service', 'systemd-initctl.socket', 'systemd-logind.service', 'systemd-modules-load.service',
          'systemd-random-seed.service', 'systemd-remount-fs.service', 'systemd-repart.service', 'systemd-sysusers.service',
          'systemd-tmpfiles-clean.timer', 'systemd-update-utmp-runlevel.service', 'systemd-update-utmp.service',
          'systemd-user-sessions.service')
# systemd does the rest. runc pivots the root, which cannot be done with that of an initramfs, but with a mount of it. A
# machine whose test was killed ends by itself.
INIT = b"""#!/bin/sh
for module in /modules/*; do
	insmod $module
done
ifconfig lo up
ifconfig eth0 10.0.2.15 up
(sleep 900; poweroff -f) &
mkdir /root-again
mount --bind / /root-again
cd /root-again
mount --move . /
exec chroot . /lib/systemd/systemd
"""
# A line to this port is a shell, in a service of its own.
SHELL_SOCKET = b"""[Socket]
ListenStream=9998
Accept=yes
"""
SHELL_SERVICE = b"""[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=-/bin/sh
Environment=PATH=/usr/sbin:/usr/bin
StandardInput=socket
StandardError=inherit
KillMode=process
"""
FILES = {
    'etc/passwd': b'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
    'etc/group': b'root:x:0:\nadm:x:4:\ntty:x:5:\nutmp:x:43:\nsystemd-journal:x:101:\nnogroup:x:65534:\n',
    'etc/hosts': b'127.0.0.1 localhost\n',
    'etc/resolv.conf': b'',
    'etc/hostname': b'node-1\n',
    'etc/machine-id': b'0123456789abcdef0123456789abcdef\n',
    'etc/os-release': b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    'etc/systemd/system/shell.socket': SHELL_SOCKET,
    'etc/systemd/system/shell@.service': SHELL_SERVICE,
}
LINKS = {
    'etc/systemd/system/default.target': '/lib/systemd/system/multi-user.target',
    'etc/systemd/system/sockets.target.wants/shell.socket': '/etc/systemd/system/shell.socket',
    'etc/systemd/system/multi-user.target.wants/containerd.service': '/lib/systemd/system/containerd.service',
    **{f'etc/systemd/system/{unit}': '/dev/null' for unit in MASKED},
}


def _place(name: str) -> str:
    name = name.removeprefix('./').strip('/')
    return f'usr/{name}' if name.partition('/')[0] in MERGED else name


def _unpack(package: pathlib.Path) -> dict:
    """{path: (mode, content)} of a package."""
    done = subprocess.run(['dpkg-deb', '--fsys-tarfile', package], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise machine.Unavailable(f'dpkg-deb cannot read {package.name}')
    out = {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        for member in tar:
            path = _place(member.name)
            if path.startswith(LEFT_OUT):
                continue
            if member.issym():
                out[path] = 0o120777, member.linkname.encode()
            elif member.isfile() or member.islnk():
                out[path] = 0o100000 | member.mode, tar.extractfile(member).read()
    return out


def _busybox() -> dict:
    binary = parts.package('busybox-static') / 'bin' / 'busybox'
    names = subprocess.run([binary, '--list'], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return {'usr/bin/busybox': (0o100755, binary.read_bytes()),
            **{f'usr/bin/{name}': (0o120777, b'busybox') for name in names if name != 'busybox'}}


def archive(files: dict) -> bytes:
    """An initramfs of {path: (mode, content)}; several may follow each other, a later file in an earlier's place."""
    folders = sorted({str(parent) for path in files for parent in pathlib.PurePath(path).parents} - {'.'})
    return machine.cpio([*((folder, 0o40755, b'') for folder in folders),
                         *((path, mode, content) for path, (mode, content) in files.items())])


def _make(folder: pathlib.Path, packages):
    files = _busybox()
    for package in packages:
        files.update(_unpack(package))
    files.update({path: (0o100644, content) for path, content in FILES.items()})
    files.update({path: (0o120777, target.encode()) for path, target in LINKS.items()})
    files.update({name: (0o120777, f'usr/{name}'.encode()) for name in MERGED})
    files['init'] = 0o100755, INIT
    empty = {f'{name}/.keep': (0o100644, b'') for name in ('proc', 'sys', 'dev', 'run', 'tmp', 'root', 'var/log')}
    (folder / 'root.cpio').write_bytes(machine.cpio([('dev', 0o40755, b''), ('dev/console', 0o20600, (5, 1))])
                                       + archive({**files, **empty}))


def modules(kernel: str, names) -> list:
    """The bytes of each, in that order."""
    def make(folder):
        with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', package], stdout=subprocess.PIPE) as unpacked:
            with tarfile.open(fileobj=unpacked.stdout, mode='r|') as tar:
                for member in tar:
                    path = pathlib.PurePath(member.name)
                    if member.isfile() and path.stem in names and path.suffix == '.ko':
                        (folder / path.name).write_bytes(tar.extractfile(member).read())
            unpacked.stdout.read()
    name = f'modules-{hashlib.sha256(" ".join([machine.rows()[kernel][1], *names]).encode()).hexdigest()[:16]}'
    if not (parts.cache() / name).exists():  # before the lock of `made` is held
        package = machine.package_of(kernel)
    folder = parts.made(name, make)
    return [(folder / f'{one}.ko').read_bytes() for one in names]


def cpio() -> pathlib.Path:
    """The archive, made when it is first asked for."""
    lines = [line.split() for line in LOCK.read_text(encoding='ascii').splitlines() if line[:1] not in ('#', '')]
    made_of = (LOCK, parts.LOCK, pathlib.Path(__file__), pathlib.Path(machine.__file__))
    name = f'systemd-{hashlib.sha256(b"".join(path.read_bytes() for path in made_of)).hexdigest()[:16]}'
    if not (parts.cache() / name).exists():
        parts.package('busybox-static')
        sources = machine.fetch(LOCK)
    return parts.made(name, lambda folder: _make(folder, [sources / row[3].rpartition('/')[2] for row in lines])) / 'root.cpio'
