/* SPDX-License-Identifier: GPL-2.0-or-later
 * dns "NAME", url "URL" and what stands behind them -> canonical text.
 */
#include "lang/parse.h"

static void print_time(struct buf *b, const char *word, struct span given, uint64_t seconds)
{
	if (!given.src)
		return;
	buf_printf(b, " %s ", word);
	duration_print(b, seconds);
}

void fetch_print(struct buf *b, const struct ast_names *n, const struct ast_element *e)
{
	const struct ast_fetch *f = &n->fetch;

	if (!e->goes_on)
		buf_puts(b, e->kind == ELEM_DNS ? "dns " : "url ");
	string_print(b, e->source.s);
	if (!e->asks)
		return;
	print_time(b, "refresh", f->refresh_span, f->refresh);
	print_time(b, "expire", f->expire_span, f->expire);
	if (f->sha256.s) {
		buf_puts(b, " sha256 ");
		string_print(b, f->sha256.s);
	}
	if (f->max_span.src)
		buf_printf(b, " max %llu", (unsigned long long)f->max);
	if (f->private_span.src)
		buf_puts(b, " private");
	if (f->lenient_span.src)
		buf_puts(b, " lenient");
}
