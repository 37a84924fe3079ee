/* SPDX-License-Identifier: GPL-2.0-or-later
 * A rule's expressions, one after the other: loads fill registers, other expressions read them and
 * become statements.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/compare.h"
#include "nft/read_machine.h"

#define TCP 6

int machine_word(uint64_t number)
{
	if (number >= NFT_REG_1 && number <= NFT_REG_4)
		return (int)(number - NFT_REG_1) * 4;
	if (number >= NFT_REG32_00 && number < NFT_REG32_00 + REGISTERS)
		return (int)(number - NFT_REG32_00);
	return -1;
}

const struct slice *machine_slice(const struct machine *m, int word, uint32_t bytes)
{
	const struct slice *s = word < 0 ? NULL : m->word[word].slice;

	if (!s || m->word[word].at || bytes > s->bytes)
		return NULL;
	for (uint32_t i = 0; i * 4 < bytes; i++)
		if (word + (int)i >= REGISTERS || m->word[word + i].slice != s ||
		    m->word[word + i].at != i)
			return NULL;
	return s;
}

const char *machine_text(struct machine *m, int word)
{
	const struct word *w = word >= 0 && word < REGISTERS ? &m->word[word] : NULL;

	if (!w || !w->slice)
		return arena_printf(m->a, "value %u of %s", ++m->nameless, m->place);
	return w->at ? arena_printf(m->a, "%s+%u", w->slice->text, 4 * w->at) : w->slice->text;
}

/* Of what counts, or throws dice, one that no other rule has. */
static const char *own_name(struct machine *m, const struct raw_expr *e, const char *text)
{
	return read_has_state(e) ? arena_printf(m->a, "%s of %s", text, m->place) : text;
}

static const char *odd_text(struct machine *m, const struct raw_expr *e)
{
	return own_name(m, e, read_odd(m->a, e->name, e->bytes));
}

struct ir_stmt *machine_stmt(struct machine *m, enum ir_stmt_kind kind)
{
	struct ir_stmt *s = vec_add(m->a, &m->out->stmts);

	*s = (struct ir_stmt){.kind = kind};
	m->from = NULL;
	return s;
}

struct ir_stmt *machine_match(struct machine *m, enum field f, u128 mask, enum ir_op op)
{
	struct ir_stmt *s = machine_stmt(m, IR_MATCH);

	s->match.sel = (struct ir_sel){.n = 1, .f = {f}, .mask = {mask}};
	s->match.op = op;
	return s;
}

void machine_value(struct machine *m, struct ir_stmt *s, struct ival v)
{
	vec_push(m->a, &s->match.values, ((struct ir_elem){.key = {v}}));
}

void machine_match_one(struct machine *m, enum field f, u128 mask, enum ir_op op, struct ival v)
{
	machine_value(m, machine_match(m, f, mask, op), v);
}

void machine_unknown(struct machine *m, enum ir_unknown_kind kind, const struct raw_expr *e)
{
	struct ir_stmt *s = machine_stmt(m, IR_UNKNOWN);

	s->unknown.kind = kind;
	s->unknown.text = odd_text(m, e);
}

/* ---- alternatives ---- */

#define ALTERNATIVES 3

void machine_either_begin(struct machine *m)
{
	m->outer = m->out;
	m->either = arena_alloc(m->a, ALTERNATIVES * sizeof(*m->either));
	memset(m->either, 0, ALTERNATIVES * sizeof(*m->either));
	m->neither = 1;
	m->out = m->either;
}

void machine_either_or(struct machine *m)
{
	m->out = &m->either[m->neither++];
}

void machine_either_end(struct machine *m, const char *text)
{
	struct ir_stmt *s;

	m->out = m->outer;
	s = machine_stmt(m, IR_UNKNOWN);
	s->unknown.kind = UNKNOWN_MATCH;
	s->unknown.text = text;
	s->unknown.either = m->either;
	s->unknown.neither = m->neither;
}

void machine_either_drop(struct machine *m)
{
	m->out = m->outer;
}

/* ---- loads ---- */

void machine_put(struct machine *m, uint64_t number, struct slice s)
{
	struct slice *kept = arena_new_of(m->a, struct slice);
	int word = machine_word(number);

	*kept = s;
	if (!kept->of) {
		kept->of = kept;
		machine_await(m, kept);
	}
	m->astray |= word < 0;
	for (uint32_t i = 0; word >= 0 && i * 4 < (s.bytes ? s.bytes : 1); i++)
		if (word + (int)i < REGISTERS)
			m->word[word + i] = (struct word){kept, i};
}

/* As wide as the widest value is: what was in the registers is gone. */
void machine_put_elsewhere(struct machine *m, uint64_t number, const struct raw_expr *e,
			   enum slice_lack lack)
{
	machine_put(m, number,
		    (struct slice){.from = FROM_ELSEWHERE,
				   .lack = lack,
				   .bytes = SLICE_BYTES,
				   .text = read_name(m, e)});
}

/* The same made of what lies in another register. */
static void put_changed(struct machine *m, uint64_t number, const struct raw_expr *e, uint64_t from)
{
	const char *of = machine_text(m, machine_word(from));
	const struct mark_made *mark = read_mark_changed(m, e);

	machine_say_awaited(m);
	machine_put(m, number,
		    (struct slice){.from = FROM_ELSEWHERE,
				   .bytes = SLICE_BYTES,
				   .mark = mark,
				   .text = arena_printf(m->a, "%s %s", of, odd_text(m, e))});
}

static const struct {
	uint8_t key;
	enum field field;
	bool host;
} metas[] = {
	{NFT_META_NFPROTO, F_NFPROTO, false},  {NFT_META_L4PROTO, F_L4PROTO, false},
	{NFT_META_IIFNAME, F_IIFNAME, false},  {NFT_META_OIFNAME, F_OIFNAME, false},
	{NFT_META_IIF, F_IIF, true},	       {NFT_META_OIF, F_OIF, true},
	{NFT_META_MARK, F_MARK, true},	       {NFT_META_SKUID, F_SKUID, true},
	{NFT_META_TIME_HOUR, F_HOUR, true},    {NFT_META_TIME_DAY, F_DAY, false},
	{NFT_META_LEN, F_LENGTH, true},	       {NFT_META_SKGID, F_SKGID, true},
	{NFT_META_IIFTYPE, F_IIFTYPE, true},   {NFT_META_OIFTYPE, F_OIFTYPE, true},
	{NFT_META_IIFGROUP, F_IIFGROUP, true}, {NFT_META_OIFGROUP, F_OIFGROUP, true},
	{NFT_META_SECPATH, F_SECPATH, false},  {NFT_META_TIME_NS, F_TIME, true},
	{NFT_META_PKTTYPE, F_PKTTYPE, false},
};

struct slice machine_field(enum field f, bool host)
{
	return (struct slice){.from = FROM_FIELD,
			      .field = f,
			      .host = host,
			      .bytes = (field_table[f].bits + 7u) / 8,
			      .text = field_table[f].nft};
}

static const char *meta_name(struct arena *a, uint64_t key)
{
	static const char *const names[] = {
		"length",   "protocol",	 "priority", "mark",	"iif",	   "oif",     "iifname",
		"oifname",  "iiftype",	 "oiftype",  "skuid",	"skgid",   "nftrace", "rtclassid",
		"secmark",  "nfproto",	 "l4proto",  "ibrname", "obrname", "pkttype", "cpu",
		"iifgroup", "oifgroup",	 "cgroup",   "random",	"ipsec",   "iifkind", "oifkind",
		"ibrpvid",  "ibrvproto", "time",     "day",	"hour",	   "sdif",    "sdifname"};

	return key < sizeof(names) / sizeof(names[0]) ? names[key]
						      : arena_printf(a, "%u", (unsigned)key);
}

/* The class of a route, the group of a socket, the kind of an interface, the bridge that it is a
 * port of; keys of kernels to come. */
static bool meta_may_lack(uint64_t key)
{
	switch (key) {
	case NFT_META_RTCLASSID:
	case NFT_META_CGROUP:
	case NFT_META_BRI_IIFNAME:
	case NFT_META_BRI_OIFNAME:
	case NFT_META_IIFKIND:
	case NFT_META_OIFKIND:
	case NFT_META_BRI_IIFPVID:
	case NFT_META_BRI_IIFVPROTO:
		return true;
	}
	return key > NFT_META_SDIFNAME;
}

static bool load_meta(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	uint64_t key = tlv_number(v[NFTA_META_KEY]);

	if (!e->attrs.whole || v[NFTA_META_SREG].p || !v[NFTA_META_DREG].p)
		return false;
	for (size_t i = 0; i < sizeof(metas) / sizeof(metas[0]); i++) {
		if (metas[i].key == key) {
			machine_put(m, tlv_number(v[NFTA_META_DREG]),
				    machine_field(metas[i].field, metas[i].host));
			return true;
		}
	}
	machine_put(
		m, tlv_number(v[NFTA_META_DREG]),
		(struct slice){.from = key == NFT_META_PROTOCOL ? FROM_ETHERTYPE : FROM_ELSEWHERE,
			       .lack = meta_may_lack(key) ? LACKS_ITSELF : LACKS_NEVER,
			       .bytes = SLICE_BYTES,
			       .text = own_name(
				       m, e, arena_printf(m->a, "meta %s", meta_name(m->a, key)))});
	return true;
}

static bool load_payload(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	struct slice s = {.from = FROM_PAYLOAD};

	if (v[NFTA_PAYLOAD_SREG].p || !v[NFTA_PAYLOAD_DREG].p)
		return false;
	s.base = (uint8_t)tlv_number(v[NFTA_PAYLOAD_BASE]);
	s.offset = (uint32_t)tlv_number(v[NFTA_PAYLOAD_OFFSET]);
	s.bytes = (uint32_t)tlv_number(v[NFTA_PAYLOAD_LEN]);
	s.text = read_payload_name(m->a, s.base, s.offset);
	if (!e->attrs.whole || s.bytes > 4 * REGISTERS ||
	    tlv_number(v[NFTA_PAYLOAD_BASE]) > UINT8_MAX)
		machine_put_elsewhere(m, tlv_number(v[NFTA_PAYLOAD_DREG]), e, LACKS_ITSELF);
	else
		machine_put(m, tlv_number(v[NFTA_PAYLOAD_DREG]), s);
	return true;
}

#define FIB_FIELDS 6

static bool load_fib(struct machine *m, const struct raw_expr *e)
{
	static const struct {
		uint32_t result, flags;
		enum field field;
	} fields[FIB_FIELDS] = {
		{NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_SADDR, F_FIB_SADDR_TYPE},
		{NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR, F_FIB_DADDR_TYPE},
		{NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF, F_FIB_DADDR_IIF_TYPE},
		{NFT_FIB_RESULT_OIF,
		 NFTA_FIB_F_SADDR | NFTA_FIB_F_MARK | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT,
		 F_FIB_BACK},
		{NFT_FIB_RESULT_OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_MARK | NFTA_FIB_F_PRESENT,
		 F_FIB_BACK_ANY},
		{NFT_FIB_RESULT_OIFNAME, NFTA_FIB_F_DADDR, F_FIB_OIFNAME}};
	const struct tlv *v = e->attrs.v;

	for (int i = 0; e->attrs.whole && i < FIB_FIELDS; i++) {
		if (fields[i].result == tlv_number(v[NFTA_FIB_RESULT]) &&
		    fields[i].flags == tlv_number(v[NFTA_FIB_FLAGS])) {
			machine_put(
				m, tlv_number(v[NFTA_FIB_DREG]),
				machine_field(fields[i].field, fields[i].field != F_FIB_OIFNAME));
			return true;
		}
	}
	machine_put_elsewhere(m, tlv_number(v[NFTA_FIB_DREG]), e, LACKS_NEVER);
	return true;
}

/* Both end the rule where there is none; what says whether there is one does not. */
static bool load_what_may_lack(struct machine *m, const struct raw_expr *e)
{
	bool header = !strcmp(e->name, "exthdr");
	const struct tlv *v = e->attrs.v;
	uint64_t to = tlv_number(v[header ? NFTA_EXTHDR_DREG : NFTA_SOCKET_DREG]);
	bool exists = header && tlv_number(v[NFTA_EXTHDR_FLAGS]) == NFT_EXTHDR_F_PRESENT;

	if (!e->attrs.whole || !to || (header && v[NFTA_EXTHDR_SREG].p))
		return false;
	machine_put(m, to,
		    (struct slice){.from = FROM_ELSEWHERE,
				   .lack = exists ? LACKS_NEVER : LACKS_ITSELF,
				   .boolean = exists,
				   .bytes = SLICE_BYTES,
				   .text = read_name(m, e)});
	if (!exists) /* a name that begins with the header's: what has it is a packet with another
		      */
		machine_say_awaited(m);
	return true;
}

static bool load_socket(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	uint64_t level = tlv_number(v[NFTA_SOCKET_LEVEL]);

	if (!e->attrs.whole || tlv_number(v[NFTA_SOCKET_KEY]) != NFT_SOCKET_CGROUPV2 || !level ||
	    level > F_CGROUP8 - F_CGROUP1 + 1 || !v[NFTA_SOCKET_DREG].p)
		return load_what_may_lack(m, e);
	machine_put(m, tlv_number(v[NFTA_SOCKET_DREG]),
		    machine_field((enum field)(F_CGROUP1 + level - 1), true));
	return true;
}

static bool load_rt(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;

	if (e->attrs.whole && tlv_number(v[NFTA_RT_KEY]) == NFT_RT_XFRM)
		machine_put(m, tlv_number(v[NFTA_RT_DREG]), machine_field(F_RT_IPSEC, false));
	else if (!e->attrs.whole || tlv_number(v[NFTA_RT_KEY]) != NFT_RT_TCPMSS)
		machine_put_elsewhere(m, tlv_number(v[NFTA_RT_DREG]), e, LACKS_ITSELF);
	else
		machine_put(
			m, tlv_number(v[NFTA_RT_DREG]),
			(struct slice){
				.from = FROM_PATH_MTU, .bytes = 2, .host = true, .text = "rt mtu"});
	return true;
}

static const char *numbered(struct machine *m, const char *name, struct tlv modulus,
			    struct tlv offset)
{
	return arena_printf(m->a, "%s mod %u offset %u", name, (unsigned)tlv_number(modulus),
			    (unsigned)tlv_number(offset));
}

/* Of which is known how many numbers there are. */
static void load_random(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;

	machine_put(m, tlv_number(v[NFTA_NG_DREG]),
		    (struct slice){.from = FROM_ELSEWHERE,
				   .bytes = 4,
				   .modulus = (uint32_t)tlv_number(v[NFTA_NG_MODULUS]),
				   .offset = (uint32_t)tlv_number(v[NFTA_NG_OFFSET]),
				   .text = read_name(m, e)});
}

static bool load_numgen(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;

	if (e->attrs.whole && tlv_number(v[NFTA_NG_TYPE]) == NFT_NG_RANDOM)
		load_random(m, e);
	else if (!e->attrs.whole || tlv_number(v[NFTA_NG_TYPE]) != NFT_NG_INCREMENTAL)
		machine_put_elsewhere(m, tlv_number(v[NFTA_NG_DREG]), e, LACKS_NEVER);
	else
		machine_put(m, tlv_number(v[NFTA_NG_DREG]),
			    (struct slice){
				    .from = FROM_NUMGEN,
				    .bytes = 4,
				    .host = true,
				    .modulus = (uint32_t)tlv_number(v[NFTA_NG_MODULUS]),
				    .offset = (uint32_t)tlv_number(v[NFTA_NG_OFFSET]),
				    .text = own_name(m, e,
						     numbered(m, "numgen inc", v[NFTA_NG_MODULUS],
							      v[NFTA_NG_OFFSET]))});
	return true;
}

/* Whose source address lies there, and nothing else. */
static enum family source_at(const struct machine *m, struct tlv number, uint64_t bytes)
{
	const struct slice *s = machine_slice(m, machine_word(tlv_number(number)), (uint32_t)bytes);

	if (!s || s->from != FROM_PAYLOAD || s->masked || s->bytes != bytes ||
	    s->base != NFT_PAYLOAD_NETWORK_HEADER)
		return FAM_NONE;
	return bytes == 4 && s->offset == 12   ? FAM_IP4
	       : bytes == 16 && s->offset == 8 ? FAM_IP6
					       : FAM_NONE;
}

static bool load_jhash(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	enum family of = source_at(m, v[NFTA_HASH_SREG], tlv_number(v[NFTA_HASH_LEN]));

	if (!e->attrs.whole || tlv_number(v[NFTA_HASH_TYPE]) != NFT_HASH_JENKINS || !of ||
	    !v[NFTA_HASH_SEED].p || tlv_number(v[NFTA_HASH_SEED]) != IR_HASH_SEED)
		return false;
	machine_put(m, tlv_number(v[NFTA_HASH_DREG]),
		    (struct slice){.from = FROM_JHASH,
				   .bytes = 4,
				   .host = true,
				   .modulus = (uint32_t)tlv_number(v[NFTA_HASH_MODULUS]),
				   .offset = (uint32_t)tlv_number(v[NFTA_HASH_OFFSET]),
				   .by_source = of,
				   .text = numbered(
					   m, of == FAM_IP4 ? "jhash ip saddr" : "jhash ip6 saddr",
					   v[NFTA_HASH_MODULUS], v[NFTA_HASH_OFFSET])});
	return true;
}

static bool load_hash(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;

	if (load_jhash(m, e))
		return true;
	machine_say_awaited(m);
	if (!e->attrs.whole || tlv_number(v[NFTA_HASH_TYPE]) != NFT_HASH_SYM)
		machine_put_elsewhere(m, tlv_number(v[NFTA_HASH_DREG]), e, LACKS_NEVER);
	else
		machine_put(m, tlv_number(v[NFTA_HASH_DREG]),
			    (struct slice){.from = FROM_SYMHASH,
					   .bytes = 4,
					   .host = true,
					   .modulus = (uint32_t)tlv_number(v[NFTA_HASH_MODULUS]),
					   .offset = (uint32_t)tlv_number(v[NFTA_HASH_OFFSET]),
					   .text = numbered(m, "symhash", v[NFTA_HASH_MODULUS],
							    v[NFTA_HASH_OFFSET])});
	return true;
}

/* A verdict, or bytes for a register. */
static bool load_immediate(struct machine *m, const struct raw_expr *e)
{
	struct tlv data[NFTA_DATA_MAX + 1];
	const struct tlv *v = e->attrs.v;
	struct ir_verdict verdict;

	if (!e->attrs.whole || !tlv_sort(v[NFTA_IMMEDIATE_DATA], data, NFTA_DATA_MAX))
		return false;
	if (tlv_number(v[NFTA_IMMEDIATE_DREG]) == NFT_REG_VERDICT) {
		if (!read_verdict(m->a, data[NFTA_DATA_VERDICT], &verdict))
			return false;
		machine_say_awaited(m);
		machine_stmt(m, IR_VERDICT)->verdict = verdict;
		return true;
	}
	machine_put(m, tlv_number(v[NFTA_IMMEDIATE_DREG]),
		    (struct slice){.from = FROM_VALUE,
				   .bytes = (uint32_t)data[NFTA_DATA_VALUE].n,
				   .value = data[NFTA_DATA_VALUE],
				   .text = "value"});
	return true;
}

/* ---- what is done to registers ---- */

/* it >> N, of one byte that has been masked: what is left of it are the bits of a field. */
static bool shift_bits(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	struct tlv by = read_data(v[NFTA_BITWISE_DATA]);
	const struct slice *s = machine_slice(m, machine_word(tlv_number(v[NFTA_BITWISE_SREG])), 1);
	u128 n = by.n == 4 ? read_number(by.p, 4, true) : 8;
	struct slice out;

	if (!e->attrs.whole || tlv_number(v[NFTA_BITWISE_OP]) != NFT_BITWISE_RSHIFT || !s ||
	    s->from != FROM_PAYLOAD || s->bytes != 1 || !s->masked || s->flip[0] || s->shift ||
	    tlv_number(v[NFTA_BITWISE_LEN]) != 1 || n >= 8)
		return false;
	out = *s;
	out.shift = (uint8_t)n;
	out.text = arena_printf(m->a, "%s >> %u", s->text, (unsigned)n);
	machine_put(m, tlv_number(v[NFTA_BITWISE_DREG]), out);
	return true;
}

/* (it & mask) ^ flip; twice is once with other masks, but nobody does it. */
static bool change_bits(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	struct tlv mask = read_data(v[NFTA_BITWISE_MASK]);
	struct tlv flip = read_data(v[NFTA_BITWISE_XOR]);
	uint64_t bytes = tlv_number(v[NFTA_BITWISE_LEN]);
	const struct slice *s =
		machine_slice(m, machine_word(tlv_number(v[NFTA_BITWISE_SREG])), (uint32_t)bytes);
	struct slice out;

	if (shift_bits(m, e))
		return true;
	if (!e->attrs.whole || tlv_number(v[NFTA_BITWISE_OP]) != NFT_BITWISE_BOOL || !s ||
	    s->masked || s->from == FROM_ELSEWHERE ||
	    (s->from == FROM_FIELD && s->field == F_TIME) || bytes > SLICE_BYTES ||
	    bytes != s->bytes || mask.n != bytes || flip.n != bytes) {
		put_changed(m, tlv_number(v[NFTA_BITWISE_DREG]), e,
			    tlv_number(v[NFTA_BITWISE_SREG]));
		return true;
	}
	out = *s;
	out.masked = true;
	memcpy(out.mask, mask.p, mask.n);
	memcpy(out.flip, flip.p, flip.n);
	out.text = read_masked_name(m->a, s->text, mask, flip);
	machine_put(m, tlv_number(v[NFTA_BITWISE_DREG]), out);
	return true;
}

static void turn(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		uint8_t x = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = x;
	}
}

/* From this machine's order to that of the network; the other way nobody needs. */
static bool change_order(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	uint64_t bytes = tlv_number(v[NFTA_BYTEORDER_LEN]);
	const struct slice *s =
		machine_slice(m, machine_word(tlv_number(v[NFTA_BYTEORDER_SREG])), (uint32_t)bytes);
	struct slice out;

	/* numbers shorter than what is turned the kernel leaves alone: nft asks for it of one byte
	 */
	if (e->attrs.whole && bytes < tlv_number(v[NFTA_BYTEORDER_SIZE]) &&
	    tlv_same(v[NFTA_BYTEORDER_SREG], v[NFTA_BYTEORDER_DREG]))
		return true;
	if (!e->attrs.whole || tlv_number(v[NFTA_BYTEORDER_OP]) != NFT_BYTEORDER_HTON || !s ||
	    !s->host || bytes != s->bytes || tlv_number(v[NFTA_BYTEORDER_SIZE]) != bytes) {
		put_changed(m, tlv_number(v[NFTA_BYTEORDER_DREG]), e,
			    tlv_number(v[NFTA_BYTEORDER_SREG]));
		return true;
	}
	out = *s;
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
		turn(out.mask, s->bytes);
		turn(out.flip, s->bytes);
	}
	out.host = false;
	out.text = arena_printf(m->a, "%s in network order", s->text);
	machine_put(m, tlv_number(v[NFTA_BYTEORDER_DREG]), out);
	return true;
}

static const struct {
	const char *name;
	bool (*read)(struct machine *m, const struct raw_expr *e);
} steps[] = {
	{"meta", load_meta},
	{"ct", read_ct},
	{"payload", load_payload},
	{"fib", load_fib},
	{"exthdr", load_what_may_lack},
	{"socket", load_socket},
	{"rt", load_rt},
	{"numgen", load_numgen},
	{"hash", load_hash},
	{"immediate", load_immediate},
	{"bitwise", change_bits},
	{"byteorder", change_order},
	{"cmp", read_cmp},
	{"range", read_range},
	{"lookup", read_lookup},
};

/* Registers that an expression writes which is not understood: attributes differ, so all. */
static void forget(struct machine *m)
{
	memset(m->word, 0, sizeof(m->word));
}

/* Statements that say themselves of what they read that it has to be there: keys of sets, ports of
 * translations, and the mark of the connection as some bits of it are set. */
static bool reads_itself(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	const struct slice *s;

	if (strcmp(e->name, "ct") != 0 || tlv_number(v[NFTA_CT_KEY]) != NFT_CT_MARK)
		return !strcmp(e->name, "dynset") || !strcmp(e->name, "nat");
	s = machine_slice(m, machine_word(tlv_number(v[NFTA_CT_SREG])), 4);
	if (s && s->from == FROM_FIELD && s->field == F_CT_MARK && s->masked) {
		if (read_number(s->mask, 4, true)) /* as IR_MARK says it */
			machine_said(m, s);
	}
	return false;
}

/* An option of TCP is set, of what the rule has not asked to be TCP: of others the rule ends. */
static bool sets_option(const struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;

	return !strcmp(e->name, "exthdr") &&
	       tlv_number(v[NFTA_EXTHDR_OP]) == NFT_EXTHDR_OP_TCPOPT && m->proto != TCP;
}

static void step(struct machine *m, const struct raw_expr *e)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!strcmp(steps[i].name, e->name) && steps[i].read(m, e)) {
			if (m->astray)
				machine_unknown(m, UNKNOWN_ENDS, e);
			m->astray = false;
			return;
		}
	if (!reads_itself(m, e))
		machine_say_awaited(m);
	if (read_stmt(m, e) || read_xt(m, e))
		return;
	if (sets_option(m, e)) /* IR_MSS says so itself */
		machine_match_one(m, F_L4PROTO, 0, OP_EQ, (struct ival){TCP, TCP});
	machine_unknown(m, read_unknown_kind(e), e);
	forget(m);
}

/* Tests of the family and of the protocol that the very next matches imply: the field would not
 * have been named without them. Behind anything else than matches they are not: what comes between
 * is done only to packets that have passed them. */
static void leave_out_implied(struct ir_rule *rule)
{
	size_t n = 0;

	for (size_t i = 0; i < rule->stmts.n; i++) {
		const struct ir_stmt *s = &rule->stmts.v[i];
		bool implied = false;
		unsigned value;
		enum field f;

		for (size_t k = i + 1; stmt_asks(s, &f, &value) && !implied && k < rule->stmts.n;
		     k++) {
			implied = stmt_implies(&rule->stmts.v[k], f, value);
			if (rule->stmts.v[k].kind != IR_MATCH)
				break;
		}
		if (!implied)
			rule->stmts.v[n++] = *s;
	}
	rule->stmts.n = n;
}

void read_rule(struct reader *r, const struct attrs *rule, const char *place, struct ir_rule *out)
{
	struct machine m = {.r = r, .a = r->a, .out = out, .proto = -1, .place = place};
	struct tlv list = rule->v[NFTA_RULE_EXPRESSIONS], one;
	struct raw_expr e;
	struct ir_stmt *s;
	uint16_t type;

	if (r->family == NFPROTO_IPV4)
		m.family = FAM_IP4;
	else if (r->family == NFPROTO_IPV6)
		m.family = FAM_IP6;
	while (tlv_next(&list, &type, &one)) {
		if (!read_expr(r->a, one, &e))
			e.name = "?";
		step(&m, &e);
	}
	leave_out_implied(out);
	if (list.n || !rule->whole)
		machine_unknown(&m, UNKNOWN_ENDS,
				&(struct raw_expr){.name = "?", .bytes = rule->v[0]});
	vec_each (&out->stmts, s)
		if (s->kind == IR_UNKNOWN)
			s->unknown.counts = strstr(s->unknown.text, place) != NULL;
}
