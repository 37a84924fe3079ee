/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which packets a base chain of another table ends that fwc's own filter lets pass at the same
 * hook.
 */
#ifndef FWC_OVERLAP_H
#define FWC_OVERLAP_H

#include "nft/nft.h"
#include "space/mean.h"

struct overlap {
	bool known; /* false: the question was too wide, or the hook is one where fwc has no say */
	const char *packet; /* one of them, in words, with the conditions; NULL: there are none */
	long double count; /* of them, whatever the conditions are */
};

struct overlap_path { /* base chains that packets of a hook meet, until they have met all of it */
	struct overlap_step *v;
	size_t n, cap;
};

struct overlaps { /* between ours and those of others; for all of them one budget */
	struct mean mean;
	const struct ir_ruleset *own;
	const struct ir_tables *tables;
	struct overlap_path path[NSTATIONS];
	bool built[NSTATIONS];
	dd_ref lets[NSTATIONS]; /* pass, by our filter */
};

/* own: as read from the kernel. */
void overlaps_init(struct overlaps *o, struct arena *a, const struct ir_ruleset *own,
		   const struct ir_tables *tables, struct dd_budget budget);
void overlaps_free(struct overlaps *o);
/* chain: of `table`, one of those; its family is NFPROTO_INET, _IPV4 or _IPV6. */
void overlaps_find(struct overlaps *o, const struct ir_table *table, const struct ir_chain *chain,
		   struct overlap *out);

#endif
