# SPDX-License-Identifier: GPL-2.0-or-later
"""One packet through the whole machine, as a listing has it: translation, routing, filter, translation.

The result is a Fate like those of the reference evaluator (tests/diff), so that the two can be compared
with each other and with what a real packet meets.
"""

import dataclasses
import ipaddress
import re
import time

import lab
import listing
import walk
from listing import IPV4, IPV6, name_number
from reference import LINK_LOCAL, MAX, SELF, TCP, Fate, inside, show_address, untracked

LOCAL, BROADCAST, UNICAST, MULTICAST = 2, 3, 1, 5
DNAT_BIT = 32
DROPPED = 'before it is routed'


class Journey:
    """table: a listing.Reader; routing: a reference.Lab; holds: condition -> whether it holds."""

    def __init__(self, table, routing, holds=lambda text, packet: True):
        self.table, self.routing, self.holds = table, routing, holds
        self.conditions = {s.what for c in table.chains.values() for r in c.rules
                           for s in r.statements if s.kind == 'free'}

    # -- the packet as rules see it

    def fields(self, p):
        return walk.packet(
            family=IPV4 if p.family == 4 else IPV6, saddr=p.source, daddr=p.target, proto=p.proto,
            sport=p.sport, dport=p.dport, called=p.dport, icmptype=p.type, icmpcode=p.code, dscp=p.dscp,
            hoplimit=p.hops,
            tcpflags=(2 if p.syn else 16) if p.proto == TCP else 0,
            ctstate=listing.STATES['invalid' if p.invalid else
                                   'untracked' if untracked(p) else 'new'],
            iif=name_number(p.interface) if p.interface else 0,
            iiftype=0 if not p.interface else 1 if p.interface in lab.ETHERNET else 65534,
            smac=(p.mac or lab.STRANGER) if p.interface in lab.ETHERNET else 0,
            time=int(time.time()), free=self.free(p))

    def free(self, p):
        """What holds of it: another thing behind the translation of its destination than before."""
        return {text: self.holds(text, p) for text in self.conditions}

    def address_type(self, family, address, interface=None):
        lab = self.routing
        if interface is not None:
            own = address in lab.own(interface, family) or (family, address) == (6, lab.everywhere)
            return LOCAL if own else self.group_type(family, address) or UNICAST
        return LOCAL if lab.is_local(family, address) else \
            self.group_type(family, address) or UNICAST

    @staticmethod
    def group_type(family, address):
        if family == 4 and address == (1 << 32) - 1:
            return BROADCAST
        many = address >> 28 == 14 if family == 4 else address >> 120 == 255
        return MULTICAST if many else None

    def verdict(self, f, station):
        """What becomes of it there; marks that it gets are put into f."""
        verdict, *effects = walk.Walk(self.table, f).station(station)[0].split('; ')
        if 'not tracked' in effects:    # what is new is marked, and this is not
            f['ctstate'] = listing.STATES['untracked']
            effects = []
        for effect in effects:
            found = re.match(r'(ct|meta) mark & (0x\w+) := (0x\w+)$', effect)
            if found:
                field, bits, value = {'ct': 'ctmark', 'meta': 'mark'}[found[1]], int(found[2], 16), int(found[3], 16)
                f[field] = f[field] & ~bits | value
        return verdict

    # -- translation

    def targets(self, verdict, f, p, came):
        """[(address, port)] of a dnat or redirect, or None."""
        kind, _, rest = verdict.partition(' ')
        if kind not in ('dnat', 'redirect'):
            return None
        shifted = re.match(r'dnat (\S+) port (\d+)-\d+ of ports (\d+)-', verdict)
        if shifted:
            return [(self.range(shifted[1])[0], f['dport'] + int(shifted[2]) - int(shifted[3]))]
        mapped = re.match(r'dnat (\S+)-\S+ port kept address by address$', verdict)
        if mapped:
            return [(self.mapped(self.range(rest.split()[0]), p.target), f['dport'])]
        rest = rest.removesuffix(' by source')
        port = rest.rpartition('port ')[2]
        port = f['dport'] if port == 'kept' else int(port)
        if kind == 'dnat':
            words = rest.rpartition(' port')[0].split(', ')
            return [(a, port) for w in words for a in self.range(w)]
        if came is SELF:
            own = (127 << 24) + 1 if p.family == 4 else 1
        elif p.family == 6 and inside([LINK_LOCAL], p.target):
            own = self.routing.everywhere
        else:
            own = self.routing.own(came, p.family)[0]
        return [(own, port)]

    @staticmethod
    def mapped(net, address):
        return net[0] | address & net[-1] - net[0]

    @staticmethod
    def range(word):
        low, _, high = word.partition('-')
        low = int(ipaddress.ip_address(low))
        return range(low, (int(ipaddress.ip_address(high)) if high else low) + 1)

    def source(self, f, p, out):
        """Intervals that hold the source as it leaves."""
        kept = ((p.source, p.source),)
        if untracked(p) or p.invalid or f['ctstate'] == listing.STATES['untracked']:
            return kept
        verdict = self.verdict(f, 'nat/postrouting')
        if verdict.startswith('masquerade'):
            own = self.routing.masquerade(out, p.family)
            return ((own, own),)
        found = re.match(r'snat (\S+) port kept address by address$', verdict)
        if found:
            return ((self.mapped(self.range(found[1]), p.source),) * 2,)
        found = re.match(r'snat (\S+) port (?:kept|[\d-]+)(?: random)?(?: persistent)?$', verdict)
        if found:
            some = self.range(found[1])
            return ((some[0], some[-1]),)
        return kept

    # -- the way

    def sent_to(self, p):
        """The targets after translation."""
        f, choices = self.choices(p)
        return [target for target, _ in choices] if choices and choices != DROPPED else [p.target]

    def choices(self, p):
        """(the packet's fields, [(target, port)] or None where nothing is translated)."""
        came = SELF if p.interface is None else p.interface
        f = self.fields(p)
        f['fibdaddr'] = self.address_type(p.family, p.target)
        f['fibdaddriif'] = self.address_type(p.family, p.target, p.interface)
        first = self.routing.route(p.family, p.target)
        f['fiboif'] = name_number(first) if first not in (SELF, None) else 0
        if came is SELF:
            f['oif'] = name_number('lo' if first is SELF else first or 'none')
        if self.verdict(f, 'route/output' if came is SELF else 'filter/prerouting') != 'accept':
            return f, DROPPED
        if p.invalid or untracked(p) or f['ctstate'] == listing.STATES['untracked']:
            return f, None
        hook = 'nat/output' if came is SELF else 'nat/prerouting'
        return f, self.targets(self.verdict(f, hook), f, p, came)

    def fates(self, p):
        came = SELF if p.interface is None else p.interface
        f, choices = self.choices(p)
        if choices == DROPPED:
            return [Fate('drop')]
        translated = choices is not None
        return [self.fate(p, dict(f), came, *choice, translated)
                for choice in choices or [(p.target, p.dport)]]

    def fate(self, p, f, came, target, port, translated):
        goes = self.routing.route(p.family, target)
        link = goes is not SELF and p.family == 6 and inside([LINK_LOCAL], p.source)
        if goes is None or link:
            return Fate('nowhere', why='not routed')
        f.update(daddr=target, dport=port, free=self.free(dataclasses.replace(p, target=target, dport=port)),
                 ctstatus=DNAT_BIT if translated and (came is SELF or (target, port) != (p.target, p.dport)) else 0)
        # where this machine's own packets are judged they still have the way out of before
        stations = ['filter/output'] if came is SELF else ['filter/forward']
        if goes is SELF and came is not SELF:
            stations = ['filter/input']
        elif goes is not SELF or came is SELF:
            stations.append('filter/postrouting')
        for station in stations:
            if station == 'filter/forward':  # RFC 8200, 3: a router takes one off before it looks
                f['hoplimit'] = p.hops - 1
            if station != 'filter/output' and goes is not SELF:
                f['oif'] = name_number(goes)
            elif station != 'filter/output':
                f['oif'] = name_number('lo') if came is SELF else 0
            f['fibdaddr'] = self.address_type(p.family, target)
            verdict = self.verdict(f, station)
            if verdict != 'accept':
                return self.stopped(p, verdict, came, target, translated)
        if goes is SELF:
            source = ((0, MAX[p.family]),) if came is SELF else ((p.source, p.source),)
            return Fate('self', source=source, target=target, port=port)
        return Fate('forward', 0, '', goes, self.source(f, p, goes), target, port)

    def stopped(self, p, verdict, came, target, translated):
        if verdict == 'drop':
            return Fate('drop')
        how = 'reset' if 'reset' in verdict else 'prohibited'
        # where the kernel keeps its errors to itself: see the reference evaluator
        quiet = self.routing.is_group(p.family, target) or untracked(p) or \
            translated and (came is SELF or p.proto not in (1, 6, 17, 58))
        return Fate('reject', how=how, quiet=quiet)


def show(p):
    return f'{p} ({show_address(p.family, p.source)} -> {show_address(p.family, p.target)})'
