/* SPDX-License-Identifier: GPL-2.0-or-later
 * From where a packet arrives to its fate: prerouting translates, routing picks input or forward,
 * a filter hook decides, postrouting may translate the source. What `expect` and `explain` speak
 * of: packets as they arrive, opening a new connection.
 *
 * A packet's first destination is where the query says (`@lan`); after dnat, where policy/routing.h
 * says.
 */
#ifndef FWC_JOURNEY_H
#define FWC_JOURNEY_H

#include "space/mean.h"

struct leg { /* packets of the query that travel alike */
	enum station at; /* the filter hook that judges them, or drops them before they are routed
			    (AT_PREROUTING); NSTATIONS: nobody, by loopback */
	const struct nat *nat; /* what translates their destination, or NULL */
	const char *rewrite; /* in words, or NULL */
	const struct nat *kept; /* the no-nat that keeps them from being translated, or NULL */
	enum family family; /* of the target; FAM_NONE: kept */
	u128 addr; /* new destination; with redirect, the interface's own */
	struct ival mapped; /* of a netmap: all of them, in the order of those that are called */
	bool has_addr;
	bool same; /* it is the destination that they had before: the port alone is new */
	bool local; /* it was sent to this machine, */
	bool by_own; /* which is told by the addresses that the machine has now */
	bool by_others; /* their destination was translated by others; they are as behind that */
	const struct untracked *untracked; /* what keeps them from connection tracking, or NULL */
	bool marked; /* some mark statement may have changed their marks on the way */
	uint16_t port; /* new destination port, the first of nat->called; 0: kept */
	dd_ref arrival; /* as they arrive */
	dd_ref there; /* as the filter hook sees them */
	dd_ref fate; /* of all that is in `there`; outcomes with lines */
};

struct legs {
	struct leg *v;
	size_t n, cap;
	const struct numbers *near; /* rules that may be about what is asked; NULL: all */
};

/* The query is a rule without a verb that matters: FROM -> TO SERVICES. Sets m->within and
 * m->lines.
 */
void journey_legs(struct mean *m, const struct policy *p, const struct rule *query,
		  struct legs *out);
/* Of those which `nat` translates, whatever the query: that arrive, or that this machine sends. */
void journey_of_nat(struct mean *m, const struct policy *p, size_t nat, bool from_self,
		    struct legs *out);
/* Whether their destination is another than they arrived with. */
bool journey_translates(const struct leg *leg);
/* Part of leg->there -> the packets of leg->arrival that come to it. */
bool journey_arrival(struct mean *m, const struct leg *leg, const struct packet *there,
		     struct packet *arrival);
/* What happens to the source behind a filter that let the packet pass; NULL: nothing, and no
 * statement says so. */
const struct outcome *journey_source(struct mean *m, const struct policy *p, const struct leg *leg,
				     const struct packet *there);

/* ---- between the journey*.c files ---- */

/* Destinations. */
dd_ref journey_among(struct mean *m, struct ivset v4, struct ivset v6);
/* An address of this machine; `of`: what is translated so, or NULL (journey_own.c). */
dd_ref journey_own(struct mean *m, const struct policy *p, const struct nat *of);

#endif
