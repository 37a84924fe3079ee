/* SPDX-License-Identifier: GPL-2.0-or-later
 * What sets hold whose content comes from elsewhere, by name or by URL, on disk: it is of run time,
 * and so it lies beside the artefacts and outlives them.
 *
 *	fetched/NAME.json	of one set: what came, when, what failed since
 *	fetched/NAME.before.json	what came from another source before, or for other names
 *	fetched/DIGEST.elements	lists (util/bulk_file.h); there before anything names them
 *	fetched/lock		held while content is fetched
 */
#ifndef FWC_FETCHED_H
#define FWC_FETCHED_H

#include "store/store.h"
#include "util/bulk.h"

#define FETCHED "fetched"
#define FETCHED_DNS "dns" /* the source of sets of names */

struct fetched_name { /* times in seconds of the wall clock */
	const char *name;
	uint64_t asked; /* when it last answered; 0: never */
	uint64_t until; /* and for how long that holds */
	const char *why; /* it did not the last time; NULL: it did */
	struct ivset v4, v6;
};

struct fetched {
	const char *name; /* of the set in the policy */
	const char *source; /* its URL, or FETCHED_DNS */
	const struct bulk_list *v4, *v6; /* what the sets hold; NULL: nothing */
	uint64_t fetched; /* when the source last confirmed it; 0: never */
	uint64_t next; /* when it is due */
	uint64_t stale; /* since when it fails; 0: it does not */
	const char *why; /* it does, or what came was held back; NULL */
	bool held; /* a newer list was there, and was not taken */
	bool expired; /* nobody confirmed it for too long, so it holds nothing */
	bool parted; /* it is in two sets each (util/bulk_parts.h) */
	bool changing; /* the kernel was being changed to this when this was written ... */
	bool from_known; /* ... and then held these two, NULL: nothing; else nobody knows what */
	const struct bulk_list *from4, *from6;
	const char *etag, *modified; /* of HTTP, or NULL */
	VEC(struct fetched_name) names;
};

/* Who is asked for a set, and for what. */
struct fetched_of {
	const char *source; /* as above */
	const char *const *names; /* of FETCHED_DNS */
	size_t n;
};

/* What refresh has dealt with last, whoever was asked. 0; -ENOENT: nothing ever came, and *out is
 * empty; -EBADMSG and others with why. */
int fetched_load(const struct store *s, struct arena *a, const char *name, struct fetched *out,
		 struct buf *why);
/* What is kept of those who are asked now: of these names, or else of any. What refresh has not
 * dealt with last, before a rollback say, is `changing`, and not known to be in the kernel.
 * -ENOENT: nothing is kept. `lists`: with them. */
int fetched_load_of(const struct store *s, struct arena *a, const char *name,
		    const struct fetched_of *of, bool lists, struct fetched *out, struct buf *why);
/* 0 or -errno with why. The last state or this one is there afterwards, whole; what came from
 * others is kept beside it. */
int fetched_save(struct store *s, const struct fetched *f, struct buf *why);
/* Nobody has confirmed it for so many seconds; 0: it never expires. */
bool fetched_expired(const struct fetched *f, uint64_t expire, uint64_t now);
/* Exactly: of that source and these names. */
bool fetched_is_of(const struct fetched *f, const struct fetched_of *of);
/* Lists that nothing names any more go. What is said of sets stays, of those that are in no rules
 * now, too: a rollback may want them. */
void fetched_prune(struct store *s);
/* One who fetches at a time: the descriptor, or -errno (-EWOULDBLOCK: another one is at it, and was
 * for so many milliseconds). */
int fetched_lock(struct store *s, unsigned wait_ms, struct buf *why);

#endif
