/* SPDX-License-Identifier: GPL-2.0-or-later
 * A script tried in a scratch namespace: what the kernel makes of it, and whether that is what was
 * compiled and what the policy means.
 */
#ifndef FWC_PROOF_H
#define FWC_PROOF_H

#include <stdio.h>

#include "kernel/scratch.h"
#include "nft/compare.h"
#include "nft/manifest.h"
#include "space/prove.h"
#include "store/store.h"

struct proof { /* all in the arena */
	enum scratch_outcome outcome;
	struct ir_ruleset *ruleset; /* as the kernel lists it */
	struct differences different; /* from what was compiled (left: compiled) */
	struct nftrun_error error; /* SCRATCH_REFUSED */
	const char *why; /* SCRATCH_UNAVAILABLE, SCRATCH_FAILED */
	struct buf held; /* what a kernel held, in the order of canonical.h */
	bool asleep; /* it was a table that sleeps, for no namespace could be made */
	bool judged; /* meaning is filled */
	struct proof_result meaning;
};

/* compiled: NULL if only the script is known. */
void proof_make(struct proof *out, struct arena *a, const char *script,
		const struct ir_ruleset *compiled);
/* The same, where no namespace can be made, in a table of `netns` that sleeps. */
void proof_make_anywhere(struct proof *out, struct arena *a, const char *script,
			 const struct ir_ruleset *compiled, const char *netns);
/* Of an artefact: what its compilation kept, if this kernel and this libnftables would make the
 * same; else as above. */
void proof_of_artefact(struct proof *out, struct arena *a, const struct artefact *x,
		       const char *netns);
/* Whether something is kept, of this kernel and this libnftables. */
bool proof_is_kept(const struct artefact *x);
/* True: the kernel's dump is what the compilation kept, object by object and nothing more. same:
 * NULL, or the keys of the objects that are. */
bool proof_holds(struct arena *a, const struct artefact *x, const void *dump, size_t len,
		 struct map *same);
/* The same before base chains lead to it: all else is there. */
bool proof_holds_staged(struct arena *a, const struct artefact *x, const void *dump, size_t len);
/* The same of some objects, by their keys, whatever else there is. */
bool proof_holds_some(struct arena *a, const struct artefact *x, const struct map *keys,
		      const void *dump, size_t len);
/* Only what was kept; false if that is not so. */
bool proof_of_kept(struct proof *out, struct arena *a, const struct artefact *x);
/* The second half, where scratch_start() was called earlier; frees s. */
void proof_finish(struct proof *out, struct arena *a, struct scratch *s,
		  const struct ir_ruleset *compiled);
/* Compares with the policy what the kernel lists; where no kernel could be asked, what was
 * compiled.
 */
void proof_judge(struct proof *p, struct arena *a, const struct policy *policy,
		 const struct ir_ruleset *compiled);
/* The same of the script of an artefact, and with what its bulk sets hold. */
void proof_of_script(struct proof *out, struct arena *a, const struct artefact *x,
		     struct scratch *s);
/* Nothing speaks against writing it: no refusal, no difference. */
bool proof_good(const struct proof *p);
/* How far it is proved, for the manifest and for people. */
enum proved proof_state(const struct proof *p);
/* How far it went, if that is less than usual. */
void proof_note(FILE *to, bool asleep);
/* Prints what is wrong, the policy line first. */
void proof_print(FILE *to, const struct proof *p, const struct ir_ruleset *compiled);

/* The same as text. */
const char *proof_text(struct arena *a, const struct proof *p);

#endif
