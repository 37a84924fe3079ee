/* SPDX-License-Identifier: GPL-2.0-or-later
 * nfnetlink_queue messages, written and read.
 */
#include "inspectd/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_SIZE 65536
#define SEQ_ORIGIN 2 /* of the request, so that its error is known */
#define VERDICT_SIZE 128 /* one without payload, at most */
/* What the kernel charges a socket for a small packet is some 800 bytes, and as much as it is long
 * for a large one: room for a full queue of small ones, and then some. */
#define BUFFER_PER_PACKET 4096

static struct nlmsghdr *put_header(char *buf, int type, uint16_t queue, bool ack)
{
	struct nlmsghdr *h = nfq_nlmsg_put(buf, type, queue);

	h->nlmsg_flags = NLM_F_REQUEST | (ack ? NLM_F_ACK : 0);
	return h;
}

static int fail(struct buf *why, int err, uint16_t number, const char *what)
{
	buf_printf(why, "queue %u: %s: %s", number, what,
		   err == -EPERM ? "not permitted, or another program has it" : strerror(-err));
	return err;
}

/* Sends a request, and waits for the kernel's yes. */
static int ask(int fd, struct nlmsghdr *h)
{
	char buf[1024];
	ssize_t n;
	int rc;

	h->nlmsg_seq = 1;
	if (send(fd, h, h->nlmsg_len, 0) < 0)
		return -errno;
	do {
		n = recv(fd, buf, sizeof(buf), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	rc = mnl_cb_run(buf, (size_t)n, 1, 0, NULL, NULL);
	return rc < 0 ? -errno : 0;
}

static void put_flags(struct nlmsghdr *h, uint32_t flags, uint32_t mask)
{
	mnl_attr_put_u32(h, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(h, NFQA_CFG_MASK, htonl(mask));
}

static int set_buffer(int fd, uint32_t length)
{
	int want = (int)(length * BUFFER_PER_PACKET), have = 0;
	socklen_t n = sizeof(have);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof(want)) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &have, &n) < 0)
		return -errno;
	return have >= want ? 0 : -ENOBUFS;
}

/* Without packets until the kernel has said yes: one that came before that would be read as if it
 * were the answer, and held for ever. */
static int bind_queue(int fd, const struct queue_config *c)
{
	uint32_t all = NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN;
	uint32_t flags = (c->gso ? NFQA_CFG_F_GSO : 0) | (c->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0);
	char buf[1024];
	struct nlmsghdr *h = put_header(buf, NFQNL_MSG_CONFIG, c->number, true);
	int err;

	nfq_nlmsg_cfg_put_cmd(h, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_qmaxlen(h, c->length);
	put_flags(h, flags, all);
	err = ask(fd, h);
	if (err)
		return err;
	h = put_header(buf, NFQNL_MSG_CONFIG, c->number, false);
	nfq_nlmsg_cfg_put_params(h, NFQNL_COPY_PACKET, 0xffff);
	return send(fd, h, h->nlmsg_len, 0) < 0 ? -errno : 0;
}

int queue_adopt(struct queue *q, int fd, uint16_t number)
{
	*q = (struct queue){.fd = fd, .number = number, .out = malloc(OUT_SIZE)};
	return q->out ? 0 : -ENOMEM;
}

int queue_open(struct queue *q, const struct queue_config *c, struct buf *why)
{
	struct sockaddr_nl here = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), one = 1, err;

	*q = (struct queue){.fd = -1};
	if (fd < 0)
		return fail(why, -errno, c->number, "no socket");
	err = bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ? -errno : 0;
	if (!err)
		err = set_buffer(fd, c->length);
	if (err) {
		close(fd);
		return fail(why, err, c->number, "no room for its packets");
	}
	/* what does not fit is counted by the kernel, and read from there */
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	err = bind_queue(fd, c);
	if (!err)
		err = queue_adopt(q, fd, c->number);
	if (err) {
		close(fd);
		q->fd = -1;
		return fail(why, err, c->number, "cannot be had");
	}
	return 0;
}

void queue_close(struct queue *q)
{
	if (q->fd >= 0)
		close(q->fd);
	free(q->out);
	*q = (struct queue){.fd = -1};
}

int queue_pass_all(struct queue *q)
{
	char buf[1024];
	struct nlmsghdr *h = put_header(buf, NFQNL_MSG_CONFIG, q->number, false);

	nfq_nlmsg_cfg_put_qmaxlen(h, 0);
	put_flags(h, NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_FAIL_OPEN);
	return send(q->fd, h, h->nlmsg_len, 0) < 0 ? -errno : 0;
}

/* A kernel that cannot, or has yet to load what it needs for it, says so by an error. */
void queue_want_origin(struct queue *q)
{
	char buf[1024];
	struct nlmsghdr *h = put_header(buf, NFQNL_MSG_CONFIG, q->number, false);

	h->nlmsg_seq = SEQ_ORIGIN;
	put_flags(h, NFQA_CFG_F_CONNTRACK, NFQA_CFG_F_CONNTRACK);
	q->origin = send(q->fd, h, h->nlmsg_len, 0) >= 0;
}

static void take_error(struct queue *q, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*e) || !e->error)
		return;
	if (e->msg.nlmsg_seq != SEQ_ORIGIN)
		q->refused++;
	else if (e->error == -EAGAIN)
		queue_want_origin(q);
	else
		q->origin = false;
}

/* CTA_TUPLE_ORIG of <linux/netfilter/nfnetlink_conntrack.h>: as the client sent its first packet.
 */
static void read_origin(struct dns_origin *out, const struct nlattr *ct)
{
	const struct nlattr *a, *b, *c;

	mnl_attr_for_each_nested(a, ct)
	{
		if (mnl_attr_get_type(a) != CTA_TUPLE_ORIG)
			continue;
		mnl_attr_for_each_nested(b, a) mnl_attr_for_each_nested(c, b)
		{
			unsigned what = mnl_attr_get_type(c), n = mnl_attr_get_payload_len(c);
			bool ip = mnl_attr_get_type(b) == CTA_TUPLE_IP;
			bool four = what == CTA_IP_V4_DST && n == 4;

			if (ip && (four || (what == CTA_IP_V6_DST && n == 16))) {
				out->version = four ? 4 : 6;
				memcpy(out->dst, mnl_attr_get_payload(c), n);
			}
			if (mnl_attr_get_type(b) == CTA_TUPLE_PROTO && what == CTA_PROTO_DST_PORT &&
			    n == 2)
				out->port = ntohs(mnl_attr_get_u16(c));
		}
	}
}

bool queue_read(struct queue *q, const void *message, size_t n, struct queue_packet *out)
{
	const struct nlmsghdr *h = message;
	struct nlattr *attr[NFQA_MAX + 1] = {0};
	const struct nfqnl_msg_packet_hdr *head;

	if (n > INT32_MAX || !mnl_nlmsg_ok(h, (int)n))
		return false;
	if (h->nlmsg_type == NLMSG_ERROR) {
		take_error(q, h);
		return false;
	}
	if (h->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) ||
	    nfq_nlmsg_parse(h, attr) < 0 || !attr[NFQA_PACKET_HDR])
		return false;
	head = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	*out = (struct queue_packet){.id = ntohl(head->packet_id)};
	if (attr[NFQA_MARK])
		out->mark = ntohl(mnl_attr_get_u32(attr[NFQA_MARK]));
	if (attr[NFQA_IFINDEX_INDEV])
		out->interface = ntohl(mnl_attr_get_u32(attr[NFQA_IFINDEX_INDEV]));
	if (attr[NFQA_CT] && q->origin)
		read_origin(&out->origin, attr[NFQA_CT]);
	if (attr[NFQA_SKB_INFO])
		out->several = ntohl(mnl_attr_get_u32(attr[NFQA_SKB_INFO])) & NFQA_SKB_GSO;
	if (attr[NFQA_PAYLOAD]) {
		out->p = mnl_attr_get_payload(attr[NFQA_PAYLOAD]);
		out->n = mnl_attr_get_payload_len(attr[NFQA_PAYLOAD]);
	}
	return true;
}

void queue_flush(struct queue *q)
{
	/* Reinjection happens within: what cannot be sent now cannot be sent at all. */
	if (q->len && send(q->fd, q->out, q->len, 0) < 0)
		q->refused++;
	q->len = 0;
}

void queue_verdict(struct queue *q, uint32_t id, int verdict, uint32_t mark, const void *payload,
		   size_t n)
{
	struct nlmsghdr *h;

	if (q->len + VERDICT_SIZE + n > OUT_SIZE)
		queue_flush(q);
	if (VERDICT_SIZE + n > OUT_SIZE) {
		payload = NULL;
		verdict = NF_DROP;
	}
	h = put_header(q->out + q->len, NFQNL_MSG_VERDICT, q->number, false);
	nfq_nlmsg_verdict_put(h, (int)id, verdict);
	nfq_nlmsg_verdict_put_mark(h, mark);
	if (payload)
		nfq_nlmsg_verdict_put_pkt(h, payload, (uint32_t)n);
	q->len += MNL_ALIGN(h->nlmsg_len);
}
