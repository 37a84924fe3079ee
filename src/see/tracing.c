/* SPDX-License-Identifier: GPL-2.0-or-later
 * Events -> packets. Rules are told apart by table, chain and handle; when a handle is not known,
 * the rules have changed, and are read again.
 */
#include "see/tracing.h"

#include <errno.h>
#include <jansson.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <signal.h>
#include <string.h>

#include "kernel/live.h"
#include "kernel/nftrun.h"
#include "nft/trace.h"
#include "see/held.h"
#include "see/location.h"
#include "util/cleanup.h"
#include "util/number.h"

#define QUIET 0.1 /* seconds: the kernel tells of a packet in one go */
#define PATIENCE 5.0 /* but it may wait for a program meanwhile */
#define STEPS_MAX 500
#define READ_AGAIN 1 /* seconds; not more often than that */

struct tracing {
	const char *netns, *state, *own;
	void (*each)(void *ctx, const struct traced *p);
	void *ctx;
	struct arena *arena; /* of the rules */
	struct ir_tables tables;
	struct ir_ruleset *ours; /* never NULL */
	bool new_nft; /* 1.1 or later lists rulesets here */
	bool routes; /* ours is at input and forward: what routing passes comes by */
	struct locations places;
	time_t read;
	struct traced **pending;
	size_t npending, room;
};

/* ---- the rules ---- */

/* {"nftables": [{"metainfo": {"version": "1.1.3", ...}}, ...]}: 1.1 or later. */
static bool is_new(const char *text, size_t n)
{
	_cleanup_json_ json_t *j = json_loadb(text, n, 0, NULL);
	const json_t *first = json_array_get(json_object_get(j, "nftables"), 0);
	const char *version =
		json_string_value(json_object_get(json_object_get(first, "metainfo"), "version"));
	uint64_t major, minor;

	return version && number_take(&version, 0, UINT32_MAX, &major) && *version++ == '.' &&
	       number_take(&version, 0, UINT32_MAX, &minor) &&
	       (major > 1 || (major == 1 && minor >= 1));
}

static bool new_nft(const char *netns)
{
	struct nftrun_step step = {.kind = RUN_VERSION};
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	bool new = nftrun(&r) == 0 && !step.refused && is_new(buf_str(&step.out), step.out.len);

	nftrun_free(&r);
	return new;
}

bool tracing_owner_fits(const struct tracing *t)
{
	return t->new_nft;
}

bool tracing_hidden(const struct tracing *t)
{
	return t->places.hidden;
}

void tracing_sweep(const struct tracing *t)
{
	const size_t n = strlen(TRACE_PREFIX);
	const struct ir_table *x;

	vec_each (&t->tables, x) {
		uint64_t pid;

		if (x->family == NFPROTO_INET && !strncmp(x->name, TRACE_PREFIX, n) &&
		    number_word(x->name + n, 1, INT32_MAX, &pid))
			trace_sweep(t->netns, (pid_t)pid);
	}
}

static bool has_hook(const struct ir_ruleset *r, const char *hook)
{
	struct ir_chain *const *c;

	vec_each (&r->chains, c) {
		if ((*c)->base.hook && !strcmp((*c)->base.hook, hook))
			return true;
	}
	return false;
}

int tracing_read_rules(struct tracing *t, struct buf *why)
{
	struct arena *a = arena_new();
	struct ir_tables all = {0};
	const struct ir_table *ours;
	int err = live_read_all(&all, t->netns, a, why);

	if (err) {
		arena_free(a);
		return err;
	}
	arena_free(t->arena);
	t->arena = a;
	t->tables = all;
	if (!t->read)
		t->new_nft = new_nft(t->netns);
	ours = ir_tables_find(&t->tables, NFPROTO_INET, IR_TABLE);
	t->ours = ours ? ours->ruleset : ruleset_new(a);
	if (!t->read)
		held_give(t->netns, t->state, a, t->ours);
	t->routes = has_hook(t->ours, "input") && has_hook(t->ours, "forward");
	locations_read(&t->places, t->state, a);
	return 0;
}

const struct ir_ruleset *tracing_rules(const struct tracing *t)
{
	return t->ours;
}

static const struct ir_rule *find_rule(const struct tracing *t, const struct trace_event *e,
				       const struct ir_chain **chain, size_t *n)
{
	const struct ir_table *x = ir_tables_find(&t->tables, e->family, e->table);

	*chain = x ? ruleset_chain(x->ruleset, e->chain) : NULL;
	for (size_t i = 0; *chain && i < (*chain)->rules.n; i++) {
		if ((*chain)->rules.v[i].handle == e->handle) {
			*n = i;
			return &(*chain)->rules.v[i];
		}
	}
	return NULL;
}

/* A table of this or of another trace. */
static bool is_tracing(const struct trace_event *e)
{
	return e->family == NFPROTO_INET && !strncmp(e->table, TRACE_PREFIX, strlen(TRACE_PREFIX));
}

static bool known(const struct tracing *t, const struct trace_event *e)
{
	const struct ir_chain *c;
	size_t n;

	if (!strcmp(e->table, t->own) ||
	    (e->family != NFPROTO_INET && e->family != NFPROTO_IPV4 && e->family != NFPROTO_IPV6))
		return true;
	return e->kind != TRACE_RULE || find_rule(t, e, &c, &n);
}

/* ---- one step ---- */

static bool is_ours(const struct trace_event *e)
{
	return e->family == NFPROTO_INET && !strcmp(e->table, IR_TABLE);
}

static void take_place(struct traced_step *s, struct arena *a, struct location p)
{
	if (p.line)
		s->line = arena_strdup(a, p.line);
	if (p.rule)
		s->rule = arena_strdup(a, p.rule);
}

static bool led_to(const struct ir_verdict *v, const struct trace_event *e)
{
	switch (v->kind) {
	case V_ACCEPT:
		return e->verdict == NF_ACCEPT;
	case V_DROP:
		return e->verdict == NF_DROP;
	case V_JUMP:
	case V_GOTO:
		return !strcmp(v->target, e->target);
	case V_RETURN:
		return e->verdict == (uint32_t)NFT_RETURN;
	case V_NONE:
	case V_CONTINUE:
		break;
	}
	return false;
}

/* Of a look-up, the element has the line. */
static void take_elem(const struct tracing *t, struct traced_step *s, struct arena *a,
		      const struct ir_stmt *vmap, const struct observed *seen,
		      const struct trace_event *e)
{
	const struct ir_elem *found = observed_elem(t->ours, vmap, seen);
	const struct ir_set *map = vmap->vmap.map ? ruleset_set(t->ours, vmap->vmap.map) : NULL;

	if (!found || !map || !led_to(&found->verdict, e))
		return;
	take_place(s, a, locations_elem(&t->places, map, found));
}

static void take_rule(const struct tracing *t, struct traced_step *s, struct arena *a,
		      const struct observed *seen, const struct trace_event *e)
{
	const struct ir_chain *c;
	size_t n = 0;
	const struct ir_rule *r = find_rule(t, e, &c, &n);
	struct ir_rule plain;
	struct buf b = {0};

	if (!r)
		return;
	plain = *r;
	plain.comment = NULL;
	emit_rule(&b, &plain);
	s->nft = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	if (is_ours(e))
		take_place(s, a, locations_rule(&t->places, c, n));
	else if (r->comment)
		s->rule = arena_strdup(a, r->comment);
	for (size_t i = 0; i < r->stmts.n; i++) {
		s->rejects |= r->stmts.v[i].kind == IR_REJECT;
		s->translates |= r->stmts.v[i].kind == IR_NAT;
		if (is_ours(e) && r->stmts.v[i].kind == IR_VMAP)
			take_elem(t, s, a, &r->stmts.v[i], seen, e);
	}
}

static const char *does_text(struct arena *a, const struct trace_event *e)
{
	const char *policy = e->kind == TRACE_POLICY ? ", the policy of the chain" : "";

	if (e->kind == TRACE_RETURN)
		return "return, at the end of the chain";
	switch ((int)e->verdict) {
	case NFT_JUMP:
		return arena_printf(a, "jump %s", e->target);
	case NFT_GOTO:
		return arena_printf(a, "goto %s", e->target);
	case NFT_RETURN:
		return "return";
	case NFT_CONTINUE:
	case NFT_BREAK:
		return "continue";
	}
	switch (e->verdict & NF_VERDICT_MASK) {
	case NF_ACCEPT:
		return arena_printf(a, "accept%s", policy);
	case NF_QUEUE:
		return arena_printf(a, "queue to %u", e->verdict >> NF_VERDICT_QBITS);
	case NF_STOLEN:
		return "taken";
	}
	return arena_printf(a, "drop%s", policy);
}

static void add_visit(struct tracing *t, struct traced *p, const struct trace_event *e)
{
	const struct ir_table *x = ir_tables_find(&t->tables, e->family, e->table);
	const struct ir_chain *c = x ? ruleset_chain(x->ruleset, e->chain) : NULL;
	struct traced_visit v = {.first = p->steps.n, .ours = is_ours(e)};

	v.own = is_tracing(e);
	v.hook = c && c->base.hook ? arena_strdup(p->arena, c->base.hook) : "";
	v.type = c && c->base.hook ? arena_strdup(p->arena, c->base.type) : "";
	observed_of_headers(&v.seen, e->network, e->nnetwork, e->transport, e->ntransport);
	memcpy(v.seen.in, e->in, sizeof(v.seen.in));
	memcpy(v.seen.out, e->out, sizeof(v.seen.out));
	v.seen.mark = e->mark;
	vec_push(p->arena, &p->visits, v);
}

static void add_step(struct tracing *t, struct traced *p, const struct trace_event *e)
{
	struct traced_step s = {.kind = e->kind, .verdict = e->verdict};
	struct traced_visit *v;

	if (e->nnetwork || !p->visits.n)
		add_visit(t, p, e);
	p->last = e->at;
	v = &p->visits.v[p->visits.n - 1];
	if (p->steps.n >= STEPS_MAX)
		return;
	if (v->own && e->kind == TRACE_POLICY)
		v->hook = arena_strdup(p->arena, e->chain);
	s.visit = p->visits.n - 1;
	s.hook = v->hook;
	s.type = v->type;
	s.table = arena_printf(p->arena, "%s %s", ir_family_name(e->family), e->table);
	s.chain = arena_strdup(p->arena, e->chain);
	s.does = does_text(p->arena, e);
	if (e->kind == TRACE_RULE && !v->own)
		take_rule(t, &s, p->arena, &v->seen, e);
	vec_push(p->arena, &p->steps, s);
	v->n++;
}

/* ---- the end of a packet ---- */

const char *traced_fate_text(enum traced_fate f)
{
	switch (f) {
	case TRACED_ACCEPT:
		return "accept";
	case TRACED_DROP:
		return "drop";
	case TRACED_REJECT:
		return "reject";
	case TRACED_INSPECT:
		return "inspect";
	case TRACED_STOLEN:
		return "taken";
	case TRACED_LOST:
		break;
	}
	return "lost";
}

/* The step of a visit that bears the decision: the last one; if it is nameless, as the rules of the
 * chain that rejects are, that which led there. */
static const struct traced_step *decision(const struct traced *p, const struct traced_visit *v)
{
	for (size_t i = v->first + v->n; i-- > v->first;) {
		const struct traced_step *s = &p->steps.v[i];
		bool leads = (int)s->verdict == NFT_JUMP || (int)s->verdict == NFT_GOTO;

		if (s->kind != TRACE_RULE || (i + 1 < v->first + v->n && !leads))
			break;
		if (s->rule)
			return s;
	}
	return v->n ? &p->steps.v[v->first + v->n - 1] : NULL;
}

static enum traced_fate end_of(const struct traced *p, const struct traced_visit *v)
{
	const struct traced_step *s = v->n ? &p->steps.v[v->first + v->n - 1] : NULL;

	if (!s || s->kind == TRACE_RETURN ||
	    s->verdict > 0xfffffff0u) /* NFT_*: not told to the end */
		return TRACED_ACCEPT;
	switch (s->verdict & NF_VERDICT_MASK) {
	case NF_DROP:
		return s->rejects ? TRACED_REJECT : TRACED_DROP;
	case NF_QUEUE:
		return TRACED_INSPECT;
	case NF_STOLEN:
		return TRACED_STOLEN;
	}
	return TRACED_ACCEPT;
}

static bool came_to(const struct traced *p, const char *hook)
{
	const struct traced_visit *v;

	vec_each (&p->visits, v) {
		if (!strcmp(v->hook, hook))
			return true;
	}
	return false;
}

/* Whoever decided last of our filters; a chain's policy decides nothing. */
static const struct traced_step *accepted_by(const struct traced *p)
{
	for (size_t i = p->visits.n; i-- > 0;) {
		const struct traced_visit *v = &p->visits.v[i];
		const struct traced_step *s =
			v->ours && !strcmp(v->type, "filter") ? decision(p, v) : NULL;

		if (s && s->kind == TRACE_RULE)
			return s;
	}
	return NULL;
}

static void conclude(const struct tracing *t, struct traced *p)
{
	const struct traced_visit *last = &p->visits.v[p->visits.n - 1];

	p->arrived = &p->visits.v[0].seen;
	p->left = &last->seen;
	p->fate = end_of(p, last);
	if (p->fate != TRACED_ACCEPT) {
		p->decided = decision(p, last);
		return;
	}
	p->decided = accepted_by(p);
	if (p->decided && (p->decided->verdict & NF_VERDICT_MASK) == NF_QUEUE)
		p->fate = TRACED_INSPECT;
	if (t->routes && came_to(p, "prerouting") && !came_to(p, "input") && !came_to(p, "forward"))
		p->fate = TRACED_LOST;
}

static void finish(struct tracing *t, size_t i)
{
	struct traced *p = t->pending[i];

	memmove(t->pending + i, t->pending + i + 1, (--t->npending - i) * sizeof(*t->pending));
	if (p->hit) {
		conclude(t, p);
		t->each(t->ctx, p);
	}
	arena_free(p->arena);
}

/* ---- packets under way ---- */

static double since(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

static struct traced *find(struct tracing *t, uint32_t id, size_t *at)
{
	for (size_t i = 0; i < t->npending; i++) {
		if (t->pending[i]->id == id) {
			*at = i;
			return t->pending[i];
		}
	}
	return NULL;
}

static struct traced *begin(struct tracing *t, const struct trace_event *e)
{
	struct arena *a = arena_new();
	struct traced *p = arena_new_of(a, struct traced);

	p->arena = a;
	p->id = e->id;
	p->at = e->at;
	if (t->npending == t->room) {
		t->room = t->room ? 2 * t->room : 16;
		t->pending = realloc(t->pending, t->room * sizeof(*t->pending));
		if (!t->pending)
			abort();
	}
	t->pending[t->npending++] = p;
	return p;
}

/* A packet comes by a base chain once; twice in a row if a judge had it repeated. */
static bool comes_again(const struct traced *p, const struct trace_event *e)
{
	const char *table = arena_printf(p->arena, "%s %s", ir_family_name(e->family), e->table);

	for (size_t i = 0; i + 1 < p->visits.n; i++) {
		const struct traced_visit *v = &p->visits.v[i];
		const struct traced_step *s = v->n ? &p->steps.v[v->first] : NULL;

		if (s && !strcmp(s->chain, e->chain) && !strcmp(s->table, table))
			return true;
	}
	return false;
}

void tracing_add(struct tracing *t, const struct trace_event *e)
{
	_cleanup_buf_ struct buf ignored = {0};
	bool hit = e->family == NFPROTO_INET && !strcmp(e->table, t->own) && e->kind == TRACE_RULE;
	size_t at = 0;
	struct traced *p = find(t, e->id, &at);

	/* The number may be that of a packet before, whose memory it has; but at the forward hook
	 * it is hit a second time. A packet that is not traced yet is told of when it is hit; or
	 * not at all, if somebody else traces it. */
	if (p && e->nnetwork && ((hit && !(*e->in && *e->out)) || comes_again(p, e))) {
		finish(t, at);
		p = NULL;
	}
	if (!known(t, e) && t->read + READ_AGAIN <= e->at.tv_sec) {
		tracing_read_rules(t, &ignored);
		t->read = e->at.tv_sec;
	}
	if (!p)
		p = begin(t, e);
	p->hit |= hit;
	add_step(t, p, e);
}

bool tracing_flush(struct tracing *t, bool all)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < t->npending;) {
		const struct traced *p = t->pending[i];
		enum traced_fate end = end_of(p, &p->visits.v[p->visits.n - 1]);
		double quiet = since(&p->last, &now);

		if (all || quiet > (end == TRACED_INSPECT ? PATIENCE : QUIET) || quiet < 0)
			finish(t, i);
		else
			i++;
	}
	return t->npending > 0;
}

struct tracing *tracing_new(const char *netns, const char *state, const char *own,
			    void (*each)(void *ctx, const struct traced *p), void *ctx)
{
	struct tracing *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	*t = (struct tracing){.netns = netns,
			      .state = state,
			      .own = own,
			      .each = each,
			      .ctx = ctx,
			      .arena = arena_new()};
	t->ours = ruleset_new(t->arena);
	return t;
}

void tracing_free(struct tracing *t)
{
	while (t->npending)
		arena_free(t->pending[--t->npending]->arena);
	free(t->pending);
	arena_free(t->arena);
	free(t);
}
