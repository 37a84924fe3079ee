/* SPDX-License-Identifier: GPL-2.0-or-later
 * antispoof and early drop: what is refused before any rule is asked.
 */
#ifndef FWC_GUARD_H
#define FWC_GUARD_H

#include "policy/policy.h"
#include "policy/routing.h"

struct owned { /* neighbouring addresses */
	struct ival addrs;
	bool always; /* of no network, and sources on every link */
	struct routing_zones zones; /* whose networks hold them, the narrowest network deciding */
};

struct owners { /* sorted, disjoint; addresses of no zone are left out */
	struct owned *v;
	size_t n, cap;
};

void guard_owners(struct arena *a, const struct policy *p, enum family fam, struct owners *out);
/* Sources that no antispoof refuses: none yet, and link-local ones. */
struct ivset guard_always(struct arena *a, enum family fam);
/* Whether sources of the family that arrive by the zone must be of its networks. */
bool guard_holds(const struct guard *g, const struct policy *p, int zone, enum family fam);
void guard_warn(const struct policy *p, struct diag *diag);

#endif
