/* SPDX-License-Identifier: GPL-2.0-or-later
 * Operations: two diagrams walked at the same time, each pair of nodes once. The depth of the
 * recursion is bounded by the number of variables, a few hundred.
 */
#include "space/dd_core.h"

#include <stdlib.h>

/* The result where both are terminals: a is open and b not 0. */
static dd_ref join(struct dd *d, dd_ref a, dd_ref b)
{
	if (!d->join)
		abort(); /* open terminals without a meaning */
	return dd_terminal(d, d->join(d->join_ctx, d->nodes[a].lo, d->nodes[b].lo));
}

static dd_ref seq_shortcut(struct dd *d, dd_ref a, dd_ref b)
{
	uint32_t what = d->nodes[a].var;

	if (a == DD_UNDECIDED)
		return b;
	if (b == DD_UNDECIDED || what & NODE_TOTAL || (a == b && !(what & NODE_OPEN)))
		return a;
	if ((what & VAR_MASK) == VAR_TERMINAL && node_terminal(d, b))
		return join(d, a, b);
	return DD_EXHAUSTED;
}

/* What the operation yields without looking further, or DD_EXHAUSTED for "go on". */
static dd_ref shortcut(struct dd *d, enum op op, dd_ref a, dd_ref b)
{
	bool ends = node_terminal(d, a);

	switch (op) {
	case OP_SEQ:
		return seq_shortcut(d, a, b);
	case OP_OR:
		if (a == DD_TRUE || b == DD_TRUE)
			return DD_TRUE;
		if (a == DD_FALSE || a == b)
			return b;
		return b == DD_FALSE ? a : DD_EXHAUSTED;
	case OP_AND:
	case OP_RESTRICT:
		if (a == DD_FALSE || b == DD_FALSE)
			return DD_FALSE;
		if (ends || a == b || d->nodes[a].var & NODE_TOTAL)
			return b;
		return op == OP_AND && b == DD_TRUE ? a : DD_EXHAUSTED;
	case OP_DIFFER:
		if (a == b)
			return DD_FALSE;
		return ends && node_terminal(d, b) ? DD_TRUE : DD_EXHAUSTED;
	case OP_WHERE: /* b is a terminal */
		return !ends ? DD_EXHAUSTED : a == b ? DD_TRUE : DD_FALSE;
	case OP_NOT:
		return !ends ? DD_EXHAUSTED : a == DD_FALSE ? DD_TRUE : DD_FALSE;
	case OP_DISJOINT:
	case OP_SAME:
	case OP_SOME:
	case OP_FIX:
	case OP_MAP:
	case OP_COMPOSE:
		break;
	}
	abort();
}

static dd_ref walk(struct dd *d, enum op op, dd_ref a, dd_ref b)
{
	dd_ref r = shortcut(d, op, a, b), lo, hi;
	struct node na, nb;
	uint32_t var;

	if (r != DD_EXHAUSTED || d->exhausted)
		return d->exhausted ? DD_EXHAUSTED : r;
	if (a > b && (op == OP_AND || op == OP_OR || op == OP_DIFFER)) {
		dd_ref t = a;

		a = b;
		b = t;
	}
	r = memo_get(d, op, a, b);
	if (r != DD_EXHAUSTED || !dd_step(d))
		return r;
	na = d->nodes[a];
	nb = d->nodes[b];
	na.var &= VAR_MASK;
	nb.var &= VAR_MASK;
	var = na.var < nb.var ? na.var : nb.var;
	if (na.var != var)
		na.lo = na.hi = a;
	if (nb.var != var)
		nb.lo = nb.hi = b;
	__builtin_prefetch(&d->nodes[na.hi]);
	__builtin_prefetch(&d->nodes[nb.hi]);
	__builtin_prefetch(memo_place(d, op, na.hi, nb.hi));
	lo = walk(d, op, na.lo, nb.lo);
	hi = walk(d, op, na.hi, nb.hi);
	r = dd_node(d, var, lo, hi);
	return memo_put(d, op, a, b, r);
}

static dd_ref apply(struct dd *d, enum op op, dd_ref a, dd_ref b)
{
	if (a == DD_EXHAUSTED || b == DD_EXHAUSTED || d->exhausted)
		return DD_EXHAUSTED;
	return walk(d, op, a, b);
}

dd_ref dd_seq(struct dd *d, dd_ref a, dd_ref b)
{
	return apply(d, OP_SEQ, a, b);
}

dd_ref dd_restrict(struct dd *d, dd_ref cond, dd_ref a)
{
	return apply(d, OP_RESTRICT, cond, a);
}

dd_ref dd_and(struct dd *d, dd_ref a, dd_ref b)
{
	return apply(d, OP_AND, a, b);
}

dd_ref dd_or(struct dd *d, dd_ref a, dd_ref b)
{
	return apply(d, OP_OR, a, b);
}

dd_ref dd_not(struct dd *d, dd_ref a)
{
	return apply(d, OP_NOT, a, DD_FALSE);
}

dd_ref dd_differ(struct dd *d, dd_ref a, dd_ref b)
{
	return apply(d, OP_DIFFER, a, b);
}

dd_ref dd_where(struct dd *d, dd_ref a, uint32_t value)
{
	return apply(d, OP_WHERE, a, dd_terminal(d, value));
}

/* DD_TRUE, DD_FALSE, or DD_EXHAUSTED if the time is over. */
static dd_ref disjoint(struct dd *d, dd_ref a, dd_ref b)
{
	uint32_t va, vb, var;
	dd_ref r;

	if (a == DD_FALSE || b == DD_FALSE)
		return DD_TRUE;
	/* a node other than that of false is not 0 somewhere */
	if (a == b || node_terminal(d, a) || node_terminal(d, b) ||
	    (d->nodes[a].var | d->nodes[b].var) & NODE_TOTAL)
		return DD_FALSE;
	r = memo_get(d, OP_DISJOINT, a, b);
	if (r != DD_EXHAUSTED || !dd_step(d))
		return r;
	va = node_var(d, a);
	vb = node_var(d, b);
	var = va < vb ? va : vb;
	r = disjoint(d, va == var ? d->nodes[a].lo : a, vb == var ? d->nodes[b].lo : b);
	if (r == DD_TRUE)
		r = disjoint(d, va == var ? d->nodes[a].hi : a, vb == var ? d->nodes[b].hi : b);
	return memo_put(d, OP_DISJOINT, a, b, r);
}

bool dd_disjoint(struct dd *d, dd_ref cond, dd_ref a)
{
	if (cond == DD_EXHAUSTED || a == DD_EXHAUSTED || d->exhausted)
		return false;
	return disjoint(d, cond, a) == DD_TRUE;
}

static dd_ref child(const struct dd *d, dd_ref n, uint32_t var, bool hi)
{
	if (node_var(d, n) != var)
		return n;
	return hi ? d->nodes[n].hi : d->nodes[n].lo;
}

bool dd_meet(struct dd *d, dd_ref a, dd_ref b, uint8_t *bits)
{
	if (a == DD_EXHAUSTED || b == DD_EXHAUSTED || d->exhausted || disjoint(d, a, b) != DD_FALSE)
		return false;
	while (!node_terminal(d, a) || !node_terminal(d, b)) {
		uint32_t va = node_var(d, a), vb = node_var(d, b), var = va < vb ? va : vb;
		dd_ref no = disjoint(d, child(d, a, var, 0), child(d, b, var, 0));

		if (no == DD_EXHAUSTED)
			return false;
		bits[var] = no == DD_TRUE;
		a = child(d, a, var, bits[var]);
		b = child(d, b, var, bits[var]);
	}
	return true;
}

/* DD_TRUE, DD_FALSE, or DD_EXHAUSTED: it is not known. */
static dd_ref same_where(struct dd *d, dd_ref cond, dd_ref a, dd_ref b)
{
	uint32_t op = OP_SAME | cond << OP_BITS, var = node_var(d, cond);
	dd_ref r;

	if (a == b || cond == DD_FALSE)
		return DD_TRUE;
	if (cond >= OP_ROOM)
		return DD_EXHAUSTED;
	var = node_var(d, a) < var ? node_var(d, a) : var;
	var = node_var(d, b) < var ? node_var(d, b) : var;
	/* a node other than that of false is not 0 somewhere */
	if (var == VAR_TERMINAL || node_terminal(d, cond))
		return DD_FALSE;
	r = memo_get(d, op, a, b);
	if (r != DD_EXHAUSTED || !dd_step(d))
		return r;
	for (int hi = 0; hi < 2 && (!hi || r == DD_TRUE); hi++)
		r = same_where(d, child(d, cond, var, hi), child(d, a, var, hi),
			       child(d, b, var, hi));
	return memo_put(d, op, a, b, r);
}

bool dd_same_where(struct dd *d, dd_ref cond, dd_ref a, dd_ref b)
{
	if (cond == DD_EXHAUSTED || a == DD_EXHAUSTED || b == DD_EXHAUSTED || d->exhausted)
		return false;
	return same_where(d, cond, a, b) == DD_TRUE;
}

/* A tag for results that only this call can use. */
static uint32_t call_tag(struct dd *d, enum op op)
{
	if (++d->calls >> 24) {
		dd_forget(d);
		d->calls = 1;
	}
	return op | d->calls << 8;
}

struct mapping {
	uint32_t tag;
	uint32_t (*fn)(void *ctx, uint32_t value);
	void *ctx;
};

static dd_ref map(struct dd *d, const struct mapping *p, dd_ref n)
{
	dd_ref r, lo, hi;

	if (d->exhausted)
		return DD_EXHAUSTED;
	r = memo_get(d, p->tag, n, 0);
	if (r != DD_EXHAUSTED || !dd_step(d))
		return r;
	if (node_terminal(d, n)) {
		r = dd_terminal(d, p->fn(p->ctx, d->nodes[n].lo));
	} else {
		lo = map(d, p, d->nodes[n].lo);
		hi = map(d, p, d->nodes[n].hi);
		r = dd_node(d, node_var(d, n), lo, hi);
	}
	return memo_put(d, p->tag, n, 0, r);
}

dd_ref dd_map(struct dd *d, dd_ref a, uint32_t (*fn)(void *ctx, uint32_t value), void *ctx)
{
	struct mapping p = {call_tag(d, OP_MAP), fn, ctx};

	return a == DD_EXHAUSTED ? a : map(d, &p, a);
}

struct fixing {
	uint32_t tag, first;
	int bits;
	u128 value;
};

static dd_ref fix(struct dd *d, const struct fixing *p, dd_ref n)
{
	uint32_t var = node_var(d, n);
	dd_ref r, lo, hi;

	if (d->exhausted)
		return DD_EXHAUSTED;
	if (var == VAR_TERMINAL || var >= p->first + (uint32_t)p->bits)
		return n;
	r = memo_get(d, p->tag, n, 0);
	if (r != DD_EXHAUSTED || !dd_step(d))
		return r;
	if (var >= p->first) {
		bool one = p->value >> (p->bits - 1 - (int)(var - p->first)) & 1;

		r = fix(d, p, one ? d->nodes[n].hi : d->nodes[n].lo);
	} else {
		lo = fix(d, p, d->nodes[n].lo);
		hi = fix(d, p, d->nodes[n].hi);
		r = dd_node(d, var, lo, hi);
	}
	return memo_put(d, p->tag, n, 0, r);
}

dd_ref dd_fix(struct dd *d, dd_ref a, uint32_t first, int bits, u128 value)
{
	struct fixing p = {call_tag(d, OP_FIX), first, bits, value};

	return a == DD_EXHAUSTED ? a : fix(d, &p, a);
}

struct composing {
	uint32_t tag, n;
	const dd_ref *of;
};

static dd_ref compose(struct dd *d, const struct composing *p, dd_ref n)
{
	uint32_t var = node_var(d, n);
	dd_ref r, lo, hi, cond;

	if (d->exhausted)
		return DD_EXHAUSTED;
	if (var == VAR_TERMINAL || var >= p->n)
		return n;
	r = memo_get(d, p->tag, n, 0);
	if (r != DD_EXHAUSTED || !dd_step(d))
		return r;
	lo = compose(d, p, d->nodes[n].lo);
	hi = compose(d, p, d->nodes[n].hi);
	if (d->exhausted)
		return DD_EXHAUSTED;
	cond = p->of[var];
	if (cond == DD_EXHAUSTED && node_var(d, lo) > var && node_var(d, hi) > var) {
		r = dd_node(d, var, lo, hi);
	} else {
		if (cond == DD_EXHAUSTED)
			cond = dd_node(d, var, DD_FALSE, DD_TRUE);
		r = dd_seq(d, dd_restrict(d, cond, hi), dd_restrict(d, dd_not(d, cond), lo));
	}
	return memo_put(d, p->tag, n, 0, r);
}

dd_ref dd_compose(struct dd *d, dd_ref a, const dd_ref *of, uint32_t n)
{
	struct composing p = {call_tag(d, OP_COMPOSE), n, of};

	return a == DD_EXHAUSTED ? a : compose(d, &p, a);
}

static dd_ref some(struct dd *d, uint32_t tag, uint32_t first, uint32_t end, dd_ref n)
{
	uint32_t var = node_var(d, n);
	dd_ref r, lo, hi;

	if (d->exhausted)
		return DD_EXHAUSTED;
	if (var == VAR_TERMINAL || var >= end)
		return n;
	r = memo_get(d, tag, n, first);
	if (r != DD_EXHAUSTED || !dd_step(d))
		return r;
	lo = some(d, tag, first, end, d->nodes[n].lo);
	if (lo == DD_TRUE && var >= first) {
		r = DD_TRUE;
	} else {
		hi = some(d, tag, first, end, d->nodes[n].hi);
		r = var >= first ? dd_or(d, lo, hi) : dd_node(d, var, lo, hi);
	}
	return memo_put(d, tag, n, first, r);
}

dd_ref dd_some(struct dd *d, dd_ref a, uint32_t first, int bits)
{
	uint32_t tag = OP_SOME | (uint32_t)bits << 8;

	return a == DD_EXHAUSTED ? a : some(d, tag, first, first + (uint32_t)bits, a);
}

struct ranges {
	uint32_t first;
	int bits;
	u128 mask;
	dd_ref in, out;
};

/* The numbers that begin with the `depth` bits of `low`; s holds those of the intervals that end in
 * or after them. */
static dd_ref ranges(struct dd *d, const struct ranges *p, int depth, u128 low,
		     const struct ival *v, size_t n)
{
	int left = p->bits - depth;
	u128 high = low | (left ? u128_max(left) : 0), half;
	dd_ref lo, hi;
	size_t a = 0, b = n;

	while (a < b) { /* the first interval that does not end before */
		size_t mid = (a + b) / 2;

		if (v[mid].hi < low)
			a = mid + 1;
		else
			b = mid;
	}
	if (d->exhausted)
		return DD_EXHAUSTED;
	if (a == n || v[a].lo > high)
		return p->out;
	if (v[a].lo <= low && v[a].hi >= high)
		return p->in;
	half = (u128)1 << (left - 1);
	lo = ranges(d, p, depth + 1, low, v + a, n - a);
	if (!(p->mask & half))
		return lo;
	hi = ranges(d, p, depth + 1, low | half, v + a, n - a);
	return dd_node(d, p->first + (uint32_t)depth, lo, hi);
}

dd_ref dd_ranges(struct dd *d, uint32_t first, int bits, const struct ival *v, size_t n, u128 mask,
		 dd_ref in, dd_ref out)
{
	struct ranges p = {first, bits, mask, in, out};

	if (in == DD_EXHAUSTED || out == DD_EXHAUSTED || d->exhausted)
		return DD_EXHAUSTED;
	return ranges(d, &p, 0, 0, v, n);
}
