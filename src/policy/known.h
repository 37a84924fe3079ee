/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is asked of a whole policy again and again, found once: of thousands of translations each
 * asks the same of thousands of rules.
 */
#ifndef FWC_KNOWN_H
#define FWC_KNOWN_H

#include "policy/policy.h"

enum known { /* questions with yes or no, most of them of one place */
	     KNOWN_ASKS_DHCP4,
	     KNOWN_ASKS_DHCP6,
	     KNOWN_ANSWERS_DHCP4,
	     KNOWN_ANSWERS_DHCP6,
	     KNOWN_HEARS_GROUPS,
	     KNOWN_AWAITS_ANSWERS,
	     KNOWN_PUBLISHES,
	     KNOWN_TRANSLATES_SELF,
	     KNOWNS,
};

/* Of a policy that is resolved: what it says stays as it is from here on. */
void known_begin(struct policy *p);
/* What find() says, which is asked once. */
bool known_answer(const struct policy *p, enum known what, int place,
		  bool (*find)(const struct policy *p, int place));

struct known_range { /* "X@self", somewhere in the policy */
	enum family family;
	struct ival is;
	bool said; /* as it is, not as what is left of all others */
};
/* Each once. */
const struct known_range *known_here(const struct policy *p, size_t *n);

/* Where the destinations and ports of a statement lie, at most. */
struct known_span {
	uint64_t first, last; /* first > last: none */
};
struct known_bounds {
	struct known_span v4, v6; /* of IPv6 the upper halves of addresses */
	struct known_span ports; /* all, too, of what has none */
};
struct known_bounds known_bounds_of(const struct endpoint *to, const struct services *s);
/* Whether both may be about one destination; one about such a port; about an address. */
bool known_meet(const struct known_bounds *x, const struct known_bounds *y);
bool known_meet_ports(const struct known_bounds *x, const struct known_span *ports);
bool known_has(const struct known_bounds *x, enum family fam, u128 addr);
/* By number of a rule or translation. */
const struct known_bounds *known_rules(const struct policy *p);
const struct known_bounds *known_nats(const struct policy *p);

#endif
