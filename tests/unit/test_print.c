/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc(8), fmt: the canonical text, and that it is its own.
 */
#include "text.h"

static void spacing(struct arena *a)
{
	/* wider gaps align columns, and stay; between what stood together there is one blank */
	SAME_TEXT(canonical(a, "allow  lan->wan   ssh ,http\n"), "allow  lan -> wan   ssh, http\n");
	SAME_TEXT(canonical(a, "  allow lan  ->\twan ssh  # x"), "allow lan  -> wan ssh  # x\n");
	SAME_TEXT(canonical(a, "host  a   = FD00:0::1"), "host a = fd00::1\n");
	SAME_TEXT(canonical(a, "\n\n\nforwarding on\n\n\n\nforwarding off\n\n"),
		  "forwarding on\n\nforwarding off\n");
	SAME_TEXT(canonical(a, "zone a{interface x}"), "zone a { interface x }\n");
	SAME_TEXT(canonical(a, "zone a { interface x; network 10.0.0.0/8 }"),
		  "zone a { interface x; network 10.0.0.0/8 }\n");
	SAME_TEXT(canonical(a, "zone a  { interface x\n          network   10.0.0.0/8 }"),
		  "zone a  { interface x\n          network   10.0.0.0/8 }\n");
	SAME_TEXT(canonical(a, "zone a {interface x\nnetwork 10.0.0.0/8\n}"),
		  "zone a {\n    interface x\n    network 10.0.0.0/8\n}\n");
	SAME_TEXT(canonical(a, "host a=FD00:0::1,192.0.2.1/32"), "host a = fd00::1, 192.0.2.1\n");
	SAME_TEXT(canonical(a, "a->b{allow x;drop}"), "a -> b {\n    allow x\n    drop\n}\n");
	SAME_TEXT(canonical(a, ""), "");
}

static void comments(struct arena *a)
{
	SAME_TEXT(canonical(a, "#a\n  # b\nforwarding on #c"), "#a\n# b\nforwarding on #c\n");
	SAME_TEXT(canonical(a, "zone a { # in\n# over\ninterface x # at\n# last\n} # out\n"),
		  "zone a { # in\n    # over\n    interface x # at\n    # last\n} # out\n");
	SAME_TEXT(canonical(a, "set a = 10.0.0.1, # one\n# two\n10.0.0.2 # three"),
		  "set a = 10.0.0.1, # one\n    # two\n    10.0.0.2 # three\n");
	SAME_TEXT(canonical(a, "# alone\n\n# above\nforwarding on"),
		  "# alone\n\n# above\nforwarding on\n");
	SAME_TEXT(canonical(a, "forwarding on; # both"), "forwarding on # both\n");
	SAME_TEXT(canonical(a, "# only"), "# only\n");
}

/* A list that no line holds is broken, and then stays as it is. */
static void long_lists(struct arena *a)
{
	struct buf b = {0};
	const char *once, *line;
	bool fits = true;

	buf_puts(&b, "set a = 192.0.2.0");
	for (int i = 1; i < 5000; i++)
		buf_printf(&b, ",192.0.%d.%d", i / 250, i % 250);
	once = canonical(a, b.data);
	for (line = once; *line; line = strchr(line, '\n') + 1)
		fits = fits && strcspn(line, "\n") <= 100;
	CHECK(fits);
	CHECK(!strcmp(once, canonical(a, once)));
	buf_free(&b);
}

/* What the kernel carries as a comment: one line whatever the layout was. */
static void one_line(struct arena *a)
{
	struct buf b = {0};
	struct diag d;
	struct ast *ast = parsed(a, "allow lan,\n  dmz -> wan, # c\n any ssh,\n dns log \"x\"\n"
					"expect drop a -> b ssh\ndnat a -> self to\t[::1]:80\n", &d);

	if (!CHECK(d.nerrors == 0 && ast->stmts.n == 3))
		return;
	ast_print_stmt_line(&b, ast->stmts.v[0]);
	SAME_TEXT(buf_str(&b), "allow lan, dmz -> wan, any ssh, dns log \"x\"");
	b.len = 0;
	ast_print_rule(&b, &ast->stmts.v[0]->rule);
	SAME_TEXT(buf_str(&b), "allow lan, dmz -> wan, any ssh, dns log \"x\"");
	b.len = 0;
	ast_print_stmt_line(&b, ast->stmts.v[1]);
	SAME_TEXT(buf_str(&b), "expect drop a -> b ssh");
	b.len = 0;
	ast_print_stmt_line(&b, ast->stmts.v[2]);
	SAME_TEXT(buf_str(&b), "dnat a -> self to [::1]:80");
	buf_free(&b);
}

/* Rules of a pair block print in full where they stand alone. */
static void block_rule(struct arena *a)
{
	struct buf b = {0};
	struct diag d;
	struct ast *ast = parsed(a, "x@lan -> wan { allow ssh }", &d);

	if (!CHECK(d.nerrors == 0))
		return;
	ast_print_stmt_line(&b, ast->stmts.v[0]->block.rules.v[0]);
	SAME_TEXT(buf_str(&b), "allow x@lan -> wan ssh");
	buf_free(&b);
}

int main(void)
{
	struct arena *a = arena_new();

	spacing(a);
	comments(a);
	long_lists(a);
	one_line(a);
	block_rule(a);
	arena_free(a);
	return test_end();
}
