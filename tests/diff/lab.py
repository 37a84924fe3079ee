#!/usr/bin/python3
"""A router in a network namespace of its own, seen from every side.

Each interface is a TUN device whose other end this process holds: writing a packet there is its arrival at that
interface, reading one is its departure.  What the kernel delivers to the machine itself shows on raw sockets,
behind the input hook; what the machine sends goes out by raw sockets too.  The kernel handles a written packet
before write() returns, so hundreds of packets a millisecond need no waiting, and what has not shown up then is
gone.  Every packet carries a number of its own, so that nothing is ever taken for another's fate.
"""

import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field

from reference import ICMP, ICMPV6, TCP, UDP, Lab, show_address

# The wildcards of the policies (eth*, wg*) meet two interfaces each; ppp0 is the way out.
INTERFACES = {
    'eth0': ['10.0.0.1', 'fd00:0:0:a::1'],
    'eth1': ['10.0.1.1', 'fd00:0:0:b::1'],
    'wg0': ['10.0.2.1', 'fd00:0:0:c::1'],
    'wg1': ['10.0.3.1', '2001:db8:0:d::1'],
    'ppp0': ['198.51.100.2', '2001:db8:0:f::2'],
    'ppp1': ['203.0.113.2', 'fd00:0:0:e::2'],
}
ROUTES = [
    ('10.0.0.0/24', 'eth0'), ('10.0.1.0/24', 'eth1'), ('10.0.2.0/24', 'wg0'), ('10.0.3.0/24', 'wg1'),
    ('10.0.4.0/23', 'eth1'), ('10.8.0.0/16', 'wg1'), ('198.51.100.0/24', 'ppp0'), ('203.0.113.0/24', 'ppp1'),
    ('0.0.0.0/0', 'ppp0'), ('224.0.0.251/32', 'eth0'), ('239.255.255.250/32', 'wg0'),
    ('fd00:0:0:a::/64', 'eth0'), ('fd00:0:0:b::/64', 'eth1'), ('fd00:0:0:c::/64', 'wg0'),
    ('2001:db8:0:d::/64', 'wg1'), ('2001:db8:0:f::/64', 'ppp0'), ('fd00:0:0:e::/64', 'ppp1'),
    ('fd00:8::/32', 'wg1'), ('::/0', 'ppp0'), ('ff05::c/128', 'eth1'),
]
ASKED = {4: ['224.0.0.251', '239.255.255.250'], 6: ['ff05::c']}     # groups that this machine asks
GROUPS = ['255.255.255.255', '224.0.0.1', 'ff02::1']        # delivered to this machine from any interface
LINK_LOCAL = 'fe80::1'                                      # on every interface

OTHER_PROTOCOLS = [47, 50, 89, 253]
MAGIC = b'fwc!'

SYSCTLS = {
    'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/default/rp_filter': '0',
    'net/ipv4/conf/all/accept_local': '1', 'net/ipv4/conf/all/send_redirects': '0',
    'net/ipv4/conf/default/send_redirects': '0',
    'net/ipv4/ip_forward': '1', 'net/ipv6/conf/all/forwarding': '1',
    'net/ipv4/icmp_ratemask': '0', 'net/ipv6/icmp/ratemask': '',
    'net/ipv4/icmp_echo_ignore_all': '1', 'net/ipv6/icmp/echo_ignore_all': '1',
    'net/ipv4/icmp_echo_ignore_broadcasts': '0',
    'net/ipv6/icmp/error_anycast_as_unicast': '1',
    'net/ipv6/conf/default/accept_dad': '0', 'net/ipv6/conf/default/accept_ra': '0',
    'net/ipv6/conf/default/router_solicitations': '0', 'net/ipv6/conf/default/addr_gen_mode': '1',
}

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454ca, 1, 2, 0x1000

# Those whose packets have the header of a link, and who sends them if nobody is named.
ETHERNET = ('eth0', 'eth1')
STRANGER = 0x0200000000ff
ETHERTYPES = {4: b'\x08\x00', 6: b'\x86\xdd'}


def routing():
    return Lab(INTERFACES, ROUTES, GROUPS, LINK_LOCAL)


def own_mac(name):
    return f'02:00:00:00:01:0{ETHERNET.index(name)}'


# ---------------------------------------------------------------- packets as bytes

def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address_bytes(family, value):
    return value.to_bytes(4 if family == 4 else 16, 'big')


def build(packet, number, flags=None):
    """The bytes of a packet that carries its number in the payload (and TCP in the sequence number too)."""
    payload = MAGIC + struct.pack('!I', number)
    source, target = address_bytes(packet.family, packet.source), address_bytes(packet.family, packet.target)
    if packet.proto == TCP:
        flags = flags if flags is not None else 0x02 if packet.syn else 0x10
        body = struct.pack('!HHIIBBHHH', packet.sport, packet.dport, number, 0, 0x50, flags, 8192, 0, 0)
        body, at = body + payload, 16
    elif packet.proto == UDP:
        body = struct.pack('!HHHH', packet.sport, packet.dport, 8 + len(payload), 0) + payload
        at = 6
    elif packet.proto in (ICMP, ICMPV6):
        # 20 zero bytes first: room for what the types other than echo carry
        body = struct.pack('!BBHHH', packet.type, packet.code, 0, packet.sport, 1) + bytes(20) + payload
        at = 2
    else:
        # GRE reads the zeroes as "version 0, no key"; of the unknown ones the kernel wants a checksum before it
        # rejects them
        body, at = bytes(4) + payload, None if packet.proto in (47, 50) else 2
    if at is not None:
        pseudo = b'' if packet.family == 4 and packet.proto not in (TCP, UDP) else source + target + struct.pack('!II', len(body), packet.proto)
        value = checksum(pseudo + body) or 0xffff
        body = body[:at] + struct.pack('!H', value) + body[at + 2:]
    if packet.family == 4:
        head = struct.pack('!BBHHHBBH', 0x45, packet.dscp << 2, 20 + len(body), number & 0xffff, 0x4000, packet.hops, packet.proto, 0)
        value = checksum(head + source + target)
        return head[:10] + struct.pack('!H', value) + source + target + body
    return struct.pack('!IHBB', 6 << 28 | packet.dscp << 22, len(body), packet.proto, packet.hops) + source + target + body


@dataclass
class Seen:
    """What became of one packet."""
    out: list = field(default_factory=list)         # (interface, source, target, port, proto, sport)
    inward: list = field(default_factory=list)      # (source, target, port)
    rejects: set = field(default_factory=set)       # 'reset', 'prohibited', or another ICMP error

    def show(self, family):
        words = []
        for name, source, target, port, *_ in self.out:
            words.append(f'forward {name} source={show_address(family, source)} '
                         f'target={show_address(family, target)} port={port}')
        for source, target, port in self.inward:
            words.append(f'self source={show_address(family, source)} '
                         f'target={show_address(family, target)} port={port}')
        return ' + '.join(words + sorted(f'reject {how}' for how in self.rejects)) or 'drop'


# ---------------------------------------------------------------- the router

class Router:
    """Moves the calling process into a namespace of its own: one router a process."""

    def __init__(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'unshare: root is needed')
        self.number = 0
        self.watching = {}
        self.poll = select.poll()
        self.readers = {}
        for name, value in SYSCTLS.items():
            self.sysctl(name, value)
        self.tuns = {name: self.tun(name) for name in INTERFACES}
        self.addresses()
        self.listen()
        self.raw = {4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
                    6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)}
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)

    def sysctl(self, name, value):
        with open('/proc/sys/' + name, 'w', encoding='ascii') as f:
            f.write(value + '\n')

    def tun(self, name):
        fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH14x', name.encode(), (IFF_TAP if name in ETHERNET else IFF_TUN) | IFF_NO_PI))
        self.poll.register(fd, select.POLLIN)
        self.readers[fd] = lambda: self.departed(name, fd)
        return fd

    def addresses(self):
        lines = ['link set lo up']
        for name, own in INTERFACES.items():
            # nobody answers there for an address: what leaves goes to whom it may concern
            ethernet = f' address {own_mac(name)} arp off' if name in ETHERNET else ''
            lines.append(f'link set {name}{ethernet} up txqueuelen 2000')
            for address in own:
                lines.append(f'address add {address}/{128 if ":" in address else 32} dev {name}' +
                             (' nodad' if ':' in address else ''))
            lines.append(f'address add {LINK_LOCAL}/64 dev {name} nodad')
        for prefix, name in ROUTES:
            table = ' table local' if prefix.startswith('ff') else ''
            lines.append(f'route add {"multicast " * bool(table)}{prefix} dev {name}{table}')
        subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines), text=True, check=True)

    def listen(self):
        for proto in [TCP, UDP, ICMP] + OTHER_PROTOCOLS:
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
            self.reader(sock, lambda sock=sock: self.arrived4(sock))
        for proto in [TCP, UDP, ICMPV6] + OTHER_PROTOCOLS:
            sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, proto)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self.reader(sock, lambda sock=sock, proto=proto: self.arrived6(sock, proto))

    def reader(self, sock, function):
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)     # SO_RCVBUFFORCE
        self.poll.register(sock, select.POLLIN)
        self.readers[sock.fileno()] = function

    # -- what comes back

    def departed(self, name, fd):
        data = os.read(fd, 4096)
        if name in ETHERNET:
            data = data[14:]
        if data[0] >> 4 == 4:
            head = (data[0] & 15) * 4
            self.note(4, name, int.from_bytes(data[12:16], 'big'), int.from_bytes(data[16:20], 'big'),
                      data[9], data[head:])
        elif data[0] >> 4 == 6:
            self.note(6, name, int.from_bytes(data[8:24], 'big'), int.from_bytes(data[24:40], 'big'),
                      data[6], data[40:])

    def arrived4(self, sock):
        data = sock.recv(4096)
        head = (data[0] & 15) * 4
        self.note(4, None, int.from_bytes(data[12:16], 'big'), int.from_bytes(data[16:20], 'big'), data[9], data[head:])

    def arrived6(self, sock, proto):
        data, control, _, source = sock.recvmsg(4096, 256)
        target = 0
        for level, kind, value in control:
            if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                target = int.from_bytes(value[:16], 'big')
        source = int.from_bytes(socket.inet_pton(socket.AF_INET6, source[0].partition('%')[0]), 'big')
        self.note(6, None, source, target, proto, data)

    def note(self, family, name, source, target, proto, body):
        """One packet seen outside (name) or inside (None): whose is it, and what does it say?"""
        if proto == TCP and body[13] & 0x04:
            number = (int.from_bytes(body[8:12], 'big') - 1 - 8) & 0xffffffff
            if number in self.watching:
                self.watching[number][1].rejects.add('reset')
            return
        at = body.rfind(MAGIC)
        if at < 0:
            return
        number = int.from_bytes(body[at + 4:at + 8], 'big')
        if number not in self.watching:
            return
        packet, seen = self.watching[number]
        if proto in (ICMP, ICMPV6) and (packet.proto != proto or packet.type != body[0]):
            how = {(4, 3, 13): 'prohibited', (6, 1, 1): 'prohibited'}.get((family, body[0], body[1]))
            if how or body[0] in (3, 11, 12, 1, 2, 4):
                seen.rejects.add(how or f'icmp {body[0]}/{body[1]}')
            return
        sport, port = struct.unpack('!HH', body[:4]) if proto in (TCP, UDP) else (packet.sport, packet.dport)
        if name is None:
            seen.inward.append((source, target, port))
        else:
            query = int.from_bytes(body[4:6], 'big') if proto in (ICMP, ICMPV6) else sport
            seen.out.append((name, source, target, port, proto, sport, query))

    def collect(self, milliseconds=0):
        ready = self.poll.poll(milliseconds)
        while ready:
            for fd, _ in ready:
                try:
                    self.readers[fd]()
                except BlockingIOError:
                    pass
                except OSError as e:                        # a raw socket hands over ICMP errors too
                    if e.errno not in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES, errno.ENOPROTOOPT,
                                       errno.EPROTO, errno.EOPNOTSUPP, errno.ENETUNREACH):
                        raise
            ready = self.poll.poll(0)

    # -- what goes in

    def send(self, packet, flags=None):
        """Returns the record that collect() fills."""
        self.number = (self.number + 1) & 0xffffffff
        seen = Seen()
        self.watching[self.number] = packet, seen
        data = build(packet, self.number, flags)
        if packet.interface is not None:
            if packet.interface in ETHERNET:
                sender = (packet.mac or STRANGER).to_bytes(6, 'big')
                data = bytes.fromhex(own_mac(packet.interface).replace(':', '')) + sender + \
                    ETHERTYPES[packet.family] + data
            os.write(self.tuns[packet.interface], data)
            return seen
        target = show_address(packet.family, packet.target)
        try:
            self.raw[packet.family].sendto(data, (target, 0))
        except OSError as e:                                # a drop in the output hook is EPERM to the sender
            if e.errno not in (errno.EPERM, errno.EACCES, errno.EHOSTUNREACH, errno.ECONNREFUSED):
                raise
        return seen

    def settle(self, satisfied, patience=0.2):
        """Collect until satisfied, or patience is over."""
        self.collect()
        end = time.monotonic() + patience
        while not satisfied() and time.monotonic() < end:
            self.collect(5)

    def forget(self):
        self.watching.clear()

    def flush_connections(self):
        """conntrack -F without a process: IPCTNL_MSG_CT_DELETE without a tuple."""
        self.netlink.send(struct.pack('=IHHIIBBH', 20, 1 << 8 | 2, 5, 0, 0, 0, 0, 0))
        self.netlink.recv(4096)

    def load(self, script):
        """nft -f; the error text where it is refused."""
        done = subprocess.run(['nft', '-f', '-'], input=script, text=True, capture_output=True,
                              env={**os.environ, 'TZ': 'UTC'})
        return done.stderr.strip() or f'nft: exit {done.returncode}' if done.returncode else ''
