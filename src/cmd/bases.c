/* SPDX-License-Identifier: GPL-2.0-or-later
 * name of a set -> the list that it is in the artefact that was applied, without what that artefact
 * itself takes from it or adds to it.
 */
#include "cmd/bases.h"

#include <string.h>

#include "nft/lower.h"
#include "store/lists.h"
#include "store/open.h"
#include "util/cleanup.h"

static struct bases {
	struct globals *g;
	struct arena *arena;
	bool opened;
	struct artefact applied; /* of it the head of the manifest, and lists */
} bases;

/* Whoever cannot read it is told so by what needs it. */
static void open_applied(struct bases *b)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct store s;

	b->opened = true;
	if (store_open(&s, b->g->state, false, &ignored))
		return;
	store_read_lists(&s, STORE_APPLIED, b->arena, &b->applied);
	store_close(&s);
}

/* "feed.v4", or the networks of one length in it, "feed.v4-24". */
static bool is_of(struct arena *a, const struct manifest_bulk *b, const char *name)
{
	const char *stem = ruleset_stem(a, b->set);
	size_t n = strlen(name);

	return b->role == BULK_LIST && !strncmp(stem, name, n) && (!stem[n] || stem[n] == '-');
}

static const struct bulk_list *base_of(void *ctx, struct arena *a, const char *name,
				       enum family family)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct bulk_list *list = NULL;
	const struct manifest_bulk *m;
	struct bases *b = ctx;
	const char *of = NULL;
	struct bulk sum = {0};

	if (!b->opened)
		open_applied(b);
	for (size_t i = 0; b->applied.manifest && i < b->applied.manifest->bulk.n; i++) {
		m = &b->applied.manifest->bulk.v[i];
		if (!is_of(a, m, name))
			continue;
		list = lists_get(b->applied.lists, m->digest, &ignored);
		if (!list || list->family != family || !strcmp(m->of, m->digest))
			return list && list->family == family ? list : NULL;
		bulk_add_list(&sum, list);
		of = m->of;
	}
	bulk_settle(&sum, a);
	list = of ? bulk_list(a, &sum, family) : NULL;
	return list && !strcmp(list->digest, of) ? list : NULL;
}

void bases_begin(struct globals *g, struct arena *a)
{
	bases = (struct bases){.g = g, .arena = a};
	ruleset_bases_by(base_of, &bases);
}

struct lists *bases_end(void)
{
	struct lists *read = bases.applied.lists;

	ruleset_bases_by(NULL, NULL);
	lists_close(bases.applied.lists);
	buf_free(&bases.applied.text);
	bases = (struct bases){0};
	return read;
}
