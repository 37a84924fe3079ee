/* SPDX-License-Identifier: GPL-2.0-or-later
 * Counters outlive the objects they stand in: an unchanged rule of a chain that has to be staged
 * anew, because another rule of it changed, goes on from where it was.
 */
#ifndef FWC_CARRY_H
#define FWC_CARRY_H

#include "apply/store.h"
#include "nft/compare.h"

struct carry {
	struct arena *arena;
	struct map counts; /* stem and text, without hashes -> struct carried */
};

/* From all that the live base chains lead to. */
void carry_collect(struct carry *c, const struct ir_ruleset *live, struct arena *a);
/* A block of the script, its counters set; `want` is the same object as the kernel would list it.
 */
void carry_chain(struct carry *c, const char *block, size_t len, const struct ir_chain *want,
		 struct buf *out);
void carry_set(struct carry *c, const char *block, size_t len, const struct ir_set *want,
	       struct buf *out);

#endif
