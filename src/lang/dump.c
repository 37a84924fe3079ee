/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens and AST -> text for people who want to see what was read, and for tests.
 */
#include <string.h>

#include "lang/parse.h"

static const char *kind_name(enum token_kind k)
{
	switch (k) {
	case TOK_WORD:
		return "word";
	case TOK_STRING:
		return "string";
	case TOK_NEWLINE:
		return "newline";
	case TOK_END:
		return "end";
	case TOK_BAD:
		return "bad";
	case TOK_ARROW:
	case TOK_AT:
	case TOK_NOT:
	case TOK_COMMA:
	case TOK_OPEN:
	case TOK_CLOSE:
	case TOK_SEMICOLON:
	case TOK_EQUALS:
	case TOK_OPEN_BRACKET:
	case TOK_CLOSE_BRACKET:
		break;
	}
	return NULL;
}

/* LINE:COLUMN KIND TEXT; marks are their own kind, a newline's text is the comment before it. */
void tokens_dump(struct buf *out, const struct source *src)
{
	struct lexer l;
	struct token t;

	lex_init(&l, src, NULL);
	do {
		t = lex_next(&l);
		buf_printf(out, "%u:%u", span_line(token_span(src, t)),
			   span_column(token_span(src, t)));
		if (kind_name(t.kind))
			buf_printf(out, " %s", kind_name(t.kind));
		if (t.kind == TOK_NEWLINE && t.comment) {
			buf_putc(out, ' ');
			buf_add(out, src->text + t.off - t.comment, t.comment);
		} else if (t.kind != TOK_NEWLINE && t.kind != TOK_END) {
			buf_putc(out, ' ');
			buf_add(out, src->text + t.off, t.len);
		}
		buf_putc(out, '\n');
	} while (t.kind != TOK_END);
}

/* ---- AST ---- */

struct dumper {
	struct buf *out;
	unsigned depth;
};

static void node(struct dumper *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void node(struct dumper *d, const char *fmt, ...)
{
	va_list ap;

	for (unsigned i = 0; i < 2 * d->depth; i++)
		buf_putc(d->out, ' ');
	va_start(ap, fmt);
	buf_vprintf(d->out, fmt, ap);
	va_end(ap);
	buf_putc(d->out, '\n');
}

static void dump_addr(struct dumper *d, const char *what, enum family family, struct ival addr)
{
	struct buf b = {0};

	addr_print_range(&b, family, addr);
	node(d, "%s %s", what, buf_str(&b));
	buf_free(&b);
}

static void dump_mac(struct dumper *d, u128 mac)
{
	struct buf b = {0};

	mac_print(&b, mac);
	node(d, "MAC %s", buf_str(&b));
	buf_free(&b);
}

static void dump_suffix(struct dumper *d, const struct ast_item *i)
{
	struct buf b = {0};

	suffix_print(&b, i->addr.lo, i->bits);
	node(d, "%s", buf_str(&b));
	buf_free(&b);
}

static void dump_item(struct dumper *d, const struct ast_item *i)
{
	if (i->negated)
		node(d, "not");
	d->depth += i->negated;
	if (i->kind == ITEM_ADDR)
		dump_addr(d, "address", i->family, i->addr);
	else if (i->kind == ITEM_MAC)
		dump_mac(d, i->addr.lo);
	else if (i->kind == ITEM_SUFFIX)
		dump_suffix(d, i);
	else
		node(d, "name %s", i->name.s);
	d->depth++;
	if (i->zone.s)
		node(d, "in %s", i->zone.s);
	for (size_t k = 0; k < i->but.n; k++)
		node(d, "but %s", i->but.v[k].s);
	d->depth -= 1 + i->negated;
}

static void dump_endpoint(struct dumper *d, const char *what, const struct ast_endpoint *e)
{
	node(d, "%s", what);
	d->depth++;
	for (size_t i = 0; i < e->items.n; i++)
		dump_item(d, &e->items.v[i]);
	d->depth--;
}

static void dump_services(struct dumper *d, const struct ast_service *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ast_service *s = &v[i];

		switch (s->kind) {
		case SERVICE_NAME:
			node(d, "service %s", s->name.s);
			break;
		case SERVICE_PORTS:
			node(d, "ports %s %u-%u", s->proto.s, s->lo, s->hi);
			break;
		case SERVICE_ICMP:
			if (s->code < 0)
				node(d, "type %s %s", s->proto.s, s->type.s);
			else
				node(d, "type %s %s code %d", s->proto.s, s->type.s, s->code);
			break;
		case SERVICE_PROTO:
			node(d, "protocol %s", s->type.s);
			break;
		}
	}
}

static const char *dump_per(char out[64], const struct ast_per *per)
{
	if (per->prefix4)
		snprintf(out, 64, ", per source /%u /%u", per->prefix4, per->prefix6);
	else
		snprintf(out, 64, "%s", per->source ? ", per source" : "");
	return out;
}

static void dump_rate(struct dumper *d, const char *what, const struct ast_rate *r,
		      const struct ast_per *per)
{
	char text[64];

	node(d, "%s %u per %u s, burst %u%s", what, r->rate, (unsigned)r->unit, r->burst,
	     dump_per(text, per));
}

static void dump_log(struct dumper *d, const struct ast_log *l)
{
	if (!l->span.src)
		return;
	node(d, l->tag.s ? "log \"%s\"" : "log", l->tag.s);
	d->depth++;
	if (l->at.rate)
		dump_rate(d, "at", &l->at, &(struct ast_per){0});
	if (l->level)
		node(d, "level %s", log_level_name(l->level));
	if (l->nflog)
		node(d, "group %u", l->group);
	d->depth--;
}

static void dump_limit_def(struct dumper *d, const struct ast_limit_def *l)
{
	node(d, "limit %s", l->name.s);
	d->depth++;
	dump_rate(d, "rate", &l->rate, &l->per);
	d->depth--;
}

static void dump_quota_def(struct dumper *d, const struct ast_quota_def *q)
{
	node(d, "quota %s", q->name.s);
	d->depth++;
	node(d, "bytes %llu", (unsigned long long)q->bytes);
	d->depth--;
}

static void dump_log_def(struct dumper *d, const struct ast_log_def *l)
{
	node(d, "log %s", l->unmatched ? "unmatched" : "invalid");
	d->depth++;
	dump_log(d, &l->log);
	d->depth--;
}

static void dump_thens(struct dumper *d, const struct ast_thens *list)
{
	const struct ast_then *t;

	vec_each (list, t) {
		const char *side = t->destination ? "destination" : "source";

		if (t->remove)
			node(d, "remove %s from %s", side, t->set.s);
		else
			node(d, "add %s to %s for %llu s", side, t->set.s,
			     (unsigned long long)t->seconds);
	}
}

static void dump_limits(struct dumper *d, const struct ast_qualifiers *q)
{
	char text[64];

	if (q->limit_name.s)
		node(d, "limit %s", q->limit_name.s);
	else if (q->limit_span.src)
		dump_rate(d, "limit", &q->limit, &q->limit_per);
	if (q->max_span.src)
		node(d, "max %u%s", q->max_connections, dump_per(text, &q->max_per));
	if (q->quota.s)
		node(d, "quota %s", q->quota.s);
}

static void dump_qualifiers(struct dumper *d, const struct ast_qualifiers *q)
{
	dump_log(d, &q->log);
	dump_limits(d, q);
	if (q->with.s)
		node(d, "with %s", q->with.s);
	if (q->hours_span.src)
		node(d, "hours %u-%u min", q->hours_from, q->hours_to);
	if (q->days_span.src)
		node(d, "days 0x%02x", q->days);
	if (q->after_span.src)
		node(d, "after day %d", q->after);
	if (q->until_span.src)
		node(d, "until day %d", q->until);
	if (q->user.s)
		node(d, "user %s", q->user.s);
	if (q->group.s)
		node(d, "group %s", q->group.s);
	if (q->cgroup.s)
		node(d, "cgroup \"%s\"", q->cgroup.s);
	if (q->dscp_span.src)
		node(d, "dscp %u", q->dscp);
	if (q->mark_span.src && q->mark_mask == UINT32_MAX)
		node(d, "mark 0x%x", q->mark);
	else if (q->mark_span.src)
		node(d, "mark 0x%x of 0x%x", q->mark, q->mark_mask);
	dump_thens(d, &q->then);
	if (q->helper.s)
		node(d, "helper %s", q->helper.s);
	for (size_t i = 0; i < q->from_ports.n; i++)
		node(d, "from ports %u-%u", (unsigned)q->from_ports.v[i].lo,
		     (unsigned)q->from_ports.v[i].hi);
	if (q->note.s)
		node(d, "note \"%s\"", q->note.s);
	if (q->family)
		node(d, "family %d", q->family);
	if (!q->else_span.src)
		return;
	node(d, "else %s", verb_name((enum verb)q->else_verb));
	d->depth++;
	dump_log(d, &q->else_log);
	dump_thens(d, &q->else_then);
	d->depth--;
}

static void dump_service_def(struct dumper *d, const struct ast_service_def *s)
{
	node(d, "service %s", s->name.s);
	d->depth++;
	dump_services(d, s->services.v, s->services.n);
	dump_qualifiers(d, &s->q);
	d->depth--;
}

static void dump_rule(struct dumper *d, const struct ast_rule *r)
{
	dump_endpoint(d, "from", &r->from);
	dump_endpoint(d, "to", &r->to);
	if (r->published.src)
		node(d, "published");
	dump_services(d, r->services.v, r->services.n);
	dump_qualifiers(d, &r->q);
}

static void dump_nat(struct dumper *d, const struct ast_nat *n)
{
	node(d, "%s%s", nat_name(n->kind), n->hairpin ? " hairpin" : "");
	d->depth++;
	dump_endpoint(d, "from", &n->from);
	dump_endpoint(d, "to", &n->to);
	dump_services(d, n->services.v, n->services.n);
	dump_qualifiers(d, &n->q);
	for (size_t i = 0; i < n->targets.n; i++) {
		const struct ast_target *t = &n->targets.v[i];

		if (t->port_last)
			node(d, "target port %u-%u", t->port, t->port_last);
		else
			node(d, "target port %u", t->port);
		d->depth++;
		dump_item(d, &t->item);
		if (t->weight)
			node(d, "weight %u", t->weight);
		d->depth--;
	}
	if (n->kind == NAT_REDIRECT)
		node(d, "port %u", n->port);
	if (n->ports_span.src)
		node(d, "ports %u-%u", n->ports_first, n->ports_last);
	if (n->random || n->persistent_span.src || n->by_source)
		node(d, "chosen%s%s%s", n->random ? " random" : "",
		     n->persistent_span.src ? " persistent" : "", n->by_source ? " by source" : "");
	if (n->hairpin_zones.items.n)
		dump_endpoint(d, "hairpin", &n->hairpin_zones);
	if (n->allow_span.src) {
		node(d, "allow");
		d->depth++;
		dump_qualifiers(d, n->allow);
		d->depth--;
	}
	d->depth--;
}

static void dump_clamp(struct dumper *d, const struct ast_clamp *c)
{
	node(d, "clamp-mss %u", c->mss);
	d->depth++;
	dump_endpoint(d, "from", &c->from);
	dump_endpoint(d, "to", &c->to);
	d->depth--;
}

static void dump_mark(struct dumper *d, const struct ast_mark *m)
{
	node(d, "mark 0x%x of 0x%x", m->value, m->mask);
	d->depth++;
	dump_endpoint(d, "from", &m->from);
	dump_endpoint(d, "to", &m->to);
	dump_services(d, m->services.v, m->services.n);
	dump_qualifiers(d, &m->q);
	d->depth--;
}

static void dump_bypass(struct dumper *d, enum stmt_kind kind, const struct ast_bypass *u)
{
	node(d, "%s%s", kind == STMT_OFFLOAD ? "offload" : "untracked",
	     u->hardware.src ? " hardware" : "");
	d->depth++;
	dump_endpoint(d, "from", &u->from);
	dump_endpoint(d, "to", &u->to);
	dump_services(d, u->services.v, u->services.n);
	dump_qualifiers(d, &u->q);
	d->depth--;
}

static void dump_guard(struct dumper *d, const struct ast_guard *g)
{
	static const char *const words[] = {[GUARD_EARLY] = "early drop",
					    [GUARD_NETWORK] = "antispoof",
					    [GUARD_ROUTE] = "by route"};

	node(d, "%s%s", words[g->kind], g->loose ? " loose" : "");
	d->depth++;
	dump_endpoint(d, "from", &g->from);
	dump_qualifiers(d, &g->q);
	d->depth--;
}

static void dump_zone(struct dumper *d, const struct ast_zone *z)
{
	node(d, "zone %s", z->name.s);
	d->depth++;
	for (size_t i = 0; i < z->interfaces.n; i++) {
		struct buf b = {0};

		ifname_print(&b, z->interfaces.v[i].name);
		node(d, "interface %s", buf_str(&b));
		buf_free(&b);
	}
	for (size_t i = 0; i < z->networks.n; i++)
		dump_addr(d, "network", z->networks.v[i].family, z->networks.v[i].addr);
	if (z->within.s)
		node(d, "within %s", z->within.s);
	if (z->ipsec_span.src)
		node(d, "ipsec");
	if (z->mark_span.src)
		node(d, "mark 0x%x/0x%x", z->mark, z->mask);
	if (z->user.s)
		node(d, "user %s", z->user.s);
	if (z->group.s)
		node(d, "group %s", z->group.s);
	d->depth--;
}

static void dump_group(struct dumper *d, const struct ast_group *g)
{
	node(d, "zones %s", g->name.s);
	d->depth++;
	for (size_t i = 0; i < g->zones.n; i++)
		node(d, "zone %s", g->zones.v[i].s);
	d->depth--;
}

/* As it is printed. */
static void dump_fetch(struct dumper *d, const struct ast_names *n, const struct ast_element *e)
{
	struct buf text = {0};

	fetch_print(&text, n, e);
	node(d, "%s", buf_str(&text));
	buf_free(&text);
}

static void dump_names(struct dumper *d, const struct ast_names *n)
{
	node(d, "%s %s", n->is_host ? "host" : "set", n->name.s);
	d->depth++;
	if (n->dynamic)
		node(d, "dynamic%s, timeout %llu s, size %u",
		     n->prefixes_span.src ? ", prefixes" : "", (unsigned long long)n->timeout,
		     n->size);
	for (size_t i = 0; i < n->elements.n; i++) {
		const struct ast_element *e = &n->elements.v[i];

		if (e->kind == ELEM_ITEM) {
			dump_item(d, &e->item);
			continue;
		}
		if (e->kind != ELEM_FILE) {
			dump_fetch(d, n, e);
			continue;
		}
		node(d, "file \"%s\"%s", e->file.s, e->lenient ? " lenient" : "");
		d->depth++;
		for (size_t k = 0; k < e->content.v4.n; k++)
			dump_addr(d, "address", FAM_IP4,
				  (struct ival){e->content.v4.v[k].lo, e->content.v4.v[k].hi});
		for (size_t k = 0; k < e->content.v6.n; k++)
			dump_addr(d, "address", FAM_IP6, e->content.v6.v[k]);
		d->depth--;
	}
	d->depth--;
}

static const char *inspector_verdict(const struct ast_inspector_entry *e)
{
	if (e->reject)
		return "reject";
	return e->deny ? "deny" : "allow";
}

static void dump_inspector(struct dumper *d, const struct ast_inspector *in)
{
	const struct ast_inspector_line *line;

	node(d, "inspector %s", in->name.s);
	d->depth++;
	vec_each (in, line) {
		const struct ast_inspector_entry *e = &line->entry;

		if (line->is_comment)
			continue;
		if (line->is_word) {
			node(d, "%s %s", line->word.what.s, line->word.allow ? "allow" : "deny");
			continue;
		}
		if (e->what.s && !strcmp(e->what.s, "rewrite"))
			node(d, "rewrite");
		else
			node(d, "%s %s", inspector_verdict(e), e->what.s ? e->what.s : "any");
		d->depth++;
		for (size_t i = 0; i < e->strings.n; i++)
			node(d, "string \"%s\"", e->strings.v[i].s);
		for (size_t i = 0; i < e->files.n; i++)
			node(d, "file \"%s\"", e->files.v[i].s);
		for (size_t i = 0; i < e->answer.n; i++)
			node(d, "answer %s", e->answer.v[i].s);
		d->depth--;
	}
	d->depth--;
}

static void dump_timeouts(struct dumper *d, const struct ast_timeouts *t)
{
	const struct ast_timeout_line *line;

	node(d, "timeouts");
	d->depth++;
	vec_each (&t->lines, line)
		if (!line->is_comment)
			node(d, "%s %llu", line->name.s, (unsigned long long)line->seconds);
	d->depth--;
}

static void dump_stmts(struct dumper *d, const struct ast_stmts *stmts);

static void dump_block(struct dumper *d, const struct ast_stmt *s)
{
	node(d, "block");
	d->depth++;
	dump_endpoint(d, "from", &s->block.from);
	dump_endpoint(d, "to", &s->block.to);
	dump_stmts(d, &s->block.rules);
	d->depth--;
}

static void dump_stmt(struct dumper *d, const struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_FORWARDING:
		node(d, "forwarding %s", s->forwarding ? "on" : "off");
		break;
	case STMT_LIVE_FLOWS:
		node(d, "live-flows %s", s->live_flows ? "end" : "keep");
		break;
	case STMT_INSPECTION:
		if (s->inspection.has_mark)
			node(d, "inspection mark 0x%08x", s->inspection.mask);
		else
			node(d, "inspection queues %u-%u", s->inspection.first, s->inspection.last);
		break;
	case STMT_ZONE:
		dump_zone(d, &s->zone);
		break;
	case STMT_NAMES:
		dump_names(d, &s->names);
		break;
	case STMT_SERVICE:
		dump_service_def(d, &s->service);
		break;
	case STMT_LIMIT:
		dump_limit_def(d, &s->limit);
		break;
	case STMT_QUOTA:
		dump_quota_def(d, &s->quota);
		break;
	case STMT_LOG:
		dump_log_def(d, &s->log);
		break;
	case STMT_RULE:
	case STMT_EXPECT:
		node(d, "%s%s%s", s->kind == STMT_EXPECT ? "expect " : "",
		     s->rule.some ? "some " : "", s->rule.deny ? "deny" : verb_name(s->rule.verb));
		d->depth++;
		dump_rule(d, &s->rule);
		d->depth--;
		break;
	case STMT_BLOCK:
		dump_block(d, s);
		break;
	case STMT_NAT:
		dump_nat(d, &s->nat);
		break;
	case STMT_CLAMP:
		dump_clamp(d, &s->clamp);
		break;
	case STMT_MARK:
		dump_mark(d, &s->mark);
		break;
	case STMT_UNTRACKED:
	case STMT_OFFLOAD:
		dump_bypass(d, s->kind, &s->bypass);
		break;
	case STMT_TIMEOUTS:
		dump_timeouts(d, &s->timeouts);
		break;
	case STMT_GUARD:
		dump_guard(d, &s->guard);
		break;
	case STMT_INSPECTOR:
		dump_inspector(d, &s->inspector);
		break;
	case STMT_INCLUDE:
		node(d, "include \"%s\"", s->include.pattern.s);
		d->depth++;
		dump_stmts(d, &s->include.files);
		d->depth--;
		break;
	case STMT_ZONES:
		dump_group(d, &s->group);
		break;
	case STMT_COMMENTS:
		break;
	}
}

static void dump_stmts(struct dumper *d, const struct ast_stmts *stmts)
{
	for (size_t i = 0; i < stmts->n; i++) {
		if (stmts->v[i]->disabled)
			node(d, "disabled");
		if (stmts->v[i]->note.s)
			node(d, "note \"%s\"", stmts->v[i]->note.s);
		dump_stmt(d, stmts->v[i]);
	}
}

/* Structure alone: comments, line breaks and spelling are not told. */
void ast_dump(struct buf *out, const struct ast *ast)
{
	struct dumper d = {.out = out};

	dump_stmts(&d, &ast->stmts);
}
