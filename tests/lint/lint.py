#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules that a machine can hold. Each rule is a function from a tree to findings.

    tests/lint/lint.py [FOLDER]     prints findings, exit code 1 if there are any
"""
import os
import re
import sys

FILE_LINES = 500
FUNCTION_LINES = 70

# Who may include whom (DESIGN 1): a verb never includes another verb; pipe.c joins them.
LAYERS = {
    'bpf/wire': {'bpf/wire', 'bpf'},
    'bpf/lib': {'bpf/lib', 'bpf/wire', 'bpf'},
    'src/base': {'src/base'},
    'src/net': {'src/net', 'src/base'},
    'src/node': {'src/node', 'src/base'},
    'src/ask': {'src/ask', 'src/net', 'src/base', 'src'},
    'src/select': {'src/select', 'src/base', 'src'},
    'src/capture': {'src/capture', 'src/base', 'src', 'bpf', 'bpf/wire'},
    'src/seek': {'src/seek', 'src/base', 'src'},
    'src/decode': {'src/decode', 'src/base', 'src', 'bpf', 'bpf/wire'},
    'src/enrich': {'src/enrich', 'src/base', 'src'},
    'src/fold': {'src/fold', 'src/base', 'src', 'bpf'},
    'src/gauge': {'src/gauge', 'src/base', 'src'},
    'src/report': {'src/report', 'src/base', 'src', 'bpf'},
    'otel': {'otel', 'src/net', 'src/base'},
    'otel/map': {'otel/map', 'otel', 'src/base', 'src/node', 'src', 'bpf', 'bpf/wire'},
}
# `src` above means its nouns; the pipe is not one of them.
NOT_NOUNS = {'src/pipe.h'}

# Only here may these headers be included.
ONLY_IN = {
    r'<bpf/libbpf\.h>|<bpf/bpf\.h>': ('src/capture/',),
    r'<curl/': ('src/net/', 'src/ask/', 'otel/http.c'),
    r'<sys/socket\.h>': (),
}

BANNED = ('strcpy', 'strcat', 'sprintf', 'vsprintf', 'gets', 'atoi', 'atol', 'strtok', 'system',
          'popen', 'alloca', 'localtime', 'gmtime', 'ctime', 'tmpnam', 'mktemp')

# No machine's own folder, no package registry's host name: written so that this file is clean.
FORBIDDEN_TEXT = re.compile('|'.join((
    r'/wor' + r'k/', r'/roo' + r't/', r'deb\.debian' + r'\.org', r'npmjs' + r'\.org',
    r'proxy\.golang' + r'\.org', r'pypi' + r'\.org', r'crates' + r'\.io')))
TEXT_FILES = ('.c', '.h', '.def', '.py', '.sh', '.mk', '.md', '.yaml', '.lock', '.1', '')
SKIP_FOLDERS = {'.git', 'build', '__pycache__', 'corpus'}


def walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIP_FOLDERS)
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8', errors='replace') as f:
        return f.read()


def sources(root, endings=('.c', '.h')):
    for path in walk(root):
        if path.endswith(endings) and path.split('/')[0] in ('bpf', 'src', 'otel', 'cmd', 'tools'):
            yield path


def includes(root, path):
    """(line number, the file in the tree that is meant)"""
    for number, line in enumerate(read(root, path).splitlines(), 1):
        match = re.match(r'\s*#include "([^"]+)"', line)
        if not match:
            continue
        for base in (os.path.dirname(path), 'src', '.'):
            target = os.path.normpath(os.path.join(base, match.group(1)))
            if os.path.exists(os.path.join(root, target)):
                yield number, target
                break


def layers(root):
    for path in sources(root):
        allowed = LAYERS.get(os.path.dirname(path))
        if allowed is None:
            continue
        for number, target in includes(root, path):
            if os.path.dirname(target) not in allowed or target in NOT_NOUNS:
                yield f'{path}:{number}: layer: {os.path.dirname(path)} may not include {target}'


def only_in(root):
    for path in sources(root):
        if path.startswith('bpf/'):
            continue
        for number, line in enumerate(read(root, path).splitlines(), 1):
            for pattern, homes in ONLY_IN.items():
                if re.match(r'\s*#include (' + pattern + ')', line) and \
                        not path.startswith(tuple(homes) or ('\0',)):
                    yield f'{path}:{number}: layer: {line.strip()} belongs elsewhere'


def registry(root):
    text = read(root, 'bpf/registry.def')
    kinds = re.findall(r'^KIND\((\d+), (\w+), (\w+),', text, re.M)
    programs = re.findall(r'^PROG(?:_COPIED)?\(\w+, \w+, (\w+)', text, re.M)
    for number, (ident, kind, family) in enumerate(kinds, 1):
        if int(ident) != number:
            yield f'bpf/registry.def: kind {kind}: ids are dense, {ident} should be {number}'
        wanted = {f'bpf/wire/{family}.h': f'struct rec_{kind} {{',
                  f'src/decode/{family}.c': f'decode_{kind}(',
                  f'otel/map/{family}.c': f'otlp_{kind}(',
                  f'src/report/{family}.c': f'live_{kind}('}
        for path, what in wanted.items():
            if not os.path.exists(os.path.join(root, path)) or what not in read(root, path):
                yield f'bpf/registry.def: kind {kind}: {path} lacks {what}'
        for name in ('record.hex', 'event.txt', 'otlp.json', 'trigger.sh'):
            path = f'tests/kind/{kind}/{name}'
            if not os.path.exists(os.path.join(root, path)):
                yield f'bpf/registry.def: kind {kind}: {path} is missing'
    bpf = ''.join(read(root, p) for p in walk(root) if re.match(r'bpf/\w+\.(bpf\.c|h)$', p))
    for program in programs:
        body = re.sub('_(btf|raw|fentry|kprobe|fexit|kretprobe|multi|uprobe)$', '', program)
        if not re.search(rf'\b((ENTRY_)?PROGRAMS|TP_BTF|FENTRY|FEXIT|K(RET)?PROBE|U(RET)?PROBES|HOOK)\({body},|\b{program}\(', bpf):
            yield f'bpf/registry.def: program {program}: no source has it'


def sizes(root):
    for path in sources(root, ('.c', '.h')):
        lines = read(root, path).splitlines()
        if len(lines) > FILE_LINES:
            yield f'{path}: size: {len(lines)} lines, {FILE_LINES} at most: it is two files'
        begin = None
        for number, line in enumerate(lines, 1):
            if line == '{':
                begin = number
            elif line == '}' and begin:
                if number - begin - 1 > FUNCTION_LINES:
                    yield (f'{path}:{begin}: size: a function of {number - begin - 1} lines, '
                           f'{FUNCTION_LINES} at most')
                begin = None


def banned(root):
    pattern = re.compile(r'(?<![\w.>])(' + '|'.join(BANNED) + r')\s*\(')
    for path in sources(root):
        for number, line in enumerate(read(root, path).splitlines(), 1):
            match = pattern.search(re.sub(r'"(\\.|[^"\\])*"|//.*|/\*.*?\*/', '', line))
            if match and not line.lstrip().startswith('*'):
                yield f'{path}:{number}: banned: {match.group(1)}()'


def texts(root):
    for path in walk(root):
        if os.path.splitext(path)[1] not in TEXT_FILES:
            continue
        for number, line in enumerate(read(root, path).splitlines(), 1):
            if FORBIDDEN_TEXT.search(line):
                yield f'{path}:{number}: text: names a machine\'s folder or a registry\'s host'
            if re.match('(<{7}|>{7}) ', line):
                yield f'{path}:{number}: text: is left of a merge'


def headers(root):
    for path in sources(root, ('.c', '.h', '.def')):
        licence = 'GPL-2.0-only OR BSD-2-Clause' if path.startswith('bpf/') else 'Apache-2.0'
        line = read(root, path)[:200].split('\n')[0]
        if 'SPDX-License-Identifier: ' not in line or licence not in line:
            yield f'{path}:1: header: no SPDX line with {licence}'


RULES = (layers, only_in, registry, sizes, banned, texts, headers)


def findings(root):
    for rule in RULES:
        yield from rule(root)


if __name__ == '__main__':
    found = list(findings(sys.argv[1] if len(sys.argv) > 1 else '.'))
    print('\n'.join(found))
    sys.exit(1 if found else 0)
