/* SPDX-License-Identifier: GPL-2.0-or-later
 * Many questions to rtnetlink(7) at once: what an address is to this machine, and by which
 * interface it would be reached.
 */
#ifndef FWC_ROUTES_H
#define FWC_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/ival.h"

struct route_query {
	int family; /* AF_INET, AF_INET6 */
	uint8_t to[16], from[16]; /* 4 or 16 bytes; from: one of this machine's own */
	bool has_from;
	/* out */
	uint8_t type; /* RTN_UNICAST, RTN_LOCAL, ...; RTN_UNSPEC: there is no way */
	unsigned index; /* of the interface; 0: none */
};

/* Of the namespace we are in. 0 or -errno. */
int routes_ask_here(struct route_query *v, size_t n);
/* Whether there are rules (ip-rule(8)) besides those that every namespace has: then the address a
 * packet is sent from may lead it elsewhere. True, too, if that cannot be found out. */
bool routes_by_rules_here(void);

/* Where, in the order of addresses, routing may begin to answer otherwise: the first address of
 * each prefix that some table has, and the first behind it. From one to the next all addresses have
 * one answer, as long as no rules (above) lead them apart; of a route with several ways one is
 * taken. At most `max` are put into out, sorted, the first being 0. 0 or -errno; -E2BIG: there are
 * more. */
int routes_bounds_here(enum family fam, u128 *out, size_t max, size_t *n);

#endif
