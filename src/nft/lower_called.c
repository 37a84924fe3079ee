/* SPDX-License-Identifier: GPL-2.0-or-later
 * Services that the client called, before any translation -> matches.
 */
#include "nft/lower.h"

static bool is_full(const struct ivset *s)
{
	return s->n == 1 && s->v[0].lo == 0 && s->v[0].hi == 65535;
}

static void match_called_by(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			    int row, const struct ivset *from, const struct ivset *to)
{
	struct ir_rule r = rule_copy(l, base);

	match_one(l, &r, F_L4PROTO, port_protocols[row]);
	if (from)
		match_ivset(l, &r, F_TH_SPORT, from, "source-ports");
	if (!is_full(to))
		match_ivset(l, &r, F_CT_DPORT, to, "called");
	vec_push(l->arena, out, r);
}

/* Neither a concatenation nor a map takes the port that was called: a rule for each protocol. */
void match_called(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		  const struct services *s, enum family family)
{
	struct ir_rule stations, bare = without_stations(l, base, &stations);
	struct services rest = *s;
	const struct sourced *x;
	size_t first = out->n;

	for (int i = 0; i < PORT_PROTOCOLS && !s->any; i++) {
		if (!s->ports[i].n || is_full(&s->ports[i]))
			continue;
		match_called_by(l, out, &bare, i, NULL, &s->ports[i]);
		rest.ports[i] = (struct ivset){0};
	}
	vec_each (&s->sourced, x)
		match_called_by(l, out, &bare, x->row, &x->from, &x->to);
	rest.sourced.n = 0;
	match_services(l, out, &bare, &rest, family);
	stations_last(l, out, first, &stations);
}
