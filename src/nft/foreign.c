/* SPDX-License-Identifier: GPL-2.0-or-later
 * All tables -> base chains of others that may drop or translate.
 */
#include "nft/foreign.h"

#include <linux/netfilter.h>
#include <string.h>

#include "util/map.h"

struct finder {
	const struct ir_ruleset *r;
	struct map seen; /* chains and maps that have been followed */
	struct foreign *out;
};

/* "fwc", and those that some commands make: "fwc-panic". */
static bool ours(const struct ir_table *t)
{
	size_t n = strlen(IR_TABLE);

	return t->family == NFPROTO_INET && !strncmp(t->name, IR_TABLE, n) &&
	       (!t->name[n] || t->name[n] == '-');
}

/* Families whose packets pass our hooks; bridge and netdev are other places. */
static bool matters(uint8_t family)
{
	return family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET;
}

static void follow(struct finder *f, const char *chain);

static void follow_verdict(struct finder *f, const struct ir_verdict *v)
{
	f->out->drops |= v->kind == V_DROP;
	if (v->target)
		follow(f, v->target);
}

/* A verdict map by name: whatever it holds. */
static void follow_map(struct finder *f, const char *name)
{
	const struct ir_set *s = ruleset_set(f->r, name);
	const char *key = arena_printf(f->r->arena, "@%s", name);
	const struct ir_elem *e;

	if (!s || map_get(&f->seen, key))
		return;
	map_put(&f->seen, key, f);
	vec_each (&s->elems, e)
		follow_verdict(f, &e->verdict);
}

static void follow_stmt(struct finder *f, const struct ir_stmt *s)
{
	const struct ir_elem *e;
	const struct ir_stmt *x;

	if (s->kind == IR_REJECT || (s->kind == IR_UNKNOWN && s->unknown.drops))
		f->out->drops = true;
	else if (s->kind == IR_NAT)
		f->out->translates = true;
	else if (s->kind == IR_VERDICT)
		follow_verdict(f, &s->verdict);
	else if (s->kind == IR_UNKNOWN && s->unknown.kind == UNKNOWN_ENDS && !s->unknown.neither)
		f->out->drops = f->out->translates = true;
	for (size_t i = 0; s->kind == IR_UNKNOWN && i < s->unknown.neither; i++)
		vec_each (&s->unknown.either[i].stmts, x)
			follow_stmt(f, x);
	if (s->kind != IR_VMAP)
		return;
	if (s->vmap.map)
		follow_map(f, s->vmap.map);
	vec_each (&s->vmap.elems, e)
		follow_verdict(f, &e->verdict);
}

/* What a packet may meet from here on. */
static void follow(struct finder *f, const char *chain)
{
	const struct ir_chain *c = ruleset_chain(f->r, chain);
	const struct ir_rule *rule;
	const struct ir_stmt *s;

	if (!c || map_get(&f->seen, chain))
		return;
	map_put(&f->seen, c->name, f);
	vec_each (&c->rules, rule)
		vec_each (&rule->stmts, s)
			follow_stmt(f, s);
}

static void judge(struct arena *a, const struct ir_table *t, const struct ir_chain *c,
		  struct foreigners *out)
{
	struct foreign x = {.hook = c->base.hook, .of = t, .base = c};
	struct finder f = {.r = t->ruleset, .out = &x};

	x.table = diag_shown(a, arena_printf(a, "%s %s", ir_family_name(t->family), t->name));
	x.chain = diag_shown(a, c->name);
	map_init(&f.seen, a);
	follow(&f, c->name);
	x.why = c->base.policy_drop ? "its policy is drop"
		: x.drops	    ? "it has rules that drop"
		: x.translates	    ? "it rewrites addresses"
				    : "";
	x.drops |= c->base.policy_drop;
	if (x.drops || x.translates)
		vec_push(a, out, x);
}

void foreign_find(struct arena *a, const struct ir_tables *tables, struct foreigners *out)
{
	const struct ir_table *t;
	struct ir_chain *const *c;

	vec_each (tables, t) {
		if (!matters(t->family) || ours(t) || t->ruleset->dormant)
			continue;
		vec_each (&t->ruleset->chains, c)
			if ((*c)->base.hook && !strstr((*c)->base.hook, "gress"))
				judge(a, t, *c, out);
	}
}
