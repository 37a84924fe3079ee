/* SPDX-License-Identifier: GPL-2.0-or-later
 * Messages of nf_tables as the kernel sends them, for tests: written out attribute by attribute, by
 * <linux/netfilter/nf_tables.h> and netlink(7) and not by anything of ours.
 */
#ifndef FWC_TEST_BYTES_H
#define FWC_TEST_BYTES_H

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>

#include "util/buf.h"

static void bytes_pad(struct buf *b)
{
	while (b->len % 4)
		buf_putc(b, '\0');
}

static void attr(struct buf *b, uint16_t type, const void *p, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + n), .nla_type = type};

	buf_add(b, &a, sizeof(a));
	if (n)
		buf_add(b, p, n);
	bytes_pad(b);
}

static void attr_text(struct buf *b, uint16_t type, const char *s)
{
	attr(b, type, s, strlen(s) + 1);
}

static void attr_u32(struct buf *b, uint16_t type, uint32_t x)
{
	x = htonl(x);
	attr(b, type, &x, sizeof(x));
}

static void attr_u64(struct buf *b, uint16_t type, uint64_t x)
{
	uint32_t two[] = {htonl((uint32_t)(x >> 32)), htonl((uint32_t)x)};

	attr(b, type, two, sizeof(two));
}

/* Takes the inside and frees it. */
static void attr_nest(struct buf *b, uint16_t type, struct buf in)
{
	attr(b, (uint16_t)(type | NLA_F_NESTED), in.data, in.len);
	buf_free(&in);
}

/* NFTA_DATA_VALUE within `type`. */
static void attr_value(struct buf *b, uint16_t type, const void *p, size_t n)
{
	struct buf in = {0};

	attr(&in, NFTA_DATA_VALUE, p, n);
	attr_nest(b, type, in);
}

static void attr_verdict(struct buf *b, uint16_t type, int code, const char *chain)
{
	struct buf verdict = {0}, data = {0};

	attr_u32(&verdict, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain)
		attr_text(&verdict, NFTA_VERDICT_CHAIN, chain);
	attr_nest(&data, NFTA_DATA_VERDICT, verdict);
	attr_nest(b, type, data);
}

static void message(struct buf *b, uint16_t type, uint8_t family, struct buf body)
{
	struct nlmsghdr h = {.nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type)};
	struct nfgenmsg g = {.nfgen_family = family, .version = NFNETLINK_V0};

	h.nlmsg_len = (uint32_t)(sizeof(h) + sizeof(g) + body.len);
	buf_add(b, &h, sizeof(h));
	buf_add(b, &g, sizeof(g));
	if (body.len)
		buf_add(b, body.data, body.len);
	bytes_pad(b);
	buf_free(&body);
}

/* ---- expressions, each an NFTA_LIST_ELEM ---- */

static void expression(struct buf *b, const char *name, struct buf data)
{
	struct buf e = {0};

	attr_text(&e, NFTA_EXPR_NAME, name);
	attr_nest(&e, NFTA_EXPR_DATA, data);
	attr_nest(b, NFTA_LIST_ELEM, e);
}

/* Attributes that are numbers of 32 bits, -1 as the last type. */
static void numbers(struct buf *b, const char *name, const int32_t *pairs)
{
	struct buf d = {0};

	for (; *pairs >= 0; pairs += 2)
		attr_u32(&d, (uint16_t)pairs[0], (uint32_t)pairs[1]);
	expression(b, name, d);
}

#define NUMBERS(b, name, ...) numbers(b, name, (const int32_t[]){__VA_ARGS__, -1})

static void e_meta(struct buf *b, uint32_t key)
{
	NUMBERS(b, "meta", NFTA_META_KEY, (int32_t)key, NFTA_META_DREG, NFT_REG_1);
}

static void e_ct(struct buf *b, uint32_t key)
{
	NUMBERS(b, "ct", NFTA_CT_KEY, (int32_t)key, NFTA_CT_DREG, NFT_REG_1);
}

static void e_payload_at(struct buf *b, uint32_t reg, uint32_t base, uint32_t offset, uint32_t n)
{
	NUMBERS(b, "payload", NFTA_PAYLOAD_DREG, (int32_t)reg, NFTA_PAYLOAD_BASE, (int32_t)base,
		NFTA_PAYLOAD_OFFSET, (int32_t)offset, NFTA_PAYLOAD_LEN, (int32_t)n);
}

static void e_payload(struct buf *b, uint32_t base, uint32_t offset, uint32_t n)
{
	e_payload_at(b, NFT_REG_1, base, offset, n);
}

static void e_cmp(struct buf *b, uint32_t op, const void *p, size_t n)
{
	struct buf d = {0};

	attr_u32(&d, NFTA_CMP_SREG, NFT_REG_1);
	attr_u32(&d, NFTA_CMP_OP, op);
	attr_value(&d, NFTA_CMP_DATA, p, n);
	expression(b, "cmp", d);
}

/* cmp with bytes that are written down: CMP(b, NFT_CMP_EQ, 0, 22) */
#define CMP(b, op, ...)                                                                            \
	e_cmp(b, op, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* A number in this machine's order. */
static void e_cmp_host(struct buf *b, uint32_t op, uint32_t x)
{
	e_cmp(b, op, &x, sizeof(x));
}

static void e_bitwise(struct buf *b, const void *mask, const void * xor, uint32_t n)
{
	struct buf d = {0};

	attr_u32(&d, NFTA_BITWISE_SREG, NFT_REG_1);
	attr_u32(&d, NFTA_BITWISE_DREG, NFT_REG_1);
	attr_u32(&d, NFTA_BITWISE_LEN, n);
	attr_u32(&d, NFTA_BITWISE_OP, NFT_BITWISE_BOOL);
	attr_value(&d, NFTA_BITWISE_MASK, mask, n);
	attr_value(&d, NFTA_BITWISE_XOR, xor, n);
	expression(b, "bitwise", d);
}

static void e_bitwise_host(struct buf *b, uint32_t mask, uint32_t xor)
{
	e_bitwise(b, &mask, &xor, 4);
}

static void e_byteorder(struct buf *b, uint32_t n, uint32_t size)
{
	NUMBERS(b, "byteorder", NFTA_BYTEORDER_SREG, NFT_REG_1, NFTA_BYTEORDER_DREG, NFT_REG_1,
		NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON, NFTA_BYTEORDER_LEN, (int32_t)n,
		NFTA_BYTEORDER_SIZE, (int32_t)size);
}

static void e_verdict(struct buf *b, int code, const char *chain)
{
	struct buf d = {0};

	attr_u32(&d, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	attr_verdict(&d, NFTA_IMMEDIATE_DATA, code, chain);
	expression(b, "immediate", d);
}

static void e_immediate(struct buf *b, uint32_t reg, const void *p, size_t n)
{
	struct buf d = {0};

	attr_u32(&d, NFTA_IMMEDIATE_DREG, reg);
	attr_value(&d, NFTA_IMMEDIATE_DATA, p, n);
	expression(b, "immediate", d);
}

static void e_lookup(struct buf *b, const char *set, int dreg, bool inverted)
{
	struct buf d = {0};

	attr_text(&d, NFTA_LOOKUP_SET, set);
	attr_u32(&d, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (dreg >= 0)
		attr_u32(&d, NFTA_LOOKUP_DREG, (uint32_t)dreg);
	attr_u32(&d, NFTA_LOOKUP_FLAGS, inverted);
	expression(b, "lookup", d);
}

/* ---- objects ---- */

static void o_table(struct buf *b, uint8_t family, const char *name, uint32_t flags)
{
	struct buf d = {0};

	attr_text(&d, NFTA_TABLE_NAME, name);
	attr_u32(&d, NFTA_TABLE_FLAGS, flags);
	message(b, NFT_MSG_NEWTABLE, family, d);
}

static void o_chain(struct buf *b, uint8_t family, const char *table, const char *name, int hook,
		    const char *type, int priority, int policy)
{
	struct buf d = {0}, h = {0};

	attr_text(&d, NFTA_CHAIN_TABLE, table);
	attr_text(&d, NFTA_CHAIN_NAME, name);
	if (hook >= 0) {
		attr_u32(&h, NFTA_HOOK_HOOKNUM, (uint32_t)hook);
		attr_u32(&h, NFTA_HOOK_PRIORITY, (uint32_t)priority);
		attr_nest(&d, NFTA_CHAIN_HOOK, h);
		attr_u32(&d, NFTA_CHAIN_POLICY, (uint32_t)policy);
		attr_text(&d, NFTA_CHAIN_TYPE, type);
	}
	message(b, NFT_MSG_NEWCHAIN, family, d);
}

static void o_rule(struct buf *b, uint8_t family, const char *table, const char *chain,
		   struct buf expressions)
{
	struct buf d = {0};

	attr_text(&d, NFTA_RULE_TABLE, table);
	attr_text(&d, NFTA_RULE_CHAIN, chain);
	attr_u64(&d, NFTA_RULE_HANDLE, 7);
	attr_nest(&d, NFTA_RULE_EXPRESSIONS, expressions);
	message(b, NFT_MSG_NEWRULE, family, d);
}

struct set_head {
	const char *name;
	uint32_t flags, key_type, key_len, size;
	uint64_t timeout; /* milliseconds */
	bool verdicts; /* a map to them */
	uint32_t fields[3]; /* how long the kernel was told that they are, up to 0 */
	struct buf more; /* further attributes; freed */
};

static void attr_fields(struct buf *desc, const uint32_t *bytes, size_t max)
{
	struct buf list = {0};

	for (size_t i = 0; i < max && bytes[i]; i++) {
		struct buf one = {0};

		attr_u32(&one, NFTA_SET_FIELD_LEN, bytes[i]);
		attr_nest(&list, NFTA_LIST_ELEM, one);
	}
	if (list.len)
		attr_nest(desc, NFTA_SET_DESC_CONCAT, list);
}

static void o_set(struct buf *b, struct set_head s)
{
	struct buf d = {0}, desc = {0};

	attr_text(&d, NFTA_SET_TABLE, "fwc");
	attr_text(&d, NFTA_SET_NAME, s.name);
	if (s.flags)
		attr_u32(&d, NFTA_SET_FLAGS, s.flags);
	attr_u32(&d, NFTA_SET_KEY_TYPE, s.key_type);
	attr_u32(&d, NFTA_SET_KEY_LEN, s.key_len);
	if (s.verdicts) {
		attr_u32(&d, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
		attr_u32(&d, NFTA_SET_DATA_LEN, 16);
	}
	if (s.size)
		attr_u32(&desc, NFTA_SET_DESC_SIZE, s.size);
	attr_fields(&desc, s.fields, sizeof(s.fields) / sizeof(*s.fields));
	attr_nest(&d, NFTA_SET_DESC, desc);
	if (s.timeout)
		attr_u64(&d, NFTA_SET_TIMEOUT, s.timeout);
	if (s.more.len)
		buf_add(&d, s.more.data, s.more.len);
	buf_free(&s.more);
	message(b, NFT_MSG_NEWSET, NFPROTO_INET, d);
}

/* One element in a list; attributes but the key in `more`, which is freed. */
static void elem(struct buf *list, const void *key, size_t n, uint32_t flags, struct buf more)
{
	struct buf d = {0};

	if (n)
		attr_value(&d, NFTA_SET_ELEM_KEY, key, n);
	if (flags)
		attr_u32(&d, NFTA_SET_ELEM_FLAGS, flags);
	if (more.len)
		buf_add(&d, more.data, more.len);
	buf_free(&more);
	attr_nest(list, NFTA_LIST_ELEM, d);
}

#define ELEM(list, flags, ...)                                                                     \
	elem(list, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), flags,  \
	     (struct buf){0})

static void o_elems(struct buf *b, const char *set, struct buf list)
{
	struct buf d = {0};

	attr_text(&d, NFTA_SET_ELEM_LIST_TABLE, "fwc");
	attr_text(&d, NFTA_SET_ELEM_LIST_SET, set);
	attr_nest(&d, NFTA_SET_ELEM_LIST_ELEMENTS, list);
	message(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, d);
}

#endif
