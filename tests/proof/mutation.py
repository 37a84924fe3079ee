# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutants of compiled policies, and whether the proof engine judges each of them rightly.

A mutant is right where the program refutes it with a packet that the original and the mutant do
treat differently, in the words it printed, or where it calls it equal and it is. Of suffixes the diagrams would
have an interval for each network: of policies with these, what is called equal is tried with packets at random.
"""

import itertools
import json
import os
import random
import subprocess
import tempfile
from collections import Counter

import cells
import engine
import grammar
import kernel
import listing
import meaning
import mutate
import walk

INSERTED = 100          # rules at random put into a script
MOST_FREE = 12          # conditions whose combinations are tried
TRIED = 150             # packets a station, where the diagrams do not know


class Bench:
    """One process's kernel, compiler and engine."""

    def __init__(self, fwc, prover, k=None):
        self.fwc, self.prover = fwc, prover
        self.kernel = k or kernel.Kernel()
        shm = '/dev/shm' if os.path.isdir('/dev/shm') else None
        self.dir = tempfile.TemporaryDirectory(prefix='fwc-proof-', dir=shm)

    def compile(self, policy):
        done = subprocess.run([self.fwc, '--color=never', 'compile', '-o', '-', policy], text=True,
                              capture_output=True, timeout=120)
        return done.stdout, done.stderr if done.returncode else ''

    def prove(self, policy):
        """Of what the kernel holds now."""
        return self.prover.ask(policy)

    def table(self, text):
        return listing.Reader(json.loads(text)['nftables'])


class Case:
    """A policy, its compiled script and what is counted about its mutants."""

    def __init__(self, bench, policy):
        self.bench, self.policy = bench, policy
        self.counts, self.failures = Counter(), []
        self.meaning = meaning.Meaning()
        self.script, error = bench.compile(policy)
        if error:
            raise RuntimeError(f'{policy}: fwc compile: {error}')
        self.script = mutate.plain(self.script)
        text, error = bench.kernel.listing(self.script)
        if error:
            raise RuntimeError(f'{policy}: nft refuses the script: {error}')
        self.text, self.original = text, bench.table(text)
        self.exact = self.difference(self.original) is not None
        self.rng = random.Random(os.path.basename(policy))

    def fail(self, kind, what, lines):
        self.counts['failed'] += 1
        self.failures.append('\n'.join([f'--- {what}: {self.policy}, {kind}'] + lines))

    def unmutated(self):
        self.bench.kernel.listing(self.script)
        answer = self.bench.prove(self.policy)
        self.counts['unmutated'] += 1
        if answer.said != 'equal':
            self.fail('nothing changed', 'not equal', answer.text.splitlines())

    # -- judging

    def mutant(self, kind, line, script):
        counts = self.counts
        counts['mutants'] += 1
        text, error = self.bench.kernel.listing(script)
        if error:
            counts['not loadable'] += 1
            return
        try:
            other = self.bench.table(text)
        except listing.Unsupported:
            counts['undecided'] += 1
            return
        found = self.difference(other) if self.exact else None
        if self.exact and found is None:
            counts['undecided'] += 1
            return
        answer = self.bench.prove(self.policy)
        counts[answer.said] += 1
        if found is None:
            counts['tried'] += 1
            found = [self.tried(other)] if answer.said == 'equal' else [None]
        what = self.wrong(answer, other, found[0])
        if what:
            counts[what] += 1
            self.fail(f'{kind}, line {line}', what, self.changes(script, found[0], answer, other))

    def difference(self, other):
        """[(station, packet)] or [None], where the two mean the same; None: the diagrams cannot say."""
        try:
            return [self.meaning.compare(self.original, other)]
        except listing.Unsupported:
            return None

    def tried(self, other):
        """(station, packet) that the two treat differently, if one of some at random is so."""
        edges = cells.Cells(self.original, other)
        apart = cells.apart(self.original, other)
        for station in meaning.STATIONS:
            for _ in range(TRIED):
                p = edges.near(self.rng, station, self.rng.choice(apart)) if apart else edges.draw(self.rng, station)
                if walk.Walk(self.original, p).station(station)[0] != walk.Walk(other, p).station(station)[0]:
                    return station, p
        return None

    def wrong(self, answer, other, difference):
        """What is wrong with the answer, or nothing."""
        if answer.said == 'broken':
            return 'no answer'
        if answer.said == 'not proved':
            self.counts['why ' + answer.why] += 1
            return ''
        if answer.said == 'equal':
            return 'slipped' if difference else ''
        if answer.verdicts.get('kernel', '').startswith('unknown') or \
                'not understood' in answer.verdicts.get('witness', ''):
            self.counts['unknown'] += 1     # it says so; that is no claim about a packet
            return ''
        if not difference and self.exact:
            return 'false alarm'
        if answer.station == 'other':       # of where a base chain stands: no packet in particular
            return ''
        if 'not understood' in answer.verdicts.get('kernel', ''):    # it says so, and names no fate
            return ''
        if not self.confirmed(answer, other):
            return 'bad witness'
        return ''

    def confirmed(self, answer, other):
        """Whether some value of the conditions that the packet leaves open makes the answer true."""
        if not answer.packet or answer.station not in meaning.STATIONS:
            return False
        given = {}
        for text, value in answer.packet['free'].items():
            given.setdefault(engine.plain(text), set()).add(value)
        # a limit that rules share is one condition to the oracle, to the engine one a rule
        given = {text: values.pop() for text, values in given.items() if len(values) == 1}
        fixed, loose = {}, []
        for text in sorted(conditions(self.original) | conditions(other)):
            if engine.plain(text) in given:
                fixed[text] = given[engine.plain(text)]
            else:
                loose.append(text)
        if len(loose) > MOST_FREE:
            loose = loose[:MOST_FREE]
        for values in itertools.product((False, True), repeat=len(loose)):
            packet = dict(answer.packet, free=dict(fixed, **dict(zip(loose, values))))
            before = walk.Walk(self.original, packet).station(answer.station)[0]
            after = walk.Walk(other, packet).station(answer.station)[0]
            if before != after and \
                    engine.same_outcome(answer.verdicts.get('policy', ''), before) and \
                    engine.same_outcome(answer.verdicts.get('kernel', ''), after):
                return True
        return False

    def changes(self, script, difference, answer, other):
        old, new = self.script.splitlines(), script.splitlines()
        out = [f'- {line.strip()}' for line in old if line not in new][:3]
        out += [f'+ {line.strip()}' for line in new if line not in old][:3]
        if difference:
            station, packet = difference
            one, two = (walk.Walk(t, packet).station(station)[0] for t in (self.original, other))
            out += [f'oracle: {one}, then {two}: {walk.show(station, packet)}']
        elif self.exact:
            out += ['oracle: equal for every packet']
        if answer.packet and answer.said == 'different' and '/' in answer.station:
            one, two = (walk.Walk(t, answer.packet).station(answer.station)[0]
                        for t in (self.original, other))
            out += [f'oracle on its packet: {one}, then {two}']
        return out + [f'engine: {line}' for line in (answer.text or answer.said).splitlines()]


def conditions(table):
    return {s.what for c in table.chains.values() for r in c.rules for s in r.statements
            if s.kind == 'free'}


def all_of(script, seed):
    yield from mutate.mutants(script)
    yield from grammar.inserted(script, random.Random(f'inserted {seed}'), INSERTED)


def chosen(script, most, seed, part=0, parts=1):
    """Some of the mutants, of each kind as many as of every other as long as there are any.

    Mutants are made twice, the first time to be counted: all of them at once can be gigabytes.
    """
    if most is None:
        yield from itertools.islice(all_of(script, seed), part, None, parts)
        return
    kinds, rng = {}, random.Random(f'mutants {seed}')
    for n, mutant in enumerate(all_of(script, seed) if most else ()):
        kinds.setdefault(mutant[0], []).append(n)
    for some in kinds.values():
        rng.shuffle(some)
    order, wanted = sorted(kinds), set()
    rng.shuffle(order)
    while len(wanted) < most and any(kinds.values()):
        for kind in order:
            if kinds[kind] and len(wanted) < most:
                wanted.add(kinds[kind].pop())
    for n, mutant in enumerate(all_of(script, seed) if wanted else ()):
        if n in wanted:
            yield mutant


def judge(bench, policy, most, seed, part=0, parts=1):
    """Counts and failures of one policy (of every parts-th of its mutants)."""
    try:
        case = Case(bench, policy)
    except (RuntimeError, listing.Unsupported) as e:
        return Counter(failed=1), [str(e)]
    if part == 0:
        case.unmutated()
    for mutant in chosen(case.script, most, seed, part, parts):
        case.mutant(*mutant)
        if len(case.failures) >= 20:
            break
    return case.counts, case.failures
