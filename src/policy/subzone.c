/* SPDX-License-Identifier: GPL-2.0-or-later
 * Zones within zones: what makes them, and the places that they part a zone into. A packet is in
 * any number of a zone's sub-zones; each set of them that something can be in is a place.
 */
#include <string.h>

#include "policy/resolve.h"

#define PLACES_MAX 1024 /* each is a column of the ruleset */

/* ---- places ---- */

uint64_t place_parts(const struct policy *p, int place)
{
	if (place >= (int)p->zones.n)
		return p->places.v[place - (int)p->zones.n].in;
	if (place >= 0 && p->zones.v[place].sub.is)
		return (uint64_t)1 << p->zones.v[place].sub.nth;
	return 0;
}

int place_root(const struct policy *p, int place)
{
	if (place >= (int)p->zones.n)
		return p->places.v[place - (int)p->zones.n].root;
	return place >= 0 && p->zones.v[place].sub.is ? p->zones.v[place].sub.within : place;
}

bool place_is_in(const struct policy *p, int place, int zone)
{
	const struct subzone *sub = zone >= 0 ? &p->zones.v[zone].sub : NULL;

	if (!sub || !sub->is)
		return place_root(p, place) == zone;
	return place_root(p, place) == sub->within && place_parts(p, place) >> sub->nth & 1;
}

int place_end(const struct policy *p)
{
	return (int)(p->zones.n + p->places.n);
}

const struct zone *place_subzone(const struct policy *p, int root, unsigned nth)
{
	const struct zone *z;

	vec_each (&p->zones, z)
		if (z->sub.is && z->sub.within == root && z->sub.nth == nth)
			return z;
	return NULL;
}

int place_with(const struct policy *p, int root, uint64_t in)
{
	if (!in)
		return root;
	for (int i = 0; i < place_end(p); i++)
		if (place_root(p, i) == root && place_parts(p, i) == in &&
		    (i >= (int)p->zones.n || p->zones.v[i].sub.alone))
			return i;
	return PLACE_NONE;
}

bool place_is(const struct policy *p, int place)
{
	return place_with(p, place_root(p, place), place_parts(p, place)) == place;
}

/* Whether nothing but its networks is asked. */
static bool by_network(const struct subzone *s)
{
	return s->has_network && !s->ipsec && !s->has_mark && !s->has_user && !s->has_group;
}

bool place_may_hold(const struct policy *p, int place, enum family fam, u128 addr)
{
	uint64_t in = place_parts(p, place);
	const struct zone *z;

	if (!place_is(p, place))
		return false;
	for (unsigned n = 0; (z = place_subzone(p, place_root(p, place), n)); n++) {
		bool held = ivset_contains(fam == FAM_IP4 ? &z->net4 : &z->net6, addr);

		if (in >> n & 1 ? z->sub.has_network && !held : by_network(&z->sub) && held)
			return false;
	}
	return true;
}

/* Whether these bits are enough. */
static bool told_by(const struct place_item *i, int root, uint64_t bits)
{
	const struct policy *p = i->of;

	for (int k = PLACE_SELF; k < place_end(p); k++)
		for (int m = PLACE_SELF; m < k; m++)
			if (place_root(p, k) == root && place_root(p, m) == root &&
			    !((place_parts(p, k) ^ place_parts(p, m)) & bits) &&
			    item_at(i, k) != item_at(i, m) && place_is(p, k) && place_is(p, m))
				return false;
	return true;
}

uint64_t item_parted_by(const struct place_item *i, int root)
{
	uint64_t bits = 0;
	const struct zone *z;

	if (!i->of || !place_subzone(i->of, root, 0))
		return 0;
	for (unsigned n = 0; (z = place_subzone(i->of, root, n)); n++)
		bits |= (uint64_t)1 << n;
	for (unsigned n = 0; (z = place_subzone(i->of, root, n)); n++)
		if (told_by(i, root, bits & ~((uint64_t)1 << n)))
			bits &= ~((uint64_t)1 << n);
	return bits;
}

/* ---- which sets of sub-zones something can be in ---- */

struct region { /* of addresses, on one side */
	struct ivset v4, v6;
};

struct parting {
	struct resolver *r;
	int root;
	bool full; /* too many places; it was said */
};

/* Other values are asked of one mark or user. */
static bool contradict(const struct subzone *x, const struct subzone *y)
{
	return (x->has_mark && y->has_mark && (x->mark ^ y->mark) & x->mask & y->mask) ||
	       (x->has_user && y->has_user && x->uid != y->uid) ||
	       (x->has_group && y->has_group && x->gid != y->gid);
}

static void add_place(struct parting *part, uint64_t in)
{
	struct policy *p = part->r->p;
	struct zone *z;

	if (!in)
		return;
	vec_each (&p->zones, z) {
		if (!z->sub.is || z->sub.within != part->root || in != (uint64_t)1 << z->sub.nth)
			continue;
		z->sub.alone = true;
		return;
	}
	if (p->places.n >= PLACES_MAX) {
		if (!part->full)
			diag_hint(part->r->diag,
				  diag_error(part->r->diag, place_subzone(p, part->root, 0)->span,
					     "sub-zones of one zone overlap in too many ways"),
				  "make their networks disjoint");
		part->full = true;
		return;
	}
	vec_push(part->r->arena, &p->places, ((struct place){.root = part->root, .in = in}));
}

static void part_at(struct parting *part, unsigned nth, uint64_t in, struct region left)
{
	struct arena *a = part->r->arena;
	const struct zone *z = place_subzone(part->r->p, part->root, nth);
	struct region inside = left, outside = left;
	bool may = z && !z->sub.absent;

	if (part->full || !(left.v4.n + left.v6.n))
		return;
	if (!z) {
		add_place(part, in);
		return;
	}
	for (unsigned k = 0; k < nth; k++)
		if (in >> k & 1)
			may &= !contradict(&z->sub, &place_subzone(part->r->p, part->root, k)->sub);
	if (z->sub.has_network) {
		inside.v4 = ivset_intersect(a, &left.v4, &z->net4);
		inside.v6 = ivset_intersect(a, &left.v6, &z->net6);
	}
	if (by_network(&z->sub)) {
		outside.v4 = ivset_subtract(a, &left.v4, &z->net4);
		outside.v6 = ivset_subtract(a, &left.v6, &z->net6);
	}
	part_at(part, nth + 1, in, outside);
	if (may)
		part_at(part, nth + 1, in | (uint64_t)1 << nth, inside);
}

static void part_zone(struct resolver *r, int root)
{
	struct parting part = {.r = r, .root = root};
	struct region all = {ivset_one(r->arena, 0, u128_max(32)),
			     ivset_one(r->arena, 0, u128_max(128))};

	if (place_subzone(r->p, root, 0))
		part_at(&part, 0, 0, all);
}

/* ---- what makes them ---- */

static void no_interfaces(struct resolver *r, const struct ast_zone *ast)
{
	if (ast->interfaces.n)
		diag_hint(r->diag,
			  diag_error(r->diag, ast->interfaces.v[0].span,
				     "a sub-zone has the interfaces of the zone that it is within"),
			  "say by what it is told apart: network, ipsec, mark, user or group");
	else if (!ast->networks.n && !ast->ipsec_span.src && !ast->mark_span.src && !ast->user.s &&
		 !ast->group.s)
		diag_hint(r->diag,
			  diag_error(r->diag, ast->name.span,
				     "nothing says what of '%s' is in zone '%s'", ast->within.s,
				     ast->name.s),
			  "zone %s { within %s; network 192.168.1.64/26 }", ast->name.s,
			  ast->within.s);
}

/* What only packets of this machine have, and what they never have. */
static void fitting(struct resolver *r, const struct ast_zone *ast, bool self)
{
	struct ast_word process = ast->user.s ? ast->user : ast->group;

	if (process.s && !self)
		diag_hint(r->diag,
			  diag_error(r->diag, process.span,
				     "only packets that this machine sends have a user or a group"),
			  "write: within self");
	if (self && ast->ipsec_span.src)
		diag_error(r->diag, ast->ipsec_span,
			   "what this machine sends has not come through IPsec");
}

/* The zone of `within`; PLACE_NONE: reported. */
static int parent(struct resolver *r, const struct ast_zone *z, struct ast_word w)
{
	struct decl *d;

	if (!strcmp(w.s, "self"))
		return PLACE_SELF;
	d = resolve_name(r, w, "zone");
	if (!d)
		return PLACE_NONE;
	if (d->kind != DECL_ZONE) {
		diag_error(r->diag, w.span, "'%s' is a %s; 'within' takes a zone", d->name,
			   decl_kind(d));
		return PLACE_NONE;
	}
	if (r->zone_asts.v[d->zone] == z) {
		diag_hint(r->diag,
			  diag_error(r->diag, w.span, "'%s' cannot be within itself", d->name),
			  "name the zone that has its interfaces");
		return PLACE_NONE;
	}
	if (r->zone_asts.v[d->zone]->within.s) {
		diag_hint(r->diag,
			  diag_error(r->diag, w.span, "'%s' is a sub-zone itself", d->name),
			  "write within %s, and the conditions of both",
			  r->zone_asts.v[d->zone]->within.s);
		return PLACE_NONE;
	}
	return d->zone;
}

/* What another zone says of itself is no matter of what this one is told apart by. */
static bool is_named(const struct resolver *r, struct ival v, enum family fam)
{
	for (size_t i = 0; i < r->p->zones.n; i++) {
		const struct ast_zone *z = r->zone_asts.v[i];

		for (size_t k = 0; !z->within.s && k < z->networks.n; k++)
			if (z->networks.v[k].family == fam && z->networks.v[k].addr.lo == v.lo &&
			    z->networks.v[k].addr.hi == v.hi)
				return true;
	}
	return false;
}

/* Its networks are where its zone is, for the routes. */
static void lend_networks(struct resolver *r, struct ivset *lent, const struct ivset *nets,
			  enum family fam)
{
	for (size_t i = 0; i < nets->n; i++)
		if (!is_named(r, nets->v[i], fam))
			vec_push(r->arena, lent, nets->v[i]);
}

static void resolve_subzone(struct resolver *r, struct zone *z, const struct ast_zone *ast)
{
	const struct zone *x;
	int within = parent(r, ast, ast->within);

	no_interfaces(r, ast);
	if (within == PLACE_NONE)
		return;
	fitting(r, ast, within == PLACE_SELF);
	z->sub = (struct subzone){.is = true,
				  .within = within,
				  .ipsec = ast->ipsec_span.src != NULL,
				  .has_network = ast->networks.n,
				  .has_mark = ast->mark_span.src != NULL,
				  .mark = ast->mark,
				  .mask = ast->mask,
				  .has_user = ast->user.s != NULL,
				  .has_group = ast->group.s != NULL};
	resolve_account(r, z, ast->user, false);
	resolve_account(r, z, ast->group, true);
	vec_each (&r->p->zones, x)
		z->sub.nth += x < z && x->sub.is && x->sub.within == within;
	if (z->sub.nth >= 63)
		diag_error(r->diag, z->span, "a zone has at most 63 sub-zones");
	if (within >= 0)
		r->p->zones.v[within].used = true;
}

/* Those of sub-zones count for their zones: nothing is routed to a part of one. */
static void move_networks(struct resolver *r)
{
	struct zone *z;

	vec_each (&r->p->zones, z) {
		struct zone *to = &r->p->zones.v[z->sub.within];

		if (z->sub.is && z->sub.within >= 0) {
			lend_networks(r, &to->routes4, &z->routes4, FAM_IP4);
			lend_networks(r, &to->routes6, &z->routes6, FAM_IP6);
		}
		if (z->sub.is)
			z->routes4 = z->routes6 = (struct ivset){0};
	}
}

void resolve_subzones(struct resolver *r)
{
	unsigned errors = r->diag->nerrors;

	for (size_t i = 0; i < r->p->zones.n; i++)
		if (r->zone_asts.v[i]->within.s)
			resolve_subzone(r, &r->p->zones.v[i], r->zone_asts.v[i]);
	move_networks(r);
	if (r->diag->nerrors != errors)
		return;
	part_zone(r, PLACE_SELF);
	for (size_t i = 0; i < r->p->zones.n; i++)
		if (!r->p->zones.v[i].sub.is)
			part_zone(r, (int)i);
}
