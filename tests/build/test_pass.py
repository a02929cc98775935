# SPDX-License-Identifier: Apache-2.0
"""Programs that hang on a cgroup have a say in what happens: 1 lets a packet or a call pass, all else does not. Ours
return 1 on every way."""
import pathlib
import struct
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tools')]

import btf_types  # noqa: E402  pylint: disable=wrong-import-position

SAYS = ('cgroup', 'cgroup_skb')  # kinds of programs
EXIT = 0x95
RETURNS_1 = {(0xb4, 0, 1), (0xb7, 0, 1)}  # w0 = 1, r0 = 1
JUMP = {0x05, 0x06}  # the classes that jump: BPF_JMP, BPF_JMP32
CALL = 0x85


def others(code: bytes) -> int:
    """How many ways out do not come straight from setting the result to 1. Nothing jumps behind that either."""
    insns = [(op, registers & 0xf, off, imm) for op, registers, off, imm in struct.iter_unpack('<BBhi', code)]
    targets = {at + 1 + off for at, (op, _, off, _) in enumerate(insns) if op & 7 in JUMP and op not in (EXIT, CALL)}
    bad = 0
    for at, (op, *_) in enumerate(insns):
        if op == EXIT:
            before = insns[at - 1] if at else (0, 0, 0, 0)
            bad += (before[0], before[1], before[3]) not in RETURNS_1 or at in targets
    return bad


def programs(path):
    for name, content in btf_types.sections(path.read_bytes()).items():
        if name.lstrip('?').partition('/')[0] in SAYS:
            yield name, content


class Pass(unittest.TestCase):
    def test_ours(self):
        seen = 0
        for path in sorted((ROOT / 'build').glob('*/obj/bpf/*.bpf.o')):
            for name, content in programs(path):
                with self.subTest(f'{path.parts[-4]} {path.name} {name}'):
                    seen += 1
                    self.assertIn(bytes([EXIT]), content[::8])
                    self.assertEqual(others(content), 0)
        self.assertGreaterEqual(seen, 8)

    def test_controls(self):
        def insn(op, dst=0, off=0, imm=0):
            return struct.pack('<BBhi', op, dst, off, imm)
        one, zero, end = insn(0xb4, imm=1), insn(0xb4), insn(EXIT)
        self.assertEqual(others(one + end), 0)
        self.assertEqual(others(zero + end), 1)
        self.assertEqual(others(insn(CALL) + end), 1)
        self.assertEqual(others(insn(0xb4, 1, imm=1) + end), 1)  # another register
        self.assertEqual(others(one + end + one + end), 0)
        self.assertEqual(others(insn(0x15, 1, 1) + one + end), 1)  # a jump behind it


if __name__ == '__main__':
    unittest.main()
