/* SPDX-License-Identifier: GPL-2.0-or-later
 * SOCK_DIAG_BY_FAMILY (sock_diag(7)) -> connections.
 */
#include "kernel/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/number.h"

#define ROOM 65536
#define TIMEOUTS "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_"
/* Of conntrack, in seconds, where the kernel does not say its own. */
#define ESTABLISHED_TIMEOUT 432000
#define CLOSE_WAIT_TIMEOUT 60
#define MAPPED ((u128)0xffff << 32) /* ::ffff:0:0/96 */

struct reading {
	struct arena *a;
	struct socket_conns *out;
	uint32_t established, close_wait; /* seconds */
	uint8_t listening[65536 / 8]; /* ports, of any address */
};

static uint32_t timeout_of(const char *name, uint32_t otherwise)
{
	char path[128], text[32] = "";
	uint64_t seconds;
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), TIMEOUTS "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return otherwise;
	return number_read(text, strcspn(text, "\n"), 1, UINT32_MAX, &seconds) ? (uint32_t)seconds
									       : otherwise;
}

static u128 address(enum family fam, const uint32_t words[4])
{
	u128 x = ntohl(words[0]);

	for (int i = 1; fam == FAM_IP6 && i < 4; i++)
		x = x << 32 | ntohl(words[i]);
	return x;
}

static bool is_mapped(u128 x)
{
	return x >> 32 == MAPPED >> 32;
}

static bool is_loopback(enum family fam, u128 x)
{
	return fam == FAM_IP4 ? x >> 24 == 127 : x == 1;
}

/* What conntrack calls CLOSE_WAIT is a connection closed by one side, whichever. */
static void take(struct reading *r, const struct inet_diag_msg *m)
{
	bool half = m->idiag_state != TCP_ESTABLISHED;
	struct conn c = {.family = m->idiag_family == AF_INET ? FAM_IP4 : FAM_IP6,
			 .proto = IPPROTO_TCP,
			 .tcp_state = half ? TCP_CONNTRACK_CLOSE_WAIT : TCP_CONNTRACK_ESTABLISHED,
			 .timeout = half ? r->close_wait : r->established,
			 .status = IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED,
			 .taken_up = true};
	struct conn_tuple *t = &c.orig;

	*t = (struct conn_tuple){.from = address(c.family, m->id.idiag_src),
				 .to = address(c.family, m->id.idiag_dst),
				 .from_port = ntohs(m->id.idiag_sport),
				 .to_port = ntohs(m->id.idiag_dport)};
	if (c.family == FAM_IP6 && is_mapped(t->from) && is_mapped(t->to)) {
		c.family = FAM_IP4;
		t->from -= MAPPED;
		t->to -= MAPPED;
	}
	if (!is_loopback(c.family, t->from) && !is_loopback(c.family, t->to))
		vec_push(r->a, r->out, c);
}

static int on_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct reading *r = data;
	uint16_t port;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return MNL_CB_OK;
	port = ntohs(m->id.idiag_sport);
	if (m->idiag_state == TCP_LISTEN)
		r->listening[port / 8] |= (uint8_t)(1 << port % 8);
	else
		take(r, m);
	return MNL_CB_OK;
}

/* In other states a side sends again and again until it is answered: it is heard anyway. */
static int dump(struct mnl_socket *nl, uint8_t family, struct reading *r)
{
	_cleanup_free_ char *buf = malloc(ROOM);
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *nlh;
	int more = MNL_CB_OK;

	if (!buf)
		return -ENOMEM;
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = family;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = 1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT | 1u << TCP_FIN_WAIT2 |
			    1u << TCP_LISTEN;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, ROOM);

		more = n < 0 ? -1 : mnl_cb_run(buf, (size_t)n, family, 0, on_socket, r);
		if (more < 0)
			return -errno;
	}
	return 0;
}

/* Known only now that all is read: a socket of IPv6 may listen for IPv4, too. */
static void turn(struct conn *c, const struct reading *r)
{
	const struct conn_tuple t = c->orig;

	if (r->listening[t.from_port / 8] >> t.from_port % 8 & 1)
		c->orig = (struct conn_tuple){
			.from = t.to, .to = t.from, .from_port = t.to_port, .to_port = t.from_port};
	c->reply = (struct conn_tuple){.from = c->orig.to,
				       .to = c->orig.from,
				       .from_port = c->orig.to_port,
				       .to_port = c->orig.from_port};
}

int sockets_read(struct arena *a, struct socket_conns *out)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	struct reading r = {.a = a,
			    .out = out,
			    .established = timeout_of("established", ESTABLISHED_TIMEOUT),
			    .close_wait = timeout_of("close_wait", CLOSE_WAIT_TIMEOUT)};
	struct conn *c;
	int err;

	if (!nl)
		return errno == EPROTONOSUPPORT ? -ENOENT : -errno;
	err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!err)
		err = dump(nl, AF_INET, &r);
	if (!err)
		err = dump(nl, AF_INET6, &r);
	mnl_socket_close(nl);
	vec_each (out, c)
		turn(c, &r);
	return err;
}
