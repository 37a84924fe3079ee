/* SPDX-License-Identifier: GPL-2.0-or-later
 * Control groups -> sets for their numbers, which somebody fills who knows them, and look-ups.
 */
#include "nft/lower.h"
#include "util/cgroup.h"

#define SIZE 64 /* one, and those that systemd puts there beside it */

_Static_assert(F_CGROUP8 - F_CGROUP1 + 1 == CGROUP_LEVELS, "a field for each level");

void lower_cgroups(struct lower *l)
{
	struct cgroup *const *c;

	vec_each (&l->p->cgroups, c) {
		struct ir_set *s = arena_new_of(l->arena, struct ir_set);

		if (!(*c)->used)
			continue;
		*s = (struct ir_set){.dynamic = true, .nkeys = 1, .size = SIZE, .at = (*c)->span};
		s->keys[0] = F_CGROUP1; /* the type is that of all */
		s->stem = s->name = (*c)->set;
		ruleset_add_set(l->r, s);
	}
}

void match_cgroup(struct lower *l, struct ir_rule *r, const struct cgroup *c)
{
	if (c)
		match_set(l, r, (enum field)(F_CGROUP1 + c->level - 1), c->set, false);
}
