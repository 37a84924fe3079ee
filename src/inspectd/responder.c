/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets with their headers -> raw(7) sockets, if the routes lead back to where the query came
 * from.
 */
#include "inspectd/responder.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ROUTES_MS 200 /* the kernel answers at once, or never */

static int raw_socket(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW), least = 0;

	if (fd >= 0) /* nothing is read from it */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	return fd;
}

void responder_open(struct responder *r, int raw4, int raw6)
{
	const struct timeval limit = {.tv_usec = ROUTES_MS * 1000};

	*r = (struct responder){.raw = {raw4, raw6}};
	pthread_mutex_init(&r->lock, NULL);
	for (int i = 0; i < 2; i++)
		if (r->raw[i] < 0)
			r->raw[i] = raw_socket(i ? AF_INET6 : AF_INET);
	r->routes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (r->routes >= 0)
		setsockopt(r->routes, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

void responder_close(struct responder *r)
{
	for (int i = 0; i < 2; i++)
		if (r->raw[i] >= 0)
			close(r->raw[i]);
	if (r->routes >= 0)
		close(r->routes);
	pthread_mutex_destroy(&r->lock);
}

bool responder_can(const struct responder *r)
{
	return (r->raw[0] >= 0 || r->raw[1] >= 0) && r->routes >= 0;
}

/* ---- routes ---- */

struct way {
	unsigned type, interface; /* RTN_..., 0: there is none */
};

static bool is_link_local(int version, const uint8_t *a)
{
	return version == 6 && a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

static size_t ask_way(char *buf, uint32_t seq, int version, const uint8_t *to, unsigned interface,
		      uint32_t mark)
{
	size_t len = version == 4 ? 4 : 16;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtmsg *m;

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = seq;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = version == 4 ? AF_INET : AF_INET6;
	m->rtm_dst_len = (uint8_t)(8 * len);
	mnl_attr_put(h, RTA_DST, len, to);
	mnl_attr_put_u32(h, RTA_MARK, mark);
	if (is_link_local(version, to)) /* it is everywhere */
		mnl_attr_put_u32(h, RTA_OIF, interface);
	return h->nlmsg_len;
}

static void read_way(const struct nlmsghdr *h, struct way *out)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return;
	out->type = m->rtm_type;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == RTA_OIF && mnl_attr_get_payload_len(a) >= 4)
			out->interface = mnl_attr_get_u32(a);
	}
}

/* One after the other: the lock is held. */
static struct way way_to(struct responder *r, int version, const uint8_t *to, unsigned interface,
			 uint32_t mark)
{
	static uint32_t seq;
	_Alignas(struct nlmsghdr) char buf[8192];
	struct way way = {0};
	size_t len = ask_way(buf, ++seq, version, to, interface, mark);

	if (send(r->routes, buf, len, 0) < 0)
		return way;
	for (;;) {
		ssize_t n = recv(r->routes, buf, sizeof(buf), 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)buf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || !mnl_nlmsg_ok(h, (int)n))
			return way;
		if (h->nlmsg_seq != seq) /* of one that was given up */
			continue;
		if (h->nlmsg_type == RTM_NEWROUTE)
			read_way(h, &way);
		return way;
	}
}

static bool leads_back(struct responder *r, unsigned interface, uint32_t mark,
		       const struct dns_reply_ends *e)
{
	struct way client, server;

	pthread_mutex_lock(&r->lock);
	client = way_to(r, e->version, e->client, interface, mark);
	server = way_to(r, e->version, e->server, interface, mark);
	pthread_mutex_unlock(&r->lock);
	/* one that dnat replaces needs no route */
	if (server.type == RTN_BROADCAST || server.type == RTN_MULTICAST ||
	    server.type == RTN_ANYCAST)
		return false;
	if (client.type == RTN_LOCAL) /* by loopback, or on its way out */
		return !interface || interface == client.interface;
	return client.type == RTN_UNICAST && interface && client.interface == interface;
}

/* ---- sending ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(union address *a, const struct dns_reply_ends *e, unsigned interface)
{
	memset(a, 0, sizeof(*a));
	if (e->version == 4) {
		a->v4.sin_family = AF_INET;
		memcpy(&a->v4.sin_addr, e->client, 4);
		return sizeof(a->v4);
	}
	a->v6.sin6_family = AF_INET6;
	memcpy(&a->v6.sin6_addr, e->client, 16);
	if (is_link_local(6, e->client))
		a->v6.sin6_scope_id = interface;
	return sizeof(a->v6);
}

bool responder_send(struct responder *r, unsigned interface, uint32_t mark, const uint8_t *packet,
		    size_t n, const struct dns_reply_ends *ends)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
	} control = {0};
	struct iovec iov = {(void *)packet, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
	int fd = r->raw[ends->version == 6];
	struct cmsghdr *c;
	union address to;

	if (fd < 0 || r->routes < 0 || !leads_back(r, interface, mark, ends))
		return false;
	m.msg_name = &to;
	m.msg_namelen = address_of(&to, ends, interface);
	m.msg_controllen = sizeof(control.bytes);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SO_MARK;
	c->cmsg_len = CMSG_LEN(sizeof(uint32_t));
	memcpy(CMSG_DATA(c), &mark, sizeof(mark));
	return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)n;
}
