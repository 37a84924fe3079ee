/* SPDX-License-Identifier: GPL-2.0-or-later
 * What run time made, on disk: over a reboot, or whatever else takes the table away.
 *
 *	saved.json     of `fwc save`: elements of dynamic sets, and what each line has counted
 *	counters.json  what each line had counted before the table in the kernel was made
 *
 * Counters cannot be put back into maps that packets are looking into: an element would have to go
 * and come again. So what was counted before is added wherever lines are reported, as long as the
 * table is the one that it was restored for.
 */
#ifndef FWC_SAVED_H
#define FWC_SAVED_H

#include "nft/elements.h"
#include "nft/report.h"
#include "store/store.h"

#define SAVED "saved.json"
#define SAVED_FORMAT 1
#define SAVED_SECONDS ((uint64_t)36500 * 86400) /* no element is taken for longer */

struct table_id { /* one table, from its making to its end */
	const char *boot; /* id of the run of the machine */
	uint64_t netns, handle;
};

struct saved_set {
	const char *name;
	enum family family;
	bool prefixes;
	struct elements elems;
};

struct saved_quota {
	const char *name; /* of the object */
	uint64_t bytes, used;
};

struct saved_line { /* several of the same text are told apart by their order */
	const char *text;
	uint64_t packets, bytes;
};

struct saved_lines {
	struct saved_line *v;
	size_t n, cap;
};

struct saved {
	const char *ruleset; /* SHA-256 of the script that was in force; "" if none is on record */
	struct table_id table;
	uint64_t wall, boot; /* when it was read from the kernel: milliseconds of both clocks */
	VEC(struct saved_set *) sets;
	VEC(struct saved_quota) quotas;
	struct saved_lines lines;
};

/* ---- pure: saved_file.c ---- */

json_t *saved_json(const struct saved *s);
/* False and *why if this is nothing that saved_json() writes: *out is then worth nothing. */
bool saved_parse(struct arena *a, const json_t *j, struct saved *out, const char **why);
/* Milliseconds since then, never less than it was; 0 if a clock was set back. `boot_id` and the
 * clocks are those of now. */
uint64_t saved_age(const struct saved *s, const char *boot_id, uint64_t wall, uint64_t boot);

struct state_sum { /* for people */
	bool found; /* something was saved */
	bool same_rules; /* the rules are those that it was saved under */
	bool counting; /* the table, too: it counts on, and nothing is added */
	size_t sets, elements, lines;
	/* not put back: */
	size_t expired, homeless /* the set is gone or of another family */,
		crowded /* it is full */;
	size_t changed; /* lines that are not there any more */
};

/* The commands of nft that put back what fits into sets of `live` that lack it; *sum added to.
 * `age` in milliseconds. */
void saved_script(struct arena *a, const struct saved *s, const struct ir_ruleset *live,
		  uint64_t age, struct buf *script, struct state_sum *sum);
/* Sets whose elements belong to run time and can be put back: not those of rates and connections,
 * whose elements hold more than the kernel tells. */
bool saved_keeps(const struct ir_ruleset *live, const struct ir_set *s);

/* ---- saved.c; all yield 0 or -errno with why filled; the store is locked ---- */

/* -ENOENT if nothing is loaded: what was saved before stays. */
int state_save(struct store *s, const char *netns, struct arena *a, struct state_sum *sum,
	       struct buf *why);
/* Puts back what is saved, if there is anything, into the rules in force; twice is as good as once.
 * -EBADMSG: the file is damaged or somebody else's, and nothing was changed. */
int state_restore(struct store *s, const char *netns, struct arena *a, struct buf *why);
/* The same, and says what was done. */
int state_restore_sum(struct store *s, const char *netns, struct arena *a, struct state_sum *sum,
		      struct buf *why);

/* Before the rules are loaded: quotas that the kernel has not yet, as an object begins with what is
 * used of it, and nothing puts that back later. */
int state_restore_quotas(struct store *s, const char *netns, struct arena *a, struct buf *why);
/* Of that one, or (NULL) all, nothing is used by what was saved; the rest of it stays. */
int state_reset_quotas(struct store *s, const char *name, struct arena *a, struct buf *why);

/* ---- counted.c ---- */

/* What lines had counted before this table, added to them; nothing if there is no such record. */
void saved_counters_add(const struct store *s, const char *netns, struct arena *a,
			struct report_lines *lines);
int saved_counters_write(struct store *s, const struct saved *x, struct buf *why);
/* Lines that the policy does not have any more are forgotten, as the kernel forgets theirs. */
int saved_counters_prune(struct store *s, struct arena *a, const struct manifest *m,
			 struct buf *why);

#endif
