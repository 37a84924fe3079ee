/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc show: the ruleset in the kernel, with the policy's lines.
 */
#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/common.h"
#include "kernel/live.h"
#include "nft/report.h"
#include "store/open.h"
#include "util/cleanup.h"

static void print_json(const struct ir_ruleset *live, const struct manifest *m)
{
	_cleanup_json_ json_t *j = json_pack("{s:o}", "objects", report_ruleset_json(live, m));

	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
}

static void print_text(const struct ir_ruleset *live, const struct manifest *m)
{
	_cleanup_buf_ struct buf text = {0};

	report_ruleset(&text, live, m);
	fputs(buf_str(&text), stdout);
}

int cmd_show(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0}, ignored = {0};
	struct artefact applied = {0};
	struct live live;
	struct store s;

	opterr = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1 || optind < argc)
		return usage_error("show", "it takes no arguments");
	if (live_read(&live, g->netns, a, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	if (!live.present && !g->json)
		fputs("fwc: no firewall of fwc is loaded\n", stderr);
	if (store_open(&s, g->state, false, &ignored) == 0)
		store_read(&s, STORE_APPLIED, a, &applied, &ignored);
	work_warn_record(&s, applied.manifest, live.ruleset);
	if (g->json)
		print_json(live.ruleset, applied.manifest);
	else
		print_text(live.ruleset, applied.manifest);
	artefact_free(&applied);
	store_close(&s);
	return live.present ? EXIT_FINE : EXIT_FINDINGS;
}
