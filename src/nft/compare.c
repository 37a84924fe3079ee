/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two rulesets -> the names of objects in which they differ.
 */
#include "nft/compare.h"

#include <string.h>

static bool uses(const struct ir_stmt *s, const enum field *f, size_t n)
{
	const struct ir_sel *sel = s->kind == IR_MATCH	? &s->match.sel
				   : s->kind == IR_VMAP ? &s->vmap.sel
				   : s->kind == IR_ADD	? &s->add.key
							: NULL;

	for (int i = 0; sel && i < sel->n; i++)
		for (size_t k = 0; k < n; k++)
			if (sel->f[i] == f[k])
				return true;
	return false;
}

/* `FIELD VALUE`, nothing else: yields the value. */
static bool plain_test(const struct ir_stmt *s, enum field f, unsigned *value)
{
	const struct ir_elem *e;

	if (s->kind != IR_MATCH || s->match.op != OP_EQ || s->match.set || s->match.sel.n != 1 ||
	    s->match.sel.f[0] != f || s->match.sel.mask[0] || s->match.values.n != 1)
		return false;
	e = &s->match.values.v[0];
	*value = (unsigned)e->key[0].lo;
	return e->key[0].lo == e->key[0].hi;
}

static unsigned rule_l4proto(const struct ir_rule *r)
{
	unsigned proto;

	for (size_t i = 0; i < r->stmts.n; i++) {
		if (plain_test(&r->stmts.v[i], F_L4PROTO, &proto))
			return proto;
	}
	return 0;
}

static const struct {
	unsigned proto;
	enum field sport, dport, other;
} transports[] = {
	{6, F_TCP_SPORT, F_TCP_DPORT, F_TCP_FLAGS},
	{17, F_UDP_SPORT, F_UDP_DPORT, F_UDP_DPORT},
	{33, F_DCCP_DPORT, F_DCCP_DPORT, F_DCCP_DPORT},
	{132, F_SCTP_DPORT, F_SCTP_DPORT, F_SCTP_DPORT},
	{136, F_UDPLITE_DPORT, F_UDPLITE_DPORT, F_UDPLITE_DPORT},
	{1, F_ICMP_TYPE, F_ICMP_CODE, F_ICMP_CODE},
	{58, F_ICMPV6_TYPE, F_ICMPV6_CODE, F_ICMPV6_CODE},
};

bool stmt_implies(const struct ir_stmt *s, enum field f, unsigned value)
{
	static const enum field v4[] = {F_IP_SADDR,  F_IP_DADDR, F_IP_PROTOCOL, F_ICMP_TYPE,
					F_ICMP_CODE, F_IP_DSCP,	 F_IP_ECN,	F_IP_TTL};
	static const enum field v6[] = {F_IP6_SADDR,   F_IP6_DADDR, F_IP6_HOPLIMIT, F_ICMPV6_TYPE,
					F_ICMPV6_CODE, F_IP6_DSCP,  F_IP6_ECN};

	if (f == F_NFPROTO)
		return value == 2 ? uses(s, v4, sizeof(v4) / sizeof(v4[0]))
				  : value == 10 && uses(s, v6, sizeof(v6) / sizeof(v6[0]));
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		const enum field own[] = {transports[i].sport, transports[i].dport,
					  transports[i].other};

		if (transports[i].proto == value)
			return f == F_L4PROTO && uses(s, own, 3);
	}
	return false;
}

static void name_ports(struct ir_sel *sel, unsigned proto)
{
	if (sel->n != 1 || (proto != 6 && proto != 17))
		return;
	if (sel->f[0] == F_TH_DPORT)
		sel->f[0] = proto == 6 ? F_TCP_DPORT : F_UDP_DPORT;
	else if (sel->f[0] == F_TH_SPORT)
		sel->f[0] = proto == 6 ? F_TCP_SPORT : F_UDP_SPORT;
}

static bool ordered(enum field f)
{
	enum field_format format = field_table[f].format;

	return format != FMT_CT_STATE && format != FMT_CT_STATUS && format != FMT_TCP_FLAGS &&
	       format != FMT_IFNAME;
}

static struct ir_elems sorted(struct arena *a, const struct ir_elems *in, bool keep_volatile)
{
	struct ir_elems out = {0};
	const struct ir_elem *e;

	vec_each (in, e) {
		if (keep_volatile || !e->volatile_elem)
			vec_push(a, &out, *e);
	}
	ir_elems_sort(&out);
	return out;
}

/* Of one field, sorted, without comments: neighbours become one interval. */
static void join(struct ir_elems *e)
{
	size_t out = 0;

	for (size_t i = 1; i < e->n; i++) {
		struct ival *last = &e->v[out].key[0], *next = &e->v[i].key[0];

		if (last->hi == ~(u128)0 || next->lo <= last->hi + 1) {
			if (next->hi > last->hi)
				last->hi = next->hi;
		} else {
			e->v[++out] = e->v[i];
		}
	}
	if (e->n)
		e->n = out + 1;
}

bool stmt_asks(const struct ir_stmt *s, enum field *f, unsigned *value)
{
	*f = F_NFPROTO;
	if (plain_test(s, *f, value))
		return true;
	*f = F_L4PROTO;
	return plain_test(s, *f, value);
}

static bool keep_stmt(const struct ir_rule *r, const struct ir_stmt *s)
{
	const struct ir_stmt *other;
	unsigned value;
	enum field f;

	if (!stmt_asks(s, &f, &value))
		return true;
	vec_each (&r->stmts, other) {
		if (stmt_implies(other, f, value))
			return false;
	}
	return true;
}

struct ir_rule normal_rule(struct arena *a, const struct ir_rule *in)
{
	unsigned proto = rule_l4proto(in);
	struct ir_rule all = *in, out = *in;
	struct ir_stmt *s;

	memset(&all.stmts, 0, sizeof(all.stmts));
	memset(&out.stmts, 0, sizeof(out.stmts));
	vec_each (&in->stmts, s)
		vec_push(a, &all.stmts, *s);
	vec_each (&all.stmts, s) {
		if (s->kind == IR_VMAP)
			name_ports(&s->vmap.sel, proto);
		if (s->kind != IR_MATCH)
			continue;
		name_ports(&s->match.sel, proto);
		s->match.values = sorted(a, &s->match.values, true);
		if (s->match.sel.n == 1 && ordered(s->match.sel.f[0]))
			join(&s->match.values);
	}
	vec_each (&all.stmts, s) {
		if (keep_stmt(&all, s))
			vec_push(a, &out.stmts, *s);
	}
	return out;
}

struct ir_set normal_set(struct arena *a, const struct ir_set *in)
{
	struct ir_set out = *in;
	bool bare = !in->is_map && in->interval && in->nkeys == 1 && ordered(in->keys[0]);
	bool lasting = true;
	const struct ir_elem *e;

	if (in->dynamic || in->helper || in->flowtable || in->quota) {
		out.elems = (struct ir_elems){0};
		return out;
	}
	vec_each (&in->elems, e) {
		bare = bare && !e->comment;
		lasting = lasting && !e->volatile_elem;
	}
	if (!bare && lasting && ir_elems_sorted(&in->elems))
		return out; /* nothing is changed of it, so it need not be copied */
	out.elems = sorted(a, &in->elems, false);
	if (bare)
		join(&out.elems);
	return out;
}

static const char *taken(struct arena *a, struct buf *b)
{
	const char *s = arena_strdup(a, buf_str(b));

	buf_free(b);
	return s;
}

const char *canonical_rule(struct arena *a, const struct ir_rule *r)
{
	struct ir_rule n = normal_rule(a, r);
	struct buf b = {0};

	emit_rule(&b, &n);
	return taken(a, &b);
}

const char *canonical_chain(struct arena *a, const struct ir_chain *c)
{
	struct ir_chain n = *c;
	struct buf b = {0};

	memset(&n.rules, 0, sizeof(n.rules));
	for (size_t i = 0; i < c->rules.n; i++)
		vec_push(a, &n.rules, normal_rule(a, &c->rules.v[i]));
	emit_chain(&b, &n, false);
	return taken(a, &b);
}

const char *canonical_set(struct arena *a, const struct ir_set *s)
{
	struct ir_set n = normal_set(a, s);
	struct buf b = {0};

	n.bulk = NULL; /* its name says it, also where nobody knows it */
	emit_set(&b, &n, false);
	return taken(a, &b);
}

bool same_rule(const struct ir_rule *x, const struct ir_rule *y)
{
	struct arena *a = arena_new();
	bool same = !strcmp(canonical_rule(a, x), canonical_rule(a, y));

	arena_free(a);
	return same;
}

/* Read once, and known by its bytes to be what the other one is. */
static bool is_shared_set(const struct ir_set *x, const struct ir_set *y)
{
	return x->elems.n && x->elems.n == y->elems.n && x->elems.v == y->elems.v;
}

static bool is_shared_chain(const struct ir_chain *x, const struct ir_chain *y)
{
	return x->rules.n && x->rules.n == y->rules.n && x->rules.v == y->rules.v;
}

bool same_set(const struct ir_set *x, const struct ir_set *y)
{
	struct arena *a;
	bool same;

	if (is_shared_set(x, y))
		return true;
	a = arena_new();
	same = !strcmp(canonical_set(a, x), canonical_set(a, y));
	arena_free(a);
	return same;
}

static void reach_set(const struct ir_ruleset *r, const char *name, struct map *out)
{
	struct ir_set *s = name ? ruleset_set(r, name) : NULL;
	const char *key;
	const struct ir_elem *e;

	if (!s)
		return;
	key = arena_printf(out->arena, "s:%s", name);
	if (map_get(out, key))
		return;
	map_put(out, key, s);
	vec_each (&s->elems, e) {
		if (e->verdict.target)
			chain_reach(r, e->verdict.target, out);
	}
}

static void reach_stmt(const struct ir_ruleset *r, const struct ir_stmt *s, struct map *out)
{
	const struct ir_elem *e;

	switch (s->kind) {
	case IR_MATCH:
		reach_set(r, s->match.set, out);
		break;
	case IR_VMAP:
		reach_set(r, s->vmap.map, out);
		vec_each (&s->vmap.elems, e) {
			if (e->verdict.target)
				chain_reach(r, e->verdict.target, out);
		}
		break;
	case IR_ADD:
		reach_set(r, s->add.set, out);
		break;
	case IR_VERDICT:
		if (s->verdict.target)
			chain_reach(r, s->verdict.target, out);
		break;
	case IR_HELPER:
		reach_set(r, s->helper, out);
		break;
	case IR_QUOTA:
		reach_set(r, s->quota, out);
		break;
	case IR_OFFLOAD:
		reach_set(r, s->flowtable, out);
		break;
	case IR_COUNTER:
	case IR_LIMIT:
	case IR_CT_COUNT:
	case IR_LOG:
	case IR_REJECT:
	case IR_NAT:
	case IR_MSS:
	case IR_MARK:
	case IR_NOTRACK:
	case IR_LABEL:
	case IR_QUEUE:
	case IR_UNKNOWN:
		break;
	}
}

/* Recursion is as deep as the kernel lets jumps nest: it refuses loops and more than 16 levels. */
void chain_reach(const struct ir_ruleset *r, const char *chain, struct map *out)
{
	struct ir_chain *c = ruleset_chain(r, chain);
	const char *key = arena_printf(out->arena, "c:%s", chain);

	if (!c || map_get(out, key))
		return;
	map_put(out, key, c);
	for (size_t i = 0; i < c->rules.n; i++) {
		for (size_t k = 0; k < c->rules.v[i].stmts.n; k++)
			reach_stmt(r, &c->rules.v[i].stmts.v[k], out);
	}
}

void ruleset_reach(const struct ir_ruleset *r, struct map *out)
{
	struct ir_chain **c;

	vec_each (&r->chains, c) {
		if ((*c)->base.hook)
			chain_reach(r, (*c)->name, out);
	}
}

static const char *object_text(struct arena *a, const struct ir_ruleset *r, const char *key)
{
	if (key[0] == 'c') {
		const struct ir_chain *c = ruleset_chain(r, key + 2);

		return c ? canonical_chain(a, c) : NULL;
	} else {
		const struct ir_set *s = ruleset_set(r, key + 2);

		return s ? canonical_set(a, s) : NULL;
	}
}

static const char *kept(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

bool same_text(const char *x, const char *y)
{
	return x && y ? !strcmp(x, y) : x == y;
}

bool object_shared(const char *key, const void *left, const void *right)
{
	if (!left || !right)
		return false;
	return left == right ||
	       (key[0] == 'c' ? is_shared_chain(left, right) : is_shared_set(left, right));
}

static bool is_shared(const char *key, const struct ir_ruleset *left,
		      const struct ir_ruleset *right)
{
	return object_shared(key, map_get(left->by_name, key), map_get(right->by_name, key));
}

static void compare_object(struct arena *a, const char *key, const struct ir_ruleset *left,
			   const struct ir_ruleset *right, struct differences *out)
{
	struct arena *scrap = arena_new(); /* most are equal, and their texts not wanted again */
	const char *l = object_text(scrap, left, key), *r = object_text(scrap, right, key);
	struct difference d = {.name = key + 2};

	if ((l || r) && (!l || !r || strcmp(l, r) != 0)) {
		const struct ir_set *s = ruleset_set(l ? left : right, d.name);

		d.kind = key[0] == 'c' ? "chain" : ir_set_word(s);
		d.left = kept(a, l);
		d.right = kept(a, r);
		vec_push(a, out, d);
	}
	arena_free(scrap);
}

void ruleset_compare(struct arena *a, const struct ir_ruleset *left, const struct ir_ruleset *right,
		     const struct map *within, struct differences *out)
{
	const struct map_entry *e;

	vec_each (&left->by_name->entries, e) {
		if ((!within || map_get(within, e->key)) && !is_shared(e->key, left, right))
			compare_object(a, e->key, left, right, out);
	}
	vec_each (&right->by_name->entries, e) {
		if ((!within || map_get(within, e->key)) && !map_get(left->by_name, e->key))
			compare_object(a, e->key, left, right, out);
	}
}

bool ruleset_differs(struct arena *a, const struct ir_ruleset *left, const struct ir_ruleset *right)
{
	struct differences d = {0};

	ruleset_compare(a, left, right, NULL, &d);
	return d.n || left->dormant != right->dormant;
}
