/* SPDX-License-Identifier: GPL-2.0-or-later
 * Comparisons of registers -> matches. Which field bytes of a header are, depends on the packet: a
 * field is only named where the rule has asked before, or its table has, for a packet that has this
 * field there.
 */
#include <linux/if_arp.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <string.h>

#include "nft/read_machine.h"

#define ETHERTYPE_BIT 96 /* of its header */
#define IPV4 2 /* NFPROTO_IPV4, NFPROTO_IPV6 */
#define IPV6 10

/* ---- matches ---- */

/* What later loads of the rule are known by. */
static void learn(struct machine *m, enum field f, u128 value)
{
	if (f == F_NFPROTO)
		m->family = value == IPV4 ? FAM_IP4 : value == IPV6 ? FAM_IP6 : FAM_NONE;
	else if (f == F_L4PROTO || f == F_IP_PROTOCOL)
		m->proto = (int)value;
}

static bool is_prefix(u128 mask, int bits)
{
	u128 host = u128_max(bits) & ~mask;

	return !(host & (host + 1));
}

static bool is_bits(enum field f)
{
	enum field_format format = field_table[f].format;

	return format == FMT_CT_STATE || format == FMT_CT_STATUS || format == FMT_TCP_FLAGS;
}

static bool is_text(enum field f)
{
	enum field_format format = field_table[f].format;

	return format == FMT_IP4 || format == FMT_IP6 || format == FMT_IFNAME;
}

/* f & mask is value, or is not. */
static bool match_equal(struct machine *m, enum field f, u128 mask, u128 value, bool equal)
{
	int bits = field_table[f].bits;
	u128 full = u128_max(bits);

	if (f == F_PAYLOAD)
		return false;
	if (mask == full) {
		machine_match_one(m, f, 0, equal ? OP_EQ : OP_NE, (struct ival){value, value});
		if (equal)
			learn(m, f, value);
	} else if (!equal && !value && is_bits(f)) {
		machine_match_one(m, f, 0, OP_ANYBIT, (struct ival){mask, mask});
	} else if (is_text(f) && is_prefix(mask, bits) && !(value & ~mask)) {
		machine_match_one(m, f, 0, equal ? OP_EQ : OP_NE,
				  (struct ival){value, value | (full & ~mask)});
	} else {
		machine_match_one(m, f, mask, equal ? OP_EQ : OP_NE, (struct ival){value, value});
	}
	return true;
}

/* The bit of what was loaded that the rule asks for; *value: and has to be, set or not. */
static bool asks(const struct slice *s, struct tlv data, uint32_t bit, bool *value)
{
	uint32_t byte = bit / 8, at = 7 - bit % 8;
	uint8_t flip = s->masked ? s->flip[byte] : 0;

	*value = (data.p[byte] ^ flip) >> at & 1;
	return !s->masked || s->mask[byte] >> at & 1;
}

/* ADDRESS/0, of which no bit is asked for: whatever the address is, there is one. */
static bool every_address(struct machine *m, const struct slice *s, struct tlv data)
{
	const struct place *p = place_at(m, s->base, 8 * s->offset);

	return p && p->bit == 8 * s->offset && place_bits(p) == 8 * data.n && is_text(p->field) &&
	       match_equal(m, p->field, 0, 0, true);
}

/* An ethertype, as `meta protocol` has it, says the family. */
static bool match_ethertype(struct machine *m, struct tlv data, bool equal)
{
	unsigned type = data.n == 2 ? (unsigned)read_number(data.p, 2, false) : 0;

	if (type != 0x0800 && type != 0x86dd)
		return false;
	return match_equal(m, F_NFPROTO, 0xff, type == 0x0800 ? IPV4 : IPV6, equal);
}

/* Whether the rule has asked for Ethernet, where the header says what the kernel takes the frame
 * for. */
static bool asks_ethernet(const struct ir_rule *r)
{
	const struct ir_stmt *s;

	vec_each (&r->stmts, s)
		if (s->kind == IR_MATCH && s->match.sel.f[0] == F_IIFTYPE && s->match.op == OP_EQ &&
		    s->match.values.n == 1 && s->match.values.v[0].key[0].lo == ARPHRD_ETHER &&
		    s->match.values.v[0].key[0].hi == ARPHRD_ETHER)
			return true;
	return false;
}

static bool is_ethernet(const struct machine *m)
{
	return asks_ethernet(m->out) || (m->outer && asks_ethernet(m->outer));
}

/* Bytes from `bit` of a load on that are no field, among others that are: up to the next one. What
 * is masked, or may be one of several things, is left to the whole. */
static bool match_no_field(struct machine *m, const struct slice *s, struct tlv data, uint32_t bit,
			   uint32_t *end)
{
	uint32_t first = 8 * s->offset;
	struct tlv part = {.p = data.p + bit / 8};
	struct ir_stmt *u;

	for (*end = bit; *end < 8 * data.n && !place_at(m, s->base, first + *end);)
		*end += 8;
	part.n = (*end - bit) / 8;
	if (bit % 8 || s->masked || s->shift || *end > 8 * data.n)
		return false;
	if (s->base == NFT_PAYLOAD_LL_HEADER && first + bit == ETHERTYPE_BIT && part.n == 2 &&
	    is_ethernet(m) && match_ethertype(m, part, true))
		return true;
	u = machine_stmt(m, IR_UNKNOWN);
	u->unknown.kind = UNKNOWN_MATCH;
	u->unknown.text = arena_printf(m->a, "%s == %s",
				       read_payload_name(m->a, s->base, s->offset + bit / 8),
				       tlv_hex(m->a, part));
	return true;
}

/* Bits of headers, as one load has them: field by field. Only equality can be taken apart. False,
 * and nothing is matched, if none belongs to a field, or some that are masked belong to none. */
static bool match_payload(struct machine *m, const struct slice *s, struct tlv data, bool equal)
{
	uint32_t first = 8 * s->offset;
	size_t before = m->out->stmts.n, fields = 0;

	for (uint32_t bit = 0, end; bit < 8 * data.n; bit = end) {
		const struct place *p = place_at(m, s->base, first + bit);
		u128 mask = 0, value = 0;
		bool set, any = false;

		if (!p && equal && match_no_field(m, s, data, bit, &end))
			continue;
		end = p ? p->bit + place_bits(p) - first : bit + 1;
		for (uint32_t i = p ? p->bit : first + bit; i < first + end; i++) {
			bool there = i >= first && i < first + 8 * data.n;
			bool asked = there && asks(s, data, i - first, &set);

			any |= asked;
			mask = mask << 1 | asked;
			value = value << 1 | (there && set);
		}
		/* what is masked out cannot be set: where a field has no bit that is asked for, the
		 * IR could not say so */
		if (any ? !p || !match_equal(m, p->field, mask, value, equal) : value)
			goto refused;
		fields += any;
	}
	if (!fields && equal && every_address(m, s, data))
		return true;
	if (fields && (equal || fields == 1))
		return true;
refused:
	m->out->stmts.n = before;
	return false;
}

/* The kernel fills names with NULs. iptables-nft compares the name with its NUL and no more; fewer
 * bytes without a NUL are what the name begins with. */
static bool match_name(struct machine *m, enum field f, struct tlv data, bool equal)
{
	const uint8_t *nul = memchr(data.p, 0, data.n);
	size_t n = nul ? (size_t)(nul - data.p) : data.n;
	int rest = 8 * (SLICE_BYTES - (int)n);
	u128 name = n ? read_number(data.p, n, false) : 0;

	if (data.n > SLICE_BYTES || (!n && !nul))
		return false;
	for (size_t i = n; i < data.n; i++)
		if (data.p[i]) /* no interface has such a name */
			return false;
	name = rest < 128 ? name << rest : 0;
	machine_match_one(m, f, 0, equal ? OP_EQ : OP_NE,
			  (struct ival){name, nul || !rest ? name : name | u128_max(rest)});
	return true;
}

static bool match_field(struct machine *m, const struct slice *s, struct tlv data, bool equal)
{
	u128 mask = u128_max(field_table[s->field].bits), value;

	if (field_table[s->field].format == FMT_IFNAME && !s->masked)
		return match_name(m, s->field, data, equal);
	/* `check`, as nft says since 1.1.4: the byte that the kernel stores, of a number that is 0
	 * or 1
	 */
	if ((s->field == F_FIB_BACK || s->field == F_FIB_BACK_ANY) && data.n == 1 && !s->masked &&
	    data.p[0] <= 1)
		return match_equal(m, s->field, mask, data.p[0], equal);
	if (data.n != s->bytes)
		return false;
	value = read_number(data.p, data.n, s->host);
	if (s->masked) {
		mask = read_number(s->mask, data.n, s->host);
		value ^= read_number(s->flip, data.n, s->host);
	}
	return match_equal(m, s->field, mask, value, equal);
}

/* Bits of a header that were moved to the right end: a field. */
static bool match_shifted(struct machine *m, const struct slice *s, struct tlv data, bool equal)
{
	uint32_t low;
	const struct place *p = place_of(m, s, &low);
	u128 value = read_number(data.p, data.n, false);

	return p && low == s->shift && data.n == s->bytes &&
	       value <= u128_max((int)place_bits(p)) &&
	       match_equal(m, p->field, u128_max((int)place_bits(p)), value, equal);
}

/* The one field that a slice is all of, in an order that numbers have. */
static bool ordered_field(const struct machine *m, const struct slice *s, enum field *f,
			  uint32_t *low)
{
	const struct place *p;

	*low = 0;
	if (s->host && s->bytes > 1)
		return false; /* the kernel compares bytes, not numbers */
	*f = s->field;
	if (s->from == FROM_PAYLOAD) {
		p = place_of(m, s, low);
		if (!p || *low < s->shift)
			return false;
		*low -= s->shift;
		*f = p->field;
	} else if (s->from != FROM_FIELD) {
		return false;
	}
	return true;
}

/* lt, lte, gt, gte; `>= A` and `<= B` of the same load are a range. */
static bool match_ordered(struct machine *m, const struct slice *s, uint64_t op, struct tlv data)
{
	struct ival v = {0, u128_max((int)(8 * s->bytes))};
	bool from = op == NFT_CMP_GTE || op == NFT_CMP_GT;
	enum field f;
	uint32_t low;
	u128 x;

	if (!ordered_field(m, s, &f, &low) || data.n != s->bytes || slice_flips(s))
		return false;
	x = read_number(data.p, data.n, false);
	if ((op == NFT_CMP_LT && !x) || (op == NFT_CMP_GT && x == v.hi))
		return false;
	if (from)
		v.lo = x + (op == NFT_CMP_GT);
	else
		v.hi = x - (op == NFT_CMP_LT);
	if ((f == F_PAYLOAD && ((v.lo != 0 && v.lo != 128) || v.hi != 255)) || !slice_lift(&v, low))
		return false;
	if (!from && m->from == s && m->out->stmts.v[m->out->stmts.n - 1].kind == IR_MATCH) {
		struct ival *key = m->out->stmts.v[m->out->stmts.n - 1].match.values.v[0].key;

		m->from = NULL;
		if (key->lo > v.hi) /* nothing is in it */
			return false;
		key->hi = v.hi;
		return true;
	}
	machine_match_one(m, f, slice_mask(s), OP_EQ, v);
	m->from = from ? s : NULL;
	return true;
}

/* ---- the expressions ---- */

/* Of each two words that say the opposite of each other, the one that is said. */
static const char *opposite(const char *op)
{
	static const char *const words[][2] = {
		{"!=", "=="}, {"<", ">="}, {">", "<="}, {"not in", "in"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i][0], op))
			return words[i][1];
	return NULL;
}

/* A match of which no more is known than that it is one: of what is there it holds where the
 * opposite does not. `>= A` and `<= B` of one value are one. */
static void push_unknown(struct machine *m, int word, uint32_t bytes, const char *op,
			 const char *value)
{
	const struct slice *s = machine_slice(m, word, bytes);
	struct ir_stmt *u = m->out->stmts.n ? &m->out->stmts.v[m->out->stmts.n - 1] : NULL;
	const char *said = opposite(op);

	if (s && m->from == s && !strcmp(op, "<=") && u->kind == IR_UNKNOWN) {
		u->unknown.text = arena_printf(m->a, "%s <= %s", u->unknown.text, value);
		m->from = NULL;
		return;
	}
	if (s && !said)
		machine_found(m, s);
	u = machine_stmt(m, IR_UNKNOWN);
	u->unknown.kind = UNKNOWN_MATCH;
	u->unknown.inverted = said != NULL;
	u->unknown.text = arena_printf(m->a, "%s %s %s", machine_text(m, s ? word : -1),
				       said ? said : op, value);
	m->from = !strcmp(op, ">=") ? s : NULL;
}

/* What exists or does not. */
static bool compare_boolean(struct machine *m, const struct slice *s, bool equal, struct tlv data)
{
	u128 x = read_number(data.p, data.n, true);
	struct ir_stmt *u;

	if (!s->boolean || x > 1)
		return false;
	u = machine_stmt(m, IR_UNKNOWN);
	u->unknown.kind = UNKNOWN_MATCH;
	u->unknown.inverted = equal != (x == 1);
	u->unknown.text = s->text;
	return true;
}

static const char *const cmp_words[] = {"==", "!=", "<", "<=", ">", ">="};

static bool compare_known(struct machine *m, const struct slice *s, uint64_t op, struct tlv data)
{
	if (!s || !data.n || data.n > s->bytes)
		return false;
	if (op != NFT_CMP_EQ && op != NFT_CMP_NEQ)
		return match_ordered(m, s, op, data);
	switch (s->from) {
	case FROM_PAYLOAD:
		if (s->base == NFT_PAYLOAD_LL_HEADER && 8 * s->offset == ETHERTYPE_BIT &&
		    !s->masked && is_ethernet(m) && match_ethertype(m, data, op == NFT_CMP_EQ))
			return true;
		if (s->shift)
			return match_shifted(m, s, data, op == NFT_CMP_EQ);
		return data.n <= SLICE_BYTES || !s->masked
			       ? match_payload(m, s, data, op == NFT_CMP_EQ)
			       : false;
	case FROM_FIELD:
		return match_field(m, s, data, op == NFT_CMP_EQ);
	case FROM_ETHERTYPE:
		return match_ethertype(m, data, op == NFT_CMP_EQ);
	case FROM_VALUE:
	case FROM_MAP:
	case FROM_NUMGEN:
	case FROM_SYMHASH:
	case FROM_JHASH:
	case FROM_PATH_MTU:
		break;
	case FROM_ELSEWHERE:
		return compare_boolean(m, s, op == NFT_CMP_EQ, data);
	}
	return false;
}

/* Several fields that are not all as the rule says: what is there, less where they are. */
static bool compare_none(struct machine *m, int word, const struct slice *s, uint64_t op,
			 struct tlv data)
{
	const char *text;
	enum family family = m->family;
	int proto = m->proto;
	bool known;

	if (op != NFT_CMP_NEQ || !s || s->from != FROM_PAYLOAD)
		return false;
	text = arena_printf(m->a, "%s == %s", machine_text(m, word), tlv_hex(m->a, data));
	machine_either_begin(m);
	known = compare_known(m, s, NFT_CMP_EQ, data);
	m->family = family;
	m->proto = proto;
	if (known) {
		machine_either_end(m, text);
		m->out->stmts.v[m->out->stmts.n - 1].unknown.inverted = true;
	} else {
		machine_either_drop(m);
	}
	return known;
}

/* Bytes of the network header where the rule has not asked for the family: of each they are another
 * field. */
static bool compare_of_each(struct machine *m, int word, const struct slice *s, uint64_t op,
			    struct tlv data)
{
	static const enum family families[] = {FAM_IP4, FAM_IP6};
	const char *text = arena_printf(m->a, "%s %s %s", machine_text(m, word), cmp_words[op],
					tlv_hex(m->a, data));
	bool any = false;
	int proto = m->proto;

	if (m->family || s->from != FROM_PAYLOAD || s->base != NFT_PAYLOAD_NETWORK_HEADER)
		return false;
	machine_either_begin(m);
	for (size_t i = 0; i < 2; i++) {
		bool v4 = families[i] == FAM_IP4;

		if (i)
			machine_either_or(m);
		machine_match_one(m, F_NFPROTO, 0, OP_EQ,
				  v4 ? (struct ival){IPV4, IPV4} : (struct ival){IPV6, IPV6});
		m->family = families[i];
		if (compare_known(m, s, op, data))
			any = true;
		else
			push_unknown(m, word, (uint32_t)data.n, cmp_words[op], tlv_hex(m->a, data));
		m->from = NULL;
	}
	m->family = FAM_NONE;
	m->proto = proto;
	if (any)
		machine_either_end(m, text);
	else
		machine_either_drop(m);
	return any;
}

bool read_cmp(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	struct tlv data = read_data(v[NFTA_CMP_DATA]);
	uint64_t op = tlv_number(v[NFTA_CMP_OP]);
	int word = machine_word(tlv_number(v[NFTA_CMP_SREG]));
	const struct slice *s = machine_slice(m, word, (uint32_t)data.n);

	if (!e->attrs.whole || op >= sizeof(cmp_words) / sizeof(cmp_words[0]))
		return false;
	if (compare_known(m, s, op, data))
		machine_said(m, s);
	else if (!compare_none(m, word, s, op, data) &&
		 !(s && compare_of_each(m, word, s, op, data)))
		push_unknown(m, word, (uint32_t)data.n, cmp_words[op], tlv_hex(m->a, data));
	return true;
}

bool read_range(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	struct tlv from = read_data(v[NFTA_RANGE_FROM_DATA]);
	struct tlv to = read_data(v[NFTA_RANGE_TO_DATA]);
	bool inside = tlv_number(v[NFTA_RANGE_OP]) == NFT_RANGE_EQ;
	int word = machine_word(tlv_number(v[NFTA_RANGE_SREG]));
	const struct slice *s = machine_slice(m, word, (uint32_t)from.n);
	struct ival x = {read_number(from.p, from.n, false), read_number(to.p, to.n, false)};
	enum field f;
	uint32_t low;

	if (!e->attrs.whole || !from.n || from.n != to.n ||
	    tlv_number(v[NFTA_RANGE_OP]) > NFT_RANGE_NEQ)
		return false;
	if (s && from.n == s->bytes && !slice_flips(s) && ordered_field(m, s, &f, &low) &&
	    f != F_PAYLOAD && x.lo <= x.hi && slice_lift(&x, low))
		machine_said(m, s),
			machine_match_one(m, f, slice_mask(s), inside ? OP_EQ : OP_NE, x);
	else
		push_unknown(m, word, (uint32_t)from.n, inside ? "in" : "not in",
			     arena_printf(m->a, "%s-%s", tlv_hex(m->a, from), tlv_hex(m->a, to)));
	return true;
}
