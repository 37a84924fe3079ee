/* SPDX-License-Identifier: GPL-2.0-or-later
 * What there is -> who is to be asked; and what becomes of sets of which nothing comes.
 */
#include "fetch/round.h"

#include <errno.h>
#include <string.h>

#include "util/cleanup.h"

#define AGAIN 900 /* seconds after a failure */
#define REFRESH 86400 /* of lists, where the policy does not say */

/* What was damaged is asked for anew, and what is of another source is another list. */
void round_begin(struct round *r, const struct store *s, struct round_set *x)
{
	const struct fetched_of of = fetch_of(x->set);
	_cleanup_buf_ struct buf why = {0};
	int err = fetched_load_of(s, r->arena, x->set->name, &of, true, &x->was, &why);

	if (err && err != -ENOENT)
		x->note = arena_strdup(r->arena, buf_str(&why));
	if (err)
		x->was = (struct fetched){.name = x->set->name};
	x->now = x->was;
	x->now.source = of.source;
	x->now.parted = fetch_parted(x->set);
	x->due = r->force || !x->was.fetched || x->was.changing || x->was.next <= r->wall ||
		 x->was.parted != x->now.parted ||
		 x->was.next > r->wall + 10 * REFRESH || /* the clock was set back */
		 !fetched_is_of(&x->was, &of); /* names are new, or addresses of some are to go */
	x->state = x->due ? FETCH_SAME : FETCH_NOT_DUE;
}

void round_stale(const struct round *r, struct round_set *x, const char *why)
{
	x->now.why = why;
	x->state = FETCH_STALE;
	if (!x->now.stale)
		x->now.stale = r->wall;
	if (x->set->kind == FETCH_URL)
		x->now.next =
			r->wall +
			(x->set->refresh && x->set->refresh < AGAIN ? x->set->refresh : AGAIN);
}

static void expire_names(const struct round *r, struct round_set *x)
{
	struct fetched_name *n;

	vec_each (&x->now.names, n) {
		if (n->asked + x->set->expire > r->wall)
			continue;
		n->v4.n = n->v6.n = 0;
	}
}

void round_expire(const struct round *r, struct round_set *x)
{
	if (!x->set->expire || !x->now.stale)
		return;
	if (x->set->kind == FETCH_DNS)
		expire_names(r, x);
	if (!fetched_expired(&x->now, x->set->expire, r->wall) || !x->now.fetched)
		return;
	x->now.v4 = x->now.v6 = NULL;
	x->now.etag = x->now.modified = NULL;
	x->now.expired = true;
	x->state = FETCH_EXPIRED;
}
