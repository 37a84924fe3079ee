/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc.policy(5): words, strings, marks, comments, and what is none of them.
 */
#include "lang/lex.h"
#include "text.h"

/* The tokens on one line: w(TEXT) s(TEXT), marks as they are, n for a newline, ? for a bad one. */
static const char *tokens(struct arena *a, const char *text, size_t len)
{
	struct source *src = source_add(a, "f", text, len);
	const char *out = "";
	struct lexer l;
	struct token t;
	struct diag d;

	diag_init(&d, a);
	lex_init(&l, src, &d);
	for (;;) {
		t = lex_next(&l);
		text = arena_strndup(a, src->text + t.off, t.len);
		if (t.kind == TOK_END)
			break;
		if (t.kind == TOK_WORD)
			out = arena_printf(a, "%sw(%s)", out, text);
		else if (t.kind == TOK_STRING)
			out = arena_printf(a, "%ss(%s)", out, lex_string(a, src, t));
		else if (t.kind == TOK_NEWLINE)
			out = arena_printf(a, t.comment ? "%sn%u" : "%sn", out, t.comment);
		else if (t.kind == TOK_BAD)
			out = arena_printf(a, "%s?", out);
		else
			out = arena_printf(a, "%s%s", out, text);
	}
	return d.nerrors ? arena_printf(a, "%s %s", out, first_error(a, &d)) : out;
}

#define TOKENS(text) tokens(a, (text), sizeof(text) - 1)

static void words(struct arena *a)
{
	SAME_TEXT(TOKENS(""), "");
	SAME_TEXT(TOKENS("lan->wan"), "w(lan)->w(wan)");
	SAME_TEXT(TOKENS("a-b -> c-"), "w(a-b)->w(c-)");
	SAME_TEXT(TOKENS("fd00::1/64 tcp/1-2 wg* 08:00-18:00 50% a+b _"),
		  "w(fd00::1/64)w(tcp/1-2)w(wg*)w(08:00-18:00)w(50%)w(a+b)w(_)");
	SAME_TEXT(TOKENS("!x@lan,{};=[]"), "!w(x)@w(lan),{};=[]");
	SAME_TEXT(TOKENS(" \t a \t"), "w(a)");
}

static void lines(struct arena *a)
{
	SAME_TEXT(TOKENS("a\n\n b"), "w(a)nnw(b)");
	SAME_TEXT(TOKENS("a # four\nb"), "w(a)n6w(b)");
	SAME_TEXT(TOKENS("#"), "n1");
	SAME_TEXT(TOKENS("a #end"), "w(a)n4");
	SAME_TEXT(TOKENS("# \"no string\n"), "n12");
	SAME_TEXT(TOKENS("a#b"), "w(a)n2");
}

/* \" is a quote, every other backslash stands for itself. */
static void strings(struct arena *a)
{
	SAME_TEXT(TOKENS("\"\""), "s()");
	SAME_TEXT(TOKENS("\"a # b ; {\""), "s(a # b ; {)");
	SAME_TEXT(TOKENS("\"say \\\"x\\\"\""), "s(say \"x\")");
	SAME_TEXT(TOKENS("\"^\\x13\\\\d+\""), "s(^\\x13\\\\d+)");
	SAME_TEXT(TOKENS("\"a\" \"b\""), "s(a)s(b)");
	SAME_TEXT(TOKENS("\"open\nb"), "?nw(b) 1:1+5 this string is never closed");
	SAME_TEXT(TOKENS("\"open\\\""), "? 1:1+7 this string is never closed");
	SAME_TEXT(TOKENS("'a'"), "s(a) 1:1+3 strings take double quotes");
}

static void mistakes(struct arena *a)
{
	SAME_TEXT(TOKENS("a => b"), "w(a)=>w(b) 1:3+2 an arrow is written '->'");
	SAME_TEXT(TOKENS("a\xe2\x86\x92" "b"),
		  "w(a)\xe2\x86\x92w(b) 1:2+3 an arrow is written '->'");
	SAME_TEXT(TOKENS("a --> b"), "w(a)-->w(b) 1:3+3 an arrow is written '->'");
	SAME_TEXT(TOKENS("a > b"), "w(a)>w(b) 1:3+1 an arrow is written '->'");
	SAME_TEXT(TOKENS("a <- b"),
		  "w(a)<-w(b) 1:3+2 arrows point away from the side that opens the connection");
	SAME_TEXT(TOKENS("$a"), "? 1:1+2 a policy has no variables");
	SAME_TEXT(TOKENS("a\0b"), "w(a)?w(b) 1:2+1 unexpected control character 0x00");
	SAME_TEXT(TOKENS("a\r\n"), "w(a)?n 1:2+1 unexpected control character 0x0d");
}

int main(void)
{
	struct arena *a = arena_new();

	words(a);
	lines(a);
	strings(a);
	mistakes(a);
	arena_free(a);
	return test_end();
}
