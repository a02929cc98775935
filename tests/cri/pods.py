# SPDX-License-Identifier: Apache-2.0
"""A client of the CRI and, on it, what a kubelet does to run a pod: labels, annotations, cgroups, folders, and all.

    cri = Cri(address)
    cri.call('Version').runtime_name, cri.call('ListContainers').containers

    node = Kubelet(cri, folder)
    pod = node.run_pod('shop', 'cart-0', labels={'app': 'cart'})
    web = pod.create('web', ['sleep', '60']); web.start(); web.exec('id'); web.remove(); pod.remove()
"""

import contextlib
import hashlib
import json
import pathlib
import time
import uuid

from . import cgroups, leavings, parts

SERVICE = '/runtime.v1.RuntimeService/'
MAX_MESSAGE = 16 << 20  # what containerd and CRI-O allow
TIMEOUT = 60
POLL = 0.005
NAMESPACE_MODE = {'pod': 0, 'container': 1, 'node': 2}


class Cri:
    """One connection. The messages are in `pb`; errors are grpc.RpcError. ADDRESS is a socket's path, or host:port."""

    def __init__(self, address: str):
        self.pb = parts.messages()
        self.grpc = parts.grpc()
        self.address = address
        self.channel = None
        self.connect()

    def connect(self):
        """Anew, if it was before: a connection that was refused waits for a second until it tries again."""
        self.close()
        options = {'grpc.default_authority': 'localhost', 'grpc.max_receive_message_length': MAX_MESSAGE,
                   'grpc.max_send_message_length': MAX_MESSAGE, 'grpc.use_local_subchannel_pool': 1,
                   'grpc.enable_http_proxy': 0}
        target = f'unix://{self.address}' if self.address.startswith('/') else self.address
        self.channel = self.grpc.insecure_channel(target, options=tuple(options.items()))
        self._stubs = {}

    def close(self):
        if self.channel:
            self.channel.close()

    def _stub(self, service, method, streams):
        """The service's own words name the types; one stub for each method."""
        if (service, method) not in self._stubs:
            about = self.pb.DESCRIPTOR.services_by_name[service].methods_by_name[method]
            request, reply = (getattr(self.pb, type_.name) for type_ in (about.input_type, about.output_type))
            make = self.channel.unary_stream if streams else self.channel.unary_unary
            self._stubs[service, method] = request, make(f'/runtime.v1.{service}/{method}',
                                                         request_serializer=request.SerializeToString,
                                                         response_deserializer=reply.FromString)
        return self._stubs[service, method]

    def call(self, method: str, deadline=TIMEOUT, service='RuntimeService', **fields):
        request, stub = self._stub(service, method, False)
        return stub(request(**fields), timeout=deadline)

    def stream(self, method: str, **fields):
        """An iterator of the replies; its cancel() ends it."""
        request, stub = self._stub('RuntimeService', method, True)
        return stub(request(**fields))

    def info(self, container_id: str) -> dict:
        """The runtime's own JSON of a container: pid, runtimeSpec and so on."""
        return json.loads(self.call('ContainerStatus', container_id=container_id, verbose=True).info['info'])


class Kubelet:
    """Runs pods on CRI; what a kubelet keeps in files is in `kubelet` of the run's FOLDER. Safe to use from threads."""

    def __init__(self, cri: Cri, folder, pause=parts.PAUSE, busybox=parts.BUSYBOX):
        self.cri, self.run_folder, self.folder = cri, folder, pathlib.Path(folder, 'kubelet')
        self.pause, self.busybox = pause, busybox
        self.parents = set()  # the cgroups made for pods that are still there

    def run_pod(self, namespace, name, uid=None, **options) -> 'Pod':
        return Pod(self, namespace, name, uid or str(uuid.uuid4()), **options).run()

    def make_parent(self, path):
        leavings.remember(self.run_folder, path)
        self.parents.add(path)
        cgroups.make(path)

    def remove_parent(self, path):
        cgroups.remove(path)
        self.parents.discard(path)


class Pod:
    """QOS is burstable, besteffort or guaranteed. CGROUP_PARENT is another place than a kubelet's. SOURCE is `file` for a
    static pod. HOST_PID is hostPID of the pod, SHARED_PID shareProcessNamespace."""

    def __init__(self, kubelet, namespace, name, uid, labels=None, annotations=None, attempt=0, qos='burstable',
                 cgroup_parent=None, source='api', host_pid=False, shared_pid=False, privileged=False):
        self.kubelet, self.cri, self.id = kubelet, kubelet.cri, None
        self.namespace, self.name, self.uid, self.attempt = namespace, name, uid, attempt
        tier = '' if qos == 'guaranteed' else f'/{qos}'
        self.parent = cgroup_parent or f'/kubepods{tier}/pod{uid}'
        self.labels = {**(labels or {}), **self.own_labels()}
        self.annotations = {**(annotations or {}), 'kubernetes.io/config.seen': '2026-01-01T00:00:00.000000000Z',
                            'kubernetes.io/config.source': source}
        self.pid_mode = 'node' if host_pid else 'pod' if shared_pid else 'container'
        self.privileged = privileged
        self.folder = kubelet.folder / 'pods' / uid
        self.containers = []
        self.config = None

    def own_labels(self) -> dict:
        return {'io.kubernetes.pod.name': self.name, 'io.kubernetes.pod.namespace': self.namespace,
                'io.kubernetes.pod.uid': self.uid}

    def namespaces(self) -> dict:
        """All pods are on the node's network: that needs no network plugin."""
        return {'network': NAMESPACE_MODE['node'], 'pid': NAMESPACE_MODE[self.pid_mode], 'ipc': NAMESPACE_MODE['pod']}

    def _sandbox_config(self):
        log = self.kubelet.folder / 'log' / f'{self.namespace}_{self.name}_{self.uid}'
        log.mkdir(parents=True, exist_ok=True)
        return self.cri.pb.PodSandboxConfig(
            metadata={'name': self.name, 'uid': self.uid, 'namespace': self.namespace, 'attempt': self.attempt},
            log_directory=str(log), labels=self.labels, annotations=self.annotations,
            linux={'cgroup_parent': self.parent, 'security_context': self.security()})

    def security(self) -> dict:
        return {'namespace_options': self.namespaces(), 'privileged': self.privileged}

    def run(self) -> 'Pod':
        self.kubelet.make_parent(self.parent)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / 'etc-hosts').write_text('127.0.0.1 localhost\n', encoding='ascii')
        self.config = self._sandbox_config()
        self.id = self.cri.call('RunPodSandbox', config=self.config).pod_sandbox_id
        return self

    def create(self, name, command, **options) -> 'Container':
        container = Container(self, name, command, **options)
        self.containers.append(container)
        return container

    @property
    def cgroup(self) -> str:
        """The pod's own, in the v2 tree."""
        return cgroups.v2_root() + self.parent

    def stop(self):
        self.cri.call('StopPodSandbox', pod_sandbox_id=self.id)

    def remove(self):
        """To the end, with all of its containers: what is gone already does no harm."""
        self.stop()
        self.cri.call('RemovePodSandbox', pod_sandbox_id=self.id)
        self.kubelet.remove_parent(self.parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


class Container:
    """COMMAND as exec sees it; IMAGE is the busybox. It is created, not started. ENV is a dict."""

    def __init__(self, pod, name, command, image=None, env=None, labels=None, annotations=None, attempt=0,
                 working_dir=''):
        self.pod, self.cri, self.name, self.attempt = pod, pod.cri, name, attempt
        self.image = image or pod.kubelet.busybox
        self.labels = {**(labels or {}), **pod.own_labels(), 'io.kubernetes.container.name': name}
        self.annotations = {**(annotations or {}), **self._own_annotations()}
        self.log_path = f'{name}/{attempt}.log'
        self._make_log_folder()
        self.config = self.cri.pb.ContainerConfig(
            metadata={'name': name, 'attempt': attempt}, image={'image': self.image}, command=list(map(str, command)),
            envs=[{'key': key, 'value': value.encode()} for key, value in (env or {}).items()], mounts=self._mounts(),
            working_dir=working_dir, labels=self.labels, annotations=self.annotations, log_path=self.log_path,
            linux={'resources': {'cpu_shares': 2, 'oom_score_adj': 1000},
                   'security_context': pod.security()})
        self.id = self.cri.call('CreateContainer', pod_sandbox_id=pod.id, config=self.config,
                                sandbox_config=pod.config).container_id

    def _make_log_folder(self):
        (pathlib.Path(self.pod.config.log_directory) / self.name).mkdir(exist_ok=True)

    def _own_annotations(self) -> dict:
        return {'io.kubernetes.container.hash': hashlib.sha256(self.name.encode()).hexdigest()[:8],
                'io.kubernetes.container.restartCount': str(self.attempt),
                'io.kubernetes.container.terminationMessagePath': '/dev/termination-log',
                'io.kubernetes.container.terminationMessagePolicy': 'File',
                'io.kubernetes.pod.terminationGracePeriod': '30'}

    def _mounts(self) -> list:
        """The two that each container of a kubelet has: they name the pod in the container's mount table."""
        log = self.pod.folder / 'containers' / self.name / uuid.uuid4().hex[:8]
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        return [{'container_path': '/etc/hosts', 'host_path': str(self.pod.folder / 'etc-hosts')},
                {'container_path': '/dev/termination-log', 'host_path': str(log)}]

    def start(self) -> 'Container':
        self.cri.call('StartContainer', container_id=self.id)
        return self

    @property
    def status(self):
        return self.cri.call('ContainerStatus', container_id=self.id).status

    @property
    def pid(self) -> int:
        return self.cri.info(self.id)['pid']

    @property
    def cgroup(self) -> str:
        """Its folder in the v2 tree."""
        return f'{self.pod.cgroup}/{self.id}'

    def exec(self, *command) -> str:
        """Runs COMMAND in the container; what it printed. Another exit code than 0 is an AssertionError."""
        done = self.cri.call('ExecSync', container_id=self.id, cmd=list(map(str, command)), timeout=TIMEOUT)
        assert not done.exit_code, f'{command} ended with {done.exit_code}: {done.stderr.decode()}'
        return done.stdout.decode()

    def wait_exited(self, timeout=TIMEOUT) -> int:
        """The exit code, as soon as the runtime knows it."""
        deadline = time.monotonic() + timeout
        while (status := self.status).state != self.cri.pb.CONTAINER_EXITED:
            if time.monotonic() > deadline:
                raise TimeoutError(f'container {self.name} still runs after {timeout} s')
            time.sleep(POLL)
        return status.exit_code

    def stop(self, grace=0):
        self.cri.call('StopContainer', container_id=self.id, timeout=grace)

    def remove(self):
        self.cri.call('RemoveContainer', container_id=self.id)

    def log(self) -> str:
        """What it printed, in the log's own format."""
        return (pathlib.Path(self.pod.config.log_directory) / self.log_path).read_text(encoding='utf-8')


@contextlib.contextmanager
def connect(address: str):
    cri = Cri(address)
    try:
        yield cri
    finally:
        cri.close()
