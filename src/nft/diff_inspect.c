/* SPDX-License-Identifier: GPL-2.0-or-later
 * Tables of two policies -> which entries of which inspectors go and come.
 */
#include <stdlib.h>
#include <string.h>

#include "inspect/pack.h"
#include "nft/diff.h"

#define AT_ONCE 12 /* entries that differ only by where they stand are the same */

static const json_t *inspector(const json_t *tables, const char *name)
{
	const json_t *j;
	size_t i;

	json_array_foreach(json_object_get(tables, "inspectors"), i, j)
	{
		const char *have = json_string_value(json_object_get(j, "name"));

		if (have && !strcmp(have, name))
			return j;
	}
	return NULL;
}

/* All that it does, without the place of its line. */
static const char *substance(struct arena *a, const json_t *entry)
{
	json_t *copy = json_copy((json_t *)entry);
	const char *out;
	char *text;

	json_object_del(copy, "at");
	text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	out = arena_strdup(a, text ? text : "");
	free(text);
	json_decref(copy);
	return out;
}

static bool has_entry(struct arena *a, const json_t *in, const char *list, const char *want)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(in, list), i, e)
	{
		if (!strcmp(substance(a, e), want))
			return true;
	}
	return false;
}

static const char *words(struct arena *a, const json_t *entry)
{
	const char *text = json_string_value(json_object_get(entry, "text"));
	long long names =
		json_integer_value(json_object_get(json_object_get(entry, "list"), "names"));

	if (!text)
		return substance(a, entry);
	return names > AT_ONCE ? arena_printf(a, "%s (%lld names)", text, names) : text;
}

static void put(struct arena *a, struct diff_lines *out, char sign, const char *name,
		const char *at, const char *text)
{
	vec_push(a, out,
		 ((struct diff_line){.sign = sign,
				     .object = arena_printf(a, "inspector %s", name),
				     .place = {.at = at && *at ? arena_strdup(a, at) : NULL},
				     .nft = arena_strdup(a, text)}));
}

static void one_way(struct arena *a, struct diff_lines *out, char sign, const char *name,
		    const json_t *from, const json_t *other, const char *list)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(from, list), i, e)
	{
		if (!has_entry(a, other, list, substance(a, e)))
			put(a, out, sign, name, json_string_value(json_object_get(e, "at")),
			    words(a, e));
	}
}

static const char *word_of(const json_t *in, const char *word)
{
	const char *s = json_string_value(json_object_get(in, word));

	return s ? s : "deny";
}

static void compare_words(struct arena *a, struct diff_lines *out, const char *name,
			  const json_t *old, const json_t *new)
{
	static const char *const all[] = {"on-error", "on-timeout", "on-overflow", "on-no-helper"};

	for (int i = 0; i < 4; i++) {
		const char *was = word_of(old, all[i]), *is = word_of(new, all[i]);

		if (!strcmp(was, is))
			continue;
		put(a, out, '-', name, "", arena_printf(a, "%s %s", all[i], was));
		put(a, out, '+', name, "", arena_printf(a, "%s %s", all[i], is));
	}
}

/* The same entries in another order decide otherwise. */
static bool same_order(struct arena *a, const json_t *old, const json_t *new)
{
	const json_t *x = json_object_get(old, "entries"), *y = json_object_get(new, "entries");

	if (json_array_size(x) != json_array_size(y))
		return true; /* said by what goes and comes */
	for (size_t i = 0; i < json_array_size(x); i++)
		if (strcmp(substance(a, json_array_get(x, i)),
			   substance(a, json_array_get(y, i))) != 0)
			return false;
	return true;
}

static void compare(struct arena *a, struct diff_lines *out, const char *name, const json_t *old,
		    const json_t *new)
{
	size_t before = out->n;

	one_way(a, out, '-', name, old, new, "entries");
	one_way(a, out, '+', name, new, old, "entries");
	one_way(a, out, '-', name, old, new, "rewrites");
	one_way(a, out, '+', name, new, old, "rewrites");
	if (old && new)
		compare_words(a, out, name, old, new);
	if (old && new && out->n == before && !same_order(a, old, new))
		put(a, out, '+', name, "", "the same entries in a different order");
}

static void compare_all(struct arena *a, const json_t *old, const json_t *new,
			struct diff_lines *out)
{
	const json_t *in;
	size_t i;

	json_array_foreach(json_object_get(old, "inspectors"), i, in)
	{
		const char *name = json_string_value(json_object_get(in, "name"));

		if (name)
			compare(a, out, name, in, inspector(new, name));
	}
	json_array_foreach(json_object_get(new, "inspectors"), i, in)
	{
		const char *name = json_string_value(json_object_get(in, "name"));

		if (name && !inspector(old, name))
			compare(a, out, name, NULL, in);
	}
}

/* Lists that are kept apart become part of their entries again: what tells them from others. */
static json_t *head_of(const struct buf *bytes)
{
	json_t *j = pack_head(bytes), *in, *e;
	const json_t *lists = json_object_get(j, "lists");
	size_t i, n;

	json_array_foreach(json_object_get(j, "inspectors"), i, in)
		json_array_foreach(json_object_get(in, "entries"), n, e)
	{
		const json_t *number = json_object_get(e, "list");

		if (number)
			json_object_set(e, "list",
					json_array_get(lists, (size_t)json_integer_value(number)));
	}
	return j;
}

void diff_inspect_texts(struct arena *a, const struct buf *old, const struct buf *new,
			struct diff_lines *out)
{
	json_t *x = head_of(old), *y = head_of(new);

	compare_all(a, x, y, out);
	json_decref(x);
	json_decref(y);
}
