/* SPDX-License-Identifier: GPL-2.0-or-later
 * masquerade, snat, dnat, redirect, no-nat, netmap and clamp-mss statements -> resolved ones.
 */
#include <string.h>

#include "policy/resolve.h"
#include "policy/routing.h"

void resolve_before_routing(struct resolver *r, const char *what, const struct endpoint *to)
{
	for (size_t i = 0; i < to->items.n; i++) {
		const struct place_item *item = &to->items.v[i];

		if (item_is_self(item) && (item->addrs.multicast || item->addrs.broadcast))
			diag_hint(r->diag,
				  diag_error(r->diag, item->span,
					     "%s happens before routing, when self is one of this "
					     "machine's own addresses",
					     what),
				  "write multicast or broadcast without @self");
		if (!item_names_zone(item))
			continue;
		diag_hint(r->diag,
			  diag_error(r->diag, item->span,
				     "%s happens before routing, when the zone that a packet goes "
				     "to is not yet known",
				     what),
			  "write self (any address of this machine), an address, or any");
	}
}

/* Once it is routed the kernel has forgotten how it came. */
static void check_ipsec_from(struct resolver *r, const struct ast_nat *n,
			     const struct endpoint *from)
{
	const struct place_item *i;
	const struct zone *z;

	vec_each (&from->items, i) {
		vec_each (&r->p->zones, z) {
			if (!z->sub.is || !z->sub.ipsec ||
			    !(item_parted_by(i, z->sub.within) >> z->sub.nth & 1))
				continue;
			diag_hint(r->diag,
				  diag_error(r->diag, i->span,
					     "%s works behind routing, where nobody can tell what "
					     "came through IPsec",
					     nat_name(n->kind)),
				  "tell '%s' apart by its addresses: ADDRESSES@%s", z->name,
				  r->p->zones.v[z->sub.within].name);
			break;
		}
	}
}

static void check_source_from(struct resolver *r, const struct ast_nat *n,
			      const struct endpoint *to)
{
	for (size_t i = 0; i < to->items.n; i++)
		if (to->items.v[i].at == AT_SELF)
			diag_error(r->diag, to->items.v[i].span,
				   "%s works on packets that leave this machine; they cannot go to "
				   "self",
				   nat_name(n->kind));
}

static void add_hairpin_zone(struct resolver *r, struct nat *out, int zone)
{
	for (size_t i = 0; i < out->hairpin_zones.n; i++)
		if (out->hairpin_zones.v[i] == zone)
			return;
	vec_push(r->arena, &out->hairpin_zones, zone);
}

static void note_hairpin_zone(struct resolver *r, struct nat *out, enum family fam, u128 addr)
{
	struct routing_zones zones = {0};

	routing_zones(r->arena, r->p, fam, addr, &zones);
	for (size_t z = 0; z < zones.n; z++)
		add_hairpin_zone(r, out, zones.v[z]);
}

/* A sub-zone that is in it without the zone that it is within. */
static const struct zone *part_alone(const struct policy *p, const struct place_item *item)
{
	const struct zone *z;

	vec_each (&p->zones, z)
		if (z->sub.is && item_at(item, (int)(z - p->zones.v)) &&
		    !item_at(item, z->sub.within))
			return z;
	return NULL;
}

/* hairpin lan, guest: those alone. */
static void name_hairpin_zones(struct resolver *r, const struct ast_nat *n, struct nat *out)
{
	struct endpoint named = {0};

	resolve_endpoint(r, &n->hairpin_zones, &named, SIDE_FROM);
	for (size_t i = 0; i < named.items.n; i++) {
		const struct place_item *item = &named.items.v[i];

		const struct zone *part = part_alone(r->p, item);

		if (part)
			diag_hint(r->diag,
				  diag_error(r->diag, item->span,
					     "hairpin is for all clients of a zone; '%s' is a part "
					     "of one",
					     part->name),
				  "name the zone that it is within");
		else if (item->addrs.all && item->at != AT_ANY && item->at != AT_SELF)
			for (size_t z = 0; z < r->p->zones.n; z++) {
				if (item_at(item, (int)z) && !r->p->zones.v[z].sub.is)
					add_hairpin_zone(r, out, (int)z);
			}
		else
			diag_hint(r->diag,
				  diag_error(r->diag, item->span,
					     "hairpin takes the zones of the clients"),
				  "write zones alone: hairpin lan, guest");
	}
}

/* What a statement that names its family takes of a target. */
static void of_family(struct resolver *r, const struct ast_nat *n, const struct ast_target *t,
		      struct ivset *v4, struct ivset *v6, const struct suffixed_list *suffixed)
{
	bool some = v4->n || v6->n || suffixed->n;

	if (n->q.family == FAM_IP6)
		v4->n = 0;
	else if (n->q.family == FAM_IP4)
		v6->n = 0;
	if (some && !v4->n && !v6->n)
		diag_note(r->diag,
			  diag_error(r->diag, t->span, "this target has no IPv%d address",
				     n->q.family),
			  n->q.family_span, "the family is named here");
}

/* The ports of the services, if they are one range, the same for each protocol. */
static struct ival called_ports(const struct nat *n)
{
	struct ival all = {0, 0};
	const struct sourced *x;

	for (int i = 0; i < PORT_PROTOCOLS; i++) {
		const struct ivset *s = &n->services.ports[i];

		if (!s->n)
			continue;
		if (s->n > 1 || (all.hi && (all.lo != s->v[0].lo || all.hi != s->v[0].hi)))
			return (struct ival){0, 0};
		all = s->v[0];
	}
	vec_each (&n->services.sourced, x) {
		if (x->to.n > 1 || (all.hi && (all.lo != x->to.v[0].lo || all.hi != x->to.v[0].hi)))
			return (struct ival){0, 0};
		all = x->to.v[0];
	}
	return all;
}

/* HOST:PORT-LAST as it is written, with so many ports behind the first. */
static const char *range_of_length(struct resolver *r, const struct ast_target *t, unsigned more)
{
	const char *text = span_text(r->p->arena, t->span);
	int n = (int)(strrchr(text, ':') - text);

	if (!more)
		return arena_printf(r->p->arena, "%.*s:%u", n, text, t->port);
	return arena_printf(r->p->arena, "%.*s:%u-%u", n, text, t->port, t->port + more);
}

/* tcp/8000-8010 to web:9000-9010: port by port. */
static void shift_ports(struct resolver *r, struct nat *out, const struct ast_target *t)
{
	struct ival called = called_ports(out);

	if (!called.hi || !called.lo)
		diag_hint(r->diag,
			  diag_error(r->diag, t->span,
				     "to a range of ports goes one range of ports, the same of "
				     "each protocol"),
			  "write a statement for each range: tcp/8000-8010 to HOST:9000-9010");
	else if (called.hi - called.lo != (u128)(t->port_last - t->port))
		diag_hint(r->diag,
			  diag_error(r->diag, t->span,
				     "ranges go port by port and are of one length, here %u and "
				     "%u",
				     (unsigned)(called.hi - called.lo + 1),
				     t->port_last - t->port + 1u),
			  "write %s", range_of_length(r, t, (unsigned)(called.hi - called.lo)));
	if (called.lo == t->port) { /* they are kept */
		out->port = 0;
		return;
	}
	out->called = (uint16_t)called.lo;
	out->called_last = (uint16_t)called.hi;
}

uint16_t nat_port_last(const struct nat *n)
{
	return (uint16_t)(n->port + n->called_last - n->called);
}

static void add_targets(struct resolver *r, const struct ast_nat *n, struct nat *out,
			const struct ast_target *t)
{
	struct ivset v4 = {0}, v6 = {0};
	struct suffixed_list suffixed = {0};

	if (refuse_runtime(r, &t->item, n->kind))
		return;
	resolve_item_addrs(r, &t->item, &v4, &v6, &suffixed, NULL);
	if (suffixed.n && n->q.family != FAM_IP4) {
		refuse_suffix(r, t->item.span, span_text(r->arena, t->item.span),
			      n->kind == NAT_DNAT);
		return;
	}
	of_family(r, n, t, &v4, &v6, &suffixed);
	if (n->kind == NAT_DNAT) {
		for (size_t i = 0; i < v4.n + v6.n; i++) {
			struct ival iv = i < v4.n ? v4.v[i] : v6.v[i - v4.n];

			if (iv.lo != iv.hi) {
				diag_error(r->diag, t->span,
					   "dnat goes to hosts, not to a network");
				break;
			}
			if (n->hairpin && !n->hairpin_zones.items.n)
				note_hairpin_zone(r, out, i < v4.n ? FAM_IP4 : FAM_IP6, iv.lo);
		}
	}
	for (size_t i = 0; i < v4.n + v6.n; i++) {
		struct nat_targets *to = i < v4.n ? &out->to4 : &out->to6;

		vec_push(r->arena, &to->to, i < v4.n ? v4.v[i] : v6.v[i - v4.n]);
		vec_push(r->arena, &to->names, span_text(r->arena, t->item.span));
		vec_push(r->arena, &to->weights, t->weight ? t->weight : 1);
	}
	if (t->port && out->port && out->port != t->port)
		diag_error(r->diag, t->span, "all targets of one rule must have the same port");
	if (t->port)
		out->port = t->port;
	if (t->port_last)
		shift_ports(r, out, t);
}

static void add_parts(struct resolver *r, const struct ast_nat *n, struct nat *out)
{
	struct nat_part part = {.text = ""};

	for (size_t i = 0; i < n->services.n; i++) {
		struct buf text = {0};

		ast_print_service(&text, &n->services.v[i]);
		part = (struct nat_part){.text = arena_strdup(r->arena, buf_str(&text))};
		buf_free(&text);
		resolve_services(r, &n->services.v[i], 1, &part.services);
		resolve_from(r, &n->q, &n->services.v[i], 1, &part.services);
		vec_push(r->arena, &out->parts, part);
	}
	if (n->services.n)
		return;
	part.services.any = true;
	vec_push(r->arena, &out->parts, part);
}

static bool only_ports(const struct services *s)
{
	return !s->any && !s->protocols.n && !services_have_icmp(s, FAM_NONE);
}

/* Weights count per family: one target gets all, whatever its weight. */
static void weigh(struct nat_targets *to)
{
	if (to->to.n == 1)
		to->weights.v[0] = 1;
}

/* What chooses among targets, where there is a choice. */
static void check_choice(struct resolver *r, const struct ast_nat *n, const struct nat *out)
{
	bool weighted = false;

	for (size_t i = 0; i < n->targets.n; i++)
		weighted |= n->targets.v[i].weight != 0;
	if (out->to4.to.n > 1 || out->to6.to.n > 1) {
		if (out->called)
			diag_hint(r->diag,
				  diag_error(r->diag, n->targets.v[0].span,
					     "shifted ports go to one target of each family"),
				  "several can keep the ports, or share one");
		return;
	}
	if (n->by_source || weighted)
		diag_hint(r->diag,
			  diag_error(r->diag, n->targets.v[0].span,
				     "'%s' chooses among several targets of a family, and here is "
				     "one",
				     n->by_source ? "by source" : "weight"),
			  "name several: to HOST, HOST");
}

/* How the source is chosen. */
static void check_options(struct resolver *r, const struct ast_nat *n, const struct nat *out)
{
	if (n->persistent_span.src && n->kind == NAT_MASQUERADE)
		diag_hint(r->diag,
			  diag_error(r->diag, n->persistent_span,
				     "masquerade has one address: there is nothing to choose"),
			  "of a range snat can: to LOW-HIGH persistent");
	if (n->ports_span.src && n->services.n && !only_ports(&out->services))
		diag_hint(r->diag,
			  diag_error(r->diag, n->ports_span,
				     "a port can only be rewritten where the services have ports"),
			  "without services those that have ports get one of these");
}

static void check_nat(struct resolver *r, const struct ast_stmt *s, const struct nat *out)
{
	const struct ast_nat *n = &s->nat;

	if (out->port && !only_ports(&out->services))
		diag_hint(r->diag,
			  diag_error(r->diag, s->span,
				     "a port can only be rewritten where the services have ports"),
			  "name them: tcp/443, or udp/5060");
	if (n->kind == NAT_SNAT && (out->to4.to.n > 1 || out->to6.to.n > 1))
		diag_hint(r->diag,
			  diag_error(r->diag, s->span,
				     "snat goes to one address or one range of each family"),
			  "write LOW-HIGH");
	check_choice(r, n, out);
	check_options(r, n, out);
	if (n->hairpin && !out->hairpin_zones.n && r->diag->nerrors == 0)
		diag_hint(r->diag,
			  diag_error(r->diag, s->span,
				     "hairpin: no zone has a network that holds the target"),
			  "add the target's network to its zone: network 192.168.1.0/24; or name "
			  "the zones: hairpin lan");
}

/* The services; also where the only word behind TO is one that the policy calls a service. */
static void resolve_nat_services(struct resolver *r, struct ast_nat *n, struct nat *out)
{
	struct ast_service named = {
		.span = n->option.span, .kind = SERVICE_NAME, .name = n->option};

	if (n->option.s && map_get(&r->services, n->option.s)) {
		vec_push(r->arena, &n->services, named);
		n->random = false;
		n->persistent_span.src = NULL;
	}
	resolve_services(r, n->services.v, n->services.n, &out->services);
}

void resolve_nat(struct resolver *r, const struct ast_stmt *s)
{
	struct ast_nat named = s->nat;
	const struct ast_nat *n = &named;
	struct nat out = {.kind = n->kind,
			  .port = n->port,
			  .hairpin = n->hairpin,
			  .family = n->q.family,
			  .has_mark = n->q.mark_span.src != NULL,
			  .mark = n->q.mark,
			  .mark_mask = n->q.mark_mask,
			  .when = resolve_times(r, &n->q, false),
			  .span = s->span};
	unsigned errors = r->diag->nerrors;
	struct buf text = {0};

	resolve_endpoint(r, &n->from, &out.from, n->kind == NAT_NETMAP ? SIDE_BOTH : SIDE_FROM);
	resolve_endpoint(r, &n->to, &out.to, n->kind == NAT_NETMAP ? SIDE_BOTH : SIDE_TO);
	check_destination(r, &out.to);
	check_broadcast(r, &out.to, out.family);
	name_hairpin_zones(r, n, &out);
	resolve_nat_services(r, &named, &out);
	resolve_from(r, &n->q, n->services.v, n->services.n, &out.services);
	out.by_source = n->by_source;
	out.random = n->random;
	out.persistent = n->persistent_span.src;
	out.ports_first = n->ports_first;
	out.ports_last = n->ports_last;
	if (n->kind == NAT_DNAT || n->kind == NAT_REDIRECT)
		resolve_before_routing(r, nat_name(n->kind), &out.to);
	else if (n->kind != NAT_NONE)
		check_source_from(r, n, &out.to);
	if (n->kind != NAT_DNAT && n->kind != NAT_REDIRECT)
		check_ipsec_from(r, n, &out.from);
	for (size_t i = 0; i < n->targets.n; i++)
		add_targets(r, n, &out, &n->targets.v[i]);
	weigh(&out.to4);
	weigh(&out.to6);
	check_nat(r, s, &out);
	if (!r->diag->nerrors)
		add_parts(r, n, &out);
	ast_print_stmt_line(&text, s);
	out.text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	if (n->kind == NAT_NETMAP)
		resolve_netmap(r, n, &out);
	else
		vec_push(r->arena, &r->p->nats, out);
	if (n->allow_span.src && r->diag->nerrors == errors)
		resolve_nat_rule(r, s, &out);
}

void resolve_clamp(struct resolver *r, const struct ast_stmt *s)
{
	struct clamp out = {.mss = s->clamp.mss, .span = s->span};
	struct buf text = {0};

	resolve_endpoint(r, &s->clamp.from, &out.from, SIDE_BOTH);
	resolve_endpoint(r, &s->clamp.to, &out.to, SIDE_BOTH);
	check_destination(r, &out.to);
	ast_print_stmt_line(&text, s);
	out.text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	vec_push(r->arena, &r->p->clamps, out);
}
