# SPDX-License-Identifier: Apache-2.0
"""A real containerd with runc for a test, private to it, and a kubelet's part to run pods on it.

    with Containerd('1.7') as node:                     # '1.6', '1.7' or '2.1': Debian's builds
        with node.run_pod('shop', 'cart-0', labels={'app': 'cart'}) as pod:
            web = pod.create('web', ['sleep', '60']).start()
            web.exec('id'), web.id, web.pid, web.cgroup
        node.address                                    # the socket; node.cri asks it, see pods.py
        node.kill(); node.start()                       # the same pods after that
        with node.stopped(): ...                        # SIGSTOP: it accepts and never answers

Leaving the `with` ends every process, takes every cgroup away, and deletes all files. containerd lives in a mount
namespace of its own with a /run of its own, so that neither its shims' sockets nor its mounts touch the host's. With
nested=True it lives in a pid namespace too, as in kind: the pids that CRI tells are not the node's.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import time
import unittest

from . import leavings, parts, pods

HERE = pathlib.Path(__file__).parent
VERSIONS = ('1.6', '1.7', '2.1')
START_TIMEOUT = 30
END_TIMEOUT = 20


def needs_containerd():
    """For setUpClass: skips where no containerd can be run, and says why."""
    if os.geteuid():
        raise unittest.SkipTest('containerd needs root')
    try:
        parts.messages()
        parts.images()
        parts.package('runc')
    except parts.Unavailable as why:
        raise unittest.SkipTest(str(why)) from why
    leavings.sweep()


def default_snapshotter(folder) -> str:
    """overlayfs, but not on itself, as in a container; then `native`, which copies."""
    type_ = subprocess.run(['stat', '-f', '-c', '%T', folder], stdout=subprocess.PIPE, text=True, check=True).stdout
    return 'native' if type_.strip() == 'overlayfs' else 'overlayfs'


def _all_stopped(pid: int) -> bool:
    stats = [stat.read_text(encoding='utf-8') for stat in pathlib.Path(f'/proc/{pid}/task').glob('*/stat')]
    return all(stat.rpartition(') ')[2].startswith('T') for stat in stats)


class Containerd:
    def __init__(self, version, nested=False, snapshotter=None):
        self.version, self.nested = version, nested
        self.binaries = parts.package('containerd', version) / 'usr' / 'bin'
        self.folder = leavings.new_folder()
        self.address = str(self.folder / 'containerd.sock')
        self.log = self.folder / 'containerd.log'
        self.cri = pods.Cri(self.address)
        self.kubelet = pods.Kubelet(self.cri, self.folder)
        self.process = None
        self._namespace = None  # the process that keeps it
        self._has_images = False
        (self.folder / 'run').mkdir()
        self._configure(snapshotter or default_snapshotter(self.folder))

    def _configure(self, snapshotter):
        runc = parts.package('runc') / 'usr' / 'sbin' / 'runc'
        text = (HERE / 'config.toml').read_text(encoding='utf-8')
        for word, value in {'folder': self.folder, 'address': self.address, 'pause': parts.PAUSE, 'runc': runc,
                            'snapshotter': snapshotter}.items():
            text = text.replace(f'{{{word}}}', str(value))
        (self.folder / 'config.toml').write_text(text, encoding='utf-8')

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _make_namespace(self):
        """A process that keeps the namespaces; where it is pid 1 of one, it reaps, and its end is everybody's."""
        script = 'mount --bind "$1" /run && { [ -z "$3" ] || mount -t proc proc /proc; } && echo made && exec "$2"'
        pause = parts.pause_binary()
        self._namespace = subprocess.Popen(
            ['unshare', '--mount', '--propagation', 'slave', *(['--pid', '--fork', '--kill-child'] if self.nested else []),
             'sh', '-c', script, 'sh', self.folder / 'run', pause, '1' if self.nested else ''], stdout=subprocess.PIPE)
        if self._namespace.stdout.readline() != b'made\n':
            raise RuntimeError('no mount namespace can be made')

    def _inside(self, *command) -> list:
        """COMMAND, to be run in the namespaces."""
        pid = self._namespace.pid
        if self.nested:
            pid = int(pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='ascii'))
        return ['nsenter', f'--mount=/proc/{pid}/ns/mnt', *([f'--pid=/proc/{pid}/ns/pid'] if self.nested else []),
                *map(str, command)]

    def start(self):
        """Starts it, again if it was killed, and waits until CRI answers."""
        if not self._namespace:
            self._make_namespace()
        env = {'PATH': f'{self.binaries}:/usr/sbin:/usr/bin:/sbin:/bin', 'TMPDIR': str(self.folder)}
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(
                self._inside(self.binaries / 'containerd', '--config', self.folder / 'config.toml'), env=env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_ready()
        if not self._has_images:
            self._import_images()
            self._has_images = True

    def _wait_ready(self):
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f'containerd {self.version} did not start:\n{self.log_text()[-3000:]}')
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Version would be answered before the rest is, so it says nothing."""
        self.cri.connect()
        try:
            self.cri.call('ListContainers', deadline=5)
            return True
        except self.cri.grpc.RpcError:
            return False

    def _import_images(self):
        for archive in parts.images():
            self.ctr('images', 'import', archive)
        for image in (parts.PAUSE, parts.BUSYBOX):  # CRI learns of them by containerd's events
            while not self.cri.call('ImageStatus', service='ImageService', image={'image': image}).image.id:
                time.sleep(0.005)

    def ctr(self, *args) -> str:
        done = subprocess.run(self._inside(self.binaries / 'ctr', '--address', self.address, '--namespace', 'k8s.io',
                                           *args), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f'ctr {args}: {done.stderr}')
        return done.stdout

    def run_pod(self, namespace, name, uid=None, **options) -> pods.Pod:
        """See pods.Pod for the options."""
        return self.kubelet.run_pod(namespace, name, uid, **options)

    @property
    def pid(self) -> int:
        """containerd's, as this test sees it."""
        pid = self.process.pid
        if self.nested:  # nsenter waits for its child
            pid = int(pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='ascii'))
        return pid

    def kill(self):
        """SIGKILL, as for a node's trouble: shims and containers live on. The socket file stays, and refuses."""
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM, as for an upgrade: shims and containers live on."""
        os.kill(self.pid, signal.SIGTERM)
        self.process.wait(END_TIMEOUT)

    @contextlib.contextmanager
    def stopped(self):
        """It does nothing for a while. The kernel still accepts connections for it."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        while not _all_stopped(pid):  # a thread that runs elsewhere may still answer
            time.sleep(0.001)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def log_text(self) -> str:
        return self.log.read_text(encoding='utf-8', errors='replace') if self.log.exists() else ''

    def close(self):
        """The end of everything. Twice is fine."""
        self.cri.close()
        for process in (self.process, self._namespace):
            if process and process.poll() is None:
                process.kill()
        if self.folder.exists():
            leavings.clean(self.folder)
        for process in (self.process, self._namespace):
            if process:
                process.wait()
        if self._namespace:
            self._namespace.stdout.close()
