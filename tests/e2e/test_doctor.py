#!/usr/bin/env python3
"""doctor tells the truth: what works, what does not and why, by the exit code, to a person and to a machine alike."""

import contextlib
import glob
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from cri import crio, endpoints, parts  # noqa: E402  pylint: disable=wrong-import-position
import account  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
import v1  # noqa: E402  pylint: disable=wrong-import-position
from standin import Standin  # noqa: E402  pylint: disable=wrong-import-position

ALL_RUNGS = ','.join(rig.RUNGS)
ON, RUN, USAGE, REDUCED = 0, 1, 2, 3
INITIAL_PID_NS = 0xeffffffc
# of endpoints that are no runtime; what speaks wrongly has none
ERRNO_OF = {'missing': 'ENOENT', 'dangling link': 'ENOENT', 'regular file': 'ENOTSOCK', 'directory': 'ENOTSOCK',
            'refusing': 'ECONNREFUSED', 'hanging': 'ETIMEDOUT'}


def doctor(*args, env=None, **more) -> subprocess.CompletedProcess:
    """Without asking a runtime, which this machine may have or not; Names does."""
    return rig.once('doctor', *args, env={'PODTRACE_CRI_RESOLVE': 'false', **(env or {})}, **more)


class Case(rig.Case):
    def report(self, *args, code, **more) -> dict:
        """The JSON of one run, and that the text of another says the same."""
        text, js = doctor(*args, **more), doctor(*args, '--output', 'json', **more)
        self.assertEqual((text.returncode, js.returncode), (code, code), text.stderr + text.stdout)
        self.assertEqual((text.stderr, js.stderr), ('', ''))
        line, rest = js.stdout.split('\n', 1)
        self.assertEqual(rest, '')                              # one object, one line
        report = json.loads(line)
        self.assertEqual(list(report), ['doctor'])
        report = report['doctor']
        self.assertEqual(report['exit_code'], code)
        self.assert_same(text.stdout, report)
        self.assert_consistent(report)
        return report

    def assert_same(self, text, report):
        """Everything of the object stands in the text, in its place."""
        head, _, rest = text.partition('\nfeatures ')
        facts = {}
        for line in head.split('\nnode\n')[1].split('\n'):
            match = re.match(r'  (\w+) +(\S.*)$', line)
            more = re.match(r' {23}(\S.*)$', line)
            if match:
                name = match[1]
                facts[name] = match[2]
            elif more:
                facts[name] += ' ' + more[1]
        self.assertEqual(facts, {name: (' '.join(of['value']) or 'none') if isinstance(of['value'], list) else
                                 of['value'] for name, of in report['facts'].items()})
        features = [(f'{of["family"]}/{of["feature"]}', of['state'], of['rung'] or '-', of['errno_name'] or '-',
                     ' '.join(of['needs']) or '-') for of in report['features']]
        rows = re.findall(r'^  (\w+/\w+) +(\w+) +(.{12}) (\S+) +(.*)$', rest.split('\n\n')[0], re.M)
        self.assertEqual([tuple(part.strip() for part in row) for row in rows], features)
        for of in (*report['facts'].values(), *report['features']):
            for key in ('note', 'reason', 'fix'):
                self.assertIn(numberless(of.get(key, '')), numberless(text))
        self.assertIn(f'{report["on"]} on, {report["reduced"]} reduced, {report["off"]} off\n', text)

    def assert_consistent(self, report):
        states = [of['state'] for of in report['features']]
        self.assertEqual({state: states.count(state) for state in ('on', 'reduced', 'off')},
                         {state: report[state] for state in ('on', 'reduced', 'off')})
        self.assertEqual(report['verdict'], {ON: 'all', REDUCED: 'some', RUN: 'nothing'}[report['exit_code']])
        for of in report['features']:
            self.assertEqual(of['state'] == 'on', of['reason'] == '', of)
            self.assertEqual(of['state'] == 'off', of['rung'] == '', of)

    def states(self, report) -> dict:
        return {f'{of["family"]}/{of["feature"]}': of['state'] for of in report['features']}

    def feature(self, report, name) -> dict:
        (of,) = [of for of in report['features'] if f'{of["family"]}/{of["feature"]}' == name]
        return of

    def value(self, report, name):
        return report['facts'][name]['value']


def numberless(text) -> str:
    """Without inodes: each of two runs in a new namespace has another."""
    return re.sub(r'\b4\d{9}\b', 'N', text)


def kernel_side(report) -> list:
    return [of for of in report['features'] if of['family'] not in ('transport', 'identity')]


class Here(Case):
    def test_everything_is_on(self):
        report = self.report(code=ON)
        self.assertEqual(set(self.states(report).values()), {'on'})
        self.assertGreaterEqual(len(report['features']), 13)

    def test_the_node_is_as_it_is(self):
        report = self.report(code=ON)
        self.assertEqual(self.value(report, 'kernel'), os.uname().release)
        self.assertEqual(self.value(report, 'btf'), 'own')
        inode = os.stat('/proc/self/ns/pid').st_ino
        self.assertEqual(self.value(report, 'pid_namespace'), 'initial' if inode == INITIAL_PID_NS else 'nested')
        self.assertEqual(self.value(report, 'cgroup_version'),
                         'v2' if rig.v2_root() == '/sys/fs/cgroup' else 'hybrid')
        with open('/etc/os-release', encoding='utf-8') as f:
            self.assertIn(self.value(report, 'os_name'), f.read())
        with open('/proc/self/status', encoding='ascii') as f:
            status = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
        caps = self.value(report, 'capabilities')
        if caps != ['all']:
            self.assertEqual(len(caps), bin(int(status['CapEff'], 16)).count('1'))
        self.assertEqual(self.value(report, 'seccomp'), ('off', 'strict', 'filter')[int(status['Seccomp'])])
        lockdown = pathlib.Path('/sys/kernel/security/lockdown')
        self.assertEqual(self.value(report, 'lockdown') == 'unknown', not lockdown.exists())

    def test_it_leaves_nothing_behind(self):
        if not shutil.which('bpftool'):
            self.skipTest('no bpftool here')

        def held_by_none() -> set:
            shown = subprocess.run(['bpftool', '-j', 'prog'], capture_output=True, check=True)
            held = set()
            for info in glob.glob('/proc/[0-9]*/fdinfo/*'):
                with contextlib.suppress(OSError), open(info, encoding='utf-8', errors='replace') as f:
                    held.update(int(line.split()[1]) for line in f if line.startswith('prog_id:'))
            return {prog['id'] for prog in json.loads(shown.stdout)} - held
        before = held_by_none()
        self.report(code=ON)
        deadline = time.monotonic() + 10
        while held_by_none() - before and time.monotonic() < deadline:
            time.sleep(0.1)                                     # the kernel frees them a moment later
        self.assertEqual(held_by_none() - before, set())

    def test_some_families(self):
        report = self.report('--families', 'process', code=ON)
        self.assertEqual({of['family'] for of in report['features']}, {'process', 'transport', 'identity'})

    def test_memory(self):
        report = self.report('--memory', code=ON)
        kernel, user = report['memory']['kernel'], report['memory']['user']
        maps = {of['name']: of for of in kernel['maps']}
        self.assertEqual(kernel['bytes'], sum(of['bytes'] for of in kernel['maps']))
        self.assertEqual(user['bytes'], sum(of['bytes'] for of in user['tables']))
        self.assertEqual(maps['ring']['type'], 'ringbuf')
        self.assertGreaterEqual(maps['ring']['bytes'], 2 << 20)
        self.assertEqual(maps['ring']['entries'], 2 << 20)
        self.assertTrue(all(of['bytes'] > 0 for of in (*kernel['maps'], *user['tables'])))
        self.assertEqual(report['memory']['more'], 0)
        larger = self.report('--memory', '--ring-size', '8MiB', '--queue-size', '16MiB', code=ON)['memory']
        self.assertGreaterEqual(larger['kernel']['bytes'], kernel['bytes'] + (6 << 20))
        self.assertEqual(larger['user']['bytes'], user['bytes'] + 3 * (8 << 20))
        text = doctor('--memory').stdout
        for of in (*kernel['maps'], *user['tables']):
            self.assertIn(f'  {of["name"]} ', text)
        # the control: not asked for, not there
        self.assertNotIn('memory', self.report(code=ON))

    def test_memory_of_clients(self):
        """Who asks for names takes memory: a row for what is kept, one for what is read; none of who does not ask."""
        def rows(**env) -> dict:
            done = doctor('--memory', '-o', 'json', prefix=account.prefix(self.folder), env=env)
            return {of['name']: of for of in json.loads(done.stdout)['doctor']['memory']['user']['tables']}

        rig.needs('unshare', 'openssl')
        server = Standin(account.make(self.folder))
        self.addCleanup(server.stop)
        runtime = {'containers of the runtime', 'answer of the runtime'}
        api = {'pods of the API server', 'answer of the API server'}
        nobody = rows()
        self.assertEqual((runtime | api) & set(nobody), set())
        self.assertEqual(nobody['targets by name']['entries'], 4096)
        asked = rows(PODTRACE_CRI_RESOLVE='true', **account.env(server.port))
        self.assertEqual(set(asked) - set(nobody), runtime | api)
        self.assertEqual(asked['answer of the runtime']['bytes'], (16 + 48) << 20)
        self.assertEqual(asked['containers of the runtime']['entries'], 8192)
        self.assertEqual(asked['pods of the API server']['entries'], 2048)
        self.assertTrue(all(of['bytes'] for of in asked.values()), asked)


class Forbidden(Case):
    def test_a_rung_less_is_reduced(self):
        report = self.report('--forbid', 'tp_btf', code=REDUCED)
        for of in kernel_side(report):
            if of['rung'] == 'raw_tp':
                self.assertEqual((of['state'], of['reason']), ('reduced', 'forbidden by --forbid'))
        self.assertIn('raw_tp', {of['rung'] for of in kernel_side(report)})
        self.assertNotIn('tp_btf', {of['rung'] for of in kernel_side(report)})
        self.assertEqual(report['off'], 0)

    def test_perf_buffer_is_reduced(self):
        report = self.report('--forbid', 'ringbuf', code=REDUCED)
        ring = self.feature(report, 'transport/ring')
        self.assertEqual((ring['state'], ring['rung'], ring['errno']), ('reduced', 'perf buffer', 0))
        self.assertEqual(report['reduced'], 1)

    def test_no_rung_left_is_nothing(self):
        report = self.report('--forbid', ALL_RUNGS, code=RUN)
        self.assertEqual({of['state'] for of in kernel_side(report)}, {'off'})
        self.assertEqual({of['reason'] for of in kernel_side(report)}, {'forbidden by --forbid'})

    def test_one_feature_left_is_something(self):
        report = self.report('--forbid', ','.join(rung for rung in rig.RUNGS if rung != 'iter'), code=REDUCED)
        self.assertEqual([of['feature'] for of in kernel_side(report) if of['state'] == 'on'], ['listen_drop'])

    def test_what_is_no_means(self):
        done = doctor('--forbid', 'magic')
        self.assertEqual((done.returncode, done.stdout), (USAGE, ''))
        self.assertIn('magic', done.stderr)

    def test_options_of_others(self):
        for option in ('--all', '--quiet', '--cgroup=x', '--duration=1s'):
            self.assertEqual(doctor(option).returncode, USAGE, option)
        self.assertEqual(rig.once('trace', '--memory').returncode, USAGE)


class Privileges(Case):
    def setUp(self):
        super().setUp()
        rig.needs('setpriv')
        # others must be able to run it
        self.binary = self.folder / 'podtrace'
        shutil.copy(rig.BINARY, self.binary)
        self.binary.chmod(0o755)
        self.folder.chmod(self.folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)

    def report_with(self, *caps, code, args=()):
        bounding = ','.join(['-all', *(f'+{cap}' for cap in caps)])
        return self.report(*args, code=code, prefix=('setpriv', f'--bounding-set={bounding}'))

    def test_none(self):
        report = self.report_with(code=RUN)
        self.assertEqual(self.value(report, 'capabilities'), ['none'])
        self.assertIn('BPF, PERFMON, DAC_READ_SEARCH, NET_ADMIN', report['facts']['capabilities']['fix'])
        for of in kernel_side(report):
            needs = ['BPF', 'PERFMON', *(['NET_ADMIN'] if of['family'] == 'dns' else [])]
            self.assertEqual((of['state'], of['errno_name'], of['needs']), ('off', 'EPERM', needs))
            self.assertIn('lacks capabilities', of['reason'])
            self.assertIn(f'capabilities: {{add: [{", ".join(needs)}]}}', of['fix'])
        self.assertEqual(self.feature(report, 'transport/ring')['state'], 'off')

    def test_another_user(self):
        done = subprocess.run(['setpriv', '--reuid=65534', '--clear-groups', '--bounding-set=-all', self.binary,
                               'doctor', '-o', 'json'], capture_output=True, check=False, env=rig.clean_env())
        self.assertEqual(done.returncode, RUN, done.stderr)
        self.assertEqual(self.value(json.loads(done.stdout)['doctor'], 'capabilities'), ['none'])

    def test_those_of_the_manifest_are_enough(self):
        report = self.report_with('bpf', 'perfmon', 'dac_read_search', 'net_admin', code=ON)
        self.assertEqual(self.value(report, 'capabilities'), ['DAC_READ_SEARCH', 'NET_ADMIN', 'PERFMON', 'BPF'])
        self.assertEqual(report['facts']['capabilities']['note'], '')

    def test_without_dac_read_search(self):
        report = self.report_with('bpf', 'perfmon', 'net_admin', code=REDUCED)
        of = self.feature(report, 'identity/containers')
        self.assertEqual((of['state'], of['rung'], of['errno_name']), ('reduced', 'tree walk', 'EPERM'))
        self.assertIn('DAC_READ_SEARCH', of['fix'])
        self.assertIn('cgroups older than podtrace', of['reason'])
        self.assertEqual(report['reduced'], 1)
        # without the family that tells each new cgroup's name
        report = self.report_with('bpf', 'perfmon', code=REDUCED, args=('--families', 'process'))
        self.assertIn('less than a second', self.feature(report, 'identity/containers')['reason'])

    def test_without_net_admin(self):
        report = self.report_with('bpf', 'perfmon', 'dac_read_search', code=REDUCED)
        self.assertEqual({(of['state'], of['errno_name']) for of in kernel_side(report) if of['family'] == 'dns'},
                         {('off', 'EPERM')})
        self.assertEqual({of['state'] for of in kernel_side(report) if of['family'] != 'dns'}, {'on'})
        self.assertIn('NET_ADMIN', self.feature(report, 'dns/packet')['fix'])
        self.assertIn('NET_ADMIN', report['facts']['capabilities']['note'])

    def test_without_perfmon(self):
        report = self.report_with('bpf', 'dac_read_search', code=RUN)
        self.assertEqual({of['state'] for of in kernel_side(report)}, {'off'})
        self.assertIn('PERFMON', report['facts']['capabilities']['note'])
        self.assertEqual(self.feature(report, 'identity/containers')['state'], 'on')


class Surroundings(Case):
    def test_nested_pid_namespace(self):
        rig.needs('unshare')
        report = self.report(code=REDUCED, prefix=('unshare', '--pid', '--fork', '--mount-proc'))
        self.assertEqual(self.value(report, 'pid_namespace'), 'nested')
        self.assertIn('hostPID', report['facts']['pid_namespace']['fix'])
        of = self.feature(report, 'tcp/listen_drop')
        self.assertEqual(of['state'], 'reduced')
        self.assertIn('pid namespace', of['reason'])
        # the control: another namespace changes nothing of that
        report = self.report(code=ON, prefix=('unshare', '--ipc'))
        self.assertEqual(self.value(report, 'pid_namespace'), 'initial')

    def test_no_cgroups(self):
        report = self.report('--cgroup-base', '/nonexistent', code=REDUCED)
        self.assertEqual(self.value(report, 'cgroup_version'), 'unknown')
        self.assertIn('cgroup', self.value(report, 'missing_mounts'))
        of = self.feature(report, 'identity/containers')
        self.assertEqual((of['state'], of['errno_name']), ('off', 'ENOENT'))
        self.assertIn('PODTRACE_CGROUP_BASE', of['fix'])

    def test_empty_cgroup_folder(self):
        report = self.report('--cgroup-base', str(self.folder), code=REDUCED)
        self.assertEqual(self.value(report, 'cgroup_version'), 'none')
        self.assertEqual(self.feature(report, 'identity/containers')['errno_name'], 'ENODEV')

    def test_unmounted(self):
        rig.needs('unshare', 'umount')
        script = 'umount -l /sys/fs/cgroup && exec "$@"'
        report = self.report(code=REDUCED, prefix=('unshare', '--mount', 'sh', '-c', script, 'sh'))
        self.assertEqual(self.value(report, 'cgroup_version'), 'none')
        self.assertIn('cgroup', self.value(report, 'missing_mounts'))

    def test_v1_only(self):
        prefix, option = v1.alone(self.folder)
        report = self.report(*option, code=ON, prefix=prefix)
        self.assertEqual((self.value(report, 'cgroup_version'), self.value(report, 'cgroup_tree')), ('v1', 'memory'))
        self.assertIn('connects, listens or accepts', report['facts']['cgroup_tree']['note'])
        self.assertEqual(self.feature(report, 'identity/containers')['state'], 'on')

    def test_part_of_the_tree(self):
        cgroup = self.cgroup()
        report = self.report('--cgroup-base', cgroup.path, code=REDUCED)
        of = self.feature(report, 'identity/containers')
        self.assertEqual(of['state'], 'reduced')
        self.assertIn('only a part', of['reason'])

    def test_driver(self):
        for name, driver in (('kubepods', 'cgroupfs'), ('kubepods.slice', 'systemd'), ('other', 'unknown')):
            base = self.folder / name
            (base / name).mkdir(parents=True)
            report = self.report('--cgroup-base', str(base), code=REDUCED)
            self.assertEqual(self.value(report, 'cgroup_driver'), driver)

    def test_no_proc(self):
        report = self.report('--proc-base', str(self.folder), code=REDUCED)
        self.assertEqual(self.value(report, 'capabilities'), ['unknown'])
        self.assertEqual(self.value(report, 'seccomp'), 'unknown')
        self.assertEqual(self.value(report, 'pid_namespace'), 'unknown')
        self.assertIn('proc', self.value(report, 'missing_mounts'))
        why = f'{self.folder} (--proc-base) is no proc file system'
        for name in ('capabilities', 'seccomp', 'pid_namespace', 'label'):
            self.assertEqual((report['facts'][name]['note'], report['facts'][name]['fix']), (why, ''), name)
        of = self.feature(report, 'identity/containers')
        self.assertEqual((of['state'], of['rung'], of['reason']), ('reduced', 'tree walk', why))
        self.assertIn('--proc-base or PODTRACE_PROC_BASE', of['fix'])
        self.assertNotIn('DAC_READ_SEARCH', of['fix'])
        variable = self.report(env={'PODTRACE_PROC_BASE': str(self.folder)}, code=REDUCED)
        self.assertEqual(self.feature(variable, 'identity/containers')['reason'], why.replace('--proc-base',
                                                                                              'PODTRACE_PROC_BASE'))

    def test_said_by_a_run(self):
        """What doctor says of wrong bases a run says as well, and never the wrong thing."""
        run = ('trace', '--all', '--quiet', '--families', 'process', '--duration', '100ms')
        done = rig.once(*run, '--proc-base', str(self.folder))
        self.assertEqual(done.returncode, ON, done.stderr)
        self.assertIn(f'{self.folder} (--proc-base) is no proc file system', done.stderr)
        self.assertNotIn('DAC_READ_SEARCH', done.stderr)
        done = rig.once(*run, '--cgroup-base', str(self.folder))
        self.assertEqual(done.returncode, ON, done.stderr)
        self.assertIn('containers are not told apart; mount the node', done.stderr)
        done = rig.once(*run, '--cgroup-base', '/nonexistent')
        self.assertEqual(done.returncode, RUN)
        self.assertRegex(done.stderr, 'cannot open /nonexistent: No such file or directory; mount the node.*'
                                      '--cgroup-base or PODTRACE_CGROUP_BASE\n$')
        done = rig.once(*run)  # the control
        for word in ('is no proc', 'mount the node', 'cannot open'):
            self.assertNotIn(word, done.stderr)

    def test_empty_root(self):
        """Nothing is mounted: each thing that is missing is said with its fix, once; nothing else is on stderr."""
        rig.needs('chroot')
        (self.folder / 'empty').mkdir()
        shutil.copy(rig.BINARY, self.folder / 'empty' / 'podtrace')
        report = json.loads(self.in_empty_root('--output', 'json'))['doctor']
        text = self.in_empty_root()
        for mount in ('mount -t proc', 'mount -t securityfs', "mount the node's /sys/fs/cgroup"):
            facts = text.split('features  ')[0]
            self.assertEqual(facts.count(mount), 1, mount)
        for name in ('btf', 'lockdown', 'lsm', 'capabilities', 'seccomp', 'pid_namespace'):
            self.assertIn(report['facts'][name]['value'], ('unknown', ['unknown']), name)
            self.assertEqual(report['facts'][name]['fix'], '', name)
            self.assertTrue(report['facts'][name]['note'], name)
        self.assertEqual(report['facts']['missing_mounts']['value'], ['proc', 'sysfs', 'securityfs', 'cgroup'])
        for row in report['features']:
            if row['state'] != 'on':
                self.assertTrue(row['reason'] and row['fix'], row)
            if row['errno_name'] == 'ESRCH':
                self.assertEqual(row['fix'], 'mount -t sysfs sysfs /sys')

    def in_empty_root(self, *args):
        done = subprocess.run(['chroot', str(self.folder / 'empty'), '/podtrace', 'doctor', *args], text=True,
                              capture_output=True, check=False, env=rig.clean_env(), timeout=30)
        self.assertIn(done.returncode, (RUN, REDUCED))
        self.assertEqual(done.stderr, '')
        return done.stdout

    def test_btf_that_is_none(self):
        done = doctor('--btf', '/etc/os-release')
        self.assertEqual(done.returncode, RUN)
        self.assertIn('--btf', done.stderr)

    def test_full_disk(self):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([rig.BINARY, 'doctor'], stdout=full, stderr=subprocess.PIPE, check=False,
                                  env=rig.clean_env())
        self.assertEqual(done.returncode, RUN)
        self.assertIn(b'standard output', done.stderr)


class Names(Case):
    """Who tells names: the runtime, found and asked."""

    def asked(self, endpoint, code) -> tuple:
        """(facts, the feature's row or None)"""
        report = self.report('--families', 'process', '--cri-endpoint', endpoint, code=code,
                             env={'PODTRACE_CRI_RESOLVE': 'true'})
        rows = [row for row in report['features'] if row['feature'] == 'runtime']
        return report['facts'], rows[0] if rows else None

    def runtime(self, **options):
        try:
            parts.messages()
        except parts.Unavailable as why:
            raise unittest.SkipTest(str(why)) from why
        return self.enterContext(crio.CriO(**options))

    def test_events(self):
        node = self.runtime(events=True)
        facts, row = self.asked(node.address, ON)
        self.assertEqual(facts['cri_endpoint']['value'], node.address)
        self.assertEqual(facts['cri_endpoint']['note'], '--cri-endpoint')
        self.assertEqual(facts['cri_runtime']['value'], f'cri-o {node.version}')
        self.assertIn('systemd', facts['cri_runtime']['note'])
        self.assertEqual((row['state'], row['rung'], row['reason']), ('on', 'events', ''))

    def test_polling(self):
        _, row = self.asked(self.runtime().address, REDUCED)
        self.assertEqual((row['state'], row['rung']), ('reduced', 'polling'))
        self.assertIn('enable_pod_events', row['fix'])

    def test_nobody_there(self):
        for name, end in endpoints.all_of(self.folder):
            if name not in endpoints.PLACES and name not in ('hanging', 'garbage'):
                continue
            with self.subTest(name), end:
                facts, row = self.asked(end.path, REDUCED)
                self.assertEqual(facts['cri_endpoint']['value'], 'none')
                self.assertEqual((row['state'], row['rung']), ('off', ''))
                self.assertIn(f'{end.path} (--cri-endpoint)', row['reason'])
                self.assertTrue(row['fix'], row)
                self.assertNotIn('PODTRACE_', row['fix'])
                self.assertEqual(row['errno_name'], ERRNO_OF.get(name, ''), name)

    def test_api_server_that_hangs(self):
        """It accepts and never says a word: told as that, with what to do, long before its client gives up."""
        rig.needs('unshare', 'openssl')
        account.make(self.folder)
        with socket.create_server(('127.0.0.1', 0)) as server:
            port = server.getsockname()[1]
            begin = time.monotonic()
            done = doctor('--families', 'process', '--output', 'json', prefix=account.prefix(self.folder),
                          env={'PODTRACE_KUBERNETES': 'true', **account.env(port)})
        self.assertLess(time.monotonic() - begin, 12)
        self.assertEqual((done.returncode, done.stderr), (REDUCED, ''))
        report = json.loads(done.stdout)['doctor']
        of = self.feature(report, 'identity/kubernetes')
        self.assertEqual((of['state'], of['errno_name']), ('off', 'ETIMEDOUT'))
        self.assertEqual(of['reason'], f'https://127.0.0.1:{port} did not answer within 8 s')
        self.assertIn('network policy or firewall', of['fix'])
        self.assertEqual(report['facts']['api_server']['fix'], of['fix'])

    def test_bad_endpoint(self):
        """What was used is named, and only that."""
        flag, variable = ('--cri-endpoint', 'tcp://1.2.3.4:5'), {'PODTRACE_CRI_ENDPOINT': 'tcp://1.2.3.4:5'}
        for args, env, name, other in ((flag, {}, '--cri-endpoint', 'PODTRACE_CRI_ENDPOINT'),
                                       ((), variable, 'PODTRACE_CRI_ENDPOINT', '--cri-endpoint')):
            done = doctor(*args, env={'PODTRACE_CRI_RESOLVE': 'true', **env})
            self.assertEqual(done.returncode, USAGE)
            self.assertIn(f'podtrace: {name}=tcp://1.2.3.4:5: ', done.stderr)
            self.assertNotIn(other, done.stderr)


if __name__ == '__main__':
    unittest.main()
