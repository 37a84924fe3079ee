/* SPDX-License-Identifier: GPL-2.0-or-later
 * conntrack's table -> connections; connections -> deleted, or created. All of it in a child
 * process, which may be in another namespace; what it read comes back in a file in memory.
 */
#include "kernel/flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/ask.h"
#include "kernel/child.h"
#include "kernel/flows_routes.h"
#include "kernel/sockets.h"
#include "util/cleanup.h"
#include "util/fd.h"

struct header { /* at the beginning of the file; connections follow, then interfaces */
	size_t n, ninterfaces;
} __attribute__((aligned(16)));

/* ---- in the child: one message -> one connection ---- */

static u128 address(const struct nf_conntrack *ct, enum family fam, int v4, int v6)
{
	u128 x = 0;

	if (fam == FAM_IP4)
		return ntohl(nfct_get_attr_u32(ct, v4));
	if (nfct_attr_is_set(ct, v6) > 0) {
		const uint8_t *p = nfct_get_attr(ct, v6);

		for (int i = 0; i < 16; i++)
			x = x << 8 | p[i];
	}
	return x;
}

/* Zero if it is not there. */
static uint16_t port(const struct nf_conntrack *ct, int attr)
{
	return nfct_attr_is_set(ct, attr) > 0 ? ntohs(nfct_get_attr_u16(ct, attr)) : 0;
}

static void take_tuples(const struct nf_conntrack *ct, struct conn *c)
{
	enum family f = c->family;

	c->orig =
		(struct conn_tuple){.from = address(ct, f, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC),
				    .to = address(ct, f, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST),
				    .from_port = port(ct, ATTR_ORIG_PORT_SRC),
				    .to_port = port(ct, ATTR_ORIG_PORT_DST)};
	c->reply =
		(struct conn_tuple){.from = address(ct, f, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC),
				    .to = address(ct, f, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST),
				    .from_port = port(ct, ATTR_REPL_PORT_SRC),
				    .to_port = port(ct, ATTR_REPL_PORT_DST)};
}

static void take_tcp(const struct nf_conntrack *ct, struct conn *c)
{
	uint8_t both;

	c->tcp_state = nfct_get_attr_u8(ct, ATTR_TCP_STATE);
	both = nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_ORIG) &
	       nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_REPL);
	/* how the kernel marks what it took up without a SYN (tcp_new() in nf_conntrack_proto_tcp)
	 */
	c->taken_up = both & IP_CT_TCP_FLAG_BE_LIBERAL;
}

static void take_counters(const struct nf_conntrack *ct, struct conn *c)
{
	c->counted = nfct_attr_is_set(ct, ATTR_ORIG_COUNTER_PACKETS) > 0;
	if (!c->counted)
		return;
	c->packets[0] = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS);
	c->packets[1] = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_PACKETS);
	c->bytes[0] = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_BYTES);
	c->bytes[1] = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_BYTES);
}

/* Where others have ports the kernel keeps the call ids of GRE (version 1), which no rule asks for.
 */
static void take_keys(struct conn *c)
{
	c->keys[0] = c->orig.from_port;
	c->keys[1] = c->orig.to_port;
	c->orig.from_port = c->orig.to_port = 0;
	c->reply.from_port = c->reply.to_port = 0;
}

static uint16_t zone(const struct nf_conntrack *ct, int attr)
{
	return nfct_attr_is_set(ct, attr) > 0 ? nfct_get_attr_u16(ct, attr) : 0;
}

static bool take(const struct nf_conntrack *ct, struct conn *c)
{
	uint8_t l3 = nfct_get_attr_u8(ct, ATTR_ORIG_L3PROTO);

	if (l3 != AF_INET && l3 != AF_INET6)
		return false;
	*c = (struct conn){.family = l3 == AF_INET ? FAM_IP4 : FAM_IP6};
	c->proto = nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO);
	take_tuples(ct, c);
	if (nfct_attr_is_set(ct, ATTR_ICMP_TYPE) > 0) {
		c->icmp_type = nfct_get_attr_u8(ct, ATTR_ICMP_TYPE);
		c->icmp_code = nfct_get_attr_u8(ct, ATTR_ICMP_CODE);
		c->icmp_id = ntohs(nfct_get_attr_u16(ct, ATTR_ICMP_ID));
	}
	if (c->proto == IPPROTO_TCP)
		take_tcp(ct, c);
	if (c->proto == IPPROTO_GRE)
		take_keys(c);
	take_counters(ct, c);
	c->zone = zone(ct, ATTR_ZONE);
	c->zone_orig = zone(ct, ATTR_ORIG_ZONE);
	c->zone_reply = zone(ct, ATTR_REPL_ZONE);
	c->id = nfct_get_attr_u32(ct, ATTR_ID);
	c->status = nfct_get_attr_u32(ct, ATTR_STATUS);
	c->mark = nfct_get_attr_u32(ct, ATTR_MARK);
	c->timeout = nfct_get_attr_u32(ct, ATTR_TIMEOUT);
	return true;
}

struct reading {
	struct conn *v;
	size_t n, cap;
	bool failed;
};

static int on_entry(const struct nlmsghdr *nlh, void *data)
{
	struct nf_conntrack *ct = nfct_new();
	struct reading *r = data;

	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 1024;
		struct conn *v = aligned_alloc(16, cap * sizeof(*v));

		if (!v) {
			r->failed = true;
			nfct_destroy(ct);
			return MNL_CB_ERROR;
		}
		if (r->n)
			memcpy(v, r->v, r->n * sizeof(*v));
		free(r->v);
		r->v = v;
		r->cap = cap;
	}
	if (ct && nfct_nlmsg_parse(nlh, ct) >= 0 && take(ct, &r->v[r->n]))
		r->n++;
	if (ct)
		nfct_destroy(ct);
	return MNL_CB_OK;
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		return NULL;
	}
	return nl;
}

static struct nlmsghdr *put_header(void *buf, int type, uint16_t flags, uint32_t seq, uint8_t fam)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	g->nfgen_family = fam;
	g->version = NFNETLINK_V0;
	return nlh;
}

static int on_entries(const struct nlattr *a, void *arg)
{
	uint32_t *entries = arg;

	if (mnl_attr_get_type(a) == CTA_STATS_GLOBAL_ENTRIES &&
	    mnl_attr_get_payload_len(a) == sizeof(*entries))
		*entries = ntohl(mnl_attr_get_u32(a));
	return MNL_CB_OK;
}

static int on_stats(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_entries, arg);
	return MNL_CB_OK;
}

/* A dump goes through a table that all namespaces share, and which the memory of the machine sizes:
 * that takes milliseconds, also where there is nothing of ours. */
static bool has_none(struct mnl_socket *nl)
{
	char buf[4096];
	uint32_t entries = UINT32_MAX;
	struct nlmsghdr *nlh = put_header(buf, IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK, 1, AF_UNSPEC);
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return false;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		more = n < 0 ? -1 : mnl_cb_run(buf, (size_t)n, 1, 0, on_stats, &entries);
	}
	return more == MNL_CB_STOP && entries == 0;
}

static int dump(struct mnl_socket *nl, struct reading *r)
{
	static const size_t room = 256 * 1024;
	char *buf = malloc(room);
	struct nlmsghdr *nlh;
	int more = MNL_CB_OK, err = 0;

	if (!buf)
		return -ENOMEM;
	nlh = put_header(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, 2, AF_UNSPEC);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		err = -errno;
	while (!err && more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, room);

		more = n < 0 ? -1 : mnl_cb_run(buf, (size_t)n, 2, 0, on_entry, r);
		if (more < 0)
			err = r->failed ? -ENOMEM : -errno;
	}
	free(buf);
	return err;
}

/* ---- in the child: all of them -> the file ---- */

static int by_index(const void *a, const void *b)
{
	const struct if_nameindex *x = a, *y = b;

	return (x->if_index > y->if_index) - (x->if_index < y->if_index);
}

static int write_interfaces(int fd, struct header *h)
{
	struct if_nameindex *list = if_nameindex();
	int err = 0;

	while (list && list[h->ninterfaces].if_index)
		h->ninterfaces++;
	if (list)
		qsort(list, h->ninterfaces, sizeof(*list), by_index);
	for (size_t i = 0; i < h->ninterfaces && !err; i++) {
		struct conn_interface x = {.index = list[i].if_index};

		strncpy(x.name, list[i].if_name, sizeof(x.name) - 1);
		err = fd_write(fd, &x, sizeof(x));
	}
	if_freenameindex(list);
	return err;
}

static int write_file(int fd, const struct reading *r)
{
	struct header h = {.n = r->n};
	int err = fd_write(fd, &h, sizeof(h));

	if (!err)
		err = fd_write(fd, r->v, r->n * sizeof(*r->v));
	if (!err)
		err = write_interfaces(fd, &h);
	if (!err && pwrite(fd, &h, sizeof(h), 0) != sizeof(h))
		err = -EIO;
	return err;
}

static int read_all(void *arg)
{
	struct mnl_socket *nl = open_socket();
	struct reading r = {0};
	int err;

	if (!nl)
		return errno;
	err = has_none(nl) ? 0 : dump(nl, &r);
	mnl_socket_close(nl);
	if (!err)
		err = flows_route(r.v, r.n);
	if (!err)
		err = write_file(*(int *)arg, &r);
	free(r.v);
	return -err;
}

/* ---- reading ---- */

static int explain(int err, struct buf *why)
{
	if (err == -EPROTONOSUPPORT || err == -EINVAL || err == -ENOENT)
		err = -EOPNOTSUPP;
	if (err == -EOPNOTSUPP)
		buf_puts(why,
			 "this kernel cannot list its connections: it lacks nf_conntrack_netlink");
	else
		buf_printf(why, "cannot read the kernel's connections: %s", strerror(-err));
	return err;
}

static int map_file(int fd, struct conns *out)
{
	off_t size = lseek(fd, 0, SEEK_END);
	const struct header *h;
	void *p;

	if (size < (off_t)sizeof(*h))
		return -EIO;
	p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	h = p;
	*out = (struct conns){
		.v = (struct conn *)(h + 1),
		.n = h->n,
		.interfaces = (const struct conn_interface *)((struct conn *)(h + 1) + h->n),
		.ninterfaces = h->ninterfaces,
		.map = p,
		.size = (size_t)size};
	return 0;
}

static int read_into(const char *netns, int fd, struct buf *why)
{
	struct child c = {
		.where = child_where_of(netns), .netns = netns, .run = read_all, .arg = &fd};
	int err = child_run(&c);

	if (err < 0)
		buf_puts(why, buf_str(&c.why));
	child_free(&c);
	return err > 0 ? explain(-err, why) : err;
}

int conns_bytes(const char *netns, struct buf *out, struct buf *why)
{
	_cleanup_close_ int fd = memfd_create("fwc-flows", MFD_CLOEXEC);
	int err = fd < 0 ? explain(-errno, why) : read_into(netns, fd, why);
	char piece[65536];
	off_t at = 0;
	ssize_t n;

	while (!err && (n = pread(fd, piece, sizeof(piece), at)) != 0) {
		if (n < 0)
			return explain(-errno, why);
		buf_add(out, piece, (size_t)n);
		at += n;
	}
	return err;
}

static int ask_broker(const char *netns, int fd, struct buf *why)
{
	_cleanup_buf_ struct buf bytes = {0};
	int err = ask_bytes(ASK_CONNS, netns, &bytes, why);

	if (!err && fd_write(fd, bytes.data, bytes.len))
		err = explain(-EIO, why);
	return err;
}

int conns_read(const char *netns, struct conns *out, struct buf *why)
{
	_cleanup_close_ int fd = memfd_create("fwc-flows", MFD_CLOEXEC);
	int err;

	*out = (struct conns){0};
	if (fd < 0)
		return explain(-errno, why);
	err = ask_can() ? ask_broker(netns, fd, why) : read_into(netns, fd, why);
	if (err)
		return err;
	err = map_file(fd, out);
	return err ? explain(err, why) : 0;
}

void conns_free(struct conns *c)
{
	if (c->map)
		munmap(c->map, c->size);
	*c = (struct conns){0};
}

const struct conn_interface *conns_interface(const struct conns *c, unsigned index)
{
	size_t lo = 0, hi = c->ninterfaces;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->interfaces[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->ninterfaces && c->interfaces[lo].index == index ? &c->interfaces[lo] : NULL;
}

/* ---- changing: deleting, creating ---- */

#define BATCH 64 /* whose acknowledgements surely have room in a socket's buffer */
#define MESSAGE 256

struct change { /* shared with the child */
	size_t done;
	bool unread; /* the kernel does not tell what to take up */
};

struct changing {
	const struct conn *const *v;
	size_t n;
	size_t (*put)(char *to, const struct conn *c, uint32_t seq);
	int no_matter; /* the error of what needs no change */
	struct change *shared;
	const char *verb;
};

static void set_address(struct nf_conntrack *ct, enum family fam, u128 x, int v4, int v6)
{
	uint8_t p[16];

	if (fam == FAM_IP4) {
		nfct_set_attr_u32(ct, v4, htonl((uint32_t)x));
		return;
	}
	for (int i = 16; i-- > 0; x >>= 8)
		p[i] = (uint8_t)x;
	nfct_set_attr(ct, v6, p);
}

static void set_tuple(struct nf_conntrack *ct, const struct conn *c)
{
	nfct_set_attr_u8(ct, ATTR_ORIG_L3PROTO, c->family == FAM_IP4 ? AF_INET : AF_INET6);
	nfct_set_attr_u8(ct, ATTR_ORIG_L4PROTO, c->proto);
	set_address(ct, c->family, c->orig.from, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC);
	set_address(ct, c->family, c->orig.to, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST);
	if (c->proto == IPPROTO_ICMP || c->proto == IPPROTO_ICMPV6) {
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, c->icmp_type);
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, c->icmp_code);
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons(c->icmp_id));
	} else {
		bool gre = c->proto == IPPROTO_GRE;

		nfct_set_attr_u16(ct, ATTR_ORIG_PORT_SRC,
				  htons(gre ? c->keys[0] : c->orig.from_port));
		nfct_set_attr_u16(ct, ATTR_ORIG_PORT_DST,
				  htons(gre ? c->keys[1] : c->orig.to_port));
	}
	/* with a zone of one direction the kernel finds it by the zone of that tuple */
	if (c->zone_orig)
		nfct_set_attr_u16(ct, ATTR_ORIG_ZONE, c->zone_orig);
}

/* By tuple and id: where a new connection has taken the tuple, the kernel finds none (ENOENT). */
static size_t put_delete(char *to, const struct conn *c, uint32_t seq)
{
	struct nlmsghdr *nlh = put_header(to, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, seq,
					  c->family == FAM_IP4 ? AF_INET : AF_INET6);
	struct nf_conntrack *ct = nfct_new();

	if (ct) {
		set_tuple(ct, c);
		nfct_nlmsg_build(nlh, ct);
		nfct_destroy(ct);
	}
	mnl_attr_put_u32(nlh, CTA_ID, htonl(c->id));
	if (c->zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, htons(c->zone));
	return NLMSG_ALIGN(nlh->nlmsg_len);
}

/* As the kernel makes one of which it has not seen the beginning (tcp_new() in
 * nf_conntrack_proto_tcp): its window is whatever the next packets say. */
static size_t put_create(char *to, const struct conn *c, uint32_t seq)
{
	static const int flags[] = {ATTR_TCP_FLAGS_ORIG, ATTR_TCP_MASK_ORIG, ATTR_TCP_FLAGS_REPL,
				    ATTR_TCP_MASK_REPL};
	struct nlmsghdr *nlh =
		put_header(to, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, seq,
			   c->family == FAM_IP4 ? AF_INET : AF_INET6);
	struct nf_conntrack *ct = nfct_new();

	if (ct) {
		set_tuple(ct, c);
		nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
		nfct_set_attr_u32(ct, ATTR_STATUS, c->status);
		nfct_set_attr_u32(ct, ATTR_TIMEOUT, c->timeout);
		nfct_set_attr_u8(ct, ATTR_TCP_STATE, c->tcp_state);
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			nfct_set_attr_u8(ct, flags[i],
					 IP_CT_TCP_FLAG_SACK_PERM | IP_CT_TCP_FLAG_BE_LIBERAL);
		nfct_nlmsg_build(nlh, ct);
		nfct_destroy(ct);
	}
	return NLMSG_ALIGN(nlh->nlmsg_len);
}

/* refused: the first error that matters. */
static int read_answers(struct mnl_socket *nl, size_t left, const struct changing *d, int *refused)
{
	char in[32768] __attribute__((aligned(8)));

	while (left) {
		ssize_t n = mnl_socket_recvfrom(nl, in, sizeof(in));
		int bytes = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		for (struct nlmsghdr *h = (struct nlmsghdr *)in; left && mnl_nlmsg_ok(h, bytes);
		     h = mnl_nlmsg_next(h, &bytes)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			left--;
			d->shared->done += !e->error;
			if (e->error && e->error != -d->no_matter && !*refused)
				*refused = e->error;
		}
	}
	return 0;
}

/* One that cannot be changed must not cost the others. */
static int change_all(void *arg)
{
	char out[BATCH * MESSAGE] __attribute__((aligned(8)));
	struct changing *d = arg;
	struct mnl_socket *nl = open_socket();
	int err = 0, refused = 0;

	if (!nl)
		return errno;
	for (size_t i = 0; i < d->n && !err; i += BATCH) {
		size_t some = d->n - i < BATCH ? d->n - i : BATCH, len = 0;

		for (size_t k = 0; k < some; k++)
			len += d->put(out + len, d->v[i + k], (uint32_t)(i + k));
		err = mnl_socket_sendto(nl, out, len) < 0 ? -errno
							  : read_answers(nl, some, d, &refused);
	}
	mnl_socket_close(nl);
	return err ? -err : -refused;
}

/* The connections of the namespace's own sockets. */
static int take_up_all(void *arg)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct socket_conns list = {0};
	struct changing *d = arg;
	const struct conn **v;
	int err = sockets_read(a, &list), failed;

	v = arena_alloc(a, (list.n + 1) * sizeof(*v));
	for (size_t i = 0; i < list.n; i++)
		v[i] = &list.v[i];
	d->v = v;
	d->n = list.n;
	d->shared->unread = err != 0;
	failed = change_all(d);
	return err ? -err : failed;
}

static int change(struct child *c, struct changing *d, size_t *done, struct buf *why)
{
	struct change *shared = child_memory(sizeof(*shared));
	int err;

	*done = 0;
	if (!shared)
		return -ENOMEM;
	d->shared = shared;
	c->arg = d;
	err = child_run(c);
	if (err < 0)
		buf_puts(why, buf_str(&c->why));
	else if (err > 0 && shared->unread)
		buf_printf(why, "this kernel cannot list its sockets (tcp_diag): %s",
			   strerror(err));
	else if (err > 0)
		buf_printf(why, "cannot %s connections: %s", d->verb, strerror(err));
	child_free(c);
	*done = shared->done;
	child_memory_free(shared, sizeof(*shared));
	return err > 0 ? -err : err;
}

int conns_delete(const char *netns, const struct conn *const *v, size_t n, size_t *deleted,
		 struct buf *why)
{
	struct changing d = {
		.v = v, .n = n, .put = put_delete, .no_matter = ENOENT, .verb = "delete"};
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = change_all};

	return change(&c, &d, deleted, why);
}

int conns_take_up(const char *netns, size_t *taken, struct buf *why)
{
	struct changing d = {.put = put_create, .no_matter = EEXIST, .verb = "take up"};
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = take_up_all};

	return change(&c, &d, taken, why);
}
