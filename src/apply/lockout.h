/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether rules would cut off the very session that applies them.
 */
#ifndef FWC_LOCKOUT_H
#define FWC_LOCKOUT_H

#include "nft/ir.h"
#include "util/buf.h"

/* ssh: "CLIENT PORT SERVER PORT", as sshd has it in SSH_CONNECTION. 0: another connection from
 * there would be let in, at least while limits hold; or there is nothing to say about it. -EPERM
 * with why: it would not. */
int lockout_check(struct arena *a, const struct ir_ruleset *want, const char *ssh,
		  const char *netns, struct buf *why);

#endif
