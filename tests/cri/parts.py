# SPDX-License-Identifier: Apache-2.0
"""What a container runtime for tests is made of: Debian's binaries, images without a registry, the CRI's messages.

Everything is fetched or built when it is first asked for and lies in ${XDG_CACHE_HOME:-~/.cache}/podtrace/cri, each
thing in a folder named by its version or by what it was made of. What cannot be had here is Unavailable, with the why.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import io
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
LOCK = HERE / 'packages.lock'
PROTO = ROOT / 'build' / 'amd64' / 'sysroot' / 'share' / 'cri-proto' / 'cri.proto'
PAUSE, BUSYBOX = 'localhost/pause:1', 'localhost/busybox:1'
DIST_PACKAGES = '/usr/lib/python3/dist-packages'


class Unavailable(Exception):
    """Something cannot be had on this machine, for the reason given: skip what needs it."""


def cache() -> pathlib.Path:
    base = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(base, 'podtrace', 'cri')


@contextlib.contextmanager
def _making():
    """One maker at a time, and a new folder beside the real one: a killed run leaves nothing half made."""
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / '.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with tempfile.TemporaryDirectory(prefix='new-', dir=cache()) as new:
            yield pathlib.Path(new, 'it')


def made(name: str, make) -> pathlib.Path:
    """The folder NAME of the cache; MAKE(folder) fills it if it is not there yet."""
    final = cache() / name
    if not final.is_dir():
        with _making() as new:
            if not final.is_dir():  # somebody else made it while we waited
                new.mkdir()
                make(new)
                new.rename(final)
    return final


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b'\0'.join(parts)).hexdigest()[:16]


def _run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Unavailable(f'{pathlib.Path(command[0]).name}: {done.stderr.strip().splitlines()[-1]}')
    return done.stdout.strip()


# ---- packages ---------------------------------------------------------------------------------------------------

def _rows() -> list:
    """(package, version, file name) of each line of packages.lock"""
    lines = [line.split() for line in LOCK.read_text(encoding='ascii').splitlines() if line[:1] not in ('#', '')]
    return [(package, version, path.rpartition('/')[2]) for package, version, _, path, _ in lines]


def _unpack(name: str, folder: pathlib.Path):
    if platform.machine() != 'x86_64':
        raise Unavailable('packages.lock has amd64 packages only')
    sources = _run(ROOT / 'third_party' / 'fetch.sh', LOCK)
    _run('dpkg-deb', '-x', f'{sources}/{name}', folder)


def package(wanted: str, version: str = '') -> pathlib.Path:
    """Where the package is unpacked; VERSION is how its version begins."""
    for row, full, name in _rows():
        if row == wanted and full.startswith(version):
            return made(name.removesuffix('.deb'), lambda folder, name=name: _unpack(name, folder))
    raise ValueError(f'packages.lock has no {wanted} {version}')


# ---- images -----------------------------------------------------------------------------------------------------

def _member(name: str, type_=tarfile.REGTYPE, mode=0o755, size=0, link='') -> tarfile.TarInfo:
    """Nothing of the machine or the moment is in it: the same content is the same image."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.linkname = type_, mode, size, link
    return info


def _tar(members) -> bytes:
    """MEMBERS: (TarInfo, content)"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.GNU_FORMAT) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _archive(tag: str, layer: bytes, config: dict) -> bytes:
    """What `docker save` writes, of one layer."""
    about = {'architecture': 'amd64', 'os': 'linux', 'config': config, 'created': '1970-01-01T00:00:00Z',
             'rootfs': {'type': 'layers', 'diff_ids': [f'sha256:{hashlib.sha256(layer).hexdigest()}']}}
    files = {'config.json': json.dumps(about).encode(), 'layer.tar': layer}
    manifest = [{'Config': 'config.json', 'RepoTags': [tag], 'Layers': ['layer.tar']}]
    files['manifest.json'] = json.dumps(manifest).encode()
    return _tar((_member(name, mode=0o644), content) for name, content in files.items())


def pause_binary() -> pathlib.Path:
    def make(folder):
        _run('gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-s', '-o', folder / 'pause', HERE / 'pause.c')
    return made(f'pause-{_digest((HERE / "pause.c").read_bytes())}', make) / 'pause'


def _pause() -> bytes:
    return _archive(PAUSE, _tar([(_member('pause'), pause_binary().read_bytes())]), {'Entrypoint': ['/pause']})


def _busybox() -> bytes:
    binary = (package('busybox-static') / 'bin' / 'busybox').read_bytes()
    names = subprocess.run([package('busybox-static') / 'bin' / 'busybox', '--list'], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.split()
    members = [(_member(name, tarfile.DIRTYPE), b'') for name in ('bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'root')]
    members += [(_member('bin/busybox'), binary), (_member('etc/passwd', mode=0o644), b'root:x:0:0::/:/bin/sh\n')]
    members += [(_member(f'bin/{name}', tarfile.SYMTYPE, link='busybox'), b'') for name in names if name != 'busybox']
    return _archive(BUSYBOX, _tar(members), {'Env': ['PATH=/bin'], 'Cmd': ['sh']})


def images() -> list:
    """The archives to import, one for each of PAUSE and BUSYBOX."""
    def make(folder):
        (folder / 'pause.tar').write_bytes(_pause())
        (folder / 'busybox.tar').write_bytes(_busybox())
    package('busybox-static')  # before the lock of `made` is held
    pause_binary()
    key = _digest(pathlib.Path(__file__).read_bytes(), (HERE / 'pause.c').read_bytes(), LOCK.read_bytes())
    return sorted(made(f'images-{key}', make).glob('*.tar'))


# ---- messages ---------------------------------------------------------------------------------------------------

def grpc():
    """The gRPC library. Debian's, where the Python at work is another one of the same version."""
    os.environ.setdefault('GRPC_ENABLE_FORK_SUPPORT', '0')  # our children exec at once; its handlers only warn
    if not importlib.util.find_spec('grpc') and DIST_PACKAGES not in sys.path:
        sys.path.append(DIST_PACKAGES)
    try:
        return importlib.import_module('grpc')
    except ImportError as why:
        raise Unavailable(f'no gRPC for {sys.executable}: {why}') from why


def _generate(folder: pathlib.Path, text: str):
    (folder / 'cri.proto').write_text(text, encoding='utf-8')
    _run('protoc', f'-I{folder}', f'--python_out={folder}', folder / 'cri.proto')


def messages():
    """The module that protoc makes of cri.proto: the messages of runtime.v1."""
    grpc()  # finds protobuf's library too
    if 'cri_pb2' not in sys.modules:
        if not shutil.which('protoc'):
            raise Unavailable('no protoc here')
        if not PROTO.exists():
            raise Unavailable('the sysroot is not built: make')
        text = PROTO.read_text(encoding='utf-8').replace(' [debug_redact = true]', '')  # an option newer than our protoc
        key = _digest(text.encode(), _run('protoc', '--version').encode())
        sys.path.append(str(made(f'proto-{key}', lambda new: _generate(new, text))))
    return importlib.import_module('cri_pb2')
