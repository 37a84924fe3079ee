/* SPDX-License-Identifier: GPL-2.0-or-later
 * what was fetched last, of sets that DNS and URLs fill, and numbers of control groups -> sets of
 * the kernel to which nothing leads yet.
 *
 * A set that the rules in force look into is left as it is: it is kept fresh where it is, and what
 * packets meet does not depend on which rules are loaded. Nothing here waits for a network, and
 * what cannot be filled stays empty: the rules are loaded all the same.
 */
#include "apply/fetched.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "kernel/cgroup.h"
#include "kernel/memory.h"
#include "store/fetched.h"
#include "util/bulk_parts.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/member.h"

struct filling {
	const struct plan_input *in;
	struct live *live;
	const char *netns;
	const struct store *store;
	struct map *filled;
	struct map reach; /* what the rules in force lead to */
	uint64_t room; /* of memory */
	struct buf *remarks;
};

static void remark(struct filling *f, const json_t *row, const char *what)
{
	buf_printf(f->remarks, "%s%s: '%s' is empty: %s", f->remarks->len ? "\n" : "",
		   member_text(row, "line"), member_text(row, "name"), what);
}

/* As many as the set has room for. */
static const struct bulk_list *clipped(struct arena *a, const struct bulk_list *l, uint64_t room,
				       uint8_t prefix)
{
	struct bulk_list *less = arena_new_of(a, struct bulk_list);

	*less = *l;
	while (less->n && bulk_keys(&(struct ir_bulk){.elems = less, .prefix = prefix}) > room)
		less->n = less->n / 2;
	return less;
}

static void fill(struct filling *f, const json_t *row, const char *set, const struct bulk_list *l)
{
	const struct ir_set *want = ruleset_set(f->in->want, set);
	uint64_t room = (uint64_t)json_integer_value(json_object_get(row, "size")) *
			(bulk_name_alone(set) ? BULK_ALONE : 1);
	struct ir_bulk bulk = {.of = ""};
	struct bulk_job j = {.set = set, .bulk = &bulk, .used = true};
	_cleanup_buf_ struct buf why = {0};

	if (!want || !want->dynamic || want->nkeys != 1 || map_get(f->filled, set))
		return;
	bulk.prefix = want->interval ? 0 : l->family == FAM_IP4 ? 32 : 128;
	bulk.elems = clipped(f->in->arena, l, room, bulk.prefix);
	if (bulk_memory(&bulk) > f->room) {
		remark(f, row, "there is no memory left for what was fetched");
		return;
	}
	f->room -= bulk_memory(&bulk);
	if (live_fill(f->live, f->netns, &j, &why))
		remark(f, row, buf_str(&why));
	fault_point("fetched-filled");
	map_put(f->filled, want->name, (void *)want);
}

static bool leads_there(struct filling *f, const char *set)
{
	return map_get(&f->reach, arena_printf(f->in->arena, "s:%s", set));
}

struct both { /* sets of the kernel, one for each family, and what they are to hold */
	const char *v4, *v6;
	const struct bulk_list *has4, *has6;
};

static bool lead_there(struct filling *f, const struct both *b)
{
	return leads_there(f, b->v4) && leads_there(f, b->v6);
}

static void fill_both(struct filling *f, const json_t *row, const struct both *b)
{
	if (b->has4 && !leads_there(f, b->v4))
		fill(f, row, b->v4, b->has4);
	if (b->has6 && !leads_there(f, b->v6))
		fill(f, row, b->v6, b->has6);
}

/* What this policy asks for: that URL, or those names. */
static struct fetched_of asked_for(struct arena *a, const json_t *row)
{
	const json_t *list = json_object_get(row, "names"), *name;
	const char *url = member_text(row, "url");
	const char **names = arena_alloc(a, (json_array_size(list) + 1) * sizeof(*names));
	size_t i;

	if (*url)
		return (struct fetched_of){.source = url};
	json_array_foreach(list, i, name)
		names[i] = json_string_value(name) ? json_string_value(name) : "";
	return (struct fetched_of){FETCHED_DNS, names, json_array_size(list)};
}

/* Each of its names has answered once. */
static bool has_answers(const struct fetched *x)
{
	const struct fetched_name *n;

	vec_each (&x->names, n)
		if (!n->asked)
			return false;
	return true;
}

static void fill_cgroup(struct filling *f, const json_t *row)
{
	struct cgroup_job j = {.path = member_text(row, "path"),
			       .set = member_text(json_object_get(row, "sets"), "cgroup")};
	const struct ir_set *want = ruleset_set(f->in->want, j.set);

	if (!want || !want->dynamic || leads_there(f, j.set))
		return;
	if (cgroup_fill(&j, f->netns))
		remark(f, row, j.why);
	else if (!j.there)
		buf_printf(f->remarks, "%s%s: there is no cgroup %s: its rules match nothing",
			   f->remarks->len ? "\n" : "", member_text(row, "line"), j.path);
	f->live->generation += j.commits;
}

static void fill_from(struct filling *f, const json_t *row, const struct fetched *x,
		      struct both *alone, struct both *all)
{
	struct bulk_parts v4, v6;

	all->has4 = x->v4;
	all->has6 = x->v6;
	if (alone) {
		v4 = bulk_parts(f->in->arena, x->v4);
		v6 = bulk_parts(f->in->arena, x->v6);
		*all = (struct both){all->v4, all->v6, v4.nets, v6.nets};
		*alone = (struct both){alone->v4, alone->v6, v4.alone, v6.alone};
		fill_both(f, row, alone);
	}
	fill_both(f, row, all);
}

static void fill_row(struct filling *f, const json_t *row)
{
	const json_t *sets = json_object_get(row, "sets");
	struct both all = {.v4 = member_text(sets, "v4"), .v6 = member_text(sets, "v6")};
	struct both alone = {.v4 = member_text(sets, "alone4"), .v6 = member_text(sets, "alone6")};
	bool parted = *alone.v4 && *alone.v6;
	const char *url = member_text(row, "url");
	uint64_t expire = (uint64_t)json_integer_value(json_object_get(row, "expire"));
	const struct fetched_of of = asked_for(f->in->arena, row);
	_cleanup_buf_ struct buf why = {0};
	struct fetched x = {0};
	int err;

	if ((strcmp(member_text(row, "kind"), "dns") != 0 && !*url) ||
	    (lead_there(f, &all) && (!parted || lead_there(f, &alone))))
		return;
	err = fetched_load_of(f->store, f->in->arena, member_text(row, "name"), &of, true, &x,
			      &why);
	if (err && err != -ENOENT)
		remark(f, row, buf_str(&why));
	else if (err || !fetched_is_of(&x, &of) || !has_answers(&x))
		remark(f, row,
		       arena_printf(f->in->arena,
				    "nothing was fetched yet; `fwc refresh %s` asks again",
				    member_text(row, "name")));
	else if (fetched_expired(&x, expire, (uint64_t)time(NULL)))
		remark(f, row, "what was fetched has expired");
	else
		fill_from(f, row, &x, parted ? &alone : NULL, &all);
}

void fetched_stage(const struct plan_input *in, struct live *live, const char *netns,
		   const struct store *s, struct map *filled, struct buf *remarks)
{
	const struct buf *text = &in->artefact->runtime;
	_cleanup_json_ json_t *j = text->len ? json_loadb(text->data, text->len, 0, NULL) : NULL;
	struct filling f = {in, live, netns, s, filled, .remarks = remarks};
	const json_t *row;
	char who[256];
	size_t i;

	if (!j || s->dir < 0)
		return;
	f.room = memory_left(who);
	map_init(&f.reach, in->arena);
	ruleset_reach(in->live, &f.reach);
	remarks->len = 0;
	json_array_foreach(json_object_get(j, "sets"), i, row)
	{
		if (!strcmp(member_text(row, "kind"), "cgroup"))
			fill_cgroup(&f, row);
		else
			fill_row(&f, row);
	}
}
