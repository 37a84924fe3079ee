/* SPDX-License-Identifier: GPL-2.0-or-later
 * elements of a set, what is to become of it -> delete element, add element.
 */
#include "nft/elements.h"

#include <stdlib.h>

#include "nft/nft.h"

void elements_of(struct arena *a, const struct ir_set *set, struct elements *out)
{
	const struct ir_elem *e;

	*out = (struct elements){0};
	vec_each (&set->elems, e)
		vec_push(a, out, ((struct element){e->key[0], e->ages, e->left, e->timeout, 0}));
}

/* As lower.c makes them: two ends each. */
uint32_t elements_size(const struct ir_set *set)
{
	return set->interval ? set->size / 2 : set->size;
}

static int by_place(const void *x, const void *y)
{
	const struct element *a = x, *b = y;

	if (a->at.lo != b->at.lo)
		return a->at.lo < b->at.lo ? -1 : 1;
	if (a->at.hi != b->at.hi)
		return a->at.hi > b->at.hi ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void elements_part(struct elements *what)
{
	size_t n = 0;

	for (size_t i = 0; i < what->n; i++)
		what->v[i].order = i;
	if (what->n > 1)
		qsort(what->v, what->n, sizeof(*what->v), by_place);
	for (size_t i = 0; i < what->n; i++) {
		struct element e = what->v[i];

		if (n && e.at.hi <= what->v[n - 1].at.hi)
			continue;
		if (n && e.at.lo <= what->v[n - 1].at.hi)
			e.at.lo = what->v[n - 1].at.hi + 1;
		what->v[n++] = e;
	}
	what->n = n;
}

bool elements_cover(const struct elements *held, struct ival at)
{
	size_t first = 0, end = held->n;

	while (first < end) { /* the first that does not end before it */
		size_t i = first + (end - first) / 2;

		if (held->v[i].at.hi < at.lo)
			first = i + 1;
		else
			end = i;
	}
	for (; first < held->n && held->v[first].at.lo <= at.lo; first++) {
		if (held->v[first].at.hi >= at.hi)
			return true;
		at.lo = held->v[first].at.hi + 1;
	}
	return false;
}

/* ---- two lists side by side ---- */

struct piece { /* of the element of one list that it belongs to from now on */
	struct ival at;
	bool is_new;
	size_t of;
};

struct merging {
	struct arena *a;
	const struct ir_set *set;
	struct elements held, what;
	bool *touched; /* of `what`: something of it was there */
	VEC(struct piece) pieces;
	enum { MERGE_LONGER = ELEMENTS_LONGER, MERGE_THERE = ELEMENTS_THERE, MERGE_DELETE } how;
};

static bool stays(const struct merging *m, const struct element *there, const struct element *new)
{
	switch (m->how) {
	case MERGE_LONGER:
		return !there->ages || (new->ages && there->left >= new->left);
	case MERGE_THERE:
	case MERGE_DELETE:
		break;
	}
	return m->how == MERGE_THERE;
}

static void push(struct merging *m, struct piece p)
{
	struct piece *last = m->pieces.n ? &m->pieces.v[m->pieces.n - 1] : NULL;

	if (last && last->is_new == p.is_new && last->of == p.of && last->at.hi + 1 == p.at.lo)
		last->at.hi = p.at.hi;
	else
		vec_push(m->a, &m->pieces, p);
}

/* As far as x reaches from `at` on, or up to where it begins. */
static u128 end_of(const struct element *x, u128 at)
{
	return x->at.lo <= at ? x->at.hi : x->at.lo - 1;
}

/* From `at`, where one of them is, up to where something changes; yields that end. */
static u128 step(struct merging *m, size_t i, size_t k, u128 at)
{
	const struct element *e = i < m->held.n ? &m->held.v[i] : NULL;
	const struct element *w = k < m->what.n ? &m->what.v[k] : NULL;
	bool in_e = e && e->at.lo <= at, in_w = w && w->at.lo <= at;
	struct ival here = {at, e ? end_of(e, at) : end_of(w, at)};

	if (w && end_of(w, at) < here.hi)
		here.hi = end_of(w, at);
	if (in_w && in_e)
		m->touched[k] = true;
	if (in_e && (!in_w || stays(m, e, w)))
		push(m, (struct piece){here, false, i});
	else if (in_w && m->how != MERGE_DELETE)
		push(m, (struct piece){here, true, k});
	return here.hi;
}

static void merge(struct merging *m)
{
	size_t i = 0, k = 0;
	u128 at = 0;

	elements_part(&m->what);
	m->touched = arena_alloc(m->a, (m->what.n + 1) * sizeof(*m->touched));
	for (size_t n = 0; n < m->what.n; n++)
		m->touched[n] = false;
	while (i < m->held.n || k < m->what.n) {
		u128 first = i < m->held.n ? m->held.v[i].at.lo : m->what.v[k].at.lo, end;

		if (k < m->what.n && m->what.v[k].at.lo < first)
			first = m->what.v[k].at.lo;
		end = step(m, i, k, at > first ? at : first);
		i += i < m->held.n && m->held.v[i].at.hi == end;
		k += k < m->what.n && m->what.v[k].at.hi == end;
		at = end + 1;
	}
}

/* ---- the commands ---- */

/* nft refuses large numbers of seconds. */
static void put_time(struct buf *script, const char *what, uint64_t seconds)
{
	buf_printf(script, " %s %llud%llus", what, (unsigned long long)seconds / 86400,
		   (unsigned long long)seconds % 86400);
}

static void put(struct buf *script, const struct ir_set *set, const char *verb,
		const struct elements *list)
{
	enum family family = set->keys[0] == F_IP_SADDR ? FAM_IP4 : FAM_IP6;
	const struct element *e;
	const char *comma = "";

	if (!list->n)
		return;
	buf_printf(script, "%s element inet " IR_TABLE " %s { ", verb, set->name);
	vec_each (list, e) {
		buf_puts(script, comma);
		addr_print_range(script, family, e->at);
		if (*verb == 'a' && e->ages && e->timeout)
			put_time(script, "timeout", e->timeout);
		if (*verb == 'a' && e->ages)
			put_time(script, "expires", e->left);
		comma = ", ";
	}
	buf_puts(script, " }\n");
}

/* What lost a part of itself goes, and its pieces come. */
static void put_all(struct merging *m, struct buf *script, bool *owns)
{
	struct elements gone = {0}, come = {0};
	const struct piece *p;
	size_t i = 0;

	vec_each (&m->pieces, p) {
		struct element e = p->is_new ? m->what.v[p->of] : m->held.v[p->of];

		for (; !p->is_new && i < p->of; i++)
			vec_push(m->a, &gone, m->held.v[i]);
		if (!p->is_new && p->at.lo == e.at.lo && p->at.hi == e.at.hi) {
			i = p->of + 1;
			continue;
		}
		if (p->is_new)
			owns[p->of] = true;
		e.at = p->at;
		if (!e.ages || e.left) /* else it goes within this second */
			vec_push(m->a, &come, e);
	}
	for (; i < m->held.n; i++)
		vec_push(m->a, &gone, m->held.v[i]);
	put(script, m->set, "delete", &gone);
	put(script, m->set, "add", &come);
}

static void change(struct merging *m, const struct elements *what, struct buf *script,
		   struct elements_sum *sum)
{
	bool *owns;

	elements_of(m->a, m->set, &m->held);
	m->what = *what;
	merge(m);
	owns = arena_alloc(m->a, (m->what.n + 1) * sizeof(*owns));
	for (size_t n = 0; n < m->what.n; n++)
		owns[n] = false;
	put_all(m, script, owns);
	for (size_t n = 0; n < m->what.n; n++) {
		if (m->how == MERGE_DELETE) {
			sum->deleted += m->touched[n];
			sum->absent += !m->touched[n];
		} else {
			sum->kept += !owns[n];
			sum->renewed += owns[n] && m->touched[n];
			sum->added += owns[n] && !m->touched[n];
		}
	}
	sum->held += m->pieces.n;
}

void elements_add(struct arena *a, const struct ir_set *set, struct elements *what,
		  enum elements_rule rule, struct buf *script, struct elements_sum *sum)
{
	struct merging m = {.a = a, .set = set, .how = (int)rule};

	change(&m, what, script, sum);
	*what = m.what;
}

void elements_delete(struct arena *a, const struct ir_set *set, struct elements *what,
		     struct buf *script, struct elements_sum *sum)
{
	struct merging m = {.a = a, .set = set, .how = MERGE_DELETE};

	change(&m, what, script, sum);
	*what = m.what;
}
