/* SPDX-License-Identifier: GPL-2.0-or-later
 * Nodes are hash-consed in a unique table that doubles; operations remember their results in a
 * lossy table that grows with the nodes; collecting marks and compacts.
 */
#include "space/dd_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/progress.h"
#include "util/room.h"

#define NIL UINT32_MAX
/* Numbers of nodes have 28 bits; the rest of a slot tells most others apart without a look at the
 * node, which is another cache miss. */
#define NUMBER_BITS 28
#define NUMBER_MASK ((1u << NUMBER_BITS) - 1)
#define SLOT_FREE UINT32_MAX
#define FIRST_NODES 1024
#define AHEAD 16 /* so many are fetched into the cache before they are needed */

static void *must(void *p)
{
	if (!p) {
		fputs("fwc: out of memory\n", stderr);
		abort();
	}
	return p;
}

static double processor_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

void dd_look_at_clock(struct dd *d)
{
	d->steps = 0;
	progress_tick();
	if (d->end > 0 && processor_seconds() >= d->end)
		d->exhausted = true;
}

void dd_forget(struct dd *d)
{
	memset(d->memo, 0, d->nmemo * sizeof(*d->memo));
}

static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~NUMBER_MASK;
}

static uint64_t hash_of(const struct node *n)
{
	return dd_mix(n->var & VAR_MASK, n->lo, n->hi);
}

static void rehash(struct dd *d, size_t nslots)
{
	room_free(d->slots, d->nslots * sizeof(*d->slots));
	d->slots = room_new(nslots * sizeof(*d->slots));
	memset(d->slots, 0xff, nslots * sizeof(*d->slots));
	d->nslots = nslots;
	for (size_t i = 0; i < d->n; i++) {
		uint64_t hash = hash_of(&d->nodes[i]);
		size_t at = hash & (nslots - 1);

		if (i + AHEAD < d->n)
			__builtin_prefetch(&d->slots[hash_of(&d->nodes[i + AHEAD]) & (nslots - 1)],
					   1);
		while (d->slots[at] != SLOT_FREE)
			at = (at + 1) & (nslots - 1);
		d->slots[at] = tag_of(hash) | (uint32_t)i;
	}
}

static void resize_memo(struct dd *d, size_t nmemo)
{
	struct memo *old = d->memo;
	size_t nold = d->nmemo;

	if (nmemo == nold)
		return;
	d->memo = room_new(nmemo * sizeof(*d->memo));
	d->nmemo = nmemo;
	for (size_t i = 0; i < nold; i++)
		if (old[i].op)
			memo_put(d, old[i].op, old[i].a, old[i].b, old[i].result);
	room_free(old, nold * sizeof(*old));
}

struct dd *dd_new(struct dd_budget budget)
{
	struct dd *d = must(calloc(1, sizeof(*d)));

	d->max = budget.nodes && budget.nodes < NUMBER_MASK ? budget.nodes : NUMBER_MASK;
	if (d->max < 2) /* false and true are always there */
		d->max = 2;
	if (budget.seconds > 0)
		d->end = processor_seconds() + budget.seconds;
	d->cap = FIRST_NODES;
	d->nodes = room_new(d->cap * sizeof(*d->nodes));
	rehash(d, 2 * FIRST_NODES);
	resize_memo(d, FIRST_NODES);
	dd_terminal(d, 0);
	dd_terminal(d, 1);
	return d;
}

void dd_free(struct dd *d)
{
	if (!d)
		return;
	room_free(d->nodes, d->cap * sizeof(*d->nodes));
	room_free(d->slots, d->nslots * sizeof(*d->slots));
	room_free(d->memo, d->nmemo * sizeof(*d->memo));
	free(d);
}

void dd_set_join(struct dd *d, dd_join_fn *join, void *ctx)
{
	d->join = join;
	d->join_ctx = ctx;
	dd_forget(d);
}

size_t dd_nodes(const struct dd *d)
{
	return d->n;
}

void dd_give_up(struct dd *d)
{
	d->exhausted = true;
}

bool dd_exhausted(const struct dd *d)
{
	return d->exhausted;
}

static void grow_nodes(struct dd *d)
{
	size_t now = d->cap * sizeof(*d->nodes);

	d->nodes = room_grow(d->nodes, now, 2 * now);
	d->cap *= 2;
}

static void grow(struct dd *d)
{
	if (d->n == d->cap)
		grow_nodes(d);
	if (4 * d->n > 3 * d->nslots) {
		rehash(d, 2 * d->nslots);
		/* A result for two or three nodes. Twice as many were no faster, as lists are
		 * composed now, and took a fifth of the memory. */
		resize_memo(d, d->nslots / 4);
	}
}

/* What its children say about the terminals below a new node; for a terminal, what it is. */
static uint32_t flags_of(const struct dd *d, uint32_t var, uint32_t lo, uint32_t hi)
{
	uint32_t l, h;

	if (var == VAR_TERMINAL)
		return lo & DD_OPEN ? NODE_OPEN : lo ? NODE_TOTAL : 0;
	l = d->nodes[lo].var;
	h = d->nodes[hi].var;
	if (var >= (l & VAR_MASK) || var >= (h & VAR_MASK))
		abort(); /* an error of the caller's; what it would build has no meaning */
	return ((l | h) & NODE_OPEN) | (l & h & NODE_TOTAL);
}

static dd_ref find_or_add(struct dd *d, uint32_t var, uint32_t lo, uint32_t hi)
{
	uint64_t h = dd_mix(var, lo, hi);
	uint32_t tag = tag_of(h);
	size_t at = h & (d->nslots - 1);

	if (d->exhausted)
		return DD_EXHAUSTED;
	for (uint32_t slot; (slot = d->slots[at]) != SLOT_FREE; at = (at + 1) & (d->nslots - 1)) {
		const struct node *n = &d->nodes[slot & NUMBER_MASK];

		if ((slot & ~NUMBER_MASK) == tag && n->lo == lo && n->hi == hi &&
		    (n->var & VAR_MASK) == var)
			return slot & NUMBER_MASK;
	}
	if (d->n >= d->max)
		d->exhausted = true;
	if (!dd_step(d))
		return DD_EXHAUSTED;
	d->nodes[d->n] = (struct node){var | flags_of(d, var, lo, hi), lo, hi};
	d->slots[at] = tag | (uint32_t)d->n++;
	grow(d);
	return (dd_ref)d->n - 1;
}

dd_ref dd_terminal(struct dd *d, uint32_t value)
{
	if (value >> 31) {
		d->exhausted = true;
		return DD_EXHAUSTED;
	}
	return find_or_add(d, VAR_TERMINAL, value, 0);
}

dd_ref dd_node(struct dd *d, uint32_t var, dd_ref lo, dd_ref hi)
{
	if (lo == DD_EXHAUSTED || hi == DD_EXHAUSTED || d->exhausted)
		return DD_EXHAUSTED;
	return lo == hi ? lo : find_or_add(d, var, lo, hi);
}

/* DD_EXHAUSTED looks like a terminal with a value that no terminal has, so that walking down from
 * it is safe. */
bool dd_is_terminal(const struct dd *d, dd_ref n)
{
	return n == DD_EXHAUSTED || node_terminal(d, n);
}

uint32_t dd_value(const struct dd *d, dd_ref terminal)
{
	return terminal == DD_EXHAUSTED ? DD_EXHAUSTED : d->nodes[terminal].lo;
}

bool dd_any_open(const struct dd *d, dd_ref n)
{
	return n != DD_EXHAUSTED && d->nodes[n].var & NODE_OPEN;
}

uint32_t dd_var(const struct dd *d, dd_ref n)
{
	return n == DD_EXHAUSTED || node_terminal(d, n) ? UINT32_MAX : node_var(d, n);
}

dd_ref dd_follow(const struct dd *d, dd_ref n, const uint64_t *value, const uint64_t *open,
		 size_t words)
{
	while (n != DD_EXHAUSTED) {
		const struct node *x = &d->nodes[n];
		uint32_t var = x->var & VAR_MASK, word = var / 64;
		uint64_t bit = 1ull << (63 - var % 64);

		if (word >= words || open[word] & bit)
			break;
		n = value[word] & bit ? x->hi : x->lo;
	}
	return n;
}

dd_ref dd_lo(const struct dd *d, dd_ref n)
{
	return n == DD_EXHAUSTED ? n : d->nodes[n].lo;
}

dd_ref dd_hi(const struct dd *d, dd_ref n)
{
	return n == DD_EXHAUSTED ? n : d->nodes[n].hi;
}

/* For each node its number after collecting, NIL for those that no root leads to. */
static uint32_t *mark(const struct dd *d, dd_ref **roots, size_t n)
{
	uint32_t *to = must(malloc(d->n * sizeof(*to)));
	uint32_t live = 0;

	memset(to, 0xff, d->n * sizeof(*to));
	to[DD_FALSE] = to[DD_TRUE] = 0;
	for (size_t i = 0; i < n; i++)
		if (*roots[i] != DD_EXHAUSTED)
			to[*roots[i]] = 0;
	for (size_t i = d->n; i-- > 0;) {
		if (to[i] != NIL && !node_terminal(d, (dd_ref)i))
			to[d->nodes[i].lo] = to[d->nodes[i].hi] = 0;
	}
	for (size_t i = 0; i < d->n; i++)
		if (to[i] != NIL)
			to[i] = live++;
	return to;
}

static void compact(struct dd *d, const uint32_t *to)
{
	size_t live = 0;

	for (size_t i = 0; i < d->n; i++) {
		struct node n = d->nodes[i];

		if (to[i] == NIL)
			continue;
		if (!node_terminal(d, (dd_ref)i)) {
			n.lo = to[n.lo];
			n.hi = to[n.hi];
		}
		d->nodes[live++] = n;
	}
	d->n = live;
}

/* Keeps the results that speak of live nodes only. */
static void renumber_memo(struct dd *d, const uint32_t *to)
{
	struct memo *old = d->memo;

	d->memo = room_new(d->nmemo * sizeof(*d->memo));
	for (size_t i = 0; i < d->nmemo; i++) {
		struct memo m = old[i];
		enum op op = m.op & 0xff;

		if (!op || op == OP_FIX || op == OP_MAP || op == OP_SAME)
			continue;
		if (to[m.a] == NIL || to[m.result] == NIL)
			continue;
		if (op != OP_SOME) { /* there b is no node */
			if (to[m.b] == NIL)
				continue;
			m.b = to[m.b];
		}
		m.a = to[m.a];
		m.result = to[m.result];
		if (m.a > m.b && (op == OP_AND || op == OP_OR))
			abort(); /* the order of nodes is kept */
		memo_put(d, m.op, m.a, m.b, m.result);
	}
	room_free(old, d->nmemo * sizeof(*old));
}

void dd_collect(struct dd *d, dd_ref **roots, size_t n)
{
	uint32_t *to = mark(d, roots, n);
	dd_ref *now = must(malloc((n + 1) * sizeof(*now)));

	/* made again below: less is needed at a time */
	room_free(d->slots, d->nslots * sizeof(*d->slots));
	d->slots = NULL;
	renumber_memo(d, to);
	compact(d, to);
	rehash(d, d->nslots);
	/* in two steps, as the same root may be named twice */
	for (size_t i = 0; i < n; i++)
		now[i] = *roots[i] == DD_EXHAUSTED ? DD_EXHAUSTED : to[*roots[i]];
	for (size_t i = 0; i < n; i++)
		*roots[i] = now[i];
	free(now);
	free(to);
}
