# SPDX-License-Identifier: Apache-2.0
"""None of our BPF objects has in it what some kernel takes and then does not run, or refuses with all that is beside
it. What becomes of such objects there is shown by tests/vm/test_traps.py: they are the controls here."""
import pathlib
import struct
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests' / 'vm'), str(ROOT / 'tools')]

import btf_types  # noqa: E402  pylint: disable=wrong-import-position
import coverage  # noqa: E402  pylint: disable=wrong-import-position

# The kinds of programs that we have. An iterator needs the kernel's own types: there the feature is off.
KINDS = {'tp_btf', 'raw_tp', 'kprobe', 'kretprobe', 'iter', 'cgroup_skb', 'cgroup'}
# These are loaded where they cannot be attached (arm64 before 6.4). Allowed, because the ladder goes on after that as
# after any refusal, and while each feature has a rung without them.
TRAMPOLINES = {'fentry', 'fexit'}
# The same of those at libraries: by the PMU in every kernel, and better by a link of many since 6.6.
LIBRARIES = {'uprobe', 'uretprobe', 'uprobe.multi', 'uretprobe.multi'}
HELPERS = {181: 'bpf_loop'}  # what its callback does to the stack is not known to kernels before 6.7

CALL, LOAD_WIDE = 0x85, 0x18  # BPF_JMP | BPF_CALL, BPF_LD | BPF_DW | BPF_IMM: the latter is two instructions long


def helpers(instructions: bytes):
    """The numbers of those that are called. A call of a program's own or of a kfunc has a source register."""
    wide = False
    for op, registers, imm in struct.iter_unpack('<BBxxi', instructions):
        if op == CALL and not wide and not registers >> 4:
            yield imm
        wide = op == LOAD_WIDE and not wide


# One may have an extern: without it, where the kernel has no types, its tracepoints are taken to be preempted.
EXTERNS = {'preempt.bpf.c': {'extern __preempt_count'}}


def externs(parts):
    """The symbols that are defined nowhere: kfuncs, the kernel's variables and configuration, weak or not. No family
    may have one: hold_cpu() (bpf/lib/prog.h) becomes a call of a kfunc when loaded, where the kernel can be asked."""
    for name, section in struct.iter_unpack('<IxxH16x', parts['.symtab']):
        if name and not section:
            yield parts['.strtab'][name:].partition(b'\0')[0].decode()


def code(parts):
    """(kind of program, or .text; instructions)"""
    for name, content in parts.items():
        if name == '.text' or name and name[0] != '.' and name != 'license':
            yield name.lstrip('?').partition('/')[0], content


def traps(elf: bytes) -> set:
    parts = btf_types.sections(elf)
    found = {f'extern {name}' for name in externs(parts)}
    for kind, instructions in code(parts):
        found |= {f'call of {HELPERS[number]}' for number in helpers(instructions) if number in HELPERS}
        if kind not in KINDS | TRAMPOLINES | LIBRARIES | {'.text'}:
            found.add(f'program {kind}')
    return found


def only_by_trampoline(features) -> list:
    return [name for name, rungs in features.items() if rungs <= {'fentry'}]


class Objects(unittest.TestCase):
    def test_ours(self):
        for source in sorted((ROOT / 'bpf').glob('*.bpf.c')):
            with self.subTest(source.name):
                path = ROOT / 'build' / 'amd64' / 'obj' / 'bpf' / f'{source.stem}.o'
                self.assertEqual(traps(path.read_bytes()), EXTERNS.get(source.name, set()))

    def test_a_rung_without_trampolines(self):
        features = coverage.registry()
        self.assertEqual(only_by_trampoline(features), [])
        features['process', 'exec'] = {'fentry'}  # the control
        self.assertEqual(only_by_trampoline(features), [('process', 'exec')])


class Controls(unittest.TestCase):
    FOUND = {
        'none': set(),
        'lsm': {'program lsm'},
        'multi': {'program kprobe.multi'},
        'kconfig': {'extern CONFIG_HZ'},
        'kfunc': {'extern bpf_preempt_disable', 'extern bpf_preempt_enable'},
        'loop': {'call of bpf_loop'},
        'others': {'program fmod_ret', 'program fentry.s', 'program ksyscall'},
    }

    def test_each_trap_is_found(self):
        objects = {path.name.partition('.')[0]: path for path in (ROOT / 'build' / 'test' / 'traps').glob('*.bpf.o')}
        if not objects:
            self.skipTest('the traps are not built: make test-programs')
        self.assertEqual({name: traps(path.read_bytes()) for name, path in objects.items()}, self.FOUND)

    def test_half_an_instruction_is_no_call(self):
        wide = struct.pack('<BBxxi', LOAD_WIDE, 1, 0) + struct.pack('<BBxxi', CALL, 0, 181)
        self.assertEqual(list(helpers(wide)), [])
        self.assertEqual(list(helpers(wide + wide[8:])), [181])


if __name__ == '__main__':
    unittest.main()
