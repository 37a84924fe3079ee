# SPDX-License-Identifier: GPL-2.0-or-later
"""One packet through the base chains of a table, statement by statement.

No diagrams here: what this says about a witness does not depend on them.
"""

import ipaddress

from diagram import after
from listing import (FIELDS, ICMP, ICMPV6, IPV4, IPV6, OF_ARRIVAL, STATES, TYPES, name_number, number_name)

DECIDED = object()
MOST_STEPS = 100000


class Walk:
    """table: a listing.Reader.  effects: what was logged, added or clamped on the way."""

    def __init__(self, table, packet):
        self.table, self.packet = table, packet
        self.effects = set()
        self.steps = 0

    def station(self, name):
        """(outcome, deciding rule or None) of all the base chains of a type and hook."""
        kind, hook = name.split('/')
        bases = [c for c in self.table.chains.values()
                 if c.base and (c.base['type'], c.base['hook']) == (kind, hook)]
        outcome, rule = 'accept', None
        for chain in sorted(bases, key=lambda c: c.base['prio']):
            outcome, rule = self.base(chain)
            # accept ends this base chain only; in the chains of nat the first rewrite stands
            if outcome != 'accept':
                break
        return with_effects(outcome, self.effects), rule

    def base(self, chain):
        found = self.chain(chain)
        return found if found else (chain.base['policy'], None)

    def chain(self, chain):
        """(outcome, rule), or None where the caller goes on."""
        for rule in chain.rules:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise RuntimeError('a loop of chains')
            end = self.rule(rule)
            if end is not None:
                return None if end is DECIDED else end
        return None

    def rule(self, rule):
        """None: the next rule; DECIDED: the chain is over; else (outcome, rule)."""
        for s in rule.statements:
            verdict = None
            if s.kind in ('verdict', 'map', 'final', 'effect') and any(self.packet[f] != v for f, v in s.needs):
                return None
            if s.kind == 'verdict':
                verdict = s.what
            elif s.kind == 'final':
                return s.what, rule
            elif s.kind == 'effect':
                self.effects = set(after(self.effects, frozenset([s.what])))
            elif s.kind == 'map':
                verdict = next((v for box, v in s.rows if self.inside(s, box)), None)
                if verdict is None:
                    return None
            elif not self.matches(s):
                return None
            if verdict and verdict[0] != 'continue':
                end = self.verdict(verdict, rule)
                if end is not None:
                    return end
        return None

    def verdict(self, verdict, rule):
        kind, target = verdict
        if kind in ('accept', 'drop'):
            return kind, rule
        if kind == 'return':
            return DECIDED
        end = self.chain(self.table.chains[target])
        return (end or DECIDED) if kind == 'goto' else end

    def inside(self, s, box):
        for (field, mask), (low, high) in zip(s.keys, box):
            value = self.packet[field]
            if not low <= (value if mask is None else value & mask) <= high:
                return False
        return True

    def matches(self, s):
        if any(self.packet[f] != v for f, v in s.needs):
            return False
        if s.kind == 'is' and not self.packet['iif'] and any(f in OF_ARRIVAL for f, _ in s.keys):
            return False
        if s.kind == 'is':
            return any(self.inside(s, box) for box in s.rows) != s.negate
        if s.kind == 'bits':
            field, mask = s.keys[0]
            value = self.packet[field] if mask is None else self.packet[field] & mask
            return value & s.rows != 0
        if s.kind == 'free':
            return self.packet['free'].get(s.what, False) != s.negate
        return True


def with_effects(outcome, effects):
    return '; '.join([outcome] + sorted(effects))


# ---------------------------------------------------------------- packets as text

ADDRESSES = ('saddr', 'daddr')


def packet(**values):
    """A packet with everything that is not given left at a harmless value."""
    out = dict.fromkeys(FIELDS, 0)
    out.update(ctstate=STATES['new'], family=IPV4, free={}, fibsaddr=1, fibdaddr=1, hoplimit=64)
    out.update(values)
    return out


def parse(text):
    """station, packet from "station=filter/forward family=4 iif=eth0 ... free:TEXT=1".

    A free condition's text may hold spaces: it goes up to its =0 or =1.
    """
    station, out = None, packet()
    head, *frees = text.strip().split('free:')
    for word in head.split():
        key, _, value = word.partition('=')
        if key == 'station':
            station = value
        else:
            out[key] = parse_value(key, value)
    for one in frees:
        name, _, value = one.strip().rpartition('=')
        out['free'][name.strip('"')] = value == '1'
    return station, out


def parse_value(key, value):
    if key not in FIELDS:
        raise ValueError(f'{key}= in a packet')
    if key == 'family':
        return {'4': IPV4, '6': IPV6, 'ipv4': IPV4, 'ipv6': IPV6}[value]
    if key in ADDRESSES:
        return int(ipaddress.ip_address(value))
    if key == 'smac':
        return int(value.replace(':', ''), 16)
    if key in ('iif', 'oif', 'fiboif'):
        return 0 if value in ('', '-', 'none') else name_number(value)
    if key == 'ctstate':
        return STATES[value] if value in STATES else int(value, 0)
    if key.startswith('fib') and value in TYPES:
        return TYPES[value]
    if key == 'tcpflags' and not value[:1].isdigit():
        names = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr']
        return sum(1 << names.index(w) for w in value.replace('|', ',').split(',') if w)
    return int(value, 0)


def show(station, p):
    words = [f'station={station}', f'family={4 if p["family"] == IPV4 else 6}']
    for key in FIELDS:
        value = p[key]
        if key == 'family' or value == packet()[key] and key not in ADDRESSES + ('proto',):
            continue
        if key in ADDRESSES:
            value = ipaddress.IPv4Address(value) if p['family'] == IPV4 else \
                ipaddress.IPv6Address(value)
        elif key in ('iif', 'oif', 'fiboif'):
            value = number_name(value)
        elif key == 'ctstate':
            value = {v: k for k, v in STATES.items()}.get(value, value)
        words.append(f'{key}={value}')
    return ' '.join(words + [f'free:{t}={int(v)}' for t, v in sorted(p['free'].items())])


def is_icmp(p):
    return p['proto'] in (ICMP, ICMPV6)
