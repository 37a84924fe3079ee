/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the proof engine has to say about a policy by itself: rules that never decide, rules that
 * change nothing, translations that nothing lets pass, expectations that do not hold.
 */
#ifndef FWC_FINDINGS_H
#define FWC_FINDINGS_H

#include "space/mean.h"

/* Warnings and remarks to diag. False: the budget ended before all was looked at. */
bool findings_rules(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget);

/* Looks at n statements, one after the other. What is the same of many is made once for them, until
 * the diagrams of all take too much. False: the budget ended with one of them alone
 * (findings_nat.c). */
bool findings_each(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget,
		   size_t n,
		   void (*look)(struct mean *m, struct policy *p, struct diag *diag, size_t i));
/* Mark statements that mark nothing (findings_mark.c). */
bool findings_marks(const struct policy *p, struct arena *a, struct diag *diag,
		    struct dd_budget budget);
/* early drop statements and rules of which nothing is left (findings_guard.c). */
bool findings_guards(const struct policy *p, struct arena *a, struct diag *diag,
		     struct dd_budget budget);
/* Untracked statements that allow nothing, or hinder a translation (findings_untracked.c). */
bool findings_untracked(struct policy *p, struct arena *a, struct diag *diag,
			struct dd_budget budget);
/* The part of it that looks for translations and clamps of which nothing passes. */
bool findings_nats(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget);

struct expectation { /* strings in the arena */
	const struct rule *rule;
	bool holds;
	bool known; /* false: the budget ended */
	bool answers; /* it speaks of ICMP errors and answers only */
	const char *packet; /* a counter-example (or for `some`, an example); NULL: none there is */
	const char *says; /* what happens to it */
	const struct line *line; /* who decides; or NULL */
	const struct nat *by_own; /* what sends packets to an address that this machine has now, and
				     counts because of that; or NULL */
	/* what would help; or NULL */
	const char *missing; /* a rule with which it would hold */
	const char *besides; /* a packet that this rule would let pass, too, and is not asked for */
	const struct nat
		*one_family; /* it sends only packets of the other family to their target */
	int family; /* that of the packet then: 4, 6 */
	const char *bare; /* an address of the expectation, with the zone that it is in */
};

struct expectations {
	struct expectation *v;
	size_t n, cap;
};

/* Every expect line of the policy. */
void findings_expect(const struct policy *p, struct arena *a, struct dd_budget budget,
		     struct expectations *out);
/* One that does not hold as an error with its counter-example; one that was not proved as a
 * warning. */
void findings_refuted(struct diag *diag, const struct expectation *e);
/* A remark at each translation of which they say so: this machine has its target now. */
void findings_own(struct diag *diag, const struct expectations *all);

#endif
