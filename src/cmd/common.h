/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the commands that compile have in common: memory, messages, one compiled policy.
 */
#ifndef FWC_COMMON_H
#define FWC_COMMON_H

#include "cmd/cmd.h"
#include "store/store.h"
#include "compile.h"
#include "nft/manifest.h"
#include "policy/policy.h"

struct work {
	bool elsewhere; /* what this machine is, besides a compiler, is no matter */
	struct arena *arena;
	struct diag diag;
	struct compiled compiled;
	enum proved proved;
	struct buf held; /* in the arena: what a kernel held of it; empty: none was asked */
	size_t refuted; /* expectations that do not hold */
	struct lists *in_force; /* of the applied artefact those that were read; or NULL */
};

enum scrutiny { /* besides compiling */
		SCRUTINY_NONE,
		SCRUTINY_EXPECT, /* whether expectations hold */
		SCRUTINY_ALL, /* and for rules that are of no use */
};

void work_init(struct work *w);
void work_free(struct work *w);
/* Compiles and prints what there is to say; false if there were errors. */
bool work_compile(struct work *w, struct globals *g, const char *file, enum compile_stage last,
		  enum scrutiny how);
/* Notes in the policy which addresses this machine has; not if it is for elsewhere. */
void work_own(struct work *w, struct globals *g);
/* Says what getopt_long() has refused; EXIT_WRONG. */
int question_option(const char *command, char **argv);
/* What is left of argv behind the options: a question and at most one policy file, or EXIT_WRONG
 * with a message. */
int question_end(const char *command, int argc, char **argv);
/* A policy and one question about it; prints errors only. */
bool work_query(struct work *w, struct globals *g, const char *file, const char *question,
		const struct rule **query);
/* Warns a user who is not root if lines have no places, or maybe not the right ones. `m`: of what
 * is on record, or NULL. */
void work_warn_record(const struct store *s, const struct manifest *m,
		      const struct ir_ruleset *live);
/* inspect.tables of what was compiled; nothing if no rule inspects. */
bool work_tables(const struct work *w, struct buf *out);
/* What fills its sets at run time; empty: nothing does. */
bool work_runtime(const struct work *w, struct buf *out);
/* Of what was compiled. `inspect`: those tables or NULL. */
struct manifest *work_manifest(const struct work *w, struct arena *a, const struct buf *inspect,
			       const struct buf *runtime);
enum proving { /* of a script, before it is written */
	       PROVING_HERE, /* in a throw-away namespace it must become what the policy means */
	       PROVING_NOT, /* there it must become what was compiled */
	       PROVING_ELSEWHERE, /* what was compiled must be what the policy means */
};
/* Writes the artefact ("-": the script to standard output; NULL: the candidate). */
int work_emit(struct work *w, struct globals *g, const char *out, enum proving how);

#endif
