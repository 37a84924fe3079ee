/* SPDX-License-Identifier: GPL-2.0-or-later
 * Every packet is in one slice, no slice leaves out what is about one of its packets, and a proof in
 * slices finds what is wrong in any of them.
 */
#include <stdlib.h>

#include "nft/lower.h"
#include "space/prove.h"
#include "space/slice.h"
#include "test.h"
#include "text.h"

static unsigned next(void)
{
	static unsigned x = 3;

	x = x * 1103515245 + 12345;
	return x >> 16;
}

static struct policy *policy_of(struct arena *a, unsigned rules)
{
	struct buf b = {0};
	struct policy *p;
	struct diag d;

	diag_init(&d, a);
	buf_puts(&b, "forwarding on\nzone lan { interface eth0 }\nzone wan { interface eth1 }\n");
	for (unsigned i = 0; i < rules; i++)
		buf_printf(&b, i % 3 ? "%s 10.%u.%u.7@lan -> wan tcp/80\n"
				     : "%s 2001:db8:%x::%x@lan -> wan tcp/80\n",
			   i % 2 ? "allow" : "drop", i / 250, i % 250);
	p = policy_resolve(parsed(a, arena_strdup(a, buf_str(&b)), &d), a, &d);
	CHECK(!d.nerrors);
	buf_free(&b);
	return p;
}

/* ---- all packets ---- */

static void test_every_packet(const struct slices *l)
{
	static const enum family families[] = {FAM_IP4, FAM_IP6};

	for (int f = 0; f < 2; f++) {
		u128 from = 0, last = u128_max(f ? 128 : 32);
		size_t seen = 0;

		for (size_t i = 0; i < l->n; i++) {
			if (l->v[i].family != families[f])
				continue;
			CHECK(l->v[i].of.lo == from && l->v[i].of.hi >= from);
			from = l->v[i].of.hi + 1;
			seen++;
		}
		CHECK(seen > 1 && from == (f ? 0 : last + 1));
	}
}

static bool has(const struct ivset *s, struct ival of)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].lo <= of.hi && of.lo <= s->v[i].hi)
			return true;
	return false;
}

/* Each rule is here about one address. */
static void test_rules(const struct policy *p, const struct slices *l)
{
	size_t wrong = 0;

	for (size_t i = 0; i < l->n; i++) {
		for (size_t k = 0; k < p->rules.n; k++) {
			const struct addrs *s = &p->rules.v[k].from.items.v[0].addrs;
			bool in = has(l->v[i].family == FAM_IP4 ? &s->v4 : &s->v6, l->v[i].of);

			wrong += in != slice_has_rule(&l->v[i], &p->rules.v[k]);
		}
	}
	SAME_NUMBER(wrong, 0);
}

/* ---- elements, against all addresses of eight bits ---- */

static bool may_hold(const struct ir_sel *sel, const struct ir_elem *e, struct ival of)
{
	for (u128 x = of.lo; x <= of.hi; x++) {
		u128 seen = sel->mask[0] ? x & sel->mask[0] : x;

		if (seen >= e->key[0].lo && seen <= e->key[0].hi)
			return true;
	}
	return false;
}

static void test_elements(void)
{
	size_t left_out = 0, in = 0, kept = 0;

	for (int i = 0; i < 20000; i++) {
		u128 a = next() % 256, b = next() % 256, c = next() % 256, d = next() % 256;
		struct slice s = {DIM_SADDR, FAM_IP4, {a < b ? a : b, a < b ? b : a}};
		struct ir_sel sel = {.n = 1, .f = {F_IP_SADDR}};
		struct ir_elem e = {.key = {{c < d ? c : d, c < d ? d : c}}};
		bool may;

		sel.mask[0] = i % 2 ? next() % 256 : 0;
		if (i % 4 == 1) /* a key, as maps with masks have it */
			e.key[0].lo = e.key[0].hi = c & sel.mask[0];
		may = may_hold(&sel, &e, s.of);
		left_out += may && !slice_has_elem(&s, &sel, &e);
		in += may;
		kept += slice_has_elem(&s, &sel, &e);
		sel.f[0] = F_IP_DADDR; /* that says nothing of sources */
		left_out += !slice_has_elem(&s, &sel, &e);
	}
	SAME_NUMBER(left_out, 0);
	CHECK(in > 5000 && kept < 20000 && kept < in + in / 2);
}

/* ---- a proof ---- */

static enum proof_state proved(const struct policy *p, const struct ir_ruleset *r)
{
	struct arena *a = arena_new();
	struct proof_result result;

	prove_ruleset(&result, a, p, r, (struct dd_budget){0});
	arena_free(a);
	return result.state;
}

/* One after the other, the verdicts of three elements that decide. */
static void test_proof(struct policy *p, struct ir_ruleset *r)
{
	VEC(struct ir_verdict *) all = {0};

	for (size_t i = 0; i < r->sets.n; i++)
		for (size_t k = 0; k < r->sets.v[i]->elems.n; k++)
			if (r->sets.v[i]->elems.v[k].verdict.kind == V_ACCEPT)
				vec_push(p->arena, &all, &r->sets.v[i]->elems.v[k].verdict);
	CHECK(all.n >= p->rules.n / 3);
	CHECK(proved(p, r) == PROOF_EQUAL);
	for (size_t i = 0; all.n && i < 3; i++) {
		struct ir_verdict *v = all.v[i * (all.n - 1) / 2];

		v->kind = V_DROP;
		CHECK(proved(p, r) == PROOF_DIFFERENT);
		v->kind = V_ACCEPT;
	}
}

int main(void)
{
	struct arena *a = arena_new();
	struct slices l;
	struct policy *p;
	struct diag d;

	setenv("FWC_SLICE_RULES", "8", 1); /* of which builds that are no tests take no notice */
	diag_init(&d, a);
	p = policy_of(a, 40);
	slices_of(a, p, &l);
	if (!l.n) {
		p = policy_of(a, 2500);
		slices_of(a, p, &l);
	}
	CHECK(l.n && l.v[0].d == DIM_SADDR);
	test_every_packet(&l);
	test_rules(p, &l);
	test_elements();
	test_proof(p, ruleset_lower(p, a, &d));
	arena_free(a);
	return test_end();
}
