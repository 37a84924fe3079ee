# SPDX-License-Identifier: GPL-2.0-or-later
"""denied.py PROGRAM ARGUMENT...: as in a container whose seccomp filter refuses new namespaces."""

import ctypes
import os
import struct
import sys

NUMBERS = {'x86_64': (272, 308), 'aarch64': (97, 268)}      # unshare, setns
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, EPERM = 0x7fff0000, 0x00050001
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2

numbers = NUMBERS[os.uname().machine]
steps = [(LOAD, 0, 0, 0)]
for i, number in enumerate(numbers):
    steps.append((EQUAL, len(numbers) - i, 0, number))
steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, EPERM)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *s) for s in steps))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(steps), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, FILTER, program, 0, 0):
    raise OSError(ctypes.get_errno(), 'prctl')
os.execv(sys.argv[1], sys.argv[1:])
