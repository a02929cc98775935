# SPDX-License-Identifier: Apache-2.0
"""A pod's cgroups as a kubelet makes them: in every hierarchy of the node, v1 and v2, and gone with the pod."""

import contextlib
import os
import pathlib
import signal
import time

REMOVE_TIMEOUT = 10


def hierarchies() -> list:
    """(type, mount point) of each cgroup tree of the node that is mounted as a whole; v2 is the one of type cgroup2."""
    found = []
    for line in pathlib.Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines():
        fields, _, rest = line.partition(' - ')
        root, mountpoint = fields.split()[3:5]
        type_ = rest.split()[0]
        if type_ in ('cgroup', 'cgroup2') and root == '/' and mountpoint.startswith('/sys/fs/cgroup'):
            found.append((type_, mountpoint))
    return found


def v2_root() -> str:
    return next(mountpoint for type_, mountpoint in hierarchies() if type_ == 'cgroup2')


def make(path: str, types=('cgroup', 'cgroup2')):
    """PATH begins with a slash and means the same place in each hierarchy. With TYPES only in those."""
    for type_, mountpoint in hierarchies():
        while type_ in types and not os.path.isdir(mountpoint + path):
            with contextlib.suppress(FileNotFoundError):  # another rig took an empty parent away: again
                os.makedirs(mountpoint + path, exist_ok=True)


def folders(path: str) -> list:
    """All that is there at PATH and below, of each hierarchy, the deepest first."""
    return [folder for _, mountpoint in hierarchies()
            for folder, _, _ in os.walk(mountpoint + path, topdown=False)]


def pids(path: str) -> set:
    found = set()
    for folder in folders(path):
        try:
            found.update(map(int, pathlib.Path(folder, 'cgroup.procs').read_text(encoding='ascii').split()))
        except OSError:
            continue  # gone meanwhile
    return found - {0}  # of another pid namespace


def kill(path: str):
    for pid in pids(path):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def remove(path: str):
    """Takes PATH away with all below it. A process that was just killed still counts for a moment."""
    deadline = time.monotonic() + REMOVE_TIMEOUT
    while left := [folder for folder in folders(path) if not _rmdir(folder)]:
        if time.monotonic() > deadline:
            raise TimeoutError(f'{left[0]} is still busy after {REMOVE_TIMEOUT} s')
        time.sleep(0.005)


def remove_empty(path: str):
    """Takes PATH away where nobody else has something in it."""
    for _, mountpoint in hierarchies():
        _rmdir(mountpoint + path)


def _rmdir(folder: str) -> bool:
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True
