/* SPDX-License-Identifier: GPL-2.0-or-later
 * Artefacts and state on disk: a directory of root's, in which nothing is ever half written.
 *
 *	candidate/{ruleset.nft,manifest.json,ruleset.index}
 *	                                                what `compile` made and `apply` takes
 *	applied/                                        the same and apply.json: what was put into
 *	                                                the kernel last
 *	.../ruleset.dump                                what a kernel held of it
 *	.../DIGEST.elements                             of a bulk set
 *	.../inspect.tables                              where something is inspected
 *	                                                (inspect.json by fwc 0.1)
 *	.../runtime.json                                where something fills sets at run time
 *	generation.N/                                   the same of what was applied before
 *	forwarding.json, timeouts.json                  settings of the kernel before ours
 *	lock                                            held while a command changes something
 *	.room                                           room for what is about to be written
 */
#ifndef FWC_STORE_H
#define FWC_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "nft/manifest.h"

#define STORE_CANDIDATE "candidate"
#define STORE_APPLIED "applied"
#define STORE_PENDING "pending" /* on trial */

struct store {
	const char *path;
	int dir; /* -1: none */
	int lock; /* -1: not held */
	bool hidden; /* it could not be opened, because it is not for this user */
	bool public; /* what is open is root's copy for others (publish.c): only to be read */
	bool changed; /* something other than the candidate */
};

struct artefact {
	struct buf script;
	struct buf text; /* of manifest.json */
	struct buf index; /* what of the manifest is no JSON; empty: of format 1 */
	struct buf inspect; /* tables of inspectors (inspect/pack.h); empty: there are none */
	struct buf
		runtime; /* what fills sets at run time (policy_runtime()); empty: nothing does */
	struct buf held; /* what a kernel held of the script (nft/canonical.h); empty: not kept */
	struct manifest *manifest; /* in the arena it was read with */
	struct lists *lists; /* of bulk sets (lists.h), in that arena; NULL: there are none */
	const char *files; /* store_files() before the candidate was read; NULL: it is another */
};

/* Of an artefact whose rules are known to be in force: text, and what the manifest has in its head.
 */
static inline bool artefact_is_head(const struct artefact *x)
{
	return x->manifest && !x->script.len;
}

/* All yield 0 or -errno, with why filled for people. */

/* The state directory, made if it is not there and `create`; -ENOENT otherwise. Commands use
 * store_open() and store_close() of open.h, which know of root's copy for others. */
int store_open_own(struct store *s, const char *path, bool create, struct buf *why);
void store_close_own(struct store *s);
/* -EWOULDBLOCK: another fwc is at work, and was for two seconds. */
int store_lock(struct store *s, struct buf *why);

/* Below the state directory (STORE_CANDIDATE, STORE_APPLIED), all files at once. `record` is
 * apply.json, or NULL. */
int store_write(struct store *s, const char *name, const struct artefact *x, const json_t *record,
		struct buf *why);
/* The same, where this artefact has just been written as `like`: what can be made anew is then on
 * the disk once. */
int store_write_like(struct store *s, const char *name, const char *like, const struct artefact *x,
		     const json_t *record, struct buf *why);
/* inspect.json beside the tables that lie below it, for a fwc-inspectd 0.1 that still runs; nothing
 * where there are none. */
void store_write_old_tables(const struct store *s, const char *name, struct arena *a);
/* Makes sure, until store_release(), of the room that it takes to keep this as applied and as a
 * generation: what is in force must not be missing on record because the disk is full. */
int store_reserve(struct store *s, const struct artefact *x, struct buf *why);
void store_release(struct store *s);
/* True if the same bytes lie there already. */
bool store_holds(const struct store *s, const char *name, const struct artefact *x);
/* A hash of what the directory's files are, not of what they hold: whoever writes one changes it.
 * NULL: some may have been written within the second, and might be again without a trace. */
const char *store_files(const struct store *s, const char *name, struct arena *a);
int store_read(const struct store *s, const char *name, struct arena *a, struct artefact *out,
	       struct buf *why);
/* Of it the manifest: what is where in the policy. The script is not looked at. NULL: none. */
struct manifest *store_read_manifest(const struct store *s, const char *name, struct arena *a);
/* Of the manifest only what stands in it alone (manifest_read_head()); NULL: there is none. */
struct manifest *store_read_head(const struct store *s, const char *name, struct arena *a);
/* The same, and the text that it stands in; 0 or -errno. */
int store_read_text(const struct store *s, const char *name, struct arena *a, struct artefact *out);
/* The head of its manifest and its text, and the lists that it names, to be closed. Nothing where
 * they cannot be read. */
void store_read_lists(const struct store *s, const char *name, struct arena *a,
		      struct artefact *out);
/* Bulk sets of a ruleset that was read get what they hold, as far as what is applied or on trial
 * has it. */
void store_give_lists(const struct store *s, struct arena *a, struct ir_ruleset *r);
int store_read_record(const struct store *s, json_t **out, struct buf *why);
void store_remove(struct store *s, const char *name);

/* An artefact in a directory of the user's choice. */
int artefact_write(const char *dir, const struct artefact *x, struct buf *why);
int artefact_read(const char *dir, struct arena *a, struct artefact *out, struct buf *why);
void artefact_free(struct artefact *x);

int store_write_forwarding(struct store *s, const json_t *snapshot, struct buf *why);
int store_read_forwarding(const struct store *s, json_t **out, struct buf *why);
void store_drop_forwarding(struct store *s);
int store_write_timeouts(struct store *s, const json_t *note, struct buf *why);
int store_read_timeouts(const struct store *s, json_t **out, struct buf *why);
void store_drop_timeouts(struct store *s);

#endif
