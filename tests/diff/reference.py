#!/usr/bin/python3
"""A second reading of the fwc policy language, written from its manual alone.

Nothing here is shared with the compiler: the text of a policy becomes lists of address intervals and rules in
the order they were written, and a packet is walked through them one rule after the other.  Slow and plain on
purpose, so that where this file and the kernel disagree one of the two has misread the manual.

    policy = parse(text)
    fates  = Evaluator(policy, lab).fate(packet)        # more than one only where the language leaves a choice
"""

import copy
import datetime
import functools
import itertools
import ipaddress
import os
import re
import socket
import time
from dataclasses import dataclass, field, replace

# Proof that a comparison sees: the reference is made wrong on purpose, and disagreements have to appear.
BREAK = os.environ.get('FWC_DIFF_BREAK', '')

TCP, UDP, ICMP, ICMPV6, IGMP = 6, 17, 1, 58, 2
# those that ask by IPv4 multicast: mdns, llmnr, ssdp, wsdd
MULTICAST_SERVICES = [((224 << 24) + 251, 5353), ((224 << 24) + 252, 5355), (0xeffffffa, 1900), (0xeffffffa, 3702)]
MAX = {4: (1 << 32) - 1, 6: (1 << 128) - 1}
FAMILIES = (4, 6)
STATES_MAX = 64                 # of budgets that packets may have left, where what took from them is open
MANY = {'multicast': {4: [(0xe0 << 24, (0xf0 << 24) - 1)], 6: [(0xff << 120, MAX[6])]},
        'broadcast': {4: [(0, MAX[4])], 6: []}}
SELF = object()                 # "this machine", where an interface name would stand
ANYBODY = object()              # where a station would stand


class PolicyError(Exception):
    """The policy is not one that this reader takes."""


# ---------------------------------------------------------------- text to tokens

WORD_CHARS = set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/*%+-')


@dataclass
class Token:
    kind: str                   # 'word', 'string', 'end' (newline or ;), 'eof', or the sign itself
    text: str
    line: int


def tokenize(text):
    out, i, line = [], 0, 1
    while i < len(text):
        c = text[i]
        if c in '\n;':
            out.append(Token('end', c, line))
            line += c == '\n'
            i += 1
        elif c in ' \t\r':
            i += 1
        elif c == '#':
            while i < len(text) and text[i] != '\n':
                i += 1
        elif text.startswith('->', i):
            out.append(Token('->', '->', line))
            i += 2
        elif c == '"':
            value, i = '', i + 1
            while i < len(text) and text[i] != '"':
                if text.startswith('\\"', i):
                    i += 1
                value += text[i]
                i += 1
            if i >= len(text):
                raise PolicyError(f'line {line}: open string')
            out.append(Token('string', value, line))
            i += 1
        elif c in '@!,{}=[]':
            out.append(Token(c, c, line))
            i += 1
        elif c in WORD_CHARS:
            start = i
            while i < len(text) and text[i] in WORD_CHARS and not text.startswith('->', i):
                i += 1
            out.append(Token('word', text[start:i], line))
        else:
            raise PolicyError(f'line {line}: what is {c!r}?')
    out.append(Token('end', '\n', line))
    out.append(Token('eof', '', line))
    return out


# ---------------------------------------------------------------- addresses: sorted lists of (low, high)

def merge(intervals):
    out = []
    for low, high in sorted(intervals):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def subtract(whole, holes):
    out = []
    for low, high in merge(whole):
        for hole_low, hole_high in merge(holes):
            if hole_high < low or hole_low > high:
                continue
            if hole_low > low:
                out.append((low, hole_low - 1))
            low = hole_high + 1
        if low <= high:
            out.append((low, high))
    return out


def inside(intervals, address):
    return any(low <= address <= high for low, high in intervals)


def names(intervals, address):
    """inside(), of what a policy names."""
    if BREAK == 'edge':
        return any(low <= address < high or low == address for low, high in intervals)
    return inside(intervals, address)


def parse_address(word):
    """An address, prefix or range as (family, low, high); None where the word is none of them."""
    try:
        if '/' in word:
            net = ipaddress.ip_network(word, strict=False)
            return net.version, int(net.network_address), int(net.broadcast_address)
        if '-' in word:
            low, high = (ipaddress.ip_address(w) for w in word.split('-'))
            if low.version != high.version or low > high:
                return None
            return low.version, int(low), int(high)
        one = ipaddress.ip_address(word)
        return one.version, int(one), int(one)
    except ValueError:
        return None


def parse_mac(word):
    """The number of a MAC address; None where the word is none."""
    return int(word.replace(':', ''), 16) if re.fullmatch('[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}', word) else None


def show_mac(value):
    return value.to_bytes(6, 'big').hex(':')


def show_address(family, value):
    return str(ipaddress.IPv4Address(value) if family == 4 else ipaddress.IPv6Address(value))


# ---------------------------------------------------------------- what a policy is

@dataclass(frozen=True)
class Ends:
    """A list of IPv6 addresses that has suffixes: (value, bits), lists of the same, and what is taken away."""
    plus: tuple
    minus: tuple

    def has(self, address):
        return any(self.one(x, address) for x in self.plus) and not any(self.one(x, address) for x in self.minus)

    @staticmethod
    def one(x, address):
        if isinstance(x, Ends):
            return x.has(address)
        if isinstance(x, list):
            return names(x, address)
        value, bits = x
        return address & (1 << bits) - 1 == value and address >> 120 != 0xff and BREAK != 'suffix'

    def is_empty(self, left):
        """Nothing remains: of the intervals that others left, and of networks anywhere."""
        some = [a for low, high in left for a in (low, min(low + 1, high), high)]
        some += [base >> bits << bits | value for base in ANYWHERE for value, bits in self.values()]
        return not any(self.has(a) for a in some)

    def values(self):
        for x in self.plus + self.minus:
            if isinstance(x, Ends):
                yield from x.values()
            elif isinstance(x, tuple):
                yield x


ANYWHERE = [int(str(x) * 31, 16) for x in range(1, 10)] + [0xa5 << 120, 0xfd << 120, 0x2001 << 112]


@dataclass
class Item:
    """One item of an endpoint list: addresses, a zone, or both."""
    zone: str = 'any'           # 'any', 'self', 'zones' or the name of a zone or of a group
    addresses: dict = None      # family -> intervals, 'mac' -> numbers, 'ends' -> what IPv6 goes by, where suffixes
                                # are among them; None: every address of both families
    negated: bool = False
    broadcast: bool = False     # of the addresses, what routing calls so
    dynamic: bool = False       # a run-time set: of both families, however few elements it holds
    fixed: dict = None          # what it holds always
    but: tuple = ()             # what is taken away: zones, groups or self


@dataclass
class Service:
    family: int                 # 4, 6 or None for both
    proto: int
    low: int = None             # port or ICMP type
    high: int = None
    sources: list = None        # intervals of source ports; None: any
    code: int = None            # of ICMP; None: any
    asks: int = None            # the port of a built-in service that asks by multicast


def shift(port, service, dport):
    """Where a target's port sends one that is called: by itself, or as far behind the first."""
    if port is None:
        return dport
    return port[0] + dport - service.low if isinstance(port, tuple) else port


@dataclass
class Limit:
    size: int                   # packets that the bucket holds
    per: dict = None            # family -> bits of the source that count; None: one bucket for all
    name: str = None            # of one that rules share


DAYS = ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')


@functools.lru_cache(100000)
def local_time(second, zone):
    """What a clock on the wall shows."""
    before = os.environ.get('TZ')
    os.environ['TZ'] = zone
    time.tzset()
    shown = time.localtime(second)
    os.environ.pop('TZ')
    if before is not None:
        os.environ['TZ'] = before
    time.tzset()
    return datetime.datetime(*shown[:6])


@dataclass
class Times:
    hours: tuple = None         # minutes of the day: from, to
    days: set = None            # on which a window begins
    after: datetime.date = None
    until: datetime.date = None

    def hold(self, second, zone):
        local = local_time(second, zone)
        minute, begun = local.hour * 60 + local.minute, local.date()
        if self.after and begun <= self.after or self.until and begun > self.until:
            return False
        low, high = self.hours or (0, 1440)
        if low >= high and minute < high:       # over midnight: it is yesterday's
            begun -= datetime.timedelta(1)
            minute += 1440
        high += 1440 * (low >= high)
        return BREAK == 'times' or low <= minute < high and (not self.days or begun.weekday() in self.days)

    @staticmethod
    def read(text):
        parser = Parser(text)
        rule = Rule('allow', [], [], [], 0)
        while parser.peek().kind == 'word':
            parser.qualifier(rule)
        return rule.times

    def read_one(self, what, parser):
        if what == 'hours':
            self.hours = tuple(int(w[:2]) * 60 + int(w[3:]) for w in parser.word().split('-'))
        elif what == 'days':
            self.days = set()
            while True:
                first, _, last = parser.word().partition('-')
                first, last = DAYS.index(first), DAYS.index(last or first)
                self.days |= {(first + n) % 7 for n in range((last - first) % 7 + 1)}
                if not parser.comma():
                    break
        else:
            setattr(self, what, datetime.date.fromisoformat(parser.word()))


@dataclass
class Rule:
    verb: str
    source: list
    target: list
    services: list              # empty: all
    line: int
    asks: set = field(default_factory=set)      # ports by which questions go out that await answers
    family: int = None          # 4, 6 or None for both
    dscp: int = None
    owner: list = field(default_factory=list)   # users and groups by number
    limit: 'Limit' = None
    maximum: 'Limit' = None     # of connections
    quota: str = None
    times: 'Times' = None
    other: str = None           # else: the verb where the limit, the number or the quota does not hold
    changes: list = field(default_factory=list)         # of a packet that it decides: (adds, of the source, set)
    otherwise: list = field(default_factory=list)       # ... or else does
    nobody: bool = False        # of processes that are not there
    to: list = None             # translation targets: (family, low, high, port or None)
    to_port: int = None         # of redirect
    ports: tuple = None         # of the source: one of these
    random: bool = False        # any of all, or of these
    hairpin: bool = False
    hairpin_zones: list = None  # None: the target's
    published: bool = False     # the destination was translated; services are what was called
    mark: int = None            # a packet's, in a rule; to be put on, in a mark statement
    mask: int = None            # of the mark
    shift: dict = None          # of netmap: family -> what is added to an address


@dataclass
class Guard:
    kind: str                   # 'early', 'networks', 'route', 'loose'
    items: list
    line: int


@dataclass
class Zone:
    name: str
    within: str = None          # of a sub-zone: what makes it, the networks too
    ipsec: bool = False
    mark: tuple = (0, 0)        # value and mask
    owner: list = field(default_factory=list)
    interfaces: list = field(default_factory=list)
    networks: dict = field(default_factory=lambda: {4: [], 6: []})


@dataclass
class Policy:
    zones: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)          # name -> zones and groups
    addresses: dict = field(default_factory=dict)       # host and set names
    dynamic: dict = field(default_factory=dict)         # run-time sets, as in addresses
    services: dict = field(default_factory=dict)
    fixed: dict = field(default_factory=dict)           # ... and what of each belongs to the policy
    held: dict = field(default_factory=dict)            # what else it holds, at each stage
    kinds: dict = field(default_factory=dict)           # of those that nobody here fills: dns or url
    later: bool = False                                 # at stage 1 some hold something else
    limits: dict = field(default_factory=dict)
    quotas: dict = field(default_factory=dict)          # name -> bytes
    used: dict = field(default_factory=dict)            # what was used of them before the first packet
    second: int = 0                                     # since 1970: when it is; where nobody says, long ago
    zone: str = 'UTC0'                                  # whose local time
    rules: list = field(default_factory=list)           # allow, drop, reject in reading order
    dnat: list = field(default_factory=list)            # dnat and redirect
    snat: list = field(default_factory=list)            # snat and masquerade
    marks: list = field(default_factory=list)
    guards: list = field(default_factory=list)          # early drop and antispoof
    untracked: list = field(default_factory=list)

    def in_turn(self):
        """Whether what becomes of a packet depends on those before it, but for limits."""
        return any(rule.changes or rule.otherwise or rule.maximum and rule.maximum.size < 1000 for rule in self.rules)

    def enter(self, stage):
        """Run-time sets hold what they hold then."""
        for name, stages in self.held.items():
            for family in FAMILIES:
                self.dynamic[name][family][:] = self.fixed[name][family] + stages[stage][family]

    def networks(self, name, family):
        """Where a zone's addresses are: those of its parts too, but for what another zone says to be its own."""
        if self.zones[name].within:
            return []
        named = [net for zone in self.zones.values() if not zone.within for net in zone.networks[family]]
        return self.zones[name].networks[family] + [
            net for zone in self.zones.values() if zone.within == name
            for net in zone.networks[family] if net not in named]

    def owners(self, family, address):
        """The zones whose networks hold it, of nested networks the narrowest deciding."""
        held = [(low, high, name) for name in self.zones
                for low, high in self.networks(name, family) if low <= address <= high]
        return {name for low, high, name in held
                if not any((low, high) != (a, b) and low <= a and b <= high for a, b, _ in held)}

    def zone_of(self, interface):
        """An exact name wins over a wildcard, and both over what no zone names."""
        found = None
        for zone in self.zones.values():
            for pattern in zone.interfaces:
                if pattern == interface:
                    return zone.name
                if pattern.endswith('*') and interface.startswith(pattern[:-1]):
                    found = zone.name
        return found or next((z.name for z in self.zones.values() if 'other' in z.interfaces), None)


VERBS = ('allow', 'drop', 'reject')
QUALIFIERS = ('log', 'limit', 'mark', 'from', 'ipv4', 'ipv6', 'dscp', 'user', 'group', 'note', 'max', 'then', 'else',
              'helper', 'quota', 'hours', 'days', 'after', 'until', 'cgroup')
DSCP = {'cs0': 0, 'cs1': 8, 'ef': 46, 'af11': 10, 'af43': 38, 'le': 1}
CHOICE = ('random', 'persistent', 'ports')

BUILTIN = {
    'ssh': ['tcp/22'], 'smtp': ['tcp/25'], 'dns': ['udp/53', 'tcp/53'], 'dhcp': ['udp/67', 'udp/547'],
    'http': ['tcp/80'], 'https': ['tcp/443'], 'http3': ['udp/443'], 'ntp': ['udp/123'],
    'ping': ['icmp/echo-request'], 'ftp': ['tcp/21'], 'tftp': ['udp/69'],
    'mdns': ['udp/5353'], 'ssdp': ['udp/1900'], 'wsdd': ['udp/3702', 'tcp/5357'], 'llmnr': ['udp/5355', 'tcp/5355'],
}
ASKING = {'mdns': 5353, 'ssdp': 1900, 'wsdd': 3702}     # what self asks by multicast awaits answers

ICMP_TYPES = {
    'echo-reply': 0, 'destination-unreachable': 3, 'redirect': 5, 'echo-request': 8, 'router-advertisement': 9,
    'router-solicitation': 10, 'time-exceeded': 11, 'parameter-problem': 12, 'timestamp-request': 13,
    'timestamp-reply': 14, 'info-request': 15, 'info-reply': 16, 'address-mask-request': 17, 'address-mask-reply': 18,
}
ICMPV6_TYPES = {
    'destination-unreachable': 1, 'packet-too-big': 2, 'time-exceeded': 3, 'parameter-problem': 4,
    'echo-request': 128, 'echo-reply': 129, 'mld-listener-query': 130, 'mld-listener-report': 131,
    'nd-router-solicit': 133, 'nd-router-advert': 134, 'nd-neighbor-solicit': 135, 'nd-neighbor-advert': 136,
}


# ---------------------------------------------------------------- tokens to policy

class Parser:
    def __init__(self, text):
        self.tokens = tokenize(text)
        self.at = 0
        self.policy = Policy()
        self.later = []         # statements with endpoints: they may name what is declared below them

    def peek(self, ahead=0):
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def next(self):
        token = self.peek()
        self.at += 1
        return token

    def fail(self, why):
        token = self.peek()
        raise PolicyError(f'line {token.line}: {why}, at {token.text!r}')

    def expect(self, kind, text=None):
        token = self.next()
        if token.kind != kind or (text is not None and token.text != text):
            self.at -= 1
            self.fail(f'expected {text or kind}')
        return token

    def word(self):
        return self.expect('word').text

    def skip_ends(self):
        while self.peek().kind == 'end':
            self.at += 1

    def comma(self):
        """A comma, and the newlines after it: a list goes on after a trailing comma."""
        if self.peek().kind != ',':
            return False
        self.at += 1
        self.skip_ends()
        return True

    def end(self):
        if self.peek().kind in ('end', 'eof'):
            self.at += 1
        elif self.peek().kind != '}':
            self.fail('expected the end of the statement')

    def parse(self):
        self.skip_ends()
        while self.peek().kind != 'eof':
            self.statement()
            self.skip_ends()
        after, self.later = self.later, []
        for resume, end in after:
            self.at = resume
            end()
        return self.policy

    def statement(self):
        """Declarations at once; anything with an arrow after all of them, in the order written."""
        first = self.peek()
        keyword = first.text if first.kind == 'word' else ''
        if keyword == 'zones' and self.peek(2).kind == '=':
            self.at += 1
            self.state_group()
            return
        if keyword in ('forwarding', 'zone', 'host', 'set', 'service') or \
                keyword in ('limit', 'log', 'quota') and self.tokens[self.at + 1].kind == 'word':
            self.at += 1
            getattr(self, 'state_' + keyword)()
            return
        if self.peek().text == 'disabled' and self.peek(1).kind in ('word', '!'):
            self.at = self.skip_statement()
            return
        start, self.at = self.at, self.skip_statement()
        self.later.append((start, self.arrow_statement))

    def skip_statement(self):
        at, depth = self.at, 0
        while self.tokens[at].kind != 'eof':
            kind = self.tokens[at].kind
            if kind == ',':                             # and the newlines that follow it
                while self.tokens[at + 1].kind == 'end':
                    at += 1
            depth += (kind == '{') - (kind == '}')
            if kind == 'end' and depth == 0:
                return at
            at += 1
        return at

    def state_limit(self):
        name = self.word()
        self.expect('=')
        self.policy.limits[name] = self.rate(name)
        self.end()

    def state_quota(self):
        name = self.word()
        self.expect('=')
        amount = int(self.word())
        self.policy.quotas[name] = amount * {'kB': 10 ** 3, 'MB': 10 ** 6, 'GB': 10 ** 9, 'TB': 10 ** 12}[self.word()]
        self.end()

    def state_log(self):
        if self.word() not in ('invalid', 'unmatched'):
            self.fail('invalid or unmatched')
        self.log()
        self.end()

    def state_forwarding(self):
        if self.word() not in ('on', 'off'):
            self.fail('on or off')
        self.end()

    def state_zone(self):
        zone = Zone(self.word())
        self.expect('{')
        self.skip_ends()
        while self.peek().kind != '}':
            what = self.word()
            if what == 'interface':
                zone.interfaces.append(self.word())
                while self.comma():
                    zone.interfaces.append(self.word())
            elif what == 'network':
                while True:
                    family, low, high = self.plain_address(self.word())
                    zone.networks[family].append((low, high))
                    if not self.comma():
                        break
            elif what == 'within':
                zone.within = self.word()
            elif what == 'ipsec':
                zone.ipsec = True
            elif what == 'mark':
                value, slash, mask = self.word().partition('/')
                zone.mark = int(value, 0), int(mask, 0) if slash else 0xffffffff
            elif what in ('user', 'group'):
                zone.owner.append(int(self.word()))
            else:
                self.fail('interface or network')
            self.end()
            self.skip_ends()
        self.expect('}')
        self.end()
        self.policy.zones[zone.name] = zone

    def state_group(self):
        name = self.word()
        self.expect('=')
        self.policy.groups[name] = self.place_list()
        self.end()

    def place_list(self):
        out = [self.word()]
        while self.comma():
            out.append(self.word())
        return tuple(out)

    def is_place(self, word):
        return word in ('any', 'self', 'zones') or word in self.policy.zones or word in self.policy.groups

    def plain_address(self, word):
        found = parse_address(word)
        if not found:
            self.fail(f'{word} is no address')
        return found

    def addresses_of(self, word):
        if word in self.policy.addresses:
            return self.policy.addresses[word]
        if word in MANY:
            return MANY[word]
        if word == 'suffix' and self.peek().kind == 'word' and ':' in self.peek().text:
            value, slash, bits = self.word().partition('/')
            return {4: [], 6: [], 'ends': Ends(((self.plain_address(value)[1], int(bits) if slash else 64),), ())}
        if parse_mac(word) is not None:
            return {4: [], 6: [], 'mac': [parse_mac(word)]}
        family, low, high = self.plain_address(word)
        return {family: [(low, high)], 10 - family: []}

    def address_list(self):
        """The union of the elements, without those that have a ! before them."""
        plus, minus = {4: [], 6: [], 'mac': []}, {4: [], 6: [], 'mac': []}
        ends = {id(plus): [], id(minus): []}
        self.elsewhere = ''
        while True:
            into = plus
            if self.peek().kind == '!':
                self.at += 1
                into = minus
            if self.peek().text in ('dns', 'url') and self.peek(1).kind == 'string':
                self.from_elsewhere()
                if not self.comma():
                    break
                continue
            for family, intervals in self.addresses_of(self.word()).items():
                if family == 'ends':
                    ends[id(into)].append(intervals)
                else:
                    into[family] += intervals
            if not self.comma():
                break
        more = {}
        left = {family: subtract(plus[family], minus[family]) for family in FAMILIES}
        if ends[id(plus)] or ends[id(minus)]:
            more['ends'] = Ends((plus[6], *ends[id(plus)]), (minus[6], *ends[id(minus)]))
            if more['ends'].is_empty(left[6]):          # no address of the family: says nothing, negated or not
                del more['ends']
                left[6] = []
        return more | {'mac': plus['mac']} | left

    def from_elsewhere(self):
        """Names of DNS or the URL of a list: what they hold is said in comments."""
        kind = self.elsewhere = self.word()
        self.expect('string')
        while kind == 'dns' and self.peek().kind == ',':
            at = self.at
            self.comma()
            if self.peek().kind != 'string':
                self.at = at
                break
            self.at += 1
        while word := self.ahead('expire', 'refresh', 'max', 'private', 'lenient'):
            self.at += word in ('expire', 'refresh', 'max')

    def name_addresses(self, name):
        found = self.address_list()
        if self.elsewhere:
            self.policy.fixed[name] = {family: list(found[family]) for family in FAMILIES}
            self.policy.dynamic[name] = found
            self.policy.kinds[name] = self.elsewhere
        self.policy.addresses[name] = found

    def state_host(self):
        name = self.word()
        self.expect('=')
        self.name_addresses(name)
        self.end()

    def state_set(self):
        name = self.word()
        self.expect('=')
        if self.peek().text == 'dynamic':               # filled at run time: here it stays empty
            while self.peek().kind not in ('end', 'eof'):
                if not self.comma():
                    self.at += 1
            self.policy.addresses[name] = self.policy.dynamic.setdefault(name, {4: [], 6: []})
            self.policy.fixed[name] = {4: [], 6: []}
        else:
            self.name_addresses(name)
        self.end()

    def state_service(self):
        name = self.word()
        self.expect('=')
        self.policy.services[name] = self.service_list()
        if self.peek().text == 'from':
            self.at += 1
            self.policy.services[name] = self.from_ports(self.policy.services[name])
        self.end()

    def service_list(self):
        word = self.word()
        out = self.service(word)
        while self.comma():
            before, word = word, self.word()
            if word[0].isdigit():                       # of the protocol of the one before
                word = before.partition('/')[0] + '/' + word
            out = out + self.service(word)
        return out

    def port_range(self):
        low, dash, high = self.word().partition('-')
        return int(low), int(high if dash else low)

    def from_ports(self, services):
        """The services from these source ports alone."""
        self.expect('word', 'port')
        sources = [self.port_range()]
        while self.comma():
            sources.append(self.port_range())
        if any(s.proto not in (TCP, UDP) for s in services):
            self.fail('no ports')
        return [replace(s, sources=sources if s.sources is None else
                        [(max(a, c), min(b, d)) for a, b in sources for c, d in s.sources if max(a, c) <= min(b, d)])
                for s in services]

    def service(self, word):
        if word.startswith('tcp+udp'):
            return self.service('tcp' + word[7:]) + self.service('udp' + word[7:])
        if word in self.policy.services:
            return self.policy.services[word]
        if word in BUILTIN:
            return [replace(s, asks=ASKING.get(word)) for w in BUILTIN[word] for s in self.service(w)]
        kind, slash, value = word.partition('/')
        if kind in ('tcp', 'udp'):
            proto = TCP if kind == 'tcp' else UDP
            if not slash:
                return [Service(None, proto)]
            low, dash, high = value.partition('-')
            return [Service(None, proto, int(low), int(high if dash else low))]
        if kind in ('icmp', 'icmpv6'):
            value, slash2, code = value.partition('/')
            found = self.icmp(kind, slash, value)
            return [replace(s, code=int(code)) for s in found if s.family == (4 if kind == 'icmp' else 6)] \
                if slash2 else found
        if kind == 'proto':
            return [Service(None, int(value) if value.isdigit() else socket.getprotobyname(value))]
        self.fail(f'{word} is no service')

    def icmp(self, kind, slash, value):
        four = [Service(4, ICMP)] if kind == 'icmp' else []
        six = [Service(6, ICMPV6)]
        if not slash:
            return four + six
        if value.isdigit():
            number = int(value)
            return [Service(4, ICMP, number, number) if kind == 'icmp' else Service(6, ICMPV6, number, number)]
        out = []
        if kind == 'icmp' and value in ICMP_TYPES:
            out.append(Service(4, ICMP, ICMP_TYPES[value], ICMP_TYPES[value]))
        if value in ICMPV6_TYPES:
            out.append(Service(6, ICMPV6, ICMPV6_TYPES[value], ICMPV6_TYPES[value]))
        if not out:
            self.fail(f'unknown ICMP type {value}')
        return out

    # -- endpoints

    def item(self):
        item = Item()
        if self.peek().kind == '!':
            self.at += 1
            item.negated = True
        word = self.word()
        if self.is_place(word):
            if item.negated:
                self.fail('! before a zone')
            item.zone = word
            item.but = self.less()
            return item
        item.broadcast = word == 'broadcast' and word not in self.policy.addresses
        item.addresses = self.addresses_of(word)
        item.dynamic = word in self.policy.dynamic
        item.fixed = self.policy.fixed.get(word)
        if self.peek().kind == '@':
            self.at += 1
            item.zone = self.word()
            if not self.is_place(item.zone):
                self.fail(f'{item.zone} is no zone')
        item.but = self.less()
        return item

    def less(self):
        """What `but` takes away: all the rest of the list."""
        if self.peek().text != 'but':
            return ()
        self.at += 1
        return self.place_list()

    def endpoint(self):
        out = [self.item()]
        while self.comma():
            out.append(self.item())
        return out

    def direction(self):
        source = self.endpoint()
        self.expect('->')
        return source, self.endpoint()

    # -- statements with an arrow

    def arrow_statement(self):
        first = self.peek()
        keyword = first.text if first.kind == 'word' else ''
        if keyword in VERBS:
            self.at += 1
            source, target = self.direction()
            self.policy.rules.append(self.rule(keyword, source, target, first.line))
        elif keyword in ('masquerade', 'snat', 'dnat', 'redirect', 'no-nat', 'netmap'):
            self.at += 1
            self.translation(keyword, first.line)
        elif keyword == 'mark':
            self.at += 1
            self.mark(first.line)
        elif keyword == 'untracked' and self.peek(1).kind not in ('->', '@', ','):
            self.at += 1
            rule = self.rule(keyword, *self.direction(), first.line)
            self.policy.untracked.append(rule)
        elif keyword == 'offload' and self.peek(1).kind not in ('->', '@', ','):
            self.at += 1
            self.rule(keyword, *self.direction(), first.line)       # it decides about no packet that opens
        elif keyword in ('antispoof', 'early') and self.peek(1).kind not in ('->', '@', ','):
            self.at += 1
            self.guard(keyword, first.line)
        elif keyword == 'clamp-mss':
            self.at += 1
            self.direction()
            self.word()
        elif keyword == 'expect':
            while self.peek().kind not in ('end', 'eof'):
                self.at += 1
        else:
            self.pair_block()
        self.end()

    def guard(self, kind, line):
        if kind == 'early':
            self.expect('word', 'drop')
        else:
            kind = 'networks'
        items = self.endpoint()
        if kind == 'networks' and self.peek().text == 'by':
            self.at += 1
            self.expect('word', 'route')
            kind = 'route'
            if self.peek().text == 'loose':
                self.at += 1
                kind = 'loose'
        if self.peek().text == 'log':
            self.at += 1
            if self.peek().kind == 'string':
                self.at += 1
        self.policy.guards.append(Guard(kind, items, line))

    def pair_block(self):
        source, target = self.direction()
        self.expect('{')
        self.skip_ends()
        while self.peek().kind != '}':
            line = self.peek().line
            verb = self.word()
            if verb not in VERBS:
                self.fail(f'{verb} is no verb')
            self.policy.rules.append(self.rule(verb, source, target, line))
            self.end()
            self.skip_ends()
        self.expect('}')

    def rule(self, verb, source, target, line):
        rule = Rule(verb, source, target, [], line)
        if self.peek().text == 'published':
            self.at += 1
            rule.published = True
        if self.peek().kind == 'word' and self.peek().text not in QUALIFIERS:
            rule.services = self.service_list()
        while self.peek().kind == 'word':
            self.qualifier(rule)
        self.find_questions(rule)
        return rule

    @staticmethod
    def find_questions(rule):
        """By name; by their ports where TO is multicast."""
        if rule.published:
            return
        for port in ASKING.values():
            called = [s for s in rule.services if s.proto == UDP and (s.low is None or s.low <= port <= s.high)]
            named = any(s.asks == port for s in rule.services)
            many = any(not i.negated and i.addresses == MANY['multicast'] for i in rule.target)
            if (called or not rule.services) and (named or many):
                rule.asks.add(port)

    def qualifier(self, rule):
        what = self.word()
        if what == 'note':
            self.expect('string')
        elif what == 'dscp':
            word = self.word()
            rule.dscp = DSCP[word] if word in DSCP else int(word)
        elif what in ('user', 'group'):
            rule.owner.append(int(self.word()))
        elif what in ('ipv4', 'ipv6'):
            rule.family = int(what[3])
        elif what == 'from':
            rule.services = self.from_ports(rule.services)
        elif what == 'log':
            self.log()
        elif what == 'mark':
            value, slash, mask = self.word().partition('/')
            rule.mark, rule.mask = int(value, 0), int(mask, 0) if slash else 0xffffffff
        elif what == 'limit':
            self.limit(rule)
        elif what == 'quota':
            rule.quota = self.word()
        elif what in ('hours', 'days', 'after', 'until'):
            rule.times = rule.times or Times()
            rule.times.read_one(what, self)
        elif what == 'helper':      # what it expects is not of this packet
            self.word()
        elif what == 'cgroup':      # none is there in the lab
            self.expect('string')
            rule.nobody = True
        elif what == 'max':
            rule.maximum = self.maximum()
        elif what == 'then':
            self.then(rule.changes if rule.other is None else rule.otherwise)
        elif what == 'else':
            rule.other = self.word()
        else:
            self.fail(f'{what} is no qualifier that this reader knows')

    def ahead(self, *words):
        """Takes the next word if it is one of these."""
        if self.peek().kind != 'word' or self.peek().text not in words:
            return None
        return self.next().text

    def log(self):
        """Lines in a log decide nothing."""
        if self.peek().kind == 'string':
            self.at += 1
        while self.ahead('at', 'level', 'nflog', 'burst'):
            self.at += 1

    def limit(self, rule):
        if self.peek().text[0].isdigit():
            rule.limit = self.rate(None)
            return
        rule.limit = self.policy.limits.get(self.word()) or self.fail('a limit that is not known yet')

    def rate(self, name):
        """Only rates so slow that no token comes back during a test: then the burst is a plain count."""
        amount, _, unit = self.word().partition('/')
        if unit not in ('hour', 'day') or int(amount) > 5:
            self.fail('a limit too fast to be judged by counting')
        limit = Limit(5, name=name)
        while word := self.ahead('burst', 'per'):
            if word == 'burst':
                limit.size = int(self.word())
            else:
                limit.per = self.per()
        return limit

    def per(self):
        self.expect('word', 'source')
        bits = {4: 32, 6: 128}
        if self.peek().kind == 'word' and self.peek().text[0] == '/':
            bits[4] = int(self.word()[1:])
            self.comma()
            long = self.word()
            if long[0] != '/':
                self.fail('the prefix of one family alone')
            bits[6] = int(long[1:])
        return bits

    def maximum(self):
        """None of a test's connections ends, so they are counted as packets are by a limit."""
        maximum = Limit(int(self.word()))
        self.expect('word', 'connections')
        if self.ahead('per'):
            maximum.per = self.per()
        return maximum

    def then(self, changes):
        adds = self.ahead('add', 'remove') == 'add'
        source = self.ahead('source', 'destination') == 'source'
        self.ahead('to', 'from')
        name = self.word()
        if self.ahead('for'):
            self.at += 1
        if not name.startswith('unread'):       # what no rule asks says so by its name
            if name not in self.policy.dynamic:
                self.fail('a set that there is not')
            changes.append((adds, source, self.policy.dynamic[name]))

    def translation(self, kind, line):
        source, target = self.direction()
        rule = Rule(kind, source, target, [], line)
        if self.peek().kind == 'word' and self.peek().text not in ('to', 'hairpin') + QUALIFIERS + CHOICE:
            rule.services = self.service_list()
        while self.peek().kind == 'word' and self.peek().text in QUALIFIERS:
            self.qualifier(rule)
        if kind == 'no-nat':
            self.policy.dnat.append(rule)
        if kind in ('masquerade', 'no-nat'):
            self.policy.snat.append(rule)
            self.choice(rule)
            return
        self.expect('word', 'to')
        if kind == 'redirect':
            port = self.word()
            if not port.startswith(':'):
                self.fail('a :PORT')
            rule.to_port = int(port[1:])
        else:
            rule.to = self.nat_target()
            while self.comma():
                rule.to += self.nat_target()
            self.choice(rule)
        if self.peek().kind == 'word' and self.peek().text == 'hairpin':
            self.at += 1
            rule.hairpin = True
            if self.peek().kind == 'word' and self.peek().text != 'allow':
                rule.hairpin_zones = self.zone_list()
        if kind == 'netmap':
            self.both_ways(rule)
            return
        if kind == 'dnat' and self.peek().kind == 'word' and self.peek().text == 'allow':
            self.at += 1
            self.forward_rule(rule, line)
        (self.policy.snat if kind == 'snat' else self.policy.dnat).append(rule)

    def both_ways(self, rule):
        """One rule for the sources of what FROM opens, and one for the destinations of what TO opens."""
        seen = {family: (low, high) for family, low, high, _ in rule.to}
        real = {f: min(low for i in rule.source for low, _ in i.addresses[f]) for f in seen}
        rule.shift = {f: seen[f][0] - real[f] for f in seen}
        self.policy.snat.append(rule)
        called = Item('any', {f: [seen[f]] if f in seen else [] for f in (4, 6)})
        self.policy.dnat.append(replace(rule, source=rule.target, target=[called],
                                        shift={f: -by for f, by in rule.shift.items()}))

    def choice(self, rule):
        """How a source or a target is chosen: any of several may be."""
        while self.peek().kind == 'word' and self.peek().text in (*CHOICE, 'by'):
            what = self.word()
            if what == 'by':
                self.expect('word', 'source')
            elif what == 'ports':
                rule.ports = tuple(int(x) for x in self.word().split('-'))
            elif what == 'random':
                rule.random = True

    def zone_list(self):
        found = [self.word()]
        while self.comma():
            found.append(self.word())
        for name in found:
            if name not in self.policy.zones:
                self.fail(f'{name} is no zone')
        return found

    def owner(self, family, address):
        """The one zone whose networks hold the address; ranges that cross are of both."""
        zones = self.policy.owners(family, address)
        if len(zones) != 1:
            self.fail('allow behind a target that no zone holds, or several do')
        return zones.pop()

    def forward_rule(self, dnat, line):
        """What `allow` behind a dnat stands for: a rule to the target, by its port."""
        targets = [Item(self.owner(family, low), {family: [(low, high)], 10 - family: []})
                   for family, low, high, _ in dnat.to]
        inner = dnat.hairpin_zones if dnat.hairpin_zones is not None else [item.zone for item in targets]
        inner = [Item(name) for name in inner] if dnat.hairpin else []
        rule = self.rule('allow', dnat.source + inner, targets, line)
        rule.times = rule.times or dnat.times
        rule.mark, rule.mask = (dnat.mark, dnat.mask) if rule.mark is None else (rule.mark, rule.mask)
        port = dnat.to[0][3]
        rule.services = dnat.services if port is None else \
            [replace(s, low=shift(port, s, s.low), high=shift(port, s, s.high)) for s in dnat.services]
        self.policy.rules.append(rule)

    def mark(self, line):
        rule = Rule('mark', *self.direction(), [], line)
        if self.peek().text not in ('as', *QUALIFIERS):
            rule.services = self.service_list()
        while self.peek().text != 'as':
            self.qualifier(rule)
        self.expect('word', 'as')
        value, slash, mask = self.word().partition('/')
        rule.mark, rule.mask = int(value, 0), int(mask, 0) if slash else 0xffffffff
        self.policy.marks.append(rule)

    def nat_target(self):
        port = None
        if self.peek().kind == '[':
            self.at += 1
            word = self.word()
            self.expect(']')
            if self.peek().kind == 'word' and self.peek().text.startswith(':'):
                port = self.port_words(self.next().text[1:])
        else:
            word = self.word()
            if word not in self.policy.addresses and not parse_address(word):
                word, _, digits = word.rpartition(':')
                if not word or not digits.replace('-', '').isdigit():
                    self.fail('no translation target')
                port = self.port_words(digits)
        if self.peek().kind == 'word' and self.peek().text == 'weight':
            self.at += 2
        return [(family, low, high, port) for family in FAMILIES for low, high in self.addresses_of(word)[family]]

    @staticmethod
    def port_words(digits):
        """A port; of a range (first,), to which the first that is called goes."""
        first, dash, _ = digits.partition('-')
        return (int(first),) if dash else int(first)


def parse(text):
    """Comments say what a run-time set holds while the packets are sent, and later, and more: see changing.py."""
    policy = Parser(text).parse()
    said = [line[2:].split(' ', 2) for line in text.splitlines() if re.match('# (elements|later|used|at) ', line)]
    for what, name, *words in said:
        if what == 'used':
            policy.used[name] = int(words[0])
        elif what == 'at':
            policy.second, policy.zone = int(name), words[0]
        elif name in policy.dynamic:
            holds = {4: [], 6: []}
            for word in words[0].split(', ') if words and words[0] else []:
                family, low, high = parse_address(word)
                holds[family].append((low, high))
            policy.later = policy.later or what == 'later'
            before = policy.held.get(name, (None,))[0]
            policy.held[name] = (holds, holds) if what == 'elements' else (before or {4: [], 6: []}, holds)
    policy.enter(0)
    return policy


# ---------------------------------------------------------------- packets and where they go

@dataclass(frozen=True)
class Packet:
    """As it arrives, or as this machine sends it (interface None)."""
    interface: str
    family: int
    source: int
    target: int
    proto: int
    sport: int = 0
    dport: int = 0
    type: int = 0               # ICMP
    code: int = 0
    dscp: int = 0
    hops: int = 64
    syn: bool = True            # TCP: a bare SYN
    invalid: bool = False       # conntrack has no use for it
    mac: int = 0                # of the station that sent it; 0: one that no policy names
    stage: int = 0              # what run-time sets hold by then

    def length(self):
        """Of IP's header and all behind it, as the lab builds it."""
        body = {TCP: 20 + 8, UDP: 8 + 8, ICMP: 8 + 20 + 8, ICMPV6: 8 + 20 + 8}.get(self.proto, 4 + 8)
        return (20 if self.family == 4 else 40) + body

    def __str__(self):
        words = [f'from={self.interface or "self"}', f'source={show_address(self.family, self.source)}',
                 f'target={show_address(self.family, self.target)}', f'proto={self.proto}']
        if self.proto in (TCP, UDP):
            words += [f'sport={self.sport}', f'dport={self.dport}']
        if self.proto in (ICMP, ICMPV6):
            words.append(f'type={self.type}' + (f' code={self.code}' if self.code else ''))
        if self.dscp:
            words.append(f'dscp={self.dscp}')
        if self.hops != 64:
            words.append(f'hops={self.hops}')
        if not self.syn:
            words.append('flags=ack')
        if self.mac:
            words.append(f'mac={show_mac(self.mac)}')
        if self.stage:
            words.append(f'stage={self.stage}')
        return ' '.join(words)

    @staticmethod
    def parse(text):
        values = dict(word.split('=', 1) for word in text.split())
        source, target = (ipaddress.ip_address(values[k]) for k in ('source', 'target'))
        numbers = {k: int(values[k]) for k in ('sport', 'dport', 'type', 'code', 'dscp', 'hops', 'stage')
                   if k in values}
        packet = Packet(None if values['from'] == 'self' else values['from'], source.version, int(source), int(target),
                        int(values['proto']), syn=values.get('flags') != 'ack',
                        mac=parse_mac(values.get('mac', '00:00:00:00:00:00')), **numbers)
        return replace(packet, invalid=icmp_invalid(packet.family, packet.proto, packet.type))


# What conntrack calls invalid when no connection is known, and what it does not track at all.
NEW_ICMP, NEW_ICMPV6 = {8, 13, 15, 17}, {128, 139}
UNTRACKED_ICMPV6 = {130, 131, 132, 133, 134, 135, 136, 143}
ND, MLD = {133, 134, 135, 136, 141, 142}, {130, 131, 132, 143}


ANSWERED = {(ICMP, 0): 8, (ICMP, 14): 13, (ICMP, 16): 15, (ICMP, 18): 17, (ICMPV6, 129): 128, (ICMPV6, 140): 139}


def icmp_invalid(family, proto, type_):
    if family == 4 and proto == ICMP:
        return type_ not in NEW_ICMP
    if family == 6 and proto == ICMPV6:
        return type_ not in NEW_ICMPV6 and type_ not in UNTRACKED_ICMPV6
    return False


def untracked(packet):
    return packet.proto == ICMPV6 and packet.type in UNTRACKED_ICMPV6


@dataclass(frozen=True)
class Fate:
    kind: str                   # 'forward', 'self', 'drop', 'reject'; 'nowhere': routing has its own say
    line: int = 0               # the line that decided; 0: no rule did
    why: str = ''
    out: str = None             # interface
    source: tuple = ()          # intervals that hold the source
    target: int = 0
    port: int = 0
    how: str = ''               # 'reset' or 'prohibited'
    quiet: bool = False         # a reject that may stay unheard
    ports: tuple = None         # an interval that holds the source port; None: it is kept

    def show(self, family):
        at = f'line {self.line}' if self.line else self.why or 'no rule'
        if self.kind in ('drop', 'reject', 'nowhere'):
            return f'{self.kind} {self.how}'.strip() + f' ({at})'
        source = ', '.join(show_address(family, low) + ('' if low == high else '-' + show_address(family, high))
                           for low, high in self.source)
        return f'{self.kind} {self.out or ""}'.strip() + \
            f' source={source} target={show_address(family, self.target)} port={self.port} ({at})'


ULA = (0xfc << 120, (0xfe << 120) - 1)
LINK_LOCAL = (0xfe80 << 112, (0xfec0 << 112) - 1)
LINK_SOURCES = {4: [(0, 0), (0xa9fe0000, 0xa9feffff)], 6: [(0, 0), LINK_LOCAL]}    # no antispoof refuses them


class Evaluator:
    """Walks packets through a policy; holds the buckets of its limits, so packets come in the order sent."""

    def __init__(self, policy, lab):
        self.policy, self.lab = policy, lab
        self.used = {('quota', name): used for name, used in policy.used.items()}
        self.changed = {}               # (set, family, address): whether it is in it, of those that packets changed
        self.stage = 0
        self.after = []                 # what is used, asked and changed behind each of several fates
        self.mark = 0
        self.asking = None
        self.assumed = None     # while it is asked: the sub-zones that it is in, but for their networks
        self.translated = False
        self.asked = set()              # (family, address, port) of questions by multicast
        self.decided = None             # the rule that did
        self.station = None             # who sent the packet at hand; ANYBODY of one that is asked about
        self.way = None
        self.zones = {name: policy.zone_of(name) for name in lab.interfaces}

    # -- matching

    def is_in(self, where, place, family, address):
        """Whether an interface, or this machine, is what the word says, as the address is used there."""
        if place in self.policy.groups:
            return any(self.is_in(where, zone, family, address) for zone in self.policy.groups[place])
        zone = self.policy.zones.get(place)
        if zone and zone.within:
            return self.is_in(where, zone.within, family, address) and self.is_part(zone, family, address)
        if place in ('any', 'self'):
            return place == 'any' or where is SELF
        if where is SELF or where not in self.zones:
            return False
        return self.zones[where] is not None if place == 'zones' else self.zones[where] == place

    @staticmethod
    def is_more_than_told(zone):
        return zone.within and (zone.ipsec or zone.owner or zone.mark[1])

    def is_part(self, zone, family, address):
        """What makes a sub-zone; nothing goes through IPsec here, and all senders are user and group 0."""
        told = not any(zone.networks.values()) or inside(zone.networks[family], address)
        if self.assumed is not None and self.is_more_than_told(zone):
            return told and zone.name in self.assumed
        return told and not zone.ipsec and self.mark & zone.mark[1] == zone.mark[0] and not any(zone.owner)

    def item_matches(self, item, where, family, address):
        broken = BREAK == 'zone' and where is not SELF and item.zone in self.policy.zones
        if not broken and not self.is_in(where, item.zone, family, address) or \
                any(self.is_in(where, zone, family, address) for zone in item.but):
            return False
        if item.addresses is None:
            return True
        if item.broadcast and (family, address) != (4, MAX[4]):      # no interface of the lab has another one
            return False
        if self.sent_by(item.addresses.get('mac', []), where):
            return True
        if item.dynamic and self.asking is not None:    # by then nobody knows what it will hold: nothing more
            return inside(item.fixed[family], address) != item.negated
        if item.dynamic and (id(item.addresses), family, address) in self.changed:
            return self.changed[id(item.addresses), family, address] != item.negated
        intervals, ends = item.addresses[family], item.addresses.get('ends')
        if ends and family == 6:
            return ends.has(address) != (item.negated and BREAK != 'negation')
        if not intervals and not item.dynamic:          # of the other family: says nothing here, negated or not
            return False
        return names(intervals, address) != (item.negated and BREAK != 'negation')

    def sent_by(self, macs, where):
        """Only Ethernet tells who sent it; those of the lab's interfaces that are."""
        if not macs or where is SELF or BREAK == 'station':
            return False
        if self.station is ANYBODY:         # what is asked about goes by the policy, which knows names alone
            return self.verb == 'allow'
        if not where.startswith('eth'):
            return False
        return self.station in macs

    def service_matches(self, services, packet, dport):
        if not services:
            return True
        value = packet.type if packet.proto in (ICMP, ICMPV6) else dport
        return any(s.proto == packet.proto and s.family in (None, packet.family) and
                   (s.low is None or s.low <= value <= s.high) and s.code in (None, packet.code) and
                   (s.sources is None or inside(s.sources, packet.sport)) for s in services)

    def within_quota(self, rule, packet):
        if rule.quota is None or BREAK == 'quota':
            return True
        key = 'quota', rule.quota
        self.used[key] = self.used.get(key, 0) + packet.length()
        return self.used[key] <= self.policy.quotas[rule.quota]

    def in_time(self, rule):
        return rule.times is None or rule.times.hold(self.policy.second, self.policy.zone)

    def within_limit(self, rule, family, source):
        return self.within(rule.limit, family, source)

    def within_maximum(self, rule, family, source):
        return BREAK == 'max' or self.within(rule.maximum, family, source)

    def within(self, limit, family, source):
        if limit is None:
            return True
        key = id(limit), None
        if limit.per:
            key = id(limit), family, source >> (32 if family == 4 else 128) - limit.per[family]
        if self.used.get(key, 0) >= limit.size:
            return False
        self.used[key] = self.used.get(key, 0) + 1
        return True

    # -- the filter

    def special(self, rule, packet):
        """Whether the rule asks for something else than this packet has; its sender is user and group 0."""
        return not self.has_mark(rule) or \
            rule.dscp not in (None, packet.dscp) or any(rule.owner) or rule.nobody or not self.in_time(rule)

    def has_mark(self, rule):
        return rule.mark is None or self.mark & rule.mask == rule.mark

    def change(self, changes, family, source, target):
        for adds, of_source, addresses in changes if BREAK != 'changes' else []:
            self.changed[id(addresses), family, source if of_source else target] = adds

    def decide(self, packet, came, goes, target, dport):
        """The user's rules: (verb, line)."""
        found = ('drop', 0)
        self.decided = None
        for rule in self.policy.rules:
            self.verb = rule.verb
            if rule.family not in (None, packet.family):
                continue
            if not any(self.item_matches(i, came, packet.family, packet.source) for i in rule.source):
                continue
            if not any(self.item_matches(i, goes, packet.family, target) for i in rule.target):
                continue
            if rule.published and not self.translated and BREAK != 'published':
                continue
            if not self.service_matches(rule.services, packet, packet.dport if rule.published else dport):
                continue
            if packet is not self.asking and self.special(rule, packet):
                continue
            verb, changes = rule.verb, rule.changes
            if not self.within_limit(rule, packet.family, packet.source) or \
                    not self.within_maximum(rule, packet.family, packet.source) or not self.within_quota(rule, packet):
                if rule.other is None:
                    continue
                verb, changes = rule.other, rule.otherwise
            if packet is not self.asking:
                self.change(changes, packet.family, packet.source, target)
            if packet is self.asking and rule.other == 'allow':  # what it may do beyond its limit, too
                verb = 'allow'
            found = verb, rule.line
            self.decided = rule
            if BREAK != 'last-match':
                break
        return found

    def parts(self, place):
        """The zones and parts of zones that a word names."""
        zones = self.policy.zones
        if place in self.policy.groups:
            return set().union(*(self.parts(zone) for zone in self.policy.groups[place]))
        if place in ('any', 'zones'):
            return set(zones) | ({None} if place == 'any' else set())
        return {place} | {name for name in zones if zones[name].within == place}

    def awaits(self, there):
        """Whether some rule that lets questions out names the zone, or a part of it."""
        zone = self.zones[there]
        its = {None} if zone is None else self.parts(zone)
        return any(its & self.parts(i.zone) - set().union(*(self.parts(zone) for zone in i.but))
                   for rule in self.policy.rules if rule.asks and 'allow' in (rule.verb, rule.other) and
                   any(self.has_self(i) for i in rule.source) for i in rule.target)

    def has_self(self, item):
        return item.zone in ('any', 'self') and 'self' not in item.but or \
            item.zone in self.policy.zones and self.policy.zones[item.zone].within == 'self'

    def note_question(self, packet, goes, target, dport):
        """Who asks by multicast gets answers."""
        if packet.proto == UDP and goes is not SELF and self.decided and dport in self.decided.asks and \
                inside(MANY['multicast'][packet.family], target) and BREAK != 'answers':
            self.asked.add((packet.family, packet.source, packet.sport))

    def before_rules(self, packet, came, goes, target, dport):
        """What is open or shut before any rule of the user: (verb, why) or None."""
        if self.way == 'back':
            return 'allow', 'answer to what is not tracked'
        if not self.way and packet.invalid and self.error_passes(packet, goes):
            return 'allow', 'error'
        if packet.invalid and not self.way:
            return 'drop', 'invalid'
        if packet.proto == TCP and not packet.syn and self.way != 'there':
            return 'drop', 'not a new connection'
        if came is not SELF and goes is not SELF:
            return None
        if packet.family == 6 and packet.proto == ICMPV6:
            if packet.type in ND and packet.hops == 255:
                return 'allow', 'neighbour discovery'
            if packet.type in MLD and (came is SELF or packet.source == 0 or inside([LINK_LOCAL], packet.source)):
                return 'allow', 'MLD'
        # what this machine sends and dnat turns elsewhere is judged by the rules alone
        if came is SELF and self.translated:
            return None
        # the filter sees where it goes: at another port it is a reply no more
        if goes is SELF and packet.proto == UDP and self.dhcp_reply(packet, target, dport):
            return 'allow', 'DHCP reply'
        if goes is SELF and packet.proto == UDP and (packet.family, target, dport) in self.asked and self.awaits(came):
            return 'allow', 'answer'
        if came is SELF and packet.proto == UDP and self.dhcp_answer(packet, goes):
            return 'allow', 'DHCP answer'
        if packet.family == 4 and packet.proto == IGMP and target >> 28 == 14 and SELF in (came, goes) and \
                self.hears_groups(goes if came is SELF else came):
            return 'allow', 'IGMP'
        return None

    def lets(self, ask, came, goes):
        """Whether the rules let that packet pass; what it would use up of limits is not used up."""
        used, self.used, self.asking = self.used, {}, ask   # what a DSCP or a user decides is taken for the best
        translated, self.translated = self.translated, False
        station, self.station = self.station, ANYBODY
        open_parts, verb = [z.name for z in self.policy.zones.values() if self.is_more_than_told(z)], ''
        for n in range(len(open_parts) + 1):
            for self.assumed in itertools.combinations(open_parts, n):
                verb = verb if verb == 'allow' else self.decide(ask, came, goes, ask.target, ask.dport)[0]
        self.used, self.asking, self.translated, self.assumed = used, None, translated, None
        self.station = station
        return verb == 'allow'

    def dhcp_reply(self, packet, target, dport):
        """Answers are let in from where self may ask."""
        ask = None
        if packet.family == 4 and (packet.sport, dport) == (67, 68):
            ask = Packet(None, 4, 0, MAX[4], UDP, 68, 67)
        if packet.family == 6 and dport == 546 and inside([LINK_LOCAL], target):
            ask = Packet(None, 6, LINK_LOCAL[0] + 1, (0xff02 << 112) + 0x10002, UDP, 546, 547)
        return ask is not None and self.lets(ask, SELF, packet.interface)

    def dhcp_answer(self, packet, goes):
        """The other way round: they are let out to where self may be asked from."""
        ask = None
        if packet.family == 4 and (packet.sport, packet.dport) == (67, 68):
            ask = Packet(goes, 4, 0, MAX[4], UDP, 68, 67)
        if packet.family == 6 and (packet.sport, packet.dport) == (547, 546) and inside([LINK_LOCAL], packet.target):
            ask = Packet(goes, 6, LINK_LOCAL[0] + 1, (0xff02 << 112) + 0x10002, UDP, 546, 547)
        return ask is not None and self.lets(ask, goes, SELF)

    def hears_groups(self, there):
        """mdns, llmnr, ssdp or wsdd is let in from some address there."""
        return any(rule.verb == 'allow' and
                   any(self.lets(Packet(there, 4, self.lowest(i), group, UDP, sport, port), there, SELF)
                       for i in rule.source if self.lowest(i) is not None)
                   for group, port in MULTICAST_SERVICES for sport in (40000, port) for rule in self.policy.rules
                   if self.service_matches(rule.services, Packet(there, 4, 0, group, UDP, sport, port), port))

    @staticmethod
    def lowest(item):
        """The lowest IPv4 address that an item names."""
        if item.addresses is None or item.dynamic and not item.fixed[4]:
            return 0
        intervals = sorted(item.fixed[4] if item.dynamic else item.addresses[4])
        if not item.negated or not intervals:
            return intervals[0][0] if intervals else 0 if item.addresses.get('mac') else None
        address = 0
        for low, high in intervals:
            if low <= address <= high:
                address = high + 1
        return address if address <= MAX[4] else None

    # -- marks

    def mark_of(self, packet, came):
        """What it has behind the mark statements; packets come without one."""
        local = self.lab.is_local(packet.family, packet.target)
        if packet.invalid or untracked(packet) or came is SELF and local or BREAK == 'mark':
            return 0
        mark = taken = 0
        for rule in self.policy.marks:
            if rule.mask & taken or not self.in_time(rule) or rule.family not in (None, packet.family) or \
                    not self.service_matches(rule.services, packet, packet.dport) or \
                    not any(self.item_matches(i, came, packet.family, packet.source) for i in rule.source) or \
                    not any(self.item_matches(i, SELF if local else 'elsewhere', packet.family, packet.target)
                            for i in rule.target if i.zone in ('self', 'any')):
                continue
            mark |= rule.mark
            taken |= rule.mask
        return mark

    # -- translation

    def dnat_matches(self, rule, packet, came):
        """(matches, is hairpin: True, False or 'either')"""
        local = self.lab.is_local(packet.family, packet.target)
        if rule.family not in (None, packet.family) or not self.in_time(rule) or not self.has_mark(rule):
            return False, False
        if not self.service_matches(rule.services, packet, packet.dport):
            return False, False
        if not any(self.item_matches(i, SELF if local else 'elsewhere', packet.family, packet.target)
                   for i in rule.target if i.zone in ('self', 'any') and not i.but):
            return False, False
        neighbour = rule.hairpin and (self.target_zone_holds(rule, packet, came) if rule.hairpin_zones is None
                                      else came is not SELF and self.zones[came] in rule.hairpin_zones)
        hairpin = neighbour and local and packet.target not in self.lab.own(came, packet.family) + [self.lab.everywhere]
        if hairpin:
            return True, True
        # a neighbour of the target whom FROM names, calling something else: the answer would miss him if his
        # source stayed, yet the manual does not say that it is rewritten
        return any(self.item_matches(i, came, packet.family, packet.source) for i in rule.source), \
            'either' if neighbour else False

    def target_zone_holds(self, rule, packet, came):
        zone = came is not SELF and self.zones[came] and self.policy.zones[self.zones[came]]
        return bool(zone) and any(family == packet.family and inside(self.policy.networks(zone.name, family), low)
                                  for family, low, _, _ in rule.to)

    def destinations(self, packet, came):
        """Where the packet really goes: a list of (target, port, hairpin)."""
        untouched = [(packet.target, packet.dport, False)]
        if packet.invalid or untracked(packet):
            return untouched
        for rule in self.policy.dnat if BREAK != 'dnat' else []:
            matches, hairpin = self.dnat_matches(rule, packet, came)
            if not matches:
                continue
            if rule.verb == 'no-nat':
                return untouched
            if rule.verb == 'netmap':
                return [(packet.target + rule.shift[packet.family], packet.dport, False)]
            if rule.verb == 'redirect':
                if came is SELF:
                    own = (127 << 24) + 1 if packet.family == 4 else 1
                elif packet.family == 6 and inside([LINK_LOCAL], packet.target):
                    own = self.lab.everywhere
                else:
                    own = self.lab.own(came, packet.family)[0]
                return [(own, rule.to_port, False)]
            found = [(address, port if port is not None and not isinstance(port, tuple) else
                      shift(port, self.service_of(rule, packet), packet.dport), hairpin)
                     for family, low, high, port in rule.to if family == packet.family
                     for address in range(low, high + 1)]
            if found:
                return found
        return untouched

    def service_of(self, rule, packet):
        return next((s for s in rule.services if self.service_matches([s], packet, packet.dport)), None)

    def source_ports(self, packet):
        rule = self.chosen
        if rule and rule.ports and packet.proto in (TCP, UDP):
            return rule.ports
        return (0, 65535) if rule and rule.random else None

    def source_after(self, packet, came, out, target, dport, hairpin):
        """Intervals that hold the source as it leaves."""
        own = self.lab.masquerade(out, packet.family)
        if untracked(packet) or packet.invalid or self.way:
            return ((packet.source, packet.source),)
        if hairpin and self.zones[came] != self.zones[out]:
            hairpin = False                     # the answer comes back through here anyway
        if hairpin is True:
            return ((own, own),)
        if hairpin:
            return ((own, own),) + self.source_after(packet, came, out, target, dport, False)
        for rule in self.policy.snat if BREAK != 'snat' else []:
            if rule.family not in (None, packet.family) or not self.in_time(rule) or not self.has_mark(rule):
                continue
            if not any(self.item_matches(i, came, packet.family, packet.source) for i in rule.source):
                continue
            if not any(self.item_matches(i, out, packet.family, target) for i in rule.target):
                continue
            if not self.service_matches(rule.services, packet, dport):
                continue
            if rule.verb == 'no-nat':
                break
            if rule.verb == 'netmap':
                self.chosen = None
                return ((packet.source + rule.shift[packet.family],) * 2,)
            if rule.verb == 'masquerade':
                if packet.family == 6 and not inside([ULA], packet.source):
                    continue
                self.chosen = rule
                return ((own, own),)
            found = tuple((low, high) for family, low, high, _ in rule.to if family == packet.family)
            if found:
                self.chosen = rule
                return found
        return ((packet.source, packet.source),)

    # -- what is not tracked

    def way_of(self, packet, came, goes):
        """'there', 'back' or None: which way of an untracked statement it goes."""
        if packet.proto == ICMP and packet.type in (3, 4, 5, 11, 12) or packet.proto == ICMPV6 and packet.type in (1, 2, 3, 4):
            return None                         # an error belongs to something else
        # before routing, routes lead groups and the base of a prefix nowhere: these are in any alone
        nowhere = self.lab.is_group(packet.family, packet.target) or \
            came is not SELF and self.lab.is_base(packet.family, packet.target)

        def at(items, where, address, routed=False):
            return any(self.item_matches(i, where, packet.family, address) and
                       (routed or where is not goes or not nowhere or i.zone == 'any' and not i.but) for i in items)
        ways, judged = set(), False
        for rule in self.policy.untracked if BREAK != 'untracked' else []:
            if rule.family not in (None, packet.family):
                continue
            if at(rule.source, came, packet.source) and at(rule.target, goes, packet.target, True) and \
                    self.service_matches(rule.services, packet, packet.dport):
                judged = True
                ways |= {'there'} if at(rule.target, goes, packet.target) else set()
            question = ANSWERED.get((packet.proto, packet.type), packet.type)
            whole = replace(packet, sport=packet.dport, type=question)
            turned = [s for s in rule.services if packet.proto not in (ICMP, ICMPV6) or s.low is None or
                      question != packet.type]
            turned = [replace(s, code=None) for s in turned]
            if at(rule.target, came, packet.source) and at(rule.source, goes, packet.target) and \
                    (not rule.services or turned and self.service_matches(turned, whole, packet.sport)):
                ways.add('back')
        return 'there' if ways and judged else 'back' if ways else None

    def error_passes(self, packet, goes):
        """An ICMP error to one of the sides."""
        if not (packet.proto == ICMP and packet.family == 4 and packet.type in (3, 4, 5, 11, 12) or
                packet.proto == ICMPV6 and packet.family == 6 and packet.type in (1, 2, 3, 4)):
            return False
        return any(rule.family in (None, packet.family) and self.item_matches(i, goes, packet.family, packet.target)
                   for rule in self.policy.untracked for i in rule.source + rule.target)

    # -- what is refused as it arrives

    def spoofs(self, guard, packet, came):
        if inside(LINK_SOURCES[packet.family], packet.source):
            return False
        if guard.kind in ('route', 'loose'):
            if not any(self.item_matches(i, came, packet.family, packet.source) for i in guard.items):
                return False
            if packet.proto == UDP and (packet.family == 4 and (packet.target, packet.sport, packet.dport) ==
                                        (MAX[4], 67, 68) or packet.family == 6 and packet.dport == 546 and
                                        inside([LINK_LOCAL], packet.target)):
                return False
            back = self.lab.route(packet.family, packet.source)
            return back is None or back is SELF or guard.kind == 'route' and back != came
        theirs = {zone for i in guard.items for zone in (self.policy.zones if i.zone == 'zones' else [i.zone])}
        owners, zone = self.policy.owners(packet.family, packet.source), self.zones[came]
        if zone in owners:
            return False
        return bool(theirs & owners) or zone in theirs and bool(self.policy.zones[zone].networks[packet.family])

    def refused(self, packet, came, stages=None):
        """The statement that drops it before anything else is asked; without stages, a packet that comes with
        no mark."""
        self.mark = self.mark if stages else 0
        self.station = packet.mac
        for kinds in (('early',), ('networks',), ('route', 'loose')):
            for guard in self.policy.guards if BREAK != 'guards' else []:
                if guard.kind not in kinds or guard.kind not in (stages or kinds):
                    continue
                if guard.kind == 'early':
                    bad = any(self.item_matches(i, came, packet.family, packet.source) for i in guard.items)
                else:
                    bad = self.spoofs(guard, packet, came)
                if bad:
                    return guard
        return None

    # -- all of it

    def fate(self, packet):
        self.policy.enter(packet.stage if BREAK != 'content' else 0)
        if packet.stage != self.stage:          # they are filled anew
            self.stage = packet.stage
            self.changed.clear()
        came = SELF if packet.interface is None else packet.interface
        self.station = packet.mac
        self.way = None
        goes = self.lab.route(packet.family, packet.target)
        if self.policy.untracked and not (came is SELF and goes is SELF):
            self.way = self.way_of(packet, came, goes)
        self.mark = 0                                   # as early drop and the statements that mark find it
        guard = None if came is SELF else self.refused(packet, came, ('early', 'networks'))
        self.mark = 0 if self.way else self.mark_of(packet, came)
        guard = guard or (None if came is SELF else self.refused(packet, came, ('route', 'loose')))
        if guard:
            return [Fate('drop', guard.line, guard.kind)]
        choices = [(packet.target, packet.dport, False)] if self.way else self.destinations(packet, came)
        if len(choices) == 1:
            return [self.fate_to(packet, came, *choices[0])]
        fates, self.after, before = [], [], self.state()
        for choice in choices:
            self.enter(before)
            fates.append(self.fate_to(packet, came, *choice))
            self.after.append(self.state())
        return fates

    def state(self):
        return self.used, self.asked, self.changed

    def enter(self, state):
        self.used, self.asked, self.changed = map(copy.copy, state)

    def fates(self, packets, agrees):
        """The fates of packets that are sent one after the other. Where the language leaves a choice, only one of
        them took from the budgets of limits: agrees(index, fate) tells which it may have been."""
        states, out = [self.state()], []
        for index, packet in enumerate(packets):
            all_fates, kept = [], []
            for state in states if packet.stage != self.stage else []:
                state[2].clear()
            for state in states:
                self.used, self.asked, self.changed = state
                self.after = [state]
                fates = self.fate(packet)
                all_fates += fates
                kept += [after for fate, after in zip(fates, self.after) if after not in kept and agrees(index, fate)]
            states = kept[:STATES_MAX] or [self.after[0]]
            out.append(all_fates)
        return out

    def fate_to(self, packet, came, target, dport, hairpin):
        goes = self.lab.route(packet.family, target)
        if goes is None or goes is not SELF and packet.family == 6 and inside([LINK_LOCAL], packet.source):
            return Fate('nowhere', why='not routed')
        if came is SELF and goes is SELF:
            return Fate('self', why='loopback', source=((0, MAX[packet.family]),), target=target, port=dport)
        self.translated = (target, dport) != (packet.target, packet.dport)
        verb, why = self.before_rules(packet, came, goes, target, dport) or (None, '')
        line = 0
        if verb is None:
            verb, line = self.decide(packet, came, goes, target, dport)
            if verb == 'allow' and came is SELF:
                self.note_question(packet, goes, target, dport)
        if verb == 'drop':
            return Fate('drop', line, why)
        if verb == 'reject':
            # The kernel sends no error about some, or loses it as one that belongs to no connection; where this
            # machine's own packets are judged after dnat, it lets nobody reject; and after dnat the checksum of
            # a protocol that it does not know is wrong, which it takes for a damaged packet.
            translated = (target, dport) != (packet.target, packet.dport)
            quiet = self.lab.is_group(packet.family, target) or inside(MANY['multicast'][packet.family], target) or \
                untracked(packet) or self.way or translated and \
                (came is SELF or packet.proto not in (TCP, UDP, ICMP, ICMPV6))
            return Fate('reject', line, why, how='reset' if packet.proto == TCP else 'prohibited', quiet=quiet)
        if goes is SELF:
            return Fate('self', line, why, source=((packet.source, packet.source),), target=target, port=dport)
        self.chosen = None
        source = self.source_after(packet, came, goes, target, dport, hairpin)
        return Fate('forward', line, why, goes, source, target, dport, ports=self.source_ports(packet))


# ---------------------------------------------------------------- the lab's routing, as data

class Lab:
    """interfaces: name -> own addresses; routes: (prefix, interface), the longest wins; groups: broadcast and
    multicast that is delivered here; everywhere: an own address on every interface."""

    def __init__(self, interfaces, routes, groups, everywhere):
        self.interfaces = {name: {f: [int(ipaddress.ip_address(a)) for a in addresses
                                      if ipaddress.ip_address(a).version == f] for f in FAMILIES}
                           for name, addresses in interfaces.items()}
        self.routes = []
        for prefix, name in routes:
            net = ipaddress.ip_network(prefix)
            self.routes.append((net.prefixlen, net.version, int(net.network_address), int(net.broadcast_address), name))
        self.routes.sort(key=lambda r: -r[0])
        self.local = {(f, a) for own in self.interfaces.values() for f in FAMILIES for a in own[f]}
        self.everywhere = int(ipaddress.ip_address(everywhere))
        self.local.add((6, self.everywhere))
        self.groups = {(ipaddress.ip_address(g).version, int(ipaddress.ip_address(g))) for g in groups}

    def own(self, interface, family):
        return self.interfaces[interface][family]

    def masquerade(self, interface, family):
        return self.interfaces[interface][family][0]

    def is_local(self, family, address):
        return (family, address) in self.local or (family == 4 and address >> 24 == 127) or \
            (family == 6 and address == 1)

    def is_base(self, family, address):
        """The first address of an IPv6 prefix on a link, which the kernel takes for anycast."""
        return family == 6 and any(version == 6 and low == address and high - low > 1
                                   for _, version, low, high, _ in self.routes)

    def is_group(self, family, address):
        return (family, address) in self.groups

    def route(self, family, address):
        """SELF, an interface, or None."""
        if self.is_local(family, address) or self.is_group(family, address):
            return SELF
        for _, version, low, high, name in self.routes:
            if version == family and low <= address <= high:
                return name
        return None
