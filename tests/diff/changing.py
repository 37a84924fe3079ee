# SPDX-License-Identifier: GPL-2.0-or-later
"""A random policy -> the same with what changes by itself: names of DNS, lists of URLs and dynamic sets whose
content is another one half way, quotas that are used up or will be soon, windows of a time that is given, sets that
packets change and rules ask, numbers of connections that are reached, and control groups that are not there.

Nothing here is drawn from the policy's own generator, so that the policies without it stay as they are. What the
language cannot say is said in comments, which the reference and the bench read:

    # elements SET A, B       what a run-time set holds while the first packets are sent
    # later SET B, C          ... while those of stage 1 are
    # used QUOTA N            bytes that are used of it when the first packet comes
    # at SECOND ZONE          when it is, and where
    # in turn                 what becomes of a packet depends on those before it
"""

import datetime
import re

import reference
from reference import FAMILIES, local_time, parse_address, show_address

ZONES = ['UTC0', 'CET-1CEST,M3.5.0,M10.5.0/3', '<+13>-13<+1330>-13:30,M3.5.0,M10.5.0', 'EST5EDT,M3.2.0,M11.1.0',
         '<-0330>3:30<-0230>,M3.2.0/0:01,M11.1.0/0:01']
DAYS = reference.DAYS
VERBS = reference.VERBS
FIRST, LAST = 1767312000, 1893283200            # in 2026 and in 2029, UTC: the first and the last year that are certain
PATIENCE = 1800                                 # seconds in which no window begins or ends
USED = [1, 1, 601, 801, 901, 951, 999]          # odd: packets are not, so none fits exactly
NO_QUOTA = re.compile(r'\b(ftp|tftp|svc\d+|helper|quota|disabled)\b')


class Changing:
    def __init__(self, writer, rules, rng):
        self.writer, self.rules, self.rng = writer, rules, rng
        self.lines = []                         # declarations and comments
        self.names = []                         # sets and hosts of run time

    def chance(self, p):
        return self.rng.random() < p

    # -- sets

    def address(self, wide):
        """One of the policy's centres, or a network around it."""
        rng, family = self.rng, self.rng.choice(FAMILIES)
        base = rng.choice(self.writer.centres[family]) + rng.choice([0, 0, 0, 1])
        bits = 32 if family == 4 else 128
        base = min(base, reference.MAX[family])
        length = rng.choice([bits, bits, bits - 1, bits - 4, bits - 8, 16]) if wide else bits
        low = base >> bits - length << bits - length
        return show_address(family, low) + (f'/{length}' if length < bits else '')

    def content(self, wide, before=()):
        kept = [x for x in before if self.chance(0.5)]
        return sorted(set(kept) | {self.address(wide) for _ in range(self.rng.choice([0, 1, 2, 4]))})

    def holds(self, name, wide, first=None):
        if first is None:
            first = self.content(wide) or [self.address(wide)]
            self.lines.append(f'# elements {name} ' + ', '.join(first))
        if self.chance(0.8):
            self.lines.append(f'# later {name} ' + ', '.join(self.content(wide, first)))

    def sets(self):
        rng = self.rng
        for line in self.writer.lines:          # those that it has already
            if line.startswith('# elements '):
                name, _, words = line[len('# elements '):].partition(' ')
                self.holds(name, name.startswith('nets'), words.split(', '))
        for i in range(rng.choice([0, 1, 1, 2])):
            fixed = ''.join(f'{self.address(False)}, ' for _ in range(rng.choice([0, 0, 0, 1, 2])))
            more = rng.choice(['', ', "more.example"']) + rng.choice(['', ' private', ' expire 10d'])
            self.lines.append(f'{rng.choice(["host", "set"])} name{i} = {fixed}dns "name{i}.example"{more}')
            self.holds(f'name{i}', False)
            self.names.append(f'name{i}')
        for i in range(rng.choice([0, 1, 1])):
            fixed = ''.join(f'{self.address(True)}, ' for _ in range(rng.choice([0, 0, 0, 1])))
            more = rng.choice(['', ' refresh 6h', ' max 1000', ' refresh 1h max 5000 private', ' lenient'])
            self.lines.append(f'set feed{i} = {fixed}url "https://feed.example/{i}"{more}')
            self.holds(f'feed{i}', True)
            self.names.append(f'feed{i}')
        for n in rng.sample(range(len(self.rules)), min(len(self.rules), 2 + len(self.rules) // 4)):
            if self.names:
                self.rules[n] = self.renamed(self.rules[n])

    def renamed(self, rule):
        """With one of the names where an address or a zone stands."""
        if not rule.startswith(('allow ', 'drop ', 'reject ', 'masquerade ', 'snat ', 'dnat ', 'redirect ', 'mark ',
                                'early drop ')) and not re.match(r'\S[^\n]* -> [^\n]* \{\n', rule):
            return rule
        end = re.search(r' \{\n| to | as |$', rule).start()
        head, rest = rule[:end], rule[end:]
        words, places = head.split(' '), []
        arrow = words.index('->') if '->' in words else len(words)
        for at, word in enumerate(words):
            core = word.rstrip(',').lstrip('!').partition('@')[0]
            listed = at in (0, 1, arrow + 1) or words[at - 1].endswith(',')
            if parse_address(core) or core in self.writer.names:
                places.append((at, word.replace(core, '{}', 1)))
            elif core in self.writer.zones and listed and 'but' not in words and word in (core, core + ','):
                places.append((at, word.replace(core, '{}@' + core, 1)))
        if not places:
            return rule
        at, word = self.rng.choice(places)
        words[at] = word.format(self.rng.choice(self.names))
        return ' '.join(words) + rest

    # -- words of rules

    def each(self, change):
        """change(text, to) of each rule, those of pair blocks by themselves; to: the items that it is to."""
        for n, rule in enumerate(self.rules):
            head, brace, body = rule.partition(' {\n')
            to = re.search(r'-> ((?:[^ ,]+, )*[^ ,]+)(?= |$)', head)
            to = to[1].split(', ') if to and ' but ' not in head else []
            if brace:
                lines = [line if line == '}' else change(line, to) for line in body.split('\n')]
                self.rules[n] = head + brace + '\n'.join(lines)
            else:
                self.rules[n] = change(rule, to)

    @staticmethod
    def qualified(rule, words):
        """The words go before what ends a rule."""
        at = re.search(r' then | else | note |$', rule).start()
        return rule[:at] + words + rule[at:]

    # -- quotas

    def is_away(self, item):
        """What it names is not this machine, which answers by itself."""
        place = item.rpartition('@')[2]
        return place == 'zones' or place in self.writer.zones or place in self.writer.groups

    def quotas(self):
        rng = self.rng
        if any(rule.startswith(('untracked ', 'offload ')) for rule in self.rules):
            return
        names = ['spent', 'left'][:rng.choice([1, 2])]
        for name in names:
            self.lines += [f'quota {name} = 1 kB', f'# used {name} {rng.choice(USED)}']

        def change(rule, to):
            if not rule.lstrip().startswith('allow') or not to or not all(map(self.is_away, to)) or \
                    NO_QUOTA.search(rule) or not self.chance(0.6):
                return rule
            gated = ' else ' in rule
            rule = self.qualified(rule, f' quota {rng.choice(names)}')
            return rule if gated or ' note ' in rule or self.chance(0.7) else rule + ' else ' + rng.choice(['drop', 'reject', 'allow'])
        self.each(change)

    # -- what packets change

    def rules_of(self, change):
        """change(text) of each rule with a verb, in pair blocks too."""
        self.each(lambda rule, _: change(rule) if rule.lstrip().startswith(VERBS) else rule)

    def bans(self):
        """Sets that some rules fill, and empty, and others ask."""
        rng, kept = self.rng, self.names
        self.names = ['bans', 'calls'][:rng.choice([1, 2])]
        for name in self.names:
            self.lines.append(f'set {name} = dynamic{rng.choice(["", ", timeout 1h"])}')
            self.lines.append(f'# elements {name} {self.address(False)}')
        self.lines.append('# in turn')
        for n in rng.sample(range(len(self.rules)), min(len(self.rules), 3 + len(self.rules) // 3)):
            self.rules[n] = self.renamed(self.rules[n])

        def change(rule):
            if not self.chance(0.4) or ' then ' in rule or rule.startswith('disabled '):
                return rule
            side, name = rng.choice(['source', 'source', 'destination']), rng.choice(self.names)
            words = rng.choice([f' then add {side} to {name}', f' then add {side} to {name} for 1h',
                                f' then remove {side} from {name}'])
            if ' else ' in rule and ' note ' not in rule and self.chance(0.5):
                return rule + words
            return self.qualified(rule, words)
        self.rules_of(change)
        if self.chance(0.6):                    # else what comes in is seldom asked for
            name = rng.choice(self.names)
            self.rules.insert(0, rng.choice(['drop', 'reject']) + rng.choice([f' {name}@any -> any', f' any -> {name}@any']))
            self.rules.append(f'allow any -> any then add {rng.choice(["source", "destination"])} to {name}')
        self.names = kept

    def maxima(self):
        rng = self.rng
        if any(rule.startswith(('untracked ', 'offload ')) for rule in self.rules):
            return
        self.lines.append('# in turn')

        def change(rule, to):
            if not rule.lstrip().startswith('allow') or not to or not all(map(self.is_away, to)) or \
                    re.search(r'\b(max|disabled)\b', rule) or not self.chance(0.6):
                return rule
            gated = ' else ' in rule
            per = rng.choice(['', '', ' per source', ' per source /24, /64', ' per source /8, /16'])
            rule = self.qualified(rule, f' max {rng.choice([1, 1, 2, 3])} connections{per}')
            return rule if gated or ' note ' in rule or self.chance(0.6) else \
                rule + ' else ' + rng.choice(['drop', 'reject', 'allow'])
        self.each(change)

    # -- control groups

    def groups(self):
        """Of processes that are not there: such a rule matches nothing."""
        if any(re.match('(disabled )?(dnat|redirect|netmap) ', rule) for rule in self.rules):
            return
        self.rules_of(lambda rule: rule if not rule.startswith('allow self -> ') or not self.chance(0.4) else
                      self.qualified(rule, f' cgroup "fwc-nobody.slice{self.rng.choice(["", "/x.service"])}"'))

    # -- times

    def window(self, second, zone):
        rng, words = self.rng, []
        local = local_time(second, zone)
        now = local.hour * 60 + local.minute
        if self.chance(0.7):
            begin = (now + rng.choice([-90, -61, 45, 120, 720, rng.randrange(1440)])) % 1440
            end = (now + rng.choice([-45, 50, 300, -600, rng.randrange(1440)])) % 1440
            if begin != end:
                words.append('hours %02d:%02d-%02d:%02d' % (*divmod(begin, 60), *divmod(end, 60)))
        if self.chance(0.5) or not words:
            some = {(local.weekday() + rng.choice([-1, 0, 0, 1, 3])) % 7 for _ in range(rng.choice([1, 2]))}
            first = min(some)
            words.append(rng.choice(['days ' + ', '.join(DAYS[d] for d in sorted(some)),
                                     f'days {DAYS[first]}-{DAYS[(first + rng.randint(1, 4)) % 7]}']))
        for word, days in (('after', [-30, -2, -1, 0]), ('until', [-1, 0, 1, 30])):
            if self.chance(0.2):
                words.append(f'{word} {local.date() + datetime.timedelta(rng.choice(days))}')
        if words[-2:] and words[-1].startswith('until') and words[-2].startswith('after') and words[-1][6:] <= words[-2][6:]:
            words.pop()                         # no day at all
        return ' '.join(words)

    def moment(self):
        """At random, or on a day when clocks change: the last Sunday of March or October."""
        rng = self.rng
        if self.chance(0.6):
            return rng.randrange(FIRST, LAST)
        day = datetime.datetime(rng.randrange(2026, 2029), rng.choice([3, 10]), 31, tzinfo=datetime.timezone.utc)
        day -= datetime.timedelta((day.weekday() + 1) % 7)
        return int(day.timestamp()) + rng.randrange(-12, 36) * 3600 + 1200

    def times(self, few):
        """few: windows of some days, and not of years."""
        rng, zone = self.rng, self.rng.choice(ZONES)
        for _ in range(100):
            second = self.moment()
            windows = [self.window(second, zone) for _ in range(rng.choice([1, 2, 3]))]
            if few:
                day = local_time(second, zone).date()
                some = f' after {day - datetime.timedelta(3)} until {day + datetime.timedelta(3)}'
                windows = [re.sub(r' ?(after|until) \S+', '', words).strip() + some for words in windows]
            made = [reference.Times.read(words) for words in windows]
            seen = {tuple(w.hold(second + n, zone) for w in made) for n in range(-300, PATIENCE, 60)}
            if len(seen) == 1:
                break
        else:
            return
        self.lines.append(f'# at {second} {zone}')

        def change(rule, _):
            words = ' ' + rng.choice(windows)
            if not self.chance(0.5) or rule.startswith('disabled ') or re.search(' (days|until|after) ', rule):
                return rule
            if rule.lstrip().startswith(('allow', 'drop', 'reject')) and 'early' not in rule:
                return self.qualified(rule, words)
            if rule.startswith(('dnat ', 'redirect ', 'snat ')):
                return rule.replace(' to ', f'{words} to ', 1)
            if rule.startswith('mark '):
                return rule.replace(' as ', f'{words} as ', 1)
            if rule.startswith(('masquerade ', 'no-nat ')):
                at = re.search(r' random| persistent| ports |$', rule).start()
                return rule[:at] + words + rule[at:]
            return rule
        self.each(change)


def add(writer, rules, rng, sets=True, quotas=True, times=True, turns=True, groups=True):
    """Some of it, seldom nothing; the lines to declare. times: 'few' are windows of some days."""
    changing = Changing(writer, rules, rng)
    for wanted, p, put in ((sets, 0.7, changing.sets), (quotas, 0.5, changing.quotas),
                           (times, 0.6, lambda: changing.times(times == 'few')),
                           (turns, 0.4, changing.bans), (turns, 0.4, changing.maxima), (groups, 0.3, changing.groups)):
        if changing.chance(p) and wanted:
            put()
    return changing.lines


def is_changing(text):
    return re.search(r'^# (later|used|at|in turn)\b|(dns|url|cgroup) "', text, re.M) is not None


# ---------------------------------------------------------------- scripts

LAST_SECOND = 18446744073                       # that the kernel's clock can count


def shifted(script, by):
    """The script with its windows so many seconds later: what it means now is what it meant then."""
    def moved(match):
        low, high = (x if x in (0, LAST_SECOND) else max(1, min(x + by, LAST_SECOND - 1))
                     for x in (int(match[2]), int(match[3])))
        return f'{match[1]}{low}-{high}'
    out, of_time = [], False
    for line in script.split('\n'):
        of_time = of_time and line.strip() != '}' or line.strip() == 'typeof meta time'
        out.append(re.sub(r'(\b)(\d+)-(\d+)\b' if of_time else r'(\bmeta time )(\d+)-(\d+)', moved, line))
    return '\n'.join(out)
