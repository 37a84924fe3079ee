/* SPDX-License-Identifier: GPL-2.0-or-later
 * AST -> limits, numbers of connections, logs, changes of sets, and what is done otherwise.
 */
#include <string.h>

#include "lang/lang.h"
#include "policy/resolve.h"

#define BURST 5 /* where none is given */

bool rule_is_gated(const struct rule *r)
{
	return r->q.limit.rate || r->q.max.n || r->q.quota;
}

bool acts_any(const struct acts *a)
{
	return a->log.on || a->changes.n;
}

/* ---- limits ---- */

void declare_limit(struct resolver *r, const struct ast_limit_def *ast)
{
	struct limit_decl *d = map_get(&r->limits, ast->name.s);

	if (d) {
		diag_note(r->diag,
			  diag_error(r->diag, ast->name.span, "limit '%s' is declared twice",
				     ast->name.s),
			  d->ast->name.span, "first declared here");
		return;
	}
	d = arena_new_of(r->arena, struct limit_decl);
	d->ast = ast;
	map_put(&r->limits, ast->name.s, d);
}

/* All bits of an address are no prefix. */
static struct per per_of(const struct ast_per *ast)
{
	return (struct per){.source = ast->source,
			    .prefix4 = ast->prefix4 == 32 ? 0 : ast->prefix4,
			    .prefix6 = ast->prefix6 == 128 ? 0 : ast->prefix6};
}

static struct limit limit_of(const struct ast_rate *rate, const struct ast_per *per)
{
	return (struct limit){.rate = rate->rate,
			      .unit = rate->unit,
			      .burst = rate->burst ? rate->burst : BURST,
			      .per = per_of(per)};
}

static void resolve_limit(struct resolver *r, const struct ast_qualifiers *q, struct limit *out)
{
	struct nearest near = {.word = q->limit_name.s};
	struct limit_decl *d;
	const struct map_entry *e;
	struct diag_record *rec;

	if (!q->limit_name.s) {
		*out = limit_of(&q->limit, &q->limit_per);
		return;
	}
	d = map_get(&r->limits, q->limit_name.s);
	if (d) {
		d->used = true;
		*out = limit_of(&d->ast->rate, &d->ast->per);
		out->name = d->ast->name.s;
		return;
	}
	*out = (struct limit){.rate = 1, .unit = 1, .burst = 1};
	if (resolve_excused(r, q->limit_name.s))
		return;
	rec = diag_error(r->diag, q->limit_name.span, "no limit is called '%s'", q->limit_name.s);
	vec_each (&r->limits.entries, e)
		nearest_offer(&near, e->key);
	if (!nearest_hint(r->diag, rec, &near))
		diag_hint(r->diag, rec, "declare it: limit %s = 30/second burst 50",
			  q->limit_name.s);
}

void warn_limits(struct resolver *r)
{
	const struct map_entry *e;

	vec_each (&r->limits.entries, e) {
		const struct limit_decl *d = e->value;

		if (!d->used && !r->diag->nerrors)
			diag_hint(r->diag,
				  diag_warning(r->diag, d->ast->name.span, "no rule has limit '%s'",
					       e->key),
				  "a rule takes it so: allow wan -> self https limit %s", e->key);
	}
}

/* ---- log ---- */

void resolve_log(const struct ast_log *ast, struct log *out)
{
	*out = (struct log){.on = ast->span.src != NULL,
			    .tag = ast->tag.s,
			    .rate = ast->at.rate,
			    .unit = ast->at.unit,
			    .burst = ast->at.burst ? ast->at.burst : BURST,
			    .level = ast->level,
			    .nflog = ast->nflog,
			    .group = ast->group};
}

void resolve_builtin_log(struct resolver *r, const struct ast_stmt *s)
{
	struct builtin_log *l = &r->p->logs[s->log.unmatched ? LOG_UNMATCHED : LOG_INVALID];
	struct buf text = {0};

	if (l->log.on) {
		diag_note(r->diag,
			  diag_error(r->diag, s->span, "log %s is given twice",
				     s->log.unmatched ? "unmatched" : "invalid"),
			  l->span, "first given here");
		return;
	}
	resolve_log(&s->log.log, &l->log);
	if (!l->log.tag)
		l->log.tag = s->log.unmatched ? "unmatched" : "invalid";
	ast_print_stmt_line(&text, s);
	l->text = arena_strdup(r->arena, buf_str(&text));
	l->span = s->span;
	buf_free(&text);
}

/* ---- then ---- */

static bool same_side(const struct set_change *a, const struct set_change *b)
{
	return a->set == b->set && a->destination == b->destination;
}

static void resolve_then(struct resolver *r, const struct ast_thens *list, size_t i,
			 struct acts *out)
{
	const struct ast_then *t = &list->v[i];
	struct set_change c = {
		.remove = t->remove, .destination = t->destination, .seconds = t->seconds};
	struct decl *d = resolve_name(r, t->set, "set");
	const struct set_change *old;

	if (!d)
		return;
	if (d->asked) {
		diag_hint(r->diag,
			  diag_error(r->diag, t->set.span,
				     "what '%s' holds is fetched, and is not for packets to change",
				     d->name),
			  "make another set for them: set NAME = dynamic, timeout 1h");
		return;
	}
	if (!d->dyn) {
		diag_hint(r->diag,
			  diag_error(r->diag, t->set.span,
				     t->remove ? "'%s' belongs to the policy; rules can remove "
						 "from a dynamic set only"
					       : "'%s' belongs to the policy; rules can add to a "
						 "dynamic set only",
				     d->name),
			  "set %s = dynamic, timeout 1h", d->name);
		return;
	}
	if (d->dyn->prefixes) {
		diag_note(r->diag,
			  diag_error(r->diag, t->set.span,
				     t->remove ? "'%s' holds networks, and a packet has none to "
						 "remove"
					       : "'%s' holds networks, and a packet has none to "
						 "add",
				     d->name),
			  d->span,
			  "without 'prefixes', it holds addresses, and rules can add to it");
		return;
	}
	d->dyn->used = true;
	c.set = d->dyn;
	vec_each (&out->changes, old) {
		if (!same_side(old, &c))
			continue;
		diag_hint(r->diag,
			  diag_error(r->diag, t->span, "'%s' is changed twice by the same packet",
				     d->name),
			  "a rule adds its source to a set, or removes it from there");
		return;
	}
	vec_push(r->arena, &out->changes, c);
}

static void acts_of(struct resolver *r, const struct ast_log *log, const struct ast_thens *then,
		    struct acts *out)
{
	resolve_log(log, &out->log);
	for (size_t i = 0; i < then->n; i++)
		resolve_then(r, then, i, out);
}

/* ---- else ---- */

static void resolve_else(struct resolver *r, const struct ast_rule *ast, struct rule *out)
{
	const struct ast_qualifiers *q = &ast->q;
	struct otherwise *o = &out->otherwise;
	struct ast_rule before = *ast;
	struct buf text = {0};

	if (!q->else_span.src)
		return;
	if (!q->limit_span.src && !q->max_span.src && !q->quota.s)
		diag_hint(r->diag,
			  diag_error(r->diag, q->else_span,
				     "else is for what exceeds a limit, and this rule has none"),
			  "write before it limit 10/second or max 10 connections");
	if (q->else_verb == VERB_INSPECT)
		diag_hint(r->diag,
			  diag_error(r->diag, q->else_verb_span,
				     "what exceeds a limit cannot be inspected"),
			  "write else allow, else drop or else reject; a rule below may inspect");
	*o = (struct otherwise){.on = true, .verb = (enum verb)q->else_verb, .span = q->else_span};
	acts_of(r, &q->else_log, &q->else_then, &o->acts);
	/* whose it is tells it from others that say the same */
	ast_print_else(&text, q);
	buf_puts(&text, ": ");
	before.q.else_span = (struct span){0};
	ast_print_rule(&text, &before);
	o->text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
}

void resolve_acts(struct resolver *r, const struct ast_rule *ast, struct rule *out)
{
	const struct ast_qualifiers *q = &ast->q;

	acts_of(r, &q->log, &q->then, &out->q.acts);
	if (q->limit_span.src)
		resolve_limit(r, q, &out->q.limit);
	resolve_quota(r, ast, out);
	out->q.max = (struct max){.n = q->max_connections, .per = per_of(&q->max_per)};
	resolve_else(r, ast, out);
}
