/* SPDX-License-Identifier: GPL-2.0-or-later
 * What of a list that came is taken, and whether.
 */
#ifndef FWC_FETCH_JUDGE_H
#define FWC_FETCH_JUDGE_H

#include "fetch/fetch.h"

struct fetch_list {
	const struct bulk_list *v4, *v6; /* NULL: nothing */
};

/* What the policy's set may hold of it: not what is local to somebody, and not what is taken away.
 * *local: how many ranges were cut for the first reason. `b` is settled, and changed. */
struct fetch_list judge_cut(struct arena *a, const struct fetch_set *s, struct bulk *b,
			    size_t *local);
/* Why that list is not to take the place of `was`, or NULL. `raw`: before it was cut. */
const char *judge_holds_back(struct arena *a, const struct fetch_set *s, const struct bulk *raw,
			     const struct fetch_list *now, const struct fetched *was, bool force);

#endif
