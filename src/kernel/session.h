/* SPDX-License-Identifier: GPL-2.0-or-later
 * The ssh session that this process belongs to.
 */
#ifndef FWC_SESSION_H
#define FWC_SESSION_H

#include "util/arena.h"

/* "CLIENT PORT SERVER PORT", as sshd(8) sets SSH_CONNECTION; NULL: none. Where the variable was
 * lost on the way, as sudo and su - do, that of the nearest ancestor which still has it. */
const char *session_ssh(struct arena *a);

#endif
