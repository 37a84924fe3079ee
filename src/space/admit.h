/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether a ruleset would let a connection be opened: one that is known by its addresses and ports
 * as conntrack has them. The diagrams of the hooks are built once, when they are first needed; each
 * connection is then a walk down their bits.
 */
#ifndef FWC_ADMIT_H
#define FWC_ADMIT_H

#include "space/mean.h"
#include "util/bulk_parts.h"

#define ADMIT_ANY_INTERFACE UINT32_MAX

struct admit_flow {
	enum family family;
	uint8_t proto, type, code; /* of ICMP */
	/* As its first packet is; ports are 0 where the protocol has none. */
	u128 from, to;
	uint16_t from_port, to_port;
	/* Where it really goes, and whom that side sees. */
	u128 goes_to, seen_as;
	uint16_t goes_to_port;
	enum station at; /* AT_INPUT, AT_FORWARD, AT_OUTPUT; NSTATIONS: not known, any of them */
	/* Codes of the schema's names, or ADMIT_ANY_INTERFACE. */
	uint32_t iif, oif;
	uint32_t oif_before; /* AT_OUTPUT: before its destination is translated */
	uint8_t to_type, goes_to_type; /* RTN_* of these addresses; 0: not known */
};

enum admit_verdict {
	ADMIT_YES,
	ADMIT_INSPECTED, /* yes; what it carries is judged then */
	ADMIT_UNKNOWN, /* the budget ended, or a statement is not understood */
	ADMIT_ELSEWHERE, /* its destination is translated otherwise than it was */
	ADMIT_AS_ANOTHER, /* its source is translated to fixed addresses, and not to that it has */
	ADMIT_REFUSED,
};

/* Outcomes are those of x->mean; NULL where nothing was asked or decided. */
struct admission {
	enum admit_verdict verdict;
	enum station at; /* the filter hook that by is of */
	const struct outcome *by; /* accepts, or drops and rejects */
	const struct outcome *to; /* how its destination is translated */
	const struct outcome *as; /* how its source is */
};

struct admit_held { /* of a condition: that a set of run time holds an address */
	const struct bulk_list *list[BULK_PARTS]; /* in one of them, or ... */
	struct ivset now; /* what it holds, or is not known to hold */
	enum family family;
	bool is, from;
};

struct admit {
	struct mean mean;
	const struct ir_ruleset *ruleset;
	struct ivset to4, to6; /* where flows go, if few; both empty: anywhere */
	dd_ref says[NSTATIONS];
	dd_ref says_of_others[NSTATIONS]; /* without what loopback carries */
	bool built[NSTATIONS];
	uint32_t *seen, turn; /* by node: the walk that was there last */
	size_t nseen;
	VEC(struct admit_held) held; /* by condition, as far as they were looked at */
};

/* Names that the ruleset mentions, and those of interfaces that flows are at, must be added to
 * x->mean.schema before the first is judged; x->mean.line_of may be set before, too. */
void admit_init(struct admit *x, struct arena *a, const struct ir_ruleset *r);
void admit_free(struct admit *x);

/* Only flows to these addresses, translated or not, will be judged from now on: of many rules few
 * speak of them, and the diagrams are small. Sorted sets, in the arena; both empty: any. */
void admit_only(struct admit *x, struct ivset to4, struct ivset to6);

/* Whatever the flow does not say (marks, users, times, whether rates hold and sets of run time hold
 * its addresses) may be either way: it is refused only if it is so in every case. The line is that
 * of what sets hold now, if it can be. */
struct admission admit_judge(struct admit *x, const struct admit_flow *f);
/* Whether it is the ruleset that gave the flow the translation it has, of its destination or of its
 * source; other tables may have. */
bool admit_translates(struct admit *x, const struct admit_flow *f, bool source);

#endif
