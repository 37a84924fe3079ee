/* SPDX-License-Identifier: GPL-2.0-or-later
 * Counters outlive the objects they stand in: an unchanged rule of a chain that has to be staged
 * anew, because another rule of it changed, goes on from where it was. So does a line that became
 * something else, elements of a map instead of rules, say, because there are other lines beside it.
 */
#ifndef FWC_CARRY_H
#define FWC_CARRY_H

#include "apply/store.h"
#include "nft/compare.h"

struct carry {
	struct arena *arena;
	struct map counts; /* stem and text, without hashes -> struct carried */
	struct map rest; /* comment -> struct carried: what none of the same stem and text takes */
};

/* From all that the live base chains lead to and that the manifest does not name: it will go. */
void carry_collect(struct carry *c, const struct ir_ruleset *live, const struct manifest *m,
		   struct arena *a);
/* Each object that is to be staged says first what it takes over; `want` is as the kernel would
 * list it. */
void carry_claim_chain(struct carry *c, const struct ir_chain *want);
void carry_claim_set(struct carry *c, const struct ir_set *want);
/* When all have: what is left of a line goes to whatever of that line is staged first. */
void carry_settle(struct carry *c);
/* Then the blocks of the script, their counters set. */
void carry_chain(struct carry *c, const char *block, size_t len, const struct ir_chain *want,
		 struct buf *out);
void carry_set(struct carry *c, const char *block, size_t len, const struct ir_set *want,
	       struct buf *out);
/* A rule's text, its counter the sum of those of equal rules in n chains, which may be NULL. */
void carry_rule(const char *text, size_t len, const struct ir_rule *want,
		const struct ir_chain *const *from, size_t n, struct buf *out);

#endif
