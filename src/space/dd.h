/* SPDX-License-Identifier: GPL-2.0-or-later
 * Reduced ordered decision diagrams with many terminals: functions from bits to small numbers.
 * Equal functions are the same node, so comparing two rulesets is comparing two numbers.
 *
 * (Bryant 1986; multi-terminal: Fujita, McGeer, Yang 1997.) Nodes live in one growing array. A
 * budget of nodes and seconds bounds the work: beyond it every operation yields DD_EXHAUSTED, which
 * is never equal to a result, so a proof that runs out of room says so and cannot pass. No global
 * state: several may live side by side.
 */
#ifndef FWC_DD_H
#define FWC_DD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/ival.h"

struct dd;
typedef uint32_t dd_ref; /* a node of one struct dd; valid until dd_free() or dd_collect() */

#define DD_EXHAUSTED UINT32_MAX
#define DD_UNDECIDED 0 /* the node of terminal value 0, "no decision"; also: false */
#define DD_FALSE 0
#define DD_TRUE 1 /* the node of terminal value 1 */

/* Terminal values are below 2^31. Those with this bit decide nothing yet but carry something along
 * (a log line written on the way); 0 decides nothing and carries nothing; all others decide. */
#define DD_OPEN (1u << 30)

struct dd_budget {
	size_t nodes; /* 0: none */
	double seconds; /* of processor time, from dd_new() on; 0: none */
};

/* Joins what two terminals say, for dd_seq(): a is open (DD_OPEN set), b any but 0. Must always say
 * the same of the same two; UINT32_MAX gives up: the diagram is exhausted. */
typedef uint32_t dd_join_fn(void *ctx, uint32_t a, uint32_t b);

struct dd *dd_new(struct dd_budget budget);
void dd_free(struct dd *d);
void dd_set_join(struct dd *d, dd_join_fn *join, void *ctx);
size_t dd_nodes(const struct dd *d);
/* As if the budget had been used up: what is asked from here on is not known. */
void dd_give_up(struct dd *d);
bool dd_exhausted(const struct dd *d);

dd_ref dd_terminal(struct dd *d, uint32_t value); /* value < 2^31 */
/* Walking down is safe from DD_EXHAUSTED, too: it looks like a terminal of value UINT32_MAX. The
 * variable of a terminal is UINT32_MAX. */
bool dd_is_terminal(const struct dd *d, dd_ref n);
uint32_t dd_value(const struct dd *d, dd_ref terminal);
bool dd_any_open(const struct dd *d, dd_ref n); /* it leads to an open terminal */
/* The function that is lo where bit `var` is 0 and hi where it is 1. All variables of lo and hi
 * must come after it: anything else ends the program. */
dd_ref dd_node(struct dd *d, uint32_t var, dd_ref lo, dd_ref hi);
uint32_t dd_var(const struct dd *d, dd_ref n);
dd_ref dd_lo(const struct dd *d, dd_ref n);
dd_ref dd_hi(const struct dd *d, dd_ref n);

/* Down by the bits of a packet, the first variable being the highest bit of the first word: to a
 * terminal, or to the first node whose variable is open or beyond the words. */
dd_ref dd_follow(const struct dd *d, dd_ref n, const uint64_t *value, const uint64_t *open,
		 size_t words);

/* First a, then b: a where a decides; where it is open, both joined; else b. */
dd_ref dd_seq(struct dd *d, dd_ref a, dd_ref b);
/* The same of a whole list, in its order, if the order in which three are joined is no matter. */
dd_ref dd_sequence(struct dd *d, const dd_ref *v, size_t n);
/* a where cond is not 0, else undecided. */
dd_ref dd_restrict(struct dd *d, dd_ref cond, dd_ref a);
dd_ref dd_and(struct dd *d, dd_ref a, dd_ref b); /* booleans */
dd_ref dd_or(struct dd *d, dd_ref a, dd_ref b);
dd_ref dd_not(struct dd *d, dd_ref a); /* 1 where a is 0, else 0 */
/* 1 where a and b differ. */
dd_ref dd_differ(struct dd *d, dd_ref a, dd_ref b);
/* 1 where a's value is `value`. */
dd_ref dd_where(struct dd *d, dd_ref a, uint32_t value);
/* Whether a is 0 wherever cond is not: allocates no node and stops at the first packet. False, too,
 * if exhausted: "disjoint" is only said when known. */
bool dd_disjoint(struct dd *d, dd_ref cond, dd_ref a);
/* Where they are not disjoint: the bits of a packet, by variable, on which both are not 0. Those
 * that do not matter are left as they are. False: there is none, or it is not known. */
bool dd_meet(struct dd *d, dd_ref a, dd_ref b, uint8_t *bits);
/* Whether a and b say the same wherever cond is not 0: as dd_disjoint(), and "the same" is only
 * said when known. */
bool dd_same_where(struct dd *d, dd_ref cond, dd_ref a, dd_ref b);
/* Every terminal value v replaced by fn(ctx, v), which must always yield the same for the same v
 * (it may be asked more than once); UINT32_MAX gives up: the diagram is exhausted. */
dd_ref dd_map(struct dd *d, dd_ref a, uint32_t (*fn)(void *ctx, uint32_t value), void *ctx);
/* a with the `bits` variables from `first` on (most significant first) set to `value`; it no longer
 * depends on them. */
dd_ref dd_fix(struct dd *d, dd_ref a, uint32_t first, int bits, u128 value);
/* a with each variable below n replaced by a boolean, all at once; DD_EXHAUSTED: by itself. */
dd_ref dd_compose(struct dd *d, dd_ref a, const dd_ref *of, uint32_t n);
/* Booleans: 1 where some value of those variables makes a 1. */
dd_ref dd_some(struct dd *d, dd_ref a, uint32_t first, int bits);

/* `in` where the number x in the `bits` variables from `first` on (most significant first) has
 * x & mask in one of the n intervals (sorted, disjoint), else `out`. in and out must depend only on
 * later variables. A mask of u128_max(bits) is none. */
dd_ref dd_ranges(struct dd *d, uint32_t first, int bits, const struct ival *v, size_t n, u128 mask,
		 dd_ref in, dd_ref out);

/* Frees what the roots do not lead to; *roots[i] are brought up to date, all other refs are void.
 * DD_EXHAUSTED among them stays. */
void dd_collect(struct dd *d, dd_ref **roots, size_t n);

#endif
