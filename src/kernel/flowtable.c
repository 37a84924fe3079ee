/* SPDX-License-Identifier: GPL-2.0-or-later
 * NFT_MSG_GETFLOWTABLE and NFT_MSG_NEWFLOWTABLE, by libmnl, in a child if it is about another
 * namespace.
 */
#include "kernel/flowtable.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/child.h"
#include "kernel/send.h"
#include "nft/ir.h"
#include "nft/tlv.h"
#include "util/cleanup.h"
#include "util/fd.h"

struct job {
	const char *name;
	bool hardware;
	int out; /* memory file: names that are bound, one a line */
	struct flowtable_device *v;
	int *errs; /* shared, of each of v */
	size_t n;
};

static struct nlmsghdr *put_head(char *room, int type, int flags, const char *name)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = 1;
	g->nfgen_family = NFPROTO_INET;
	g->version = NFNETLINK_V0;
	mnl_attr_put_strz(h, NFTA_FLOWTABLE_TABLE, IR_TABLE);
	mnl_attr_put_strz(h, NFTA_FLOWTABLE_NAME, name);
	return h;
}

/* ---- which there are ---- */

static void write_devices(int fd, const struct nlmsghdr *h)
{
	struct tlv bytes = {(const uint8_t *)h, h->nlmsg_len}, devices, one;
	struct tlv v[NFTA_FLOWTABLE_MAX + 1], hook[NFTA_FLOWTABLE_HOOK_MAX + 1];
	struct tlv_message m;
	uint16_t type;

	if (!tlv_message(&bytes, &m))
		return;
	tlv_sort(m.body, v, NFTA_FLOWTABLE_MAX);
	tlv_sort(v[NFTA_FLOWTABLE_HOOK], hook, NFTA_FLOWTABLE_HOOK_MAX);
	devices = hook[NFTA_FLOWTABLE_HOOK_DEVS];
	while (tlv_next(&devices, &type, &one))
		if (type == NFTA_DEVICE_NAME && tlv_is_text(one))
			dprintf(fd, "%s\n", (const char *)one.p);
}

static int hear(struct mnl_socket *nl, int out)
{
	char room[16384];

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl, room, sizeof(room));
		const struct nlmsghdr *h = (const void *)room;
		int left = (int)n;

		if (n < 0)
			return -errno;
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type == NLMSG_ERROR &&
			    mnl_nlmsg_get_payload_len(h) >= sizeof(*e))
				return e->error;
			write_devices(out, h);
		}
	}
}

static int ask_here(void *arg)
{
	const struct job *j = arg;
	char room[512];
	struct nlmsghdr *h = put_head(room, NFT_MSG_GETFLOWTABLE, 0, j->name);
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int err;

	if (!nl)
		return errno;
	err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
			      mnl_socket_sendto(nl, h, h->nlmsg_len) < 0
		      ? -errno
		      : hear(nl, j->out);
	mnl_socket_close(nl);
	return -err;
}

/* ---- another ---- */

static int bind_one(const struct job *j, const char *device)
{
	char room[512];
	struct nlmsghdr *h = put_head(room, NFT_MSG_NEWFLOWTABLE, NLM_F_CREATE, j->name);
	struct nlattr *hook, *devices;

	if (j->hardware)
		mnl_attr_put_u32(h, NFTA_FLOWTABLE_FLAGS, htonl(NFT_FLOWTABLE_HW_OFFLOAD));
	hook = mnl_attr_nest_start(h, NFTA_FLOWTABLE_HOOK);
	mnl_attr_put_u32(h, NFTA_FLOWTABLE_HOOK_NUM, htonl(NF_NETDEV_INGRESS));
	mnl_attr_put_u32(h, NFTA_FLOWTABLE_HOOK_PRIORITY, htonl(0));
	devices = mnl_attr_nest_start(h, NFTA_FLOWTABLE_HOOK_DEVS);
	mnl_attr_put_strz(h, NFTA_DEVICE_NAME, device);
	mnl_attr_nest_end(h, devices);
	mnl_attr_nest_end(h, hook);
	return send_batch(room, h->nlmsg_len, 0);
}

static int bind_here(void *arg)
{
	const struct job *j = arg;

	for (size_t i = 0; i < j->n; i++)
		j->errs[i] = bind_one(j, j->v[i].name);
	return 0;
}

/* ---- */

static int run(const char *netns, int (*work)(void *), struct job *j, struct buf *why)
{
	struct child c = {
		.where = child_where_of(netns), .netns = netns, .run = work, .arg = j};
	int err = child_run(&c);

	if (err < 0)
		buf_puts(why, buf_str(&c.why));
	else if (err > 0)
		buf_printf(why, "cannot ask the kernel for flowtable %s: %s", j->name,
			   strerror(err));
	child_free(&c);
	return err > 0 ? -err : err;
}

int flowtable_devices(const char *netns, const char *name, struct buf *out, struct buf *why)
{
	_cleanup_close_ int fd = memfd_create("fwc-devices", MFD_CLOEXEC);
	struct job j = {.name = name, .out = fd};
	int err;

	if (fd < 0)
		return -errno;
	err = run(netns, ask_here, &j, why);
	return err ? err : fd_read(fd, out);
}

int flowtable_bind(const char *netns, const char *name, bool hardware, struct flowtable_device *v,
		   size_t n, struct buf *why)
{
	struct job j = {.name = name, .hardware = hardware, .v = v, .n = n};
	size_t size = n * sizeof(int);
	int err;

	if (!n)
		return 0;
	j.errs = child_memory(size);
	if (!j.errs)
		return -ENOMEM;
	err = run(netns, bind_here, &j, why);
	for (size_t i = 0; i < n; i++)
		v[i].err = j.errs[i];
	child_memory_free(j.errs, size);
	return err;
}
