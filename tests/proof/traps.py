# SPDX-License-Identifier: GPL-2.0-or-later
"""Rulesets in which it is easy to be wrong (traps/*.nft), in the kernel and with real packets.

Each file is loaded into a router in a namespace of its own; the packets in its last lines are sent; what
became of them has to be what the file says, and what the oracle reads from the listing.

    # packet: from=eth0 source=10.0.0.5 target=10.0.1.5 tcp=80 flags=syn,ack state=new => drop

tcp=, udp= and other= give protocol and destination port, icmp= and icmpv6= the type; state= is the
connection tracking state as the oracle needs it; "blind" marks what a listing cannot tell.
Outcomes: accept, drop, reject reset, reject prohibited, reject icmp TYPE/CODE, accept to ADDRESS PORT.
"A or B": as this nft translates the rule; all must agree with the kernel.
"open" marks what neither the oracle nor fwc understands: explain --live has to leave it open, and to say
on what it depends.
"# refused" says that nft or the kernel does not take the file.
"""

import glob
import ipaddress
import json
import os
import re
import tempfile
from dataclasses import dataclass

import engine
import lab
import listing
import walk
from listing import IPV4, IPV6, name_number
from reference import Packet
from selftest import in_child

HERE = os.path.dirname(os.path.realpath(__file__))
TABLE = 'inet trap'
FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr']
UNREACHABLE = {4: 'reject icmp 3/3', 6: 'reject icmp 1/4'}       # of the port: a plain reject
KINDS = {'tcp': 6, 'udp': 17, 'icmp': 1, 'icmpv6': 58}


@dataclass
class Trap:
    text: str
    packet: Packet
    flags: int
    state: str
    blind: bool
    open: bool
    expected: list


def read_line(line, sport):
    words, _, expected = line.partition('=>')
    values = {'state': 'new', 'sport': str(sport), 'flags': 'syn'}
    for word in words.split():
        key, _, value = word.partition('=')
        values[key] = value
    source, target = (ipaddress.ip_address(values[k]) for k in ('source', 'target'))
    kind = next(k for k in KINDS if k in values)
    number, icmp = int(values[kind]), kind.startswith('icmp')
    came = None if values['from'] == 'self' else values['from']
    packet = Packet(came, source.version, int(source), int(target), KINDS[kind],
                    int(values['sport']), 0 if icmp else number, number if icmp else 0)
    flags = sum(1 << FLAGS.index(f) for f in values['flags'].split(',') if f != 'none')
    return Trap(words.strip(), packet, flags, values['state'], 'blind' in values, 'open' in values,
                expected.strip().split(' or '))


def read(path):
    with open(path, encoding='utf-8') as f:
        text = f.read()
    lines = re.findall(r'^# packet: (.*)$', text, re.M)
    return text, [read_line(line, 41000 + n) for n, line in enumerate(lines)], \
        re.search(r'^# refused$', text, re.M)


# ---------------------------------------------------------------- three opinions

def observed(seen, target, port):
    """What the kernel did, in the words of the files."""
    if seen.rejects and not seen.inward:        # no server: this machine's own answer
        return 'reject ' + ' '.join(sorted(seen.rejects))
    if not seen.out and not seen.inward:
        return 'drop'
    if len(seen.out) + len(seen.inward) > 1:
        return 'several packets'
    _, _, to, to_port, *_ = seen.out[0] if seen.out else (None, *seen.inward[0])
    return outcome_words('accept', to, to_port, target, port)


def outcome_words(outcome, to, to_port, target, port):
    if (to, to_port) == (target, port):
        return outcome
    version = 4 if to < 1 << 32 else 6
    return f'{outcome} to {ipaddress.IPv4Address(to) if version == 4 else ipaddress.IPv6Address(to)}' \
           f' {to_port}'


class Oracle:
    """The stations that a packet meets, one after the other."""

    def __init__(self, text, routing):
        self.table = listing.Reader(json.loads(text)['nftables'])
        self.routing = routing

    def says(self, trap):
        p, family = trap.packet, trap.packet.family
        out = walk.packet(
            family=IPV4 if family == 4 else IPV6, saddr=p.source, daddr=p.target, proto=p.proto,
            sport=p.sport, dport=p.dport, icmptype=p.type, icmpcode=p.code, dscp=p.dscp,
            hoplimit=64 - (p.interface is not None),
            iif=name_number(p.interface) if p.interface else 0,
            tcpflags=trap.flags if p.proto == 6 else 0, ctstate=listing.STATES[trap.state])
        to = out['daddr'], out['dport']
        if p.interface is not None:
            verdict, _ = walk.Walk(self.table, out).station('nat/prerouting')
            found = re.match(r'dnat (\S+) port (\w+)$', verdict)
            if found:
                to = int(ipaddress.ip_address(found[1])), \
                    out['dport'] if found[2] == 'kept' else int(found[2])
        out.update(daddr=to[0], dport=to[1])
        goes = self.routing.route(family, to[0])
        local = not isinstance(goes, str)
        out['oif'] = 0 if local else name_number(goes)
        stations = ['filter/input'] if local else \
            ['filter/output' if p.interface is None else 'filter/forward', 'filter/postrouting']
        for station in stations:
            verdict, _ = walk.Walk(self.table, out).station(station)
            if verdict != 'accept':
                if verdict in ('reject icmpx 1', 'reject icmp 3', 'reject icmpv6 4'):
                    return UNREACHABLE[p.family]
                return verdict.replace('reject tcp reset', 'reject reset') \
                              .replace('reject icmpx 3', 'reject prohibited')
        return outcome_words('accept', *to, p.target, p.dport)


# ---------------------------------------------------------------- one file

def send(router, traps):
    router.forget()
    router.flush_connections()
    seen = []
    for trap in traps:
        seen.append(router.send(trap.packet, trap.flags))
        router.collect()                # the next packet may be an answer to this one
    router.settle(lambda: all(observed(s, t.packet.target, t.packet.dport) in t.expected
                              for s, t in zip(seen, traps)))
    return [observed(s, t.packet.target, t.packet.dport) for s, t in zip(seen, traps)]


def one_file(router, k, path, third):
    """[(what, passed, lines)]"""
    name = os.path.basename(path)
    text, traps, refused = read(path)
    _, error = k.run(f'add table {TABLE}\ndelete table {TABLE}\n' + text)
    if refused:
        return [(f'traps: {name} is refused', bool(error), [])]
    if error:
        return [(f'traps: {name} is loaded', False, [error])]
    shown, _ = k.run(f'list table {TABLE}', k.flags)
    known = not any(trap.open for trap in traps)
    oracle, out = Oracle(shown, lab.routing()) if known else None, []
    for trap, seen in zip(traps, send(router, traps)):
        said = {'kernel': seen}
        if known:
            said['oracle'] = oracle.says(trap)
        asked = third.says(trap) if third else None
        if asked:
            said['explain --live'] = asked
        expected = seen if seen in trap.expected else ' or '.join(trap.expected)
        bad = [f'    {who}: {what}' for who, what in said.items()
               if what != expected and not (trap.blind and who != 'kernel')]
        out.append((f'traps: {name}: {trap.text} => {expected}', not bad,
                    bad + ['asked'] * bool(asked)))
    k.run(f'delete table {TABLE}')
    return out


ZONES = ''.join(f'zone {name} {{ interface {name} }}\n' for name in lab.INTERFACES) + \
    'allow any -> any\n'


class Live:
    """The third opinion: `fwc explain --live`, of packets that it can be asked about.

    FWC_PROOF_LIVE=0 leaves it out.
    """

    def __init__(self, fwc, where):
        self.explain, self.routing = engine.Explain(fwc), lab.routing()
        self.policy = os.path.join(where, 'zones.fwc')
        with open(self.policy, 'w', encoding='ascii') as f:
            f.write(ZONES)

    def says(self, trap):
        """Words as in the files, or None."""
        p = trap.packet
        if trap.state != 'new' or p.proto == 6 and trap.flags != 2 or trap.blind:
            return None
        goes = self.routing.route(p.family, p.target)
        service = {6: f'tcp/{p.dport}', 17: f'udp/{p.dport}', 1: f'icmp/{p.type}',
                   58: f'icmpv6/{p.type}'}[p.proto]
        if p.proto in (1, 58) and (p.proto == 1) != (p.family == 4):
            return None                 # no service has the ICMP of the other family
        words = [lab.show_address(p.family, a) for a in (p.source, p.target)]
        found, error = self.explain.ask(
            f'{words[0]}@{p.interface or "self"} -> {words[1]}@'
            f'{goes if isinstance(goes, str) else "self"} {service}', self.policy, '--live')
        found = [a for a in found if self.plain(a)]
        if trap.open:
            return error or self.left_open(found, trap)
        said = {self.words(a, trap) for a in found}
        return error or ', or '.join(sorted(said)) or 'nothing'

    @staticmethod
    def plain(answer):
        """Of the packet that was sent; others of the question have other flags or hops."""
        p = answer['packet']
        return p['hoplimit'] == 64 and (p['proto'] != 6 or p['tcpflags'] == 2)

    def left_open(self, found, trap):
        """What is expected, if it is among what may be, and on what it depends is said."""
        sure = [a for a in found if not a['conditions'] + a['unless'] and a['fate'] != 'unknown']
        said = {self.words(a, trap) for a in found}
        if sure or not found:
            return f'surely {self.words(sure[0], trap)}' if sure else 'nothing'
        for a in found:
            named = a['conditions'] + a['unless'] + [step['does'] for step in a['path']]
            if not any('not understood' in words for words in named):
                return 'it is not named'
        return trap.expected[0] if said & {*trap.expected, 'unknown'} else ', '.join(sorted(said))

    @staticmethod
    def words(answer, trap):
        path = ' '.join(step['does'] for step in answer['path'])
        if answer['fate'] == 'reject':
            return 'reject reset' if 'reset' in path else \
                'reject prohibited' if 'prohibited' in path else UNREACHABLE[trap.packet.family]
        to = re.search(r'dnat to \[?([0-9a-f.:]*?)\]?(?::(\d+))?(?= |$)', path)
        if answer['fate'] != 'accept' or not to:
            return answer['fate']
        if trap.packet.family == 6 and '[' not in path:
            to = re.search(r'dnat to (\S+)()', path)
        return f'accept to {to[1]} {to[2] or trap.packet.dport}'


def run(fwc):
    def child():
        import kernel
        router, out = lab.Router(), []
        k = kernel.Kernel(unshare=False)
        k.flags = kernel.LIST_FLAGS
        with tempfile.TemporaryDirectory(prefix='fwc-traps-') as where:
            third = None if os.environ.get('FWC_PROOF_LIVE') == '0' else Live(fwc, where)
            for path in sorted(glob.glob(os.path.join(HERE, 'traps/*.nft'))):
                out += one_file(router, k, path, third)
        asked = sum(1 for _, _, lines in out if 'asked' in lines)
        out = [(what, ok, [line for line in lines if line != 'asked']) for what, ok, lines in out]
        out.append((f'traps: {asked} questions for explain --live', not third or asked > 100, []))
        return out
    return in_child(child)
