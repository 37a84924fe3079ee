/* SPDX-License-Identifier: GPL-2.0-or-later
 * Sub-zones -> tests. What comes from a zone that has some, or goes there, is tested once for each
 *of them and sent on to the chains of the place that it is in: so a rule has the same shape there
 *as in any other zone. Only translations, which are a list, carry the tests themselves.
 *
 *	from-wan -> part-wan: meta secpath exists goto from-road; goto from-wan
 */
#include <string.h>

#include "nft/lower.h"

/* ---- names ---- */

/* "road-kids" */
static const char *parts_name(struct lower *l, int place)
{
	int root = place_root(l->p, place);
	const char *text = "";
	const struct zone *z;

	for (unsigned n = 0; (z = place_subzone(l->p, root, n)); n++)
		if (place_parts(l->p, place) >> n & 1)
			text = *text ? arena_printf(l->arena, "%s-%s", text, z->name) : z->name;
	return text;
}

const char *place_name(struct lower *l, int place)
{
	if (place == PLACE_SELF)
		return "self";
	if (place == PLACE_OTHER)
		return "other";
	return place < (int)l->p->zones.n ? l->p->zones.v[place].name : parts_name(l, place);
}

/* ---- one test ---- */

static enum family family_of(enum field f)
{
	if (f == F_IP_SADDR || f == F_IP_DADDR)
		return FAM_IP4;
	return f == F_IP6_SADDR || f == F_IP6_DADDR ? FAM_IP6 : FAM_NONE;
}

enum family rule_family(const struct ir_rule *r)
{
	const struct ir_stmt *s;

	vec_each (&r->stmts, s) {
		enum field f = s->match.sel.f[0];

		if (s->kind == IR_MATCH && family_of(f))
			return family_of(f);
		if (s->kind == IR_MATCH && f == F_NFPROTO && s->match.sel.n == 1)
			return s->match.values.v[0].key[0].lo == 2 ? FAM_IP4 : FAM_IP6;
	}
	return FAM_NONE;
}

static void negate(struct ir_rule *r, bool holds)
{
	if (!holds)
		r->stmts.v[r->stmts.n - 1].match.op = OP_NE;
}

/* In the networks, or not; an address that is of the other family is in none. Of all networks there
 * is no other one, and no look at an address: nft would write one that cannot be. */
static void by_network(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		       const struct zone *z, bool from, bool holds)
{
	static const enum field fields[2][2] = {{F_IP_DADDR, F_IP_SADDR},
						{F_IP6_DADDR, F_IP6_SADDR}};
	enum family has = rule_family(base);

	for (int i = 0; i < 2; i++) {
		const struct ivset *net = i ? &z->net6 : &z->net4;
		bool all = ivset_is_all(net, i ? 128 : 32);
		struct ir_rule r = rule_copy(l, base);

		if ((has && has != (i ? FAM_IP6 : FAM_IP4)) || (holds ? !net->n : all))
			continue;
		if (net->n && !all) {
			match_ivset(l, &r, fields[i][from], net, z->name);
			negate(&r, holds);
		} else if (!has) {
			match_one(l, &r, F_NFPROTO, i ? 10 : 2);
		}
		vec_push(l->arena, out, r);
	}
}

enum asked { ASKED_NETWORK, ASKED_IPSEC, ASKED_MARK, ASKED_USER, ASKED_GROUP, NASKED };

static bool asks(const struct subzone *s, enum asked what)
{
	switch (what) {
	case ASKED_NETWORK:
		return s->has_network;
	case ASKED_IPSEC:
		return s->ipsec;
	case ASKED_MARK:
		return s->has_mark;
	case ASKED_USER:
		return s->has_user;
	case ASKED_GROUP:
		return s->has_group;
	case NASKED:
		break;
	}
	return false;
}

static void ask(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		const struct zone *z, enum asked what, bool from, bool holds)
{
	struct ir_rule r = rule_copy(l, base);

	switch (what) {
	case ASKED_NETWORK:
		by_network(l, out, base, z, from, holds);
		return;
	case ASKED_IPSEC:
		match_one(l, &r, from ? F_SECPATH : F_RT_IPSEC, holds);
		break;
	case ASKED_MARK:
		match_one(l, &r, F_MARK, z->sub.mark);
		if (z->sub.mask != UINT32_MAX)
			r.stmts.v[r.stmts.n - 1].match.sel.mask[0] = z->sub.mask;
		negate(&r, holds);
		break;
	case ASKED_USER:
		match_one(l, &r, F_SKUID, z->sub.uid);
		negate(&r, holds);
		break;
	case ASKED_GROUP:
		match_one(l, &r, F_SKGID, z->sub.gid);
		negate(&r, holds);
		break;
	case NASKED:
		break;
	}
	vec_push(l->arena, out, r);
}

/* Of all that is asked, what comes before `failing` holds and that does not; NASKED: all holds. */
static struct ir_rules holds_until(struct lower *l, const struct ir_rule *base,
				   const struct zone *z, bool from, enum asked failing)
{
	struct ir_rules now = {0};

	vec_push(l->arena, &now, rule_copy(l, base));
	for (enum asked a = 0; a <= failing && a < NASKED; a++) {
		struct ir_rules next = {0};

		if (!asks(&z->sub, a))
			continue;
		for (size_t i = 0; i < now.n; i++)
			ask(l, &next, &now.v[i], z, a, from, a != failing);
		now = next;
	}
	return now;
}

/* In the sub-zone, or not: then one rule for each way to be out of it. */
static void match_subzone(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			  const struct zone *z, bool from, bool in)
{
	for (enum asked a = 0; a <= NASKED; a++) {
		struct ir_rules rules = {0};

		if (in ? a != NASKED : a == NASKED || !asks(&z->sub, a))
			continue;
		rules = holds_until(l, base, z, from, a);
		for (size_t i = 0; i < rules.n; i++)
			vec_push(l->arena, out, rules.v[i]);
	}
}

/* ---- lists ---- */

bool has_parts(struct lower *l, int root)
{
	return place_subzone(l->p, root, 0);
}

/* In those of the sub-zones `asked` that are in `in`, and in no other of them. */
static void match_place(struct lower *l, struct ir_rules *out, const struct ir_rule *base, int root,
			uint64_t asked, uint64_t in, enum field f)
{
	struct ir_rules now = {0};
	const struct zone *z;

	vec_push(l->arena, &now, rule_copy(l, base));
	for (unsigned n = 0; (z = place_subzone(l->p, root, n)); n++) {
		struct ir_rules next = {0};

		if (!(asked >> n & 1))
			continue;
		for (size_t i = 0; i < now.n; i++)
			match_subzone(l, &next, &now.v[i], z, f == F_IIFNAME, in >> n & 1);
		now = next;
	}
	for (size_t i = 0; i < now.n; i++)
		vec_push(l->arena, out, now.v[i]);
}

/* Only what tells the item from the rest is asked: behind routing not everything can be. */
void match_parts(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		 const struct place_item *item, enum field f, int root)
{
	uint64_t asked = item_parted_by(item, root);
	VEC(uint64_t) done = {0};

	if (!asked) {
		if (item_at(item, root)) /* else all that is in it is nothing */
			vec_push(l->arena, out, rule_copy(l, base));
		return;
	}
	for (int k = PLACE_SELF; k < place_end(l->p); k++) {
		uint64_t in = place_parts(l->p, k) & asked;
		size_t i = 0;

		if (place_root(l->p, k) != root || !place_is(l->p, k) || !item_at(item, k))
			continue;
		while (i < done.n && done.v[i] != in)
			i++;
		if (i < done.n)
			continue;
		vec_push(l->arena, &done, in);
		match_place(l, out, base, root, asked, in, f);
	}
}

/* ---- dispatch ---- */

struct parting { /* what stays the same on the way down */
	enum field f;
	int root, end;
	place_chain *chain_of;
};

/* Whether something can be in these sub-zones, of the first n, and in whichever of the others. */
static bool can_be(struct lower *l, int root, unsigned n, uint64_t in)
{
	uint64_t first = ((uint64_t)1 << n) - 1;

	if (!in)
		return true;
	for (int k = 0; k < place_end(l->p); k++)
		if (place_root(l->p, k) == root && (place_parts(l->p, k) & first) == in &&
		    place_is(l->p, k))
			return true;
	return false;
}

static const char *parted_chain(struct lower *l, const struct parting *x, const char *stem,
				unsigned nth, uint64_t in);

static void part_rules(struct lower *l, struct ir_chain *c, const struct parting *x, unsigned nth,
		       uint64_t in)
{
	const struct zone *z = place_subzone(l->p, x->root, nth);
	struct ir_rule last = {0};
	const char *chain;
	int place;

	for (; z; z = place_subzone(l->p, x->root, ++nth)) {
		uint64_t with = in | (uint64_t)1 << nth;
		struct ir_rule base = {0};
		struct ir_rules tests = {0};

		if (!can_be(l, x->root, nth + 1, with))
			continue;
		chain = parted_chain(l, x, z->name, nth + 1, with);
		match_subzone(l, &tests, &base, z, x->f == F_IIFNAME, true);
		for (size_t i = 0; i < tests.n; i++) {
			rule_verdict(l, &tests.v[i], chain ? V_GOTO : V_RETURN, chain);
			chain_push(l, c, tests.v[i]);
		}
	}
	place = place_with(l->p, x->root, in);
	chain = place == PLACE_NONE ? NULL : x->chain_of(l, place, x->end);
	if (!chain)
		return;
	rule_verdict(l, &last, V_GOTO, chain);
	chain_push(l, c, last);
}

/* Some rule leads somewhere. */
static bool leads_on(const struct ir_chain *c)
{
	const struct ir_rule *r;

	vec_each (&c->rules, r)
		if (r->stmts.v[r->stmts.n - 1].verdict.kind == V_GOTO)
			return true;
	return false;
}

static const char *parted_chain(struct lower *l, const struct parting *x, const char *stem,
				unsigned nth, uint64_t in)
{
	struct ir_chain *c;
	int place;

	if (!place_subzone(l->p, x->root, nth)) {
		place = place_with(l->p, x->root, in);
		return place == PLACE_NONE ? NULL : x->chain_of(l, place, x->end);
	}
	c = chain_new(l, arena_printf(l->arena, "part-%s", stem));
	part_rules(l, c, x, nth, in);
	return leads_on(c) ? ruleset_seal_chain(l->r, c)->name : NULL;
}

void lower_parts(struct lower *l, struct ir_chain *c, enum field f, int root, place_chain *chain_of,
		 int end)
{
	struct parting x = {.f = f, .root = root, .end = end, .chain_of = chain_of};

	part_rules(l, c, &x, 0, 0);
}

const char *lower_parted(struct lower *l, const char *stem, enum field f, int root,
			 place_chain *chain_of, int end)
{
	struct parting x = {.f = f, .root = root, .end = end, .chain_of = chain_of};

	return parted_chain(l, &x, stem, 0, 0);
}
