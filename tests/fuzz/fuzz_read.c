/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> the reader of the kernel's messages, those of manifests and of their index. Whatever
 * was read can be printed, is equal to itself read again, and has a meaning.
 */
#include <stdlib.h>
#include <string.h>

#include "nft/canonical.h"
#include "nft/compare.h"
#include "nft/foreign.h"
#include "nft/manifest.h"
#include "nft/remake.h"
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

static void check_table(struct arena *a, const struct ir_ruleset *r, const struct ir_ruleset *again)
{
	struct differences d = {0};
	struct map reach;

	ruleset_compare(a, r, again, NULL, &d);
	demand(d.n == 0, "a table is equal to itself");
	map_init(&reach, a);
	ruleset_reach(r, &reach);
	check_meaning(a, r, again);
}

/* Whatever can be read can be tried to be made again, with counters that have counted. */
static void check_remade(struct arena *a, const struct ir_tables *t, const uint8_t *data,
			 size_t size)
{
	static struct remake_count counts[] = {{0, 1, 2}, {1, 3, 4}, {REMAKE_REST, 5, 6}};
	static struct remake_counts list = {.v = counts, .n = 3, .cap = 3};
	struct buf out = {0};
	struct map none;

	map_init(&none, a);
	remake_some(a, data, size, &none, &out);
	demand(!out.len, "of a table that is there only what is named is made");
	remake_staged(a, data, size, &out);
	for (size_t i = 0; i < t->n; i++) {
		const struct map_entry *e;
		struct map only;

		map_init(&only, a);
		vec_each (&t->v[i].ruleset->by_name->entries, e)
			map_put(&only, e->key, &list);
		out.len = 0;
		remake_some(a, data, size, &only, &out);
	}
	buf_free(&out);
}

/* In another order it says the same, and once in order it stays so. */
static void check_canonical(struct arena *a, const struct ir_tables *t, const uint8_t *data,
			    size_t size)
{
	struct buf once = {0}, twice = {0};
	struct ir_tables again = {0};

	demand(dump_canonical(a, data, size, &once), "what could be read can be put in order");
	check_remade(a, t, data, size);
	demand(dump_canonical(a, once.data, once.len, &twice) && once.len == twice.len &&
		       (!once.len || !memcmp(once.data, twice.data, once.len)),
	       "what is in order stays in order");
	demand(read_tables(a, once.data, once.len, &again) && again.n == t->n,
	       "what was put in order can be read");
	for (size_t i = 0; i < t->n; i++) {
		struct differences d = {0};

		ruleset_compare(a, t->v[i].ruleset, again.v[i].ruleset, NULL, &d);
		demand(d.n == 0, "what was put in order is the same");
	}
	buf_free(&once);
	buf_free(&twice);
}

static void check_dump(struct arena *a, const uint8_t *data, size_t size)
{
	struct ir_tables t = {0}, again = {0};
	struct foreigners found = {0};

	if (!read_tables(a, data, size, &t))
		return;
	demand(read_tables(a, data, size, &again) && again.n == t.n,
	       "what was read once can be read again");
	for (size_t i = 0; i < t.n; i++)
		check_table(a, t.v[i].ruleset, again.v[i].ruleset);
	foreign_find(a, &t, &found);
	if (size)
		check_canonical(a, &t, data, size);
}

static void check_manifest(struct arena *a, const json_t *j)
{
	static char script[] = "table inet fwc {\n\tchain c.1 {\n\t}\n}\n";
	const struct buf text = {.data = script, .len = sizeof(script) - 1}, none = {0};
	const char *why = NULL;
	struct manifest *m = manifest_read(a, j, &text, &none, &why);
	struct buf index = {0};

	demand(m || why, "a refusal has a reason");
	if (m)
		json_decref(manifest_json(m, &index));
	buf_free(&index);
}

static struct manifest *manifest_of(struct arena *a, const void *data, size_t size)
{
	struct manifest *m = arena_new_of(a, struct manifest);

	map_init(&m->by_name, a);
	map_init(&m->digests, a);
	return index_read(a, m, data, size) ? m : NULL;
}

/* What is written of what was read is the same. */
static void check_index(struct arena *a, const uint8_t *data, size_t size)
{
	struct manifest *m = manifest_of(a, data, size);
	struct buf once = {0}, twice = {0};

	if (!m)
		return;
	index_write(m, &once);
	m = manifest_of(a, once.data, once.len);
	demand(m != NULL, "what was written is read");
	index_write(m, &twice);
	demand(once.len == twice.len && !memcmp(once.data, twice.data, once.len),
	       "what was written is written again");
	buf_free(&once);
	buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	json_t *j = json_loadb((const char *)data, size, 0, NULL);

	if (size > 8 && !memcmp(data, "fwcindex", 8))
		check_index(a, data, size);
	else if (j)
		check_manifest(a, j);
	else
		check_dump(a, data, size);
	json_decref(j);
	arena_free(a);
	return 0;
}
