/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections as the kernel tracks them (nf_conntrack over netlink), with where routing would take
 * them: read, and deleted one by one. Those of our own sockets may be told to the kernel, too.
 */
#ifndef FWC_FLOWS_H
#define FWC_FLOWS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/ival.h"

struct conn_tuple { /* addresses and ports of one direction, in host order */
	u128 from, to;
	uint16_t from_port, to_port; /* 0 where the protocol has none, as GRE */
};

/* Where rules meet it. */
enum conn_path { CONN_ANYWHERE /* not known, multicast */, CONN_IN, CONN_THROUGH, CONN_OUT };

struct conn {
	enum family family;
	uint8_t proto;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id;
	uint8_t tcp_state; /* enum tcp_conntrack */
	/* TCP that was under way when tracking began: which side opened it is not known, and what
	 * was seen first may have been an answer */
	bool taken_up;
	bool counted; /* packets and bytes are (net.netfilter.nf_conntrack_acct) */
	uint16_t zone; /* of conntrack: of both directions, */
	uint16_t zone_orig, zone_reply; /* or of one */
	uint16_t keys[2]; /* of GRE: they are part of what the kernel finds it by */
	uint32_t id; /* tells it from another one of the same addresses and ports, later */
	uint32_t status; /* IPS_* */
	uint32_t mark;
	uint32_t timeout; /* seconds left */
	struct conn_tuple orig; /* as opened */
	struct conn_tuple reply; /* what answers look like: its `from` is where it goes to, its `to`
				    whom that side sees */
	uint64_t packets[2], bytes[2]; /* as opened, and replies */
	/* What routing says now: interfaces by number, 0: not known. */
	enum conn_path path;
	unsigned iif; /* CONN_IN, CONN_THROUGH: by which the opener is reached */
	unsigned oif; /* to where it really goes */
	unsigned iif_or, oif_or; /* where the rules of routing (by mark) leave two: the other one;
				    iif, oif are one of them then */
	unsigned oif_before; /* CONN_OUT: to where it was sent before its destination was translated
			      */
	uint8_t to_type, goes_type; /* RTN_* of the address opened to, and of that it really goes to
				     */
};

/* 0 where it is one of two. */
static inline unsigned conn_iif(const struct conn *c)
{
	return c->iif_or ? 0 : c->iif;
}

static inline unsigned conn_oif(const struct conn *c)
{
	return c->oif_or ? 0 : c->oif;
}

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
