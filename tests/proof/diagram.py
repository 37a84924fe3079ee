# SPDX-License-Identifier: GPL-2.0-or-later
"""Functions from packets to outcomes, as diagrams whose edges carry intervals.

A node looks at one field: its interval edges cover all the values of that field, from 0 on, and
neighbouring edges lead to different places.  With one order of the fields and one table of nodes,
equal functions are the same number; that is what makes "equal for every packet" a comparison of
two numbers.  Plain Python, nothing shared with the compiler and another kind of diagram than it
uses: its bits are not these intervals.

Outcomes are any hashable things; UNDECIDED lets the next rule speak, and (UNDECIDED, effects) does
after something happened on the way: a set of words that whoever decides carries along, too.
"""

UNDECIDED = '-'
YES = '+'


class TooBig(Exception):
    """More nodes than we are ready to wait for."""


def verdict(outcome):
    return outcome[0] if isinstance(outcome, tuple) else outcome


def after(earlier, later):
    """Two sets of effects: of what is set twice ("KEY := VALUE") the later value stays."""
    keys = {e.partition(' := ')[0] for e in later if ' := ' in e}
    return frozenset(e for e in earlier if e.partition(' := ')[0] not in keys or ' := ' not in e) | later


def plus(outcome, effects):
    """The outcome with more effects, which came before."""
    if isinstance(outcome, tuple):
        return outcome[0], after(effects, outcome[1])
    return (outcome, effects) if effects else outcome


class Diagrams:
    def __init__(self, most=3000000):
        self.most = most
        self.vars = []                  # field name -> its place in the order is its index here
        self.tops = []                  # greatest value of each
        self.nodes = []                 # (var, upper bounds, children) or (None, outcome)
        self.table = {}
        self.memo = {}
        self.undecided = self.outcome(UNDECIDED)
        self.yes = self.outcome(YES)

    # -- nodes

    def declare(self, name, top):
        self.vars.append(name)
        self.tops.append(top)
        return len(self.vars) - 1

    def outcome(self, what):
        return self.intern((None, what))

    def intern(self, node):
        found = self.table.get(node)
        if found is None:
            if len(self.nodes) > self.most:
                raise TooBig
            found = self.table[node] = len(self.nodes)
            self.nodes.append(node)
        return found

    def node(self, var, edges):
        """edges: (upper bound, child) in order, the last one up to the top."""
        bounds, kids = [], []
        for bound, kid in edges:
            if kids and kids[-1] == kid:
                bounds[-1] = bound
            else:
                bounds.append(bound)
                kids.append(kid)
        return kids[0] if len(kids) == 1 else self.intern((var, tuple(bounds), tuple(kids)))

    def within(self, var, intervals, inside, outside=None):
        """inside where the field is in one of the sorted, disjoint intervals."""
        outside = self.undecided if outside is None else outside
        edges, at, top = [], 0, self.tops[var]
        for low, high in intervals:
            if low > at:
                edges.append((low - 1, outside))
            edges.append((high, inside))
            at = high + 1
        if at <= top:
            edges.append((top, outside))
        return self.node(var, edges)

    def box(self, conditions, leaf):
        """leaf where every field is in its intervals; conditions: {var: intervals}."""
        for var in sorted(conditions, reverse=True):
            leaf = self.within(var, conditions[var], leaf)
        return leaf

    # -- operations

    def apply(self, name, a, b, simple):
        """simple(a, b) is the result where it can be told without looking further, else None."""
        done = simple(a, b)
        if done is not None:
            return done
        key = name, a, b
        found = self.memo.get(key)
        if found is not None:
            return found
        one, two = self.nodes[a], self.nodes[b]
        if two[0] is None or (one[0] is not None and one[0] < two[0]):
            var, bounds, kids = one
            edges = [(h, self.apply(name, k, b, simple)) for h, k in zip(bounds, kids)]
        elif one[0] is None or two[0] < one[0]:
            var, bounds, kids = two
            edges = [(h, self.apply(name, a, k, simple)) for h, k in zip(bounds, kids)]
        else:
            var, edges, i, j = one[0], [], 0, 0
            while i < len(one[1]) and j < len(two[1]):
                high = min(one[1][i], two[1][j])
                edges.append((high, self.apply(name, one[2][i], two[2][j], simple)))
                i, j = i + (one[1][i] == high), j + (two[1][j] == high)
        result = self.memo[key] = self.node(var, edges)
        return result

    def override(self, a, b):
        """a where it decides, else b."""
        return self.apply('override', a, b, self._override)

    def _override(self, a, b):
        if a == self.undecided:
            return b
        var, what = self.nodes[a][:2]
        if b == self.undecided:
            return a
        if var is None:
            if verdict(what) != UNDECIDED:
                return a
            return self.map(b, ('plus', what[1]), lambda o: plus(o, what[1]))
        return None

    def where(self, condition, a):
        """a where the condition is decided (whatever its outcome), else undecided."""
        return self.apply('where', condition, a, self._where)

    def _where(self, condition, a):
        if condition == self.undecided or a == self.undecided:
            return self.undecided
        return a if self.nodes[condition][0] is None else None

    def unless(self, condition):
        """YES where the condition is undecided."""
        return self.map(condition, 'unless', lambda o: YES if o == UNDECIDED else UNDECIDED)

    def map(self, a, name, function):
        """Other outcomes; the name stands for the function."""
        key = 'map', name, a
        found = self.memo.get(key)
        if found is None:
            node = self.nodes[a]
            if node[0] is None:
                found = self.outcome(function(node[1]))
            else:
                found = self.node(node[0], [(h, self.map(k, name, function))
                                            for h, k in zip(node[1], node[2])])
            self.memo[key] = found
        return found

    def union(self, many):
        """The first of them that decides; halves, so that neighbours meet while they are small."""
        many = list(many)
        while len(many) > 1:
            many = [self.override(many[i], many[i + 1]) if i + 1 < len(many) else many[i]
                    for i in range(0, len(many), 2)]
        return many[0] if many else self.undecided

    # -- questions

    def outcomes(self, a):
        seen, todo, out = {a}, [a], set()
        while todo:
            node = self.nodes[todo.pop()]
            if node[0] is None:
                out.add(node[1])
                continue
            for kid in node[2]:
                if kid not in seen:
                    seen.add(kid)
                    todo.append(kid)
        return out

    def at(self, a, values):
        """The outcome for one packet: values by variable index."""
        node = self.nodes[a]
        while node[0] is not None:
            value = values[node[0]]
            node = self.nodes[next(k for h, k in zip(node[1], node[2]) if value <= h)]
        return node[1]

    def difference(self, a, b):
        """{var: (low, high)} of some packets that a and b treat differently; None if there are none."""
        if a == b:
            return None
        one, two = self.nodes[a], self.nodes[b]
        if one[0] is None and two[0] is None:
            return {}
        if two[0] is None or (one[0] is not None and one[0] < two[0]):
            var, parts = one[0], [(h, k, b) for h, k in zip(one[1], one[2])]
        elif one[0] is None or two[0] < one[0]:
            var, parts = two[0], [(h, a, k) for h, k in zip(two[1], two[2])]
        else:
            var, parts, i, j = one[0], [], 0, 0
            while i < len(one[1]) and j < len(two[1]):
                high = min(one[1][i], two[1][j])
                parts.append((high, one[2][i], two[2][j]))
                i, j = i + (one[1][i] == high), j + (two[1][j] == high)
        low = 0
        for high, left, right in parts:
            if left != right:
                found = self.difference(left, right)
                found[var] = low, high
                return found
            low = high + 1
        return None
