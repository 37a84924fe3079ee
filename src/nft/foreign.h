/* SPDX-License-Identifier: GPL-2.0-or-later
 * Other people's base chains that have a say over the packets that fwc decides about.
 */
#ifndef FWC_FOREIGN_H
#define FWC_FOREIGN_H

#include "nft/nft.h"

struct foreign {
	const char *table; /* "ip filter" */
	const char *chain, *hook;
	bool drops; /* may drop or reject what fwc allows */
	bool translates; /* rewrites addresses fwc knows nothing of */
	const struct ir_table *of; /* where it was found */
	const struct ir_chain *base;
	const char *packet; /* one that it ends and fwc allows; NULL: none is known */
	long double count; /* of such packets */
	const char *why; /* "policy drop", "drop rules", "drop rules of iptables" */
};

struct foreigners {
	struct foreign *v;
	size_t n, cap;
};

void foreign_find(struct arena *a, const struct ir_tables *tables, struct foreigners *out);

#endif
