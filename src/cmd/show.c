/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc show: the ruleset in the kernel, with the policy's lines.
 */
#include <getopt.h>
#include <stdio.h>

#include "apply/proof.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "kernel/live.h"
#include "nft/report.h"
#include "store/generation.h"
#include "store/open.h"
#include "util/cleanup.h"
#include "util/show.h"

#define PER_LINE 1000

static void print_json(const struct ir_ruleset *live, const struct manifest *m)
{
	_cleanup_json_ json_t *j = json_pack("{s:o}", "objects", report_ruleset_json(live, m));

	show_json(j, JSON_INDENT(2));
}

static void print_text(const struct ir_ruleset *live, const struct manifest *m)
{
	_cleanup_buf_ struct buf text = {0};

	report_ruleset(&text, live, m);
	fputs(buf_str(&text), stdout);
}

/* Of bulk sets, as nft takes them. */
static void print_elements(const struct ir_ruleset *r)
{
	struct ir_set *const *s;

	vec_each (&r->sets, s) {
		const struct bulk_list *l = ir_set_is_bulk(*s) ? (*s)->bulk->elems : NULL;
		_cleanup_buf_ struct buf text = {0};

		for (size_t i = 0; l && i < l->n; i++) {
			struct ival v = bulk_list_at(l, i);

			if (i % PER_LINE == 0)
				printf("%sadd element inet " IR_TABLE " %s { ", i ? " }\n" : "",
				       (*s)->name);
			if ((*s)->bulk->prefix) /* a key, whatever else is looked up by it */
				v.hi = v.lo;
			text.len = 0;
			addr_print_range(&text, l->family, v);
			printf("%s%s", i % PER_LINE ? ", " : "", buf_str(&text));
		}
		if (l && l->n)
			puts(" }");
	}
}

/* As a scratch namespace lists it: nothing has been counted. */
static int show_generation(struct globals *g, struct arena *a, unsigned number, bool elements)
{
	_cleanup_buf_ struct buf why = {0};
	struct artefact x = {0};
	struct store s;
	struct proof p;
	int err = store_open(&s, g->state, false, &why);

	if (!err)
		err = generation_read(&s, number, a, &x, &why);
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	} else {
		proof_of_artefact(&p, a, &x, g->netns);
		err = p.outcome != SCRATCH_LOADED;
		proof_note(stderr, p.asleep);
		if (err)
			proof_print(stderr, &p, NULL);
		else if (elements)
			print_elements(p.ruleset);
		else if (g->json)
			print_json(p.ruleset, x.manifest);
		else
			print_text(p.ruleset, x.manifest);
	}
	artefact_free(&x);
	store_close(&s);
	return err ? EXIT_SYSTEM : EXIT_FINE;
}

int cmd_show(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"elements", no_argument, NULL, 'e'}, {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0}, ignored = {0};
	const struct manifest *applied = NULL;
	struct live live;
	struct store s;
	unsigned number = 0;
	bool elements = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'e')
			return usage_error("show", "unknown option: %s", usage_option(argv));
		elements = true;
	}
	if (argc - optind > 1 || (optind < argc && !generation_number(argv[optind], &number)))
		return usage_error("show",
				   "show takes one number at most, as `fwc history` shows it");
	if (number)
		return show_generation(g, a, number, elements);
	if (live_read(&live, g->netns, a, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	if (!live.present && !g->json)
		fputs("fwc: no fwc firewall is loaded\n", stderr);
	if (store_open(&s, g->state, false, &ignored) == 0)
		applied = store_read_manifest(&s, STORE_APPLIED, a);
	work_warn_record(&s, applied, live.ruleset);
	store_give_lists(&s, a, live.ruleset);
	if (elements)
		print_elements(live.ruleset);
	else if (g->json)
		print_json(live.ruleset, applied);
	else
		print_text(live.ruleset, applied);
	store_close(&s);
	return live.present ? EXIT_FINE : EXIT_FINDINGS;
}
