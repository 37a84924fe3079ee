/* SPDX-License-Identifier: GPL-2.0-or-later
 * One question to rtnetlink, in a child if it is about another namespace.
 */
#include "kernel/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kernel/child.h"

struct question {
	int family;
	uint8_t addr[16];
	unsigned index;
	char name[IF_NAMESIZE];
};

static int on_attr(const struct nlattr *attr, void *data)
{
	struct question *q = data;

	if (mnl_attr_get_type(attr) == RTA_OIF && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		q->index = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int on_message(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct rtmsg), on_attr, data);
}

static int converse(struct mnl_socket *nl, struct question *q)
{
	char buf[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));
	size_t bytes = q->family == AF_INET ? 4 : 16;
	ssize_t n;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = (uint32_t)time(NULL);
	rt->rtm_family = (unsigned char)q->family;
	rt->rtm_dst_len = (unsigned char)(8 * bytes);
	mnl_attr_put(nlh, RTA_DST, bytes, q->addr);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (n < 0 || mnl_cb_run(buf, (size_t)n, 0, 0, on_message, q) < 0)
		return -errno;
	return q->index && if_indextoname(q->index, q->name) ? 0 : -ENETUNREACH;
}

static int ask(void *arg)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int err;

	if (!nl)
		return errno;
	err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : converse(nl, arg);
	mnl_socket_close(nl);
	return -err;
}

int route_interface(const char *netns, int family, const uint8_t *addr, char out[IF_NAMESIZE])
{
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = ask};
	struct question *q =
		mmap(NULL, sizeof(*q), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int err;

	if (q == MAP_FAILED)
		return -errno;
	q->family = family;
	memcpy(q->addr, addr, family == AF_INET ? 4 : 16);
	c.arg = q;
	err = child_run(&c);
	child_free(&c);
	memcpy(out, q->name, IF_NAMESIZE);
	munmap(q, sizeof(*q));
	return err > 0 ? -err : err;
}
