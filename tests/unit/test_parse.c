/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc.policy(5): what statements are read as; spans; how much one mistake may spoil.
 */
#include "text.h"

static const struct ast_stmt *only(struct arena *a, const char *text)
{
	struct diag d;
	struct ast *ast = parsed(a, text, &d);

	if (d.nerrors || ast->stmts.n != 1)
		printf("# %s: %s\n", text, first_error(a, &d));
	return d.nerrors == 0 && ast->stmts.n == 1 ? ast->stmts.v[0] : NULL;
}

static const char *spelt(struct arena *a, struct span s)
{
	return arena_strndup(a, s.src->text + s.off, s.len);
}

/* "@ZONE binds to the one item before it; in !x@lan only x is negated" */
static void items(struct arena *a)
{
	const struct ast_stmt *s = only(a, "allow a, !b@lan, 10.0.0.0/8 -> self, ::1@any ssh\n");
	const struct ast_item *i;

	if (!CHECK(s && s->kind == STMT_RULE && s->rule.from.items.n == 3))
		return;
	i = s->rule.from.items.v;
	CHECK(i[0].kind == ITEM_NAME && !i[0].negated && !i[0].zone.s);
	SAME_TEXT(i[0].name.s, "a");
	CHECK(i[1].negated);
	SAME_TEXT(i[1].zone.s, "lan");
	SAME_TEXT(spelt(a, i[1].span), "!b@lan");
	CHECK(i[2].kind == ITEM_ADDR && i[2].family == FAM_IP4 && i[2].addr.lo == 0x0a000000 &&
	      i[2].addr.hi == 0x0affffff);
	SAME_NUMBER(s->rule.to.items.n, 2);
	CHECK(s->rule.to.items.v[1].family == FAM_IP6 && s->rule.to.items.v[1].addr.lo == 1);
	SAME_NUMBER(s->rule.services.n, 1);
	SAME_TEXT(spelt(a, s->span), "allow a, !b@lan, 10.0.0.0/8 -> self, ::1@any ssh");
	SAME_TEXT(spelt(a, s->rule.verb_span), "allow");
	SAME_TEXT(spelt(a, s->rule.from.span), "a, !b@lan, 10.0.0.0/8");
	SAME_TEXT(spelt(a, s->rule.services.v[0].span), "ssh");
}

static void qualifiers(struct arena *a)
{
	const struct ast_stmt *s = only(a, "drop wan -> any limit 5/minute burst 9 per source "
					   "hours 22:00-06:00 days sat log \"t\" "
					   "then add source to bad for 1h\n");
	const struct ast_qualifiers *q = s ? &s->rule.q : NULL;

	if (!CHECK(q))
		return;
	CHECK(q->limit.rate == 5 && q->limit.unit == RATE_MINUTE && q->limit.burst == 9);
	CHECK(q->limit_per.source && !q->limit_per.prefix4 && !q->limit_name.s);
	SAME_TEXT(spelt(a, q->limit_span), "limit 5/minute burst 9 per source");
	CHECK(q->hours_from == 1320 && q->hours_to == 360 && q->days == 0x40);
	SAME_TEXT(q->log.tag.s, "t");
	SAME_TEXT(spelt(a, q->log.span), "log \"t\"");
	if (CHECK(q->then.n == 1)) {
		SAME_TEXT(q->then.v[0].set.s, "bad");
		SAME_NUMBER(q->then.v[0].seconds, 3600);
	}
	CHECK(!q->max_span.src && !q->mark_span.src && !q->with.s && !q->user.s && !q->helper.s);
}

static void otherwise(struct arena *a)
{
	const struct ast_stmt *s =
		only(a, "allow wan -> any limit web max 3 connections per source "
			"/24, /56 else drop log \"f\" then remove source from bad\n");
	const struct ast_qualifiers *q = s ? &s->rule.q : NULL;

	if (!CHECK(q))
		return;
	SAME_TEXT(q->limit_name.s, "web");
	SAME_TEXT(spelt(a, q->limit_span), "limit web");
	CHECK(q->max_connections == 3 && q->max_per.source);
	CHECK(q->max_per.prefix4 == 24 && q->max_per.prefix6 == 56);
	SAME_TEXT(spelt(a, q->else_span), "else drop log \"f\" then remove source from bad");
	SAME_TEXT(spelt(a, q->else_verb_span), "drop");
	SAME_TEXT(q->else_log.tag.s, "f");
	CHECK(!q->log.span.src && !q->then.n);
	if (CHECK(q->else_then.n == 1))
		CHECK(q->else_then.v[0].remove && !q->else_then.v[0].destination);
}

/* "exactly the rules allow lan -> wan ..., in that place of the order" */
static void pair_blocks(struct arena *a)
{
	const struct ast_stmt *s = only(a, "lan -> wan { allow dns, http; reject log\n}\n");

	if (!CHECK(s && s->kind == STMT_BLOCK && s->block.rules.n == 2))
		return;
	CHECK(s->block.rules.v[0]->rule.verb == VERB_ALLOW);
	SAME_NUMBER(s->block.rules.v[0]->rule.services.n, 2);
	SAME_TEXT(s->block.rules.v[1]->rule.from.items.v[0].name.s, "lan");
	SAME_TEXT(s->block.rules.v[1]->rule.to.items.v[0].name.s, "wan");
	CHECK(s->block.rules.v[1]->rule.q.log.span.src);
}

static void translation(struct arena *a)
{
	const struct ast_stmt *s = only(a, "dnat wan -> self tcp/443 to nas:8443, [fd00::1]:8443, "
					   "10.0.0.1 hairpin\n");
	const struct ast_target *t = s ? s->nat.targets.v : NULL;

	if (!CHECK(t && s->nat.targets.n == 3))
		return;
	CHECK(s->nat.kind == NAT_DNAT && s->nat.hairpin);
	CHECK(t[0].port == 8443 && t[1].port == 8443 && t[2].port == 0);
	SAME_TEXT(t[0].item.name.s, "nas");
	CHECK(t[1].item.family == FAM_IP6 && t[2].item.addr.lo == 0x0a000001);
	SAME_TEXT(spelt(a, t[1].span), "[fd00::1]:8443");
	s = only(a, "redirect lan -> any tcp/80 to :3128");
	CHECK(s && s->nat.kind == NAT_REDIRECT && s->nat.port == 3128);
	s = only(a, "clamp-mss any -> wan pmtu");
	CHECK(s && s->kind == STMT_CLAMP && s->clamp.mss == 0);
}

/* "separated by newline or ;" and "a list goes on after a trailing comma" */
static void separators(struct arena *a)
{
	struct diag d;
	struct ast *ast = parsed(a,
				 "forwarding on; zone a { interface x; interface y }\n"
				 "set s = 10.0.0.1,\n\n# between\n  10.0.0.2\n;;\n",
				 &d);

	SAME_NUMBER(d.nerrors, 0);
	SAME_NUMBER(ast->stmts.n, 3);
	SAME_NUMBER(ast->stmts.v[1]->zone.interfaces.n, 2);
	SAME_NUMBER(ast->stmts.v[2]->names.elements.n, 2);
}

static unsigned count_errors(struct arena *a, const char *text)
{
	struct diag d;

	parsed(a, text, &d);
	return d.nerrors;
}

/* One mistake, one error; and the statements behind it are read. */
static void one_each(struct arena *a)
{
	SAME_NUMBER(count_errors(a, "alow a -> b ssh\n"), 1);
	SAME_NUMBER(count_errors(a, "allow a b ssh\nallow c => d\nallow e -> f tcp/0x\n"), 3);
	SAME_NUMBER(count_errors(a, "zon a { interface b\nnetwork 10.0.0.0/8 }\nallow a -> b =\n"),
		    2);
	SAME_NUMBER(count_errors(a, "foo bar {\n baz { quux }\n zip\n}\nallow a ->\n"), 2);
	SAME_NUMBER(count_errors(a, "zone a { interface b\nset c = 10.0.0.1\nset d = \n"), 2);
	SAME_NUMBER(count_errors(a, "a -> b {\n allow x\nzone c { interface d }\nset e\n"), 2);
	SAME_NUMBER(count_errors(a, "set a = 10.0.0.1,\nallow a -> b\nallow c ->\n"), 2);
	SAME_NUMBER(count_errors(a, "allow a -> b tcp/99999, udp/99999, sctp/5-1\n"), 3);
	SAME_NUMBER(count_errors(a, "inspector i {\n deny x \"a\",\n drop y\n}\n"), 2);
	SAME_NUMBER(count_errors(a, "}\n}\nallow a -> b\n"), 2);
}

/* Text that would cost a naive parser its stack or its evening. */
static void floods(struct arena *a)
{
	static const char *const pieces[] = {
		"{", "zone a {",	"a -> b {\n", "[", "!", "@", ",\n", "\"", "inspector x {\n",
		"-", "allow a -> b,\n", "}"};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		b.len = 0;
		for (int k = 0; k < 30000; k++)
			buf_puts(&b, pieces[i]);
		CHECK(count_errors(a, b.data) <= 101);
	}
	buf_free(&b);
}

/* Names declared by statements with mistakes are known, so that nobody misses them. */
static void broken_names(struct arena *a)
{
	struct diag d;
	struct ast *ast = parsed(a, "zone a { interface }\nset b = 1.2.3\nservice c = tcp:1\n", &d);

	SAME_NUMBER(d.nerrors, 3);
	SAME_NUMBER(ast->stmts.n, 0);
	if (CHECK(ast->broken.n == 3)) {
		SAME_TEXT(ast->broken.v[0], "a");
		SAME_TEXT(ast->broken.v[1], "b");
		SAME_TEXT(ast->broken.v[2], "c");
	}
}

int main(void)
{
	struct arena *a = arena_new();

	items(a);
	qualifiers(a);
	otherwise(a);
	pair_blocks(a);
	translation(a);
	separators(a);
	one_each(a);
	floods(a);
	broken_names(a);
	arena_free(a);
	return test_end();
}
