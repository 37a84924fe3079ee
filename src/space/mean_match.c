/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft's matches -> regions, as nft(8) and the kernel define them.
 */
#include "space/mean_match.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "nft/nft.h"

/* NFPROTO_IPV4, NFPROTO_IPV6: <linux/netfilter.h> and <netinet/in.h> do not go together. */
#define IPV4 2
#define IPV6 10
#define TERMS_MAX (3 * IR_MAX_CONCAT)

/* What a field of nft's is here. Fields of a header are there only if the packet has that header.
 */
static const struct {
	enum dim dim;
	enum family family; /* implied, FAM_NONE: none */
	uint8_t proto; /* implied, 0: none */
} fields[NFIELDS] = {
	[F_NFPROTO] = {DIM_FAMILY, 0, 0},
	[F_CT_L3PROTO] = {DIM_FAMILY, 0, 0},
	[F_L4PROTO] = {DIM_PROTO, 0, 0},
	[F_IIFNAME] = {DIM_IIF, 0, 0},
	[F_OIFNAME] = {DIM_OIF, 0, 0},
	[F_IIF] = {DIM_IIF, 0, 0},
	[F_OIF] = {DIM_OIF, 0, 0},
	[F_MARK] = {DIM_MARK, 0, 0},
	[F_SKUID] = {DIM_UID, 0, 0},
	[F_HOUR] = {DIM_HOUR, 0, 0},
	[F_DAY] = {DIM_DAY, 0, 0},
	[F_CT_STATE] = {DIM_CT_STATE, 0, 0},
	[F_CT_STATUS] = {DIM_CT_STATUS, 0, 0},
	[F_CT_MARK] = {DIM_CT_MARK, 0, 0},
	[F_CT_DIRECTION] = {DIM_CT_DIRECTION, 0, 0},
	[F_PAYLOAD] = {DIM_PAYLOAD, 0, 0},
	[F_IP_SADDR] = {DIM_SADDR, FAM_IP4, 0},
	[F_IP_DADDR] = {DIM_DADDR, FAM_IP4, 0},
	[F_IP6_SADDR] = {DIM_SADDR, FAM_IP6, 0},
	[F_IP6_DADDR] = {DIM_DADDR, FAM_IP6, 0},
	[F_IP6_HOPLIMIT] = {DIM_HOPLIMIT, FAM_IP6, 0},
	[F_IP_PROTOCOL] = {DIM_PROTO, FAM_IP4, 0},
	[F_TCP_SPORT] = {DIM_SPORT, 0, IPPROTO_TCP},
	[F_TCP_DPORT] = {DIM_DPORT, 0, IPPROTO_TCP},
	[F_UDP_SPORT] = {DIM_SPORT, 0, IPPROTO_UDP},
	[F_UDP_DPORT] = {DIM_DPORT, 0, IPPROTO_UDP},
	[F_SCTP_DPORT] = {DIM_DPORT, 0, IPPROTO_SCTP},
	[F_DCCP_DPORT] = {DIM_DPORT, 0, IPPROTO_DCCP},
	[F_UDPLITE_DPORT] = {DIM_DPORT, 0, IPPROTO_UDPLITE},
	[F_TH_SPORT] = {DIM_SPORT, 0, 0},
	[F_TH_DPORT] = {DIM_DPORT, 0, 0},
	[F_TCP_FLAGS] = {DIM_FLAGS, 0, IPPROTO_TCP},
	[F_ICMP_TYPE] = {DIM_TYPE, FAM_IP4, IPPROTO_ICMP},
	[F_ICMPV6_TYPE] = {DIM_TYPE, FAM_IP6, IPPROTO_ICMPV6},
	[F_ICMP_TYPE_OF_ANY] = {DIM_TYPE, FAM_NONE, IPPROTO_ICMP},
	[F_ICMPV6_TYPE_OF_ANY] = {DIM_TYPE, FAM_NONE, IPPROTO_ICMPV6},
	[F_ICMP_CODE] = {DIM_CODE, FAM_IP4, IPPROTO_ICMP},
	[F_ICMPV6_CODE] = {DIM_CODE, FAM_IP6, IPPROTO_ICMPV6},
	[F_ICMP_CODE_OF_ANY] = {DIM_CODE, FAM_NONE, IPPROTO_ICMP},
	[F_ICMPV6_CODE_OF_ANY] = {DIM_CODE, FAM_NONE, IPPROTO_ICMPV6},
	[F_IP_DSCP] = {DIM_DSCP, FAM_IP4, 0},
	[F_IP6_DSCP] = {DIM_DSCP, FAM_IP6, 0},
	[F_IP_ECN] = {DIM_ECN, FAM_IP4, 0},
	[F_IP6_ECN] = {DIM_ECN, FAM_IP6, 0},
	[F_IP_TTL] = {DIM_HOPLIMIT, FAM_IP4, 0},
	[F_LENGTH] = {DIM_LENGTH, 0, 0},
	[F_SKGID] = {DIM_GID, 0, 0},
	[F_IIFTYPE] = {DIM_IIFTYPE, 0, 0},
	[F_OIFTYPE] = {DIM_OIFTYPE, 0, 0},
	[F_IIFGROUP] = {DIM_IIFGROUP, 0, 0},
	[F_OIFGROUP] = {DIM_OIFGROUP, 0, 0},
	[F_SECPATH] = {DIM_SECPATH, 0, 0},
	[F_RT_IPSEC] = {DIM_RT_IPSEC, 0, 0},
	[F_ETHER_SADDR] = {DIM_ETHER_SADDR, 0, 0},
	[F_CT_DPORT] = {DIM_CALLED, 0, 0},
	[F_ETHER_DADDR] = {DIM_ETHER_DADDR, 0, 0},
	[F_FIB_OIFNAME] = {DIM_FIB_OIF, 0, 0},
	[F_TIME] = {DIM_TIME, 0, 0},
	[F_FIB_SADDR_TYPE] = {DIM_FIB_SADDR, 0, 0},
	[F_FIB_DADDR_TYPE] = {DIM_FIB_DADDR, 0, 0},
	[F_FIB_DADDR_IIF_TYPE] = {DIM_FIB_DADDR_IIF, 0, 0},
	[F_CT_SADDR] = {0, FAM_IP4, 0},
	[F_CT_DADDR] = {0, FAM_IP4, 0},
	[F_CT_REPLY_SADDR] = {0, FAM_IP4, 0},
	[F_CT_REPLY_DADDR] = {0, FAM_IP4, 0},
	[F_CT_SADDR6] = {0, FAM_IP6, 0},
	[F_CT_DADDR6] = {0, FAM_IP6, 0},
	[F_CT_REPLY_SADDR6] = {0, FAM_IP6, 0},
	[F_CT_REPLY_DADDR6] = {0, FAM_IP6, 0},
};

struct term { /* one dimension lies in a set */
	enum dim dim;
	int bits;
	struct ivset values;
	u128 mask;
};

struct terms { /* all of them */
	struct term v[TERMS_MAX];
	size_t n;
};

static const uint32_t ct_bits[NCTCODES] = {[CT_INVALID] = 1,
					   [CT_ESTABLISHED] = 2,
					   [CT_RELATED] = 4,
					   [CT_NEW] = 8,
					   [CT_UNTRACKED] = 64};

static bool within(struct ival v, u128 mask, u128 x)
{
	x &= mask;
	return v.lo <= x && x <= v.hi;
}

static bool is_name(enum field f)
{
	return f == F_IIFNAME || f == F_OIFNAME || f == F_FIB_OIFNAME;
}

/* Of dimensions that are codes: each code whose value of nft's is asked for. */
static void add_codes(struct mean *m, struct term *t, enum field f, struct ival v, u128 mask)
{
	bool family = f == F_NFPROTO || f == F_CT_L3PROTO;
	size_t n = family ? 2 : f == F_CT_STATE ? NCTCODES : schema_ncodes(&m->schema);

	for (size_t i = 0; i < n; i++) {
		struct ival name = m->schema.names.v[is_name(f) ? i : 0];
		bool in;

		if (family)
			in = within(v, mask, i ? IPV6 : IPV4);
		else if (f == F_CT_STATE)
			in = within(v, mask, ct_bits[i]);
		else if (f == F_IIF ||
			 f == F_OIF) /* numbers mean nothing elsewhere, but 0 is none and 1 lo */
			in = i == schema_no_interface(&m->schema) ? within(v, mask, 0)
								  : i == 2 && within(v, mask, 1);
		else
			in = i && name.lo >= v.lo && name.hi <= v.hi;
		if (in)
			vec_push(m->arena, &t->values, ((struct ival){i, i}));
	}
}

static struct term term_of(struct mean *m, enum field f, const struct ival *v, size_t n, u128 mask)
{
	enum dim d = fields[f].dim;
	struct term t = {.dim = d, .bits = dim_table[d].bits};
	bool v4 = fields[f].family == FAM_IP4;

	if (v4 && (d == DIM_SADDR || d == DIM_DADDR))
		t.bits = 32;
	t.mask = u128_max(t.bits);
	if (d == DIM_TIME) { /* every set that is asked for was added to the schema */
		struct ivset all = {.v = (struct ival *)v, .n = n};

		schema_times(&m->schema, &all, &t.values);
		return t;
	}
	vec_reserve(m->arena, &t.values, n); /* of thousands of elements most have one value */
	if (d == DIM_FAMILY || d == DIM_CT_STATE || d == DIM_IIF || d == DIM_OIF ||
	    d == DIM_FIB_OIF) {
		for (size_t i = 0; i < n; i++)
			add_codes(m, &t, f, v[i], mask ? mask : u128_max(128));
	} else if (d == DIM_PAYLOAD) { /* the reader leaves only 0-255 and 128-255 */
		vec_push(m->arena, &t.values,
			 ((struct ival){v[0].lo ? PAYLOAD_LONG : PAYLOAD_SHORT, PAYLOAD_LONG}));
	} else {
		if (mask)
			t.mask &= mask;
		for (size_t i = 0; i < n; i++) {
			struct ival x = v[i];

			if (x.lo > u128_max(t.bits))
				continue;
			if (x.hi > u128_max(t.bits))
				x.hi = u128_max(t.bits);
			vec_push(m->arena, &t.values, x);
		}
	}
	ivset_normalise(&t.values);
	return t;
}

/* There is such an interface, or such a header: where there is none, the kernel goes on to the next
 * rule. */
static void imply_link(struct mean *m, struct terms *out, enum field f)
{
	bool in = f == F_IIFTYPE || f == F_IIFGROUP, by = f == F_OIFTYPE || f == F_OIFGROUP;
	u128 none = schema_no_interface(&m->schema), last = schema_ncodes(&m->schema) - 1;
	struct term t = {.dim = DIM_LINK, .bits = 1, .mask = 1};

	if (f == F_ETHER_SADDR || f == F_ETHER_DADDR) {
		t.values = ivset_one(m->arena, 1, 1);
	} else if (in || by) {
		t.dim = in ? DIM_IIF : DIM_OIF;
		t.bits = dim_table[t.dim].bits;
		t.mask = u128_max(t.bits);
		vec_push(m->arena, &t.values, ((struct ival){0, none - 1}));
		vec_push(m->arena, &t.values, ((struct ival){none + 1, last}));
	} else {
		return;
	}
	out->v[out->n++] = t;
}

static void imply(struct mean *m, struct terms *out, enum field f)
{
	struct ival proto = {fields[f].proto, fields[f].proto};
	struct ival fam = {IPV4, IPV4};

	if (fields[f].family == FAM_IP6)
		fam = (struct ival){IPV6, IPV6};
	if (fields[f].family)
		out->v[out->n++] = term_of(m, F_NFPROTO, &fam, 1, 0);
	if (proto.lo)
		out->v[out->n++] = term_of(m, F_L4PROTO, &proto, 1, 0);
	imply_link(m, out, f);
	if (f == F_SKUID || f == F_SKGID) { /* only what this machine sends has a sender here */
		u128 none = schema_no_interface(&m->schema);
		struct term t = {.dim = DIM_IIF, .bits = dim_table[DIM_IIF].bits};

		t.mask = u128_max(t.bits);
		t.values = ivset_one(m->arena, none, none);
		out->v[out->n++] = t;
	}
	if (f == F_CT_MARK || f == F_CT_DIRECTION || f == F_CT_DPORT || f == F_CT_L3PROTO ||
	    f == F_CT_STATUS || f == F_CT_LABEL ||
	    (field_is_told(f) && f != F_PKTTYPE)) { /* of a connection that is tracked */
		struct ival v = {ct_bits[CT_ESTABLISHED], ct_bits[CT_NEW]};

		out->v[out->n++] = term_of(m, F_CT_STATE, &v, 1, 0);
	}
}

static int term_cmp(const void *a, const void *b)
{
	const struct term *x = a, *y = b;

	return (int)x->dim - (int)y->dim;
}

/* From the last dimension to the first, each on top of what is there: at the bottom a terminal. */
static dd_ref build(struct mean *m, struct terms *t, dd_ref r)
{
	qsort(t->v, t->n, sizeof(*t->v), term_cmp);
	for (size_t i = t->n; i-- > 0;) {
		const struct term *x = &t->v[i];
		bool again = i + 1 < t->n && t->v[i + 1].dim == x->dim;
		dd_ref on = schema_ranges(&m->schema, x->dim, x->bits, x->values.v, x->values.n,
					  x->mask, again ? DD_TRUE : r);

		r = again ? dd_restrict(m->dd, on, r) : on;
	}
	return r;
}

dd_ref match_elem_says(struct mean *m, const struct ir_sel *sel, const struct ir_elem *e,
		       dd_ref terminal)
{
	struct terms t = {.n = 0};

	for (size_t i = 0; i < sel->n; i++) {
		imply(m, &t, sel->f[i]);
		t.v[t.n++] = term_of(m, sel->f[i], &e->key[i], 1, sel->mask[i]);
	}
	return build(m, &t, terminal);
}

dd_ref match_elem(struct mean *m, const struct ir_sel *sel, const struct ir_elem *e)
{
	return match_elem_says(m, sel, e, DD_TRUE);
}

static dd_ref implied(struct mean *m, const struct ir_sel *sel)
{
	struct terms t = {.n = 0};

	for (size_t i = 0; i < sel->n; i++)
		imply(m, &t, sel->f[i]);
	return build(m, &t, DD_TRUE);
}

dd_ref match_tracked(struct mean *m)
{
	struct ir_sel sel = {.n = 1, .f = {F_CT_STATUS}};

	return implied(m, &sel);
}

/* All elements of one selector at once. */
static dd_ref one_field(struct mean *m, const struct ir_sel *sel, const struct ir_elems *elems)
{
	VEC(struct ival) v = {0};
	struct terms t = {.n = 0};

	vec_reserve(m->arena, &v, elems->n);
	for (size_t i = 0; i < elems->n; i++)
		vec_push(m->arena, &v, elems->v[i].key[0]);
	imply(m, &t, sel->f[0]);
	t.v[t.n++] = term_of(m, sel->f[0], v.v, v.n, sel->mask[0]);
	return build(m, &t, DD_TRUE);
}

static dd_ref any_elem(struct mean *m, const struct ir_sel *sel, const struct ir_elem *v, size_t n)
{
	dd_ref *all = arena_alloc(m->arena, (n + 1) * sizeof(*all));

	for (size_t i = 0; i < n; i++)
		all[i] = match_elem(m, sel, &v[i]);
	return dd_sequence(m->dd, all, n); /* of those who say yes, any */
}

static dd_ref is_in(struct mean *m, const struct ir_sel *sel, const struct ir_elems *elems)
{
	if (sel->n == 1)
		return one_field(m, sel, elems);
	return any_elem(m, sel, elems->v, elems->n);
}

/* Some of the bits are set; `ct state a,b` and `tcp flags syn` mean this. */
static dd_ref any_bit(struct mean *m, const struct ir_sel *sel, const struct ir_elems *elems)
{
	struct ir_elem zero = {0};
	struct ir_sel masked = *sel;
	u128 bits = 0;

	for (size_t i = 0; i < elems->n; i++)
		bits |= elems->v[i].key[0].lo;
	masked.mask[0] = sel->mask[0] ? sel->mask[0] & bits : bits;
	if (!masked.mask[0])
		return DD_FALSE;
	return dd_and(m->dd, implied(m, sel), dd_not(m->dd, match_elem(m, &masked, &zero)));
}

/* "ip saddr & MASK . udp dport & MASK" */
static const char *several_text(struct mean *m, const struct ir_sel *sel)
{
	const char *all = "";

	for (int i = 0; i < sel->n; i++)
		all = arena_printf(m->arena, "%s%s%s & 0x%llx%016llx", all, i ? " . " : "",
				   field_table[sel->f[i]].nft,
				   (unsigned long long)(sel->mask[i] >> 64),
				   (unsigned long long)sel->mask[i]);
	return all;
}

static dd_ref dynamic_held(struct mean *m, const struct ir_sel *sel, const struct ir_set *set)
{
	const char *what = field_table[sel->f[0]].nft;
	enum dim d = fields[sel->f[0]].dim;

	if (d == DIM_SADDR || d == DIM_DADDR)
		what = d == DIM_SADDR ? "source" : "destination";
	if (sel->n > 1)
		what = d == DIM_DADDR && sel->n == 2 && sel->f[1] == F_UDP_DPORT && !sel->mask[0] &&
				       !sel->mask[1]
			       ? "destination and its port"
			       : several_text(m, sel);
	return mean_held(m, set->name, what);
}

/* `iif` or `oif` of an interface that is not there, by a number: nobody can say which it will be.
 */
static bool by_index(const struct ir_sel *sel, const struct ir_elems *elems)
{
	for (int k = 0; k < sel->n; k++)
		for (size_t i = 0; (sel->f[k] == F_IIF || sel->f[k] == F_OIF) && i < elems->n; i++)
			if (elems->v[i].key[k].hi > 1)
				return true;
	return false;
}

static dd_ref index_condition(struct mean *m, const struct ir_sel *sel,
			      const struct ir_elems *elems)
{
	struct buf b = {0};
	dd_ref held;

	buf_puts(&b, "the interface has the number of");
	for (size_t i = 0; i < elems->n; i++) {
		buf_putc(&b, ' ');
		emit_key(&b, sel->f, sel->n, elems->v[i].key);
	}
	held = schema_condition(&m->schema, buf_str(&b));
	buf_free(&b);
	return held;
}

/* A field that routing tables decide about: 1 where the condition holds, else 0. */
static dd_ref route_condition(struct mean *m, const struct ir_stmt *s, const char *text)
{
	dd_ref held = schema_condition(&m->schema, text), in = DD_FALSE;
	const struct ir_elem *e;

	vec_each (&s->match.values, e) {
		if (e->key[0].lo == 0)
			in = dd_or(m->dd, in, dd_not(m->dd, held));
		if (e->key[0].lo <= 1 && e->key[0].hi >= 1)
			in = dd_or(m->dd, in, held);
	}
	return in;
}

/* Of a connection only the kernel knows who expected it. */
static dd_ref helper_condition(struct mean *m, const struct ir_elems *elems)
{
	const struct ir_elem *e;
	dd_ref any = DD_FALSE;

	vec_each (elems, e) {
		struct buf name = {0};

		ifname_print(&name, e->key[0]);
		any = dd_or(m->dd, any, mean_expected(m, buf_str(&name)));
		buf_free(&name);
	}
	return any;
}

/* Who looks for bits as nft does, for all of them, asks for those labels; others for something
 * else. */
static dd_ref label_condition(struct mean *m, const struct ir_stmt *s)
{
	const struct ir_elem *e = s->match.values.v;
	u128 mask = s->match.sel.mask[0];
	struct ir_stmt plain = *s;
	struct buf b = {0};
	dd_ref held;

	if (s->match.values.n == 1 && e->key[0].lo == mask && e->key[0].hi == mask && mask &&
	    s->match.op != OP_ANYBIT)
		return mean_labelled(m, mask);
	if (plain.match.op == OP_NE)
		plain.match.op = OP_EQ;
	emit_rule(&b, &(struct ir_rule){.stmts = {.v = &plain, .n = 1}});
	if (s->match.op == OP_ANYBIT)
		buf_puts(&b, ", any of them");
	held = schema_condition(&m->schema, buf_str(&b));
	buf_free(&b);
	return held;
}

/* One that is looked up as it is meant to be: the address, cut to what its keys have. */
bool match_fits_bulk(const struct ir_set *set, const struct ir_sel *sel)
{
	enum family fam = fields[sel->f[0]].family;
	enum dim d = fields[sel->f[0]].dim;
	int bits = fam == FAM_IP4 ? 32 : 128, prefix = set->bulk->prefix ? set->bulk->prefix : bits;
	u128 all = u128_max(bits), mask = sel->mask[0] ? sel->mask[0] & all : all;

	return sel->n == 1 && (d == DIM_SADDR || d == DIM_DADDR) &&
	       fam == set->bulk->elems->family && prefix <= bits &&
	       mask == (all & ~u128_max(bits - prefix));
}

static bool asks_cgroup(const struct ir_sel *sel)
{
	bool any = false;

	for (int i = 0; i < sel->n; i++)
		any |= field_is_cgroup(sel->f[i]);
	return any;
}

/* No packet says by whose process it was sent, or awaited. What such a number is asked for together
 * with is a part of the text. */
static dd_ref cgroup_condition(struct mean *m, const struct ir_stmt *s, const struct ir_set *set)
{
	struct ir_rule r = {0};
	struct ir_stmt plain = *s;
	struct buf b = {0};
	dd_ref held;

	if (set && m->now && set->dynamic && !set->elems.n) /* the group is not there */
		return DD_FALSE;
	if (set && s->match.sel.n == 1) {
		buf_printf(&b, "@%s holds the cgroup of level %d", set->name,
			   (int)s->match.sel.f[0] - F_CGROUP1 + 1);
	} else {
		plain.match.op = OP_EQ;
		vec_push(m->arena, &r.stmts, plain);
		buf_puts(&b, "not understood: ");
		emit_rule(&b, &r);
	}
	held = schema_condition(&m->schema, buf_str(&b));
	buf_free(&b);
	return held;
}

/* Where there is what it asks for. */
static dd_ref may_be_asked(struct mean *m, const struct ir_sel *sel)
{
	if (sel->n == 1 && sel->f[0] == F_CT_HELPER)
		return schema_condition(&m->schema, "not understood: ct helper is there");
	if (asks_cgroup(sel))
		return schema_condition(&m->schema, "not understood: socket cgroupv2 is there");
	return implied(m, sel);
}

/* Of what comes to this machine in a connection that it has, the kernel may know the socket. */
static dd_ref of_socket(struct mean *m, const struct ir_stmt *s)
{
	dd_ref own = schema_one(&m->schema, DIM_IIF, schema_no_interface(&m->schema));
	dd_ref here = schema_one(&m->schema, DIM_OIF, schema_no_interface(&m->schema));
	dd_ref known = schema_one(&m->schema, DIM_CT_STATE, CT_ESTABLISHED);
	struct ir_rule r = {0};
	struct buf b = {0};
	dd_ref held;

	vec_push(m->arena, &r.stmts, *s);
	buf_puts(&b, "the socket that it comes to has ");
	emit_rule(&b, &r);
	held = schema_condition(&m->schema, buf_str(&b));
	buf_free(&b);
	return dd_and(m->dd, dd_and(m->dd, here, known), dd_and(m->dd, held, dd_not(m->dd, own)));
}

static bool of_sender(const struct ir_sel *sel)
{
	return sel->n == 1 && (sel->f[0] == F_SKUID || sel->f[0] == F_SKGID);
}

/* Bytes where others have ports: which protocol it is the rule has not asked. */
static bool of_ports(const struct ir_sel *sel)
{
	bool ports = false, proto = false;

	for (int i = 0; i < sel->n; i++) {
		ports |= sel->f[i] == F_TH_SPORT || sel->f[i] == F_TH_DPORT;
		proto |= sel->f[i] == F_L4PROTO;
	}
	return ports && !proto;
}

dd_ref match_no_ports(struct mean *m, const struct ir_sel *sel)
{
	struct ivset with = {0};

	if (!m->now || !of_ports(sel))
		return DD_FALSE;
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		vec_push(m->arena, &with, ((struct ival){port_protocols[i], port_protocols[i]}));
	ivset_normalise(&with);
	return dd_not(m->dd, schema_ranges(&m->schema, DIM_PROTO, 8, with.v, with.n, u128_max(8),
					   DD_TRUE));
}

/* Of a packet that has others there nobody knows what they are. */
static dd_ref or_no_ports(struct mean *m, const struct ir_stmt *s, dd_ref in)
{
	dd_ref without = match_no_ports(m, &s->match.sel), held;
	struct ir_rule r = {0};
	struct buf b = {0};

	if (without == DD_FALSE)
		return in;
	vec_push(m->arena, &r.stmts, *s);
	buf_puts(&b, "not understood, of no ports: ");
	emit_rule(&b, &r);
	held = schema_condition(&m->schema, buf_str(&b));
	buf_free(&b);
	return dd_or(m->dd, dd_and(m->dd, in, dd_not(m->dd, without)),
		     dd_and(m->dd, held, without));
}

dd_ref match_stmt(struct mean *m, const struct ir_stmt *s, const struct ir_set *set)
{
	const struct ir_elems *elems = set ? &set->elems : &s->match.values;
	const struct ir_sel *sel = &s->match.sel;
	dd_ref in;

	if (asks_cgroup(sel))
		in = cgroup_condition(m, s, set);
	else if (by_index(sel, elems))
		in = index_condition(m, sel, elems);
	else if (sel->f[0] == F_FIB_BACK || sel->f[0] == F_FIB_BACK_ANY)
		in = route_condition(m, s, sel->f[0] == F_FIB_BACK ? MEAN_BACK : MEAN_BACK_ANY);
	else if (sel->n == 1 && sel->f[0] == F_CT_LABEL)
		in = dd_and(m->dd, implied(m, sel), label_condition(m, s));
	else if (sel->n == 1 && sel->f[0] == F_CT_HELPER)
		in = helper_condition(m, elems);
	else if (sel->n == 1 && field_is_told(sel->f[0]))
		in = dd_and(m->dd, implied(m, sel), match_told(m, s, set));
	else if (set && ir_set_is_bulk(set) && (!set->dynamic || m->now))
		in = schema_bulk(&m->schema, fields[sel->f[0]].dim, set->bulk->elems, m->within);
	else if (set && set->dynamic && (!m->now || bulk_is_name(set->name)))
		in = dd_and(m->dd, implied(m, sel), dynamic_held(m, sel, set));
	else if (s->match.op == OP_ANYBIT)
		return any_bit(m, sel, elems);
	else
		in = is_in(m, sel, elems);
	if (s->match.op == OP_NE)
		in = dd_and(m->dd, may_be_asked(m, sel), dd_not(m->dd, in));
	if (m->now && of_sender(sel))
		in = dd_or(m->dd, in, of_socket(m, s));
	return or_no_ports(m, s, in);
}

/* ---- keys of sets that are added to ---- */

dd_ref match_key_there(struct mean *m, const struct ir_sel *key)
{
	return implied(m, key);
}

/* "source . udp sport" */
static const char *keys_text(struct mean *m, const struct ir_sel *key)
{
	const char *all = "";

	for (int i = 0; i < key->n; i++) {
		struct ir_sel one = {.n = 1, .f = {key->f[i]}, .mask = {key->mask[i]}};

		all = arena_printf(m->arena, "%s%s%s", all, i ? " . " : "",
				   match_key_text(m, &one));
	}
	return all;
}

const char *match_key_text(struct mean *m, const struct ir_sel *key)
{
	const struct field_info *f = &field_table[key->f[0]];
	const char *name = f->nft;
	int prefix = f->bits;

	if (key->n != 1)
		return keys_text(m, key);
	if (key->f[0] == F_IP_SADDR || key->f[0] == F_IP6_SADDR)
		name = "source";
	else if (key->f[0] == F_IP_DADDR || key->f[0] == F_IP6_DADDR)
		name = "destination";
	if (!key->mask[0])
		return name;
	while (prefix && key->mask[0] != (u128_max(f->bits) ^ u128_max(f->bits - prefix)))
		prefix--;
	if (prefix && f->bits >= 32)
		return arena_printf(m->arena, "%s/%d", name, prefix);
	return arena_printf(m->arena, "%s & 0x%llx%016llx", name,
			    (unsigned long long)(key->mask[0] >> 64),
			    (unsigned long long)key->mask[0]);
}
