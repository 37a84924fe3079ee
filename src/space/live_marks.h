/* SPDX-License-Identifier: GPL-2.0-or-later
 * Bits of the marks of packets that rules have set, and to what.
 */
#ifndef FWC_LIVE_MARKS_H
#define FWC_LIVE_MARKS_H

#include "space/mean.h"

#define LIVE_MARKS 2 /* the packet's, and the connection's */

struct live_marks { /* bits of them, and to what they are set */
	uint32_t bits[LIVE_MARKS], value[LIVE_MARKS];
	bool known; /* false: others may be, too */
};

/* What a packet of these effects (outcome.h) has set. */
struct live_marks live_marks_of(const char *effects);
void live_marks_put(struct live_marks *now, const struct live_marks *set);
bool live_marks_same(const struct live_marks *a, const struct live_marks *b);
/* As mean_base_chain() has them. */
u128 live_marks_bits(const struct live_marks *x);
/* The packets as they are then; what is said of those, said of them as they were. */
dd_ref live_marks_seen(struct mean *m, const struct live_marks *x, dd_ref packets);
dd_ref live_marks_arrived(struct mean *m, const struct live_marks *x, dd_ref says);
/* Packets whatever these bits of theirs are. */
dd_ref live_marks_any(struct mean *m, u128 bits, dd_ref packets);

#endif
