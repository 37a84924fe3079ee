/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list -> lists of prefixes of a few lengths, each for a hash that is looked up by so many bits
 * of an address.
 */
#ifndef FWC_BULK_SPLIT_H
#define FWC_BULK_SPLIT_H

#include "util/bulk.h"

#define BULK_LENGTHS 5 /* more look-ups in a row cost as much as one in a tree */

struct bulk_split {
	size_t n; /* 0: it takes more lengths, or more than twice the memory */
	uint8_t bits[BULK_LENGTHS]; /* ascending */
	const struct bulk_list *part[BULK_LENGTHS]; /* none is empty; disjoint, and all of them */
};

void bulk_split(struct arena *a, const struct bulk_list *l, struct bulk_split *out);

#endif
