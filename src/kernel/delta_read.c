/* SPDX-License-Identifier: GPL-2.0-or-later
 * NFT_MSG_GETSETELEM -> ranges, by libmnl.
 */
#include "kernel/delta_read.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/setelem.h"
#include "nft/tlv.h"
#include "util/bulk_file.h"

#define ROOM 65536
#define TRIES 20 /* others may commit while we read */

struct node {
	u128 key;
	bool end;
};

struct nodes {
	enum family family;
	bool interval;
	size_t most; /* 0: any number */
	struct node *v;
	size_t n, cap;
};

static void *grown(void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	*cap = *cap ? 2 * *cap : 256;
	v = realloc(v, *cap * size);
	if (!v)
		abort();
	return v;
}

void delta_elems_add(struct delta_elems *e, u128 lo, u128 hi)
{
	e->v = grown(e->v, e->n, &e->cap, sizeof(*e->v));
	e->v[e->n++] = (struct ival){lo, hi};
}

static bool take_elem(struct nodes *out, struct tlv elem)
{
	struct tlv v[NFTA_SET_ELEM_MAX + 1], key[NFTA_DATA_VALUE + 1];

	tlv_sort(elem, v, NFTA_SET_ELEM_MAX);
	tlv_sort(v[NFTA_SET_ELEM_KEY], key, NFTA_DATA_VALUE);
	if (key[NFTA_DATA_VALUE].n != bulk_key_bytes(out->family))
		return false;
	out->v = grown(out->v, out->n, &out->cap, sizeof(*out->v));
	out->v[out->n++] = (struct node){
		bulk_address(out->family, key[NFTA_DATA_VALUE].p),
		tlv_number(v[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_INTERVAL_END,
	};
	return true;
}

/* 1 at the end, or -errno. */
static int take_message(struct nodes *out, const struct tlv_message *m, uint32_t seq)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1], elem;
	uint16_t type;
	int err = 0;

	if (m->seq != seq)
		return 0;
	if (m->flags & NLM_F_DUMP_INTR)
		return -EINTR;
	if (m->type == NLMSG_ERROR || m->type == NLMSG_DONE) {
		if (m->body.n >= sizeof(err))
			memcpy(&err, m->body.p, sizeof(err));
		return err < 0 ? err : 1;
	}
	tlv_sort(m->body, v, NFTA_SET_ELEM_LIST_MAX);
	while (!err && tlv_next(&v[NFTA_SET_ELEM_LIST_ELEMENTS], &type, &elem))
		err = take_elem(out, elem) ? 0 : -EPROTO;
	if (!err && out->most && out->n > out->most)
		err = -E2BIG;
	return err;
}

static int hear(struct mnl_socket *nl, uint32_t seq, struct nodes *out)
{
	char *room = malloc(ROOM);
	int err = room ? 0 : -ENOMEM;

	while (!err) {
		ssize_t n = mnl_socket_recvfrom(nl, room, ROOM);
		struct tlv bytes = {(const uint8_t *)room, n > 0 ? (size_t)n : 0};
		struct tlv_message m;

		if (n < 0)
			err = errno == ENOBUFS ? -EINTR : -errno;
		while (!err && tlv_message(&bytes, &m))
			err = take_message(out, &m, seq);
		if (!err && bytes.n) /* a message that is not all there */
			err = -EINTR;
	}
	free(room);
	return err < 0 ? err : 0;
}

static int dump(const char *set, uint32_t seq, struct nodes *out)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	char room[1024] __attribute__((aligned(8)));
	struct nlmsghdr *h = setelem_head(room, NFT_MSG_GETSETELEM, NLM_F_DUMP, set);
	int err = 0;

	h->nlmsg_seq = seq;
	out->n = 0;
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		err = -errno;
	if (!err)
		err = hear(nl, seq, out);
	if (nl)
		mnl_socket_close(nl);
	return err;
}

/* ---- nodes -> ranges ---- */

static int node_cmp(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (int)y->end - (int)x->end;
}

static int pair(const struct nodes *in, struct delta_elems *out)
{
	u128 top = u128_max(in->family == FAM_IP4 ? 32 : 128);
	size_t i = 0;

	out->zero_end = in->n && in->v[0].end && !in->v[0].key;
	for (i = out->zero_end; i < in->n; i++) {
		bool ended = i + 1 < in->n;

		if (in->v[i].end || (ended && !in->v[i + 1].end))
			return -EPROTO;
		delta_elems_add(out, in->v[i].key, ended ? in->v[i + 1].key - 1 : top);
		i += ended;
	}
	return 0;
}

int delta_read(const char *set, enum family family, bool interval, size_t most,
	       struct delta_elems *out)
{
	struct nodes nodes = {.family = family, .interval = interval, .most = most};
	int err = -EINTR;

	if (most && interval)
		nodes.most = 2 * most + 1; /* the end at 0 */
	*out = (struct delta_elems){0};
	for (uint32_t i = 0; i < TRIES && err == -EINTR; i++)
		err = dump(set, i + 1, &nodes);
	if (!err) {
		if (nodes.n)
			qsort(nodes.v, nodes.n, sizeof(*nodes.v), node_cmp);
		if (interval)
			err = pair(&nodes, out);
		for (size_t i = 0; !interval && i < nodes.n; i++)
			delta_elems_add(out, nodes.v[i].key, nodes.v[i].key);
	}
	free(nodes.v);
	return err;
}
