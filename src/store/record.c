/* SPDX-License-Identifier: GPL-2.0-or-later
 * What was applied, when and by whom -> the state directory.
 */
#include "config.h"

#include "store/record.h"

#include <string.h>

#include "nft/diff.h"
#include "store/author.h"
#include "store/file.h"
#include "store/generation.h"
#include "store/publish.h"
#include "util/cleanup.h"
#include "util/sha256.h"

/* Of one source its own; of several, that of theirs in hexadecimal, one behind the other. */
static json_t *sources_hash(const struct manifest *m)
{
	_cleanup_buf_ struct buf all = {0};
	const struct manifest_source *s;
	char hex[SHA256_HEX];

	if (m->sources.n == 1)
		return json_string(m->sources.v[0].sha256);
	vec_each (&m->sources, s)
		buf_puts(&all, s->sha256);
	sha256_hex(buf_str(&all), all.len, hex);
	return json_string(hex);
}

/* "open": everybody could read the policy; "public": and nothing in the record is of another one
 * that was not for everybody, for its changes are what differs from the one before. */
static void set_public(json_t *j, const struct record *x)
{
	_cleanup_buf_ struct buf ignored = {0};
	_cleanup_json_ json_t *before = NULL;
	bool open = publish_may_tell(x->artefact->manifest), other = false;

	if (x->changes && store_read_record(x->store, &before, &ignored) == 0)
		other = !json_is_true(json_object_get(before, "open"));
	json_object_set_new(j, "open", json_boolean(open));
	json_object_set_new(j, "public", json_boolean(open && !other));
}

static json_t *make_record(const struct record *x, unsigned generation)
{
	struct author author = author_now();
	json_t *j;

	j = json_pack("{s:i, s:I, s:s, s:I, s:o, s:s, s:s, s:o*, s:o*}", "format", 1, "generation",
		      (json_int_t)generation, "time", author.time, "epoch",
		      (json_int_t)author.epoch, "user", file_text(author.user), "fwc",
		      PACKAGE_VERSION, "policy", x->artefact->manifest->policy, "netns",
		      x->netns ? file_text(x->netns) : NULL, "comment",
		      x->comment ? file_text(x->comment) : NULL);
	if (j)
		set_public(j, x);
	if (j)
		json_object_set_new(j, "sources_sha256", sources_hash(x->artefact->manifest));
	if (j && x->changes)
		json_object_set(j, "changes", x->changes);
	if (j && x->rollback_of)
		json_object_set_new(j, "rollback_of", json_integer(x->rollback_of));
	return j;
}

/* First as a generation, then as what is applied: whatever is in force is in the history. */
static int write_new(const struct record *x, struct buf *why)
{
	_cleanup_json_ json_t *record = NULL;
	struct generations g;
	unsigned number;
	int err = generations_list(x->store, x->arena, WITH_NUMBERS, &g, why);

	if (err)
		return err;
	number = generation_next(&g);
	generations_free(&g);
	record = make_record(x, number);
	err = generation_keep(x->store, x->arena, number, x->artefact, record, why);
	if (err)
		return err;
	return store_write_like(x->store, STORE_APPLIED, generation_name(x->arena, number),
				x->artefact, record, why);
}

/* Other inspectors are a change, though no rule differs. */
static bool same_inspectors(const struct record *x, const struct manifest *applied)
{
	const char *was = applied ? applied->inspect : NULL, *is = x->artefact->manifest->inspect;

	return was && is ? !strcmp(was, is) : was == is;
}

/* Or other sources of what is fetched. */
static bool same_runtime(const struct record *x, const struct manifest *applied)
{
	const char *was = applied ? applied->runtime_gist : NULL;
	const char *is = x->artefact->manifest->runtime_gist;

	return was && is ? !strcmp(was, is) : was == is;
}

/* And so are other settings of the kernel. */
static bool same_timeouts(const struct record *x, const struct manifest *applied)
{
	struct diff_lines lines = {0};

	diff_timeouts(x->arena, applied, x->artefact->manifest, &lines);
	return !lines.n;
}

/* The time in the record is that of the last change of rules. */
int record_write(const struct record *x, bool *unchanged, struct buf *why)
{
	_cleanup_json_ json_t *record = NULL;
	_cleanup_buf_ struct buf ignored = {0};
	const struct manifest *applied = NULL;
	bool known = *unchanged && store_read_record(x->store, &record, &ignored) == 0;

	if (known && store_holds(x->store, STORE_APPLIED, x->artefact))
		return 0;
	if (*unchanged)
		applied = store_read_head(x->store, STORE_APPLIED, x->arena);
	if (*unchanged && (!same_inspectors(x, applied) || !same_runtime(x, applied) ||
			   !same_timeouts(x, applied))) {
		*unchanged = false;
	} else if (known) {
		return store_write(x->store, STORE_APPLIED, x->artefact, record, why);
	}
	return write_new(x, why);
}
