/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which packets a change affects: two meanings, compared at every station; what differs in groups
 * of equal fates and deciding lines, before and after.
 */
#ifndef FWC_DELTA_H
#define FWC_DELTA_H

#include "nft/manifest.h"
#include "space/mean.h"
#include "space/ranges.h"

/* One of the two: a policy, or a ruleset as the kernel lists it. */
struct delta_side {
	const struct policy *policy; /* or NULL */
	const struct ir_ruleset *ruleset;
	/* of a ruleset: which line a rule belongs to; see struct mean */
	const struct line *(*line_of)(struct mean *m, const struct ir_chain *c, size_t rule,
				      const struct ir_set *map, const struct ir_elem *e);
	void *line_ctx;
};

enum delta_kind {
	DELTA_ALLOWED,
	DELTA_DROPPED, /* or rejected */
	DELTA_INSPECTED,
	DELTA_TRANSLATED, /* otherwise than before */
	DELTA_OTHER, /* refused in another way, logged, marked */
};

struct delta_group { /* strings in the arena */
	enum delta_kind kind;
	enum station at;
	const char *before, *after; /* outcomes */
	struct line before_line, after_line; /* text NULL: nobody in particular */
	struct ranges packets; /* those it is about */
	long double count; /* of different source, destination, protocol and port or type */
	const char *witness; /* a packet, in words */
	const char *query; /* the same as `fwc explain` takes it; NULL: it cannot */
};

struct deltas {
	struct delta_group *v;
	size_t n, cap;
	bool known; /* false: the budget ended */
	double seconds;
};

/* ---- delta_side.c ---- */

/* A ruleset's rules by the lines of its manifest (or NULL: by their comments). */
struct delta_side delta_side_of(const struct ir_ruleset *r, const struct manifest *m);

/* ---- delta.c ---- */

void delta_compare(struct deltas *out, struct arena *a, const struct delta_side *before,
		   const struct delta_side *after, struct dd_budget budget);

/* The same, all of both sides looked at, for tests. */
void delta_compare_whole(struct deltas *out, struct arena *a, const struct delta_side *before,
			 const struct delta_side *after, struct dd_budget budget);

/* "newly allowed", ... */
const char *delta_kind_text(enum delta_kind k);

/* ---- delta_same.c ---- */

/* Rules of two policies that are not the same in both, as far as the order goes; changed_* by rule,
 * true: it is not, or it may meet one that is not. False if more than rules has changed, so that
 * all must be looked at. */
struct delta_rules {
	bool *changed_a, *changed_b; /* not among the common rules */
	struct numbers near[2]; /* of a and b: may share a packet with one that is changed */
};
bool delta_rules(struct arena *a, const struct policy *p, const struct policy *q,
		 struct delta_rules *out);

#endif
