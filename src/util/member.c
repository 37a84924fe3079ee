/* SPDX-License-Identifier: GPL-2.0-or-later
 * member of an object -> value.
 */
#include "util/member.h"

#include "util/arena.h"

const char *member_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

const char *member_copy(struct arena *a, const json_t *j, const char *key)
{
	const char *s = member_text(j, key);

	return *s ? arena_strdup(a, s) : "";
}

const char *member_copy_if(struct arena *a, const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? arena_strdup(a, s) : NULL;
}

uint64_t member_number(const json_t *j, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(j, key));

	return n > 0 ? (uint64_t)n : 0;
}

bool member_flag(const json_t *j, const char *key)
{
	return json_is_true(json_object_get(j, key));
}
