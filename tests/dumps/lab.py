# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine in a network namespace of this process's own, and what it does with a packet.

Each interface is a TAP device whose other end this process holds: a frame that is written there arrives.
The kernel is done with it when write() returns. What passes is seen behind all rules of the case, by a
table of our own that logs at the last priority of each hook, and where it leaves.
"""

import ctypes
import errno
import fcntl
import ipaddress
import os
import socket
import struct
import subprocess

import packet

CLONE_NEWNET = 0x40000000
TUNSETIFF, TUNSETIFINDEX, IFF_TAP, IFF_NO_PI = 0x400454ca, 0x400454da, 2, 0x1000
# Their numbers too are the same everywhere: dumps hold them.
TAPS = {'eth0': 11, 'eth1': 12, 'eth10': 13, 'docker0': 14, 'wg0': 15, 'p0': 17, 'p1': 18}
BRIDGE, BRIDGE_INDEX, PORTS = 'br0', 16, ('p0', 'p1')
ADDRESSES = {'lo': ['127.0.0.1/8', '::1/128'],
             'eth0': ['10.0.0.1/24', 'fd00:a::1/64'], 'eth1': ['10.0.1.1/24', 'fd00:b::1/64'],
             'docker0': ['172.17.0.1/16'], 'wg0': ['10.8.0.1/24', 'fd00:c::1/64'],
             'br0': ['192.168.122.1/24', 'fd00:d::1/64'], 'eth10': ['10.0.10.1/24']}
DEFAULT = 'eth1'        # the route to everywhere else
SYSCTLS = {'net/ipv4/conf/all/rp_filter': 0, 'net/ipv4/conf/default/rp_filter': 0,
           'net/ipv4/conf/all/accept_local': 1, 'net/ipv4/conf/all/send_redirects': 0,
           'net/ipv4/conf/default/send_redirects': 0, 'net/ipv4/conf/all/route_localnet': 1,
           'net/ipv4/ip_forward': 1, 'net/ipv6/conf/all/forwarding': 1,
           'net/ipv4/icmp_ratemask': 0, 'net/ipv4/icmp_echo_ignore_all': 1,
           'net/ipv4/icmp_msgs_per_sec': 100000, 'net/ipv6/icmp/ratelimit': 0,
           'net/ipv6/icmp/echo_ignore_all': 1, 'net/ipv4/icmp_echo_ignore_broadcasts': 0,
           'net/ipv6/conf/default/accept_dad': 0, 'net/ipv6/conf/default/accept_ra': 0,
           'net/ipv6/conf/default/router_solicitations': 0,
           'net/netfilter/nf_conntrack_tcp_loose': 1, 'net/ipv4/ip_nonlocal_bind': 1}
GROUP = 4242
ERRORS = {1: (3, 4, 5, 11, 12), 58: (1, 2, 3, 4)}       # types of ICMP that hold the packet they are about
WATCH = '''
table inet lab {
    chain early { type filter hook prerouting priority -500; }
    chain local { type filter hook output priority -500; }
    chain prerouting { type filter hook prerouting priority 1000; log prefix "pre" group GROUP; }
    chain input { type filter hook input priority 1000; log prefix "in" group GROUP; }
    chain postrouting { type filter hook postrouting priority 1000; log prefix "post" group GROUP; }
'''.replace('GROUP', str(GROUP))
TRACK = ''.join(f'''
    chain {name} {{ type filter hook {hook} priority -198; }}
    chain {name}_state {{
        type filter hook {hook} priority -197
        ct state new log prefix "new" group {GROUP}
        ct state established ct direction original log prefix "original" group {GROUP}
        ct state established ct direction reply log prefix "established" group {GROUP}
        ct state related log prefix "related" group {GROUP}
        ct state invalid log prefix "invalid" group {GROUP}
        ct state untracked log prefix "untracked" group {GROUP}
    }}
''' for name, hook in (('track', 'prerouting'), ('tracked', 'output')))


def attributes(data):
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from('<HH', data, at)
        yield kind & 0x3fff, data[at + 4:at + length]
        at += -(-length // 4) * 4


class Log:
    """What the rules of the lab log: (prefix, mark, packet)."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.socket.bind((0, 0))
        mode = struct.pack('!IBB', 0xffff, 2, 0)
        self.set(1, b'\1')
        self.set(2, mode)
        self.set(5, struct.pack('!I', 1))
        self.socket.setblocking(False)

    def set(self, kind, value):
        attribute = struct.pack('<HH', 4 + len(value), kind) + value
        attribute += bytes(-len(attribute) % 4)
        message = struct.pack('<IHHII', 20 + len(attribute), 4 << 8 | 1, 5, 1, 0) + \
            struct.pack('!BBH', 0, 0, GROUP) + attribute
        self.socket.send(message)
        answer = self.socket.recv(4096)
        error = struct.unpack_from('<i', answer, 16)[0]
        if error:
            raise OSError(-error, 'nfnetlink_log')

    def read(self):
        while True:
            try:
                data = self.socket.recv(1 << 17)
            except BlockingIOError:
                return
            at = 0
            while at + 16 <= len(data):
                length, kind = struct.unpack_from('<IH', data, at)
                if kind == 4 << 8:
                    found = dict(attributes(data[at + 20:at + length]))
                    yield (found.get(10, b'').rstrip(b'\0').decode(),
                           int.from_bytes(found.get(2, b''), 'big'), found.get(9, b''))
                at += -(-length // 4) * 4


def carries(data, number, cut=None):
    """Where the payload is cut off, by the identification of IPv4."""
    return packet.MAGIC + struct.pack('!I', number) in data or \
        bool(cut) and data[0] == 0x45 and struct.unpack_from('!H', data, 4)[0] == number


class Machine:
    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        if self.libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'unshare: root is needed')
        for name, value in SYSCTLS.items():
            try:
                with open('/proc/sys/' + name, 'w', encoding='ascii') as f:
                    f.write(str(value))
            except OSError:
                pass            # of the whole machine, or not in this kernel
        self.taps = {name: self.tap(name, index) for name, index in TAPS.items()}
        self.links()
        self.sockets, self.routes = [], []

    @staticmethod
    def tap(name, index):
        fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFINDEX, struct.pack('I', index))
        fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH14x', name.encode(), IFF_TAP | IFF_NO_PI))
        return fd

    def links(self):
        lines = ['link set lo up',
                 f'link add {BRIDGE} index {BRIDGE_INDEX} type bridge stp_state 0 forward_delay 0 '
                 'mcast_snooping 0']
        for number, name in enumerate([*TAPS, BRIDGE]):
            port = f'master {BRIDGE}' if name in PORTS else ''
            lines.append(f'link set {name} address {self.own(name)} {port}')
            lines.append(f'link set {name} up arp off txqueuelen 1000')
        for name, addresses in ADDRESSES.items():
            for address in addresses if name != 'lo' else []:
                lines.append(f'address add {address} dev {name}' + ' nodad' * (':' in address))
        lines += [f'route add default dev {DEFAULT}', f'route add ::/0 dev {DEFAULT}']
        subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines) + '\n', text=True,
                       check=True)

    @staticmethod
    def own(name):
        return f'02:00:00:00:01:{TAPS.get(name, BRIDGE_INDEX):02x}'

    def watch(self, track=True):
        self.nft(WATCH + (TRACK if track else '') + '}\n')
        self.log = Log()
        self.raw = {}

    def socket(self, six, uid, gid):
        """Raw, of this user: rules ask with whose rights in the file system it was made."""
        if (six, uid, gid) not in self.raw:
            self.libc.setfsgid(gid)
            self.libc.setfsuid(uid)
            self.raw[six, uid, gid] = socket.socket(socket.AF_INET6 if six else socket.AF_INET,
                                                    socket.SOCK_RAW, socket.IPPROTO_RAW)
            self.libc.setfsuid(0)
            self.libc.setfsgid(0)
        return self.raw[six, uid, gid]

    @staticmethod
    def nft(text):
        subprocess.run(['nft', '-f', '-'], input=text, text=True, check=True)

    def listen(self, words):
        """PROTO/PORT [transparent] [mark=N] [at=ADDRESS]"""
        words = words.split()
        proto, _, port = words[0].partition('/')
        at = next((w[3:] for w in words if w.startswith('at=')), '0.0.0.0')
        family = socket.AF_INET6 if ':' in at else socket.AF_INET
        s = socket.socket(family, socket.SOCK_STREAM if proto == 'tcp' else socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if 'transparent' in words:
            s.setsockopt(socket.SOL_IP, 19, 1)
        for word in words:
            if word.startswith('mark='):
                s.setsockopt(socket.SOL_SOCKET, 36, int(word[5:], 0))
        s.bind((at, int(port)))
        if proto == 'tcp':
            s.listen(8)
        self.sockets.append(s)

    # -- one packet

    def route(self, words):
        """PREFIX INTERFACE"""
        prefix, name = words.split()
        subprocess.run(['ip', 'route', 'add', prefix, 'dev', name], check=True)
        self.routes.append((ipaddress.ip_network(prefix), name))

    def address(self, words):
        """ADDRESS INTERFACE"""
        address, name = words.split()
        subprocess.run(['ip', 'address', 'add', address, 'dev', name] +
                       ['autojoin'] * ipaddress.ip_address(address).is_multicast, check=True)
        self.routes.append((ipaddress.ip_network(address), 'self'))

    def goes(self, target):
        """Where the routes send what is for this address: "self" or an interface."""
        address = ipaddress.ip_address(target)
        for prefix, name in self.routes:
            if address in prefix:
                return name
        for name, addresses in ADDRESSES.items():
            for own in addresses:
                own = ipaddress.ip_interface(own)
                if own.version != address.version:
                    continue
                if address == own.ip or name == 'lo' and address in own.network or \
                        address.version == 4 and address == own.network.broadcast_address:
                    return 'self'
                if address in own.network:
                    return name
        return 'self' if address.is_multicast or str(address) == '255.255.255.255' else DEFAULT

    def drain(self):
        """What left since: (interface, packet from the network header on)."""
        out = []
        for name, fd in self.taps.items():
            while True:
                try:
                    data = os.read(fd, 4096)
                except BlockingIOError:
                    break
                at = 18 if data[12:14] == b'\x81\0' else 14
                if data[at - 2:at] in (b'\x08\0', b'\x86\xdd'):
                    out.append((name, data[at:]))
        return out

    def forget(self):
        """What was sent meanwhile by others, however much."""
        self.drain()
        while True:
            try:
                list(self.log.read())
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise

    def put(self, p, number):
        if p['from'] != 'self':
            own = self.own(BRIDGE if p['from'] in PORTS else p['from'])
            os.write(self.taps[p['from']], packet.frame(p, number, own))
            return
        raw = self.socket(':' in p['src'], int(p['uid'] or 0), int(p['gid'] or 0))
        raw.setsockopt(socket.SOL_SOCKET, 36, int(p['mark'], 0))
        raw.setsockopt(socket.SOL_SOCKET, 12, int(p['priority'], 0))
        try:
            raw.sendto(packet.network(p, number), (p['dst'], 0))
        except PermissionError:         # a rule of the output hook dropped it
            pass

    def prepare(self, p, number):
        """The packets before it that make its state."""
        if p['state'] not in ('established', 'original', 'related', 'again'):
            return
        back = {**p, 'from': self.goes(p['src'] if p['from'] == 'self' else p['dst']),
                'src': p['dst'], 'dst': p['src'], 'sport': p['dport'], 'dport': p['sport'],
                'flags': 'syn', 'mark': '0'}
        if back['from'] == BRIDGE:
            back['from'] = PORTS[0]
        if p['state'] == 'related':
            back['proto'], back['sport'], back['dport'] = 'udp', '500', p['sport']
            p['about'] = packet.network(back, number)
        if p['proto'].startswith('icmp') and p['state'] != 'related':
            back['type'], back['sport'] = {'0': '8', '129': '128'}[p['type']], p['sport']
        if p['state'] in ('original', 'again'):
            self.put({**p, 'flags': 'syn'}, number)
            back['flags'] = 'syn+ack'
        if p['state'] != 'again':
            self.put(back, number)
        self.drain()
        list(self.log.read())

    def send(self, p, number):
        """What became of it: its observed state, and words."""
        marks = ''
        if p['from'] != 'self' and (int(p['mark'], 0) or int(p['priority'], 0)):
            marks = f'add rule inet lab early meta mark set {p["mark"]}\n' \
                    f'add rule inet lab early meta priority set {int(p["priority"], 0)}\n'
        if int(p['ctmark'], 0):
            marks += ''.join(f'add rule inet lab {chain} ct mark set {p["ctmark"]}\n'
                             for chain in ('track', 'tracked'))
        if marks:
            self.nft(marks)
        self.put(p, number)
        left, seen = self.drain(), [s for s in self.log.read() if carries(s[2], number, p['cut'])]
        if marks:
            self.nft(''.join(f'flush chain inet lab {c}\n' for c in
                             ['early'] + ['track', 'tracked'] * bool(int(p['ctmark'], 0))))
        return self.fate(p, number, left, seen)

    def fate(self, p, number, left, seen):
        proto = packet.protocol(p)
        mine = [(hook, mark, data) for hook, mark, data in seen
                if not self.answer(p, proto, data)]
        state = next((h for h, _, _ in mine if h in ('new', 'original', 'established', 'related',
                                                     'invalid', 'untracked')), None)
        went = p['dst']
        for hook, _, data in mine:
            if hook == 'pre':
                went = packet.ends(data)[1]
        out = self.goes(went)
        if p['from'] in PORTS and p['dmac'] and int(p['dmac'][:2], 16) & 1 == 0:
            out = PORTS[1 - PORTS.index(p['from'])]         # not to the bridge's own address
        last = [m for m in mine if m[0] == 'in'] or [m for m in mine if m[0] == 'post']
        gone = [(name, data) for name, data in left if carries(data, number, p['cut']) and
                not self.answer(p, proto, data)]
        if gone and out != 'self':
            out = gone[0][0]
        # No frame comes out of a bridge whose neighbours have no addresses.
        ends = ('in', 'post') if out == BRIDGE else ('in',)
        if gone or [m for m in mine if m[0] in ends]:
            hook, mark, data = last[0] if last else (None, None, gone[0][1])
            if gone:
                data = gone[0][1]
            return state, out, ['accept'] + self.changes(p, proto, mark, data) + \
                [f'also={name}' for name, _ in gone[1:] or
                 (gone if hook == 'in' and gone else [])]
        words = []
        for name, data in left:
            word = self.reject(p, number, data)
            if word and word not in words:
                words.append(word)
        return state, out, ['reject'] + words if words else ['drop']

    @staticmethod
    def answer(p, proto, data):
        """An error about it, which holds its bytes too, or a reset."""
        got = packet.ends(data)[2]
        kind = data[20 if data[0] >> 4 == 4 else 40]
        return got in ERRORS and (got != proto or kind in ERRORS[got] and kind != int(p['type']))

    @staticmethod
    def changes(p, proto, mark, data):
        words = []
        source, target, _, sport, dport = packet.ends(data)
        asked = (str(ipaddress.ip_address(p['src'])), int(p['sport']), int(p['dport']))
        if target != str(ipaddress.ip_address(p['dst'])) or dport not in (None, asked[2]):
            words.append(f'to={target}' + (f'/{dport}' if dport is not None else ''))
        if source != asked[0] or sport not in (None, asked[1]):
            words.append(f'as={source}' + (f'/{sport}' if sport is not None else ''))
        if mark is not None and mark != int(p['mark'], 0):
            words.append(f'mark={mark:#x}')
        return words

    @staticmethod
    def reject(p, number, data):
        _, _, proto, sport, dport = packet.ends(data)
        head = 20 if data[0] >> 4 == 4 else 40
        if proto == 6 and data[head + 13] & 4:
            sequence, ack = struct.unpack_from('!II', data, head + 4)
            if number in (sequence >> 16, ack >> 16) and sport == int(p['dport']):
                return 'reset'
        if proto in (1, 58) and (carries(data, number) or proto == 1 and head + 28 <= len(data)):
            inner = data[head + 8:]
            if inner[0] >> 4 == 4 and struct.unpack_from('!H', inner, 4)[0] == number & 0xffff or \
                    carries(data, number):
                return f'{"icmp" if proto == 1 else "icmpv6"}={data[head]}/{data[head + 1]}'
        return None
