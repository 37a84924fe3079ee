# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules at random, of what nft can say about the fields that a policy is about.

No policy leads to most of them, somebody's hand may: put into a compiled script they show whether the
engine reads a listing as the kernel means it. inserted(script, rng) gives scripts with one of them.
"""

import mutate

PORTS = ['22', '53', '80', '443', '8443', '1000-2000', '0-1023', '65535', '5001']
FOUR = ['192.168.1.10', '10.0.0.0/24', '10.0.0.5', '10.0.0.5-10.0.0.20', '0.0.0.0/1', '192.0.2.64/26']
SIX = ['fd00:1::10', 'fd00::/8', 'fe80::/10', '2001:db8::1-2001:db8::ff', '::', '2001:db8::/33']
STATES = ['new', 'established', 'related', 'invalid', 'untracked']
FLAGS = ['syn', 'ack', 'fin', 'rst', 'psh']
REJECTS = ['reject', 'reject with icmpx admin-prohibited', 'reject with icmpx host-unreachable']


class Grammar:
    def __init__(self, script, rng):
        self.script, self.rng = script, rng
        self.names = ['eth0', 'eth1', 'ppp0', 'wg0', 'lo']

    def some(self, of, least=2):
        return self.rng.sample(of, self.rng.randint(least, min(len(of), 4)))

    def value(self, of, sets=True):
        """VALUE, != VALUE, { VALUES }"""
        rng, no = self.rng, self.rng.choice(['', '', '!= '])
        if sets and rng.random() < 0.4:
            return no + '{ ' + ', '.join(self.disjoint(of)) + ' }'
        return no + rng.choice(of)

    def disjoint(self, of):
        """Some that can stand in one set: nft refuses what overlaps."""
        single = [v for v in of if '-' not in v and '/' not in v] or of
        return self.some(single) if len(single) > 1 else single

    def addresses(self):
        family, of = self.rng.choice([('ip', FOUR), ('ip6', SIX)])
        side = self.rng.choice(['saddr', 'daddr'])
        if family == 'ip' and self.rng.random() < 0.15:
            return f'ip {side} & 255.255.0.0 == 10.0.0.0'
        if family == 'ip6' and self.rng.random() < 0.2:
            return f'ip6 {side} & ' + self.rng.choice([
                '::ffff:ffff:ffff:ffff == ::10', '::ffff:ffff:ffff:ffff != ::10', '::ffff == ::10',
                '::ffff:ffff:ffff:ffff:ffff { ::10, ::1:0:0:0:11 }', '::ffff:ffff:ffff:ffff != { ::10, ::11 }'])
        if self.rng.random() < 0.1:
            return f'{family} {side} {self.rng.choice("<>")} {self.rng.choice(of[0:1] + of[2:3])}' \
                if family == 'ip' else f'ip6 {side} > fd00::'
        return f'{family} {side} {self.value(of)}'

    def ports(self):
        proto = self.rng.choice(['tcp', 'tcp', 'udp', 'th', 'sctp'])
        if self.rng.random() < 0.15:
            return f'{proto} dport {self.rng.choice(["<", ">", "<=", ">="])} 1024'
        return f'{proto} {self.rng.choice(["dport", "dport", "sport"])} {self.value(PORTS)}'

    def interfaces(self):
        word = self.rng.choice(['iifname', 'oifname'])
        names = [f'"{n}"' for n in self.names]
        if self.rng.random() < 0.3:
            return f'{word} {self.rng.choice(["", "!= "])}"{self.rng.choice(["eth", "wg", "p"])}*"'
        return f'{word} {self.value(names)}'

    def states(self):
        rng = self.rng
        return 'ct state ' + rng.choice([
            ','.join(self.some(STATES)), '{ ' + ', '.join(self.some(STATES)) + ' }',
            '!= ' + rng.choice(STATES), '== ' + rng.choice(STATES), rng.choice(STATES),
            '!= { ' + ', '.join(self.some(STATES)) + ' }'])

    def status(self):
        return 'ct status ' + self.rng.choice(['dnat', 'snat,dnat', '!= dnat', 'snat'])

    def flags(self):
        rng, a, b = self.rng, *self.rng.sample(FLAGS, 2)
        return 'tcp flags ' + rng.choice([
            a, f'{a},{b}', f'{{ {a}, {b} }}', f'== {a}', f'!= {a}', f'{a} / {a},{b}', f'!= {a} / {a},{b}',
            f'{{ {a} }}', f'& ({a}|{b}) == {a}|{b}', f'& ({a}|{b}) != 0', f'& {a} == 0',
            f'& ({a}|{b}) == 0', f'!= {{ {a}, {a}|{b} }}', f'{a},{b} / {a},{b}', '== 0x0'])

    def icmp(self):
        four = ['echo-request', 'echo-reply', '13', 'destination-unreachable']
        six = ['echo-request', 'nd-neighbor-solicit', '139', 'mld-listener-query']
        kind, of = self.rng.choice([('icmp', four), ('icmpv6', six)])
        return f'{kind} type {self.value(of)}'

    def protocol(self):
        return self.rng.choice([
            'meta nfproto ipv4', 'meta nfproto ipv6', 'meta nfproto != ipv6',
            'meta l4proto ' + self.value(['tcp', 'udp', 'icmp', 'icmpv6', 'sctp', '47', '1-17'])])

    def others(self):
        return self.rng.choice([
            'ip6 hoplimit 255', 'ip6 hoplimit != 255', 'ip6 hoplimit > 64', 'meta mark 7', 'meta mark != 7',
            'meta mark and 0xff == 7', 'meta mark 1-9', 'meta skuid 0', 'meta skuid != { 0, 1000 }',
            'meta secpath exists', 'meta secpath missing', 'meta skgid 0', 'meta skgid != { 0, 8 }', 'ip dscp 46', 'ip6 dscp != 0', 'ip dscp 0', 'icmp code 0',
            'icmp type 13 icmp code 3', 'icmpv6 code != 4', 'icmp type . icmp code { 8 . 0, 13 . 3 }',
            'fib daddr type local', 'fib daddr type != local', 'fib daddr type { local, broadcast }',
            'fib saddr type local', 'fib daddr . iif type local', 'iif 0', 'fib saddr . mark . iif oif missing',
            'fib saddr . mark oif exists', 'limit rate 5/second',
            'limit rate over 5/second burst 7 packets', 'ether saddr 02:00:00:00:00:01',
            'ether saddr != { 02:00:00:00:00:01, 02:00:00:00:00:02 }', 'meta iiftype != 1',
            'ct helper "ftp"', 'ct helper != "sip"'])

    def pair(self):
        """A concatenated match."""
        rng = self.rng
        four, port = self.disjoint(FOUR), self.disjoint(PORTS)
        no = rng.choice(['', '!= '])
        return rng.choice([
            f'ip saddr . tcp dport {no}{{ {four[0]} . {port[0]}, {four[-1]} . {port[-1]} }}',
            f'meta l4proto . th dport {no}{{ tcp . {port[0]}, udp . {port[-1]} }}',
            f'ip daddr . ip saddr {no}{{ 10.0.0.0/24 . {four[0]}, 10.0.1.0-10.0.1.9 . 10.0.0.0/8 }}',
            f'ip saddr & 255.255.255.0 . ip daddr {no}{{ 10.0.0.0 . {four[0]} }}',
            f'iifname . ip saddr {no}{{ "eth0" . {four[0]}, "ppp0" . {four[-1]} }}',
            f'ip saddr . ip daddr {no}{{ 10.0.0.0/24 . 10.0.1.9, 10.0.0.5 . 10.0.0.0/15 }}',
            f'ip6 daddr & ::ffff:ffff:ffff:ffff . tcp dport {no}{{ ::10 . {port[0]}, ::11 . {port[-1]} }}',
            f'ip6 saddr . icmpv6 type {no}{{ fd00:1::10 . echo-request }}',
            f'ct state . tcp dport {no}{{ new . {port[0]}, established . {port[-1]} }}'])

    def match(self):
        return self.rng.choice([
            self.addresses, self.addresses, self.ports, self.ports, self.interfaces, self.states, self.status,
            self.flags, self.flags, self.icmp, self.protocol, self.others, self.pair])()

    # -- verdicts

    def verdict(self, here):
        rng = self.rng
        chains = mutate.targets(self.script, '', here)
        words = ['accept', 'accept', 'drop', 'drop', 'return', 'continue', 'counter'] + REJECTS
        words += [f'jump {c}' for c in chains] + [f'goto {c}' for c in chains]
        return rng.choice(words)

    def vmap(self, here):
        rng = self.rng
        plain = [v for v in (self.verdict(here) for _ in range(9)) if not v.startswith(('re', 'co'))]
        plain = (plain + ['accept', 'drop'])[:3] + ['return', 'continue']
        rng.shuffle(plain)
        a, b = plain[:2]
        cross = [f'10.0.0.0/24 . 10.0.1.9 : {a}', f'10.0.0.5 . 10.0.0.0/15 : {b}']
        rng.shuffle(cross)
        return rng.choice([
            f'ip saddr . ip daddr vmap {{ {", ".join(cross)} }}',
            f'tcp dport vmap {{ 22 : {a}, 80-90 : {b} }}', f'ip saddr vmap {{ 10.0.0.5 : {a}, 10.1.0.0/16 : {b} }}',
            f'iifname vmap {{ "eth0" : {a}, "ppp0" : {b} }}', f'ct state vmap {{ new : {a}, invalid : {b} }}',
            f'meta l4proto vmap {{ tcp : {a}, udp : {b} }}', f'oifname vmap {{ "eth*" : {a}, "wg0" : {b} }}',
            f'ip daddr . tcp dport vmap {{ 192.168.1.10 . 8443 : {a}, 10.0.0.0/8 . 80-90 : {b} }}',
            f'ip6 saddr vmap {{ fd00::/8 : {a}, 2001:db8::1 : {b} }}',
            f'icmp type vmap {{ 8 : {a}, 13 : {b} }}'])

    def rule(self, here):
        words = [self.match() for _ in range(self.rng.choice([0, 1, 1, 2, 2, 3]))]
        helpers = [line.split()[2] for line in self.script.lines if line.strip().startswith('ct helper ')]
        if helpers and self.rng.random() < 0.08:
            return ' '.join(words + [f'ct helper set "{self.rng.choice(helpers)}"'])
        if self.rng.random() < 0.25:
            return ' '.join(words + [self.vmap(here)])
        if self.rng.random() < 0.3:
            words.append('counter')
        return ' '.join(words + [self.verdict(here)])


def inserted(text, rng, count):
    """(kind, line, script) like mutate.mutants(), each with one rule more."""
    script = mutate.Script(mutate.plain(text))
    grammar = Grammar(script, rng)
    for _ in range(count):
        n = rng.choice(script.rules)
        rule = grammar.rule(script.chain_of[n])
        yield 'rule inserted', n + 1, script.changed(n, f'\t\t{rule}\n{script.lines[n]}')
