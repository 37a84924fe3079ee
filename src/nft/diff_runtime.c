/* SPDX-License-Identifier: GPL-2.0-or-later
 * Who fills the sets of two artefacts at run time (runtime.json) -> which of them differ. What is
 * in these sets is no part of the policy.
 */
#include <jansson.h>
#include <string.h>

#include "lang/lang.h"
#include "nft/diff.h"
#include "util/member.h"

static void put_time(struct buf *b, const json_t *set, const char *member)
{
	const json_t *n = json_object_get(set, member);

	if (!json_is_integer(n))
		return;
	buf_printf(b, " %s ", member);
	duration_print(b, (uint64_t)json_integer_value(n));
}

static void put_list(struct buf *b, const json_t *list, const char *before, const char *quote)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		buf_printf(b, "%s%s%s%s", i ? ", " : before, quote, json_string_value(one), quote);
}

/* bigmart = dns "bigmart.com" expire 10d */
static const char *spelled(struct arena *a, const json_t *set)
{
	static const char *const flags[] = {"private", "lenient"};
	const json_t *max = json_object_get(set, "max");
	const char *text, *sha256 = member_text(set, "sha256");
	struct buf b = {0};

	buf_printf(&b, "%s = %s ", member_text(set, "name"), member_text(set, "kind"));
	if (*member_text(set, "path"))
		buf_printf(&b, "\"%s\"", member_text(set, "path"));
	if (*member_text(set, "url"))
		buf_printf(&b, "\"%s\"", member_text(set, "url"));
	put_list(&b, json_object_get(set, "names"), "", "\"");
	put_time(&b, set, "refresh");
	put_time(&b, set, "expire");
	if (*sha256)
		buf_printf(&b, " sha256 \"%s\"", sha256);
	if (json_is_integer(max))
		buf_printf(&b, " max %lld", (long long)json_integer_value(max));
	for (size_t i = 0; i < 2; i++)
		if (json_is_true(json_object_get(set, flags[i])))
			buf_printf(&b, " %s", flags[i]);
	put_list(&b, json_object_get(set, "without"), ", less ", "");
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

static bool has(struct arena *a, const json_t *sets, const char *want)
{
	const json_t *set;
	size_t i;

	json_array_foreach(sets, i, set) if (!strcmp(spelled(a, set), want)) return true;
	return false;
}

/* Those of `sets` that `others` has not, too. */
static void add(struct arena *a, char sign, const json_t *sets, const json_t *others,
		struct diff_lines *out)
{
	const json_t *set;
	size_t i;

	json_array_foreach(sets, i, set)
	{
		struct diff_line l = {.sign = sign, .object = "fetched"};

		l.place.at = arena_strdup(a, member_text(set, "line"));
		l.place.text = l.nft = spelled(a, set);
		if (!has(a, others, l.nft))
			vec_push(a, out, l);
	}
}

void diff_runtime_texts(struct arena *a, const struct buf *old, const struct buf *new,
			struct diff_lines *out)
{
	json_t *x = old->len ? json_loadb(old->data, old->len, 0, NULL) : NULL;
	json_t *y = new->len ? json_loadb(new->data, new->len, 0, NULL) : NULL;
	const json_t *was = json_object_get(x, "sets"), *is = json_object_get(y, "sets");

	add(a, '-', was, is, out);
	add(a, '+', is, was, out);
	json_decref(x);
	json_decref(y);
}
