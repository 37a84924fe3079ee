/* SPDX-License-Identifier: GPL-2.0-or-later
 * A region -> disjoint products of field sets, as few as a simple method finds.
 *
 * The diagram is read field by field: where a node's field begins, its values are parted by the
 * node behind the field that they lead to, and each way through those parts is one product. Then
 * products that differ in one field only become one, the largest such groups first, until there are
 * none. What that yields depends on the order of the fields: "from A to port 22, or to B port 80"
 * is three products if the source is parted first, two if the port is. So short lists are also
 * tried with each other field parted first, and the shortest wins.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "space/region.h"
#include "space/region_core.h"
#include "util/cleanup.h"

/* A test of low bits alone splits a field into very many intervals; beyond these numbers the answer
 * ends with `more`. */
#define MOST_IVALS (1u << 16) /* of one node's field */
#define MOST_LEAVES (1u << 20) /* visited in all */
#define FEWEST_RAW 4096 /* products before merging; more of them if `limit` is high */
#define MOST_RAW ((size_t)1 << 20)
#define MOST_RESHAPED 128 /* products of a list that is tried otherwise */
#define MOST_SPLIT 512 /* and of it when split */

struct part { /* the values of one field that lead to the node `then` */
	dd_ref then;
	uint32_t set; /* number of an interned set; 0: any value */
	struct ivset ivals;
};

struct parting {
	VEC(struct part) parts;
};

struct raw {
	uint32_t *sets; /* one a field, by number */
	bool merged;
	long double size; /* share of all packets, and its place before: for the order in the end */
	size_t place;
};

struct group { /* raw products number of which are equal but for one field */
	size_t field, first, n; /* a stretch of `order` of that field */
};

struct factoring {
	const struct dd *d;
	const struct region_field *f;
	size_t nf, most, leaves;
	struct arena *tmp;
	VEC(struct ivset) sets; /* interned */
	uint32_t *slots; /* of their hash table: number of a set, 0 free */
	size_t nslots;
	struct refmap seen;
	VEC(struct parting) partings; /* by the numbers of `seen` */
	uint32_t *path;
	VEC(struct raw) raws;
	bool more;
};

static bool same_set(const struct ivset *a, const struct ivset *b)
{
	return a->n == b->n && !memcmp(a->v, b->v, a->n * sizeof(*a->v));
}

static size_t set_slot(const struct factoring *x, const struct ivset *s)
{
	uint64_t h = s->n;

	for (size_t i = 0; i < s->n; i++) {
		uint64_t lo = (uint64_t)(s->v[i].lo ^ s->v[i].lo >> 64);
		uint64_t hi = (uint64_t)(s->v[i].hi ^ s->v[i].hi >> 64);

		h = (h ^ lo) * 0x9e3779b97f4a7c15ull;
		h = (h ^ h >> 31 ^ hi) * 0xbf58476d1ce4e5b9ull;
	}
	h = (h >> 32) & (x->nslots - 1);
	while (x->slots[h] && !same_set(&x->sets.v[x->slots[h]], s))
		h = (h + 1) & (x->nslots - 1);
	return h;
}

static uint32_t intern(struct factoring *x, struct ivset s, int bits)
{
	size_t at;

	if (s.n == 1 && s.v->lo == 0 && s.v->hi == u128_max(bits))
		return 0;
	if (2 * x->sets.n >= x->nslots) {
		x->nslots = x->nslots ? 2 * x->nslots : 256;
		x->slots = arena_alloc(x->tmp, x->nslots * sizeof(*x->slots));
		for (size_t i = 1; i < x->sets.n; i++)
			x->slots[set_slot(x, &x->sets.v[i])] = (uint32_t)i;
	}
	at = set_slot(x, &s);
	if (!x->slots[at]) {
		x->slots[at] = (uint32_t)x->sets.n;
		vec_push(x->tmp, &x->sets, s);
	}
	return x->slots[at];
}

struct parting_walk {
	struct factoring *x;
	const struct region_field *f;
	struct refmap then; /* -> number of the part */
	VEC(struct part) parts;
	size_t ivals;
};

static void add_values(struct parting_walk *w, dd_ref then, u128 lo, u128 hi)
{
	struct part *p;
	uint32_t at;

	if (!refmap_add(&w->then, then, &at))
		vec_push(w->x->tmp, &w->parts, (struct part){.then = then});
	p = &w->parts.v[at];
	if (p->ivals.n && p->ivals.v[p->ivals.n - 1].hi + 1 == lo) {
		p->ivals.v[p->ivals.n - 1].hi = hi;
		return;
	}
	vec_push(w->x->tmp, &p->ivals, ((struct ival){lo, hi}));
	w->ivals++;
}

/* The values that begin with the `depth` bits of `low`, in their order. */
static void part_values(struct parting_walk *w, dd_ref n, int depth, u128 low)
{
	uint32_t var = dd_var(w->x->d, n), here = w->f->first + (uint32_t)depth;
	int left = w->f->bits - depth;
	bool tests = var == here;
	u128 half;

	if (n == DD_FALSE)
		return;
	if (w->ivals >= MOST_IVALS || w->x->leaves >= MOST_LEAVES) {
		w->x->more = true;
		return;
	}
	if (var >= w->f->first + w->f->bits) {
		w->x->leaves++;
		add_values(w, n, low, low | u128_max(left));
		return;
	}
	half = (u128)1 << (left - 1);
	part_values(w, tests ? dd_lo(w->x->d, n) : n, depth + 1, low);
	part_values(w, tests ? dd_hi(w->x->d, n) : n, depth + 1, low | half);
}

static struct parting part(struct factoring *x, dd_ref n, const struct region_field *f)
{
	struct parting_walk w = {.x = x, .f = f};
	struct parting out = {0};

	part_values(&w, n, 0, 0);
	for (size_t i = 0; i < w.parts.n; i++) {
		w.parts.v[i].set = intern(x, w.parts.v[i].ivals, f->bits);
		vec_push(x->tmp, &out.parts, w.parts.v[i]);
	}
	refmap_free(&w.then);
	return out;
}

static void add_raw(struct factoring *x)
{
	struct raw *r = vec_add(x->tmp, &x->raws);

	*r = (struct raw){.sets = arena_alloc(x->tmp, (x->nf + 1) * sizeof(*r->sets))};
	memcpy(r->sets, x->path, x->nf * sizeof(*r->sets));
}

/* All ways from n on; x->path holds the way to it. */
static void unfold(struct factoring *x, dd_ref n, size_t field)
{
	uint32_t number;

	if (x->raws.n >= x->most) {
		x->more = true;
		return;
	}
	if (dd_is_terminal(x->d, n)) {
		add_raw(x);
		return;
	}
	while (field < x->nf && x->f[field].first + x->f[field].bits <= dd_var(x->d, n))
		field++;
	if (field == x->nf || dd_var(x->d, n) < x->f[field].first) {
		x->more = true; /* a variable of no field: nothing can be said */
		return;
	}
	if (!refmap_add(&x->seen, n, &number)) {
		struct parting p = part(x, n, &x->f[field]);

		vec_push(x->tmp, &x->partings, p);
	}
	for (size_t i = 0; i < x->partings.v[number].parts.n; i++) {
		const struct part *p = &x->partings.v[number].parts.v[i];

		x->path[field] = p->set;
		unfold(x, p->then, field + 1);
	}
	x->path[field] = 0;
}

struct ranked { /* a product by what its fields are but one */
	uint64_t hash;
	size_t raw;
};

static int by_hash(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->raw < y->raw ? -1 : x->raw > y->raw;
}

static int by_size(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

static uint64_t hash_of(size_t field, uint32_t set)
{
	uint64_t h = ((uint64_t)field << 32 | set) * 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 32) * 0xbf58476d1ce4e5b9ull;
	return h ^ h >> 29;
}

static bool equal_but(const struct factoring *x, size_t a, size_t b, size_t field)
{
	const uint32_t *p = x->raws.v[a].sets, *q = x->raws.v[b].sets;

	return !memcmp(p, q, field * sizeof(*p)) &&
	       !memcmp(p + field + 1, q + field + 1, (x->nf - field - 1) * sizeof(*p));
}

/* Makes one product of those that have not found another group in this round. */
static bool merge_group(struct factoring *x, const struct ranked *order, const struct group *g,
			bool *touched)
{
	struct ivset all = {0};
	size_t first = SIZE_MAX, n = 0;

	for (size_t i = 0; i < g->n; i++) {
		size_t raw = order[g->first + i].raw;
		const struct ivset *s = &x->sets.v[x->raws.v[raw].sets[g->field]];

		if (touched[raw])
			continue;
		n++;
		if (first == SIZE_MAX)
			first = raw;
		for (size_t j = 0; j < s->n; j++)
			vec_push(x->tmp, &all, s->v[j]);
	}
	if (n < 2)
		return false;
	ivset_normalise(&all);
	for (size_t i = 0; i < g->n; i++) {
		size_t raw = order[g->first + i].raw;

		if (!touched[raw])
			x->raws.v[raw].merged = raw != first;
		touched[raw] = true;
	}
	x->raws.v[first].sets[g->field] = intern(x, all, x->f[g->field].bits);
	return true;
}

struct groups {
	VEC(struct group) list;
};

/* The groups of one field; order holds all products. */
static void find_groups(struct factoring *x, size_t field, size_t base, const struct ranked *order,
			struct groups *out)
{
	size_t n = x->raws.n;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && order[end].hash == order[i].hash &&
				  equal_but(x, order[i].raw, order[end].raw, field);)
			end++;
		if (end - i > 1)
			vec_push(x->tmp, &out->list, ((struct group){field, base + i, end - i}));
	}
}

static void drop_merged(struct factoring *x)
{
	size_t left = 0;

	for (size_t i = 0; i < x->raws.n; i++)
		if (!x->raws.v[i].merged)
			x->raws.v[left++] = x->raws.v[i];
	x->raws.n = left;
}

/* One round, over all fields but `without`; false if nothing was left to merge. */
static bool merge(struct factoring *x, size_t without)
{
	size_t n = x->raws.n;
	_cleanup_free_ struct ranked *order = region_must(malloc((n * x->nf + 1) * sizeof(*order)));
	_cleanup_free_ bool *touched = region_must(calloc(n + 1, sizeof(*touched)));
	_cleanup_free_ uint64_t *whole = region_must(calloc(n + 1, sizeof(*whole)));
	struct groups groups = {0};
	bool any = false;

	for (size_t i = 0; i < n; i++)
		for (size_t f = 0; f < x->nf; f++)
			whole[i] += hash_of(f, x->raws.v[i].sets[f]);
	for (size_t f = 0; f < x->nf; f++) {
		struct ranked *mine = order + f * n;

		if (f == without)
			continue;
		for (size_t i = 0; i < n; i++)
			mine[i] = (struct ranked){whole[i] - hash_of(f, x->raws.v[i].sets[f]), i};
		qsort(mine, n, sizeof(*mine), by_hash);
		find_groups(x, f, f * n, mine, &groups);
	}
	if (groups.list.n)
		qsort(groups.list.v, groups.list.n, sizeof(*groups.list.v), by_size);
	for (size_t i = 0; i < groups.list.n; i++)
		any |= merge_group(x, order, &groups.list.v[i], touched);
	drop_merged(x);
	return any;
}

struct sets {
	VEC(struct ivset) list;
};

/* Each of the parts into what lies in s and what does not. */
static struct sets refine(struct arena *a, const struct sets *parts, const struct ivset *s)
{
	struct sets out = {0};

	for (size_t i = 0; i < parts->list.n; i++) {
		struct ivset in = ivset_intersect(a, &parts->list.v[i], s);
		struct ivset rest = ivset_subtract(a, &parts->list.v[i], s);

		if (in.n)
			vec_push(a, &out.list, in);
		if (rest.n)
			vec_push(a, &out.list, rest);
	}
	return out;
}

/* The coarsest parts of a field of which all sets that products have there are unions; no more than
 * one: there is nothing to split, or too much. */
static struct sets atoms(struct factoring *x, size_t field)
{
	struct ivset all = ivset_one(x->tmp, 0, u128_max(x->f[field].bits));
	struct sets parts = {0};

	vec_push(x->tmp, &parts.list, all);
	for (size_t i = 0; i < x->raws.n; i++) {
		uint32_t set = x->raws.v[i].sets[field];
		bool known = !set;

		for (size_t j = 0; j < i && !known; j++)
			known = x->raws.v[j].sets[field] == set;
		if (!known)
			parts = refine(x->tmp, &parts, &x->sets.v[set]);
		if (parts.list.n > MOST_SPLIT)
			return (struct sets){0};
	}
	return parts;
}

/* Each product by the parts of its set in that field; false if they are too many. */
static bool split(struct factoring *x, size_t field, const struct sets *parts)
{
	struct raw *old = x->raws.v;
	size_t n = x->raws.n;

	x->raws.v = NULL;
	x->raws.n = x->raws.cap = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t set = old[i].sets[field];

		memcpy(x->path, old[i].sets, x->nf * sizeof(*x->path));
		for (size_t j = 0; j < parts->list.n; j++) {
			if (set && !ivset_overlaps(&parts->list.v[j], &x->sets.v[set]))
				continue;
			if (x->raws.n == MOST_SPLIT)
				return false;
			x->path[field] = intern(x, parts->list.v[j], x->f[field].bits);
			add_raw(x);
		}
	}
	return true;
}

/* Whether the list is shorter if this field is parted first. */
static bool reshape(struct factoring *x, size_t field)
{
	struct factoring was = *x;
	struct sets parts = atoms(x, field);
	bool shorter;

	if (parts.list.n < 2)
		return false;
	shorter = split(x, field, &parts);
	if (shorter) {
		while (merge(x, field))
			;
		while (merge(x, SIZE_MAX))
			;
		shorter = x->raws.n < was.raws.n;
	}
	if (!shorter) {
		x->raws.v = was.raws.v;
		x->raws.n = was.raws.n;
		x->raws.cap = was.raws.cap;
	}
	return shorter;
}

static void shorten(struct factoring *x)
{
	bool shorter = true;

	while (merge(x, SIZE_MAX))
		;
	while (shorter && x->raws.n > 1 && x->raws.n <= MOST_RESHAPED) {
		shorter = false;
		for (size_t f = 0; f < x->nf; f++)
			shorter |= reshape(x, f);
	}
}

static long double share(const struct ivset *s, int bits)
{
	long double n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (long double)(s->v[i].hi - s->v[i].lo) + 1;
	return s->n ? ldexpl(n, -bits) : 1;
}

static int by_share(const void *a, const void *b)
{
	const struct raw *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* The largest first: what the limit leaves out matters least. */
static void order_by_size(struct factoring *x)
{
	for (size_t i = 0; i < x->raws.n; i++) {
		struct raw *r = &x->raws.v[i];

		r->place = i;
		r->size = 1;
		for (size_t f = 0; f < x->nf; f++)
			r->size *= share(&x->sets.v[r->sets[f]], x->f[f].bits);
	}
	if (x->raws.n)
		qsort(x->raws.v, x->raws.n, sizeof(*x->raws.v), by_share);
}

static void hand_out(const struct factoring *x, size_t limit, struct arena *a, struct products *out)
{
	struct ivset *copies = arena_alloc(x->tmp, x->sets.n * sizeof(*copies));

	for (size_t i = 0; i < x->raws.n && i < limit; i++) {
		struct product p = {arena_alloc(a, (x->nf + 1) * sizeof(*p.sets))};

		for (size_t f = 0; f < x->nf; f++) {
			uint32_t set = x->raws.v[i].sets[f];

			for (size_t j = copies[set].n; j < x->sets.v[set].n; j++)
				vec_push(a, &copies[set], x->sets.v[set].v[j]);
			p.sets[f] = copies[set];
		}
		vec_push(a, out, p);
	}
	out->more = x->more || x->raws.n > limit;
}

void region_products(const struct dd *d, dd_ref region, const struct region_field *f, size_t nf,
		     size_t limit, struct arena *a, struct products *out)
{
	_cleanup_arena_ struct arena *tmp = arena_new();
	struct factoring x = {.d = d, .f = f, .nf = nf, .tmp = tmp};

	*out = (struct products){0};
	if (region == DD_EXHAUSTED) {
		out->more = true;
		return;
	}
	if (region == DD_FALSE)
		return;
	x.most = limit < FEWEST_RAW / 4 ? FEWEST_RAW : limit < MOST_RAW / 4 ? 4 * limit : MOST_RAW;
	x.path = arena_alloc(tmp, (nf + 1) * sizeof(*x.path));
	vec_push(tmp, &x.sets, ((struct ivset){0})); /* number 0: any value */
	unfold(&x, region, 0);
	shorten(&x);
	order_by_size(&x);
	refmap_free(&x.seen);
	hand_out(&x, limit, a, out);
}
