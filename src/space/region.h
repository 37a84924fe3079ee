/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a region (a boolean diagram) holds, in numbers and in field ranges that a person can read.
 */
#ifndef FWC_REGION_H
#define FWC_REGION_H

#include "space/dd.h"

struct region_field { /* `bits` variables from `first` on; fields in the order of their variables */
	uint32_t first;
	uint8_t bits;
};

struct product { /* all packets whose i-th field lies in sets[i]; sets[i].n == 0: any value */
	struct ivset *sets;
};

struct products {
	struct product *v;
	size_t n, cap;
	bool more; /* there are others: the list ends at the limit asked for */
};

/* One assignment of the region: values[i] of field i. Field by field in their order it takes, of
 * the values that the region has with the fields before as chosen, the one whose exclusive or with
 * prefer[i] is the least number (prefer NULL: all zeros, so the smallest value). That is prefer[i]
 * itself where the region has it; where another network is needed, the like host in it. False if
 * the region is empty or exhausted; values are then untouched. */
bool region_witness(const struct dd *d, dd_ref region, const struct region_field *f, size_t nf,
		    const u128 *prefer, u128 *values);

/* How many assignments of these fields (all variables that the region depends on) are in it; exact
 * below 2^64 (where a long double has 64 bits of mantissa: on x86 and 64-bit ARM). -1 if exhausted.
 */
long double region_count(const struct dd *d, dd_ref region, const struct region_field *f,
			 size_t nf);

/* The region as few disjoint products, the largest first, at most `limit`; in the arena, their sets
 * sorted and merged. Their union is the region, or with out->more a part of it: there are more than
 * `limit`, or there were very many before like ones were merged, or the region is DD_EXHAUSTED. The
 * work is bounded whatever the region is. */
void region_products(const struct dd *d, dd_ref region, const struct region_field *f, size_t nf,
		     size_t limit, struct arena *a, struct products *out);

/* The value at one packet. */
uint32_t dd_at(const struct dd *d, dd_ref n, const struct region_field *f, size_t nf,
	       const u128 *values);

#endif
