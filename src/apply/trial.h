/* SPDX-License-Identifier: GPL-2.0-or-later
 * New rules on trial: the kernel goes back to the old ones by itself unless somebody confirms in
 *time.
 *
 *	pending/     the artefact on trial; what is applied stays in applied/, and boots
 *	trial.json   until when: the boot clock, and which boot
 *
 * What the kernel cannot take back (switches of forwarding, these files) a guard does, a process
 *that nothing of the session reaches; and if it is dead, the next command.
 */
#ifndef FWC_TRIAL_H
#define FWC_TRIAL_H

#include "apply/apply.h"
#include "apply/plan.h"

#define TRIAL_PREFIX "trial."
#define TRIAL_SECONDS 60
#define TRIAL_MIN 2
#define TRIAL_MAX 86400

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

/* x as for apply_artefact(); seconds from now. The guard is armed before anything changes. */
int trial_begin(struct apply *x, unsigned seconds);
/* The artefact in pending/ becomes what is applied. -ETIME: it is too late, and nothing changed. */
int trial_confirm(struct apply *x);
/* Back to what is applied, at once; also cleans up after one that is over. *was: what there was.
 * fwc-inspectd has other tables then, and is to be told once the lock is released. */
int trial_cancel(struct store *s, const char *netns, struct arena *a, enum trial_state *was,
		 struct buf *why);

/* guard.c: a process of its own that calls trial_cancel() when the time is over. 0 once it is
 * armed. */
int guard_start(const char *state, const char *netns, const char *id, uint64_t deadline,
		struct buf *why);

/* ---- pure: trial_plan.c ---- */
/* forwards: IPv4, IPv6, as the kernel has it now. */
void trial_plan_frame(const struct plan_input *in, const bool forwards[2], struct buf *script);
void trial_plan_start(const struct plan_input *in, uint64_t milliseconds, struct buf *script);
void trial_plan_end(const struct ir_ruleset *live, struct buf *script);
/* Look-ups of a trial stand in base chains, whether or not they still lead anywhere. */
bool trial_in_kernel(const struct ir_ruleset *live);
/* All of them lead to the new rules. */
bool trial_acts(const struct ir_ruleset *live);
/* If they do: the base chains as they will be once it is confirmed. */
void trial_view(struct ir_ruleset *live);

#endif
