/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two rulesets that are nearly the same: where they can differ at all, and what of either can meet
 * a packet there. Long maps differ in a few elements; the others need no meaning.
 */
#ifndef FWC_DELTA_NEAR_H
#define FWC_DELTA_NEAR_H

#include "space/mean.h"

/* At that station: outside of *within the two do the same. near[] are the two without elements that
 * no packet within meets, in the arena of m; or the two themselves. False if no more can be said
 * than that they may differ anywhere. */
bool delta_near(struct mean *m, const struct ir_ruleset *x, const struct ir_ruleset *y,
		enum station at, dd_ref *within, const struct ir_ruleset *near[2]);

#endif
