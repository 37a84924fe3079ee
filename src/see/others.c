/* SPDX-License-Identifier: GPL-2.0-or-later
 * the kernel's tables -> chains of others, with packets.
 */
#include "see/others.h"

#include <linux/netfilter.h>

#include "apply/proof.h"
#include "kernel/live.h"
#include "space/overlap.h"
#include "space/ranges.h"
#include "util/cleanup.h"

#define SECONDS 10.0 /* for all chains of others */

/* Chains that end nothing that our filter lets pass do no harm; of the others one packet is told.
 */
static void keep_overlapping(struct foreigners *out, const struct ir_tables *all,
			     const struct foreigners *found, struct arena *a)
{
	const struct ir_table *own = ir_tables_find(all, NFPROTO_INET, IR_TABLE);
	bool ours = own && found->n && ruleset_has_base(own->ruleset);
	struct overlaps overlaps;
	const struct foreign *f;

	if (ours)
		overlaps_init(&overlaps, a, own->ruleset, all,
			      (struct dd_budget){PROOF_NODES, SECONDS});
	vec_each (found, f) {
		struct foreign x = *f;
		struct overlap o = {0};

		if (x.drops && ours)
			overlaps_find(&overlaps, x.of, x.base, &o);
		x.packet = o.packet;
		x.count = o.count;
		if (o.known && !o.packet && x.drops) {
			x.drops = false;
			x.why = "it rewrites addresses";
		}
		if (x.drops || x.translates)
			vec_push(a, out, x);
	}
	if (ours)
		overlaps_free(&overlaps);
}

void others_find(struct foreigners *out, const struct ir_tables *all, struct arena *a)
{
	struct foreigners found = {0};

	*out = (struct foreigners){0};
	foreign_find(a, all, &found);
	keep_overlapping(out, all, &found, a);
}

void others_look(struct foreigners *out, const char *netns, struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct ir_tables all = {0};

	*out = (struct foreigners){0};
	if (live_read_unless_alone(&all, netns, a, &ignored) == 0)
		others_find(out, &all, a);
}

void others_print(FILE *to, struct arena *a, const struct foreigners *x, bool sure,
		  const char *before, const char *indent)
{
	const struct foreign *f;

	vec_each (x, f) {
		if (sure && !f->packet)
			continue;
		fprintf(to, "%stable %s, chain %s (hook %s): %s, so it %s\n", before, f->table,
			f->chain, f->hook, f->why,
			f->packet ? "drops what fwc allows:"
			: f->drops && f->translates
				? "may drop what fwc allows, and translate what it denies"
			: f->drops ? "may drop what fwc allows"
				   : "may translate what fwc denies");
		if (f->packet && f->count > 1)
			fprintf(to, "%s%s, and %s more packets like it\n", indent, f->packet,
				ranges_number(a, f->count - 1));
		else if (f->packet)
			fprintf(to, "%s%s\n", indent, f->packet);
	}
}

json_t *others_json(const struct foreigners *x)
{
	json_t *list = json_array();
	const struct foreign *f;

	vec_each (x, f)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:s?}", "table",
						f->table, "chain", f->chain, "hook", f->hook,
						"drops", f->drops, "translates", f->translates,
						"why", f->why, "packet", f->packet));
	return list;
}
