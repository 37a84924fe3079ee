# SPDX-License-Identifier: GPL-2.0-or-later
"""Witnesses as real packets: what the engine says of a packet, and what that packet meets in the kernel.

For mutants of random policies that the engine refutes: the original is loaded, the witness is sent, the
mutant is loaded, the witness is sent again. Where the packet has to go is arranged by a route of
its own. Witnesses that cannot be sent (another connection state, a connection that is translated or
marked already, an interface that is not in the lab) are left out and counted.
"""

import os
import random
import subprocess

import engine
import generate
import kernel
import lab
import listing
import mutate
import mutation
import reference
import walk
from listing import IPV4, IPV6, STATES, number_name
from reference import ICMP, ICMPV6, LINK_LOCAL, MAX, TCP, UDP, Packet, inside
from selftest import in_child

generate.LIVING = False         # quotas and times are not read here

HEARD = [TCP, UDP] + lab.OTHER_PROTOCOLS        # what raw sockets of the lab listen to, both families
EXTENSIONS = {0, 41, 43, 44, 51, 59, 60, 108, 135, 139, 140}
NO_LINK = 0xfffe        # ARPHRD_NONE, a TUN device's
MUTANTS = 25            # a policy
POLICIES = 6            # and on, up to four times as many, until
ENOUGH = 12             # witnesses could be sent


def possible(answer):
    """Why a witness is no packet that there can be at its station, or nothing."""
    p, hook = answer.packet, answer.station.partition('/')[2]
    if p['family'] == IPV4 and max(p['saddr'], p['daddr']) > MAX[4]:
        return 'an IPv6 address in IPv4'
    if (p['iif'] == 0) != (hook == 'output') and hook != 'postrouting':
        return 'the interface it came by'
    if (p['oif'] == 0) != (hook in ('input', 'prerouting')):
        return 'the interface it leaves by'
    if p['tcpflags'] and p['proto'] != TCP:
        return 'TCP flags without TCP'
    if p['icmptype'] and p['proto'] not in (ICMP, ICMPV6):
        return 'an ICMP type without ICMP'
    if p['icmpcode'] and p['proto'] not in (ICMP, ICMPV6):
        return 'an ICMP code without ICMP'
    if p['ctstate'] not in STATES.values():
        return 'a connection state'
    return ''


def sendable(answer):
    """The witness as a packet of the lab, or None."""
    p, family = answer.packet, 4 if answer.packet['family'] == IPV4 else 6
    came = number_name(p['iif'])
    forward = answer.station == 'filter/forward'
    if came not in lab.INTERFACES or p['mark'] or p['ctstate'] != STATES['new'] or \
            not forward and answer.station != 'filter/input':
        return None
    if p['ctstatus'] or p['ctmark'] or p['ctdirection']:    # what is sent is as its sender made it
        return None
    if forward and number_name(p['oif']) not in lab.INTERFACES:
        return None
    if p['proto'] == TCP and p['tcpflags'] != 2 or p['proto'] in EXTENSIONS or \
            not forward and p['proto'] not in HEARD:
        return None
    if p['proto'] in (TCP, UDP) and 0 in (p['sport'], p['dport']):
        return None
    if p['proto'] in (ICMP, ICMPV6) and (p['proto'] == ICMP) != (family == 4):
        return None
    if reference.icmp_invalid(family, p['proto'], p['icmptype']) or not forward and p['hoplimit'] < 2:
        return None
    if not all(unicast(family, a) for a in (p['saddr'], p['daddr'])):
        return None
    return Packet(came, family, p['saddr'], p['daddr'], p['proto'], p['sport'], p['dport'],
                  p['icmptype'], p['icmpcode'], p['dscp'], 64 if forward else p['hoplimit'],
                  mac=p['smac'] if came in lab.ETHERNET else 0)


def unicast(family, a):
    if generate.ROUTING.is_local(family, a):
        return False
    if family == 4:
        return 1 <= a >> 24 < 224 and a >> 24 != 127
    return a >> 64 > 0xffff and a >> 120 != 255 and not inside([LINK_LOCAL], a) and \
        a >> 32 not in (0, 0xffff)


class Bench(mutation.Bench):
    def __init__(self, fwc, prover):
        self.router = lab.Router()
        super().__init__(fwc, prover, kernel.Kernel(unshare=False))

    def send(self, script, packet, answer):
        """What becomes of the packet under the script."""
        _, error = self.kernel.run('add table inet fwc\ndelete table inet fwc\n' + script)
        if error:
            return error
        target = reference.show_address(packet.family, packet.target)
        size = 32 if packet.family == 4 else 128
        way = f'{target}/{size} dev {number_name(answer.packet["oif"])}' \
            if answer.station == 'filter/forward' else f'local {target}/{size} dev lo'
        ip = ['ip', f'-{packet.family}', 'route']
        subprocess.run(ip + ['replace'] + way.split(), check=True)
        try:
            self.router.forget()
            self.router.flush_connections()
            seen = self.router.send(packet)
            self.router.settle(lambda: seen.out or seen.inward or seen.rejects, 0.004)
        finally:
            subprocess.run(ip + ['del'] + way.split(), check=True)
        if seen.out or seen.inward:
            return 'accept'
        return 'reject' if seen.rejects else 'drop'


class Sample:
    def __init__(self, bench):
        self.bench = bench
        self.counts = dict.fromkeys(['sent', 'left out', 'agree'], 0)

    def expected(self, table, answer):
        """What the packet meets as the first one, or None where other stations come between."""
        packet = dict(answer.packet, fibdaddr=1 if answer.station == 'filter/forward' else 2)
        # what it really arrives by, and from; and no IPsec
        packet.update(secpath=0, rtipsec=0)
        if number_name(packet['iif']) in lab.ETHERNET:
            packet.update(iiftype=listing.ETHER, smac=packet['smac'] or lab.STRANGER)
        else:
            packet.update(iiftype=NO_LINK, smac=0)
        asked = mutation.conditions(table)
        if asked & set(listing.ROUTES.values()):
            return None
        packet['free'] = {text: 'limit ' in text or 'ct count' in text and
                          not text.startswith('ct count over') for text in asked}
        words = [walk.Walk(table, packet).station(s)[0].split()[0].rstrip(';')
                 for s in ('filter/prerouting', 'nat/prerouting', 'filter/postrouting', answer.station)]
        return words[3] if words[:3] == ['accept'] * 3 else None

    def mutant(self, case, kind, line, script):
        text, error = self.bench.kernel.listing(script)
        if error:
            return []
        answer = self.bench.prove(case.policy)
        if answer.said != 'different' or not answer.station or answer.station == 'other':
            return []
        wrong = possible(answer)
        if wrong:
            return [f'{kind}, line {line}: an impossible witness: {wrong}', answer.text]
        packet = sendable(answer)
        says = [engine.verdict_of(answer.verdicts[k]).split(',')[0].split()[0]
                for k in ('policy', 'kernel')]
        other = self.bench.table(text)
        expected = [self.expected(t, answer) for t in (case.original, other)]
        if packet is None or None in expected or expected != says or says[0] == says[1]:
            self.counts['left out'] += 1
            return []
        self.counts['sent'] += 1
        seen = [self.bench.send(s, packet, answer) for s in (case.script, script)]
        if seen == says:
            self.counts['agree'] += 1
            return []
        return [f'{kind}, line {line}: {answer.verdicts["witness"]}: the engine says '
                f'{says[0]}, then {says[1]}; the kernel {seen[0]}, then {seen[1]}']


def run(fwc, options):
    prover = engine.find()
    if not prover:
        return [('witness: the proof engine is not built', None, [])]

    def child():
        sample, results = Sample(Bench(fwc, prover)), []
        for n in range(60 if options.full else 4 * POLICIES):
            if not options.full and n >= POLICIES and sample.counts['sent'] >= ENOUGH:
                break
            seed = f'witness-{options.seed}-{n}'
            path = os.path.join(options.where, f'{seed}.fwc')
            with open(path, 'w', encoding='ascii') as f:
                f.write(generate.policy(seed))
            case, bad = mutation.Case(sample.bench, path), []
            some = list(mutate.mutants(case.script))
            random.Random(seed).shuffle(some)
            for mutant in some[:MUTANTS]:
                bad += sample.mutant(case, *mutant)
            results.append((f'witness: packets of {seed}', not bad, bad[:6]))
        c = sample.counts
        results.append((f'witness: {c["sent"]} packets were sent twice', c['sent'] > 10, [
            f'witness: {c["sent"]} witnesses sent through the kernel, {c["agree"]} agree, '
            f'{c["left out"]} cannot be sent']))
        return results
    return in_child(child)
