/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the kernel needs for a trial. In front of each base chain's rules stands a look-up,
 *
 *	meta nfproto vmap @trial.forward
 *
 * whose elements have a timeout and lead to the new rules; when they are gone the packet goes on to
 * the old ones, with no process alive. All elements come in one transaction, and that alone changes
 * what packets meet. They are reached by goto: what the new rules let fall must not meet the old.
 */
#include <stdio.h>
#include <string.h>

#include "apply/plan.h"
#include "nft/trial.h"

#define TABLE "inet " IR_TABLE

struct base { /* a base chain, of the old rules or the new ones or both */
	const struct ir_chain *live, *want;
	const char *name;
};

struct bases {
	struct base *v;
	size_t n, cap;
};

static void collect(const struct plan_input *in, struct bases *out)
{
	struct ir_chain *const *c;

	vec_each (&in->want->chains, c) {
		if ((*c)->base.hook)
			vec_push(in->arena, out,
				 ((struct base){.live = ruleset_chain(in->live, (*c)->name),
						.want = *c,
						.name = (*c)->name}));
	}
	vec_each (&in->live->chains, c) {
		if ((*c)->base.hook && !ruleset_chain(in->want, (*c)->name))
			vec_push(in->arena, out, ((struct base){.live = *c, .name = (*c)->name}));
	}
}

/* What is not forwarded now must not be once the trial is over either, even if nobody is left to
 * turn the switch back. */
static void keep_unforwarded(const struct base *b, const bool forwards[2], struct buf *script)
{
	const struct ir_base *h = b->want ? &b->want->base : &b->live->base;

	if (strcmp(h->hook, "forward") != 0 || strcmp(h->type, "filter") != 0)
		return;
	for (int six = 0; six < 2; six++)
		if (!forwards[six])
			buf_printf(script, "insert rule " TABLE " %s meta nfproto ipv%d drop\n",
				   b->name, six ? 6 : 4);
}

void plan_trial_frame(const struct plan_input *in, const bool forwards[2], struct buf *script)
{
	struct bases all = {0};
	const struct base *b;

	collect(in, &all);
	buf_puts(script, "add table " TABLE "\n");
	vec_each (&all, b) {
		const struct ir_base *h = b->want ? &b->want->base : &b->live->base;

		buf_printf(script,
			   "add map " TABLE " " TRIAL_PREFIX "%s { type nf_proto : verdict; flags "
			   "timeout; }\nflush map " TABLE " " TRIAL_PREFIX "%s\n",
			   b->name, b->name);
		buf_printf(script,
			   "add chain " TABLE " " TRIAL_PREFIX "%s\nflush chain " TABLE
			   " " TRIAL_PREFIX "%s\n",
			   b->name, b->name);
		if (b->want)
			plan_rules(in, b->name,
				   arena_printf(in->arena, "add rule " TABLE " " TRIAL_PREFIX "%s ",
						b->name),
				   script);
		if (!b->live) /* nothing was there: until it is confirmed, all passes */
			buf_printf(script,
				   "add chain " TABLE " %s { type %s hook %s priority %d; policy "
				   "accept; }\n",
				   b->name, h->type, h->hook, h->priority);
		if (in->artefact->manifest->forwarding == 1)
			keep_unforwarded(b, forwards, script);
		buf_printf(script,
			   "insert rule " TABLE " %s meta nfproto vmap @" TRIAL_PREFIX "%s\n",
			   b->name, b->name);
	}
}

/* A base chain that only the old policy has must not act. */
void plan_trial_start(const struct plan_input *in, uint64_t milliseconds, struct buf *script)
{
	struct bases all = {0};
	const struct base *b;

	collect(in, &all);
	vec_each (&all, b) {
		const char *to =
			b->want ? arena_printf(in->arena, "goto " TRIAL_PREFIX "%s", b->name)
				: "accept";

		buf_printf(script,
			   "add element " TABLE " " TRIAL_PREFIX "%s { ipv4 timeout %llums : %s, "
			   "ipv6 timeout %llums : %s }\n",
			   b->name, (unsigned long long)milliseconds, to,
			   (unsigned long long)milliseconds, to);
	}
}

/* Elements that have expired cannot be deleted: then the whole transaction fails, and a
 * confirmation that comes too late changes nothing. */
void plan_trial_end(const struct ir_ruleset *live, struct buf *script)
{
	struct ir_chain *const *c;

	vec_each (&live->chains, c) {
		const char *map =
			(*c)->base.hook && (*c)->rules.n ? trial_map(&(*c)->rules.v[0]) : NULL;

		if (map)
			buf_printf(script, "delete element " TABLE " %s { ipv4, ipv6 }\n", map);
	}
}
