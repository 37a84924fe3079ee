/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a policy says about forwarding -> the kernel's switches, with a note of what they were.
 */
#ifndef FWC_FORWARDING_H
#define FWC_FORWARDING_H

#include "store/store.h"

/* wanted: -1 not said (what we changed is restored), 0, 1. *changed: something was. 0 or -errno. */
int forwarding_apply(struct store *s, const char *netns, int wanted, bool *changed,
		     struct buf *why);
/* Back to what it was before fwc; *changed: there was something to restore. */
int forwarding_restore(struct store *s, const char *netns, bool *changed, struct buf *why);

#endif
