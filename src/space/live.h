/* SPDX-License-Identifier: GPL-2.0-or-later
 * What becomes of packets by the ruleset in the kernel, all tables of it: which base chain says
 * what, in the order in which the kernel asks them. The policy is not asked; it only named the
 * packets.
 */
#ifndef FWC_LIVE_STORY_H
#define FWC_LIVE_STORY_H

#include "space/explain.h"
#include "space/live_tables.h"

/* Every way in which packets of the question end, each told of one of them; what fwc does not
 * understand, or cannot know (a limit), is a condition of it. m has the names of all tables and of
 * the policy. Steps are named by hook; each line's `where` is the chain, or the policy line where
 * line_of knows it. */
void live_query(struct stories *out, struct mean *m, const struct live_tables *tables,
		const struct policy *p, const struct rule *query);

#endif
