/* SPDX-License-Identifier: GPL-2.0-or-later
 * New rules on trial: the kernel goes back to the old ones by itself unless somebody confirms in
 * time. What the kernel cannot take back (switches of forwarding, files) a guard does, a process
 * that nothing of the session reaches; and if it is dead, the next command.
 */
#ifndef FWC_TRIAL_H
#define FWC_TRIAL_H

#include "apply/apply.h"

/* x as for apply_artefact(); seconds from now. The guard is armed before anything changes. */
int trial_begin(struct apply *x, unsigned seconds);
/* The artefact in pending/ becomes what is applied. -ETIME: it is too late, and nothing changed. */
int trial_confirm(struct apply *x);

#endif
