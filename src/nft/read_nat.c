/* SPDX-License-Identifier: GPL-2.0-or-later
 * nat, masq and redir expressions -> translations. Each function refuses what it does not know to
 * the last attribute.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/read_machine.h"

#define PORT_BYTES 2
#define PORT_DATA 4 /* within a concatenation, filled up */

/* Of the element that is looked at. */
static bool chosen_at(const struct machine *m, int word, uint32_t bytes, struct tlv *out)
{
	uint32_t at = m->word[word].at;

	for (int i = 0; (uint32_t)i * 4 < bytes; i++)
		if (word + i >= REGISTERS || m->word[word + i].slice != m->chosen ||
		    m->word[word + i].at != at + (uint32_t)i)
			return false;
	*out = (struct tlv){.p = m->chosen_data.p + 4 * (size_t)at, .n = bytes};
	return m->chosen_data.p && 4 * (size_t)at + bytes <= m->chosen_data.n;
}

bool read_value(const struct machine *m, struct tlv number, uint32_t bytes, struct tlv *out)
{
	int word = machine_word(tlv_number(number));
	const struct slice *s = machine_slice(m, word, bytes);

	if (m->chosen && word >= 0 && m->word[word].slice == m->chosen)
		return chosen_at(m, word, bytes, out);
	if (!s || s->from != FROM_VALUE || s->bytes != bytes)
		return false;
	*out = s->value;
	return true;
}

/* Of a range also where it is one port. */
static bool ports_of(const struct machine *m, struct tlv min, struct tlv max, struct ir_stmt *out)
{
	struct tlv lo, hi;
	uint16_t first, last;

	if (!min.p)
		return !max.p;
	if (!read_value(m, min, PORT_BYTES, &lo) ||
	    !read_value(m, max.p ? max : min, PORT_BYTES, &hi))
		return false;
	first = (uint16_t)tlv_number(lo);
	last = (uint16_t)tlv_number(hi);
	out->nat.port = first;
	out->nat.port_last = last != first ? last : 0;
	return first && first <= last;
}

static bool push_target(struct machine *m, struct ir_elems *to, struct tlv lo, struct tlv hi)
{
	struct ir_elem e = {0};

	e.key[0].lo = read_number(lo.p, lo.n, false);
	e.key[0].hi = read_number(hi.p, hi.n, false);
	vec_push(m->a, to, e);
	return e.key[0].lo <= e.key[0].hi;
}

/* One after the other: the map has a value for each number below its size. */
static bool by_number(struct machine *m, const struct raw_set *map, uint32_t bytes,
		      struct ir_elems *to)
{
	struct tlv *of = arena_alloc(m->a, (map->elems.n + 1) * sizeof(*of));
	const struct raw_elem *e;

	vec_each (&map->elems, e) {
		u128 at = e->key.n == 4 ? read_number(e->key.p, 4, true) : map->elems.n;

		if (e->odd || at >= map->elems.n || e->data.n != bytes || of[at].p)
			return false;
		of[at] = e->data;
	}
	for (size_t i = 0; i < map->elems.n; i++)
		if (!push_target(m, to, of[i], of[i]))
			return false;
	return map->elems.n > 0;
}

/* dport map { 8000 : ADDRESS . 9000, 8001 : ADDRESS . 9001, ... }: one address, and ports that all
 * are as far away from those that are called. */
static bool shifted(struct machine *m, const struct raw_set *map, uint32_t bytes,
		    struct ir_stmt *out)
{
	u128 lo = UINT16_MAX, hi = 0, to = 0, addr = 0;
	const struct raw_elem *e;

	vec_each (&map->elems, e) {
		u128 key, port, a;

		if (e->odd || e->key.n != PORT_BYTES || e->data.n != bytes + PORT_DATA)
			return false;
		key = read_number(e->key.p, PORT_BYTES, false);
		a = read_number(e->data.p, bytes, false);
		port = read_number(e->data.p + bytes, PORT_BYTES, false);
		if (e == map->elems.v)
			addr = a;
		if (a != addr || (hi && port + lo != to + key))
			return false;
		if (key < lo) {
			lo = key;
			to = port;
		}
		hi = key > hi ? key : hi;
	}
	if (!lo || !to || hi - lo + 1 != map->elems.n || to + hi - lo > UINT16_MAX)
		return false;
	vec_push(m->a, &out->nat.to, ((struct ir_elem){.key = {{addr, addr}}}));
	out->nat.called = (uint16_t)lo;
	out->nat.called_last = (uint16_t)hi;
	out->nat.port = (uint16_t)to;
	return true;
}

/* Address and port of one element. */
static bool from_map(struct machine *m, const struct tlv *v, const struct slice *s, uint32_t bytes,
		     struct ir_stmt *out)
{
	struct tlv min = v[NFTA_NAT_REG_PROTO_MIN], max = v[NFTA_NAT_REG_PROTO_MAX];
	int word = machine_word(tlv_number(min));

	if (!s->by_port) {
		out->nat.by_source = s->by_source;
		return (!s->by_source || s->by_source == out->nat.family) &&
		       by_number(m, s->map, bytes, &out->nat.to) && ports_of(m, min, max, out);
	}
	machine_said(m, s);
	return min.p && (!max.p || tlv_same(min, max)) && word >= 0 && m->word[word].slice == s &&
	       m->word[word].at == bytes / 4 && shifted(m, s->map, bytes, out);
}

static bool target_of(struct machine *m, const struct tlv *v, uint32_t bytes, struct ir_stmt *out)
{
	struct tlv min = v[NFTA_NAT_REG_ADDR_MIN], max = v[NFTA_NAT_REG_ADDR_MAX], lo, hi;
	const struct slice *s = machine_slice(m, machine_word(tlv_number(min)), bytes);

	if (!min.p) /* the address stays */
		return !max.p && out->nat.kind == IR_DNAT &&
		       ports_of(m, v[NFTA_NAT_REG_PROTO_MIN], v[NFTA_NAT_REG_PROTO_MAX], out) &&
		       out->nat.port;
	if (max.p && tlv_same(min, max))
		max.p = NULL; /* as the kernel tells it of one address */
	if (s && s->from == FROM_MAP && !max.p && s != m->chosen)
		return from_map(m, v, s, bytes, out);
	return read_value(m, min, bytes, &lo) && read_value(m, max.p ? max : min, bytes, &hi) &&
	       push_target(m, &out->nat.to, lo, hi) &&
	       ports_of(m, v[NFTA_NAT_REG_PROTO_MIN], v[NFTA_NAT_REG_PROTO_MAX], out);
}

static bool flags_of(struct tlv tlv, struct ir_stmt *out)
{
	uint64_t flags = tlv_number(tlv);

	/* the kernel sets these itself where there are addresses, or ports */
	flags &= ~(uint64_t)(NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED);
	out->nat.random = flags & NF_NAT_RANGE_PROTO_RANDOM_FULLY;
	out->nat.persistent = flags & NF_NAT_RANGE_PERSISTENT;
	out->nat.prefix = flags & NF_NAT_RANGE_NETMAP;
	return !(flags & ~(uint64_t)(NF_NAT_RANGE_PROTO_RANDOM_FULLY | NF_NAT_RANGE_PERSISTENT |
				     NF_NAT_RANGE_NETMAP));
}

/* What each kind can have together. */
static bool is_whole(const struct ir_stmt *s)
{
	bool source = s->nat.kind == IR_SNAT || s->nat.kind == IR_MASQUERADE;
	int bits = s->nat.family == FAM_IP4 ? 32 : 128;

	/* of one address persistent chooses nothing */
	if (!source && (s->nat.port_last || s->nat.random || (s->nat.persistent && s->nat.to.n)))
		return false;
	if (s->nat.kind == IR_SNAT && (s->nat.called || s->nat.by_source))
		return false;
	if (!s->nat.prefix)
		return true;
	return (s->nat.kind == IR_SNAT || s->nat.kind == IR_DNAT) && s->nat.to.n == 1 &&
	       ival_prefixlen(s->nat.to.v[0].key[0], bits) >= 0 && !s->nat.port && !s->nat.random &&
	       !s->nat.persistent;
}

/* ---- the expressions ---- */

static bool translation_of(struct machine *m, const struct raw_expr *e, struct ir_stmt *out)
{
	const struct tlv *v = e->attrs.v;
	uint64_t family = tlv_number(v[NFTA_NAT_FAMILY]), type = tlv_number(v[NFTA_NAT_TYPE]);
	bool v4 = family == NFPROTO_IPV4,
	     any = family == NFPROTO_INET && !v[NFTA_NAT_REG_ADDR_MIN].p;

	*out = (struct ir_stmt){.kind = IR_NAT};
	out->nat.kind = type == NFT_NAT_DNAT ? IR_DNAT : IR_SNAT;
	out->nat.family = v4 ? FAM_IP4 : any ? FAM_NONE : FAM_IP6;
	return e->attrs.whole && (v4 || any || family == NFPROTO_IPV6) && type <= NFT_NAT_DNAT &&
	       flags_of(v[NFTA_NAT_FLAGS], out) && target_of(m, v, v4 ? 4 : 16, out) &&
	       is_whole(out);
}

static bool masquerade_of(struct machine *m, const struct raw_expr *e, struct ir_stmt *out)
{
	const struct tlv *v = e->attrs.v;

	*out = (struct ir_stmt){.kind = IR_NAT};
	out->nat.kind = IR_MASQUERADE;
	return e->attrs.whole && flags_of(v[NFTA_MASQ_FLAGS], out) &&
	       ports_of(m, v[NFTA_MASQ_REG_PROTO_MIN], v[NFTA_MASQ_REG_PROTO_MAX], out) &&
	       is_whole(out);
}

static bool redirect_of(struct machine *m, const struct raw_expr *e, struct ir_stmt *out)
{
	const struct tlv *v = e->attrs.v;

	*out = (struct ir_stmt){.kind = IR_NAT};
	out->nat.kind = IR_REDIRECT;
	return e->attrs.whole && flags_of(v[NFTA_REDIR_FLAGS], out) &&
	       ports_of(m, v[NFTA_REDIR_REG_PROTO_MIN], v[NFTA_REDIR_REG_PROTO_MAX], out) &&
	       is_whole(out);
}

/* ---- to what a map has for the packet ---- */

/* By number: of these kinds registers are all that others than flags and kind are in. */
static const struct slice *map_of(const struct machine *m, const struct raw_expr *e, int first,
				  int last)
{
	for (int i = first; i <= last; i++) {
		int word = e->attrs.v[i].p ? machine_word(tlv_number(e->attrs.v[i])) : -1;

		if (word >= 0 && m->word[word].slice && m->word[word].slice->keys)
			return m->word[word].slice;
	}
	return NULL;
}

static int order_cmp(const void *a, const void *b)
{
	const struct ir_elem *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* The keys in the order in which the kernel finds them, and the element of each. */
static const struct raw_elem **elements_of(struct machine *m, const struct slice *s,
					   struct ir_elems *keys)
{
	const struct raw_elem **of =
		arena_alloc(m->a, (s->map->elems.n + 1) * sizeof(const void *));
	const struct raw_elem **out = arena_alloc(m->a, (keys->n + 1) * sizeof(const void *));
	const struct raw_elem *e, *rest = NULL;

	vec_each (&s->map->elems, e) {
		if (e->as.order == IR_ORDER_LAST)
			rest = e;
		else
			of[e->as.order] = e;
	}
	if (keys->n > 1)
		qsort(keys->v, keys->n, sizeof(*keys->v), order_cmp);
	for (size_t i = 0; i < keys->n; i++)
		out[i] = keys->v[i].order == IR_ORDER_LAST ? rest : of[keys->v[i].order];
	return out;
}

bool read_by_map(struct machine *m, const struct raw_expr *e, const struct slice *s,
		 machine_reads *read, enum ir_unknown_kind kind)
{
	struct ir_elems keys = {
		.v = arena_alloc(m->a, (s->keys->match.values.n + 1) * sizeof(struct ir_elem)),
		.n = s->keys->match.values.n};
	struct ir_rule *rows = arena_alloc(m->a, (keys.n + 1) * sizeof(*rows));
	const struct raw_elem **elems;
	struct ir_stmt *out;

	if (keys.n)
		memcpy(keys.v, s->keys->match.values.v, keys.n * sizeof(*keys.v));
	elems = elements_of(m, s, &keys);
	memset(rows, 0, (keys.n + 1) * sizeof(*rows));
	for (size_t i = 0; i < keys.n; i++) {
		struct ir_stmt match = *s->keys, to;
		bool done;

		m->chosen = s;
		m->chosen_data = elems[i]->data;
		done = read(m, e, &to);
		m->chosen = NULL;
		if (!done)
			return false;
		match.match.values = (struct ir_elems){0};
		vec_push(m->a, &match.match.values, keys.v[i]);
		vec_push(m->a, &rows[i].stmts, match);
		vec_push(m->a, &rows[i].stmts, to);
	}
	if (keys.n)
		machine_said(m, s); /* by the rows */
	machine_say_awaited(m);
	out = machine_stmt(m, IR_UNKNOWN);
	out->unknown.kind = kind;
	out->unknown.text =
		arena_printf(m->a, "%s of %s", read_odd(m->a, e->name, e->bytes), s->text);
	out->unknown.either = rows;
	out->unknown.neither = keys.n;
	return true;
}

static bool take(struct machine *m, const struct raw_expr *e, machine_reads *read, int first,
		 int last)
{
	const struct slice *map = map_of(m, e, first, last);
	struct ir_stmt out;

	if (read(m, e, &out))
		machine_stmt(m, IR_NAT)->nat = out.nat;
	else if (!map || !read_by_map(m, e, map, read, UNKNOWN_ENDS))
		return false;
	return true;
}

bool read_translation(struct machine *m, const struct raw_expr *e)
{
	return take(m, e, translation_of, NFTA_NAT_REG_ADDR_MIN, NFTA_NAT_REG_PROTO_MAX);
}

bool read_masquerade(struct machine *m, const struct raw_expr *e)
{
	return take(m, e, masquerade_of, NFTA_MASQ_REG_PROTO_MIN, NFTA_MASQ_REG_PROTO_MAX);
}

bool read_redirect(struct machine *m, const struct raw_expr *e)
{
	return take(m, e, redirect_of, NFTA_REDIR_REG_PROTO_MIN, NFTA_REDIR_REG_PROTO_MAX);
}
