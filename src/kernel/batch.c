/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two things that libnftables cannot be asked to do with what it sends.
 *
 * The generation in the head of a batch (NFNL_BATCH_GENID, kernel 4.16 and later): nf_tables
 * compares it under its own lock and refuses all of the batch with ERESTART if it is another one,
 * so that nobody can come between our look and our commit.
 *
 * libnftables cannot be asked to send it. It has the head made by nftnl_batch_begin() of libnftnl,
 * and a function of the program's stands before one of a library (ld.so(8), symbol order): this one
 * takes its place.
 *
 * nft before 1.1 turns the bytes of `meta l4proto` over where it looks it up among intervals: one
 * byte, as numbers of two, which does nothing. Kernels that check the lengths refuse it (seen:
 * 6.12.117, EOPNOTSUPP), so it is left out. What the kernel then holds is read back and proved like
 * all else.
 */
#include "kernel/batch.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

static uint32_t expected; /* of a child process that loads scripts, and does nothing else */

void batch_expect(uint32_t generation)
{
	expected = generation;
}

struct nlmsghdr *batch_bound(char *buf, uint16_t type, uint32_t seq, uint32_t generation)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = seq;
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (generation)
		mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
	return nlh;
}

struct nlmsghdr *nftnl_batch_begin(char *buf, uint32_t seq)
{
	return batch_bound(buf, NFNL_MSG_BATCH_BEGIN, seq, expected);
}

static bool does_nothing(const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	return name && !strcmp(name, "byteorder") &&
	       nftnl_expr_get_u32(e, NFTNL_EXPR_BYTEORDER_LEN) <
		       nftnl_expr_get_u32(e, NFTNL_EXPR_BYTEORDER_SIZE) &&
	       nftnl_expr_get_u32(e, NFTNL_EXPR_BYTEORDER_SREG) ==
		       nftnl_expr_get_u32(e, NFTNL_EXPR_BYTEORDER_DREG);
}

/* What is left out libnftables goes on holding for its messages, until the process ends. */
void nftnl_rule_add_expr(struct nftnl_rule *r, struct nftnl_expr *e)
{
	static void (*next)(struct nftnl_rule *, struct nftnl_expr *);

	if (!next)
		next = (void (*)(struct nftnl_rule *, struct nftnl_expr *))dlsym(
			RTLD_NEXT, "nftnl_rule_add_expr");
	if (next && !does_nothing(e))
		next(r, e);
}
