/* SPDX-License-Identifier: GPL-2.0-or-later
 * All packets, in slices: those of one family with a source, or a destination, within an interval.
 * Rules are about few of them, and what a slice takes of memory is given back before the next.
 */
#ifndef FWC_SLICE_H
#define FWC_SLICE_H

#include "space/mean.h"

struct slice {
	enum dim d; /* DIM_SADDR or DIM_DADDR */
	enum family family;
	struct ival of;
};

struct slices {
	struct slice *v;
	size_t n, cap;
};

/* About as many rules in each. Every packet is in one, or there are none: the policy is small. */
void slices_of(struct arena *a, const struct policy *p, struct slices *out);
dd_ref slice_region(struct mean *m, const struct slice *s);
/* False: no packet of the slice matches it. */
bool slice_has_rule(const struct slice *s, const struct rule *r);
bool slice_has_elem(const struct slice *s, const struct ir_sel *sel, const struct ir_elem *e);

#endif
