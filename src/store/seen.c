/* SPDX-License-Identifier: GPL-2.0-or-later
 * Generation, namespace, artefact <-> seen.json; of bulk sets alone, compared.json.
 */
#include "store/seen.h"

#include <string.h>
#include <unistd.h>

#include "kernel/bootclock.h"
#include "store/file.h"
#include "util/cleanup.h"

#define SEEN "seen.json"
#define SEEN_LISTS "compared.json"

/* Cookies are no other namespace's of this boot; kernels that have none are not believed. NULL if
 * there is nothing to note. */
static json_t *describe(const struct artefact *x, const char *netns, uint32_t generation)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct genid now;
	char boot[BOOT_ID], hex[SHA256_HEX];

	boot_id(boot);
	if (genid_get(netns, &now, &ignored) || (generation && now.id != generation) ||
	    !now.own_table || !now.netns || !*boot)
		return NULL;
	sha256_hex(buf_str(&x->text), x->text.len, hex); /* it has the hashes of all other files */
	return json_pack("{s:s, s:I, s:I, s:I, s:s}", "boot", boot, "netns",
			 (json_int_t)now.netns, "table", (json_int_t)now.table, "generation",
			 (json_int_t)now.id, "manifest", hex);
}

static void note(struct store *s, const char *file, const struct artefact *x, const char *netns,
		 uint32_t generation)
{
	_cleanup_json_ json_t *j = describe(x, netns, generation);

	if (j)
		file_write_json(s->dir, file, j);
	else
		unlinkat(s->dir, file, 0);
}

static bool still(const struct store *s, const char *file, const struct artefact *x,
		  const char *netns)
{
	_cleanup_json_ json_t *before = NULL, *now = NULL;

	if (s->dir < 0 || file_read_json(s->dir, file, &before))
		return false;
	json_object_del(before, "files");
	now = describe(x, netns, 0);
	return now && json_equal(before, now);
}

void seen_note(struct store *s, const struct artefact *x, const char *netns, uint32_t generation)
{
	note(s, SEEN, x, netns, generation);
}

bool seen_still(const struct store *s, const struct artefact *x, const char *netns)
{
	return still(s, SEEN, x, netns);
}

void seen_note_lists(struct store *s, const struct artefact *x, const char *netns,
		     uint32_t generation)
{
	if (x->manifest->bulk.n)
		note(s, SEEN_LISTS, x, netns, generation);
	else
		unlinkat(s->dir, SEEN_LISTS, 0);
}

bool seen_lists(const struct store *s, const struct artefact *x, const char *netns)
{
	return still(s, SEEN_LISTS, x, netns);
}

static const char *both(const char *candidate, const struct store *s, struct arena *a)
{
	const char *applied = candidate ? store_files(s, STORE_APPLIED, a) : NULL;

	return applied ? arena_printf(a, "%s %s", candidate, applied) : NULL;
}

void seen_note_files(struct store *s, const struct artefact *x, struct arena *a)
{
	const char *files = both(x->files, s, a);
	_cleanup_json_ json_t *j = NULL;

	if (!files || file_read_json(s->dir, SEEN, &j))
		return;
	json_object_set_new(j, "files", json_string(files));
	file_write_json(s->dir, SEEN, j);
}

bool seen_whole(const struct store *s, const char *netns, struct arena *a, struct artefact *out)
{
	_cleanup_json_ json_t *j = NULL;
	struct artefact x = {0};
	const char *noted, *now;

	if (s->dir < 0 || file_read_json(s->dir, SEEN, &j))
		return false;
	noted = json_string_value(json_object_get(j, "files"));
	now = noted ? both(store_files(s, STORE_CANDIDATE, a), s, a) : NULL;
	if (now && !strcmp(noted, now) && store_read_text(s, STORE_CANDIDATE, a, &x) == 0 &&
	    !x.manifest->inspect && seen_still(s, &x, netns)) {
		*out = x;
		return true;
	}
	artefact_free(&x);
	return false;
}
