/* SPDX-License-Identifier: GPL-2.0-or-later
 * messages of a dump -> messages of a batch.
 */
#include "nft/remake.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "nft/tlv.h"
#include "util/map.h"

struct remake {
	struct arena *arena;
	struct buf *out;
	struct map bases; /* chains on hooks, by name */
	struct map ids; /* of sets: uint32_t, in network order; sets are made in their order */
	struct map at_run_time; /* sets whose elements are not the policy's */
	uint32_t nsets, nmessages;
	bool bad;
};

struct begun { /* a message, or an attribute that holds others */
	size_t at;
};

static const char *text_of(struct remake *r, struct tlv name)
{
	if (tlv_is_text(name))
		return arena_strndup(r->arena, (const char *)name.p, name.n - 1);
	r->bad = true;
	return "";
}

/* ---- writing ---- */

static void put_attr(struct remake *r, uint16_t type, struct tlv value)
{
	r->bad |= !tlv_put(r->out, type, value);
}

static void put_text(struct remake *r, uint16_t type, const char *text)
{
	put_attr(r, type, (struct tlv){(const uint8_t *)text, strlen(text) + 1});
}

static struct begun begin_attr(struct remake *r, uint16_t type)
{
	struct begun b = {r->out->len};

	put_attr(r, type | NLA_F_NESTED, (struct tlv){0});
	return b;
}

static void end_attr(struct remake *r, struct begun b)
{
	size_t n = r->out->len - b.at;
	uint16_t len = (uint16_t)n;

	r->bad |= n > UINT16_MAX;
	memcpy(r->out->data + b.at, &len, sizeof(len));
}

static struct begun begin_message(struct remake *r, const struct tlv_message *m, uint16_t flags)
{
	struct nfgenmsg g = {.nfgen_family = m->family, .version = NFNETLINK_V0};
	struct nlmsghdr h = {.nlmsg_type = m->type, .nlmsg_seq = ++r->nmessages};
	struct begun b = {r->out->len};

	h.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | flags;
	if (r->nmessages == 1) /* of the others only errors are told */
		h.nlmsg_flags |= NLM_F_ACK;
	buf_add(r->out, &h, sizeof(h));
	buf_add(r->out, &g, sizeof(g));
	return b;
}

static void end_message(struct remake *r, struct begun b)
{
	uint32_t len = (uint32_t)(r->out->len - b.at);

	memcpy(r->out->data + b.at, &len, sizeof(len));
}

/* All attributes but those. */
static void put_rest(struct remake *r, struct tlv body, const uint16_t *without)
{
	struct tlv value;
	uint16_t type;

	while (tlv_next(&body, &type, &value)) {
		const uint16_t *w = without;

		while (*w && *w != type)
			w++;
		if (!*w)
			put_attr(r, type, value);
	}
	r->bad |= body.n > 0;
}

/* ---- sets ---- */

/* The kernel counts those that have no name of their own: "__set3" was asked for as "__set%d", and
 * is called by its number within the batch. */
static bool put_set_name(struct remake *r, uint16_t name_as, uint16_t id_as, struct tlv name)
{
	const char *text = text_of(r, name);
	const uint32_t *id = map_get(&r->ids, text);
	bool anonymous = !strncmp(text, "__", 2);

	r->bad |= anonymous && !id;
	if (!anonymous || !id) {
		put_attr(r, name_as, name);
		return false;
	}
	put_text(r, name_as,
		 arena_printf(r->arena, "%.*s%%d", (int)strcspn(text, "0123456789"), text));
	put_attr(r, id_as, (struct tlv){(const uint8_t *)id, sizeof(*id)});
	return true;
}

static void put_set(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_SET_HANDLE, NFTA_SET_NAME, NFTA_SET_ID,
					   TLV_SET_TYPE,    TLV_SET_COUNT, 0};
	struct begun b = begin_message(r, m, 0);
	uint32_t *id = arena_new_of(r->arena, uint32_t);
	struct tlv v[NFTA_SET_MAX + 1];
	const char *name;

	tlv_sort(m->body, v, NFTA_SET_MAX);
	name = text_of(r, v[NFTA_SET_NAME]);
	*id = htonl(++r->nsets);
	map_put(&r->ids, name, id);
	if (tlv_number(v[NFTA_SET_FLAGS]) & (NFT_SET_TIMEOUT | NFT_SET_EVAL))
		map_put(&r->at_run_time, name, id);
	put_rest(r, m->body, without);
	if (!put_set_name(r, NFTA_SET_NAME, NFTA_SET_ID, v[NFTA_SET_NAME]))
		put_attr(r, NFTA_SET_ID, (struct tlv){(const uint8_t *)id, sizeof(*id)});
	end_message(r, b);
}

static void put_elems(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_SET_ELEM_LIST_SET, 0};
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1];
	struct begun b;

	tlv_sort(m->body, v, NFTA_SET_ELEM_LIST_MAX);
	if (map_get(&r->at_run_time, text_of(r, v[NFTA_SET_ELEM_LIST_SET])))
		return;
	b = begin_message(r, m, 0);
	put_set_name(r, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_SET_ID,
		     v[NFTA_SET_ELEM_LIST_SET]);
	put_rest(r, m->body, without);
	end_message(r, b);
}

/* ---- chains and rules ---- */

static void put_chain(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_CHAIN_HANDLE, NFTA_CHAIN_USE, NFTA_CHAIN_COUNTERS,
					   0};
	struct tlv v[NFTA_CHAIN_MAX + 1];
	struct begun b;

	tlv_sort(m->body, v, NFTA_CHAIN_MAX);
	if (v[NFTA_CHAIN_HOOK].p) {
		map_put(&r->bases, text_of(r, v[NFTA_CHAIN_NAME]), r);
		return;
	}
	b = begin_message(r, m, 0);
	put_rest(r, m->body, without);
	end_message(r, b);
}

/* What the kernel tells of an expression and will not be told, not even that it is 0. */
static const struct {
	const char *name;
	uint16_t attr;
} told[] = {
	{"dynset", NFTA_DYNSET_TIMEOUT}, /* where the set has none */
	{"exthdr", NFTA_EXTHDR_FLAGS}, /* where it writes */
};

static uint16_t untold(struct tlv name, struct tlv data)
{
	struct tlv value;
	uint16_t type;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct tlv rest = data;

		while (tlv_is(name, told[i].name) && tlv_next(&rest, &type, &value))
			if (type == told[i].attr && !tlv_number(value))
				return type;
	}
	return 0;
}

static void put_expr(struct remake *r, struct tlv expr, const struct tlv *v)
{
	static const uint16_t but_data[] = {NFTA_EXPR_DATA, 0};
	const uint16_t without[] = {untold(v[NFTA_EXPR_NAME], v[NFTA_EXPR_DATA]), 0};
	struct begun b;

	put_rest(r, expr, but_data);
	if (!v[NFTA_EXPR_DATA].p)
		return;
	b = begin_attr(r, NFTA_EXPR_DATA);
	put_rest(r, v[NFTA_EXPR_DATA], without);
	end_attr(r, b);
}

static void put_lookup(struct remake *r, struct tlv expr, struct tlv data)
{
	static const uint16_t but_data[] = {NFTA_EXPR_DATA, 0};
	static const uint16_t but_set[] = {NFTA_LOOKUP_SET, NFTA_LOOKUP_SET_ID, 0};
	struct tlv v[NFTA_LOOKUP_MAX + 1];
	struct begun b;

	tlv_sort(data, v, NFTA_LOOKUP_MAX);
	put_rest(r, expr, but_data);
	b = begin_attr(r, NFTA_EXPR_DATA);
	put_set_name(r, NFTA_LOOKUP_SET, NFTA_LOOKUP_SET_ID, v[NFTA_LOOKUP_SET]);
	put_rest(r, data, but_set);
	end_attr(r, b);
}

static void put_exprs(struct remake *r, struct tlv list)
{
	struct begun all = begin_attr(r, NFTA_RULE_EXPRESSIONS);
	struct tlv expr, v[NFTA_EXPR_MAX + 1];
	uint16_t type;

	while (tlv_next(&list, &type, &expr)) {
		struct begun b = begin_attr(r, NFTA_LIST_ELEM);

		r->bad |= !tlv_sort(expr, v, NFTA_EXPR_MAX);
		if (tlv_is(v[NFTA_EXPR_NAME], "lookup"))
			put_lookup(r, expr, v[NFTA_EXPR_DATA]);
		else
			put_expr(r, expr, v);
		end_attr(r, b);
	}
	end_attr(r, all);
}

static void put_rule(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_RULE_HANDLE, NFTA_RULE_POSITION,
					   NFTA_RULE_EXPRESSIONS, 0};
	struct tlv v[NFTA_RULE_MAX + 1];
	struct begun b;

	tlv_sort(m->body, v, NFTA_RULE_MAX);
	if (map_get(&r->bases, text_of(r, v[NFTA_RULE_CHAIN])))
		return;
	b = begin_message(r, m, NLM_F_APPEND);
	put_rest(r, m->body, without);
	put_exprs(r, v[NFTA_RULE_EXPRESSIONS]);
	end_message(r, b);
}

/* ---- all of it ---- */

/* One that is there, and sleeps, would wake if its flags were told. */
static void put_table(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_TABLE_FLAGS, NFTA_TABLE_USE, NFTA_TABLE_HANDLE, 0};
	struct begun b = begin_message(r, m, 0);

	put_rest(r, m->body, without);
	end_message(r, b);
}

static void put_object(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_OBJ_USE, NFTA_OBJ_HANDLE, 0};
	struct begun b = begin_message(r, m, 0);

	put_rest(r, m->body, without);
	end_message(r, b);
}

enum pass { FRAMES, ELEMENTS, RULES, NPASSES };

/* What others refer to comes first. */
static void take(struct remake *r, const struct tlv_message *m, enum pass pass)
{
	static const struct {
		int type;
		enum pass pass;
		void (*put)(struct remake *, const struct tlv_message *);
	} kinds[] = {
		{NFT_MSG_NEWTABLE, FRAMES, put_table},	 {NFT_MSG_NEWCHAIN, FRAMES, put_chain},
		{NFT_MSG_NEWSET, FRAMES, put_set},	 {NFT_MSG_NEWOBJ, FRAMES, put_object},
		{NFT_MSG_NEWSETELEM, ELEMENTS, put_elems}, {NFT_MSG_NEWRULE, RULES, put_rule},
	};
	int type = m->type - (NFNL_SUBSYS_NFTABLES << 8);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type != type)
			continue;
		if (kinds[i].pass == pass)
			kinds[i].put(r, m);
		return;
	}
	r->bad = true;
}

bool remake_staged(struct arena *a, const void *dump, size_t n, struct buf *out)
{
	struct remake r = {.arena = a, .out = out};

	map_init(&r.bases, a);
	map_init(&r.ids, a);
	map_init(&r.at_run_time, a);
	for (enum pass pass = FRAMES; pass < NPASSES; pass++) {
		struct tlv rest = {dump, n};
		struct tlv_message m;

		while (tlv_message(&rest, &m))
			take(&r, &m, pass);
		r.bad |= rest.n > 0;
	}
	return !r.bad && r.nmessages;
}
