/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which rules decide, and which could go.
 *
 * A list is composed as a tree, each node the function of its rules. From the root down each node
 * is told what is decided before it and what comes after it, both only for the packets that it
 * speaks of: so near the leaves little is left to look at.
 */
#include "space/findings.h"

#include <stdlib.h>

#include "policy/known.h"
#include "space/findings_shown.h"
#include "util/progress.h"

#define NOTES_MAX 3
#define NEAR_MAX 40 /* on average, for the first way */
#define SHOW_MAX 4000 /* rules that are tried by packets first: each packet meets them all */
#define DETAILS_MAX 20 /* findings of a hook that say which other rules are to blame */

static const enum station hooks[] = {AT_INPUT, AT_FORWARD, AT_OUTPUT};
static const enum station nat_hooks[] = {NAT_PREROUTING, NAT_OUTPUT, NAT_POSTROUTING};

struct use { /* of one rule, over all hooks */
	bool applies; /* some packet matches it */
	bool decides; /* ... that no earlier rule decides */
	bool needed; /* ... and would fare otherwise without it */
	enum station dead_at, needless_at;
};

struct node { /* rules [lo, hi) */
	size_t lo, hi;
	size_t left, right;
	dd_ref says;
};

struct tree {
	struct mean *m;
	enum station at;
	const dd_ref *leaf;
	VEC(struct node) nodes;
	struct use *use;
	dd_ref fresh; /* packets that the list is asked about at all */
};

static uint32_t to_decided(void *ctx, uint32_t v)
{
	(void)ctx;
	return v && !(v & DD_OPEN);
}

/* 1 where it decides. */
static dd_ref decided(struct mean *m, dd_ref says)
{
	return dd_map(m->dd, says, to_decided, NULL);
}

static size_t build(struct tree *t, size_t lo, size_t hi)
{
	struct node n = {.lo = lo, .hi = hi};

	if (hi - lo == 1) {
		n.says = t->leaf[lo];
	} else {
		n.left = build(t, lo, lo + (hi - lo) / 2);
		n.right = build(t, lo + (hi - lo) / 2, hi);
		n.says = dd_seq(t->m->dd, t->nodes.v[n.left].says, t->nodes.v[n.right].says);
	}
	vec_push(t->m->arena, &t->nodes, n);
	return t->nodes.n - 1;
}

static void judge_leaf(struct tree *t, const struct node *n, dd_ref match, dd_ref before,
		       dd_ref after)
{
	struct use *u = &t->use[n->lo];
	struct dd *d = t->m->dd;
	dd_ref reach = dd_and(d, match, dd_not(d, decided(t->m, before)));

	reach = dd_and(d, reach, t->fresh);
	u->applies = u->applies || dd_and(d, match, t->fresh) != DD_FALSE;
	if (reach == DD_FALSE) {
		u->dead_at = t->at;
		return;
	}
	u->decides = true;
	if (dd_restrict(d, reach, n->says) == dd_restrict(d, reach, after))
		u->needless_at = t->at;
	else
		u->needed = true;
}

/* Nothing will be said of it, whatever else is found. */
static bool is_settled(const struct use *u)
{
	return u->decides && u->needed;
}

static bool all_settled(const struct use *use, size_t lo, size_t hi)
{
	while (lo < hi && is_settled(&use[lo]))
		lo++;
	return lo == hi;
}

static void visit(struct tree *t, size_t i, dd_ref before, dd_ref after)
{
	const struct node n = t->nodes.v[i];
	struct dd *d = t->m->dd;
	dd_ref match;

	if (all_settled(t->use, n.lo, n.hi))
		return;
	if (n.says == DD_UNDECIDED || n.says == DD_EXHAUSTED || before == DD_EXHAUSTED ||
	    after == DD_EXHAUSTED)
		return;
	match = dd_not(d, dd_not(d, n.says));
	before = dd_restrict(d, match, before);
	after = dd_restrict(d, match, after);
	if (n.hi - n.lo == 1) {
		judge_leaf(t, &n, match, before, after);
		return;
	}
	visit(t, n.left, before, dd_seq(d, t->nodes.v[n.right].says, after));
	visit(t, n.right, dd_seq(d, before, t->nodes.v[n.left].says), after);
}

/* ---- few others ---- */

struct near { /* rules that may share a packet with one, in order */
	VEC(uint32_t) before, after;
};

struct hull { /* of the addresses of one family that a rule goes to, or comes from */
	u128 lo, hi;
	uint32_t rule;
};

struct finding_near { /* of rules, or of translations */
	const struct policy *p;
	bool nat;
	struct arena *arena;
	struct near *near;
	size_t n, total, most;
	bool by_source[2]; /* in the order of which addresses, for either family */
};

/* NULL: of a hairpin, which is for others, too. */
static const struct endpoint *side_of(const struct finding_near *f, size_t i, bool source)
{
	const struct nat *n = f->nat ? &f->p->nats.v[i] : NULL;

	if (!n)
		return source ? &f->p->rules.v[i].from : &f->p->rules.v[i].to;
	return n->hairpin ? NULL : source ? &n->from : &n->to;
}

static bool hull_of(const struct endpoint *e, int ip6, struct hull *h)
{
	const struct place_item *item;
	bool some = false;

	h->lo = 0;
	h->hi = u128_max(128);
	if (!e)
		return true;
	vec_each (&e->items, item) {
		const struct addrs *s = &item->addrs;
		const struct ivset *v = ip6 ? &s->v6 : &s->v4;
		u128 lo = 0, hi = u128_max(128);

		if (!s->all && !addrs_open(s) && !s->suffixed.n && (s->v4.n || s->v6.n)) {
			if (!v->n)
				continue;
			lo = v->v[0].lo;
			hi = v->v[v->n - 1].hi;
		}
		h->lo = some && h->lo < lo ? h->lo : lo;
		h->hi = some && h->hi > hi ? h->hi : hi;
		some = true;
	}
	return some;
}

static int hull_cmp(const void *a, const void *b)
{
	const struct hull *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

static int number_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool seen_in_ip4(const struct finding_near *f, uint32_t a, uint32_t b)
{
	struct hull x, y;

	return hull_of(side_of(f, a, f->by_source[0]), 0, &x) &&
	       hull_of(side_of(f, b, f->by_source[0]), 0, &y) && x.lo <= y.hi && y.lo <= x.hi;
}

static bool may_share(const struct finding_near *f, uint32_t a, uint32_t b)
{
	const struct policy *p = f->p;

	if (!f->nat)
		return rules_meet(&p->rules.v[a], &p->rules.v[b]);
	return known_meet_ports(&known_nats(p)[a], &known_nats(p)[b].ports) &&
	       nats_meet(&p->nats.v[a], &p->nats.v[b]);
}

/* Two of them, one behind the other, with addresses of one family that may be the same. */
static void look_at_two(struct finding_near *f, uint32_t a, uint32_t b, int ip6)
{
	if ((ip6 && seen_in_ip4(f, a, b)) || !may_share(f, a, b))
		return;
	vec_push(f->arena, &f->near[a].after, b);
	vec_push(f->arena, &f->near[b].before, a);
	f->total++;
}

static size_t hulls(const struct finding_near *f, bool source, int ip6, struct hull *h)
{
	size_t m = 0;

	for (size_t i = 0; i < f->n; i++) {
		h[m].rule = (uint32_t)i;
		m += hull_of(side_of(f, i, source), ip6, &h[m]);
	}
	qsort(h, m, sizeof(*h), hull_cmp);
	return m;
}

/* How many pairs overlap, or enough to know that they are more than `most`. */
static size_t overlaps(const struct hull *h, size_t m, size_t most)
{
	size_t pairs = 0;

	for (size_t i = 0; i < m && pairs <= most; i++)
		for (size_t k = i + 1; k < m && h[k].lo <= h[i].hi && pairs <= most; k++)
			pairs++;
	return pairs;
}

static void find_near_in(struct finding_near *f, int ip6, struct hull *h)
{
	size_t m = hulls(f, false, ip6, h);

	/* of what is translated, the sources may tell more apart */
	f->by_source[ip6] = f->nat && overlaps(h, m, f->most) > f->most;
	if (f->by_source[ip6])
		m = hulls(f, true, ip6, h);
	for (size_t i = 0; i < m && f->total <= f->most; i++)
		for (size_t k = i + 1; k < m && h[k].lo <= h[i].hi && f->total <= f->most; k++)
			look_at_two(f, h[i].rule < h[k].rule ? h[i].rule : h[k].rule,
				    h[i].rule < h[k].rule ? h[k].rule : h[i].rule, ip6);
}

/* NULL if they are many. Rules that share a packet share the address that it goes to, and the one
 * that it comes from: in the order of these, each is compared with those that begin before it ends.
 */
static struct near *find_near(const struct policy *p, struct arena *a, bool nat)
{
	size_t n = nat ? p->nats.n : p->rules.n;
	struct finding_near f = {.p = p, .nat = nat, .arena = a, .n = n, .most = NEAR_MAX * n};
	struct hull *h = aligned_alloc(16, (n + 1) * sizeof(*h));

	if (!h)
		abort();
	f.near = arena_alloc(a, (n + 1) * sizeof(*f.near));
	for (int ip6 = 0; ip6 < 2; ip6++)
		find_near_in(&f, ip6, h);
	free(h);
	for (size_t i = 0; i < n; i++) {
		struct near *x = &f.near[i];

		if (x->before.n)
			qsort(x->before.v, x->before.n, sizeof(*x->before.v), number_cmp);
		if (x->after.n)
			qsort(x->after.v, x->after.n, sizeof(*x->after.v), number_cmp);
	}
	return f.total > f.most ? NULL : f.near;
}

static dd_ref sequence_of(struct tree *t, const uint32_t *v, size_t n, dd_ref match)
{
	VEC(dd_ref) parts = {0};

	for (size_t i = 0; i < n; i++)
		vec_push(t->m->arena, &parts, dd_restrict(t->m->dd, match, t->leaf[v[i]]));
	return mean_sequence(t->m, parts.v, parts.n);
}

static void judge_by_near(struct tree *t, const struct near *near, size_t n, dd_ref last)
{
	struct shown s = {.m = t->m, .leaf = t->leaf, .n = n, .fresh = t->fresh, .last = last};
	struct dd *d = t->m->dd;

	shown_init(&s);
	for (size_t i = 0; i < n; i++) {
		const struct near *x = &near[i];
		struct shown_others o = {x->before.v, x->after.v, x->before.n, x->after.n};
		struct node leaf = {.lo = i, .hi = i + 1, .says = t->leaf[i]};
		struct use *u = &t->use[i];
		dd_ref match, before, after;

		if (leaf.says == DD_UNDECIDED || leaf.says == DD_EXHAUSTED || is_settled(u))
			continue;
		if (shown_beside(&s, i, &o)) {
			u->applies = u->decides = u->needed = true;
			continue;
		}
		match = dd_not(d, dd_not(d, leaf.says));
		before = sequence_of(t, x->before.v, x->before.n, match);
		after = sequence_of(t, x->after.v, x->after.n, match);
		judge_leaf(t, &leaf, match, before, dd_seq(d, after, dd_restrict(d, match, last)));
	}
}

/* ---- one hook ---- */

/* Possible packets that get to the list. It would be dear to compose the list of only these: it is
 * composed of all, and what is left of a rule in the end is looked at within them. */
static dd_ref fresh_at(struct mean *m, const struct policy *p, enum station at)
{
	struct dd *d = m->dd;
	dd_ref new = dd_or(d, schema_one(&m->schema, DIM_CT_STATE, CT_NEW),
			   schema_one(&m->schema, DIM_CT_STATE, CT_UNTRACKED));

	new = dd_and(d, new, mean_tracked_icmp(m));
	new = dd_and(d, new, schema_possible(&m->schema, at));
	if (at <= AT_OUTPUT)
		new = dd_and(d, new, dd_not(d, decided(m, mean_before_rules(m, p, at))));
	return new;
}

static dd_ref leaf_at(struct mean *m, const struct policy *p, size_t i, enum station at)
{
	return at >= NAT_PREROUTING ? mean_nat(m, p, i, at) : mean_rule(m, p, i, at);
}

static dd_ref *leaves(struct mean *m, const struct policy *p, enum station at, size_t *n)
{
	bool nat = at >= NAT_PREROUTING;
	dd_ref *leaf;

	*n = nat ? p->nats.n : p->rules.n;
	leaf = arena_alloc(m->arena, (*n + 1) * sizeof(*leaf));
	for (size_t i = 0; i < *n; i++)
		leaf[i] = leaf_at(m, p, i, at);
	return leaf;
}

/* By packets alone: many rules are done with then, and what is left has few others to meet. */
static void show_at(struct tree *t, size_t n, dd_ref last)
{
	struct shown s = {.m = t->m, .leaf = t->leaf, .n = n, .fresh = t->fresh, .last = last};

	shown_init(&s);
	for (size_t i = 0; i < n; i++) {
		struct use *u = &t->use[i];

		if (!is_settled(u) && t->leaf[i] != DD_UNDECIDED && t->leaf[i] != DD_EXHAUSTED &&
		    shown_use(&s, i))
			u->applies = u->decides = u->needed = true;
	}
}

static bool use_at(const struct policy *p, struct arena *a, struct dd_budget budget,
		   enum station at, const struct near *near, bool show, struct use *use)
{
	bool nat = at >= NAT_PREROUTING;
	struct tree t = {.at = at, .use = use};
	dd_ref last = DD_UNDECIDED;
	struct mean m;
	bool whole;
	size_t n;

	if (all_settled(use, 0, nat ? p->nats.n : p->rules.n))
		return true;
	mean_init(&m, a, budget);
	schema_add_policy(&m.schema, p);
	t.fresh = fresh_at(&m, p, at);
	t.m = &m;
	t.leaf = leaves(&m, p, at, &n);
	if (!nat)
		last = mean_outcome(&m, FATE_DROP, NULL, NULL);
	if (show)
		show_at(&t, n, last);
	else if (n && near)
		judge_by_near(&t, near, n, last);
	else if (n)
		visit(&t, build(&t, 0, n), DD_UNDECIDED, last);
	whole = !dd_exhausted(m.dd);
	mean_free(&m);
	return whole;
}

/* ---- words ---- */

struct culprits {
	struct mean *m;
	const struct policy *p;
	enum station at;
	struct {
		dd_ref says;
		bool made;
	} * leaves; /* those that were asked for */
	size_t n;
	size_t told;
	dd_ref fresh;
};

static dd_ref leaf_of(struct culprits *c, size_t i)
{
	if (!c->leaves[i].made) {
		c->leaves[i].says = leaf_at(c->m, c->p, i, c->at);
		c->leaves[i].made = true;
	}
	return c->leaves[i].says;
}

static struct span span_of(const struct culprits *c, size_t i)
{
	return c->at >= NAT_PREROUTING ? c->p->nats.v[i].span : c->p->rules.v[i].span;
}

/* What there is to take away; of a dnat its allow alone. */
static struct span words_of(const struct culprits *c, size_t i)
{
	bool is_rule = c->at < NAT_PREROUTING;

	return is_rule && c->p->rules.v[i].of_dnat ? c->p->rules.v[i].verb_span : span_of(c, i);
}

static bool apart(const struct culprits *c, size_t i, size_t k)
{
	return c->at < NAT_PREROUTING && !rules_meet(&c->p->rules.v[i], &c->p->rules.v[k]);
}

/* The rules of [from, to) that together decide the region, in their order. */
static void name_deciders(struct culprits *c, struct diag *diag, struct diag_record *r,
			  dd_ref region, size_t rule, size_t from, size_t to, const char *text)
{
	struct dd *d = c->m->dd;
	size_t more = 0, said = 0;

	if (c->told++ >= DETAILS_MAX)
		return;
	region = dd_and(d, region, c->fresh);
	for (size_t i = from; i < to && region != DD_FALSE && region != DD_EXHAUSTED; i++) {
		dd_ref by;

		if (apart(c, rule, i) || dd_disjoint(d, region, leaf_of(c, i)))
			continue;
		by = dd_and(d, region, decided(c->m, leaf_of(c, i)));
		region = dd_and(d, region, dd_not(d, by));
		if (said++ < NOTES_MAX)
			diag_note(diag, r, span_of(c, i), "%s", text);
		else
			more++;
	}
	if (more)
		diag_hint(diag, r, "and %zu more rule%s", more, more == 1 ? "" : "s");
	else if (region != DD_FALSE && to == c->n && c->at < NAT_PREROUTING)
		diag_hint(diag, r, "what no rule allows is dropped anyway");
}

static const char *name_of(const struct culprits *c, size_t i)
{
	if (c->at < NAT_PREROUTING)
		return c->p->rules.v[i].of_dnat ? "rule, which dnat writes," : "rule";
	if (!c->p->nats.v[i].netmap)
		return "translation";
	return c->p->nats.v[i].kind == NAT_SNAT ? "netmap, for what FROM opens,"
						: "netmap, for what TO opens,";
}

/* A sub-zone on that side, and an earlier list that holds the zone that it is within. */
static const struct zone *part_hidden_by(const struct policy *p, const struct endpoint *earlier,
					 const struct endpoint *e)
{
	const struct place_item *whole, *i;

	vec_each (&e->items, i) {
		const struct zone *z =
			i->at == AT_ZONE && i->zone >= 0 ? &p->zones.v[i->zone] : NULL;

		vec_each (&earlier->items, whole)
			if (z && z->sub.is && item_at(whole, z->sub.within) &&
			    item_at(whole, i->zone))
				return z;
	}
	return NULL;
}

/* What is in a sub-zone is in its zone, too. */
static const struct zone *hidden_part(const struct culprits *c, size_t i)
{
	const struct policy *p = c->p;
	const struct zone *z = NULL;
	bool nat = c->at >= NAT_PREROUTING;

	for (size_t k = 0; k < i && !z; k++) {
		if (apart(c, k, i))
			continue;
		z = nat ? part_hidden_by(p, &p->nats.v[k].from, &p->nats.v[i].from)
			: part_hidden_by(p, &p->rules.v[k].from, &p->rules.v[i].from);
		if (!z)
			z = nat ? part_hidden_by(p, &p->nats.v[k].to, &p->nats.v[i].to)
				: part_hidden_by(p, &p->rules.v[k].to, &p->rules.v[i].to);
	}
	return z;
}

static void report_dead(struct culprits *c, struct diag *diag, size_t i)
{
	struct diag_record *r =
		diag_warning(diag, words_of(c, i),
			     "this %s has no effect: earlier %s decide every packet it matches",
			     name_of(c, i), c->at >= NAT_PREROUTING ? "ones" : "rules");
	const struct zone *part = hidden_part(c, i);
	const char *whole = !part			     ? NULL
			    : part->sub.within == PLACE_SELF ? "self"
							     : c->p->zones.v[part->sub.within].name;

	name_deciders(c, diag, r, dd_not(c->m->dd, dd_not(c->m->dd, leaf_of(c, i))), i, 0, i,
		      "decides them, or some of them");
	if (part)
		diag_hint(diag, r,
			  "what is in '%s' is in '%s', too: write this above what is of '%s'",
			  part->name, whole, whole);
}

static void report_needless(struct culprits *c, struct diag *diag, size_t i)
{
	struct diag_record *r;
	struct dd *d = c->m->dd;
	dd_ref region = dd_not(d, dd_not(d, leaf_of(c, i)));

	for (size_t k = 0; c->told < DETAILS_MAX && k < i; k++)
		if (!apart(c, i, k))
			region = dd_and(d, region, dd_not(d, decided(c->m, leaf_of(c, k))));
	r = diag_remark(diag, words_of(c, i), "this %s is redundant: removing it changes nothing",
			name_of(c, i));
	name_deciders(c, diag, r, region, i, i + 1, c->n, "decides the same");
}

/* Also of what this machine sends and others translate: that is judged in postrouting, which is
 * not looked at here. */
static bool is_of_sent(const struct rule *r)
{
	const struct place_item *item;

	vec_each (&r->from.items, item)
		if (r->published && item_has(item, PLACE_SELF))
			return true;
	return false;
}

/* Rules that have no use, by the hook where their story is told. */
static void report_at(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget,
		      enum station at, const struct use *use, size_t n)
{
	struct culprits c = {.p = p, .at = at};
	struct mean m = {0};

	for (size_t i = 0; i < n; i++) {
		bool dead = use[i].applies && !use[i].decides && use[i].dead_at == at;
		bool needless = use[i].decides && !use[i].needed && use[i].needless_at == at;

		if ((!dead && !needless) || (at < NAT_PREROUTING && is_of_sent(&p->rules.v[i])))
			continue;
		if (!c.leaves) {
			mean_init(&m, a, budget);
			schema_add_policy(&m.schema, p);
			c.fresh = fresh_at(&m, p, at);
			c.m = &m;
			c.n = at >= NAT_PREROUTING ? p->nats.n : p->rules.n;
			c.leaves = arena_alloc(a, c.n * sizeof(*c.leaves));
		}
		if (dead)
			report_dead(&c, diag, i);
		else
			report_needless(&c, diag, i);
	}
	if (c.leaves)
		mean_free(&m);
}

static bool look_at(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget,
		    const enum station *at, size_t n, bool nat)
{
	struct use *use = arena_alloc(a, (n + 1) * sizeof(*use));
	const struct near *near = find_near(p, a, nat);
	bool whole = true;

	for (int h = 0; !near && n <= SHOW_MAX && h < 3; h++)
		whole = use_at(p, a, budget, at[h], NULL, true, use) && whole;
	for (int h = 0; h < 3; h++)
		whole = use_at(p, a, budget, at[h], near, false, use) && whole;
	if (!whole)
		return false;
	for (int h = 0; h < 3; h++)
		report_at(p, a, diag, budget, at[h], use, n);
	for (size_t i = 0; !nat && i < n; i++)
		if (!use[i].applies && !is_of_sent(&p->rules.v[i]) &&
		    !p->rules.v[i].q.absent) /* that was said */
			diag_warning(diag, p->rules.v[i].span, "no packet can match this rule%s",
				     rule_never(&p->rules.v[i]));
	return true;
}

static bool look(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget)
{
	return look_at(p, a, diag, budget, hooks, p->rules.n, false) &&
	       look_at(p, a, diag, budget, nat_hooks, p->nats.n, true) &&
	       findings_nats(p, a, diag, budget) && findings_marks(p, a, diag, budget) &&
	       findings_untracked(p, a, diag, budget) && findings_guards(p, a, diag, budget);
}

bool findings_rules(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget)
{
	bool whole;

	progress_begin(PROGRESS_FINDINGS, 0);
	whole = look(p, a, diag, budget);
	progress_end();
	return whole;
}
