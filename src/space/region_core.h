/* SPDX-License-Identifier: GPL-2.0-or-later
 * Nodes numbered in the order in which a walk meets them. Nobody but region*.c includes this.
 */
#ifndef FWC_REGION_CORE_H
#define FWC_REGION_CORE_H

#include "space/dd.h"

struct refmap { /* {0} is empty */
	dd_ref *keys; /* DD_EXHAUSTED: free */
	uint32_t *numbers;
	size_t n, slots;
};

/* True if n was there; *number is its number, new ones get the next. */
bool refmap_add(struct refmap *m, dd_ref n, uint32_t *number);
void refmap_free(struct refmap *m);
void *region_must(void *p); /* ends the program if p is NULL */

#endif
