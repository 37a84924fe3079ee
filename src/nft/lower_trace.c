/* SPDX-License-Identifier: GPL-2.0-or-later
 * A question -> a table of two base chains that mark its packets as they arrive, before they are
 * translated, by `meta nftrace set 1`; and one at forward for those that take another way than the
 * routing table alone would say.
 */
#include "nft/trace.h"

#include <string.h>

#include "nft/lower.h"

/* Connection tracking is at -200, and -300 is where others drop before it. */
#define BEHIND_CONNTRACK (-199)
#define BEFORE_CONNTRACK (-301)

struct tracing {
	struct lower l;
	const struct rule *question;
	const struct ir_ruleset *live;
	struct buf *out; /* rules of the present hook */
};

/* ---- sets of run time: what they hold now ---- */

static void add_elements(struct tracing *t, struct ivset *to, const struct dynset *d,
			 enum family fam)
{
	for (size_t part = 0; part < dynset_parts(d); part++) {
		const char *name = dynset_part(t->l.arena, d, fam, part);
		const struct ir_set *s = ruleset_set(t->live, name);

		if (s && ir_set_is_bulk(s))
			bulk_list_append(to, s->bulk->elems, t->l.arena);
		for (size_t i = 0; s && s->nkeys && i < s->elems.n; i++)
			vec_push(t->l.arena, to, s->elems.v[i].key[0]);
	}
	ivset_normalise(to);
}

static struct ivset others(struct tracing *t, const struct ivset *s, int bits)
{
	struct ivset all = ivset_one(t->l.arena, 0, u128_max(bits));

	return ivset_subtract(t->l.arena, &all, s);
}

/* The sets of a list are in another table than what traces. */
static void take_apart(struct tracing *t, const struct addrs *s, enum family fam, struct ivset *out)
{
	const struct bulk_list *list = addrs_bulk(s, fam);

	if (!list)
		return;
	bulk_list_append(out, list, t->l.arena);
	if (s->negated)
		*out = others(t, out, fam == FAM_IP4 ? 32 : 128);
}

static struct place_item settled(struct tracing *t, const struct place_item *item)
{
	struct place_item x = *item;
	const struct dynset *d = x.addrs.dyn;

	if (!d) {
		take_apart(t, &x.addrs, FAM_IP4, &x.addrs.v4);
		take_apart(t, &x.addrs, FAM_IP6, &x.addrs.v6);
		x.addrs.bulk4 = x.addrs.bulk6 = NULL;
		return x;
	}
	x.addrs = (struct addrs){.stem = d->name};
	add_elements(t, &x.addrs.v4, d, FAM_IP4);
	add_elements(t, &x.addrs.v6, d, FAM_IP6);
	for (size_t i = 0; i < item->addrs.nor.n; i++) {
		add_elements(t, &x.addrs.v4, item->addrs.nor.v[i], FAM_IP4);
		add_elements(t, &x.addrs.v6, item->addrs.nor.v[i], FAM_IP6);
	}
	if (item->addrs.negated) {
		x.addrs.v4 = others(t, &x.addrs.v4, 32);
		x.addrs.v6 = others(t, &x.addrs.v6, 128);
	}
	if (item->addrs.mixed) {
		x.addrs.v4 = ivset_intersect(t->l.arena, &x.addrs.v4, &item->addrs.v4);
		x.addrs.v6 = ivset_intersect(t->l.arena, &x.addrs.v6, &item->addrs.v6);
	}
	return x;
}

/* ---- places ---- */

/* Matches of interfaces, and of what makes a sub-zone, in nft's words; "" for no condition. What
 * routing will say stands in prerouting's stead of `oifname`, which is not known there yet. */
struct words {
	struct word {
		const char *text;
		enum family family; /* of networks among them */
	} * v;
	size_t n, cap;
};

/* The prefix stands before names of interfaces. */
static const char *spell(struct tracing *t, const struct ir_rule *r, const char *prefix)
{
	const char *all = "";

	for (size_t i = 0; i < r->stmts.n; i++) {
		struct ir_rule one = {0};
		struct buf b = {0};

		const struct ir_stmt *s = &r->stmts.v[i];
		enum field f = s->match.sel.f[0];

		*rule_stmt(&t->l, &one, s->kind) = *s;
		emit_rule(&b, &one);
		all = arena_printf(t->l.arena, "%s%s%s ", all,
				   f == F_IIFNAME || f == F_OIFNAME ? prefix : "", buf_str(&b));
		buf_free(&b);
	}
	return all;
}

/* Whether IPsec will take it is known behind routing only. */
static bool asks_route(const struct ir_rule *r)
{
	const struct ir_stmt *s;

	vec_each (&r->stmts, s)
		if (s->match.sel.f[0] == F_RT_IPSEC)
			return true;
	return false;
}

static void add_word(struct tracing *t, struct words *out, const struct ir_rule *r,
		     const char *prefix)
{
	vec_push(t->l.arena, out, ((struct word){spell(t, r, prefix), rule_family(r)}));
}

static struct words at_interfaces(struct tracing *t, const struct place_item *item, enum field f,
				  const char *prefix, enum trace_hook hook)
{
	struct words out = {0};
	struct ir_rule named = {0};
	struct ir_rules plain = {0}, rules;

	if (item->has_iface) {
		match_ival(&t->l, &named, f, item->iface);
		add_word(t, &out, &named, prefix);
		return out;
	}
	vec_push(t->l.arena, &plain, named);
	rules = at_interface(&t->l, &plain, item, f);
	for (size_t i = 0; i < rules.n; i++)
		if (hook != TRACE_PREROUTING || !asks_route(&rules.v[i]))
			add_word(t, &out, &rules.v[i], prefix);
	return out;
}

static struct words one_word(struct tracing *t, const char *text)
{
	struct words out = {0};

	vec_push(t->l.arena, &out, ((struct word){text, FAM_NONE}));
	return out;
}

/* Of what this machine sends. */
static struct words sent_words(struct tracing *t, const struct place_item *item)
{
	const struct ir_rule none = {0};
	struct ir_rules plain = {0}, rules;
	struct words out = {0};

	if (!item_has(item, PLACE_SELF))
		return out;
	vec_push(t->l.arena, &plain, none);
	rules = sent_by(&t->l, &plain, item);
	for (size_t i = 0; i < rules.n; i++)
		add_word(t, &out, &rules.v[i], "");
	return out;
}

static struct words from_words(struct tracing *t, const struct place_item *item,
			       enum trace_hook hook)
{
	if (hook == TRACE_OUTPUT)
		return sent_words(t, item);
	if (item->at == AT_ANY && !item->but.n)
		return one_word(t, hook == TRACE_PREROUTING ? "iifname != \"lo\" " : "");
	return item_is_self(item) ? (struct words){0} : at_interfaces(t, item, F_IIFNAME, "", hook);
}

/* To this machine: to one of its addresses; where the question names addresses, those alone. */
static struct words to_words(struct tracing *t, const struct place_item *item, enum trace_hook hook)
{
	bool zone = item_names_zone(item);

	/* what was translated was judged by where it was sent at first */
	if (hook == TRACE_FORWARD)
		return zone ? at_interfaces(t, item, F_OIFNAME, "ct status & dnat == 0 ", hook)
			    : (struct words){0};
	if (zone)
		return at_interfaces(t, item, F_OIFNAME, hook == TRACE_OUTPUT ? "" : "fib daddr ",
				     hook);
	if (item->at == AT_SELF && hook == TRACE_OUTPUT)
		return one_word(t, "oifname \"lo\" ");
	if (item->at == AT_SELF && item->addrs.all)
		return one_word(t, "fib daddr type local ");
	return one_word(t, "");
}

/* ---- rules ---- */

static void put_rule(struct tracing *t, const char *from, const char *to, const struct ir_rule *r)
{
	buf_printf(t->out, "%s%s", from, to);
	emit_rule(t->out, r);
	buf_puts(t->out, r->stmts.n ? " \n" : "\n");
}

/* Packets of that form from there to there; of one family where a network says so. */
static void put_form(struct tracing *t, const struct word *from, const struct word *to,
		     const struct form *form)
{
	struct form f = *form;
	struct ir_rule base = {0};
	struct ir_rules rules = {0};
	enum family said = from->family ? from->family : to->family;

	if ((from->family && to->family && from->family != to->family) ||
	    (said && f.family && f.family != said))
		return;
	f.family = said ? said : f.family;
	match_form(&t->l, &base, &f);
	match_words(&t->l, &base, &t->question->q, f.family);
	match_services(&t->l, &rules, &base, &t->question->services, f.family);
	for (size_t n = 0; n < rules.n; n++)
		put_rule(t, from->text, to->text, &rules.v[n]);
}

static void put_pair(struct tracing *t, const struct words *from, const struct words *to,
		     const struct place_item *src, const struct place_item *dst)
{
	struct side s = side_of_item(&t->l, src), d = side_of_item(&t->l, dst);
	struct forms forms = forms_of_rule(&t->l, &t->question->q, &s, &d);

	for (size_t f = 0; f < forms.n; f++)
		for (size_t i = 0; i < from->n; i++)
			for (size_t k = 0; k < to->n; k++)
				put_form(t, &from->v[i], &to->v[k], &forms.v[f]);
}

static void put_rules(struct tracing *t, enum trace_hook hook)
{
	const struct endpoint *from = &t->question->from, *to = &t->question->to;

	for (size_t i = 0; i < from->items.n; i++) {
		for (size_t k = 0; k < to->items.n; k++) {
			struct place_item src = settled(t, &from->items.v[i]);
			struct place_item dst = settled(t, &to->items.v[k]);
			struct words in = from_words(t, &src, hook), out = to_words(t, &dst, hook);

			put_pair(t, &in, &out, &src, &dst);
		}
	}
}

void trace_ask(struct trace_question *out, struct arena *a, struct policy *p,
	       const struct rule *question, const struct ir_ruleset *live)
{
	struct tracing t = {
		.l = {.arena = a, .work = a, .p = p, .r = ruleset_new(a)},
		.question = question,
		.live = live,
	};
	struct ir_set *const *s;

	*out = (struct trace_question){0};
	for (int hook = 0; hook < TRACE_HOOKS; hook++) {
		t.out = &out->rules[hook];
		put_rules(&t, (enum trace_hook)hook);
	}
	/* what the rules refer to came to be while they were put */
	vec_each (&t.l.r->sets, s)
		emit_set(&out->sets, *s, false);
}

void trace_question_free(struct trace_question *q)
{
	buf_free(&q->sets);
	for (int hook = 0; hook < TRACE_HOOKS; hook++)
		buf_free(&q->rules[hook]);
}

/* ---- the table ---- */

static void put_chain(struct buf *out, enum trace_hook hook, const struct buf *rules,
		      const struct trace_table *how)
{
	static const char *const names[] = {"prerouting", "forward", "output"};
	const char *line = buf_str(rules);

	buf_printf(out, "\tchain %s {\n\t\ttype filter hook %s priority %d; policy accept;\n",
		   names[hook], names[hook], how->all ? BEFORE_CONNTRACK : BEHIND_CONNTRACK);
	while (*line) {
		size_t n = strcspn(line, "\n");

		buf_printf(out, "\t\t%s%.*sgoto %s\n",
			   how->all ? "" : "ct state new,invalid,untracked ", (int)n, line,
			   hook == TRACE_FORWARD ? "again" : "hit");
		line += n + (line[n] == '\n');
	}
	buf_puts(out, "\t}\n");
}

void trace_script(struct buf *out, const struct trace_question *q, const struct trace_table *how)
{
	for (int i = 0; i < 2; i++) /* of `create` nft takes no more than the flags */
		buf_printf(out, "%stable inet %s {\n%s%s", i ? "" : "create ", how->name,
			   how->owner ? "\tflags owner\n" : "", i ? "" : "}\n");
	buf_puts(out, buf_str(&q->sets));
	/* Two buckets of one size, so that packets which come by twice do not spend twice as much.
	 * The rule that marks must not have a verdict: Linux 6.1 would not tell of it. */
	for (int i = 0; i < 2; i++)
		buf_printf(out,
			   "\tchain %s {\n\t\tlimit rate over %u/second burst %u packets%s return\n"
			   "\t\tmeta nftrace set 1\n\t}\n",
			   i ? "again" : "hit", how->rate, how->rate, i ? "" : " counter");
	for (int hook = 0; hook < TRACE_HOOKS; hook++)
		put_chain(out, (enum trace_hook)hook, &q->rules[hook], how);
	buf_puts(out, "}\n");
}
