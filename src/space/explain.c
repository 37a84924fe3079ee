/* SPDX-License-Identifier: GPL-2.0-or-later
 * Query -> stories.
 */
#include "space/explain.h"

#include <string.h>

#include "policy/routing.h"
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
		break;
	case FATE_UNKNOWN:
		return "unknown";
	}
	return "drop";
}

/* ---- where an address without a zone is ---- */

/* The zone that both ends of each range are in, and nothing narrower between; PLACE_OTHER if they
 * are in several, or in none. */
static int zone_of(struct mean *m, const struct policy *p, const struct addrs *s)
{
	int zone = PLACE_OTHER;

	for (int f = 0; f < 2; f++) {
		const struct ivset *set = f ? &s->v6 : &s->v4;

		for (size_t i = 0; i < set->n; i++) {
			int z = routing_zone(m->arena, p, f ? FAM_IP6 : FAM_IP4, set->v[i]);

			if (z < 0 || (zone >= 0 && z != zone))
				return PLACE_OTHER;
			zone = z;
		}
	}
	return zone;
}

/* Single addresses, each of which is this machine's. */
static bool is_here(const struct policy *p, const struct addrs *s)
{
	for (int f = 0; f < 2; f++) {
		const struct ivset *set = f ? &s->v6 : &s->v4;
		enum family fam = f ? FAM_IP6 : FAM_IP4;

		for (size_t i = 0; i < set->n; i++)
			if (set->v[i].lo != set->v[i].hi || !routing_own(p, fam, set->v[i].lo))
				return false;
	}
	return s->v4.n + s->v6.n > 0;
}

static void place(struct mean *m, const struct policy *p, struct endpoint *e)
{
	for (size_t i = 0; i < e->items.n; i++) {
		struct place_item *item = &e->items.v[i];
		int zone;

		if (item->at != AT_ANY || item->addrs.all || addrs_open(&item->addrs) ||
		    item->but.n || item->addrs.suffixed.n)
			continue;
		zone = zone_of(m, p, &item->addrs);
		if (is_here(p, &item->addrs)) {
			item->at = AT_SELF;
		} else if (zone >= 0) {
			item->at = AT_ZONE;
			item->zone = zone;
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

/* Which of its sub-zones the packet is in. */
static const char *with_parts(struct mean *m, const struct policy *p, const char *text, int root,
			      const struct packet *there, enum dim d)
{
	const struct zone *z;

	for (unsigned n = 0; (z = place_subzone(p, root, n)); n++)
		if (schema_at(&m->schema, mean_zone(m, p, (int)(z - p->zones.v), d), there))
			text = arena_printf(m->arena, "%s, in %s", text, z->name);
	return text;
}

static const char *zone_text(struct mean *m, const struct policy *p, const struct packet *there,
			     enum dim d)
{
	uint32_t code = (uint32_t)there->dim[d];
	int z = mean_zone_of(m, p, code);
	const char *name = schema_name(&m->schema, code), *text;

	if (code == schema_no_interface(&m->schema))
		return "this machine";
	text = z >= 0 ? arena_printf(m->arena, "zone %s (%s)", p->zones.v[z].name, name)
		      : arena_printf(m->arena, "%s, which is in no zone", name);
	return with_parts(m, p, text, z, there, d);
}

static const struct line *nat_line(struct mean *m, const struct policy *p, const struct nat *n)
{
	return mean_line(m, n->text, span_where(m->arena, n->span), n->span,
			 p->rules.n + (size_t)(n - p->nats.v) + 1);
}

static const char *published_text(struct mean *m, const struct packet *packet)
{
	return packet->dim[DIM_CALLED]
		       ? arena_printf(m->arena, "translated by others; it called port %u",
				      (unsigned)packet->dim[DIM_CALLED])
		       : "translated by others";
}

static void tell_mark(struct mean *m, const struct policy *p, size_t mark, dd_ref on, bool own,
		      struct story *s)
{
	const struct mark *k = &p->marks.v[mark];
	const char *does = arena_printf(m->arena, "marked 0x%x", k->value);

	if (!schema_at(&m->schema, on, &s->packet))
		return;
	if (k->mask != UINT32_MAX)
		does = arena_printf(m->arena, "marked 0x%x/0x%x", k->value, k->mask);
	step(m, s, own ? "output mark" : "prerouting", does, mean_mark_line(m, p, mark));
}

static void tell_arrival(struct mean *m, const struct policy *p, const struct leg *leg,
			 struct story *s)
{
	bool own = s->packet.dim[DIM_IIF] == schema_no_interface(&m->schema);
	const dd_ref *marked = NULL;

	step(m, s, "arrives",
	     own ? with_parts(m, p, "made by this machine", PLACE_SELF, &s->packet, DIM_IIF)
		 : arena_printf(m->arena, "from %s", zone_text(m, p, &s->packet, DIM_IIF)),
	     NULL);
	if (leg->untracked)
		step(m, s, own ? "output" : "prerouting", MEAN_NOTRACK,
		     mean_untracked_line(m, leg->untracked));
	if (leg->by_others)
		step(m, s, own ? "output nat" : "prerouting", published_text(m, &s->packet), NULL);
	if (leg->marked)
		marked = mean_marked(m, p, own ? ROUTE_OUTPUT : AT_PREROUTING);
	for (size_t i = 0; leg->marked && i < p->marks.n; i++)
		tell_mark(m, p, i, marked[i], own, s);
	if (leg->nat)
		step(m, s, own ? "output nat" : "prerouting", leg->rewrite,
		     nat_line(m, p, leg->nat));
	else if (leg->kept)
		step(m, s, own ? "output nat" : "prerouting", "not translated",
		     nat_line(m, p, leg->kept));
}

static const char *route_text(struct mean *m, const struct policy *p, const struct leg *leg,
			      const struct packet *there)
{
	const char *zone = zone_text(m, p, there, DIM_OIF), *text;
	struct buf b = {0};

	if (leg->local)
		zone = leg->by_own ? "this machine, which has that address now" : "this machine";
	if (!leg->has_addr)
		return arena_printf(m->arena, "to %s", zone);
	addr_print(&b, leg->family, there->dim[DIM_DADDR]);
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
					    [AT_POSTROUTING] = "postrouting filter",
					    [AT_PREROUTING] = "prerouting"};
	const char *hook = leg->at == NSTATIONS ? "loopback" : hooks[leg->at];

	if (leg->at != NSTATIONS && leg->at != AT_PREROUTING)
		step(m, s, "routed", route_text(m, p, leg, there), NULL);
	step(m, s, hook, outcome_spoken(m->arena, x), x->line);
}

/* What no rule gets to see once both sides have spoken; with a helper it is never so. */
static void tell_offload(struct mean *m, const struct policy *p, const struct packet *there,
			 struct story *s, const struct outcome *x)
{
	const struct offload *o;

	if (x->effects && strstr(x->effects, "helper "))
		return;
	vec_each (&p->offloads, o) {
		if (!schema_at(&m->schema, mean_rule_match(m, p, &o->rule, AT_FORWARD), there))
			continue;
		step(m, s, "then",
		     o->hardware ? "offloaded to the devices: meets no rule any more"
				 : "offloaded: meets no rule any more",
		     mean_line(m, o->rule.text, span_where(m->arena, o->rule.span), o->rule.span,
			       0));
		return;
	}
}

/* Behind the filter; and what the way back needs. */
static void tell_rest(struct mean *m, const struct policy *p, const struct leg *leg,
		      const struct packet *there, struct story *s, const struct outcome *x)
{
	const struct outcome *source;

	if (x->fate != FATE_ACCEPT && x->fate != FATE_INSPECT)
		return;
	if (leg->untracked) {
		step(m, s, "reply", "not tracked either; needs no rule",
		     mean_untracked_line(m, leg->untracked));
		return;
	}
	source = journey_source(m, p, leg, there);
	if (source)
		step(m, s, "postrouting",
		     source->fate == FATE_TRANSLATE ? source->what : "not translated",
		     source->line);
	step(m, s, "reply",
	     (source && source->fate == FATE_TRANSLATE) || leg->nat || leg->by_others
		     ? "let through by connection tracking, and translated back; needs no rule"
		     : "let through by connection tracking; needs no rule",
	     NULL);
	m->translated = journey_translates(leg);
	if (leg->at == AT_FORWARD && x->fate == FATE_ACCEPT)
		tell_offload(m, p, there, s, x);
	m->translated = false;
}

static void note_conditions(struct mean *m, const struct packet *there, struct story *s)
{
	for (size_t i = 0; i < there->nconditions; i++)
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
			       leg->at == AT_PREROUTING				   ? AT_INPUT
			       : leg->at == AT_POSTROUTING || leg->at == NSTATIONS ? AT_OUTPUT
										   : leg->at);
	s.count = ranges_count(m, which);
	note_conditions(m, &there, &s);
	tell_arrival(m, p, leg, &s);
	tell_filter(m, p, leg, &there, &s, &x);
	tell_rest(m, p, leg, &there, &s, &x);
	vec_push(m->arena, out, s);
}

/* ---- all of them ---- */

void explain_legs(struct mean *m, const struct policy *p, const struct rule *query,
		  struct legs *out)
{
	struct rule q = *query;

	place(m, p, &q.from);
	place(m, p, &q.to);
	journey_legs(m, p, &q, out);
}

void explain_query(struct stories *out, struct mean *m, const struct policy *p,
		   const struct rule *query)
{
	struct legs legs = {0};

	explain_legs(m, p, query, &legs);
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
