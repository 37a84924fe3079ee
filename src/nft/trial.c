/* SPDX-License-Identifier: GPL-2.0-or-later
 * The look-ups of a trial in a ruleset as the kernel lists it.
 */
#include "nft/trial.h"

#include <string.h>

#include "nft/nft.h"

const char *trial_map(const struct ir_rule *r)
{
	const struct ir_stmt *s = r->stmts.n == 1 ? &r->stmts.v[0] : NULL;

	if (!s || s->kind != IR_VMAP || !s->vmap.map ||
	    strncmp(s->vmap.map, TRIAL_PREFIX, strlen(TRIAL_PREFIX)) != 0)
		return NULL;
	return s->vmap.map;
}

bool trial_in_kernel(const struct ir_ruleset *live)
{
	struct ir_chain *const *c;

	vec_each (&live->chains, c) {
		if ((*c)->base.hook && (*c)->rules.n && trial_map(&(*c)->rules.v[0]))
			return true;
	}
	return false;
}

bool trial_acts(const struct ir_ruleset *live)
{
	struct ir_chain *const *c;
	size_t hooks = 0, led = 0;

	vec_each (&live->chains, c) {
		const struct ir_set *map;

		if (!(*c)->base.hook)
			continue;
		hooks++;
		map = (*c)->rules.n && trial_map(&(*c)->rules.v[0])
			      ? ruleset_set(live, trial_map(&(*c)->rules.v[0]))
			      : NULL;
		led += map && map->elems.n == 2;
	}
	return hooks && led == hooks;
}

/* The frame's chain has what plan_trial_frame() took from the new base chain; none: there is none.
 */
void trial_view(struct ir_ruleset *live)
{
	struct ir_chain **c;

	vec_each (&live->chains, c) {
		const struct ir_chain *to;

		if (!(*c)->base.hook)
			continue;
		to = ruleset_chain(live, arena_printf(live->arena, TRIAL_PREFIX "%s", (*c)->name));
		(*c)->rules.n = 0;
		for (size_t i = 0; to && i < to->rules.n; i++)
			vec_push(live->arena, &(*c)->rules, to->rules.v[i]);
		/* made for the trial, it lets pass what would pass without it; what stands before
		 * routing only ever takes out */
		if (to && !strcmp((*c)->base.type, "filter") &&
		    strcmp((*c)->base.hook, "prerouting") != 0)
			(*c)->base.policy_drop = true;
	}
}
