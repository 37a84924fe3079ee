/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> the reader of listings, and the reader of manifests. Whatever was read can be
 * printed, is equal to itself read again, and has a meaning.
 */
#include <stdlib.h>

#include "nft/compare.h"
#include "nft/manifest.h"
#include "space/mean.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

/* Whatever was read means something, and the same again. */
static void check_meaning(struct arena *a, const struct ir_ruleset *r,
			  const struct ir_ruleset *again)
{
	struct mean m;

	mean_init(&m, a, (struct dd_budget){.nodes = 50000, .seconds = 5});
	schema_add_ruleset(&m.schema, r);
	for (int i = 0; i < NSTATIONS; i++) {
		dd_ref x = mean_ruleset(&m, r, (enum station)i);
		dd_ref y = mean_ruleset(&m, again, (enum station)i);

		demand(x == y, "a ruleset means what it means");
	}
	mean_free(&m);
}

static void check_listing(struct arena *a, const json_t *j)
{
	struct ir_ruleset *r = ruleset_new(a), *again = ruleset_new(a);
	struct differences d = {0};
	struct map reach;
	const char *why = NULL;

	if (!read_listing(j, r, &why)) {
		demand(why != NULL, "a refusal has a reason");
		return;
	}
	demand(read_listing(j, again, &why), "what was read once can be read again");
	ruleset_compare(a, r, again, NULL, &d);
	demand(d.n == 0, "a listing is equal to itself");
	map_init(&reach, a);
	ruleset_reach(r, &reach);
	check_meaning(a, r, again);
}

static void check_manifest(struct arena *a, const json_t *j)
{
	static const char script[] = "table inet fwc {\n\tchain c.1 {\n\t}\n}\n";
	const char *why = NULL;
	struct manifest *m = manifest_read(a, j, script, sizeof(script) - 1, &why);

	demand(m || why, "a refusal has a reason");
	if (m)
		json_decref(manifest_json(m));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	json_t *j = json_loadb((const char *)data, size, 0, NULL);

	if (j) {
		check_listing(a, j);
		check_manifest(a, j);
	}
	json_decref(j);
	arena_free(a);
	return 0;
}
