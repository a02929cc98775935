# SPDX-License-Identifier: Apache-2.0
"""denied.py ERRNO COMMAND...: the command, for which bpf() fails with that errno, as a security module or a container's
seccomp profile makes it fail."""

import ctypes
import os
import struct
import sys

BPF = {'x86_64': 321, 'aarch64': 280}[os.uname().machine]
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
ERRNO, ALLOW = 0x00050000, 0x7fff0000


def main(errno, *command):
    rows = [(LOAD, 0, 0, 0), (EQUAL, 0, 1, BPF), (RETURN, 0, 0, ERRNO | int(errno)), (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *row) for row in rows))
    program = struct.pack('HxxxxxxP', len(rows), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        sys.exit(f'prctl: {os.strerror(ctypes.get_errno())}')
    os.execv(command[0], command)


if __name__ == '__main__':
    main(*sys.argv[1:])
