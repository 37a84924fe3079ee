/* SPDX-License-Identifier: GPL-2.0-or-later
 * Rules before and after -> what the history says of the change.
 */
#include "apply/summary.h"

#include "apply/proof.h"
#include "nft/diff.h"
#include "space/delta.h"
#include "util/cleanup.h"

/* A record must not take long: `fwc diff` of two generations has all the time it wants. */
#define BUDGET ((struct dd_budget){2000000, 1.0})
#define GROUPS_MAX 5

static json_t *groups_json(const struct deltas *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n && i < GROUPS_MAX; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:f, s:s}", "change", delta_kind_text(d->v[i].kind),
					"count", (double)d->v[i].count, "packet", d->v[i].witness));
	return list;
}

struct counts { /* of lines of a sign */
	uint64_t rules, addresses; /* the latter of long lists */
};

static json_t *pack(bool known, json_t *packets, size_t groups, struct counts added,
		    struct counts removed)
{
	return json_pack("{s:b, s:o, s:i, s:I, s:I, s:I, s:I}", "known", known, "packets", packets,
			 "groups", (int)groups, "rules_added", (json_int_t)added.rules,
			 "rules_removed", (json_int_t)removed.rules, "addresses_added",
			 (json_int_t)added.addresses, "addresses_removed",
			 (json_int_t)removed.addresses);
}

json_t *summary_of_none(void)
{
	return pack(true, json_array(), 0, (struct counts){0}, (struct counts){0});
}

static void count(struct counts *c, const struct diff_line *l)
{
	uint64_t more = l->addresses, room = INT64_MAX - c->addresses;

	c->rules += !more;
	c->addresses += more < room ? more : room;
}

json_t *summary_of(struct arena *a, const struct summary_side *before,
		   const struct summary_side *after)
{
	struct delta_side x = delta_side_of(before->ruleset, before->manifest);
	struct delta_side y = delta_side_of(after->ruleset, after->manifest);
	struct diff_lines lines = {0};
	struct deltas packets = {0};
	struct counts added = {0}, removed = {0};
	const struct diff_line *l;

	diff_rulesets(a, before->ruleset, before->manifest, after->ruleset, after->manifest,
		      &lines);
	vec_each (&lines, l)
		count(l->sign == '+' ? &added : &removed, l);
	/* equal rules do equal things: most applies change none, or few */
	packets.known = true;
	if (lines.n)
		delta_compare(&packets, a, &x, &y, BUDGET);
	return pack(packets.known, groups_json(&packets), packets.n, added, removed);
}

void summary_print(FILE *to, const char *indent, const json_t *changes)
{
	json_t *groups = json_object_get(changes, "packets"), *g;
	json_int_t all = json_integer_value(json_object_get(changes, "groups"));
	size_t i;

	if (!json_is_object(changes))
		return;
	json_array_foreach(groups, i, g)
		fprintf(to, "%s%s: %s\n", indent, json_string_value(json_object_get(g, "change")),
			json_string_value(json_object_get(g, "packet")));
	if (all > (json_int_t)json_array_size(groups))
		fprintf(to, "%sand %lld more kind%s of change\n", indent,
			(long long)(all - (json_int_t)json_array_size(groups)),
			all - (json_int_t)json_array_size(groups) == 1 ? "" : "s");
	if (!json_is_true(json_object_get(changes, "known")))
		fprintf(to, "%sthere may be more: the comparison ran out of budget\n", indent);
	else if (!all)
		fprintf(to, "%sno packet is treated differently\n", indent);
}

/* A trial has both rulesets in the kernel: then the record says what was before. */
struct summary_side summary_before_trial(struct arena *a, const struct store *s, const char *netns,
					 struct artefact *applied)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct summary_side before = {0};
	struct proof p;

	if (store_read(s, STORE_APPLIED, a, applied, &ignored))
		return before;
	proof_of_artefact(&p, a, applied, netns);
	before.manifest = applied->manifest;
	before.ruleset = p.outcome == SCRATCH_LOADED ? p.ruleset : NULL;
	return before;
}
