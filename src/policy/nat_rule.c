/* SPDX-License-Identifier: GPL-2.0-or-later
 * dnat … allow -> the rule that it stands for, written out: allow FROM -> TARGET@ITSZONE SERVICES.
 */
#include <string.h>

#include "policy/resolve.h"
#include "policy/routing.h"

/* Names the zones of an address that are not named yet. */
static void add_places(struct resolver *r, enum family fam, u128 addr, struct routing_zones *zones,
		       bool *here)
{
	struct routing_zones found = {0};

	if (routing_own(r->p, fam, addr)) {
		*here = true;
		return;
	}
	routing_zones(r->arena, r->p, fam, addr, &found);
	for (size_t i = 0; i < found.n; i++) {
		size_t k = 0;

		while (k < zones->n && zones->v[k] != found.v[i])
			k++;
		if (k == zones->n)
			vec_push(r->arena, zones, found.v[i]);
	}
}

static const char *zone_list(struct resolver *r, const struct routing_zones *zones)
{
	const char *text = "";

	for (size_t i = 0; i < zones->n; i++)
		text = arena_printf(r->arena, "%s%s%s", text, i ? ", " : "",
				    r->p->zones.v[zones->v[i]].name);
	return text;
}

/* The services as they are behind the translation. */
static void services(struct resolver *r, const struct ast_nat *ast, const struct nat *n,
		     struct ast_rule *out)
{
	static const char *const names[PORT_PROTOCOLS] = {"tcp", "udp", "sctp", "dccp", "udplite"};

	for (size_t i = 0; !n->port && i < ast->services.n; i++)
		vec_push(r->arena, &out->services, ast->services.v[i]);
	for (int i = 0; n->port && i < PORT_PROTOCOLS; i++) {
		struct span at = ast->allow_span;
		struct ast_service s = {.span = at,
					.kind = SERVICE_PORTS,
					.proto = {names[i], at},
					.lo = n->port,
					.hi = nat_port_last(n)};

		if (services_have_port(&n->services, i))
			vec_push(r->arena, &out->services, s);
	}
}

/* The rule to be written instead. */
static const char *by_hand(struct resolver *r, const struct ast_stmt *s, const struct nat *n,
			   const struct ast_target *t, const char *zone)
{
	struct ast_rule rule = {.verb = VERB_ALLOW, .from = s->nat.from, .q = s->nat.q};
	struct ast_item to = t->item;
	struct buf b = {0};
	const char *text;

	to.zone = (struct ast_word){zone, t->item.span};
	vec_push(r->arena, &rule.to.items, to);
	services(r, &s->nat, n, &rule);
	ast_print_rule(&b, &rule);
	text = arena_strdup(r->arena, buf_str(&b));
	buf_free(&b);
	return text;
}

/* All of them. */
static bool held(const struct zone *z, const struct ivset *v4, const struct ivset *v6)
{
	return ivset_covers(&z->net4, v4) && ivset_covers(&z->net6, v6);
}

/* Of the zone, the sub-zone that is told apart by networks which hold the target, of nested ones
 * the narrowest; the zone itself where there is none. */
static const char *part_of(const struct policy *p, int zone, const struct ivset *v4,
			   const struct ivset *v6)
{
	const struct zone *z, *best = NULL;

	for (unsigned n = 0; (z = place_subzone(p, zone, n)); n++)
		if (z->sub.has_network && !z->sub.has_mark && held(z, v4, v6) &&
		    (!best || held(best, &z->net4, &z->net6)))
			best = z;
	return best ? best->name : p->zones.v[zone].name;
}

/* The zone whose networks hold the target, of nested ones the narrowest. An address that no
 * network holds is where the target's others are. NULL: reported. */
static const char *place_of(struct resolver *r, const struct ast_stmt *s, const struct nat *n,
			    const struct ast_target *t)
{
	struct routing_zones zones = {0};
	struct ivset v4 = {0}, v6 = {0};
	struct suffixed_list suffixed = {0}; /* reported, or of IPv6 where only IPv4 is meant */
	struct diag_record *rec;
	bool here = false;

	resolve_item_addrs(r, &t->item, &v4, &v6, &suffixed, NULL);
	if (n->family == FAM_IP6)
		v4.n = 0;
	if (n->family == FAM_IP4)
		v6.n = 0;
	for (size_t i = 0; i < v4.n + v6.n; i++)
		add_places(r, i < v4.n ? FAM_IP4 : FAM_IP6,
			   i < v4.n ? v4.v[i].lo : v6.v[i - v4.n].lo, &zones, &here);
	if (zones.n + here == 1)
		return here ? "self" : part_of(r->p, zones.v[0], &v4, &v6);
	if (zones.n + here == 0) {
		rec = diag_error(r->diag, t->item.span,
				 "no zone has a network that holds this target, so 'allow' cannot "
				 "say where it is");
		diag_hint(r->diag, rec, "add its network to its zone, or write the rule: %s",
			  by_hand(r, s, n, t, "ZONE"));
		return NULL;
	}
	rec = diag_error(r->diag, t->item.span,
			 "this target is in the networks of more than one zone: %s%s",
			 here ? "self, " : "", zone_list(r, &zones));
	diag_note(r->diag, rec, s->nat.allow_span, "'allow' writes a rule for one");
	diag_hint(r->diag, rec, "write the rule instead of 'allow': %s",
		  by_hand(r, s, n, t, r->p->zones.v[zones.v[0]].name));
	return NULL;
}

static bool holds_item(const struct ast_endpoint *e, const struct ast_item *item)
{
	for (size_t i = 0; i < e->items.n; i++) {
		const struct ast_item *x = &e->items.v[i];

		if (x->kind != item->kind || x->but.n)
			continue;
		if (x->kind == ITEM_NAME
			    ? !strcmp(x->name.s, item->name.s)
			    : x->family == item->family && x->addr.lo == item->addr.lo &&
				      x->addr.hi == item->addr.hi)
			return true;
	}
	return false;
}

/* What `but` takes away is the rest of the list: items stand before it. */
static void add_source(struct resolver *r, struct ast_endpoint *out, struct ast_item item)
{
	struct ast_item last = out->items.v[out->items.n - 1];

	if (!last.but.n) {
		vec_push(r->arena, &out->items, item);
		return;
	}
	out->items.v[out->items.n - 1] = item;
	vec_push(r->arena, &out->items, last);
}

/* FROM, and with hairpin those that call from within. */
static void sources(struct resolver *r, const struct ast_stmt *s, const struct nat *n,
		    struct ast_endpoint *out)
{
	out->span = s->nat.from.span;
	for (size_t i = 0; i < s->nat.from.items.n; i++)
		vec_push(r->arena, &out->items, s->nat.from.items.v[i]);
	for (size_t i = 0; i < n->hairpin_zones.n; i++) {
		const char *zone = r->p->zones.v[n->hairpin_zones.v[i]].name;
		struct ast_item item = {
			.span = s->nat.allow_span, .kind = ITEM_NAME, .name = {zone, item.span}};
		bool there = holds_item(out, &item);

		for (size_t k = 0; k < n->from.items.n; k++)
			there |= n->from.items.v[k].addrs.all &&
				 item_at(&n->from.items.v[k], n->hairpin_zones.v[i]);
		if (!there)
			add_source(r, out, item);
	}
}

static bool targets(struct resolver *r, const struct ast_stmt *s, const struct nat *nat,
		    struct ast_endpoint *out)
{
	const struct ast_nat *n = &s->nat;

	out->span = span_join(n->targets.v[0].item.span, n->targets.v[n->targets.n - 1].item.span);
	for (size_t i = 0; i < n->targets.n; i++) {
		struct ast_item item = n->targets.v[i].item;
		const char *place;

		if (holds_item(out, &item))
			continue;
		place = place_of(r, s, nat, &n->targets.v[i]);
		if (!place)
			return false;
		item.zone = (struct ast_word){place, item.span};
		vec_push(r->arena, &out->items, item);
	}
	return true;
}

/* What the translation matches, its rule does, too. */
static void inherit(struct ast_qualifiers *q, const struct ast_qualifiers *from)
{
	if (!q->family) {
		q->family = from->family;
		q->family_span = from->family_span;
	}
	if (!q->mark_span.src) {
		q->mark_span = from->mark_span;
		q->mark = from->mark;
		q->mark_mask = from->mark_mask;
	}
	if (!q->hours_span.src) {
		q->hours_span = from->hours_span;
		q->hours_from = from->hours_from;
		q->hours_to = from->hours_to;
	}
	if (!q->days_span.src) {
		q->days_span = from->days_span;
		q->days = from->days;
	}
	if (!q->after_span.src) {
		q->after_span = from->after_span;
		q->after = from->after;
	}
	if (!q->until_span.src) {
		q->until_span = from->until_span;
		q->until = from->until;
	}
	if (!q->from_span.src) {
		q->from_span = from->from_span;
		q->from_ports.v = from->from_ports.v;
		q->from_ports.n = from->from_ports.n;
		q->from_ports.cap = from->from_ports.cap;
	}
}

void resolve_nat_rule(struct resolver *r, const struct ast_stmt *s, const struct nat *n)
{
	struct ast_stmt rule = {.kind = STMT_RULE, .span = s->span};
	size_t before = r->p->rules.n;

	rule.rule.verb = VERB_ALLOW;
	rule.rule.verb_span = s->nat.allow_span;
	rule.rule.q = *s->nat.allow;
	inherit(&rule.rule.q, &s->nat.q);
	sources(r, s, n, &rule.rule.from);
	services(r, &s->nat, n, &rule.rule);
	if (targets(r, s, n, &rule.rule.to))
		resolve_rule(r, &rule);
	if (r->p->rules.n > before)
		r->p->rules.v[before].of_dnat = true;
}
