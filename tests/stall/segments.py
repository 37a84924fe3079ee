# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP client of our own, which sends segments in whatever order and form (RFC 9293), through a raw socket that
the caller made where they are to come from. The kernel there must be kept from resetting what it does not know."""
import socket
import struct
import time

from inet import checksum

FIN, SYN, ACK, PUSH = 1, 2, 16, 8
WINDOW = 10  # segments that a sender has on their way at first (RFC 6928)
PATIENCE = 0.2  # seconds after which Linux sends one again


class Client:
    def __init__(self, raw, here, there, number=1000):
        """here, there: (address, port). It is connected when this returns, or was refused."""
        self.raw, self.here, self.there = raw, here, there
        self.ack = self.acked = 0
        self.raw.settimeout(5)
        self.first = number + 1
        self.send(number, SYN)
        end = time.monotonic() + 5
        while not self.ack and time.monotonic() < end:
            self.hear(5)
        self.send(self.first, ACK)

    def send(self, seq, flags, data=b""):
        head = struct.pack("!HHIIBBHHH", self.here[1], self.there[1], seq & 0xffffffff,
                           self.ack if flags & ACK else 0, 5 << 4, flags, 65535, 0, 0)
        ends = socket.inet_aton(self.here[0]) + socket.inet_aton(self.there[0])
        pseudo = ends + struct.pack("!BBH", 0, 6, len(head) + len(data))
        self.raw.sendto(head[:16] + struct.pack("!H", checksum(pseudo + head + data)) + head[18:] + data,
                        (self.there[0], 0))

    def hear(self, seconds):
        """One packet, of whatever connection."""
        self.raw.settimeout(max(seconds, 0.001))
        try:
            packet = self.raw.recv(65536)
        except socket.timeout:
            return
        tcp = packet[(packet[0] & 15) * 4:]
        source, port, seq, acked, offset, flags = struct.unpack("!HHIIBB", tcp[:14])
        if (source, port) == (self.there[1], self.here[1]) and flags & ACK:
            self.ack = seq + len(tcp) - (offset >> 4) * 4 + (flags >> 1 & 1) & 0xffffffff
            self.acked = acked

    def message(self, data, size, order):
        """All of it, in segments of that size: as many as a sender has on their way, in that order, and then it
        waits for the acknowledgement. How many times that took so long that it would have sent again."""
        pieces = [(at, data[at:at + size]) for at in range(0, len(data), size)]
        late = 0
        for begin in range(0, len(pieces), WINDOW):
            some = pieces[begin:begin + WINDOW]
            for i in order(len(some)):
                self.send(self.first + some[i][0], ACK | PUSH, some[i][1])
            wanted, end = self.first + some[-1][0] + len(some[-1][1]), time.monotonic() + PATIENCE
            while self.acked < wanted and time.monotonic() < end:
                self.hear(end - time.monotonic())
            late += self.acked < wanted
        return late
