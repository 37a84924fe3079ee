#!/usr/bin/python3
"""Random small policies, and the packets that stand at the edges of what they say.

Everything comes from one seed.  Addresses and ports of a policy are drawn from a few centres, so that its rules
overlap, nest and touch; packets are drawn from the edges of what the policy (as the reference read it) names.

    generate.py SEED        prints the policy of that seed and its packets
"""

import os
import random
import re
import sys
from dataclasses import replace

import changing
import lab
import worded
from reference import (FAMILIES, ICMP, ICMPV6, LINK_LOCAL, MAX, MANY, ND, SELF, TCP, UDP, Guard, Packet, icmp_invalid,
                       parse, parse_address, show_address)

VERBS = ('allow', 'drop', 'reject')
ROUTING = lab.routing()

# Where policies and packets put their addresses: networks of the lab by interface, and a few without one.
PLACES = {
    4: {'eth0': ['10.0.0.0/24'], 'eth1': ['10.0.1.0/24', '10.0.4.0/23'], 'wg0': ['10.0.2.0/24'],
        'wg1': ['10.0.3.0/24', '10.8.0.0/16'], 'ppp0': ['198.51.100.0/24', '192.0.2.0/24', '240.0.0.0/4', '8.0.0.0/8'],
        'ppp1': ['203.0.113.0/24']},
    6: {'eth0': ['fd00:0:0:a::/64'], 'eth1': ['fd00:0:0:b::/64'], 'wg0': ['fd00:0:0:c::/64'],
        'wg1': ['2001:db8:0:d::/64', 'fd00:8::/32'], 'ppp0': ['2001:db8:0:f::/64', '2001:db8:1::/48', 'f000::/5'],
        'ppp1': ['fd00:0:0:e::/64']},
}
PORTS = [1, 22, 25, 53, 67, 80, 123, 443, 1023, 1024, 5000, 8080, 32767, 39999, 65535]
SERVICE_NAMES = ['ssh', 'smtp', 'dns', 'http', 'https', 'http3', 'ntp', 'dhcp', 'ping', 'ftp', 'tftp']
CODES = ['icmp/8/0', 'icmp/echo-request/1', 'icmpv6/128/0', 'icmp/13/3', 'icmpv6/echo-request/3']
ICMP_SERVICES = ['icmp', 'icmpv6', 'icmp/echo-request', 'icmp/timestamp-request', 'icmp/8', 'icmpv6/128',
                 'icmpv6/echo-request', 'icmp/13', 'icmpv6/139', 'icmpv6/133']
PROTOCOLS = ['proto/gre', 'proto/esp', 'proto/ospf', 'proto/253', 'proto/47', 'proto/89']

# Source ports are the lab's own: one a packet, never a port that a policy names.
STATIONS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03', 'fe:ff:ff:ff:ff:fe']

FIRST_SPORT, LAST_SPORT = 40000, 64999


def rng_family(rng):
    return rng.choice([4, 4, 6])


def network(text):
    _, low, high = parse_address(text)
    return low, high


def centre(rng, family, interface=None):
    """An address of the lab, near the start of its network more often than not."""
    interface = interface or rng.choice(sorted(PLACES[family]))
    low, high = network(rng.choice(PLACES[family][interface]))
    if rng.random() < 0.7:
        return low + rng.choice([0, 1, 2, 5, 7, 8, 9, 15, 16, 31, 100, 127, 128])
    return rng.randint(low, high)


# ---------------------------------------------------------------- policies

OFFLOAD = True                  # the proof's own tests leave it out: not every kernel has flowtables
CHANGING = {}                   # which of what changes by itself, for changing.add()
LIVING = bool(os.environ.get("FWC_LONG"))  # quotas and times; the tests of the proof do not read them
SUFFIX = True                   # its oracle and mutations this: their diagrams would have an interval for each network


class Writer:
    """One random policy as text."""

    def __init__(self, rng, changing_rng, worded_rng=None):
        self.rng, self.changing_rng, self.worded_rng = rng, changing_rng, worded_rng
        self.lines = []
        self.zones = {}                 # name -> interfaces of the lab in it
        self.groups = []                # of zones
        self.members = {}               # their names
        self.parts = []                 # sub-zones
        self.own = []                   # ... of this machine: FROM only
        self.networks = []              # what zones have
        self.guarded = []               # zones that have some
        self.names = []                 # hosts and sets
        self.hosts = []                 # (name, families)
        self.services = []
        self.limits = []
        self.stations = []              # hosts that are no address of IP alone
        self.unread = []
        self.centres = {f: [centre(rng, f) for _ in range(rng.randint(2, 6))] for f in FAMILIES}
        self.four = rng.choice([1.0, 0.0, 0.5, 0.5, 0.6])       # share of IPv4 in this policy

    def chance(self, p):
        return self.rng.random() < p

    # -- words

    def family(self):
        return 4 if self.chance(self.four) else 6

    def base(self, family, zone=None):
        interfaces = self.zones.get(zone)
        if interfaces and self.chance(0.7):
            return centre(self.rng, family, self.rng.choice(interfaces))
        return self.rng.choice(self.centres[family])

    def address(self, zone=None, family=None):
        """An address, prefix or range."""
        rng, family = self.rng, family or self.family()
        base, bits = self.base(family, zone), 32 if family == 4 else 128
        shape = rng.random()
        if shape < 0.45:
            return show_address(family, base)
        if shape < 0.8:
            if family == 4:
                length = rng.choice([0, 1, 8, 16, 20, 22, 23, 24, 24, 25, 26, 27, 28, 29, 30, 31, 32])
            else:
                length = rng.choice([0, 3, 7, 16, 32, 48, 60, 63, 64, 64, 65, 96, 120, 124, 126, 127, 128])
            return f'{show_address(family, base >> (bits - length) << (bits - length))}/{length}'
        low = max(0, base - rng.choice([0, 1, 3, 16, 255, 256, 65537]))
        high = min(MAX[family], base + rng.choice([0, 1, 2, 7, 8, 255, 256, 300, MAX[family]]))
        if low == high:
            return show_address(family, low)
        return f'{show_address(family, low)}-{show_address(family, high)}'

    def host_address(self, zone=None, family=None):
        family = family or self.family()
        return show_address(family, self.base(family, zone))

    def port(self):
        return min(39999, max(1, self.rng.choice(PORTS) + self.rng.choice([0, 0, 0, -1, 1]))) \
            if self.chance(0.95) else 65535

    def service(self, ports_only=False):
        rng, shape = self.rng, self.rng.random()
        if shape < 0.5 or ports_only and shape > 0.72:
            return f'{rng.choice(["tcp", "udp"])}/{self.port()}'
        if shape < 0.72:
            low = self.port()
            high = min(65535, low + rng.choice([1, 2, 10, 1000, 65535]))
            return f'{rng.choice(["tcp", "udp"])}/{low}-{high}' if low < high else f'tcp/{low}'
        if shape < 0.82:
            return rng.choice(self.services or SERVICE_NAMES)
        if shape < 0.86:
            return rng.choice(['tcp', 'udp'])
        if shape < 0.95 and self.chance(0.15):
            return rng.choice(CODES)
        return rng.choice(ICMP_SERVICES if shape < 0.95 else PROTOCOLS)

    def service_list(self, most=4):
        out = []
        for _ in range(self.rng.choice([1, 1, 1, 2, 2, most])):
            word = self.service()
            if word.startswith('tcp/') and self.chance(0.08):
                word = word.replace('tcp/', 'tcp+udp/')
            if out and '/' in out[-1] and self.chance(0.3):         # of the protocol before it
                proto, rest = (out[-1].partition('/')[0], word.partition('/')[2])
                if proto in ('tcp', 'udp', 'tcp+udp') and rest[:1].isdigit() and word.startswith(('tcp', 'udp')):
                    out.append(f'{proto}/{rest}')
                    continue
            out.append(word)
        return self.shortened(out) if self.chance(0.97) else 'tcp+udp'

    @staticmethod
    def shortened(words):
        """tcp/22, tcp/80: the second without its protocol."""
        short = []
        for n, word in enumerate(words):
            proto, slash, rest = word.partition('/')
            same = n and slash and words[n - 1].startswith(proto + '/') and rest[0].isdigit()
            short.append(rest if same and proto in ('tcp', 'udp', 'tcp+udp') and (n + len(words)) % 3 else word)
        return ', '.join(short)

    def only_ports(self, services):
        first = [w for w in services.split(', ') if not w[0].isdigit()]
        return bool(first) and all(w.startswith(('tcp/', 'udp/', 'tcp+udp')) or w in ('tcp', 'udp') for w in first)

    def matching(self, services, p=0.05, families=True):
        """Words behind the services: source ports, of the range that packets of the lab have, and the family."""
        rng, out = self.rng, ''
        if services and self.chance(p) and self.only_ports(services):
            cuts = sorted(rng.sample(range(FIRST_SPORT, LAST_SPORT), 4))
            out += ' from port ' + rng.choice([f'{FIRST_SPORT}-{cuts[1]}', f'{cuts[1]}-{LAST_SPORT}',
                                               f'{cuts[0]}-{cuts[1]}, {cuts[2]}-{cuts[3]}', f'{cuts[0]}-{cuts[3]}'])
        if families and self.chance(p):
            out += rng.choice([' ipv4', ' ipv6'])
        return out

    def item(self, side, allow_self=True):
        """side is 'from' or 'to'."""
        rng, shape = self.rng, self.rng.random()
        zone = rng.choice(sorted(self.zones))
        if self.groups and self.chance(0.1):
            return rng.choice(self.groups)
        if self.own and side == 'from' and allow_self and self.chance(0.15):
            return rng.choice(self.own)
        if shape < 0.36:
            return zone
        if shape < 0.42 and allow_self:
            return 'self'
        if shape < 0.47:
            return rng.choice(['any', 'any', 'zones'])
        at = rng.choice([zone, zone, zone, 'any', 'zones', 'self' if allow_self else zone])
        if side == 'to' and self.chance(0.05):
            many = rng.choice(['multicast', 'multicast', 'broadcast'])
            negated = '!' if many == 'multicast' and self.chance(0.2) else ''
            return negated + many + rng.choice(['', f'@{zone}', '@any'] + ['@self'] * 2 * allow_self)
        if side == 'from' and self.stations and self.chance(0.12):
            return rng.choice(self.stations) + rng.choice(['', f'@{zone}', f'@{zone}', '@any'])
        name = rng.choice(self.names) if self.names and self.chance(0.35) else self.address(at if at in self.zones else None)
        if shape < 0.60:
            return name
        if self.groups and self.chance(0.1):
            at = rng.choice(self.groups)
        return ('!' if self.chance(0.2) else '') + name + '@' + at

    def suffix(self):
        """The end of some address of the lab, or almost."""
        bits = self.rng.choice([64, 64, 64, 64, 80, 16, 8, 120])
        value = (self.base(6) + self.rng.choice([0, 0, 0, 1])) & (1 << bits) - 1
        return 'suffix ' + show_address(6, value) + (f'/{bits}' if bits != 64 else '')

    def items(self, side, allow_self=True):
        words = [self.item(side, allow_self) for _ in range(self.rng.choice([1, 1, 1, 1, 2, 2, 3]))]
        if self.chance(0.12):
            words[-1] = self.less(allow_self)
        return ', '.join(words)

    def less(self, allow_self):
        """A place but some of what is in it, never all of it."""
        rng, zones = self.rng, sorted(self.zones)
        whole = rng.choice(['any', 'zones', 'zones'])
        most = rng.randint(1, len(zones) - 1) if whole == 'zones' else rng.randint(1, len(zones))
        away = rng.sample(zones, min(most, len(zones)))
        if whole == 'zones' and not {z for z in zones if z not in self.parts} - set(away):
            away = away[:1] if len(zones) - len(self.parts) > 1 else sorted(self.parts)[:1]
        if whole == 'any' and (not allow_self or self.chance(0.5)):
            away = away + ['self'] if self.chance(0.7) else ['self']
        if self.chance(0.25):
            whole = self.address() + '@' + whole
        return f'{whole} but {", ".join(away)}'

    # -- declarations

    def declare_zones(self):
        rng = self.rng
        names = ['lan', 'dmz', 'vpn', 'wan', 'guest']
        shape = rng.choice(['exact', 'exact', 'exact', 'wild', 'override'])
        claims = []                                     # (interface words, interfaces of the lab)
        if shape == 'exact':
            free = sorted(lab.INTERFACES)
            rng.shuffle(free)
            for _ in range(rng.randint(2, 4)):
                take = [free.pop() for _ in range(min(len(free), rng.choice([1, 1, 2])))]
                claims.append((take, take))
        else:
            claims = [(['eth*'], ['eth0', 'eth1']), (['wg*'], ['wg0', 'wg1']), (['ppp*'], ['ppp0', 'ppp1'])]
            if shape == 'override':
                words, have = claims[0]
                one = rng.choice(have)
                claims[0] = words, [i for i in have if i != one]
                claims.append(([one], [one]))
            if self.chance(0.4):
                one = rng.choice(['ppp0', 'ppp1'])
                claims[2] = [one], [one]
            rng.shuffle(claims)
            if self.chance(0.3):
                claims.pop()
        if self.chance(0.15):
            claims[0] = claims[0][0] + ['tun99'], claims[0][1]
        for name, (words, have) in zip(rng.sample(names, len(claims)), claims):
            if not have:
                continue
            self.zones[name] = have
            body = 'interface ' + ', '.join(words)
            if self.chance(0.4):
                nets = [p for i in have for f in FAMILIES for p in PLACES[f][i]]
                nets = rng.sample(nets, rng.randint(1, len(nets)))
                self.networks += nets
                self.guarded.append(name)
                body += '\n    network ' + ', '.join(nets)
            self.lines.append(f'zone {name} {{ {body} }}')
        rest = [i for i in sorted(lab.INTERFACES) if not any(i in have for have in self.zones.values())]
        if rest and self.chance(0.3):
            self.zones['rest'] = rest
            self.lines.insert(rng.randint(0, len(self.lines)), 'zone rest { interface other }')
        if self.chance(0.25):
            self.declare_parts()
        if len(self.zones) > 1 and self.chance(0.3):
            self.members['inner'] = rng.sample(sorted(self.zones), 2)
            self.lines.append('zones inner = ' + ', '.join(self.members['inner']))
            self.groups.append('inner')
            if self.chance(0.4):
                self.members['more'] = self.members['inner'] + [rng.choice(sorted(self.zones))]
                self.lines.append(f'zones more = inner, {self.members["more"][-1]}')
                self.groups.append('more')

    def declare_parts(self):
        """Of zones, nested or not, and of what this machine sends."""
        rng, whole = self.rng, sorted(self.zones)
        for name in rng.sample(['kids', 'teens', 'road', 'blue'], rng.choice([1, 2, 2, 3])):
            of = rng.choice(whole)
            says = [f'network {", ".join(self.address(of) for _ in range(rng.choice([1, 1, 2])))}']
            if name == 'road':
                says = ['ipsec'] + says * self.chance(0.5)
            if name == 'blue':
                says = [rng.choice(['mark 0/1', 'mark 1', 'mark 0x200/0xff00', 'mark 0x3/0xff'])] + says * self.chance(0.3)
            self.lines.append(f'zone {name} {{ within {of}; {"; ".join(says)} }}')
            self.zones[name] = self.zones[of]
            self.parts.append(name)
        if self.chance(0.4):
            self.own.append('me')
            says = rng.choice(['user 0', 'user 12345', 'group 0', 'user 0; group 12345', f'network {self.address()}'])
            self.lines.append(f'zone me {{ within self; {says} }}')

    def declare_names(self):
        rng = self.rng
        for i in range(rng.choice([0, 1, 2, 3])):
            zone = rng.choice(sorted(self.zones))
            families = rng.choice([(4,), (6,), (4, 6), (4, 6)])
            self.lines.append(f'host host{i} = ' + ', '.join(self.host_address(zone, f) for f in families))
            self.hosts.append((f'host{i}', families))
            self.names.append(f'host{i}')
        for i in range(rng.choice([0, 0, 0, 1, 2]) if SUFFIX else 0):    # no targets
            parts = [self.suffix()] + [self.host_address(family=4)] * self.chance(0.5) + [self.suffix()] * self.chance(0.2)
            rng.shuffle(parts)
            self.lines.append(f'host end{i} = ' + ', '.join(parts))
            self.names += [f'end{i}'] * 2
        for i in range(rng.choice([0, 0, 0, 1, 2])):
            parts = rng.sample(STATIONS, rng.choice([1, 1, 2])) + [self.host_address()] * self.chance(0.4) + \
                self.stations[:1] * self.chance(0.3)
            rng.shuffle(parts)
            self.lines.append(f'host station{i} = ' + ', '.join(parts))
            self.stations.append(f'station{i}')
        if self.stations:
            self.stations.append(rng.choice(STATIONS))
        for i in range(rng.choice([0, 0, 1, 2, 3])):
            parts = []
            for _ in range(rng.choice([1, 2, 3, 5, 8])):
                parts.append(rng.choice(self.names) if self.names and self.chance(0.2) else self.address())
            for _ in range(rng.choice([0, 0, 0, 1, 2])):
                parts.append('!' + self.address())
            if SUFFIX and self.chance(0.15):
                parts.insert(0, self.suffix())
            if SUFFIX and self.chance(0.1):
                parts.append('!' + self.suffix())
            self.lines.append(f'set set{i} = ' + ', '.join(parts))
            self.names.append(f'set{i}')
        if self.chance(0.12):                           # filled by hand once the ruleset is loaded
            kind = rng.randrange(3)                     # the kernel cannot change the kind of a set it holds
            name = f'seen{kind}'
            self.lines.append(f'set {name} = dynamic' + ['', ', timeout 1h', ', timeout 1h, size 1024'][kind])
            some = {self.host_address() for _ in range(rng.randint(1, 6))}
            self.lines.append(f'# elements {name} ' + ', '.join(sorted(some)))
            self.names.append(name)
        for i in range(rng.choice([0, 0, 0, 1, 2])):
            self.limits.append(f'budget{i}')
            self.lines.append(f'limit budget{i} = 1/day burst {rng.randint(1, 5)}{self.per()}')
        for which in ('invalid', 'unmatched'):
            if self.chance(0.1):
                self.lines.append(f'log {which}{self.log()[4:]}')
        if self.chance(0.12):                           # the same, of networks, which may overlap
            kind = rng.randrange(2)
            self.lines.append(f'set nets{kind} = dynamic, prefixes' + ['', ', timeout 1d'][kind])
            some = {self.address() for _ in range(rng.randint(1, 6))}
            self.lines.append(f'# elements nets{kind} ' + ', '.join(sorted(some)))
            self.names.append(f'nets{kind}')
        for i in range(rng.choice([0, 0, 1, 2])):
            services = self.service_list(5)
            words = self.matching(services, 0.15).partition(' ipv')[0]
            self.lines.append(f'service svc{i} = {services}{words}')
            self.services.append(f'svc{i}')

    # -- rules

    def verb(self):
        return self.rng.choice(['allow', 'allow', 'allow', 'drop', 'reject'])

    def qualifiers(self):
        out = ''
        if self.chance(0.06):
            out += self.log()
        if self.chance(0.04):
            out += self.limit()
        if self.chance(0.02):
            out += ' max 1000 connections' + self.per()
        gated = ' limit ' in out or ' max ' in out
        if self.chance(0.03):
            out += self.change()
        if gated and self.chance(0.5):
            out += ' else ' + self.rng.choice(['allow', 'drop', 'reject'])
            out += self.log() if self.chance(0.3) else ''
            out += self.change() if self.chance(0.2) else ''
        return out

    def log(self):
        return ' log' + self.rng.choice(['', ' "tag"', ' at 3/minute', ' "tag" at 1/hour burst 9 level info', ' nflog 5'])

    def per(self):
        return self.rng.choice(['', '', ' per source', ' per source /24, /64', ' per source /16, /128'])

    def limit(self):
        if self.limits and self.chance(0.5):
            return ' limit ' + self.rng.choice(self.limits)
        return f' limit 1/day burst {self.rng.randint(1, 5)}' + self.per()

    def change(self):
        """Of sets that no rule asks: what they hold decides nothing."""
        for name in ('unread', 'unread-too'):
            if name not in self.unread:
                self.unread.append(name)
                self.lines.append(f'set {name} = dynamic, timeout 1h')
                break
        name, side = self.rng.choice(self.unread), self.rng.choice(['source', 'destination'])
        return self.rng.choice([f' then add {side} to {name}', f' then add {side} to {name} for 5m',
                                f' then remove {side} from {name}'])

    def loose_rule(self):
        services = ' ' + self.service_list() if self.chance(0.7) else ''
        services += self.matching(services.strip(), 0.12)
        source = self.items('from')
        if source == 'self' and self.chance(0.3):
            services += self.rng.choice([' user 0', ' group 0', ' group 1', ' user 0 group 0', ' user 65534'])
        if self.chance(0.05):
            services += self.rng.choice([' dscp ef', ' dscp cs1', ' dscp 0', ' dscp 46'])
        published = ' published' if self.chance(0.06) else ''
        verb, target = self.verb(), self.items('to')
        if LIVING and self.chance(0.08) and 'multicast' not in target:
            services += self.rng.choice([' until 2099-01-31', ' after 2098-12-31', ' until 2099-01-31'])
        if LIVING and verb == 'allow' and self.chance(0.08) and not re.search('ftp|svc', services):
            services += ' quota ' + self.quota()
        return f'{verb} {source} -> {target}{published}{services}{self.qualifiers()}'

    def quota(self):
        name = self.rng.choice(['month', 'week'])
        line = f'quota {name} = {50 if name == "week" else 2000} GB'
        if line not in self.lines:
            self.lines.append(line)
        return name

    def pair_block(self):
        body = []
        for _ in range(self.rng.randint(1, 5)):
            services = ' ' + self.service_list() if self.chance(0.8) else ''
            services += self.matching(services.strip(), 0.12)
            body.append(f'    {self.verb()}{services}{self.qualifiers()}')
        return f'{self.items("from")} -> {self.items("to")} {{\n' + '\n'.join(body) + '\n}'

    def run(self, length):
        """Many rules of one shape between one pair: what a compiler would like to turn into a map."""
        rng, out = self.rng, []
        ends = sorted(self.zones) + ['self', 'any']
        source, target = rng.choice(ends), rng.choice(ends)
        if source == target == 'self':
            target = 'any'
        shape = rng.choice(['source', 'target', 'service', 'source+service', 'target+service', 'source+target',
                            'source+target', 'source+target+service', 'source+target+service'])
        verbs = rng.choice([['allow'], ['drop'], ['reject'], ['allow', 'drop'], ['allow', 'drop', 'reject']])
        single = self.chance(0.4)                       # exact values only: hash keys
        family = self.family() if self.chance(0.6) else None
        fixed = self.service_list() if self.chance(0.5) else ''
        log = self.qualifiers() if self.chance(0.1) else ''
        sprinkle = 0.3 if self.chance(0.3) else 0
        word = self.host_address if single else self.address

        def side(zone, varied, sends=False):
            if not varied:
                return zone
            if sends and zone != 'self' and self.stations and self.chance(0.3):
                return rng.choice(STATIONS) + ('' if zone == 'any' else '@' + zone)
            at = '' if zone == 'any' and self.chance(0.5) else '@' + zone
            return ('!' if at and self.chance(0.03) else '') + word(zone, family) + at
        for _ in range(length):
            service = f'{rng.choice(["tcp", "tcp", "udp"])}/{self.port()}' if single else self.service_list(3)
            service = service if 'service' in shape else fixed
            service += self.matching(service, sprinkle)
            out.append(f'{rng.choice(verbs)} {side(source, "source" in shape, True)} -> {side(target, "target" in shape)} '
                       f'{service}{log}'.rstrip())
        return out

    # -- translation

    def nat_source(self, but=None):
        return self.not_told_by(but, lambda: self.rng.choice(
            [self.item('from'), self.item('from'), 'any', 'self', self.items('from')]))

    def not_told_by(self, part, make):
        """What speaks of no such part, which the statement could not tell."""
        bad = {part} | {g for g in self.groups if part in self.members[g]}
        for _ in range(20):
            text = make()
            if not bad & set(re.findall(r'[a-z][a-z0-9]*', text)):
                return text
        return 'any'

    def dnat(self):
        rng = self.rng
        to = rng.choice(['self', 'self', 'self', 'any', self.address(), self.address() + '@self', self.address() + '@any'])
        services = ''
        if self.chance(0.85):
            services = ' ' + ', '.join(self.service(True) for _ in range(rng.choice([1, 1, 2])))
            services = services if self.chance(0.9) else ' ' + self.service_list(2)
        ported = services and self.only_ports(services.strip())
        services += self.matching(services.strip(), families=False) if ported else ''
        if self.chance(0.15) and ported:
            return f'redirect {self.nat_source()} -> {to}{services} to :{self.port()}'
        family, port = self.family(), ''
        if ported and self.chance(0.4):
            port = f':{self.port()}'
        if self.chance(0.15):                           # port by port
            low, count = rng.choice([20, 53, 79, 442, 5000]), rng.choice([2, 3, 30])
            proto, there = rng.choice(['tcp', 'udp']), rng.choice([21, 60, 80, 500, 4990])
            target = self.host_address(rng.choice(sorted(self.zones)), family)
            target = f'[{target}]' if ':' in target else target
            called = rng.choice([f'{proto}/{low}-{low + count}', f'tcp/{low}-{low + count}, udp/{low}-{low + count}'])
            return f'dnat {self.nat_source()} -> {to} {called} to {target}:{there}-{there + count}'
        targets = []
        for _ in range(rng.choice([1, 1, 1, 1, 2])):
            zone = rng.choice(sorted(self.zones))
            if self.hosts and self.chance(0.5):
                word = rng.choice(self.hosts)[0] + port
            else:
                word = self.host_address(zone, family)
                word = (f'[{word}]' if port and ':' in word else word) + port
            targets.append(word)
        if self.networks and self.chance(0.2):          # a target that a zone says it holds
            low, high = network(rng.choice(self.networks))
            target = min(high, low + rng.choice([1, 5, 9]))
            family = 4 if high <= MAX[4] else 6
            opens = len(self.owners(family, target)) == 1
            target = show_address(family, target)
            if port:
                target = f'[{target}]{port}' if ':' in target else target + port
            whole = sorted(z for z in self.zones if z not in self.parts)
            tail = rng.choice(['', ' hairpin', ' hairpin', ' hairpin ' + ', '.join(
                rng.sample(whole, rng.choice([1, 1, min(2, len(whole))])))])
            tail += rng.choice(['', ' allow', ' allow log "forward"']) if tail else ' allow'
            if not opens:                               # where it is has to be said by hand
                tail = tail.partition(' allow')[0]
            return f'dnat {self.nat_source()} -> {to}{services} to {target}{tail}'
        plain = [f'{self.host_address(rng.choice(sorted(self.zones)), family)}' for _ in range(2)]
        if self.chance(0.15):                           # several of one family, not in equal turns
            plain = [f'[{x}]' if port and ':' in x else x for x in plain]
            return f'dnat {self.nat_source()} -> {to}{services} to {plain[0]}{port}' + rng.choice(
                ['', ' weight 2', ' weight 3']) + f', {plain[1]}{port} weight 2' + rng.choice(['', ' by source'])
        return f'dnat {self.nat_source()} -> {to}{services} to {", ".join(targets)}'

    def owners(self, family, address):
        """The zones whose networks hold it, as far as they are declared."""
        return parse('\n'.join(line for line in self.lines if line.startswith('zone '))).owners(family, address)

    def mark(self, value, mask):
        rng = self.rng
        to = rng.choice(['any', 'any', 'self', self.address(), self.address() + '@self', self.address() + '@any'])
        source = 'any' if 'self' in to else self.nat_source('blue')
        services = ' ' + rng.choice(['tcp', 'tcp, icmp', self.service_list(2)]) if self.chance(0.7) else ''
        if self.chance(0.3):
            services = rng.choice([f' tcp from port {self.port()}-65535', ' udp from port 1024-40000', ' tcp']) + \
                rng.choice(['', ' ipv4', ' ipv6'])
        return f'mark {source} -> {to}{services} as {value:#x}{mask}'

    def marks(self):
        """Statements, and rules that ask for what they put on. The rules are of TCP alone: whether what is open
        without a rule asks for marks is another matter."""
        rng, statements, rules, values = self.rng, [], [], {0}
        for _ in range(rng.choice([1, 2, 3, 4])):
            value, mask = rng.choice([(5, ''), (0x200, '/0xff00'), (0x100, '/0xff00'), (0, '/0xff00'), (1, '/0xff'),
                                      (0x20, '/0xf0'), (2, '/15')])
            values |= {value} | {v | value for v in values}
            statements.append(self.mark(value, mask))
        for _ in range(rng.choice([2, 3, 5])):
            source, target = (self.items(side) if self.chance(0.4) else 'any' for side in ('from', 'to'))
            services = rng.choice(['tcp', 'tcp', f'tcp/{self.port()}'])
            value, mask = rng.choice(sorted(values)), rng.choice(['', '', '', '/0xff', '/0xff00', '/0x1'])
            value &= int(mask[1:] or '0xffffffff', 0)
            rules.append(f'{self.verb()} {source} -> {target} {services} mark {value}{mask}')
        return statements, rules

    MAPS = {4: [('10.0.0.0/24', '10.9.0.0/24'), ('10.0.1.64/26', '203.0.113.64/26'), ('10.0.4.0/23', '10.8.4.0/23'),
                ('10.0.2.9', '198.51.100.99')],
            6: [('fd00:0:0:a::/64', 'fd00:9::/64'), ('fd00:0:0:b::/112', '2001:db8:1:b::/112'),
                ('fd00:0:0:c::/65', 'fd00:8:0:c::/65')]}

    def netmap(self):
        rng = self.rng
        pairs = [rng.choice(self.MAPS[f]) for f in rng.choice([(4,), (6,), (4, 6)])]
        where = rng.choice(['', '', '@any', '@' + rng.choice(sorted(z for z in self.zones if z != 'road')),
                            '@zones', '@self'])
        to = rng.choice([rng.choice(sorted(self.zones)), rng.choice(sorted(self.zones)), 'zones', 'any',
                         self.address() + rng.choice(['', '@zones'])])
        services = ' ' + self.service_list(2) if self.chance(0.2) else ''
        return f'netmap {", ".join(a + where for a, _ in pairs)} -> {to}{services} to {", ".join(b for _, b in pairs)}'

    def snat(self):
        rng = self.rng
        if self.chance(0.15):
            return self.netmap()
        to = self.item('to', allow_self=False) if self.chance(0.7) else self.items('to', allow_self=False)
        if '@self' in to:
            to = rng.choice(sorted(self.zones))
        services = ' ' + self.service_list(2) if self.chance(0.2) else ''
        if self.chance(0.15):
            to = rng.choice([to, to, self.items('to'), 'self', 'any'])
            return f'no-nat {self.nat_source("road")} -> {to}{services}'
        if self.chance(0.6):
            services += self.matching(services.strip())
            chosen = rng.choice(['', '', '', '', ' random', ' ports 4000-4999' + ' random' * self.chance(0.5)])
            if 'ports' in chosen and self.chance(0.5):
                services = ' ' + ', '.join(rng.sample(['tcp', 'udp', 'tcp/80', 'udp/53'], 2))
            elif 'ports' in chosen:
                services = ''
            return f'masquerade {self.nat_source("road")} -> {to}{services}{chosen}'
        if self.family() == 4:
            target = rng.choice(['198.51.100.7', '192.0.2.10-192.0.2.13', '203.0.113.77'])
        else:
            target = rng.choice(['2001:db8:0:f::7', '2001:db8:1::10-2001:db8:1::13', 'fd00:0:0:e::77'])
        if self.chance(0.15):
            target = '198.51.100.7, 2001:db8:0:f::7'
        chosen = rng.choice(['', '', '', ' random', ' persistent', ' random persistent'])
        return f'snat {self.nat_source("road")} -> {to}{services} to {target}{chosen}'

    def both_ways(self, side):
        """Items without stations and parts of zones: of these one way alone, or neither, can be told."""
        text = '\n'.join(self.lines)
        bad = set(re.findall(r'^zone (\S+) \{ within', text, re.M)) | set(self.stations) | {'multicast', 'broadcast'}
        bad |= {name for name, held in re.findall(r'^zones (\S+) = (.*)', text, re.M)
                if bad & set(re.split(r'[ ,]+', held))}
        for _ in range(20):
            items = self.items(side)
            if not bad & set(re.split(r'[ ,@!]+', items)):
                return items
        return 'any'

    def untracked(self):
        rng = self.rng
        services = ' ' + self.service_list(2) if self.chance(0.8) else ''
        if services and self.chance(0.2) and re.fullmatch(r' (tcp|udp)(/[\d-]+)?', services):
            services += f' from port {rng.choice(["1024-65535", "53", "40000-49999"])}'
        family = rng.choice(['', '', '', ' ipv4', ' ipv6'])
        source, target = self.both_ways('from'), self.both_ways('to')
        if all(item.split('@')[-1] == 'self' for item in f'{source}, {target}'.split(', ')):
            target = rng.choice(sorted(self.zones))     # what stays on this machine is always tracked
            if f'zone {target} {{ within' in '\n'.join(self.lines):
                target = 'any'
        return f'untracked {source} -> {target}{services}{family}'

    def asking(self):
        """A rule by which questions go out by multicast."""
        rng = self.rng
        source = rng.choice(['self', 'self', 'self', 'any', self.address() + '@self'])
        target = rng.choice(['multicast', 'multicast', 'multicast@' + rng.choice(sorted(self.zones)), self.items('to'),
                             rng.choice(sorted(self.zones)), 'any', f'zones but {rng.choice(sorted(self.zones))}'])
        services = rng.choice(['mdns', 'ssdp, wsdd', 'udp/5353', 'udp/1900-4000', 'udp', 'mdns, udp/1900', 'wsdd ipv4',
                               'mdns, llmnr ipv6', 'ssdp from port 40000-64999', ''])
        tail = rng.choice(['', '', '', '', '', ' limit 2/hour burst 2 else allow', ' limit 3/hour burst 1'])
        return f'{rng.choice(["allow"] * 9 + ["drop"])} {source} -> {target} {services}'.rstrip() + tail

    def offload(self):
        sides = sorted(self.zones) + ['any', 'zones']
        services = self.rng.choice(['', ' tcp', ' tcp/80, udp', ' udp from port 1024-65535'])
        return (f'offload {self.rng.choice(sides)} -> {self.rng.choice(sides)}{services}'
                f'{self.rng.choice(["", "", " ipv4", " ipv6"])}')

    # -- what is refused as packets arrive

    def guards(self):
        rng, out = self.rng, []
        log = rng.choice(['', '', ' log', ' log "guard"'])
        if self.guarded and self.chance(0.5):
            zones = rng.sample(self.guarded, rng.randint(1, len(self.guarded)))
            cut = rng.randint(0, len(zones))
            out += [f'antispoof {", ".join(z)}{log}' for z in (zones[:cut], zones[cut:]) if z]
        if self.chance(0.4):
            where = rng.choice(['any', 'any', 'zones', rng.choice([z for z in sorted(self.zones) if z != 'blue'])])
            out.append(f'antispoof {where} by route{rng.choice(["", "", " loose"])}{log}')
        for _ in range(rng.choice([0, 1, 2])):
            items = [rng.choice(self.stations + ['!' * self.chance(0.05) + word for word in
                                                 self.names + [self.address(), self.address()]]) +
                     rng.choice(['', '@' + rng.choice(sorted(self.zones)), '@zones', '@any'])
                     for _ in range(rng.choice([1, 1, 2]))]
            out.append(f'early drop {", ".join(items)}{log}')
        return out

    # -- the whole

    def write(self):
        rng = self.rng
        self.declare_zones()
        self.declare_names()
        rules, size = [], rng.choice([3, 6, 6, 10, 20, 40] + [150] * self.chance(0.1))
        while len(rules) < size:
            shape = rng.random()
            if shape < 0.55:
                rules.append(self.loose_rule())
            elif shape < 0.7:
                rules.append(self.pair_block())
            elif shape < 0.9:
                rules += self.run(rng.choice([3, 6, 12]) if size < 20 else rng.choice([6, 20, 40]))
            elif rules:
                rules.append(rng.choice(rules))         # again, perhaps after something that hides it
        if self.chance(0.5):
            for _ in range(rng.choice([1, 1, 2, 4])):
                rules.insert(rng.randint(0, len(rules)), self.dnat())
            for _ in range(rng.choice([0, 1, 1, 2, 3])):
                rules.insert(rng.randint(0, len(rules)), self.snat())
        if self.chance(0.15):
            statements, marked = self.marks()
            for statement in statements:
                rules.insert(rng.randint(0, len(rules)), statement)
            rules = marked + rules
        if self.chance(0.15):
            for _ in range(rng.choice([1, 1, 2])):
                rules.insert(rng.randint(0, len(rules)), self.untracked())
        if self.chance(0.2):
            for _ in range(rng.choice([1, 2, 3])):
                rules.insert(rng.randint(0, min(4, len(rules))), self.asking())
        if self.chance(0.1) and OFFLOAD:
            rules.insert(rng.randint(0, len(rules)), self.offload())
            rules = [re.sub(' quota [a-z]+', '', r) for r in rules]     # what is offloaded is not counted
        if self.chance(0.3):
            for guard in self.guards():
                rules.insert(rng.randint(0, len(rules)), guard)
        if self.chance(0.45):                           # mostly open, so that drops and translation show
            rules.append(rng.choice(['allow any -> any', 'allow any -> any', 'allow zones, self -> zones, self',
                                     'reject any -> any', f'allow any -> {rng.choice(sorted(self.zones))}']))
        if self.chance(0.05):
            rules.insert(0, f'clamp-mss any -> {rng.choice(sorted(self.zones))} pmtu')
        if self.worded_rng:
            worded.add(self, rules, self.worded_rng)
        rules = [r.replace(' ipv6', '') if 'broadcast' in r else r for r in rules]      # which has none
        rules = [r + ' helper ftp' if re.search(r'^allow .* tcp/[\d-]+$', r) and self.chance(0.1) else r for r in rules]
        rules = [f'disabled {r}' if self.chance(0.02) else r + ' note "n"' if r.startswith(VERBS) and self.chance(0.02)
                 else r for r in rules]
        if self.changing_rng:
            self.lines += changing.add(self, rules, self.changing_rng, **CHANGING)
        text = 'forwarding on\n\n' + '\n'.join(self.lines + [''] + rules) + '\n'
        if self.chance(0.15):
            text = '\n'.join(line if line.startswith('#') else line.replace(', ', ',\n        ')
                             for line in text.splitlines()) + '\n'
        elif self.chance(0.1):
            text = text.replace('\n    ', ' ; ').replace('{ ;', '{').replace('\n}', ' }')
        return text


def policy(seed):
    changes = random.Random(f'changing {seed}') if seed.startswith(('changing', 'self-check')) else None
    words = random.Random(f'worded {seed}') if seed.startswith('worded') else None
    return Writer(random.Random(f'policy {seed}'), changes, words).write()


# ---------------------------------------------------------------- packets

def spoken(item, family):
    """The intervals that an item names, and of suffixes those addresses that the networks of the lab have."""
    out = list((item.addresses or {}).get(family, []))
    if family == 6 and 'ends' in (item.addresses or {}):
        for value, bits in item.addresses['ends'].values():
            for place in [p for places in PLACES[6].values() for p in places] + ['ff02::/64']:
                low = network(place)[0]
                out.append(((low >> bits << bits) | value,) * 2)
    return out


class Sampler:
    """Packets for a policy that the reference has read."""

    def __init__(self, policy, rng):
        self.policy, self.rng = policy, rng
        self.zone_interfaces = {}
        for name in lab.INTERFACES:
            self.zone_interfaces.setdefault(policy.zone_of(name), []).append(name)
        self.edges = {4: set(), 6: set()}
        self.services = []
        self.stages = (1, 0) if policy.later else (0,)
        self.statements = policy.rules + policy.dnat + policy.snat + policy.marks + policy.untracked * 3
        for stage in self.stages:
            policy.enter(stage)
            for thing in self.statements + policy.guards:
                self.note_edges(thing)
        for rule in self.statements:
            for family, low, high, _ in rule.to or []:
                self.edges[family].update(self.around(family, (low, high)))
            self.services += rule.services
        if any(guard.kind == 'networks' for guard in policy.guards):
            for zone in policy.zones.values():
                for family in FAMILIES:
                    for interval in zone.networks[family]:
                        self.edges[family].update(self.around(family, interval))
        self.edges = {f: sorted(self.edges[f]) for f in FAMILIES}
        self.codes = any(s.code is not None for s in self.services)
        self.dscps = any(r.dscp is not None for r in self.statements)
        self.stations = [int(m.replace(':', ''), 16) for m in STATIONS] if any(
            (item.addresses or {}).get('mac') for rule in self.statements for item in rule.source) or any(
            (item.addresses or {}).get('mac') for guard in policy.guards for item in guard.items) else []
        self.asks = any(rule.asks for rule in policy.rules)
        self.in_turn = policy.in_turn()
        self.drawn = []                         # of packets that depend on each other, those that may come again
        self.sport = FIRST_SPORT + rng.randrange(LAST_SPORT - FIRST_SPORT - 400)

    def note_edges(self, thing):
        for item in thing.items if isinstance(thing, Guard) else thing.source + thing.target:
            for family in FAMILIES:
                for interval in spoken(item, family):
                    self.edges[family].update(self.around(family, interval))

    @staticmethod
    def around(family, interval):
        low, high = interval
        return {a for a in (low - 1, low, low + 1, high - 1, high, high + 1, (low + high) // 2) if 0 <= a <= MAX[family]}

    def pick_address(self, family, item=None, interface=None):
        """What the item is about: its edges, or something of the zone."""
        rng, intervals = self.rng, spoken(item, family) if item else []
        if intervals and rng.random() < 0.9:
            return rng.choice(sorted(self.around(family, rng.choice(intervals))))
        if interface and rng.random() < 0.8:
            return centre(rng, family, interface)
        if self.edges[family] and rng.random() < 0.7:
            return rng.choice(self.edges[family])
        return centre(rng, family)

    def pick_interface(self, item):
        """The side that an item speaks of: an interface, or None for this machine."""
        rng = self.rng
        if rng.random() < 0.12:
            return rng.choice(sorted(lab.INTERFACES) + [None])
        if item.zone == 'self':
            return None
        if item.zone in self.policy.zones:
            return rng.choice(self.zone_interfaces.get(item.zone) or sorted(lab.INTERFACES))
        return rng.choice(sorted(lab.INTERFACES) * 2 + [None])

    def pick_service(self, family, rule):
        """(proto, port or type)"""
        rng = self.rng
        services = rule.services if rule.services and rng.random() < 0.9 else self.services
        services = [s for s in services if s.family in (None, family)]
        if services and rng.random() < 0.85:
            s = rng.choice(services)
            if s.low is None:
                value = rng.choice(PORTS)
            else:
                value = rng.choice([s.low - 1, s.low, s.low, s.low, s.high, s.high, s.high + 1, (s.low + s.high) // 2])
            proto = s.proto
            if proto in (TCP, UDP) and rng.random() < 0.1:
                proto = TCP + UDP - proto
        else:
            proto = rng.choice([TCP, TCP, UDP, ICMP, ICMPV6] + lab.OTHER_PROTOCOLS)
            value = rng.choice(PORTS)
        if proto in (ICMP, ICMPV6):
            proto = ICMP if family == 4 else ICMPV6
            value = value if services and rng.random() < 0.3 else rng.choice([8, 13] if family == 4 else [128, 128, 139])
            return proto, value & 255
        if proto not in (TCP, UDP):
            return (proto if proto in lab.OTHER_PROTOCOLS else 253), 0
        return proto, min(65535, max(1, value))

    def local_address(self, family, interface=None):
        return self.rng.choice(ROUTING.own(interface or self.rng.choice(sorted(lab.INTERFACES)), family))

    def draw(self):
        rng = self.rng
        rule = rng.choice(self.statements)
        came_item, goes_item = rng.choice(rule.source), rng.choice(rule.target)
        family = rng.choice([f for f in FAMILIES if not goes_item.addresses or spoken(goes_item, f)] or [4, 6])
        if came_item.addresses and not spoken(came_item, family) and rng.random() < 0.9:
            family = 10 - family
        came, goes = self.pick_interface(came_item), self.pick_interface(goes_item)
        source = self.pick_address(family, came_item, came)
        target = self.pick_address(family, goes_item, goes)
        if came is None:
            choices = [a for n in lab.INTERFACES for a in ROUTING.own(n, family)]
            named = [a for a in choices if self.inside_item(came_item, family, a)]
            source = rng.choice(named if named and rng.random() < 0.7 else choices)
        if goes is None and (not goes_item.addresses or self.is_many(goes_item) or rng.random() < 0.6):
            target = self.local_address(family)
            if rng.random() < (0.5 if self.is_many(goes_item) else 0.06) and came is not None:
                target = rng.choice([a for f, a in sorted(ROUTING.groups) if f == family])
        if rng.random() < 0.06:                         # a stranger
            source = source if came is None else self.pick_address(family)
            target = self.pick_address(family)
        proto, value = self.pick_service(family, rule)
        return Packet(came, family, source, target, proto, 0, 0 if proto in (ICMP, ICMPV6) else value,
                      value if proto in (ICMP, ICMPV6) else 0,
                      code=rng.choice([0, 0, 1, 3]) if self.codes and proto in (ICMP, ICMPV6) else 0,
                      dscp=rng.choice([0, 46, 46, 8, 45]) if self.dscps else 0)

    @staticmethod
    def is_many(item):
        return item.broadcast or bool(item.addresses) and item.addresses == MANY['multicast']

    @staticmethod
    def inside_item(item, family, address):
        from reference import inside
        if family == 6 and 'ends' in (item.addresses or {}):
            return item.addresses['ends'].has(address) != item.negated
        return not item.addresses or inside(item.addresses[family], address) != item.negated

    def special(self):
        """What is open or shut before the rules."""
        rng = self.rng
        interface = rng.choice(sorted(lab.INTERFACES))
        kind = rng.choice(['nd', 'mld', 'dhcp', 'dhcp6', 'dhcp answer', 'ack', 'icmp error', 'loop'])
        if kind in ('nd', 'mld'):
            type_ = rng.choice([133, 134, 135, 136, 141, 142] if kind == 'nd' else [130, 131, 132, 143])
            source = rng.choice([LINK_LOCAL[0] + 9, centre(rng, 6, interface)])
            target = rng.choice([LINK_LOCAL[0] + 1, (0xff02 << 112) + 1, ROUTING.own(interface, 6)[0]])
            if kind == 'nd' and rng.random() < 0.2:     # sent by this machine
                return Packet(None, 6, self.local_address(6), centre(rng, 6, interface), ICMPV6, type=type_, hops=255)
            return Packet(interface, 6, source, target, ICMPV6, type=type_, hops=rng.choice([255, 255, 254, 64]))
        if kind == 'dhcp':
            target = rng.choice([MAX[4], ROUTING.own(interface, 4)[0]])
            return Packet(interface, 4, centre(rng, 4, interface), target, UDP, 67, 68)
        if kind == 'dhcp6':
            source = rng.choice([LINK_LOCAL[0] + 9, LINK_LOCAL[0] + 9, centre(rng, 6, interface)])
            return Packet(interface, 6, source, LINK_LOCAL[0] + 1, UDP, rng.choice([547, 547, 40547]), 546)
        if kind == 'dhcp answer':                        # sent by this machine
            return Packet(None, 4, self.local_address(4), centre(rng, 4, interface), UDP, 67, 68)
        packet = self.draw()
        if kind == 'ack' and packet.interface:
            return replace(packet, proto=TCP, dport=packet.dport or 80, type=0, syn=False)
        if kind == 'icmp error':
            return replace(packet, proto=ICMP if packet.family == 4 else ICMPV6, dport=0,
                           type=rng.choice([0, 3, 11] if packet.family == 4 else [1, 2, 3, 129]))
        family = packet.family
        return packet if kind == 'ack' else replace(packet, interface=None, source=self.local_address(family), target=self.local_address(family))

    def turned(self):
        """The other way of what a statement is about, or in mid-stream."""
        rng, packet = self.rng, self.draw()
        if packet.proto == TCP and rng.random() < 0.3:
            return replace(packet, syn=False) if packet.interface else packet
        came = ROUTING.route(packet.family, packet.target)
        if came is None or ROUTING.is_group(packet.family, packet.target):
            return packet
        answers = {8: 0, 13: 14, 128: 129, 139: 140}
        return replace(packet, interface=None if came is SELF else came, source=packet.target, target=packet.source,
                       sport=packet.dport, dport=rng.choice([2000, 2000, 53, 80]) if packet.dport else 0,
                       type=answers.get(packet.type, packet.type),
                       syn=came is SELF or rng.random() < 0.5)

    def question(self):
        """One by multicast, and what answers it: to whoever asked, to another port, from anywhere."""
        rng, family = self.rng, rng_family(self.rng)
        group = parse_address(rng.choice(lab.ASKED[family]))[1]
        goes = ROUTING.route(family, group)
        self.sport += 2
        ask = Packet(None, family, ROUTING.own(goes, family)[0], group, UDP, self.sport,
                     rng.choice([1900, 3702, 5353, 5353, 5355, 53]))
        came = rng.choice([goes, goes, goes, rng.choice(sorted(lab.INTERFACES))])
        answer = Packet(came, family, centre(rng, family, came), ask.source, UDP, self.sport + 1,
                        self.sport + rng.choice([0, 0, 0, 1]), mac=rng.choice(self.stations + [0]))
        return [ask, answer] if rng.random() < 0.9 else [answer, ask]

    def again(self):
        """What has been drawn before, from another port."""
        self.sport += 1
        return replace(self.rng.choice(self.drawn), sport=self.sport)

    def packet(self):
        if self.drawn and self.rng.random() < 0.4:
            return self.again()
        packet = self.other_packet()
        if self.in_turn and packet.proto in (TCP, UDP):
            self.drawn.append(packet)
        return packet

    def other_packet(self):
        while True:
            packet = self.special() if self.rng.random() < 0.06 else \
                self.turned() if self.policy.untracked and self.rng.random() < 0.3 else self.draw()
            if not packet.sport:
                self.sport += 1
                packet = replace(packet, sport=self.sport)
            if self.stations and packet.interface in lab.ETHERNET and self.rng.random() < 0.7:
                packet = replace(packet, mac=self.rng.choice(self.stations))
            packet = replace(packet, invalid=icmp_invalid(packet.family, packet.proto, packet.type))
            if sendable(packet) and not (self.in_turn and lonely(packet)):
                return packet


def lonely(packet):
    """Without a port of its own: it may be taken for the answer to an earlier packet."""
    return packet.proto not in (TCP, UDP, ICMP, ICMPV6) or packet.sport in (67, 547)


def is_asked(packet):
    return show_address(packet.family, packet.target) in lab.ASKED[packet.family]


def sendable(packet):
    """Whether the kernel's own routing lets it through: what it refuses says nothing about a policy."""
    family, source, target = packet.family, packet.source, packet.target
    if packet.proto in (TCP, UDP) and FIRST_SPORT <= packet.dport <= LAST_SPORT:
        return False
    if packet.interface is not None and ROUTING.is_local(family, source):
        return False
    if packet.interface is None and packet.proto == UDP and is_asked(packet):
        target = source
    if ROUTING.is_group(family, target):
        if packet.interface is None or packet.proto not in (UDP, ICMP, ICMPV6):
            return False
        target = source
    if family == 4:
        first = source >> 24, target >> 24
        return all(0 < a != 127 and not 224 <= a < 240 for a in first) and MAX[4] not in (source, target)
    link = [LINK_LOCAL[0] <= a <= LINK_LOCAL[1] for a in (source, target)]
    if any(link):
        return packet.interface is not None and ROUTING.route(6, packet.target) is SELF and \
            (not link[0] or source >> 64 == 0xfe80 << 48)
    return all(a > 0xffff and a >> 120 != 0xff and a >> 32 != 0xffff and a >> 32 for a in (source, target))


def packets(policy, seed, count):
    sampler = Sampler(policy, random.Random(f'packets {seed}'))
    if not sampler.statements:
        return []
    out = []
    while len(out) < count:
        stage = int(len(sampler.stages) > 1 and len(out) >= count // 2)
        policy.enter(stage)
        some = sampler.question() if sampler.asks and sampler.rng.random() < 0.4 else [sampler.packet()]
        out += [replace(packet, stage=stage) for packet in some]
    policy.enter(0)
    return out


def main():
    text = policy(sys.argv[1])
    print(text)
    for packet in packets(parse(text), sys.argv[1], 40):
        print(packet)


if __name__ == '__main__':
    main()
