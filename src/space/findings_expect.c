/* SPDX-License-Identifier: GPL-2.0-or-later
 * Expectations: packets are followed from where they arrive.
 */
#include <string.h>

#include "policy/known.h"
#include "policy/routing.h"
#include "space/findings.h"
#include "space/journey.h"
#include "space/packet.h"
#include "util/cleanup.h"

#define NODES_TOGETHER ((size_t)64 << 10)
#define WIDE 8 /* times as many rules as there are: the meaning of all is made once */

static const enum fate wanted[] = {[VERB_ALLOW] = FATE_ACCEPT,
				   [VERB_DROP] = FATE_DROP,
				   [VERB_REJECT] = FATE_REJECT,
				   [VERB_INSPECT] = FATE_INSPECT};

struct test {
	const struct outcomes *outcomes;
	enum fate fate;
};

static uint32_t has_fate(void *ctx, uint32_t v)
{
	const struct test *t = ctx;

	return v && outcome_of(t->outcomes, v)->fate == t->fate;
}

static dd_ref where_fate(struct mean *m, dd_ref says, enum fate fate)
{
	struct test t = {&m->outcomes, fate};

	return dd_map(m->dd, says, has_fate, &t);
}

struct failure { /* of an expectation: the packet that shows it */
	struct leg leg;
	struct packet there;
	int from; /* where it comes from: a zone, or PLACE_... */
};

static void give_example(struct mean *m, const struct policy *p, const struct leg *leg,
			 dd_ref which, struct expectation *e, struct failure *f)
{
	struct packet there, arrival;
	const struct outcome *x;
	struct buf b = {0};

	if (!schema_witness(&m->schema, which, &there) ||
	    !journey_arrival(m, leg, &there, &arrival))
		return;
	x = outcome_of(&m->outcomes, schema_at(&m->schema, leg->fate, &there));
	packet_print(&b, m, &arrival);
	if (leg->rewrite)
		buf_printf(&b, ", then %s", leg->rewrite);
	e->packet = arena_strdup(m->arena, buf_str(&b));
	e->says = outcome_text(m->arena, x);
	e->line = x->line;
	buf_free(&b);
	f->leg = *leg;
	f->there = there;
	f->from = there.dim[DIM_IIF] == schema_no_interface(&m->schema)
			  ? PLACE_SELF
			  : mean_zone_of(m, p, (uint32_t)there.dim[DIM_IIF]);
}

/* The first leg with such a packet gives the example. */
static void judge(struct mean *m, const struct policy *p, const struct legs *legs,
		  struct expectation *e, struct failure *f)
{
	bool some = e->rule->some, found = false, any = false;

	for (size_t i = 0; i < legs->n && !found; i++) {
		const struct leg *leg = &legs->v[i];
		dd_ref which = where_fate(m, leg->fate, wanted[e->rule->verb]);

		if (e->rule->deny)
			which = dd_or(m->dd, which, where_fate(m, leg->fate, FATE_REJECT));

		if (leg->there == DD_FALSE)
			continue;
		any = true;
		if (leg->by_own)
			e->by_own = leg->nat;
		if (!some)
			which = dd_and(m->dd, leg->there, dd_not(m->dd, which));
		if (which == DD_EXHAUSTED) {
			e->known = false;
			return;
		}
		found = which != DD_FALSE;
		if (found)
			give_example(m, p, leg, which, e, f);
	}
	e->known = !dd_exhausted(m->dd);
	e->holds = e->known && any && found == some;
}

/* ---- what would help ---- */

static const char *side_text(struct arena *a, const struct endpoint *e)
{
	return span_text(a, e->span);
}

static void judge_all(const struct policy *p, struct arena *a, struct dd_budget budget,
		      struct expectation *e, struct failure *f)
{
	struct legs legs = {0};
	struct mean m;

	mean_init(&m, a, budget);
	schema_add_policy(&m.schema, p);
	journey_legs(&m, p, e->rule, &legs);
	judge(&m, p, &legs, e, f);
	mean_free(&m);
}

/* The policy with this rule as its last; `rules`: its own, with room for one more. */
static struct policy policy_with(const struct policy *p, struct arena *a, struct rule *rules,
				 const struct rule *added)
{
	struct policy with = *p;

	rules[p->rules.n] = *added;
	with.arena = a;
	with.rules.v = rules;
	with.rules.cap = ++with.rules.n;
	known_begin(&with);
	return with;
}

static struct rule *rules_with_room(const struct policy *p, struct arena *a)
{
	struct rule *rules = arena_alloc(a, (p->rules.n + 1) * sizeof(*rules));

	for (size_t i = 0; i < p->rules.n; i++)
		rules[i] = p->rules.v[i];
	return rules;
}

static bool would_hold(const struct policy *with, struct arena *a, struct dd_budget budget,
		       const struct rule *expected)
{
	struct expectation e = {.rule = expected};
	struct failure f = {0};

	judge_all(with, a, budget, &e, &f);
	return e.holds;
}

/* ---- what else it would open ---- */

struct addition {
	struct mean m;
	const struct policy *before, *after;
	struct legs asked; /* of the expectation */
	const char *packet; /* of what it opens besides; or NULL */
};

/* The part of a leg that passes only with the rule, and is no part of the expectation. */
static dd_ref opened(struct addition *x, const struct leg *before, const struct leg *after)
{
	struct dd *d = x->m.dd;
	dd_ref r = dd_and(d, after->there, where_fate(&x->m, after->fate, FATE_ACCEPT));
	const struct leg *asked;

	r = dd_and(d, r, dd_not(d, where_fate(&x->m, before->fate, FATE_ACCEPT)));
	vec_each (&x->asked, asked)
		if (asked->at == after->at && asked->nat == after->nat)
			r = dd_and(d, r, dd_not(d, asked->there));
	return r;
}

/* They differ by a rule of the filter, and so not in how packets travel. */
static void look_at_legs(struct addition *x, const struct legs *before, const struct legs *after)
{
	for (size_t i = 0; i < after->n && i < before->n && !x->packet; i++) {
		dd_ref r = opened(x, &before->v[i], &after->v[i]);
		struct expectation found = {0};
		struct failure ignored;
		struct leg leg = after->v[i];

		leg.rewrite = NULL; /* the line of the policy says more */
		if (r != DD_FALSE && r != DD_EXHAUSTED)
			give_example(&x->m, x->after, &leg, r, &found, &ignored);
		x->packet = found.packet && leg.nat ? arena_printf(x->m.arena, "%s, then %s",
								   found.packet, leg.nat->text)
						    : found.packet;
	}
}

static void look_at_nat(struct addition *x, size_t nat)
{
	struct legs before = {0}, after = {0};

	journey_of_nat(&x->m, x->before, nat, false, &before);
	journey_of_nat(&x->m, x->after, nat, false, &after);
	look_at_legs(x, &before, &after);
}

/* What a rule opens besides what it says has no ports, or goes to all. */
static bool may_let(const struct rule *r, const struct nat *n)
{
	if (n->services.any || n->services.protocols.n || r->questions.n)
		return true;
	return rule_meets_targets(r, n);
}

/* As a packet that is called so itself, and by each translation that leads there. False: the budget
 * ended. */
static bool find_besides(const struct policy *p, const struct policy *with, struct arena *a,
			 struct dd_budget budget, struct expectation *e, const struct rule *added)
{
	struct addition x = {.before = p, .after = with};
	struct legs before = {0}, after = {0};
	bool known;

	mean_init(&x.m, a, budget);
	schema_add_policy(&x.m.schema, p);
	journey_legs(&x.m, p, e->rule, &x.asked);
	journey_legs(&x.m, p, added, &before);
	journey_legs(&x.m, with, added, &after);
	look_at_legs(&x, &before, &after);
	for (size_t i = 0; i < p->nats.n && !x.packet; i++)
		if ((p->nats.v[i].kind == NAT_DNAT || p->nats.v[i].kind == NAT_REDIRECT) &&
		    may_let(added, &p->nats.v[i]))
			look_at_nat(&x, i);
	e->besides = x.packet;
	known = !dd_exhausted(x.m.dd);
	mean_free(&x.m);
	return known;
}

/* Where the packet was sent to by dnat: the target under its name, with all its addresses. */
static const char *target_item(const struct policy *p, struct arena *a, const struct leg *leg,
			       struct place_item *out)
{
	const struct nat *n = leg->nat;
	const char *name = "";
	struct routing_target to;

	for (int f = 0; f < 2; f++) {
		const struct nat_targets *all = f ? &n->to6 : &n->to4;

		for (size_t i = 0; i < all->to.n; i++)
			if (leg->family == (f ? FAM_IP6 : FAM_IP4) &&
			    all->to.v[i].lo <= leg->addr && leg->addr <= all->to.v[i].hi)
				name = all->names.v[i];
	}
	for (int f = 0; f < 2; f++) {
		const struct nat_targets *all = f ? &n->to6 : &n->to4;

		for (size_t i = 0; i < all->to.n; i++)
			if (!strcmp(all->names.v[i], name))
				vec_push(a, f ? &out->addrs.v6 : &out->addrs.v4, all->to.v[i]);
	}
	to = routing_target(a, p, leg->family, leg->addr);
	out->at = !to.on ? AT_SELF : to.zones.n ? AT_ZONE : AT_ANY;
	out->zone = to.zones.n ? to.zones.v[0] : 0;
	return out->at == AT_ANY
		       ? name
		       : arena_printf(a, "%s@%s", name,
				      out->at == AT_SELF ? "self" : p->zones.v[out->zone].name);
}

/* The rule that the expectation asks for, as it sees packets: behind dnat. */
static const char *wanted_rule(const struct policy *p, struct arena *a, const struct rule *expected,
			       const struct failure *f, struct rule *out)
{
	static const char *const names[PORT_PROTOCOLS] = {"tcp", "udp", "sctp", "dccp", "udplite"};
	const u128 *dim = f->there.dim;
	struct place_item to = {0};
	const char *text;

	*out = *expected;
	out->verb = VERB_ALLOW;
	out->q = (struct qualifiers){.family = expected->q.family};
	out->text = "?";
	if (!f->leg.nat)
		return expected->text;
	if (f->leg.nat->kind != NAT_DNAT)
		return NULL;
	text = target_item(p, a, &f->leg, &to);
	out->to = (struct endpoint){0};
	vec_push(a, &out->to.items, to);
	text = arena_printf(a, "allow %s -> %s", side_text(a, &expected->from), text);
	if (expected->services.any)
		return text;
	for (int i = 0; i < PORT_PROTOCOLS; i++) {
		if (port_protocols[i] != dim[DIM_PROTO])
			continue;
		out->services = (struct services){0};
		out->services.ports[i] = ivset_one(a, dim[DIM_DPORT], dim[DIM_DPORT]);
		return arena_printf(a, "%s %s/%u", text, names[i], (unsigned)dim[DIM_DPORT]);
	}
	return NULL;
}

/* A translation of the other family only, by whose services the packet goes untranslated. */
static const struct nat *of_one_family(const struct policy *p, const struct rule *expected,
				       const struct failure *f)
{
	bool v6 = f->there.dim[DIM_FAMILY];
	const struct nat *n;

	vec_each (&p->nats, n) {
		bool meets = false, from = false;

		for (size_t i = 0; i < n->from.items.n; i++)
			from |= item_at(&n->from.items.v[i], f->from);
		for (int i = 0; i < PORT_PROTOCOLS; i++)
			meets |= from && ivset_overlaps(&n->services.ports[i],
							&expected->services.ports[i]);
		if (n->kind == NAT_DNAT && meets && !(v6 ? n->to6.to.n : n->to4.to.n))
			return n;
	}
	return NULL;
}

/* An address that may be this machine's, or in any zone, where one zone's networks hold it. */
static const char *bare_address(const struct policy *p, struct arena *a,
				const struct rule *expected, const struct failure *f)
{
	enum family fam = f->there.dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4;
	struct routing_zones zones = {0};
	const struct place_item *item;

	routing_zones(a, p, fam, f->there.dim[DIM_DADDR], &zones);
	vec_each (&expected->to.items, item)
		if (item->at == AT_ANY && !item->addrs.all && !addrs_open(&item->addrs) &&
		    zones.n == 1 && addrs_match(&item->addrs, fam, f->there.dim[DIM_DADDR]))
			return arena_printf(a, "%s@%s", span_text(a, item->span),
					    p->zones.v[zones.v[0]].name);
	return NULL;
}

/* Nothing is proposed that would not make it hold, and what that opens besides is said. */
static void find_help(const struct policy *p, struct arena *a, struct dd_budget budget,
		      struct rule *rules, struct expectation *e, const struct failure *f)
{
	struct policy with;
	struct rule added;
	const char *text;

	if (!f->leg.nat && f->leg.at == AT_INPUT)
		e->one_family = of_one_family(p, e->rule, f);
	if (e->one_family)
		e->family = f->there.dim[DIM_FAMILY] ? 6 : 4;
	if (!f->leg.nat && f->leg.at == AT_INPUT)
		e->bare = bare_address(p, a, e->rule, f);
	if (e->one_family || e->rule->verb != VERB_ALLOW || e->rule->some || !e->line ||
	    e->line->order)
		return;
	text = wanted_rule(p, a, e->rule, f, &added);
	if (!text)
		return;
	with = policy_with(p, a, rules, &added);
	if (would_hold(&with, a, budget, e->rule) && find_besides(p, &with, a, budget, e, &added))
		e->missing = text;
}

static const char *keep_text(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

/* What is said of it, in the arena of all. */
static void keep(struct arena *a, struct expectation *e)
{
	e->packet = keep_text(a, e->packet);
	e->says = keep_text(a, e->says);
	e->missing = keep_text(a, e->missing);
	e->besides = keep_text(a, e->besides);
	e->bare = keep_text(a, e->bare);
	if (e->line) {
		struct line *l = arena_new_of(a, struct line);

		*l = *e->line;
		l->text = keep_text(a, l->text);
		l->where = keep_text(a, l->where);
		e->line = l;
	}
}

/* ---- all of them ---- */

struct together { /* several that are judged by one meaning */
	const struct policy *p;
	struct dd_budget budget;
	struct arena *arena; /* NULL: there is none yet */
	struct mean mean;
	struct mean_whole whole;
	bool wide; /* most are about many rules: those are put together once */
};

static bool are_wide(const struct policy *p)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct numbers near = {0};

	for (size_t i = 0; i < p->expects.n && near.n <= WIDE * p->rules.n; i++)
		rules_asked(p, a, &p->expects.v[i], &near);
	return near.n > WIDE * p->rules.n;
}

static void together_end(struct together *t)
{
	if (t->arena)
		mean_free(&t->mean);
	arena_free(t->arena);
	t->arena = NULL;
}

static struct mean *together_begin(struct together *t)
{
	if (t->arena && dd_nodes(t->mean.dd) > NODES_TOGETHER + 2 * t->whole.nodes)
		together_end(t);
	if (t->arena)
		return &t->mean;
	t->arena = arena_new();
	t->whole = (struct mean_whole){0};
	mean_init(&t->mean, t->arena, t->budget);
	schema_add_policy(&t->mean.schema, t->p);
	t->mean.whole = t->wide ? &t->whole : NULL;
	return &t->mean;
}

/* The most do. Of what does not hold, or is not known, it says nothing. */
static bool holds(struct together *t, struct expectation *e)
{
	struct expectation tried = *e;
	struct failure f = {0};
	struct legs legs = {0};
	struct mean *m;

	if (e->rule->some) /* that a packet does is told with the packet */
		return false;
	m = together_begin(t);
	journey_legs(m, t->p, e->rule, &legs);
	judge(m, t->p, &legs, &tried, &f);
	if (dd_exhausted(m->dd))
		together_end(t);
	if (tried.holds)
		*e = tried;
	return tried.holds;
}

/* What does not hold, each by itself: of thousands nothing stays but what is said of them. */
void findings_expect(const struct policy *p, struct arena *a, struct dd_budget budget,
		     struct expectations *out)
{
	struct together t = {.p = p, .budget = budget};
	struct rule *rules = NULL;

	t.wide = are_wide(p);
	for (size_t i = 0; i < p->expects.n; i++) {
		struct expectation e = {.rule = &p->expects.v[i]};
		struct arena *own = arena_new();
		struct failure f = {0};

		if (!holds(&t, &e))
			judge_all(p, own, budget, &e, &f);
		e.answers = services_undecided(own, &e.rule->services);
		if (!rules && e.known && !e.holds)
			rules = rules_with_room(p, a);
		if (e.known && !e.holds && e.packet)
			find_help(p, own, budget, rules, &e, &f);
		keep(a, &e);
		vec_push(a, out, e);
		arena_free(own);
	}
	together_end(&t);
}

static const char *without_new(const char *packet)
{
	return packet + (strncmp(packet, "new: ", 5) ? 0 : 5);
}

/* "a new connection A -> B tcp/22, arriving on eth0, would be allowed" */
static struct diag_record *report_counterexample(struct diag *diag, const struct expectation *e)
{
	static const struct {
		const char *says, *would;
	} words[] = {{"accept", "allowed"}, {"drop", "dropped"}, {"reject", "rejected"}};
	bool is_new = !strncmp(e->packet, "new: ", 5);
	const char *packet = without_new(e->packet);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].says);

		if (!strncmp(e->says, words[i].says, n))
			return diag_error(diag, e->rule->span,
					  "expectation fails: %s%s, would be %s%s",
					  is_new ? "a new connection " : "", packet, words[i].would,
					  e->says + n);
	}
	return diag_error(diag, e->rule->span, "expectation fails: %s: %s", e->packet, e->says);
}

void findings_refuted(struct diag *diag, const struct expectation *e)
{
	struct diag_record *r;

	if (!e->known) {
		diag_warning(diag, e->rule->span, "not proved: budget");
		return;
	}
	if (!e->packet) {
		r = diag_error(diag, e->rule->span,
			       e->rule->some ? "expectation fails: no packet has that fate"
					     : "expectation fails: no packet matches it");
		if (e->answers)
			diag_hint(diag, r,
				  "ICMP errors and answers open no connection: those of a known "
				  "connection pass, others are dropped");
		return;
	}
	r = report_counterexample(diag, e);
	if (e->line && e->line->at.src)
		diag_note(diag, r, e->line->at, "this line decides");
	if (e->one_family)
		diag_note(diag, r, e->one_family->span, "this translates IPv%d only",
			  e->family == 6 ? 4 : 6);
	if (e->one_family)
		diag_hint(diag, r,
			  "the target has no IPv%d address: give it one, or expect this from %s",
			  e->family, e->family == 6 ? "0.0.0.0/0@ZONE" : "::/0@ZONE");
	else if (e->bare)
		diag_hint(diag, r, "a bare address may be this machine's, or in any zone; write %s",
			  e->bare);
	else if (e->missing && e->besides)
		diag_hint(diag, r, "no rule allows it; add: %s  # it also lets pass %s",

			  e->missing, without_new(e->besides));
	else if (e->missing)
		diag_hint(diag, r, "no rule allows it; add: %s", e->missing);
	else if (e->line && !e->line->at.src)
		diag_hint(diag, r, "decided by \"%s\"", e->line->text);
}

void findings_own(struct diag *diag, const struct expectations *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct nat *n = all->v[i].by_own;
		bool said = !n;

		for (size_t k = 0; k < i && !said; k++)
			said = all->v[k].by_own == n;
		if (!said)
			diag_hint(diag,
				  diag_remark(diag, n->span,
					      "expectations are judged with the addresses that "
					      "this machine has now: it has the target"),
				  "for another machine: --elsewhere");
	}
}
