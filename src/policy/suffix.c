/* SPDX-License-Identifier: GPL-2.0-or-later
 * IPv6 addresses by their low bits: what is in one such part of all of them, and what is left when
 * others are taken away; where hosts that are known so may stand.
 */
#include "policy/resolve.h"

static const struct ival multicast = {(u128)0xff << 120, ~(u128)0}; /* RFC 4291 */

static bool has(struct suffix s, u128 addr)
{
	return (addr & u128_max(s.bits)) == s.value;
}

/* Whether some address has both; then *both, the longer, is what such addresses have. */
static bool meet(struct suffix x, struct suffix y, struct suffix *both)
{
	bool shorter = x.bits < y.bits;

	*both = shorter ? y : x;
	return has(shorter ? x : y, both->value);
}

bool suffixes_meet(struct suffix x, struct suffix y)
{
	struct suffix both;

	return meet(x, y, &both);
}

bool suffixed_has(const struct suffixed *s, u128 addr)
{
	if (!has(s->is, addr) || !ivset_contains(&s->in, addr))
		return false;
	for (size_t i = 0; i < s->but.n; i++)
		if (has(s->but.v[i], addr))
			return false;
	return true;
}

bool suffixed_any_has(const struct suffixed_list *l, u128 addr)
{
	for (size_t i = 0; i < l->n; i++)
		if (suffixed_has(&l->v[i], addr))
			return true;
	return false;
}

bool addrs_has(const struct addrs *s, enum family fam)
{
	return fam == FAM_IP4 ? s->v4.n : s->v6.n || s->suffixed.n;
}

struct suffixed suffixed_of(struct arena *a, u128 value, unsigned bits)
{
	return (struct suffixed){.in = ivset_one(a, 0, multicast.lo - 1),
				 .is = {(uint8_t)bits, value}};
}

bool suffixed_unicast(const struct suffixed *s)
{
	return s->in.n == 1 && s->in.v[0].lo == 0 && s->in.v[0].hi == multicast.lo - 1;
}

static void push(struct arena *a, struct suffixed_list *out, const struct suffixed *x,
		 struct ivset in, struct suffix is)
{
	struct suffixed y = *x;

	y.in = in;
	y.is = is;
	if (in.n)
		vec_push(a, out, y);
}

/* A copy with one more that is taken away, unless that says nothing new. */
static void push_but(struct arena *a, struct suffixed_list *out, const struct suffixed *x,
		     struct ivset in, struct suffix but)
{
	struct suffixed y = {.in = in, .is = x->is};
	struct suffix both;
	bool new = meet(x->is, but, &both);

	if (!in.n || !but.bits || (new &&both.bits == x->is.bits)) /* all of it goes */
		return;
	for (size_t i = 0; i < x->but.n; i++) {
		vec_push(a, &y.but, x->but.v[i]);
		new &= x->but.v[i].bits != but.bits || x->but.v[i].value != but.value;
	}
	if (new)
		vec_push(a, &y.but, but);
	vec_push(a, out, y);
}

/* What is in x and not in y. */
static void take_from(struct arena *a, struct suffixed_list *out, const struct suffixed *x,
		      const struct suffixed *y)
{
	struct ivset inside = ivset_intersect(a, &x->in, &y->in);
	struct suffix is;

	if (!inside.n || !meet(x->is, y->is, &is)) {
		vec_push(a, out, *x);
		return;
	}
	push(a, out, x, ivset_subtract(a, &x->in, &y->in), x->is);
	push_but(a, out, x, inside, y->is);
	for (size_t i = 0; i < y->but.n; i++) {
		struct suffix both;

		if (meet(is, y->but.v[i], &both))
			push(a, out, x, inside, both);
	}
}

#define LOOKS 64 /* at addresses of a range: what so many suffixes take away has others, too */

/* Some address of the range is in it: of one or a few, suffixes may have taken all. */
static bool holds_some(const struct suffixed *s, struct ival v)
{
	u128 mask = u128_max(s->is.bits), addr = (v.lo & ~mask) | s->is.value;

	if (addr < v.lo && addr + mask < addr)
		return false;
	if (addr < v.lo)
		addr += mask + 1;
	for (int i = 0; i < LOOKS; i++) {
		if (addr < v.lo || addr > v.hi)
			return false;
		if (suffixed_has(s, addr))
			return true;
		addr += mask + 1;
	}
	return true;
}

/* Leaves out ranges of which nothing is left. */
static struct suffixed without_empty(struct arena *a, const struct suffixed *s)
{
	struct suffixed y = *s;

	y.in = (struct ivset){0};
	for (size_t i = 0; i < s->in.n; i++)
		if (holds_some(s, s->in.v[i]))
			vec_push(a, &y.in, s->in.v[i]);
	return y;
}

/* Those without a suffix are intervals again. */
static void settle(struct arena *a, struct ivset *v6, struct suffixed_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct suffixed *s = &list->v[i];

		if (s->is.bits || s->but.n) {
			struct suffixed left = without_empty(a, s);

			if (left.in.n)
				list->v[n++] = left;
			continue;
		}
		for (size_t k = 0; k < s->in.n; k++)
			vec_push(a, v6, s->in.v[k]);
	}
	list->n = n;
	ivset_normalise(v6);
}

void suffixed_subtract(struct arena *a, struct ivset *v6, struct suffixed_list *list,
		       const struct ivset *less, const struct suffixed_list *but)
{
	struct suffixed plain = {.in = *less}, all = {.in = *v6};
	struct suffixed_list left = {0};

	if (!list->n && !but->n) {
		*v6 = ivset_subtract(a, v6, less);
		return;
	}
	if (v6->n)
		vec_push(a, &left, all);
	for (size_t i = 0; i < list->n; i++)
		vec_push(a, &left, list->v[i]);
	for (size_t i = 0; i < but->n + 1; i++) {
		struct suffixed_list next = {0};

		for (size_t k = 0; k < left.n; k++)
			take_from(a, &next, &left.v[k], i ? &but->v[i - 1] : &plain);
		left = next;
	}
	*v6 = (struct ivset){0};
	settle(a, v6, &left);
	*list = left;
}

void refuse_suffix(struct resolver *r, struct span at, const char *name, bool dnat)
{
	struct diag_record *rec = diag_error(
		r->diag, at, "'%s' is known by a suffix, and a target is a whole address", name);

	if (dnat)
		diag_hint(r->diag, rec,
			  "IPv6 needs no translation: allow FROM -> %s; for IPv4 alone, say ipv4 "
			  "before 'to'",
			  name);
	else
		diag_hint(r->diag, rec, "write the address");
}

static bool antispoofed(const struct resolver *r, int zone)
{
	const struct place_item *item;
	const struct guard *g;

	vec_each (&r->p->guards, g) {
		for (size_t i = 0; i < g->zones.n; i++)
			if (g->zones.v[i] == zone && r->p->zones.v[zone].net6.n)
				return true;
		vec_each (&g->from.items, item)
			if (g->kind == GUARD_ROUTE && item_at(item, zone))
				return true;
	}
	return false;
}

/* The first zone that it may come from without being asked for its source, or PLACE_NONE. */
static int unguarded(const struct resolver *r, const struct place_item *item)
{
	for (size_t z = 0; z < r->p->zones.n; z++)
		if (!r->p->zones.v[z].sub.is && item_has(item, (int)z) && !antispoofed(r, (int)z))
			return (int)z;
	return PLACE_NONE;
}

/* The sender chooses the end of its address. */
static void warn_source(struct resolver *r, const struct place_item *item)
{
	int zone = unguarded(r, item);
	const struct suffixed *s;
	bool some = false;

	vec_each (&item->addrs.suffixed, s)
		some |= s->is.bits;
	if (!some || item->addrs.rest || item_is_self(item))
		return;
	if (item->at == AT_ANY)
		diag_hint(r->diag,
			  diag_warning(r->diag, item->span,
				       "anybody anywhere may have an address that ends so"),
			  "say where the host is, NAME@ZONE, and: antispoof ZONE by route");
	else if (zone >= 0)
		diag_hint(r->diag,
			  diag_warning(r->diag, item->span,
				       "whoever sends from zone '%s' may have an address of any "
				       "network that ends so",
				       r->p->zones.v[zone].name),
			  "add: antispoof %s by route", r->p->zones.v[zone].name);
}

void finish_suffixes(struct resolver *r)
{
	const struct place_item *item;
	const struct rule *rule;

	vec_each (&r->p->rules, rule)
		vec_each (&rule->from.items, item)
			warn_source(r, item);
}
