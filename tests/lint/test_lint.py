# SPDX-License-Identifier: Apache-2.0
"""The tree keeps the house rules, and each rule finds what it is there to find."""
import os
import shutil
import subprocess
import tempfile
import unittest

import lint

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Tree(unittest.TestCase):
    def check(self, rule):
        self.assertEqual(list(rule(ROOT)), [])


for _rule in lint.RULES:
    setattr(Tree, f'test_{_rule.__name__}', lambda self, rule=_rule: self.check(rule))


class Controls(unittest.TestCase):
    """A copy of the tree with one fault: exactly that rule must speak."""

    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ('bpf', 'src', 'otel', 'cmd', 'tools', 'tests/kind'):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(self.root, folder))

    def add(self, path, text):
        with open(os.path.join(self.root, path), 'a', encoding='utf-8') as f:
            f.write(text)

    def finds(self, word):
        found = [line for line in lint.findings(self.root) if word in line]
        self.assertEqual(len(found), 1, '\n'.join(lint.findings(self.root)))

    def test_verb_includes_verb(self):
        self.add('src/decode/decode.c', '#include "fold/series.h"\n')
        self.finds('layer: src/decode may not include src/fold/series.h')

    def test_verb_includes_pipe(self):
        self.add('src/report/live.c', '#include "pipe.h"\n')
        self.finds('layer: src/report may not include src/pipe.h')

    def test_libbpf_elsewhere(self):
        self.add('src/fold/series.c', '#include <bpf/libbpf.h>\n')
        self.finds('belongs elsewhere')

    def test_kind_without_test(self):
        os.unlink(os.path.join(self.root, 'tests/kind/tcp_close/otlp.json'))
        self.finds('tests/kind/tcp_close/otlp.json is missing')

    def test_kind_without_decoder(self):
        path = os.path.join(self.root, 'src/decode/tcp.c')
        with open(path, encoding='utf-8') as f:
            text = f.read()
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text.replace('decode_tcp_close(', 'decode_other('))
        self.finds('lacks decode_tcp_close(')

    def test_long_function(self):
        self.add('src/fold/sample.c', 'int f(void)\n{\n' + '\tx();\n' * 71 + '}\n')
        self.finds('a function of 71 lines')

    def test_long_file(self):
        self.add('src/fold/sample.h', '\n' * 500)
        self.finds('it is two files')

    def test_banned(self):
        self.add('src/fold/sample.c', 'int g(void) { return atoi("1"); }\n')
        self.finds('banned: atoi()')

    def test_text(self):
        self.add('src/fold/sample.c', '/* see /roo' + 't/x */\n')
        self.finds('text: ')

    def test_header(self):
        self.add('src/fold/other.c', 'int other;\n')
        self.finds('no SPDX line')


class Papers(unittest.TestCase):
    def test_documents_are_those_of_the_tables(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(['make', '-s', 'build/amd64/gendocs'], cwd=ROOT, check=True)
            subprocess.run([os.path.join(ROOT, 'build/amd64/gendocs'), folder], check=True)
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name), 'rb') as new, \
                        open(os.path.join(ROOT, 'docs', name), 'rb') as old:
                    self.assertEqual(new.read(), old.read(), f'docs/{name}: run make docs')

    def test_man_page(self):
        done = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', 'docs/podtrace.1'],
                              cwd=ROOT, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ''))

    def test_shell_scripts(self):
        scripts = [p for p in lint.walk(ROOT) if p.endswith('.sh')] + ['.ci/run']
        done = subprocess.run(['shellcheck', '-S', 'warning'] + scripts, cwd=ROOT,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ''))
