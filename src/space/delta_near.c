/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two rulesets, side by side from their base chains -> elements and rules that one has and the
 * other lacks -> the packets that these match, and what else these packets can meet.
 *
 * A packet that matches none of them meets the same rules in the same order on both sides.
 */
#include "space/delta_near.h"

#include <stdlib.h>
#include <string.h>

#include "nft/compare.h"
#include "space/mean_match.h"

#define BOXES_MAX 64
#define SHORT 16 /* elements of a map that are not worth looking at */

/* Packets that an element or a rule matches. */
struct box {
	const struct ir_ruleset *of;
	const struct ir_sel *sel; /* and */
	const struct ir_elem *elem; /* NULL: the rule's matches before it does anything */
	const struct ir_rule *rule;
	struct ival v[NFIELDS]; /* what is known of it, where known[] */
	bool known[NFIELDS];
};

struct pairing {
	struct arena *arena;
	const struct ir_ruleset *side[2];
	VEC(struct box *) boxes;
	struct map seen; /* "CHAIN CHAIN" */
	bool all; /* they may differ anywhere */
};

/* ---- boxes ---- */

static bool is_number(enum field f)
{
	switch (field_table[f].format) {
	case FMT_IP4:
	case FMT_IP6:
	case FMT_IFNAME:
	case FMT_L4PROTO:
	case FMT_NFPROTO:
	case FMT_ICMP:
	case FMT_ICMPV6:
		return true;
	case FMT_NUMBER: /* what is on the packet, that is ports */
		return field_table[f].bits == 16;
	default:
		return false;
	}
}

/* The values of a field that, masked, are in that interval; false if it takes more than one. */
static bool unmask(const struct ir_sel *sel, int i, const struct ival *key, struct ival *out)
{
	unsigned bits = field_table[sel->f[i]].bits;
	u128 ones = bits == 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
	u128 open = sel->mask[i] ? ~sel->mask[i] & ones : 0;

	if (!is_number(sel->f[i]) || (open & (open + 1)))
		return false;
	*out = (struct ival){key->lo, key->hi | open};
	return true;
}

static void know(struct box *b, enum field f, struct ival v)
{
	b->v[f] = v;
	b->known[f] = true;
}

static struct box *new_box(struct pairing *p, int side)
{
	struct box *b = arena_new_of(p->arena, struct box);

	b->of = p->side[side];
	vec_push(p->arena, &p->boxes, b);
	p->all |= p->boxes.n > BOXES_MAX;
	return b;
}

static void add_elem(struct pairing *p, int side, const struct ir_sel *sel, const struct ir_elem *e)
{
	struct box *b = new_box(p, side);
	struct ival v;

	b->sel = sel;
	b->elem = e;
	if (e->order == IR_ORDER_LAST)
		p->all = true;
	for (int i = 0; i < sel->n; i++) {
		if (sel->f[i] == F_MARK || sel->f[i] == F_CT_MARK) /* as it is on the way */
			p->all = true;
		if (unmask(sel, i, &e->key[i], &v))
			know(b, sel->f[i], v);
	}
}

static bool is_plain_match(const struct ir_stmt *s)
{
	return s->kind == IR_MATCH && s->match.op == OP_EQ && !s->match.set &&
	       s->match.sel.n == 1 && !s->match.sel.mask[0] && is_number(s->match.sel.f[0]);
}

static void add_rule(struct pairing *p, int side, const struct ir_rule *r)
{
	struct box *b = new_box(p, side);
	const struct ir_stmt *s;
	const struct ir_elem *e;

	b->rule = r;
	vec_each (&r->stmts, s) {
		if (s->kind != IR_MATCH)
			break;
		for (int i = 0; i < s->match.sel.n; i++)
			if (s->match.sel.f[i] == F_MARK || s->match.sel.f[i] == F_CT_MARK)
				p->all = true;
		if (is_plain_match(s)) {
			struct ival hull = {~(u128)0, 0};

			vec_each (&s->match.values, e) {
				hull.lo = e->key[0].lo < hull.lo ? e->key[0].lo : hull.lo;
				hull.hi = e->key[0].hi > hull.hi ? e->key[0].hi : hull.hi;
			}
			know(b, s->match.sel.f[0], hull);
		}
	}
	if (s == r->stmts.v) /* it begins with what it does to every packet */
		p->all = true;
}

static dd_ref box_region(struct mean *m, const struct box *b)
{
	dd_ref all = DD_TRUE;
	const struct ir_stmt *s;

	if (b->elem)
		return match_elem(m, b->sel, b->elem);
	vec_each (&b->rule->stmts, s) {
		if (s->kind != IR_MATCH)
			break;
		if (!s->match.set)
			all = dd_and(m->dd, all, match_stmt(m, s, NULL));
	}
	return all;
}

/* ---- pairs ---- */

static void pair_chains(struct pairing *p, const char *x, const char *y);

static void pair_verdicts(struct pairing *p, const struct ir_sel *sel, const struct ir_elem *x,
			  const struct ir_elem *y)
{
	if (x->verdict.kind != y->verdict.kind || x->gated != y->gated) {
		add_elem(p, 0, sel, x);
		add_elem(p, 1, sel, y);
	} else if (x->verdict.target) {
		pair_chains(p, x->verdict.target, y->verdict.target);
	}
}

static int key_cmp(const struct ir_elem *x, const struct ir_elem *y)
{
	return memcmp(x->key, y->key, sizeof(x->key));
}

static int elem_cmp(const void *a, const void *b)
{
	return key_cmp(*(const struct ir_elem *const *)a, *(const struct ir_elem *const *)b);
}

struct sorted {
	const struct ir_elem **v;
	size_t n;
};

static struct sorted sort(struct pairing *p, const struct ir_elems *in)
{
	struct sorted out = {arena_alloc(p->arena, (in->n + 1) * sizeof(*out.v)), in->n};

	for (size_t i = 0; i < in->n; i++)
		out.v[i] = &in->v[i];
	if (out.n > 1)
		qsort(out.v, out.n, sizeof(*out.v), elem_cmp);
	return out;
}

struct orders {
	uint32_t x, y;
};

static int orders_cmp(const void *a, const void *b)
{
	const struct orders *x = a, *y = b;

	return (x->x > y->x) - (x->x < y->x);
}

/* Elements that both have come in the same order on both sides. */
static bool same_order(struct orders *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), orders_cmp);
	for (size_t i = 1; i < n; i++)
		if (v[i].y < v[i - 1].y)
			return false;
	return true;
}

/* `found`: the first of several that share a packet decides. */
static void pair_elems(struct pairing *p, const struct ir_sel *sel, const struct ir_elems *x,
		       const struct ir_elems *y, bool by_order)
{
	struct sorted a = sort(p, x), b = sort(p, y);
	struct orders *both = arena_alloc(p->arena, (a.n + 1) * sizeof(*both));
	size_t i = 0, k = 0, n = 0;

	while ((i < a.n || k < b.n) && !p->all) {
		int c = i == a.n ? 1 : k == b.n ? -1 : key_cmp(a.v[i], b.v[k]);

		if (c < 0) {
			add_elem(p, 0, sel, a.v[i++]);
		} else if (c > 0) {
			add_elem(p, 1, sel, b.v[k++]);
		} else {
			both[n++] = (struct orders){a.v[i]->order, b.v[k]->order};
			pair_verdicts(p, sel, a.v[i++], b.v[k++]);
		}
	}
	if (by_order && !p->all && !same_order(both, n))
		p->all = true;
}

static void pair_sets(struct pairing *p, const struct ir_sel *sel, const char *x, const char *y)
{
	const struct ir_set *s = ruleset_set(p->side[0], x), *t = ruleset_set(p->side[1], y);
	const char *key = arena_printf(p->arena, "s:%s %s %d", x, y, sel->f[0]);

	if (map_get(&p->seen, key))
		return;
	map_put(&p->seen, key, p);
	if (s && t && ir_set_is_bulk(s) && ir_set_is_bulk(t)) /* other_lists() has seen them */
		return;
	if (!s || !t || s->dynamic != t->dynamic || s->interval != t->interval ||
	    s->nkeys != t->nkeys || s->is_map != t->is_map || (s->dynamic && strcmp(x, y)) ||
	    (ir_set_is_bulk(s) != ir_set_is_bulk(t)))
		p->all = true;
	else if (!s->dynamic)
		pair_elems(p, sel, &s->elems, &t->elems, s->interval && s->nkeys > 1);
}

/* Text without what is compared in another way. */
static const char *shape(struct pairing *p, const struct ir_rule *r)
{
	struct ir_rule copy = {0};
	const struct ir_stmt *s;

	vec_each (&r->stmts, s) {
		struct ir_stmt c = *s;

		if (c.kind == IR_VMAP) {
			c.vmap.map = c.vmap.map ? "named" : "elements";
			c.vmap.elems = (struct ir_elems){0};
		} else if (c.kind == IR_MATCH && c.match.set) {
			c.match.set = "named";
		} else if (c.kind == IR_VERDICT && c.verdict.target) {
			c.verdict.target = "chain";
		}
		vec_push(p->arena, &copy.stmts, c);
	}
	return canonical_rule(p->arena, &copy);
}

static bool same_shape(struct pairing *p, const struct ir_rule *x, const struct ir_rule *y)
{
	return x->stmts.n == y->stmts.n && !strcmp(shape(p, x), shape(p, y));
}

static const char *digest_of(const struct ir_set *s)
{
	return s && ir_set_is_bulk(s) ? s->bulk->elems->digest : "";
}

/* Long lists, which are in no elements: which addresses they do not share is not asked. */
static bool other_lists(const struct pairing *p, const struct ir_rule *x, const struct ir_rule *y)
{
	for (size_t i = 0; i < x->stmts.n; i++) {
		const struct ir_stmt *s = &x->stmts.v[i], *t = &y->stmts.v[i];
		const struct ir_set *a, *b;

		if (s->kind != IR_MATCH || t->kind != IR_MATCH || !s->match.set || !t->match.set)
			continue;
		a = ruleset_set(p->side[0], s->match.set);
		b = ruleset_set(p->side[1], t->match.set);
		if (strcmp(digest_of(a), digest_of(b)) != 0)
			return true;
	}
	return false;
}

static void pair_rules(struct pairing *p, const struct ir_rule *x, const struct ir_rule *y)
{
	if (other_lists(p, x, y)) {
		add_rule(p, 0, x);
		add_rule(p, 1, y);
	}
	for (size_t i = 0; i < x->stmts.n && !p->all; i++) {
		const struct ir_stmt *s = &x->stmts.v[i], *t = &y->stmts.v[i];

		if (s->kind != t->kind) /* told in another order */
			p->all = true;
		else if (s->kind == IR_VMAP && s->vmap.map)
			pair_sets(p, &s->vmap.sel, s->vmap.map, t->vmap.map);
		else if (s->kind == IR_VMAP)
			pair_elems(p, &s->vmap.sel, &s->vmap.elems, &t->vmap.elems, true);
		else if (s->kind == IR_MATCH && s->match.set)
			pair_sets(p, &s->match.sel, s->match.set, t->match.set);
		else if (s->kind == IR_VERDICT && s->verdict.target)
			pair_chains(p, s->verdict.target, t->verdict.target);
	}
}

/* Rules at both ends that correspond; what is between is in the way of every packet it matches. */
static void pair_lists(struct pairing *p, const struct ir_chain *x, const struct ir_chain *y)
{
	const struct ir_rule *a = x->rules.v, *b = y->rules.v;
	size_t n = x->rules.n, m = y->rules.n, from = 0;

	while (from < n && from < m && same_shape(p, &a[from], &b[from]))
		from++;
	while (n > from && m > from && same_shape(p, &a[n - 1], &b[m - 1])) {
		n--;
		m--;
	}
	for (size_t i = 0; i < from && !p->all; i++)
		pair_rules(p, &a[i], &b[i]);
	for (size_t i = n; i < x->rules.n && !p->all; i++)
		pair_rules(p, &a[i], &b[m + i - n]);
	for (size_t i = from; i < n && !p->all; i++)
		add_rule(p, 0, &a[i]);
	for (size_t i = from; i < m && !p->all; i++)
		add_rule(p, 1, &b[i]);
}

/* As deep as the kernel lets jumps nest. */
static void pair_chains(struct pairing *p, const char *x, const char *y)
{
	const struct ir_chain *c = ruleset_chain(p->side[0], x), *d = ruleset_chain(p->side[1], y);
	const char *key = arena_printf(p->arena, "c:%s %s", x, y);

	if (map_get(&p->seen, key) || p->all)
		return;
	map_put(&p->seen, key, p);
	if (c && d)
		pair_lists(p, c, d);
	else
		p->all = true;
}

static bool is_at(const struct ir_chain *c, enum station at)
{
	return c->base.hook && !strcmp(c->base.hook, station_table[at].hook) &&
	       !strcmp(c->base.type, station_table[at].type);
}

static void pair_base(struct pairing *p, int from, enum station at)
{
	struct ir_chain *const *c;

	vec_each (&p->side[from]->chains, c) {
		const struct ir_chain *d = ruleset_chain(p->side[!from], (*c)->name);

		if (!is_at(*c, at) || (!d && !(*c)->rules.n && !(*c)->base.policy_drop))
			continue;
		if (!d || !is_at(d, at) || d->base.priority != (*c)->base.priority ||
		    d->base.policy_drop != (*c)->base.policy_drop)
			p->all = true;
		else if (!from)
			pair_chains(p, (*c)->name, d->name);
	}
}

/* ---- what can meet a packet of the boxes ---- */

static bool meets(const struct box *b, const struct ir_sel *sel, const struct ir_elem *e)
{
	struct ival v;

	for (int i = 0; i < sel->n; i++) {
		enum field f = sel->f[i];

		if (b->known[f] && unmask(sel, i, &e->key[i], &v) &&
		    (v.lo > b->v[f].hi || b->v[f].lo > v.hi))
			return false;
	}
	return true;
}

static bool is_read(const struct ir_set *s)
{
	const struct ir_elem *e;

	if (s->dynamic || (s->type && strchr(s->type, '?')))
		return false;
	vec_each (&s->elems, e)
		if (e->gated || e->order == IR_ORDER_LAST || (e->comment && *e->comment == '?'))
			return false;
	return true;
}

static struct ir_set *near_set(struct pairing *p, const struct ir_set *s, const struct ir_sel *sel)
{
	struct ir_set *out = arena_new_of(p->arena, struct ir_set);
	const struct ir_elem *e;
	struct box *const *b;

	*out = *s;
	out->elems = (struct ir_elems){0};
	vec_each (&s->elems, e) {
		vec_each (&p->boxes, b) {
			if (meets(*b, sel, e)) {
				vec_push(p->arena, &out->elems, *e);
				break;
			}
		}
	}
	return out;
}

/* By what a set is asked for, everywhere: by another thing, perhaps masked, its elements are other
 * packets. */
static void note_asked(struct pairing *p, struct map *asked, const char *set,
		       const struct ir_sel *sel)
{
	const struct ir_sel *known = set ? map_get(asked, set) : NULL;
	static const struct ir_sel various = {0};

	if (set)
		map_put(asked, set,
			(void *)(known && memcmp(known, sel, sizeof(*sel)) ? &various : sel));
	(void)p;
}

static void find_asked(struct pairing *p, const struct ir_ruleset *r, struct map *asked)
{
	struct ir_chain *const *c;
	const struct ir_rule *rule;
	const struct ir_stmt *s;

	map_init(asked, p->arena);
	vec_each (&r->chains, c)
		vec_each (&(*c)->rules, rule)
			vec_each (&rule->stmts, s)
				if (s->kind == IR_VMAP)
					note_asked(p, asked, s->vmap.map, &s->vmap.sel);
				else if (s->kind == IR_MATCH)
					note_asked(p, asked, s->match.set, &s->match.sel);
}

static const struct ir_ruleset *near_ruleset(struct pairing *p, const struct ir_ruleset *r)
{
	struct ir_ruleset *out = arena_new_of(p->arena, struct ir_ruleset);
	const struct map_entry *e;
	struct map asked;

	find_asked(p, r, &asked);
	*out = *r;
	out->by_name = arena_new_of(p->arena, struct map);
	map_init(out->by_name, p->arena);
	memset(&out->sets, 0, sizeof(out->sets));
	vec_each (&r->by_name->entries, e) {
		const struct ir_sel *sel = e->key[0] == 's' ? map_get(&asked, e->key + 2) : NULL;
		struct ir_set *s = e->value;

		if (sel && sel->n && s->elems.n > SHORT && is_read(s))
			s = near_set(p, s, sel);
		map_put(out->by_name, e->key, e->key[0] == 's' ? s : e->value);
		if (e->key[0] == 's')
			vec_push(p->arena, &out->sets, s);
	}
	return out;
}

bool delta_near(struct mean *m, const struct ir_ruleset *x, const struct ir_ruleset *y,
		enum station at, dd_ref *within, const struct ir_ruleset *near[2])
{
	struct pairing p = {.arena = m->arena, .side = {x, y}};
	struct box *const *b;

	map_init(&p.seen, p.arena);
	p.all = x->dormant != y->dormant;
	pair_base(&p, 0, at);
	pair_base(&p, 1, at);
	if (p.all)
		return false;
	*within = DD_FALSE;
	vec_each (&p.boxes, b)
		*within = dd_or(m->dd, *within, box_region(m, *b));
	near[0] = near_ruleset(&p, x);
	near[1] = near_ruleset(&p, y);
	return true;
}
