/* SPDX-License-Identifier: GPL-2.0-or-later
 * messages -> NFNL_MSG_BATCH_BEGIN, messages, NFNL_MSG_BATCH_END (nfnetlink.c), by libmnl.
 */
#include "kernel/send.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "kernel/batch.h"

#define ROOM 4096 /* beside the messages: the socket's own */

/* Whole ones, which make objects and nothing else. */
static bool are_makers(const char *p, size_t n)
{
	while (n) {
		const struct nlmsghdr *h = (const void *)p;
		int type;

		if (n > INT_MAX || !mnl_nlmsg_ok(h, (int)n))
			return false;
		type = h->nlmsg_type - (NFNL_SUBSYS_NFTABLES << 8);
		if (type != NFT_MSG_NEWTABLE && type != NFT_MSG_NEWCHAIN &&
		    type != NFT_MSG_NEWSET && type != NFT_MSG_NEWSETELEM &&
		    type != NFT_MSG_NEWRULE && type != NFT_MSG_NEWOBJ &&
		    type != NFT_MSG_NEWFLOWTABLE)
			return false;
		if (h->nlmsg_len % MNL_ALIGNTO)
			return false;
		p += h->nlmsg_len;
		n -= h->nlmsg_len;
	}
	return true;
}

/* The kernel has done it all, or nothing, when sending returns; what it says of it is there. */
static int take_answers(int fd)
{
	char buf[16384];
	bool answered = false;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *h = (const void *)buf;
		int left = (int)n;

		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR ||
			    mnl_nlmsg_get_payload_len(h) < sizeof(*e))
				continue;
			if (e->error)
				return e->error;
			answered = true;
		}
	}
	if (n < 0 && errno != EAGAIN)
		return -errno;
	return answered ? 0 : -EIO;
}

static int set_room(struct sender *s, size_t wanted)
{
	int fd = mnl_socket_get_fd(s->nl), room = (int)wanted + ROOM;
	socklen_t len = sizeof(room);

	int yes = 1;

	/* an error has the head of the message alone with it, so that there is room for them all */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	/* the second one for those who may only up to net.core.wmem_max */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len))
		return -errno;
	s->room = room < 2 * ROOM ? ROOM : (size_t)room - ROOM;
	if (s->room > wanted)
		s->room = wanted;
	return 0;
}

int sender_open(struct sender *s, size_t wanted)
{
	int err;

	s->nl = wanted > INT_MAX / 2 ? NULL : mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!s->nl)
		return wanted > INT_MAX / 2 ? -EINVAL : -errno;
	err = mnl_socket_bind(s->nl, 0, MNL_SOCKET_AUTOPID) ? -errno : set_room(s, wanted);
	if (err)
		sender_close(s);
	return err;
}

void sender_close(struct sender *s)
{
	if (s->nl)
		mnl_socket_close(s->nl);
	s->nl = NULL;
}

int sender_send(struct sender *s, const void *messages, size_t n, uint32_t generation)
{
	char begin[64] __attribute__((aligned(8))), end[64] __attribute__((aligned(8)));
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct iovec v[] = {
		{begin, batch_bound(begin, NFNL_MSG_BATCH_BEGIN, 0, generation)->nlmsg_len},
		{(void *)messages, n},
		{end, batch_bound(end, NFNL_MSG_BATCH_END, 0, 0)->nlmsg_len},
	};
	struct msghdr m = {.msg_name = &kernel,
			   .msg_namelen = sizeof(kernel),
			   .msg_iov = v,
			   .msg_iovlen = sizeof(v) / sizeof(v[0])};
	int fd = mnl_socket_get_fd(s->nl);

	return sendmsg(fd, &m, 0) < 0 ? -errno : take_answers(fd);
}

int send_batch(const void *messages, size_t n, uint32_t generation)
{
	struct sender s;
	int err;

	if (!n || n > INT_MAX / 2 || !are_makers(messages, n))
		return -EINVAL;
	err = sender_open(&s, n);
	if (err)
		return err;
	err = sender_send(&s, messages, n, generation);
	sender_close(&s);
	return err;
}
