# SPDX-License-Identifier: Apache-2.0
"""A node in a machine: systemd as pid 1, a real containerd with runc and its systemd driver, pods in real scopes.

    with Node('6.1', 'hybrid', containerd='1.7') as node:           # MODES: v1, hybrid, v2
        node.sh('systemctl is-system-running')                      # what it printed; another end than 0 is an error
        with node.run_pod('shop', 'cart-0', qos='besteffort') as pod:
            web = pod.create('web', ['sleep', '60']).start()
            web.exec('id'), web.id, web.cgroup                      # as in tests/cri/pods.py

Two ports of the machine are ports of the loopback here: a shell, a service of its own for each script, and containerd's
own TCP port. The machine is killed at the end, and nothing of it is left.
"""

import contextlib
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import machine  # noqa: E402  pylint: disable=wrong-import-position
import root  # noqa: E402  pylint: disable=wrong-import-position
from cri import parts, pods  # noqa: E402  pylint: disable=wrong-import-position

MODES = {
    'v1': 'systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1',
    'hybrid': 'systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0',
    'v2': 'systemd.unified_cgroup_hierarchy=1',
}
# What `max` has beyond this costs half as much time again.
CPU = 'qemu64,-cx16,+ssse3,+sse4.1,+sse4.2,+popcnt'
MEMORY_MIB = 1024  # the files are 160 of it, and twice while it starts
# of the network card, each after those that it needs
MODULES = ('virtio', 'virtio_ring', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'failover',
           'net_failover', 'virtio_net')
SHELL, CRI = 9998, 9999
SOCKET = '/run/containerd/containerd.sock'
START_TIMEOUT = 150  # seconds; 15 on an idle host
TIMEOUT = 120  # of a script


class Pod(pods.Pod):
    """Its parent is a slice. No files of a kubelet: they would have to be in the machine."""

    def __init__(self, kubelet, namespace, name, uid, qos='burstable', **options):
        tier = ['kubepods'] if qos == 'guaranteed' else ['kubepods', qos]
        names = ['-'.join(tier[:length + 1]) for length in range(len(tier))] + [f'{"-".join(tier)}-pod{uid.replace("-", "_")}']
        super().__init__(kubelet, namespace, name, uid, qos=qos,
                         cgroup_parent=''.join(f'/{one}.slice' for one in names), **options)

    def run(self):
        self.kubelet.make_parent(self.parent)
        self.config = self.cri.pb.PodSandboxConfig(
            metadata={'name': self.name, 'uid': self.uid, 'namespace': self.namespace, 'attempt': self.attempt},
            labels=self.labels, annotations=self.annotations,
            linux={'cgroup_parent': self.parent, 'security_context': self.security()})
        self.id = self.cri.call('RunPodSandbox', config=self.config).pod_sandbox_id
        return self

    def create(self, name, command, **options):
        container = Container(self, name, command, **options)
        self.containers.append(container)
        return container

    @property
    def cgroup(self):
        """Below any tree's root."""
        return self.parent


class Container(pods.Container):
    def _make_log_folder(self):
        """None: what it prints is thrown away."""

    def _mounts(self):
        return [{'container_path': there, 'host_path': here, 'readonly': True}
                for here, there in self.pod.kubelet.mounts.items()]

    @property
    def cgroup(self):
        return f'{self.pod.cgroup}/cri-containerd-{self.id}.scope'


class Kubelet(pods.Kubelet):
    def __init__(self, node):
        super().__init__(node.cri, node.folder)
        self.mounts = {}  # path in the machine: path in each container

    def run_pod(self, namespace, name, uid=None, **options):
        return Pod(self, namespace, name, uid or str(pods.uuid.uuid4()), **options).run()

    def make_parent(self, path):
        """systemd makes the slice that a scope is to be in, and takes it away with the last one."""

    def remove_parent(self, path):
        """systemd does."""


class Node(machine.Machine):
    def __init__(self, kernel, mode, containerd='1.7', append=''):
        super().__init__(kernel, f'{MODES[mode]} systemd.show_status=0 mitigations=off {append}', MEMORY_MIB)
        self.accelerator = ['-M', 'q35', '-cpu', CPU, '-accel', 'tcg']
        try:
            self.root = root.cpio()
            self._install(kernel, containerd)
            parts.messages()
        except parts.Unavailable as why:
            raise machine.Unavailable(str(why)) from why
        self._process = self._ended = self.folder = self.cri = self.kubelet = None
        self._ports = {}

    def _install(self, kernel, version):
        """What is not of the system itself. All paths are real ones: /usr/bin and so on."""
        binaries, runc = parts.package('containerd', version), parts.package('runc')
        self.files = {f'/usr/bin/{name}': (binaries / 'usr' / 'bin' / name).read_bytes()
                      for name in ('containerd', 'containerd-shim-runc-v2', 'ctr')}
        self.files['/usr/sbin/runc'] = (runc / 'usr' / 'sbin' / 'runc').read_bytes()
        [unit] = binaries.glob('**/containerd.service')
        self.files['/usr/lib/systemd/system/containerd.service'] = unit.read_bytes()
        self.files['/etc/containerd/config.toml'] = self._config().encode()
        for image in parts.images():
            self.files[f'/images/{image.name}'] = image.read_bytes()
        for number, module in enumerate(root.modules(f'linux-{kernel}', MODULES)):
            self.files[f'/modules/{number}'] = module

    @staticmethod
    def _config() -> str:
        text = (parts.HERE / 'config.toml').read_text(encoding='utf-8')
        for old, new in {'{folder}/lib': '/var/lib/containerd', '{folder}/state': '/run/containerd', '{folder}': '/run/none',
                         '{address}': SOCKET, '{pause}': parts.PAUSE, '{runc}': '/usr/sbin/runc', '{snapshotter}': 'native',
                         'SystemdCgroup = false': 'SystemdCgroup = true',
                         '[grpc]': f'[grpc]\n  tcp_address = "0.0.0.0:{CRI}"',
                         'disable_apparmor = true': 'disable_apparmor = true\n  disable_tcp_service = false'}.items():
            assert old in text, old
            text = text.replace(old, new)
        return text

    # ---- from start to end ----

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            self.folder = pathlib.Path(undo.enter_context(tempfile.TemporaryDirectory(prefix='podtrace-vm-')))
            undo.callback(self._end)
            self._start()
            self._wait(lambda: self.sh('systemctl start containerd', timeout=START_TIMEOUT) == '', 'containerd')
            self.sh('for image in /images/*; do ctr -n k8s.io images import --no-unpack $image; done')
            self.cri = pods.Cri(f'127.0.0.1:{self._ports[CRI]}')
            undo.callback(self.cri.close)
            self.kubelet = Kubelet(self)
            for image in (parts.PAUSE, parts.BUSYBOX):
                self._wait(lambda image=image: self._has(image), image)
            self._ended = undo.pop_all()
        return self

    def __exit__(self, *_):
        self._ended.close()

    def _start(self):
        initrd = self.folder / 'initrd'
        files = {path.strip('/'): (0o100755 if path.startswith('/usr') else 0o100644, content)
                 for path, content in self.files.items()}
        initrd.write_bytes(self.root.read_bytes() + root.archive(files))
        with contextlib.ExitStack() as held:  # until all are known, so that no two are the same
            taken = {port: held.enter_context(socket.create_server(('127.0.0.1', 0))) for port in (SHELL, CRI)}
            self._ports = {port: one.getsockname()[1] for port, one in taken.items()}
        forward = ''.join(f',hostfwd=tcp:127.0.0.1:{here}-:{there}' for there, here in self._ports.items())
        with open(self.folder / 'qemu.log', 'wb') as log:
            self._process = subprocess.Popen(
                self.command(initrd, '-serial', f'file:{self.folder}/console', '-netdev',
                             f'user,id=net,restrict=on{forward}', '-device', 'virtio-net-pci,netdev=net,romfile='),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _end(self):
        if self._process:
            self._process.kill()
            self._process.wait()

    def _wait(self, what, name, timeout=START_TIMEOUT):
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(ConnectionError, EOFError):
                if what():
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f'the machine has no {name}; its console:\n{self.console[-5000:]}')
            time.sleep(0.2)

    def _has(self, image) -> bool:
        return bool(self.cri.call('ImageStatus', service='ImageService', image={'image': image}).image.id)

    @property
    def console(self) -> str:
        return ''.join((self.folder / name).read_text(encoding='utf-8', errors='replace') for name in ('qemu.log', 'console')
                       if (self.folder / name).exists())

    # ---- at work ----

    def sh(self, script: str, check=True, timeout=TIMEOUT) -> str:
        """Runs it as root in the machine; what it printed."""
        with socket.create_connection(('127.0.0.1', self._ports[SHELL]), timeout) as shell:
            shell.sendall(f'{{\n{script}\n}} </dev/null 2>&1\nprintf "\\0%d" $?; exit\n'.encode())
            out = b''
            while more := shell.recv(65536):
                out += more
        text, end, code = out.decode('utf-8', 'replace').rpartition('\0')
        if not end:
            raise EOFError(f'the shell was cut off: {out}')
        assert code == '0' or not check, f'{script!r} ended with {code}: {text}'
        return text

    def run_pod(self, namespace, name, **options) -> Pod:
        """QOS as in pods.Pod."""
        return self.kubelet.run_pod(namespace, name, **options)
