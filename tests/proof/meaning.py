# SPDX-License-Identifier: GPL-2.0-or-later
"""A listed table as one diagram per station, and whether two tables mean the same.

Chains are composed from their last rule to their first, and what was composed once is found again
by its contents: a table that differs from another in one rule costs little more than that rule.
"""

from diagram import UNDECIDED, YES, Diagrams, plus, verdict
from listing import (DCCP, FIELDS, IPV4, IPV6, OF_ARRIVAL, SCTP, STATES, TCP, UDP, UDPLITE,
                     Unsupported)
from walk import packet, with_effects

PORTED = sorted([TCP, UDP, SCTP, DCCP, UDPLITE])
RETURN = '<'        # within a chain: this chain is over and its caller goes on
STATIONS = ['filter/prerouting', 'filter/input', 'filter/forward', 'filter/output', 'filter/postrouting',
            'nat/prerouting', 'nat/output', 'nat/postrouting', 'route/output']


def merged(intervals):
    out = []
    for low, high in sorted(intervals):
        if out and low <= out[-1][1] + 1:
            out[-1] = out[-1][0], max(out[-1][1], high)
        else:
            out.append((low, high))
    return out


def complement(intervals, top):
    out, at = [], 0
    for low, high in intervals:
        if low > at:
            out.append((at, low - 1))
        at = high + 1
    return out + [(at, top)] if at <= top else out


def common(a, b):
    return merged((max(x[0], y[0]), min(x[1], y[1])) for x in a for y in b
                  if max(x[0], y[0]) <= min(x[1], y[1]))


def swapped(outcome, old, new):
    """Another verdict, with the same effects."""
    effects = outcome[1] if isinstance(outcome, tuple) else frozenset()
    return plus(new, effects) if verdict(outcome) == old else outcome


def text(outcome):
    return with_effects(*outcome) if isinstance(outcome, tuple) else outcome


class Meaning:
    """One table of nodes for an original and all that is compared with it."""

    def __init__(self):
        self.d = Diagrams()
        self.var = {name: self.d.declare(name, top) for name, top in FIELDS.items()}
        self.free = {}          # text of a condition -> variable
        self.keys = {}          # contents -> a small number
        self.tails = {}         # contents of the rest of a chain -> diagram
        self.worlds = {}

    # -- contents

    def key_of(self, what):
        return self.keys.setdefault(what, len(self.keys))

    def rule_key(self, table, rule, known):
        parts = []
        for s in rule.statements:
            rows = s.rows
            if s.kind == 'map':
                rows = tuple((box, self.verdict_key(table, v, known)) for box, v in s.rows)
            elif s.kind == 'is':
                rows = tuple(s.rows)
            what = self.verdict_key(table, s.what, known) if s.kind == 'verdict' else s.what
            parts.append((s.kind, tuple(s.needs), tuple(s.keys or ()), rows, s.negate, what))
        return self.key_of(tuple(parts))

    def verdict_key(self, table, verdict, known):
        kind, target = verdict
        return (kind, self.chain_key(table, table.chains[target], known)) if target else verdict

    def chain_key(self, table, chain, known):
        if chain.name not in known:
            keys = []
            for rule in chain.rules:
                rule.key = self.rule_key(table, rule, known)
                keys.append(rule.key)
            known[chain.name] = self.key_of(('chain', tuple(keys)))
        return known[chain.name]

    # -- matches

    def intervals(self, field, mask, low, high):
        """Values of the field that are within low..high under the mask."""
        top = FIELDS[field]
        if mask is None:
            return [(low, high)] if low <= high else []
        bits = top.bit_length()
        if field in ('saddr', 'daddr') and mask < 1 << 32 and high < 1 << 32:
            bits = 32                       # IPv4: the upper bits of the number are never set
        size = (~mask & ((1 << bits) - 1)) + 1
        if size & (size - 1) == 0 and mask == ((1 << bits) - 1) & ~(size - 1):
            low, high = -(-low // size) * size, high // size * size + size - 1
            return [(low, high)] if low <= high else []
        if top > 65535:
            return self.holed(field, mask, low, high, bits)
        return merged((v, v) for v in range(top + 1) if low <= v & mask <= high)

    @staticmethod
    def holed(field, mask, low, high, bits):
        """The same for a mask with holes, as long as they are few: each value of their bits is an interval."""
        last = (mask & -mask).bit_length() - 1
        holes = [b for b in range(last, bits) if not mask >> b & 1]
        if low != high or low & ~mask or len(holes) > 10:
            raise Unsupported(f'mask {mask:#x} of {field}')
        out = []
        for n in range(1 << len(holes)):
            first = low | sum(1 << b for i, b in enumerate(holes) if n >> i & 1)
            out.append((first, first | (1 << last) - 1))
        return merged(out)

    def box(self, keys, box):
        """{var: intervals}, or None where nothing is in it."""
        out = {}
        for (field, mask), (low, high) in zip(keys, box):
            var, some = self.var[field], self.intervals(field, mask, low, high)
            out[var] = common(out[var], some) if var in out else some
            if not out[var]:
                return None
        return out

    def rows(self, keys, rows):
        """Diagram of the first row that holds; its outcome is the row's."""
        boxes = [(self.box(keys, box), leaf) for box, leaf in rows]
        if len(keys) == 1 and len({leaf for _, leaf in rows}) == 1:
            var, leaf = self.var[keys[0][0]], rows[0][1]
            some = merged(i for b, _ in boxes if b for i in b[var])
            return self.d.within(var, some, self.d.outcome(leaf))
        return self.d.union(self.d.box(b, self.d.outcome(leaf)) for b, leaf in boxes if b)

    def free_var(self, text):
        if text not in self.free:
            self.free[text] = self.d.declare('free:' + text, 1)
        return self.free[text]

    def needs(self, s, leaf):
        return self.d.box({self.var[f]: [(v, v)] for f, v in s.needs}, leaf)

    def match(self, s):
        """YES where the statement lets its rule go on."""
        d = self.d
        if s.kind == 'is':
            inner = self.rows(s.keys, [(box, YES) for box in s.rows])
            if s.negate:
                inner = d.unless(inner)
            if any(field in OF_ARRIVAL for field, _ in s.keys):
                inner = d.where(d.within(self.var['iif'], [(1, FIELDS['iif'])], d.yes), inner)
        elif s.kind == 'bits':
            field, mask = s.keys[0]
            bits = s.rows if mask is None else s.rows & mask
            some = merged((v, v) for v in range(FIELDS[field] + 1) if v & bits)
            inner = d.within(self.var[field], some, d.yes)
        elif s.kind == 'free':
            value = 0 if s.negate else 1
            inner = d.within(self.free_var(s.what), [(value, value)], d.yes)
        else:
            return d.yes
        return d.where(self.needs(s, d.yes), inner) if s.needs else inner

    # -- rules and chains

    def verdict(self, table, verdict, known):
        """What a verdict does: a diagram; undecided means that the rule goes on."""
        kind, target = verdict
        if kind in ('accept', 'drop'):
            return self.d.outcome(kind)
        if kind == 'return':
            return self.d.outcome(RETURN)
        if kind == 'continue':
            return self.d.undecided
        inner = self.chain(table, table.chains[target], known)
        if kind == 'goto':
            inner = self.d.map(inner, 'goto', lambda o: swapped(o, UNDECIDED, RETURN))
        return inner

    def statements(self, table, statements, known):
        """The rest of a rule: a diagram, undecided where the next rule is asked."""
        d = self.d
        if not statements:
            return d.undecided
        s, rest = statements[0], statements[1:]
        if s.kind == 'nothing':
            return self.statements(table, rest, known)
        if s.kind == 'final':
            return self.needs(s, d.outcome(s.what))
        if s.kind == 'effect':
            done = self.needs(s, d.outcome((UNDECIDED, frozenset([s.what]))))
            rest = self.statements(table, rest, known)
            return d.override(done, d.where(self.needs(s, d.yes), rest) if s.needs else rest)
        if s.kind == 'verdict':
            done = self.verdict(table, s.what, known)
            return done if not rest else d.override(done, self.statements(table, rest, known))
        if s.kind == 'map':
            return self.lookup(table, s, rest, known)
        return d.where(self.match(s), self.statements(table, rest, known))

    def lookup(self, table, s, rest, known):
        d = self.d
        found = self.rows(s.keys, s.rows)
        after = self.statements(table, rest, known)
        parts = []
        for verdict in sorted({v for _, v in s.rows}, key=repr):
            here = d.map(found, ('is', verdict), lambda o, v=verdict: YES if o == v else UNDECIDED)
            done = d.override(self.verdict(table, verdict, known), after)
            parts.append(d.where(here, done))
        return d.where(self.needs(s, d.yes), d.union(parts))

    def chain(self, table, chain, known):
        """Undecided where the caller goes on."""
        self.chain_key(table, chain, known)
        d, tail = self.d, ('end',)
        at = d.undecided
        for rule in reversed(chain.rules):
            tail = rule.key, tail
            found = self.tails.get(tail)
            if found is None:
                found = d.override(self.statements(table, rule.statements, known), at)
                self.tails[tail] = found
            at = found
            tail = self.key_of(tail)
        return d.map(at, 'end', lambda o: swapped(o, RETURN, UNDECIDED))

    # -- stations

    def station(self, table, name):
        d = self.d
        kind, hook = name.split('/')
        bases = [c for c in table.chains.values()
                 if c.base and (c.base['type'], c.base['hook']) == (kind, hook)]
        out = d.outcome('accept')
        for chain in sorted(bases, key=lambda c: -c.base['prio']):
            mine = self.chain(table, chain, {})
            mine = d.override(mine, d.outcome(chain.base['policy']))
            mine = d.map(mine, 'local', lambda o: swapped(o, 'accept', UNDECIDED))
            out = d.override(mine, out)
        return d.where(self.world(name), d.map(out, 'text', text))

    def world(self, name):
        """The packets that there are at a station."""
        if name not in self.worlds:
            d, hook, var = self.d, name.split('/')[1], self.var
            names, none = [(1, FIELDS['iif'])], [(0, 0)]
            box = {var['family']: [(IPV4, IPV4), (IPV6, IPV6)],
                   var['ctstate']: merged((v, v) for v in STATES.values())}
            if hook != 'postrouting':
                box[var['iif']] = none if hook == 'output' else names
            box[var['oif']] = none if hook in ('input', 'prerouting') else names
            short = [(0, (1 << 32) - 1)]
            four = {var['family']: [(IPV4, IPV4)], var['saddr']: short, var['daddr']: short}
            six = {var['family']: [(IPV6, IPV6)]}
            families = d.override(d.box(four, d.yes), d.box(six, d.yes))
            # `th dport` reads two bytes of whatever there is; here only protocols with ports have them
            ported = [(p, p) for p in PORTED]
            bare = {var['proto']: complement(ported, 255), var['dport']: none, var['sport']: none}
            ports = d.override(d.box({var['proto']: ported}, d.yes), d.box(bare, d.yes))
            # marks, directions and what was translated are a connection's; only TCP and UDP are looked into
            tracked = merged((STATES[s], STATES[s]) for s in ('new', 'established', 'related'))
            marks = d.override(d.box({var['ctstate']: tracked}, d.yes),
                               d.box({var[x]: none for x in ('ctmark', 'ctdirection', 'called', 'ctstatus')}, d.yes))
            bytes_ = d.override(d.box({var['proto']: [(TCP, TCP), (UDP, UDP)]}, d.yes),
                                d.box({var['payload']: none}, d.yes))
            links = d.override(d.box({var['iif']: names}, d.yes),
                               d.box({var['iiftype']: none, var['smac']: none}, d.yes))
            ports = d.where(marks, d.where(bytes_, d.where(links, ports)))
            self.worlds[name] = d.where(d.box(box, d.yes), d.where(families, ports))
        return self.worlds[name]

    def compare(self, one, two, stations=STATIONS):
        """(station, a packet) where the two tables differ, or None."""
        for name in stations:
            a, b = self.station(one, name), self.station(two, name)
            found = self.d.difference(a, b)
            if found is not None:
                return name, self.packet(found)
        return None

    def packet(self, found):
        """Some packet out of the region."""
        out = packet()
        for var, (low, high) in found.items():
            name = self.d.vars[var]
            if name.startswith('free:'):
                out['free'][name[5:]] = bool(low)
            elif name in ('iif', 'oif'):
                out[name] = a_name(low, high)
            elif not low <= out[name] <= high:
                out[name] = low
        return out


LETTERS = b'abcdefghijklmnopqrstuvwxyz0'


def a_name(low, high):
    """A name that can be written, out of an interval of names."""
    if low == high:
        return low
    data = bytearray(low.to_bytes(16, 'big'))
    end = data.find(0)
    for at in range(max(end, 0), 15):
        for char in LETTERS:
            value = int.from_bytes(bytes(data[:at] + bytes([char])).ljust(16, b'\0'), 'big')
            if low <= value <= high:
                return value
    return low
