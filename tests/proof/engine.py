# SPDX-License-Identifier: GPL-2.0-or-later
"""The program under test, and programs that are wrong on purpose.

Everything that depends on what `prove` and `fwc explain` print is in this file.

    Prove(path).ask(policy, listing) -> Answer
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field

import walk

SECONDS = 120


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
        words = []
        for line in lines[1:]:
            key, _, value = line.partition(':')
            if key == 'packet':
                words.append(value.strip())
            elif key in ('policy', 'kernel'):
                answer.verdicts[key] = value.strip()
        try:
            station, answer.packet = walk.parse(' '.join(words))
            answer.station = station or answer.station
        except (ValueError, KeyError) as e:
            return Answer('broken', f'its packet cannot be read: {e}', text=text)
        return answer


class Prove:
    def __init__(self, path):
        self.path = path

    def ask(self, policy, listing):
        try:
            done = subprocess.run([self.path, policy, listing], text=True, capture_output=True,
                                  timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return Answer('broken', f'not done after {SECONDS} s')
        return Answer.parse(done.returncode, done.stdout, done.stderr)


class AlwaysEqual:
    """Finds nothing, ever: each mistake has to be reported as one that slipped through."""

    def ask(self, _policy, _listing):
        return Answer('equal')


class AlwaysDifferent:
    """Cries wolf with one and the same packet."""

    def ask(self, _policy, _listing):
        return Answer('different', station='filter/forward', verdicts={
            'policy': 'accept at p:1', 'kernel': 'drop at r'}, packet=walk.parse(
                'family=4 iif=nowhere oif=elsewhere saddr=192.0.2.1 daddr=192.0.2.2 proto=253')[1])


def find():
    """The program to test, or None."""
    path = os.environ.get('FWC_PROVE') or os.path.join(os.environ.get('FWC_BUILD', '.'),
                                                       'tests/proof/prove')
    return Prove(path) if os.access(path, os.X_OK) else None


# ---------------------------------------------------------------- words for outcomes

def verdict_of(words):
    """ "accept at FILE:LINE" -> "accept"."""
    return re.sub(r' (at|by|in) .*$', '', words).strip().lower()


def same_outcome(words, outcome):
    """Whether what the program printed is what the oracle found."""
    said = verdict_of(words)
    kind = outcome.split()[0]
    if kind in ('accept', 'drop', 'masquerade'):
        return said.split()[:1] == [kind]
    if kind == 'reject':
        return said.startswith('reject') and ('reset' in said) == ('reset' in outcome)
    if said.split()[:1] != [kind]:
        return False
    values = re.findall(r'[0-9a-f.:]{2,}|\d+', outcome)
    return all(v in said for v in values if v)


def plain(text):
    """A condition's words without what two writers may spell differently."""
    return re.sub(r'[^a-z0-9.@:/_-]+', ' ', text.lower().replace(' packets', '')).strip()


# ---------------------------------------------------------------- explain

class Explain:
    """`fwc explain --json 'SRC[@ZONE] -> DST[@ZONE] SERVICE' FILE`."""

    def __init__(self, fwc):
        self.fwc = fwc

    def there(self):
        done = subprocess.run([self.fwc, 'explain', '--help'], text=True, capture_output=True)
        return done.returncode == 0 and '--json' in done.stdout

    def ask(self, question, policy):
        """([{fate, line, packet, path}], error)."""
        done = subprocess.run([self.fwc, '--color=never', 'explain', '--json', question, policy],
                              text=True, capture_output=True, timeout=SECONDS)
        try:
            found = json.loads(done.stdout)
        except json.JSONDecodeError:
            return [], f'exit {done.returncode}: {done.stderr.strip() or done.stdout[:200]}'
        return found, ''
