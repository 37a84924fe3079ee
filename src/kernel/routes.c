/* SPDX-License-Identifier: GPL-2.0-or-later
 * RTM_GETROUTE by the dozen; RTM_GETRULE.
 */
#include "kernel/routes.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 32 /* answers that surely have room in a socket's buffer */
#define MESSAGE 128 /* bytes of a question, at most */

struct asked {
	struct route_query *v;
	size_t first, n, left;
};

static size_t put_query(char *to, const struct route_query *q, uint32_t seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(to);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));
	size_t bytes = q->family == AF_INET ? 4 : 16;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = seq;
	rt->rtm_family = (unsigned char)q->family;
	rt->rtm_dst_len = (unsigned char)(8 * bytes);
	mnl_attr_put(nlh, RTA_DST, bytes, q->to);
	if (q->has_from) {
		rt->rtm_src_len = (unsigned char)(8 * bytes);
		mnl_attr_put(nlh, RTA_SRC, bytes, q->from);
	}
	return NLMSG_ALIGN(nlh->nlmsg_len);
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct route_query *q = data;

	if (mnl_attr_get_type(attr) == RTA_OIF && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		q->index = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* An error is an answer, too: there is no way. */
static void on_answer(struct asked *a, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	struct route_query *q;

	if (nlh->nlmsg_seq < a->first || nlh->nlmsg_seq >= a->first + a->n)
		return;
	q = &a->v[nlh->nlmsg_seq];
	a->left--;
	if (nlh->nlmsg_type != RTM_NEWROUTE || nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*rt)))
		return;
	q->type = rt->rtm_type;
	mnl_attr_parse(nlh, sizeof(*rt), on_attr, q);
}

static int converse(struct mnl_socket *nl, struct asked *a)
{
	char out[BATCH * MESSAGE] __attribute__((aligned(8)));
	char in[32768] __attribute__((aligned(8)));
	size_t len = 0;

	for (size_t i = 0; i < a->n; i++)
		len += put_query(out + len, &a->v[a->first + i], (uint32_t)(a->first + i));
	if (mnl_socket_sendto(nl, out, len) < 0)
		return -errno;
	while (a->left) {
		ssize_t n = mnl_socket_recvfrom(nl, in, sizeof(in));
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		for (struct nlmsghdr *h = (struct nlmsghdr *)in; mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left))
			on_answer(a, h);
	}
	return 0;
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		return NULL;
	}
	return nl;
}

int routes_ask_here(struct route_query *v, size_t n)
{
	struct mnl_socket *nl = open_socket();
	int err = 0;

	if (!nl)
		return -errno;
	for (size_t i = 0; !err && i < n; i += BATCH) {
		size_t some = n - i < BATCH ? n - i : BATCH;
		struct asked a = {.v = v, .first = i, .n = some, .left = some};

		err = converse(nl, &a);
	}
	mnl_socket_close(nl);
	return err;
}

/* ---- rules ---- */

static int on_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct fib_rule_hdr *h = mnl_nlmsg_get_payload(nlh);
	bool *others = data;

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*h)))
		return MNL_CB_OK;
	*others |= h->src_len || h->dst_len || h->tos || h->action != FR_ACT_TO_TBL ||
		   (h->table != RT_TABLE_LOCAL && h->table != RT_TABLE_MAIN &&
		    h->table != RT_TABLE_DEFAULT);
	return MNL_CB_OK;
}

static int ask_rules(struct mnl_socket *nl, bool *others)
{
	char buf[32768] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	int more = MNL_CB_OK;

	nlh->nlmsg_type = RTM_GETRULE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	g->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		more = n < 0 ? -1
			     : mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), on_rule,
					  others);
	}
	return more < 0 ? -errno : 0;
}

bool routes_by_rules_here(void)
{
	struct mnl_socket *nl = open_socket();
	bool others = false;

	if (!nl || ask_rules(nl, &others))
		others = true;
	if (nl)
		mnl_socket_close(nl);
	return others;
}
