/* SPDX-License-Identifier: GPL-2.0-or-later
 * An artefact -> the kernel: stage, prove, swap, prove, collect. In between, nothing is ever
 * missing.
 */
#ifndef FWC_APPLY_H
#define FWC_APPLY_H

#include <stdio.h>

#include "apply/flows_choice.h"
#include "apply/offload.h"
#include "nft/ir.h"
#include "store/store.h"

enum apply_mode {
	APPLY_NOW,
	APPLY_TRIAL, /* until x->deadline */
	APPLY_CONFIRM, /* what is on trial, if it still is */
	APPLY_RESTORE, /* what is on record: nothing new for the history */
};

#define TRIAL_SECONDS 60 /* unless it is said */
#define TRIAL_MIN 2
#define TRIAL_MAX 86400

struct apply {
	/* in */
	enum apply_mode mode;
	const char *ssh; /* the session that must not be cut off; NULL: none, or it may */
	uint64_t deadline; /* APPLY_TRIAL: boot clock, milliseconds */
	struct arena *arena;
	struct store *store; /* locked */
	const char *netns;
	const struct artefact *artefact;
	const char *comment; /* for the history; or NULL */
	enum flows_choice flows;
	unsigned rollback_of; /* the generation that is applied again; 0: none */
	bool as_shown; /* not if `fwc diff` showed a moment ago the difference from other rules */
	FILE *say; /* what happens, for people; NULL: silent */
	bool tell_changes; /* which packets it changes, too, before they change */
	/* out */
	bool unchanged; /* no transaction was needed */
	size_t staged, swapped, collected, left;
	bool forwarding_changed, timeouts_changed, timeouts_lost;
	struct offload_devices offload; /* in the arena */
	const char *offload_why; /* nothing could be bound, or NULL */
	bool asleep; /* no namespace could be made: the rules were tried in a table that sleeps */
	size_t refused; /* connections that the new rules refuse, before they came into force */
	size_t ended; /* connections; none during a trial */
	json_t *changes; /* in packets, for the record; NULL: nothing was there before */
	bool live; /* the new rules are in the kernel, whatever else went wrong */
	struct buf remarks; /* which sets that are fetched are empty, and why */
	struct buf why; /* of a failure */
};

/* 0 or -errno. Before the swap a failure leaves the running rules as they were. */
int apply_artefact(struct apply *x);
/* Why it would not begin: what the kernel holds, or the session. Changes nothing; the store need
 * not be locked. */
int apply_refusal(struct apply *x);
void apply_free(struct apply *x);

struct live;

/* Puts on record what was applied. 0 or -errno, with x->why. */
int apply_record(struct apply *x);

/* Deletes objects of ours that nothing leads to; `keep` may be NULL, and so may `known`: what the
 * kernel holds, if that is known to be up to date; its generation goes on by what is committed.
 * What is busy is left. */
int collect_garbage(const char *netns, struct arena *a, const struct artefact *keep,
		    struct live *known, size_t *gone, size_t *left, struct buf *why);

#endif
