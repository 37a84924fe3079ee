/* SPDX-License-Identifier: GPL-2.0-or-later
 * What commands that put rules into the kernel have in common.
 */
#ifndef FWC_CMD_APPLYING_H
#define FWC_CMD_APPLYING_H

#include "apply/flows_choice.h"
#include "cmd/cmd.h"
#include "store/store.h"

struct apply_options {
	const char *operand; /* or NULL */
	const char *comment;
	bool dry_run, force, outdated;
	enum flows_choice flows;
	unsigned trial; /* seconds; 0: none */
};

/* Of apply, and of what works like it; argv[0] is its name, `what` its operand. A trial, too, where
 * they come over ssh. Yields EXIT_FINE or EXIT_WRONG. */
int apply_options(int argc, char **argv, const char *what, struct apply_options *o);

struct apply_words { /* for the history */
	const char *comment; /* or NULL */
	unsigned rollback_of; /* 0: no rollback */
	unsigned trial; /* seconds; 0: for good */
	enum flows_choice flows;
	bool as_shown; /* unless `fwc diff` has just shown the difference from other rules */
	bool tell_changes; /* which packets fare otherwise, too */
	bool force; /* even if it cuts off the session over ssh that it comes from */
};

/* Puts an artefact into the kernel and says what was done; the store is locked. */
int work_apply(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
	       const struct apply_words *words);
/* Whether work_apply() would not begin, which is said then. Nothing is locked or changed. */
bool apply_refuses(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
		   bool force);
/* Shows what an apply would change; exits as it would. */
int work_dry_run(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
		 const struct apply_options *o);
/* Says so if it is not of the policy as it is now. */
bool is_outdated(struct arena *a, const struct artefact *x, const char *what);

enum trial_while { /* one is running, what a command does */
		   WHILE_NOTHING, /* it is refused: -EBUSY */
		   WHILE_CANCEL, /* it ends the trial first */
};

/* Cleans up after a trial that is over; the store is locked. */
int trial_settle(struct globals *g, struct store *s, struct arena *a, enum trial_while what,
		 struct buf *why);
/* At a terminal that runs over ssh. */
bool over_ssh(void);

#endif
