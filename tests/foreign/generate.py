# SPDX-License-Identifier: GPL-2.0-or-later
"""Rulesets as nobody would write them, of all that decides about a packet by what the packet and its connection
are: tables of several families, chains at several hooks, jumps, sets, maps, marks, translations.

The same seed makes the same ruleset. What nft refuses of it is left out by who loads it, line by line.
"""

V4 = ['10.0.0.2', '10.0.0.66', '10.0.0.1', '10.0.1.1', '10.0.1.9', '10.8.0.2', '192.168.122.9', '10.0.1.200']
V4_MANY = ['10.0.0.0/25', '10.0.0.64/26', '10.0.0.0/16', '10.8.0.0/24', '10.0.0.2-10.0.0.70', '10.0.1.0/28',
           '10.0.1.5-10.0.1.250', '0.0.0.0/1', '128.0.0.0/1']
V6 = ['fd00:a::2', 'fd00:a::1', 'fd00:b::9', 'fd00:c::2', 'fd00:b::1']
V6_MANY = ['fd00:a::/64', 'fd00:b::/63', 'fd00:a::-fd00:a::5', 'fd00::/15', '::/1']
PORTS = ['22', '53', '80', '443', '8080', '40000-50000', '1-79', '80-90', '53-60']
INTERFACES = ['"eth0"', '"eth1"', '"wg0"', '"eth*"', '"lo"', '"eth10"']
MARKS = ['0x0', '0x1', '0x2', '0x10', '0x12', '0x40000']
MASKS = ['0xf', '0xf0', '0xff0000', '0x3']
STATES = ['new', 'established', 'related', 'invalid', 'untracked']
FLAGS = ['syn', 'ack', 'rst', 'fin']
HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting']
PRIORITIES = ['-180', '-150', '-90', '-10', '0', '0', '5', '50', '120', '300']


class Ruleset:
    def __init__(self, rng):
        self.rng, self.out = rng, []

    def some(self, values, most=4):
        return self.rng.sample(values, self.rng.randint(1, min(most, len(values))))

    def braces(self, values, most=4):
        return '{ ' + ', '.join(self.some(values, most)) + ' }'

    def chance(self, of):
        return self.rng.random() < of

    def pick(self, *choices):
        return self.rng.choice(choices)

    # -- matches

    def value(self, ones, many, sets):
        """What one field is compared with."""
        kind = self.rng.random()
        if kind < .15 and sets:
            return '@' + self.rng.choice(sets)
        if kind < .35:
            return self.braces(ones)
        if kind < .5:
            return self.braces(many, 2) if self.chance(.5) else self.rng.choice(many)
        return self.rng.choice(ones)

    def operator(self):
        return self.pick('', '', '', '!= ')

    def address(self, v6=False):
        word = self.pick('saddr', 'daddr')
        ones, many = (V6, V6_MANY) if v6 else (V4, V4_MANY)
        if self.chance(.06):
            return f'{"ip6" if v6 else "ip"} {word} {self.pick("<", ">", "<=", ">=")} {self.rng.choice(ones)}'
        return f'{"ip6" if v6 else "ip"} {word} {self.operator()}{self.value(ones, many, self.sets["v6" if v6 else "v4"])}'

    def port(self):
        proto, word = self.pick('tcp', 'udp', 'udp', 'th'), self.pick('dport', 'dport', 'sport')
        before = f'meta l4proto {self.braces(["tcp", "udp"], 2)} ' if proto == 'th' else ''
        if self.chance(.1):
            return f'{before}{proto} {word} {self.pick("<", ">", "<=", ">=")} {self.pick("53", "80", "443")}'
        return f'{before}{proto} {word} {self.operator()}{self.value(PORTS[:5], PORTS, self.sets["port"])}'

    def mark(self):
        which = self.pick('meta mark', 'meta mark', 'ct mark')
        if self.chance(.4):
            mask = self.rng.choice(MASKS)
            return f'{which} & {mask} {self.pick("==", "!=")} {self.rng.choice(MARKS)}'
        if self.chance(.2):
            return f'{which} {self.pick("0x0-0x5", "0x10-0x20", "!= 0x1-0xff")}'
        return f'{which} {self.operator()}{self.value(MARKS, MARKS, [])}'

    def interface(self):
        return f'{self.pick("iifname", "iifname", "oifname")} {self.operator()}{self.value(INTERFACES, INTERFACES, self.sets["if"])}'

    def concatenation(self):
        kind = self.rng.randrange(4)
        proto = self.pick('tcp', 'udp')
        if kind == 0:
            return f'ip saddr . {proto} dport {self.operator()}' + \
                self.braces([f'{a} . {p}' for a in V4 for p in PORTS[:5]])
        if kind == 1:
            return f'ip saddr . {proto} dport ' + self.braces([f'{a} . {p}' for a in V4_MANY[:7] for p in PORTS], 3)
        if kind == 2:
            return 'iifname . ip daddr ' + self.braces([f'{i} . {a}' for i in INTERFACES[:3] for a in V4])
        return 'meta l4proto . th dport ' + self.braces([f'{l} . {p}' for l in ('tcp', 'udp') for p in PORTS[:5]])

    def other(self):
        return self.rng.choice([
            f'meta l4proto {self.operator()}{self.pick("tcp", "udp", "icmp", "ipv6-icmp")}',
            f'ip protocol {self.operator()}{self.pick("tcp", "udp", "icmp")}',
            f'meta nfproto {self.pick("ipv4", "ipv6")}',
            f'ct state {self.operator()}{",".join(self.some(STATES, 3))}',
            f'ct state {self.braces(STATES, 3)}',
            f'tcp flags {self.pick("syn", "ack", "syn / syn,ack", "& (syn|ack) == syn", "!= syn", "{ syn, ack }")}',
            f'icmp type {self.operator()}{self.pick("echo-request", "echo-reply", "13")}',
            f'icmpv6 type {self.pick("echo-request", "{ 128, 129 }")}',
            f'ip dscp {self.operator()}{self.pick("cs0", "cs1", "0x12")}',
            f'ip ttl {self.pick("64", "< 64", "> 10", "1-5", "!= 63", "63")}',
            f'meta length {self.pick("< 40", "20-60", "> 48", "!= 36")}',
            f'fib daddr type {self.pick("local", "unicast", "!= local")}',
            f'fib saddr type {self.pick("local", "unicast")}',
            f'ether saddr {self.operator()}02:00:00:00:00:0{self.pick("2", "3")}',
            f'iif {self.pick("eth0", "eth1", "lo")}', f'oif {self.operator()}{self.pick("eth1", "wg0")}',
            f'ct direction {self.pick("original", "reply")}',
            f'meta skuid {self.pick("0", "1-1000")}',
            f'tcp sport . tcp dport {self.braces(["40000-50000 . 22", "40000-65535 . 80-90", "1 . 1-80"], 2)}',
            'meta pkttype host', '@nh,96,32 0x0a000002'])

    def match(self, family):
        makers = [self.port, self.port, self.mark, self.interface, self.other, self.other, self.concatenation]
        if family in ('ip', 'inet'):
            makers += [self.address] * 3
        if family in ('ip6', 'inet'):
            makers += [lambda: self.address(True)]
        return self.rng.choice(makers)()

    # -- what is done

    def mark_made(self, family):
        """Of a mark: copied, flipped, shifted; of what a map has for the packet."""
        mark = self.pick('meta mark', 'ct mark')
        if self.chance(.4):
            values = ', '.join(f'{k} : {self.rng.choice(MARKS)}' for k in self.some(MARKS, 4))
            ports = ', '.join(f'{k} : {self.rng.choice(MARKS)}' for k in self.some(PORTS[:5], 4))
            hosts = ', '.join(f'{k} : {self.rng.choice(MARKS)}' for k in self.some(V6 if family == 'ip6' else V4, 4))
            return self.pick(f'{mark} map {{ {values} }}', f'udp dport map {{ {ports} }}',
                             f'{"ip6" if family == "ip6" else "ip"} saddr map {{ {hosts} }}')
        return self.pick(mark, f'{mark} ^ {self.rng.choice(MARKS)}', f'{mark} & {self.rng.choice(MASKS)}',
                         f'{mark} << {self.pick(1, 4, 8, 31)}', f'{mark} >> {self.pick(1, 4, 8)}',
                         f'{mark} << {self.pick(1, 4, 8)} | {self.rng.choice(MARKS)}',
                         f'{mark} & {self.rng.choice(MASKS)} ^ {self.rng.choice(MARKS)}')

    def sets_mark(self, family):
        which = self.pick('meta mark', 'meta mark', 'ct mark')
        if self.chance(.4):
            return f'{which} set {self.mark_made(family)}'
        if self.chance(.35):
            mask = self.rng.choice(MASKS)
            keep = 0xffffffff ^ int(mask, 0)
            return f'{which} set {which} & {keep:#x} | {int(self.rng.choice(MARKS), 0) & int(mask, 0):#x}'
        return f'{which} set {self.rng.choice(MARKS)}'

    def verdict(self, further):
        return self.pick('accept', 'drop', 'drop', 'return', 'continue', *[f'jump {c}' for c in further],
                         *[f'goto {c}' for c in further])

    def looked_up(self, further):
        """A verdict map."""
        kind = self.rng.randrange(6)
        keys, many = {0: ('ip saddr', V4 + V4_MANY[:1]), 1: ('udp dport', PORTS[:5]), 2: ('iifname', INTERFACES[:3]),
                      3: ('meta mark', MARKS), 4: ('ct state', STATES[:4]),
                      5: ('ip daddr . meta l4proto', [f'{a} . {l}' for a in V4 for l in ('tcp', 'udp')])}[kind]
        return f'{keys} vmap {{ ' + ', '.join(f'{k} : {self.verdict(further)}' for k in self.some(many, 5)) + ' }'

    def rule(self, family, further, quiet):
        matches = [self.match(family) for _ in range(self.pick(0, 1, 1, 1, 2, 2, 3) if not quiet else self.pick(1, 1, 2))]
        if self.chance(.12):
            return ' '.join(matches + [self.looked_up(further)])
        if self.chance(.25):
            words = [self.sets_mark(family)]
            if self.chance(.25):
                words.append(self.sets_mark(family))
            if self.chance(.2):
                words.append(self.match(family))
            if self.chance(.3):
                words.append(self.verdict(further))
            return ' '.join(matches + words)
        if self.chance(.04):
            return ' '.join(matches + ['notrack' if self.chance(.2) else 'counter'])
        end = self.pick('reject', 'reject with tcp reset') if self.chance(.05) and not quiet else self.verdict(further)
        if not matches and not end.startswith(('jump', 'goto', 'continue')):
            matches = [self.match(family)]
        return ' '.join(matches + self.pick([], [], ['counter']) + [end])

    # -- the whole

    def table(self, number, family):
        rng = self.rng
        self.sets = {'v4': ['a4', 'b4'] if family != 'ip6' else [], 'v6': ['a6'] if family != 'ip' else [],
                     'port': ['ports'], 'if': ['links']}
        out = [f'table {family} t{number} {{']
        if family != 'ip6':
            out += [f'set a4 {{ type ipv4_addr; elements = {self.braces(V4, 5)}; }}',
                    f'set b4 {{ type ipv4_addr; flags interval; auto-merge; elements = {self.braces(V4 + V4_MANY, 5)}; }}']
        if family != 'ip':
            out += [f'set a6 {{ type ipv6_addr; flags interval; auto-merge; elements = {self.braces(V6 + V6_MANY, 4)}; }}']
        out += [f'set ports {{ type inet_service; flags interval; auto-merge; elements = {self.braces(PORTS, 4)}; }}',
                f'set links {{ type ifname; elements = {self.braces([i for i in INTERFACES if "*" not in i], 3)}; }}']
        count = rng.randint(0, 3)
        names = [f'c{i}' for i in range(count)]
        for i in reversed(range(count)):            # a chain leads to later ones only
            out += [f'chain c{i} {{'] + [self.rule(family, names[i + 1:], False) for _ in range(rng.randint(1, 5))] + ['}']
        for i in range(rng.randint(1, 3)):
            hook = rng.choice(HOOKS)
            policy = 'drop' if self.chance(.08) else 'accept'
            out += [f'chain b{i} {{', f'type filter hook {hook} priority {rng.choice(PRIORITIES)}; policy {policy};']
            out += [self.rule(family, names, False) for _ in range(rng.randint(1, 7))] + ['}']
        if family != 'ip6' and self.chance(.25):
            out += ['chain nat {', 'type nat hook prerouting priority -100; policy accept;']
            for _ in range(rng.randint(1, 3)):
                out += [f'{self.pick("udp", "tcp")} dport {self.pick("53", "80", "443", "{ 22, 8080 }")} ' +
                        self.pick('', self.address() + ' ') +
                        self.pick('redirect to :8080', 'dnat ip to 10.0.1.9', 'dnat ip to 10.0.1.9:22', 'accept')]
            out += ['}']
        return out + ['}']


def ruleset(rng):
    """The lines of a script."""
    r, out = Ruleset(rng), []
    for number in range(rng.choice([1, 1, 2, 3])):
        out += r.table(number, rng.choice(['inet', 'inet', 'ip', 'ip', 'ip6']))
    return out


def packets(rng, count):
    """As tests/dumps has them: {key: text}."""
    out = []
    for _ in range(count):
        p = {'proto': rng.choice(['udp', 'udp', 'tcp', 'tcp', 'icmp', 'icmpv6'])}
        v6 = p['proto'] == 'icmpv6' or p['proto'] != 'icmp' and rng.random() < .25
        p['from'] = rng.choice(['eth0', 'eth0', 'eth0', 'wg0', 'self'])
        if v6:
            p['src'] = {'eth0': 'fd00:a::2', 'wg0': 'fd00:c::2', 'self': 'fd00:a::1'}[p['from']]
            p['dst'] = rng.choice(['fd00:b::9'] + ['fd00:a::1', 'fd00:b::1'] * (p['from'] != 'self'))
        else:
            p['src'] = {'eth0': rng.choice(['10.0.0.2', '10.0.0.66']), 'wg0': '10.8.0.2', 'self': '10.0.0.1'}[p['from']]
            p['dst'] = rng.choice(['10.0.1.9', '10.0.1.200'] + ['10.0.0.1', '10.0.1.1'] * (p['from'] != 'self'))
        if p['proto'] == 'icmp':
            p['type'] = rng.choice(['8', '13'])
        elif p['proto'] == 'icmpv6':
            p['type'] = '128'
        else:
            p['dport'] = rng.choice(['22', '53', '80', '85', '443', '8080'])
            if rng.random() < .2:
                p['state'] = rng.choice(['established', 'original'])
        if rng.random() < .3 and p['from'] != 'self':
            p['mark'] = rng.choice(MARKS)
        if rng.random() < .15 and p.get('state', 'new') == 'new':
            p['ctmark'] = rng.choice(MARKS[1:])
        if p['proto'] == 'tcp' and rng.random() < .15 and 'state' not in p:
            p['flags'] = rng.choice(['ack', 'syn+ack', 'fin+syn'])
        if rng.random() < .15 and not v6:
            p.update(rng.choice([{'ttl': '5'}, {'dscp': '8'}, {'ttl': '63'}]))
        out.append(p)
    return out
