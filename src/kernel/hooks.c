/* SPDX-License-Identifier: GPL-2.0-or-later
 * NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN by libmnl, in one batch.
 */
#include "kernel/hooks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "kernel/child.h"
#include "util/cleanup.h"

#define TABLE "fwc"
#define PATIENCE 5 /* seconds for each answer */

static void drop_socket(struct mnl_socket **nl)
{
	if (*nl)
		mnl_socket_close(*nl);
}

static struct nlmsghdr *put(struct mnl_nlmsg_batch *b, uint16_t type, uint16_t flags, uint32_t *seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(b));
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	nlh->nlmsg_seq = ++*seq;
	nfg->nfgen_family = NFPROTO_INET;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

static void put_table(struct mnl_nlmsg_batch *b, uint16_t type, uint16_t flags, uint32_t *seq)
{
	struct nlmsghdr *nlh = put(b, type, flags, seq);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, TABLE);
	if (type == NFT_MSG_NEWTABLE)
		mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, 0);
	mnl_nlmsg_batch_next(b);
}

/* As the base chains of every ruleset that was compiled. */
static void put_chain(struct mnl_nlmsg_batch *b, const char *name, uint32_t hook, uint32_t *seq)
{
	struct nlmsghdr *nlh = put(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE, seq);
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(hook));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl(0));
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	mnl_nlmsg_batch_next(b);
}

struct batch { /* numbers of its messages */
	uint32_t first, last; /* head and tail */
};

/* The answers to a batch, for a late one may be to a batch before. A refusal of all of it is
 * addressed to its head, else there is one for each message in between. */
static int take_answers(const char *buf, ssize_t got, const struct batch *b, uint32_t *n, int *err)
{
	const struct nlmsghdr *nlh = (const void *)buf;
	int left = (int)got;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
		bool head = nlh->nlmsg_seq == b->first;

		if (nlh->nlmsg_type != NLMSG_ERROR ||
		    nlh->nlmsg_seq - b->first >= b->last - b->first)
			continue;
		if (e->error && !*err)
			*err = e->error;
		if (head && e->error)
			return e->error;
		*n += !head;
	}
	return 0;
}

/* The first error of them. */
static int answers(struct mnl_socket *nl, const struct batch *b)
{
	uint32_t n = 0;
	char buf[8192];
	int err = 0;

	while (n < b->last - b->first - 1) {
		ssize_t got = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (got < 0)
			return err ? err : -errno;
		if (take_answers(buf, got, b, &n, &err))
			break;
	}
	return err;
}

static int commit(struct mnl_socket *nl, bool anew, uint32_t *seq)
{
	char buf[8192]; /* the kernel's limits of names keep it below 1 KiB */
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, sizeof(buf));
	struct batch numbers = {.first = ++*seq};
	int err = 0;

	nftnl_batch_begin(mnl_nlmsg_batch_current(b), numbers.first);
	mnl_nlmsg_batch_next(b);
	put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, seq);
	if (anew) {
		put_table(b, NFT_MSG_DELTABLE, 0, seq);
		put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, seq);
	}
	put_chain(b, "input", NF_INET_LOCAL_IN, seq);
	put_chain(b, "forward", NF_INET_FORWARD, seq);
	put_chain(b, "output", NF_INET_LOCAL_OUT, seq);
	numbers.last = ++*seq;
	nftnl_batch_end(mnl_nlmsg_batch_current(b), numbers.last);
	mnl_nlmsg_batch_next(b);
	if (mnl_socket_sendto(nl, mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b)) < 0)
		err = -errno;
	mnl_nlmsg_batch_stop(b);
	return err ? err : answers(nl, &numbers);
}

static int drop_here(void)
{
	__attribute__((cleanup(drop_socket))) struct mnl_socket *nl =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	const struct timeval patience = {.tv_sec = PATIENCE};
	uint32_t seq = 0;
	int err;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	err = commit(nl, false, &seq);
	/* a chain of that name may be of another kind */
	return err && err != -EPERM ? commit(nl, true, &seq) : err;
}

static int in_child(void *arg)
{
	(void)arg;
	return -drop_here();
}

int hooks_drop(const char *netns, struct buf *why)
{
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = in_child};
	int err;

	if (!netns) {
		err = drop_here();
	} else {
		err = -child_run(&c);
		if (err > 0) {
			buf_puts(why, buf_str(&c.why));
			child_free(&c);
			return -err;
		}
		child_free(&c);
	}
	if (err)
		buf_printf(why, "the kernel takes no hooks that drop: %s", strerror(-err));
	return err;
}
