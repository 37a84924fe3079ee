/* SPDX-License-Identifier: GPL-2.0-or-later
 * Translation validation: does the kernel hold what the policy means?
 *
 * At every station, for every packet (and equal conntrack state): the same fate, the same rewrite,
 * the same lines logged and sets added to. Trusted: the kernel, what nft/read.h takes its
 * expressions to mean, the schema, the diagram kernel, and the front end that resolved the policy's
 * names.
 */
#ifndef FWC_PROVE_H
#define FWC_PROVE_H

#include "space/mean.h"

enum proof_state { PROOF_EQUAL, PROOF_DIFFERENT, PROOF_BUDGET /* not proved: budget */ };

struct proof_result { /* strings in the arena */
	enum proof_state state;
	size_t nodes; /* the most that one station took */
	double seconds; /* of processor time */
	/* PROOF_DIFFERENT, the first station that differs; PROOF_BUDGET, that it ended at: */
	enum station at;
	const char *packet; /* witness, for people */
	const char *fields; /* witness, every field, one a line */
	const char *policy_says, *kernel_says; /* outcomes */
	struct line policy_line, kernel_line; /* who decides; text NULL: nobody in particular */
};

/* budget: {0} takes the usual one. */
void prove_ruleset(struct proof_result *out, struct arena *a, const struct policy *p,
		   const struct ir_ruleset *r, struct dd_budget budget);

#endif
