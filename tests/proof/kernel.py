# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts into the kernel of a network namespace of this process's own, and listings back out.

libnftables in a small process beside this one: a script takes about ten milliseconds that way. Not in this
one, since some scripts end libnftables by an assertion of its own; and not in a child for each script,
since a test that has grown to gigabytes spends more on the fork than on the script.
"""

import ctypes
import json
import os
import re
import subprocess
import sys

CLONE_NEWNET = 0x40000000
# NFT_CTX_OUTPUT_JSON, _HANDLE and _NUMERIC_ALL of libnftables.h: how fwc lists, too
HANDLE = 1 << 3
LIST_FLAGS = 1 << 4 | 1 << 3 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10


class Kernel:
    def __init__(self, unshare=True):
        if unshare and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'unshare: root is needed')
        self.beside = None

    def run(self, text, flags=0):
        """(output, error); error is '' where all went well."""
        if not self.beside:
            self.beside = subprocess.Popen([sys.executable, os.path.realpath(__file__)], text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           env=dict(os.environ, TZ='UTC'))
        said = ''
        try:
            self.beside.stdin.write(json.dumps([text, flags]) + '\n')
            self.beside.stdin.flush()
            said = self.beside.stdout.readline()
        except BrokenPipeError:
            pass
        if said:
            return tuple(json.loads(said))
        status, self.beside = self.beside.wait(), None      # the next script has another process
        return '', f'libnftables ended by itself ({status})'

    def listing(self, script, table='inet fwc'):
        """(JSON text, error): the script's table, alone in the kernel."""
        fresh = f'add table {table}\ndelete table {table}\n'
        _, error = self.run(fresh + script)
        if error:
            return '', error
        text, error = self.run(f'list table {table}', LIST_FLAGS)
        return (self.with_levels(text, table), '') if '"cgroupv2"' in text else (text, error)

    def with_levels(self, text, table):
        """nft's JSON does not say of which level of control groups a rule speaks; its own words do."""
        words, _ = self.run(f'list table {table}', HANDLE)
        levels = {int(m[2]): m[1] for m in re.finditer(r'socket cgroupv2 level (\d+) .*# handle (\d+)$', words, re.M)}
        listed = json.loads(text)
        for rule in (o['rule'] for o in listed['nftables'] if 'rule' in o):
            for match in (x['match'] for x in rule['expr'] if 'match' in x):
                if isinstance(match['left'], dict) and 'socket' in match['left']:
                    match['left']['socket']['level'] = levels.get(rule['handle'])
        return json.dumps(listed)


class Library:
    """libnftables in this process."""

    def __init__(self):
        self.nft = ctypes.CDLL('libnftables.so.1')
        self.nft.nft_ctx_new.restype = ctypes.c_void_p
        self.nft.nft_ctx_new.argtypes = [ctypes.c_uint32]
        for name in ('buffer_output', 'buffer_error', 'free', 'get_output_buffer', 'get_error_buffer'):
            getattr(self.nft, 'nft_ctx_' + name).argtypes = [ctypes.c_void_p]
        for name in ('get_output_buffer', 'get_error_buffer'):
            getattr(self.nft, 'nft_ctx_' + name).restype = ctypes.c_char_p
        self.nft.nft_ctx_output_set_flags.argtypes = [ctypes.c_void_p, ctypes.c_uint]
        self.nft.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

    def run(self, text, flags):
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


def main():
    """A line in, [script, flags] in JSON, a line out, until there are no more."""
    library = Library()
    for line in sys.stdin:
        print(json.dumps(library.run(*json.loads(line))), flush=True)


if __name__ == '__main__':
    main()
