/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is to be done to bring the kernel from what it holds to what an artefact says; pure.
 */
#ifndef FWC_PLAN_H
#define FWC_PLAN_H

#include "kernel/live.h"
#include "nft/compare.h"
#include "store/store.h"

struct plan_input {
	struct arena *arena;
	const struct artefact *artefact;
	const struct ir_ruleset *want; /* as listed from a scratch load of the artefact's script */
	const struct ir_ruleset *live;
	bool resizes; /* the kernel changes timeout and size of a set that is there */
};

/* Something stands in the way that no transaction can move; NULL if nothing does. *hint, too. */
const char *plan_conflict(const struct plan_input *in, const char **hint);

/* Some dynamic set has another timeout or size in the kernel, and is the same otherwise. */
bool plan_resizes(const struct plan_input *in);

/* What the first transaction is to make: objects that nothing refers to; by their keys, what their
 * counters begin with (struct remake_counts). False if something is among them of which the
 * compilation has kept no digest of that key. */
bool plan_missing(const struct plan_input *in, struct live_names *names, struct map *counts);
/* Of `want` the objects with these keys, as the kernel holds them after that. */
void plan_add_staged(const struct plan_input *in, const struct map *keys, struct ir_ruleset *live);
/* First transaction: the objects that are missing, referred to by nothing; their names. */
void plan_stage(const struct plan_input *in, struct buf *script, struct live_names *names);

/* Second transaction: base chains made or led to their new roots; and what somebody else changed in
 * objects of ours is put right. live is read after the staging. The names are those of the chains
 * and sets that it touches. */
void plan_swap(const struct plan_input *in, struct buf *script, struct live_names *names);

/* The rules of a base chain of the artefact, each behind its place and that command. */
void plan_rules(const struct plan_input *in, const char *chain, const char *command, struct buf *b);

/* True if no base chain of ours is there: nothing filters yet. */
bool plan_first(const struct plan_input *in);

/* The keys ("c:NAME") of objects so named. */
void plan_keys(struct arena *a, const struct live_names *names, struct map *keys);

/* Deletes what no base chain leads to, dynamic sets of the artefact excepted (without an artefact:
 * all dynamic sets; `want` is not looked at). Yields how many. With
 * `chains` false, chains are emptied but not deleted; with `sets` false, sets stay. */
size_t plan_collect(const struct plan_input *in, bool sets, bool chains, struct buf *script);

/* ---- plan_trial.c ---- */

/* A trial takes two transactions, look-ups that find nothing and what they find. forwards: IPv4,
 * IPv6, as the kernel has it now. */
void plan_trial_frame(const struct plan_input *in, const bool forwards[2], struct buf *script);
void plan_trial_start(const struct plan_input *in, uint64_t milliseconds, struct buf *script);
void plan_trial_end(const struct ir_ruleset *live, struct buf *script);

#endif
