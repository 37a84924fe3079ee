/* SPDX-License-Identifier: GPL-2.0-or-later
 * A script loaded into a network namespace that nobody else sees, and read back.
 */
#ifndef FWC_SCRATCH_H
#define FWC_SCRATCH_H

#include "kernel/nftrun.h"
#include "nft/nft.h"

enum scratch_outcome {
	SCRATCH_LOADED,
	SCRATCH_REFUSED, /* error says what and where */
	SCRATCH_UNAVAILABLE, /* nobody, or not this user, may make a namespace here */
	SCRATCH_FAILED, /* anything else; why */
};

struct scratch {
	enum scratch_outcome outcome;
	struct buf dump;
	struct nftrun_error error;
	struct buf why, grown;
	struct nftrun_step steps[3];
	struct nftrun run;
	/* Where no namespace can be made, the rules may be tried in the namespace itself, in a
	 * table of another name that sleeps (RUN_ASLEEP): it is on no hook. */
	bool may_sleep, slept;
	const char *script, *netns;
};

void scratch_load(struct scratch *s, const char *script);
/* The same in two steps, for work at the same time; script must last until the second. */
void scratch_start(struct scratch *s, const char *script);
void scratch_start_anywhere(struct scratch *s, const char *script, const char *netns);
void scratch_wait(struct scratch *s);
/* What was loaded, as table inet fwc; NULL if it cannot be read. */
struct ir_ruleset *scratch_ruleset(const struct scratch *s, struct arena *a);
void scratch_free(struct scratch *s);

/* Whether `add set` of one that is there changes its timeout and its size (new kernels do, earlier
 * ones take it and change nothing). */
bool scratch_resizes_sets(struct arena *a);
/* script_grow() for a kernel that does. */
bool scratch_grow(struct buf *out, const char *script);

#endif
