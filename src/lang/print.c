/* SPDX-License-Identifier: GPL-2.0-or-later
 * AST -> canonical text, with the comments and the line breaks of lists where they were.
 */
#include <string.h>

#include "lang/parse.h"
#include "lang/printer.h"

#define INDENT 4
#define WRAP 80 /* behind this column a list goes on in the next line */

void print_indent(struct printer *pr, unsigned extra)
{
	pr->line_start = pr->out->len;
	for (unsigned i = 0; i < INDENT * (pr->depth + extra); i++)
		buf_putc(pr->out, ' ');
}

static void newline(struct printer *pr, const char *trailing)
{
	if (trailing)
		buf_printf(pr->out, " %s", trailing);
	buf_putc(pr->out, '\n');
}

/* The end of the statement at s, which begins at `start` of what was printed. */
void print_end_line(struct printer *pr, size_t start, struct span s, const char *trailing)
{
	align_statement(pr->out, start, s, false);
	for (uint32_t gap = trailing ? align_comment(s) : 1; gap > 1; gap--)
		buf_putc(pr->out, ' ');
	newline(pr, trailing);
}

/* What stands between two items of a list. */
void print_comma(struct printer *pr)
{
	const struct ast_break *b;
	const char **c;

	buf_putc(pr->out, ',');
	pr->commas++;
	b = pr->layout && pr->next_break < pr->layout->breaks.n
		    ? &pr->layout->breaks.v[pr->next_break]
		    : NULL;
	if (b && b->comma == pr->commas) {
		pr->next_break++;
		newline(pr, b->trailing);
		vec_each (&b->comments, c) {
			print_indent(pr, 1);
			buf_printf(pr->out, "%s\n", *c);
		}
		print_indent(pr, 1);
	} else if (pr->layout && pr->out->len - pr->line_start > WRAP) {
		newline(pr, NULL);
		print_indent(pr, 1);
	} else {
		buf_putc(pr->out, ' ');
	}
}

/* ---- pieces ---- */

/* LOW-HIGH, also where it is a prefix: a pool is meant as its two ends. */
static void range_print(struct buf *out, enum family family, struct ival addr)
{
	addr_print(out, family, addr.lo);
	buf_putc(out, '-');
	addr_print(out, family, addr.hi);
}

static void item(struct printer *pr, const struct ast_item *i)
{
	if (i->negated)
		buf_putc(pr->out, '!');
	if (i->kind == ITEM_NAME)
		buf_puts(pr->out, i->name.s);
	else if (i->kind == ITEM_MAC)
		mac_print(pr->out, i->addr.lo);
	else if (i->kind == ITEM_SUFFIX)
		suffix_print(pr->out, i->addr.lo, i->bits);
	else if (i->range)
		range_print(pr->out, i->family, i->addr);
	else
		addr_print_range(pr->out, i->family, i->addr);
	if (i->zone.s)
		buf_printf(pr->out, "@%s", i->zone.s);
	for (size_t k = 0; k < i->but.n; k++) {
		if (k)
			print_comma(pr);
		buf_printf(pr->out, "%s%s", k ? "" : " but ", i->but.v[k].s);
	}
}

static void endpoint(struct printer *pr, const struct ast_endpoint *e)
{
	for (size_t i = 0; i < e->items.n; i++) {
		if (i)
			print_comma(pr);
		item(pr, &e->items.v[i]);
	}
}

static void pair(struct printer *pr, const struct ast_endpoint *from, const struct ast_endpoint *to)
{
	endpoint(pr, from);
	buf_puts(pr->out, " -> ");
	endpoint(pr, to);
}

static void service(struct printer *pr, const struct ast_service *s)
{
	switch (s->kind) {
	case SERVICE_NAME:
		buf_puts(pr->out, s->name.s);
		break;
	case SERVICE_PORTS:
		if (!s->bare)
			buf_puts(pr->out, s->proto.s);
		if (s->whole)
			break;
		buf_printf(pr->out, s->bare ? "%u" : "/%u", s->lo);
		if (s->hi != s->lo)
			buf_printf(pr->out, "-%u", s->hi);
		break;
	case SERVICE_ICMP:
	case SERVICE_PROTO:
		buf_printf(pr->out, "%s/%s", s->proto.s, s->type.s);
		if (s->kind == SERVICE_ICMP && s->code >= 0)
			buf_printf(pr->out, "/%d", s->code);
		break;
	}
}

static void services(struct printer *pr, const struct ast_service *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			print_comma(pr);
		service(pr, &v[i]);
	}
}

static void services_behind(struct printer *pr, const struct ast_service *v, size_t n)
{
	if (n)
		buf_putc(pr->out, ' ');
	services(pr, v, n);
}

void print_note(struct printer *pr, const struct ast_word *text)
{
	if (!pr->notes || !text->s)
		return;
	buf_puts(pr->out, " note ");
	string_print(pr->out, text->s);
}

/* Those that narrow what matches come first, then those that act, then log, and else. */
static void qualifiers(struct printer *pr, const struct ast_qualifiers *q)
{
	if (q->from_ports.n)
		buf_puts(pr->out, " from port ");
	for (size_t i = 0; i < q->from_ports.n; i++) {
		const struct ival *v = &q->from_ports.v[i];

		if (i)
			print_comma(pr);
		buf_printf(pr->out, v->lo == v->hi ? "%u" : "%u-%u", (unsigned)v->lo,
			   (unsigned)v->hi);
	}
	if (q->family)
		buf_puts(pr->out, q->family == FAM_IP4 ? " ipv4" : " ipv6");
	if (q->with.s)
		buf_printf(pr->out, " with %s", q->with.s);
	if (q->user.s)
		buf_printf(pr->out, " user %s", q->user.s);
	if (q->group.s)
		buf_printf(pr->out, " group %s", q->group.s);
	if (q->cgroup.s) {
		buf_puts(pr->out, " cgroup ");
		string_print(pr->out, q->cgroup.s);
	}
	if (q->dscp_span.src) {
		buf_puts(pr->out, " dscp ");
		dscp_print(pr->out, q->dscp);
	}
	times_print(pr->out, q);
	print_limits(pr, q);
	if (q->helper.s)
		buf_printf(pr->out, " helper %s", q->helper.s);
	if (q->mark_span.src && q->mark_mask == UINT32_MAX)
		buf_printf(pr->out, " mark %u", q->mark);
	if (q->mark_span.src && q->mark_mask != UINT32_MAX) {
		buf_puts(pr->out, " mark ");
		mark_print(pr->out, q->mark, q->mark_mask);
	}
	print_acts(pr, &q->then, &q->log);
	print_note(pr, &q->note);
	if (q->else_span.src) {
		buf_putc(pr->out, ' ');
		print_else(pr, q);
	}
}

static void rule(struct printer *pr, const struct ast_rule *r, bool in_block)
{
	buf_puts(pr->out, r->deny ? "deny" : verb_name(r->verb));
	if (!in_block) {
		buf_putc(pr->out, ' ');
		pair(pr, &r->from, &r->to);
	}
	if (r->published.src)
		buf_puts(pr->out, " published");
	services_behind(pr, r->services.v, r->services.n);
	qualifiers(pr, &r->q);
}

static void target(struct printer *pr, const struct ast_target *t)
{
	bool six = t->item.kind == ITEM_ADDR && t->item.family == FAM_IP6;

	if (six && t->port)
		buf_putc(pr->out, '[');
	item(pr, &t->item);
	if (six && t->port)
		buf_putc(pr->out, ']');
	target_rest_print(pr->out, t);
}

static void nat(struct printer *pr, const struct ast_nat *n)
{
	buf_printf(pr->out, "%s ", nat_name(n->kind));
	pair(pr, &n->from, &n->to);
	services_behind(pr, n->services.v, n->services.n);
	qualifiers(pr, &n->q);
	if (n->targets.n)
		buf_puts(pr->out, " to ");
	for (size_t i = 0; i < n->targets.n; i++) {
		if (i)
			print_comma(pr);
		target(pr, &n->targets.v[i]);
	}
	if (n->kind == NAT_REDIRECT)
		buf_printf(pr->out, " to :%u", n->port);
	nat_choice_print(pr->out, n);
	if (n->hairpin)
		buf_puts(pr->out, n->hairpin_zones.items.n ? " hairpin " : " hairpin");
	endpoint(pr, &n->hairpin_zones);
	if (n->allow_span.src) {
		buf_puts(pr->out, " allow");
		qualifiers(pr, n->allow);
	}
}

static void clamp(struct printer *pr, const struct ast_clamp *c)
{
	buf_puts(pr->out, "clamp-mss ");
	pair(pr, &c->from, &c->to);
	if (c->mss)
		buf_printf(pr->out, " %u", c->mss);
	else
		buf_puts(pr->out, " pmtu");
}

static void mark(struct printer *pr, const struct ast_mark *m)
{
	buf_puts(pr->out, "mark ");
	pair(pr, &m->from, &m->to);
	services_behind(pr, m->services.v, m->services.n);
	qualifiers(pr, &m->q);
	buf_puts(pr->out, " as ");
	mark_print(pr->out, m->value, m->mask);
}

static void names(struct printer *pr, const struct ast_names *n)
{
	buf_printf(pr->out, "%s %s = ", n->is_host ? "host" : "set", n->name.s);
	if (n->dynamic)
		buf_puts(pr->out, "dynamic");
	if (n->prefixes_span.src) {
		print_comma(pr);
		buf_puts(pr->out, "prefixes");
	}
	if (n->timeout_span.src) {
		print_comma(pr);
		buf_puts(pr->out, "timeout ");
		duration_print(pr->out, n->timeout);
	}
	if (n->size_span.src) {
		print_comma(pr);
		buf_printf(pr->out, "size %u", n->size);
	}
	for (size_t i = 0; i < n->elements.n; i++) {
		const struct ast_element *e = &n->elements.v[i];

		if (i)
			print_comma(pr);
		if (e->kind == ELEM_ITEM) {
			item(pr, &e->item);
			continue;
		}
		if (e->kind != ELEM_FILE) {
			fetch_print(pr->out, n, e);
			continue;
		}
		buf_puts(pr->out, "file ");
		string_print(pr->out, e->file.s);
		if (e->lenient)
			buf_puts(pr->out, " lenient");
	}
}

/* ---- lines and blocks ---- */

/* The empty line and the comments above a statement, and its indentation. */
void print_above(struct printer *pr, const struct ast_layout *l)
{
	const char **c;

	pr->layout = l;
	pr->commas = 0;
	pr->next_break = 0;
	if (l->blank_before)
		buf_putc(pr->out, '\n');
	vec_each (&l->comments, c) {
		print_indent(pr, 0);
		buf_printf(pr->out, "%s\n", *c);
	}
}

/* A block that nothing is in, on one line. */
bool print_empty(struct printer *pr, const struct ast_layout *l, size_t n)
{
	if (n || l->trailing)
		return false;
	buf_puts(pr->out, " { }");
	newline(pr, l->closing);
	return true;
}

void print_open(struct printer *pr, const struct ast_layout *l)
{
	buf_puts(pr->out, " {");
	newline(pr, l->trailing);
	pr->depth++;
}

void print_close(struct printer *pr, const struct ast_layout *l)
{
	pr->depth--;
	print_indent(pr, 0);
	buf_putc(pr->out, '}');
	newline(pr, l->closing);
}

static void zone_line(struct printer *pr, const struct ast_zone *z,
		      const struct ast_zone_line *line, size_t *interfaces, size_t *networks)
{
	if (line->kind > ZONE_COMMENTS) {
		subzone_line_print(pr->out, z, line);
		return;
	}
	buf_puts(pr->out, line->kind == ZONE_INTERFACE ? "interface " : "network ");
	for (size_t i = 0; i < line->n; i++) {
		if (i)
			print_comma(pr);
		if (line->kind == ZONE_INTERFACE) {
			interface_print(pr->out, z->interfaces.v[(*interfaces)++].name);
		} else {
			const struct ast_prefix *x = &z->networks.v[(*networks)++];

			addr_print_range(pr->out, x->family, x->addr);
		}
	}
}

/* One line of its own, which nothing was said about, fits between the braces. */
static bool is_short(const struct ast_stmt *s)
{
	const struct ast_zone_line *line = s->zone.lines.v;

	return s->zone.lines.n == 1 && !s->layout.trailing && line->kind != ZONE_COMMENTS &&
	       !line->layout.trailing && !line->layout.comments.n && !line->layout.breaks.n &&
	       line->n < 4;
}

static bool same_line(struct span a, struct span b)
{
	const char *from = a.src->text + a.off + a.len, *to = b.src->text + b.off;

	return to >= from && !memchr(from, '\n', (size_t)(to - from));
}

/* Whether the author has the first line behind the brace and the last one before the other. */
static bool is_compact(const struct ast_stmt *s)
{
	const struct ast_zone_line *line, *v = s->zone.lines.v;
	size_t n = s->zone.lines.n;
	struct span end = {s->span.src, s->span.off + s->span.len, 0};

	if (!n || s->layout.trailing)
		return false;
	vec_each (&s->zone.lines, line)
		if (line->kind == ZONE_COMMENTS || line->layout.comments.n ||
		    line->layout.blank_before || line->layout.breaks.n)
			return false;
	return same_line(s->zone.name.span, v[0].span) && same_line(v[n - 1].span, end);
}

/* zone NAME { interface A
 *             network B } */
static void compact_zone(struct printer *pr, const struct ast_stmt *s, size_t start)
{
	const struct ast_zone_line *v = s->zone.lines.v;
	size_t interfaces = 0, networks = 0, indentation;

	pr->layout = NULL;
	buf_puts(pr->out, " { ");
	indentation = pr->out->len - start;
	for (size_t i = 0; i < s->zone.lines.n; i++) {
		if (i && same_line(v[i - 1].span, v[i].span)) {
			buf_puts(pr->out, "; ");
		} else if (i) {
			newline(pr, v[i - 1].layout.trailing);
			for (size_t k = 0; k < indentation; k++)
				buf_putc(pr->out, ' ');
		}
		zone_line(pr, &s->zone, &v[i], &interfaces, &networks);
	}
	buf_puts(pr->out, " }");
	align_statement(pr->out, start, s->span, true);
	newline(pr, s->layout.closing);
}

static void zone(struct printer *pr, const struct ast_stmt *s)
{
	const struct ast_zone_line *line;
	size_t interfaces = 0, networks = 0, start = pr->out->len;

	buf_printf(pr->out, "zone %s", s->zone.name.s);
	if (is_compact(s)) {
		compact_zone(pr, s, start);
		return;
	}
	if (is_short(s)) {
		pr->layout = NULL;
		buf_puts(pr->out, " { ");
		zone_line(pr, &s->zone, s->zone.lines.v, &interfaces, &networks);
		buf_puts(pr->out, " }");
		newline(pr, s->layout.closing);
		return;
	}
	if (print_empty(pr, &s->layout, s->zone.lines.n))
		return;
	print_open(pr, &s->layout);
	vec_each (&s->zone.lines, line) {
		print_above(pr, &line->layout);
		if (line->kind == ZONE_COMMENTS)
			continue;
		print_indent(pr, 0);
		start = pr->out->len;
		zone_line(pr, &s->zone, line, &interfaces, &networks);
		print_end_line(pr, start, line->span, line->layout.trailing);
	}
	print_close(pr, &s->layout);
}

void print_disabled(struct printer *pr, const struct ast_stmt *s)
{
	if (s->disabled)
		buf_puts(pr->out, "disabled ");
}

static void block(struct printer *pr, const struct ast_stmt *s)
{
	const struct ast_stmts *rules = &s->block.rules;
	size_t start;

	print_disabled(pr, s);
	pair(pr, &s->block.from, &s->block.to);
	print_note(pr, &s->note);
	if (print_empty(pr, &s->layout, rules->n))
		return;
	print_open(pr, &s->layout);
	for (size_t i = 0; i < rules->n; i++) {
		print_above(pr, &rules->v[i]->layout);
		if (rules->v[i]->kind == STMT_COMMENTS)
			continue;
		print_indent(pr, 0);
		start = pr->out->len;
		print_disabled(pr, rules->v[i]);
		rule(pr, &rules->v[i]->rule, true);
		print_end_line(pr, start, rules->v[i]->span, rules->v[i]->layout.trailing);
	}
	print_close(pr, &s->layout);
}

static void inspection(struct printer *pr, const struct ast_inspection *i)
{
	if (i->has_mark)
		buf_printf(pr->out, "inspection mark 0x%08x", i->mask);
	else if (i->first == i->last)
		buf_printf(pr->out, "inspection queues %u", i->first);
	else
		buf_printf(pr->out, "inspection queues %u-%u", i->first, i->last);
}

static void bypass(struct printer *pr, const char *word, const struct ast_bypass *b)
{
	buf_puts(pr->out, word);
	pair(pr, &b->from, &b->to);
	services_behind(pr, b->services.v, b->services.n);
	qualifiers(pr, &b->q);
	buf_puts(pr->out, b->hardware.src ? " hardware" : "");
}

/* A statement without a block, less its newline. */
static void plain(struct printer *pr, const struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_FORWARDING:
		buf_printf(pr->out, "forwarding %s", s->forwarding ? "on" : "off");
		break;
	case STMT_LIVE_FLOWS:
		buf_printf(pr->out, "live-flows %s", s->live_flows ? "end" : "keep");
		break;
	case STMT_INSPECTION:
		inspection(pr, &s->inspection);
		break;
	case STMT_NAMES:
		names(pr, &s->names);
		break;
	case STMT_ZONES:
		buf_printf(pr->out, "zones %s = ", s->group.name.s);
		for (size_t i = 0; i < s->group.zones.n; i++) {
			if (i)
				print_comma(pr);
			buf_puts(pr->out, s->group.zones.v[i].s);
		}
		break;
	case STMT_SERVICE:
		buf_printf(pr->out, "service %s = ", s->service.name.s);
		services(pr, s->service.services.v, s->service.services.n);
		qualifiers(pr, &s->service.q);
		break;
	case STMT_LIMIT:
		print_limit_def(pr, &s->limit);
		break;
	case STMT_QUOTA:
		print_quota_def(pr, &s->quota);
		break;
	case STMT_LOG:
		print_log_def(pr, &s->log);
		break;
	case STMT_EXPECT:
		buf_puts(pr->out, s->rule.some ? "expect some " : "expect ");
		rule(pr, &s->rule, false);
		break;
	case STMT_RULE:
		rule(pr, &s->rule, false);
		break;
	case STMT_NAT:
		nat(pr, &s->nat);
		break;
	case STMT_CLAMP:
		clamp(pr, &s->clamp);
		break;
	case STMT_MARK:
		mark(pr, &s->mark);
		break;
	case STMT_UNTRACKED:
	case STMT_OFFLOAD:
		bypass(pr, s->kind == STMT_OFFLOAD ? "offload " : "untracked ", &s->bypass);
		break;
	case STMT_GUARD:
		buf_puts(pr->out, s->guard.kind == GUARD_EARLY ? "early drop " : "antispoof ");
		endpoint(pr, &s->guard.from);
		buf_puts(pr->out, guard_tail(&s->guard));
		qualifiers(pr, &s->guard.q);
		break;
	case STMT_INCLUDE:
		buf_puts(pr->out, "include ");
		string_print(pr->out, s->include.pattern.s);
		break;
	case STMT_ZONE:
	case STMT_BLOCK:
	case STMT_INSPECTOR:
	case STMT_TIMEOUTS:
	case STMT_COMMENTS:
		break;
	}
}

static void statement(struct printer *pr, const struct ast_stmt *s)
{
	size_t start;

	print_above(pr, &s->layout);
	if (s->kind == STMT_COMMENTS)
		return;
	print_indent(pr, 0);
	if (s->kind == STMT_ZONE) {
		zone(pr, s);
	} else if (s->kind == STMT_BLOCK) {
		block(pr, s);
	} else if (s->kind == STMT_INSPECTOR) {
		print_inspector(pr, s);
	} else if (s->kind == STMT_TIMEOUTS) {
		print_timeouts(pr, s);
	} else {
		start = pr->out->len;
		print_disabled(pr, s);
		plain(pr, s);
		print_note(pr, &s->note);
		print_end_line(pr, start, s->span, s->layout.trailing);
	}
}

void ast_print(struct buf *out, const struct ast *ast)
{
	struct printer pr = {.out = out, .notes = true};

	for (size_t i = 0; i < ast->stmts.n; i++)
		statement(&pr, ast->stmts.v[i]);
}

void ast_print_stmt_line(struct buf *out, const struct ast_stmt *s)
{
	struct printer pr = {.out = out};

	plain(&pr, s);
}

void ast_print_service(struct buf *out, const struct ast_service *s)
{
	struct printer pr = {.out = out};
	struct ast_service alone = *s;

	alone.bare = false;
	service(&pr, &alone);
}

void ast_print_else(struct buf *out, const struct ast_qualifiers *q)
{
	struct printer pr = {.out = out};

	print_else(&pr, q);
}

void ast_print_rule(struct buf *out, const struct ast_rule *r)
{
	struct printer pr = {.out = out};

	rule(&pr, r, false);
}
