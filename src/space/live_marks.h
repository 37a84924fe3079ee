/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets whose marks rules have set.
 */
#ifndef FWC_LIVE_MARKS_H
#define FWC_LIVE_MARKS_H

#include "space/mark_set.h"
#include "space/mean.h"

/* The packets as they are then, and more: what is copied may have any value. */
dd_ref live_marks_seen(struct mean *m, const struct mark_set *x, dd_ref packets);
/* What is said of packets as they are then, said of them as they were. */
dd_ref live_marks_arrived(struct mean *m, const struct mark_set *x, dd_ref says);
/* Packets whatever these bits of theirs are. */
dd_ref live_marks_any(struct mean *m, u128 bits, dd_ref packets);

#endif
