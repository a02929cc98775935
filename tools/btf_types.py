# SPDX-License-Identifier: Apache-2.0
"""What stands in BTF, as far as tools/btf.py compares it: types by their names, and which of them BPF objects ask for.

Formats: Documentation/bpf/btf.rst; struct bpf_core_relo in include/uapi/linux/bpf.h.
"""
import dataclasses
import struct

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, \
    DECL_TAG, TYPE_TAG, ENUM64 = range(1, 20)
TRANSPARENT = {TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG}
# bytes behind the three words that each type has: once, and for each of its vlen members
EXTRA = {INT: (4, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), ENUM: (0, 8), FUNC_PROTO: (0, 8), VAR: (4, 0),
         DATASEC: (0, 12), DECL_TAG: (4, 0), ENUM64: (0, 12)}
HEADER = 24


@dataclasses.dataclass
class Type:
    kind: int
    name: str
    size: int  # or the type it refers to
    flags: int
    members: list  # (name, type, offset in bits) of structs; (name, value) of enums
    element: int = 0  # of arrays


class Btf:
    def __init__(self, raw: bytes):
        _, types_n, strings_at, strings_n = struct.unpack_from('<4I', raw, 8)
        self.strings = raw[HEADER + strings_at:HEADER + strings_at + strings_n]
        self.types = [Type(0, 'void', 0, 0, [])]
        data = raw[HEADER:HEADER + types_n]
        at = 0
        while at < len(data):
            at = self._read(data, at)

    def string(self, at) -> str:
        return self.strings[at:self.strings.index(b'\0', at)].decode()

    def _read(self, data, at) -> int:
        name, info, size = struct.unpack_from('<3I', data, at)
        kind, n = info >> 24 & 0x1f, info & 0xffff
        once, each = EXTRA.get(kind, (0, 0))
        found = Type(kind, self.string(name), size, info >> 31, [])
        at += 12
        if kind in (STRUCT, UNION):
            found.members = [(self.string(m), type_, offset)
                             for m, type_, offset in struct.iter_unpack('<3I', data[at:at + 12 * n])]
        elif kind == ENUM:
            found.members = [(self.string(m), value) for m, value in struct.iter_unpack('<2I', data[at:at + 8 * n])]
        elif kind == ARRAY:
            found.element, = struct.unpack_from('<I', data, at)
        self.types.append(found)
        return at + once + each * n

    def bare(self, at) -> Type:
        """Without typedefs and qualifiers."""
        while self.types[at].kind in TRANSPARENT:
            at = self.types[at].size
        return self.types[at]

    def summary(self) -> set:
        """Every struct and enum with what stands in it, free of numbers that another tool would give differently."""
        return {(t.kind, t.name, t.size, tuple((m[0], m[-1]) for m in t.members))
                for t in self.types if t.kind in (STRUCT, UNION, ENUM, ENUM64)}


# ---- what programs ask for --------------------------------------------------------------------------------------

def sections(elf: bytes) -> dict:
    """{name: bytes} of a 64-bit little-endian ELF file."""
    offset, = struct.unpack_from('<Q', elf, 0x28)
    size, n, names = struct.unpack_from('<3H', elf, 0x3a)
    heads = [struct.unpack_from('<2I4Q', elf, offset + i * size) for i in range(n)]
    strings = elf[heads[names][4]:][:heads[names][5]]
    return {strings[head[0]:strings.index(b'\0', head[0])].decode(): elf[head[4]:head[4] + head[5]] for head in heads}


def _path(btf, root, access, of_enum) -> str:
    """task_struct.cred.uid.val, of "0:10:1:0"."""
    step, *rest = map(int, access.split(':'))
    here = btf.bare(root)
    out = btf.types[root].name or here.name
    if of_enum:
        return f'{out}.{here.members[step][0]}'
    for index in rest:
        if here.kind == ARRAY:
            out += '[]'
            here = btf.bare(here.element)
        else:
            name, type_, _ = here.members[index]
            out += f'.{name}'
            here = btf.bare(type_)
    return out


def _class(kind) -> str:
    """The kinds of enum bpf_core_relo_kind that keep the same parts of a type."""
    return 'field' if kind <= 5 else 'enum' if kind in (10, 11) else 'type'


def asked(objects) -> set:
    """What the programs in these ELF files read of the kernel: {'field task_struct.pid', 'type upid'}."""
    out = set()
    for elf in objects:
        parts = sections(elf)
        btf, ext = Btf(parts['.BTF']), parts['.BTF.ext']
        length, = struct.unpack_from('<I', ext, 4)
        offset, size = struct.unpack_from('<2I', ext, 24) if length >= 32 else (0, 0)
        at, end = length + offset + 4, length + offset + size
        while at < end:
            _, n = struct.unpack_from('<2I', ext, at)
            for _, type_, access, kind in struct.iter_unpack('<4I', ext[at + 8:at + 8 + 16 * n]):
                what = _class(kind)
                out.add(f'{what} {_path(btf, type_, btf.string(access), what == "enum")}')
            at += 8 + 16 * n
    return out
