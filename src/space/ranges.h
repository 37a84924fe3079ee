/* SPDX-License-Identifier: GPL-2.0-or-later
 * Regions as people read them: few products of field ranges, and how many packets they are.
 */
#ifndef FWC_RANGES_H
#define FWC_RANGES_H

#include "space/mean.h"

struct range { /* one field of a product, in words */
	enum dim dim;
	const char *text; /* "10.0.0.0/8, 192.168.1.7" */
};

struct range_product {
	VEC(struct range) fields; /* those that are not free */
};

struct ranges {
	struct range_product *v;
	size_t n, cap;
	bool more; /* not all products are listed */
};

/* How many different source, destination, protocol and destination port or ICMP type. */
long double ranges_count(struct mean *m, dd_ref region);
/* At most `limit` products a family. */
void ranges_products(struct mean *m, dd_ref region, enum station at, size_t limit,
		     struct ranges *out);
/* "65,536", "about 2^70"; in the arena. */
const char *ranges_number(struct arena *a, long double n);

#endif
