/* SPDX-License-Identifier: GPL-2.0-or-later
 * The ruleset in the kernel, all tables of it, to be asked what becomes of packets.
 */
#ifndef FWC_LIVE_TABLES_H
#define FWC_LIVE_TABLES_H

#include "space/mean.h"

struct live_table {
	const char *family, *name; /* "inet", "fwc" */
	const struct ir_ruleset *ruleset;
	/* as in struct mean; NULL but for fwc's own */
	const struct line *(*line_of)(struct mean *m, const struct ir_chain *c, size_t rule,
				      const struct ir_set *map, const struct ir_elem *e);
	void *line_ctx;
};

struct live_tables {
	struct live_table *v;
	size_t n, cap;
	VEC(const char *) strange; /* base chains that were not looked at: "netdev x ingress" */
};

#endif
