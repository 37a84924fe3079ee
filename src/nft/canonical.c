/* SPDX-License-Identifier: GPL-2.0-or-later
 * messages of the kernel -> the same, in one order.
 */
#include "nft/canonical.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/tlv.h"
#include "util/vec.h"

#define PIECE 32000 /* bytes of elements in a message; one attribute holds less than 65,536 */

struct elems { /* of one set, which are told of in messages one after the other */
	struct tlv table, set; /* the attributes that name it */
	uint8_t family;
	VEC(struct tlv) v;
};

static void put_message(struct buf *out, uint16_t type, uint8_t family, struct tlv body)
{
	static const char zeros[4];
	struct nfgenmsg g = {.nfgen_family = family, .version = NFNETLINK_V0};
	struct nlmsghdr h = {.nlmsg_len = (uint32_t)(sizeof(h) + sizeof(g) + body.n),
			     .nlmsg_type = type};

	buf_add(out, &h, sizeof(h));
	buf_add(out, &g, sizeof(g));
	if (body.n)
		buf_add(out, body.p, body.n);
	buf_add(out, zeros, -body.n & 3u);
}

static int by_bytes(const void *a, const void *b)
{
	const struct tlv *x = a, *y = b;
	int first = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return first ? first : (x->n > y->n) - (x->n < y->n);
}

static void put_piece(struct buf *out, const struct elems *e, const struct buf *list)
{
	struct buf body = {0};

	tlv_put(&body, NFTA_SET_ELEM_LIST_TABLE, e->table);
	tlv_put(&body, NFTA_SET_ELEM_LIST_SET, e->set);
	tlv_put(&body, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED,
		 (struct tlv){(const uint8_t *)buf_str(list), list->len});
	put_message(out, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, e->family,
		    (struct tlv){(const uint8_t *)body.data, body.len});
	buf_free(&body);
}

/* The order of a concatenation with intervals says which of two elements that share a packet is
 * found; its elements have an end each. */
static bool has_order(const struct elems *e)
{
	struct tlv v[NFTA_SET_ELEM_MAX + 1];

	for (size_t i = 0; i < e->v.n; i++) {
		tlv_sort(e->v.v[i], v, NFTA_SET_ELEM_MAX);
		if (v[NFTA_SET_ELEM_KEY_END].p)
			return true;
	}
	return false;
}

static void put_elems(struct buf *out, struct elems *e)
{
	struct buf list = {0};

	if (e->v.n > 1 && !has_order(e))
		qsort(e->v.v, e->v.n, sizeof(*e->v.v), by_bytes);
	for (size_t i = 0; i < e->v.n; i++) {
		if (list.len && list.len + e->v.v[i].n > PIECE) {
			put_piece(out, e, &list);
			list.len = 0;
		}
		tlv_put(&list, NFTA_LIST_ELEM | NLA_F_NESTED, e->v.v[i]);
	}
	if (list.len)
		put_piece(out, e, &list);
	buf_free(&list);
	e->v.n = 0;
}

static void take_elems(struct arena *a, struct buf *out, struct elems *e,
		       const struct tlv_message *m)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1], elem;
	uint16_t type;

	tlv_sort(m->body, v, NFTA_SET_ELEM_LIST_MAX);
	if (e->v.n && (e->family != m->family || !tlv_same(e->set, v[NFTA_SET_ELEM_LIST_SET]) ||
		       !tlv_same(e->table, v[NFTA_SET_ELEM_LIST_TABLE])))
		put_elems(out, e);
	e->family = m->family;
	e->table = v[NFTA_SET_ELEM_LIST_TABLE];
	e->set = v[NFTA_SET_ELEM_LIST_SET];
	while (tlv_next(&v[NFTA_SET_ELEM_LIST_ELEMENTS], &type, &elem))
		vec_push(a, &e->v, elem);
}

/* All attributes but the kernel's pointer. */
static void put_set(struct buf *out, const struct tlv_message *m)
{
	struct tlv rest = m->body, value;
	struct buf body = {0};
	uint16_t type;

	while (tlv_next(&rest, &type, &value))
		if (type != TLV_SET_TYPE)
			tlv_put(&body, type, value);
	put_message(out, m->type, m->family, (struct tlv){(const uint8_t *)body.data, body.len});
	buf_free(&body);
}

bool dump_canonical(struct arena *a, const void *bytes, size_t n, struct buf *out)
{
	struct tlv rest = {bytes, n};
	struct elems elems = {.family = 0};
	struct tlv_message m;

	while (tlv_message(&rest, &m)) {
		if (m.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM)) {
			take_elems(a, out, &elems, &m);
			continue;
		}
		put_elems(out, &elems);
		if (m.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET))
			put_set(out, &m);
		else
			put_message(out, m.type, m.family, m.body);
	}
	put_elems(out, &elems);
	return !rest.n;
}
