# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's messages of a table, taken apart a second time, and what they come to.

    for place, offset in places(dump): ...     each byte that says something, and of what
    meaning(dump)                              equal only for tables that do the same

A meaning leaves out what no packet meets: comments, counters' values, handles, which register a value
is carried in. Nothing that is not known is left out: it is kept as its bytes, so that only equal bytes
are equal there.
"""

import struct

NEWTABLE, NEWCHAIN, NEWRULE, NEWSET, NEWSETELEM = 0, 3, 6, 9, 12
NESTED = 0x3fff


class Refused(Exception):
    """Bytes that are no messages."""


def attributes(data, start=0, end=None):
    """(type without flags, offset of the header, of the payload, length of the payload)"""
    end = len(data) if end is None else end
    at = start
    while at < end:
        if end - at < 4:
            raise Refused('an attribute that is cut off')
        length, kind = struct.unpack_from('<HH', data, at)
        if length < 4 or at + length > end:
            raise Refused('the length of an attribute')
        yield kind & NESTED, at, at + 4, length - 4
        at += (length + 3) & ~3


def messages(dump):
    """(kind, family, offset of the first attribute, end)"""
    at = 0
    while at < len(dump):
        length, kind = struct.unpack_from('<IH', dump, at)
        if length < 20 or at + length > len(dump):
            raise Refused('the length of a message')
        yield kind & 0xff, dump[at + 16], at + 20, at + length
        at += (length + 3) & ~3


# ---------------------------------------------------------------- which bytes

# Of each message: the attributes whose bytes are changed, with all that is in them.
CHANGED = {NEWTABLE: {2: 'table flags'},
           NEWCHAIN: {3: 'chain name', 4: 'chain hook', 5: 'chain policy', 7: 'chain type'},
           NEWRULE: {2: 'rule of chain', 4: 'expression'},
           NEWSET: {2: 'set name', 3: 'set flags', 4: 'set key type', 5: 'set key length', 6: 'set data type',
                    9: 'set size', 11: 'set timeout', 16: 'set expression'},
           NEWSETELEM: {2: 'elements of set', 3: 'element'}}


def places(dump):
    """(kind, offset) of each byte of these attributes, their heads and padding included."""
    for kind, _, start, end in messages(dump):
        for number, head, at, length in attributes(dump, start, end):
            what = CHANGED.get(kind, {}).get(number)
            if what:
                for offset in range(head, min((at + length + 3) & ~3, end)):
                    yield what, offset


# ---------------------------------------------------------------- a table

# What every expression may have: attributes by number. Any other is not understood.
KNOWN = {'meta': {1, 2, 3}, 'ct': {1, 2, 3, 4}, 'payload': {1, 2, 3, 4}, 'cmp': {1, 2, 3}, 'range': {1, 2, 3, 4},
         'lookup': {1, 2, 3, 4, 5}, 'bitwise': {1, 2, 3, 4, 5, 6, 7}, 'byteorder': {1, 2, 3, 4, 5},
         'immediate': {1, 2}, 'counter': {1, 2, 3}}
ENDS = {'reject', 'nat', 'masq', 'redir', 'queue'}
MAY_BREAK = {'limit', 'connlimit', 'dynset', 'quota'}
GOES_ON = {'log', 'exthdr', 'notrack', 'flow_offload'}
LOADS = {'fib': 1, 'numgen': 1, 'hash': 1, 'rt': 1, 'socket': 2}           # number of the register that is written
REGISTERS = {'nat': (3, 4, 5, 6), 'masq': (2, 3), 'redir': (1, 2), 'queue': (4,), 'dynset': (4, 5),
             'exthdr': (7,), 'meta': (3,), 'ct': (4,), 'log': (), 'limit': (), 'reject': (), 'connlimit': ()}


class Unknown(Exception):
    """What happens then nobody can say."""


class Break(Exception):
    """The rule ends here."""


def number(data):
    return int.from_bytes(data, 'big')


def text(data):
    return data.split(b'\0')[0].decode('latin-1')


def fields(data):
    """{number: payload}; an attribute that comes twice counts the last time."""
    return {kind: data[at:at + length] for kind, _, at, length in attributes(data)}


def verdict(data):
    v = fields(data)
    code = struct.unpack('>i', v[1])[0]
    if code in (-3, -4):                                # jump, goto
        return {-3: 'jump', -4: 'goto'}[code], text(v[2])
    if code not in (0, 1, -1, -5) or set(v) - {1, 2}:
        raise Unknown(f'verdict {code}')
    return {0: 'drop', 1: 'accept', -1: 'continue', -5: 'return'}[code], None


class Expression:
    def __init__(self, data):
        self.bytes = data
        try:
            outer = fields(data)
            self.name = outer[1].rstrip(b'\0').decode('ascii')
            self.attributes = fields(outer[2]) if 2 in outer else {}
            self.whole = not set(outer) - {1, 2} and outer[1][-1:] == b'\0' and \
                not set(self.attributes) - KNOWN.get(self.name, set(range(32)))
        except (Refused, KeyError, UnicodeDecodeError):
            self.name, self.attributes, self.whole = '?', {}, False


class Set:
    def __init__(self, data):
        v = fields(data)
        self.name, self.flags = text(v[2]), number(v.get(3, b''))
        self.key_length = number(v.get(5, b''))
        self.parts, self.elements, self.odd = [], [], False
        for kind, _, at, length in attributes(v.get(9, b'')):
            if kind == 2:
                for _, _, one, n in attributes(v[9], at, at + length):
                    self.parts.append(number(fields(v[9][one:one + n])[1]))

    def add(self, data):
        """What cannot be taken apart may be any element: who looks there meets nobody knows what."""
        try:
            self.elements.append(Element(data))
        except (Refused, KeyError):
            self.odd = True

    def find(self, key):
        if self.odd:
            raise Unknown('an element')
        if self.flags & 0x30 and not self.elements:
            return Element.of_chance(self.name, key)
        rest = [e for e in self.elements if e.flags & 2]
        some = [e for e in self.elements if not e.flags & 2]
        if self.flags & 4 and not self.parts:
            below = [e for e in some if e.key <= key]
            found = [max(below, key=lambda e: (e.key, not e.flags & 1))] if below else []
            found = [e for e in found if not e.flags & 1]
        else:
            found = [e for e in some if self.holds(e, key)]
        return (found or rest or [None])[0]

    def holds(self, element, key):
        if element.end is None:
            return element.key == key
        at = 0
        for n in self.parts:
            if not element.key[at:at + n] <= key[at:at + n] <= element.end[at:at + n]:
                return False
            at += (n + 3) & ~3
        return True


class Element:
    def __init__(self, data):
        v = fields(data)
        self.key = fields(v[1])[1] if 1 in v else b''
        self.end = fields(v[10])[1] if 10 in v else None
        self.flags, self.data, self.odd = number(v.get(3, b'')), v.get(2), bool(set(v) - {1, 2, 3, 6, 7, 10, 11})
        for held in [v[7]] if 7 in v else [v[11][at:at + n] for _, _, at, n in attributes(v.get(11, b''))]:
            self.odd |= Expression(held).name != 'counter'

    @staticmethod
    def of_chance(name, key):
        return Element(b'') if chance(name, key) else None


def chance(*what):
    import zlib
    return zlib.crc32(repr(what).encode()) & 1


class Chain:
    def __init__(self, data):
        v = fields(data)
        self.name, self.rules, self.base = text(v[3]), [], None
        if 4 in v:
            hook = fields(v[4])
            self.base = text(v[7]), number(hook[1]), struct.unpack('>i', hook[2])[0], number(v[5])


class Table:
    """dump: the kernel's bytes of one table."""

    def __init__(self, dump):
        self.chains, self.sets, self.dormant = {}, {}, False
        for kind, _, start, end in messages(dump):
            body = dump[start:end]
            if kind == NEWTABLE:
                self.dormant = bool(number(fields(body).get(2, b'')) & ~6)
            elif kind == NEWCHAIN:
                chain = Chain(body)
                self.chains[chain.name] = chain
            elif kind == NEWSET:
                one = Set(body)
                self.sets[one.name] = one
            elif kind == NEWSETELEM:
                self.elements(body)
            elif kind == NEWRULE:
                self.rule(body, start)

    def elements(self, body):
        v = fields(body)
        for _, _, at, length in attributes(v.get(3, b'')):
            if text(v[2]) in self.sets:
                self.sets[text(v[2])].add(v[3][at:at + length])

    def rule(self, body, offset):
        v = fields(body)
        rule = [Expression(v[4][at:at + n]) for _, _, at, n in attributes(v.get(4, b''))]
        if text(v.get(2, b'')) in self.chains:
            self.chains[text(v[2])].rules.append((offset, rule))

    def stations(self):
        return sorted({(c.base[0], c.base[1]) for c in self.chains.values() if c.base})

    def places(self):
        """Where base chains stand: what packets do not show. A priority is between which translations."""
        return sorted((c.base[0], c.base[1], c.base[3] in (0, 1),
                       [c.base[2] >= step for step in TRANSLATIONS[c.base[1]]] if c.base[0] != 'nat' else [])
                      for c in self.chains.values() if c.base), self.dormant


# ---------------------------------------------------------------- a packet on its way

# Priorities of the kernel's own translation at a hook, and from which on packets have a connection.
TRANSLATIONS = {0: [-100], 1: [100], 2: [], 3: [-99], 4: [100]}
TRACKED = {0: -199, 1: -1 << 31, 2: -1 << 31, 3: -199, 4: -1 << 31}


class Way:
    """What a packet meets at one hook: the outcome, what was done on the way, which rules it came to."""

    def __init__(self, table, packet):
        self.table, self.packet = table, packet
        self.done, self.rules, self.looked = [], set(), set()

    def station(self, kind, hook):
        if self.table.dormant:
            return 'nothing'
        bases = [c for c in self.table.chains.values() if c.base and c.base[:2] == (kind, hook)]
        for chain in sorted(bases, key=lambda c: c.base[2]):
            self.packet.tracks = chain.base[2] >= TRACKED[hook]
            end = self.chain(chain, 0)
            end = chain.base[3] if end in (None, 'return') else end
            if end not in ('accept', 1):
                return {0: 'drop', 1: 'accept'}.get(end, end)
        return 'accept'

    def chain(self, chain, depth):
        if depth > 20:
            raise Unknown('a loop')
        for offset, rule in chain.rules:
            self.rules.add(offset)
            self.register = [None] * 20
            try:
                end = self.rule(rule)
            except Break:
                continue
            kind, to = end if isinstance(end, tuple) and end[0] in ('jump', 'goto') else (end, None)
            if kind in ('jump', 'goto'):
                if to not in self.table.chains:
                    raise Unknown('no such chain')
                end = self.chain(self.table.chains[to], depth + 1)
                if kind == 'goto':
                    return end
                end = None if end == 'return' else end
            if end is not None:
                return end
        return None

    def rule(self, rule):
        for e in rule:
            if not e.whole:
                raise Unknown(e.bytes)
            try:
                end = self.step(e)
            except (KeyError, IndexError, ValueError, struct.error, Refused) as why:
                raise Unknown(e.bytes) from why
            if end is not None and end != ('continue', None):
                return end if end[0] in ('jump', 'goto') or end[1] is not None else end[0]
        return None

    # -- registers

    @staticmethod
    def word(data):
        n = number(data)
        if len(data) == 4 and 1 <= n <= 4:
            return 4 * (n - 1)
        if len(data) == 4 and 8 <= n < 24:
            return n - 8
        raise Unknown(f'register {n}')

    def read(self, data, length):
        at = self.word(data)
        words = self.register[at:at + (length + 3) // 4]
        if at + len(words) > 16 or None in words:
            raise Unknown('an empty register')
        return b''.join(words)[:length]

    def write(self, data, value):
        at = self.word(data)
        value += bytes(-len(value) % 4)
        for i in range(0, len(value), 4):
            self.register[at + i // 4] = value[i:i + 4]

    # -- expressions

    def step(self, e):
        v, name = e.attributes, e.name
        if name == 'immediate':
            data = fields(v[2])
            if number(v[1]) == 0:
                return verdict(data[2])
            self.write(v[1], data[1])
        elif name in ('meta', 'ct') and {'meta': 3, 'ct': 4}[name] in v or name in GOES_ON:
            self.done.append(self.canonical(e))
        elif name in ('meta', 'ct'):
            self.write(v[1], self.packet.load(name, number(v[2]), v.get(3) if name == 'ct' else None))
        elif name == 'payload':
            self.write(v[1], self.packet.bytes(number(v[2]), number(v[3]), number(v[4])))
        elif name in LOADS:
            self.write(v[LOADS[name]], self.packet.other(name, {k: x for k, x in v.items() if k != LOADS[name]}))
        elif name in MAY_BREAK:
            if name == 'dynset':
                self.done.append(self.canonical(e))
            elif not chance(self.canonical(e), self.packet.identity):
                raise Break
        elif name in ENDS:
            return ('end', (self.canonical(e), self.packet.family if name == 'nat' else 0))
        elif name in ('cmp', 'range', 'bitwise', 'byteorder', 'lookup'):
            return getattr(self, name)(v)
        elif name != 'counter':
            raise Unknown(name)
        return None

    def canonical(self, e):
        """The expression with values for the registers that it reads."""
        reads = REGISTERS.get(e.name)
        if reads is None:
            return e.name, e.bytes
        return e.name, tuple(sorted(
            (k, self.read(x, 16 if e.name == 'dynset' else 4) if k in reads and e.name != 'dynset' else x)
            for k, x in e.attributes.items()))

    def cmp(self, v):
        data = fields(v[3])[1]
        have, op = self.read(v[1], len(data)), number(v[2])
        if not [have == data, have != data, have < data, have <= data, have > data, have >= data][op]:
            raise Break

    def range(self, v):
        low, high = fields(v[3])[1], fields(v[4])[1]
        have = self.read(v[1], len(low))
        if (low <= have <= high) != [True, False][number(v[2])]:
            raise Break

    def bitwise(self, v):
        n, op = number(v[3]), number(v.get(6, b''))
        have = self.read(v[1], n)
        if op == 2 and n <= 4:
            shift = int.from_bytes(fields(v[7])[1], 'little')
            out = (int.from_bytes(have, 'little') >> shift).to_bytes(n, 'little')
        elif op == 0 and not 7 in v:
            mask, xor = fields(v[4])[1], fields(v[5])[1]
            if not len(mask) == len(xor) == n:
                raise Unknown('masks')
            out = bytes(h & m ^ x for h, m, x in zip(have, mask, xor))
        else:
            raise Unknown('bitwise')
        self.write(v[2], out)

    def byteorder(self, v):
        n, size = number(v[4]), number(v[5])
        if size not in (2, 4, 8) or number(v[3]) > 1:
            raise Unknown('byteorder')
        have = self.read(v[1], n)
        if n >= size:
            have = b''.join(have[i:i + size][::-1] for i in range(0, n, size))
        self.write(v[2], have)

    def lookup(self, v):
        name, flags = text(v[1]), number(v.get(5, b''))
        if name not in self.table.sets or flags > 1:
            raise Unknown('a look-up')
        one = self.table.sets[name]
        self.looked.add(name)
        found = one.find(self.read(v[2], one.key_length))
        if found is not None and found.odd:
            raise Unknown('an element')
        if (found is None) != bool(flags):
            raise Break
        if 3 in v and found is not None:
            data = fields(found.data)
            if number(v[3]) == 0:
                return verdict(data[2])
            self.write(v[3], data[1])
        return None


# ---------------------------------------------------------------- packets

class Packet:
    """Values at random, many of them from what rules compare with."""

    def __init__(self, rng, pool):
        def some(size, plain):
            return rng.choice(pool[size]) if pool.get(size) and rng.random() < .8 else plain()
        def junk(n):
            return lambda: rng.randbytes(n)
        self.rng, self.identity = rng, rng.random()
        self.family = rng.choice((2, 10))
        size = 4 if self.family == 2 else 16
        self.saddr, self.daddr = some(size, junk(size)), some(size, junk(size))
        self.proto = rng.choice([6, 6, 6, 17, 17, 1, 58, 132, 33, 136, 47, some(1, junk(1))[0]])
        self.sport, self.dport = some(2, junk(2)), some(2, junk(2))
        self.type, self.code = some(1, junk(1)), rng.choice((b'\0', junk(1)()))
        self.flags = bytes([rng.choice([2, 2, 2, 16, 18, 4, 0, 41, rng.randrange(256)])])
        self.names = [some('name', lambda: b'other'), some('name', lambda: b'other')]
        self.state = rng.choice([8, 8, 8, 8, 2, 4, 1, 64])
        self.tracked = self.state in (2, 4, 8)
        self.mark, self.ct_mark = some(4, junk(4)), some(4, junk(4))
        self.uid, self.fib = some(4, junk(4)), rng.choice((1, 2, 3, 5))
        self.hop, self.odd = rng.choice((b'\xff', b'\x40', b'\1')), rng.randbytes(64)
        self.status = rng.choice((0, 2, 10, 32, 42))
        self.fib = self.routed(self.daddr, self.fib)
        self.at, self.tracks = None, True

    def name(self, which):
        """At a hook: before it is routed a packet leaves by nothing, and what is sent here came by nothing."""
        return b'' if self.at in ((0, 1), (3,))[which] else self.names[1 - which]

    def with_value(self, value):
        """The same packet, with that value wherever it may stand."""
        import copy
        size = 4 if self.family == 2 else 16
        for key, n in (('saddr', size), ('daddr', size), ('sport', 2), ('dport', 2), ('type', 1), ('code', 1),
                       ('flags', 1), ('hop', 1), ('mark', 4), ('ct_mark', 4), ('uid', 4), ('proto', 1), ('family', 1)):
            if n == len(value) and not (key == 'family' and value[0] not in (2, 10)):
                out = copy.copy(self)
                setattr(out, key, value[0] if key in ('proto', 'family') else value)
                if key == 'family' and value[0] != self.family:
                    out.saddr, out.daddr = ((a * 4)[:4 if value[0] == 2 else 16] for a in (self.saddr, self.daddr))
                if key in ('daddr', 'family'):
                    out.fib = self.routed(out.daddr, self.fib)
                yield out
        if value[:1].isalpha():
            for which in (0, 1):
                out = copy.copy(self)
                out.names = [text(value).encode('latin-1')[:15] if i == which else n for i, n in enumerate(self.names)]
                yield out

    @staticmethod
    def routed(addr, fib):
        """What a look-up says of multicast does not depend on routes; and nothing else is multicast."""
        if addr[0] in ((255,) if len(addr) == 16 else range(224, 240)):
            return 5
        return 3 if addr == b'\xff' * 4 else 1 if fib == 5 else fib

    def show(self):
        return (f'{self.family} {self.saddr.hex()} {self.daddr.hex()} proto {self.proto} '
                f'{self.sport.hex()} {self.dport.hex()} type {self.type.hex()} flags {self.flags.hex()} {self.names} '
                f'ct {self.state} {self.status} mark {self.mark.hex()} {self.ct_mark.hex()}')

    def load(self, kind, key, direction):
        known = self.meta() if kind == 'meta' else self.ct()
        if key not in known or direction is not None:
            if kind == 'ct':
                raise Unknown(f'ct {key}')
            return self.other(kind, {2: key})
        value = known[key]
        if value is None:
            raise Break
        return value

    def meta(self):
        host = 'little'
        return {0: (60).to_bytes(4, host), 1: b'\x08\0' if self.family == 2 else b'\x86\xdd',
                3: self.mark, 6: self.name(1).ljust(16, b'\0'), 7: self.name(0).ljust(16, b'\0'),
                4: (1 if self.name(1) == b'lo' else len(self.name(1)) and 9 + len(self.name(1))).to_bytes(4, host),
                10: self.uid, 15: bytes([self.family]), 16: bytes([self.proto])}

    def ct(self):
        host = 'little'
        if not self.tracks:
            return {0: (1).to_bytes(4, host), 1: None, 2: None, 3: None}
        return {0: self.state.to_bytes(4, host), 1: bytes([self.odd[60] & 1]) if self.tracked else None,
                2: self.status.to_bytes(4, host) if self.tracked else None,
                3: self.ct_mark if self.tracked else None}

    def other(self, name, what):
        import zlib
        some = zlib.crc32(repr((name, sorted(what.items()), self.identity)).encode())
        if name == 'fib' and number(what[2]) == 2:          # the name of an interface
            return self.names[some & 1].ljust(16, b'\0')
        if name == 'fib':
            return self.fib.to_bytes(4, 'little')
        return some.to_bytes(4, 'little') * 4

    def bytes(self, base, offset, length):
        header = {0: self.odd[:12] + b'\x08\0', 1: self.network(), 2: self.transport(),
                  3: self.odd[40:48] if self.proto in (6, 17) and self.odd[61] & 1 else b''}.get(base)
        if header is None or not length:
            raise Unknown('payload')
        if offset + length > len(header):
            raise Break
        return header[offset:offset + length]

    def network(self):
        if self.family == 2:
            return b'\x45' + self.odd[:7] + self.hop + bytes([self.proto]) + self.odd[8:10] + self.saddr + self.daddr
        return b'\x60' + self.odd[:5] + bytes([self.proto]) + self.hop + self.saddr + self.daddr

    def transport(self):
        if self.proto in (1, 58):
            return self.type + self.code + self.odd[10:16]
        if self.proto == 6:
            return self.sport + self.dport + self.odd[16:24] + b'\x50' + self.flags + self.odd[24:30]
        return self.sport + self.dport + self.odd[30:34]


def pool(*dumps):
    """Values by their length, and the numbers next to them."""
    out = {'name': [b'lo', b'eth0']}
    for dump in dumps:
        for data in values(dump):
            around = [data] + [(number(data) + d).to_bytes(len(data), 'big') for d in (1, -1)
                               if 0 <= number(data) + d < 1 << 8 * len(data)]
            if len(data) == 16 and data[:1].isalpha():
                out['name'].append(text(data).encode('latin-1')[:15])
            else:
                for one in around:
                    out.setdefault(len(one), []).append(one)
    return out


def values(dump):
    for kind, _, start, end in messages(dump):
        body = dump[start:end]
        try:
            if kind == NEWRULE:
                for _, _, at, n in attributes(fields(body).get(4, b'')):
                    e = Expression(fields(body)[4][at:at + n])
                    if e.name in ('cmp', 'range'):
                        yield from (fields(e.attributes[k])[1] for k in (3, 4) if k in e.attributes)
            elif kind == NEWSETELEM:
                for _, _, at, n in attributes(fields(body).get(3, b'')):
                    e = Element(fields(body)[3][at:at + n])
                    yield from (x for x in (e.key, e.end) if x)
                    for cut in (4, 8, 12, 16, 20):
                        yield from (x[cut:cut + 4] for x in (e.key, e.end) if x and len(x) > cut)
        except (Refused, KeyError, IndexError):
            continue


def outcomes(table, packet):
    """[(station, outcome, what was done)], rules that were come to, sets that were asked"""
    out, rules, looked = [], set(), set()
    for station in table.stations():
        way = Way(table, packet)
        packet.at = station[1]
        try:
            end = way.station(*station)
        except Unknown:
            end = 'unknown'
        out.append((station, end, frozenset(map(repr, way.done))))
        rules |= way.rules
        looked |= way.looked
    return out, rules, looked
