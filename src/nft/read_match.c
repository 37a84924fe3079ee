/* SPDX-License-Identifier: GPL-2.0-or-later
 * Comparisons of registers, and look-ups in sets -> matches and verdict maps. Which field bytes of
 * a header are, depends on the packet: a field is only named where the rule has asked before, or
 * its table has, for a packet that has this field there.
 */
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <string.h>

#include "nft/read_machine.h"

#define PADDED(n) (((n) + 3u) & ~3u)
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

/* Bits of headers, as one load has them: field by field. Only equality can be taken apart. False,
 * and nothing is matched, if some belong to no field. */
static bool match_payload(struct machine *m, const struct slice *s, struct tlv data, bool equal)
{
	uint32_t first = 8 * s->offset;
	size_t before = m->out->stmts.n, fields = 0;

	for (uint32_t bit = 0, end; bit < 8 * data.n; bit = end) {
		const struct place *p = place_at(m, s->base, first + bit);
		u128 mask = 0, value = 0;
		bool set, any = false;

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

/* An ethertype, as `meta protocol` has it, says the family. */
static bool match_ethertype(struct machine *m, struct tlv data, bool equal)
{
	unsigned type = data.n == 2 ? (unsigned)read_number(data.p, 2, false) : 0;

	if (type != 0x0800 && type != 0x86dd)
		return false;
	return match_equal(m, F_NFPROTO, 0xff, type == 0x0800 ? IPV4 : IPV6, equal);
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

/* Of numbers with so many bits below a field's, those in which these are 0; false: there are none.
 */
static bool above(struct ival *v, uint32_t low)
{
	v->lo = (v->lo + u128_max((int)low)) >> low;
	v->hi >>= low;
	return v->lo <= v->hi;
}

/* Of what is no part of a header: there the mask has said which field it is. */
static u128 mask_of(const struct slice *s)
{
	return s->masked && s->from != FROM_PAYLOAD ? read_number(s->mask, s->bytes, s->host) : 0;
}

static bool flips(const struct slice *s)
{
	for (uint32_t i = 0; s->masked && i < s->bytes; i++)
		if (s->flip[i])
			return true;
	return false;
}

/* lt, lte, gt, gte; `>= A` and `<= B` of the same load are a range. */
static bool match_ordered(struct machine *m, const struct slice *s, uint64_t op, struct tlv data)
{
	struct ival v = {0, u128_max((int)(8 * s->bytes))};
	bool from = op == NFT_CMP_GTE || op == NFT_CMP_GT;
	enum field f;
	uint32_t low;
	u128 x;

	if (!ordered_field(m, s, &f, &low) || data.n != s->bytes || flips(s))
		return false;
	x = read_number(data.p, data.n, false);
	if ((op == NFT_CMP_LT && !x) || (op == NFT_CMP_GT && x == v.hi))
		return false;
	if (from)
		v.lo = x + (op == NFT_CMP_GT);
	else
		v.hi = x - (op == NFT_CMP_LT);
	if ((f == F_PAYLOAD && (v.lo != 0 || v.hi != 255)) || !above(&v, low))
		return false;
	if (!from && m->from == s && m->out->stmts.v[m->out->stmts.n - 1].kind == IR_MATCH) {
		struct ival *key = m->out->stmts.v[m->out->stmts.n - 1].match.values.v[0].key;

		m->from = NULL;
		if (key->lo > v.hi) /* nothing is in it */
			return false;
		key->hi = v.hi;
		return true;
	}
	machine_match_one(m, f, mask_of(s), OP_EQ, v);
	m->from = from ? s : NULL;
	return true;
}

/* ---- the expressions ---- */

static const char *hex(struct arena *a, struct tlv data)
{
	char *s = arena_alloc(a, 2 * data.n + 1);

	for (size_t i = 0; i < data.n; i++)
		snprintf(s + 2 * i, 3, "%02x", data.p[i]);
	return s;
}

/* A match of which no more is known than that it is one. `>= A` and `<= B` of one value are one. */
static void push_unknown(struct machine *m, int word, uint32_t bytes, const char *op,
			 const char *value)
{
	const struct slice *s = machine_slice(m, word, bytes);
	struct ir_stmt *u = m->out->stmts.n ? &m->out->stmts.v[m->out->stmts.n - 1] : NULL;

	if (s && m->from == s && !strcmp(op, "<=") && u->kind == IR_UNKNOWN) {
		u->unknown.text = arena_printf(m->a, "%s <= %s", u->unknown.text, value);
		m->from = NULL;
		return;
	}
	u = machine_stmt(m, IR_UNKNOWN);
	u->unknown.kind = UNKNOWN_MATCH;
	u->unknown.text = arena_printf(m->a, "%s %s %s", machine_text(m, s ? word : -1), op, value);
	m->from = !strcmp(op, ">=") ? s : NULL;
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
	case FROM_ELSEWHERE:
		break;
	}
	return false;
}

/* Bytes of the network header where the rule has not asked for the family: of each they are another
 * field. */
static bool compare_of_each(struct machine *m, int word, const struct slice *s, uint64_t op,
			    struct tlv data)
{
	static const enum family families[] = {FAM_IP4, FAM_IP6};
	const char *text = arena_printf(m->a, "%s %s %s", machine_text(m, word), cmp_words[op],
					hex(m->a, data));
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
			push_unknown(m, word, (uint32_t)data.n, cmp_words[op], hex(m->a, data));
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
	if (!compare_known(m, s, op, data) && !(s && compare_of_each(m, word, s, op, data)))
		push_unknown(m, word, (uint32_t)data.n, cmp_words[op], hex(m->a, data));
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

	if (!e->attrs.whole || !from.n || from.n != to.n)
		return false;
	if (s && from.n == s->bytes && !flips(s) && ordered_field(m, s, &f, &low) &&
	    f != F_PAYLOAD && x.lo <= x.hi && above(&x, low))
		machine_match_one(m, f, mask_of(s), inside ? OP_EQ : OP_NE, x);
	else
		push_unknown(m, word, (uint32_t)from.n, inside ? "in" : "not in",
			     arena_printf(m->a, "%s-%s", hex(m->a, from), hex(m->a, to)));
	return true;
}

/* ---- look-ups ---- */

static bool push_part(struct ir_sel *out, struct part *parts, enum field f, u128 mask,
		      struct part as)
{
	if (out->n == IR_MAX_CONCAT || f == F_PAYLOAD)
		return false;
	out->f[out->n] = f;
	out->mask[out->n] = mask == u128_max(field_table[f].bits) ? 0 : mask;
	parts[out->n++] = as;
	return true;
}

/* A field, or some bits of one, which is all that a load has. */
static bool masked_part(struct machine *m, const struct slice *s, struct ir_sel *out,
			struct part *parts)
{
	const struct place *p = place_at(m, s->base, 8 * s->offset);
	struct part as = {.bytes = (uint8_t)s->bytes};
	uint32_t low;

	if (p && p->bit == 8 * s->offset && place_bits(p) == 8 * s->bytes && !s->shift)
		return push_part(out, parts, p->field, read_number(s->mask, s->bytes, false), as);
	p = place_of(m, s, &low);
	if (!p || low < s->shift)
		return false;
	as.low = (uint8_t)(low - s->shift);
	return push_part(out, parts, p->field, 0, as);
}

/* A load of several fields is as many parts, if each of them fills its words. */
static bool payload_parts(struct machine *m, const struct slice *s, struct ir_sel *out,
			  struct part *parts)
{
	if (s->masked)
		return masked_part(m, s, out, parts);
	for (uint32_t at = 0; at < s->bytes;) {
		const struct place *p = place_at(m, s->base, 8 * (s->offset + at));
		uint32_t bytes = p ? place_bits(p) / 8 : 0;
		bool last = at + bytes == s->bytes;

		if (!p || p->bit != 8 * (s->offset + at) || place_bits(p) % 8 ||
		    at + bytes > s->bytes || (!last && bytes % 4) ||
		    !push_part(out, parts, p->field, 0, (struct part){.bytes = (uint8_t)bytes}))
			return false;
		at += bytes;
	}
	return true;
}

bool read_sel(struct machine *m, int word, uint32_t bytes, struct ir_sel *out, struct part *parts)
{
	*out = (struct ir_sel){0};
	for (uint32_t at = 0; at < bytes;) {
		const struct slice *s = word >= 0 && word < REGISTERS ? m->word[word].slice : NULL;

		if (!s || machine_slice(m, word, s->bytes) != s || flips(s) || !s->bytes)
			return false;
		if (s->from == FROM_PAYLOAD
			    ? !payload_parts(m, s, out, parts)
			    : s->from != FROM_FIELD ||
				      !push_part(out, parts, s->field, mask_of(s),
						 (struct part){.host = s->host && s->bytes > 1,
							       .bytes = (uint8_t)s->bytes}))
			return false;
		at += at || PADDED(s->bytes) < bytes ? PADDED(s->bytes) : s->bytes;
		word += (int)(PADDED(s->bytes) / 4);
		if (at > bytes)
			return false;
	}
	return out->n > 0;
}

/* Whether a set of a name is cut as the rule cuts what it looks up. */
static bool fits(const struct raw_set *s, const struct ir_sel *sel, const struct part *parts)
{
	if (s->set->nkeys != sel->n)
		return false;
	for (int i = 0; i < sel->n; i++)
		if (field_table[s->set->keys[i]].bits != field_table[sel->f[i]].bits ||
		    s->host[i] != parts[i].host || parts[i].low ||
		    parts[i].bytes != (field_table[sel->f[i]].bits + 7) / 8)
			return false;
	return true;
}

/* Values of a field that has others below it; those that have bits there set are found by nobody.
 */
static void lift(struct ir_elems *v, size_t part, uint32_t low)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (above(&v->v[i].key[part], low))
			v->v[n++] = v->v[i];
	v->n = n;
}

static bool anonymous(struct machine *m, const struct raw_set *s, const struct ir_sel *sel,
		      const struct part *parts, struct ir_elems *out)
{
	uint8_t bytes[IR_MAX_CONCAT];
	bool host[IR_MAX_CONCAT];
	const struct ir_elem *e;

	for (int i = 0; i < sel->n; i++) {
		bytes[i] = parts[i].bytes;
		host[i] = parts[i].host;
	}
	if (strstr(s->set->type, " ?")) /* flags or statements that are not understood */
		return false;
	if (!read_elems(m->a, s, sel->n, bytes, host, out))
		return false;
	for (size_t i = 0; i < sel->n; i++)
		if (parts[i].low)
			lift(out, i, parts[i].low);
	vec_each (out, e) {
		if (e->comment && e->comment[0] == '?')
			return false;
	}
	return true;
}

/* A number for each element, one after the other or by a hash. */
static bool is_number(const struct slice *key, const struct raw_set *s)
{
	return key && (key->from == FROM_NUMGEN || key->from == FROM_JHASH) && !key->masked &&
	       !key->offset && key->modulus == s->elems.n && s->key_len == 4;
}

static bool is_dport(const struct slice *key, const struct raw_set *s)
{
	return key && key->from == FROM_PAYLOAD && !key->masked && key->bytes == 2 &&
	       key->base == NFT_PAYLOAD_TRANSPORT_HEADER && key->offset == 2 && s->key_len == 2;
}

/* numgen inc mod N map { 0 : ADDRESS, ... }: the map's values are taken by whoever reads them. */
static bool look_up_value(struct machine *m, const struct raw_expr *e, const struct raw_set *s,
			  int word)
{
	const struct slice *key = machine_slice(m, word, 4), *port = machine_slice(m, word, 2);
	int to = machine_word(tlv_number(e->attrs.v[NFTA_LOOKUP_DREG]));
	struct slice *out = arena_new_of(m->a, struct slice);

	*out = (struct slice){.from = FROM_ELSEWHERE,
			      .bytes = SLICE_BYTES,
			      .text = arena_printf(m->a, "%s map %s",
						   read_key_name(m, word, s->key_len),
						   read_content(m, s))};
	if (is_number(key, s) || is_dport(port, s))
		*out = (struct slice){.from = FROM_MAP,
				      .bytes = (uint32_t)(s->elems.n ? s->elems.v[0].data.n : 0),
				      .map = s,
				      .by_source = port->by_source,
				      .by_port = is_dport(port, s),
				      .text = "map"};
	if (to < 0)
		return false;
	for (uint32_t i = 0; i * 4 < out->bytes && to + (int)i < REGISTERS; i++)
		m->word[to + i] = (struct word){out, i};
	return true;
}

/* Of keys that no fields are, or of a set that is not understood. */
static void look_up_unknown(struct machine *m, const struct raw_set *s, int word, bool to_verdict,
			    bool inverted)
{
	const char *key = read_key_name(m, word, s->key_len);
	struct ir_stmt *out = machine_stmt(m, IR_UNKNOWN);

	out->unknown.kind = to_verdict ? UNKNOWN_ENDS : UNKNOWN_MATCH;
	out->unknown.text = arena_printf(m->a, "%s %s %s", key,
					 to_verdict ? "vmap"
					 : inverted ? "not in"
						    : "in",
					 read_content(m, s));
}

bool read_lookup(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	const char *name = read_text(m->a, v[NFTA_LOOKUP_SET]);
	struct raw_set *s = name ? map_get(&m->r->sets, name) : NULL;
	bool inverted = tlv_number(v[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV;
	bool to_verdict =
		v[NFTA_LOOKUP_DREG].p && tlv_number(v[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT;
	int word = machine_word(tlv_number(v[NFTA_LOOKUP_SREG]));
	struct ir_sel sel;
	struct ir_elems values = {0};
	struct part parts[IR_MAX_CONCAT];
	bool named;
	struct ir_stmt *out;

	if (!e->attrs.whole || !s || tlv_number(v[NFTA_LOOKUP_FLAGS]) & ~(uint64_t)1)
		return false;
	if (v[NFTA_LOOKUP_DREG].p && !to_verdict)
		return look_up_value(m, e, s, word);
	named = !(s->flags & NFT_SET_ANONYMOUS);
	if (!read_sel(m, word, s->key_len, &sel, parts) || to_verdict != s->set->is_map ||
	    (named ? !fits(s, &sel, parts) : !anonymous(m, s, &sel, parts, &values))) {
		look_up_unknown(m, s, word, to_verdict, inverted);
		return true;
	}
	out = machine_stmt(m, to_verdict ? IR_VMAP : IR_MATCH);
	if (to_verdict) {
		out->vmap.sel = sel;
		out->vmap.map = named ? s->name : NULL;
		out->vmap.elems = values;
	} else {
		out->match.sel = sel;
		out->match.op = inverted ? OP_NE : OP_EQ;
		out->match.set = named ? s->name : NULL;
		out->match.values = values;
	}
	return !(to_verdict && inverted);
}
