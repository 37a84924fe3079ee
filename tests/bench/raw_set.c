/* SPDX-License-Identifier: GPL-2.0-or-later
 * The floor that `fwc apply` is measured against: IPv4 addresses from standard input, four bytes
 * each as the network has them, into set inet raw s by nothing but netlink messages, 11,000 of them a
 * transaction. The set is there, with its size.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE 3600 /* elements of one, which is one attribute's length */
#define BATCH 3 /* messages */

static char room[1 << 18];

static struct nlmsghdr *begin(char *at, uint16_t type, uint16_t flags, uint8_t family, uint16_t res)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res);
	return h;
}

static size_t put_elements(char *at, const uint32_t *v, size_t n)
{
	struct nlmsghdr *h = begin(at, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, NLM_F_CREATE,
				   NFPROTO_INET, 0);
	struct nlattr *list;

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, "raw");
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, "s");
	list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < n; i++) {
		struct nlattr *elem = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
		struct nlattr *key = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);

		mnl_attr_put(h, NFTA_DATA_VALUE, sizeof(*v), v + i);
		mnl_attr_nest_end(h, key);
		mnl_attr_nest_end(h, elem);
	}
	mnl_attr_nest_end(h, list);
	return h->nlmsg_len;
}

int main(void)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	static uint32_t v[MESSAGE];
	size_t n = 1, used;
	char answer[4096];

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return 1;
	while (n) {
		used = begin(room, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)
			       ->nlmsg_len;
		for (int i = 0; i < BATCH && (n = fread(v, sizeof(*v), MESSAGE, stdin)); i++)
			used += put_elements(room + used, v, n);
		used += begin(room + used, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)
				->nlmsg_len;
		if (mnl_socket_sendto(nl, room, used) < 0) {
			perror("send");
			return 1;
		}
	}
	/* only what went wrong is told */
	if (recv(mnl_socket_get_fd(nl), answer, sizeof(answer), MSG_DONTWAIT) > 0) {
		fputs("the kernel refused\n", stderr);
		return 1;
	}
	mnl_socket_close(nl);
	return 0;
}
