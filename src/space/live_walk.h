/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets on their way through the hooks, all that fare alike at once.
 */
#ifndef FWC_LIVE_WALK_H
#define FWC_LIVE_WALK_H

#include "space/explain.h"
#include "space/live_marks.h"
#include "space/live_tables.h"

struct way { /* packets that have fared alike so far */
	dd_ref packets; /* as they arrived */
	bool changed[NDIMS]; /* since then, to ... */
	struct packet now;
	bool own; /* made by this machine */
	bool translated; /* by a chain of this hook */
	bool over;
	struct mark_set set; /* since then, to these values */
	u128 marks; /* bits that chains before may have set to others: see mean_base_chain() */
	enum fate fate;
	const struct line *line; /* that decided: of fwc's own table, or the end */
};

struct ways {
	struct way *v;
	size_t n, cap;
};

struct walk {
	struct mean *m;
	const struct live_tables *tables;
	const struct policy *p;
	bool foreign; /* what translates now is no table of fwc */
	struct story *tell; /* of one packet: its steps; or NULL */
};

/* All that lies in `packets`, made by this machine or not, to the end of each. */
void live_walk(struct walk *w, dd_ref packets, bool own, struct ways *out);

#endif
