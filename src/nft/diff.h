/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two rulesets, rule by rule: what goes and what comes, in the policy's words.
 */
#ifndef FWC_NFT_DIFF_H
#define FWC_NFT_DIFF_H

#include <jansson.h>

#include "nft/compare.h"
#include "nft/manifest.h"

struct diff_line {
	char sign; /* '+', '-' */
	const char *object; /* "chain lan-wan", without its hash */
	struct manifest_place place; /* at NULL: no line of a policy is known for it */
	const char *nft; /* the rule or element, without hashes */
	uint64_t addresses; /* of a long list, so many that `nft` counts; 0: it is a rule */
};

struct diff_lines {
	struct diff_line *v;
	size_t n, cap;
};

/* Either manifest may be NULL. */
void diff_rulesets(struct arena *a, const struct ir_ruleset *old, const struct manifest *oldm,
		   const struct ir_ruleset *new, const struct manifest *newm,
		   struct diff_lines *out);
/* Entries of inspectors, of two files of tables; either may be empty. */
void diff_inspect_texts(struct arena *a, const struct buf *old, const struct buf *new,
			struct diff_lines *out);

/* Who fills sets at run time, of two files runtime.json; either may be empty. */
void diff_runtime_texts(struct arena *a, const struct buf *old, const struct buf *new,
			struct diff_lines *out);

/* Times of connection tracking; either manifest may be NULL. */
void diff_timeouts(struct arena *a, const struct manifest *old, const struct manifest *new,
		   struct diff_lines *out);

#endif
