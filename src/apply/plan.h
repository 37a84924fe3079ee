/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is to be done to bring the kernel from what it holds to what an artefact says; pure.
 */
#ifndef FWC_PLAN_H
#define FWC_PLAN_H

#include "apply/store.h"
#include "nft/compare.h"

struct plan_input {
	struct arena *arena;
	const struct artefact *artefact;
	const struct ir_ruleset *want; /* as listed from a scratch load of the artefact's script */
	const struct ir_ruleset *live;
};

/* Something stands in the way that no transaction can move; NULL if nothing does. *hint, too. */
const char *plan_conflict(const struct plan_input *in, const char **hint);

/* First transaction: the objects that are missing, referred to by nothing. Yields how many. */
size_t plan_stage(const struct plan_input *in, struct buf *script);

/* Second transaction: base chains made or led to their new roots; and what somebody else changed in
 * objects of ours is put right. live is read after the staging. Yields how many chains and sets are
 * touched. */
size_t plan_swap(const struct plan_input *in, struct buf *script);

/* True if no base chain of ours is there: nothing filters yet. */
bool plan_first(const struct plan_input *in);

/* Deletes what no base chain leads to, dynamic sets of the artefact excepted (without an artefact:
 * all dynamic sets; `want` is not looked at). Yields how many. With
 * `chains` false, chains are emptied but not deleted; with `sets` false, sets stay. */
size_t plan_collect(const struct plan_input *in, bool sets, bool chains, struct buf *script);

#endif
