/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections as the kernel tracks them (nf_conntrack over netlink), with where routing would take
 * them: read, and deleted one by one. Those of our own sockets may be told to the kernel, too.
 */
#ifndef FWC_FLOWS_H
#define FWC_FLOWS_H

#include <net/if.h>

#include "kernel/conn.h"
#include "util/buf.h"

struct conn_interface {
	unsigned index;
	char name[IF_NAMESIZE];
};

struct conns {
	struct conn *v;
	size_t n;
	const struct conn_interface *interfaces; /* by index */
	size_t ninterfaces;
	void *map; /* of all */
	size_t size;
};

/* All of a namespace (NULL: where we are). 0 or -errno with why filled; -EOPNOTSUPP: this kernel
 * tells nobody of its connections. */
int conns_read(const char *netns, struct conns *out, struct buf *why);
/* The same as the broker hands it over (broker.h). */
int conns_bytes(const char *netns, struct buf *out, struct buf *why);
void conns_free(struct conns *c);
/* NULL: it is not known, or gone. */
const struct conn_interface *conns_interface(const struct conns *c, unsigned index);

/* Deletes those of the list (pointers into what was read) that are still there: the same ones, not
 * later ones with their addresses and ports. */
int conns_delete(const char *netns, const struct conn *const *v, size_t n, size_t *deleted,
		 struct buf *why);

/* Tells conntrack of the TCP connections of the namespace's own sockets that it does not know, for
 * it learns of none that was there before and is silent. How many it did not know in *taken. 0 or
 * -errno with why filled; some may have been taken up all the same. */
int conns_take_up(const char *netns, size_t *taken, struct buf *why);

#endif
