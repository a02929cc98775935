# SPDX-License-Identifier: Apache-2.0
"""What is built: static, small, the same bytes wherever it is built, and built once."""
import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.join(ROOT, 'build/amd64/podtrace')
SIZE_MAX = 2 * 1000 * 1000


# as from a shell: a make above this test would be heard in what a make below prints
ENV = {key: value for key, value in os.environ.items() if not key.startswith('MAKE') and key != 'MFLAGS'}


def run(*command, cwd=ROOT, **more):
    return subprocess.run(command, cwd=cwd, env=ENV, capture_output=True, text=True, check=True, **more)


def sha256(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


class Binary(unittest.TestCase):
    def test_is_static(self):
        self.assertIn('statically linked', run('file', BINARY).stdout)
        headers = run('readelf', '-lW', BINARY).stdout
        self.assertNotIn('INTERP', headers)
        self.assertNotIn('DYNAMIC', headers)
        # the control: a program of this machine has both
        self.assertIn('INTERP', run('readelf', '-lW', shutil.which('make')).stdout)

    def test_has_nothing_of_the_hosts_libc(self):
        with open(BINARY, 'rb') as f:
            self.assertNotIn(b'glibc', f.read().lower())

    def test_size(self):
        self.assertLessEqual(os.path.getsize(BINARY), SIZE_MAX)

    def test_names_no_folder_of_the_builder(self):
        with open(BINARY, 'rb') as f:
            self.assertNotIn(ROOT.encode(), f.read())

    def test_a_second_make_does_nothing(self):
        before = os.stat(BINARY).st_mtime_ns
        self.assertEqual(run('make').stdout.replace("make: Nothing to be done for 'all'.\n", ''),
                         '')
        self.assertEqual(os.stat(BINARY).st_mtime_ns, before)


class Reproducible(unittest.TestCase):
    def test_two_folders_same_bytes(self):
        digests = []
        for name in ('a', 'a-longer-name'):
            with tempfile.TemporaryDirectory() as parent:
                folder = os.path.join(parent, name)
                run('git', 'clone', '-q', ROOT, folder)
                run('make', '-j2', cwd=folder)
                digests.append(sha256(os.path.join(folder, 'build/amd64/podtrace')))
        self.assertEqual(digests[0], digests[1])
