/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a boot could not do <-> boot.json.
 */
#include "store/boot_note.h"

#include <string.h>
#include <unistd.h>

#include "kernel/bootclock.h"
#include "store/author.h"
#include "store/file.h"
#include "util/cleanup.h"
#include "util/member.h"

#define NOTE "boot.json"

json_t *standins_json(const struct standins *l)
{
	json_t *list = json_array();
	const struct standin *u;

	vec_each (l, u)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "at", u->at, "text",
						      u->text, "needs", u->needs));
	return list;
}

void boot_note_write(struct store *s, const struct boot_note *n)
{
	_cleanup_json_ json_t *j = NULL;
	struct author author = author_now();
	char boot[BOOT_ID];

	if (n->outcome == BOOT_WHOLE) {
		boot_note_drop(s);
		return;
	}
	boot_id(boot);
	j = json_pack("{s:s, s:s, s:i, s:s, s:o}", "boot", boot, "time", author.time, "outcome",
		      (int)n->outcome, "why", n->why, "left_out", standins_json(&n->left_out));
	if (j)
		file_write_json(s->dir, NOTE, j);
}

void boot_note_drop(struct store *s)
{
	unlinkat(s->dir, NOTE, 0);
}

void boot_note_read(const struct store *s, struct arena *a, struct boot_note *out)
{
	_cleanup_json_ json_t *j = NULL;
	json_t *one;
	char boot[BOOT_ID];
	size_t i;

	*out = (struct boot_note){0};
	if (s->dir < 0 || file_read_json(s->dir, NOTE, &j))
		return;
	boot_id(boot);
	if (strcmp(member_copy(a, j, "boot"), boot) != 0)
		return;
	out->there = true;
	out->outcome = (enum boot_outcome)json_integer_value(json_object_get(j, "outcome"));
	out->time = member_copy(a, j, "time");
	out->why = member_copy(a, j, "why");
	json_array_foreach(json_object_get(j, "left_out"), i, one)
		vec_push(a, &out->left_out,
			 ((struct standin){.at = member_copy(a, one, "at"),
					   .text = member_copy(a, one, "text"),
					   .needs = member_copy(a, one, "needs")}));
}
