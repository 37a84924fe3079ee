/* SPDX-License-Identifier: GPL-2.0-or-later
 * Sets whose content comes from elsewhere: what an artefact says of them (runtime.json), who is
 * asked, and what is taken of the answers.
 */
#ifndef FWC_FETCH_H
#define FWC_FETCH_H

#include "store/fetched.h"
#include "util/bulk.h"

#define RUNTIME "runtime.json" /* beside manifest.json */

enum fetch_kind { FETCH_DNS, FETCH_URL, FETCH_CGROUP, FETCH_OTHER /* what others renew */ };

struct fetch_set {
	const char *name, *line; /* FILE:LINE */
	enum fetch_kind kind;
	VEC(const char *) names; /* FETCH_DNS */
	const char *url, *sha256; /* FETCH_URL */
	const char *path, *cgroup; /* FETCH_CGROUP, and the kernel's set */
	const char *v4, *v6; /* the kernel's sets, or NULL */
	const char *alone4, *alone6; /* those of addresses beside these of networks, or NULL */
	bool interval; /* what they hold: the former */
	bool special; /* addresses of houses and links, too: `private` */
	bool lenient; /* lines that hold no address are left out */
	bool drops; /* who is in it is shut out by some rule */
	uint64_t size; /* of the kernel's sets */
	uint64_t refresh, expire; /* seconds; 0: not said */
	uint64_t max; /* ranges; 0: not said */
	struct bulk without; /* settled */
};

struct fetched_of fetch_of(const struct fetch_set *s);

struct fetch_sets {
	struct fetch_set *v;
	size_t n, cap;
};

/* Of runtime.json. 0 or -EBADMSG with why. */
int fetch_sets_read(struct arena *a, const char *text, size_t n, struct fetch_sets *out,
		    struct buf *why);
/* Of the rules applied last. -ENOENT: they have none. */
int fetch_sets_applied(const struct store *s, struct arena *a, struct fetch_sets *out,
		       struct buf *why);

enum fetch_state {
	FETCH_NOT_DUE,
	FETCH_SAME,
	FETCH_CHANGED,
	FETCH_STALE, /* nothing came, or not all: what was there stays */
	FETCH_HELD, /* what came was not taken */
	FETCH_EXPIRED, /* nothing came for too long: it is empty */
	FETCH_REFUSED, /* the kernel was not changed */
};

struct fetch_result {
	const struct fetch_set *set;
	enum fetch_state state;
	size_t held; /* elements in the kernel afterwards */
	size_t added, deleted;
	uint64_t fetched, stale; /* as in struct fetched */
	const char *why, *note; /* or NULL */
};

struct fetch_options {
	const char *netns;
	const char *const *only; /* names of sets */
	size_t nonly; /* 0: all */
	bool force; /* before they are due, and lists that shrink */
	unsigned ms; /* for each of them */
	uint64_t now; /* wall clock */
};

/* Asks for those that are due, and makes the kernel's sets what came. The lock of fetched.h is
 * held, that of the store is not: it is taken while the kernel changes. out: one a set, or fewer
 * by `only`; how many. */
size_t fetch_refresh(struct store *s, struct arena *a, const struct fetch_sets *sets,
		     const struct fetch_options *o, struct fetch_result *out);
/* Those of which nothing is known are asked for until the deadline; what comes is kept for who
 * loads rules, the kernel is left alone. What does not come is refresh's. */
void fetch_now(struct store *s, struct arena *a, const struct fetch_sets *sets, const char *netns,
	       unsigned ms);

/* In two parts each (util/bulk_parts.h). */
static inline bool fetch_parted(const struct fetch_set *s)
{
	return s->alone4 && s->alone6;
}

/* How many elements the kernel has of it. */
uint64_t fetch_count(const struct fetch_set *s, const struct bulk_list *l);

/* It is said that something has failed: status and metrics, too. */
static inline bool fetch_failed(enum fetch_state s)
{
	return s >= FETCH_STALE;
}

#endif
