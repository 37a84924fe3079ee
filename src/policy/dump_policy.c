/* SPDX-License-Identifier: GPL-2.0-or-later
 * A resolved policy as text, for --dump=policy and golden tests.
 */
#include "policy/policy.h"

static void put_ivset(struct buf *out, const struct ivset *s, enum family fam)
{
	for (size_t i = 0; i < s->n; i++) {
		buf_putc(out, ' ');
		if (fam)
			addr_print_range(out, fam, s->v[i]);
		else if (s->v[i].lo == s->v[i].hi)
			buf_printf(out, "%u", (unsigned)s->v[i].lo);
		else
			buf_printf(out, "%u-%u", (unsigned)s->v[i].lo, (unsigned)s->v[i].hi);
	}
}

static void put_bulk(struct buf *out, const struct addrs *s, const struct bulk_list *l)
{
	if (l)
		buf_printf(out, " %s%s (%zu of IPv%d)", s->negated ? "not " : "", s->stem, l->n,
			   l->family);
}

static void put_dynset(struct buf *out, const struct addrs *s)
{
	buf_printf(out, " %s%s (%s)", s->negated ? "not " : "", s->dyn->name, dynset_kind(s->dyn));
	for (size_t i = 0; i < s->nor.n; i++)
		buf_printf(out, " nor %s (%s)", s->nor.v[i]->name, dynset_kind(s->nor.v[i]));
	if (s->mixed)
		buf_puts(out, ", and in");
}

static void put_places(struct buf *out, const struct policy *p, const struct place_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		buf_printf(out, "%s%s", i ? ", " : "",
			   l->v[i] == PLACE_SELF ? "self" : p->zones.v[l->v[i]].name);
}

static void put_suffixed(struct buf *out, const struct suffixed_list *l)
{
	const struct suffixed *s;

	vec_each (l, s) {
		if (s->is.bits) {
			buf_putc(out, ' ');
			suffix_print(out, s->is.value, s->is.bits);
		}
		if (!suffixed_unicast(s)) {
			buf_puts(out, " in");
			put_ivset(out, &s->in, FAM_IP6);
		}
		for (size_t i = 0; i < s->but.n; i++) {
			buf_puts(out, " not ");
			suffix_print(out, s->but.v[i].value, s->but.v[i].bits);
		}
	}
}

static void put_endpoint(struct buf *out, const struct policy *p, const char *label,
			 const struct endpoint *e)
{
	for (size_t i = 0; i < e->items.n; i++) {
		const struct place_item *item = &e->items.v[i];

		buf_printf(out, "    %s ", label);
		switch (item->at) {
		case AT_ZONE:
			buf_puts(out, p->zones.v[item->zone].name);
			break;
		case AT_SELF:
			buf_puts(out, "self");
			break;
		case AT_ANY:
			buf_puts(out, "any");
			break;
		case AT_ZONES:
			buf_puts(out, "zones");
			break;
		case AT_GROUP:
			put_places(out, p, &item->zones);
			break;
		}
		if (item->but.n) {
			buf_puts(out, " but ");
			put_places(out, p, &item->but);
		}
		if (item->addrs.dyn)
			put_dynset(out, &item->addrs);
		else if (!addrs_any(&item->addrs, FAM_IP4) && !addrs_any(&item->addrs, FAM_IP6) &&
			 !item->addrs.macs.n)
			buf_puts(out, " no address");
		if (item->addrs.broadcast)
			buf_puts(out, " broadcast");
		put_bulk(out, &item->addrs, item->addrs.bulk4);
		put_bulk(out, &item->addrs, item->addrs.bulk6);
		put_ivset(out, &item->addrs.v4, FAM_IP4);
		put_ivset(out, &item->addrs.v6, FAM_IP6);
		put_suffixed(out, &item->addrs.suffixed);
		for (size_t k = 0; k < item->addrs.macs.n; k++) {
			buf_putc(out, ' ');
			mac_print(out, item->addrs.macs.v[k].lo);
		}
		buf_putc(out, '\n');
	}
}

static void put_row(struct buf *out, const char *name, const struct ivset *s)
{
	if (!s->n)
		return;
	buf_printf(out, "    %s", name);
	put_ivset(out, s, FAM_NONE);
	buf_putc(out, '\n');
}

static void put_codes(struct buf *out, const char *name, const struct ivset *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (u128 x = s->v[i].lo; x <= s->v[i].hi; x++)
			buf_printf(out, "    %s %u code %u\n", name, (unsigned)(x >> 8),
				   (unsigned)(x & 255));
}

static void put_services(struct buf *out, const struct services *s)
{
	static const char *const names[PORT_PROTOCOLS] = {"tcp", "udp", "sctp", "dccp", "udplite"};

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		put_row(out, names[i], &s->ports[i]);
	put_row(out, "proto", &s->protocols);
	put_row(out, "icmp", &s->icmp);
	put_row(out, "icmpv6", &s->icmpv6);
	put_codes(out, "icmp", &s->icmp_codes);
	put_codes(out, "icmpv6", &s->icmpv6_codes);
	for (size_t i = 0; i < s->sourced.n; i++) {
		buf_printf(out, "    %s", names[s->sourced.v[i].row]);
		put_ivset(out, &s->sourced.v[i].to, FAM_NONE);
		buf_puts(out, " from");
		put_ivset(out, &s->sourced.v[i].from, FAM_NONE);
		buf_putc(out, '\n');
	}
}

static void put_family(struct buf *out, enum family family)
{
	if (family)
		buf_printf(out, "    family IPv%d\n", family);
}

/* Of a limit that the rule names. */
static void put_limit(struct buf *out, const struct limit *l)
{
	if (!l->name)
		return;
	buf_printf(out, "    limit %u in %u s, burst %u", l->rate, l->unit, l->burst);
	if (l->per.source)
		buf_printf(out, ", per source /%u /%u", l->per.prefix4 ? l->per.prefix4 : 32,
			   l->per.prefix6 ? l->per.prefix6 : 128);
	buf_putc(out, '\n');
}

static void put_helpers(struct buf *out, const struct rule *r)
{
	const struct rule_helper *h;

	vec_each (&r->q.helpers, h) {
		buf_printf(out, "    helper %s, protocol %u", h->object->type, h->object->proto);
		if (h->port)
			buf_printf(out, ", port %u", h->port);
		buf_putc(out, '\n');
	}
}

static void put_cgroup(struct buf *out, const struct cgroup *c)
{
	if (c)
		buf_printf(out, "    cgroup %s, level %u, set %s\n", c->path, c->level, c->set);
}

static void put_subzone(struct buf *out, const struct policy *p, const struct subzone *s)
{
	buf_printf(out, "    within %s",
		   s->within == PLACE_SELF ? "self" : p->zones.v[s->within].name);
	if (s->ipsec)
		buf_puts(out, ", ipsec");
	if (s->has_mark)
		buf_printf(out, ", mark 0x%x/0x%x", s->mark, s->mask);
	if (s->has_user)
		buf_printf(out, ", user %u", s->uid);
	if (s->has_group)
		buf_printf(out, ", group %u", s->gid);
	buf_putc(out, '\n');
}

static void put_zone(struct buf *out, const struct policy *p, const struct zone *z)
{
	buf_printf(out, "zone %s\n    interfaces", z->name);
	for (size_t i = 0; i < z->interfaces.n; i++) {
		buf_putc(out, ' ');
		ifname_print(out, z->interfaces.v[i].name);
	}
	buf_putc(out, '\n');
	if (z->sub.is)
		put_subzone(out, p, &z->sub);
	if (z->net4.n || z->net6.n) {
		buf_puts(out, "    networks");
		put_ivset(out, &z->net4, FAM_IP4);
		put_ivset(out, &z->net6, FAM_IP6);
		buf_putc(out, '\n');
	}
}

static void put_nat(struct buf *out, const struct policy *p, const struct nat *n)
{
	buf_printf(out, "nat %s\n", n->text);
	put_endpoint(out, p, "from", &n->from);
	put_endpoint(out, p, "to", &n->to);
	put_family(out, n->family);
	put_services(out, &n->services);
	for (size_t i = 0; i < n->to4.to.n + n->to6.to.n; i++) {
		bool four = i < n->to4.to.n;

		buf_puts(out, "    target ");
		addr_print_range(out, four ? FAM_IP4 : FAM_IP6,
				 four ? n->to4.to.v[i] : n->to6.to.v[i - n->to4.to.n]);
		buf_putc(out, '\n');
	}
	if (n->called)
		buf_printf(out, "    ports %u-%u to %u-%u\n", n->called, n->called_last, n->port,
			   nat_port_last(n));
	for (size_t i = 0; i < n->hairpin_zones.n; i++)
		buf_printf(out, "    hairpin %s\n", p->zones.v[n->hairpin_zones.v[i]].name);
}

void policy_dump(struct buf *out, const struct policy *p)
{
	if (p->live_flows >= 0)
		buf_printf(out, "live-flows %s\n", p->live_flows ? "end" : "keep");
	if (p->forwarding >= 0)
		buf_printf(out, "forwarding %s\n", p->forwarding ? "on" : "off");
	for (size_t i = 0; i < p->timeouts.n; i++)
		buf_printf(out, "timeout %s %u\n", p->timeouts.v[i].name, p->timeouts.v[i].seconds);
	for (size_t i = 0; i < p->offloads.n; i++) {
		buf_printf(out, "%s\n", p->offloads.v[i].rule.text);
		put_endpoint(out, p, "from", &p->offloads.v[i].rule.from);
		put_endpoint(out, p, "to", &p->offloads.v[i].rule.to);
		put_services(out, &p->offloads.v[i].rule.services);
	}
	for (int i = 0; i < LOGS; i++)
		if (p->logs[i].log.on)
			buf_printf(out, "%s\n", p->logs[i].text);
	for (size_t i = 0; i < p->zones.n; i++)
		put_zone(out, p, &p->zones.v[i]);
	for (size_t i = 0; i < p->dynsets.n; i++)
		buf_printf(out, "%s %s%s timeout %llus size %u\n", dynset_kind(p->dynsets.v[i]),
			   p->dynsets.v[i]->name, p->dynsets.v[i]->prefixes ? " prefixes" : "",
			   (unsigned long long)p->dynsets.v[i]->timeout, p->dynsets.v[i]->size);
	for (size_t i = 0; i < p->rules.n; i++) {
		buf_printf(out, "rule %s\n", p->rules.v[i].text);
		put_endpoint(out, p, "from", &p->rules.v[i].from);
		put_endpoint(out, p, "to", &p->rules.v[i].to);
		put_family(out, p->rules.v[i].q.family);
		if (p->rules.v[i].published)
			buf_puts(out, "    published\n");
		put_services(out, &p->rules.v[i].services);
		put_limit(out, &p->rules.v[i].q.limit);
		put_helpers(out, &p->rules.v[i]);
		put_cgroup(out, p->rules.v[i].q.cgroup);
	}
	for (size_t i = 0; i < p->nats.n; i++)
		put_nat(out, p, &p->nats.v[i]);
	for (size_t i = 0; i < p->clamps.n; i++)
		buf_printf(out, "clamp %s\n", p->clamps.v[i].text);
	for (size_t i = 0; i < p->marks.n; i++) {
		buf_printf(out, "mark %s\n", p->marks.v[i].text);
		put_endpoint(out, p, "from", &p->marks.v[i].from);
		put_endpoint(out, p, "to", &p->marks.v[i].to);
		put_family(out, p->marks.v[i].family);
		put_services(out, &p->marks.v[i].services);
	}
	for (size_t i = 0; i < p->guards.n; i++) {
		buf_printf(out, "guard %s\n", p->guards.v[i].rule.text);
		put_endpoint(out, p, "from", &p->guards.v[i].from);
	}
	for (size_t i = 0; i < p->expects.n; i++)
		buf_printf(out, "expect %s\n", p->expects.v[i].text);
}
