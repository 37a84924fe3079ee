# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends flows: sockets and a capture in every namespace of the lab. See flows."""

import ctypes
import errno
import ipaddress
import os
import selectors
import socket
import struct
import time

from flowtable import ERRORS
from inet import checksum

QUIET = 0.4      # seconds without an answer that make a packet dropped
PATIENCE = 5.0   # seconds that a flow that should be answered is waited for
IP_RECVERR, IPV6_RECVERR, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 11, 25, 10, 23
IP_PKTINFO, PMTUDISC_PROBE, CLONE_NEWNET = 8, 3, 0x40000000
OUTGOING = 4     # packet type of an AF_PACKET address
SYN, RST, ACK = 2, 4, 16


def packed(addr):
    return ipaddress.ip_address(addr).packed


def raw_tcp(src, dst, sport, dport, flags, seq, payload):
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq, 1 if flags & ACK else 0,
                          5 << 4, flags, 8192, 0, 0) + payload
    pseudo = packed(src) + packed(dst)
    pseudo += struct.pack("!BBH" if len(pseudo) == 8 else "!xxBBH", 0, 6, len(segment))
    total = checksum(pseudo + segment)
    return segment[:16] + struct.pack("!H", total) + segment[18:]


def parse_ip(packet):
    """Of an IP packet: family, protocol, source, destination, the rest; None if odd."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        if struct.unpack("!H", packet[6:8])[0] & 0x1fff:
            return None
        return (4, packet[9], socket.inet_ntop(socket.AF_INET, packet[12:16]),
                socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[(packet[0] & 15) * 4:])
    if len(packet) >= 40 and packet[0] >> 4 == 6:
        return (6, packet[6], socket.inet_ntop(socket.AF_INET6, packet[8:24]),
                socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[40:])
    return None


def tcp_mss(segment):
    options = segment[20:(segment[12] >> 4) * 4]
    while options and options[0]:
        if options[0] == 1:
            options = options[1:]
            continue
        if len(options) < 2 or options[1] < 2:
            return None
        if options[0] == 2:
            return struct.unpack("!H", options[2:4])[0]
        options = options[options[1]:]
    return None


class Run:
    def __init__(self, hosts, rows):
        self.hosts = hosts
        self.rows = rows
        self.flows = [f for _, families in rows for times in families for f in times]
        self.loop = selectors.DefaultSelector()
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.here = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.spaces = sorted({h.netns for h in hosts.values()})
        self.nonce = b"fwc" + os.urandom(5)
        self.captured = []
        self.local_addrs = {ns: {a for h in hosts.values() if h.netns == ns
                                 for a in h.addr.values() if a} for ns in self.spaces}
        self.firewalls = {h.netns for h in hosts.values() if h.firewall}
        for index, flow in enumerate(self.flows):
            flow.token = self.nonce + struct.pack("!I", index)
            if flow.kind == "rawtcp":
                flow.seq = struct.unpack("!I", os.urandom(4))[0]

    def enter(self, netns):
        fd = os.open("/run/netns/" + netns, os.O_RDONLY)
        self.setns(fd)
        os.close(fd)

    def setns(self, fd):
        if self.libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def listen(self):
        """A capture in every namespace, and a listener for every port and family."""
        closed = {(f.kind, f.port) for f in self.flows if f.closed}
        wanted = set()
        for flow in self.flows:
            for port in {flow.port, flow.at[1] if flow.at and flow.at[1] else flow.port}:
                kind = "tcp" if flow.kind == "rawtcp" else flow.kind
                if kind in ("tcp", "udp") and (kind, port) not in closed:
                    wanted.add((kind, port, flow.family))
        for netns in self.spaces:
            self.enter(netns)
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
            sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)     # SO_RCVBUFFORCE
            self.watch(sock, self.capture, netns)
            for kind, port, family in sorted(wanted):
                self.open_port(netns, kind, port, family)
        self.setns(self.here)

    def open_port(self, netns, kind, port, family):
        sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6,
                             socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == "udp":
            if family == 4:
                sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.bind(("0.0.0.0" if family == 4 else "::", port))
        if kind == "tcp":
            sock.listen(128)
            self.watch(sock, self.accept, netns)
        else:
            self.watch(sock, self.serve_udp, netns)

    def watch(self, sock, call, arg, events=selectors.EVENT_READ):
        sock.setblocking(False)
        self.loop.register(sock, events, (call, arg))

    # -- the far ends

    def flow_of(self, payload):
        at = payload.find(self.nonce)
        if at < 0 or len(payload) < at + 12:
            return None
        return self.flows[struct.unpack("!I", payload[at + 8:at + 12])[0]]

    def capture(self, sock, netns):
        while True:
            try:
                packet, addr = sock.recvfrom(2048)
            except BlockingIOError:
                return
            if addr[1] in (0x0800, 0x86dd):
                self.captured.append((netns, addr[0], addr[2] == OUTGOING, packet))

    def accept(self, sock, netns):
        try:
            conn, _ = sock.accept()
        except OSError:
            return
        self.watch(conn, self.serve_tcp, netns)

    def serve_tcp(self, sock, netns):
        try:
            data = sock.recv(2048)
        except OSError:
            data = b""
        if not data:
            self.close(sock)
            return
        flow = self.flow_of(data)
        if flow:
            here, peer = sock.getsockname(), sock.getpeername()
            flow.arrivals.append((netns, peer[0], here[0], here[1]))
            sock.send(data)

    def serve_udp(self, sock, netns):
        try:
            data, control, _, peer = sock.recvmsg(2048, 256)
        except OSError:
            return
        flow = self.flow_of(data)
        if not flow or flow.where.broadcast and netns != flow.where.netns:
            return
        here = ""
        for _, _, info in control:
            if len(info) == 12:
                here = socket.inet_ntop(socket.AF_INET, info[8:12])
            elif len(info) == 20:
                here = socket.inet_ntop(socket.AF_INET6, info[:16])
        flow.arrivals.append((netns, peer[0], here, sock.getsockname()[1]))
        try:
            sock.sendmsg([data], control, 0, peer)
        except OSError:
            pass    # the answer is refused here: then none comes

    def close(self, sock):
        self.loop.unregister(sock)
        sock.close()

    # -- the near ends

    def start(self, flow):
        """Open the sender's socket in its namespace and send the first packet."""
        family = socket.AF_INET if flow.family == 4 else socket.AF_INET6
        dst = flow.where.addr[flow.family]
        kind, proto = {
            "tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0),
            "ping": (socket.SOCK_DGRAM, 1 if flow.family == 4 else 58),
            "icmp": (socket.SOCK_RAW, 1 if flow.family == 4 else 58),
            "rawtcp": (socket.SOCK_RAW, 6), "proto": (socket.SOCK_RAW, flow.port),
        }[flow.kind]
        sock = flow.sock = socket.socket(family, kind, proto)
        level = socket.IPPROTO_IP if flow.family == 4 else socket.IPPROTO_IPV6
        sock.setsockopt(level, IP_RECVERR if flow.family == 4 else IPV6_RECVERR, 1)
        if flow.ttl:
            hops = socket.IP_TTL if flow.family == 4 else socket.IPV6_UNICAST_HOPS
            sock.setsockopt(level, hops, flow.ttl)
        if flow.size:
            sock.setsockopt(level, IP_MTU_DISCOVER if flow.family == 4 else IPV6_MTU_DISCOVER,
                            PMTUDISC_PROBE)
        if kind == socket.SOCK_DGRAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setblocking(False)
        if flow.sport:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((flow.who.addr[flow.family], flow.sport))
        flow.local = sock.getsockname()[:2]
        try:
            if flow.kind == "tcp":
                result = sock.connect_ex((dst, flow.port))
                if result not in (0, errno.EINPROGRESS):
                    raise OSError(result, os.strerror(result))
                self.loop.register(sock, selectors.EVENT_WRITE, (self.connected, flow))
                return
            sock.connect((dst, flow.port if flow.kind == "udp" else 0))
            self.loop.register(sock, selectors.EVENT_READ, (self.answer, flow))
            sock.send(self.first_packet(flow, dst))
        except OSError as err:
            self.failed(flow, err)

    def first_packet(self, flow, dst):
        payload = flow.token.ljust(max(flow.size, 12), b".")
        if flow.kind == "rawtcp":
            return raw_tcp(flow.local[0], dst, flow.sport or 1024 + self.flows.index(flow),
                           flow.port, flow.flags, flow.seq, payload)
        if flow.kind in ("ping", "icmp"):
            number = flow.port if flow.kind == "icmp" else 8 if flow.family == 4 else 128
            header = struct.pack("!BBHHH", number, 0, 0, 1, 1)
            if flow.family == 4:
                total = checksum(header + payload)
                header = struct.pack("!BBHHH", number, 0, total, 1, 1)
            return header + payload
        return payload

    def failed(self, flow, err):
        """An error that the sender's socket reported."""
        if flow.decided():
            return
        if err.errno == errno.EPERM:
            return      # dropped on its way out of this host
        if flow.kind == "tcp":
            # A TCP socket tells no details: the capture has them.
            name = "reset" if err.errno == errno.ECONNREFUSED else os.strerror(err.errno)
            flow.error = (name, None)
            return
        try:
            _, control, _, _ = flow.sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return
        for _, _, data in control:
            number, origin, kind, code = struct.unpack("=IBBB", data[:7])
            offender = None
            if origin == 2:
                offender = socket.inet_ntop(socket.AF_INET, data[20:24])
            elif origin == 3:
                offender = socket.inet_ntop(socket.AF_INET6, data[24:40])
            family = {2: 4, 3: 6}.get(origin, 0)
            name = ERRORS.get((family, kind, code)) or f"{os.strerror(number)} {kind}/{code}"
            flow.error = (name, offender)

    def connected(self, sock, flow):
        result = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.loop.unregister(sock)
        if result:
            self.failed(flow, OSError(result, ""))
            return
        try:
            sock.send(flow.token)
        except OSError as err:
            self.failed(flow, err)
            return
        self.loop.register(sock, selectors.EVENT_READ, (self.answer, flow))

    def answer(self, sock, flow):
        try:
            data = sock.recv(2048)
        except OSError as err:
            self.failed(flow, err)
            if flow.kind == "tcp":
                self.loop.unregister(sock)
            return
        if flow.kind in ("tcp", "udp", "ping") and flow.token in data:
            flow.answered = True
        elif flow.kind == "tcp":
            self.loop.unregister(sock)

    # -- the whole

    def run(self):
        self.listen()
        for netns in self.spaces:
            self.enter(netns)
            for flow in self.flows:
                if flow.who.netns == netns:
                    self.start(flow)
                    self.poll(0)
        self.setns(self.here)
        begin = time.monotonic()
        while True:
            self.poll(0.05)
            spent = time.monotonic() - begin
            open_ends = any(f.fate not in ("dropped", "arrives") and not f.count
                            and not f.decided() and f.kind != "rawtcp" for f in self.flows)
            if spent > PATIENCE or spent > QUIET and not open_ends:
                break
            if not any(not f.decided() for f in self.flows):
                break
        self.poll(0)
        self.sift()

    def poll(self, timeout):
        for key, _ in self.loop.select(timeout):
            call, arg = key.data
            call(key.fileobj, arg)

    def sift(self):
        """Give each captured packet to the flow that it belongs to."""
        parsed = []
        for netns, iface, outgoing, packet in self.captured:
            head = parse_ip(packet)
            if head:
                parsed.append((netns, iface, outgoing) + head)
        by_source = {(f.who.netns, f.family) + tuple(f.local): f for f in self.flows
                     if f.kind == "tcp" and f.local}
        by_seq = {f.seq: f for f in self.flows if f.kind == "rawtcp"}
        for netns, _, outgoing, family, proto, src, _, rest in parsed:
            if outgoing and proto == 6 and len(rest) >= 20 and rest[13] & (SYN | ACK) == SYN:
                sport, _, seq = struct.unpack("!HHI", rest[:8])
                flow = by_source.get((netns, family, src, sport))
                if flow:
                    flow.seq = seq
                    by_seq[seq] = flow
        for item in parsed:
            proto, rest = item[4], item[7]
            if proto == 6 and len(rest) >= 20:
                self.sift_tcp(by_seq, item)
            elif proto in (1, 58) and self.is_error(item[3], rest):
                self.sift_error(item, by_source)
            else:
                flow = self.flow_of(rest)
                if flow:
                    port = struct.unpack("!H", rest[2:4])[0] if proto == 17 else 0
                    ours = flow.kind != "ping" or rest[0] in (8, 128)
                    if ours:
                        self.seen(flow, item, port, flow.kind in ("ping", "icmp", "proto"))

    @staticmethod
    def is_error(family, rest):
        return bool(rest) and (rest[0] in (3, 4, 5, 11, 12) if family == 4 else rest[0] < 128)

    def sift_tcp(self, by_seq, item):
        netns, _, outgoing, family, _, src, dst, rest = item
        _, dport, seq, ack, _, flags = struct.unpack("!HHIIBB", rest[:14])
        flow = by_seq.get(seq)
        if flow and flow.family == family and (flow.kind == "rawtcp" or flags & (SYN | ACK) == SYN):
            if not outgoing and dst in self.local_addrs[netns]:
                flow.mss[0] = tcp_mss(rest)
            self.seen(flow, item, dport, True)
            return
        flow = by_seq.get((ack - 1) & 0xffffffff) if flags & ACK else None
        if not flow:
            flow = next((f for f in by_seq.values() if f.kind == "rawtcp" and flags & RST
                         and f.who.netns == netns and src == f.where.addr[f.family]
                         and seq in (1, f.seq + 12)), None)
        if flow and not outgoing and flow.who.netns == netns and not self.reached(flow, src, dst):
            return
        if flow and not outgoing and flow.who.netns == netns:
            if flags & SYN:
                flow.mss[1] = tcp_mss(rest)
                if flow.kind == "rawtcp":
                    flow.answered = True
            elif flags & RST and flow.kind == "rawtcp" and not flow.answered:
                flow.error = ("reset", src)

    @staticmethod
    def reached(flow, src, dst):
        return src == flow.where.addr[flow.family] and dst == flow.who.addr[flow.family]

    def sift_error(self, item, by_source):
        """An ICMP error that answers a TCP packet: it quotes the beginning of the packet."""
        netns, _, outgoing, family, _, src, _, rest = item
        quote = parse_ip(rest[8:])
        if outgoing or not quote or quote[1] != 6 or len(quote[4]) < 4:
            return
        sport = struct.unpack("!H", quote[4][:2])[0]
        flow = by_source.get((netns, family, quote[2], sport))
        if flow and flow.error:
            name = ERRORS.get((family, rest[0], rest[1]), f"icmp {rest[0]}/{rest[1]}")
            flow.error = (name, src)

    def seen(self, flow, item, port, is_arrival):
        """A packet of the flow passed an interface: did it leave the firewall, did it arrive?"""
        netns, iface, outgoing, _, _, src, dst, _ = item
        if outgoing:
            if netns in self.firewalls and iface != "lo":
                flow.left = True
            return
        if not is_arrival or flow.kind == "tcp" and any(a[0] == netns for a in flow.arrivals):
            return
        if netns in self.firewalls:
            # A capture sees a packet before the firewall of that host does: believe the answer.
            if flow.answered and flow.kind == "ping" and netns == flow.where.netns:
                flow.arrivals.append((netns, src, dst, port))
        elif dst in self.local_addrs[netns] and not flow.where.broadcast:
            flow.arrivals.append((netns, src, dst, port))
