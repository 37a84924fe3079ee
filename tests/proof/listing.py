# SPDX-License-Identifier: GPL-2.0-or-later
"""One table as `nft -j list table` prints it, and what it does with one packet.

Written from nft(8), libnftables-json(5) and what the kernel does (see traps/), not from the
compiler.  What is not understood raises Unsupported: this reader never guesses.

Packets are dicts.  Numbers everywhere: interface names are their 16 bytes as a number, families the
kernel's (2, 10), a missing interface 0.  packet['free'] says which conditions hold that no packet
can answer (a rate limit, the contents of a run-time set); what is not in it does not hold.
"""

import datetime
import ipaddress
import json
import re
from dataclasses import dataclass, field

IPV4, IPV6 = 2, 10
ICMP, TCP, UDP, DCCP, ICMPV6, SCTP, UDPLITE = 1, 6, 17, 33, 58, 132, 136
ETHER = 1               # of types of interfaces
STATES = {'invalid': 1, 'established': 2, 'related': 4, 'new': 8, 'untracked': 64}
TYPES = {'unicast': 1, 'local': 2, 'broadcast': 3, 'anycast': 4, 'multicast': 5}

# The fields of a packet in the order in which diagrams ask, with their greatest values.
FIELDS = {
    'family': 15, 'ctstate': 127, 'ctstatus': 1023,
    'ctmark': (1 << 32) - 1, 'ctdirection': 1, 'iif': (1 << 128) - 1, 'oif': (1 << 128) - 1,
    'mark': (1 << 32) - 1, 'skuid': (1 << 32) - 1, 'skgid': (1 << 32) - 1, 'fibsaddr': 15, 'fibdaddr': 15, 'fibdaddriif': 15,
    'saddr': (1 << 128) - 1, 'daddr': (1 << 128) - 1, 'proto': 255, 'dport': 65535, 'sport': 65535,
    'icmptype': 255, 'icmpcode': 255, 'dscp': 63, 'iiftype': 65535, 'smac': (1 << 48) - 1,
    'tcpflags': 255, 'payload': 2, 'hoplimit': 255, 'called': 65535, 'secpath': 1, 'rtipsec': 1,
    'fiboif': (1 << 128) - 1, 'time': 18446744073,
}
META = {'nfproto': 'family', 'l4proto': 'proto', 'iifname': 'iif', 'oifname': 'oif', 'iif': 'iif',
        'oif': 'oif', 'mark': 'mark', 'skuid': 'skuid', 'skgid': 'skgid', 'ipsec': 'secpath', 'secpath': 'secpath',
        'iiftype': 'iiftype', 'time': 'time'}
CT = {'state': 'ctstate', 'status': 'ctstatus', 'mark': 'ctmark', 'direction': 'ctdirection'}
OF_ARRIVAL = {'iiftype'}      # asked of what did not arrive, it ends the rule
DIRECTIONS = {'original': 0, 'reply': 1}
FIB = {('saddr',): 'fibsaddr', ('daddr',): 'fibdaddr', ('daddr', 'iif'): 'fibdaddriif'}
# What routing tables decide is a condition, the same wherever it is asked.
ROUTES = {('iif', 'mark', 'saddr'): 'the routes lead back to the source by the interface it came by',
          ('mark', 'saddr'): 'some route leads back to the source'}
# Only what a helper expects has one, and which packets that are is as little known: a condition too.
EXPECTED = 'a connection with helper {} expected this one'
# What is used of a quota, and what connections are known by: conditions, too.
SPENT, LABELLED = 'quota {} is used up', 'its connection has labels ({})'
# The seconds that windows are known for, [from, to): where the proof sees no more, nor does this. None: all.
HORIZON = None
PAYLOAD = {
    ('ip', 'saddr'): 'saddr', ('ip', 'daddr'): 'daddr', ('ip', 'protocol'): 'proto',
    ('ip6', 'saddr'): 'saddr', ('ip6', 'daddr'): 'daddr', ('ip6', 'hoplimit'): 'hoplimit',
    ('ip', 'dscp'): 'dscp', ('ip6', 'dscp'): 'dscp', ('icmp', 'code'): 'icmpcode', ('icmpv6', 'code'): 'icmpcode',
    ('ether', 'saddr'): 'smac',
    ('icmp', 'type'): 'icmptype', ('icmpv6', 'type'): 'icmptype', ('tcp', 'flags'): 'tcpflags',
}
for _proto in ('tcp', 'udp', 'sctp', 'dccp', 'udplite', 'th'):
    PAYLOAD[_proto, 'sport'], PAYLOAD[_proto, 'dport'] = 'sport', 'dport'
L4 = {'icmp': ICMP, 'icmpv6': ICMPV6, 'tcp': TCP, 'udp': UDP, 'sctp': SCTP, 'dccp': DCCP,
      'udplite': UDPLITE}


DATE = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d')


class Unsupported(Exception):
    """Something in the listing that this reader does not know."""


def name_number(name):
    return int.from_bytes(name.encode().ljust(16, b'\0'), 'big')


def number_name(value):
    return value.to_bytes(16, 'big').rstrip(b'\0').decode('latin-1')


@dataclass
class Statement:
    kind: str           # is, bits, free, map, verdict, final, effect, nothing
    needs: list = field(default_factory=list)   # [(field, value)]: what the match implies
    keys: list = None   # is, bits, map: [(field, mask or None)]
    rows: list = None   # is: [box]; bits: a number; map: [(box, verdict)]; a box: ((low, high), ...)
    negate: bool = False
    what: object = None     # free: its text; verdict: (kind, target); final, effect, nothing: words


@dataclass
class Rule:
    statements: list
    handle: int
    comment: str
    key: tuple = None


@dataclass
class Chain:
    name: str
    base: dict = None       # type, hook, prio, policy
    rules: list = field(default_factory=list)


@dataclass
class Set:
    name: str
    runtime: bool
    rows: list              # [(box, verdict or None)]


def is_shared(condition):
    """Whether it is the same condition wherever it is asked."""
    head, tail = EXPECTED.split('{}')
    return condition.startswith(('quota ', 'its connection has ')) or condition in ROUTES.values() or condition.startswith(head) and condition.endswith(tail)


# ---------------------------------------------------------------- reading

class Reader:
    def __init__(self, objects):
        self.chains, self.sets = {}, {}
        for o in objects:
            if o.get('table', {}).get('flags'):     # nft 1.0.6 writes the table's name for "dormant"
                raise Unsupported('a table with flags')
            if 'chain' in o:
                c = o['chain']
                base = {k: c[k] for k in ('type', 'hook', 'prio', 'policy')} if 'hook' in c else None
                self.chains[c['name']] = Chain(c['name'], base)
        for o in objects:
            for kind in ('set', 'map'):
                if kind in o:
                    self.sets[o[kind]['name']] = self.set_object(o[kind])
        for o in objects:
            if 'rule' in o:
                r = o['rule']
                self.chains[r['chain']].rules.append(self.read_rule(r))

    def set_object(self, o):
        # The flag "dynamic" is not listed by every version; names of sets that belong to the
        # policy end in a hash of what is in them.
        flags = o.get('flags', [])
        runtime = 'dynamic' in flags or 'timeout' in flags or 'timeout' in o
        if o['table'] == 'fwc' and not re.search(r'\.[0-9a-f]{12}$', o['name']):
            runtime = True
        rows = []
        for e in o.get('elem', []):
            verdict = None
            if 'map' in o:
                if o['map'] != 'verdict':
                    raise Unsupported(f'a map to {o["map"]}')
                e, verdict = e[0], self.verdict(e[1])
            rows.append((self.box(e), verdict))
        return Set(o['name'], runtime, rows)

    def verdict(self, o):
        (kind, what), = o.items()
        if kind not in ('accept', 'drop', 'return', 'continue', 'jump', 'goto'):
            raise Unsupported(f'verdict {kind}')
        return kind, what['target'] if what else None

    # -- values

    def box(self, e):
        """An element as a tuple of intervals."""
        if isinstance(e, dict) and 'elem' in e:
            e = e['elem']['val']
        parts = e['concat'] if isinstance(e, dict) and 'concat' in e else [e]
        return tuple(self.interval(p) for p in parts)

    def interval(self, v):
        if isinstance(v, dict) and 'range' in v and DATE.fullmatch(str(v['range'][0])):
            return self.window(*v['range'])
        if isinstance(v, dict) and 'range' in v:
            return self.interval(v['range'][0])[0], self.interval(v['range'][1])[1]
        if isinstance(v, dict) and 'prefix' in v:
            address = ipaddress.ip_address(v['prefix']['addr'])
            rest = (1 << (address.max_prefixlen - v['prefix']['len'])) - 1
            return int(address) & ~rest, int(address) | rest
        if isinstance(v, str):
            return self.word(v)
        if isinstance(v, list) or isinstance(v, dict) and '|' in v:
            v = self.bits(v)
        if isinstance(v, int):
            return v, v
        raise Unsupported(f'value {v!r}')

    @staticmethod
    def window(*ends):
        """Whole seconds: of the last one the first nanosecond is in it. Dates are listed in the zone of nft, UTC."""
        low, high = (int(datetime.datetime.fromisoformat(x + '+00:00').timestamp()) for x in ends)
        high -= 1
        if HORIZON:
            low, high = max(low, HORIZON[0]), min(high, HORIZON[1] - 1)
            if low > high:
                return 1, 0
            low, high = 0 if low == HORIZON[0] else low, FIELDS['time'] if high == HORIZON[1] - 1 else high
        return low, high

    @classmethod
    def labels(cls, v):
        """The numbers of bits: a list, or by twos."""
        if isinstance(v, int):
            return [v]
        return sorted(n for one in (v['|'] if isinstance(v, dict) else v) for n in cls.labels(one))

    @staticmethod
    def word(v):
        unnamed = re.fullmatch(r'(0x[0-9a-f]+) \[invalid type\]', v)     # how nft 1.0 says of ICMP types
        if unnamed:
            return int(unnamed[1], 16), int(unnamed[1], 16)
        if re.fullmatch('[0-9a-f]{2}(:[0-9a-f]{2}){5}', v):
            n = int(v.replace(':', ''), 16)
            return n, n
        try:
            n = int(ipaddress.ip_address(v))
        except ValueError:
            if not re.fullmatch(r'[A-Za-z][A-Za-z0-9_.-]*\*?', v):
                raise Unsupported(f'value {v!r}') from None
            low = name_number(v.rstrip('*'))
            return low, low + (1 << 8 * (17 - len(v))) - 1 if v.endswith('*') else low
        return n, n

    @classmethod
    def bits(cls, v):
        """A number, or several: a list in nft 1.0, {"|": [...]} since 1.1."""
        if isinstance(v, int):
            return v
        if isinstance(v, dict) and list(v) == ['|']:
            v = v['|']
        if not isinstance(v, list):
            raise Unsupported(f'bits {v!r}')
        out = 0
        for one in v:
            out |= cls.bits(one)
        return out

    # -- what is looked at

    def selector(self, o, context):
        """([(field, mask)], needs)."""
        (kind, what), = o.items()
        if kind == 'concat':
            keys, needs = [], []
            for part in what:
                k, n = self.selector(part, context)
                keys += k
                needs += [c for c in n if c not in needs]
            return keys, needs
        if kind == '&':
            keys, needs = self.selector(what[0], context)
            mask = what[1]
            mask = self.word(mask)[0] if isinstance(mask, str) else self.bits(mask)
            return [(keys[0][0], mask)], needs
        if kind == 'meta' and what['key'] in META:
            return [(META[what['key']], None)], []
        if kind == 'rt' and what['key'] == 'ipsec':
            return [('rtipsec', None)], []
        if kind == 'ct' and (what['key'], what.get('dir')) == ('proto-dst', 'original'):
            return [('called', None)], []
        if kind == 'ct' and what['key'] in CT:
            return [(CT[what['key']], None)], []
        if kind == 'socket' and what.get('level'):      # kernel.listing() has put it there
            return [('cgroup', None)], []
        if kind == 'fib' and (what['result'], what['flags']) in (('oifname', ['daddr']), ('oifname', 'daddr')):
            return [('fiboif', None)], []
        if kind == 'fib' and what['result'] == 'type' and tuple(sorted(what['flags'])) in FIB:
            return [(FIB[tuple(sorted(what['flags']))], None)], []
        if kind == 'payload' and (what.get('base'), what.get('offset'), what.get('len')) == ('ll', 48, 48):
            return [('smac', None)], []         # whatever link it came by
        if kind == 'payload' and (what.get('base'), what.get('offset'), what.get('len')) == ('ih', 0, 8):
            return [('payload', None)], []      # the first byte that TCP or UDP carries: none, below 128, from there on
        if kind == 'payload' and (what.get('protocol'), what.get('field')) in PAYLOAD:
            needs = self.dependencies(what['protocol'], context)
            return [(PAYLOAD[what['protocol'], what['field']], None)], needs
        raise Unsupported(f'selector {json.dumps(o)}')

    @staticmethod
    def dependencies(protocol, context):
        """What nft adds before it loads a header field (and leaves out when it lists).

        The ICMPs belong to a family each, unless the rule has spoken of the other one before.
        """
        if protocol in ('ip', 'ip6'):
            context['family'] = IPV4 if protocol == 'ip' else IPV6
            return [('family', context['family'])]
        if protocol == 'ether':
            return [('iiftype', ETHER)]
        if protocol in ('icmp', 'icmpv6'):
            family = context.get('family') or (IPV4 if protocol == 'icmp' else IPV6)
            return [('family', family), ('proto', L4[protocol])]
        return [('proto', L4[protocol])] if protocol != 'th' else []

    # -- rules

    def read_rule(self, r):
        context, out = {}, []
        for o in r['expr']:
            (kind, what), = o.items()
            reader = getattr(self, 'read_' + kind.replace(' ', '_'), None)
            if reader:
                found = reader(what, context)
                out += found if isinstance(found, list) else [found]
            elif kind in ('accept', 'drop', 'return', 'continue', 'jump', 'goto'):
                out.append(Statement('verdict', what=self.verdict(o)))
            elif kind == 'counter':
                out.append(Statement('nothing', what=kind))
            else:
                raise Unsupported(f'statement {json.dumps(o)}')
        stem = re.sub(r'\.[0-9a-f]{12}$', '', r['chain'])
        for s in out:
            # each rule has a budget of its own, even if another one has the same rate
            if s.kind == 'free' and '@' not in s.what and not is_shared(s.what):
                s.what = f'{stem} {s.what} of "{r.get("comment", "")}"'
        return Rule(out, r['handle'], r.get('comment', ''))

    def read_match(self, m, context):
        fib = m['left'].get('fib', {}) if isinstance(m['left'], dict) else {}
        if fib.get('result') == 'oif' and tuple(sorted(fib['flags'])) in ROUTES and m['op'] in ('==', '!='):
            return Statement('free', [], negate=bool(m['right']) == (m['op'] == '!='),
                             what=ROUTES[tuple(sorted(fib['flags']))])
        if m['left'] == {'ct': {'key': 'helper'}} and isinstance(m['right'], str) and \
                m['op'] in ('==', '!='):
            return Statement('free', [], negate=m['op'] == '!=', what=EXPECTED.format(m['right']))
        label = m['left'].get('&', [None])[0] if isinstance(m['left'], dict) else None
        if label == {'ct': {'key': 'label'}}:
            bits = self.labels(m['right'])
            if m['op'] != '==' or bits != self.labels(m['left']['&'][1]):
                raise Unsupported('labels but for a whole mask')
            return Statement('free', what=LABELLED.format(' | '.join(map(str, bits))))
        keys, needs = self.selector(m['left'], context)
        right, op = m['right'], m['op']
        if any(name == 'cgroup' for name, _ in keys) and not \
                (len(keys) == 1 and str(right).startswith('@') and self.sets[right[1:]].runtime):
            raise Unsupported('a control group but for a set of run time')
        if keys == [('family', None)] and op == '==' and isinstance(right, int):
            context['family'] = right
        if keys[0][0] in ('iif', 'oif') and 'name' not in json.dumps(m['left']):
            if right not in ('0', 0):
                raise Unsupported('an interface by number')
            right = 0
        if keys == [('ctdirection', None)]:
            right = DIRECTIONS.get(right, right)
        if keys == [('iiftype', None)] and right == 'ether':
            right = ETHER
        if keys == [('payload', None)]:
            if op != '==' or right not in ({'range': [0, 255]}, {'range': [128, 255]}):
                raise Unsupported('what a byte of payload is')
            right = {'range': [1, 2]} if right == {'range': [0, 255]} else 2
        if isinstance(right, str) and right.startswith('@'):
            found = self.sets[right[1:]]
            if found.runtime:
                text = f'{self.selector_text(m["left"])} {right}'
                return Statement('free', needs, negate=op == '!=', what=text)
            rows = [box for box, _ in found.rows]
        elif isinstance(right, dict) and 'set' in right:
            rows = [self.box(e) for e in right['set']]
        elif op == 'in':
            return Statement('bits', needs, keys, self.bits(right))
        else:
            rows = [self.box(right)]
        if op in ('<', '>', '<=', '>='):
            rows = [self.compared(op, keys[0][0], rows[0][0])]
        elif op not in ('==', '!='):
            raise Unsupported(f'operator {op}')
        return Statement('is', needs, keys, rows, op == '!=')

    @staticmethod
    def compared(op, name, interval):
        if interval[0] != interval[1]:
            raise Unsupported(f'{op} of a range')
        v, top = interval[0], FIELDS[name]
        return ({'<': (0, v - 1), '<=': (0, v), '>': (v + 1, top), '>=': (v, top)}[op],)

    @staticmethod
    def selector_text(o):
        (kind, what), = o.items()
        if kind == 'concat':
            return ' . '.join(Reader.selector_text(p) for p in what)
        if kind == 'payload':
            return f'{what["protocol"]} {what["field"]}'
        if kind in ('meta', 'ct'):
            return f'{kind} {what["key"]}'
        if kind == 'socket':
            return f'cgroup of level {what["level"]}'
        return json.dumps(o)

    def read_vmap(self, v, context):
        keys, needs = self.selector(v['key'], context)
        if isinstance(v['data'], str):
            rows = self.sets[v['data'][1:]].rows
        else:
            rows = [(self.box(e), self.verdict(d)) for e, d in v['data']['set']]
        return Statement('map', needs, keys, rows)

    @staticmethod
    def limit_text(o):
        return f'limit rate {o["rate"]}/{o["per"]} burst {o.get("burst", 5)} packets'

    def read_limit(self, o, _):
        if 'rate_unit' in o and o['rate_unit'] != 'packets':
            raise Unsupported('a limit of bytes')
        return Statement('free', what=self.limit_text(o), negate=o.get('inv', False))

    def read_ct_count(self, o, _):
        return Statement('free', what=f'ct count {"over " if o.get("inv") else ""}{o["val"]}')

    def read_set(self, o, context):
        """add or update, or a meter. (That it breaks the rule where the set is full is left out.)"""
        elem = o['elem']
        inner = elem['elem']['val'] if 'elem' in elem else elem
        _, needs = self.selector(inner, context)
        text = self.selector_text(inner)
        if 'elem' in elem:
            text += ''.join(f' {k} {v}' for k, v in sorted(elem['elem'].items()) if k != 'val')
        over = False
        for s in o.get('stmt', []):
            (kind, what), = s.items()
            over = over or what.get('inv', False)
            text += ' ' + (self.limit_text(what) if kind == 'limit' else json.dumps(s))
        return Statement('free' if o.get('stmt') else 'effect', needs,
                         negate=over, what=f'{o["op"]} {o["set"]} {{ {text} }}')

    def read_ct_helper(self, o, _):
        return Statement('effect', what=f'ct helper set {o}')

    def read_log(self, o, _):
        return Statement('effect', what='log ' + ' '.join(f'{k} "{v}"' for k, v in
                                                          sorted((o or {}).items())))

    def read_queue(self, o, _):
        num = o['num']
        first, count = num, 1
        if isinstance(num, dict) and list(num) == ['symhash']:
            first, count = num['symhash'].get('offset', 0), num['symhash']['mod']
        if not isinstance(first, int) or o.get('flags', 'bypass') not in ('bypass', ['bypass']):
            raise Unsupported(f'queue {json.dumps(o)}')
        return Statement('final', what=f'queue {first} {first + count - 1}' +
                         (' or nobody' if 'flags' in o else ''))

    @staticmethod
    def mark(o):
        """The text of setting a mark: which bits, to what."""
        (kind, what), = o['key'].items()
        value, bits, out = o['value'], 0xffffffff, 0
        if what != {'key': 'mark'}:
            raise Unsupported(f'mangle {json.dumps(o)}')
        if isinstance(value, dict) and '|' in value:
            value, out = value['|']
            bits = out
        if isinstance(value, dict) and '&' in value:
            value, mask = value['&']
            bits = ~mask & 0xffffffff | out
        if isinstance(value, int):
            bits, out, value = 0xffffffff, value, o['key']
        if value != o['key'] or not isinstance(out, int):
            raise Unsupported(f'mangle {json.dumps(o)}')
        return f'{kind} mark & {bits:#010x} := {out:#010x}'

    def read_quota(self, o, _):
        if not isinstance(o, str) or not o.startswith('quota.'):
            raise Unsupported('a quota of the rule itself')
        name = o.partition('.')[2]
        return [Statement('effect', what=f'counts for quota {name}'),
                Statement('free', what=SPENT.format(name), negate=True)]

    def read_mangle(self, o, _):
        if o['key'] == {'ct': {'key': 'label'}}:
            bits = ' | '.join(map(str, self.labels(o['value'])))
            return Statement('effect', what=f'its connection gets labels ({bits})')
        if 'tcp option' not in o['key']:
            known = STATES['new'] | STATES['established'] | STATES['related']
            # what is read of a connection ends the rule of a packet that has none
            of_connection = o['key'] == {'ct': {'key': 'mark'}} and not isinstance(o['value'], int)
            return [Statement('bits', [], [('ctstate', None)], known)] * of_connection + [Statement('effect', what=self.mark(o))]
        value = o['value'] if isinstance(o['value'], int) else 'of the path'
        return Statement('effect', [('proto', TCP)], what=f'mss {value}')

    def read_notrack(self, o, _):
        return Statement('effect', what='not tracked')

    def read_reject(self, o, _):
        o = o or {}
        kind = o.get('type', 'icmpx')
        if kind == 'tcp reset':
            return Statement('final', [('proto', TCP)], what='reject tcp reset')
        needs = {'icmp': [('family', IPV4)], 'icmpv6': [('family', IPV6)]}.get(kind, [])
        return Statement('final', needs, what=f'reject {kind} {o.get("expr", 1)}')

    def read_masquerade(self, o, _):
        o = o or {}
        port = f' port {self.port(o)}' if 'port' in o else ''
        return Statement('final', what='masquerade' + port + self.flags(o))

    def read_redirect(self, o, _):
        return Statement('final', what=f'redirect port {(o or {}).get("port", "kept")}')

    def read_dnat(self, o, _, kind='dnat'):
        needs = []
        if o.get('family'):             # of the other family: the statement does nothing
            needs = [('family', IPV4 if o['family'] == 'ip' else IPV6)]
        shifted = self.shifted(o['addr'])
        return Statement('final', needs, what=f'{kind} ' + (
            shifted or f'{self.targets(o["addr"])} port {self.port(o)}') + self.flags(o) + self.chosen(o['addr']) +
            self.mapped(o))

    @staticmethod
    def mapped(o):
        """To a network: what is behind the prefix is kept."""
        return ' address by address' if o.get('type_flags') == 'prefix' and 'prefix' in o['addr'] else ''

    @staticmethod
    def port(o):
        port = o.get('port', 'kept')
        return '-'.join(str(x) for x in port['range']) if isinstance(port, dict) else port

    @staticmethod
    def flags(o):
        flags = o.get('flags', [])
        flags = [flags] if isinstance(flags, str) else flags
        if o.get('type_flags') == 'prefix':
            flags = [x for x in flags if x != 'netmap']
        words = {'fully-random': ' random', 'persistent': ' persistent'}
        if set(flags) - set(words):
            raise Unsupported(f'translation with {flags}')
        return ''.join(words[x] for x in words if x in flags)

    @staticmethod
    def chosen(o):
        return ' by source' if isinstance(o, dict) and 'jhash' in o.get('map', {}).get('key', {}) else ''

    @staticmethod
    def shifted(o):
        """A map from the called port to one address and a port as far away: 'ADDRESS port A-B of ports C-D'."""
        key = o.get('map', {}).get('key', {}) if isinstance(o, dict) else {}
        if key.get('payload', {}).get('field') != 'dport' or \
                not all(isinstance(to, dict) and 'concat' in to for _, to in o['map']['data']['set']):
            return None
        pairs = sorted((port, *to['concat']) for port, to in o['map']['data']['set'])
        (low, address, first), (high, _, last) = pairs[0], pairs[-1]
        if pairs != [(low + i, address, first + i) for i in range(high - low + 1)]:
            raise Unsupported(f'translation by {json.dumps(o)}')
        return f'{ipaddress.ip_address(address)} port {first}-{last} of ports {low}-{high}'

    def read_snat(self, o, context):
        return self.read_dnat(o, context, 'snat')

    @staticmethod
    def by_address(o):
        """Whether a hash is of the source address alone, by the seed that keeps clients where they are."""
        return bool(o) and o.get('seed') == 1 and o['expr'].get('payload', {}).get('field') == 'saddr'

    def targets(self, o):
        if isinstance(o, dict) and 'map' in o:
            key = o['map']['key']
            if key.get('numgen', {}).get('mode') != 'inc' and not self.by_address(key.get('jhash')):
                raise Unsupported(f'translation by {json.dumps(o)}')
            return ', '.join(self.targets(t) for _, t in sorted(o['map']['data']['set'],
                                                                key=lambda e: e[0]))
        if isinstance(o, dict) and 'prefix' in o:
            net = ipaddress.ip_network(f'{o["prefix"]["addr"]}/{o["prefix"]["len"]}')
            low, high = str(net[0]), str(net[-1])
        else:
            ends = o['range'] if isinstance(o, dict) else [o, o]
            low, high = (str(ipaddress.ip_address(e)) for e in ends)
        return low if low == high else f'{low}-{high}'
