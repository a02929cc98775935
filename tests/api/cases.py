# SPDX-License-Identifier: Apache-2.0
"""The API server's client against a stand-in: what it asks, what it tells, and what each kind of trouble costs.

The two files beside it run each group with one of the two programs."""
import json
import pathlib
import tempfile
import time
import unittest

from client import PROGRAMS, ROOT, Client
from standin import Fault, Standin, id_of, make_ca, make_certificate, make_pod, status_object, uid_of

FOLDER = tempfile.TemporaryDirectory()
CA = make_ca(FOLDER.name)
CERTIFICATE = make_certificate(FOLDER.name)
STATIC = PROGRAMS[1]
REPLICASET = ('apps/v1', 'ReplicaSet', 'web-7d9f8b6c5d', 'aaaaaaaa-0000-0000-0000-000000000001')
DEPLOYMENT = ('apps/v1', 'Deployment', 'web', 'bbbbbbbb-0000-0000-0000-000000000002')
WATCH = b'{"type":"%s","object":%s}\n'


def fixture(name):
    return json.loads((ROOT / 'tests/fuzz/corpus/api' / f'{name}.json').read_text(encoding='utf-8'))


def event(kind, thing):
    return WATCH % (kind.encode(), json.dumps(thing).encode())


def page(pods, **metadata):
    return json.dumps({'kind': 'PodList', 'apiVersion': 'v1', 'metadata': {'resourceVersion': '1000', **metadata},
                       'items': pods}).encode()


class Case(unittest.TestCase):
    program = STATIC

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.token = pathlib.Path(folder.name, 'token')
        self.write_token('first')
        self.server = self.serve(CERTIFICATE)
        self.server.tokens = ['first']

    def write_token(self, text):
        """As kubelet does it: another file by the same name."""
        new = self.token.with_suffix('.new')
        new.write_text(text + '\n', encoding='ascii')
        new.rename(self.token)

    def serve(self, *arguments, **options):
        server = Standin(*arguments, **options)
        self.addCleanup(server.stop)
        return server

    def client(self, **config):
        config = {'server': self.server.url, 'token_file': self.token, 'ca_file': CA, 'node': 'node-1', **config}
        return self.enterContext(Client(self.program, **config))

    def watching(self, **config):
        client = self.client(**config)
        client.wait('changed', state='watching')
        return client

    def queries(self, kind):
        return [r.query for r in self.server.requests if r.kind == kind]

    def some_event(self, client):
        """A watch that had one may end at once. And all questions besides are answered."""
        self.server.bookmark()
        self.until(lambda: client.status()['events'] and client.status()['version'])

    def until(self, condition, timeout=20):
        end = time.monotonic() + timeout
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)


class Right:
    """Nothing goes wrong."""

    def test_list_in_pages_and_watch(self):
        self.server.own('replicasets', 'shop', REPLICASET[2], REPLICASET[3], DEPLOYMENT)
        self.server.add(*[make_pod(i, owner=REPLICASET) for i in range(600)], make_pod(600, node='node-2'))
        client = self.watching()
        client.wait('pod', 600)
        self.assertEqual(client.wait('changed', state='watching')['pods'], 600)
        self.assertEqual(len(client.all('pod')), 600)
        self.assertEqual(len(client.all('container')), 600)
        self.assertEqual(client.pods().keys(), {uid_of(i) for i in range(600)})
        pod = client.pods()[uid_of(7)]
        self.assertEqual(pod['owners'], [['replicaset', *REPLICASET[2:]], ['deployment', *DEPLOYMENT[2:]]])
        self.assertEqual((pod['name'], pod['namespace'], pod['node'], pod['ip']),
                         ('pod-7', 'shop', 'node-1', '10.1.0.7'))
        self.assertEqual(pod['labels'], {'app': 'shop', 'number': '7'})
        [container] = client.all('container', pod_uid=uid_of(7))
        self.assertEqual((container['id'], container['image'], container['restarts']), (id_of(7), 'nginx:1.27', 2))
        selector = {'fieldSelector': 'spec.nodeName=node-1'}
        version = str(self.server.version)
        self.assertEqual(self.queries('list'), [
            {**selector, 'limit': '250', 'resourceVersion': '0'},
            {**selector, 'limit': '250', 'continue': f'{version}:250'},
            {**selector, 'limit': '250', 'continue': f'{version}:500'}])
        [watch] = self.queries('watch')
        self.assertTrue(240 <= int(watch.pop('timeoutSeconds')) <= 480)
        self.assertEqual(watch, {**selector, 'watch': '1', 'allowWatchBookmarks': 'true', 'resourceVersion': version})
        self.assertEqual([self.server.count(kind) for kind in ('owner', 'version')], [1, 1])
        status = client.end()
        self.assertEqual((status['state'], status['access'], status['reason'], status['version'], status['server']),
                         ('watching', 'fine', '', 'v1.34.2', self.server.url))
        self.assertEqual([status[key] for key in ('pods', 'requests', 'failures', 'events', 'relists', 'too_large',
                                                  'bad_objects', 'pods_evicted', 'owners_denied')],
                         [600, 6, 0, 0, 0, 0, 0, 0, 0])
        self.assertEqual({r.authorization for r in self.server.requests}, {'Bearer first'})
        self.assertNotIn('first', str(client.lines))

    def test_news(self):
        one, two = make_pod(1), make_pod(2)
        self.server.add(one)
        client = self.watching()
        self.server.add(two)
        client.wait('pod', 2)
        one['metadata']['labels'] = {'app': 'changed'}
        self.server.add(one)
        client.wait('pod', 3)
        self.server.remove(two)
        client.wait('gone', uid=uid_of(2))
        self.assertEqual(client.pods()[uid_of(1)]['labels'], {'app': 'changed'})
        self.server.bookmark()
        self.until(lambda: client.status()['events'] == 4)
        # the next watch begins where the bookmark is, and nothing is told twice
        version = str(self.server.version)
        self.server.end_watches()
        self.until(lambda: self.server.count('watch') == 2)
        self.assertEqual(self.queries('watch')[1]['resourceVersion'], version)
        self.server.add(make_pod(3))
        client.wait('pod', 4)
        status = client.end()
        self.assertEqual([status[key] for key in ('pods', 'events', 'failures', 'relists')], [2, 5, 0, 0])
        self.assertEqual([len(client.all(what)) for what in ('pod', 'gone', 'changed')], [4, 1, 2])
        self.assertEqual(self.server.count('list'), 1)

    def test_kinds_of_pods(self):
        names = ['deployment', 'static', 'statefulset', 'daemonset', 'cronjob', 'pending', 'waiting']
        pods = {name: fixture(name) for name in names}
        pods['waiting']['metadata'].update(uid='51515151-0000-4000-8000-00000000000f', name='waiting')
        self.server.own('replicasets', 'shop', 'checkout-7d9f8b6c5d', '0f0e9a1c-77e4-4c1c-9f2b-0a9a3d1f5e21',
                        ('apps/v1', 'Deployment', 'checkout', 'd'))
        self.server.own('jobs', 'ops', 'backup-29389260', '51515151-0000-4000-8000-000000000008',
                        ('batch/v1', 'CronJob', 'backup', 'c'))
        self.server.add(*pods.values())
        client = self.watching()
        client.wait('pod', 7)
        found = {pod['name']: pod for pod in client.pods().values()}
        owners = {name: ['/'.join(owner[:2]) for owner in pod['owners']] for name, pod in found.items()}
        self.assertEqual(owners, {
            'checkout-7d9f8b6c5d-x2x4z': ['replicaset/checkout-7d9f8b6c5d', 'deployment/checkout'],
            'kube-apiserver-node-1': [], 'db-0': ['statefulset/db'], 'agent-k7z2x': ['daemonset/agent'],
            'backup-29389260-abcde': ['job/backup-29389260', 'cronjob/backup'], 'waits': [], 'waiting': []})
        static = found['kube-apiserver-node-1']
        self.assertEqual((static['uid'], static['api_uid']),
                         ('8d3c2b1a0f9e8d7c6b5a493827160f5e', 'c0ffee00-0000-4000-8000-000000000001'))
        self.assertEqual(found['checkout-7d9f8b6c5d-x2x4z']['annotations'],
                         {'resource.opentelemetry.io/service.name': 'checkout',
                          'resource.opentelemetry.io/team': 'payments'})
        self.assertNotIn('do not keep', str(client.lines))
        self.assertEqual(len(client.all('container')), 8)
        self.server.remove(pods['static'])
        client.wait('gone', uid='8d3c2b1a0f9e8d7c6b5a493827160f5e')
        self.assertEqual(client.end()['failures'], 0)

    def test_in_a_cluster(self):
        """An address from the environment, a certificate that names only the service."""
        self.server = self.serve(make_certificate(FOLDER.name, names='DNS:kubernetes.default.svc', name='plain',
                                                  key='ec'))
        self.server.add(make_pod(1))
        client = self.watching(server=None, host='127.0.0.1', port=str(self.server.port))
        client.wait('pod')
        self.assertEqual(client.end()['failures'], 0)

    def test_rotated_token(self):
        client = self.watching()
        self.some_event(client)
        self.server.tokens = ['second']
        self.write_token('second')
        self.server.end_watches()
        self.until(lambda: self.server.count('watch') == 2)
        self.assertEqual(self.server.requests[-1].authorization, 'Bearer second')
        self.assertEqual(client.end()['failures'], 0)

    def test_kubectl_proxy(self):
        """Without TLS there is no token either."""
        self.server = self.serve()
        self.server.add(make_pod(1))
        client = self.watching(token_file='/nowhere', ca_file='/nowhere')
        client.wait('pod')
        self.assertEqual({r.authorization for r in self.server.requests}, {None})
        client.end()


class Refused:
    def test_401_until_the_token_is_right(self):
        self.server.tokens = ['second']
        client = self.client()
        failing = client.wait('changed', state='failing')
        self.assertEqual((failing['access'], failing['http']), ('refused', 401))
        self.assertIn(f'does not accept the token in {self.token} (401): Unauthorized', failing['reason'])
        self.write_token('second')
        client.wait('changed', state='watching')
        status = client.end()
        self.assertEqual((status['access'], status['http'], status['reason']), ('fine', 0, ''))
        self.assertEqual(status['failures'], self.server.count('list') - 1)

    def test_401_with_a_new_token_at_hand(self):
        """Between our look at the file and the request it was rotated: no wait, no failing."""
        self.server.tokens = ['second']
        self.server.script('list', Fault(401, hang=0.5))
        client = self.client()
        self.until(lambda: self.server.count('list') == 1)
        self.write_token('second')
        client.wait('changed', state='watching')
        self.assertEqual(client.all('changed', state='failing'), [])
        times = [r.time for r in self.server.requests if r.kind == 'list']
        self.assertLess(times[1] - times[0], 0.9)
        self.assertEqual(client.end()['failures'], 1)

    def test_403(self):
        message = 'pods is forbidden: User "system:serviceaccount:podtrace:podtrace" cannot list resource "pods"'
        self.server.script('list', Fault(403, message=message))
        client = self.client()
        failing = client.wait('changed', state='failing')
        self.assertEqual((failing['access'], failing['http']), ('forbidden', 403))
        self.assertIn(f'{self.server.url} forbids us to list pods (403): {message}', failing['reason'])
        self.assertIn('ClusterRole podtrace', failing['fix'])
        client.wait('changed', state='watching')
        self.assertEqual(client.end()['access'], 'fine')

    def test_404(self):
        self.server.script('list', Fault(404, body=b'404 page not found\n'))
        client = self.client()
        failing = client.wait('changed', state='failing')
        self.assertEqual((failing['access'], failing['http']), ('hidden', 404))
        self.assertIn('OpenShift answers 404 where RBAC forbids', failing['reason'])
        client.wait('changed', state='watching')
        client.end()

    def test_watch_forbidden(self):
        """A role with get and list only: pods are listed again and again, and it is said why."""
        self.server.add(make_pod(1))
        self.server.script('watch', *[Fault(403, message='cannot watch')] * 9)
        client = self.client()
        failing = client.wait('changed', state='failing')
        self.assertEqual((failing['access'], failing['pods']), ('fine', 1))
        self.assertIn('forbids us to watch pods (403): cannot watch', failing['reason'])
        self.server.add(make_pod(2))
        client.wait('pod', 1, uid=uid_of(2))
        status = client.end()
        self.assertEqual(status['relists'], self.server.count('list') - 1)
        self.assertEqual(len(client.all('changed', state='watching')), 0)

    def test_retry_after(self):
        self.server.script('list', Fault(429, {'Retry-After': '2'}), Fault(503, {'Retry-After': '1'}), Fault(503))
        client = self.watching()
        times = [r.time for r in self.server.requests if r.kind == 'list']
        waits = [b - a for a, b in zip(times, times[1:])]
        for wait, least in zip(waits, (2, 1, 1)):
            self.assertGreaterEqual(wait, least)
            self.assertLess(wait, least * 1.25 + 0.7)
        self.assertIn('too busy to let us list pods (429)', client.all('changed', state='failing')[0]['reason'])
        self.assertEqual(client.end()['failures'], 3)

    def test_redirect(self):
        """The token goes nowhere else."""
        other = self.serve(CERTIFICATE)
        self.server.script('list', Fault(307, {'Location': other.url + '/api/v1/pods'}))
        client = self.client()
        failing = client.wait('changed', state='failing')
        self.assertIn('answered 307', failing['reason'])
        self.assertEqual(failing['access'], 'unknown')
        client.wait('changed', state='watching')
        self.assertEqual((other.requests, other.connections), ([], 0))
        client.end()

    def test_proxy_in_the_environment(self):
        other = self.serve()
        client = self.watching(env={'https_proxy': other.url, 'HTTPS_PROXY': other.url, 'ALL_PROXY': other.url})
        self.assertEqual(other.connections, 0)
        client.end()

    def test_owners_forbidden(self):
        self.server.script('owner', Fault(403), Fault(404))
        self.server.add(make_pod(1, owner=REPLICASET, labels={'pod-template-hash': '7d9f8b6c5d'}))
        self.server.add(make_pod(2, owner=('batch/v1', 'Job', 'backup-29389260', 'job-uid')))
        client = self.watching()
        client.wait('pod', 2)
        self.assertEqual(client.pods()[uid_of(1)]['owners'],
                         [['replicaset', *REPLICASET[2:]], ['deployment', 'web', '']])
        self.assertEqual(client.pods()[uid_of(2)]['owners'], [['job', 'backup-29389260', 'job-uid']])
        self.server.add(make_pod(3, owner=REPLICASET, labels={'pod-template-hash': '7d9f8b6c5d'}))
        client.wait('pod', 3)
        status = client.end()
        self.assertEqual((status['owners_denied'], status['failures'], status['state']), (2, 2, 'watching'))
        self.assertEqual(self.server.count('owner'), 2)

    def test_owners_not_now(self):
        self.server.own('replicasets', 'shop', REPLICASET[2], REPLICASET[3], DEPLOYMENT)
        self.server.script('owner', Fault(503), Fault(raw=[b'{'], end='reset'))
        self.server.add(make_pod(1, owner=REPLICASET))
        client = self.watching()
        # told after two seconds without, and again with the answer after 1 + 2 s
        first, second = client.wait('pod'), client.wait('pod', 2)
        self.assertEqual([len(pod['owners']) for pod in (first, second)], [1, 2])
        self.assertGreater(second['at'] - first['at'], 0.5)
        status = client.end()
        self.assertEqual((status['owners_denied'], status['failures']), (0, 2))

    def test_version_is_not_worth_a_failure(self):
        self.server.script('version', Fault(403))
        self.server.add(make_pod(1))
        client = self.watching()
        self.until(lambda: self.server.count('version') == 1)
        status = client.end()
        self.assertEqual((status['state'], status['version'], status['reason']), ('watching', '', ''))


class Gone:
    """The server has forgotten, or we must not trust what we know."""

    def forget(self, script):
        one, two, three = (make_pod(i) for i in (1, 2, 3))
        self.server.add(one, two, three)
        client = self.watching()
        self.server.remove(one, silently=True)
        three['metadata']['labels'] = {'app': 'other'}
        script()
        client.wait('gone', uid=uid_of(1))
        client.wait('changed', 2, state='watching')
        self.assertEqual(client.pods().keys(), {uid_of(2), uid_of(3)})
        self.assertEqual(client.pods()[uid_of(3)]['labels'], {'app': 'other'})
        self.assertEqual(len(client.all('gone')), 1)
        self.server.add(make_pod(4))
        client.wait('pod', uid=uid_of(4))
        status = client.end()
        self.assertEqual((status['relists'], status['pods']), (1, 3))
        return status

    def test_410(self):
        def script():
            self.server.forget()
            self.server.end_watches('reset')
        self.forget(script)
        # not from the server's memory: that may be what was behind
        self.assertNotIn('resourceVersion', self.queries('list')[1])
        self.assertNotIn('continue', self.queries('list')[1])

    def test_410_as_an_event(self):
        expired = event('ERROR', status_object(410, 'too old resource version: 1 (2)'))
        self.server.script('watch', Fault(raw=[expired]), Fault(raw=[expired]))
        client = self.client()
        client.wait('changed', 3, state='watching')
        # the first is no failure, the second in a row is
        self.assertEqual([c['state'] for c in client.all('changed')],
                         ['listing', 'watching'] * 2 + ['failing', 'watching'])
        self.assertIn('answered 410 when asked to watch pods: too old resource version',
                      client.all('changed', state='failing')[0]['reason'])
        self.assertEqual(['resourceVersion' in query for query in self.queries('list')], [True, False, False])
        status = client.end()
        self.assertEqual((status['relists'], status['failures']), (2, 1))

    def test_410_after_a_calm_watch_is_no_failure(self):
        client = self.watching()
        time.sleep(5.5)
        self.server.forget()
        self.server.end_watches()
        client.wait('changed', 2, state='watching')
        status = client.end()
        self.assertEqual((status['failures'], status['relists']), (0, 1))
        self.assertEqual([c['state'] for c in client.all('changed')], ['listing', 'watching'] * 2)

    def test_another_error_as_an_event(self):
        self.server.script('watch', Fault(raw=[event('ERROR', status_object(500, 'etcdserver: no leader'))]))
        client = self.client()
        self.assertIn('answered 500 when asked to watch pods: etcdserver: no leader',
                      client.wait('changed', state='failing')['reason'])
        client.wait('changed', 2, state='watching')
        self.assertEqual(client.end()['relists'], 1)

    def test_410_of_a_page(self):
        """The list grew old while it was read: from the beginning, and nobody is told as gone for that."""
        self.server.add(*[make_pod(i) for i in range(300)])
        self.server.script('list', None, Fault(410, message='continue token too old'))
        client = self.watching()
        self.assertEqual(len(client.pods()), 300)
        self.assertEqual(client.all('gone'), [])
        self.assertEqual(len(self.queries('list')), 4)
        self.assertNotIn('resourceVersion', self.queries('list')[2])
        client.end()


class Broken:
    """Connections and answers that break; what is whole counts, what is not never does."""

    def test_watch_in_small_pieces(self):
        pods = [make_pod(i, large=False) for i in range(3)]
        text = b''.join(event('ADDED', pod) for pod in pods)
        self.server.script('watch', Fault(raw=[text[i:i + 7] for i in range(0, len(text), 7)]))
        client = self.watching()
        client.wait('pod', 3)
        self.assertEqual(client.pods().keys(), {uid_of(i) for i in range(3)})
        status = client.end()
        self.assertEqual((status['events'], status['failures'], status['bad_objects']), (3, 0, 0))

    def test_slow_list(self):
        text = page([make_pod(1), make_pod(2)])
        self.server.script('list', Fault(raw=[text[i:i + 5000] for i in range(0, len(text), 5000)], pause=0.2))
        client = self.watching()
        self.assertEqual(len(client.pods()), 2)
        self.assertEqual(client.end()['failures'], 0)

    def cut_watch(self, how):
        one, two = make_pod(1, large=False), make_pod(2, large=False)
        one['metadata']['resourceVersion'] = '1000'
        text = event('ADDED', one) + event('ADDED', two)[:-40]
        self.server.script('watch', Fault(raw=[text], end=how))
        client = self.client()
        self.until(lambda: self.server.count('watch') >= 2)
        self.assertEqual(client.pods().keys(), {uid_of(1)})
        # on from the last event that was whole
        self.assertEqual(self.queries('watch')[1]['resourceVersion'], '1000')
        self.server.add(two)
        client.wait('pod', uid=uid_of(2))
        status = client.end()
        self.assertEqual((status['relists'], status['bad_objects']), (0, 0))
        return status['failures']

    def test_cut_watch(self):
        for how, failures in ('clean', 0), ('cut', 1), ('reset', 1), ('badchunk', 1):
            with self.subTest(how):
                self.setUp()
                self.assertEqual(self.cut_watch(how), failures)

    def test_cut_list(self):
        """Pods of half a list are told, but none is missed for it, and the whole one comes a second later."""
        for how in 'cut', 'reset', 'badchunk':
            with self.subTest(how):
                self.setUp()
                self.server.add(*[make_pod(i, large=False) for i in range(3)])
                self.server.script('list', Fault(raw=[page([make_pod(0, large=False)] * 2)[:-200]], end=how))
                client = self.watching()
                self.assertEqual(len(client.pods()), 3)
                self.assertEqual(client.all('gone'), [])
                self.assertEqual(client.end()['failures'], 1)

    def test_half_a_list_with_a_good_end(self):
        self.server.add(make_pod(1))
        text = page([make_pod(0, large=False)])
        self.server.script('list', *[Fault(raw=[wrong]) for wrong in (text[:-20], b'', b'<html>no</html>', b'[]')])
        client = self.client()
        client.wait('changed', state='failing')
        for what in client.all('changed', state='failing'):
            self.assertIn('no answer of Kubernetes', what['reason'])
        self.assertEqual(client.all('changed', state='watching'), [])

    def test_garbage_in_a_watch(self):
        for text in b'<html>\n', b'{"type": ADDED}\n', b'}\n', b'{"a":' + b'[' * 300 + b'\n', b'\x00\xff\n':
            with self.subTest(text):
                self.setUp()
                self.server.script('watch', Fault(raw=[event('ADDED', make_pod(1, large=False)), text]))
                client = self.client()
                self.assertIn('no answer of Kubernetes', client.wait('changed', state='failing')['reason'])
                client.wait('changed', 2, state='watching')
                # what such a server said is not kept
                client.wait('gone', uid=uid_of(1))
                status = client.end()
                self.assertEqual((status['relists'], status['failures']), (1, 1))

    def test_odd_events(self):
        """Events that are none of ours are counted, and do no harm."""
        good = make_pod(1, large=False)
        odd = [b'{}\n', b'{"type":"PATCHED","object":{}}\n', event('ADDED', {}), event('ADDED', [1]),
               event('MODIFIED', make_pod(2, node='node-2')), event('DELETED', {'metadata': {'uid': uid_of(1)}}),
               event('ADDED', {**good, 'metadata': {**good['metadata'], 'uid': '../../x'}})]
        self.server.script('watch', Fault(raw=[event('ADDED', good), *odd, event('MODIFIED', good)]))
        client = self.watching()
        client.wait('pod', 2)
        status = client.end()
        self.assertEqual((status['bad_objects'], status['events'], status['failures']), (7, 9, 0))
        self.assertEqual((client.all('gone'), client.pods().keys()), ([], {uid_of(1)}))

    def test_large(self):
        """An event of 17 MiB is left out; the watch goes on behind it, and it never was in memory."""
        large = event('ADDED', {'metadata': {'annotations': {'x': 'y' * (17 << 20)}}})
        pieces = [large[i:i + (1 << 20)] for i in range(0, len(large), 1 << 20)]
        self.server.script('watch', Fault(raw=[*pieces, event('ADDED', make_pod(1))]))
        client = self.watching()
        client.wait('pod', uid=uid_of(1))
        status = client.end()
        self.assertEqual((status['too_large'], status['events'], status['failures']), (1, 1, 0))
        if self.program == STATIC:
            self.assertLess(status['peak_kb'], 12 << 10)

    def test_large_pod_in_a_list(self):
        huge = make_pod(2)
        huge['metadata']['annotations'] = {'x': 'y' * (5 << 20)}
        self.server.script('list', Fault(raw=[page([make_pod(1), huge, make_pod(3)])]))
        client = self.watching()
        self.assertEqual(client.pods().keys(), {uid_of(1), uid_of(3)})
        self.assertEqual(client.end()['too_large'], 1)

    def test_endless_line(self):
        chunk = b'y' * (1 << 20)
        self.server.script('watch', Fault(raw=[b'{"x":"'] + [chunk] * 80))
        client = self.client()
        self.assertIn('more than podtrace reads', client.wait('changed', state='failing')['reason'])
        client.wait('changed', 2, state='watching')
        client.end()

    def test_endless_pages(self):
        self.server.script('list', *[Fault(raw=[page([make_pod(i)], **{'continue': f'{i}'})]) for i in range(70)])
        client = self.client()
        self.assertIn('more than podtrace reads', client.wait('changed', state='failing')['reason'])
        self.assertEqual(self.server.count('list'), 64)

    def test_watches_that_end_at_once(self):
        """They must not become a busy loop."""
        self.server.script('watch', *[Fault(raw=[])] * 50)
        client = self.client()
        self.assertIn('it ends each watch at once', client.wait('changed', state='failing')['reason'])
        time.sleep(2.5)
        self.assertLessEqual(self.server.count('watch'), 3)

    def test_watches_that_end_with_an_event(self):
        """Nor must these; but there is nothing wrong with them."""
        self.server.script('watch', *[Fault(raw=[event('ADDED', make_pod(1, large=False))])] * 50)
        client = self.watching()
        time.sleep(2.5)
        self.assertIn(self.server.count('watch'), (3, 4))
        self.assertEqual([c['state'] for c in client.all('changed')], ['listing', 'watching'])
        self.assertEqual(client.end()['failures'], 0)

    def test_calm_watch_that_breaks(self):
        """A balancer that cuts connections is no trouble worth telling."""
        client = self.watching()
        time.sleep(5.5)
        self.server.end_watches('reset')
        self.until(lambda: self.server.count('watch') == 2)
        self.server.add(make_pod(1))
        client.wait('pod')
        self.assertEqual([c['state'] for c in client.all('changed')], ['listing', 'watching'])
        status = client.end()
        self.assertEqual((status['failures'], status['relists']), (1, 0))

    def test_server_that_comes_and_goes(self):
        port = self.server.port
        self.server.stop()
        client = self.client()
        self.assertIn('cannot be reached', client.wait('changed', state='failing')['reason'])
        self.server = self.serve(CERTIFICATE, port=port)
        self.server.add(make_pod(1))
        client.wait('changed', state='watching')
        self.server.stop()
        client.wait('changed', 2, state='failing')
        self.assertEqual(client.end()['pods'], 1)


class Tls:
    """With whom we speak; nothing is sent to others."""

    def fails(self, *words, certificate=None, **config):
        options = {'minimum': config.pop('minimum')} if 'minimum' in config else {}
        if certificate or options:
            self.server = self.serve(certificate or CERTIFICATE, **options)
        client = self.client(**config)
        failing = client.wait('changed', state='failing')
        for word in words:
            self.assertIn(word, failing['reason'])
        self.assertEqual((failing['http'], failing['access'], self.server.requests), (0, 'unknown', []))
        client.end()
        return failing

    def test_another_name(self):
        wrong = make_certificate(FOLDER.name, names='DNS:kubernetes.example,IP:127.0.0.1', name='wrong')
        failing = self.fails('the certificate of https://127.0.0.1', 'is not accepted', certificate=wrong)
        self.assertIn('kubernetes.default.svc', failing['fix'])

    def test_another_ca(self):
        failing = self.fails('is not accepted', ca_file=make_ca(FOLDER.name, 'other'))
        self.assertIn('other.crt', failing['fix'])

    def test_expired(self):
        old = make_certificate(FOLDER.name, name='old', days='-1')
        self.fails('is not accepted', certificate=old)

    def test_no_tls_at_all(self):
        self.server = self.serve()
        self.fails('127.0.0.1', server=self.server.url.replace('http:', 'https:'))

    def test_a_new_ca(self):
        """The CA's file is read again when it is another one."""
        ca = self.token.with_name('ca.crt')
        ca.write_bytes(make_ca(FOLDER.name, 'other').read_bytes())
        client = self.client(ca_file=ca)
        client.wait('changed', state='failing')
        new = ca.with_name('new.crt')
        new.write_bytes(CA.read_bytes())
        new.rename(ca)
        client.wait('changed', state='watching')
        client.end()


class Off:
    def test_off(self):
        for config, reason, fix in (
                ({'server': None}, 'KUBERNETES_SERVICE_HOST is not set', ''),
                ({'token_file': '/nowhere/token'}, 'cannot read the token in /nowhere/token: No such file',
                 'automountServiceAccountToken'),
                ({'ca_file': '/nowhere/ca.crt'}, '/nowhere/ca.crt', 'automountServiceAccountToken'),
                ({'node': 'Node_1'}, '"Node_1" is no name of a node', 'NODE_NAME'),
                ({'node': None}, 'is not known', 'NODE_NAME')):
            with self.subTest(config):
                client = self.client(**config)
                status = client.wait('start')
                self.assertEqual((status['state'], status['access']), ('off', 'unknown'))
                self.assertIn(reason, status['reason'])
                self.assertIn(fix, status['fix'])
                self.assertEqual(client.end()['requests'], 0)
        self.assertEqual(self.server.connections, 0)

    def test_token_that_goes(self):
        client = self.watching()
        self.some_event(client)
        self.token.unlink()
        self.server.end_watches()
        failing = client.wait('changed', state='failing')
        self.assertIn(f'cannot read the token in {self.token}', failing['reason'])
        self.write_token('first')
        client.wait('changed', 2, state='watching')
        client.end()
