/* SPDX-License-Identifier: GPL-2.0-or-later
 * When something holds -> a look-up of the kernel's clock in the windows of it.
 */
#include "nft/lower.h"

#define NANOSECONDS 1000000000u

/* nft writes whole seconds, and takes the first nanosecond of the last one in: so the second in
 * which a window has ended is written, and not the one before it. */
static struct ivset in_nanoseconds(struct lower *l, const struct schedule *when)
{
	struct ivset out = {0};

	vec_reserve(l->work, &out, when->seconds.n);
	for (size_t i = 0; i < when->seconds.n; i++) {
		const struct ival *v = &when->seconds.v[i];

		vec_push(l->work, &out,
			 ((struct ival){v->lo * NANOSECONDS, (v->hi + 1) * NANOSECONDS}));
	}
	return out;
}

void match_when(struct lower *l, struct ir_rule *r, const struct schedule *when)
{
	struct timed made;
	const struct timed *t;
	struct ivset in;

	if (!when)
		return;
	vec_each (&l->timed, t) {
		if (t->when == when) {
			match_set(l, r, F_TIME, t->name, false);
			return;
		}
	}
	in = in_nanoseconds(l, when);
	if (in.n == 1) {
		match_ival(l, r, F_TIME, in.v[0]);
		return;
	}
	made = (struct timed){when, named_set(l, F_TIME, &in, "times")};
	vec_push(l->arena, &l->timed, made);
	match_set(l, r, F_TIME, made.name, false);
}
