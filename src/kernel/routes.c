/* SPDX-License-Identifier: GPL-2.0-or-later
 * RTM_GETROUTE by the dozen; RTM_GETRULE.
 */
#include "kernel/routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 32 /* answers that surely have room in a socket's buffer */
#define MESSAGE 160 /* bytes of a question, at most */

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
	if (q->mark)
		mnl_attr_put_u32(nlh, RTA_MARK, q->mark);
	if (q->proto == IPPROTO_TCP || q->proto == IPPROTO_UDP) { /* the kernel takes no others */
		mnl_attr_put_u8(nlh, RTA_IP_PROTO, q->proto);
		mnl_attr_put_u16(nlh, RTA_SPORT, htons(q->from_port));
		mnl_attr_put_u16(nlh, RTA_DPORT, htons(q->to_port));
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

/* Of Linux 6.15, FRA_...: listed with every rule that has ports. */
enum { SPORT_MASK = 28, DPORT_MASK };

static int on_rule_attr(const struct nlattr *attr, void *data)
{
	struct routes_rules *r = data;
	uint32_t mark;

	switch (mnl_attr_get_type(attr)) {
	case FRA_DST:
	case FRA_PRIORITY:
	case FRA_TABLE:
	case FRA_PROTOCOL:
	case FRA_PAD:
	case FRA_FWMASK:
	case FRA_GOTO:
	case FRA_SUPPRESS_PREFIXLEN:
		break;
	case FRA_SRC:
		r->from = true;
		break;
	case FRA_FWMARK:
		mark = mnl_attr_get_u32(attr);
		if (r->nmarks < ROUTES_MARKS)
			r->marks[r->nmarks++] = mark;
		else
			r->unclear = true;
		break;
	case FRA_IP_PROTO:
	case FRA_SPORT_RANGE:
	case FRA_DPORT_RANGE:
	case SPORT_MASK:
	case DPORT_MASK:
		r->ports = true;
		break;
	case FRA_SUPPRESS_IFGROUP:
		r->unclear |= mnl_attr_get_u32(attr) != UINT32_MAX;
		break;
	default:
		r->unclear = true;
	}
	return MNL_CB_OK;
}

static int on_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct fib_rule_hdr *h = mnl_nlmsg_get_payload(nlh);
	struct routes_rules *r = data, this = {0};

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*h)))
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*h), on_rule_attr, &this);
	r->unclear |= this.unclear || h->tos;
	r->from |= this.from;
	r->ports |= this.ports;
	for (size_t i = 0; i < this.nmarks; i++)
		if (r->nmarks < ROUTES_MARKS)
			r->marks[r->nmarks++] = this.marks[i];
		else
			r->unclear = true;
	r->any |= this.unclear || this.from || this.ports || this.nmarks || h->dst_len || h->tos ||
		  h->action != FR_ACT_TO_TBL ||
		  (h->table != RT_TABLE_LOCAL && h->table != RT_TABLE_MAIN &&
		   h->table != RT_TABLE_DEFAULT);
	return MNL_CB_OK;
}

/* A listing of all, each given to `each`. */
static int list(struct mnl_socket *nl, uint16_t type, int family, mnl_cb_t each, void *arg)
{
	char buf[32768] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));
	int more = MNL_CB_OK;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	rt->rtm_family = (unsigned char)family;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		more = n < 0 ? -1
			     : mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), each, arg);
	}
	return more < 0 ? -errno : 0;
}

void routes_rules_here(struct routes_rules *out)
{
	struct mnl_socket *nl = open_socket();

	*out = (struct routes_rules){0};
	if (!nl || list(nl, RTM_GETRULE, AF_UNSPEC, on_rule, out))
		out->any = out->unclear = true;
	if (nl)
		mnl_socket_close(nl);
}

/* ---- prefixes ---- */

struct bounds {
	u128 *v;
	size_t n, max;
	int bits;
};

/* False: there is no room left. */
static bool add_prefix(struct bounds *b, u128 first, int len)
{
	u128 last = first | (len == b->bits ? 0 : u128_max(b->bits - len));

	if (b->n + 2 > b->max)
		return false;
	b->v[b->n++] = first;
	if (last != u128_max(b->bits))
		b->v[b->n++] = last + 1;
	return true;
}

static int on_prefix(const struct nlattr *attr, void *data)
{
	u128 *out = data;

	if (mnl_attr_get_type(attr) == RTA_DST) {
		const uint8_t *p = mnl_attr_get_payload(attr);

		for (*out = 0; p < (const uint8_t *)mnl_attr_get_payload(attr) +
					   mnl_attr_get_payload_len(attr);
		     p++)
			*out = *out << 8 | *p;
	}
	return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	struct bounds *b = data;
	u128 first = 0;

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*rt)) || rt->rtm_dst_len > b->bits)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*rt), on_prefix, &first);
	if (add_prefix(b, first, rt->rtm_dst_len))
		return MNL_CB_OK;
	errno = E2BIG;
	return MNL_CB_ERROR;
}

static int by_value(const void *x, const void *y)
{
	const u128 *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

/* What the kernel tells by the address itself, whatever the tables say. */
static void add_own(struct bounds *b)
{
	add_prefix(b, 0, 0);
	add_prefix(b, 0, b->bits);
	if (b->bits == 32) {
		add_prefix(b, (u128)127 << 24, 8);
		add_prefix(b, (u128)224 << 24, 4);
		add_prefix(b, u128_max(32), 32);
	} else {
		add_prefix(b, 1, 128);
		add_prefix(b, (u128)0xff << 120, 8);
		add_prefix(b, (u128)0xfe80 << 112, 10);
	}
}

int routes_bounds_here(enum family fam, u128 *out, size_t max, size_t *n)
{
	struct bounds b = {.v = out, .max = max, .bits = fam == FAM_IP4 ? 32 : 128};
	struct mnl_socket *nl = open_socket();
	int err;

	if (!nl)
		return -errno;
	add_own(&b);
	err = list(nl, RTM_GETROUTE, fam == FAM_IP4 ? AF_INET : AF_INET6, on_route, &b);
	mnl_socket_close(nl); /* whatever was not read goes with it */
	qsort(b.v, b.n, sizeof(*b.v), by_value);
	*n = b.n;
	return err;
}
