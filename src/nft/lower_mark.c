/* SPDX-License-Identifier: GPL-2.0-or-later
 * mark statements -> chains before routing. A packet that opens a connection is marked, and its
 * connection with it; each packet that follows, of either direction, gets its connection's bits.
 *
 *	base chain -> marks.HASH: loopback? new? restore, one rule a value
 *		-> opens.HASH -> new-marks.HASH: a list for each set of masks that meet
 *
 * nft cannot put some bits of one mark into the other and keep the rest: so a rule for each value.
 */
#include "nft/lower.h"

static void set_mark(struct lower *l, struct ir_rule *r, bool ct, const struct mark *m)
{
	struct ir_stmt *s = rule_stmt(l, r, IR_MARK);

	s->mark.ct = ct;
	s->mark.keep = ~m->mask;
	s->mark.value = m->value;
}

/* ---- the packet that opens ---- */

static struct ir_rules with_services(struct lower *l, const struct ir_rules *in,
				     const struct services *s, enum family fam)
{
	struct ir_rules out = {0};

	for (size_t i = 0; i < in->n && lower_goes_on(l, out.n); i++)
		match_services(l, &out, &in->v[i], s, fam);
	return out;
}

static struct ir_rules of_family(struct lower *l, const struct ir_rules *in, const struct mark *m,
				 const struct place_item *from, const struct place_item *to,
				 enum family fam)
{
	struct side src = side_of_item(l, from), dst = side_of_item(l, to);
	struct ir_rules rules = with_addresses(l, in, &src, &dst, fam);

	for (size_t i = 0; to->at == AT_SELF && i < rules.n; i++)
		match_one(l, &rules.v[i], F_FIB_DADDR_TYPE, 2 /* RTN_LOCAL */);
	return with_services(l, &rules, &m->services, fam);
}

/* Without addresses one rule is for both families. */
static struct ir_rules between(struct lower *l, const struct mark *m, const struct place_item *from,
			       const struct place_item *to, bool output)
{
	struct ir_rules rules = one_rule(l, m->text, m->span), out = {0};

	rules = output ? sent_by(l, &rules, from) : at_interface(l, &rules, from, F_IIFNAME);
	if (from->addrs.all && to->addrs.all && !m->family)
		return of_family(l, &rules, m, from, to, FAM_NONE);
	for (int f = 0; f < 2; f++) {
		enum family fam = f ? FAM_IP6 : FAM_IP4;
		struct ir_rules one = {0};

		if (!m->family || m->family == fam)
			one = of_family(l, &rules, m, from, to, fam);
		for (size_t i = 0; i < one.n; i++)
			vec_push(l->arena, &out, one.v[i]);
	}
	return out;
}

/* What it is not about, as it is never marked: loopback, and this machine's end of the other hook.
 */
static bool is_there(const struct place_item *from, const struct place_item *to, bool output)
{
	return output ? item_has(from, PLACE_SELF) && to->at != AT_SELF : !item_is_self(from);
}

static void push_mark(struct lower *l, struct ir_chain *c, const struct mark *m, bool output,
		      const char *then)
{
	struct endpoint sources = joined_zones(l, &m->from);

	if (!lower_affords(l, m->span, &sources, &m->to))
		return;
	for (size_t a = 0; a < sources.items.n; a++) {
		for (size_t b = 0; b < m->to.items.n; b++) {
			const struct place_item *from = &sources.items.v[a];
			const struct place_item *to = &m->to.items.v[b];
			struct ir_rules rules = {0};

			if (is_there(from, to, output))
				rules = between(l, m, from, to, output);
			for (size_t i = 0; i < rules.n; i++) {
				match_when(l, &rules.v[i], m->when);
				set_mark(l, &rules.v[i], true, m);
				set_mark(l, &rules.v[i], false, m);
				rule_counter(l, &rules.v[i]);
				rule_verdict(l, &rules.v[i], then ? V_GOTO : V_RETURN, then);
				chain_push(l, c, rules.v[i]);
			}
		}
	}
}

struct made { /* chains of one list: many ways lead to what is left of it */
	VEC(struct left {
		size_t first;
		uint32_t taken;
		const char *chain;
	}) lefts;
};

/* Of the bits that are taken, those that one of the statements from the first on would set. */
static uint32_t still_wanted(struct lower *l, const bool *list, size_t first, uint32_t taken)
{
	uint32_t wanted = 0;

	for (size_t i = first; i < l->p->marks.n; i++)
		if (list[i])
			wanted |= l->p->marks.v[i].mask;
	return taken & wanted;
}

/* The statements from the first on that are in `list` and share no bit with those of `taken`: the
 * first that matches wins, and goes on with those that it does not overlap. NULL: there is none. */
static const char *first_wins(struct lower *l, struct made *made, const bool *list, size_t first,
			      uint32_t taken, bool output)
{
	struct ir_chain *c = chain_new(l, "new-marks");
	const struct left *known;
	const char *name;

	taken = still_wanted(l, list, first, taken);
	vec_each (&made->lefts, known)
		if (known->first == first && known->taken == taken)
			return known->chain;
	for (size_t i = first; i < l->p->marks.n && lower_goes_on(l, 0); i++) {
		const struct mark *m = &l->p->marks.v[i];

		if (list[i] && !(m->mask & taken))
			push_mark(l, c, m, output,
				  first_wins(l, made, list, i + 1, taken | m->mask, output));
	}
	name = c->rules.n ? ruleset_seal_chain(l->r, c)->name : NULL;
	vec_push(l->arena, &made->lefts, ((struct left){first, taken, name}));
	return name;
}

/* Of the statements that share bits, directly or by way of others, with the first that is in no
 * list yet. */
static bool next_list(struct lower *l, bool *done, bool *list)
{
	uint32_t bits = 0;
	bool more = true;

	for (size_t i = 0; i < l->p->marks.n && !bits; i++)
		if (!done[i])
			bits = l->p->marks.v[i].mask;
	for (size_t i = 0; i < l->p->marks.n; i++)
		list[i] = false;
	for (; bits && more;) {
		more = false;
		for (size_t i = 0; i < l->p->marks.n; i++) {
			if (list[i] || !(l->p->marks.v[i].mask & bits))
				continue;
			list[i] = done[i] = more = true;
			bits |= l->p->marks.v[i].mask;
		}
	}
	return bits;
}

static const char *new_marks(struct lower *l, bool output)
{
	bool *done = arena_alloc(l->arena, l->p->marks.n + 1);
	bool *list = arena_alloc(l->arena, l->p->marks.n + 1);
	struct ir_chain *c = chain_new(l, "opens");

	while (next_list(l, done, list)) {
		struct made made = {0};
		const char *chain = first_wins(l, &made, list, 0, 0, output);
		struct ir_rule jump = {0};

		if (!chain)
			continue;
		rule_verdict(l, &jump, V_JUMP, chain);
		chain_push(l, c, jump);
	}
	return c->rules.n ? ruleset_seal_chain(l->r, c)->name : NULL;
}

/* ---- those that follow ---- */

static void restore(struct lower *l, struct ir_chain *c, const struct mark *m)
{
	struct ir_rule r = {.comment = ir_comment(l->arena, "fwc: the mark of its connection")};

	match_one(l, &r, F_CT_MARK, m->value);
	r.stmts.v[0].match.sel.mask[0] = m->mask == UINT32_MAX ? 0 : m->mask;
	set_mark(l, &r, false, m);
	chain_push(l, c, r);
}

/* Each value once. No bit set is what a connection has that nothing marked. */
static void push_restores(struct lower *l, struct ir_chain *c)
{
	for (size_t i = 0; i < l->p->marks.n; i++) {
		const struct mark *m = &l->p->marks.v[i];
		bool known = !m->value;

		for (size_t k = 0; k < i; k++)
			known |= l->p->marks.v[k].mask == m->mask &&
				 l->p->marks.v[k].value == m->value;
		if (!known)
			restore(l, c, m);
	}
}

static void lower_hook(struct lower *l, const char *name, const char *hook, bool output)
{
	struct ir_chain *base = chain_new(l, name), *root = chain_new(l, "marks");
	struct ir_rule lo = {.comment = ir_comment(l->arena, "fwc: loopback")}, opens = {0};
	const char *chain = new_marks(l, output);
	struct ir_rule jump = {0};
	struct ival name_lo = {0};

	ifname_parse("lo", 2, &name_lo);
	match_ival(l, &lo, output ? F_OIFNAME : F_IIFNAME, name_lo);
	rule_verdict(l, &lo, V_RETURN, NULL);
	chain_push(l, root, lo);
	match_bits(l, &opens, F_CT_STATE, 8 /* new */);
	rule_verdict(l, &opens, chain ? V_GOTO : V_RETURN, chain);
	chain_push(l, root, opens);
	push_restores(l, root);
	base->name = name;
	/* behind connection tracking, before the destination is translated; the output chain of
	 * this type has the packet routed again */
	base->base = (struct ir_base){
		.hook = hook, .type = output ? "route" : "filter", .priority = -150};
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, root)->name);
	chain_push(l, base, jump);
	ruleset_add_chain(l->r, base);
}

void lower_marks(struct lower *l)
{
	if (!l->p->marks.n)
		return;
	lower_hook(l, "prerouting-mark", "prerouting", false);
	lower_hook(l, "output-mark", "output", true);
}
