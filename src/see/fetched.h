/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is known of sets whose content comes from elsewhere.
 */
#ifndef FWC_SEE_FETCHED_H
#define FWC_SEE_FETCHED_H

#include "fetch/fetch.h"

enum seen_fetched {
	SEEN_FRESH,
	SEEN_THERE, /* of a cgroup */
	SEEN_NOT_THERE,
	SEEN_NEVER,
	SEEN_DUE /* for long */,
	SEEN_STALE,
	SEEN_HELD,
	SEEN_EXPIRED
};

struct seen_set {
	const char *name, *line;
	enum seen_fetched state;
	uint64_t fetched, stale, next; /* as in struct fetched */
	const char *why; /* or NULL */
};

struct seen_sets {
	struct seen_set *v;
	size_t n, cap;
};

/* Of the rules applied last; `now`: of the wall clock. */
void seen_fetched_look(const struct store *s, struct arena *a, uint64_t now, struct seen_sets *out);
void seen_fetched_print(const struct seen_sets *l, bool verbose);
json_t *seen_fetched_json(const struct seen_sets *l);
/* A time of the wall clock as it is here, behind a word of its own. */
void seen_time_print(const char *before, uint64_t at);
/* Nothing fails. */
bool seen_fetched_good(const struct seen_sets *l);

#endif
