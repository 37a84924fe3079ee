/* SPDX-License-Identifier: GPL-2.0-or-later
 * What commands have to do with trials.
 */
#ifndef FWC_CMD_TRIAL_H
#define FWC_CMD_TRIAL_H

#include "apply/trial.h"
#include "cmd/cmd.h"

enum trial_while { /* one is running, what a command does */
		   WHILE_NOTHING, /* it is refused: -EBUSY */
		   WHILE_CANCEL, /* it ends the trial first */
};

/* Cleans up after a trial that is over; the store is locked. */
int trial_settle(struct globals *g, struct store *s, struct arena *a, enum trial_while what,
		 struct buf *why);
int trial_apply(struct globals *g, struct apply *x, unsigned seconds);
/* At a terminal that runs over ssh. */
bool over_ssh(void);

#endif
