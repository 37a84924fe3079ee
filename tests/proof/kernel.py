# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts into the kernel of a network namespace of this process's own, and listings back out.

libnftables in this process: a script takes about ten milliseconds that way.
"""

import ctypes
import json
import os

CLONE_NEWNET = 0x40000000
# NFT_CTX_OUTPUT_JSON, _HANDLE and _NUMERIC_ALL of libnftables.h: how fwc lists, too
LIST_FLAGS = 1 << 4 | 1 << 3 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10


class Kernel:
    def __init__(self, unshare=True):
        if unshare and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'unshare: root is needed')
        os.environ['TZ'] = 'UTC'
        self.nft = ctypes.CDLL('libnftables.so.1')
        self.nft.nft_ctx_new.restype = ctypes.c_void_p
        self.nft.nft_ctx_new.argtypes = [ctypes.c_uint32]
        for name in ('buffer_output', 'buffer_error', 'free', 'get_output_buffer', 'get_error_buffer'):
            getattr(self.nft, 'nft_ctx_' + name).argtypes = [ctypes.c_void_p]
        for name in ('get_output_buffer', 'get_error_buffer'):
            getattr(self.nft, 'nft_ctx_' + name).restype = ctypes.c_char_p
        self.nft.nft_ctx_output_set_flags.argtypes = [ctypes.c_void_p, ctypes.c_uint]
        self.nft.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

    def run(self, text, flags=0):
        """(output, error); error is '' where all went well.

        In a child: some scripts end libnftables by an assertion of its own.
        """
        here, there = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(here)
            try:
                with os.fdopen(there, 'w', encoding='utf-8') as out:
                    json.dump(self.run_here(text, flags), out)
            finally:
                os._exit(0)
        os.close(there)
        with os.fdopen(here, encoding='utf-8') as f:
            said = f.read()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return tuple(json.loads(said)) if said else ('', f'libnftables ended by itself ({status})')

    def run_here(self, text, flags):
        ctx = self.nft.nft_ctx_new(0)
        try:
            self.nft.nft_ctx_buffer_output(ctx)
            self.nft.nft_ctx_buffer_error(ctx)
            self.nft.nft_ctx_output_set_flags(ctx, flags)
            status = self.nft.nft_run_cmd_from_buffer(ctx, text.encode())
            out = self.nft.nft_ctx_get_output_buffer(ctx).decode()
            error = self.nft.nft_ctx_get_error_buffer(ctx).decode().strip()
        finally:
            self.nft.nft_ctx_free(ctx)
        return out, (error or 'refused') if status else ''

    def listing(self, script, table='inet fwc'):
        """(JSON text, error): the script's table, alone in the kernel."""
        fresh = f'add table {table}\ndelete table {table}\n'
        _, error = self.run(fresh + script)
        if error:
            return '', error
        return self.run(f'list table {table}', LIST_FLAGS)
