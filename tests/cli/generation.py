# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints the generation of this namespace's nftables: it moves with every transaction."""
import _socket as socket
import struct

GETGEN = 10 << 8 | 16  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN
GEN_ID = 1

s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.bind((0, 0))
s.send(struct.pack("=IHHII", 20, GETGEN, 1, 1, 0) + struct.pack("=BBH", 0, 0, 0))
data = s.recv(8192)
at = 20
while at + 4 <= len(data):
    length, kind = struct.unpack_from("=HH", data, at)
    if kind & 0x3FFF == GEN_ID:
        print(struct.unpack_from(">I", data, at + 4)[0])
        break
    at += max(4, (length + 3) & ~3)
