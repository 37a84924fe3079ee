/* SPDX-License-Identifier: GPL-2.0-or-later
 * Questions of routes.c, in a child if they are about another namespace.
 */
#include "kernel/route.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/child.h"
#include "kernel/routes.h"

static void add(struct route_answer *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->names[i], name))
			return;
	if (a->n < ROUTE_NAMES)
		memccpy(a->names[a->n++], name, 0, IF_NAMESIZE - 1);
}

static void put_bytes(uint8_t to[16], enum family fam, u128 x)
{
	for (int i = fam == FAM_IP4 ? 4 : 16; i-- > 0; x >>= 8)
		to[i] = (uint8_t)x;
}

/* With each mark that the rules know, and with none. */
static void by_routes(struct route_answer *a, const struct routes_rules *rules, bool has_from)
{
	struct route_query q[1 + ROUTES_MARKS] = {0};
	char name[IF_NAMESIZE];

	for (size_t i = 0; i <= rules->nmarks; i++) {
		q[i] = (struct route_query){.family = a->family == FAM_IP4 ? AF_INET : AF_INET6,
					    .has_from = has_from,
					    .mark = i ? rules->marks[i - 1] : 0,
					    .proto = rules->ports ? IPPROTO_TCP : 0,
					    .from_port = a->from_port,
					    .to_port = a->to_port};
		put_bytes(q[i].to, a->family, a->to);
		put_bytes(q[i].from, a->family, a->from);
	}
	if (routes_ask_here(q, 1 + rules->nmarks))
		return;
	for (size_t i = 0; i <= rules->nmarks; i++)
		if ((q[i].type == RTN_UNICAST || q[i].type == RTN_LOCAL) && q[i].index &&
		    if_indextoname(q[i].index, name))
			add(a, name);
}

static bool is_address(const struct ifaddrs *i, const struct route_answer *a)
{
	const struct sockaddr_in *v4 = (const void *)i->ifa_addr;
	const struct sockaddr_in6 *v6 = (const void *)i->ifa_addr;
	uint8_t bytes[16];

	put_bytes(bytes, a->family, a->from);
	if (!i->ifa_addr || i->ifa_addr->sa_family != (a->family == FAM_IP4 ? AF_INET : AF_INET6))
		return false;
	return a->family == FAM_IP4 ? !memcmp(&v4->sin_addr, bytes, 4)
				    : !memcmp(&v6->sin6_addr, bytes, 16);
}

static void by_addresses(struct route_answer *a, bool all)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		if (all ? (i->ifa_flags & (IFF_UP | IFF_LOOPBACK)) == IFF_UP : is_address(i, a))
			add(a, i->ifa_name);
	freeifaddrs(list);
}

static int ask(void *arg)
{
	struct route_answer *a = arg;
	struct routes_rules rules;

	routes_rules_here(&rules);
	by_routes(a, &rules, true);
	if (!a->n) /* from behind a translation, say, or no address of ours any more */
		by_routes(a, &rules, false);
	if (!a->n || rules.unclear)
		by_addresses(a, false);
	if (!a->n)
		by_addresses(a, true);
	return 0;
}

int route_answers(const char *netns, struct route_answer *a)
{
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = ask};
	int err = child_run_on(&c, a, sizeof(*a));

	child_free(&c);
	return err;
}
