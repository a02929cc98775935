# SPDX-License-Identifier: Apache-2.0
"""The kernel's types (BTF) out of whatever a kernel comes as: its compressed image, its ELF file, BTF as it is.

    full = read('/boot/vmlinuz-6.1.0-50-cloud-amd64')
    full.btf, full.arch, full.release      # arch and release are None where the file does not tell them

Formats: Documentation/arch/x86/boot.rst (bzImage), Documentation/arch/arm64/booting.rst (Image), drivers/firmware/efi/
libstub/zboot-header.S (EFI zboot, arm64 since 6.1), Documentation/bpf/btf.rst.
"""
import dataclasses
import lzma
import os
import re
import shutil
import struct
import subprocess
import zlib

FILE_MAX = 4 << 30  # a vmlinux with debug information has one
BTF_MAX = 64 << 20  # as podtrace itself takes it (src/capture/btf_file.h)
HEADER = struct.Struct('<HBBIIIII')  # magic, version, flags, header length, types and strings: where, how long
MAGIC = b'\x9f\xeb\x01\x00' + struct.pack('<I', HEADER.size)
MACHINES = {62: 'amd64', 183: 'arm64'}  # e_machine
ZBOOT = {b'gzip': 'gzip', b'lz4': 'lz4', b'xzkern': 'xz', b'zstd22': 'zstd', b'zstd': 'zstd'}


class Unusable(Exception):
    """What is wrong with the file, and what to do."""


@dataclasses.dataclass
class Full:
    btf: bytes
    arch: str | None
    release: str | None


# ---- compression ------------------------------------------------------------------------------------------------

def _by_program(name):
    def run(data):
        if not shutil.which(name):
            raise Unusable(f'the kernel is packed with {name}, which is not here: apt-get install {name}')
        # behind the end of the data lies its length: both say so, after they have written everything
        return subprocess.run([name, '-dc'], input=data, capture_output=True, check=False).stdout
    return run


def _gzip(data):
    return zlib.decompressobj(wbits=31).decompress(data)


def _xz(data):
    return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)


UNPACK = {'gzip': _gzip, 'xz': _xz, 'lz4': _by_program('lz4'), 'zstd': _by_program('zstd')}
PACKED = ((b'\x1f\x8b', 'gzip'), (b'\xfd7zXZ\0', 'xz'), (b'\x02\x21\x4c\x18', 'lz4'), (b'\x28\xb5\x2f\xfd', 'zstd'))


def _unpack(data) -> bytes:
    for magic, name in PACKED:
        if data.startswith(magic):
            try:
                out = UNPACK[name](data)
            except (EOFError, zlib.error, lzma.LZMAError) as why:
                raise Unusable(f'its {name} data is damaged: {why}') from why
            if not out:
                raise Unusable(f'its {name} data is damaged')
            return out
    raise Unusable('it is packed with something else than gzip, xz, lz4 and zstd: unpack it first')


# ---- images -----------------------------------------------------------------------------------------------------

def _slice(data, offset, length) -> bytes:
    if offset + length > len(data):
        raise Unusable('it is cut off')
    return data[offset:offset + length]


def _payload(data) -> bytes:
    """The kernel itself, where the file is a packed one."""
    if data[0x202:0x206] == b'HdrS':  # bzImage
        version, = struct.unpack_from('<H', data, 0x206)
        if version < 0x208:
            raise Unusable('an image of before Linux 2.6.24')
        offset, length = struct.unpack_from('<II', data, 0x248)
        return _unpack(_slice(data, ((data[0x1f1] or 4) + 1) * 512 + offset, length))
    if data[:2] == b'MZ' and data[4:8] == b'zimg':
        offset, length = struct.unpack_from('<II', data, 8)
        name = data[24:56].split(b'\0')[0]
        if name not in ZBOOT:
            raise Unusable(f'it is packed with {name.decode("latin-1")}: unpack it first')
        return _unpack(_slice(data, offset, length))
    if data.startswith(tuple(magic for magic, _ in PACKED)):
        return _unpack(data)
    return data


def _arch(data):
    if data[:4] == b'\x7fELF':
        return MACHINES.get(struct.unpack_from('<H', data, 18)[0])
    if data[56:60] == b'ARM\x64':
        return 'arm64'
    return None


def btf_size(data, at=0) -> int:
    """Of the BTF that begins there; 0: none does."""
    if data[at:at + len(MAGIC)] != MAGIC or at + HEADER.size > len(data):
        return 0
    types_at, types_n, strings_at, strings_n = HEADER.unpack_from(data, at)[4:]
    size = HEADER.size + strings_at + strings_n
    if types_at or strings_at < types_n or not strings_n or size > BTF_MAX or at + size > len(data):
        return 0
    return 0 if data[at + HEADER.size + strings_at] or data[at + size - 1] else size


def _find_btf(data) -> bytes:
    found = max(((btf_size(data, m.start()), m.start()) for m in re.finditer(re.escape(MAGIC), data)), default=(0, 0))
    size, at = found
    return data[at:at + size]


def read(path) -> Full:
    with open(path, 'rb') as file:
        if os.fstat(file.fileno()).st_size > FILE_MAX:
            raise Unusable('it is larger than 4 GiB')
        data = file.read()
    kernel = data if btf_size(data) else _payload(data)
    btf = _find_btf(kernel)
    if not btf:
        raise Unusable('there is no BTF in it (a kernel with CONFIG_DEBUG_INFO_BTF has it); from one with debug '
                       'information, "pahole --btf_encode_detached FILE VMLINUX" makes it: name that FILE')
    banner = re.search(rb'Linux version (\S{1,64}) \(', kernel)
    return Full(btf, _arch(kernel), banner.group(1).decode('ascii', 'replace') if banner else None)
