/* SPDX-License-Identifier: GPL-2.0-or-later
 * Regions of packets and tables -> ways. What a translation changed is kept apart: every region is
 * of packets as they arrived, so that it can be counted and told of in the end.
 */
#include "space/live_walk.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft.h"
#include "policy/routing.h"
#include "space/mean_marks.h"

#define STATUS_DST_NAT 32 /* IPS_DST_NAT */
#define PRIORITY_CONNTRACK (-200)

struct asked { /* a base chain at a hook */
	const struct live_table *table;
	const struct ir_chain *chain;
	size_t order;
};

struct asked_list {
	struct asked *v;
	size_t n, cap;
};

static int by_priority(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;

	return ruleset_base_cmp(x->chain, x->order, y->chain, y->order);
}

static struct asked_list chains_at(struct walk *w, const char *hook)
{
	struct asked_list out = {0};

	for (size_t i = 0; i < w->tables->n; i++) {
		const struct live_table *table = &w->tables->v[i];
		const struct ir_ruleset *r = table->ruleset;

		for (size_t k = 0; k < r->chains.n; k++) {
			struct asked a = {table, r->chains.v[k], out.n};

			if (a.chain->base.hook && !r->dormant && !strcmp(a.chain->base.hook, hook))
				vec_push(w->m->arena, &out, a);
		}
	}
	if (out.n > 1)
		qsort(out.v, out.n, sizeof(*out.v), by_priority);
	return out;
}

/* ---- what was changed on the way ---- */

static void set(struct way *x, enum dim d, u128 value)
{
	x->changed[d] = true;
	x->now.dim[d] = value;
}

static int bits_of(const struct way *x, enum dim d)
{
	bool v4 = !x->now.dim[DIM_FAMILY] && (d == DIM_SADDR || d == DIM_DADDR);

	return v4 ? 32 : dim_table[d].bits;
}

/* The packets as the next chain sees them. */
static dd_ref seen(struct walk *w, const struct way *x)
{
	struct dd *d = w->m->dd;
	dd_ref r = x->packets;

	for (int i = 0; i < NDIMS; i++)
		if (x->changed[i])
			r = dd_some(d, r, dim_table[i].first, dim_table[i].bits);
	for (int i = 0; i < NDIMS; i++) {
		struct ival v = {x->now.dim[i], x->now.dim[i]};
		int bits = bits_of(x, (enum dim)i);

		if (x->changed[i])
			r = dd_and(d, r,
				   schema_ranges(&w->m->schema, (enum dim)i, bits, &v, 1,
						 u128_max(bits), DD_TRUE));
	}
	return live_marks_seen(w->m, &x->set, r);
}

/* What is said of the packets as they are now, said of them as they arrived. */
static dd_ref as_arrived(struct walk *w, const struct way *x, dd_ref says)
{
	for (int i = 0; i < NDIMS; i++)
		if (x->changed[i])
			says = dd_fix(w->m->dd, says, dim_table[i].first, bits_of(x, (enum dim)i),
				      x->now.dim[i]);
	return dd_restrict(w->m->dd, x->packets, live_marks_arrived(w->m, &x->set, says));
}

static dd_ref where(struct walk *w, const struct way *x, enum dim d, u128 value)
{
	return as_arrived(w, x, schema_one(&w->m->schema, d, value));
}

static bool same_line(const struct line *a, const struct line *b)
{
	if (!a || !b || !a->text || !b->text)
		return a == b;
	return a->order == b->order && !strcmp(a->text, b->text) && !strcmp(a->where, b->where);
}

static bool same_way(const struct way *a, const struct way *b)
{
	if (a->own != b->own || a->translated != b->translated || a->over != b->over ||
	    a->fate != b->fate || a->marks != b->marks || !mark_set_same(&a->set, &b->set) ||
	    !same_line(a->line, b->line))
		return false;
	for (int i = 0; i < NDIMS; i++)
		if (a->changed[i] != b->changed[i] ||
		    (a->changed[i] && a->now.dim[i] != b->now.dim[i]))
			return false;
	return true;
}

static void add(struct walk *w, struct ways *out, struct way x)
{
	if (x.packets == DD_FALSE || x.packets == DD_EXHAUSTED)
		return;
	for (size_t i = 0; i < out->n; i++) {
		if (same_way(&out->v[i], &x)) {
			out->v[i].packets = dd_or(w->m->dd, out->v[i].packets, x.packets);
			return;
		}
	}
	vec_push(w->m->arena, out, x);
}

static struct way part(struct walk *w, const struct way *x, dd_ref where_)
{
	struct way y = *x;

	y.packets = dd_and(w->m->dd, x->packets, where_);
	return y;
}

/* ---- routing ---- */

/* Whether IPsec takes it to its new destination is known behind routing only. */
static void into_ipsec(struct walk *w, struct ways *out, struct way x)
{
	const struct zone *z;
	bool asked = false;
	struct way y;
	dd_ref is;

	vec_each (&w->p->zones, z)
		asked |= z->sub.is && z->sub.ipsec;
	if (asked) {
		is = schema_condition(&w->m->schema, "it leaves through IPsec");
		y = part(w, &x, is);
		set(&y, DIM_RT_IPSEC, 1);
		add(w, out, y);
		x.packets = dd_and(w->m->dd, x.packets, dd_not(w->m->dd, is));
		set(&x, DIM_RT_IPSEC, 0);
	}
	add(w, out, x);
}

static void route_to(struct walk *w, struct ways *out, struct way x, const struct zone *z)
{
	uint32_t code = 0;

	if (z && z->interfaces.n)
		code = schema_code(&w->m->schema, z->interfaces.v[0].name);
	set(&x, DIM_OIF, code);
	into_ipsec(w, out, x);
}

static void route_here(struct walk *w, struct ways *out, struct way x)
{
	set(&x, DIM_FIB_DADDR, RTN_LOCAL);
	set(&x, DIM_FIB_DADDR_IIF, RTN_LOCAL);
	set(&x, DIM_OIF, x.own ? 2 /* lo */ : schema_no_interface(&w->m->schema));
	add(w, out, x);
}

static dd_ref is_in(struct walk *w, const char *addr, const char *where_)
{
	return schema_condition(&w->m->schema,
				arena_printf(w->m->arena, "%s is in %s", addr, where_));
}

/* To a new destination: see policy/routing.h. Where several places may have it, which of them is
 * not known. */
static void reroute(struct walk *w, struct ways *out, struct way x)
{
	enum family fam = x.now.dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4;
	struct routing_target to = routing_target(w->m->arena, w->p, fam, x.now.dim[DIM_DADDR]);
	struct routing_zones rest = {0}; /* zones that do not say what is in them */
	dd_ref left = x.packets, is;
	struct buf b = {0};
	size_t last;

	for (size_t i = 0; to.on && !to.zones.n && i < w->p->zones.n; i++)
		if (!w->p->zones.v[i].net4.n && !w->p->zones.v[i].net6.n &&
		    !w->p->zones.v[i].sub.is)
			vec_push(w->m->arena, &rest, (int)i);
	/* what others translate to may be here, unless the addresses that are here are known */
	if (w->foreign && !w->p->own4.n && !w->p->own6.n)
		to.here = true;
	if (rest.n)
		to.zones = rest;
	last = to.zones.n ? to.zones.n - 1 : 0;

	addr_print(&b, fam, x.now.dim[DIM_DADDR]);
	if (to.here && to.on) {
		is = is_in(w, buf_str(&b), "this machine");
		x.packets = dd_and(w->m->dd, left, is);
		left = dd_and(w->m->dd, left, dd_not(w->m->dd, is));
		route_here(w, out, x);
	}
	for (size_t i = 0; to.on && i < last; i++) {
		const struct zone *z = &w->p->zones.v[to.zones.v[i]];

		is = is_in(w, buf_str(&b), arena_printf(w->m->arena, "zone %s", z->name));
		x.packets = dd_and(w->m->dd, left, is);
		left = dd_and(w->m->dd, left, dd_not(w->m->dd, is));
		route_to(w, out, x, z);
	}
	buf_free(&b);
	x.packets = left;
	if (to.here && !to.on)
		route_here(w, out, x);
	else
		route_to(w, out, x, to.zones.n ? &w->p->zones.v[to.zones.v[last]] : NULL);
}

/* ---- one chain ---- */

/* The target is one that another place in the list has, too: it has more turns. */
static bool again(const struct ir_elems *to, size_t i)
{
	for (size_t k = i + 1; k < to->n; k++)
		if (to->v[k].key[0].lo == to->v[i].key[0].lo)
			return true;
	return false;
}

static void to_target(struct walk *w, struct ways *out, struct way x, const struct ir_stmt *s,
		      const struct ir_elem *to)
{
	set(&x, DIM_DADDR, to->key[0].lo);
	set(&x, DIM_FAMILY, s->nat.family == FAM_IP6);
	set(&x, DIM_FIB_DADDR, RTN_UNICAST);
	set(&x, DIM_FIB_DADDR_IIF, RTN_UNICAST);
	reroute(w, out, x);
}

/* Port by port, of those that there are. */
static void shift(struct walk *w, struct ways *out, struct way x, const struct ir_stmt *s)
{
	for (uint32_t port = s->nat.called; port <= s->nat.called_last; port++) {
		struct way y = part(w, &x, where(w, &x, DIM_DPORT, port));

		if (y.packets == DD_FALSE)
			continue;
		set(&y, DIM_CALLED, port);
		set(&y, DIM_DPORT, s->nat.port + port - s->nat.called);
		to_target(w, out, y, s, &s->nat.to.v[0]);
	}
}

/* Whether all of these packets have the same there, and what. */
static bool is_one(struct walk *w, const struct way *x, enum dim d, u128 *value)
{
	struct packet packet;
	dd_ref r = seen(w, x);
	struct ival one;
	int bits = dim_table[d].bits;

	if (!schema_witness(&w->m->schema, r, &packet))
		return false;
	*value = packet.dim[d];
	if ((d == DIM_SADDR || d == DIM_DADDR) && !packet.dim[DIM_FAMILY])
		bits = 32;
	one = (struct ival){*value, *value};
	return dd_disjoint(w->m->dd, r,
			   dd_not(w->m->dd, schema_ranges(&w->m->schema, d, bits, &one, 1,
							  u128_max(bits), DD_TRUE)));
}

/* The port that was called, where it is but one: else which of them it was is not known. */
static void called(struct walk *w, struct way *x)
{
	u128 port;

	if (!x->changed[DIM_CALLED] && is_one(w, x, DIM_DPORT, &port))
		set(x, DIM_CALLED, port);
}

/* One to one: the host's bits stay. Of several destinations it is not known where which one goes.
 */
static void map_network(struct walk *w, struct ways *out, struct way x, const struct ir_stmt *s)
{
	struct ir_elem to = s->nat.to.v[0];
	u128 host = to.key[0].lo ^ to.key[0].hi, old;

	if (is_one(w, &x, DIM_DADDR, &old)) {
		to.key[0].lo |= old & host;
		to_target(w, out, x, s, &to);
	} else {
		x.fate = FATE_UNKNOWN;
		add(w, out, x);
	}
}

/* To one address it has that; of others it is known only that it has another, and may have another
 * port. Where the port is free to stay it stays. */
static void translate_source(struct walk *w, struct ways *out, struct way x,
			     const struct ir_stmt *s)
{
	bool several = s->nat.kind == IR_MASQUERADE || s->nat.prefix || s->nat.to.n != 1 ||
		       s->nat.to.v[0].key[0].lo != s->nat.to.v[0].key[0].hi;

	if (several) {
		x.marks |= (u128)MARKS_SADDR << MARKS_FIELDS;
	} else {
		set(&x, DIM_SADDR, s->nat.to.v[0].key[0].lo);
		set(&x, DIM_FAMILY, s->nat.family == FAM_IP6);
	}
	if (s->nat.port || s->nat.random)
		x.marks |= (u128)MARKS_SPORT << MARKS_FIELDS;
	add(w, out, x);
}

/* What this machine sends goes to loopback; of what comes nobody knows which address of the
 * interface is the first one (Linux, nf_nat_redirect.c). */
static void redirect(struct walk *w, struct ways *out, struct way x)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct way y = x;

		y.packets = dd_and(w->m->dd, x.packets,
				   schema_family(&w->m->schema, v6 ? FAM_IP6 : FAM_IP4));
		if (x.own) {
			set(&y, DIM_FAMILY, (u128)v6);
			set(&y, DIM_DADDR, v6 ? 1 : INADDR_LOOPBACK);
		} else {
			y.marks |= (u128)MARKS_DADDR << MARKS_FIELDS;
		}
		route_here(w, out, y);
	}
}

/* Behind a translation of the destination; of several targets it is not known whose turn it is. */
static void translate(struct walk *w, struct ways *out, struct way x, const struct ir_stmt *s)
{
	dd_ref left = x.packets;
	struct buf b = {0};

	x.translated = true;
	called(w, &x);
	if (!s) {
		add(w, out, x);
		return;
	}
	if (s->nat.kind == IR_SNAT || s->nat.kind == IR_MASQUERADE) {
		translate_source(w, out, x, s);
		return;
	}
	set(&x, DIM_CT_STATUS, STATUS_DST_NAT);
	if (s->nat.called && s->nat.called_last) {
		shift(w, out, x, s);
		return;
	}
	if (s->nat.prefix && s->nat.to.n == 1) {
		map_network(w, out, x, s);
		return;
	}
	if (s->nat.port)
		set(&x, DIM_DPORT, s->nat.port);
	if (s->nat.kind == IR_REDIRECT) {
		redirect(w, out, x);
		return;
	}
	for (size_t i = 0; i + 1 < s->nat.to.n; i++) {
		struct way y = x;
		dd_ref turn;

		if (again(&s->nat.to, i))
			continue;
		b.len = 0;
		addr_print(&b, s->nat.family, s->nat.to.v[i].key[0].lo);
		turn = schema_condition(
			&w->m->schema,
			arena_printf(w->m->arena, "it is the turn of %s", buf_str(&b)));
		y.packets = dd_and(w->m->dd, left, turn);
		left = dd_and(w->m->dd, left, dd_not(w->m->dd, turn));
		to_target(w, out, y, s, &s->nat.to.v[i]);
	}
	buf_free(&b);
	x.packets = left;
	if (s->nat.to.n)
		to_target(w, out, x, s, &s->nat.to.v[s->nat.to.n - 1]);
	else
		add(w, out, x);
}

static void told(struct walk *w, const struct asked *a, const char *hook, const struct outcome *x)
{
	struct story_step step = {.hook = hook, .table = a->table};

	step.does = arena_printf(w->m->arena, "table %s %s, chain %s: %s", a->table->family,
				 a->table->name, a->chain->name, outcome_text(w->m->arena, x));
	step.line = x->line ? *x->line : (struct line){.where = ""};
	vec_push(w->m->arena, &w->tell->steps, step);
}

/* Behind one outcome of a chain. An unknown statement may translate only the source where NAT
 * chains do no more; elsewhere nobody knows what comes of the packet. */
static void behind(struct walk *w, const struct asked *a, const char *hook, struct ways *out,
		   struct way x, const struct outcome *o)
{
	bool nat = !strcmp(a->chain->base.type, "nat");

	switch (o->fate) {
	case FATE_UNKNOWN:
		if (nat && (!strcmp(hook, "postrouting") || !strcmp(hook, "input")))
			break;
		/* fall through */
	case FATE_DROP:
	case FATE_REJECT:
		x.over = true;
		x.fate = o->fate;
		x.line = o->line;
		break;
	case FATE_TRANSLATE:
		w->foreign = !a->table->line_of;
		translate(w, out, x, o->nat);
		return;
	case FATE_INSPECT:
		x.fate = FATE_INSPECT;
		x.line = o->line;
		break;
	case FATE_NONE:
	case FATE_RETURN:
	case FATE_ACCEPT:
		if (a->table->line_of && !nat && o->line && x.fate == FATE_ACCEPT)
			x.line = o->line;
		break;
	}
	add(w, out, x);
}

static dd_ref family_of(struct walk *w, const struct live_table *t)
{
	if (!strcmp(t->family, "ip"))
		return schema_family(&w->m->schema, FAM_IP4);
	return !strcmp(t->family, "ip6") ? schema_family(&w->m->schema, FAM_IP6) : DD_TRUE;
}

/* What the chain keeps from connection tracking, which then neither knows nor translates it. */
static dd_ref untracked(struct walk *w, const struct asked *a, dd_ref says,
			const struct mean_values *values)
{
	dd_ref all = DD_FALSE;

	for (size_t i = 0; i < values->n; i++) {
		const char *effects = outcome_of(&w->m->outcomes, values->v[i])->effects;

		if (a->chain->base.priority <= PRIORITY_CONNTRACK && effects &&
		    strstr(effects, MEAN_NOTRACK))
			all = dd_or(w->m->dd, all, dd_where(w->m->dd, says, values->v[i]));
	}
	return all;
}

static bool is_untracked(const struct way *x)
{
	return x->changed[DIM_CT_STATE] && x->now.dim[DIM_CT_STATE] == CT_UNTRACKED;
}

/* may: bits that the chain may have set. */
static struct way after_marks(struct walk *w, const struct way *x, const struct live_marked *as,
			      u128 may)
{
	struct way y = part(w, x, as->where);

	live_marks_behind(as, may, &y.set, &y.marks);
	return y;
}

/* off: of those, what is kept from connection tracking. */
static void go_on(struct walk *w, const struct asked *a, const char *hook, struct ways *out,
		  const struct way *x, dd_ref off, const struct outcome *o)
{
	struct way z = part(w, x, off), y = part(w, x, dd_not(w->m->dd, off));

	set(&z, DIM_CT_STATE, CT_UNTRACKED);
	if (z.packets != DD_FALSE)
		behind(w, a, hook, out, z, o);
	if (y.packets != DD_FALSE)
		behind(w, a, hook, out, y, o);
}

static void ask(struct walk *w, const struct asked *a, const char *hook, struct way *x,
		struct ways *out)
{
	struct mean *m = w->m;
	struct mean_values values;
	struct live_marked_list marked;
	u128 marks = x->marks;
	dd_ref says, off;

	m->within = seen(w, x);
	m->lines = true;
	m->now = true;
	m->line_of = a->table->line_of;
	m->line_ctx = a->table->line_ctx;
	says = as_arrived(w, x, mean_base_chain(m, a->table->ruleset, a->chain, &marks));
	m->within = DD_TRUE;
	values = mean_values(m, says);
	marked = live_marks_of(m, says, &values);
	off = untracked(w, a, says, &values);
	for (size_t i = 0; w->tell && i < values.n; i++)
		if (values.v[i])
			told(w, a, hook, outcome_of(&m->outcomes, values.v[i]));
	says = dd_map(m->dd, says, outcome_decision, &m->outcomes);
	values = mean_values(m, says);
	for (size_t i = 0; i < values.n; i++) {
		struct way y = part(w, x, dd_where(m->dd, says, values.v[i]));

		for (size_t k = 0; values.v[i] && k < marked.n; k++) {
			struct way z = after_marks(w, &y, &marked.v[k], marks);

			go_on(w, a, hook, out, &z, off, outcome_of(&m->outcomes, values.v[i]));
		}
	}
}

/* ---- hooks ---- */

static void ask_all(struct walk *w, const struct asked *a, const char *hook, struct ways *l)
{
	bool nat = !strcmp(a->chain->base.type, "nat");
	dd_ref family = family_of(w, a->table);
	struct ways next = {0};

	for (size_t i = 0; i < l->n; i++) {
		struct way *x = &l->v[i], mine;

		if (x->over || (nat && (x->translated || is_untracked(x)))) {
			add(w, &next, *x);
			continue;
		}
		mine = part(w, x, as_arrived(w, x, family));
		if (mine.packets != x->packets)
			add(w, &next, part(w, x, dd_not(w->m->dd, mine.packets)));
		if (mine.packets != DD_FALSE)
			ask(w, a, hook, &mine, &next);
	}
	*l = next;
}

/* All base chains of a hook; NAT chains translate once. */
static void at_hook(struct walk *w, const char *hook, bool again, struct ways *l)
{
	struct asked_list list = chains_at(w, hook);

	for (size_t i = 0; i < l->n; i++)
		l->v[i].translated = again;
	for (size_t i = 0; i < list.n; i++)
		ask_all(w, &list.v[i], hook, l);
}

/* Takes out of l what is over, or leaves this machine otherwise than by `oif`. */
static struct ways take(struct walk *w, struct ways *l, u128 oif, struct ways *out)
{
	struct ways mine = {0}, rest = {0};

	for (size_t i = 0; i < l->n; i++) {
		dd_ref here = where(w, &l->v[i], DIM_OIF, oif);

		if (l->v[i].over) {
			add(w, out, l->v[i]);
			continue;
		}
		add(w, &mine, part(w, &l->v[i], here));
		add(w, &rest, part(w, &l->v[i], dd_not(w->m->dd, here)));
	}
	*l = rest;
	return mine;
}

/* Until it is routed a packet leaves by no interface. */
static void prerouting(struct walk *w, bool again, struct ways *l)
{
	u128 none = schema_no_interface(&w->m->schema);

	for (size_t i = 0; i < l->n; i++)
		set(&l->v[i], DIM_OIF, none);
	at_hook(w, "prerouting", again, l);
}

static void finish(struct walk *w, const struct ways *l, struct ways *out)
{
	for (size_t i = 0; i < l->n; i++)
		add(w, out, l->v[i]);
}

/* From this machine to itself: what went out by lo comes in by it. */
static void come_back(struct walk *w, struct ways *l, struct ways *out)
{
	for (size_t i = 0; i < l->n; i++)
		set(&l->v[i], DIM_IIF, 2 /* lo */);
	prerouting(w, true, l);
	at_hook(w, "input", true, l);
	finish(w, l, out);
}

/* The kernel takes one from it before it forwards. Where that may be of several, what rules ask of
 * it is not known. */
static void hop(struct walk *w, struct ways *l)
{
	struct way *x;
	u128 left;

	vec_each (l, x) {
		if (x->changed[DIM_HOPLIMIT])
			left = x->now.dim[DIM_HOPLIMIT];
		else if (!is_one(w, x, DIM_HOPLIMIT, &left))
			left = 0;
		if (left)
			set(x, DIM_HOPLIMIT, left - 1);
		else
			x->marks |= (u128)MARKS_HOP_LESS << MARKS_FIELDS;
	}
}

static void from_others(struct walk *w, struct ways *l, struct ways *out)
{
	u128 none = schema_no_interface(&w->m->schema);
	struct ways here, routed = {0};

	prerouting(w, false, l);
	for (size_t i = 0; i < l->n; i++) {
		struct way x = l->v[i];

		if (x.now.dim[DIM_OIF] == none && !(x.changed[DIM_FIB_DADDR])) /* as it arrived */
			x.changed[DIM_OIF] = false;
		add(w, &routed, x);
	}
	here = take(w, &routed, none, out);
	at_hook(w, "input", false, &here);
	finish(w, &here, out);
	hop(w, &routed);
	at_hook(w, "forward", false, &routed);
	at_hook(w, "postrouting", false, &routed);
	finish(w, &routed, out);
}

void live_walk(struct walk *w, dd_ref packets, bool own, struct ways *out)
{
	struct ways l = {0}, back;

	add(w, &l, (struct way){.packets = packets, .own = own, .fate = FATE_ACCEPT});
	if (!own) {
		from_others(w, &l, out);
		return;
	}
	at_hook(w, "output", false, &l);
	at_hook(w, "postrouting", false, &l);
	back = take(w, &l, 2 /* lo */, out);
	finish(w, &l, out);
	come_back(w, &back, out);
}
