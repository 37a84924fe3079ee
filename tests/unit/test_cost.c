/* SPDX-License-Identifier: GPL-2.0-or-later
 * What rulesets made by hand are said to cost. The numbers are those of the table in nft/cost.c,
 * reckoned by hand; see its comments.
 */
#include "nft/cost.h"
#include "test.h"

static struct arena *a;
static struct ir_ruleset *r;

static void push(struct ir_chain *c, struct ir_stmt first, struct ir_stmt last)
{
	struct ir_rule rule = {0};

	vec_push(a, &rule.stmts, first);
	vec_push(a, &rule.stmts, last);
	vec_push(a, &c->rules, rule);
}

static const struct ir_stmt accepts = {.kind = IR_VERDICT, .verdict = {.kind = V_ACCEPT}};

static struct ir_stmt in_set(enum field f, const char *set)
{
	return (struct ir_stmt){.kind = IR_MATCH, .match = {.sel = {.n = 1, .f = {f}}, .set = set}};
}

static struct ir_stmt is(enum field f, u128 value)
{
	struct ir_stmt s = {.kind = IR_MATCH, .match = {.sel = {.n = 1, .f = {f}}}};

	vec_push(a, &s.match.values, ((struct ir_elem){.key = {{value, value}}}));
	return s;
}

static struct ir_set *set(const char *name, size_t n, bool interval)
{
	struct ir_set *s = arena_new_of(a, struct ir_set);

	*s = (struct ir_set){.name = name, .nkeys = 1, .keys = {F_IP_SADDR}, .interval = interval};
	for (size_t i = 0; i < n; i++)
		vec_push(a, &s->elems, ((struct ir_elem){.key = {{4 * i, 4 * i + interval}}}));
	ruleset_add_set(r, s);
	return s;
}

static struct ir_chain *begin(void)
{
	struct ir_chain *c;

	a = arena_new();
	r = ruleset_new(a);
	c = arena_new_of(a, struct ir_chain);
	c->name = "lan-wan";
	ruleset_add_chain(r, c);
	vec_push(a, &r->pairs,
		 ((struct ir_pair){.from = "lan", .to = "wan", .hook = "forward", .chain = c}));
	return c;
}

static struct cost_pair only(struct cost_report *all)
{
	cost_ruleset(all, a, r);
	SAME_NUMBER(all->pairs.n, 1);
	return all->pairs.v[0];
}

/* 10.5 and 18.7; two of 850 bytes. */
static void a_list(void)
{
	struct ir_chain *c = begin();
	struct cost_report all;
	struct cost_pair p;

	push(c, is(F_TCP_DPORT, 22), accepts);
	push(c, is(F_IP_SADDR, 1), accepts);
	p = only(&all);
	SAME_NUMBER(p.own.tests, 2);
	SAME_NUMBER(p.own.lookups, 0);
	SAME_NUMBER(p.own.tenths, 105 + 187);
	SAME_NUMBER(p.ns, 29);
	SAME_NUMBER(p.own.bytes, 2 * 850);
	arena_free(a);
}

static void look_ups(void)
{
	static const struct {
		size_t n;
		bool interval;
		unsigned ns, bytes;
	} rows[] = {
		{10, false, 46, 86},	  {1000, false, 46, 86},
		{1001, false, 118, 86}, /* as of 10,000 */
		{10, true, 106, 168},	  {11, true, 327, 168},
		{10001, true, 1498, 168},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ir_chain *c = begin();
		struct cost_report all;
		struct cost_pair p;

		set("s", rows[i].n, rows[i].interval);
		push(c, in_set(F_IP_SADDR, "s"), accepts);
		push(c, in_set(F_IP_DADDR, "s"), accepts); /* the same one: it is there once */
		p = only(&all);
		SAME_NUMBER(p.own.tests, 0);
		SAME_NUMBER(p.own.lookups, 2);
		SAME_NUMBER(p.ns, 2 * rows[i].ns);
		SAME_NUMBER(p.own.elements, rows[i].n);
		SAME_NUMBER(p.own.bytes, 2 * 850 + rows[i].n * rows[i].bytes);
		SAME_NUMBER(all.elements, rows[i].n);
		arena_free(a);
	}
}

/* A set whose elements are elsewhere: only how many there are counts. */
static void bulk(void)
{
	static const struct ir_bulk hash = {.prefix = 32}, ranges = {0};
	struct ir_chain *c = begin();
	struct cost_report all;
	struct ir_set *s = set("h", 0, false), *t = set("t", 0, true);
	struct cost_pair p;

	s->bulk = &hash;
	s->size = 1000000;
	t->bulk = &ranges;
	t->size = 100000;
	push(c, in_set(F_IP_SADDR, "h"), accepts);
	push(c, in_set(F_IP_SADDR, "t"), accepts);
	p = only(&all);
	SAME_NUMBER(p.ns, 350 + 1498);
	SAME_NUMBER(p.own.elements, 1100000);
	SAME_NUMBER(p.own.bytes, 1700 + 86000000 + 16800000);
	arena_free(a);
}

/* An address of IPv6 has 12 bytes more; a concatenation of two of them, 32 to the table's 8. */
static void wide_keys(void)
{
	struct ir_chain *c = begin();
	struct cost_report all;
	struct ir_set *s = set("six", 100, false), *t = set("pair", 100, true);
	struct cost_pair p;

	s->keys[0] = F_IP6_SADDR;
	t->nkeys = 2;
	t->keys[0] = F_IP6_SADDR;
	t->keys[1] = F_IP6_DADDR;
	push(c, in_set(F_IP6_SADDR, "six"), accepts);
	push(c, in_set(F_IP6_SADDR, "pair"), accepts);
	p = only(&all);
	SAME_NUMBER(p.ns, 46 + 164);
	SAME_NUMBER(p.own.bytes, 1700 + 100 * (86 + 12) + 100 * 557 * 4);
	arena_free(a);
}

int main(void)
{
	a_list();
	look_ups();
	bulk();
	wide_keys();
	return test_end();
}
