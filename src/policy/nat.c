/* SPDX-License-Identifier: GPL-2.0-or-later
 * masquerade, snat, dnat, redirect, no-nat and clamp-mss statements -> resolved ones.
 */
#include <string.h>

#include "policy/resolve.h"
#include "policy/routing.h"

void resolve_before_routing(struct resolver *r, const char *what, const struct endpoint *to)
{
	for (size_t i = 0; i < to->items.n; i++) {
		const struct place_item *item = &to->items.v[i];

		if (item->at != AT_ZONE && item->at != AT_ZONES && item->at != AT_GROUP &&
		    !item->but.n)
			continue;
		diag_hint(r->diag,
			  diag_error(r->diag, item->span,
				     "%s happens before routing, when the zone that a packet goes "
				     "to is not yet known",
				     what),
			  "write self (any address of this machine), an address, or any");
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

/* hairpin lan, guest: those alone. */
static void name_hairpin_zones(struct resolver *r, const struct ast_nat *n, struct nat *out)
{
	struct endpoint named = {0};

	resolve_endpoint(r, &n->hairpin_zones, &named);
	for (size_t i = 0; i < named.items.n; i++) {
		const struct place_item *item = &named.items.v[i];

		if (item->addrs.all && item->at != AT_ANY && item->at != AT_SELF)
			for (size_t z = 0; z < r->p->zones.n; z++) {
				if (item_at(item, (int)z))
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
		      struct ivset *v4, struct ivset *v6)
{
	bool some = v4->n || v6->n;

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

static void add_targets(struct resolver *r, const struct ast_nat *n, struct nat *out,
			const struct ast_target *t)
{
	struct ivset v4 = {0}, v6 = {0};

	resolve_item_addrs(r, &t->item, &v4, &v6);
	of_family(r, n, t, &v4, &v6);
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
	}
	if (t->port && out->port && out->port != t->port)
		diag_error(r->diag, t->span, "all targets of one rule must have the same port");
	if (t->port)
		out->port = t->port;
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
	if (n->hairpin && !out->hairpin_zones.n && r->diag->nerrors == 0)
		diag_hint(r->diag,
			  diag_error(r->diag, s->span,
				     "hairpin: no zone has a network that holds the target"),
			  "add the target's network to its zone: network 192.168.1.0/24; or name "
			  "the zones: hairpin lan");
}

void resolve_nat(struct resolver *r, const struct ast_stmt *s)
{
	const struct ast_nat *n = &s->nat;
	struct nat out = {.kind = n->kind,
			  .port = n->port,
			  .hairpin = n->hairpin,
			  .family = n->q.family,
			  .has_mark = n->q.mark_span.src != NULL,
			  .mark = n->q.mark,
			  .mark_mask = n->q.mark_mask,
			  .span = s->span};
	unsigned errors = r->diag->nerrors;
	struct buf text = {0};

	resolve_endpoint(r, &n->from, &out.from);
	resolve_endpoint(r, &n->to, &out.to);
	name_hairpin_zones(r, n, &out);
	resolve_services(r, n->services.v, n->services.n, &out.services);
	resolve_from(r, &n->q, n->services.v, n->services.n, &out.services);
	if (n->kind == NAT_DNAT || n->kind == NAT_REDIRECT)
		resolve_before_routing(r, nat_name(n->kind), &out.to);
	else if (n->kind != NAT_NONE)
		check_source_from(r, n, &out.to);
	for (size_t i = 0; i < n->targets.n; i++)
		add_targets(r, n, &out, &n->targets.v[i]);
	check_nat(r, s, &out);
	if (!r->diag->nerrors)
		add_parts(r, n, &out);
	ast_print_stmt_line(&text, s);
	out.text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	vec_push(r->arena, &r->p->nats, out);
	if (n->allow_span.src && r->diag->nerrors == errors)
		resolve_nat_rule(r, s, &out);
}

void resolve_clamp(struct resolver *r, const struct ast_stmt *s)
{
	struct clamp out = {.mss = s->clamp.mss, .span = s->span};
	struct buf text = {0};

	resolve_endpoint(r, &s->clamp.from, &out.from);
	resolve_endpoint(r, &s->clamp.to, &out.to);
	ast_print_stmt_line(&text, s);
	out.text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	vec_push(r->arena, &r->p->clamps, out);
}
