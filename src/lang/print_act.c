/* SPDX-License-Identifier: GPL-2.0-or-later
 * Limits, logs, changes of sets and else -> canonical text.
 */
#include "lang/parse.h"
#include "lang/printer.h"

static void rate(struct printer *pr, const struct ast_rate *r)
{
	buf_printf(pr->out, "%u/%s", r->rate, rate_unit_name(r->unit));
	if (r->burst)
		buf_printf(pr->out, " burst %u", r->burst);
}

static void per(struct printer *pr, const struct ast_per *p)
{
	if (p->source)
		buf_puts(pr->out, " per source");
	if (!p->prefix4)
		return;
	buf_printf(pr->out, " /%u", p->prefix4);
	print_comma(pr);
	buf_printf(pr->out, "/%u", p->prefix6);
}

void print_limits(struct printer *pr, const struct ast_qualifiers *q)
{
	if (q->limit_span.src) {
		buf_puts(pr->out, " limit ");
		if (q->limit_name.s)
			buf_puts(pr->out, q->limit_name.s);
		else
			rate(pr, &q->limit);
		per(pr, &q->limit_per);
	}
	if (q->max_span.src) {
		buf_printf(pr->out, " max %u connections", q->max_connections);
		per(pr, &q->max_per);
	}
	if (q->quota.s)
		buf_printf(pr->out, " quota %s", q->quota.s);
}

static void log_rest(struct printer *pr, const struct ast_log *l)
{
	if (l->tag.s) {
		buf_putc(pr->out, ' ');
		string_print(pr->out, l->tag.s);
	}
	if (l->at.rate) {
		buf_puts(pr->out, " at ");
		rate(pr, &l->at);
	}
	if (l->level)
		buf_printf(pr->out, " level %s", log_level_name(l->level));
	if (l->nflog)
		buf_printf(pr->out, " nflog %u", l->group);
}

static void log_(struct printer *pr, const struct ast_log *l)
{
	if (!l->span.src)
		return;
	buf_puts(pr->out, " log");
	log_rest(pr, l);
}

static void thens(struct printer *pr, const struct ast_thens *list)
{
	const struct ast_then *t;

	vec_each (list, t) {
		buf_printf(pr->out, " then %s %s %s %s", t->remove ? "remove" : "add",
			   t->destination ? "destination" : "source", t->remove ? "from" : "to",
			   t->set.s);
		if (t->seconds) {
			buf_puts(pr->out, " for ");
			duration_print(pr->out, t->seconds);
		}
	}
}

/* Less the space before it. */
void print_else(struct printer *pr, const struct ast_qualifiers *q)
{
	buf_printf(pr->out, "else %s", verb_name((enum verb)q->else_verb));
	log_(pr, &q->else_log);
	thens(pr, &q->else_then);
}

void print_acts(struct printer *pr, const struct ast_thens *then, const struct ast_log *log)
{
	thens(pr, then);
	log_(pr, log);
}

void print_limit_def(struct printer *pr, const struct ast_limit_def *l)
{
	buf_printf(pr->out, "limit %s = ", l->name.s);
	rate(pr, &l->rate);
	per(pr, &l->per);
}

void print_quota_def(struct printer *pr, const struct ast_quota_def *q)
{
	buf_printf(pr->out, "quota %s = ", q->name.s);
	bytes_print(pr->out, q->bytes);
}

void print_log_def(struct printer *pr, const struct ast_log_def *l)
{
	buf_printf(pr->out, "log %s", l->unmatched ? "unmatched" : "invalid");
	log_rest(pr, &l->log);
}
