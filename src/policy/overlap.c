/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether two rules may speak of the same packet: a cheap look, that may say yes too often.
 */
#include "policy/policy.h"

static bool addrs_meet(const struct addrs *x, const struct addrs *y)
{
	if (x->all || y->all || x->dyn || y->dyn)
		return true;
	return ivset_overlaps(&x->v4, &y->v4) || ivset_overlaps(&x->v6, &y->v6);
}

static bool endpoints_meet(const struct endpoint *x, const struct endpoint *y)
{
	const struct place_item *a, *b;

	vec_each (&x->items, a) {
		vec_each (&y->items, b) {
			bool apart = a->at == AT_ZONE && b->at == AT_ZONE && a->zone != b->zone;

			if (!apart && addrs_meet(&a->addrs, &b->addrs))
				return true;
		}
	}
	return false;
}

static bool services_meet(const struct services *x, const struct services *y)
{
	bool meet = x->any || y->any || x->protocols.n || y->protocols.n;

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		meet = meet || ivset_overlaps(&x->ports[i], &y->ports[i]);
	return meet || ivset_overlaps(&x->icmp, &y->icmp) || ivset_overlaps(&x->icmpv6, &y->icmpv6);
}

bool rules_meet(const struct rule *x, const struct rule *y)
{
	return endpoints_meet(&x->from, &y->from) && endpoints_meet(&x->to, &y->to) &&
	       services_meet(&x->services, &y->services);
}
