/* SPDX-License-Identifier: GPL-2.0-or-later
 * Query -> stories.
 */
#include "space/explain.h"

#include <string.h>

#include "space/packet.h"
#include "space/ranges.h"

const char *explain_fate_text(enum fate f)
{
	switch (f) {
	case FATE_ACCEPT:
		return "accept";
	case FATE_REJECT:
		return "reject";
	case FATE_INSPECT:
		return "inspect";
	case FATE_NONE:
	case FATE_RETURN:
	case FATE_DROP:
	case FATE_TRANSLATE:
	case FATE_UNKNOWN:
		break;
	}
	return "drop";
}

/* ---- where an address without a zone is ---- */

static bool holds(const struct ivset *net, const struct ivset *s)
{
	return !s->n || ivset_covers(net, s);
}

static void place(const struct policy *p, struct endpoint *e)
{
	for (size_t i = 0; i < e->items.n; i++) {
		struct place_item *item = &e->items.v[i];
		int found = -1, n = 0;

		if (item->at != AT_ANY || item->addrs.all || item->addrs.dyn)
			continue;
		for (size_t z = 0; z < p->zones.n; z++) {
			if (holds(&p->zones.v[z].net4, &item->addrs.v4) &&
			    holds(&p->zones.v[z].net6, &item->addrs.v6)) {
				found = (int)z;
				n++;
			}
		}
		if (n == 1) {
			item->at = AT_ZONE;
			item->zone = found;
		}
	}
}

/* ---- steps ---- */

static void step(struct mean *m, struct story *s, const char *hook, const char *does,
		 const struct line *line)
{
	struct story_step x = {.hook = hook, .does = does};

	if (line)
		x.line = *line;
	else
		x.line = (struct line){.where = ""};
	vec_push(m->arena, &s->steps, x);
}

static const char *zone_text(struct mean *m, const struct policy *p, uint32_t code)
{
	int z = mean_zone_of(m, p, code);
	const char *name = schema_name(&m->schema, code);

	if (code == schema_no_interface(&m->schema))
		return "this machine";
	return z >= 0 ? arena_printf(m->arena, "zone %s (%s)", p->zones.v[z].name, name)
		      : arena_printf(m->arena, "%s, which is in no zone", name);
}

static const struct line *nat_line(struct mean *m, const struct policy *p, const struct nat *n)
{
	return mean_line(m, n->text, span_where(m->arena, n->span), n->span,
			 p->rules.n + (size_t)(n - p->nats.v) + 1);
}

static void tell_arrival(struct mean *m, const struct policy *p, const struct leg *leg,
			 struct story *s)
{
	bool own = s->packet.dim[DIM_IIF] == schema_no_interface(&m->schema);

	step(m, s, "arrives",
	     own ? "made by this machine"
		 : arena_printf(m->arena, "from %s",
				zone_text(m, p, (uint32_t)s->packet.dim[DIM_IIF])),
	     NULL);
	if (leg->nat)
		step(m, s, own ? "output nat" : "prerouting", leg->rewrite,
		     nat_line(m, p, leg->nat));
}

static const char *route_text(struct mean *m, const struct policy *p, const struct leg *leg,
			      const struct packet *there)
{
	const char *zone = zone_text(m, p, (uint32_t)there->dim[DIM_OIF]), *text;
	struct buf b = {0};

	if (!leg->has_addr)
		return arena_printf(m->arena, "to %s", zone);
	addr_print(&b, leg->family, leg->addr);
	text = arena_printf(m->arena, "to %s, %s", buf_str(&b), zone);
	buf_free(&b);
	return text;
}

static void tell_filter(struct mean *m, const struct policy *p, const struct leg *leg,
			const struct packet *there, struct story *s, const struct outcome *x)
{
	static const char *const hooks[] = {[AT_INPUT] = "input",
					    [AT_FORWARD] = "forward",
					    [AT_OUTPUT] = "output",
					    [AT_POSTROUTING] = "postrouting filter"};
	const char *hook = leg->at == NSTATIONS ? "loopback" : hooks[leg->at];

	if (leg->at != NSTATIONS)
		step(m, s, "routed", route_text(m, p, leg, there), NULL);
	step(m, s, hook, outcome_text(m->arena, x), x->line);
}

/* Behind the filter; and what the way back needs. */
static void tell_rest(struct mean *m, const struct policy *p, const struct leg *leg,
		      const struct packet *there, struct story *s, const struct outcome *x)
{
	const struct outcome *source;

	if (x->fate != FATE_ACCEPT && x->fate != FATE_INSPECT)
		return;
	source = journey_source(m, p, leg, there);
	if (source)
		step(m, s, "postrouting", source->what, source->line);
	step(m, s, "reply",
	     source || leg->nat
		     ? "let through by connection tracking, and translated back; needs no rule"
		     : "let through by connection tracking; needs no rule",
	     NULL);
}

static void note_conditions(struct mean *m, const struct packet *there, struct story *s)
{
	for (size_t i = 0; i < m->schema.texts.n; i++)
		if (there->condition[i])
			vec_push(m->arena, &s->conditions, m->schema.texts.v[i]);
}

/* All that is done to some packet of the region on its way. */
static struct outcome with_effects(struct mean *m, const struct leg *leg, dd_ref which,
				   uint32_t decision)
{
	struct mean_values full = mean_values(m, dd_restrict(m->dd, which, leg->fate));
	struct outcome x = *outcome_of(&m->outcomes, decision);

	for (size_t i = 0; i < full.n; i++)
		if (full.v[i])
			x.effects = outcome_unite(&m->outcomes, x.effects,
						  outcome_of(&m->outcomes, full.v[i])->effects);
	return x;
}

static void tell(struct stories *out, struct mean *m, const struct policy *p, const struct leg *leg,
		 dd_ref which, uint32_t decision)
{
	const struct outcome x = with_effects(m, leg, which, decision);
	struct story s = {.fate = x.fate};
	struct packet there;
	struct buf b = {0};

	if (!schema_witness(&m->schema, which, &there) ||
	    !journey_arrival(m, leg, &there, &s.packet))
		return;
	packet_print(&b, m, &s.packet);
	s.text = arena_strdup(m->arena, buf_str(&b));
	buf_free(&b);
	s.line = x.line ? *x.line : (struct line){.where = ""};
	s.query = packet_query(m, p, &s.packet,
			       leg->at == AT_POSTROUTING || leg->at == NSTATIONS ? AT_OUTPUT
										 : leg->at);
	s.count = ranges_count(m, which);
	note_conditions(m, &there, &s);
	tell_arrival(m, p, leg, &s);
	tell_filter(m, p, leg, &there, &s, &x);
	tell_rest(m, p, leg, &there, &s, &x);
	vec_push(m->arena, out, s);
}

/* ---- all of them ---- */

void explain_query(struct stories *out, struct mean *m, const struct policy *p,
		   const struct rule *query)
{
	struct rule q = *query;
	struct legs legs = {0};

	place(p, &q.from);
	place(p, &q.to);
	journey_legs(m, p, &q, &legs);
	for (size_t i = 0; i < legs.n; i++) {
		dd_ref decisions = dd_map(m->dd, legs.v[i].fate, outcome_decision, &m->outcomes);
		struct mean_values values = mean_values(m, decisions);

		for (size_t k = 0; k < values.n; k++) {
			dd_ref which = dd_where(m->dd, decisions, values.v[k]);

			if (values.v[k])
				tell(out, m, p, &legs.v[i], dd_and(m->dd, which, legs.v[i].there),
				     values.v[k]);
		}
	}
	out->known = !dd_exhausted(m->dd);
}
