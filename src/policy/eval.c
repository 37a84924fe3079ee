/* SPDX-License-Identifier: GPL-2.0-or-later
 * a policy and the first packet of a connection -> the rule that decides.
 */
#include <netinet/in.h>

#include "policy/known.h"

#define ANY_PORT 40000 /* a client's own */

const struct bulk_list *addrs_bulk(const struct addrs *s, enum family fam)
{
	return fam == FAM_IP4 ? s->bulk4 : s->bulk6;
}

bool addrs_open(const struct addrs *s)
{
	return s->dyn || s->bulk4 || s->bulk6;
}

bool addrs_any(const struct addrs *s, enum family fam)
{
	return s->all || s->dyn || addrs_bulk(s, fam) || (fam == FAM_IP4 ? s->v4.n : s->v6.n);
}

bool addrs_overlap(const struct addrs *s, enum family fam, const struct ivset *with)
{
	const struct bulk_list *bulk = addrs_bulk(s, fam);

	if (bulk && s->negated)
		return !bulk_list_covers(bulk, with);
	if (bulk)
		return bulk_list_overlaps(bulk, with);
	return s->all || s->dyn || ivset_overlaps(fam == FAM_IP4 ? &s->v4 : &s->v6, with);
}

bool addrs_match(const struct addrs *s, enum family fam, u128 addr)
{
	if (s->all)
		return true;
	if (s->dyn)
		return s->negated && /* taken as empty */
		       (!s->mixed || ivset_contains(fam == FAM_IP4 ? &s->v4 : &s->v6, addr));
	if (addrs_bulk(s, fam))
		return bulk_list_holds(addrs_bulk(s, fam), addr) != s->negated;
	if (s->broadcast) /* which others are depends on routes */
		return fam == FAM_IP4 && addr == 0xffffffff;
	return ivset_contains(fam == FAM_IP4 ? &s->v4 : &s->v6, addr) ||
	       (fam == FAM_IP6 && suffixed_any_has(&s->suffixed, addr));
}

static bool is_in(const struct place_item *i, int place, int zone)
{
	return i->of ? place_is_in(i->of, place, zone) : place == zone;
}

static bool list_has(const struct place_item *i, const struct place_list *l, int place)
{
	for (size_t k = 0; k < l->n; k++)
		if (is_in(i, place, l->v[k]))
			return true;
	return false;
}

bool item_at(const struct place_item *i, int place)
{
	if (list_has(i, &i->but, place))
		return false;
	switch (i->at) {
	case AT_ZONE:
		return is_in(i, place, i->zone);
	case AT_SELF:
		return is_in(i, place, PLACE_SELF);
	case AT_ANY:
		return true;
	case AT_ZONES:
		return place >= 0 && !is_in(i, place, PLACE_SELF);
	case AT_GROUP:
		return list_has(i, &i->zones, place);
	}
	return false;
}

bool endpoint_at(const struct endpoint *e, int place)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (item_at(i, place))
			return true;
	return false;
}

bool item_has(const struct place_item *i, int root)
{
	bool has = item_at(i, root);

	for (int k = 0; !has && i->of && k < place_end(i->of); k++)
		has = place_is_in(i->of, k, root) && item_at(i, k);
	return has;
}

bool item_has_all(const struct place_item *i, int root)
{
	bool all = item_at(i, root);

	for (int k = 0; all && i->of && k < place_end(i->of); k++)
		all = !place_is_in(i->of, k, root) || item_at(i, k);
	return all;
}

bool item_is_empty(const struct place_item *i)
{
	bool empty = i->at == AT_ZONE || i->at == AT_GROUP;

	if (i->at == AT_ZONE)
		return i->of && i->zone >= 0 && i->of->zones.v[i->zone].sub.absent;
	for (size_t k = 0; empty && k < i->zones.n; k++)
		empty = i->of && i->of->zones.v[i->zones.v[k]].sub.absent;
	return empty;
}

bool item_may_have(const struct place_item *i, int root, enum family fam, u128 addr)
{
	if (!i->of || !place_subzone(i->of, root, 0))
		return item_at(i, root);
	for (int k = PLACE_SELF; k < place_end(i->of); k++)
		if (place_root(i->of, k) == root && item_at(i, k) &&
		    place_may_hold(i->of, k, fam, addr))
			return true;
	return false;
}

bool item_names_zone(const struct place_item *i)
{
	return i->at == AT_ZONE || i->at == AT_ZONES || i->at == AT_GROUP || i->but.n;
}

bool item_is_self(const struct place_item *i)
{
	return i->at == AT_SELF || (i->at == AT_ZONE && i->of && i->zone >= 0 &&
				    place_root(i->of, i->zone) == PLACE_SELF);
}

/* `stations`: it may come from whichever MAC address is named. */
static bool endpoint_match(const struct endpoint *e, int place, enum family fam, u128 addr,
			   bool stations)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (item_at(i, place) &&
		    (addrs_match(&i->addrs, fam, addr) || (stations && i->addrs.macs.n)))
			return true;
	return false;
}

static bool lets(enum verb verb)
{
	return verb == VERB_ALLOW || verb == VERB_INSPECT;
}

static bool sourced_match(const struct services *s, uint8_t protocol, uint16_t sport,
			  uint16_t dport)
{
	const struct sourced *x;

	vec_each (&s->sourced, x)
		if (port_protocols[x->row] == protocol && ivset_contains(&x->to, dport) &&
		    ivset_contains(&x->from, sport))
			return true;
	return false;
}

bool services_match(const struct services *s, enum family fam, uint8_t protocol, uint16_t sport,
		    uint16_t dport)
{
	if (s->any)
		return true;
	if (fam == FAM_IP4 && protocol == IPPROTO_ICMP)
		return ivset_contains(&s->icmp, dport) ||
		       ivset_contains(&s->icmp_codes, (u128)dport << 8 | sport);
	if (fam == FAM_IP6 && protocol == IPPROTO_ICMPV6)
		return ivset_contains(&s->icmpv6, dport) ||
		       ivset_contains(&s->icmpv6_codes, (u128)dport << 8 | sport);
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (port_protocols[i] == protocol)
			return ivset_contains(&s->ports[i], dport) ||
			       sourced_match(s, protocol, sport, dport);
	return ivset_contains(&s->protocols, protocol);
}

/* nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c: echo, timestamp, information and address
 * mask requests; echo request and node information query. */
struct ivset icmp_opens(enum family fam)
{
	static struct ival v4[] = {{8, 8}, {13, 13}, {15, 15}, {17, 17}};
	static struct ival v6[] = {{128, 128}, {139, 139}};

	if (fam == FAM_IP4)
		return (struct ivset){.v = v4, .n = 4};
	return (struct ivset){.v = v6, .n = 2};
}

/* Multicast listeners, and neighbour and router discovery. */
struct ivset icmp_untracked(enum family fam)
{
	static struct ival v6[] = {{130, 136}, {143, 143}};

	if (fam == FAM_IP4)
		return (struct ivset){0};
	return (struct ivset){.v = v6, .n = 2};
}

/* RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem; RFC 4443, 2.1.
 */
struct ivset icmp_errors(enum family fam)
{
	static struct ival v4[] = {{3, 5}, {11, 12}};
	static struct ival v6[] = {{1, 4}};

	if (fam == FAM_IP4)
		return (struct ivset){.v = v4, .n = 2};
	return (struct ivset){.v = v6, .n = 1};
}

/* Those that are named, be it with a code. */
static struct ivset types_named(struct arena *a, const struct services *s, enum family fam)
{
	const struct ivset *types = fam == FAM_IP4 ? &s->icmp : &s->icmpv6;
	const struct ivset *codes = fam == FAM_IP4 ? &s->icmp_codes : &s->icmpv6_codes;
	struct ivset out = {0};

	for (size_t i = 0; i < types->n; i++)
		vec_push(a, &out, types->v[i]);
	for (size_t i = 0; i < codes->n; i++)
		vec_push(a, &out, ((struct ival){codes->v[i].lo >> 8, codes->v[i].hi >> 8}));
	ivset_normalise(&out);
	return out;
}

struct ivset icmp_undecided(struct arena *a, const struct services *s, enum family fam)
{
	const struct ivset *types = fam == FAM_IP4 ? &s->icmp : &s->icmpv6;
	struct ivset opens = icmp_opens(fam), untracked = icmp_untracked(fam), named, rest;

	if (s->any || (types->n == 1 && types->v[0].lo == 0 && types->v[0].hi == 255))
		return (struct ivset){0};
	named = types_named(a, s, fam);
	rest = ivset_subtract(a, &named, &opens);
	return ivset_subtract(a, &rest, &untracked);
}

static bool same(const struct ivset *x, const struct ivset *y)
{
	return ivset_covers(x, y) && ivset_covers(y, x);
}

bool services_undecided(struct arena *a, const struct services *s)
{
	struct ivset v4 = icmp_undecided(a, s, FAM_IP4), v6 = icmp_undecided(a, s, FAM_IP6);
	struct ivset all4 = types_named(a, s, FAM_IP4), all6 = types_named(a, s, FAM_IP6);
	bool ports = s->any || s->protocols.n;

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		ports |= services_have_port(s, i);
	return !ports && v4.n + v6.n && same(&v4, &all4) && same(&v6, &all6);
}

bool rule_is_special(const struct qualifiers *q)
{
	return q->has_mark || q->has_user || q->has_group || q->cgroup || q->has_dscp ||
	       q->when;
}

const struct rule *policy_decide(const struct policy *p, const struct flow *f, bool optimistic)
{
	bool stations = optimistic && place_root(p, f->from) != PLACE_SELF;

	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.v[i];

		/* the flow calls whom it goes to */
		if (r->published ||
		    !endpoint_match(&r->from, f->from, f->family, f->saddr,
				    stations && lets(r->verb)) ||
		    !endpoint_match(&r->to, f->to, f->family, f->daddr, false) ||
		    !services_match(&r->services, f->family, f->protocol, f->sport, f->dport) ||
		    (r->q.family && r->q.family != f->family))
			continue;
		if (r->q.absent || (!optimistic && (rule_is_gated(r) || rule_is_special(&r->q))))
			continue;
		return r;
	}
	return NULL;
}

static bool lets_in(const struct policy *p, const struct flow *f)
{
	const struct rule *rule = policy_decide(p, f, true);

	return rule &&
	       (lets(rule->verb) || (rule->otherwise.on && rule->otherwise.verb == VERB_ALLOW));
}

/* A place of the zone, or of this machine, that may hold such an address. */
static bool may_be(const struct policy *p, int place, int root, enum family fam, u128 addr)
{
	return place_root(p, place) == root && place_may_hold(p, place, fam, addr);
}

/* Between two zones, or this machine and one, as far as they have parts: from and to are those that
 * have interfaces. anyone: the source is one of many. */
static bool lets_some_in(const struct policy *p, struct flow f, bool anyone)
{
	const int from = f.from, to = f.to;

	for (int i = PLACE_OTHER; i < place_end(p); i++) {
		f.from = i;
		if (anyone ? place_root(p, i) != from || !place_is(p, i)
			   : !may_be(p, i, from, f.family, f.saddr))
			continue;
		for (int k = PLACE_OTHER; k < place_end(p); k++) {
			f.to = k;
			if (may_be(p, k, to, f.family, f.daddr) && lets_in(p, &f))
				return true;
		}
	}
	return false;
}

static bool asks_dhcp(const struct policy *p, int place, enum family fam)
{
	struct flow f = {.from = PLACE_SELF, .to = place, .family = fam, .protocol = IPPROTO_UDP};

	f.saddr = fam == FAM_IP4 ? 0 : ((u128)0xfe80 << 112 | 1);
	f.daddr = fam == FAM_IP4 ? 0xffffffff : ((u128)0xff02 << 112 | 0x10002);
	f.sport = fam == FAM_IP4 ? 68 : 546;
	f.dport = fam == FAM_IP4 ? 67 : 547;
	return lets_some_in(p, f, false);
}

static bool asks_dhcp4(const struct policy *p, int place)
{
	return asks_dhcp(p, place, FAM_IP4);
}

static bool asks_dhcp6(const struct policy *p, int place)
{
	return asks_dhcp(p, place, FAM_IP6);
}

bool policy_asks_dhcp(const struct policy *p, int place, enum family fam)
{
	return fam == FAM_IP4 ? known_answer(p, KNOWN_ASKS_DHCP4, place, asks_dhcp4)
			      : known_answer(p, KNOWN_ASKS_DHCP6, place, asks_dhcp6);
}

static bool answers_dhcp(const struct policy *p, int place, enum family fam)
{
	struct flow f = {.from = place, .to = PLACE_SELF, .family = fam, .protocol = IPPROTO_UDP};

	f.saddr = fam == FAM_IP4 ? 0 : ((u128)0xfe80 << 112 | 1);
	f.daddr = fam == FAM_IP4 ? 0xffffffff : ((u128)0xff02 << 112 | 0x10002);
	f.sport = fam == FAM_IP4 ? 68 : 546;
	f.dport = fam == FAM_IP4 ? 67 : 547;
	return lets_some_in(p, f, false);
}

static bool answers_dhcp4(const struct policy *p, int place)
{
	return answers_dhcp(p, place, FAM_IP4);
}

static bool answers_dhcp6(const struct policy *p, int place)
{
	return answers_dhcp(p, place, FAM_IP6);
}

bool policy_answers_dhcp(const struct policy *p, int place, enum family fam)
{
	return fam == FAM_IP4 ? known_answer(p, KNOWN_ANSWERS_DHCP4, place, answers_dhcp4)
			      : known_answer(p, KNOWN_ANSWERS_DHCP6, place, answers_dhcp6);
}

/* From what an endpoint names there: the lowest address stands for all of an item. */
static bool lets_in_from(const struct policy *p, const struct endpoint *e, struct flow *f)
{
	const struct place_item *i;

	vec_each (&e->items, i) {
		const struct bulk_list *bulk = i->addrs.bulk4;

		if (!item_has(i, f->from) || (!addrs_any(&i->addrs, FAM_IP4) && !i->addrs.macs.n))
			continue;
		f->saddr = i->addrs.v4.n ? i->addrs.v4.v[0].lo : 0;
		if (bulk) /* there is always an address that is not in it */
			f->saddr = i->addrs.negated && bulk->v4[0].lo == 0 ? bulk->v4[0].hi + 1
				   : i->addrs.negated			   ? 0
									   : bulk->v4[0].lo;
		if (lets_some_in(p, *f, true))
			return true;
	}
	return false;
}

static bool hears_groups(const struct policy *p, int place)
{
	static const struct {
		uint16_t port;
		uint32_t group;
	} asked[] = {
		{5353, 0xe00000fb}, {5355, 0xe00000fc}, {1900, 0xeffffffa}, {3702, 0xeffffffa}};
	struct flow f = {
		.from = place, .to = PLACE_SELF, .family = FAM_IP4, .protocol = IPPROTO_UDP};
	const struct rule *r;

	for (size_t i = 0; i < 2 * sizeof(asked) / sizeof(asked[0]); i++) {
		f.dport = asked[i / 2].port;
		f.daddr = asked[i / 2].group;
		f.sport = i % 2 ? f.dport : ANY_PORT;
		vec_each (&p->rules, r)
			if (!r->published && lets(r->verb) &&
			    services_match(&r->services, FAM_IP4, IPPROTO_UDP, f.sport, f.dport) &&
			    endpoint_match(&r->to, PLACE_SELF, FAM_IP4, f.daddr, false) &&
			    lets_in_from(p, &r->from, &f))
				return true;
	}
	return false;
}

bool policy_hears_groups(const struct policy *p, int place)
{
	return known_answer(p, KNOWN_HEARS_GROUPS, place, hears_groups);
}

static bool publishes(const struct policy *p, int place)
{
	const struct rule *r;

	(void)place;
	vec_each (&p->rules, r)
		if (r->published)
			return true;
	return false;
}

bool policy_publishes(const struct policy *p)
{
	return known_answer(p, KNOWN_PUBLISHES, PLACE_SELF, publishes);
}

static bool is_from_self(const struct endpoint *from)
{
	for (size_t i = 0; i < from->items.n; i++)
		if (item_has(&from->items.v[i], PLACE_SELF))
			return true;
	return false;
}

static bool translates_self(const struct policy *p, int place)
{
	const struct rule *r;
	const struct nat *n;

	(void)place;
	vec_each (&p->nats, n)
		if ((n->kind == NAT_DNAT || n->kind == NAT_REDIRECT) && is_from_self(&n->from))
			return true;
	/* or others send it elsewhere, and this is where that is judged */
	vec_each (&p->rules, r)
		if (r->published && is_from_self(&r->from))
			return true;
	return false;
}

bool policy_translates_self(const struct policy *p)
{
	return known_answer(p, KNOWN_TRANSLATES_SELF, PLACE_SELF, translates_self);
}
