/* SPDX-License-Identifier: GPL-2.0-or-later
 * sets of the kernel -> lists. A short one is read. A long one is what was fetched last, if it is:
 * the kernel is asked for each element of that, for a dump takes as long as the square of what
 * there is.
 */
#include "see/held.h"

#include <string.h>

#include "fetch/fetch.h"
#include "kernel/live.h"
#include "store/open.h"
#include "util/bulk_parts.h"
#include "util/cleanup.h"

#define READ_MOST 65536 /* ranges: less than a second */

struct holding {
	const char *netns;
	const struct store *store;
	struct arena *arena;
	struct fetch_sets sets;
};

static bool is_filled(const struct ir_set *s)
{
	return s->dynamic && s->nkeys == 1 && bulk_is_name(s->name) && !ir_set_is_bulk(s) &&
	       (s->keys[0] == F_IP_SADDR || s->keys[0] == F_IP_DADDR || s->keys[0] == F_IP6_SADDR ||
		s->keys[0] == F_IP6_DADDR);
}

static uint8_t bits_of(const struct ir_set *s)
{
	return (uint8_t)field_table[s->keys[0]].bits;
}

static enum family family_of(const struct ir_set *s)
{
	return s->keys[0] == F_IP_SADDR || s->keys[0] == F_IP_DADDR ? FAM_IP4 : FAM_IP6;
}

static const struct bulk_list *with_digest(struct arena *a, const struct bulk_list *l)
{
	if (!l || *l->digest)
		return l;
	return l->family == FAM_IP4 ? bulk_list_of4(a, l->v4, l->n) : bulk_list_of6(a, l->v6, l->n);
}

/* What refresh has put there, as far as it knows. */
static const struct bulk_list *expected(const struct holding *h, const struct ir_set *s)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct fetch_set *x;
	struct fetched f;

	vec_each (&h->sets, x) {
		const char *const names[] = {x->v4, x->v6, x->alone4, x->alone6};
		const struct bulk_list *whole;
		struct bulk_parts parts;
		int i = 0;

		while (i < 4 && (!names[i] || strcmp(names[i], s->name) != 0))
			i++;
		if (i == 4)
			continue;
		if (fetched_load(h->store, h->arena, x->name, &f, &ignored))
			return NULL;
		whole = i % 2 ? f.v6 : f.v4;
		parts = bulk_parts(h->arena, whole);
		return !fetch_parted(x) ? whole
					: with_digest(h->arena, i < 2 ? parts.nets : parts.alone);
	}
	return NULL;
}

static const struct bulk_list *list_of(const struct holding *h, const struct ir_set *s)
{
	static const struct range4 first4 = {0, 0};
	static const struct ival first6 = {0, 0};
	struct arena *a = h->arena;
	const struct bulk_list *list = expected(h, s);
	_cleanup_buf_ struct buf ignored = {0};
	struct ir_bulk bulk = {.elems = list, .of = "", .prefix = s->interval ? 0 : bits_of(s)};
	struct bulk_job j = {.set = s->name, .bulk = &bulk, .most = READ_MOST};

	if (list && list->n > READ_MOST && !live_compare(h->netns, &j, &ignored))
		return list;
	if (!list) /* its family is what counts */
		bulk.elems = family_of(s) == FAM_IP4 ? bulk_list_of4(a, &first4, 1)
						     : bulk_list_of6(a, &first6, 1);
	return live_read_list(h->netns, &j, a, &list, &ignored) ? NULL : list;
}

void held_give(const char *netns, const char *state, struct arena *a, struct ir_ruleset *r)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct store store;
	struct holding h = {.netns = netns, .store = &store, .arena = a};
	bool opened = store_open(&store, state, false, &ignored) == 0;

	if (!opened || fetch_sets_applied(&store, a, &h.sets, &ignored))
		h.sets = (struct fetch_sets){0};
	for (size_t i = 0; i < r->sets.n; i++) {
		struct ir_set *s = r->sets.v[i];
		const struct bulk_list *list = is_filled(s) ? list_of(&h, s) : NULL;
		struct ir_bulk *bulk;

		if (!list)
			continue;
		bulk = arena_new_of(a, struct ir_bulk);
		*bulk = (struct ir_bulk){
			.elems = list, .prefix = s->interval ? 0 : bits_of(s), .of = list->digest};
		s->bulk = bulk;
	}
	if (opened)
		store_close(&store);
}
