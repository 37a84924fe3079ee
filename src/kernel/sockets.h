/* SPDX-License-Identifier: GPL-2.0-or-later
 * TCP connections that end in this network namespace, as its sockets know them.
 */
#ifndef FWC_SOCKETS_H
#define FWC_SOCKETS_H

#include "kernel/conn.h"
#include "util/arena.h"

struct socket_conns {
	struct conn *v;
	size_t n, cap;
};

/* Those of the namespace we are in that may be silent for long, loopback left out: each as
 * conntrack would have it had it seen it from the beginning, with the state and the time it would
 * keep it, and opened from afar if its port here is one that is listened on. One between two
 * addresses of this machine is there twice, once for each socket. 0 or -errno; -ENOENT: this kernel
 * does not tell (tcp_diag). */
int sockets_read(struct arena *a, struct socket_conns *out);

#endif
