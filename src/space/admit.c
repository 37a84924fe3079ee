/* SPDX-License-Identifier: GPL-2.0-or-later
 * A connection's first packet, hook by hook, down the diagrams of a ruleset.
 */
#include "space/admit.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft.h"

#define STATUS_DST_NAT 32 /* IPS_DST_NAT */
#define SYN 2
#define WORDS 13 /* of 64 variables each; conditions come behind all dimensions, and are open */

struct point { /* bits of a packet, the first variable the highest bit; open: either way */
	uint64_t value[WORDS], open[WORDS];
	bool any_iif, any_oif; /* the interface is not known */
	u128 from, to; /* its addresses */
};

void admit_init(struct admit *x, struct arena *a, const struct ir_ruleset *r)
{
	*x = (struct admit){.ruleset = r};
	mean_init(&x->mean, a, (struct dd_budget){PROOF_NODES, PROOF_SECONDS});
	x->mean.lines = true;
}

void admit_free(struct admit *x)
{
	free(x->seen);
	if (x->mean.dd)
		mean_free(&x->mean);
	x->seen = NULL;
}

/* ---- the diagrams ---- */

/* New connections only: what is known passes before any rule is asked. */
static dd_ref openings(struct admit *x, enum station at)
{
	struct mean *m = &x->mean;
	struct schema *s = &m->schema;
	struct ival other_status = {0, 0};
	dd_ref tcp = schema_one(s, DIM_PROTO, IPPROTO_TCP);
	const dd_ref parts[] = {
		schema_possible(s, at),
		schema_one(s, DIM_CT_STATE, CT_NEW),
		schema_one(s, DIM_CT_MARK, 0),
		schema_one(s, DIM_CT_DIRECTION, 0),
		schema_ranges(s, DIM_CT_STATUS, dim_table[DIM_CT_STATUS].bits, &other_status, 1,
			      (u128)(0xffff & ~STATUS_DST_NAT), DD_TRUE),
		dd_or(m->dd, dd_not(m->dd, tcp), schema_one(s, DIM_FLAGS, SYN)),
	};
	dd_ref all = DD_TRUE;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		all = dd_and(m->dd, all, parts[i]);
	/* answers arrive there as well, whose destinations are no flow's */
	if (at != AT_PREROUTING && (x->to4.n || x->to6.n))
		all = dd_and(m->dd, all,
			     dd_or(m->dd, schema_addrs(s, DIM_DADDR, FAM_IP4, &x->to4),
				   schema_addrs(s, DIM_DADDR, FAM_IP6, &x->to6)));
	return all;
}

void admit_only(struct admit *x, struct ivset to4, struct ivset to6)
{
	x->to4 = to4;
	x->to6 = to6;
	memset(x->built, 0, sizeof(x->built));
}

static dd_ref says(struct admit *x, enum station at, bool others)
{
	struct mean *m = &x->mean;
	dd_ref loop;

	if (!x->built[at]) {
		m->within = openings(x, at);
		x->says[at] = dd_map(m->dd, mean_ruleset(m, x->ruleset, at), outcome_decision,
				     &m->outcomes);
		m->within = DD_TRUE;
		loop = dd_or(m->dd, schema_loopback(&m->schema, DIM_IIF),
			     schema_loopback(&m->schema, DIM_OIF));
		x->says_of_others[at] = dd_restrict(m->dd, dd_not(m->dd, loop), x->says[at]);
		x->built[at] = true;
	}
	return others ? x->says_of_others[at] : x->says[at];
}

/* ---- points ---- */

static void put_word(uint64_t *words, unsigned first, unsigned bits, uint64_t v)
{
	uint64_t mask = ~0ull << (64 - bits), high = v << (64 - bits);
	unsigned w = first / 64, off = first % 64;

	words[w] = (words[w] & ~(mask >> off)) | high >> off;
	if (off && bits > 64 - off)
		words[w + 1] = (words[w + 1] & ~(mask << (64 - off))) | high << (64 - off);
}

static void put(uint64_t *words, unsigned first, unsigned bits, u128 v)
{
	if (bits > 64) {
		put_word(words, first, bits - 64, (uint64_t)(v >> 64));
		first += bits - 64;
		bits = 64;
	}
	put_word(words, first, bits, (uint64_t)v);
}

static void set(struct point *p, enum dim d, u128 v)
{
	put(p->value, dim_table[d].first, dim_table[d].bits, v);
	put(p->open, dim_table[d].first, dim_table[d].bits, 0);
}

static void set_open(struct point *p, enum dim d)
{
	put(p->open, dim_table[d].first, dim_table[d].bits, u128_max(dim_table[d].bits));
}

/* IPv4 addresses have the first 32 bits of theirs. */
static void set_address(struct point *p, enum dim d, enum family fam, u128 v)
{
	*(d == DIM_SADDR ? &p->from : &p->to) = v;
	set(p, d, fam == FAM_IP4 ? v << 96 : v);
}

static void set_interface(struct point *p, enum dim d, uint32_t code)
{
	*(d == DIM_IIF ? &p->any_iif : &p->any_oif) = code == ADMIT_ANY_INTERFACE;
	if (code == ADMIT_ANY_INTERFACE)
		set_open(p, d);
	else
		set(p, d, code);
}

static void set_type(struct point *p, uint8_t type)
{
	if (type)
		set(p, DIM_FIB_DADDR, type);
	else
		set_open(p, DIM_FIB_DADDR);
}

/* The packet as it arrives, or as this machine makes it. */
static void begin(const struct admit *x, const struct admit_flow *f, enum station at,
		  struct point *p)
{
	uint32_t none = schema_no_interface(&x->mean.schema);

	memset(p->value, 0, sizeof(p->value));
	memset(p->open, 0xff, sizeof(p->open)); /* marks, users, times, ... */
	set(p, DIM_FAMILY, f->family == FAM_IP6);
	set(p, DIM_CT_STATE, CT_NEW);
	set(p, DIM_CT_STATUS, 0);
	set(p, DIM_CT_MARK, 0);
	set(p, DIM_CT_DIRECTION, 0);
	set_interface(p, DIM_IIF, at == AT_OUTPUT ? none : f->iif);
	set_interface(p, DIM_OIF, at == AT_OUTPUT ? f->oif_before : none);
	set_address(p, DIM_SADDR, f->family, f->from);
	set_address(p, DIM_DADDR, f->family, f->to);
	set(p, DIM_PROTO, f->proto);
	set(p, DIM_SPORT, f->from_port);
	set(p, DIM_DPORT, f->to_port);
	set(p, DIM_CALLED, f->to_port);
	set(p, DIM_TYPE, f->type);
	set(p, DIM_CODE, f->code);
	set(p, DIM_FLAGS, f->proto == IPPROTO_TCP ? SYN : 0);
	set_type(p, f->to_type);
}

static bool is_sent_on(const struct admit_flow *f)
{
	return f->goes_to != f->to || f->goes_to_port != f->to_port;
}

/* Behind the translation of its destination. */
static void go_on(const struct admit_flow *f, struct point *p)
{
	if (!is_sent_on(f))
		return;
	set(p, DIM_CT_STATUS, STATUS_DST_NAT);
	set_address(p, DIM_DADDR, f->family, f->goes_to);
	set(p, DIM_DPORT, f->goes_to_port);
	set_type(p, f->goes_to_type);
}

/* ---- walking ---- */

struct walk {
	struct admit *x;
	const struct point *p;
	const struct admit_flow *flow;
	/* Whether the walk is over with this value; good or bad, it is kept. */
	bool (*is_good)(const struct walk *w, const struct outcome *o);
	const struct outcome *good, *bad;
	bool unknown;
	bool others; /* with another machine: by whatever interface, it is not loopback */
};

static bool take(struct walk *w, uint32_t value)
{
	const struct outcome *o;

	if (!value) /* no such packet */
		return false;
	o = outcome_of(&w->x->mean.outcomes, value);
	if (o->fate == FATE_UNKNOWN) {
		w->unknown = true;
		return false;
	}
	if (w->is_good(w, o)) {
		w->good = o;
		return true;
	}
	if (!w->bad)
		w->bad = o;
	return false;
}

static void hold(const struct admit *x, const struct ir_set *set, size_t i, struct admit_held *h)
{
	h->is = true;
	h->family = field_table[set->keys[0]].bits == 32 ? FAM_IP4 : FAM_IP6;
	h->list[i] = set->bulk ? set->bulk->elems : NULL;
	for (size_t k = 0; k < set->elems.n; k++)
		vec_push(x->mean.arena, &h->now, set->elems.v[k].key[0]);
	ivset_normalise(&h->now);
}

/* Of one set, or of the parts that it is in. */
static void hold_all(const struct admit *x, const char *name, struct admit_held *h)
{
	const struct ir_set *set = ruleset_set(x->ruleset, name);

	if (set && set->nkeys == 1)
		hold(x, set, 0, h);
	for (int i = 0; i < BULK_PARTS && !set && bulk_is_name(name); i++) {
		const char *part = bulk_part_name(x->mean.arena, name, (enum bulk_part)i);
		const struct ir_set *of = ruleset_set(x->ruleset, part);

		if (of && of->nkeys == 1)
			hold(x, of, (size_t)i, h);
	}
}

/* "@SET holds the source", "@SET holds the destination" */
static struct admit_held held_of(const struct admit *x, const char *text)
{
	static const char *const sides[] = {" holds the destination", " holds the source"};
	struct admit_held h = {.is = false};
	size_t n = strlen(text);

	for (int i = 0; i < 2 && text[0] == '@' && !h.is; i++) {
		size_t end = strlen(sides[i]);

		if (n <= end || strcmp(text + n - end, sides[i]) != 0)
			continue;
		h.from = i;
		hold_all(x, arena_strndup(x->mean.arena, text + 1, n - end - 1), &h);
		break;
	}
	return h;
}

/* Rates mostly hold, and sets what they hold now; what else a condition asks is mostly not so. */
static bool tries_hi_first(const struct walk *w, uint32_t var)
{
	const struct schema *s = &w->x->mean.schema;
	size_t n = var - schema_condition_var(0);
	const struct admit_held *h;
	u128 at;

	if (var < schema_condition_var(0) || n >= s->texts.n)
		return false;
	while (w->x->held.n <= n) {
		struct admit_held next = held_of(w->x, s->texts.v[w->x->held.n]);

		vec_push(w->x->mean.arena, &w->x->held, next);
	}
	h = &w->x->held.v[n];
	if (!h->is)
		return strstr(s->texts.v[n], " holds for ") != NULL;
	at = h->from ? w->p->from : w->p->to;
	if (h->family != w->flow->family)
		return false;
	for (int i = 0; i < BULK_PARTS; i++)
		if (h->list[i] && bulk_list_holds(h->list[i], at))
			return true;
	return ivset_contains(&h->now, at);
}

static bool is_listed(const struct walk *w, const struct schema_list *l)
{
	bool from = l->d == DIM_SADDR;

	return l->list->family == w->flow->family &&
	       bulk_list_holds(l->list, from ? w->p->from : w->p->to);
}

static bool search(struct walk *w, dd_ref n)
{
	const struct schema_list *list;
	const struct dd *d = w->x->mean.dd;
	bool hi;

	n = dd_follow(d, n, w->p->value, w->p->open, WORDS);
	if (dd_is_terminal(d, n))
		return take(w, dd_value(d, n));
	if (w->x->seen[n] == w->x->turn)
		return false;
	w->x->seen[n] = w->x->turn;
	list = schema_list_of(&w->x->mean.schema, dd_var(d, n));
	if (list)
		return search(w, is_listed(w, list) ? dd_hi(d, n) : dd_lo(d, n));
	hi = tries_hi_first(w, dd_var(d, n));
	return search(w, hi ? dd_hi(d, n) : dd_lo(d, n)) ||
	       search(w, hi ? dd_lo(d, n) : dd_hi(d, n));
}

/* Room to note each node; false if the diagram could not be finished. */
static bool prepare(struct admit *x)
{
	size_t n = dd_nodes(x->mean.dd);

	if (dd_exhausted(x->mean.dd))
		return false;
	if (n > x->nseen) {
		free(x->seen);
		x->nseen = n + n / 2;
		x->turn = 0;
		x->seen = calloc(x->nseen, sizeof(*x->seen));
		if (!x->seen)
			abort();
	}
	if (!++x->turn) {
		memset(x->seen, 0, x->nseen * sizeof(*x->seen));
		x->turn = 1;
	}
	return true;
}

enum answer { NO, YES, PERHAPS };

static enum answer ask(struct walk *w, enum station at)
{
	/* only where it is not known can loopback be left out: what is sent on by dnat leaves the
	 * output hook by loopback all the same */
	dd_ref n = says(w->x, at, w->others && (w->p->any_iif || w->p->any_oif));

	w->good = w->bad = NULL;
	w->unknown = false;
	if (!prepare(w->x))
		return PERHAPS;
	if (search(w, n))
		return YES;
	return w->unknown || !w->bad ? PERHAPS : NO;
}

/* ---- what is good ---- */

static bool passes(const struct walk *w, const struct outcome *o)
{
	(void)w;
	return o->fate == FATE_ACCEPT || o->fate == FATE_INSPECT;
}

static bool holds(const struct ir_elems *to, u128 addr)
{
	const struct ir_elem *e;

	vec_each (to, e)
		if (e->key[0].lo <= addr && addr <= e->key[0].hi)
			return true;
	return false;
}

static uint16_t new_port(const struct ir_stmt *s, uint16_t port)
{
	if (s->nat.called)
		return (uint16_t)(port - s->nat.called + s->nat.port);
	return s->nat.port ? s->nat.port : port;
}

static bool goes_there(const struct walk *w, const struct outcome *o)
{
	const struct ir_stmt *s = o->fate == FATE_TRANSLATE ? o->nat : NULL;
	const struct admit_flow *f = w->flow;

	if (!s || (s->nat.kind != IR_DNAT && s->nat.kind != IR_REDIRECT))
		return !is_sent_on(f);
	if (f->goes_to_port != (f->to_port ? new_port(s, f->to_port) : 0))
		return false;
	if (s->nat.kind == IR_REDIRECT)
		return f->goes_to_type == RTN_LOCAL || !f->goes_to_type;
	return holds(&s->nat.to, f->goes_to);
}

/* Which address and port masquerading takes is the interface's matter. */
static bool seen_so(const struct walk *w, const struct outcome *o)
{
	const struct ir_stmt *s = o->fate == FATE_TRANSLATE ? o->nat : NULL;

	return !s || s->nat.kind != IR_SNAT || holds(&s->nat.to, w->flow->seen_as);
}

/* ---- a connection's way ---- */

static const struct outcome *translation(const struct walk *w)
{
	const struct outcome *o = w->good ? w->good : w->bad;

	return o && o->fate == FATE_TRANSLATE ? o : NULL;
}

static enum admit_verdict filtered(struct walk *w, enum station at, struct admission *out)
{
	enum answer answer;

	w->is_good = passes;
	answer = ask(w, at);
	if (at != AT_PREROUTING && at != AT_POSTROUTING) {
		out->at = at;
		out->by = answer == YES ? w->good : w->bad;
	} else if (answer == NO || (answer == YES && w->good->line && out->at == AT_OUTPUT &&
				    is_sent_on(w->flow))) {
		/* what this machine sends elsewhere is judged behind it */
		out->at = at;
		out->by = answer == YES ? w->good : w->bad;
	}
	if (answer != YES)
		return answer == NO ? ADMIT_REFUSED : ADMIT_UNKNOWN;
	return w->good->fate == FATE_INSPECT ? ADMIT_INSPECTED : ADMIT_YES;
}

static enum admit_verdict worse(enum admit_verdict a, enum admit_verdict b)
{
	return a > b ? a : b;
}

static bool is_loopback(const struct admit_flow *f, enum station at)
{
	return at == AT_OUTPUT && f->goes_to_type == RTN_LOCAL;
}

/* Of multicast, whose station is not known, either end may be this machine. */
static bool with_others(const struct admit_flow *f)
{
	bool open = f->iif == ADMIT_ANY_INTERFACE || f->oif == ADMIT_ANY_INTERFACE;

	return open && f->at != NSTATIONS && !is_loopback(f, f->at);
}

/* Whether a rule lets it in because its destination was translated, by whomever. */
static bool is_published(const struct walk *w, enum station at, const struct outcome *by)
{
	struct point untranslated = *w->p;
	struct walk other = *w;

	if (at == AT_OUTPUT || !is_sent_on(w->flow) || !by || !by->line)
		return false;
	set(&untranslated, DIM_CT_STATUS, 0);
	other.p = &untranslated;
	other.is_good = passes;
	return ask(&other, at) == NO || (other.good && other.good->line != by->line);
}

/* Whether its answers are refused as they arrive: by what the policy says of their source. */
static bool answers_refused(struct walk *w, struct admission *out)
{
	const struct admit_flow *f = w->flow;
	const struct point *opening = w->p;
	struct point back;
	bool refused;

	begin(w->x, f, AT_INPUT, &back);
	set_interface(&back, DIM_IIF, f->oif);
	set_address(&back, DIM_SADDR, f->family, f->goes_to);
	set_address(&back, DIM_DADDR, f->family, f->seen_as);
	set(&back, DIM_SPORT, f->goes_to_port);
	set_open(&back, DIM_DPORT); /* as it was translated */
	set_open(&back, DIM_TYPE);
	set_open(&back, DIM_FIB_DADDR);
	w->p = &back;
	w->is_good = passes;
	refused = ask(w, AT_PREROUTING) == NO;
	if (refused) {
		out->at = AT_PREROUTING;
		out->by = w->bad;
	}
	w->p = opening;
	return refused;
}

static struct admission judge_at(struct admit *x, const struct admit_flow *f, enum station at)
{
	struct admission out = {.verdict = ADMIT_YES, .at = at};
	enum admit_verdict to = ADMIT_YES, as = ADMIT_YES, filter;
	uint32_t none = schema_no_interface(&x->mean.schema);
	struct point p;
	struct walk w = {.x = x, .p = &p, .flow = f, .others = with_others(f)};

	begin(x, f, at, &p);
	filter = at == AT_OUTPUT ? ADMIT_YES : filtered(&w, AT_PREROUTING, &out);
	w.is_good = goes_there;
	if (ask(&w, at == AT_OUTPUT ? NAT_OUTPUT : NAT_PREROUTING) == NO)
		to = ADMIT_ELSEWHERE;
	out.to = translation(&w);
	go_on(f, &p);
	if (at == AT_FORWARD)
		set_interface(&p, DIM_OIF, f->oif);
	if (filter != ADMIT_REFUSED)
		filter = worse(filter, filtered(&w, at, &out));
	if (to == ADMIT_ELSEWHERE && !out.to && is_published(&w, at, out.by))
		to = ADMIT_YES;
	if (at != AT_INPUT) {
		set_interface(&p, DIM_IIF, at == AT_OUTPUT ? none : f->iif);
		set_interface(&p, DIM_OIF, f->oif);
		if (filter != ADMIT_REFUSED)
			filter = worse(filter, filtered(&w, AT_POSTROUTING, &out));
		w.is_good = seen_so;
		/* whom this machine takes itself for is nobody's matter */
		if (ask(&w, NAT_POSTROUTING) == NO && !is_loopback(f, at))
			as = ADMIT_AS_ANOTHER;
		out.as = translation(&w);
		if (filter != ADMIT_REFUSED && !is_loopback(f, at) && answers_refused(&w, &out))
			filter = ADMIT_REFUSED;
	}
	out.verdict = worse(filter, worse(to, as));
	return out;
}

struct admission admit_judge(struct admit *x, const struct admit_flow *f)
{
	static const enum station all[] = {AT_INPUT, AT_FORWARD, AT_OUTPUT};
	struct admission best = {0};

	if (f->at != NSTATIONS)
		return judge_at(x, f, f->at);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct admission one = judge_at(x, f, all[i]);

		if (i == 0 || one.verdict < best.verdict)
			best = one;
	}
	return best;
}

bool admit_translates(struct admit *x, const struct admit_flow *f, bool source)
{
	enum station at = f->at == NSTATIONS ? AT_FORWARD : f->at;
	struct point p;
	struct walk w = {.x = x, .p = &p, .flow = f, .is_good = source ? seen_so : goes_there};
	const struct outcome *o;

	if (source ? f->seen_as == f->from : !is_sent_on(f))
		return true; /* if anybody had translated it, it would be */
	begin(x, f, at, &p);
	if (source) {
		go_on(f, &p);
		set_interface(&p, DIM_OIF, f->oif);
	}
	if (ask(&w, source	      ? NAT_POSTROUTING
		    : at == AT_OUTPUT ? NAT_OUTPUT
				      : NAT_PREROUTING) != YES)
		return false;
	o = translation(&w);
	return o && (!source || (o->nat && o->nat->nat.kind == IR_SNAT));
}
