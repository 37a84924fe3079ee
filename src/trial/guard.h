/* SPDX-License-Identifier: GPL-2.0-or-later
 * The process that watches over a trial.
 */
#ifndef FWC_TRIAL_GUARD_H
#define FWC_TRIAL_GUARD_H

#include <stdint.h>

#include "util/buf.h"

/* It calls trial_cancel() when the time is over, if that trial is still on. 0 once it is armed. */
int guard_start(const char *state, const char *netns, const char *id, uint64_t deadline,
		struct buf *why);

#endif
