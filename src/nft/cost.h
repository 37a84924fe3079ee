/* SPDX-License-Identifier: GPL-2.0-or-later
 * Ruleset IR -> what each pair of places costs: estimates, out of one table of measured costs.
 */
#ifndef FWC_COST_H
#define FWC_COST_H

#include <jansson.h>

#include "nft/nft.h"

struct cost { /* of a list of rules */
	size_t rules; /* of the policy */
	size_t tests; /* rules that look nothing up */
	size_t lookups;
	uint64_t elements, bytes; /* of what is looked up; bytes with those of the rules */
	uint64_t tenths; /* of ns, for a packet that no rule matches */
};

struct cost_pair {
	const char *from, *to, *hook;
	struct cost own;
	uint64_t ns; /* with what its hook has before */
};

struct cost_report {
	VEC(struct cost_pair) pairs; /* the dearest first */
	uint64_t elements, bytes; /* of the whole ruleset, what pairs share counted once */
};

void cost_ruleset(struct cost_report *out, struct arena *a, const struct ir_ruleset *r);
void cost_print(struct buf *out, const struct cost_report *c);
json_t *cost_json(const struct cost_report *c);

#endif
