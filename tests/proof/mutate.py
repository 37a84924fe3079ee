# SPDX-License-Identifier: GPL-2.0-or-later
"""Every single small mistake in a compiled script.

    for kind, line number, text in mutants(script): ...

The script is what `fwc compile -o -` prints: one rule or element a line.  Line numbers are those of
plain(script).  Comments of rules are left alone, so that text of a policy in them is never taken
for nft's.
"""

import ipaddress
import re

V4 = r'\d+\.\d+\.\d+\.\d+'
V6 = r'(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}'
ADDRESS = re.compile(rf'(?<![\w.:/-])({V4}|{V6})(/\d+|-(?:{V4}|{V6}))?(?![\w.:])')
CHAIN_VERDICT = re.compile(r'\b(goto|jump) ([\w.-]+)')
PORT = re.compile(r'(?<![\w.:/-])(\d+)(?:-(\d+))?(?![\w.:/-])')
PORT_FIELD = re.compile(r'\b(?:tcp|udp|sctp|dccp|udplite|th) [sd]port (?:!= )?')
SELECTOR = (r'(?:socket cgroupv2 level \d|meta (?:nfproto|l4proto|mark|skuid|skgid|iiftype|time)|ether saddr|ct (?:state|status)|[io]ifname|[io]if'
            r'|ip6? [sd]addr|ip6 hoplimit|icmp(?:v6)? (?:type|code)|ip6? dscp|fib daddr \. iif type|fib [sd]addr type'
            r'|(?:tcp|udp|sctp|dccp|udplite|th) [sd]port)')
MATCHES = re.compile(rf'(?<!\. ){SELECTOR}(?: \. {SELECTOR})* (?:!= )?(?!vmap)'
                     r'(?:\{[^}]*\}|"[^"]*"|@[^ ]+|[\w:.,/*-]+) ')
STATES = ['established', 'related', 'new', 'invalid', 'untracked']


class Script:
    """The lines of a script, and what each of them is."""

    def __init__(self, text):
        self.lines = text.splitlines()
        self.rules, self.elements, self.bases = [], [], []
        self.chain_of, self.map_of, self.kind_of = {}, {}, {}
        self.chains, self.refers, inside, where = [], {}, None, None
        for n, line in enumerate(self.lines):
            start = re.match(r'\t(chain|map|set) (\S+) \{$', line)
            if start:
                where, inside = start.groups()
                if where == 'chain':
                    self.chains.append(inside)
            elif line == '\t}':
                where = None
            elif where == 'chain':
                self.chain_line(n, line, inside)
            elif where in ('map', 'set'):
                self.set_line(n, line, where, inside)

    def chain_line(self, n, line, name):
        if line.startswith('\t\ttype '):
            self.bases.append(n)
            self.refers[name] = None            # nothing jumps there
        elif line.strip():
            self.rules.append(n)
            self.chain_of[n] = name

    def set_line(self, n, line, where, name):
        kind = re.match(r'\t\ttype (.*)$', line)
        if kind:
            self.kind_of[name] = kind[1]
        elif line.startswith('\t\t\t'):
            self.elements.append(n)
            self.map_of[n] = name

    def changed(self, n, text):
        return '\n'.join(self.lines[:n] + [text] + self.lines[n + 1:]) + '\n'

    def without(self, n):
        return '\n'.join(self.lines[:n] + self.lines[n + 1:]) + '\n'

    def without_element(self, n):
        """With the commas put right, and without the list if it was the only one."""
        lines = list(self.lines)
        if lines[n - 1].endswith('{') and lines[n + 1].strip() == '}':
            del lines[n - 1:n + 2]
        else:
            if not lines[n].endswith(','):
                lines[n - 1] = lines[n - 1].rstrip(',')
            del lines[n]
        return lines


def split(line):
    """What of the line is nft's, and the comment and comma behind it."""
    found = re.match(r'(.*?)( comment "(?:[^"])*")?( : .*?)?(,?)$', line)
    body, comment, verdict, comma = found.groups()
    return body, comment or '', verdict or '', comma


# ---------------------------------------------------------------- words

def bit(address, n):
    return address.__class__(int(address) ^ (1 << n))


def addresses(body):
    """(kind, text) for every change of one address, prefix or range."""
    for m in ADDRESS.finditer(body):
        try:
            first = ipaddress.ip_address(m[1])
        except ValueError:
            continue
        rest, size = m[2] or '', first.max_prefixlen
        after = re.search(r'\b(dnat|snat) ip6? to [^"]*$', body[:m.start()])
        kind = 'nat target' if after else 'address'
        if not rest:
            for n in (0, size // 2, size - 2):
                yield kind, replaced(body, m, str(bit(first, n)))
        elif rest[0] == '-':
            last = ipaddress.ip_address(rest[1:])
            for a, b in ((first, last - 1), (first, last + 1) if int(last) + 1 < 1 << size else (first, last),
                         (first + 1, last), (first - 1, last) if int(first) else (first, last)):
                if a <= b and (a, b) != (first, last):
                    yield kind + ' range', replaced(body, m, f'{a}-{b}' if a < b else str(a))
        else:
            length = int(rest[1:])
            for other in (length - 1, length + 1):
                if 0 <= other <= size:
                    net = ipaddress.ip_network(f'{first}/{other}', strict=False)
                    yield 'prefix length', replaced(body, m, str(net))
            if length:
                yield kind, replaced(body, m, f'{bit(first, size - length)}/{length}')


def replaced(body, m, text):
    return body[:m.start()] + text + body[m.end():]


def port_spans(body, concat):
    """Where ports stand: behind "dport", or last in a concatenated element."""
    for m in PORT_FIELD.finditer(body):
        end = body.find('}', m.end()) if body[m.end():m.end() + 1] == '{' else body.find(' ', m.end())
        if body[m.end():m.end() + 1] != '@':
            yield m.end(), end if end >= 0 else len(body)
    if concat:
        for m in re.finditer(r'\b(?:tcp|udp|sctp|dccp|udplite) \. ([\d-]+)', body):
            yield m.start(1), m.end(1)


def ports(body, concat=True):
    for start, end in port_spans(body, concat):
        for m in PORT.finditer(body, start, end):
            low, high = int(m[1]), int(m[2] or m[1])
            if not m[2]:
                yield 'port', replaced(body, m, str(low + 1 if low < 65535 else low - 1))
                continue
            for a, b in ((low, high - 1), (low, high + 1), (low + 1, high), (low - 1, high)):
                if 0 <= a < b <= 65535:
                    yield 'port range', replaced(body, m, f'{a}-{b}')
    for m in re.finditer(r'((?:dnat|redirect|snat)\b[^"]*?(?:\}|\]|[\d.]| to )):(\d+)', body):
        at = m.start(2)
        yield 'nat port', body[:at] + str(int(m[2]) % 65535 + 1) + body[m.end(2):]


def interfaces(body):
    for m in re.finditer(r'"([A-Za-z][\w.-]*\*?)"', body):
        name = m[1]
        other = name[:-1] if name.endswith('*') else name[:14] + 'x'
        yield 'interface', body[:m.start(1)] + other + body[m.end(1):]


OTHER = {'tcp': 'udp', 'udp': 'tcp', 'sctp': 'tcp', 'dccp': 'tcp', 'udplite': 'udp'}


def protocols(body):
    for name in sorted(set(re.findall(r'\b(tcp|udp|sctp|dccp|udplite) [sd]port', body))):
        yield 'protocol', re.sub(rf'\b{name} (?=[sd]port)', OTHER[name] + ' ', body)
    for m in re.finditer(r'\b(tcp|udp|sctp|dccp|udplite) \. [\d@]', body):
        yield 'protocol', body[:m.start(1)] + OTHER[m[1]] + body[m.end(1):]
    for m in re.finditer(r'\bmeta l4proto (\w+)\b', body):
        other = 'udp' if m[1] == 'tcp' else 'tcp'
        if 'with tcp reset' not in body:
            yield 'protocol', body[:m.start(1)] + other + body[m.end(1):]
    for m in re.finditer(r'\bmeta nfproto (ipv4|ipv6)\b', body):
        other = 'ipv6' if m[1] == 'ipv4' else 'ipv4'
        yield 'family', body[:m.start(1)] + other + body[m.end(1):]


def states(body):
    for m in re.finditer(r'\bct state ([\w,]+)', body):
        names = m[1].split(',')
        options = {','.join(n for n in names if n != one) for one in names} if len(names) > 1 else set()
        options |= {','.join(names[:-1] + [s]) for s in STATES if s not in names}
        options |= {','.join(names + [s]) for s in STATES if s not in names}
        for other in sorted(options - {''}):
            yield 'ct state', body[:m.start(1)] + other + body[m.end(1):]
    for m in re.finditer(r'\bct status dnat\b', body):
        yield 'ct status', replaced(body, m, 'ct status snat')


def flags(body):
    for m in re.finditer(r'\btcp flags (!= )?(\w+) / ([\w,]+)', body):
        mask = m[3].split(',')
        for other in mask:
            if other != m[2]:
                less = ','.join(f for f in mask if f != other)
                yield 'tcp flags', replaced(body, m, f'tcp flags {m[1] or ""}{m[2]} / {less}')
                yield 'tcp flags', replaced(body, m, f'tcp flags {m[1] or ""}{other} / {m[3]}')
        for other in ('psh', 'urg'):
            yield 'tcp flags', replaced(body, m, f'tcp flags {m[1] or ""}{m[2]} / {m[3]},{other}')


def small_words(body):
    for m in re.finditer(r'\bhoplimit (\d+)', body):
        yield 'hop limit', replaced(body, m, f'hoplimit {int(m[1]) - 1}')
    for m in re.finditer(r'\b(?:meta (?:mark|skuid|skgid)|icmp code|ip6? dscp) (\d\w*)', body):
        yield 'number', body[:m.start(1)] + str(int(m[1], 0) ^ 1) + body[m.end(1):]
    for m in re.finditer(r'\b(?:secpath|rt ipsec) (exists|missing)\b', body):
        yield 'ipsec', body[:m.start(1)] + {'exists': 'missing', 'missing': 'exists'}[m[1]] + body[m.end(1):]
    for m in re.finditer(r'\bether saddr [0-9a-f:]{15}([0-9a-f]{2})', body):
        yield 'station', body[:m.start(1)] + f'{int(m[1], 16) ^ 1:02x}' + body[m.end(1):]
    for m in re.finditer(r'\btimeout (\d+)', body):
        yield 'timeout', replaced(body, m, f'timeout {int(m[1]) + 1}')
    for m in re.finditer(r'\bmaxseg size set (\d+)', body):
        yield 'mss', replaced(body, m, f'maxseg size set {int(m[1]) + 1}')
    for m in re.finditer(r'\blog prefix "fwc', body):
        yield 'log prefix', replaced(body, m, 'log prefix "fw')
    for m in re.finditer(r'\blog prefix "[^"]*" (level|group) (\w+)', body):
        other = str(int(m[2]) + 1) if m[1] == 'group' else 'crit'
        yield 'log ' + m[1], body[:m.start(2)] + other + body[m.end(2):]
    for m in re.finditer(r'\bct count (\d+)', body):
        yield 'ct count', replaced(body, m, f'ct count {int(m[1]) + 1}')
        yield 'ct count', replaced(body, m, f'ct count over {m[1]}')
    for m in re.finditer(r'\bdelete (@\S+ {)', body):
        yield 'set change', replaced(body, m, f'update {m[1]}')
    for m in re.finditer(r'\bsaddr & 255\.255\.255\.0\b', body):
        yield 'prefix of a limit', replaced(body, m, 'saddr & 255.255.254.0')
    for m in re.finditer(r'\blimit rate (\d+)/(\w+) burst (\d+)', body):
        yield 'limit', replaced(body, m, f'limit rate {int(m[1]) + 1}/{m[2]} burst {m[3]}')
        yield 'limit', replaced(body, m, f'limit rate {m[1]}/{m[2]} burst {int(m[3]) + 1}')
    for m in re.finditer(r'\b(echo-request|nd-neighbor-solicit|mld-listener-query|timestamp-request)\b',
                         body):
        yield 'icmp type', replaced(body, m, 'echo-reply')
    for m in re.finditer(r'\btype local\b', body):
        yield 'fib', replaced(body, m, 'type unicast')
    for m in re.finditer(r' != ', body):
        yield 'negation', replaced(body, m, ' ')
    for m in re.finditer(r'\b(?:icmpx admin-prohibited)\b', body):
        yield 'reject', replaced(body, m, 'icmpx port-unreachable')
    for m in re.finditer(r'reject with tcp reset', body):
        yield 'reject', replaced(body, m, 'reject with icmpx admin-prohibited')
    for m in re.finditer(r'\bmasquerade\b', body):
        yield 'nat verdict', replaced(body, m, 'accept')


def changing(body):
    """Windows, quotas, and labels of their connections."""
    for m in re.finditer(r'(?:\bmeta time |^\t\t\t)(\d+)-(\d{9,10})(?=[ ,]|$)', body):
        low, high = int(m[1]), int(m[2])
        for a, b in ((low + 60, high), (max(0, low - 3600), high), (low, high - 60), (low, high + 3600)):
            if (a, b) != (low, high) and b < 18446744073:
                yield 'time', body[:m.start(1)] + f'{a}-{b}' + body[m.end():]
    for m in re.finditer(r'\bquota name "[^"]+" ', body):
        yield 'quota missing', replaced(body, m, '')
    for m in re.finditer(r'\bcgroupv2 level (\d)', body):
        yield 'level', body[:m.start(1)] + str(int(m[1]) % 8 + 1) + body[m.end(1):]
    for m in re.finditer(r'\bct label set \([^)]*\) ', body):
        yield 'label not set', replaced(body, m, '')
    for m in re.finditer(r'\bct label & \([^)]*\) == \([^)]*\) ', body):
        yield 'match missing', replaced(body, m, '')


def inspection(body):
    """Marks, directions and queues."""
    for m in re.finditer(r'\bct direction (original|reply) ', body):
        yield 'direction', replaced(body, m, f'ct direction {"reply" if m[1] == "original" else "original"} ')
        yield 'match missing', replaced(body, m, '')
    for m in re.finditer(r'@ih,0,8 (\S+) ', body):
        yield 'match missing', replaced(body, m, '')
        yield 'payload', replaced(body, m, f'@ih,0,8 {"0x0-0xff" if m[1] == "0x80-0xff" else "0x80-0xff"} ')
    for m in re.finditer(r'\bmark (?:& )?(0x[0-9a-f]{8})', body):
        yield 'mask', body[:m.start(1)] + f'{int(m[1], 16) ^ 1 << 24:#010x}' + body[m.end(1):]
    for m in re.finditer(r'\| (0x[0-9a-f]{8})', body):
        yield 'mark', body[:m.start(1)] + f'{int(m[1], 16) ^ 1 << 24:#010x}' + body[m.end(1):]
    for m in re.finditer(r'\b(ct|meta) mark set (?:(?!mark set|queue|goto|counter).)* ', body):
        yield 'mark not set', replaced(body, m, '')
    for m in re.finditer(r'^\s*(0x[0-9a-f]{8})\b', body):
        yield 'mark', body[:m.start(1)] + f'{int(m[1], 16) ^ 1 << 26:#010x}' + body[m.end(1):]
    for m in re.finditer(r'\boffset (\d+)', body):
        yield 'queue', replaced(body, m, f'offset {int(m[1]) + 1}')
    for m in re.finditer(r'\bsymhash mod (\d+)', body):
        yield 'queue', replaced(body, m, f'symhash mod {int(m[1]) + 1}')
    for m in re.finditer(r'\bnotrack ', body):
        yield 'tracked', replaced(body, m, '')
    for m in re.finditer(r'\bqueue (flags bypass )?to ', body):
        yield 'queue', replaced(body, m, 'queue to ' if m[1] else 'queue flags bypass to ')


def changes(body):
    for function in (addresses, ports, interfaces, protocols, states, flags, small_words, changing, inspection):
        yield from function(body)


# ---------------------------------------------------------------- verdicts

def verdicts(script, text, here):
    """Another verdict at the end of a rule or element.  here: the chain it stands in, or None."""
    m = CHAIN_VERDICT.search(text)
    if m:
        for other in targets(script, m[2], here):
            yield 'jump target', text[:m.start(2)] + other + text[m.end(2):]
        yield 'jump kind', text[:m.start(1)] + {'goto': 'jump', 'jump': 'goto'}[m[1]] + text[m.end(1):]
        yield 'verdict', replaced(text, m, 'accept')
        yield 'verdict', replaced(text, m, 'drop')
        return
    for word, others in (('accept', ['drop', 'return']), ('drop', ['accept', 'return']),
                         ('return', ['accept', 'drop'])):
        m = re.search(rf'(?<![\w-]){word}(?![\w-])', text)
        if m and not re.search(r'\blog prefix|policy', text):
            for other in others:
                yield 'verdict', replaced(text, m, other)
            return


def targets(script, old, here):
    """Two other chains that come before this one, so that no loop can arise."""
    names = [c for c in script.chains if c not in script.refers]
    before = names[:names.index(here)] if here in names else names
    usable = [c for c in before if c != old]
    if not usable:
        return []
    at = before.index(old) if old in before else 0
    return sorted({usable[at % len(usable)], usable[(at + len(usable) // 2) % len(usable)]})


# ---------------------------------------------------------------- all of them

def rule_mutants(script, n):
    line, here = script.lines[n], script.chain_of[n]
    body, comment, _, _ = split(line)
    yield 'rule missing', n, script.without(n)
    after = [m for m in script.rules if m > n and script.chain_of[m] == here]
    if after:
        lines = list(script.lines)
        lines[n], lines[after[0]] = lines[after[0]], lines[n]
        yield 'rules swapped', n, '\n'.join(lines) + '\n'
    for kind, other in list(verdicts(script, body, here)) + list(changes(body)):
        yield kind, n, script.changed(n, other + comment)
    m = re.search(r'\b(?:update|add) @(\S+)', body)
    for other in sorted(script.kind_of) if m else []:
        if other != m[1] and other.endswith(m[1][-3:]) and not re.search(r'\d{12}', other):
            yield 'added to', n, script.changed(n, body.replace(m[1], other) + comment)
    m = re.search(r'@(cgroup\.\S+)', body)
    for other in sorted(script.kind_of) if m else []:
        if other != m[1] and other.startswith('cgroup.'):
            yield 'another group', n, script.changed(n, body.replace(m[1], other) + comment)
    for m in MATCHES.finditer(body):
        yield 'match missing', n, script.changed(n, body[:m.start()] + body[m.end():] + comment)


def element_mutants(script, n):
    name, line = script.map_of[n], script.lines[n]
    body, comment, verdict, comma = split(line)
    yield 'element missing', n, '\n'.join(script.without_element(n)) + '\n'
    for kind, other in verdicts(script, verdict, None):
        yield 'element ' + kind, n, script.changed(n, body + comment + other + comma)
    for kind, other in changes(body):
        yield 'element ' + kind, n, script.changed(n, other + comment + verdict + comma)
    same = [m for m in script.elements if script.map_of[m] != name and
            script.kind_of.get(script.map_of[m]) == script.kind_of.get(name)]
    key = re.split(' comment | : |,$', line)[0]
    same = [m for m in same if not any(script.lines[e].startswith(key) for e in script.elements
                                       if script.map_of[e] == script.map_of[m])]
    if same:
        to = next((m for m in same if m > n), same[0])
        lines = list(script.lines)
        for m in range(to, 0, -1):              # there has to be room for one more
            if lines[m].startswith('\t\tsize '):
                lines[m] = ''
            if lines[m].startswith('\tmap ') or lines[m].startswith('\tset '):
                break
        moved, lines[to] = body + comment + verdict, lines[to].rstrip(',')
        last = not script.lines[to].endswith(',')
        lines[to] += ',\n' + moved + ('' if last else ',')
        rest = Script.__new__(Script)
        rest.lines = lines
        yield 'element moved', n, '\n'.join(rest.without_element(n)) + '\n'


def plain(text):
    """Without the lines that are comments."""
    return ''.join(line for line in text.splitlines(True) if not line.strip().startswith('#'))


def mutants(text):
    text = plain(text)
    script = Script(text)
    seen = {hash(text)}                     # the texts themselves would fill the memory
    for n in sorted(script.rules + script.elements + script.bases):
        if n in script.bases:
            line = script.lines[n]
            flipped = line.replace('policy drop', 'policy ACCEPT').replace('policy accept', 'policy drop')
            some = [('chain policy', n, script.changed(n, flipped.replace('ACCEPT', 'accept')))]
        elif n in script.map_of:
            some = element_mutants(script, n)
        else:
            some = rule_mutants(script, n)
        for kind, at, mutant in some:
            if hash(mutant) not in seen:
                seen.add(hash(mutant))
                yield kind, at + 1, mutant
