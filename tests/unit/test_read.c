/* SPDX-License-Identifier: GPL-2.0-or-later
 * Messages of the kernel -> IR -> canonical text; equality of rulesets; manifests. What a message
 * means is taken from net/netfilter/nft_*.c.
 */
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_multiport.h>

#include "bytes.h"
#include "nft/compare.h"
#include "nft/digest.h"
#include "nft/manifest.h"
#include "nft/nft.h"
#include "test.h"

#define NETWORK NFT_PAYLOAD_NETWORK_HEADER
#define TRANSPORT NFT_PAYLOAD_TRANSPORT_HEADER
#define INNER 3 /* NFT_PAYLOAD_INNER_HEADER */
#define IP4_ADDR 7 /* types of keys, nft's include/datatype.h */
#define SERVICE 13
#define PROTO 12
#define MARK 19
#define IFNAME 41
#define CONCAT(a, b) ((a) << 6 | (b))

static struct arena *arena;

/* Table inet fwc with an empty chain c; messages of sets and rules behind it. */
static struct ir_ruleset *read_all(struct buf more)
{
	struct buf all = {0};
	struct ir_ruleset *r;

	o_table(&all, NFPROTO_INET, "fwc", 0);
	o_chain(&all, NFPROTO_INET, "fwc", "c", -1, NULL, 0, 0);
	if (more.len)
		buf_add(&all, more.data, more.len);
	buf_free(&more);
	r = read_own(arena, all.data, all.len);
	buf_free(&all);
	CHECK(r != NULL);
	return r ? r : ruleset_new(arena);
}

static const char *text_of(const struct ir_ruleset *r)
{
	const struct ir_chain *c = ruleset_chain(r, "c");

	return c && c->rules.n ? canonical_rule(arena, &c->rules.v[0]) : "(none)";
}

static const char *rule_text(struct buf sets, struct buf expressions)
{
	o_rule(&sets, NFPROTO_INET, "fwc", "c", expressions);
	return text_of(read_all(sets));
}

/* Statements that write expressions to b, and sets to s; then what the rule is. */
#define RULE(text, ...)                                                                            \
	do {                                                                                       \
		struct buf expressions = {0}, sets = {0}, *b = &expressions, *s = &sets;           \
                                                                                                   \
		(void)s;                                                                           \
		__VA_ARGS__;                                                                       \
		SAME_TEXT(rule_text(sets, expressions), text);                                     \
	} while (0)

static void ipv4(struct buf *b)
{
	e_meta(b, NFT_META_NFPROTO);
	CMP(b, NFT_CMP_EQ, NFPROTO_IPV4);
}

static void ipv6(struct buf *b)
{
	e_meta(b, NFT_META_NFPROTO);
	CMP(b, NFT_CMP_EQ, NFPROTO_IPV6);
}

static void proto(struct buf *b, uint8_t number)
{
	e_meta(b, NFT_META_L4PROTO);
	CMP(b, NFT_CMP_EQ, number);
}

static void let_in(struct buf *b)
{
	e_verdict(b, NF_ACCEPT, NULL);
}

static void test_matches(void)
{
	RULE("tcp dport 22 accept", proto(b, 6), e_payload(b, TRANSPORT, 2, 2),
	     CMP(b, NFT_CMP_EQ, 0, 22), let_in(b));
	RULE("tcp dport 1-1024", proto(b, 6), e_payload(b, TRANSPORT, 2, 2),
	     CMP(b, NFT_CMP_GTE, 0, 1), CMP(b, NFT_CMP_LTE, 4, 0));
	/* one load of two fields: RFC 768 */
	RULE("udp sport 67 udp dport 68", proto(b, 17), e_payload(b, TRANSPORT, 0, 4),
	     CMP(b, NFT_CMP_EQ, 0, 67, 0, 68));
	RULE("ip saddr 10.0.0.0/8", ipv4(b), e_payload(b, NETWORK, 12, 1), CMP(b, NFT_CMP_EQ, 10));
	RULE("ip saddr != 10.0.0.0/8", ipv4(b), e_payload(b, NETWORK, 12, 1),
	     CMP(b, NFT_CMP_NEQ, 10));
	RULE("ip daddr 224.0.0.0/4", ipv4(b), e_payload(b, NETWORK, 16, 4),
	     e_bitwise(b, "\xf0\0\0\0", "\0\0\0\0", 4), CMP(b, NFT_CMP_EQ, 224, 0, 0, 0));
	RULE("ip saddr 1.2.3.4 ip daddr 5.6.7.8", ipv4(b), e_payload(b, NETWORK, 12, 8),
	     CMP(b, NFT_CMP_EQ, 1, 2, 3, 4, 5, 6, 7, 8));
	RULE("ip6 saddr fe80::/10", ipv6(b), e_payload(b, NETWORK, 8, 16),
	     e_bitwise(b, "\xff\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		       16),
	     CMP(b, NFT_CMP_EQ, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	RULE("ct state established,related", e_ct(b, NFT_CT_STATE), e_bitwise_host(b, 6, 0),
	     e_cmp_host(b, NFT_CMP_NEQ, 0));
	RULE("ct status dnat", e_ct(b, NFT_CT_STATUS), e_bitwise_host(b, 32, 0),
	     e_cmp_host(b, NFT_CMP_NEQ, 0));
	RULE("iif 1", e_meta(b, NFT_META_IIF), e_cmp_host(b, NFT_CMP_EQ, 1));
	RULE("meta hour 36000-43201", e_meta(b, NFT_META_TIME_HOUR), e_byteorder(b, 4, 4),
	     CMP(b, NFT_CMP_GTE, 0, 0, 0x8c, 0xa0), CMP(b, NFT_CMP_LTE, 0, 0, 0xa8, 0xc1));
	RULE("fib daddr . iif type local",
	     NUMBERS(b, "fib", NFTA_FIB_DREG, NFT_REG_1, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE,
		     NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF),
	     e_cmp_host(b, NFT_CMP_EQ, 2));
	RULE("tcp flags syn / fin,syn,rst,ack", proto(b, 6), e_payload(b, TRANSPORT, 13, 1),
	     e_bitwise(b, "\x17", "\0", 1), CMP(b, NFT_CMP_EQ, 2));
	/* flips a bit before it compares: flags & 0x17 is then syn and ack */
	RULE("tcp flags syn,ack / fin,syn,rst,ack", proto(b, 6), e_payload(b, TRANSPORT, 13, 1),
	     e_bitwise(b, "\x17", "\x10", 1), CMP(b, NFT_CMP_EQ, 2));
	RULE("ct mark & 0xff000000 0x04000000-0xff000000", e_ct(b, NFT_CT_MARK),
	     e_bitwise_host(b, 0xff000000, 0), e_byteorder(b, 4, 4),
	     CMP(b, NFT_CMP_GTE, 4, 0, 0, 0), CMP(b, NFT_CMP_LTE, 0xff, 0, 0, 0));
	RULE("meta mark 0x00000007", e_meta(b, NFT_META_MARK), e_cmp_host(b, NFT_CMP_EQ, 7));
	RULE("@ih,0,8 0x0-0xff", e_payload(b, INNER, 0, 1), CMP(b, NFT_CMP_GTE, 0),
	     CMP(b, NFT_CMP_LTE, 255));
	RULE("ct direction original", e_ct(b, NFT_CT_DIRECTION), CMP(b, NFT_CMP_EQ, 0));
	RULE("ip protocol tcp accept", ipv4(b), e_payload(b, NETWORK, 9, 1), CMP(b, NFT_CMP_EQ, 6),
	     let_in(b));
	/* Linux 6.18: all but a range */
	RULE("tcp dport != 1-1024", proto(b, 6), e_payload(b, TRANSPORT, 2, 2), ({
		     struct buf d = {0};

		     attr_u32(&d, NFTA_RANGE_SREG, NFT_REG_1);
		     attr_u32(&d, NFTA_RANGE_OP, NFT_RANGE_NEQ);
		     attr_value(&d, NFTA_RANGE_FROM_DATA, "\0\1", 2);
		     attr_value(&d, NFTA_RANGE_TO_DATA, "\4\0", 2);
		     expression(b, "range", d);
	     }));
}

/* The name "lo" with its NULs; what begins with "wg"; iptables-nft compares "docker0" and one NUL.
 */
static void test_interfaces(void)
{
	RULE("iifname \"lo\"", e_meta(b, NFT_META_IIFNAME),
	     e_cmp(b, NFT_CMP_EQ, "lo\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
	RULE("oifname \"wg*\"", e_meta(b, NFT_META_OIFNAME), CMP(b, NFT_CMP_EQ, 'w', 'g'));
	RULE("iifname != \"docker0\"", e_meta(b, NFT_META_IIFNAME),
	     e_cmp(b, NFT_CMP_NEQ, "docker0", 8));
}

/* A field is only what it is in a packet that has it. */
static void test_context(void)
{
	/* bytes 12 to 15 of an IPv6 header are the middle of the source */
	RULE("ip6 saddr & 0:0:ffff:ffff:: 0:0:a00:1::", ipv6(b), e_payload(b, NETWORK, 12, 4),
	     CMP(b, NFT_CMP_EQ, 10, 0, 0, 1));
	RULE("?network header+12 == 0a000001", e_payload(b, NETWORK, 12, 4),
	     CMP(b, NFT_CMP_EQ, 10, 0, 0, 1));
	/* ICMP has a checksum where TCP has the destination port */
	RULE("meta nfproto ipv4 meta l4proto icmp ?transport header+2 == 0016", ipv4(b),
	     proto(b, 1), e_payload(b, TRANSPORT, 2, 2), CMP(b, NFT_CMP_EQ, 0, 22));
	RULE("icmp type echo-request", ipv4(b), proto(b, 1), e_payload(b, TRANSPORT, 0, 1),
	     CMP(b, NFT_CMP_EQ, 8));
	RULE("meta l4proto icmp @th,0,8 0x8", proto(b, 1), e_payload(b, TRANSPORT, 0, 1),
	     CMP(b, NFT_CMP_EQ, 8));
	/* fields among bytes that are none: each by itself */
	RULE("ip ttl 64 ip protocol udp ?network header+10 == 1234", ipv4(b),
	     e_payload(b, NETWORK, 8, 4), CMP(b, NFT_CMP_EQ, 64, 17, 0x12, 0x34));
	RULE("meta nfproto ipv4 ?not network header+8 == 40111234", ipv4(b),
	     e_payload(b, NETWORK, 8, 4), CMP(b, NFT_CMP_NEQ, 64, 17, 0x12, 0x34));
	/* what a frame is its header says where it is Ethernet */
	RULE("?link header+12 == 0800", e_payload(b, NFT_PAYLOAD_LL_HEADER, 12, 2),
	     CMP(b, NFT_CMP_EQ, 8, 0));
	/* a register of which another load has overwritten a part */
	RULE("meta nfproto ipv6 ?value 1 of chain c, rule 1 == 00000000000000000000000000000001",
	     ipv6(b), e_payload(b, NETWORK, 8, 16),
	     NUMBERS(b, "meta", NFTA_META_KEY, NFT_META_MARK, NFTA_META_DREG, NFT_REG32_01),
	     CMP(b, NFT_CMP_EQ, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
	/* whether the routes lead back is a yes or no: one byte, as nft 1.1.4 and later ask */
	RULE("fib saddr . mark . iif oif missing",
	     NUMBERS(b, "fib", NFTA_FIB_DREG, NFT_REG_1, NFTA_FIB_RESULT, NFT_FIB_RESULT_OIF,
		     NFTA_FIB_FLAGS,
		     NFTA_FIB_F_SADDR | NFTA_FIB_F_MARK | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT),
	     CMP(b, NFT_CMP_EQ, 0));
	/* memcmp over a number in this machine's order is no comparison of numbers */
	RULE(htonl(7) == 7 ? "?not meta mark >= 00000007" : "?not meta mark >= 07000000",
	     e_meta(b, NFT_META_MARK), e_cmp_host(b, NFT_CMP_LT, 7));
}

static void connlimit(struct buf *b, uint32_t count, uint32_t flags)
{
	NUMBERS(b, "connlimit", NFTA_CONNLIMIT_COUNT, (int32_t)count, NFTA_CONNLIMIT_FLAGS,
		(int32_t)flags);
}

static void limit(struct buf *b, uint64_t rate, uint64_t unit, uint32_t burst, uint32_t flags)
{
	struct buf d = {0};

	attr_u64(&d, NFTA_LIMIT_RATE, rate);
	attr_u64(&d, NFTA_LIMIT_UNIT, unit);
	attr_u32(&d, NFTA_LIMIT_BURST, burst);
	attr_u32(&d, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	attr_u32(&d, NFTA_LIMIT_FLAGS, flags);
	expression(b, "limit", d);
}

static void log_to(struct buf *b, const char *prefix, int level)
{
	struct buf d = {0};

	attr_text(&d, NFTA_LOG_PREFIX, prefix);
	if (level >= 0)
		attr_u32(&d, NFTA_LOG_LEVEL, (uint32_t)level);
	expression(b, "log", d);
}

static void reject(struct buf *b, int type, uint8_t code)
{
	struct buf d = {0};

	attr_u32(&d, NFTA_REJECT_TYPE, (uint32_t)type);
	attr(&d, NFTA_REJECT_ICMP_CODE, &code, 1);
	expression(b, "reject", d);
}

static void set_maxseg(struct buf *b)
{
	struct buf d = {0};

	attr(&d, NFTA_EXTHDR_TYPE, "\2", 1);
	attr_u32(&d, NFTA_EXTHDR_OFFSET, 2);
	attr_u32(&d, NFTA_EXTHDR_LEN, 2);
	attr_u32(&d, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	attr_u32(&d, NFTA_EXTHDR_SREG, NFT_REG_1);
	expression(b, "exthdr", d);
}

static void test_statements(void)
{
	RULE("counter drop", ({
		     struct buf d = {0};

		     attr_u64(&d, NFTA_COUNTER_BYTES, 9);
		     attr_u64(&d, NFTA_COUNTER_PACKETS, 7);
		     expression(b, "counter", d);
	     }),
	     e_verdict(b, NF_DROP, NULL));
	RULE("limit rate over 10/second burst 20 packets", limit(b, 10, 1, 20, NFT_LIMIT_F_INV));
	RULE("limit rate 3/day burst 5 packets", limit(b, 3, 86400, 5, 0));
	RULE("ct count over 5", connlimit(b, 5, NFT_CONNLIMIT_F_INV));
	RULE("ct count 5", connlimit(b, 5, 0));
	RULE("notrack", expression(b, "notrack", (struct buf){0}));
	RULE("log prefix \"a\" level info", log_to(b, "a", 6));
	RULE("log prefix \"fwc x: \"", log_to(b, "fwc x: ", -1));
	RULE("log prefix \"fwc x: \"",
	     log_to(b, "fwc x: ", 4 /* warning, as the kernel tells it */));
	RULE("reject with icmpx admin-prohibited", reject(b, NFT_REJECT_ICMPX_UNREACH, 3));
	RULE("reject with tcp reset", reject(b, NFT_REJECT_TCP_RST, 0));
	RULE("meta nfproto ipv4 reject with icmp port-unreachable", ipv4(b),
	     reject(b, NFT_REJECT_ICMP_UNREACH, 3));
	RULE("meta nfproto ipv6 reject with icmpv6 no-route", ipv6(b),
	     reject(b, NFT_REJECT_ICMP_UNREACH, 0));
	RULE("reject with icmpx port-unreachable", reject(b, NFT_REJECT_ICMPX_UNREACH, 1));
	RULE("goto x.y", e_verdict(b, NFT_GOTO, "x.y"));
	RULE("return", e_verdict(b, NFT_RETURN, NULL));
	RULE("tcp option maxseg size set 1400", e_immediate(b, NFT_REG_1, "\x05\x78", 2),
	     set_maxseg(b));
	RULE("tcp option maxseg size set rt mtu",
	     NUMBERS(b, "rt", NFTA_RT_KEY, NFT_RT_TCPMSS, NFTA_RT_DREG, NFT_REG_1),
	     e_byteorder(b, 2, 2), set_maxseg(b));
}

static void nat(struct buf *b, int type, int family, int address, int address_max, int port)
{
	struct buf d = {0};

	attr_u32(&d, NFTA_NAT_TYPE, (uint32_t)type);
	attr_u32(&d, NFTA_NAT_FAMILY, (uint32_t)family);
	attr_u32(&d, NFTA_NAT_REG_ADDR_MIN, (uint32_t)address);
	attr_u32(&d, NFTA_NAT_REG_ADDR_MAX, (uint32_t)address_max);
	if (port) {
		attr_u32(&d, NFTA_NAT_REG_PROTO_MIN, (uint32_t)port);
		attr_u32(&d, NFTA_NAT_REG_PROTO_MAX, (uint32_t)port);
	}
	attr_u32(&d, NFTA_NAT_FLAGS,
		 NF_NAT_RANGE_MAP_IPS | (port ? NF_NAT_RANGE_PROTO_SPECIFIED : 0));
	expression(b, "nat", d);
}

static struct buf address(const char *bytes)
{
	struct buf more = {0};

	attr_value(&more, NFTA_SET_ELEM_DATA, bytes, 4);
	return more;
}

/* 0 : 10.0.0.1, 1 : 10.0.0.2; numbers in this machine's order. */
static void balance_map(struct buf *s)
{
	struct buf list = {0};
	uint32_t key = 1;

	o_set(s, (struct set_head){.name = "__map0",
				   .flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_MAP,
				   .key_type = 4,
				   .key_len = 4});
	elem(&list, &key, 4, 0, address("\x0a\0\0\x02"));
	key = 0;
	elem(&list, &key, 4, 0, address("\x0a\0\0\x01"));
	o_elems(s, "__map0", list);
}

static void numgen(struct buf *b, int type, int modulus)
{
	NUMBERS(b, "numgen", NFTA_NG_DREG, NFT_REG_1, NFTA_NG_MODULUS, modulus, NFTA_NG_TYPE, type,
		NFTA_NG_OFFSET, 0);
}

static void test_nat(void)
{
	RULE("dnat ip6 to [fd00::1]:8443",
	     e_immediate(b, NFT_REG_1, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16),
	     e_immediate(b, NFT_REG_2, "\x20\xfb", 2),
	     nat(b, NFT_NAT_DNAT, NFPROTO_IPV6, NFT_REG_1, NFT_REG_1, NFT_REG_2));
	RULE("snat ip to 1.2.3.4-1.2.3.9", e_immediate(b, NFT_REG_1, "\1\2\3\4", 4),
	     e_immediate(b, NFT_REG_2, "\1\2\3\x9", 4),
	     nat(b, NFT_NAT_SNAT, NFPROTO_IPV4, NFT_REG_1, NFT_REG_2, 0));
	RULE("dnat ip to numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }", balance_map(s),
	     numgen(b, NFT_NG_INCREMENTAL, 2), e_lookup(b, "__map0", NFT_REG_1, false),
	     nat(b, NFT_NAT_DNAT, NFPROTO_IPV4, NFT_REG_1, NFT_REG_1, 0));
	RULE("masquerade", NUMBERS(b, "masq", -1));
	RULE("masquerade fully-random",
	     NUMBERS(b, "masq", NFTA_MASQ_FLAGS, NF_NAT_RANGE_PROTO_RANDOM_FULLY));
	RULE("redirect to :2222", e_immediate(b, NFT_REG_1, "\x08\xae", 2),
	     NUMBERS(b, "redir", NFTA_REDIR_REG_PROTO_MIN, NFT_REG_1, NFTA_REDIR_REG_PROTO_MAX,
		     NFT_REG_1, NFTA_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED));
}

static void set_mark(struct buf *b, const char *name)
{
	NUMBERS(b, name, NFTA_META_KEY, !strcmp(name, "ct") ? NFT_CT_MARK : NFT_META_MARK,
		!strcmp(name, "ct") ? NFTA_CT_SREG : NFTA_META_SREG, NFT_REG_1);
}

static void queue_attrs(struct buf *b, uint16_t num, uint16_t total, uint16_t flags)
{
	struct buf d = {0};

	num = htons(num);
	total = htons(total);
	flags = htons(flags);
	attr(&d, NFTA_QUEUE_NUM, &num, 2);
	attr(&d, NFTA_QUEUE_TOTAL, &total, 2);
	attr(&d, NFTA_QUEUE_FLAGS, &flags, 2);
	expression(b, "queue", d);
}

static void queue_by(struct buf *b, int flags)
{
	uint16_t f = htons((uint16_t)flags);
	struct buf d = {0};

	attr(&d, NFTA_QUEUE_FLAGS, &f, 2);
	attr_u32(&d, NFTA_QUEUE_SREG_QNUM, NFT_REG_1);
	expression(b, "queue", d);
}

static void test_marks(void)
{
	uint32_t seven = 7;

	RULE("ct mark set ct mark | 0x00f00000", e_ct(b, NFT_CT_MARK),
	     e_bitwise_host(b, 0xff0fffff, 0x00f00000), set_mark(b, "ct"));
	RULE("ct mark set ct mark & 0x05ffffff | 0x05000000", e_ct(b, NFT_CT_MARK),
	     e_bitwise_host(b, 0x00ffffff, 0x05000000), set_mark(b, "ct"));
	RULE("meta mark set 0x00000007", e_immediate(b, NFT_REG_1, &seven, 4), set_mark(b, "meta"));
	RULE("ct mark set ct mark & 0x00ffffff", e_ct(b, NFT_CT_MARK),
	     e_bitwise_host(b, 0x00ffffff, 0), set_mark(b, "ct"));
	RULE("ct mark set meta mark", e_meta(b, NFT_META_MARK), set_mark(b, "ct"));
	RULE("ct mark set meta mark & 0x000000ff", e_meta(b, NFT_META_MARK),
	     e_bitwise_host(b, 255, 0), set_mark(b, "ct"));
	RULE("ct mark set meta mark & 0x0000000f | 0x00000100", e_meta(b, NFT_META_MARK),
	     e_bitwise_host(b, 15, 256), set_mark(b, "ct"));
	RULE("queue to 3", queue_attrs(b, 3, 1, 0));
	RULE("queue flags bypass to symhash mod 4 offset 26000",
	     NUMBERS(b, "hash", NFTA_HASH_TYPE, NFT_HASH_SYM, NFTA_HASH_DREG, NFT_REG_1,
		     NFTA_HASH_MODULUS, 4, NFTA_HASH_OFFSET, 26000),
	     queue_by(b, NFT_QUEUE_FLAG_BYPASS));
}

/* Whether the rule's last statement is not understood, and what a packet goes through. */
static bool unknown(struct buf expressions, enum ir_unknown_kind kind)
{
	struct buf more = {0};
	const struct ir_chain *c;
	const struct ir_stmt *s;

	o_rule(&more, NFPROTO_INET, "fwc", "c", expressions);
	c = ruleset_chain(read_all(more), "c");
	s = c->rules.v[0].stmts.n ? &c->rules.v[0].stmts.v[c->rules.v[0].stmts.n - 1] : NULL;
	return s && s->kind == IR_UNKNOWN && s->unknown.kind == kind;
}

#define UNKNOWN(kind, ...)                                                                         \
	do {                                                                                       \
		struct buf expressions = {0}, *b = &expressions;                                   \
                                                                                                   \
		__VA_ARGS__;                                                                       \
		CHECK(unknown(expressions, kind));                                                 \
	} while (0)

static void plus_attribute(struct buf *b, const char *name, uint16_t type, int value)
{
	struct buf d = {0};

	attr_u32(&d, type, (uint32_t)value);
	expression(b, name, d);
}

/* What is not understood to the last attribute is not taken for something near. */
static void test_unknown(void)
{
	UNKNOWN(UNKNOWN_GOES_ON, log_to(b, "a", NFT_LOGLEVEL_AUDIT));
	UNKNOWN(UNKNOWN_ENDS,
		plus_attribute(b, "masq", NFTA_MASQ_FLAGS, NF_NAT_RANGE_PROTO_RANDOM));
	UNKNOWN(UNKNOWN_ENDS, queue_attrs(b, 3, 1, NFT_QUEUE_FLAG_CPU_FANOUT));
	UNKNOWN(UNKNOWN_ENDS, queue_attrs(b, 3, 3, 0));
	UNKNOWN(UNKNOWN_SETS_MARKS, e_immediate(b, NFT_REG_1, "\7\0\0\0", 4),
		NUMBERS(b, "meta", NFTA_META_KEY, NFT_META_PRIORITY, NFTA_META_SREG, NFT_REG_1));
	UNKNOWN(UNKNOWN_MATCH, e_payload(b, INNER, 0, 1), CMP(b, NFT_CMP_EQ, 22));
	UNKNOWN(UNKNOWN_MATCH, plus_attribute(b, "quota", 1, 5));
	UNKNOWN(UNKNOWN_GOES_ON, plus_attribute(b, "notrack", 1, 5));
	UNKNOWN(UNKNOWN_ENDS, plus_attribute(b, "tproxy", 1, 2));
	UNKNOWN(UNKNOWN_ENDS, e_verdict(b, 77, NULL));
	UNKNOWN(UNKNOWN_ENDS, e_verdict(b, NFT_JUMP, NULL));
	UNKNOWN(UNKNOWN_MATCH, e_lookup(b, "of-nobody", -1, false));
	UNKNOWN(UNKNOWN_ENDS, e_lookup(b, "of-nobody", NFT_REG_VERDICT, false));
	/* an attribute of tomorrow: 31 is behind all that there are */
	UNKNOWN(UNKNOWN_ENDS, plus_attribute(b, "masq", 31, 1));
	UNKNOWN(UNKNOWN_ENDS, plus_attribute(b, "masq", 200, 1));
	UNKNOWN(UNKNOWN_ENDS, plus_attribute(b, "reject", 31, 0));
	UNKNOWN(UNKNOWN_ENDS, plus_attribute(b, "what-is-this", 1, 1));
	/* it may have written to any register */
	UNKNOWN(UNKNOWN_MATCH, e_meta(b, NFT_META_IIFNAME), plus_attribute(b, "what-is-this", 1, 1),
		CMP(b, NFT_CMP_EQ, 'w', 'g'));
}

#define BITWISE_LSHIFT 1
#define BITWISE_RSHIFT 2 /* enum nft_bitwise_ops of Linux 6.13 */
#define BITWISE_AND 3
#define BITWISE_SREG2 8

/* Of what lies in register 1 and, op BITWISE_AND, in 2. */
static void bitwise(struct buf *b, int op, uint32_t bytes, uint32_t by)
{
	struct buf d = {0};

	attr_u32(&d, NFTA_BITWISE_SREG, NFT_REG_1);
	attr_u32(&d, NFTA_BITWISE_DREG, NFT_REG_1);
	attr_u32(&d, NFTA_BITWISE_LEN, bytes);
	attr_u32(&d, NFTA_BITWISE_OP, (uint32_t)op);
	if (op == BITWISE_AND)
		attr_u32(&d, BITWISE_SREG2, NFT_REG_2);
	else
		attr_value(&d, NFTA_BITWISE_DATA, &by, 4);
	expression(b, "bitwise", d);
}

static void test_shifts(void)
{
	RULE("ip dscp 46", ipv4(b), e_payload(b, NETWORK, 1, 1), e_bitwise(b, "\xfc", "\0", 1),
	     bitwise(b, BITWISE_RSHIFT, 1, 2), CMP(b, NFT_CMP_EQ, 46));
	UNKNOWN(UNKNOWN_MATCH, e_meta(b, NFT_META_MARK), bitwise(b, BITWISE_RSHIFT, 4, 8),
		CMP(b, NFT_CMP_EQ, 0, 0, 0, 1));
	UNKNOWN(UNKNOWN_MATCH, e_meta(b, NFT_META_MARK), bitwise(b, BITWISE_AND, 4, 0),
		CMP(b, NFT_CMP_EQ, 0, 0, 0, 1));
}

/* Bits that are kept, or copied, and turned over; shifted; and twice. */
static void test_made_marks(void)
{
	RULE("ct mark set ct mark & 0x000000ff ^ 0x00000001", e_ct(b, NFT_CT_MARK),
	     e_bitwise_host(b, 255, 1), set_mark(b, "ct"));
	RULE("ct mark set meta mark & 0x000000ff ^ 0x00000001", e_meta(b, NFT_META_MARK),
	     e_bitwise_host(b, 255, 1), set_mark(b, "ct"));
	RULE("meta mark set meta mark", e_meta(b, NFT_META_MARK), set_mark(b, "meta"));
	RULE("meta mark set meta mark & 0xffffff00 >> 8", e_meta(b, NFT_META_MARK),
	     bitwise(b, BITWISE_RSHIFT, 4, 8), set_mark(b, "meta"));
	RULE("meta mark set meta mark & 0xffffff00", e_meta(b, NFT_META_MARK),
	     bitwise(b, BITWISE_RSHIFT, 4, 8), bitwise(b, BITWISE_LSHIFT, 4, 8),
	     set_mark(b, "meta"));
	RULE("meta mark set meta mark & 0x0000f000 >> 8 ^ 0x00000011", e_meta(b, NFT_META_MARK),
	     bitwise(b, BITWISE_RSHIFT, 4, 8), e_bitwise_host(b, 0xf0, 0x11), set_mark(b, "meta"));
	RULE("meta mark set meta mark & 0x0000000f ^ 0x00000012", e_meta(b, NFT_META_MARK),
	     e_bitwise_host(b, 0xff, 0x31), e_bitwise_host(b, 0xf, 0x13), set_mark(b, "meta"));
	UNKNOWN(UNKNOWN_SETS_MARKS, e_meta(b, NFT_META_MARK), bitwise(b, BITWISE_AND, 4, 0),
		set_mark(b, "meta"));
}

static void counts_up(struct buf *b)
{
	numgen(b, NFT_NG_INCREMENTAL, 2);
	CMP(b, NFT_CMP_EQ, 0, 0, 0, 0);
}

static void dice(struct buf *b)
{
	numgen(b, NFT_NG_RANDOM, 2);
	CMP(b, NFT_CMP_EQ, 0, 0, 0, 0);
}

static void more_dice(struct buf *b)
{
	e_meta(b, NFT_META_PRANDOM);
	CMP(b, NFT_CMP_EQ, 0, 0, 0, 0);
}

static void used_up(struct buf *b)
{
	plus_attribute(b, "quota", 1, 5);
}

static void xt(struct buf *b, const char *name)
{
	struct buf d = {0};

	attr_text(&d, NFTA_MATCH_NAME, name);
	attr_u32(&d, NFTA_MATCH_REV, 0);
	attr(&d, NFTA_MATCH_INFO, "12345678", 8);
	expression(b, "match", d);
}

static void every_other(struct buf *b)
{
	xt(b, "statistic");
}

static void by_text(struct buf *b)
{
	xt(b, "string");
}

static int hash_modulus = 2;

static void by_flow(struct buf *b)
{
	NUMBERS(b, "hash", NFTA_HASH_TYPE, NFT_HASH_SYM, NFTA_HASH_DREG, NFT_REG_1,
		NFTA_HASH_MODULUS, hash_modulus, NFTA_HASH_OFFSET, 0);
	CMP(b, NFT_CMP_EQ, 0, 0, 0, 0);
}

/* The one number of two, then of three. */
static void by_flow_in_turn(struct buf *b)
{
	hash_modulus = hash_modulus == 2 ? 3 : 2;
	by_flow(b);
}

static void by_type(struct buf *b)
{
	e_meta(b, NFT_META_PKTTYPE);
	CMP(b, NFT_CMP_EQ, 1);
}

/* Whether a rule and the next, with the same bytes, ask the same of a packet. */
static bool ask_the_same(void (*expressions)(struct buf *b))
{
	struct buf more = {0};
	const struct ir_chain *c;

	for (int i = 0; i < 2; i++) {
		struct buf b = {0};

		expressions(&b);
		o_rule(&more, NFPROTO_INET, "fwc", "c", b);
	}
	c = ruleset_chain(read_all(more), "c");
	return !strcmp(canonical_rule(arena, &c->rules.v[0]),
		       canonical_rule(arena, &c->rules.v[1]));
}

/* What counts, or throws dice, does so for itself. */
static void test_twice(void)
{
	CHECK(!ask_the_same(counts_up));
	CHECK(!ask_the_same(dice));
	CHECK(!ask_the_same(more_dice));
	CHECK(!ask_the_same(used_up));
	CHECK(!ask_the_same(every_other));
	CHECK(ask_the_same(by_text));
	CHECK(ask_the_same(by_flow));
	CHECK(!ask_the_same(by_flow_in_turn));
	CHECK(ask_the_same(by_type));
}

static void xt_ct(struct buf *b, uint16_t flags)
{
	struct xt_ct_target_info info = {.flags = flags};
	struct buf d = {0};

	attr_text(&d, NFTA_TARGET_NAME, "CT");
	attr_u32(&d, NFTA_TARGET_REV, 1);
	attr(&d, NFTA_TARGET_INFO, &info, sizeof(info));
	expression(b, "target", d);
}

/* What is kept from connection tracking is another packet to all that comes behind. */
static void test_xt_untracked(void)
{
	RULE("notrack", xt_ct(b, XT_CT_NOTRACK));
	RULE("notrack", xt_ct(b, XT_CT_NOTRACK_ALIAS));
}

/* The expressions of Linux 6.1 to 7.x: the last attribute that is read of each, 0: of some that
 * are always kept as conditions, or ends, of which no more is known than their bytes; and which is
 * the register that is written. */
static const struct expression_type {
	const char *name;
	uint8_t last, dreg;
} expression_types[] = {
	{"bitwise", NFTA_BITWISE_DATA, NFTA_BITWISE_DREG},
	{"byteorder", NFTA_BYTEORDER_SIZE, NFTA_BYTEORDER_DREG},
	{"cmp", NFTA_CMP_DATA, 0},
	{"connlimit", NFTA_CONNLIMIT_FLAGS, 0},
	{"counter", NFTA_COUNTER_PAD, 0},
	{"ct", NFTA_CT_SREG, NFTA_CT_DREG},
	{"dup", 0, 0},
	{"dynset", NFTA_DYNSET_EXPRESSIONS, 0},
	{"exthdr", NFTA_EXTHDR_SREG, NFTA_EXTHDR_DREG},
	{"fib", NFTA_FIB_FLAGS, NFTA_FIB_DREG},
	{"fwd", 0, 0},
	{"hash", NFTA_HASH_TYPE, NFTA_HASH_DREG},
	{"immediate", NFTA_IMMEDIATE_DATA, NFTA_IMMEDIATE_DREG},
	{"inner", 0, 0},
	{"last", 0, 0},
	{"limit", NFTA_LIMIT_PAD, 0},
	{"log", NFTA_LOG_FLAGS, 0},
	{"lookup", NFTA_LOOKUP_FLAGS, 0},
	{"masq", NFTA_MASQ_REG_PROTO_MAX, 0},
	{"match", NFTA_MATCH_INFO, 0},
	{"meta", NFTA_META_SREG, NFTA_META_DREG},
	{"nat", NFTA_NAT_FLAGS, 0},
	{"notrack", 0, 0},
	{"numgen", NFTA_NG_OFFSET, NFTA_NG_DREG},
	{"objref", NFTA_OBJREF_IMM_NAME, 0},
	{"osf", 0, 0},
	{"payload", NFTA_PAYLOAD_CSUM_FLAGS, NFTA_PAYLOAD_DREG},
	{"queue", NFTA_QUEUE_SREG_QNUM, 0},
	{"quota", 0, 0},
	{"range", NFTA_RANGE_TO_DATA, 0},
	{"redir", NFTA_REDIR_FLAGS, 0},
	{"reject", NFTA_REJECT_ICMP_CODE, 0},
	{"rt", NFTA_RT_KEY, NFTA_RT_DREG},
	{"socket", NFTA_SOCKET_LEVEL, NFTA_SOCKET_DREG},
	{"synproxy", 0, 0},
	{"target", NFTA_TARGET_INFO, 0},
	{"tproxy", 0, 0},
	{"tunnel", 0, 0},
	{"xfrm", 0, 0},
	{"of-tomorrow", 0, 0},
};

/* Two ports; of another revision they would lie elsewhere. */
static void xt_multiport(struct buf *b, uint32_t revision)
{
	struct xt_multiport_v1 info = {
		.flags = XT_MULTIPORT_DESTINATION, .count = 2, .ports = {22, 80}};
	struct buf d = {0};

	attr_text(&d, NFTA_MATCH_NAME, "multiport");
	attr_u32(&d, NFTA_MATCH_REV, revision);
	attr(&d, NFTA_MATCH_INFO, &info, sizeof(info));
	expression(b, "match", d);
}

static void xt_of_tomorrow(struct buf *b)
{
	struct buf d = {0};

	attr_text(&d, NFTA_TARGET_NAME, "TOMORROW");
	attr_u32(&d, NFTA_TARGET_REV, 0);
	attr(&d, NFTA_TARGET_INFO, "....", 4);
	expression(b, "target", d);
}

static void test_xt_unknown(void)
{
	RULE("tcp dport { 22, 80 }", proto(b, 6), xt_multiport(b, 1));
	UNKNOWN(UNKNOWN_MATCH, proto(b, 6), xt_multiport(b, 2));
	UNKNOWN(UNKNOWN_ENDS, xt_of_tomorrow(b));
}

static bool any_unknown(struct buf expressions)
{
	struct buf more = {0};
	const struct ir_chain *c;
	const struct ir_stmt *s;

	o_rule(&more, NFPROTO_INET, "fwc", "c", expressions);
	c = ruleset_chain(read_all(more), "c");
	vec_each (&c->rules.v[0].stmts, s)
		if (s->kind == IR_UNKNOWN)
			return true;
	return false;
}

/* An attribute that is not known makes a condition, or an end, of whatever it is part of. */
static void test_every_expression(void)
{
	const struct expression_type *x = expression_types;

	for (size_t i = 0; i < sizeof(expression_types) / sizeof(*x); i++, x++) {
		struct buf b = {0}, d = {0};

		if (x->dreg)
			attr_u32(&d, x->dreg, NFT_REG_1);
		if (!strcmp(x->name, "match") || !strcmp(x->name, "target"))
			attr_text(&d, NFTA_MATCH_NAME, "tcp");
		if (!strcmp(x->name, "meta"))
			attr_u32(&d, NFTA_META_KEY, NFT_META_MARK);
		attr_u32(&d, (uint16_t)(x->last + 1), 1);
		expression(&b, x->name, d);
		e_cmp_host(&b, NFT_CMP_EQ, 1);
		e_verdict(&b, NF_DROP, NULL);
		if (!any_unknown(b)) {
			printf("# %s\n", x->name);
			CHECK(false);
		}
	}
}

static void tcp_option(struct buf *b, uint32_t flags)
{
	NUMBERS(b, "exthdr", NFTA_EXTHDR_DREG, NFT_REG_1, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT,
		NFTA_EXTHDR_LEN, 2, NFTA_EXTHDR_OFFSET, 2, NFTA_EXTHDR_FLAGS, flags);
}

/* A load that finds nothing ends the rule, though nobody reads what it loads; one that asks whether
 * there is something always finds an answer. */
static void test_nothing_there(void)
{
	struct buf option = {0}, exists = {0}, route = {0};

	tcp_option(&option, 0);
	tcp_option(&exists, NFT_EXTHDR_F_PRESENT);
	NUMBERS(&route, "rt", NFTA_RT_DREG, NFT_REG_1, NFTA_RT_KEY, NFT_RT_NEXTHOP4);
	e_verdict(&option, NF_DROP, NULL);
	e_verdict(&exists, NF_DROP, NULL);
	e_verdict(&route, NF_DROP, NULL);
	CHECK(any_unknown(option));
	CHECK(!any_unknown(exists));
	CHECK(any_unknown(route));
}

static void load_flagged(struct buf *b, const char *name, uint16_t dreg, uint16_t flags, uint32_t x)
{
	struct buf d = {0};

	attr_u32(&d, dreg, NFT_REG_1);
	attr_u32(&d, flags, x);
	expression(b, name, d);
	CMP(b, NFT_CMP_EQ, 0);
}

/* So do flags, keys and operations. */
static void test_every_flag(void)
{
	UNKNOWN(UNKNOWN_ENDS, NUMBERS(b, "masq", NFTA_MASQ_FLAGS, 1u << 20));
	UNKNOWN(UNKNOWN_MATCH, load_flagged(b, "fib", NFTA_FIB_DREG, NFTA_FIB_FLAGS, 1u << 20));
	UNKNOWN(UNKNOWN_MATCH,
		load_flagged(b, "exthdr", NFTA_EXTHDR_DREG, NFTA_EXTHDR_FLAGS, 1u << 20));
	/* a key of tomorrow is not that of the day after */
	RULE("?meta 77 == 00 ?meta 78 == 00 drop",
	     load_flagged(b, "meta", NFTA_META_DREG, NFTA_META_KEY, 77),
	     load_flagged(b, "meta", NFTA_META_DREG, NFTA_META_KEY, 78),
	     e_verdict(b, NF_DROP, NULL));
	UNKNOWN(UNKNOWN_ENDS, plus_attribute(b, "objref", NFTA_OBJREF_IMM_TYPE, 99));
}

/* The canonical text leaves out what another test implies. */
static void test_implied(void)
{
	RULE("ip saddr 1.1.1.1", ipv4(b), e_payload(b, NETWORK, 12, 4),
	     CMP(b, NFT_CMP_EQ, 1, 1, 1, 1));
	RULE("meta nfproto ipv4 udp dport 68", ipv4(b), proto(b, 17), e_payload(b, TRANSPORT, 2, 2),
	     CMP(b, NFT_CMP_EQ, 0, 68));
}

static struct buf with_verdict(int code, const char *chain)
{
	struct buf more = {0};

	attr_verdict(&more, NFTA_SET_ELEM_DATA, code, chain);
	return more;
}

/* A concatenation with intervals: key and key's end; a counter and a comment. */
static void test_map(void)
{
	struct buf all = {0}, list = {0}, more = with_verdict(NFT_GOTO, "c"), e = {0}, d = {0};
	const struct ir_set *set;
	struct ir_ruleset *r;

	o_set(&all, (struct set_head){.name = "m.0123456789ab",
				      .flags = NFT_SET_MAP | NFT_SET_INTERVAL | NFT_SET_CONCAT,
				      .key_type = CONCAT(IP4_ADDR, SERVICE),
				      .key_len = 8,
				      .fields = {4, 2},
				      .verdicts = true});
	attr_value(&more, NFTA_SET_ELEM_KEY_END, "\x0a\0\0\1\0\x9\0\0", 8);
	attr_u64(&d, NFTA_COUNTER_BYTES, 4);
	attr_u64(&d, NFTA_COUNTER_PACKETS, 3);
	attr_text(&e, NFTA_EXPR_NAME, "counter");
	attr_nest(&e, NFTA_EXPR_DATA, d);
	attr_nest(&more, NFTA_SET_ELEM_EXPR, e);
	attr(&more, NFTA_SET_ELEM_USERDATA, "\0\2x", 4);
	elem(&list, "\x0a\0\0\1\0\1\0\0", 8, 0, more);
	o_elems(&all, "m.0123456789ab", list);
	r = read_all(all);
	set = ruleset_set(r, "m.0123456789ab");
	SAME_TEXT(set->stem, "m");
	SAME_NUMBER(set->elems.v[0].packets, 3);
	SAME_TEXT(canonical_set(arena, set),
		  "\tmap m.0123456789ab {\n\t\ttype ipv4_addr . inet_service : verdict\n\t\tflags "
		  "interval\n\t\telements = {\n\t\t\t10.0.0.1 . 1-9 counter comment "
		  "\"x\" : goto c\n\t\t}\n\t}\n");
}

static const struct ir_set *read_one(struct set_head head, struct buf list)
{
	struct buf all = {0};

	o_set(&all, head);
	if (list.len)
		o_elems(&all, head.name, list);
	else
		buf_free(&list);
	return ruleset_set(read_all(all), head.name);
}

static bool is_understood(uint32_t flags, const uint32_t fields[3])
{
	struct set_head head = {.name = "m.0123456789ab",
				.flags = NFT_SET_CONCAT | flags,
				.key_type = CONCAT(IP4_ADDR, SERVICE),
				.key_len = 8};

	memcpy(head.fields, fields, sizeof(head.fields));
	return !strchr(read_one(head, (struct buf){0})->type, '?');
}

/* An interval of a concatenation is one of each field; of keys in one piece it is one of a single
 * number. A hash looks at whole keys, whatever they are cut into. */
static void test_fields(void)
{
	CHECK(is_understood(NFT_SET_INTERVAL, (uint32_t[3]){4, 2}));
	CHECK(is_understood(0, (uint32_t[3]){4, 2}));
	CHECK(is_understood(0, (uint32_t[3]){0}));
	CHECK(!is_understood(NFT_SET_INTERVAL, (uint32_t[3]){0}));
	CHECK(!is_understood(NFT_SET_INTERVAL, (uint32_t[3]){8}));
	CHECK(!is_understood(NFT_SET_INTERVAL, (uint32_t[3]){2, 2}));
	CHECK(!is_understood(NFT_SET_INTERVAL, (uint32_t[3]){2, 4}));
	CHECK(!is_understood(NFT_SET_INTERVAL, (uint32_t[3]){4, 2, 2}));
}

/* To go nowhere is no verdict. */
static void test_no_target(void)
{
	struct buf list = {0};
	const struct ir_set *set;

	elem(&list, "\x0a\0\0\1", 4, 0, with_verdict(NFT_GOTO, NULL));
	set = read_one((struct set_head){.name = "m",
					 .flags = NFT_SET_MAP,
					 .key_type = IP4_ADDR,
					 .key_len = 4,
					 .verdicts = true},
		       list);
	SAME_NUMBER(set->elems.n, 1);
	SAME_NUMBER(set->elems.v[0].verdict.kind, V_NONE);
	CHECK(set->elems.v[0].comment && set->elems.v[0].comment[0] == '?');
}

static const struct ir_set *intervals(struct buf list)
{
	return read_one((struct set_head){.name = "s.0123456789ab",
					  .flags = NFT_SET_INTERVAL,
					  .key_type = IP4_ADDR,
					  .key_len = 4},
			list);
}

#define END NFT_SET_ELEM_INTERVAL_END

static const char *elems_text(const struct ir_set *s)
{
	struct buf b = {0};
	const char *text;

	for (size_t i = 0; i < s->elems.n; i++) {
		buf_puts(&b, i ? ", " : "");
		emit_elem(&b, s, &s->elems.v[i]);
	}
	text = arena_strdup(arena, buf_str(&b));
	buf_free(&b);
	return text;
}

/* The kernel tells of the two ends of an interval, from the top; an end is the first that is not
 * in it. Nothing ends at the top; an end at 0 says that nothing begins there. */
static void test_intervals(void)
{
	struct buf list = {0};
	const struct ir_set *s;

	ELEM(&list, 0, 224, 0, 0, 0);
	ELEM(&list, END, 192, 168, 1, 2);
	ELEM(&list, 0, 192, 168, 1, 1);
	ELEM(&list, END, 12, 0, 0, 0); /* touching: one key with and without an end */
	ELEM(&list, 0, 11, 0, 0, 0);
	ELEM(&list, END, 11, 0, 0, 0);
	ELEM(&list, 0, 10, 0, 0, 0);
	ELEM(&list, END, 0, 0, 0, 0);
	s = intervals(list);
	SAME_TEXT(elems_text(s), "10.0.0.0/8, 11.0.0.0/8, 192.168.1.1, 224.0.0.0/3");
	list = (struct buf){0};
	ELEM(&list, END, 1, 0, 0, 0);
	ELEM(&list, 0, 0, 0, 0, 0);
	SAME_TEXT(elems_text(intervals(list)), "0.0.0.0/8");
	/* two that begin at one key are no intervals */
	list = (struct buf){0};
	ELEM(&list, 0, 1, 0, 0, 0);
	ELEM(&list, 0, 1, 0, 0, 0);
	CHECK(elems_text(intervals(list))[0] != '1' && intervals((struct buf){0})->elems.n == 0);
}

/* Marks are numbers of this machine, but in intervals, which have to be in order. */
static void test_byte_order(void)
{
	struct set_head head = {.name = "marks", .key_type = MARK, .key_len = 4};
	uint32_t mark = 0x1234;
	struct buf list = {0}, sets = {0}, rule = {0};

	elem(&list, &mark, 4, 0, (struct buf){0});
	SAME_TEXT(elems_text(read_one(head, list)), "0x00001234");
	list = (struct buf){0};
	head.flags = NFT_SET_INTERVAL;
	ELEM(&list, 0, 0, 0, 0x12, 0);
	ELEM(&list, END, 0, 0, 0x13, 0);
	SAME_TEXT(elems_text(read_one(head, list)), "0x00001200-0x000012ff");
	/* a rule that looks there with the other order finds something else */
	o_set(&sets, (struct set_head){.name = "marks", .key_type = MARK, .key_len = 4});
	e_meta(&rule, NFT_META_MARK);
	e_byteorder(&rule, 4, 4);
	e_lookup(&rule, "marks", -1, false);
	SAME_TEXT(rule_text(sets, rule),
		  "?meta mark in network order in @marks of 0 #e3b0c44298fc");
}

/* cpu, or the priority, in __set0 { KEY } of a table. */
static const char *asked_in(uint32_t what, uint8_t key)
{
	struct buf list = {0}, sets = {0}, rule = {0};

	elem(&list, (uint8_t[]){key}, 1, 0, (struct buf){0});
	o_set(&sets, (struct set_head){.name = "__set0",
				       .flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT,
				       .key_len = 1});
	o_elems(&sets, "__set0", list);
	e_meta(&rule, what);
	e_lookup(&rule, "__set0", -1, false);
	return rule_text(sets, rule);
}

/* Every table has its own __set0, and registers are used again: the expression is the same byte for
 * byte. Two conditions that are not the same must not have one name, or one answer would do for
 * both. */
static void test_lookups_by_content(void)
{
	const char *one = asked_in(NFT_META_CPU, 1);

	SAME_TEXT(one, "?meta cpu in { 01 }");
	SAME_TEXT(asked_in(NFT_META_CPU, 1), one);
	CHECK(strcmp(asked_in(NFT_META_CPU, 2), one) != 0);
	CHECK(strcmp(asked_in(NFT_META_PRIORITY, 1), one) != 0);
}

/* A length that no kernel gives: nothing is made of it that is as long. */
static void test_lookup_of_any_length(void)
{
	struct buf sets = {0}, rule = {0};

	o_set(&sets, (struct set_head){.name = "wide", .key_len = UINT32_MAX});
	e_meta(&rule, NFT_META_PKTTYPE);
	e_lookup(&rule, "wide", -1, false);
	CHECK(strlen(rule_text(sets, rule)) < 100);
}

static void test_lookups(void)
{
	RULE("ip saddr != @a.1",
	     o_set(s, (struct set_head){.name = "a.1", .key_type = IP4_ADDR, .key_len = 4}),
	     ipv4(b), e_payload(b, NETWORK, 12, 4), e_lookup(b, "a.1", -1, true));
	RULE("iifname { \"eth0\", \"lo\" }", ({
		     struct buf list = {0};

		     o_set(s, (struct set_head){.name = "__set0",
						.flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT,
						.key_type = IFNAME,
						.key_len = 16});
		     elem(&list, "lo\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 0, (struct buf){0});
		     elem(&list, "eth0\0\0\0\0\0\0\0\0\0\0\0", 16, 0, (struct buf){0});
		     o_elems(s, "__set0", list);
	     }),
	     e_meta(b, NFT_META_IIFNAME), e_lookup(b, "__set0", -1, false));
	/* l4proto is one byte in a register of four; nft asks for it to be turned, which does
	 * nothing to one byte */
	RULE("meta l4proto . th dport { tcp . 22, udp . 53 }", ({
		     struct buf list = {0};

		     o_set(s, (struct set_head){.name = "__set0",
						.flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT,
						.key_type = CONCAT(PROTO, SERVICE),
						.key_len = 8});
		     ELEM(&list, 0, 17, 0, 0, 0, 0, 53, 0, 0);
		     ELEM(&list, 0, 6, 0, 0, 0, 0, 22, 0, 0);
		     o_elems(s, "__set0", list);
	     }),
	     e_meta(b, NFT_META_L4PROTO), e_byteorder(b, 1, 2),
	     e_payload_at(b, NFT_REG32_01, TRANSPORT, 2, 2), e_lookup(b, "__set0", -1, false));
	RULE("ct mark & 0xff000000 vmap @m", ({
		     o_set(s, (struct set_head){.name = "m",
						.flags = NFT_SET_MAP,
						.key_type = MARK,
						.key_len = 4,
						.verdicts = true});
	     }),
	     e_ct(b, NFT_CT_MARK), e_bitwise_host(b, 0xff000000, 0),
	     e_lookup(b, "m", NFT_REG_VERDICT, false));
}

static void dynset(struct buf *b, uint64_t timeout, struct buf inner)
{
	struct buf d = {0};

	attr_text(&d, NFTA_DYNSET_SET_NAME, "s.v4");
	attr_u32(&d, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	attr_u32(&d, NFTA_DYNSET_SREG_KEY, NFT_REG_1);
	if (timeout)
		attr_u64(&d, NFTA_DYNSET_TIMEOUT, timeout);
	if (inner.len)
		attr_nest(&d, NFTA_DYNSET_EXPRESSIONS, inner);
	expression(b, "dynset", d);
}

static void test_dynamic(void)
{
	const struct set_head head = {.name = "s.v4",
				      .flags = NFT_SET_EVAL | NFT_SET_TIMEOUT,
				      .key_type = IP4_ADDR,
				      .key_len = 4,
				      .size = 9,
				      .timeout = 3600000};
	struct buf list = {0}, more = {0};
	const struct ir_set *set;

	RULE("update @s.v4 { ip saddr timeout 1m }", o_set(s, head), ipv4(b),
	     e_payload(b, NETWORK, 12, 4), dynset(b, 60000, (struct buf){0}));
	RULE("update @s.v4 { ip saddr limit rate 5/second burst 5 packets ct count over 2 }",
	     o_set(s, head), ipv4(b), e_payload(b, NETWORK, 12, 4), ({
		     struct buf inner = {0};

		     limit(&inner, 5, 1, 5, 0);
		     connlimit(&inner, 2, NFT_CONNLIMIT_F_INV);
		     dynset(b, 0, inner);
	     }));
	attr_u64(&more, NFTA_SET_ELEM_EXPIRATION, 59999);
	elem(&list, "\1\1\1\1", 4, 0, more);
	more = (struct buf){0};
	attr_u64(&more, NFTA_SET_ELEM_EXPIRATION, 0); /* over, and not swept yet */
	elem(&list, "\1\1\1\2", 4, 0, more);
	set = read_one(head, list);
	SAME_NUMBER(set->elems.n, 1);
	CHECK(set->dynamic && set->elems.v[0].volatile_elem && set->elems.v[0].ages);
	SAME_NUMBER(set->elems.v[0].left, 59);
	SAME_NUMBER(set->timeout, 3600);
	SAME_NUMBER(set->size, 9);
}

/* Notes of nft's: 0 is the comment, 1 are flags. */
static void test_notes(void)
{
	static const uint8_t notes[] = {1, 4, 'a', 'b', 'c', 0, 0, 4, 'x', 'y', 'z', 0};
	const struct set_head head = {.name = "s", .key_type = IP4_ADDR, .key_len = 4};
	struct buf list = {0}, more = {0};

	attr(&more, NFTA_SET_ELEM_USERDATA, notes, sizeof(notes));
	elem(&list, "\1\1\1\1", 4, 0, more);
	SAME_TEXT(read_one(head, list)->elems.v[0].comment, "xyz");
}

static const char *type_of(struct set_head head)
{
	return read_one(head, (struct buf){0})->type;
}

/* Between the fields of a key there are zeros; an element that has others there no packet finds. */
static void test_filling(void)
{
	const struct set_head head = {
		.name = "s", .key_type = CONCAT(PROTO, SERVICE), .key_len = 8};
	struct buf list = {0};

	ELEM(&list, 0, 6, 0, 0, 0, 0, 22, 0, 0);
	SAME_TEXT(elems_text(read_one(head, list)), "tcp . 22");
	for (int i = 1; i < 8; i++) {
		uint8_t key[8] = {6, 0, 0, 0, 0, 22, 0, 0};

		if (i == 4 || i == 5)
			continue;
		list = (struct buf){0};
		key[i] = 0x10;
		elem(&list, key, sizeof(key), 0, (struct buf){0});
		CHECK(strchr(elems_text(read_one(head, list)), '?'));
	}
}

/* What a set says more than the IR can, makes it a set like no other. */
static void test_strange_sets(void)
{
	struct set_head head = {.name = "odd", .key_type = IP4_ADDR, .key_len = 4};

	SAME_TEXT(type_of(head), "ipv4_addr");
	/* of Linux 6.18: which back end, and how many elements there are */
	attr_u32(&head.more, 19, 1);
	attr_u32(&head.more, 20, 2);
	SAME_TEXT(type_of(head), "ipv4_addr");
	head.more = (struct buf){0};
	attr_u32(&head.more, 30, 1);
	CHECK(strchr(type_of(head), '?'));
	head.more = (struct buf){0};
	head.flags = 0x8000;
	CHECK(strchr(type_of(head), '?'));
	head.flags = 0;
	head.key_len = 8; /* which no address of IPv4 is */
	CHECK(strchr(type_of(head), '?'));
}

static bool dormant(uint32_t flags)
{
	struct buf all = {0};
	struct ir_tables t = {0};
	bool is;

	o_table(&all, NFPROTO_IPV4, "t", flags);
	CHECK(read_tables(arena, all.data, all.len, &t) && t.n == 1);
	is = t.n && t.v[0].ruleset->dormant;
	buf_free(&all);
	return is;
}

static void test_table_flags(void)
{
	CHECK(!dormant(0));
	CHECK(dormant(1));
	CHECK(dormant(1 | 2));
	CHECK(!dormant(2)); /* owner */
	CHECK(!dormant(2 | 4)); /* and persist, Linux 6.9 */
	CHECK(dormant(8)); /* of tomorrow */
}

static struct ir_ruleset *with_intervals(const uint8_t ends[][4], size_t n)
{
	struct buf all = {0}, list = {0};

	o_set(&all, (struct set_head){.name = "s.0123456789ab",
				      .flags = NFT_SET_INTERVAL,
				      .key_type = IP4_ADDR,
				      .key_len = 4});
	for (size_t i = 0; i < n; i++)
		elem(&list, ends[i], 4, i % 2 ? END : 0, (struct buf){0});
	o_elems(&all, "s.0123456789ab", list);
	return read_all(all);
}

static size_t count_differences(const struct ir_ruleset *left, const struct ir_ruleset *right)
{
	struct differences d = {0};

	ruleset_compare(arena, left, right, NULL, &d);
	return d.n;
}

static void test_compare(void)
{
	static const uint8_t two[][4] = {
		{10, 0, 0, 128}, {10, 0, 1, 0}, {10, 0, 0, 0}, {10, 0, 0, 128}};
	static const uint8_t one[][4] = {{10, 0, 0, 0}, {10, 0, 1, 0}};
	struct ir_ruleset *halves = with_intervals(two, 4), *none = read_all((struct buf){0});

	SAME_NUMBER(count_differences(halves, with_intervals(one, 2)), 0);
	SAME_NUMBER(count_differences(halves, with_intervals(two, 2)), 1);
	SAME_NUMBER(count_differences(halves, none), 1);
	SAME_NUMBER(count_differences(none, halves), 1);
}

static void test_reach(void)
{
	struct buf all = {0}, list = {0}, e = {0};
	struct ir_ruleset *r;
	struct map reach;

	o_chain(&all, NFPROTO_INET, "fwc", "input", NF_INET_LOCAL_IN, "filter", 0, NF_DROP);
	o_chain(&all, NFPROTO_INET, "fwc", "dead", -1, NULL, 0, 0);
	o_set(&all, (struct set_head){.name = "m",
				      .flags = NFT_SET_MAP,
				      .key_type = IFNAME,
				      .key_len = 16,
				      .verdicts = true});
	elem(&list, "lo\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 0, with_verdict(NFT_JUMP, "c"));
	o_elems(&all, "m", list);
	e_meta(&e, NFT_META_IIFNAME);
	e_lookup(&e, "m", NFT_REG_VERDICT, false);
	o_rule(&all, NFPROTO_INET, "fwc", "input", e);
	r = read_all(all);
	map_init(&reach, arena);
	ruleset_reach(r, &reach);
	CHECK(map_get(&reach, "c:input") && map_get(&reach, "s:m") && map_get(&reach, "c:c"));
	CHECK(!map_get(&reach, "c:dead"));
	CHECK(ruleset_chain(r, "input")->base.policy_drop);
	SAME_TEXT(ruleset_chain(r, "input")->base.hook, "input");
}

/* Bytes that are no messages are refused; a message cut short is not read in part. */
static void test_bytes(void)
{
	struct ir_tables t = {0};
	struct buf all = {0};

	o_table(&all, NFPROTO_INET, "fwc", 0);
	CHECK(read_own(arena, NULL, 0) != NULL);
	CHECK(!read_tables(arena, "what is this", 12, &t));
	all.data[20] =
		200; /* the length of the first attribute, which is as long as the message is not */
	CHECK(!read_own(arena, all.data, all.len));
	all.len = 0;
	o_table(&all, NFPROTO_INET, "fwc", 0);
	for (size_t n = 1; n < all.len; n++)
		CHECK(!read_own(arena, all.data, n));
	CHECK(read_own(arena, all.data, all.len) != NULL);
	buf_free(&all);
}

/* What the kernel writes has no attribute twice, none of type 0, and none longer than what it is
 * in: a dump with one that has is not read, and has no digest. */
static void test_unsound(void)
{
	static const char *const names[] = {"twice", "of type 0", "an element that is too long",
					    "a size that is too long",
					    "an expression of another type"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf all = {0}, body = {0}, list = {0}, in = {0};
		uint16_t type = i == 2	 ? NFT_MSG_NEWSETELEM
				: i == 4 ? NFT_MSG_NEWRULE
					 : NFT_MSG_NEWSET;
		struct ir_tables t = {0};
		struct map digests;

		o_table(&all, NFPROTO_INET, "fwc", 0);
		attr_text(&body, NFTA_SET_TABLE, "fwc"); /* 1 and 2 of the other messages, too */
		attr_text(&body, NFTA_SET_NAME, "s");
		if (i == 0)
			attr_text(&body, NFTA_SET_NAME, "s");
		if (i == 1)
			attr_u32(&body, 0, 3);
		attr_u32(&in, 1, 5); /* NFTA_SET_DESC_SIZE, NFTA_SET_ELEM_KEY */
		if (i == 2 || i == 3)
			in.data[0] = 12;
		if (i == 2 || i == 4)
			attr_nest(&list, i == 2 ? NFTA_LIST_ELEM : 2, in);
		attr_nest(&body,
			  i == 2   ? NFTA_SET_ELEM_LIST_ELEMENTS
			  : i == 4 ? NFTA_RULE_EXPRESSIONS
				   : NFTA_SET_DESC,
			  i == 2 || i == 4 ? list : in);
		message(&all, type, NFPROTO_INET, body);
		if (read_tables(arena, all.data, all.len, &t))
			printf("# %s\n", names[i]);
		CHECK(!read_tables(arena, all.data, all.len, &t));
		CHECK(!dump_digests(arena, all.data, all.len, &digests));
		buf_free(&all);
	}
}

struct load { /* of one and the same script */
	const char *set; /* what the kernel has called the set without a name */
	uint32_t handle, pointer, count, packets;
	bool turned; /* the elements come the other way round */
	uint8_t key; /* of the one of them */
};

static void counted(struct buf *b, uint32_t packets)
{
	struct buf d = {0};

	attr_u64(&d, NFTA_COUNTER_BYTES, packets);
	attr_u64(&d, NFTA_COUNTER_PACKETS, packets);
	expression(b, "counter", d);
}

static struct buf dump_of(struct load l)
{
	struct set_head head = {.name = l.set,
				.flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT,
				.key_type = SERVICE,
				.key_len = 2};
	struct buf all = {0}, list = {0}, e = {0}, rule = {0};

	o_table(&all, NFPROTO_INET, "fwc", 0);
	o_chain(&all, NFPROTO_INET, "fwc", "c", -1, NULL, 0, 0);
	attr_u64(&head.more, NFTA_SET_HANDLE, l.handle);
	attr_u32(&head.more, 19, l.pointer); /* which back end, and how many: of Linux 6.18 */
	attr_u32(&head.more, 20, l.count);
	o_set(&all, head);
	for (int i = 0; i < 2; i++)
		ELEM(&list, 0, 0, i == l.turned ? l.key : 99);
	o_elems(&all, l.set, list);
	attr_text(&rule, NFTA_RULE_TABLE, "fwc");
	attr_text(&rule, NFTA_RULE_CHAIN, "c");
	attr_u64(&rule, NFTA_RULE_HANDLE, l.handle + 1);
	e_payload(&e, TRANSPORT, 2, 2);
	e_lookup(&e, l.set, -1, false);
	counted(&e, l.packets);
	attr_nest(&rule, NFTA_RULE_EXPRESSIONS, e);
	message(&all, NFT_MSG_NEWRULE, NFPROTO_INET, rule);
	return all;
}

static bool same_digest(struct load x, struct load y)
{
	struct buf one = dump_of(x), two = dump_of(y);
	struct map a, b;
	const uint8_t *of_one, *of_two;
	bool same;

	CHECK(dump_digests(arena, one.data, one.len, &a));
	CHECK(dump_digests(arena, two.data, two.len, &b));
	of_one = map_get(&a, "c:c");
	of_two = map_get(&b, "c:c");
	same = of_one && of_two && !memcmp(of_one, of_two, SHA256_BYTES);
	buf_free(&one);
	buf_free(&two);
	return same;
}

/* What is another with each load of one script is in no digest; what the rules are is in it. */
static void test_digests(void)
{
	const struct load x = {.set = "__set0", .handle = 4, .pointer = 7, .count = 2, .key = 22};
	struct load y = x;

	CHECK(same_digest(x, y));
	y.set = "__set1";
	CHECK(same_digest(x, y));
	y.handle = 9;
	CHECK(same_digest(x, y));
	y.pointer = y.count = 5;
	CHECK(same_digest(x, y));
	y.turned = true;
	CHECK(same_digest(x, y));
	y.packets = 100;
	CHECK(same_digest(x, y));
	y.key = 23;
	CHECK(!same_digest(x, y));
}

/* Every message says of which table it is, and of which object; without, it would be passed over.
 */
static void test_nameless(void)
{
	static const uint16_t types[] = {NFT_MSG_NEWCHAIN, NFT_MSG_NEWSET, NFT_MSG_NEWSETELEM,
					 NFT_MSG_NEWRULE};
	static const uint16_t names[] = {NFTA_CHAIN_NAME, NFTA_SET_NAME, NFTA_SET_ELEM_LIST_SET,
					 NFTA_RULE_CHAIN};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (int without = 0; without < 3; without++) {
			struct buf all = {0}, body = {0};
			struct ir_tables t = {0};
			struct map digests;

			o_table(&all, NFPROTO_INET, "fwc", 0);
			if (without != 1)
				attr_text(&body, 1, "fwc");
			if (without != 2)
				attr_text(&body, names[i], "s");
			message(&all, types[i], NFPROTO_INET, body);
			CHECK(read_tables(arena, all.data, all.len, &t) == !without);
			if (without)
				CHECK(!dump_digests(arena, all.data, all.len, &digests));
			buf_free(&all);
		}
	}
}

static const char script[] = "table inet fwc {\n\tchain c.1 {\n\t\taccept\n\t}\n\n}\n";

static struct manifest *reread(json_t *j, const char *text, const struct buf *index,
			       const char **why)
{
	struct buf b = {.data = (char *)text, .len = strlen(text)};

	*why = "";
	return manifest_read(arena, j, &b, index, why);
}

/* As fwc 0.1 wrote it. */
static void test_first_format(void)
{
	static const char text[] =
		"{\"format\": 1, \"fwc\": \"0.1.0\", \"forwarding\": 0, \"objects\": [{\"kind\": "
		"\"chain\", \"name\": \"c.1\", \"stem\": \"c\", \"offset\": 17, \"length\": 25, "
		"\"rules\": [{\"at\": \"p:3\", \"text\": \"allow a -> b\"}]}]}";
	json_t *j = json_loads(text, 0, NULL);
	const struct buf none = {0};
	char hex[SHA256_HEX];
	struct manifest *m;
	const char *why;

	sha256_hex(script, sizeof(script) - 1, hex);
	json_object_set_new(
		j, "script",
		json_pack("{s:i, s:s}", "size", (int)sizeof(script) - 1, "sha256", hex));
	m = reread(j, script, &none, &why);
	CHECK(m != NULL);
	if (m) {
		SAME_NUMBER(m->forwarding, 0);
		SAME_TEXT(manifest_find_whole(m, true, "c.1")->rules.v[0].at, "p:3");
	}
	json_object_set_new(json_array_get(json_object_get(j, "objects"), 0), "length",
			    json_integer(24));
	CHECK(!reread(j, script, &none, &why) && *why);
	json_decref(j);
}

static void test_manifest(void)
{
	struct ir_ruleset *r = ruleset_new(arena);
	struct ir_chain c = {.name = "c.1", .stem = "c", .text_off = 17, .text_len = 25};
	struct ir_rule accept = {.comment = "allow a -> b"};
	struct buf text = {0};
	struct buf index = {0};
	struct manifest *m;
	const char *why;
	json_t *j;

	vec_push(arena, &c.rules, accept);
	ruleset_add_chain(r, &c);
	buf_puts(&text, script);
	j = manifest_json(manifest_build(arena, &(struct manifest_input){.version = "1",
									 .policy = "p",
									 .cwd = "/",
									 .ruleset = r,
									 .script = &text}),
			  &index);
	m = reread(j, script, &index, &why);
	CHECK(m != NULL);
	if (m) {
		SAME_TEXT(manifest_find_whole(m, true, "c.1")->rules.v[0].text, "allow a -> b");
		CHECK(!m->objects.v[0]->rules.v[0].needs);
		SAME_NUMBER(m->forwarding, -1);
	}
	CHECK(!reread(j, "table inet fwc {\n}\n", &index, &why) && *why);
	index.len--;
	CHECK(!reread(j, script, &index, &why) && strstr(why, "cut short or edited"));
	index.len++;
	index.data[index.len - 2] ^= 1;
	CHECK(!reread(j, script, &index, &why) && strstr(why, "cut short or edited"));
	index.data[index.len - 2] ^= 1;
	json_object_set_new(j, "forwarding", json_integer(1));
	CHECK(!reread(j, script, &index, &why) && strstr(why, "edited or damaged"));
	json_object_set_new(j, "seal", json_integer(1));
	CHECK(!reread(j, script, &index, &why) && strstr(why, "edited or damaged"));
	json_object_del(j, "seal");
	m = reread(j, script, &index, &why);
	CHECK(m && m->forwarding == 1);
	json_object_set_new(j, "format", json_integer(99));
	CHECK(!reread(j, script, &index, &why) && strstr(why, "newer"));
	json_decref(j);
	buf_free(&text);
	buf_free(&index);
}

int main(void)
{
	arena = arena_new();
	test_matches();
	test_interfaces();
	test_context();
	test_statements();
	test_nat();
	test_marks();
	test_unknown();
	test_shifts();
	test_made_marks();
	test_twice();
	test_xt_untracked();
	test_every_expression();
	test_every_flag();
	test_xt_unknown();
	test_nothing_there();
	test_implied();
	test_map();
	test_fields();
	test_no_target();
	test_intervals();
	test_byte_order();
	test_lookups();
	test_lookups_by_content();
	test_lookup_of_any_length();
	test_dynamic();
	test_notes();
	test_filling();
	test_strange_sets();
	test_table_flags();
	test_compare();
	test_reach();
	test_bytes();
	test_unsound();
	test_digests();
	test_nameless();
	test_manifest();
	test_first_format();
	arena_free(arena);
	return test_end();
}
