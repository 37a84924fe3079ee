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
	uint32_t mark; /* 0: none */
	uint8_t proto; /* 0: not said */
	uint16_t from_port, to_port;
	/* out */
	uint8_t type; /* RTN_UNICAST, RTN_LOCAL, ...; RTN_UNSPEC: there is no way */
	unsigned index; /* of the interface; 0: none */
};

/* Of the namespace we are in. 0 or -errno. */
int routes_ask_here(struct route_query *v, size_t n);
#define ROUTES_MARKS 8
struct routes_rules { /* ip-rule(8): what may lead packets elsewhere than their destination does */
	bool any; /* besides those that every namespace has */
	bool from; /* by their source */
	bool ports; /* by protocol or ports */
	uint32_t marks[ROUTES_MARKS]; /* by mark: one for each rule */
	size_t nmarks;
	bool unclear; /* by what a question does not say (an interface, a user, a type of service),
			 or the rules cannot be found out */
};
void routes_rules_here(struct routes_rules *out);

/* Where, in the order of addresses, routing may begin to answer otherwise: the first address of
 * each prefix that some table has, and the first behind it. From one to the next all addresses have
 * one answer, as long as no rules (above) lead them apart; of a route with several ways one is
 * taken. At most `max` are put into out, sorted, the first being 0. 0 or -errno; -E2BIG: there are
 * more. */
int routes_bounds_here(enum family fam, u128 *out, size_t max, size_t *n);

#endif
