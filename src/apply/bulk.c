/* SPDX-License-Identifier: GPL-2.0-or-later
 * lists of an artefact -> sets that the kernel has been told of, but not what is in them.
 *
 * What a base chain leads to was filled and compared before anything led to it, and its name says
 * what is in it: if somebody has changed it by hand since, that is undone in place. Anything else
 * may be what an apply has left that was killed.
 */
#include "apply/bulk.h"

#include <errno.h>
#include <string.h>

#include "kernel/delta.h"
#include "kernel/memory.h"
#include "store/lists.h"
#include "store/seen.h"
#include "util/cleanup.h"
#include "util/fault.h"

#define MB (1 << 20)

int bulk_room(const struct plan_input *in, struct buf *why)
{
	uint64_t needed = 0, left;
	struct ir_set *const *s;
	char who[256];

	vec_each (&in->want->sets, s)
		if (ir_set_is_bulk(*s) && !ruleset_set(in->live, (*s)->name))
			needed += bulk_memory((*s)->bulk);
	if (!needed)
		return 0;
	left = memory_left(who);
	if (needed <= left)
		return 0;
	buf_printf(why,
		   "the sets of this ruleset take about %llu MB of the kernel's memory, and %s has "
		   "%llu MB left",
		   (unsigned long long)(needed + MB - 1) / MB, who, (unsigned long long)left / MB);
	return -ENOMEM;
}

void bulk_give(const struct plan_input *in, const struct store *s)
{
	struct ir_ruleset *live = (struct ir_ruleset *)in->live;

	ruleset_take_bulk(live, in->want);
	store_give_lists(s, in->arena, live);
}

bool bulk_holds(struct arena *a, const struct artefact *x, const char *netns, const char **differs)
{
	const struct manifest_bulk *b;

	vec_each (&x->manifest->bulk, b) {
		_cleanup_buf_ struct buf why = {0};
		struct ir_bulk bulk = {.elems = lists_get(x->lists, b->digest, &why),
				       .prefix = b->prefix,
				       .of = b->of};
		struct bulk_job j = {.set = b->set, .bulk = &bulk};
		int err = bulk.elems ? live_compare(netns, &j, &why) : -EBADMSG;

		if (!err)
			continue;
		if (differs)
			*differs = arena_printf(a, "%s: %s", b->set, buf_str(&why));
		return false;
	}
	return true;
}

/* What is read takes the place of what its name says. */
static int look(struct arena *a, const char *netns, const struct ir_set *want, struct ir_set *live,
		struct map *altered, struct buf *why)
{
	struct bulk_job j = {.set = want->name, .bulk = want->bulk};
	struct ir_bulk *is = arena_new_of(a, struct ir_bulk);
	_cleanup_buf_ struct buf said = {0};
	int err;

	fault_point("comparing");
	err = live_compare(netns, &j, &said);
	live->bulk = want->bulk;
	if (err != -EBADMSG)
		return err;
	*is = *want->bulk;
	said.len = 0;
	err = live_read_list(netns, &j, a, &is->elems, &said);
	if (err) {
		buf_printf(why, "cannot read set %s: %s", want->name, buf_str(&said));
		return err;
	}
	if (is->role == BULK_LIST)
		is->of = is->elems->digest;
	live->bulk = is;
	map_put(altered, want->name, (void *)want);
	return 0;
}

/* By name those of the applied artefact, if they are as they were compared. */
static void find_known(struct arena *a, const struct store *store, const char *netns,
		       struct map *known)
{
	const struct manifest_bulk *b;
	struct artefact x = {0};

	map_init(known, a);
	if (!store || store->dir < 0 || store_read_text(store, STORE_APPLIED, a, &x))
		return;
	if (x.manifest->bulk.n && seen_lists(store, &x, netns))
		vec_each (&x.manifest->bulk, b)
			map_put(known, b->set, (void *)b->digest);
	buf_free(&x.text);
}

static bool is_known(const struct map *known, const struct ir_set *s)
{
	const char *digest = map_get(known, s->name);

	return digest && !strcmp(digest, s->bulk->elems->digest);
}

int bulk_look(const struct plan_input *in, struct ir_ruleset *live, const struct store *store,
	      const char *netns, struct map *altered, struct buf *why)
{
	struct arena *a = in->arena;
	struct map reach, known;
	struct ir_set *const *s;
	int err = 0;

	map_init(&reach, a);
	ruleset_reach(live, &reach);
	find_known(a, store, netns, &known);
	vec_each (&in->want->sets, s) {
		struct ir_set *is = ir_set_is_bulk(*s) ? ruleset_set(live, (*s)->name) : NULL;

		if (!is || !map_get(&reach, arena_printf(a, "s:%s", is->name)))
			continue;
		if (is_known(&known, *s))
			is->bulk = (*s)->bulk;
		else
			err = look(a, netns, *s, is, altered, why);
		if (err)
			return err;
	}
	return 0;
}

/* Packets go by what is in it: it becomes what it was in place, by what is different alone. */
static int mend(const struct ir_set *want, const char *netns, struct buf *why)
{
	struct delta_job j = {.set = want->name,
			      .family = want->bulk->elems->family,
			      .interval = !want->bulk->prefix,
			      .prefix = want->bulk->prefix,
			      .size = want->size ? want->size : UINT32_MAX,
			      .want = want->bulk->elems};
	int err = delta_change(&j, netns);

	if (err)
		buf_printf(why, "cannot mend set %s: %s", want->name, j.why);
	return err;
}

int bulk_mend(const struct plan_input *in, const char *netns, struct map *altered, size_t *mended,
	      struct buf *why)
{
	const struct map_entry *e;
	int err;

	if (!altered->entries.n)
		return 0;
	vec_each (&altered->entries, e) {
		err = mend(e->value, netns, why);
		if (err)
			return err;
		++*mended;
	}
	map_init(altered, in->arena);
	return -ESTALE;
}

static const char *place_of(const struct plan_input *in, const char *set)
{
	const struct manifest_object *o = manifest_find(in->artefact->manifest, false, set);

	return o ? o->place.at : "";
}

static int fill(const struct plan_input *in, struct live *live, const char *netns,
		const struct ir_set *s, struct buf *why)
{
	_cleanup_buf_ struct buf said = {0};
	struct bulk_job j = {.set = s->name, .bulk = s->bulk};
	const char *at = place_of(in, s->name);
	int err = live_fill(live, netns, &j, &said);

	fault_point("list-filled");
	if (err)
		buf_printf(why, "%s%scannot fill set %s: %s", at, *at ? ": " : "", s->name,
			   buf_str(&said));
	return err;
}

int bulk_stage(const struct plan_input *in, struct live *live, const char *netns,
	       struct map *filled, struct buf *why)
{
	struct ir_set *const *s;
	struct map reach;
	int err = 0;

	map_init(&reach, in->arena);
	ruleset_reach(in->live, &reach);
	vec_each (&in->want->sets, s) {
		if (!ir_set_is_bulk(*s) || map_get(filled, (*s)->name) ||
		    map_get(&reach, arena_printf(in->arena, "s:%s", (*s)->name)))
			continue;
		err = fill(in, live, netns, *s, why);
		if (err)
			return err;
		map_put(filled, (*s)->name, *s);
	}
	return 0;
}
