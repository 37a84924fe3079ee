# SPDX-License-Identifier: GPL-2.0-or-later
"""The oracle against itself: diagrams against single packets walked through the same listing."""

import os
import random
import re
import subprocess

import cells
import kernel
import listing
import meaning
import mutate
import walk

PACKETS = 300           # a station
MUTANTS = 30            # a policy


def in_child(function):
    """The list that a function returns, from a process of its own (it changes namespaces)."""
    import json
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(here)
        status = 1
        try:
            with os.fdopen(there, 'w', encoding='utf-8') as out:
                json.dump(function(), out)
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(there)
    with os.fdopen(here, encoding='utf-8') as f:
        text = f.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        return [('a part of the tests broke off', False, [])]
    return [tuple(x) for x in json.loads(text)]


def read(text):
    import json
    return listing.Reader(json.loads(text)['nftables'])


def policies(shipped, where):
    import generate
    out = []
    for path in shipped:
        with open(path, encoding='utf-8') as f:
            out += [path] if 'suffix ' not in f.read() else []       # of these the diagrams know nothing
    generate.LIVING = generate.SUFFIX = False
    for number in range(8):
        path = os.path.join(where, f'oracle-{number}.fwc')
        with open(path, 'w', encoding='ascii') as f:
            # of marks the diagrams know whole ones
            f.write(re.sub(r'\b(mark|as) (\w+)/\w+', r'\1 \2', generate.policy(f'oracle-{number}')))
        out.append(path)
    generate.SUFFIX = True
    return out


def disagreements(table, made, rng):
    """Packets that the diagrams and the walk see differently."""
    edges, out = cells.Cells(table), []
    for station in meaning.STATIONS:
        found = made.station(table, station)
        for _ in range(PACKETS):
            p = edges.draw(rng, station)
            values = {made.var[n]: p[n] for n in made.var}
            values.update((v, int(p['free'].get(t, False))) for t, v in made.free.items())
            one, two = made.d.at(found, values), walk.Walk(table, p).station(station)[0]
            if one != two:
                out.append(f'diagram {one}, walk {two}: {walk.show(station, p)}')
    return out


def equal_mutants(k, script, table, made, rng):
    """(how many the diagrams call equal, packets that say otherwise)."""
    some = list(mutate.mutants(script))
    rng.shuffle(some)
    equal, out = 0, []
    for kind, line, text in some[:MUTANTS]:
        text, error = k.listing(text)
        if error:
            continue
        other = read(text)
        try:
            difference = made.compare(table, other)
        except listing.Unsupported:         # a mutant's mask may have more holes than intervals are worth
            continue
        if difference:
            station, p = difference
            if walk.Walk(table, p).station(station)[0] == walk.Walk(other, p).station(station)[0]:
                out.append(f'{kind}, line {line}: no difference: {walk.show(station, p)}')
            continue
        equal += 1
        edges = cells.Cells(table, other)
        for station in meaning.STATIONS:
            for _ in range(PACKETS // 3):
                p = edges.draw(rng, station)
                one, two = (walk.Walk(t, p).station(station)[0] for t in (table, other))
                if one != two:
                    out.append(f'{kind}, line {line}: {one}, then {two}: {walk.show(station, p)}')
    return equal, out


def run(fwc, shipped, where):
    def child():
        k, results, equal = kernel.Kernel(), [], 0
        for path in policies(shipped, where):
            name = os.path.basename(path)
            script = subprocess.run([fwc, 'compile', '-o', '-', path], text=True,
                                    capture_output=True).stdout
            text, error = k.listing(script)
            if error or not script:
                results.append((f'oracle: {name} is loaded', False, [error]))
                continue
            made, table, rng = meaning.Meaning(), read(text), random.Random(name)
            bad = disagreements(table, made, rng)
            results.append((f'oracle: diagrams and packets of {name} agree', not bad, bad[:5]))
            some, bad = equal_mutants(k, script, table, made, rng)
            equal += some
            results.append((f'oracle: mutants of {name}', not bad, bad[:5]))
        results.append((f'oracle: some mutants are equal ({equal})', equal > 10, []))
        return results
    return in_child(child)
