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

/* own: as read from the kernel. chain: of `table`, whose family is NFPROTO_INET, _IPV4 or _IPV6. */
void overlap_find(struct overlap *out, struct arena *a, const struct ir_ruleset *own,
		  const struct ir_table *table, const struct ir_chain *chain,
		  struct dd_budget budget);

#endif
