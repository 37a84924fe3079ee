/* SPDX-License-Identifier: GPL-2.0-or-later
 * lists of an artefact -> sets that the kernel has been told of, but not what is in them.
 *
 * What a base chain leads to was filled and compared before anything led to it, and its name says
 * what is in it: so it is left alone. Anything else may be what an apply has left that was killed.
 */
#include "apply/bulk.h"

#include <errno.h>

#include "kernel/memory.h"
#include "store/lists.h"
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
