/* SPDX-License-Identifier: GPL-2.0-or-later
 * Expressions that do something -> statements. Each function refuses what it does not know to the
 * last attribute, so that nothing is taken for what it is not.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/read_machine.h"

#define MAXSEG 2 /* TCP option, RFC 9293 */

static bool read_counter(struct machine *m, const struct raw_expr *e)
{
	struct ir_stmt *s;

	if (!e->attrs.whole)
		return false;
	s = machine_stmt(m, IR_COUNTER);
	s->counter.packets = tlv_number(e->attrs.v[NFTA_COUNTER_PACKETS]);
	s->counter.bytes = tlv_number(e->attrs.v[NFTA_COUNTER_BYTES]);
	return true;
}

static bool limit_of(const struct raw_expr *e, struct ir_limit *out)
{
	const struct tlv *v = e->attrs.v;
	uint64_t flags = tlv_number(v[NFTA_LIMIT_FLAGS]), rate = tlv_number(v[NFTA_LIMIT_RATE]);
	uint64_t per = tlv_number(v[NFTA_LIMIT_UNIT]);

	*out = (struct ir_limit){.rate = (uint32_t)rate,
				 .per = (uint32_t)per,
				 .burst = (uint32_t)tlv_number(v[NFTA_LIMIT_BURST]),
				 .over = flags & NFT_LIMIT_F_INV};
	return e->attrs.whole && rate <= UINT32_MAX &&
	       (per == 1 || per == 60 || per == 3600 || per == 86400) &&
	       tlv_number(v[NFTA_LIMIT_TYPE]) == NFT_LIMIT_PKTS &&
	       !(flags & ~(uint64_t)NFT_LIMIT_F_INV);
}

static bool read_limit(struct machine *m, const struct raw_expr *e)
{
	struct ir_limit limit;

	if (!limit_of(e, &limit))
		return false;
	machine_stmt(m, IR_LIMIT)->limit = limit;
	return true;
}

static bool count_of(const struct raw_expr *e, struct ir_count *out)
{
	uint64_t flags = tlv_number(e->attrs.v[NFTA_CONNLIMIT_FLAGS]);

	out->n = (uint32_t)tlv_number(e->attrs.v[NFTA_CONNLIMIT_COUNT]);
	out->over = flags & NFT_CONNLIMIT_F_INV;
	return e->attrs.whole && !(flags & ~(uint64_t)NFT_CONNLIMIT_F_INV);
}

static bool read_connlimit(struct machine *m, const struct raw_expr *e)
{
	struct ir_count count;

	if (!count_of(e, &count))
		return false;
	machine_stmt(m, IR_CT_COUNT)->ct_count = count;
	return true;
}

static bool read_log(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	const char *prefix = read_text(m->a, v[NFTA_LOG_PREFIX]);
	uint64_t level = v[NFTA_LOG_LEVEL].p ? tlv_number(v[NFTA_LOG_LEVEL]) : NFT_LOGLEVEL_WARNING;
	struct ir_stmt *s;

	for (int i = 0; i < READ_ATTRS; i++)
		if (v[i].p && i != NFTA_LOG_PREFIX && i != NFTA_LOG_LEVEL && i != NFTA_LOG_GROUP)
			return false;
	if (!prefix || !*prefix || level > NFT_LOGLEVEL_DEBUG)
		return false;
	s = machine_stmt(m, IR_LOG);
	s->log_prefix = prefix;
	s->log_level = level == NFT_LOGLEVEL_WARNING ? 0 : (uint8_t)(level + 1);
	s->has_group = v[NFTA_LOG_GROUP].p;
	s->log_group = (uint16_t)tlv_number(v[NFTA_LOG_GROUP]);
	return true;
}

/* ---- reject ---- */

/* nft's words for the codes that it has words for. */
static const char *code_name(struct arena *a, const char *type, unsigned code)
{
	static const struct {
		const char *type, *word;
		unsigned code;
	} known[] = {
		{"icmp", "net-unreachable", 0},	   {"icmp", "host-unreachable", 1},
		{"icmp", "prot-unreachable", 2},   {"icmp", "port-unreachable", 3},
		{"icmp", "net-prohibited", 9},	   {"icmp", "host-prohibited", 10},
		{"icmp", "admin-prohibited", 13},  {"icmpv6", "no-route", 0},
		{"icmpv6", "admin-prohibited", 1}, {"icmpv6", "addr-unreachable", 3},
		{"icmpv6", "port-unreachable", 4}, {"icmpx", "no-route", 0},
		{"icmpx", "port-unreachable", 1},  {"icmpx", "host-unreachable", 2},
		{"icmpx", "admin-prohibited", 3},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].type, type) && known[i].code == code)
			return arena_printf(a, "%s %s", type, known[i].word);
	return arena_printf(a, "%s %u", type, code);
}

/* A code of one family's ICMP answers packets of that family; where the rule has not asked, the
 * kernel sends the other family's message with the same number. */
static bool read_reject(struct machine *m, const struct raw_expr *e)
{
	uint64_t type = tlv_number(e->attrs.v[NFTA_REJECT_TYPE]);
	unsigned code = (unsigned)tlv_number(e->attrs.v[NFTA_REJECT_ICMP_CODE]);
	struct ir_stmt *s;

	if (!e->attrs.whole || type > NFT_REJECT_ICMPX_UNREACH ||
	    (type == NFT_REJECT_ICMP_UNREACH && !m->family))
		return false;
	s = machine_stmt(m, IR_REJECT);
	if (type == NFT_REJECT_TCP_RST) {
		s->reject = REJECT_TCP_RESET;
	} else if (type == NFT_REJECT_ICMPX_UNREACH && code == NFT_REJECT_ICMPX_ADMIN_PROHIBITED) {
		s->reject = REJECT_ADMIN;
	} else {
		s->reject = REJECT_OTHER;
		s->reject_family = type == NFT_REJECT_ICMP_UNREACH ? m->family : FAM_NONE;
		s->reject_with = code_name(m->a,
					   s->reject_family == FAM_IP4	 ? "icmp"
					   : s->reject_family == FAM_IP6 ? "icmpv6"
									 : "icmpx",
					   code);
	}
	return true;
}

/* ---- marks, MSS, queue ---- */

static bool set_meta(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;

	if (!e->attrs.whole || !v[NFTA_META_SREG].p ||
	    tlv_number(v[NFTA_META_KEY]) != NFT_META_MARK)
		return false;
	return read_set_mark(m, e);
}

static bool set_label(struct machine *m, struct tlv reg)
{
	const struct slice *s = machine_slice(m, machine_word(tlv_number(reg)), 16);
	u128 bits = 0;

	if (!s || s->from != FROM_VALUE || s->masked || s->value.n != 16)
		return false;
	for (size_t i = 0; i < 16; i++)
		bits = bits << 8 | s->value.p[i];
	machine_stmt(m, IR_LABEL)->label = bits;
	return true;
}

static bool set_ct(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;

	if (e->attrs.whole && v[NFTA_CT_SREG].p && !v[NFTA_CT_DIRECTION].p &&
	    tlv_number(v[NFTA_CT_KEY]) == NFT_CT_LABELS)
		return set_label(m, v[NFTA_CT_SREG]);
	if (!e->attrs.whole || !v[NFTA_CT_SREG].p || v[NFTA_CT_DIRECTION].p ||
	    tlv_number(v[NFTA_CT_KEY]) != NFT_CT_MARK)
		return false;
	return read_set_mark(m, e);
}

static bool set_mss(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	const struct slice *s = machine_slice(m, machine_word(tlv_number(v[NFTA_EXTHDR_SREG])), 2);

	if (!e->attrs.whole || !v[NFTA_EXTHDR_SREG].p || !s || s->bytes != 2 || s->masked ||
	    tlv_number(v[NFTA_EXTHDR_OP]) != NFT_EXTHDR_OP_TCPOPT ||
	    tlv_number(v[NFTA_EXTHDR_TYPE]) != MAXSEG || tlv_number(v[NFTA_EXTHDR_OFFSET]) != 2 ||
	    tlv_number(v[NFTA_EXTHDR_LEN]) != 2 || tlv_number(v[NFTA_EXTHDR_FLAGS]))
		return false;
	if (s->from == FROM_VALUE && tlv_number(s->value))
		machine_stmt(m, IR_MSS)->mss = (uint16_t)tlv_number(s->value);
	else if (s->from == FROM_PATH_MTU && !s->host)
		machine_stmt(m, IR_MSS)->mss = 0;
	else
		return false;
	return true;
}

/* Bytes of a header: most are written back as they were read, but for a field among them. */
static bool set_payload(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	uint64_t base = tlv_number(v[NFTA_PAYLOAD_BASE]),
		 offset = tlv_number(v[NFTA_PAYLOAD_OFFSET]);
	uint64_t n = tlv_number(v[NFTA_PAYLOAD_LEN]);
	const struct slice *s;
	unsigned changes = 0;
	bool same;

	if (!e->attrs.whole || !v[NFTA_PAYLOAD_SREG].p || n > SLICE_BYTES || offset > UINT16_MAX)
		return false;
	s = machine_slice(m, machine_word(tlv_number(v[NFTA_PAYLOAD_SREG])), (uint32_t)n);
	same = s && s->from == FROM_PAYLOAD && s->base == base && s->offset == offset &&
	       s->bytes == n && s->masked && !s->shift;
	for (uint32_t i = 0; i < 8 * n; i++) {
		uint8_t bit = (uint8_t)(1u << (7 - i % 8));
		bool kept = same && s->mask[i / 8] & bit && !(s->flip[i / 8] & bit);

		if (!kept && !read_settable(m, base, 8 * offset + i, &changes))
			return false;
	}
	machine_unknown(m, changes ? UNKNOWN_SETS_FIELDS : UNKNOWN_GOES_ON, e);
	m->out->stmts.v[m->out->stmts.n - 1].unknown.changes = changes;
	return true;
}

static bool read_queue(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	uint64_t flags = tlv_number(v[NFTA_QUEUE_FLAGS]);
	const struct slice *s =
		machine_slice(m, machine_word(tlv_number(v[NFTA_QUEUE_SREG_QNUM])), 4);
	struct ir_stmt *out;

	if (!e->attrs.whole || flags & ~(uint64_t)NFT_QUEUE_FLAG_BYPASS ||
	    (v[NFTA_QUEUE_SREG_QNUM].p ? !s || s->from != FROM_SYMHASH || s->masked
				       : tlv_number(v[NFTA_QUEUE_TOTAL]) != 1))
		return false;
	out = machine_stmt(m, IR_QUEUE);
	out->queue.bypass = flags & NFT_QUEUE_FLAG_BYPASS;
	out->queue.first =
		(uint16_t)(v[NFTA_QUEUE_SREG_QNUM].p ? s->offset : tlv_number(v[NFTA_QUEUE_NUM]));
	out->queue.count = v[NFTA_QUEUE_SREG_QNUM].p ? (uint16_t)s->modulus : 1;
	return true;
}

/* ---- sets that are added to ---- */

static bool add_inner(struct ir_stmt *s, const struct raw_expr *e)
{
	if (!strcmp(e->name, "limit") && !s->add.has_limit)
		return s->add.has_limit = limit_of(e, &s->add.limit);
	if (!strcmp(e->name, "connlimit") && !s->add.has_ct_count)
		return s->add.has_ct_count = count_of(e, &s->add.ct_count);
	return false;
}

static bool inner_of(struct machine *m, const struct raw_expr *e, struct ir_stmt *s)
{
	struct tlv one = e->attrs.v[NFTA_DYNSET_EXPR], list = e->attrs.v[NFTA_DYNSET_EXPRESSIONS];
	struct raw_expr inner;
	uint16_t type;

	if (one.p && (!read_expr(m->a, one, &inner) || !add_inner(s, &inner)))
		return false;
	while (tlv_next(&list, &type, &one))
		if (!read_expr(m->a, one, &inner) || !add_inner(s, &inner))
			return false;
	return true;
}

static bool read_dynset(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	uint64_t op = tlv_number(v[NFTA_DYNSET_OP]);
	const char *name = read_text(m->a, v[NFTA_DYNSET_SET_NAME]);
	const struct raw_set *set = name ? map_get(&m->r->sets, name) : NULL;
	struct ir_stmt s = {.kind = IR_ADD};
	struct part parts[IR_MAX_CONCAT];

	if (!e->attrs.whole || !set || op > NFT_DYNSET_OP_DELETE || v[NFTA_DYNSET_SREG_DATA].p ||
	    tlv_number(v[NFTA_DYNSET_FLAGS]) & ~(uint64_t)NFT_DYNSET_F_EXPR ||
	    set->flags & NFT_SET_ANONYMOUS ||
	    !read_sel(m, machine_word(tlv_number(v[NFTA_DYNSET_SREG_KEY])), set->key_len,
		      &s.add.key, parts) ||
	    !inner_of(m, e, &s))
		return false;
	machine_say_awaited(m);
	s.add.set = set->name;
	s.add.update = op == NFT_DYNSET_OP_UPDATE;
	s.add.remove = op == NFT_DYNSET_OP_DELETE;
	s.add.timeout = tlv_number(v[NFTA_DYNSET_TIMEOUT]) / 1000;
	*machine_stmt(m, IR_ADD) = s;
	return true;
}

/* Of quotas those that hold until they are used up. */
static bool holds_until(struct machine *m, const char *name)
{
	const struct ir_set *s = ruleset_set(m->r->out, name);

	return s && s->quota;
}

/* Of objects only connection helpers and quotas. */
static bool read_objref(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	const char *name = read_text(m->a, v[NFTA_OBJREF_IMM_NAME]);
	uint64_t type = tlv_number(v[NFTA_OBJREF_IMM_TYPE]);

	if (!e->attrs.whole || !name)
		return false;
	if (type == NFT_OBJECT_QUOTA && holds_until(m, name))
		machine_stmt(m, IR_QUOTA)->quota = diag_shown(m->a, name);
	else if (type == NFT_OBJECT_CT_HELPER)
		machine_stmt(m, IR_HELPER)->helper = diag_shown(m->a, name);
	else
		return false;
	return true;
}

static bool read_flow_offload(struct machine *m, const struct raw_expr *e)
{
	const char *name = read_text(m->a, e->attrs.v[NFTA_FLOW_TABLE_NAME]);

	if (!e->attrs.whole || !name)
		return false;
	machine_stmt(m, IR_OFFLOAD)->flowtable = diag_shown(m->a, name);
	return true;
}

/* It has no attributes. */
static bool read_notrack(struct machine *m, const struct raw_expr *e)
{
	if (e->bytes.n)
		return false;
	machine_stmt(m, IR_NOTRACK);
	return true;
}

static const struct {
	const char *name;
	bool (*read)(struct machine *m, const struct raw_expr *e);
} readers[] = {
	{"counter", read_counter},
	{"limit", read_limit},
	{"connlimit", read_connlimit},
	{"log", read_log},
	{"reject", read_reject},
	{"nat", read_translation},
	{"masq", read_masquerade},
	{"redir", read_redirect},
	{"meta", set_meta},
	{"ct", set_ct},
	{"exthdr", set_mss},
	{"payload", set_payload},
	{"queue", read_queue},
	{"dynset", read_dynset},
	{"objref", read_objref},
	{"notrack", read_notrack},
	{"flow_offload", read_flow_offload},
};

bool read_stmt(struct machine *m, const struct raw_expr *e)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (!strcmp(readers[i].name, e->name))
			return readers[i].read(m, e);
	return false;
}

bool read_has_state(const struct raw_expr *e)
{
	static const char *const with[] = {"limit",  "quota",  "connlimit", "last",
					   "numgen", "dynset", "objref",    NULL};
	bool random = !strcmp(e->name, "meta") &&
		      tlv_number(e->attrs.v[NFTA_META_KEY]) == NFT_META_PRANDOM;

	for (const char *const *w = with; *w; w++)
		if (!strcmp(*w, e->name))
			return true;
	return random;
}

/* Objects by a look-up, which may find none; those that let some packets pass; and others. */
static enum ir_unknown_kind objref_kind(const struct raw_expr *e)
{
	if (e->attrs.v[NFTA_OBJREF_SET_NAME].p)
		return UNKNOWN_MATCH;
	switch (tlv_number(e->attrs.v[NFTA_OBJREF_IMM_TYPE])) {
	case NFT_OBJECT_QUOTA:
	case NFT_OBJECT_LIMIT:
	case NFT_OBJECT_CONNLIMIT:
		return UNKNOWN_MATCH;
	case NFT_OBJECT_COUNTER:
	case NFT_OBJECT_CT_HELPER:
	case NFT_OBJECT_TUNNEL:
	case NFT_OBJECT_CT_TIMEOUT:
	case NFT_OBJECT_SECMARK:
	case NFT_OBJECT_CT_EXPECT:
		return UNKNOWN_GOES_ON;
	}
	return UNKNOWN_ENDS; /* synproxy, and of kernels to come */
}

enum ir_unknown_kind read_unknown_kind(const struct raw_expr *e)
{
	static const char *const ends[] = {"queue", "fwd",    "tproxy", "synproxy",  "nat", "masq",
					   "redir", "reject", "target", "immediate", "?",   NULL};
	static const char *const goes_on[] = {"log",  "counter",      "notrack", "dup",
					      "last", "flow_offload", NULL};

	static const char *const matches[] = {
		"cmp",	     "range",  "limit", "quota",  "connlimit", "match",	 "bitwise",
		"byteorder", "numgen", "hash",	"fib",	  "rt",	       "socket", "osf",
		"xfrm",	     "tunnel", "inner", "dynset", NULL};

	for (const char *const *w = ends; *w; w++)
		if (!strcmp(*w, e->name))
			return UNKNOWN_ENDS;
	for (const char *const *w = goes_on; *w; w++)
		if (!strcmp(*w, e->name))
			return UNKNOWN_GOES_ON;
	/* loads have been taken care of: these set something */
	if (!strcmp(e->name, "meta") || !strcmp(e->name, "ct"))
		return UNKNOWN_SETS_MARKS;
	if (!strcmp(e->name, "payload"))
		return read_is_field(e) ? UNKNOWN_ENDS : UNKNOWN_GOES_ON;
	if (!strcmp(e->name, "objref"))
		return objref_kind(e);
	if (!strcmp(e->name, "lookup"))
		return e->attrs.v[NFTA_LOOKUP_DREG].p ? UNKNOWN_ENDS : UNKNOWN_MATCH;
	if (!strcmp(e->name, "exthdr"))
		return e->attrs.v[NFTA_EXTHDR_SREG].p ? UNKNOWN_GOES_ON : UNKNOWN_MATCH;
	for (const char *const *w = matches; *w; w++)
		if (!strcmp(*w, e->name))
			return UNKNOWN_MATCH;
	return UNKNOWN_ENDS; /* of a kernel to come: it may do anything */
}
