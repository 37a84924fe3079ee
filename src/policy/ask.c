/* SPDX-License-Identifier: GPL-2.0-or-later
 * Questions that go out by multicast. Those who answer do it from their own address, which
 * connection tracking takes for something new; so whoever asks by these services is remembered.
 */
#include <netinet/in.h>
#include <string.h>

#include "policy/known.h"
#include "policy/resolve.h"

static const struct {
	const char *name;
	uint16_t port;
} asking[] = {{"ssdp", 1900}, {"mdns", 5353}, {"wsdd", 3702}};

uint8_t service_asks(const char *name)
{
	for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
		if (!strcmp(asking[i].name, name))
			return (uint8_t)(1u << i);
	return 0;
}

static bool may_call(const struct services *s, uint16_t port)
{
	struct ival one = {port, port};
	struct ivset ports = {.v = &one, .n = 1};
	const struct sourced *x;

	if (s->any || ivset_contains(&s->ports[1], port)) /* port_protocols[]: UDP */
		return true;
	vec_each (&s->sourced, x)
		if (port_protocols[x->row] == IPPROTO_UDP && ivset_overlaps(&x->to, &ports))
			return true;
	return false;
}

struct ivset rule_questions(struct arena *a, const struct rule *r)
{
	bool allows = r->verb == VERB_ALLOW || (r->otherwise.on && r->otherwise.verb == VERB_ALLOW);
	bool self = false, many = false;
	const struct place_item *i;
	struct ivset out = {0};

	vec_each (&r->from.items, i)
		self |= item_has(i, PLACE_SELF);
	vec_each (&r->to.items, i)
		many |= i->addrs.multicast;
	if (!allows || !self || r->published)
		return out;
	for (size_t k = 0; k < sizeof(asking) / sizeof(asking[0]); k++)
		if (may_call(&r->services, asking[k].port) &&
		    (r->services.asks >> k & 1 || many))
			vec_push(a, &out, ((struct ival){asking[k].port, asking[k].port}));
	ivset_normalise(&out);
	return out;
}

static bool awaits_answers(const struct policy *p, int place)
{
	const struct place_item *i;
	const struct rule *r;

	vec_each (&p->rules, r)
		vec_each (&r->to.items, i)
			if (r->questions.n && place != PLACE_SELF && item_has(i, place))
				return true;
	return false;
}

bool policy_awaits_answers(const struct policy *p, int place)
{
	return known_answer(p, KNOWN_AWAITS_ANSWERS, place, awaits_answers);
}
