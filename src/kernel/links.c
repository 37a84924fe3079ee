/* SPDX-License-Identifier: GPL-2.0-or-later
 * getifaddrs(3), in a child if it is about another namespace.
 */
#include "kernel/links.h"

#include <ifaddrs.h>
#include <net/if.h>

#include "kernel/child.h"

static int any_up(void *arg)
{
	struct ifaddrs *all;
	int up = 0;

	(void)arg;
	if (getifaddrs(&all) < 0)
		return 1;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		up |= (i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK);
	freeifaddrs(all);
	return up;
}

bool links_up(const char *netns)
{
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = any_up};
	int up = child_run(&c);

	child_free(&c);
	return up != 0;
}
