/* SPDX-License-Identifier: GPL-2.0-or-later
 * The end of a trial that nobody confirmed.
 */
#ifndef FWC_TRIAL_CANCEL_H
#define FWC_TRIAL_CANCEL_H

#include "trial/note.h"

/* Back to what is applied, at once; also cleans up after one that is over. *was: what there was.
 * fwc-inspectd has other tables then, and is to be told once the lock is released. */
int trial_cancel(struct store *s, const char *netns, struct arena *a, enum trial_state *was,
		 struct buf *why);

#endif
