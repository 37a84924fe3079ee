/* SPDX-License-Identifier: GPL-2.0-or-later
 * Times of two policies -> which of them differ.
 */
#include <string.h>

#include "lang/lang.h"
#include "nft/diff.h"

static bool has(const struct manifest *m, const struct manifest_timeout *want)
{
	const struct manifest_timeout *t;

	if (!m)
		return false;
	vec_each (&m->timeouts, t)
		if (!strcmp(t->name, want->name) && t->seconds == want->seconds)
			return true;
	return false;
}

static void add(struct arena *a, char sign, const struct manifest_timeout *t,
		struct diff_lines *out)
{
	struct buf text = {0};
	struct diff_line l = {.sign = sign, .object = "timeouts"};

	buf_printf(&text, "timeout %s ", t->name);
	duration_print(&text, t->seconds);
	l.place.at = t->at;
	l.place.text = l.nft = arena_strdup(a, buf_str(&text));
	buf_free(&text);
	vec_push(a, out, l);
}

void diff_timeouts(struct arena *a, const struct manifest *old, const struct manifest *new,
		   struct diff_lines *out)
{
	const struct manifest_timeout *t;

	if (old)
		vec_each (&old->timeouts, t)
			if (!has(new, t))
				add(a, '-', t, out);
	if (new)
		vec_each (&new->timeouts, t)
			if (!has(old, t))
				add(a, '+', t, out);
}
