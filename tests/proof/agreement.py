# SPDX-License-Identifier: GPL-2.0-or-later
"""Who reads what: the manual (the reference evaluator), the listing (the oracle), the kernel (packets), and
`fwc explain` have to say the same of one packet.

Policies and packets are those of tests/diff. Limits are taken as not used up: each packet is the first.
"""

import dataclasses
import importlib.machinery
import importlib.util
import json
import os
import re

import engine
import generate
import lab
import listing
import reference
from journey import Journey
from reference import ICMP, ICMPV6, SELF, TCP, UDP, untracked
from selftest import in_child

generate.LIVING = False         # quotas and times are not read here
CHANGING = {'groups': False}    # nft's JSON has no level of a cgroup

PACKETS = 60            # a policy
REAL = 4                # every so manieth policy sees real packets, too
ASKED = 1 if os.environ.get('FWC_LONG') else 3      # of every so manieth packet fwc explain is asked


def diff_module():
    """tests/diff/run, which has no name to import it by."""
    path = os.path.join(os.path.dirname(reference.__file__), 'run')
    loader = importlib.machinery.SourceFileLoader('diff_run', path)
    spec = importlib.util.spec_from_loader('diff_run', loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def same(a, b):
    """Two fates, whatever their reasons."""
    if 'nowhere' in (a.kind, b.kind):
        return True
    if a.kind != b.kind:
        # this machine's own packets cannot be rejected behind their translation
        return {a.kind, b.kind} == {'drop', 'reject'} and (a.quiet or b.quiet)
    if a.kind == 'reject':
        return a.how == b.how
    if a.kind == 'forward':
        # where the manual leaves a choice its source is one of several
        return (a.out, a.target, a.port) == (b.out, b.target, b.port) and \
            all(any(low <= x and y <= high for low, high in b.source) for x, y in a.source)
    return a.kind == 'drop' or (a.target, a.port) == (b.target, b.port)


def holds(policy, routing):
    """Run-time sets hold what the policy's comments say; no limit is used up; routes are the lab's."""
    def answer(text, packet):
        if text in listing.ROUTES.values():
            back = routing.route(packet.family, packet.source)
            return isinstance(back, str) and (text.startswith('some') or back == packet.interface)
        if '@answers.' in text or text.startswith('a connection with helper '):   # nobody has asked
            return False
        spent = re.match(r'quota (\S+) is used up$', text)
        if spent:
            return policy.used.get(spent[1], 0) + packet.length() > policy.quotas[spent[1]]
        if text.startswith('its connection has labels '):       # it opens one
            return False
        found = re.search(r'@(\w[\w-]*?)(?:\.dns|\.url)?\.v([46])(?:\.bulk)?$', text)
        if not found or found[1] not in policy.dynamic:
            return True
        address = packet.target if 'daddr' in text else packet.source
        family = int(found[2])
        return packet.family == family and \
            reference.inside(policy.dynamic[found[1]][family], address)
    return answer


# ---------------------------------------------------------------- explain

def question(policy, p, where):
    """The packet as `fwc explain` is asked about it, or None where it cannot be.

    where: "@" and the way out, or nothing.
    """
    family = p.family
    source, target = (reference.show_address(family, a) for a in (p.source, p.target))
    if p.hops != 64 or not p.syn or p.invalid or untracked(p) or p.sport in (67, 547) or p.dport == 546:
        return None
    if p.interface is not None and policy.zone_of(p.interface) is None:
        return None
    if p.proto in (TCP, UDP):
        service = f'{"tcp" if p.proto == TCP else "udp"}/{p.dport} from port {p.sport}'
    elif p.proto in (ICMP, ICMPV6):
        service = f'{"icmp" if p.proto == ICMP else "icmpv6"}/{p.type}/{p.code}'
    else:
        service = f'proto/{p.proto}'
    words = f' dscp {p.dscp}' + (' user 0 group 0' if p.interface is None else '')
    return f'{source}@{p.interface or "self"} -> {target}{where} {service}{words}'


def says_self(policy, family, address):
    """X@self for this one address, in a rule or a translation."""
    return any(item.zone == 'self' and not item.negated and item.addresses and
               (address, address) in [tuple(i) for i in item.addresses.get(family, [])]
               for rule in policy.rules + policy.dnat + policy.snat for item in rule.source + rule.target)


def in_other_part(policy, family, address, out):
    """Whether a sub-zone's networks hold it, and the lab's routes lead elsewhere: explain believes the networks."""
    zone = None if out is SELF else policy.zone_of(out)
    return any(z.within and z.within != zone and reference.inside(z.networks[family], address)
               for z in policy.zones.values())


class Answers:
    """What `fwc explain` said, each answer about packets of one way through the machine."""

    def __init__(self, found, policy, packet, known):
        self.found, self.policy, self.packet, self.known = found, policy, packet, known

    def goes(self, answer, out):
        """Whether the answer is about packets that leave by that interface (SELF: stay here)."""
        routed = [step['does'] for step in answer['path'] if step['hook'] == 'routed']
        if self.known or not routed:
            return True
        if out is SELF:
            return 'this machine' in routed[-1] or 'loopback' in routed[-1]
        zone = self.policy.zone_of(out)
        return f'zone {zone} ' in routed[-1] if zone else 'in no zone' in routed[-1]

    def came(self, answer):
        """Interfaces of one zone are one to a policy: which of them is shown does not matter."""
        name, mine = answer['packet']['iif'], self.packet.interface
        if not name or not mine:
            return not name and not mine
        return self.policy.zone_of(name) == self.policy.zone_of(mine)

    def has(self, fate, out):
        """Whether one of them is this fate, in verdict and line."""
        kinds = {'forward': ['accept'], 'self': ['accept'], 'drop': ['drop'],
                 'reject': ['reject', 'drop'] if fate.quiet else ['reject']}
        lines = {fate.line}
        if fate.why == 'answer to what is not tracked':      # by no rule; explain names what it answers to
            lines = {rule.line for rule in self.policy.untracked}
        for answer in self.found:
            line = int((answer['line'] or ':0').rpartition(':')[2])
            if self.came(answer) and self.goes(answer, out) and \
                    answer['fate'] in kinds[fate.kind] and line in lines:
                return True
        return False

    def lines(self):
        return [f'    explain: {a["text"]}: {a["fate"]} at {a["line"]}' for a in self.found[:8]]


# ---------------------------------------------------------------- one policy

class Case:
    def __init__(self, bench, routing, fwc, explain):
        self.bench, self.routing, self.fwc, self.explain = bench, routing, fwc, explain
        self.counts = dict.fromkeys(['packets', 'real', 'explained'], 0)

    def run(self, seed, real):
        """Lines about what does not agree."""
        generate.CHANGING = CHANGING
        text = generate.policy(seed)
        error = self.bench.load(text)
        if error:
            return [f'seed {seed}: {error}']
        policy = reference.parse(text)
        self.explain_then(policy)
        packets = generate.packets(policy, seed, PACKETS)
        shown = self.listing()
        journey = Journey(shown, self.routing, holds(policy, self.routing))
        seen = self.bench.send(packets) if real else None
        if real:
            self.bench.wrong(policy, packets, seen)         # waits until all is there
        bad, whole = [], reference.Evaluator(policy, self.routing)
        for n, p in enumerate(packets):
            asked = self.explain and n % ASKED == 0
            if seen and any(f.why == 'answer' for f in whole.fate(p)):
                seen[n] = None                              # the listing does not know who has asked
            bad += [f'seed {seed}: {line}' for line in
                    self.packet(policy, journey, p, seen[n] if real else None, asked)]
        return bad

    def explain_then(self, policy):
        if self.explain:
            self.explain.env = {'SOURCE_DATE_EPOCH': str(policy.second), 'TZ': policy.zone} if policy.second else {}

    def listing(self):
        import subprocess
        done = subprocess.run(['nft', '-j', '-a', '-n', '-y', 'list', 'table', 'inet', 'fwc'], text=True,
                              capture_output=True, check=True, env={**os.environ, 'TZ': 'UTC'})
        return listing.Reader(json.loads(done.stdout)['nftables'])

    def packet(self, policy, journey, p, seen, asked):
        policy.enter(p.stage)
        mine = journey.fates(p)
        manual = reference.Evaluator(policy, self.routing).fate(p)
        words = {'manual': manual, 'listing': mine}
        shown = [f'    {who}: ' + ', or '.join(sorted({f.show(p.family) for f in some}))
                 for who, some in words.items()]
        self.counts['packets'] += 1
        bad = []
        if not any(same(a, b) for a in mine for b in manual):
            bad += [f'{p}: the listing is not what the manual says'] + shown
        if seen is not None and not policy_limits(policy):
            self.counts['real'] += 1
            ports = {f.ports for f in manual}       # the journey does not follow these
            if not any(self.agrees(dataclasses.replace(f, ports=some), p, seen) for f in mine for some in ports):
                bad += [f'{p}: the kernel: {seen.show(p.family)}'] + shown
        return bad + (self.explains(policy, journey, p, manual) if asked else [])

    def explains(self, policy, journey, p, manual):
        to = journey.sent_to(p)
        if manual[0].why in ('route', 'loose'):     # a question takes for granted that routes lead back
            return []
        if manual[0].why in ('early', 'networks'):
            to = [p.target]
        ways = [(f, self.routing.route(p.family, t)) for f, t in zip(manual, to)]
        if len(to) != len(manual) or any(f.kind == 'nowhere' or out is None for f, out in ways):
            return []
        # Where the policy says of a target that it is this machine's (X@self), that is the answer, whatever the
        # lab's routes have.
        if any(out is not SELF and says_self(policy, p.family, t) for (_, out), t in zip(ways, to)):
            return []
        if any(in_other_part(policy, p.family, t, out) for (_, out), t in zip(ways, to)):
            return []
        where, out = '', ways[0][1]
        if self.routing.route(p.family, p.target) is SELF:
            where = '@self'
        elif to == [p.target]:
            where = '@self' if out is SELF else f'@{out}' if policy.zone_of(out) else ''
        asked = question(policy, p, where)
        if not asked:
            return []
        self.counts['explained'] += 1
        found, error = self.explain.ask(asked, os.path.join(self.bench.dir, 'policy.fwc'))
        answers = Answers(found, policy, p, bool(where) or to != [p.target])
        if not error and any(answers.has(f, f.out or out) for f, out in ways):
            return []
        return [f'{p}: fwc explain {asked!r}: {error or "no such answer"}'] + answers.lines() + \
            ['    manual: ' + ', or '.join(f.show(p.family) for f in manual)]

    agrees = staticmethod(lambda *a: True)


def policy_limits(policy):
    return policy.in_turn() or any(rule.limit is not None or rule.quota for rule in policy.rules)


def run(fwc, _shipped, options):
    count = 400 if options.full else 40
    explain = engine.Explain(fwc)
    explain = explain if explain.there() else None

    def child():
        diff = diff_module()
        diff.FWC = fwc
        bench, results = diff.Bench(), []
        case = Case(bench, lab.routing(), fwc, explain)
        case.agrees = diff.agrees
        try:
            seeds = [f'agree-{options.seed}-{n}' for n in range(count)]
            for n, seed in enumerate(seeds + [f'changing-{seed}' for seed in seeds[:count // 5]]):
                bad = case.run(seed, n % REAL == 0)
                results.append((f'agreement: policy {seed}', not bad, bad[:12]))
        finally:
            bench.close()
        c = case.counts
        results.append((f'agreement: {c["packets"]} packets, {c["real"]} of them real', True,
                        [f'agreement: {count} policies, {c["packets"]} packets by manual and listing, '
                         f'{c["real"]} of them through the kernel, {c["explained"]} by fwc explain']))
        return results
    found = in_child(child)
    if not explain:
        found.append(('agreement: no fwc explain yet', None, []))
    return found
