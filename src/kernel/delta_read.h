/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a set of table inet fwc holds, element by element.
 */
#ifndef FWC_DELTA_READ_H
#define FWC_DELTA_READ_H

#include "util/ival.h"

struct delta_elems { /* sorted, disjoint, maybe neighbours; malloc()ed */
	struct ival *v;
	size_t n, cap;
	bool zero_end; /* of intervals: the end at 0, which nft begins with */
};

void delta_elems_add(struct delta_elems *e, u128 lo, u128 hi);
/* 0 or -errno: -ENOENT, there is no such set; -EPROTO, its intervals are not as they should be;
 * -E2BIG, there are more than `most` (0: however many), and *out is empty: a dump takes as long as
 * the square of what there is. */
int delta_read(const char *set, enum family family, bool interval, size_t most,
	       struct delta_elems *out);

#endif
