/* SPDX-License-Identifier: GPL-2.0-or-later
 * One of the questions of routes.c, in a child if it is about another namespace.
 */
#include "kernel/route.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "kernel/child.h"
#include "kernel/routes.h"

struct question {
	struct route_query query;
	char name[IF_NAMESIZE];
};

static int ask(void *arg)
{
	struct question *q = arg;
	int err = routes_ask_here(&q->query, 1);

	if (err)
		return -err;
	return q->query.index && if_indextoname(q->query.index, q->name) ? 0 : ENETUNREACH;
}

int route_interface(const char *netns, int family, const uint8_t *addr, char out[IF_NAMESIZE])
{
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = ask};
	struct question *q =
		mmap(NULL, sizeof(*q), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int err;

	if (q == MAP_FAILED)
		return -errno;
	q->query.family = family;
	memcpy(q->query.to, addr, family == AF_INET ? 4 : 16);
	c.arg = q;
	err = child_run(&c);
	child_free(&c);
	memcpy(out, q->name, IF_NAMESIZE);
	munmap(q, sizeof(*q));
	return err > 0 ? -err : err;
}
