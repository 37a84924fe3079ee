/* SPDX-License-Identifier: GPL-2.0-or-later
 * services, words and addresses -> match statements.
 */
#include <netinet/in.h>
#include <string.h>

#include "nft/lower.h"

#define FEW 16 /* values that an anonymous set may hold; more get a named one */
#define BULK 4096 /* elements from which a set is a very large one */
#define LARGE 256 /* from which it is made once for each list, not once for each rule */

struct ir_stmt *rule_stmt(struct lower *l, struct ir_rule *r, enum ir_stmt_kind kind)
{
	struct ir_stmt *s;

	if (!r->stmts.cap)
		vec_reserve(l->arena, &r->stmts, 4); /* as most have */
	s = vec_add(l->arena, &r->stmts);
	*s = (struct ir_stmt){.kind = kind};
	return s;
}

struct ir_rule rule_copy(struct lower *l, const struct ir_rule *r)
{
	struct ir_rule copy = *r;

	copy.stmts.v = arena_grow(l->arena, r->stmts.v, r->stmts.n * sizeof(*r->stmts.v),
				  (r->stmts.n + 4) * sizeof(*r->stmts.v));
	copy.stmts.cap = r->stmts.n + 4;
	return copy;
}

void rule_verdict(struct lower *l, struct ir_rule *r, enum ir_verdict_kind kind, const char *target)
{
	struct ir_stmt *s = rule_stmt(l, r, IR_VERDICT);

	s->verdict = (struct ir_verdict){kind, target};
}

void rule_counter(struct lower *l, struct ir_rule *r)
{
	rule_stmt(l, r, IR_COUNTER);
}

struct ir_chain *chain_new(struct lower *l, const char *stem)
{
	struct ir_chain *c = arena_new_of(l->arena, struct ir_chain);

	c->stem = stem;
	return c;
}

void chain_push(struct lower *l, struct ir_chain *c, struct ir_rule r)
{
	if (lower_charge(l, r.at, 1, 0))
		vec_push(l->arena, &c->rules, r);
}

static struct ir_stmt *match(struct lower *l, struct ir_rule *r, enum field f, enum ir_op op)
{
	struct ir_stmt *s = rule_stmt(l, r, IR_MATCH);

	s->match.sel = (struct ir_sel){.n = 1, .f = {f}};
	s->match.op = op;
	return s;
}

static void push_value(struct lower *l, struct ir_elems *to, struct ival v)
{
	struct ir_elem e = {.key = {v}};

	vec_push(l->arena, to, e);
}

void match_ival(struct lower *l, struct ir_rule *r, enum field f, struct ival v)
{
	push_value(l, &match(l, r, f, OP_EQ)->match.values, v);
}

void match_one(struct lower *l, struct ir_rule *r, enum field f, u128 value)
{
	match_ival(l, r, f, (struct ival){value, value});
}

void match_key(struct lower *l, struct ir_rule *r, const struct ir_sel *sel, const struct ival *key)
{
	struct ir_stmt *last = r->stmts.n ? &r->stmts.v[r->stmts.n - 1] : NULL;
	struct ir_elem e = {0};

	if (!last || last->kind != IR_MATCH || last->match.sel.n != sel->n) {
		last = rule_stmt(l, r, IR_MATCH);
		last->match.sel = *sel;
	}
	for (int i = 0; i < sel->n; i++)
		e.key[i] = key[i];
	vec_push(l->arena, &last->match.values, e);
}

void match_bits(struct lower *l, struct ir_rule *r, enum field f, u128 bits)
{
	push_value(l, &match(l, r, f, OP_ANYBIT)->match.values, (struct ival){bits, bits});
}

void match_set(struct lower *l, struct ir_rule *r, enum field f, const char *set, bool negated)
{
	match(l, r, f, negated ? OP_NE : OP_EQ)->match.set = set;
}

/* No range that somebody wrote as one: 80, 81, 443 became 80-81, 443 when sorted. */
static bool short_runs(const struct ivset *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].hi - s->v[i].lo > 2)
			return false;
	return true;
}

/* How many values; FEW + 1 if more than FEW. */
static size_t count_values(const struct ivset *s)
{
	u128 n = 0;

	for (size_t i = 0; i < s->n && n <= FEW; i++)
		n += s->v[i].hi - s->v[i].lo + 1;
	return n > FEW ? FEW + 1 : (size_t)n;
}

/* How many elements a hash would take that holds every value by itself; 0 if that is no good. A few
 * neighbours among very many addresses are no reason to have a tree in place of a hash, which is
 * slower by the packet and by the load. */
static size_t count_spelled(const struct ivset *s)
{
	const u128 most = (u128)s->n + s->n / 4;
	u128 n = 0;

	for (size_t i = 0; i < s->n && n <= most; i++)
		n += s->v[i].hi - s->v[i].lo + 1;
	return n == s->n || (s->n >= BULK && n <= most) ? (size_t)n : 0;
}

const char *named_set(struct lower *l, enum field f, const struct ivset *s, const char *stem)
{
	struct ir_set *set = arena_new_of(l->arena, struct ir_set);
	size_t spelled = count_spelled(s), n = spelled ? spelled : s->n;

	*set = (struct ir_set){.stem = stem, .nkeys = 1, .keys = {f}};
	set->interval = !spelled;
	set->elems.v = arena_alloc(l->arena, n * sizeof(*set->elems.v));
	set->elems.cap = n;
	for (size_t i = 0; i < s->n && !spelled; i++)
		push_value(l, &set->elems, s->v[i]);
	for (size_t i = 0; i < s->n && spelled; i++)
		for (u128 x = s->v[i].lo, k = s->v[i].hi - s->v[i].lo + 1; k; x++, k--)
			push_value(l, &set->elems, (struct ival){x, x});
	/* A declared size makes a hash of fixed size: faster to load and to look up. */
	if (spelled)
		set->size = (uint32_t)n;
	return lower_seal(l, set)->name;
}

/* The same list is asked for by each pair of zones that a rule is of. */
static const char *known_set(struct lower *l, enum field f, const struct ivset *s, const char *stem)
{
	struct large_set made = {.field = f, .v = s->v, .n = s->n, .stem = stem};
	const struct large_set *b;

	if (s->n < LARGE)
		return named_set(l, f, s, stem);
	vec_each (&l->large, b)
		if (b->field == f && b->v == s->v && b->n == s->n && !strcmp(b->stem, stem))
			return b->name;
	made.name = named_set(l, f, s, stem);
	vec_push(l->arena, &l->large, made);
	return made.name;
}

bool ivset_is_all(const struct ivset *s, unsigned bits)
{
	return s->n == 1 && s->v[0].lo == 0 && s->v[0].hi == u128_max((int)bits);
}

void match_ivset(struct lower *l, struct ir_rule *r, enum field f, const struct ivset *s,
		 const char *stem)
{
	struct ir_stmt *m;

	bool kinds =
		field_table[f].bits == 8; /* neighbouring numbers are no range that anybody meant */

	if (s->n == 1 && (!kinds || s->v[0].lo == s->v[0].hi)) {
		match_ival(l, r, f, s->v[0]);
		return;
	}
	if (count_values(s) > FEW || field_table[f].bits >= 32 || (!kinds && !short_runs(s))) {
		match_set(l, r, f, known_set(l, f, s, stem), false);
		return;
	}
	/* An anonymous set with intervals would be unsafe to swap: spell the values out. */
	m = match(l, r, f, OP_EQ);
	for (size_t i = 0; i < s->n; i++)
		for (u128 x = s->v[i].lo; x <= s->v[i].hi; x++)
			push_value(l, &m->match.values, (struct ival){x, x});
}

/* Behind routing iiftype is, since Linux 6.18, that of the interface by which a packet leaves: the
 * header alone tells. nft takes no set of addresses for what it knows as bits of a header. */
void match_link(struct lower *l, struct ir_rule *r, const struct ivset *macs)
{
	struct ir_stmt *m = match(l, r, F_ETHER_SADDR, OP_EQ);

	for (size_t i = 0; i < macs->n; i++)
		for (u128 x = macs->v[i].lo; x <= macs->v[i].hi; x++)
			push_value(l, &m->match.values, (struct ival){x, x});
}

void match_ends(struct lower *l, struct ir_rule *r, enum field f, const struct ivset *ends,
		unsigned bits, const char *stem, bool negated)
{
	struct ir_stmt *s;

	match_ivset(l, r, f, ends, stem);
	s = &r->stmts.v[r->stmts.n - 1];
	s->match.sel.mask[0] = u128_max((int)bits);
	if (negated)
		s->match.op = OP_NE;
}

/* ---- words ---- */

void match_mark(struct lower *l, struct ir_rule *r, uint32_t mark, uint32_t mask)
{
	match_one(l, r, F_MARK, mark);
	if (mask != UINT32_MAX)
		r->stmts.v[r->stmts.n - 1].match.sel.mask[0] = mask;
}

void match_words(struct lower *l, struct ir_rule *r, const struct qualifiers *q, enum family family)
{
	if (q->has_mark)
		match_mark(l, r, q->mark, q->mark_mask);
	if (q->has_user)
		match_one(l, r, F_SKUID, q->uid);
	if (q->has_group)
		match_one(l, r, F_SKGID, q->gid);
	match_cgroup(l, r, q->cgroup);
	if (q->has_dscp)
		match_one(l, r, family == FAM_IP4 ? F_IP_DSCP : F_IP6_DSCP, q->dscp);
	match_when(l, r, q->when);
}

/* ---- services ---- */

static bool is_full(const struct ivset *s)
{
	return s->n == 1 && s->v[0].lo == 0 && s->v[0].hi == 65535;
}

static void push_pair(struct lower *l, struct ir_elems *to, uint8_t proto, struct ival ports)
{
	struct ir_elem e = {.key = {{proto, proto}, ports}};

	vec_push(l->arena, to, e);
}

/* Ports of several protocols: one look-up of `meta l4proto . th dport`. */
static void match_port_pairs(struct lower *l, struct ir_rule *r, const struct services *s)
{
	struct ir_stmt *m = rule_stmt(l, r, IR_MATCH);
	struct ir_set *set;
	struct ir_elems pairs = {0};
	bool interval = false;

	m->match.sel = (struct ir_sel){.n = 2, .f = {F_L4PROTO, F_TH_DPORT}};
	for (int i = 0; i < PORT_PROTOCOLS; i++) {
		for (size_t j = 0; j < s->ports[i].n && !is_full(&s->ports[i]); j++) {
			push_pair(l, &pairs, port_protocols[i], s->ports[i].v[j]);
			interval |= s->ports[i].v[j].lo != s->ports[i].v[j].hi;
		}
	}
	if (!interval && pairs.n <= FEW) {
		m->match.values = pairs;
		return;
	}
	set = arena_new_of(l->arena, struct ir_set);
	*set = (struct ir_set){.stem = "services",
			       .nkeys = 2,
			       .keys = {F_L4PROTO, F_TH_DPORT},
			       .interval = interval,
			       .elems = pairs};
	if (!interval)
		set->size = (uint32_t)pairs.n;
	m->match.set = lower_seal(l, set)->name;
}

enum field port_field(int row, enum field f)
{
	static const enum field sport[PORT_PROTOCOLS] = {F_TCP_SPORT, F_UDP_SPORT, F_TH_SPORT,
							 F_TH_SPORT, F_TH_SPORT};
	static const enum field dport[PORT_PROTOCOLS] = {F_TCP_DPORT, F_UDP_DPORT, F_SCTP_DPORT,
							 F_DCCP_DPORT, F_UDPLITE_DPORT};

	if (row < 0)
		return f;
	return f == F_TH_SPORT ? sport[row] : f == F_TH_DPORT ? dport[row] : f;
}

/* Ports by source ports as well: one look-up, of the protocol with both. */
static void match_sourced_many(struct lower *l, struct ir_rule *r, const struct services *s)
{
	struct ir_set *set = arena_new_of(l->arena, struct ir_set);
	struct ir_stmt *m = rule_stmt(l, r, IR_MATCH);
	struct ir_elems all = {0};
	const struct sourced *x;
	uint64_t n = 0;

	vec_each (&s->sourced, x)
		n += (uint64_t)x->from.n * x->to.n;
	if (!lower_elems(l, n))
		return;
	vec_reserve(l->arena, &all, n);
	*set = (struct ir_set){
		.stem = "services", .nkeys = 3, .keys = {F_L4PROTO, F_TH_SPORT, F_TH_DPORT}};
	vec_each (&s->sourced, x) {
		uint8_t proto = port_protocols[x->row];


		for (size_t i = 0; i < x->from.n; i++) {
			for (size_t j = 0; j < x->to.n; j++) {
				struct ir_elem e = {
					.key = {{proto, proto}, x->from.v[i], x->to.v[j]}};

				set->interval |=
					e.key[1].lo != e.key[1].hi || e.key[2].lo != e.key[2].hi;
				vec_push(l->arena, &all, e);
			}
		}
	}
	m->match.sel = (struct ir_sel){.n = 3, .f = {F_L4PROTO, F_TH_SPORT, F_TH_DPORT}};
	if (!set->interval && all.n <= FEW) {
		m->match.values = all;
		return;
	}
	set->elems = all;
	if (!set->interval)
		set->size = (uint32_t)all.n;
	m->match.set = lower_seal(l, set)->name;
}

static void match_sourced(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			  const struct services *s)
{
	const struct sourced *x = s->sourced.v;
	struct ir_rule r;

	if (!s->sourced.n)
		return;
	r = rule_copy(l, base);
	if (s->sourced.n > 1) {
		match_sourced_many(l, &r, s);
		vec_push(l->arena, out, r);
		return;
	}
	if (port_field(x->row, F_TH_SPORT) == F_TH_SPORT)
		match_one(l, &r, F_L4PROTO, port_protocols[x->row]);
	match_ivset(l, &r, port_field(x->row, F_TH_SPORT), &x->from, "source-ports");
	if (!is_full(&x->to))
		match_ivset(l, &r, port_field(x->row, F_TH_DPORT), &x->to, "ports");
	vec_push(l->arena, out, r);
}

static void match_ports(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			const struct services *s)
{
	int protos = 0, only = 0;
	struct ir_rule r;

	for (int i = 0; i < PORT_PROTOCOLS; i++) {
		if (s->ports[i].n && !is_full(&s->ports[i])) {
			protos++;
			only = i;
		}
	}
	if (!protos)
		return;
	r = rule_copy(l, base);
	if (protos == 1)
		match_ivset(l, &r, port_field(only, F_TH_DPORT), &s->ports[only], "ports");
	else
		match_port_pairs(l, &r, s);
	vec_push(l->arena, out, r);
}

static bool is_whole_icmp(const struct ivset *types)
{
	return types->n && types->v[0].lo == 0 && types->v[0].hi == 255;
}

/* Of the addresses that the rule asks for; FAM_NONE: of none. */
static enum family address_family(const struct ir_rule *r)
{
	const struct ir_stmt *s;

	vec_each (&r->stmts, s) {
		enum field f = s->match.sel.f[0];

		if (s->kind != IR_MATCH)
			continue;
		if (f == F_IP_SADDR || f == F_IP_DADDR)
			return FAM_IP4;
		if (f == F_IP6_SADDR || f == F_IP6_DADDR)
			return FAM_IP6;
	}
	return FAM_NONE;
}

/* All of ICMP where no address says the family: their numbers may stand in packets of the other
 * family, too, and those are not ICMP. */
static void match_icmp_whole(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			     const struct services *s, enum family family)
{
	static const struct ir_sel sel = {.n = 2, .f = {F_NFPROTO, F_L4PROTO}};
	struct ir_rule r = rule_copy(l, base);

	if (family != FAM_IP6 && is_whole_icmp(&s->icmp))
		match_key(l, &r, &sel, (struct ival[]){{2, 2}, {IPPROTO_ICMP, IPPROTO_ICMP}});
	if (family != FAM_IP4 && is_whole_icmp(&s->icmpv6))
		match_key(l, &r, &sel, (struct ival[]){{10, 10}, {IPPROTO_ICMPV6, IPPROTO_ICMPV6}});
	if (r.stmts.n > base->stmts.n)
		vec_push(l->arena, out, r);
}

/* Whole protocols, those with ports and ICMP among them. */
static void match_protocols(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			    const struct services *s, enum family family)
{
	bool of_family = address_family(base) != FAM_NONE;
	struct ivset whole = {0};
	struct ir_rule r;

	for (size_t i = 0; i < s->protocols.n; i++)
		vec_push(l->arena, &whole, s->protocols.v[i]);
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (is_full(&s->ports[i]))
			vec_push(l->arena, &whole,
				 ((struct ival){port_protocols[i], port_protocols[i]}));
	if (of_family && family == FAM_IP4 && is_whole_icmp(&s->icmp))
		vec_push(l->arena, &whole, ((struct ival){IPPROTO_ICMP, IPPROTO_ICMP}));
	if (of_family && family == FAM_IP6 && is_whole_icmp(&s->icmpv6))
		vec_push(l->arena, &whole, ((struct ival){IPPROTO_ICMPV6, IPPROTO_ICMPV6}));
	if (!of_family)
		match_icmp_whole(l, out, base, s, family);
	if (!whole.n)
		return;
	ivset_normalise(&whole);
	r = rule_copy(l, base);
	match_ivset(l, &r, F_L4PROTO, &whole, "protocols");
	vec_push(l->arena, out, r);
}

static void match_icmp(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		       enum field f, const struct ivset *types)
{
	struct ir_rule r;

	if (!types->n || is_whole_icmp(types))
		return;
	r = rule_copy(l, base);
	match_ivset(l, &r, f, types, "types");
	vec_push(l->arena, out, r);
}

/* Types with a code: one as two matches, several as pairs. */
static void match_codes(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			enum field type, enum field code, const struct ivset *codes)
{
	struct ir_sel sel = {.n = 2, .f = {type, code}};
	struct ir_set *set = arena_new_of(l->arena, struct ir_set);
	struct ir_elems pairs = {0};
	struct ir_stmt *m;
	struct ir_rule r;

	if (!codes->n)
		return;
	r = rule_copy(l, base);
	for (size_t i = 0; i < codes->n; i++)
		for (u128 x = codes->v[i].lo; x <= codes->v[i].hi; x++)
			vec_push(l->arena, &pairs,
				 ((struct ir_elem){.key = {{x >> 8, x >> 8}, {x & 255, x & 255}}}));
	if (pairs.n == 1) {
		match_ival(l, &r, type, pairs.v[0].key[0]);
		match_ival(l, &r, code, pairs.v[0].key[1]);
		vec_push(l->arena, out, r);
		return;
	}
	m = rule_stmt(l, &r, IR_MATCH);
	m->match.sel = sel;
	if (pairs.n <= FEW) {
		m->match.values = pairs;
	} else {
		*set = (struct ir_set){.stem = "codes",
				       .nkeys = 2,
				       .keys = {type, code},
				       .size = (uint32_t)pairs.n,
				       .elems = pairs};
		m->match.set = lower_seal(l, set)->name;
	}
	vec_push(l->arena, out, r);
}

static bool asks_station(const struct ir_stmt *s)
{
	return s->kind == IR_MATCH &&
	       (s->match.sel.f[0] == F_IIFTYPE || s->match.sel.f[0] == F_ETHER_SADDR);
}

struct ir_rule without_stations(struct lower *l, const struct ir_rule *base,
				struct ir_rule *stations)
{
	struct ir_rule out = *base;
	const struct ir_stmt *s;

	*stations = (struct ir_rule){0};
	out.stmts.v = NULL;
	out.stmts.n = out.stmts.cap = 0;
	vec_reserve(l->work, &out.stmts, base->stmts.n); /* each rule made of it is a copy */
	vec_each (&base->stmts, s)
		if (asks_station(s))
			vec_push(l->arena, &stations->stmts, *s);
		else
			vec_push(l->work, &out.stmts, *s);
	return out;
}

static void services_of(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			const struct services *s, enum family family)
{
	if (s->any) {
		vec_push(l->arena, out, rule_copy(l, base));
		return;
	}
	if (family == FAM_NONE) /* a part of a zone may be of one */
		family = address_family(base);
	match_ports(l, out, base, s);
	match_sourced(l, out, base, s);
	match_protocols(l, out, base, s, family);
	if (family != FAM_IP6) {
		match_icmp(l, out, base, F_ICMP_TYPE, &s->icmp);
		match_codes(l, out, base, F_ICMP_TYPE, F_ICMP_CODE, &s->icmp_codes);
	}
	if (family != FAM_IP4) {
		match_icmp(l, out, base, F_ICMPV6_TYPE, &s->icmpv6);
		match_codes(l, out, base, F_ICMPV6_TYPE, F_ICMPV6_CODE, &s->icmpv6_codes);
	}
}

void stations_last(struct lower *l, struct ir_rules *out, size_t first,
		   const struct ir_rule *stations)
{
	const struct ir_stmt *s;

	for (size_t i = first; i < out->n; i++)
		vec_each (&stations->stmts, s)
			vec_push(l->arena, &out->v[i].stmts, *s);
}

void match_services(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		    const struct services *s, enum family family)
{
	size_t first = out->n;
	struct ir_rule stations, rest = without_stations(l, base, &stations);

	services_of(l, out, &rest, s, family);
	stations_last(l, out, first, &stations);
}
