# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server that is small, honest by default, and does what a script says instead.

It keeps pods, replicasets and jobs, a version that counts up and the events since; lists by node in pages, watches with
bookmarks, asks for a token. `script(KIND, *FAULTS)` makes the next requests of that kind (list, watch, owner, version)
go wrong, in order; KIND None of FAULTS is one that goes right. Every request is kept in `requests`.
"""
import dataclasses
import http.server
import json
import pathlib
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse


@dataclasses.dataclass
class Fault:
    """What happens instead of the right answer."""
    status: int = 0  # a refusal of that status
    headers: dict = dataclasses.field(default_factory=dict)
    message: str = ''
    body: bytes = b''  # instead of a Status
    hang: float = 0  # seconds of silence at first
    end: str = 'clean'  # of raw and of a watch: clean, cut (no last chunk), reset, badchunk
    raw: list = None  # the pieces of the body, a chunk each
    pause: float = 0  # between them


@dataclasses.dataclass
class Request:
    kind: str
    path: str
    query: dict
    authorization: str
    connection: int
    time: float


def openssl(*arguments, **options):
    subprocess.run(['openssl', *arguments], check=True, capture_output=True, **options)


def make_ca(folder, name='ca'):
    """FOLDER/NAME.crt and .key."""
    folder = pathlib.Path(folder)
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
            '-subj', f'/CN={name} of the test', '-keyout', str(folder / f'{name}.key'), '-out',
            str(folder / f'{name}.crt'))
    return folder / f'{name}.crt'


def make_certificate(folder, names='DNS:kubernetes,DNS:kubernetes.default.svc,IP:127.0.0.1', ca='ca', name='server',
                     key='rsa:2048', days='2'):
    """FOLDER/NAME.pem: certificate and key in one."""
    folder = pathlib.Path(folder)
    curve = ['-pkeyopt', 'ec_paramgen_curve:prime256v1'] if key == 'ec' else []
    openssl('req', '-newkey', key, *curve, '-nodes', '-subj', '/CN=kube-apiserver', '-keyout',
            str(folder / f'{name}.key'), '-out', str(folder / f'{name}.csr'))
    (folder / f'{name}.ext').write_text(f'subjectAltName={names}\n', encoding='ascii')
    openssl('x509', '-req', '-in', str(folder / f'{name}.csr'), '-CA', str(folder / f'{ca}.crt'), '-CAkey',
            str(folder / f'{ca}.key'), '-CAcreateserial', '-days', days, '-extfile', str(folder / f'{name}.ext'),
            '-out', str(folder / f'{name}.crt'))
    both = (folder / f'{name}.crt').read_text() + (folder / f'{name}.key').read_text()
    (folder / f'{name}.pem').write_text(both)
    return folder / f'{name}.pem'


def status_object(code, message):
    return {'kind': 'Status', 'apiVersion': 'v1', 'metadata': {}, 'status': 'Failure', 'message': message, 'code': code}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        with self.server.lock:
            self.number = self.server.connections
            self.server.connections += 1

    def handle(self):
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            pass

    def finish(self):
        try:
            super().finish()
        except (OSError, ssl.SSLError, ValueError):
            pass

    # ---- answers

    def whole(self, code, body, headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body, separators=(',', ':')).encode()
        self.send_response(code)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        for key, value in dict(headers).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def chunks(self):
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        self.wfile.flush()

    def chunk(self, data):
        self.wfile.write(b'%x\r\n%s\r\n' % (len(data), data))
        self.wfile.flush()

    def over(self, how):
        """The end of a chunked answer."""
        if how == 'clean':
            self.wfile.write(b'0\r\n\r\n')
            self.wfile.flush()
            return
        if how == 'badchunk':
            self.wfile.write(b'zz not a length\r\n')
            self.wfile.flush()
        if how == 'reset':
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            self.connection.shutdown = lambda *_: None
        self.close_connection = True

    def refuse(self, fault):
        body = fault.body or status_object(fault.status, fault.message or f'scripted {fault.status}')
        self.whole(fault.status, body, fault.headers)

    def fail(self, fault):
        if fault.hang:
            self.server.stopping.wait(fault.hang)
        if fault.status:
            self.refuse(fault)
        elif fault.raw is None:
            self.over(fault.end)
        else:
            self.chunks()
            for piece in fault.raw:
                self.chunk(piece)
                if fault.pause:
                    time.sleep(fault.pause)
            self.over(fault.end)

    # ---- requests

    def do_GET(self):
        server = self.server
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        kind = 'owner' if url.path.startswith('/apis/') else 'version' if url.path == '/version' else \
            'watch' if query.get('watch') else 'list'
        with server.lock:
            server.requests.append(Request(kind, url.path, query, self.headers.get('Authorization'), self.number,
                                           time.monotonic()))
            fault = server.faults[kind].pop(0) if server.faults[kind] else None
            tokens = server.tokens
        if fault:
            self.fail(fault)
        elif tokens is not None and self.headers.get('Authorization') not in [f'Bearer {t}' for t in tokens]:
            self.refuse(Fault(401, message='Unauthorized'))
        elif kind == 'version':
            self.whole(200, {'major': '1', 'minor': '34', 'gitVersion': server.git_version})
        elif kind == 'owner':
            found = server.owners.get(url.path)
            self.whole(200, found) if found else self.refuse(Fault(404, message='not found'))
        elif url.path != '/api/v1/pods':
            self.refuse(Fault(404, body=b'404 page not found\n'))
        elif kind == 'watch':
            self.watch(query)
        else:
            self.list(query)

    def node(self, query):
        name, _, value = query.get('fieldSelector', '=').partition('=')
        assert name == 'spec.nodeName', query
        return value

    def list(self, query):
        server = self.server
        limit = int(query.get('limit', 0)) or 1 << 30
        with server.lock:
            version, _, start = query.get('continue', f'{server.version}:0').partition(':')
            pods = [p for p in server.pods.values() if p['spec']['nodeName'] == self.node(query)]
        start = int(start)
        page = pods[start:start + limit]
        metadata = {'resourceVersion': version}
        if start + limit < len(pods):
            metadata['continue'] = f'{version}:{start + limit}'
            metadata['remainingItemCount'] = len(pods) - start - limit
        self.whole(200, {'kind': 'PodList', 'apiVersion': 'v1', 'metadata': metadata, 'items': page})

    def watch(self, query):
        server = self.server
        seen = int(query['resourceVersion'])
        end = time.monotonic() + int(query['timeoutSeconds'])
        with server.lock:
            if seen < server.compacted:
                self.refuse(Fault(410, message='too old resource version'))
                return
            server.watches += 1
            mine = server.watch_round
        self.chunks()
        try:
            while time.monotonic() < end and not server.stopping.is_set():
                with server.changed:
                    news = [e for e in server.events if e[0] > seen]
                    if not news and mine == server.watch_round:
                        server.changed.wait(0.2)
                        continue
                    how = server.watch_end
                if not news:
                    self.over(how)
                    return
                for version, event in news:
                    seen = version
                    if event['object']['spec'].get('nodeName') in (None, self.node(query)):
                        self.chunk(json.dumps(event, separators=(',', ':')).encode() + b'\n')
            self.over('clean')
        finally:
            with server.lock:
                server.watches -= 1


class Standin(http.server.ThreadingHTTPServer):
    """Runs from its making to stop(). tls: the context of make_context, or None for plain HTTP."""
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, certificate=None, port=0, minimum=None):
        super().__init__(('127.0.0.1', port), Handler)
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.stopping = threading.Event()
        self.pods, self.owners, self.events, self.requests = {}, {}, [], []
        self.faults = {'list': [], 'watch': [], 'owner': [], 'version': []}
        self.tokens = None
        self.git_version = 'v1.34.2'
        self.version, self.compacted = 1000, 0
        self.connections = self.watches = self.watch_round = 0
        self.watch_end = 'clean'
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if minimum:
                context.minimum_version = minimum
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server_address[1]
        self.url = f'http{"s" if certificate else ""}://127.0.0.1:{self.port}'
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def handle_error(self, *_):
        pass

    def stop(self):
        self.stopping.set()
        with self.changed:
            self.changed.notify_all()
        self.shutdown()
        self.server_close()

    def script(self, kind, *faults):
        with self.lock:
            self.faults[kind] += faults

    def count(self, kind):
        with self.lock:
            return sum(r.kind == kind for r in self.requests)

    # ---- what happens in the cluster

    def tell(self, kind, thing):
        with self.changed:
            self.version += 1
            thing['metadata']['resourceVersion'] = str(self.version)
            self.events.append((self.version, {'type': kind, 'object': json.loads(json.dumps(thing))}))
            self.changed.notify_all()

    def add(self, *pods):
        for pod in pods:
            uid = pod['metadata']['uid']
            with self.lock:
                known = uid in self.pods
                self.pods[uid] = pod
            self.tell('MODIFIED' if known else 'ADDED', pod)

    def remove(self, *pods, silently=False):
        for pod in pods:
            with self.lock:
                del self.pods[pod['metadata']['uid']]
            if not silently:
                self.tell('DELETED', pod)

    def bookmark(self):
        self.tell('BOOKMARK', {'kind': 'Pod', 'apiVersion': 'v1', 'metadata': {'creationTimestamp': None},
                               'spec': {'containers': None}, 'status': {}})

    def own(self, kind, namespace, name, uid, controller=None):
        """A replicaset or job, and what controls it: (apiVersion, kind, name, uid)."""
        group = {'replicasets': 'apps', 'jobs': 'batch'}[kind]
        metadata = {'name': name, 'namespace': namespace, 'uid': uid}
        if controller:
            metadata['ownerReferences'] = [reference(*controller)]
        with self.lock:
            self.owners[f'/apis/{group}/v1/namespaces/{namespace}/{kind}/{name}'] = {
                'kind': kind, 'apiVersion': f'{group}/v1', 'metadata': metadata}

    def forget(self):
        """Versions up to now can no longer be watched from; nor will events be told again."""
        with self.lock:
            self.compacted = self.version = self.version + 1
            self.events.clear()

    def end_watches(self, how='clean'):
        with self.changed:
            self.watch_end = how
            self.watch_round += 1
            self.changed.notify_all()


# ---- pods -----------------------------------------------------------------------------------------------------------

def reference(version, kind, name, uid, controller=True):
    return {'apiVersion': version, 'kind': kind, 'name': name, 'uid': uid, 'controller': controller,
            'blockOwnerDeletion': True}


def uid_of(number):
    return f'{number:08x}-1c3e-4a6f-9b2d-5e8f7a6b4c2d'


def id_of(number):
    return f'{number:064x}'


def managed_fields():
    """What makes real pods as large as they are."""
    fields = {f'f:field{i}': {'.': {}, 'f:name': {}, 'f:value': {}} for i in range(60)}
    return [{'manager': m, 'operation': 'Update', 'apiVersion': 'v1', 'time': '2026-11-21T10:56:00Z',
             'fieldsType': 'FieldsV1', 'fieldsV1': {'f:metadata': fields, 'f:spec': fields}}
            for m in ('kube-controller-manager', 'kubelet')]


def make_pod(number, name=None, namespace='shop', node='node-1', labels=None, owner=None, annotations=None,
             running=True, large=True):
    name = name or f'pod-{number}'
    metadata = {'name': name, 'namespace': namespace, 'uid': uid_of(number), 'resourceVersion': '1',
                'creationTimestamp': '2026-11-21T10:55:58Z', 'labels': labels or {'app': 'shop', 'number': str(number)}}
    if owner:
        metadata['ownerReferences'] = [reference(*owner)]
    if annotations:
        metadata['annotations'] = annotations
    if large:
        metadata['managedFields'] = managed_fields()
    state = {'running': {'startedAt': '2026-11-21T10:56:01Z'}} if running else {'waiting': {'reason': 'x'}}
    status = {'phase': 'Running' if running else 'Pending', 'startTime': '2026-11-21T10:56:00Z',
              'podIP': f'10.1.{number >> 8 & 255}.{number & 255}', 'podIPs': [{'ip': '10.1.0.1'}]}
    if running:
        status['containerStatuses'] = [{
            'name': 'web', 'state': state, 'lastState': {}, 'ready': True, 'restartCount': 2, 'started': True,
            'image': 'docker.io/library/nginx:1.27', 'imageID': 'docker.io/library/nginx@sha256:' + '5' * 64,
            'containerID': f'containerd://{id_of(number)}'}]
    return {'kind': 'Pod', 'apiVersion': 'v1', 'metadata': metadata,
            'spec': {'nodeName': node, 'restartPolicy': 'Always', 'serviceAccountName': 'default',
                     'containers': [{'name': 'web', 'image': 'nginx:1.27', 'env': [{'name': 'SECRET', 'value': 'x'}],
                                     'volumeMounts': [{'name': 'token', 'mountPath': '/var/run/secrets'}]}],
                     'tolerations': [{'key': 'node.kubernetes.io/not-ready', 'operator': 'Exists'}] * 2},
            'status': status}
