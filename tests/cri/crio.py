# SPDX-License-Identifier: Apache-2.0
"""A CRI-O that is not there: it answers runtime.v1 as CRI-O does, and its containers are real cgroups and processes.

    with CriO() as node:
        pod = node.run_pod('shop', 'cart-0', labels={'app': 'cart'})
        web = pod.create('web', ['sleep', '60'], env={'SECRET': 'x'}).start()
        web.id, web.pid, web.cgroup, web.run('true')     # `run`: one more process in there, to its end
        web.exit(0); web.remove(); pod.remove()
        node.calls['ListContainers']                     # how often it was asked
        node.replies['ListContainers'] = b'\\xff'        # bytes, (StatusCode, text), or a function of the request

The cgroups are those of the systemd driver, on the v2 tree: `crio-<id>.scope` in the pod's slice; beside it a
`crio-conmon-<id>.scope` with a process; with crun=True the container's processes are in a child `container`, as upstream's
crun has it (OpenShift turns that off). CRI-O drops the pause container, so a pod's sandbox has no cgroup. A container is
listed only after it was created, which is after its cgroup was: `create` makes the cgroup, then the list has it.
CRI-O's words and JSON: cri-o server/container_status.go, container_list.go, sandbox_list.go, internal/config/cgmgr.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import queue
import secrets
import subprocess
import threading
import time
import uuid

from . import cgroups, leavings, parts

CREATED, RUNNING, EXITED = 0, 1, 2
READY, NOT_READY = 0, 1
WORKERS = 16  # an event stream holds one
METHODS = ('Version', 'Status', 'ListPodSandbox', 'ListContainers', 'ContainerStatus', 'PodSandboxStatus', 'RuntimeConfig')
ENTER = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
IMAGE = 'registry.example/shop/cart:1'


def new_id() -> str:
    return secrets.token_hex(32)


class Failure(Exception):
    """A gRPC status: its code's name and words."""


class CriO:
    """EVENTS is enable_pod_events, which is off by default: then the stream ends at once, and that is no error. With
    RUNTIME_CONFIG off it is older than 1.28."""

    def __init__(self, version='1.31.3', events=False, crun=False, runtime_config=True, address=None):
        self.version, self.has_events, self.crun, self.has_runtime_config = version, events, crun, runtime_config
        self.pb, self.grpc = parts.messages(), parts.grpc()
        self.folder = leavings.new_folder()
        self.address = address or str(self.folder / 'crio.sock')
        os.makedirs(os.path.dirname(self.address), exist_ok=True)
        self.pods, self.containers = {}, {}
        self.made = []  # all containers, also those that are not listed
        self.calls, self.replies, self.delay = collections.Counter(), {}, {}
        self._watchers, self._lock = [], threading.Lock()
        self._server = None

    # ---- its life

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        for container in self.made:
            container.kill()
        leavings.clean(self.folder)

    def start(self):
        """Serves, again after stop(): what runs is still known."""
        self._server = self.grpc.server(concurrent.futures.ThreadPoolExecutor(WORKERS))
        handlers = {name: self._unary(name) for name in METHODS}
        handlers['GetContainerEvents'] = self._streaming()
        self._server.add_generic_rpc_handlers(
            [self.grpc.method_handlers_generic_handler('runtime.v1.RuntimeService', handlers)])
        self._server.add_insecure_port(f'unix://{self.address}')
        self._server.start()

    def stop(self):
        """No longer serves; containers live on."""
        if self._server:
            self._end_streams()
            self._server.stop(0).wait()
            self._server = None
            pathlib.Path(self.address).unlink(missing_ok=True)

    # ---- gRPC

    def _unary(self, name):
        about = self.pb.DESCRIPTOR.services_by_name['RuntimeService'].methods_by_name[name]

        def answer(request, context):
            self.calls[name] += 1
            time.sleep(self.delay.get(name, 0))
            try:
                return self._reply(name, request)
            except Failure as failure:
                context.abort(getattr(self.grpc.StatusCode, failure.args[0]), failure.args[1])

        return self.grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=getattr(self.pb, about.input_type.name).FromString,
            response_serializer=lambda reply: reply if isinstance(reply, bytes) else reply.SerializeToString())

    def _reply(self, name, request):
        other = self.replies.get(name)
        if callable(other):
            other = other(request)
        if isinstance(other, tuple):
            raise Failure(*other)
        return getattr(self, f'_{name}')(request) if other is None else other

    def _streaming(self):
        def answer(_request, context):
            self.calls['GetContainerEvents'] += 1
            if not self.has_events:
                return
            mine = queue.Queue()
            with self._lock:
                self._watchers.append(mine)
            context.add_callback(lambda: mine.put(None))
            yield from iter(mine.get, None)

        return self.grpc.unary_stream_rpc_method_handler(
            answer, request_deserializer=self.pb.GetEventsRequest.FromString,
            response_serializer=self.pb.ContainerEventResponse.SerializeToString)

    def _end_streams(self):
        with self._lock:
            for watcher in self._watchers:
                watcher.put(None)
            self._watchers.clear()

    def watched(self) -> int:
        """How many streams are open."""
        return len(self._watchers)

    def tell(self, container, type_):
        """To all streams: container CREATED 0, STARTED 1, STOPPED 2, DELETED 3."""
        event = self.pb.ContainerEventResponse(
            container_id=container.id, container_event_type=type_, created_at=time.time_ns(),
            pod_sandbox_status=container.pod.status(), containers_statuses=[container.status()])
        with self._lock:
            for watcher in self._watchers:
                watcher.put(event)

    # ---- what it answers

    def _Version(self, _request):
        return self.pb.VersionResponse(version='0.1.0', runtime_name='cri-o', runtime_version=self.version,
                                       runtime_api_version='v1')

    def _Status(self, _request):
        conditions = [{'type': type_, 'status': True} for type_ in ('RuntimeReady', 'NetworkReady')]
        return self.pb.StatusResponse(status={'conditions': conditions})

    def _RuntimeConfig(self, _request):
        if not self.has_runtime_config:
            raise Failure('UNIMPLEMENTED', 'unknown method RuntimeConfig for service runtime.v1.RuntimeService')
        return self.pb.RuntimeConfigResponse(linux={'cgroup_driver': self.pb.SYSTEMD})

    def _ListPodSandbox(self, request):
        pods = [pod for pod in self.pods.values() if pod.matches(request.filter)]
        return self.pb.ListPodSandboxResponse(items=[pod.listed() for pod in pods])

    def _ListContainers(self, request):
        containers = [one for one in self.containers.values() if one.matches(request.filter)]
        return self.pb.ListContainersResponse(containers=[one.listed() for one in containers])

    def _PodSandboxStatus(self, request):
        pod = _by_id(self.pods, request.pod_sandbox_id, 'pod')
        return self.pb.PodSandboxStatusResponse(status=pod.status())

    def _ContainerStatus(self, request):
        container = _by_id(self.containers, request.container_id, 'container')
        info = {'info': json.dumps(container.info(), separators=(',', ':'))} if request.verbose else {}
        return self.pb.ContainerStatusResponse(status=container.status(), info=info)

    # ---- what runs

    def run_pod(self, namespace, name, uid=None, **options) -> 'Pod':
        pod = Pod(self, namespace, name, uid or str(uuid.uuid4()), **options)
        self.pods[pod.id] = pod
        return pod


def _by_id(known, begin, what):
    """CRI-O takes the beginning of an id, too."""
    found = [one for id_, one in known.items() if begin and id_.startswith(begin)]
    if len(found) != 1:
        raise Failure('NOT_FOUND', f'could not find {what} "{begin}": {what} with ID starting with {begin} not found: ID '
                                   'does not exist')
    return found[0]


def _labels_match(labels, selector) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


class Pod:
    def __init__(self, node, namespace, name, uid, labels=None, annotations=None, attempt=0, qos='burstable'):
        self.node, self.pb, self.id = node, node.pb, new_id()
        self.namespace, self.name, self.uid, self.attempt = namespace, name, uid, attempt
        self.state, self.created_at = READY, time.time_ns()
        self.own = {'io.kubernetes.pod.name': name, 'io.kubernetes.pod.namespace': namespace,
                    'io.kubernetes.pod.uid': uid}
        # the sandbox's container is called POD, with CRI-O only
        self.labels = {**(labels or {}), **self.own, 'io.kubernetes.container.name': 'POD'}
        self.annotations = {**(annotations or {}), 'kubernetes.io/config.seen': '2026-01-01T00:00:00.000000000Z',
                            'kubernetes.io/config.source': 'api'}
        tier = '' if qos == 'guaranteed' else f'{qos}-'
        above = '' if qos == 'guaranteed' else f'/kubepods-{qos}.slice'
        self.slice = f'kubepods-{tier}pod{uid.replace("-", "_")}.slice'
        self.parent = f'/kubepods.slice{above}/{self.slice}'
        leavings.remember(node.folder, self.parent)
        cgroups.make(self.parent, ('cgroup2',))

    @property
    def cgroup(self) -> str:
        return cgroups.v2_root() + self.parent

    def metadata(self) -> dict:
        return {'name': self.name, 'uid': self.uid, 'namespace': self.namespace, 'attempt': self.attempt}

    def matches(self, filter_) -> bool:
        return self.id.startswith(filter_.id) and _labels_match(self.labels, filter_.label_selector) and \
            (not filter_.HasField('state') or filter_.state.state == self.state)

    def listed(self):
        return self.pb.PodSandbox(id=self.id, metadata=self.metadata(), state=self.state, created_at=self.created_at,
                                  labels=self.labels, annotations=self.annotations)

    def status(self):
        return self.pb.PodSandboxStatus(id=self.id, metadata=self.metadata(), state=self.state, created_at=self.created_at,
                                        labels=self.labels, annotations=self.annotations)

    def create(self, name, command, **options) -> 'Container':
        return Container(self, name, command, **options)

    def containers(self) -> list:
        return [one for one in self.node.made if one.pod is self]

    def stop(self):
        for container in self.containers():
            container.exit()
        self.state = NOT_READY

    def remove(self):
        self.stop()
        for container in self.containers():
            container.remove()
        self.node.pods.pop(self.id, None)
        cgroups.remove(self.parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


class Container:
    """Its cgroup is there at once; COMMAND runs from start() on. LISTED=False: the runtime does not know it yet, until
    list_it()."""

    def __init__(self, pod, name, command, env=None, labels=None, attempt=0, listed=True):
        self.pod, self.node, self.pb, self.id = pod, pod.node, pod.pb, new_id()
        self.name, self.command, self.env, self.attempt = name, list(map(str, command)), env or {}, attempt
        self.state, self.created_at, self.started_at, self.finished_at = CREATED, time.time_ns(), 0, 0
        self.exit_code, self.pid, self._processes = 0, 0, []
        self.node.made.append(self)
        self.labels = {**(labels or {}), **pod.own, 'io.kubernetes.container.name': name}
        self.scope = f'{pod.parent}/crio-{self.id}.scope'
        self.conmon = f'{pod.parent}/crio-conmon-{self.id}.scope'
        self.inside = self.scope + ('/container' if self.node.crun else '')
        for path in (self.conmon, self.inside):
            cgroups.make(path, ('cgroup2',))
        self._spawn(self.conmon, ['sleep', 'infinity'])
        if listed:
            self.list_it()

    def list_it(self):
        self.node.containers[self.id] = self
        self.node.tell(self, 0)

    @property
    def cgroup(self) -> str:
        """That of its processes."""
        return cgroups.v2_root() + self.inside

    def _spawn(self, path, command) -> subprocess.Popen:
        """The shell moves itself and becomes the command: all that it is after that is in there. Returns after that."""
        process = subprocess.Popen(['/bin/sh', '-c', ENTER, cgroups.v2_root() + path, *command],
                                   env={**os.environ, **self.env})
        self._processes.append(process)
        while process.poll() is None:
            line = pathlib.Path(f'/proc/{process.pid}/cmdline').read_bytes()
            if line and ENTER.encode() not in line:  # in the middle of an exec there is none
                break
            time.sleep(0.001)
        return process

    def start(self) -> 'Container':
        process = self._spawn(self.inside, self.command)
        self.pid, self.state, self.started_at = process.pid, RUNNING, time.time_ns()
        self.node.tell(self, 1)
        return self

    def run(self, *command):
        """One more process in there, to its end."""
        code = self._spawn(self.inside, list(command)).wait()
        assert code == 0, f'{command} ended with {code}'

    def kill(self):
        for process in self._processes:
            process.kill()
            process.wait()

    def exit(self, code=0):
        """Ends it, and its cgroups go. The runtime still knows it."""
        if self.state != EXITED:
            self.kill()
            cgroups.remove(self.scope)
            cgroups.remove(self.conmon)
            self.exit_code, self.state, self.finished_at, self.pid = code, EXITED, time.time_ns(), 0
            self.node.tell(self, 2)

    def remove(self):
        self.exit()
        if self.node.containers.pop(self.id, None):
            self.node.tell(self, 3)

    # ---- how it is told

    def matches(self, filter_) -> bool:
        return self.id.startswith(filter_.id) and self.pod.id.startswith(filter_.pod_sandbox_id) and \
            _labels_match(self.labels, filter_.label_selector) and \
            (not filter_.HasField('state') or filter_.state.state == self.state)

    def _annotations(self) -> dict:
        return {'io.kubernetes.container.hash': '12345678', 'io.kubernetes.container.restartCount': str(self.attempt),
                'io.kubernetes.container.terminationMessagePath': '/dev/termination-log',
                'io.kubernetes.container.terminationMessagePolicy': 'File',
                'io.kubernetes.pod.terminationGracePeriod': '30'}

    def listed(self):
        return self.pb.Container(
            id=self.id, pod_sandbox_id=self.pod.id, metadata={'name': self.name, 'attempt': self.attempt},
            image={'image': IMAGE}, image_ref=f'{IMAGE}@sha256:{"0" * 64}', image_id='0' * 64, state=self.state,
            created_at=self.created_at, labels=self.labels, annotations=self._annotations())

    def status(self):
        return self.pb.ContainerStatus(
            id=self.id, metadata={'name': self.name, 'attempt': self.attempt}, state=self.state,
            created_at=self.created_at, started_at=self.started_at, finished_at=self.finished_at,
            exit_code=self.exit_code, image={'image': IMAGE}, image_ref=f'{IMAGE}@sha256:{"0" * 64}', image_id='0' * 64,
            labels=self.labels, annotations=self._annotations(), log_path=f'/var/log/pods/{self.id}.log')

    def info(self) -> dict:
        """The JSON of the verbose status: with what must never leave the node."""
        spec = {'ociVersion': '1.2.0',
                'process': {'user': {'uid': 0, 'gid': 0}, 'args': self.command, 'cwd': '/',
                            'env': ['PATH=/usr/bin:/bin', *(f'{key}={value}' for key, value in self.env.items())]},
                'annotations': {'io.kubernetes.cri-o.ContainerID': self.id, 'io.kubernetes.cri-o.SandboxID': self.pod.id,
                                'io.kubernetes.cri-o.ContainerType': 'container', 'run.oci.systemd.subgroup': ''},
                'linux': {'cgroupsPath': f'{self.pod.slice}:crio:{self.id}',
                          'namespaces': [{'type': 'pid'}, {'type': 'cgroup'}, {'type': 'mount'}]}}
        if self.node.crun:
            del spec['annotations']['run.oci.systemd.subgroup']
        return {'sandboxID': self.pod.id, 'pid': self.pid, 'runtimeSpec': spec, 'privileged': False}
