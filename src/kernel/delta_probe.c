/* SPDX-License-Identifier: GPL-2.0-or-later
 * NFT_MSG_GETSETELEM of one element after the other -> which are there, by libmnl.
 *
 * The kernel ends a question at the first key that it does not find, so each element is a question
 * of its own; some are sent at once. An interval set answers with the range that a key lies in.
 */
#include "kernel/delta_probe.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/setelem.h"
#include "nft/tlv.h"
#include "util/bulk_file.h"

#define AT_ONCE 16
#define QUESTION 1024 /* bytes that one takes at most */
#define ROOM 8192
#define BUFFER (1 << 20) /* of the socket: 5 kB an answer, whatever its length */

struct probe {
	const char *set;
	enum family family;
	bool interval;
	struct mnl_socket *nl;
	const struct ival *v; /* those that are asked for together, numbered from `seq` on */
	size_t n;
	uint32_t seq;
	unsigned found[AT_ONCE]; /* keys that were answered as they should be */
	bool *there;
	char room[AT_ONCE * QUESTION] __attribute__((aligned(8)));
	char answer[ROOM] __attribute__((aligned(8)));
};

static bool has_end(const struct probe *p, const struct ival *r)
{
	return p->interval && r->hi != u128_max(p->family == FAM_IP4 ? 32 : 128);
}

/* How many bytes it takes. */
static size_t put_question(struct probe *p, char *to, size_t i)
{
	struct nlmsghdr *h = setelem_head(to, NFT_MSG_GETSETELEM, NLM_F_ACK, p->set);
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);

	h->nlmsg_seq = p->seq + (uint32_t)i;
	setelem_put(h, p->family, p->v[i].lo, SETELEM_FIRST);
	if (has_end(p, &p->v[i]))
		setelem_put(h, p->family, p->v[i].hi + 1, SETELEM_END);
	mnl_attr_nest_end(h, list);
	return h->nlmsg_len;
}

static void take_elem(struct probe *p, size_t i, struct tlv elem)
{
	struct tlv v[NFTA_SET_ELEM_MAX + 1], key[NFTA_DATA_VALUE + 1];
	const struct ival *r = &p->v[i];
	bool end;
	u128 at;

	tlv_sort(elem, v, NFTA_SET_ELEM_MAX);
	tlv_sort(v[NFTA_SET_ELEM_KEY], key, NFTA_DATA_VALUE);
	if (key[NFTA_DATA_VALUE].n != bulk_key_bytes(p->family))
		return;
	at = bulk_address(p->family, key[NFTA_DATA_VALUE].p);
	end = tlv_number(v[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_INTERVAL_END;
	p->found[i] += end ? has_end(p, r) && at == r->hi + 1 : at == r->lo;
}

/* 1: that question is answered; or -errno. */
static int take_message(struct probe *p, const struct tlv_message *m)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1], elem;
	uint32_t i = m->seq - p->seq;
	uint16_t type;
	int err = 0;

	if (i >= p->n)
		return 0;
	if (m->type == NLMSG_ERROR) {
		if (m->body.n >= sizeof(err))
			memcpy(&err, m->body.p, sizeof(err));
		p->there[i] = !err && p->found[i] == 1u + has_end(p, &p->v[i]);
		return err && err != -ENOENT ? err : 1;
	}
	tlv_sort(m->body, v, NFTA_SET_ELEM_LIST_MAX);
	while (tlv_next(&v[NFTA_SET_ELEM_LIST_ELEMENTS], &type, &elem))
		take_elem(p, i, elem);
	return 0;
}

static int hear(struct probe *p)
{
	size_t answered = 0;

	while (answered < p->n) {
		ssize_t n = mnl_socket_recvfrom(p->nl, p->answer, sizeof(p->answer));
		struct tlv bytes = {(const uint8_t *)p->answer, n > 0 ? (size_t)n : 0};
		struct tlv_message m;

		if (n < 0)
			return -errno;
		while (tlv_message(&bytes, &m)) {
			int done = take_message(p, &m);

			if (done < 0)
				return done;
			answered += (size_t)done;
		}
	}
	return 0;
}

static int ask(struct probe *p)
{
	size_t used = 0;

	memset(p->found, 0, sizeof(p->found));
	for (size_t i = 0; i < p->n; i++)
		used += put_question(p, p->room + used, i);
	if (mnl_socket_sendto(p->nl, p->room, used) < 0)
		return -errno;
	return hear(p);
}

static int open_socket(struct probe *p)
{
	int room = BUFFER, yes = 1, fd;

	p->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!p->nl || mnl_socket_bind(p->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	fd = mnl_socket_get_fd(p->nl);
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)); /* else few answers fit */
	return 0;
}

int delta_probe(const char *set, enum family family, bool interval, const struct ival *v, size_t n,
		bool *there)
{
	struct probe *p = calloc(1, sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	if (p) {
		p->set = set;
		p->family = family;
		p->interval = interval;
		p->seq = 1;
		err = open_socket(p);
	}
	for (size_t i = 0; i < n && !err; i += p->n) {
		p->v = v + i;
		p->there = there + i;
		p->n = n - i < AT_ONCE ? n - i : AT_ONCE;
		err = ask(p);
		p->seq += (uint32_t)p->n;
	}
	if (p && p->nl)
		mnl_socket_close(p->nl);
	free(p);
	return err;
}
