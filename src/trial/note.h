/* SPDX-License-Identifier: GPL-2.0-or-later
 * That new rules are on trial, on disk:
 *
 *	pending/     the artefact on trial; what is applied stays in applied/, and boots
 *	trial.json   until when: the boot clock, and which boot
 */
#ifndef FWC_TRIAL_NOTE_H
#define FWC_TRIAL_NOTE_H

#include "nft/ir.h"
#include "store/store.h"

enum trial_state {
	TRIAL_NONE,
	TRIAL_RUNNING,
	TRIAL_OVER, /* nobody confirmed in time, or the machine was started anew */
};

struct trial {
	enum trial_state state;
	double left; /* seconds; RUNNING */
	char id[33]; /* of this trial */
	char user[64], time[64]; /* who began it, when */
	bool same_boot;
};

/* What trial.json says; TRIAL_NONE also if there is none. */
int trial_read(const struct store *s, struct trial *out, struct buf *why);

/* What is applied; or, while a trial leads packets to other rules and its artefact may be read,
 * that, and in *live these rules then stand in the base chains. 0 or -errno: nothing is on record.
 */
int trial_in_force(const struct store *s, struct arena *a, struct ir_ruleset *live,
		   struct artefact *out, struct buf *why);

/* The same of its manifest alone; NULL: nothing is on record. */
const struct manifest *trial_manifest(const struct store *s, struct arena *a,
				      struct ir_ruleset *live);

/* id: of 32 digits; deadline: boot clock, milliseconds. 0 or -errno with why filled. */
int trial_write(struct store *s, const char *id, uint64_t deadline, struct buf *why);
/* The record and the artefact go. */
void trial_forget(struct store *s);

#endif
