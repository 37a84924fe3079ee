# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets as lines of words, and as bytes."""

import ipaddress
import itertools
import struct

NUMBERS = {'icmp': 1, 'igmp': 2, 'tcp': 6, 'udp': 17, 'dccp': 33, 'gre': 47, 'esp': 50, 'ah': 51,
           'icmpv6': 58, 'ospf': 89, 'sctp': 132, 'udplite': 136}
FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr']
MAGIC = b'fwc!'
PEER = '02:00:00:00:00:02'
# What is in a line only if it is not this; a number is also the identification and so unlike any other.
DEFAULTS = {'from': 'eth0', 'src': None, 'dst': None, 'proto': 'tcp', 'sport': None, 'dport': '80',
            'type': '8', 'code': '0', 'flags': 'syn', 'len': None, 'ttl': '64', 'dscp': '0',
            'ecn': '0', 'frag': None, 'opts': None, 'ext': None, 'smac': PEER, 'dmac': None,
            'vlan': None, 'mark': '0', 'ctmark': '0', 'priority': '0', 'uid': None, 'gid': None,
            'state': 'new', 'ack': None, 'seq': None, 'window': '8192', 'spi': None, 'urgent': '0',
            'data': None, 'flow': '0', 'cut': None}
SHOWN = ['flags', 'len', 'ttl', 'dscp', 'ecn', 'frag', 'opts', 'ext', 'smac', 'dmac', 'vlan', 'mark',
         'ctmark', 'priority', 'uid', 'gid', 'ack', 'seq', 'window', 'urgent', 'spi', 'data', 'flow', 'cut']


def lines(text):
    """Each "# send:" line, all combinations of its lists: PROTO[/PORT,...] KEY=A,B ..."""
    for line in text.splitlines():
        if not line.startswith('# send:'):
            continue
        lists = []
        for word in line[7:].split():
            key, equals, values = word.partition('=')
            if not equals:
                proto, _, values = word.partition('/')
                lists.append([('proto', proto)])
                key = 'type' if proto.startswith('icmp') else 'dport'
                if not values:
                    continue
            lists.append([(key, value) for value in values.split(',')])
        for chosen in itertools.product(*lists):
            unknown = {key for key, _ in chosen} - DEFAULTS.keys()
            if unknown:
                raise ValueError(f'{line}: {unknown}')
            yield {**DEFAULTS, **dict(chosen), 'given': {key for key, _ in chosen}}


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def protocol(p):
    return NUMBERS[p['proto']] if p['proto'] in NUMBERS else int(p['proto'])


def flags(p):
    return sum(1 << FLAGS.index(f) for f in p['flags'].split('+') if f != 'none')


def options(text):
    """mss:1460+sackok+ts+ws:7+KIND -> TCP options, padded with NOP."""
    out = b''
    for word in (text or '').split('+') if text else []:
        kind, _, value = word.partition(':')
        if kind == 'mss':
            out += struct.pack('!BBH', 2, 4, int(value))
        elif kind == 'ws':
            out += struct.pack('!BBB', 3, 3, int(value))
        elif kind == 'sackok':
            out += b'\4\2'
        elif kind == 'ts':
            out += struct.pack('!BBII', 8, 10, 1, 0)
        else:
            out += struct.pack('!BB', int(kind), 2)
    return out + b'\1' * (-len(out) % 4)


def body(p, number, source, target):
    """The transport header and what it carries."""
    proto, sport = protocol(p), int(p['sport'])
    load = MAGIC + struct.pack('!I', number) + (p['data'] or '').encode()
    if p['len']:
        head = {6: 20 + len(options(p['opts'])), 17: 8, 1: 8, 58: 8}.get(proto, 4)
        load += bytes(int(p['len']) - len(load) - head - (20 if len(source) == 4 else 40))
    at = None
    if proto == 6:
        opts = options(p['opts'])
        out = struct.pack('!HHIIBBHHH', sport, int(p['dport']), int(p['seq'] or number << 16),
                          int(p['ack'] or (number << 16 if flags(p) & 16 else 0)),
                          (5 + len(opts) // 4) << 4, flags(p), int(p['window']), 0,
                          int(p['urgent'])) + opts + load
        at = 16
    elif proto in (17, 136):
        out = struct.pack('!HHHH', sport, int(p['dport']), 8 + len(load), 0) + load
        at = 6
    elif proto in (1, 58):
        rest = p.get('about') or load
        ident = 0 if p.get('about') else sport
        out = struct.pack('!BBHHH', int(p['type']), int(p['code']), 0, ident, 0) + rest
        at = 2
    elif proto == 132:
        out = struct.pack('!HHII', sport, int(p['dport']), 0, 0) + struct.pack('!BBH', 1, 0, 20) + \
            bytes(8) + load
    elif proto == 33:
        out = struct.pack('!HHBBHII', sport, int(p['dport']), 4, 0, 0, number, 0) + load
    elif proto == 50:
        out = struct.pack('!II', int(p['spi'] or 256), number) + load
    elif proto == 51:
        out = struct.pack('!BBHIII', 59, 2, 0, int(p['spi'] or 256), number, 0) + load
    else:
        out = bytes(4) + load
    if at is None:
        return out
    pseudo = b'' if proto == 1 else source + target + struct.pack('!II', len(out), proto)
    return out[:at] + struct.pack('!H', checksum(pseudo + out) or 0xffff) + out[at + 2:]


def extensions(text, proto):
    """hbh, dst, rt0, frag headers before the transport: (bytes, first next header)"""
    kinds = {'hbh': 0, 'rt': 43, 'frag': 44, 'dst': 60}
    out, following = b'', proto
    for word in reversed(text.split('+')):
        if word == 'frag':
            head = struct.pack('!BBHI', following, 0, 0, 7)
        elif word == 'rt':
            head = struct.pack('!BBBBI', following, 0, 4, 0, 0)
        else:
            head = struct.pack('!BB', following, 0) + b'\1\4\0\0\0\0'
        out, following = head + out, kinds[word]
    return out, following


def network(p, number):
    """The packet from its network header on."""
    source, target = (ipaddress.ip_address(p[key]).packed for key in ('src', 'dst'))
    data, proto = body(p, number, source, target), protocol(p)
    if p['cut']:
        data = data[:int(p['cut'])]
    field = int(p['dscp']) << 2 | int(p['ecn'])
    if len(source) == 16:
        if p['ext']:
            head, proto = extensions(p['ext'], proto)
            data = head + data
        return struct.pack('!IHBB', 6 << 28 | field << 20 | int(p['flow']), len(data), proto,
                           int(p['ttl'])) + source + target + data
    offset = 0
    if p['frag']:
        first, _, more = p['frag'].partition('+')
        offset = int(first) // 8 | (0x2000 if more else 0)
    extra = b'\x94\4\0\0' if p['ext'] == 'ra' else b''
    head = struct.pack('!BBHHHBBH', 0x45 + len(extra) // 4, field, 20 + len(extra) + len(data),
                       number & 0xffff, offset, int(p['ttl']), proto, 0)
    value = checksum(head + source + target + extra)
    return head[:10] + struct.pack('!H', value) + source + target + extra + data


def mac(text):
    return bytes.fromhex(text.replace(':', ''))


def frame(p, number, own):
    kind = 0x0800 if ':' not in p['src'] else 0x86dd
    tag = struct.pack('!HH', 0x8100, int(p['vlan'])) if p['vlan'] else b''
    return mac(p['dmac'] or own) + mac(p['smac']) + tag + struct.pack('!H', kind) + network(p, number)


def ends(data):
    """(source, target, protocol, sport, dport or None) of a packet, as text."""
    if data[0] >> 4 == 4:
        head, proto = (data[0] & 15) * 4, data[9]
        source, target = data[12:16], data[16:20]
        if struct.unpack_from('!H', data, 6)[0] & 0x1fff:
            head = len(data)
    else:
        head, proto, source, target = 40, data[6], data[8:24], data[24:40]
        while proto in (0, 43, 44, 60) and head + 8 <= len(data):
            size = 8 if proto == 44 else 8 + 8 * data[head + 1]
            proto, head = data[head], head + size
    ports = struct.unpack_from('!HH', data, head) \
        if proto in (6, 17, 132, 33, 136) and head + 4 <= len(data) else (None, None)
    return str(ipaddress.ip_address(source)), str(ipaddress.ip_address(target)), proto, *ports


def show(p, out):
    proto = p['proto']
    ports = f'{p["type"]}/{p["code"]}' if proto.startswith('icmp') else \
        f'{p["sport"]}/{p["dport"]}' if protocol(p) in (6, 17, 132, 33, 136) else '-'
    words = [f'{p["from"]}>{out}', 'ip6' if ':' in p['src'] else 'ip', p['src'], p['dst'], proto, ports]
    for key in SHOWN:
        if p[key] is not None and p[key] != DEFAULTS[key] and (key != 'flags' or proto == 'tcp'):
            words.append(f'{key}={p[key]}')
    return words
