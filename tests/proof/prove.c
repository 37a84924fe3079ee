/* SPDX-License-Identifier: GPL-2.0-or-later
 * prove POLICY: does table inet fwc of the network namespace that this runs in mean what the policy
 * means? For tests that alter the one and not the other.
 *
 *	equal (exit 0) | different: STATION, witness, both verdicts (1) | not proved: REASON (2)
 */
#include <stdio.h>
#include <string.h>

#include "compile.h"
#include "kernel/dump.h"
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

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf dump = {0};
	const struct ir_ruleset *loaded;
	struct proof_result result;
	struct compiled c;
	struct diag diag;
	uint32_t generation;
	int err;

	if (argc != 2)
		return 3;
	diag_init(&diag, a);
	if (!compile_file(&c, argv[1], STAGE_POLICY, loader_files(a), a, &diag)) {
		diag_print(&diag, stderr, false);
		return 3;
	}
	err = dump_here(IR_TABLE, NULL, &dump, &generation);
	loaded = err ? NULL : read_own(a, dump.data, dump.len);
	if (!loaded) {
		fprintf(stderr, "the kernel's rules cannot be read: %s\n", strerror(-err));
		return 3;
	}
	prove_ruleset(&result, a, c.policy, loaded, (struct dd_budget){0});
	compiled_free(&c);
	return report(&result);
}
