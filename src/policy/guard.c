/* SPDX-License-Identifier: GPL-2.0-or-later
 * antispoof and early drop statements -> resolved ones; which addresses belong to which zone.
 */
#include "policy/guard.h"

#include <stdlib.h>

#include "policy/resolve.h"
#include "policy/routing.h"

/* ---- which zone an address belongs to ---- */

struct bounds {
	u128 *v;
	size_t n, cap;
};

static int bound_cmp(const void *a, const void *b)
{
	const u128 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool same_owners(const struct routing_zones *x, const struct routing_zones *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i] != y->v[i])
			return false;
	return true;
}

/* Where something begins that the address before is not in. */
static struct bounds bounds_of(struct arena *a, const struct policy *p, enum family fam,
			       const struct ivset *always)
{
	u128 max = u128_max(fam == FAM_IP4 ? 32 : 128);
	struct bounds b = {0};

	for (size_t z = 0; z <= p->zones.n; z++) {
		const struct ivset *nets = always;

		if (z < p->zones.n)
			nets = fam == FAM_IP4 ? &p->zones.v[z].routes4 : &p->zones.v[z].routes6;
		for (size_t i = 0; i < nets->n; i++) {
			vec_push(a, &b, nets->v[i].lo);
			if (nets->v[i].hi < max)
				vec_push(a, &b, nets->v[i].hi + 1);
		}
	}
	if (b.n)
		qsort(b.v, b.n, sizeof(*b.v), bound_cmp);
	return b;
}

void guard_owners(struct arena *a, const struct policy *p, enum family fam, struct owners *out)
{
	u128 max = u128_max(fam == FAM_IP4 ? 32 : 128);
	struct ivset always = guard_always(a, fam);
	struct bounds b = bounds_of(a, p, fam, &always);

	for (size_t i = 0; i < b.n; i++) {
		struct owned x = {.addrs = {b.v[i], i + 1 < b.n ? b.v[i + 1] - 1 : max}};
		struct owned *last = out->n ? &out->v[out->n - 1] : NULL;

		if (i + 1 < b.n && b.v[i + 1] == b.v[i])
			continue;
		x.always = ivset_contains(&always, b.v[i]);
		if (!x.always)
			routing_zones(a, p, fam, b.v[i], &x.zones);
		if (!x.always && !x.zones.n)
			continue;
		if (last && last->always == x.always && last->addrs.hi + 1 == x.addrs.lo &&
		    same_owners(&last->zones, &x.zones))
			last->addrs.hi = x.addrs.hi;
		else
			vec_push(a, out, x);
	}
}

struct ivset guard_always(struct arena *a, enum family fam)
{
	struct ivset s = ivset_one(a, 0, 0);

	if (fam == FAM_IP4)
		vec_push(a, &s, ((struct ival){0xa9fe0000, 0xa9feffff}));
	else
		vec_push(a, &s, ((struct ival){(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1}));
	return s;
}

static bool names_zone(const struct guard *g, int zone)
{
	for (size_t i = 0; i < g->zones.n; i++)
		if (g->zones.v[i] == zone)
			return true;
	return false;
}

bool guard_holds(const struct guard *g, const struct policy *p, int zone, enum family fam)
{
	return names_zone(g, zone) &&
	       (fam == FAM_IP4 ? p->zones.v[zone].net4.n : p->zones.v[zone].net6.n);
}

/* ---- statements ---- */

static void add_zone(struct resolver *r, struct guard *out, int zone, struct span at)
{
	const struct zone *z = &r->p->zones.v[zone];
	const struct guard *g;

	if (!z->net4.n && !z->net6.n) {
		diag_hint(r->diag,
			  diag_error(r->diag, at,
				     "zone '%s' names no network: nothing says which sources may "
				     "come from there",
				     z->name),
			  "antispoof any by route asks the routes; or add to the zone: network "
			  "192.168.1.0/24");
		return;
	}
	if (names_zone(out, zone))
		diag_error(r->diag, at, "zone '%s' is named twice", z->name);
	vec_each (&r->p->guards, g)
		if (names_zone(g, zone))
			diag_note(r->diag,
				  diag_error(r->diag, at, "zone '%s' has an antispoof already",
					     z->name),
				  g->rule.span, "here");
	vec_push(r->arena, &out->zones, zone);
}

static bool is_part(const struct resolver *r, int zone)
{
	return zone >= 0 && r->p->zones.v[zone].sub.is;
}

static void refuse_part(struct resolver *r, const struct place_item *item, int zone)
{
	const struct zone *z = &r->p->zones.v[zone];
	struct diag_record *rec = diag_error(
		r->diag, item->span,
		"antispoof goes by interfaces, and sub-zone '%s' has none of its own", z->name);

	if (z->sub.within >= 0)
		diag_hint(r->diag, rec, "name the zone that it is within: antispoof %s",
			  r->p->zones.v[z->sub.within].name);
}

static void network_item(struct resolver *r, struct guard *out, const struct place_item *item)
{
	bool named = item->at == AT_ZONE || item->at == AT_ZONES || item->at == AT_GROUP;

	if (item->at == AT_ZONE && is_part(r, item->zone)) {
		refuse_part(r, item, item->zone);
		return;
	}
	for (size_t i = 0; item->at == AT_GROUP && i < item->zones.n; i++)
		if (is_part(r, item->zones.v[i]))
			refuse_part(r, item, item->zones.v[i]);
	for (size_t z = 0; named && item->addrs.all && z < r->p->zones.n; z++) {
		const struct zone *zone = &r->p->zones.v[z];

		if (zone->sub.is) /* it has no interfaces by which something might arrive */
			continue;
		/* of all zones, those that say what is theirs */
		if (item_at(item, (int)z) && (item->at != AT_ZONES || zone->net4.n || zone->net6.n))
			add_zone(r, out, (int)z, item->span);
	}
	if (named && item->addrs.all)
		return;
	diag_hint(r->diag,
		  diag_error(r->diag, item->span,
			     "antispoof goes by the networks of zones; this names none"),
		  item->at == AT_ANY && item->addrs.all
			  ? "write: antispoof any by route"
			  : "name zones: the networks that each declares are what it asks for");
}

static void check_items(struct resolver *r, struct guard *out)
{
	const struct place_item *item;

	vec_each (&out->from.items, item) {
		if (out->kind == GUARD_NETWORK)
			network_item(r, out, item);
		else if (item_is_self(item))
			diag_error(r->diag, item->span,
				   "%s is about packets that arrive, and self sends them",
				   out->kind == GUARD_ROUTE ? "antispoof" : "early drop");
		else if (out->kind == GUARD_ROUTE && !item->addrs.all)
			diag_hint(r->diag,
				  diag_error(r->diag, item->span,
					     "by route asks for the source of every packet; it "
					     "takes no addresses"),
				  "write: antispoof any by route, or name zones");
	}
}

void resolve_guard(struct resolver *r, const struct ast_stmt *s)
{
	static const char *const tags[] = {[GUARD_EARLY] = "early",
					   [GUARD_NETWORK] = "antispoof",
					   [GUARD_ROUTE] = "antispoof"};
	struct guard out = {.kind = s->guard.kind,
			    .loose = s->guard.loose,
			    .rule = {.verb = VERB_DROP, .span = s->span, .verb_span = s->span}};
	struct buf text = {0};

	resolve_endpoint(r, &s->guard.from, &out.from, SIDE_FROM);
	check_items(r, &out);
	if (out.kind == GUARD_ROUTE)
		check_by_mark(r, &out.from, "antispoof by route");
	resolve_log(&s->guard.q.log, &out.rule.q.acts.log);
	if (!out.rule.q.acts.log.tag)
		out.rule.q.acts.log.tag = tags[out.kind];
	ast_print_stmt_line(&text, s);
	out.rule.text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	number_twin(r, &out.rule);
	vec_push(r->arena, &r->p->guards, out);
}

/* ---- warnings ---- */

static bool has_global(const struct ivset *s)
{
	struct ival global = {(u128)0x2000 << 112, ((u128)0x4000 << 112) - 1}; /* RFC 4291 */
	struct ivset g = {.v = &global, .n = 1};

	return ivset_overlaps(s, &g);
}

/* Whoever names fd00::/8 alone for a zone that has global addresses, too, cuts it off from IPv6. */
static void warn_no_global(const struct policy *p, struct diag *diag, const struct guard *g)
{
	bool known = p->own4.n || p->own6.n;

	for (size_t i = 0; i < g->zones.n; i++) {
		const struct zone *z = &p->zones.v[g->zones.v[i]];

		if (z->net6.n && !has_global(&z->net6) && (!known || has_global(&p->own6)))
			diag_hint(diag,
				  diag_warning(diag, g->rule.span,
					       "zone '%s' names no global IPv6 network: hosts "
					       "there that have a global address are dropped",
					       z->name),
				  "add to the zone the prefix that the provider delegates: network "
				  "2001:db8:1::/64");
	}
}

static bool adds_to(const struct acts *a, const struct dynset *set)
{
	const struct set_change *c;

	vec_each (&a->changes, c)
		if (c->set == set && !c->remove)
			return true;
	return false;
}

static void warn_filled(const struct policy *p, struct diag *diag, const struct guard *g)
{
	const struct place_item *item;
	const struct rule *r;

	vec_each (&g->from.items, item)
		vec_each (&p->rules, r)
			if (item->addrs.dyn && (adds_to(&r->q.acts, item->addrs.dyn) ||
						adds_to(&r->otherwise.acts, item->addrs.dyn))) {
				diag_note(diag,
					  diag_warning(diag, item->span,
						       "packets fill set '%s': whoever forges a "
						       "source chooses whom this cuts off, running "
						       "connections too",
						       item->addrs.dyn->name),
					  r->span, "this rule adds to it");
				break;
			}
}

void guard_warn(const struct policy *p, struct diag *diag)
{
	const struct guard *g;

	vec_each (&p->guards, g) {
		warn_no_global(p, diag, g);
		if (g->kind == GUARD_EARLY)
			warn_filled(p, diag, g);
	}
}
