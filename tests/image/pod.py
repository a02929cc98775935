# SPDX-License-Identifier: Apache-2.0
"""The DaemonSet of deploy/base, run here: its container with its mounts, capabilities and environment, and no more.

What a kubelet and a runtime do for it is done with unshare, mount and capsh: own mount and cgroup namespace, read-only
root, fresh /proc and /sys, host paths, only the named capabilities, no_new_privs. The pid namespace is the node's, as
hostPID says. Not done: seccomp. (By hand with containerd 1.6.20 and runc, under containerd's default profile: all
features on.)
"""
import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import time

import yaml

ROOT = pathlib.Path(__file__).parents[2]
BASE = ROOT / 'deploy' / 'base'
START_TIMEOUT = 20
STOP_TIMEOUT = 20
NODE = 'node-of-the-test'


def load(name):
    [thing] = load_all(name)
    return thing


def load_all(name):
    with open(BASE / name, encoding='utf-8') as f:
        return list(yaml.safe_load_all(f))


def all_capabilities():
    """Those this kernel knows, in lower case without cap_; not each is ours to give."""
    with open('/proc/self/status', encoding='utf-8') as status:
        bounding = int(re.search(r'^CapBnd:\s*(\w+)$', status.read(), re.M).group(1), 16)
    names = subprocess.run(['capsh', f'--decode={bounding:x}'], capture_output=True, text=True, check=True).stdout
    return [name.removeprefix('cap_') for name in names.strip().split('=')[1].split(',')]


def entering(cgroup):
    """For preexec_fn: the child moves itself into CGROUP."""
    def enter():
        if cgroup:
            pathlib.Path(cgroup, 'cgroup.procs').write_text('0', encoding='ascii')
    return enter


class Pod:
    """What the manifest says of the one container."""

    def __init__(self):
        self.spec = load('daemonset.yaml')['spec']['template']['spec']
        [self.container] = self.spec['containers']
        self.security = self.container['securityContext']
        self.capabilities = [name.lower() for name in self.security['capabilities']['add']]
        self.kustomization = load('kustomization.yaml')

    def mounts(self):
        """(path on the node, path in the container)"""
        paths = {volume['name']: volume['hostPath']['path'] for volume in self.spec['volumes']}
        return [(paths[mount['name']], mount['mountPath']) for mount in self.container['volumeMounts']]

    def environment(self):
        values = {'NODE_NAME': NODE}
        for generator in self.kustomization['configMapGenerator']:
            values.update(literal.split('=', 1) for literal in generator['literals'])
        for variable in self.container['env']:
            if 'value' in variable:
                values[variable['name']] = variable['value']
        return values


def make_mount_points(rootfs):
    """The image has none; a runtime makes them before the root becomes read-only."""
    for place in ['/proc', '/sys'] + [target for _, target in Pod().mounts()]:
        os.makedirs(f'{rootfs}{place}', exist_ok=True)


class Run:
    """A podtrace in the container. `log` can be read at any time, `out` and `code` when it has ended."""

    def __init__(self, process, folder):
        self.process = process
        self.folder = folder
        self.kept = {}  # what it wrote, once it has ended
        self.code = None

    @property
    def pid(self):
        return self.process.pid

    def text(self, name):
        return self.kept[name] if self.kept else (self.folder / name).read_text(encoding='utf-8')

    @property
    def log(self):
        return self.text('err')

    @property
    def out(self):
        return [json.loads(line) for line in self.text('out').splitlines()]

    @property
    def summary(self):
        return self.out[-1]['summary']

    def wait_for(self, text, timeout=START_TIMEOUT):
        end = time.monotonic() + timeout
        while text not in self.log:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f'podtrace did not say "{text}":\n{self.log}')
            time.sleep(0.02)

    def status(self):
        lines = pathlib.Path(f'/proc/{self.pid}/status').read_text(encoding='utf-8').splitlines()
        return dict(line.split(':\t', 1) for line in lines)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(STOP_TIMEOUT)

    def wait(self, timeout=START_TIMEOUT):
        try:
            self.code = self.process.wait(timeout)
        except subprocess.TimeoutExpired as late:
            self.process.kill()
            self.code = self.process.wait()
            raise AssertionError(f'podtrace did not end within {timeout} s:\n{self.log}') from late
        self.kept = {name: self.text(name) for name in ('out', 'err')}
        return self.code


def _script(rootfs, mounts, capabilities, arguments, share):
    """sh; each step's failure ends it. /proc and /sys as a runtime mounts them, then the pod's own, then read-only."""
    root = shlex.quote(str(rootfs))
    lines = ['set -e', f'mount --bind {root} {root}', f'mount -t proc -o nosuid,nodev,noexec proc {root}/proc',
             f'mount -t sysfs -o ro,nosuid,nodev,noexec sysfs {root}/sys']
    for source, target in mounts:
        place = f'{root}{shlex.quote(target)}'
        lines += [f'mount --rbind {shlex.quote(source)} {place}', f'mount -o remount,bind,ro {place}']
    lines.append(f'mount -o remount,bind,ro {root}')
    drop = ','.join('cap_' + name for name in all_capabilities() if name not in capabilities)
    shell = ['capsh', f'--chroot={rootfs}', f'--drop={drop}', '--no-new-privs', '--shell=/podtrace', '--', *arguments]
    lines.append('exec ' + ' '.join(map(shlex.quote, shell)))
    return ['unshare', '--mount', '--cgroup', *share, '--propagation', 'private', 'sh', '-c', '\n'.join(lines)]


@contextlib.contextmanager
def run(rootfs, *arguments, without=(), mounts=None, env=None, share=(), cgroup=None):
    """Runs /podtrace ARGUMENTS; WITHOUT names capabilities to leave out, SHARE options of unshare to add, CGROUP a
    directory to start in. Stopped with SIGTERM at the end."""
    pod = Pod()
    mounts = pod.mounts() if mounts is None else mounts
    capabilities = [name for name in pod.capabilities if name not in without]
    command = _script(rootfs, mounts, capabilities, arguments, share)
    with tempfile.TemporaryDirectory(prefix='podtrace-image-') as folder:
        folder = pathlib.Path(folder)
        with open(folder / 'out', 'wb') as out, open(folder / 'err', 'wb') as err, \
                subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, preexec_fn=entering(cgroup),
                                 env={'PATH': os.environ['PATH'], **pod.environment(), **(env or {})}) as process:
            this = Run(process, folder)
            try:
                yield this
            finally:
                if this.code is None:
                    this.stop()
