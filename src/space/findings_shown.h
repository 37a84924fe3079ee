/* SPDX-License-Identifier: GPL-2.0-or-later
 * Rules that are shown to be of use by a packet (findings_shown.c).
 */
#ifndef FWC_FINDINGS_SHOWN_H
#define FWC_FINDINGS_SHOWN_H

#include "space/mean.h"

struct shown { /* a list of rules: the first five are the caller's */
	struct mean *m;
	const dd_ref *leaf;
	size_t n;
	dd_ref fresh; /* packets that the list is asked about at all */
	dd_ref last; /* behind it */
	uint8_t *bits; /* of a packet, by variable */
	size_t nbits;
};

void shown_init(struct shown *s);
/* Whether a packet of `fresh` that no earlier rule decides fares otherwise without rule i. False:
 * none was found. */
bool shown_use(struct shown *s, size_t i);
/* The same of one packet, where only these others, in their order, can match what it matches. */
struct shown_others {
	const uint32_t *before, *after;
	size_t nbefore, nafter;
};
bool shown_beside(struct shown *s, size_t i, const struct shown_others *others);

#endif
