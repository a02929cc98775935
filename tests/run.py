#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the test layers and counts: the last line is `N passed, N failed, N skipped`.

    tests/run.py [LAYER...]      without names: all of them, in this order

Every program prints TAP or is one test by its exit code. A skip says why; under CI=true a
layer that was skipped as a whole is a failure, because nobody would notice it was gone.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
B = 'build/test'
ARCH = os.environ.get('ARCH', 'amd64')
FUZZ_SECONDS = int(os.environ.get('FUZZ_SECONDS', '10'))
TIMEOUT = 1500  # of one program: machines of another architecture are slow


def python(path):
    return [sys.executable, '-B', 'tests/tap.py', path]


def unit():
    return [[p] for p in sorted(glob.glob(f'{B}/unit/*')) if os.access(p, os.X_OK)]


def kind():
    return [[f'{B}/kind/kind']] if os.path.exists('tests/kind/kind.c') else []


def fuzz():
    """Each target from its corpus; what it finds goes to the build folder, not to the corpus."""
    runs = []
    for target in sorted(glob.glob(f'{B}/fuzz/*')):
        if not os.access(target, os.X_OK) or os.path.isdir(target):
            continue
        name = os.path.basename(target)
        found = f'{B}/fuzz-found/{name}'
        os.makedirs(found, exist_ok=True)
        corpus = f'tests/fuzz/corpus/{name}'
        runs.append([target, f'-max_total_time={FUZZ_SECONDS}', '-timeout=10', '-rss_limit_mb=2048',
                     '-verbosity=0', '-print_final_stats=0', f'-artifact_prefix={found}/', found]
                    + ([corpus] if os.path.isdir(corpus) else []))
    return runs


def machines():
    """Those that take longest first."""
    longest = [f'tests/vm/test_{name}.py' for name in ('tcp', 'interrupted', 'ladder', 'systemd')]
    return [python(p) for p in longest + sorted(set(glob.glob('tests/vm/test_*.py')) - set(longest))]


def files(folder):
    return lambda: [python(p) for p in sorted(glob.glob(f'tests/{folder}/test_*.py'))]


# name, programs, how many at a time
LAYERS = [
    ('lint', files('lint'), 1),
    ('build', files('build'), 1),
    ('unit', unit, 2),
    ('kind', kind, 1),
    ('fuzz', fuzz, 2),
    ('api', files('api'), 2),
    ('collector', files('collector'), 1),
    ('cri', files('cri'), 1),
    ('vm', machines, 3),  # they wait for their clocks half of the time
    ('coverage', files('coverage'), 1),
    ('cost', files('bench'), 1),
    ('e2e', files('e2e'), 1),
    ('image', files('image'), 1),
]

TAP = re.compile(r'^(ok|not ok) \d+ - (.*?)(?: # SKIP ?(.*))?$')


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


def label(command):
    names = [p for p in command if '/' in p and not p.startswith('-')]
    return names[-1] if command[0] == sys.executable else names[0]


def execute(command):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT='TAP', ASAN_OPTIONS='detect_leaks=1',
               UBSAN_OPTIONS='print_stacktrace=1:halt_on_error=1')
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT, env=env)
        return done.returncode, done.stdout.decode('utf-8', 'replace')
    except subprocess.TimeoutExpired as late:
        out = (late.stdout or b'').decode('utf-8', 'replace')
        return -1, out + f'\nnot ok 0 - still running after {TIMEOUT} s\n'


def count_tap(text, name, count):
    for line in text.splitlines():
        if line.startswith('# note: '):
            print(f'  note {name}: {line[8:]}')
        match = TAP.match(line.strip())
        if not match:
            continue
        word, test, skip = match.groups()
        if word == 'not ok':
            count.failed += 1
            print(f'  FAIL {name}: {test}')
        elif skip is not None or '# SKIP' in line:
            count.skipped += 1
            print(f'  skip {name}: {test}: {skip or "no reason given"}')
        else:
            count.passed += 1


def judge(command, code, text, count):
    name = os.path.relpath(label(command), '.')
    before = (count.passed, count.failed, count.skipped)
    if '/fuzz/' not in name:
        count_tap(text, name, count)
    told = before != (count.passed, count.failed, count.skipped)
    if code == 0 and not told:
        count.passed += 1
    elif code != 0 and count.failed == before[1]:
        count.failed += 1
        print(f'  FAIL {name}: exit code {code}')
    if count.failed != before[1]:
        print('\n'.join('    ' + line[:400] for line in text.splitlines()[-60:]))


def run_layer(name, programs, at_once):
    count = Count()
    start = time.monotonic()
    commands = programs()
    print(f'{name}:', flush=True)
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for command, (code, text) in zip(commands, pool.map(execute, commands)):
            judge(command, code, text, count)
    if os.environ.get('CI') == 'true' and count.passed + count.failed == 0:
        count.failed += 1
        print(f'  FAIL {name}: the whole layer was skipped')
    print(f'  {name}: {count}  ({time.monotonic() - start:.0f} s)', flush=True)
    return count


def main(names):
    os.chdir(ROOT)
    known = [layer[0] for layer in LAYERS]
    for name in names:
        if name not in known:
            print(f'tests/run.py: "{name}" is no layer: choose of {", ".join(known)}',
                  file=sys.stderr)
            return 2
    total = Count()
    for name, programs, at_once in LAYERS:
        if not names or name in names:
            total.add(run_layer(name, programs, at_once))
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
