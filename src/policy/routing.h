/* SPDX-License-Identifier: GPL-2.0-or-later
 * Where packets go: the one model of the kernel's routing that warnings, the proof and explain use.
 *
 * Routing tables are no part of a policy. What is known without them:
 *
 * 1. What some addresses are to every machine (`fib daddr type`), see routing_kinds.
 * 2. What arrives with an address of this machine, broadcast or multicast goes to input; what
 *    arrives with another is forwarded, and so is multicast where a daemon forwards it, and a
 *    subnet's broadcast where bc_forwarding says so. What this machine sends leaves by an
 *    interface, or by loopback where the address is its own.
 * 3. Where an address is that dnat sent a packet to: with an address that the packet called and
 *    that was this machine's, it stays here. Else it is here where the policy says so (X@self), or
 *    where this machine has the address now; else in the zone whose networks hold it, of nested
 *    ones the narrowest (the longest prefix, as routes); else anywhere.
 *
 * tests/ns/routing.bats sends packets and compares.
 */
#ifndef FWC_ROUTING_H
#define FWC_ROUTING_H

#include "policy/policy.h"

/* An address type is RTN_*, <linux/rtnetlink.h>. */
struct routing_kind {
	enum family family;
	struct ival addrs;
	uint8_t type; /* what they are */
	bool always; /* whatever the routing tables hold */
	bool forwarded; /* a machine may send on what arrives with them */
};
#define ROUTING_KINDS 7
extern const struct routing_kind routing_kinds[ROUTING_KINDS];

/* Addresses of that family which never get to the forward hook, or (out) never leave this machine
 * by another interface than loopback. */
struct ivset routing_stays(struct arena *a, enum family fam, bool out);
/* Addresses that may be broadcast: to all, and the last of each zone's networks. IPv4. */
struct ivset routing_broadcasts(struct arena *a, const struct policy *p);

struct routing_zones {
	int *v;
	size_t n, cap;
};
/* Zones whose networks hold the address, none of them around a narrower one; none: unknown. */
void routing_zones(struct arena *a, const struct policy *p, enum family fam, u128 addr,
		   struct routing_zones *out);

/* The one zone that a whole range is in; PLACE_OTHER if there is none, or if part of the range is
 * in another zone. */
int routing_zone(struct arena *a, const struct policy *p, enum family fam, struct ival range);

/* This machine has the address now (if it was asked for its addresses), or every machine has. */
bool routing_own(const struct policy *p, enum family fam, u128 addr);

struct routing_target { /* where what dnat sends to an address may go */
	bool here; /* to this machine */
	bool on; /* to others: in `zones`, or if it is empty in any zone or none */
	bool by_own; /* `here` is told by the addresses that this machine has now */
	struct routing_zones zones; /* whose networks hold it, whether it is here or not */
};
struct routing_cells {
	struct ival *v;
	size_t n, cap;
};
/* A range in parts, each of which routing_target() says one thing of. */
void routing_cells(struct arena *a, const struct policy *p, enum family fam, struct ival range,
		   struct routing_cells *out);
struct routing_target routing_target(struct arena *a, const struct policy *p, enum family fam,
				     u128 addr);

/* Some item speaks of loopback addresses, and of nothing else. */
bool routing_names_loopback(struct arena *a, const struct endpoint *e);

#endif
