/* SPDX-License-Identifier: GPL-2.0-or-later
 * Addresses -> what they are, and the zones they are in.
 */
#include "policy/routing.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "policy/known.h"

#define V6(byte) ((u128)(byte) << 120)

const struct routing_kind routing_kinds[ROUTING_KINDS] = {
	{FAM_IP4, {0, 0}, RTN_BROADCAST, false, false},
	{FAM_IP4, {0x7f000000, 0x7fffffff}, RTN_LOCAL, false, false},
	{FAM_IP4, {0xe0000000, 0xefffffff}, RTN_MULTICAST, true, true},
	{FAM_IP4, {0xffffffff, 0xffffffff}, RTN_BROADCAST, true, false},
	{FAM_IP6, {0, 0}, RTN_UNICAST, false, false},
	{FAM_IP6, {1, 1}, RTN_LOCAL, false, false},
	{FAM_IP6, {V6(0xff), V6(0xff) | (V6(1) - 1)}, RTN_MULTICAST, true, true},
};

struct ivset routing_stays(struct arena *a, enum family fam, bool out)
{
	struct ivset s = {0};

	for (size_t i = 0; i < ROUTING_KINDS; i++) {
		const struct routing_kind *k = &routing_kinds[i];

		if (k->family == fam && (out ? k->type == RTN_LOCAL : !k->forwarded))
			vec_push(a, &s, k->addrs);
	}
	ivset_normalise(&s);
	return s;
}

struct ivset routing_broadcasts(struct arena *a, const struct policy *p)
{
	struct ivset s = {0};
	const struct zone *z;

	for (size_t i = 0; i < ROUTING_KINDS; i++)
		if (routing_kinds[i].type == RTN_BROADCAST)
			vec_push(a, &s, routing_kinds[i].addrs);
	vec_each (&p->zones, z)
		for (size_t i = 0; i < z->routes4.n; i++)
			if (z->routes4.v[i].hi - z->routes4.v[i].lo >= 3) /* /30 or wider */
				vec_push(a, &s,
					 ((struct ival){z->routes4.v[i].hi, z->routes4.v[i].hi}));
	ivset_normalise(&s);
	return s;
}

static bool holds(struct ival v, u128 addr)
{
	return v.lo <= addr && addr <= v.hi;
}

static bool around(struct ival wide, struct ival narrow)
{
	return wide.lo <= narrow.lo && narrow.hi <= wide.hi &&
	       (wide.lo != narrow.lo || wide.hi != narrow.hi);
}

static const struct ivset *routes(const struct zone *z, enum family fam)
{
	return fam == FAM_IP4 ? &z->routes4 : &z->routes6;
}

/* Whether another network holds the address, too, and is within v. */
static bool outdone(const struct policy *p, enum family fam, struct ival v, u128 addr)
{
	const struct zone *z;

	vec_each (&p->zones, z) {
		const struct ivset *nets = routes(z, fam);

		for (size_t i = 0; i < nets->n; i++)
			if (holds(nets->v[i], addr) && around(v, nets->v[i]))
				return true;
	}
	return false;
}

static bool is_network(const struct policy *p, enum family fam, struct ival v)
{
	const struct zone *z;

	vec_each (&p->zones, z)
		for (size_t i = 0; i < routes(z, fam)->n; i++)
			if (routes(z, fam)->v[i].lo == v.lo && routes(z, fam)->v[i].hi == v.hi)
				return true;
	return false;
}

void routing_zones(struct arena *a, const struct policy *p, enum family fam, u128 addr,
		   struct routing_zones *out)
{
	for (size_t z = 0; z < p->zones.n; z++) {
		const struct ivset *nets = routes(&p->zones.v[z], fam);
		bool in = false;

		for (size_t i = 0; !in && i < nets->n; i++)
			in = holds(nets->v[i], addr) && !outdone(p, fam, nets->v[i], addr);
		if (in)
			vec_push(a, out, (int)z);
	}
}

int routing_zone(struct arena *a, const struct policy *p, enum family fam, struct ival range)
{
	struct routing_zones first = {0};
	const struct zone *z;
	bool whole = false;

	routing_zones(a, p, fam, range.lo, &first);
	if (first.n != 1)
		return PLACE_OTHER;
	vec_each (&p->zones, z) {
		bool it = z == &p->zones.v[first.v[0]];
		const struct ivset *nets = routes(z, fam);

		for (size_t i = 0; i < nets->n; i++) {
			struct ival v = nets->v[i];

			if (it && v.lo <= range.lo && range.hi <= v.hi)
				whole = true;
			else if (!it && v.lo <= range.hi && range.lo <= v.hi && !around(v, range))
				return PLACE_OTHER; /* part of it */
		}
	}
	return whole ? first.v[0] : PLACE_OTHER;
}

struct said { /* to be here */
	bool it; /* this very address */
	bool network; /* one that it is in: some of that is, and it may be */
};

/* X@self says that X is here, as a network of a zone says that it is there: the narrower is right.
 * So 0.0.0.0/0@self, which asks for IPv4, says nothing, and neither does !X@self. */
static struct said policy_says_here(const struct policy *p, enum family fam, u128 addr)
{
	const struct ival all = {0, u128_max(fam == FAM_IP4 ? 32 : 128)};
	struct said out = {false, false};
	size_t n;
	const struct known_range *x = known_here(p, &n);

	for (size_t i = 0; i < n; i++)
		if (x[i].said && x[i].family == fam && holds(x[i].is, addr) &&
		    around(all, x[i].is) && !outdone(p, fam, x[i].is, addr) &&
		    !is_network(p, fam, x[i].is))
			*(x[i].is.lo == x[i].is.hi ? &out.it : &out.network) = true;
	return out;
}

static bool is_every_machines(enum family fam, u128 addr)
{
	for (size_t i = 0; i < ROUTING_KINDS; i++)
		if (routing_kinds[i].family == fam && routing_kinds[i].type == RTN_LOCAL &&
		    holds(routing_kinds[i].addrs, addr))
			return true;
	return false;
}

static bool is_here_now(const struct policy *p, enum family fam, u128 addr)
{
	return ivset_contains(fam == FAM_IP4 ? &p->own4 : &p->own6, addr);
}

bool routing_own(const struct policy *p, enum family fam, u128 addr)
{
	return is_every_machines(fam, addr) || is_here_now(p, fam, addr);
}

struct routing_target routing_target(struct arena *a, const struct policy *p, enum family fam,
				     u128 addr)
{
	struct said said = policy_says_here(p, fam, addr);
	struct routing_target t = {0};

	t.here = is_every_machines(fam, addr) || said.it;
	if (!t.here)
		t.here = t.by_own = is_here_now(p, fam, addr);
	t.on = !t.here;
	routing_zones(a, p, fam, addr, &t.zones);
	t.here |= !t.zones.n || said.network;
	return t;
}

/* ---- a range in parts ---- */

struct cuts { /* where another answer may begin */
	struct arena *arena;
	struct ival range;
	u128 *v;
	size_t n, cap;
};

static void cut_around(struct cuts *c, struct ival v)
{
	if (c->range.lo < v.lo && v.lo <= c->range.hi)
		vec_push(c->arena, c, v.lo);
	if (c->range.lo <= v.hi && v.hi < c->range.hi)
		vec_push(c->arena, c, v.hi + 1);
}

static void cut_around_all(struct cuts *c, const struct ivset *s)
{
	for (size_t i = 0; i < s->n; i++)
		cut_around(c, s->v[i]);
}

static int by_value(const void *a, const void *b)
{
	u128 x = *(const u128 *)a, y = *(const u128 *)b;

	return x < y ? -1 : x > y;
}

void routing_cells(struct arena *a, const struct policy *p, enum family fam, struct ival range,
		   struct routing_cells *out)
{
	struct cuts c = {.arena = a, .range = range};
	const struct zone *z;
	size_t n;
	const struct known_range *x = known_here(p, &n);

	for (size_t i = 0; i < ROUTING_KINDS; i++)
		if (routing_kinds[i].family == fam)
			cut_around(&c, routing_kinds[i].addrs);
	vec_each (&p->zones, z)
		cut_around_all(&c, routes(z, fam));
	cut_around_all(&c, fam == FAM_IP4 ? &p->own4 : &p->own6);
	for (size_t i = 0; i < n; i++)
		if (x[i].family == fam)
			cut_around(&c, x[i].is);
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_value);
	for (size_t i = 0; i <= c.n; i++) {
		struct ival v = {i ? c.v[i - 1] : range.lo, i < c.n ? c.v[i] - 1 : range.hi};

		if (v.lo <= v.hi) /* the same cut twice */
			vec_push(a, out, v);
	}
}

bool routing_names_loopback(struct arena *a, const struct endpoint *e)
{
	struct ivset v4 = routing_stays(a, FAM_IP4, true), v6 = routing_stays(a, FAM_IP6, true);
	const struct place_item *item;

	vec_each (&e->items, item) {
		const struct addrs *s = &item->addrs;

		if (!s->all && !addrs_open(s) && !s->suffixed.n && s->v4.n + s->v6.n &&
		    ivset_covers(&v4, &s->v4) && ivset_covers(&v6, &s->v6))
			return true;
	}
	return false;
}
