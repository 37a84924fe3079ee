/* SPDX-License-Identifier: GPL-2.0-or-later
 * The ssh session that this process belongs to, and those of others.
 */
#ifndef FWC_SESSION_H
#define FWC_SESSION_H

#include <stdint.h>

#include "util/arena.h"
#include "util/ival.h"
#include "util/vec.h"

/* "CLIENT PORT SERVER PORT", as sshd(8) sets SSH_CONNECTION; NULL: none. Where the variable was
 * lost on the way, as sudo and su - do, that of the nearest ancestor which still has it. */
const char *session_ssh(struct arena *a);

struct session_ends { /* IPv4 in IPv6's clothes is IPv4 */
	enum family family;
	u128 client, server;
	uint16_t client_port, server_port;
};

/* What that says; false: it cannot be understood. */
bool session_ends(const char *ssh, struct session_ends *out);

struct session_list {
	struct session_ends *v;
	size_t n, cap;
};

/* Those of all programs in this network namespace whose environment may be read; one with several
 * programs is there several times. */
void session_all(struct arena *a, struct session_list *out);

#endif
