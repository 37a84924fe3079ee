/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a policy says about the times of connection tracking -> the kernel's settings, with a note
 * of what they were.
 */
#ifndef FWC_TIMEOUTS_H
#define FWC_TIMEOUTS_H

#include "store/store.h"

/* Sets what the manifest says and puts back what it no longer says. What this kernel does not have
 * is left out, and all of it where its settings cannot be written (a container): that costs the
 * timeouts, not the rules. *changed: something was. *lost: the note of what they were before fwc
 * was damaged; it begins anew with what they are. 0 or -errno. */
int timeouts_apply(struct store *s, const char *netns, const struct manifest *m, bool *changed,
		   bool *lost, struct buf *why);
/* Back to what they were before fwc; *changed: there was something to restore. */
int timeouts_restore(struct store *s, const char *netns, bool *changed, struct buf *why);

/* How one stands, by a snapshot of the kernel's settings; *is: unless it is lacking. */
enum timeout_state { TIMEOUT_SET, TIMEOUT_DIFFERS, TIMEOUT_LACKING };
enum timeout_state timeout_state(const json_t *sysctl, const struct manifest_timeout *t,
				 uint64_t *is);
/* After an apply: those that are not as the manifest says; nothing where it cannot be asked. */
struct timeout_left_out {
	const struct manifest_timeout *t;
	const char *reason, *needs;
};
struct timeouts_left_out {
	struct timeout_left_out *v;
	size_t n, cap;
};
void timeouts_left_out(struct arena *a, const char *netns, const struct manifest *m,
		       struct timeouts_left_out *out);

#endif
