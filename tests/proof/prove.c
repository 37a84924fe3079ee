/* SPDX-License-Identifier: GPL-2.0-or-later
 * prove POLICY: does table inet fwc of the network namespace that this runs in mean what the policy
 * means? For tests that alter the one and not the other.
 *
 *	equal (exit 0) | different: STATION, witness, both verdicts (1) | not proved: REASON (2)
 *
 * prove --dump: writes that table as the kernel's bytes.
 * prove POLICY DUMP: the same of such bytes from a file, for each line of its input with one of
 * them changed: OFFSET VALUE, an empty line changes nothing. A line of answer each, its first word
 *
 *	equal | different | budget | refused (nothing could be read)
 *
 * and behind it "same" if the IR is the same as that of the unchanged bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "kernel/dump.h"
#include "nft/compare.h"
#include "space/prove.h"
#include "util/cleanup.h"

static int report(const struct proof_result *r)
{
	switch (r->state) {
	case PROOF_EQUAL:
		puts("equal");
		return 0;
	case PROOF_BUDGET:
		puts("not proved: budget");
		return 2;
	case PROOF_DIFFERENT:
		break;
	}
	if (r->at == NSTATIONS)
		puts("different: other");
	else
		printf("different: %s/%s\n", station_table[r->at].type, station_table[r->at].hook);
	printf("witness: %s\n%s\n", r->packet, r->fields);
	printf("policy: %s at %s %s\n", r->policy_says,
	       r->policy_line.text ? r->policy_line.where : "",
	       r->policy_line.text ? r->policy_line.text : "");
	printf("kernel: %s at %s\n", r->kernel_says,
	       r->kernel_line.text ? r->kernel_line.text : "");
	return 1;
}

/* ---- many ---- */

static const char *proved(struct arena *a, const struct policy *p, const struct ir_ruleset *loaded)
{
	static const char *const words[] = {[PROOF_EQUAL] = "equal",
					    [PROOF_DIFFERENT] = "different",
					    [PROOF_BUDGET] = "budget"};
	struct proof_result result;

	prove_ruleset(&result, a, p, loaded, (struct dd_budget){0});
	return words[result.state];
}

static void one_mutant(const struct policy *p, const struct ir_ruleset *original,
		       const struct buf *dump, const char *line)
{
	_cleanup_arena_ struct arena *a = arena_new();
	char *bytes = arena_alloc(a, dump->len + 1), *end;
	struct differences changed = {0};
	unsigned long at = strtoul(line, &end, 10);
	const struct ir_ruleset *loaded;

	memcpy(bytes, dump->data, dump->len);
	if (end != line && at < dump->len)
		bytes[at] = (char)strtoul(end, NULL, 10);
	loaded = read_own(a, bytes, dump->len);
	if (!loaded) {
		puts("refused");
		return;
	}
	ruleset_compare(a, original, loaded, NULL, &changed);
	printf("%s%s\n", proved(a, p, loaded),
	       changed.n || loaded->dormant != original->dormant ? "" : " same");
}

static int many(struct arena *a, const struct policy *p, const char *path)
{
	_cleanup_buf_ struct buf dump = {0};
	const struct ir_ruleset *original;
	FILE *f = fopen(path, "rb");
	char chunk[4096], line[64];
	size_t n;

	while (f && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&dump, chunk, n);
	if (f)
		fclose(f);
	original = f ? read_own(a, dump.data, dump.len) : NULL;
	if (!original)
		return 3;
	while (fgets(line, sizeof(line), stdin)) {
		one_mutant(p, original, &dump, line);
		fflush(stdout);
	}
	return 0;
}

static int dump_own(struct buf *dump)
{
	uint32_t generation;

	return dump_here(IR_TABLE, NULL, dump, &generation);
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf dump = {0};
	const struct ir_ruleset *loaded;
	struct proof_result result;
	struct compiled c;
	struct diag diag;
	int err;

	if (argc == 2 && !strcmp(argv[1], "--dump"))
		return dump_own(&dump) || fwrite(dump.data, 1, dump.len, stdout) != dump.len;
	if (argc != 2 && argc != 3)
		return 3;
	diag_init(&diag, a);
	if (!compile_file(&c, argv[1], STAGE_POLICY, loader_files(a), a, &diag)) {
		diag_print(&diag, stderr, false);
		return 3;
	}
	if (argc == 3)
		return many(a, c.policy, argv[2]);
	err = dump_own(&dump);
	loaded = err ? NULL : read_own(a, dump.data, dump.len);
	if (!loaded) {
		fprintf(stderr, "the kernel's rules cannot be read: %s\n", strerror(-err));
		return 3;
	}
	prove_ruleset(&result, a, c.policy, loaded, (struct dd_budget){0});
	compiled_free(&c);
	return report(&result);
}
