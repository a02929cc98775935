# SPDX-License-Identifier: Apache-2.0
"""What the program of lookups.c calls, and how it is told."""

import pathlib
import subprocess
from collections import Counter

HERE = pathlib.Path(__file__).parent
# What one turn of it is told as: (name, result, family asked for).
TURN = Counter({
    ('127.0.0.1', None, None): 1,
    ('::1', None, 'ipv6'): 1,
    ('name.invalid', 'EAI_NONAME', 'ipv4'): 1,
    ('café \ufffd.invalid', 'EAI_NONAME', None): 1,
    ('flags.invalid', 'EAI_BADFLAGS', None): 1,
    ('family.invalid', 'EAI_FAMILY', None): 1,
    ('x' * 255, 'EAI_NONAME', None): 1,
    (None, 'EAI_NONAME', None): 1,
})
CALLS = sum(TURN.values())


def program(folder) -> pathlib.Path:
    path = pathlib.Path(folder, 'lookups')
    subprocess.run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', path, HERE / 'lookups.c'], check=True)
    return path


def wanted(turns) -> Counter:
    return Counter({call: n * turns for call, n in TURN.items()}) if turns else Counter()


def told(lines) -> Counter:
    return Counter((line.get('dns.question.name'), line.get('error.type'), line.get('network.type')) for line in lines
                   if line['event'].startswith('podtrace.lookup'))
