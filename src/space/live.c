/* SPDX-License-Identifier: GPL-2.0-or-later
 * Ways -> stories: how many packets end so, whatever is not known, and how many if this or that
 * holds.
 */
#include "space/live.h"

#include <string.h>

#include "nft/nft.h"
#include "space/live_walk.h"
#include "space/packet.h"
#include "space/ranges.h"
#include "util/bulk_parts.h"

#define STORIES_OF_A_WAY 16

struct asking {
	struct stories *out;
	struct walk walk;
	dd_ref packets;
	bool own;
};

static dd_ref without(struct mean *m, dd_ref a, dd_ref b)
{
	return dd_and(m->dd, a, dd_not(m->dd, b));
}

/* ---- what has to hold ---- */

struct literals {
	bool *asked, *holds; /* by number of the condition */
	size_t n;
};

static struct literals literals(struct mean *m)
{
	size_t n = m->schema.texts.n;

	return (struct literals){arena_alloc(m->arena, n + 1), arena_alloc(m->arena, n + 1), n};
}

/* Conditions under which that packet is in the region: as few as come on one way down, and none
 * that holds where it need not. */
static struct literals conditions_of(struct mean *m, dd_ref region, struct packet *p)
{
	struct literals l = literals(m);
	size_t first = schema_condition_var(0);
	dd_ref n;

	memset(l.asked, 0, l.n + 1);
	memset(l.holds, 0, l.n + 1);
	n = dd_and(m->dd, region, schema_dims(&m->schema, p));
	while (n != DD_EXHAUSTED && !dd_is_terminal(m->dd, n)) {
		bool hi = dd_lo(m->dd, n) == DD_FALSE;
		size_t var = dd_var(m->dd, n);

		if (var >= first && var - first < l.n) {
			l.asked[var - first] = true;
			l.holds[var - first] = hi;
		}
		n = hi ? dd_hi(m->dd, n) : dd_lo(m->dd, n);
	}
	return l;
}

static dd_ref with_them(struct mean *m, dd_ref r, const struct literals *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->asked[i])
			r = dd_fix(m->dd, r, (uint32_t)schema_condition_var(i), 1, l->holds[i]);
	return r;
}

static dd_ref where_they_hold(struct mean *m, const struct literals *l)
{
	dd_ref r = DD_TRUE;

	for (size_t i = l->n; i-- > 0;)
		if (l->asked[i])
			r = l->holds[i] ? dd_node(m->dd, schema_condition_var(i), DD_FALSE, r)
					: dd_node(m->dd, schema_condition_var(i), r, DD_FALSE);
	return r;
}

/* ---- stories ---- */

/* What other tables may ask for, and no policy. */
static void print_rest(struct buf *b, const struct packet *p)
{
	static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
					   "Thursday", "Friday", "Saturday"};
	unsigned hops = (unsigned)p->dim[DIM_HOPLIMIT], second = (unsigned)p->dim[DIM_HOUR];

	if (hops != 64)
		buf_printf(b, ", hop limit %u", hops);
	if (p->dim[DIM_LENGTH] != PLAIN_LENGTH)
		buf_printf(b, ", %u bytes long", (unsigned)p->dim[DIM_LENGTH]);
	if (second != 12 * 3600)
		buf_printf(b, ", at %02u:%02u:%02u UTC", second / 3600, second / 60 % 60,
			   second % 60);
	if (p->dim[DIM_DAY] != 1)
		buf_printf(b, ", on a %s", days[p->dim[DIM_DAY] % 7]);
}

static void tell(struct asking *q, const struct way *x, struct packet *p, const struct literals *l,
		 long double count)
{
	struct mean *m = q->walk.m;
	struct story s = {.packet = *p, .fate = x->fate, .count = count};
	struct walk walk = q->walk;
	struct ways ignored = {0};
	struct buf b = {0};

	p->condition = l->holds;
	p->nconditions = l->n;
	walk.tell = &s;
	live_walk(&walk, schema_point(&m->schema, p), q->own, &ignored);
	s.packet.condition = NULL;
	packet_print(&b, m, &s.packet);
	print_rest(&b, p);
	s.text = arena_strdup(m->arena, buf_str(&b));
	buf_free(&b);
	s.query = packet_query(m, q->walk.p, p, AT_FORWARD);
	s.line = x->line ? *x->line : (struct line){.where = ""};
	if (!x->line && s.steps.n)
		s.line = s.steps.v[s.steps.n - 1].line;
	for (size_t i = 0; i < l->n; i++) {
		if (l->asked[i] && l->holds[i])
			vec_push(m->arena, &s.conditions, m->schema.texts.v[i]);
		else if (l->asked[i])
			vec_push(m->arena, &s.unless, m->schema.texts.v[i]);
	}
	vec_push(m->arena, q->out, s);
}

/* First those that end so in any case, then those that do so if ... */
static void tell_way(struct asking *q, const struct way *x)
{
	struct mean *m = q->walk.m;
	dd_ref elsewhere = schema_some_condition(&m->schema, without(m, q->packets, x->packets));
	dd_ref surely = without(m, schema_some_condition(&m->schema, x->packets), elsewhere);
	dd_ref rest = without(m, x->packets, surely),
	       maybe = schema_some_condition(&m->schema, rest);
	struct packet p;

	if (surely != DD_FALSE && schema_witness(&m->schema, surely, &p)) {
		struct literals none = conditions_of(m, surely, &p);

		tell(q, x, &p, &none, ranges_count(m, surely));
	}
	for (int i = 0; i < STORIES_OF_A_WAY && schema_witness(&m->schema, rest, &p); i++) {
		struct literals l = conditions_of(m, rest, &p);
		dd_ref fits = with_them(m, x->packets, &l);

		fits = without(m, maybe,
			       schema_some_condition(&m->schema, without(m, maybe, fits)));
		tell(q, x, &p, &l, ranges_count(m, fits));
		rest = without(m, rest, dd_and(m->dd, fits, where_they_hold(m, &l)));
	}
}

/* ---- which packets ---- */

static void elements(struct mean *m, const struct live_tables *tables, const char *set,
		     struct ivset *out)
{
	for (size_t t = 0; t < tables->n; t++) {
		const struct ir_set *s =
			tables->v[t].line_of ? ruleset_set(tables->v[t].ruleset, set) : NULL;

		for (size_t i = 0; s && s->nkeys == 1 && i < s->elems.n; i++)
			vec_push(m->arena, out, s->elems.v[i].key[0]);
	}
	ivset_normalise(out);
}

static const struct ir_bulk *list_of(const struct live_tables *tables, const char *set)
{
	const struct ir_set *s = NULL;

	for (size_t t = 0; t < tables->n && !s; t++)
		s = tables->v[t].line_of ? ruleset_set(tables->v[t].ruleset, set) : NULL;
	return s ? s->bulk : NULL;
}

/* Of a set in two parts it must be known what both hold. */
static bool lists_of(const struct live_tables *tables, struct arena *a, const char *set,
		     const struct ir_bulk *out[BULK_PARTS])
{
	out[0] = out[1] = list_of(tables, set);
	for (int i = 0; i < BULK_PARTS && bulk_is_name(set) && !out[i]; i++)
		out[i] = list_of(tables, bulk_part_name(a, set, (enum bulk_part)i));
	return out[0] && out[1];
}

/* A question that names a set of run time speaks of the addresses that it holds now. */
static dd_ref of_now(struct mean *m, const struct live_tables *tables, dd_ref r)
{
	for (size_t i = 0; i < m->schema.texts.n; i++) {
		uint32_t var = (uint32_t)schema_condition_var(i);
		const char *text = m->schema.texts.v[i];
		const char *holds = strstr(text, " holds the "), *set;
		enum dim d = holds && strstr(holds, "source") ? DIM_SADDR : DIM_DADDR;
		const struct ir_bulk *lists[BULK_PARTS];
		struct ivset held = {0};
		dd_ref in;

		if (text[0] != '@' || !holds || strstr(holds, "the cgroup"))
			continue;
		set = arena_strndup(m->arena, text + 1, (size_t)(holds - text) - 1);
		if (lists_of(tables, m->arena, set, lists)) {
			in = dd_or(m->dd, schema_bulk(&m->schema, d, lists[0]->elems, r),
				   schema_bulk(&m->schema, d, lists[1]->elems, r));
		} else if (bulk_is_name(set)) { /* nobody knows what is in it */
			continue;
		} else {
			elements(m, tables, set, &held);
			in = schema_addrs(&m->schema, d, strstr(set, ".v6") ? FAM_IP6 : FAM_IP4,
					  &held);
		}
		r = dd_or(m->dd, dd_and(m->dd, in, dd_fix(m->dd, r, var, 1, 1)),
			  without(m, dd_fix(m->dd, r, var, 1, 0), in));
	}
	return r;
}

/* A connection that is only being opened has no mark yet. */
static void ask(struct asking *q, dd_ref packets, bool own)
{
	struct mean *m = q->walk.m;
	struct ways ends = {0};

	q->packets = dd_and(m->dd, packets, schema_one(&m->schema, DIM_CT_MARK, 0));
	q->packets = of_now(m, q->walk.tables, q->packets);
	q->own = own;
	if (q->packets == DD_FALSE)
		return;
	live_walk(&q->walk, q->packets, own, &ends);
	for (size_t i = 0; i < ends.n; i++)
		tell_way(q, &ends.v[i]);
}

void live_query(struct stories *out, struct mean *m, const struct live_tables *tables,
		const struct policy *p, const struct rule *query)
{
	struct asking q = {.out = out, .walk = {.m = m, .tables = tables, .p = p}};
	dd_ref own = schema_one(&m->schema, DIM_IIF, schema_no_interface(&m->schema));
	dd_ref all = DD_FALSE;
	struct legs legs = {0};

	explain_legs(m, p, query, &legs);
	for (size_t i = 0; i < legs.n; i++)
		all = dd_or(m->dd, all, legs.v[i].arrival);
	ask(&q, without(m, all, own), false);
	ask(&q, dd_and(m->dd, all, own), true);
	out->known = !dd_exhausted(m->dd);
}
