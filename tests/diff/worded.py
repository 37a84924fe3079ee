# SPDX-License-Identifier: GPL-2.0-or-later
"""A random policy -> the same with words where the generator itself puts none: those that match in translations
(family, source ports, marks), qualifiers behind dnat's `allow`, and published, dscp and marks in pair blocks.

Nothing here is drawn from the policy's own generator, so that the policies without it stay as they are.
"""

import re

from reference import parse_address

TRANSLATIONS = ('dnat ', 'redirect ', 'netmap ', 'snat ', 'masquerade ', 'no-nat ')
ENDS = {'dnat': r' to ', 'redirect': r' to ', 'netmap': r' to ', 'snat': r' to ',
        'masquerade': r' ports | random|$', 'no-nat': r' note |$'}


class Worded:
    def __init__(self, writer, rules, rng):
        self.writer, self.rules, self.rng = writer, rules, rng
        self.marks = []                         # values that packets may have

    def chance(self, p):
        return self.rng.random() < p

    def marked(self):
        """Statements that give marks, if there are none."""
        if not any(rule.startswith('mark ') for rule in self.rules):
            self.rules += [f'mark any -> any{services} as {value}' for services, value in
                           self.rng.sample([(' tcp', '0x100/0xff00'), (' udp', '0x200/0xff00'), (' ipv6', '1/0xff'),
                                            (' tcp from port 40000-52000', '2/0xff'), ('', '5')],
                                           self.rng.choice([1, 2]))]
        values = [re.search(r' as (\w+)(?:/(\w+))?', rule) for rule in self.rules if rule.startswith('mark ')]
        for value, mask in (found.groups() for found in values):
            self.marks += [f' mark {value}/{mask}', f' mark 0/{mask}'] if mask else [f' mark {value}', ' mark 0']

    @staticmethod
    def families(rule):
        """Those that may be named: that of the targets, if it is one and they are no names."""
        if not rule.startswith(('dnat ', 'snat ', 'netmap ')):
            return [4, 6]
        families = set()
        for target in re.split(', ', re.split(' to ', rule)[1].partition(' hairpin')[0].partition(' allow')[0]):
            word = target.split(' ')[0]
            word = word[1:].partition(']')[0] if word[0] == '[' else re.sub(r'(\d\.[\d.]+):[\d-]+$', r'\1', word)
            found = parse_address(word)
            families.add(found[0] if found else None)
        return sorted(families) if len(families) == 1 and None not in families else []

    def match(self, rule):
        """A translation that is about less."""
        kind = rule.partition(' ')[0]
        at = re.search(ENDS[kind], rule).start()
        head, rest, words = rule[:at], rule[at:], ''
        services = re.search(r'-> (?:[^ ,]+, )*[^ ,]+ (.*)$', head)
        if services and ' but ' not in head and ' from port ' not in head and self.chance(0.3) and \
                self.writer.only_ports(services[1].partition(' ipv')[0]):
            words += ' from port ' + self.rng.choice(['40000-50000', '50000-65535', '1024-44000, 47000-60000'])
        families = self.families(rule)
        if families and ' ipv' not in head and self.chance(0.3):
            words += f' ipv{self.rng.choice(families)}'
        if self.marks and (self.chance(0.5) or not words):
            words += self.rng.choice(self.marks)
        return head + words + rest

    def behind_allow(self, rule):
        """The rule that a dnat stands for, with qualifiers of its own."""
        return rule + self.rng.choice([' limit 1/day burst 2', ' limit 1/day burst 2 else reject', ' dscp ef',
                                       ' limit 2/hour burst 3 per source /24, /56 else drop log "full"',
                                       ' max 1000 connections per source /32, /64 else drop', ' note "forwarded"'])

    def block(self, rule):
        """Of the rules in it, some ask for more."""
        def line(found):
            text = found[0]
            if self.chance(0.2):
                text = re.sub(r'^    (\w+)', r'    \1 published', text)
            if self.chance(0.4):
                words = self.rng.choice([' dscp ef', ' dscp 0'] + self.marks)
                at = re.search(r' log| limit | max | then | else | note |$', text).start()
                text = text[:at] + words + text[at:]
            return text
        return re.sub(r'^    (?:allow|drop|reject).*$', line, rule, flags=re.M)

    def word(self):
        if self.chance(0.6):
            self.marked()
        for n, rule in enumerate(self.rules):
            if rule.startswith(TRANSLATIONS) and self.chance(0.7):
                self.rules[n] = rule = self.match(rule)
            if rule.startswith('dnat ') and ' allow' in rule and self.chance(0.7):
                self.rules[n] = self.behind_allow(rule)
            if re.match(r'\S[^\n]* -> [^\n]* \{\n', rule) and not rule.startswith('disabled ') and self.chance(0.7):
                self.rules[n] = self.block(rule)


def add(writer, rules, rng):
    """Puts them where they are; more translations than elsewhere, so that there are some."""
    for _ in range(rng.choice([1, 2, 3])):
        rules.insert(rng.randint(0, len(rules)), writer.dnat())
        rules.insert(rng.randint(0, len(rules)), writer.snat())
    for _ in range(rng.choice([0, 1, 2])):
        rules.insert(rng.randint(0, len(rules)), writer.pair_block())
    Worded(writer, rules, rng).word()
