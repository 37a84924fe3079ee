/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list as another one, less some addresses and with some more: what is to be said of a list of a
 * million that has changed in a thousand.
 */
#ifndef FWC_BULK_OVERLAY_H
#define FWC_BULK_OVERLAY_H

#include "util/bulk.h"

struct bulk_overlay { /* (base without less) with more; less is in base, and nothing of more is */
	const struct bulk_list *base, *less, *more; /* of the latter two NULL: nothing */
};

/* Of x what is not in y; to be settled. */
struct bulk bulk_without(const struct bulk_list *x, const struct bulk_list *y);
/* What it takes to make `whole` of the base. */
struct bulk_overlay bulk_overlay(struct arena *a, const struct bulk_list *base,
				 const struct bulk_list *whole);
/* Whether it is that list: range by range. */
bool bulk_overlay_is(struct arena *a, const struct bulk_overlay *o, const struct bulk_list *whole);
/* The list that it is; it has no digest. */
const struct bulk_list *bulk_overlay_sum(struct arena *a, const struct bulk_overlay *o);

#endif
