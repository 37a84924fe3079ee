/* SPDX-License-Identifier: GPL-2.0-or-later
 * Counters outlive the objects they stand in: an unchanged rule of a chain that has to be staged
 * anew, because another rule of it changed, goes on from where it was. So does a line that became
 * something else, elements of a map instead of rules, say, because there are other lines beside it.
 */
#ifndef FWC_APPLY_COUNTERS_H
#define FWC_APPLY_COUNTERS_H

#include "nft/compare.h"
#include "nft/remake.h"
#include "store/store.h"

struct counters {
	struct arena *arena;
	struct map counts; /* stem and text, without hashes -> struct counted */
	struct map rest; /* comment -> struct counted: what none of the same stem and text takes */
};

/* From all that the live base chains lead to and that the manifest does not name: it will go. */
void counters_collect(struct counters *c, const struct ir_ruleset *live, const struct manifest *m,
		      struct arena *a);
/* Each object that is to be staged says first what it takes over; `want` is as the kernel would
 * list it. */
void counters_claim_chain(struct counters *c, const struct ir_chain *want);
void counters_claim_set(struct counters *c, const struct ir_set *want);
/* When all have: what is left of a line goes to whatever of that line is staged first. */
void counters_settle(struct counters *c);
/* Then what these objects begin with; their rules and elements are those of a dump. */
void counters_take_chain(struct counters *c, const struct ir_chain *want,
			 struct remake_counts *out);
void counters_take_set(struct counters *c, const struct ir_set *want, struct remake_counts *out);
/* Or the blocks of the script, their counters set. */
void counters_chain(struct counters *c, const char *block, size_t len, const struct ir_chain *want,
		    struct buf *out);
void counters_set(struct counters *c, const char *block, size_t len, const struct ir_set *want,
		  struct buf *out);
/* A rule's text, its counter the sum of those of equal rules in n chains, which may be NULL. */
void counters_rule(const char *text, size_t len, const struct ir_rule *want,
		   const struct ir_chain *const *from, size_t n, struct buf *out);

#endif
