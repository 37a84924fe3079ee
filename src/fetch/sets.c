/* SPDX-License-Identifier: GPL-2.0-or-later
 * runtime.json -> sets.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fetch/fetch.h"
#include "kernel/delta.h"
#include "kernel/opener.h"
#include "store/file.h"
#include "util/bulk_parts.h"
#include "util/cgroup.h"
#include "util/cleanup.h"
#include "util/member.h"

#define FORMAT 1
#define NAMES_MAX 4096

static bool read_without(struct arena *a, const json_t *list, struct bulk *out)
{
	json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
	{
		const char *s = json_string_value(j), *why;
		enum family family;
		struct ival r;

		if (!s || !addr_parse_range(s, strlen(s), &family, &r, &why))
			return false;
		bulk_add(out, family, r);
	}
	bulk_settle(out, a);
	return true;
}

/* Each is a line to fwc-fetch, and a word of its answer. */
static bool is_plain(const char *s)
{
	return *s && !strpbrk(s, " \t\r\n");
}

static bool read_names(struct arena *a, const json_t *list, struct fetch_set *s)
{
	json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
	{
		const char *name = json_string_value(j);

		if (!name || !is_plain(name) || s->names.n == NAMES_MAX)
			return false;
		vec_push(a, &s->names, arena_strdup(a, name));
	}
	return s->names.n;
}

static bool is_text_or_null(const json_t *j)
{
	return !j || json_is_null(j) || json_is_string(j);
}

static enum fetch_kind kind_of(const char *word)
{
	static const char *const words[] = {
		[FETCH_DNS] = "dns", [FETCH_URL] = "url", [FETCH_CGROUP] = "cgroup"};
	int k = FETCH_DNS;

	while (k < FETCH_OTHER && strcmp(words[k], word) != 0)
		k++;
	return (enum fetch_kind)k;
}

static bool read_set(struct arena *a, const json_t *j, struct fetch_set *s)
{
	const json_t *sets = json_object_get(j, "sets"), *drops = json_object_get(j, "drops");
	const char *kind = json_string_value(json_object_get(j, "kind"));
	const char *type = json_string_value(json_object_get(j, "type"));

	*s = (struct fetch_set){
		.name = member_copy_if(a, j, "name"),
		.line = member_copy_if(a, j, "line"),
		.url = member_copy_if(a, j, "url"),
		.sha256 = member_copy_if(a, j, "sha256"),
		.path = member_copy_if(a, j, "path"),
		.cgroup = member_copy_if(a, sets, "cgroup"),
		.v4 = member_copy_if(a, sets, "v4"),
		.v6 = member_copy_if(a, sets, "v6"),
		.alone4 = member_copy_if(a, sets, "alone4"),
		.alone6 = member_copy_if(a, sets, "alone6"),
		.interval = type && !strcmp(type, "interval"),
		.special = member_flag(j, "private"),
		.lenient = member_flag(j, "lenient"),
		.drops = !json_is_false(drops),
		.size = member_number(j, "size"),
		.refresh = member_number(j, "refresh"),
		.expire = member_number(j, "expire"),
		.max = member_number(j, "max"),
	};
	if (!s->name || !is_plain(s->name) || strchr(s->name, '/') || *s->name == '.' || !kind ||
	    !is_text_or_null(json_object_get(j, "url")) ||
	    !is_text_or_null(json_object_get(j, "sha256")) ||
	    !read_without(a, json_object_get(j, "without"), &s->without))
		return false;
	s->kind = kind_of(kind);
	if (s->kind == FETCH_DNS)
		return read_names(a, json_object_get(j, "names"), s);
	if (s->kind == FETCH_CGROUP)
		return s->path && s->cgroup && cgroup_levels(s->path);
	if (s->sha256 && !is_plain(s->sha256))
		return false;
	return s->kind == FETCH_OTHER || (s->url && is_plain(s->url));
}

int fetch_sets_read(struct arena *a, const char *text, size_t n, struct fetch_sets *out,
		    struct buf *why)
{
	_cleanup_json_ json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(j, "sets"), *row;
	size_t i;

	*out = (struct fetch_sets){0};
	if (member_number(j, "format") != FORMAT || !json_is_array(list)) {
		buf_puts(why, RUNTIME " is damaged, or of another version of fwc");
		return -EBADMSG;
	}
	json_array_foreach(list, i, row)
	{
		struct fetch_set *s = vec_add(a, out);

		if (read_set(a, row, s))
			continue;
		buf_printf(why, RUNTIME ": set %zu cannot be understood", i + 1);
		return -EBADMSG;
	}
	return 0;
}

uint64_t fetch_count(const struct fetch_set *s, const struct bulk_list *l)
{
	return fetch_parted(s) ? bulk_count_alone(l) + bulk_count_nets(l)
			       : delta_count(l, s->interval);
}

struct fetched_of fetch_of(const struct fetch_set *s)
{
	if (s->kind != FETCH_DNS)
		return (struct fetched_of){.source = s->url};
	return (struct fetched_of){FETCHED_DNS, s->names.v, s->names.n};
}

int fetch_sets_applied(const struct store *s, struct arena *a, struct fetch_sets *out,
		       struct buf *why)
{
	int dir = opener_openat(s->dir, STORE_APPLIED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	_cleanup_buf_ struct buf text = {0};
	int err = dir < 0 ? dir : file_read(dir, RUNTIME, &text);

	*out = (struct fetch_sets){0};
	if (dir >= 0)
		close(dir);
	if (!err)
		return fetch_sets_read(a, buf_str(&text), text.len, out, why);
	if (err != -ENOENT)
		buf_printf(why, "cannot read " STORE_APPLIED "/" RUNTIME ": %s", file_reason(err));
	return err;
}
