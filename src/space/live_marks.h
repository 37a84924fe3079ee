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

struct live_marked { /* packets that a chain set the same for */
	struct mark_set set;
	dd_ref where;
};

struct live_marked_list {
	struct live_marked *v;
	size_t n, cap;
};

/* Of what a chain says. */
struct live_marked_list live_marks_of(struct mean *m, dd_ref says,
				      const struct mean_values *values);
/* What those then have: set; and bits that are set to what nobody knows. may: which the chain may
 * have set. */
void live_marks_behind(const struct live_marked *as, u128 may, struct mark_set *set, u128 *marks);

#endif
