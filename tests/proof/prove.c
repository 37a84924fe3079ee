/* SPDX-License-Identifier: GPL-2.0-or-later
 * prove POLICY LISTING.json: does a listing of table inet fwc mean what the policy means? For tests
 * that alter the one and not the other.
 *
 *	equal (exit 0) | different: STATION, witness, both verdicts (1) | not proved: REASON (2)
 */
#include <stdio.h>

#include "compile.h"
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
	struct ir_ruleset *listed = ruleset_new(a);
	struct proof_result result;
	struct compiled c;
	struct diag diag;
	const char *why = "";
	json_error_t error;
	json_t *j;

	if (argc != 3)
		return 3;
	diag_init(&diag, a);
	if (!compile_file(&c, argv[1], STAGE_POLICY, loader_files(a), a, &diag)) {
		diag_print(&diag, stderr, false);
		return 3;
	}
	j = json_load_file(argv[2], 0, &error);
	if (!j || !read_listing(j, listed, &why)) {
		fprintf(stderr, "%s: %s\n", argv[2], j ? why : error.text);
		return 3;
	}
	json_decref(j);
	prove_ruleset(&result, a, c.policy, listed, (struct dd_budget){0});
	if (argc > 3)
		fprintf(stderr, "%zu nodes, %.3f s\n", result.nodes, result.seconds);
	compiled_free(&c);
	return report(&result);
}
