/* SPDX-License-Identifier: GPL-2.0-or-later
 * The packet that would open the session anew, by the meaning of the new rules: where it comes in,
 * what translates it, what the input hook does.
 */
#include "apply/lockout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/route.h"
#include "kernel/session.h"
#include "space/mean.h"
#include "util/cleanup.h"

struct session {
	struct session_ends ends;
	char client[64]; /* as text */
	struct route_answer by; /* the interfaces by which it may have come */
};

static bool read_session(const char *ssh, struct session *s)
{
	_cleanup_buf_ struct buf client = {0};

	if (!session_ends(ssh, &s->ends))
		return false;
	addr_print(&client, s->ends.family, s->ends.client);
	snprintf(s->client, sizeof(s->client), "%s", buf_str(&client));
	return true;
}

static bool find_interfaces(struct session *s, const char *netns)
{
	s->by = (struct route_answer){.family = s->ends.family,
				      .to = s->ends.client,
				      .from = s->ends.server,
				      .to_port = s->ends.client_port,
				      .from_port = s->ends.server_port};
	return route_answers(netns, &s->by) == 0 && s->by.n && strcmp(s->by.names[0], "lo") != 0;
}

/* Ports of the client's choice, and whatever a rate or a set of run time says, are left open. */
static dd_ref packets(struct mean *m, const struct session *s, uint32_t iif)
{
	struct schema *sc = &m->schema;
	struct ivset from = ivset_one(m->arena, s->ends.client, s->ends.client);
	struct ivset to = ivset_one(m->arena, s->ends.server, s->ends.server);
	dd_ref all = schema_possible(sc, AT_INPUT);
	const dd_ref parts[] = {
		schema_one(sc, DIM_CT_STATE, CT_NEW),
		schema_one(sc, DIM_CT_STATUS, 0),
		schema_one(sc, DIM_CT_MARK, 0),
		schema_one(sc, DIM_CT_DIRECTION, 0),
		schema_one(sc, DIM_IIF, iif),
		schema_one(sc, DIM_MARK, 0),
		schema_addrs(sc, DIM_SADDR, s->ends.family, &from),
		schema_addrs(sc, DIM_DADDR, s->ends.family, &to),
		schema_one(sc, DIM_PROTO, IPPROTO_TCP),
		schema_one(sc, DIM_DPORT, s->ends.server_port),
		schema_one(sc, DIM_FLAGS, 2 /* SYN */),
		schema_one(sc, DIM_FIB_SADDR, RTN_UNICAST),
		schema_one(sc, DIM_FIB_DADDR, RTN_LOCAL),
		schema_one(sc, DIM_FIB_DADDR_IIF, RTN_LOCAL),
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		all = dd_and(m->dd, all, parts[i]);
	return all;
}

/* The fates that these packets can have, by a station; and who decides a bad one. */
static bool may_pass(struct mean *m, const struct ir_ruleset *want, enum station at, dd_ref where,
		     struct outcome *bad)
{
	struct mean_values values;
	bool good = false;

	m->within = where;
	values = mean_values(m, mean_ruleset(m, want, at));
	if (dd_exhausted(m->dd))
		return true;
	for (size_t i = 0; i < values.n; i++) {
		const struct outcome *x = outcome_of(&m->outcomes, values.v[i]);

		if (!values.v[i])
			continue;
		if (x->fate == FATE_ACCEPT || x->fate == FATE_INSPECT)
			good = true;
		else
			*bad = *x;
	}
	return good;
}

static void explain(const struct session *s, struct arena *a, const struct outcome *bad,
		    struct buf *why)
{
	buf_printf(why, "these rules would cut you off: another ssh connection from %s (by ",
		   s->client);
	for (size_t i = 0; i < s->by.n; i++)
		buf_printf(why, "%s%s", i ? " or " : "", s->by.names[i]);
	buf_printf(why,
		   ") to port %u\nmeets: %s%s%s\nhint: allow it, or use --force if you have "
		   "another way in",
		   s->ends.server_port, outcome_text(a, bad), bad->line ? ", by " : "",
		   bad->line ? bad->line->text : "");
}

static bool passes_by(struct mean *m, const struct ir_ruleset *want, const struct session *s,
		      struct ival name, struct outcome *bad)
{
	dd_ref here = packets(m, s, schema_code(&m->schema, name));

	return here == DD_EXHAUSTED || here == DD_FALSE ||
	       (may_pass(m, want, AT_PREROUTING, here, bad) &&
		may_pass(m, want, NAT_PREROUTING, here, bad) &&
		may_pass(m, want, AT_INPUT, here, bad));
}

/* Of several interfaces one that lets it in is enough: which it was is not known. */
int lockout_check(struct arena *a, const struct ir_ruleset *want, const char *ssh,
		  const char *netns, struct buf *why)
{
	struct outcome bad = {.fate = FATE_DROP};
	struct ival names[ROUTE_NAMES];
	struct session s = {0};
	bool passes = false;
	struct mean m;

	if (!read_session(ssh, &s) || !find_interfaces(&s, netns))
		return 0;
	mean_init(&m, a, (struct dd_budget){PROOF_NODES, PROOF_SECONDS});
	m.lines = true;
	schema_add_ruleset(&m.schema, want);
	for (size_t i = 0; i < s.by.n; i++)
		if (ifname_parse(s.by.names[i], strlen(s.by.names[i]), &names[i]))
			schema_add_name(&m.schema, names[i]);
	for (size_t i = 0; i < s.by.n && !passes; i++)
		passes = passes_by(&m, want, &s, names[i], &bad);
	if (!passes)
		explain(&s, a, &bad, why);
	mean_free(&m);
	return passes ? 0 : -EPERM;
}
