/* SPDX-License-Identifier: GPL-2.0-or-later
 * Translations -> which addresses are this machine's, as far as a policy tells.
 */
#include <linux/rtnetlink.h>

#include "policy/routing.h"
#include "space/journey.h"

static bool names_addresses(const struct endpoint *e)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (!i->addrs.all)
			return true;
	return false;
}

static bool is_target(const struct nat *n, enum family fam, u128 addr)
{
	const struct ival *v;

	vec_each (fam == FAM_IP4 ? &n->to4.to : &n->to6.to, v)
		if (v->lo <= addr && addr <= v->hi)
			return true;
	return false;
}

/* The network that a netmap goes by is elsewhere, as far as nothing says that it is here. */
static void away_in_map(struct mean *m, const struct policy *p, const struct nat *n,
			struct ivset away[2])
{
	for (int f = 0; f < 2; f++) {
		enum family fam = f ? FAM_IP6 : FAM_IP4;
		struct routing_cells cells = {0};

		if (!(f ? &n->to6 : &n->to4)->to.n)
			continue;
		routing_cells(m->arena, p, fam, nat_seen_as(n, fam), &cells);
		for (size_t i = 0; i < cells.n; i++)
			if (routing_target(m->arena, p, fam, cells.v[i].lo).on)
				vec_push(m->arena, &away[f], cells.v[i]);
	}
}

/* The targets of a dnat that are elsewhere, of those that `of` has, too, if it is not NULL. */
static void away_of(struct mean *m, const struct policy *p, const struct nat *n,
		    const struct nat *of, struct ivset away[2])
{
	for (int f = 0; n->kind == NAT_DNAT && !n->prefix && f < 2; f++) {
		const struct nat_targets *to = f ? &n->to6 : &n->to4;
		enum family fam = f ? FAM_IP6 : FAM_IP4;

		for (size_t i = 0; i < to->to.n; i++)
			if ((!of || is_target(of, fam, to->to.v[i].lo)) &&
			    !routing_target(m->arena, p, fam, to->to.v[i].lo).here)
				vec_push(m->arena, &away[f], to->to.v[i]);
	}
}

static dd_ref here_but(struct mean *m, struct ivset away[2])
{
	ivset_normalise(&away[0]);
	ivset_normalise(&away[1]);
	return dd_and(m->dd, schema_one(&m->schema, DIM_FIB_DADDR, RTN_LOCAL),
		      dd_not(m->dd, journey_among(m, away[0], away[1])));
}

static void copy(struct mean *m, struct ivset to[2], const struct ivset from[2])
{
	for (int f = 0; f < 2; f++)
		for (size_t i = 0; i < from[f].n; i++)
			vec_push(m->arena, &to[f], from[f].v[i]);
}

static const struct mean_own *own_of(struct mean *m, const struct policy *p)
{
	struct ivset away[2] = {0};
	struct mean_own *o;
	const struct nat *n;

	vec_each (&m->own, o)
		if (o->of == p)
			return o;
	o = vec_add(m->arena, &m->own);
	*o = (struct mean_own){.of = p};
	vec_each (&p->nats, n)
		if (n->prefix && n->kind == NAT_DNAT)
			away_in_map(m, p, n, o->away);
	copy(m, away, o->away);
	vec_each (&p->nats, n)
		away_of(m, p, n, NULL, away);
	o->own = here_but(m, away);
	return o;
}

/* An address of this machine, whichever: those that dnat goes to and that are not here are none.
 * Of what one translation does, only its own targets matter, unless it names whom it is called by.
 */
dd_ref journey_own(struct mean *m, const struct policy *p, const struct nat *of)
{
	const struct mean_own *o = own_of(m, p);
	struct ivset away[2] = {0};
	const struct nat *n;

	if (!of || names_addresses(&of->to))
		return o->own;
	copy(m, away, o->away);
	if (of->prefix) /* a network, in which targets of others may be */
		vec_each (&p->nats, n)
			away_of(m, p, n, of, away);
	else
		away_of(m, p, of, of, away);
	return here_but(m, away);
}
