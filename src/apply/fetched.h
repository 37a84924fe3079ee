/* SPDX-License-Identifier: GPL-2.0-or-later
 * Sets of an artefact that DNS and URLs fill: what was fetched last, into the kernel.
 */
#ifndef FWC_APPLY_FETCHED_H
#define FWC_APPLY_FETCHED_H

#include "apply/plan.h"

/* Behind the staging: those that no base chain leads to yet get what is on disk. `filled`: by name,
 * those that have it; they are added to it. Why others are empty is left in `remarks`. */
void fetched_stage(const struct plan_input *in, struct live *live, const char *netns,
		   const struct store *s, struct map *filled, struct buf *remarks);

#endif
