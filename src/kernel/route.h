/* SPDX-License-Identifier: GPL-2.0-or-later
 * By which interface this machine would answer somebody, by all rules of routing (rtnetlink(7),
 * RTM_GETROUTE).
 */
#ifndef FWC_ROUTE_H
#define FWC_ROUTE_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "util/ival.h"

#define ROUTE_NAMES 16

struct route_answer { /* a connection over TCP, of which this machine's end is `from` */
	enum family family;
	u128 to, from;
	uint16_t to_port, from_port;
	/* out: several where the rules ask for what is not known (a mark); without any way those
	 * that have the address, else all that are up */
	char names[ROUTE_NAMES][IF_NAMESIZE];
	size_t n;
};

/* 0 or -errno. */
int route_answers(const char *netns, struct route_answer *a);

#endif
