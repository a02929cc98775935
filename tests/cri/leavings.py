# SPDX-License-Identifier: Apache-2.0
"""What a run of a rig leaves on this machine, and how it goes: processes, cgroups, and one folder of files.

All is found from the folder, whose name says whose it is. So a test that was killed, and had no time to clean up, is
cleaned up after by the next: sweep().
"""

import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import time

from . import cgroups

END_TIMEOUT = 20
PREFIX = 'podtrace-cri-'
# Of both drivers. They are shared by all rigs of this machine: the last one takes them away.
UPPER_CGROUPS = ('/kubepods/burstable', '/kubepods/besteffort', '/kubepods', '/kubepods.slice/kubepods-burstable.slice',
                 '/kubepods.slice/kubepods-besteffort.slice', '/kubepods.slice')


def new_folder() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix=f'{PREFIX}{os.getpid()}-'))


def remember(folder, cgroup: str):
    """This cgroup is of this run. One write a line: several threads may."""
    with open(pathlib.Path(folder) / 'cgroups', 'a', encoding='utf-8') as known:
        known.write(f'{cgroup}\n')


def processes(folder) -> list:
    """The pids of containerd, its shims and all containers: FOLDER is in the mount table of each, and of no other."""
    found = []
    for entry in os.listdir('/proc'):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                if f'{folder}/' in pathlib.Path('/proc', entry, 'mountinfo').read_text(encoding='utf-8'):
                    found.append(int(entry))
    return found


def end_processes(folder):
    deadline = time.monotonic() + END_TIMEOUT
    while alive := processes(folder):  # again: who was just starting another may have been quicker
        if time.monotonic() > deadline:
            raise TimeoutError(f'{alive} survive SIGKILL')
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def clean(folder):
    """Ends and removes all of a run."""
    folder = pathlib.Path(folder)
    end_processes(folder)
    if (folder / 'cgroups').exists():
        for path in set((folder / 'cgroups').read_text(encoding='utf-8').split()):
            cgroups.kill(path)
            cgroups.remove(path)
    for path in UPPER_CGROUPS:
        cgroups.remove_empty(path)
    shutil.rmtree(folder, ignore_errors=True)  # two may sweep at the same time


def sweep():
    """Cleans up after runs that were killed."""
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f'{PREFIX}*-*'):
        owner = folder.name.removeprefix(PREFIX).partition('-')[0]
        if owner.isdigit() and not os.path.exists(f'/proc/{owner}'):
            clean(folder)
