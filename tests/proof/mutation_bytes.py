# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel holds of a compiled policy, with one of its bytes changed: the proof has to refute it.

A mutant is right where the program refutes it, or cannot read it, or calls it equal and bytecode.py, which
shares nothing with it, finds no packet that meets another fate. Such packets are made of what the rules
compare with, and of those the ones are taken that come to the byte that was changed.
"""

import os
import random
import subprocess
from collections import Counter

import bytecode

PACKETS = 500          # of a policy
NEAR = 12               # of those that come by, each with every value of the mutant's in turn
SAID = {'equal', 'different', 'budget', 'refused'}


class Policy:
    def __init__(self, bench, prover, policy, where, seed):
        self.path, self.prover = policy, prover
        script, error = bench.compile(policy)
        if not error:
            _, error = bench.kernel.run('add table inet fwc\ndelete table inet fwc\n' + script)
        if error:
            raise RuntimeError(f'{policy}: {error}')
        self.dump = subprocess.run([prover, '--dump'], check=True, capture_output=True).stdout
        self.file = os.path.join(where, f'{os.path.basename(policy)}.{os.getpid()}.dump')
        with open(self.file, 'wb') as f:
            f.write(self.dump)
        self.original = bytecode.Table(self.dump)
        self.rng = random.Random(f'{seed} {os.path.basename(policy)}')
        self.packets, self.pool = None, bytecode.pool(self.dump)
        self.bodies = [(start, end) for _, _, start, end in bytecode.messages(self.dump)]

    def look(self):
        """Packets, and what each of them meets; made when they are first needed."""
        if self.packets is None:
            made = [bytecode.Packet(self.rng, self.pool) for _ in range(PACKETS)]
            self.packets = [(p, *bytecode.outcomes(self.original, p)) for p in made]
        return self.packets

    def chosen(self, most):
        """[(kind, offset, value)], of each kind as many as of every other as long as there are any."""
        kinds = {}
        for kind, offset in bytecode.places(self.dump):
            kinds.setdefault(kind, []).append(offset)
        for some in kinds.values():
            self.rng.shuffle(some)
        out, order = [], sorted(kinds, key=lambda k: (k != 'expression', k))
        while any(kinds.values()) and (most is None or len(out) < most):
            for kind in order:
                # what is executed is what most of the bytes are
                for _ in range(6 if kind == 'expression' else 1):
                    if kinds[kind] and (most is None or len(out) < most):
                        at = kinds[kind].pop()
                        out.append((kind, at, self.dump[at] ^ 1 << self.rng.randrange(8)))
        return out

    def answers(self, mutants):
        done = subprocess.run([self.prover, self.path, self.file], text=True, capture_output=True, timeout=3600,
                              input='\n' + ''.join(f'{at} {value}\n' for _, at, value in mutants))
        lines = done.stdout.splitlines()
        return lines[0] if lines else '', lines[1:], done.stderr

    # -- the second opinion

    def difference(self, at, value):
        """How the mutant is unlike the original, or nothing."""
        mutant = bytearray(self.dump)
        mutant[at] = value
        try:
            table = bytecode.Table(bytes(mutant))
        except (bytecode.Refused, bytecode.struct.error, KeyError, IndexError, ValueError) as e:
            return f'it cannot be taken apart: {e!r}'
        if table.places() != self.original.places():
            return f'base chains: {[c for c in table.places()[0] if c not in self.original.places()[0]]}'
        start, end = next((s, e) for s, e in self.bodies if s <= at < e)
        near = [p for p in self.look() if self.comes_by(p, start)]
        values = list(bytecode.values(bytes(self.dump[start - 20:end]))) + \
            list(bytecode.values(bytes(mutant[start - 20:end])))
        for packet, before, _, _ in near:
            if self.differs(table, packet, before):
                return self.differs(table, packet, before)
        for packet, _, _, _ in self.rng.sample(near, min(NEAR, len(near))):
            for one in values[:20]:
                for changed in packet.with_value(one):
                    before, *_ = bytecode.outcomes(self.original, changed)
                    if self.differs(table, changed, before):
                        return self.differs(table, changed, before)
        return ''

    def comes_by(self, packet, start):
        """Whether it meets the rule whose message begins there; of all but rules nobody knows."""
        _, _, rules, _ = packet
        is_rule = any(offset == start for c in self.original.chains.values() for offset, _ in c.rules)
        return start in rules or not is_rule

    @staticmethod
    def differs(table, packet, before):
        after, *_ = bytecode.outcomes(table, packet)
        if after == before:
            return ''
        one = next((b, a) for b, a in zip(before, after) if b != a) if len(before) == len(after) else (before, after)
        return f'{packet.show()}: {one[0]}, then {one[1]}'


def judge(bench, prover, policy, most, seed, where, small):
    """(counts, failures); most: of bytes, None: every one of a dump that is small, some thousands of others."""
    counts, failures = Counter(), []
    try:
        p = Policy(bench, prover, policy, where, seed)
    except RuntimeError as e:
        return Counter(failed=1), [str(e)]
    mutants = p.chosen(2000 if most is None and len(p.dump) > small else most)
    unmutated, answers, stderr = p.answers(mutants)
    if unmutated != 'equal same' or len(answers) != len(mutants):
        return Counter(failed=1), [f'{policy}: unmutated: {unmutated}; {len(answers)} answers of {len(mutants)}; '
                                   f'{stderr[-300:]}']
    for (kind, at, value), answer in zip(mutants, answers):
        said, _, same = answer.partition(' ')
        counts['mutants'] += 1
        counts[said] += 1
        wrong = '' if said in SAID else f'it said {said}'
        if said == 'equal':
            wrong = p.difference(at, value)
            counts['slipped'] += bool(wrong)
        elif same:
            wrong = 'unlike, but for apply the same'
            counts['same'] += 1
        if wrong:
            failures.append(f'--- {policy}, {kind}, byte {at}: {p.dump[at]:#04x} -> {value:#04x}: {wrong}')
    return counts, failures


def power(bench, prover, policy, most, seed, where):
    """Of how many mutants that the program refutes the second opinion sees a difference, too."""
    p = Policy(bench, prover, policy, where, seed)
    mutants = [m for m in p.chosen(most) if m[0] == 'expression']
    _, answers, _ = p.answers(mutants)
    refuted = [m for m, a in zip(mutants, answers) if a == 'different']
    return sum(bool(p.difference(at, value)) for _, at, value in refuted), len(refuted)
