/* SPDX-License-Identifier: GPL-2.0-or-later
 * Very many addresses, packed: 8 bytes for a range of IPv4 addresses, 32 for one of IPv6. What a
 * list of a million is kept in, from the file to where its elements are wanted one by one.
 */
#ifndef FWC_BULK_H
#define FWC_BULK_H

#include <stdint.h>

#include "util/ival.h"

struct range4 {
	uint32_t lo, hi;
};

struct bulk {
	struct { /* malloc()ed while it grows, in an arena once it is settled */
		struct range4 *v;
		size_t n, cap;
	} v4;
	struct {
		struct ival *v;
		size_t n, cap;
	} v6;
};

void bulk_add(struct bulk *b, enum family family, struct ival range);
/* Sorts what was added, merges what overlaps or touches, and moves it into the arena. */
void bulk_settle(struct bulk *b, struct arena *a);
/* The ranges of one family, behind those that are in `out`. */
void bulk_append(struct ivset *out, const struct bulk *b, enum family family, struct arena *a);

#endif
