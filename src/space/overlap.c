/* SPDX-License-Identifier: GPL-2.0-or-later
 * two rulesets -> packets that one lets pass and the other does not. Marks that rules set before
 * are followed, of packets by what they came with.
 */
#include "space/overlap.h"

#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "space/live_marks.h"
#include "space/mean_marks.h"
#include "space/packet.h"
#include "space/ranges.h"

#define TRANSLATED 0x30 /* IPS_SRC_NAT | IPS_DST_NAT */
#define ALL_MARKS ((u128)UINT64_MAX)

struct overlap_step { /* a base chain */
	const struct ir_table *table;
	const struct ir_chain *chain;
	size_t order;
	bool before; /* at prerouting, of packets that are looked at where they have been routed */
	u128 sets; /* bits of marks */
	u128 later; /* those that it and the chains behind it ask for */
};

struct lane { /* packets that had the same marks set */
	dd_ref packets; /* as they came */
	struct mark_set set;
	u128 marks; /* bits that were set to what is not known */
	u128 came; /* MARKS_CAME: what they had then is not known */
};

struct lanes {
	struct lane *v;
	size_t n, cap;
};

static bool station_of(const struct ir_chain *c, enum station *at)
{
	static const enum station filters[] = {AT_INPUT, AT_FORWARD, AT_OUTPUT, AT_PREROUTING};

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		*at = filters[i];
		if (!strcmp(c->base.hook, station_table[*at].hook))
			return strcmp(c->base.type, "nat") != 0;
	}
	return false;
}

static bool passes(enum fate f)
{
	return f == FATE_ACCEPT || f == FATE_INSPECT;
}

static bool translates(enum fate f)
{
	return f == FATE_TRANSLATE;
}

static bool ends(enum fate f)
{
	return f == FATE_DROP || f == FATE_REJECT || f == FATE_UNKNOWN;
}

static dd_ref where(struct mean *m, dd_ref says, bool (*is)(enum fate))
{
	struct mean_values values;
	dd_ref all = DD_FALSE;

	says = dd_map(m->dd, says, outcome_decision, &m->outcomes);
	values = mean_values(m, says);
	for (size_t i = 0; i < values.n; i++)
		if (values.v[i] && is(outcome_of(&m->outcomes, values.v[i])->fate))
			all = dd_or(m->dd, all, dd_where(m->dd, says, values.v[i]));
	return all;
}

static dd_ref family_of(struct mean *m, uint8_t family)
{
	return schema_family(&m->schema, family == NFPROTO_IPV4	  ? FAM_IP4
					 : family == NFPROTO_IPV6 ? FAM_IP6
								  : FAM_NONE);
}

/* What belongs to one link no router forwards; fwc lets guests of a bridge have it there, and
 * whoever drops it does no harm: RFC 4861, 2710, 3810. */
static dd_ref of_a_link(struct mean *m)
{
	struct ival types = {130, 143}, proto = {58, 58};
	dd_ref v6 = schema_family(&m->schema, FAM_IP6);
	dd_ref is = schema_ranges(
		&m->schema, DIM_PROTO, 8, &proto, 1, u128_max(8),
		schema_ranges(&m->schema, DIM_TYPE, 8, &types, 1, u128_max(8), DD_TRUE));

	return dd_and(m->dd, v6, is);
}

/* Best one that comes without marks. */
static bool witness(struct mean *m, dd_ref both, struct packet *p)
{
	dd_ref unmarked = dd_and(m->dd, schema_one(&m->schema, DIM_MARK, 0),
				 schema_one(&m->schema, DIM_CT_MARK, 0));

	return schema_witness(&m->schema, dd_and(m->dd, both, unmarked), p) ||
	       schema_witness(&m->schema, both, p);
}

static void describe(struct overlap *out, struct mean *m, dd_ref both)
{
	struct packet p;
	struct buf b = {0};

	if (both == DD_FALSE || !witness(m, both, &p))
		return;
	packet_print(&b, m, &p);
	out->packet = arena_strdup(m->arena, buf_str(&b));
	buf_free(&b);
	out->count = ranges_count(m, schema_some_condition(&m->schema, both));
}

void overlaps_init(struct overlaps *o, struct arena *a, const struct ir_ruleset *own,
		   const struct ir_tables *tables, struct dd_budget budget)
{
	const struct ir_table *t;

	*o = (struct overlaps){.own = own, .tables = tables};
	mean_init(&o->mean, a, budget);
	o->mean.now = true;
	schema_add_ruleset(&o->mean.schema, own);
	vec_each (tables, t)
		schema_add_ruleset(&o->mean.schema, t->ruleset);
}

void overlaps_free(struct overlaps *o)
{
	mean_free(&o->mean);
}

/* ---- the chains on the way ---- */

static int by_priority(const void *a, const void *b)
{
	const struct overlap_step *x = a, *y = b;

	if (x->before != y->before)
		return y->before - x->before;
	return ruleset_base_cmp(x->chain, x->order, y->chain, y->order);
}

/* Who gets a packet from there may set its marks. */
static bool queues(const struct ir_ruleset *r)
{
	struct ir_chain *const *c;
	const struct ir_rule *rule;
	const struct ir_stmt *s;

	vec_each (&r->chains, c)
		vec_each (&(*c)->rules, rule)
			vec_each (&rule->stmts, s)
				if (s->kind == IR_QUEUE)
					return true;
	return false;
}

static void add_steps(struct overlaps *o, struct overlap_path *path, const struct ir_table *t,
		      enum station at)
{
	bool routed = at == AT_INPUT || at == AT_FORWARD, queued = queues(t->ruleset);
	struct ir_chain *const *c;

	vec_each (&t->ruleset->chains, c) {
		struct overlap_step x = {.table = t, .chain = *c, .order = path->n};
		const char *hook = (*c)->base.hook;

		if (!hook)
			continue;
		x.before = routed && !strcmp(hook, "prerouting");
		if (!x.before && strcmp(hook, station_table[at].hook) != 0)
			continue;
		marks_of_base(o->mean.arena, t->ruleset, *c, &x.sets, &x.later);
		x.sets = queued ? ALL_MARKS : x.sets & ALL_MARKS;
		vec_push(o->mean.arena, path, x);
	}
}

static bool of_ip(const struct ir_table *t)
{
	return t->family == NFPROTO_INET || t->family == NFPROTO_IPV4 || t->family == NFPROTO_IPV6;
}

static const struct overlap_path *path_to(struct overlaps *o, enum station at)
{
	struct overlap_path *path = &o->path[at];
	const struct ir_table *t;
	u128 later = 0;

	if (path->n)
		return path;
	vec_each (o->tables, t)
		if (of_ip(t) && !t->ruleset->dormant)
			add_steps(o, path, t, at);
	if (path->n > 1)
		qsort(path->v, path->n, sizeof(*path->v), by_priority);
	for (size_t i = path->n; i-- > 0;)
		path->v[i].later = later |= path->v[i].later;
	return path;
}

/* ---- what they do to marks ---- */

static void add(struct mean *m, struct lanes *out, const struct lane *x)
{
	struct lane *y;

	if (x->packets == DD_FALSE)
		return;
	vec_each (out, y)
		if (y->marks == x->marks && y->came == x->came && mark_set_same(&y->set, &x->set)) {
			y->packets = dd_or(m->dd, y->packets, x->packets);
			return;
		}
	vec_push(m->arena, out, *x);
}

static struct lane part(struct mean *m, const struct lane *x, dd_ref where_)
{
	struct lane y = *x;

	y.packets = dd_and(m->dd, x->packets, where_);
	return y;
}

static void forget(struct lane *x, u128 bits)
{
	mark_set_forget(&x->set, bits);
	x->marks |= bits;
}

static uint32_t marks_alone(void *ctx, uint32_t v)
{
	struct outcomes *o = ctx;
	struct outcome x = *outcome_of(o, v);
	const char *all = x.effects;

	x.effects = NULL;
	for (const char *e = all, *end; e && *e; e = *end ? end + 1 : end) {
		end = e + strcspn(e, "\n");
		if (mark_set_is(e, (size_t)(end - e)))
			x.effects = arena_printf(o->arena, "%s%s%.*s", x.effects ? x.effects : "",
						 x.effects ? "\n" : "", (int)(end - e), e);
	}
	return v ? outcome_value(o, x) : v;
}

/* What a chain says of packets as they came. marks: bits that are set then to what is not known. */
static dd_ref said(struct mean *m, const struct overlap_step *s, const struct lane *x, u128 *marks)
{
	uint32_t oif = dim_table[DIM_OIF].first, bits = dim_table[DIM_OIF].bits;
	uint32_t none = schema_no_interface(&m->schema);
	u128 came = s->before ? x->came << MARKS_FIELDS : 0;
	dd_ref says;

	m->within = live_marks_seen(m, &x->set, x->packets);
	if (s->before)
		m->within = dd_and(m->dd, dd_some(m->dd, m->within, oif, bits),
				   schema_one(&m->schema, DIM_OIF, none));
	*marks = x->marks | came;
	says = mean_base_chain(m, s->table->ruleset, s->chain, marks);
	*marks &= ~came;
	if (s->before)
		says = dd_fix(m->dd, says, oif, bits, none);
	return dd_restrict(m->dd, x->packets, live_marks_arrived(m, &x->set, says));
}

/* Past a chain; whom it ends goes on all the same unless it is ours. */
static void pass_lane(struct overlaps *o, const struct overlap_step *s, const struct lane *x,
		      bool decides, struct lanes *out)
{
	struct mean *m = &o->mean;
	struct mean_values values;
	u128 may;
	dd_ref says = said(m, s, x, &may);

	says = dd_map(m->dd, says, s->sets & s->later ? marks_alone : outcome_decision,
		      &m->outcomes);
	values = mean_values(m, says);
	for (size_t i = 0; i < values.n; i++) {
		const struct outcome *is = outcome_of(&m->outcomes, values.v[i]);
		struct lane y;

		if (!values.v[i] || (decides && !passes(is->fate)))
			continue;
		y = part(m, x, dd_where(m->dd, says, values.v[i]));
		live_marks_behind(&(struct live_marked){.set = mark_set_of(is->effects)}, may,
				  &y.set, &y.marks);
		if (is->fate == FATE_INSPECT)
			forget(&y, ALL_MARKS);
		mark_set_forget(&y.set, ~s->later);
		y.marks &= s->later | ~ALL_MARKS;
		add(m, out, &y);
	}
}

static void pass(struct overlaps *o, const struct overlap_step *s, bool decides, struct lanes *l)
{
	struct mean *m = &o->mean;
	dd_ref family = family_of(m, s->table->family);
	struct lanes next = {0};
	struct lane *x, y;

	vec_each (l, x) {
		y = part(m, x, dd_not(m->dd, family));
		add(m, &next, &y);
		y = part(m, x, family);
		if (y.packets == DD_FALSE)
			continue;
		if (strcmp(s->chain->base.type, "nat") != 0) {
			pass_lane(o, s, &y, decides, &next);
		} else { /* of new connections */
			forget(&y, s->sets & s->later);
			add(m, &next, &y);
		}
	}
	*l = next;
}

/* A connection has no mark before a rule sets one. What was translated or routed had something else
 * before, of which nothing is known. */
static struct lanes start(struct overlaps *o, enum station at, dd_ref packets)
{
	struct mean *m = &o->mean;
	struct ival zero = {0, 0};
	dd_ref fresh = schema_one(&m->schema, DIM_CT_STATE, CT_NEW);
	dd_ref as_it_came = schema_ranges(&m->schema, DIM_CT_STATUS, 16, &zero, 1, TRANSLATED,
					  DD_TRUE);
	struct lane x = {.came = at == AT_FORWARD ? MARKS_HOP_CAME : 0}, y;
	struct lanes out = {0};

	if (at == AT_INPUT || at == AT_PREROUTING) /* rules at the hook output had it before */
		fresh = dd_and(m->dd, fresh, dd_not(m->dd, schema_loopback(&m->schema, DIM_IIF)));
	x.packets = dd_and(m->dd, packets,
			   dd_or(m->dd, dd_not(m->dd, fresh),
				 schema_one(&m->schema, DIM_CT_MARK, 0)));
	y = part(m, &x, as_it_came);
	add(m, &out, &y);
	y = part(m, &x, dd_not(m->dd, as_it_came));
	y.came |= MARKS_DADDR_CAME | MARKS_DPORT_CAME;
	add(m, &out, &y);
	return out;
}

/* Behind prerouting that is no matter. */
static void routed(struct mean *m, struct lanes *l)
{
	struct lanes next = {0};
	struct lane *x;

	vec_each (l, x) {
		x->came = 0;
		add(m, &next, x);
	}
	*l = next;
}

static bool decides_here(const struct overlaps *o, const struct overlap_step *s)
{
	return !s->before && s->table->ruleset == o->own && !strcmp(s->chain->base.type, "filter");
}

/* Up to that chain; NULL: past all, and only what ours lets pass. */
static struct lanes up_to(struct overlaps *o, enum station at, dd_ref packets,
			  const struct ir_chain *chain, const struct overlap_step **step)
{
	const struct overlap_path *path = path_to(o, at);
	struct lanes l = start(o, at, packets);
	const struct overlap_step *s;

	vec_each (path, s) {
		bool decides = !chain && decides_here(o, s);

		if (!s->before)
			routed(&o->mean, &l);
		if (s->chain == chain) {
			*step = s;
			return l;
		}
		if (decides || s->sets & s->later)
			pass(o, s, decides, &l);
	}
	return l;
}

/* What ours lets pass of them. */
static dd_ref passed(struct overlaps *o, enum station at, dd_ref packets)
{
	struct lanes l = up_to(o, at, packets, NULL, NULL);
	dd_ref all = DD_FALSE;
	const struct lane *x;

	vec_each (&l, x)
		all = dd_or(o->mean.dd, all, x->packets);
	return all;
}

static dd_ref lets(struct overlaps *o, enum station at);

/* What our filter lets pass once it is routed, wherever that leads, as long as nothing translates
 * it on the way. */
static dd_ref lets_arrive(struct overlaps *o)
{
	struct mean *m = &o->mean;
	dd_ref routed = dd_or(m->dd, lets(o, AT_INPUT), lets(o, AT_FORWARD));

	routed = dd_some(m->dd, routed, dim_table[DIM_OIF].first, dim_table[DIM_OIF].bits);
	m->within = passed(o, AT_PREROUTING,
			   dd_and(m->dd, schema_possible(&m->schema, AT_PREROUTING), routed));
	return dd_and(m->dd, m->within,
		      dd_not(m->dd, where(m, mean_ruleset(m, o->own, NAT_PREROUTING), translates)));
}

static dd_ref lets(struct overlaps *o, enum station at)
{
	struct mean *m = &o->mean;

	if (!o->built[at] && at == AT_PREROUTING) {
		o->lets[at] = lets_arrive(o);
		o->built[at] = true;
	} else if (!o->built[at]) {
		dd_ref all = schema_possible(&m->schema, at);

		if (at == AT_FORWARD)
			all = dd_and(m->dd, all, dd_not(m->dd, of_a_link(m)));
		o->lets[at] = passed(o, at, all);
		o->built[at] = true;
	}
	return o->lets[at];
}

void overlaps_find(struct overlaps *o, const struct ir_table *table, const struct ir_chain *chain,
		   struct overlap *out)
{
	const struct overlap_step *s = NULL;
	struct mean *m = &o->mean;
	dd_ref packets, ended = DD_FALSE;
	const struct lane *x;
	enum station at;
	struct lanes l;
	u128 marks;

	*out = (struct overlap){0};
	if (!station_of(chain, &at))
		return;
	packets = dd_and(m->dd, lets(o, at), family_of(m, table->family));
	l = up_to(o, at, packets, chain, &s);
	vec_each (&l, x)
		ended = dd_or(m->dd, ended, where(m, said(m, s, x, &marks), ends));
	out->known = !dd_exhausted(m->dd);
	if (out->known)
		describe(out, m, dd_and(m->dd, packets, ended));
}
