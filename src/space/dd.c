/* SPDX-License-Identifier: GPL-2.0-or-later
 * Nodes are hash-consed in a unique table; operations remember their results in a lossy cache that
 * grows with the nodes.
 */
#include "space/dd.h"

#include <stdlib.h>
#include <string.h>

#define TERMINAL UINT32_MAX /* as var: lo holds the value */
#define NIL UINT32_MAX

struct node {
	uint32_t var, lo, hi, next;
};

enum op { OP_OVERRIDE = 1, OP_RESTRICT, OP_DIFFER, OP_WHERE, OP_NOT };

struct memo {
	uint32_t op, a, b, result;
};

struct dd {
	struct node *nodes;
	size_t n, cap, max;
	uint32_t *buckets; /* heads of chains through node.next */
	size_t nbuckets;
	struct memo *memo;
	size_t nmemo;
	bool exhausted;
};

static uint32_t mix(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t h = a * 0x9e3779b97f4a7c15ull;

	h = (h ^ b) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ (h >> 29) ^ c) * 0x94d049bb133111ebull;
	return (uint32_t)(h >> 32);
}

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static void rehash(struct dd *d, size_t nbuckets)
{
	free(d->buckets);
	d->buckets = must(malloc(nbuckets * sizeof(*d->buckets)));
	memset(d->buckets, 0xff, nbuckets * sizeof(*d->buckets));
	d->nbuckets = nbuckets;
	for (size_t i = 0; i < d->n; i++) {
		struct node *n = &d->nodes[i];
		uint32_t h = mix(n->var, n->lo, n->hi) & (nbuckets - 1);

		n->next = d->buckets[h];
		d->buckets[h] = (uint32_t)i;
	}
	/* half as many results as buckets are remembered; the old ones are worth little */
	free(d->memo);
	d->nmemo = nbuckets / 2;
	d->memo = must(calloc(d->nmemo, sizeof(*d->memo)));
}

struct dd *dd_new(size_t max_nodes)
{
	struct dd *d = must(calloc(1, sizeof(*d)));

	d->max = max_nodes < UINT32_MAX / 2 ? max_nodes : UINT32_MAX / 2;
	d->cap = 1024;
	d->nodes = must(malloc(d->cap * sizeof(*d->nodes)));
	rehash(d, 2048);
	dd_terminal(d, 0);
	dd_terminal(d, 1);
	return d;
}

void dd_free(struct dd *d)
{
	if (!d)
		return;
	free(d->nodes);
	free(d->buckets);
	free(d->memo);
	free(d);
}

size_t dd_nodes(const struct dd *d)
{
	return d->n;
}

bool dd_exhausted(const struct dd *d)
{
	return d->exhausted;
}

static dd_ref find_or_add(struct dd *d, uint32_t var, uint32_t lo, uint32_t hi)
{
	uint32_t h = mix(var, lo, hi) & (d->nbuckets - 1);

	for (uint32_t i = d->buckets[h]; i != NIL; i = d->nodes[i].next)
		if (d->nodes[i].var == var && d->nodes[i].lo == lo && d->nodes[i].hi == hi)
			return i;
	if (d->n >= d->max) {
		d->exhausted = true;
		return DD_EXHAUSTED;
	}
	if (d->n == d->cap) {
		d->cap *= 2;
		d->nodes = must(realloc(d->nodes, d->cap * sizeof(*d->nodes)));
	}
	d->nodes[d->n] = (struct node){var, lo, hi, d->buckets[h]};
	d->buckets[h] = (uint32_t)d->n++;
	if (d->n > d->nbuckets)
		rehash(d, d->nbuckets * 2);
	return (dd_ref)d->n - 1;
}

dd_ref dd_terminal(struct dd *d, uint32_t value)
{
	return find_or_add(d, TERMINAL, value, 0);
}

bool dd_is_terminal(const struct dd *d, dd_ref n)
{
	return d->nodes[n].var == TERMINAL;
}

uint32_t dd_value(const struct dd *d, dd_ref terminal)
{
	return d->nodes[terminal].lo;
}

uint32_t dd_var(const struct dd *d, dd_ref n)
{
	return d->nodes[n].var;
}

dd_ref dd_lo(const struct dd *d, dd_ref n)
{
	return d->nodes[n].lo;
}

dd_ref dd_hi(const struct dd *d, dd_ref n)
{
	return d->nodes[n].hi;
}

dd_ref dd_node(struct dd *d, uint32_t var, dd_ref lo, dd_ref hi)
{
	if (lo == DD_EXHAUSTED || hi == DD_EXHAUSTED)
		return DD_EXHAUSTED;
	return lo == hi ? lo : find_or_add(d, var, lo, hi);
}

static struct memo *memo_slot(struct dd *d, enum op op, uint32_t a, uint32_t b)
{
	return &d->memo[mix(op, a, b) & (d->nmemo - 1)];
}

/* What the operation yields without looking further, or DD_EXHAUSTED for "go on". */
static dd_ref shortcut(struct dd *d, enum op op, dd_ref a, dd_ref b)
{
	switch (op) {
	case OP_OVERRIDE:
		if (a == DD_UNDECIDED)
			return b;
		if (b == DD_UNDECIDED || a == b || dd_is_terminal(d, a))
			return a;
		break;
	case OP_RESTRICT:
		if (a == DD_UNDECIDED || b == DD_UNDECIDED)
			return DD_UNDECIDED;
		if (dd_is_terminal(d, a))
			return b;
		break;
	case OP_DIFFER:
		if (a == b)
			return DD_UNDECIDED;
		if (dd_is_terminal(d, a) && dd_is_terminal(d, b))
			return DD_TRUE;
		break;
	case OP_WHERE: /* b is a terminal */
		if (dd_is_terminal(d, a))
			return a == b ? DD_TRUE : DD_UNDECIDED;
		break;
	case OP_NOT:
		if (dd_is_terminal(d, a))
			return a == DD_UNDECIDED ? DD_TRUE : DD_UNDECIDED;
		break;
	}
	return DD_EXHAUSTED;
}

/* Depth is bounded by the number of variables, a few hundred. */
static dd_ref apply(struct dd *d, enum op op, dd_ref a, dd_ref b)
{
	uint32_t va, vb, var;
	dd_ref r, lo, hi;
	struct memo *m;

	if (a == DD_EXHAUSTED || b == DD_EXHAUSTED || d->exhausted)
		return DD_EXHAUSTED;
	r = shortcut(d, op, a, b);
	if (r != DD_EXHAUSTED)
		return r;
	m = memo_slot(d, op, a, b);
	if (m->op == op && m->a == a && m->b == b)
		return m->result;
	va = d->nodes[a].var;
	vb = d->nodes[b].var; /* TERMINAL is behind all variables */
	var = va < vb ? va : vb;
	lo = apply(d, op, va == var ? dd_lo(d, a) : a, vb == var ? dd_lo(d, b) : b);
	hi = apply(d, op, va == var ? dd_hi(d, a) : a, vb == var ? dd_hi(d, b) : b);
	r = dd_node(d, var, lo, hi);
	if (r != DD_EXHAUSTED)
		*memo_slot(d, op, a, b) = (struct memo){op, a, b, r}; /* the table may have moved */
	return r;
}

dd_ref dd_override(struct dd *d, dd_ref a, dd_ref b)
{
	return apply(d, OP_OVERRIDE, a, b);
}

dd_ref dd_restrict(struct dd *d, dd_ref cond, dd_ref a)
{
	return apply(d, OP_RESTRICT, cond, a);
}

dd_ref dd_and(struct dd *d, dd_ref a, dd_ref b)
{
	return apply(d, OP_RESTRICT, a, b);
}

dd_ref dd_or(struct dd *d, dd_ref a, dd_ref b)
{
	return apply(d, OP_OVERRIDE, a, b);
}

dd_ref dd_not(struct dd *d, dd_ref a)
{
	return apply(d, OP_NOT, a, DD_UNDECIDED);
}

dd_ref dd_differ(struct dd *d, dd_ref a, dd_ref b)
{
	return apply(d, OP_DIFFER, a, b);
}

dd_ref dd_where(struct dd *d, dd_ref a, uint32_t value)
{
	return apply(d, OP_WHERE, a, dd_terminal(d, value));
}

static bool bit(unsigned __int128 x, int bits, int i)
{
	return x >> (bits - 1 - i) & 1;
}

/* x >= lo, or x <= hi: a chain from the least significant bit upwards. */
static dd_ref bound(struct dd *d, uint32_t first, int bits, unsigned __int128 x, bool lower)
{
	dd_ref r = DD_TRUE;

	for (int i = bits - 1; i >= 0; i--) {
		bool one = bit(x, bits, i);

		if (lower)
			r = one ? dd_node(d, first + (uint32_t)i, DD_UNDECIDED, r)
				: dd_node(d, first + (uint32_t)i, r, DD_TRUE);
		else
			r = one ? dd_node(d, first + (uint32_t)i, DD_TRUE, r)
				: dd_node(d, first + (uint32_t)i, r, DD_UNDECIDED);
	}
	return r;
}

dd_ref dd_interval(struct dd *d, uint32_t first, int bits, unsigned __int128 lo,
		   unsigned __int128 hi)
{
	return dd_and(d, bound(d, first, bits, lo, true), bound(d, first, bits, hi, false));
}
