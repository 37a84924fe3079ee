/* SPDX-License-Identifier: GPL-2.0-or-later
 * The story of a packet: from where it arrives, through translation and the filter, to its fate,
 * with the line that decides each step.
 */
#ifndef FWC_EXPLAIN_H
#define FWC_EXPLAIN_H

#include "space/journey.h"

struct live_table;

struct story_step { /* strings in the arena */
	const char *hook; /* "arrives", "prerouting", "forward", ...; "reply" */
	const char *does; /* "dnat to 10.0.0.1", "accept" */
	struct line line; /* text NULL: nobody's */
	const struct live_table *table; /* that did so, of the ruleset in the kernel */
};

struct story { /* of all packets of the query that end alike: told of one of them */
	struct packet packet; /* as it arrives */
	const char *text; /* the same in words */
	const char *query; /* the same as a query; or NULL */
	enum fate fate;
	struct line line; /* that decides */
	VEC(struct story_step) steps;
	VEC(const char *) conditions; /* that hold for it: rates, sets */
	VEC(const char *) unless; /* that do not, and matter (the ruleset in the kernel) */
	long double count; /* how many there are: source, destination, protocol, port or type */
};

struct stories {
	struct story *v;
	size_t n, cap;
	bool known; /* false: the budget ended */
};

/* m is initialised, with the policy's names added. Addresses without a zone are taken to be
 * where policy/routing.h says: this machine's own, or in the one zone whose networks hold them. */
void explain_query(struct stories *out, struct mean *m, const struct policy *p,
		   const struct rule *query);

/* The question's packets, with places as explain_query() takes them. */
void explain_legs(struct mean *m, const struct policy *p, const struct rule *query,
		  struct legs *out);

/* "accept", "drop", "reject", "inspect"; "unknown": it depends on what fwc does not understand. */
const char *explain_fate_text(enum fate f);

#endif
