/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets on their way through the hooks, all that fare alike at once.
 */
#ifndef FWC_LIVE_WALK_H
#define FWC_LIVE_WALK_H

#include "space/explain.h"
#include "space/live_tables.h"

#define LIVE_MARKS 2 /* the packet's, and the connection's */

struct live_marks { /* bits of them, and to what they are set */
	uint32_t bits[LIVE_MARKS], value[LIVE_MARKS];
	bool known; /* false: others may be, too */
};

struct way { /* packets that have fared alike so far */
	dd_ref packets; /* as they arrived */
	bool changed[NDIMS]; /* since then, to ... */
	struct packet now;
	bool own; /* made by this machine */
	bool translated; /* by a chain of this hook */
	bool over;
	struct live_marks set; /* since then, to these values */
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

/* ---- live_marks.c ---- */

/* What a packet of these effects (outcome.h) has set. */
struct live_marks live_marks_of(const char *effects);
void live_marks_put(struct live_marks *now, const struct live_marks *set);
bool live_marks_same(const struct live_marks *a, const struct live_marks *b);
u128 live_marks_bits(const struct live_marks *x); /* as in way.marks */
/* The packets as they are then; what is said of those, said of them as they were. */
dd_ref live_marks_seen(struct mean *m, const struct live_marks *x, dd_ref packets);
dd_ref live_marks_arrived(struct mean *m, const struct live_marks *x, dd_ref says);

#endif
