/* SPDX-License-Identifier: GPL-2.0-or-later
 * NFT_MSG_GETGEN, NFT_MSG_GETTABLE -> struct genid, by libmnl.
 */
#include "kernel/genid.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "kernel/ask.h"
#include "kernel/child.h"
#include "util/cleanup.h"

#define OWN_TABLE "fwc"
#define PANIC_TABLE "fwc-panic"

static void drop_socket(struct mnl_socket **nl)
{
	if (*nl)
		mnl_socket_close(*nl);
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct genid *g = data;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_GEN_ID:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			g->id = ntohl(mnl_attr_get_u32(attr));
		break;
	case NFTA_GEN_PROC_PID:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			g->pid = ntohl(mnl_attr_get_u32(attr));
		break;
	case NFTA_GEN_PROC_NAME:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			snprintf(g->process, sizeof(g->process), "%s", mnl_attr_get_str(attr));
		break;
	}
	return MNL_CB_OK;
}

static int on_gen(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_attr, data);
}

static int on_table_attr(const struct nlattr *attr, void *data)
{
	struct genid *g = data;

	if (mnl_attr_get_type(attr) == NFTA_TABLE_HANDLE &&
	    mnl_attr_validate(attr, MNL_TYPE_U64) == 0)
		g->table = be64toh(mnl_attr_get_u64(attr));
	return MNL_CB_OK;
}

static int on_table(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_table_attr, data);
}

static int ask(struct mnl_socket *nl, uint16_t type, const char *table, struct genid *g)
{
	char buf[8192]; /* MNL_SOCKET_BUFFER_SIZE is not a constant */
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	uint32_t seq = (uint32_t)time(NULL);
	ssize_t n;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	nfg->nfgen_family = table ? NFPROTO_INET : AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	if (table)
		mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		int ret;

		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(nl),
				 table ? on_table : on_gen, g);
		if (ret < 0)
			return -errno;
		if (ret == MNL_CB_STOP)
			return 0;
	}
}

static uint64_t netns_cookie(const struct mnl_socket *nl)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (getsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		return 0;
	return cookie;
}

int genid_get_here(struct genid *out)
{
	__attribute__((cleanup(drop_socket))) struct mnl_socket *nl =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct genid g = {0};
	int err;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	err = ask(nl, NFT_MSG_GETGEN, NULL, &g);
	if (err)
		return err;
	err = ask(nl, NFT_MSG_GETTABLE, OWN_TABLE, &g);
	if (err && err != -ENOENT)
		return err;
	g.own_table = !err;
	err = ask(nl, NFT_MSG_GETTABLE, PANIC_TABLE, &(struct genid){0});
	if (err && err != -ENOENT)
		return err;
	g.panic_table = !err;
	g.netns = netns_cookie(nl);
	*out = g;
	return 0;
}

struct shared {
	struct genid g;
};

static int in_child(void *arg)
{
	return -genid_get_here(&((struct shared *)arg)->g);
}

static int ask_kernel(const char *netns, struct genid *out, struct buf *why)
{
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = in_child};
	struct shared *s;
	int err;

	if (!netns) {
		err = genid_get_here(out);
		goto done;
	}
	s = child_memory(sizeof(*s));
	if (!s)
		return -ENOMEM;
	c.arg = s;
	err = child_run(&c);
	if (err < 0)
		buf_puts(why, buf_str(&c.why));
	child_free(&c);
	if (err == 0)
		*out = s->g;
	child_memory_free(s, sizeof(*s));
	if (err < 0)
		return err;
	err = -err;
done:
	if (err)
		buf_printf(why, "cannot ask the kernel about nftables: %s%s", strerror(-err),
			   err == -EPERM ? " (it takes root, or CAP_NET_ADMIN)" : "");
	return err;
}

int genid_bytes(const char *netns, struct buf *out, struct buf *why)
{
	struct genid g;
	int err = ask_kernel(netns, &g, why);

	if (!err)
		buf_add(out, &g, sizeof(g));
	return err;
}

int genid_get(const char *netns, struct genid *out, struct buf *why)
{
	_cleanup_buf_ struct buf bytes = {0};
	int err;

	if (!ask_can())
		return ask_kernel(netns, out, why);
	err = ask_bytes(ASK_GENID, netns, &bytes, why);
	if (!err && bytes.len != sizeof(*out))
		err = -EPROTO;
	if (!err)
		memcpy(out, bytes.data, sizeof(*out));
	return err;
}
