/* SPDX-License-Identifier: GPL-2.0-or-later
 * One round of asking: sets that are due -> what is to be kept of them.
 */
#ifndef FWC_FETCH_ROUND_H
#define FWC_FETCH_ROUND_H

#include "fetch/fetch.h"

struct round_set {
	const struct fetch_set *set;
	struct fetched was; /* on disk */
	struct fetched now; /* to be kept; as `was` where nothing came */
	bool due;
	enum fetch_state state;
	const char *note;
};

struct round {
	struct arena *arena;
	struct round_set *v;
	size_t n;
	bool force;
	unsigned ms;
	const char *netns; /* where they are asked */
	uint64_t wall;
};

/* What is on disk of it, and whether it is due. */
void round_begin(struct round *r, const struct store *s, struct round_set *x);
void round_ask_names(struct round *r);
void round_ask_urls(struct round *r);
/* What nobody confirmed for too long goes. */
void round_expire(const struct round *r, struct round_set *x);

/* It failed: what was there stays, and since when it does is kept. */
void round_stale(const struct round *r, struct round_set *x, const char *why);

#endif
