/* SPDX-License-Identifier: GPL-2.0-or-later
 * Reduced ordered decision diagrams with many terminals: functions from bits to small numbers.
 * Equal functions are the same node, so comparing two rulesets is comparing two numbers.
 *
 * (Bryant 1986; multi-terminal: Fujita, McGeer, Yang 1997.) Nodes live in one growing array; a
 * budget of nodes bounds memory: beyond it every operation yields DD_EXHAUSTED, which is never
 * equal to a result, so a proof that runs out of room says so and cannot pass. No global state:
 * several may live side by side.
 */
#ifndef FWC_DD_H
#define FWC_DD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dd;
typedef uint32_t dd_ref; /* a node of one struct dd; valid until dd_free() */

#define DD_EXHAUSTED UINT32_MAX
#define DD_UNDECIDED 0 /* the node of terminal value 0, "no decision"; also: false */
#define DD_TRUE 1 /* the node of terminal value 1 */

struct dd *dd_new(size_t max_nodes);
void dd_free(struct dd *d);
size_t dd_nodes(const struct dd *d);
bool dd_exhausted(const struct dd *d);

dd_ref dd_terminal(struct dd *d, uint32_t value); /* value < 2^31 */
bool dd_is_terminal(const struct dd *d, dd_ref n);
uint32_t dd_value(const struct dd *d, dd_ref terminal);
/* The function that is lo where bit `var` is 0 and hi where it is 1; var before those of lo and hi.
 */
dd_ref dd_node(struct dd *d, uint32_t var, dd_ref lo, dd_ref hi);
uint32_t dd_var(const struct dd *d, dd_ref n);
dd_ref dd_lo(const struct dd *d, dd_ref n);
dd_ref dd_hi(const struct dd *d, dd_ref n);

/* a where a decides, else b. */
dd_ref dd_override(struct dd *d, dd_ref a, dd_ref b);
/* a where cond is not 0, else undecided. */
dd_ref dd_restrict(struct dd *d, dd_ref cond, dd_ref a);
dd_ref dd_and(struct dd *d, dd_ref a, dd_ref b); /* booleans */
dd_ref dd_or(struct dd *d, dd_ref a, dd_ref b);
dd_ref dd_not(struct dd *d, dd_ref a); /* 1 where a is 0, else 0 */
/* 1 where a and b differ. */
dd_ref dd_differ(struct dd *d, dd_ref a, dd_ref b);
/* 1 where a's value is `value`. */
dd_ref dd_where(struct dd *d, dd_ref a, uint32_t value);
/* 1 where the `bits` variables from `first` on, the most significant first, are a number in [lo,
 * hi]. */
dd_ref dd_interval(struct dd *d, uint32_t first, int bits, unsigned __int128 lo,
		   unsigned __int128 hi);

#endif
