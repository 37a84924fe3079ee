# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets at the edges of what listings speak of: one for each elementary interval of each field.

All of them would be too many; what is drawn here is a combination at random, or all combinations of
a few fields around one packet.
"""

from listing import FIELDS, IPV4, IPV6, STATES
from meaning import PORTED, a_name
from walk import packet

PROTOCOLS = [1, 6, 17, 58, 132, 47]
FOUR = (1 << 32) - 1
NETWORK = 0x20010db8 << 96 | 1 << 64 | 1     # some network; what is asked for ends so


class Cells:
    def __init__(self, *tables):
        cuts = {name: {0} for name in FIELDS}
        four = {'saddr': {0}, 'daddr': {0}}
        self.free = set()
        for table in tables:
            for keys, rows, needs in looks(table):
                for box in rows:
                    for (name, mask), (low, high) in zip(keys, box):
                        if mask is not None and name in four and mask > FOUR:     # the end of IPv6 addresses
                            cuts[name] |= {NETWORK & ~mask | low, NETWORK & ~mask | high + 1}
                        elif mask is not None and name in four:
                            low, high = low & mask, high | (~mask & FOUR)
                        some = four if name in four and ('family', IPV4) in needs else cuts
                        some[name] |= {low, high + 1}
            self.free |= {s.what for c in table.chains.values() for r in c.rules
                          for s in r.statements if s.kind == 'free'}
        self.values = {name: self.points(cuts[name], FIELDS[name], name) for name in FIELDS}
        self.four = {name: self.points(four[name], FOUR, name) for name in four}
        self.values.update(family=[IPV4, IPV6], ctstate=list(STATES.values()), ctstatus=[0, 16, 32],
                           tcpflags=[0, 1, 2, 4, 16, 18, 20, 34, 194, 255])
        self.values['proto'] = sorted(set(self.values['proto'] + PROTOCOLS))
        self.free = sorted(self.free)

    @staticmethod
    def points(cuts, top, name):
        cuts = sorted(c for c in cuts if c <= top) + [top + 1]
        if name in ('iif', 'oif'):
            return [a_name(low, high - 1) for low, high in zip(cuts, cuts[1:])]
        return cuts[:-1]

    def possible(self, name, station, values):
        """Interfaces that there can be at a station."""
        hook = station.split('/')[1]
        none = {'iif': ['output'], 'oif': ['input', 'prerouting']}.get(name, [])
        if hook in none:
            return [0]
        if name == 'oif' or name == 'iif' and hook != 'postrouting':
            return [v for v in values if v] or [a_name(1, FIELDS[name])]
        return values

    def draw(self, rng, station):
        p = packet(family=rng.choice([IPV4, IPV6]))
        for name, values in self.values.items():
            if name == 'family':
                continue
            if name in self.four and p['family'] == IPV4:
                values = self.four[name]
            if name == 'ctstate' and rng.random() < 0.7:
                continue
            if name == 'proto' and rng.random() < 0.8:
                values = PROTOCOLS
            if name == 'tcpflags' and rng.random() < 0.8:
                values = [2]
            p[name] = rng.choice(self.possible(name, station, values))
        p['free'] = {text: rng.random() < 0.5 for text in self.free}
        return self.put_right(p)

    def near(self, rng, station, rule):
        """One that comes to what the rule asks for, mostly at an edge of it."""
        p = self.draw(rng, station)
        for s in rule.statements:
            if rng.random() < 0.1:
                continue
            p.update(s.needs)
            box = rng.choice(s.rows) if s.kind in ('is', 'map') and s.rows else ()
            for (name, mask), ends in zip(s.keys or (), box[0] if s.kind == 'map' else box):
                p[name] = rng.choice(ends) | (p[name] & ~mask if mask is not None else 0)
        return self.put_right(p)

    @staticmethod
    def put_right(p):
        """Without what there cannot be."""
        if p['family'] == IPV4:
            p['saddr'], p['daddr'] = p['saddr'] & FOUR, p['daddr'] & FOUR
        if p['proto'] not in PORTED:
            p['dport'] = p['sport'] = 0
        if p['ctstate'] in (STATES['invalid'], STATES['untracked']):
            p['ctmark'] = p['ctdirection'] = p['called'] = p['ctstatus'] = 0    # of a connection, and there is none
        if not p['iif']:
            p['iiftype'] = p['smac'] = 0                        # of what arrived
        return p


def apart(one, two):
    """The rules that one of two tables has alone."""
    texts = [{repr(r.statements): r for c in table.chains.values() for r in c.rules} for table in (one, two)]
    return [rule for mine, other in (texts, texts[::-1]) for text, rule in mine.items() if text not in other]


def looks(table):
    """(keys, boxes, needs) of everything a table compares packets with."""
    for chain in table.chains.values():
        for rule in chain.rules:
            for s in rule.statements:
                if s.kind == 'is':
                    yield s.keys, s.rows, s.needs
                elif s.kind == 'map':
                    yield s.keys, [box for box, _ in s.rows], s.needs
