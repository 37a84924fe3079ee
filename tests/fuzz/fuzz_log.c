/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes as lines of a log: as /dev/kmsg has them, and as others keep them. What is taken for an
 * entry has fwc's prefix where nobody else can put it, and is shown without a control character.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/kmsg.h"
#include "nft/log_line.h"
#include "nft/nft.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static struct ir_ruleset *make_rules(struct arena *a)
{
	struct ir_ruleset *r = ruleset_new(a);
	struct ir_chain *c = arena_new_of(a, struct ir_chain);
	struct ir_rule rule = {0};

	c->name = c->stem = "input";
	c->base.hook = "input";
	vec_push(a, &rule.stmts, ((struct ir_stmt){.kind = IR_LOG, .log_prefix = "fwc drop: "}));
	vec_push(a, &c->rules, rule);
	ruleset_add_chain(r, c);
	return r;
}

static void check_entry(struct arena *a, const struct log_line *l)
{
	static const char header[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<>[].:+,-TZ ";
	const char *tag = arena_strndup(a, l->tag, l->ntag);
	struct observed_logs logs = {0};
	struct buf b = {0}, shown = {0};

	demand(l->tag == l->stamp + l->nstamp + strlen("fwc "), "the prefix ends what is before");
	demand(!strncmp(l->tag - strlen("fwc "), "fwc ", strlen("fwc ")), "there is a prefix");
	/* of the stamp only a host may be any word */
	demand(!l->nstamp || strchr(header, l->stamp[0]), "a stamp begins as those of syslog");
	demand(!l->nstamp || l->stamp[l->nstamp - 1] == ' ' || l->stamp[l->nstamp - 1] == '>',
	       "and ends with a blank");
	observed_find_logs(a, make_rules(a), &l->seen, arena_printf(a, "fwc %s: ", tag), &logs);
	demand(logs.n <= 1, "one rule logs");
	buf_add(&b, l->stamp, l->nstamp);
	buf_printf(&b, "%s %s %s ", tag, l->seen.in, l->seen.out);
	observed_print(&b, &l->seen);
	diag_show(&shown, buf_str(&b));
	for (size_t i = 0; i < shown.len; i++)
		demand((unsigned char)shown.data[i] >= 0x20 && shown.data[i] != 0x7f,
		       "nothing commands the terminal");
	buf_free(&b);
	buf_free(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	char *text = arena_strndup(a, (const char *)data, size);
	struct kmsg k = {0};
	struct log_line l;

	if (log_line_kept(&l, text))
		check_entry(a, &l);
	if (kmsg_parse(text, &k) && log_line_record(&l, buf_str(&k.text))) {
		demand(!l.nstamp, "nothing stands before a record");
		check_entry(a, &l);
	}
	kmsg_free(&k);
	arena_free(a);
	return 0;
}
