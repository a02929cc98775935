# SPDX-License-Identifier: Apache-2.0
"""The image in the container that deploy/base describes: it works with what is given there, and each thing given is
needed. What the DaemonSet says and what is tested cannot drift apart: the tests read it from there."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

import yaml

import oci
import pod

sys.path.insert(0, str(oci.ROOT / 'tests' / 'collector'))
sys.path.insert(0, str(oci.ROOT / 'tests'))

import fixtures  # noqa: E402  pylint: disable=wrong-import-position
import otlp  # noqa: E402  pylint: disable=wrong-import-position
from cri import crio  # noqa: E402  pylint: disable=wrong-import-position
import receiver  # noqa: E402  pylint: disable=wrong-import-position

FOLDER = tempfile.TemporaryDirectory(prefix='podtrace-image-')  # of this run of tests
ROOTFS = os.path.join(FOLDER.name, 'rootfs')
ARCHIVE = os.path.join(FOLDER.name, 'image.tar')
QUIET = {'OTEL_EXPORTER_OTLP_ENDPOINT': ''}  # trace exports only where it is told to
CONTAINERS = 60
READY = 'watches by'  # in the log, once all is attached


def setUpModule():
    if os.geteuid():
        raise unittest.SkipTest('mounts, capabilities and BPF programs need root')
    if not oci.BINARY.exists():
        raise unittest.SkipTest(f'{oci.BINARY} is not built: make')
    for program in ('capsh', 'unshare', 'protoc'):
        if not shutil.which(program):
            raise unittest.SkipTest(f'no {program} here')
    lacking = set(pod.Pod().capabilities) - set(pod.all_capabilities())
    if lacking:
        raise unittest.SkipTest(f'this machine may not give the capabilities {", ".join(sorted(lacking))}')
    oci.Image(oci.build(ARCHIVE)).unpack(ROOTFS)
    pod.make_mount_points(ROOTFS)


# ---- what podtrace is shown -----------------------------------------------------------------------------------------

def hierarchy(kind, option=''):
    """Where a whole cgroup hierarchy of this kind is mounted, or None."""
    for line in pathlib.Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines():
        fields, _, rest = line.partition(' - ')
        root, place = fields.split()[3:5]
        type_, _, options = rest.split()[:3]
        if root == '/' and type_ == kind and place.startswith('/sys/fs/cgroup') and \
                (not option or option in options.split(',')):
            return place
    return None


@contextlib.contextmanager
def some_pod():
    """A pod as the cgroupfs driver makes it, below a folder of ours. Yields (uid, function that runs a container)."""
    v2 = hierarchy('cgroup2')
    if not v2:
        raise unittest.SkipTest('no cgroup v2 tree below /sys/fs/cgroup')
    uid = f'0c7b5f2e-1111-4222-8333-{os.getpid():012x}'
    top = f'{v2}/podtrace-image-{os.getpid()}'
    made = [top, f'{top}/kubepods', f'{top}/kubepods/besteffort', f'{top}/kubepods/besteffort/pod{uid}']
    for path in made:
        os.mkdir(path)

    def container(number):
        path = f'{made[3]}/{number:064x}'
        os.mkdir(path)
        made.append(path)
        subprocess.run(['true'], preexec_fn=pod.entering(path), check=True)

    try:
        yield uid, container
    finally:
        for path in reversed(made):
            os.rmdir(path)


@contextlib.contextmanager
def memory_cgroup(limit):
    """Yields the directory and the file that tells the peak: programs, maps and pages all count there."""
    v1, v2 = hierarchy('cgroup', 'memory'), hierarchy('cgroup2')
    if not v1 and (not v2 or 'memory' not in pathlib.Path(v2, 'cgroup.subtree_control').read_text(encoding='ascii')):
        raise unittest.SkipTest('no memory controller to put podtrace into')
    group = pathlib.Path(v1 or v2, f'podtrace-image-memory-{os.getpid()}')
    group.mkdir()
    try:
        (group / ('memory.limit_in_bytes' if v1 else 'memory.max')).write_text(str(limit), encoding='ascii')
        yield group, group / ('memory.max_usage_in_bytes' if v1 else 'memory.peak')
    finally:
        group.rmdir()


@contextlib.contextmanager
def listener(backlog=16):
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen(backlog)
        yield server, server.getsockname()


def talk(server, address):
    with socket.create_connection(address) as client, server.accept()[0] as peer:
        client.sendall(b'ping')
        peer.recv(4)


def fingerprint(folder):
    """Everything that writing to the root would change."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob('*')):
        stat = path.lstat()
        found[str(path)] = (stat.st_mode, stat.st_size if path.is_file() else 0, stat.st_mtime_ns, stat.st_ctime_ns)
    return found


class Case(unittest.TestCase):
    def assert_all_on(self, run):
        features = run.summary['features']
        self.assertTrue(features)
        for feature in features:
            self.assertEqual(feature['state'], 'on', feature)

    def assert_no_loss(self, run):
        summary = run.summary
        self.assertEqual((summary['lost'], summary['unaccounted'], summary['unknown_kind']), (0, 0, 0), summary)
        for kind, row in summary['events'].items():
            self.assertEqual({key: row[key] for key in row if key.startswith('lost') or key == 'damaged'},
                             {key: 0 for key in row if key.startswith('lost') or key == 'damaged'}, kind)


# ---- it works -------------------------------------------------------------------------------------------------------

class Works(Case):
    def test_trace(self):
        before = fingerprint(ROOTFS)
        with pod.run(ROOTFS, *'trace --all --quiet --duration 3s --output json'.split(), env=QUIET) as run, \
                listener() as (server, address):
            run.wait_for(READY)
            for _ in range(20):
                subprocess.run(['true'], check=True)
                talk(server, address)
            self.assertEqual(run.wait(), 0, run.log)
        self.assertEqual(len(run.out), 1)
        self.assert_all_on(run)
        self.assert_no_loss(run)
        self.assertGreaterEqual(run.summary['events']['process_exec']['seen'], 20)
        self.assertGreaterEqual(run.summary['events']['tcp_close']['seen'], 20)
        self.assertNotIn('level=warn', run.log)
        self.assertNotIn('level=error', run.log)
        self.assertEqual(fingerprint(ROOTFS), before)

    def test_it_has_what_the_manifest_gives_and_no_more(self):
        with pod.run(ROOTFS, 'trace', '--all', '--quiet', env=QUIET) as run:
            run.wait_for(READY)
            status = run.status()
            with open(f'/proc/{run.pid}/mountinfo', encoding='utf-8') as mounts:
                places = {line.split()[4]: line.split()[5].split(',') for line in mounts}
            self.assertEqual(run.stop(), 0, run.log)
        given = subprocess.run(['capsh', f'--decode={status["CapBnd"]}'], capture_output=True, text=True, check=True)
        self.assertEqual(set(given.stdout.strip().split('=')[1].split(',')),
                         {'cap_' + name for name in pod.Pod().capabilities})
        self.assertEqual(status['CapEff'], status['CapBnd'])
        self.assertEqual(status['NoNewPrivs'], '1')
        for place in ['/', '/sys'] + [target for _, target in pod.Pod().mounts()]:
            self.assertIn('ro', places[place], place)

    def test_the_root_is_read_only(self):
        with pod.run(ROOTFS, *'trace --all --quiet --duration 1s --otlp-file /out'.split(), env=QUIET) as run:
            self.assertNotEqual(run.wait(), 0)
        self.assertIn('Read-only file system', run.log)

    def test_agent(self):
        with tempfile.TemporaryDirectory() as folder, receiver.Receiver(folder, ['ok']) as collector, \
                some_pod() as (uid, container):
            told = {'OTEL_EXPORTER_OTLP_ENDPOINT': collector.url, 'OTEL_METRIC_EXPORT_INTERVAL': '500'}
            before = fingerprint(ROOTFS)
            with pod.run(ROOTFS, *oci.Image(ARCHIVE).config['config']['Cmd'],
                         env=told) as run, listener() as (server, address):
                run.wait_for(READY)
                end = time.monotonic() + 2
                for number in range(20):
                    container(number)
                    talk(server, address)
                time.sleep(max(0, end - time.monotonic()))
                from_stop = time.monotonic()
                self.assertEqual(run.stop(), 0, run.log)
            self.assertLess(time.monotonic() - from_stop, pod.Pod().spec['terminationGracePeriodSeconds'])
            self.assertNotIn('level=warn', run.log)
            self.assertNotIn('level=error', run.log)
            self.assertEqual(fingerprint(ROOTFS), before)
            self.check_telemetry(collector.requests, uid)

    def check_telemetry(self, requests, uid):
        schema = otlp.Schema(fixtures.PROTO)
        spans = metrics = 0
        pods, nodes = set(), set()
        for request in requests:
            message = schema.from_bytes(request.signal, request.body).message
            for group in message.get('resource_spans', []) + message.get('resource_metrics', []):
                who = {pair['key']: pair['value'].get('string_value') for pair in group['resource']['attributes']}
                pods.add(who.get('k8s.pod.uid'))
                nodes.add(who.get('host.name'))
                for scope in group.get('scope_spans', []):
                    spans += len(scope['spans']) if who.get('k8s.pod.uid') == uid else 0
                for scope in group.get('scope_metrics', []):
                    metrics += len(scope['metrics'])
        self.assertGreaterEqual(spans, 20)  # of the 20 containers' programs
        self.assertGreater(metrics, 0)
        self.assertIn(uid, pods)
        self.assertEqual(nodes, {pod.NODE})

    def test_it_fits_into_its_memory(self):
        container = pod.Pod().container
        limit, request = (int(container['resources'][which]['memory'].removesuffix('Mi')) << 20
                          for which in ('limits', 'requests'))
        with memory_cgroup(limit) as (group, peak_file):
            with tempfile.TemporaryDirectory() as folder, receiver.Receiver(folder, ['ok']) as collector, \
                    pod.run(ROOTFS, 'agent', env={'OTEL_EXPORTER_OTLP_ENDPOINT': collector.url}, cgroup=group) as run:
                run.wait_for(READY)
                for _ in range(200):
                    subprocess.run(['true'], check=True)
                self.assertEqual(run.stop(), 0, run.log)
            peak = int(peak_file.read_text(encoding='ascii'))
        self.assertGreater(peak, 1 << 20)  # it was in there
        self.assertLessEqual(peak, request)


# ---- each thing given is needed -------------------------------------------------------------------------------------

class Needed(Case):
    def named(self, *args, **options):
        """How many programs that ran in a container of their own were seen, and how many with the container's name."""
        with pod.run(ROOTFS, *'trace --all --output json'.split(), *args, env=QUIET, **options) as run:
            run.wait_for(READY)
            with some_pod() as (uid, container):
                for number in range(CONTAINERS):
                    container(number)
                    time.sleep(0.01)
                time.sleep(0.5)  # read before they are removed
            self.assertEqual(run.stop(), 0, run.log)
        parents = [line for line in run.out if line.get('event') == 'podtrace.process.exec'
                   and line.get('process.executable.name') == 'true' and line.get('process.parent_pid') == os.getpid()]
        return len(parents), sum(line.get('k8s.pod.uid') == uid for line in parents)

    def without_bpf(self):
        with pod.run(ROOTFS, *'trace --all --quiet --duration 1s'.split(), without=['bpf'], env=QUIET) as run:
            self.assertEqual(run.wait(), 1)
        self.assertIn('cannot create BPF maps', run.log)
        self.assertIn('the capabilities BPF and PERFMON', run.log)

    def without_perfmon(self):
        with pod.run(ROOTFS, *'trace --all --quiet --duration 1s'.split(), without=['perfmon'], env=QUIET) as run:
            self.assertEqual(run.wait(), 1)
        self.assertIn('no BPF program can run here', run.log)
        self.assertIn('the capabilities BPF and PERFMON', run.log)

    def without_dac_read_search(self):
        """Cgroups that the kernel did not tell as they were made (here: that family is off) must be looked up."""
        told_by_nobody = ('--families', 'process,tcp')
        self.assertEqual(self.named(*told_by_nobody), (CONTAINERS, CONTAINERS))
        seen, named = self.named(*told_by_nobody, without=['dac_read_search'])
        self.assertEqual(seen, CONTAINERS)
        self.assertLess(named, CONTAINERS * 0.9)  # a walk of all cgroups, five times a second at most

    def without_net_admin(self):
        """Nothing but DNS is lost."""
        off = {}
        for without in ([], ['net_admin']):
            with pod.run(ROOTFS, *'trace --all --quiet --duration 1s --output json'.split(), without=without, env=QUIET) as run:
                self.assertEqual(run.wait(), 0, run.log)
            off[bool(without)] = {of['family'] for of in run.summary['features'] if of['state'] == 'off'}
        self.assertEqual(off, {False: set(), True: {'dns'}})

    def test_each_capability(self):
        """Takes each away. One without a control here is one too many in the manifest."""
        for capability in pod.Pod().capabilities:
            with self.subTest(capability):
                getattr(self, f'without_{capability}')()

    def test_containers_have_names_with_all_of_them(self):
        self.assertEqual(self.named(), (CONTAINERS, CONTAINERS))

    def without(self, target):
        """The log of a run that lacks the mount, and the exit code."""
        others = [mount for mount in pod.Pod().mounts() if mount[1] != target]
        os.rmdir(f'{ROOTFS}{target}')
        self.addCleanup(pod.make_mount_points, ROOTFS)
        with pod.run(ROOTFS, *'trace --all --quiet --duration 1s'.split(), mounts=others, env=QUIET) as run:
            code = run.wait()
        return code, run.log

    def test_each_mount_is_needed(self):
        """None is there without a test below."""
        self.assertEqual([source for source, _ in pod.Pod().mounts()], ['/sys/fs/cgroup', '/run'])

    def test_cgroup_mount(self):
        """podtrace says what it misses and does not go on without telling containers apart."""
        code, log = self.without('/host/sys/fs/cgroup')
        self.assertEqual(code, 1)
        self.assertIn('cannot open /host/sys/fs/cgroup', log)

    def test_run_mount(self):
        """The runtime's socket is found below /host/run, wherever it is there; without it there are no names."""
        runtime = self.enterContext(crio.CriO(address='/run/crio/crio.sock'))
        with pod.run(ROOTFS, *'trace --all --quiet --duration 2s'.split(), env=QUIET) as run:
            self.assertEqual(run.wait(), 0)
        self.assertIn(f'cri-o {runtime.version} at /host/run/crio/crio.sock', run.log)
        code, log = self.without('/host/run')
        self.assertEqual(code, 0)
        self.assertNotIn('cri-o', log)
        self.assertIn('CRI endpoint not found', log)

    def test_host_pid(self):
        """Queues of listening sockets older than podtrace are seen in the node's pid namespace, in one's own they are
        not."""
        self.assertTrue(pod.Pod().spec['hostPID'])
        self.assertEqual(self.overflows(), 1)
        self.assertEqual(self.overflows(share=['--pid', '--fork']), 0)

    def overflows(self, **options):
        with listener(backlog=0) as (_, address), contextlib.ExitStack() as clients:
            with pod.run(ROOTFS, *'trace --all --output json --duration 2s'.split(), env=QUIET, **options) as run:
                run.wait_for(READY)
                for _ in range(6):
                    client = clients.enter_context(socket.socket())
                    client.setblocking(False)
                    client.connect_ex(address)
                self.assertEqual(run.wait(), 0, run.log)
        return sum(line.get('event') == 'podtrace.tcp.listen_drop' and line.get('server.port') == address[1]
                   for line in run.out)

    def test_certificates(self):
        """The bundle is where podtrace looks for it."""
        with pod.run(ROOTFS, 'agent', env={'OTEL_EXPORTER_OTLP_ENDPOINT': 'https://127.0.0.1:9'}) as run:
            run.wait_for(READY)
            self.assertEqual(run.stop(), 0, run.log)
        os.rename(f'{ROOTFS}/etc', f'{ROOTFS}/not-etc')
        try:
            with pod.run(ROOTFS, 'agent', env={'OTEL_EXPORTER_OTLP_ENDPOINT': 'https://127.0.0.1:9'}) as run:
                self.assertEqual(run.wait(), 1)
            self.assertIn('https wants a CA bundle', run.log)
        finally:
            os.rename(f'{ROOTFS}/not-etc', f'{ROOTFS}/etc')


# ---- the files of deploy/base ---------------------------------------------------------------------------------------

class Manifest(unittest.TestCase):
    def setUp(self):
        self.pod = pod.Pod()

    def test_nothing_is_given_that_is_not_named(self):
        security = self.pod.security
        self.assertIs(security['privileged'], False)
        self.assertIs(security['allowPrivilegeEscalation'], False)
        self.assertIs(security['readOnlyRootFilesystem'], True)
        self.assertEqual(security['capabilities']['drop'], ['ALL'])
        self.assertEqual(security['seccompProfile'], {'type': 'RuntimeDefault'})
        self.assertIs(pod.load('serviceaccount.yaml')['automountServiceAccountToken'], False)
        self.assertIs(self.pod.spec['hostNetwork'], False)
        for mount in self.pod.container['volumeMounts']:
            self.assertIs(mount['readOnly'], True, mount['name'])

    def test_the_role_reads_and_no_more(self):
        role, binding = pod.load_all('clusterrole.yaml')
        self.assertEqual([(rule['apiGroups'], rule['resources'], rule['verbs']) for rule in role['rules']],
                         [([''], ['pods'], ['get', 'list', 'watch']), (['apps'], ['replicasets'], ['get']),
                          (['batch'], ['jobs'], ['get'])])
        self.assertEqual(binding['roleRef'], {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole',
                                              'name': role['metadata']['name']})
        self.assertEqual(binding['subjects'], [{'kind': 'ServiceAccount', 'name': self.pod.spec['serviceAccountName']}])
        self.assertIs(self.pod.spec['automountServiceAccountToken'], True)

    def test_each_capability_and_mount_says_what_for(self):
        text = (pod.BASE / 'daemonset.yaml').read_text(encoding='utf-8')
        readme = (pod.ROOT / 'deploy' / 'README.md').read_text(encoding='utf-8')
        for name in self.pod.security['capabilities']['add']:
            self.assertRegex(text, rf'- {name} # .*without it')
            self.assertIn(f'`{name}`', readme)
        for mount in self.pod.container['volumeMounts']:
            self.assertRegex(text, rf'- name: {mount["name"]} # ')
            self.assertIn(f'`{mount["mountPath"]}`', readme)

    def test_there_is_time_to_stop(self):
        """--shutdown-timeout, as the binary's help tells its default, and a margin."""
        text = subprocess.run([oci.BINARY, 'help', 'agent'], capture_output=True, text=True, check=True).stdout
        default = text.split('--shutdown-timeout TIME')[1].split('default ')[1].split(';')[0]
        self.assertGreaterEqual(self.pod.spec['terminationGracePeriodSeconds'], int(default.removesuffix('s')) + 5)

    def test_it_selects_its_own_pods(self):
        daemonset = pod.load('daemonset.yaml')
        labels = daemonset['spec']['template']['metadata']['labels']
        for key, value in daemonset['spec']['selector']['matchLabels'].items():
            self.assertEqual(labels[key], value)
        self.assertEqual(self.pod.spec['serviceAccountName'], pod.load('serviceaccount.yaml')['metadata']['name'])
        self.assertEqual(self.pod.kustomization['namespace'], pod.load('namespace.yaml')['metadata']['name'])
        self.assertEqual(self.pod.container['envFrom'][0]['configMapRef']['name'],
                         self.pod.kustomization['configMapGenerator'][0]['name'])
        for name in self.pod.kustomization['resources']:
            self.assertTrue((pod.BASE / name).exists(), name)

    def kustomize(self, folder):
        if not shutil.which('kubectl'):
            raise unittest.SkipTest('no kubectl here')
        done = subprocess.run(['kubectl', 'kustomize', folder], capture_output=True, text=True, check=False)
        if 'unknown field "labels"' in done.stderr:
            raise unittest.SkipTest('kubectl is older than 1.22 and does not know the field labels')
        self.assertEqual(done.returncode, 0, done.stderr)
        return {node['kind']: node for node in yaml.safe_load_all(done.stdout)}

    def test_kustomize_takes_it(self):
        found = self.kustomize(pod.BASE)
        self.assertEqual(set(found), {'Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'ConfigMap',
                                      'DaemonSet'})
        self.assertEqual(found['DaemonSet']['metadata']['namespace'], 'podtrace')
        self.assertEqual(found['ClusterRoleBinding']['subjects'][0]['namespace'], 'podtrace')

    def test_another_namespace(self):
        """The token's account is the one that the role is bound to, wherever it is installed."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(pod.BASE, os.path.join(folder, 'base'))
            os.mkdir(os.path.join(folder, 'mine'))
            pathlib.Path(folder, 'mine', 'kustomization.yaml').write_text('resources: [../base]\nnamespace: other\n',
                                                                          encoding='utf-8')
            found = self.kustomize(os.path.join(folder, 'mine'))
        for kind in 'DaemonSet', 'ServiceAccount':
            self.assertEqual(found[kind]['metadata']['namespace'], 'other')
        self.assertEqual(found['ClusterRoleBinding']['subjects'][0]['namespace'], 'other')

    def test_the_readmes_example(self):
        """It names another image and another collector, and both arrive."""
        readme = (pod.ROOT / 'deploy' / 'README.md').read_text(encoding='utf-8')
        [example] = [block for block in readme.split('\n\n') if block.startswith('    resources: ')]
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(pod.BASE, os.path.join(folder, 'base'))
            os.mkdir(os.path.join(folder, 'mine'))
            text = example.replace('path/to/deploy/base', '../base').replace('otel-collector.', 'another.')
            pathlib.Path(folder, 'mine', 'kustomization.yaml').write_text(textwrap.dedent(text), encoding='utf-8')
            found = self.kustomize(os.path.join(folder, 'mine'))
        [container] = found['DaemonSet']['spec']['template']['spec']['containers']
        self.assertEqual(container['image'], 'REGISTRY/podtrace:TAG')
        self.assertEqual(container['envFrom'][0]['configMapRef']['name'], found['ConfigMap']['metadata']['name'])
        self.assertEqual(found['ConfigMap']['data'],
                         {'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://another.observability:4318'})


if __name__ == '__main__':
    unittest.main()
