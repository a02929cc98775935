#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The BPF objects as C: packed by zlib, which makes a quarter of them.

    tools/objects.py OUT OBJECT...
"""
import pathlib
import sys
import zlib


def main():
    out, *objects = map(pathlib.Path, sys.argv[1:])
    arrays, table = [], []
    for path in objects:
        name = path.name.removesuffix('.bpf.o')
        raw = path.read_bytes()
        packed = zlib.compress(raw, 9)
        lines = (packed[i:i + 24] for i in range(0, len(packed), 24))
        text = ',\n\t'.join(', '.join(map(str, line)) for line in lines)
        arrays.append(f'static const u8 object_{name}[] = {{\n\t{text}\n}};\n')
        table.append(f'\t{{ "{name}", object_{name}, sizeof(object_{name}), {len(raw)} }},\n')
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text('/* Made by tools/objects.py. */\n' + ''.join(arrays) + 'static const struct packed objects[] = {\n' +
                   ''.join(table) + '};\n', encoding='utf-8')


main()
