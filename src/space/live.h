/* SPDX-License-Identifier: GPL-2.0-or-later
 * The story of one packet by the ruleset in the kernel, all tables of it: which base chain says
 * what, in the order in which the kernel asks them. The policy is not asked; it only named the
 * packet.
 */
#ifndef FWC_LIVE_STORY_H
#define FWC_LIVE_STORY_H

#include "space/explain.h"

struct live_table {
	const char *family, *name; /* "inet", "fwc" */
	const struct ir_ruleset *ruleset;
	/* as in struct mean */
	const struct line *(*line_of)(struct mean *m, const struct ir_chain *c, size_t rule,
				      const struct ir_set *map, const struct ir_elem *e);
	void *line_ctx;
};

struct live_tables {
	struct live_table *v;
	size_t n, cap;
	VEC(const char *) strange; /* base chains that were not looked at: "netdev x ingress" */
};

/* m has the names of all tables and of the policy. Steps are named by hook; each line's `where` is
 * the chain, or the policy line where line_of knows it. */
void live_story(struct story *out, struct mean *m, const struct live_tables *tables,
		const struct policy *p, const struct story *by_policy);

#endif
