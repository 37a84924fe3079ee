# SPDX-License-Identifier: GPL-2.0-or-later
"""The program under test, and programs that are wrong on purpose.

Everything that depends on what `prove` and `fwc explain` print is in this file.

    Prove(path).ask(policy) -> Answer, of the table that is loaded
"""

import datetime
import ipaddress
import json
import os
import re
import subprocess
from dataclasses import dataclass, field

import listing
import walk

SECONDS = 120
ZONE, OFFSET = '<+0530>-5:30', datetime.timedelta(hours=5, minutes=30)
NAMES = {'type': 'icmptype', 'uid': 'skuid', 'gid': 'skgid', 'code': 'icmpcode', 'ethersaddr': 'smac'}
# What the oracle does not know, and no statement that it reads asks for.
IGNORED = {'hour', 'day', 'code', 'dscp', 'ecn', 'length', 'gid', 'iiftype', 'oiftype', 'iifgroup', 'oifgroup',
           'link', 'etherdaddr'}
# Verdicts -> the kernel's names of what comes to them.
EXPRESSIONS = {'snat': 'nat', 'dnat': 'nat', 'masquerade': 'masq', 'redirect': 'redir'}


@dataclass
class Answer:
    said: str                   # equal, different, not proved, broken
    why: str = ''               # of not proved and broken
    station: str = ''
    packet: dict = None
    verdicts: dict = field(default_factory=dict)       # policy, kernel -> words
    text: str = ''

    @staticmethod
    def parse(status, out, err):
        lines = out.splitlines()
        first = lines[0] if lines else ''
        text = (out + err).strip()
        if status == 0 and first == 'equal':
            return Answer('equal', text=text)
        if status == 2 and first.startswith('not proved'):
            return Answer('not proved', first.partition(':')[2].strip(), text=text)
        if status != 1 or not first.startswith('different'):
            return Answer('broken', f'exit {status}', text=text)
        answer = Answer('different', station=first.partition(':')[2].strip(), text=text)
        answer.packet = walk.packet()
        try:
            for line in lines[1:]:
                if line:                # of a whole station that is no packet's there are none
                    answer.line(line)
        except (ValueError, KeyError) as e:
            return Answer('broken', f'its packet cannot be read: {e}', text=text)
        return answer


    def line(self, line):
        """witness: WORDS, FIELD=VALUE, free:CONDITION=0|1, policy: and kernel: VERDICT at PLACE."""
        kind = re.match(r'(witness|policy|kernel): (.*)$', line)
        if kind:
            self.verdicts[kind[1]] = kind[2]
            return
        key, _, value = line.rpartition('=')
        if key == 'time':
            self.packet['time'] = second(value)
            return
        if key.startswith('free:'):
            self.packet['free'][key[5:]] = value == '1'
        elif NAMES.get(key, key) in walk.FIELDS or key not in IGNORED:
            key = NAMES.get(key, key)
            self.packet[key] = walk.parse_value(key, value)


def second(text):
    """Of a date of the zone that the proof is asked in, which has one offset; a bare code: there are no windows."""
    if ':' not in text:
        return 0
    text = text.partition(' (')[0]
    local = datetime.datetime.fromisoformat(text if text.count(':') == 2 else text + ':00')
    at = int((local - OFFSET).replace(tzinfo=datetime.timezone.utc).timestamp())
    return 0 if listing.HORIZON and at <= listing.HORIZON[0] else at


class Prove:
    def __init__(self, path):
        self.path = path

    def ask(self, policy):
        try:
            done = subprocess.run([self.path, policy], text=True, capture_output=True,
                                  timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return Answer('broken', f'not done after {SECONDS} s')
        return Answer.parse(done.returncode, done.stdout, done.stderr)


class AlwaysEqual:
    """Finds nothing, ever: each mistake has to be reported as one that slipped through."""

    def ask(self, _policy):
        return Answer('equal')


class AlwaysDifferent:
    """Cries wolf with one and the same packet."""

    def ask(self, _policy):
        return Answer('different', station='filter/forward', verdicts={
            'policy': 'accept at p:1', 'kernel': 'drop at r'}, packet=walk.parse(
                'family=4 iif=nowhere oif=elsewhere saddr=192.0.2.1 daddr=192.0.2.2 proto=253')[1])


def find():
    """The program to test, or None."""
    path, build = os.environ.get('FWC_PROVE'), os.environ.get('FWC_BUILD', '.')
    if not path:
        path = os.path.join(build, 'tests/proof/prove')
        if os.path.exists(os.path.join(build, 'Makefile')):
            subprocess.run(['make', '-s', '-C', build, 'tests/proof/prove'], check=False,
                           stdout=subprocess.DEVNULL)
    return Prove(path) if os.access(path, os.X_OK) else None


# ---------------------------------------------------------------- words for outcomes

def verdict_of(words):
    """ "accept at FILE:LINE" -> "accept"."""
    return re.sub(r' at .*$', '', words).strip()


def same_outcome(words, outcome):
    """Whether what the program printed is what the oracle found."""
    said = verdict_of(words)
    verdict, *effects = outcome.split('; ')
    return same_verdict(said, verdict) and all(effect_in(said, e) for e in effects) and \
        len(effects) == effects_said(said)


def same_verdict(said, verdict):
    kind = verdict.split()[0]
    if said.startswith('not understood:'):
        return EXPRESSIONS.get(kind, kind) in said  # said to be something else than all that it knows
    if kind == 'queue':
        found = re.match(r'inspect with queues? (\d+)(?:-(\d+))?(, or nobody)?', said)
        return found and f'queue {found[1]} {found[2] or found[1]}{" or nobody" if found[3] else ""}' == verdict
    if any((word in said) != (word in verdict) for word in (' random', ' persistent', ' by source', ' of ports ')):
        return False
    if kind in ('accept', 'drop'):
        return re.match(r'\w+', said)[0] == kind
    if kind == 'reject':
        return said.startswith('reject') and ('reset' in said) == ('reset' in verdict)
    mapped = re.match(r'\w+ (\S+)-(\S+) port kept address by address$', verdict)
    if mapped:
        network, *more = ipaddress.summarize_address_range(*(ipaddress.ip_address(a) for a in mapped.groups()))
        return not more and said.startswith(f'{kind} to {network}, address by address')
    values = re.findall(r'[0-9a-f.:]*[0-9][0-9a-f.:]*|[0-9a-f]*::[0-9a-f:]*', verdict)
    return re.match(r'\w+', said)[0] == kind and all(v in said for v in values)


def effect_in(said, effect):
    if effect.startswith('log'):
        words = dict(re.findall(r'(\w+) "([^"]*)"', effect))
        level = {'warn': None}.get(words.get('level'), words.get('level'))
        text = f'log "{words["prefix"]}"' + (f' level {level}' if level else '') + \
            (f' to group {words["group"]}' if 'group' in words else '')
        return re.search(re.escape(text) + r'(?! level| to group)', said) is not None
    if effect.startswith('mss '):
        size = effect.partition(' ')[2]
        return f'MSS clamped to {size if size.isdigit() else "the path MTU"}' in said
    helper = re.match(r'ct helper set helper-([\w-]+)-\w+\.', effect)
    if helper:
        return re.search(rf'\bhelper {helper[1]}\b', said) is not None
    if ' := ' in effect:
        return effect in said
    if effect.startswith(('counts for quota ', 'its connection gets labels ')):
        return re.search(rf'{re.escape(effect)}(?![\w-])', said) is not None
    if effect == 'not tracked':
        return ', not tracked' in said
    side = 'destination' if 'daddr' in effect else 'source'
    port = re.search(r' \. \w+ sport', effect)     # who asks by multicast, to be answered there
    side += port[0] if port else ''
    way = 'out of' if effect.startswith('delete') else 'into'
    return f'{side} {way} {re.search("@[^ .]+", effect)[0]}' in said


def effects_said(said):
    return len(re.findall(r', (?:MSS |log "|(?:source|destination)(?: \. udp sport)? (?:into|out of) |(?:ct|meta) mark & |helper |not tracked'
                          r'|counts for quota |its connection gets labels )', said))


LIMIT = re.compile(r'(\d+)/(\w+) burst (\d+)')


def plain(text):
    """A condition in words that are the same for two who spell it differently."""
    held = re.fullmatch(r'(?:ip6? ([sd])addr|(cgroup of level \d)) (@\S+)', text)
    if held:
        return f'{held[3]} holds the {held[2] or {"s": "source", "d": "destination"}[held[1]]}'
    rate = LIMIT.search(text)
    kept = re.match(r'(?:(?:add|update) @)?([\w-]+\.[\w.]+)(?= )', text)     # by a set
    count = re.search(r'at most (\d+) connections|"ct count": {"val": (\d+)', text)
    if kept and (rate or count):
        return f'{kept[1]} {rate[0] if rate else count[1] or count[2]}'
    if rate and '"' in text:
        return f'{text.split()[0]} {rate[0]} {text[text.index(chr(34)):]}'
    return ' '.join(text.split())


# ---------------------------------------------------------------- explain

class Explain:
    """`fwc explain --json 'SRC[@ZONE] -> DST[@ZONE] SERVICE' FILE`."""

    def __init__(self, fwc):
        self.fwc, self.env = fwc, {}

    def there(self):
        done = subprocess.run([self.fwc, 'explain', '--help'], text=True, capture_output=True)
        return done.returncode == 0

    def ask(self, question, policy, *options):
        """([{fate, line, packet, path}], error)."""
        done = subprocess.run([self.fwc, '--color=never', 'explain', '--json', *options, question,
                               policy],
                              text=True, capture_output=True, timeout=SECONDS, env={**os.environ, **self.env})
        try:
            found = json.loads(done.stdout)
        except json.JSONDecodeError:
            return [], f'exit {done.returncode}: {done.stderr.strip() or done.stdout[:200]}'
        return found, ''
