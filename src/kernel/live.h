/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the kernel holds now.
 */
#ifndef FWC_LIVE_H
#define FWC_LIVE_H

#include "kernel/bulk.h"
#include "kernel/genid.h"
#include "nft/nft.h"

struct live {
	bool present; /* table inet fwc exists */
	const void *dump; /* what it was read from, in the arena (kernel/dump.h) */
	size_t len;
	struct ir_ruleset *ruleset; /* empty if not present; NULL: only fetched */
	uint32_t generation; /* at which all of it was read */
	bool hurry; /* commit even if others have committed since */
};

/* 0 or -errno with why filled. */
int live_fetch(struct live *out, const char *netns, struct arena *a, struct buf *why);
int live_parse(struct live *l, struct arena *a, struct buf *why);
/* The same by read_own_like(). */
int live_parse_like(struct live *l, struct arena *a, const struct ir_ruleset *like,
		    const struct map *same, struct buf *why);
/* Both. */
int live_read(struct live *out, const char *netns, struct arena *a, struct buf *why);
/* The same, of a list of names ("set NAME", "chain NAME", a line each) alone: of other sets no
 * elements, and no other chains. */
int live_read_some(struct live *out, const char *names, const char *netns, struct arena *a,
		   struct buf *why);
struct live_names { /* of objects: "chain NAME", "map NAME", "set NAME" */
	const char **v;
	size_t n, cap;
};

struct live_outcome {
	bool committed; /* the transaction is in force, even if what follows failed */
	bool alone; /* nobody else has committed since *l was read: what was not read again is so
		       still */
};

/* Runs a transaction, unless the ruleset has changed since *l was read (-ESTALE), and brings *l up
 * to date: by reading the objects named again, or, if they are many, all. */
int live_change(struct live *l, const char *netns, struct arena *a, const char *script,
		const struct live_names *names, struct live_outcome *out, struct buf *why);
/* The same of messages that are made already. What was read again is only fetched, into *made: the
 * objects named, or (NULL) all; live_merge() brings *l up to date by it. */
int live_make(struct live *l, const char *netns, struct arena *a, const struct buf *messages,
	      const struct live_names *names, struct live *made, struct live_outcome *out,
	      struct buf *why);
int live_merge(struct live *l, struct live *made, const struct live_names *names, struct arena *a,
	       struct buf *why);
/* Puts into a bulk set, which is there and to which nothing leads, what it is to hold, and
 * compares; or only compares. *l: of before, up to date afterwards as far as nobody else has
 * committed. */
int live_fill(struct live *l, const char *netns, const struct bulk_job *j, struct buf *why);
int live_compare(const char *netns, const struct bulk_job *j, struct buf *why);
/* What it holds in place of that; in the arena. */
int live_read_list(const char *netns, const struct bulk_job *j, struct arena *a,
		   const struct bulk_list **out, struct buf *why);
/* The whole ruleset of the namespace, other people's tables too. */
int live_read_all(struct ir_tables *out, const char *netns, struct arena *a, struct buf *why);
/* The same; none where ours is the only table. */
int live_read_unless_alone(struct ir_tables *out, const char *netns, struct arena *a,
			   struct buf *why);
/* live_read(), and the other tables of the same moment. */
int live_read_among(struct live *out, struct ir_tables *others, const char *netns, struct arena *a,
		    struct buf *why);
/* Loads a script; on refusal -EINVAL, with why naming the policy place. */
int live_run(const char *netns, const char *script, struct buf *why);

#endif
