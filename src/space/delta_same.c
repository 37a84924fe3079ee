/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two policies that are nearly the same: where they can differ at all. A packet that no changed
 * rule matches meets the same rules in the same order in both.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/known.h"
#include "space/delta.h"
#include "util/sha256.h"

/* ---- what a rule says, as bytes ---- */

static void put(struct buf *b, const void *p, size_t n)
{
	buf_add(b, p, n);
}

static void put_number(struct buf *b, uint64_t n)
{
	put(b, &n, sizeof(n));
}

static void put_set(struct buf *b, const struct ivset *s)
{
	put_number(b, s->n);
	if (s->n)
		put(b, s->v, s->n * sizeof(*s->v));
}

static void put_places(struct buf *b, const struct place_list *l)
{
	put_number(b, l->n);
	if (l->n)
		put(b, l->v, l->n * sizeof(*l->v));
}

static void put_suffix(struct buf *b, struct suffix s)
{
	put_number(b, s.bits);
	put(b, &s.value, sizeof(s.value));
}

static void put_suffixed(struct buf *b, const struct suffixed_list *l)
{
	const struct suffixed *s;

	put_number(b, l->n);
	vec_each (l, s) {
		put_set(b, &s->in);
		put_suffix(b, s->is);
		put_number(b, s->but.n);
		for (size_t i = 0; i < s->but.n; i++)
			put_suffix(b, s->but.v[i]);
	}
}

static void put_endpoint(struct buf *b, const struct endpoint *e)
{
	const struct place_item *i;

	put_number(b, e->items.n);
	vec_each (&e->items, i) {
		put_number(b, i->at);
		put_number(b, i->at == AT_ZONE ? (uint64_t)i->zone : 0);
		put_places(b, &i->zones);
		put_places(b, &i->but);
		put_number(b, i->addrs.all | (uint64_t)i->addrs.negated << 1);
		buf_puts(b, i->addrs.dyn ? i->addrs.dyn->name : "");
		for (size_t k = 0; k < i->addrs.nor.n; k++)
			buf_printf(b, " %s", i->addrs.nor.v[k]->name);
		buf_puts(b, i->addrs.bulk4 ? i->addrs.bulk4->digest : "");
		buf_puts(b, i->addrs.bulk6 ? i->addrs.bulk6->digest : "");
		put_set(b, &i->addrs.v4);
		put_set(b, &i->addrs.v6);
		put_number(b, i->addrs.broadcast);
		put_suffixed(b, &i->addrs.suffixed);
		put_set(b, &i->addrs.macs);
	}
}

/* The text as well: it names the rates and the lines in logs; a shared limit has its own. */
static const char *content(struct arena *a, const struct rule *r)
{
	char *hex = arena_alloc(a, SHA256_HEX);
	const struct sourced *x;
	struct buf b = {0};

	put_number(&b, r->verb);
	put_endpoint(&b, &r->from);
	put_endpoint(&b, &r->to);
	put_number(&b, r->services.any);
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		put_set(&b, &r->services.ports[i]);
	put_set(&b, &r->questions);
	put_set(&b, &r->services.protocols);
	put_set(&b, &r->services.icmp);
	put_set(&b, &r->services.icmpv6);
	put_set(&b, &r->services.icmp_codes);
	put_set(&b, &r->services.icmpv6_codes);
	vec_each (&r->services.sourced, x) {
		put_number(&b, (uint64_t)x->row);
		put_set(&b, &x->to);
		put_set(&b, &x->from);
	}
	put_number(&b, r->q.family);
	put_number(&b, r->twin);
	put_number(&b, r->q.has_user ? r->q.uid : UINT64_MAX);
	put_number(&b, r->q.has_group ? r->q.gid : UINT64_MAX);
	put_number(&b, r->q.absent);
	put_number(&b, r->q.limit.rate);
	put_number(&b, r->q.limit.unit);
	put_number(&b, r->q.limit.burst);
	put_number(&b, r->q.limit.per.source);
	put_number(&b, r->q.limit.per.prefix4 | (uint64_t)r->q.limit.per.prefix6 << 8);
	buf_puts(&b, r->text);
	sha256_hex(buf_str(&b), b.len, hex);
	buf_free(&b);
	return hex;
}

/* ---- the common rules: longest increasing run of those that are unique in both ---- */

struct pair {
	size_t a, b; /* the same rule */
};

struct pairs {
	struct pair *v;
	size_t n, cap;
};

static struct pairs unique_pairs(struct arena *a, const struct policy *p, const struct policy *q)
{
	struct map where;
	struct pairs out = {0};

	map_init(&where, a);
	for (size_t i = 0; i < p->rules.n; i++) {
		const char *key = content(a, &p->rules.v[i]);

		/* the twin number makes equal texts differ: a second one is another definition */
		map_put(&where, key, map_get(&where, key) ? (void *)UINTPTR_MAX : (void *)(i + 1));
	}
	for (size_t i = 0; i < q->rules.n; i++) {
		const char *key = content(a, &q->rules.v[i]);
		void *at = map_get(&where, key);

		if (!at || at == (void *)UINTPTR_MAX)
			continue;
		vec_push(a, &out, ((struct pair){(size_t)at - 1, i}));
		map_put(&where, key, (void *)UINTPTR_MAX);
	}
	return out;
}

/* Pairs come in the order of b; marks those of a longest run in which a increases as well. */
static void keep_in_order(struct arena *arena, const struct pairs *l, bool *keep)
{
	size_t *last = arena_alloc(arena, (l->n + 1) * sizeof(*last)); /* by length - 1 */
	size_t *before = arena_alloc(arena, (l->n + 1) * sizeof(*before));
	size_t longest = 0;

	for (size_t i = 0; i < l->n; i++) {
		size_t lo = 0, hi = longest;

		while (lo < hi) {
			size_t mid = (lo + hi) / 2;

			if (l->v[last[mid]].a < l->v[i].a)
				lo = mid + 1;
			else
				hi = mid;
		}
		before[i] = lo ? last[lo - 1] : SIZE_MAX;
		last[lo] = i;
		if (lo == longest)
			longest++;
	}
	for (size_t i = longest ? last[longest - 1] : SIZE_MAX; i != SIZE_MAX; i = before[i])
		keep[i] = true;
}

/* ---- everything but the rules ---- */

static bool same_subzone(const struct zone *x, const struct zone *y)
{
	const struct subzone *a = &x->sub, *b = &y->sub;

	if (a->is != b->is)
		return false;
	return !a->is || (a->within == b->within && a->absent == b->absent &&
			  a->ipsec == b->ipsec && a->has_mark == b->has_mark &&
			  a->mark == b->mark && a->mask == b->mask && a->has_user == b->has_user &&
			  a->uid == b->uid && a->has_group == b->has_group && a->gid == b->gid &&
			  ivset_covers(&x->net4, &y->net4) && ivset_covers(&y->net4, &x->net4) &&
			  ivset_covers(&x->net6, &y->net6) && ivset_covers(&y->net6, &x->net6));
}

static bool same_zones(const struct policy *p, const struct policy *q)
{
	if (p->zones.n != q->zones.n)
		return false;
	for (size_t z = 0; z < p->zones.n; z++) {
		const struct zone *x = &p->zones.v[z], *y = &q->zones.v[z];

		if (x->interfaces.n != y->interfaces.n || !same_subzone(x, y))
			return false;
		for (size_t i = 0; i < x->interfaces.n; i++)
			if (x->interfaces.v[i].name.lo != y->interfaces.v[i].name.lo ||
			    x->interfaces.v[i].name.hi != y->interfaces.v[i].name.hi)
				return false;
	}
	return true;
}

static bool same_clamps(const struct policy *p, const struct policy *q)
{
	struct buf x = {0}, y = {0};
	bool same;

	for (size_t i = 0; i < p->clamps.n; i++) {
		put_number(&x, p->clamps.v[i].mss);
		put_endpoint(&x, &p->clamps.v[i].from);
		put_endpoint(&x, &p->clamps.v[i].to);
	}
	for (size_t i = 0; i < q->clamps.n; i++) {
		put_number(&y, q->clamps.v[i].mss);
		put_endpoint(&y, &q->clamps.v[i].from);
		put_endpoint(&y, &q->clamps.v[i].to);
	}
	same = x.len == y.len && !memcmp(buf_str(&x), buf_str(&y), x.len);
	buf_free(&x);
	buf_free(&y);
	return same;
}

/* What they refuse, and the networks that antispoof goes by. */
static void put_guards(struct buf *b, const struct policy *p)
{
	const struct guard *g;
	const struct zone *z;

	vec_each (&p->guards, g) {
		put_number(b, g->kind);
		put_endpoint(b, &g->from);
		put_number(b, g->rule.twin);
		buf_puts(b, g->rule.text);
	}
	if (!p->guards.n)
		return;
	vec_each (&p->zones, z) {
		put_set(b, &z->routes4);
		put_set(b, &z->routes6);
	}
}

static bool same_guards(const struct policy *p, const struct policy *q)
{
	struct buf x = {0}, y = {0};
	bool same;

	put_guards(&x, p);
	put_guards(&y, q);
	same = x.len == y.len && !memcmp(buf_str(&x), buf_str(&y), x.len);
	buf_free(&x);
	buf_free(&y);
	return same;
}

static bool same_untracked(struct arena *a, const struct policy *p, const struct policy *q)
{
	if (p->untracked.n != q->untracked.n)
		return false;
	for (size_t i = 0; i < p->untracked.n; i++)
		if (strcmp(content(a, &p->untracked.v[i].there),
			   content(a, &q->untracked.v[i].there)) != 0)
			return false;
	return true;
}

static bool same_logs(const struct policy *p, const struct policy *q)
{
	for (int i = 0; i < LOGS; i++)
		if (p->logs[i].log.on != q->logs[i].log.on ||
		    (p->logs[i].log.on && strcmp(p->logs[i].text, q->logs[i].text) != 0))
			return false;
	return true;
}

static bool same_answers(const struct policy *p, const struct policy *q)
{
	for (int z = PLACE_OTHER; z < (int)p->zones.n; z++)
		if (z != PLACE_SELF && !(z >= 0 && p->zones.v[z].sub.is) &&
		    (policy_asks_dhcp(p, z, FAM_IP4) != policy_asks_dhcp(q, z, FAM_IP4) ||
		     policy_asks_dhcp(p, z, FAM_IP6) != policy_asks_dhcp(q, z, FAM_IP6) ||
		     policy_answers_dhcp(p, z, FAM_IP4) != policy_answers_dhcp(q, z, FAM_IP4) ||
		     policy_answers_dhcp(p, z, FAM_IP6) != policy_answers_dhcp(q, z, FAM_IP6) ||
		     policy_awaits_answers(p, z) != policy_awaits_answers(q, z) ||
		     policy_hears_groups(p, z) != policy_hears_groups(q, z)))
			return false;
	return policy_translates_self(p) == policy_translates_self(q);
}

/* ---- rules near changed ones ---- */

static void mark_near(const struct policy *p, bool *near, const struct policy *changed_in,
		      const bool *changed)
{
	const struct known_bounds *b = known_rules(p), *of = known_rules(changed_in);

	for (size_t c = 0; c < changed_in->rules.n; c++)
		for (size_t i = 0; changed[c] && i < p->rules.n; i++)
			near[i] = near[i] ||
				  (known_meet(&b[i], &of[c]) &&
				   rules_meet(&p->rules.v[i], &changed_in->rules.v[c]));
}

/* To changed rules of both. */
static struct numbers near_in(struct arena *a, const struct policy *in, const struct policy *p,
			      const struct policy *q, const struct delta_rules *d)
{
	bool *near = arena_alloc(a, in->rules.n + 1);
	struct numbers out = {0};

	mark_near(in, near, p, d->changed_a);
	mark_near(in, near, q, d->changed_b);
	for (size_t i = 0; i < in->rules.n; i++)
		if (near[i])
			vec_push(a, &out, (uint32_t)i);
	return out;
}

bool delta_rules(struct arena *a, const struct policy *p, const struct policy *q,
		 struct delta_rules *out)
{
	struct pairs same;
	bool *keep;

	if (!same_zones(p, q) || !same_clamps(p, q) || !same_guards(p, q) || !same_logs(p, q) ||
	    !same_untracked(a, p, q) || !same_answers(p, q))
		return false;
	out->changed_a = arena_alloc(a, p->rules.n + 1);
	out->changed_b = arena_alloc(a, q->rules.n + 1);
	memset(out->changed_a, true, p->rules.n);
	memset(out->changed_b, true, q->rules.n);
	same = unique_pairs(a, p, q);
	keep = arena_alloc(a, same.n + 1);
	keep_in_order(a, &same, keep);
	for (size_t i = 0; i < same.n; i++)
		if (keep[i])
			out->changed_a[same.v[i].a] = out->changed_b[same.v[i].b] = false;
	out->near[0] = near_in(a, p, p, q, out);
	out->near[1] = near_in(a, q, p, q, out);
	return true;
}
