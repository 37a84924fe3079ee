# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures of one client's datagrams, from 192.168.1.10 to 203.0.113.5, as bare IPv4."""
import struct
import sys


def udp(sport, dport, data):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 0, 0, 64, 17, 0, bytes([192, 168, 1, 10]),
                       bytes([203, 0, 113, 5])) + struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def write(packets):
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for p in packets:
        out += struct.pack("<IIII", 0, 0, len(p), len(p)) + p
    sys.stdout.buffer.write(out)
