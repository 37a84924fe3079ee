/* SPDX-License-Identifier: GPL-2.0-or-later
 * One connection as the kernel tracks it, with where routing would take it.
 */
#ifndef FWC_CONN_H
#define FWC_CONN_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
