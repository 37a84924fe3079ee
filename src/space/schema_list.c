/* SPDX-License-Identifier: GPL-2.0-or-later
 * Lists of very many addresses in diagrams. A diagram of a million addresses has more nodes than
 * the budget, so a list is taken apart only as far as a question has packets there; else it is a
 * condition, which says nothing of the address. Whoever finds a packet then looks whether there is
 * one of which the conditions are true, and if not takes away what they say.
 */
#include "space/schema.h"

#include <string.h>

#define TAKEN_APART 1024 /* ranges: what a diagram holds easily */
#define PRODUCTS 512

static int bits_of(enum family fam)
{
	return fam == FAM_IP4 ? 32 : 128;
}

/* The address of a region of addresses alone that is nearest: the least to 0, the greatest to the
 * last one. */
static bool end_of(struct schema *s, dd_ref r, enum dim d, int bits, u128 prefer, u128 *out)
{
	struct region_field f = {dim_table[d].first, (uint8_t)bits};

	return r != DD_FALSE && r != DD_EXHAUSTED && region_witness(s->dd, r, &f, 1, &prefer, out);
}

/* What the region has there, whatever the rest. */
static dd_ref addresses(struct schema *s, dd_ref r, enum dim d, enum family fam)
{
	const struct dim_info *of = &dim_table[d];
	uint32_t end = schema_condition_var(s->texts.n);
	uint32_t behind = of->first + (uint32_t)bits_of(fam);

	r = dd_fix(s->dd, r, dim_table[DIM_FAMILY].first, 1, fam == FAM_IP6);
	r = dd_some(s->dd, r, 0, (int)of->first);
	return dd_some(s->dd, r, behind, (int)(end - behind));
}

static const struct schema_named *named(const struct schema *s, const struct bulk_list *list)
{
	const struct schema_named *x;

	vec_each (&s->named, x)
		if (x->list == list ||
		    (x->list->family == list->family && !strcmp(x->list->digest, list->digest)))
			return x;
	return NULL;
}

void schema_add_named(struct schema *s, const struct bulk_list *list, const char *name)
{
	if (list && name && !named(s, list))
		vec_push(s->arena, &s->named, ((struct schema_named){list, name}));
}

static const char *list_text(const struct schema *s, const struct bulk_list *list)
{
	const struct schema_named *x = named(s, list);
	const char *text = arena_printf(s->arena, "a list of %zu (%.12s)", list->n, list->digest);

	return x ? arena_printf(s->arena, "set %s, %s,", x->name, text) : text;
}

static dd_ref condition(struct schema *s, enum dim d, const struct bulk_list *list)
{
	const char *side = d == DIM_SADDR ? "source" : "destination";
	size_t known = s->texts.n;
	dd_ref is;

	/* told apart by all of the digest, whoever made the lists and whatever they are called */
	is = schema_condition(s, arena_printf(s->arena, "list of the %s\n%s", side, list->digest));
	if (s->texts.n > known) {
		s->texts.v[known] =
			arena_printf(s->arena, "%s holds the %s", list_text(s, list), side);
		vec_push(s->arena, &s->lists, ((struct schema_list){known, list, d}));
	}
	return is;
}

void schema_add_part(struct schema *s, const char *of, const struct bulk_list *list)
{
	const struct schema_part *p;

	vec_each (&s->parts, p)
		if (!strcmp(p->of, of) && !strcmp(p->list->digest, list->digest))
			return;
	vec_push(s->arena, &s->parts, ((struct schema_part){of, list}));
}

/* Range by range. */
static bool is_sum(struct schema *s, const struct bulk_list *whole)
{
	const struct schema_part *p;
	const struct bulk_list *sum;
	struct bulk b = {0};

	vec_each (&s->parts, p)
		if (!strcmp(p->of, whole->digest) && p->list->family == whole->family)
			bulk_add_list(&b, p->list);
	bulk_settle(&b, s->arena);
	sum = bulk_list(s->arena, &b, whole->family);
	return bulk_list_same(sum, whole);
}

/* ---- lists that have changed a little ---- */

/* What the kernel has of a list, be it in several sets; NULL: nothing. */
static const struct bulk_list *list_of(struct schema *s, const struct ir_ruleset *r,
				       const char *digest)
{
	const struct bulk_list *sum = NULL;
	struct ir_set *const *set;
	struct bulk b = {0};

	vec_each (&r->sets, set) {
		const struct ir_bulk *bulk = (*set)->bulk;

		if (!bulk || bulk->role != BULK_LIST || strcmp(bulk->of, digest) != 0)
			continue;
		if (!strcmp(bulk->elems->digest, digest))
			return bulk->elems;
		bulk_add_list(&b, bulk->elems);
		sum = bulk->elems;
	}
	bulk_settle(&b, s->arena);
	return sum ? bulk_list(s->arena, &b, sum->family) : NULL;
}

static struct bulk_overlay *overlay_for(struct schema *s, const struct ir_ruleset *r,
					const struct ir_bulk *b)
{
	const struct bulk_list *base = NULL;
	struct schema_overlay *o;

	vec_each (&s->overlays, o)
		if (!strcmp(o->of, b->of))
			return strcmp(o->is.base->digest, b->base) ? NULL : &o->is;
	base = list_of(s, r, b->base);
	if (!base || base->family != b->elems->family || strcmp(base->digest, b->base) != 0)
		return NULL;
	o = vec_add(s->arena, &s->overlays);
	*o = (struct schema_overlay){.of = b->of, .is = {.base = base}};
	return &o->is;
}

void schema_add_overlays(struct schema *s, const struct ir_ruleset *r)
{
	struct ir_set *const *set;

	vec_each (&r->sets, set) {
		const struct ir_bulk *b = (*set)->bulk;
		struct bulk_overlay *o = b && b->role != BULK_LIST ? overlay_for(s, r, b) : NULL;

		if (o && b->role == BULK_LESS && !o->less)
			o->less = b->elems;
		else if (o && b->role == BULK_MORE && !o->more)
			o->more = b->elems;
	}
}

/* What others are made of is not made of others: each list says one thing, and none in a circle. */
static const struct bulk_overlay *overlay_of(struct schema *s, const struct bulk_list *list)
{
	const struct schema_overlay *o, *of = NULL;

	vec_each (&s->overlays, o) {
		if (!strcmp(o->is.base->digest, list->digest))
			return NULL;
		if (!strcmp(o->of, list->digest))
			of = o;
	}
	return of && bulk_overlay_is(s->arena, &of->is, list) ? &of->is : NULL;
}

static const struct schema_whole *whole(struct schema *s, const struct bulk_list *list)
{
	struct schema_whole *known;
	const struct schema_part *p;
	bool any = false;

	vec_each (&s->wholes, known)
		if (!strcmp(known->list->digest, list->digest))
			return known;
	vec_each (&s->parts, p)
		any = any || !strcmp(p->of, list->digest);
	any = any && is_sum(s, list);
	known = vec_add(s->arena, &s->wholes);
	*known = (struct schema_whole){list, any, any ? NULL : overlay_of(s, list)};
	return known;
}

static dd_ref one_list(struct schema *s, enum dim d, const struct bulk_list *list, dd_ref within)
{
	int bits = bits_of(list->family);
	u128 lo = 0, hi = u128_max(bits);
	struct ivset part = {0};
	size_t first, past;

	if (within != DD_TRUE && !s->lists_open) {
		dd_ref there = addresses(s, within, d, list->family);

		if (there == DD_FALSE)
			return DD_FALSE;
		if (!end_of(s, there, d, bits, 0, &lo) ||
		    !end_of(s, there, d, bits, u128_max(bits), &hi))
			return DD_EXHAUSTED;
	}
	first = bulk_list_from(list, lo);
	past = bulk_list_from(list, hi);
	past += past < list->n && bulk_list_at(list, past).lo <= hi;
	if (s->lists_open || past - first > TAKEN_APART)
		return dd_and(s->dd, schema_family(s, list->family), condition(s, d, list));
	for (size_t i = first; i < past; i++)
		vec_push(s->arena, &part, bulk_list_at(list, i));
	return schema_addrs(s, d, list->family, &part);
}

/* Of its sets, be they one for each length of prefixes. */
static dd_ref all_parts(struct schema *s, enum dim d, const struct bulk_list *list, dd_ref within)
{
	dd_ref in = DD_FALSE;

	if (!whole(s, list)->parted)
		return one_list(s, d, list, within);
	for (size_t i = 0; i < s->parts.n; i++)
		if (!strcmp(s->parts.v[i].of, list->digest))
			in = dd_or(s->dd, in, one_list(s, d, s->parts.v[i].list, within));
	return in;
}

dd_ref schema_bulk(struct schema *s, enum dim d, const struct bulk_list *list, dd_ref within)
{
	const struct bulk_overlay *o = whole(s, list)->overlay;
	dd_ref in = all_parts(s, d, o ? o->base : list, within);

	if (o && o->less)
		in = dd_and(s->dd, in, dd_not(s->dd, one_list(s, d, o->less, within)));
	if (o && o->more)
		in = dd_or(s->dd, in, one_list(s, d, o->more, within));
	return in;
}

const struct schema_list *schema_list_of(const struct schema *s, uint32_t var)
{
	const struct schema_list *l;

	vec_each (&s->lists, l)
		if (schema_condition_var(l->condition) == var)
			return l;
	return NULL;
}

dd_ref schema_forget_lists(struct schema *s, dd_ref r, enum dim d)
{
	const struct schema_list *l;

	vec_each (&s->lists, l)
		if (l->d == d)
			r = dd_some(s->dd, r, schema_condition_var(l->condition), 1);
	return r;
}

static enum family family_of(const struct packet *p)
{
	return p->dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4;
}

static bool speaks(const struct schema_list *l, const struct packet *p, enum dim d)
{
	return l->d == d && l->list->family == family_of(p);
}

static bool is_true(const struct schema *s, const struct packet *p, enum dim d)
{
	const struct schema_list *l;

	vec_each (&s->lists, l)
		if (speaks(l, p, d) &&
		    bulk_list_holds(l->list, p->dim[d]) != p->condition[l->condition])
			return false;
	return true;
}

/* Of what the packet's conditions say of that address. */
static dd_ref as_said(struct schema *s, const struct packet *p, enum dim d)
{
	dd_ref r = schema_family(s, family_of(p));
	const struct schema_list *l;

	vec_each (&s->lists, l) {
		dd_ref is = dd_node(s->dd, schema_condition_var(l->condition), DD_FALSE, DD_TRUE);

		if (speaks(l, p, d))
			r = dd_and(s->dd, r, p->condition[l->condition] ? is : dd_not(s->dd, is));
	}
	return r;
}

/* The first address from `at` to `last` of which the conditions are true. */
static bool first_true(const struct schema *s, const struct packet *p, enum dim d, u128 at,
		       u128 last, u128 *out)
{
	const struct schema_list *l;
	bool moved = true;

	while (moved) {
		moved = false;
		vec_each (&s->lists, l) {
			size_t i;

			if (!speaks(l, p, d) ||
			    bulk_list_holds(l->list, at) == p->condition[l->condition])
				continue;
			i = bulk_list_from(l->list, at);
			if (i == l->list->n)
				return false;
			moved = true;
			if (p->condition[l->condition])
				at = bulk_list_at(l->list, i).lo;
			else if (bulk_list_at(l->list, i).hi >= last)
				return false;
			else
				at = bulk_list_at(l->list, i).hi + 1;
			if (at > last)
				return false;
		}
	}
	*out = at;
	return true;
}

/* Some address of the region that is as the conditions say. *none: there is none; else it may be
 * that it was not found. */
static bool find_true(struct schema *s, dd_ref r, const struct packet *p, enum dim d, u128 *out,
		      bool *none)
{
	enum family fam = family_of(p);
	struct region_field f = {dim_table[d].first, (uint8_t)bits_of(fam)};
	struct products all = {0};
	dd_ref there = addresses(s, r, d, fam);

	*none = false;
	if (there == DD_EXHAUSTED)
		return false;
	region_products(s->dd, there, &f, 1, PRODUCTS, s->arena, &all);
	for (size_t i = 0; i < all.n; i++) {
		const struct ivset *v = &all.v[i].sets[0];
		struct ival every = {0, u128_max(f.bits)};

		for (size_t k = 0; k < (v->n ? v->n : 1); k++) {
			struct ival x = v->n ? v->v[k] : every;

			if (first_true(s, p, d, x.lo, x.hi, out))
				return true;
		}
	}
	*none = !all.more;
	return false;
}

static dd_ref less(struct schema *s, dd_ref r, dd_ref gone)
{
	return dd_and(s->dd, r, dd_not(s->dd, gone));
}

bool schema_realise(struct schema *s, dd_ref *region, struct packet *p)
{
	static const enum dim ends[] = {DIM_SADDR, DIM_DADDR};
	dd_ref same = dd_and(s->dd, as_said(s, p, DIM_SADDR), as_said(s, p, DIM_DADDR));
	dd_ref left = dd_and(s->dd, *region, same), gone = same;
	struct packet found = *p;

	if (is_true(s, p, DIM_SADDR) && is_true(s, p, DIM_DADDR))
		return true;
	for (int i = 0; i < 2; i++) {
		enum dim d = ends[i];
		struct ivset one;
		bool none;

		if (is_true(s, p, d)) /* what is there is kept */
			found.dim[d] = p->dim[d];
		else if (!find_true(s, left, p, d, &found.dim[d], &none)) {
			*region = none ? less(s, *region, gone)
				       : less(s, *region, schema_point(s, p));
			return false;
		}
		one = ivset_one(s->arena, found.dim[d], found.dim[d]);
		one.cap = 0;
		gone = dd_and(s->dd, gone, schema_addrs(s, d, family_of(p), &one));
		left = dd_and(s->dd, left, schema_addrs(s, d, family_of(p), &one));
	}
	/* the next witness of it is one, for its addresses are said and its conditions true */
	if (left == DD_FALSE || left == DD_EXHAUSTED)
		*region = less(s, *region, gone);
	else
		*region = left;
	return false;
}
