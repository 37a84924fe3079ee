/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the files of the diagram kernel share: its tables. Nobody else includes this.
 *
 * A node's children are always older than itself, so they have smaller numbers: going up or down
 * the array visits children first or parents first, and collecting keeps that order.
 */
#ifndef FWC_DD_CORE_H
#define FWC_DD_CORE_H

#include "space/dd.h"

/* In node.var above the variable: what holds of all terminals that the node leads to. */
#define NODE_OPEN (1u << 31) /* one of them is open */
#define NODE_TOTAL (1u << 30) /* every one of them decides */
#define VAR_MASK (NODE_TOTAL - 1)
#define VAR_TERMINAL VAR_MASK /* behind all variables; lo holds the value, hi nothing */

struct node {
	uint32_t var, lo, hi;
};

/* The low byte of memo.op; an operation with further parameters has them, or a number of the call,
 * above it. */
enum op {
	OP_SEQ = 1,
	OP_RESTRICT,
	OP_AND,
	OP_OR,
	OP_NOT,
	OP_DIFFER,
	OP_WHERE,
	OP_DISJOINT,
	OP_SAME, /* where the node above it is not 0 */
	OP_SOME,
	OP_FIX,
	OP_MAP,
	OP_COMPOSE,
};

#define OP_BITS 8
#define OP_ROOM (1u << (32 - OP_BITS)) /* for parameters */

struct memo {
	uint32_t op, a, b, result;
};

struct dd {
	struct node *nodes;
	size_t n, cap, max;
	uint32_t *slots; /* unique table: SLOT_FREE, or 4 bits of the hash and a node's number */
	size_t nslots;
	struct memo *memo; /* what operations yielded, lossy; it grows with the nodes */
	size_t nmemo;
	uint32_t calls; /* of dd_fix(), dd_map() and dd_compose(): tells their results apart */
	uint32_t steps; /* since the clock was read last */
	double end; /* processor time at which the budget is over, 0: never */
	bool exhausted;
	dd_join_fn *join;
	void *join_ctx;
};

static inline uint32_t node_var(const struct dd *d, dd_ref n)
{
	return d->nodes[n].var & VAR_MASK;
}

static inline bool node_terminal(const struct dd *d, dd_ref n)
{
	return node_var(d, n) == VAR_TERMINAL;
}

static inline uint64_t dd_mix(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t h = (a * 0x9e3779b97f4a7c15ull ^ b) * 0xbf58476d1ce4e5b9ull;

	h = (h ^ h >> 29 ^ c) * 0x94d049bb133111ebull;
	return h ^ h >> 32;
}

/* One result a place, the latest. (Two with the older one pushed out was tried: no faster to
 * compose, slower after an edit, as nothing old survives it.) */
static inline struct memo *memo_place(const struct dd *d, uint32_t op, uint32_t a, uint32_t b)
{
	return &d->memo[dd_mix(op, a, b) & (d->nmemo - 1)];
}

/* What was put for these; DD_EXHAUSTED: nothing, or no longer there. */
static inline dd_ref memo_get(const struct dd *d, uint32_t op, uint32_t a, uint32_t b)
{
	const struct memo *m = memo_place(d, op, a, b);

	return m->a == a && m->b == b && m->op == op ? m->result : DD_EXHAUSTED;
}

/* Yields the result. */
static inline dd_ref memo_put(struct dd *d, uint32_t op, uint32_t a, uint32_t b, dd_ref result)
{
	if (result != DD_EXHAUSTED)
		*memo_place(d, op, a, b) = (struct memo){op, a, b, result};
	return result;
}

/* Sets the exhausted flag if the time is over. */
void dd_look_at_clock(struct dd *d);
void dd_forget(struct dd *d); /* all remembered results */

/* One step of work; false if there is to be no other. */
static inline bool dd_step(struct dd *d)
{
	if (++d->steps >= 4096)
		dd_look_at_clock(d);
	return !d->exhausted;
}

#endif
