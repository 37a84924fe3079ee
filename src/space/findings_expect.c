/* SPDX-License-Identifier: GPL-2.0-or-later
 * Expectations, and translations that lead nowhere: both follow packets from where they arrive.
 */
#include "space/findings.h"
#include "space/journey.h"
#include "space/packet.h"

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

static const char *place_name(struct mean *m, const struct policy *p, uint32_t code)
{
	int zone = mean_zone_of(m, p, code);

	if (code == schema_no_interface(&m->schema))
		return "self";
	return zone >= 0 ? p->zones.v[zone].name : "any";
}

/* A rule for packets like it, ready to paste. */
static const char *missing_rule(struct mean *m, const struct policy *p, const struct packet *there)
{
	const char *text;
	struct buf b = {0};

	packet_service(&b, there);
	text = arena_printf(m->arena, "allow %s -> %s %s",
			    place_name(m, p, (uint32_t)there->dim[DIM_IIF]),
			    place_name(m, p, (uint32_t)there->dim[DIM_OIF]), buf_str(&b));
	buf_free(&b);
	return text;
}

static void give_example(struct mean *m, const struct policy *p, const struct leg *leg,
			 dd_ref which, struct expectation *e)
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
	/* what the packet has become is what a rule must speak of */
	if (leg->at <= AT_OUTPUT && x->line && !x->line->order)
		e->missing = missing_rule(m, p, &there);
	buf_free(&b);
}

/* The first leg with such a packet gives the example. */
static void judge(struct mean *m, const struct policy *p, const struct legs *legs,
		  struct expectation *e)
{
	bool some = e->rule->some, found = false, any = false;

	for (size_t i = 0; i < legs->n && !found; i++) {
		const struct leg *leg = &legs->v[i];
		dd_ref which = where_fate(m, leg->fate, wanted[e->rule->verb]);

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
			give_example(m, p, leg, which, e);
	}
	e->known = !dd_exhausted(m->dd);
	e->holds = e->known && any && found == some;
}

void findings_expect(const struct policy *p, struct arena *a, struct dd_budget budget,
		     struct expectations *out)
{
	for (size_t i = 0; i < p->expects.n; i++) {
		struct expectation e = {.rule = &p->expects.v[i]};
		struct legs legs = {0};
		struct mean m;

		mean_init(&m, a, budget);
		schema_add_policy(&m.schema, p);
		journey_legs(&m, p, e.rule, &legs);
		judge(&m, p, &legs, &e);
		e.answers = services_undecided(a, &e.rule->services);
		mean_free(&m);
		vec_push(a, out, e);
	}
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
			       e->rule->some ? "this does not hold: no packet has that fate"
					     : "this speaks of no packet at all");
		if (e->answers)
			diag_hint(diag, r,
				  "ICMP errors and answers open no connection: with the one that "
				  "they belong to they pass, others are dropped");
		return;
	}
	r = diag_error(diag, e->rule->span, "this does not hold: %s: %s", e->packet, e->says);
	if (e->line && e->line->at.src)
		diag_note(diag, r, e->line->at, "this line decides");
	else if (e->line && e->rule->verb == VERB_ALLOW && e->missing)
		diag_hint(diag, r, "no rule allows it; add: %s", e->missing);
	else if (e->line)
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

/* ---- translations ---- */

static void report_closed(struct diag *diag, const struct mean *m, const struct nat *n,
			  const struct legs *legs)
{
	struct diag_record *r = diag_warning(diag, n->span,
					     "nothing that this translates is let pass: NAT by "
					     "itself opens nothing");

	for (size_t i = 0; i < legs->n; i++) {
		struct packet packet;
		const struct outcome *x;

		if (!schema_witness((struct schema *)&m->schema, legs->v[i].there, &packet))
			continue;
		x = outcome_of(&m->outcomes,
			       schema_at((struct schema *)&m->schema, legs->v[i].fate, &packet));
		if (x->line && x->line->at.src)
			diag_note(diag, r, x->line->at, "this line decides first");
		return;
	}
}

static bool passes(struct mean *m, const struct legs *legs)
{
	for (size_t i = 0; i < legs->n; i++)
		if (where_fate(m, legs->v[i].fate, FATE_ACCEPT) != DD_FALSE ||
		    where_fate(m, legs->v[i].fate, FATE_INSPECT) != DD_FALSE)
			return true;
	return legs->n == 0;
}

bool findings_nats(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget)
{
	bool whole = true;

	for (size_t i = 0; i < p->nats.n && whole; i++) {
		struct nat *n = &p->nats.v[i];
		struct legs legs = {0};
		struct mean m;

		if ((n->kind != NAT_DNAT && n->kind != NAT_REDIRECT) || n->closed)
			continue;
		mean_init(&m, a, budget);
		schema_add_policy(&m.schema, p);
		journey_of_nat(&m, p, i, &legs);
		if (!passes(&m, &legs) && !dd_exhausted(m.dd)) {
			report_closed(diag, &m, n, &legs);
			n->closed = true;
		}
		whole = !dd_exhausted(m.dd);
		mean_free(&m);
	}
	return whole;
}
