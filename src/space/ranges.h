/* SPDX-License-Identifier: GPL-2.0-or-later
 * Regions as people read them: few products of field ranges, and how many packets they are.
 */
#ifndef FWC_RANGES_H
#define FWC_RANGES_H

#include "space/delta.h"

/* How many different source, destination, protocol and destination port or ICMP type. */
long double ranges_count(struct mean *m, dd_ref region);
/* Fills g->products and g->more. */
void ranges_products(struct mean *m, dd_ref region, enum station at, size_t limit,
		     struct delta_group *g);
/* "65,536", "about 2^70"; in the arena. */
const char *ranges_number(struct arena *a, long double n);

#endif
