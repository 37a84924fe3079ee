/* SPDX-License-Identifier: GPL-2.0-or-later
 * Objects of quotas, and quotas.json -> what people and programs are told.
 *
 *	quotas.json  {"reset": {NAME: seconds since 1970}}
 *
 * The kernel knows how much is used, and not since when. A record that cannot be read costs the
 * dates of earlier resets, nothing else.
 */
#include "see/quotas.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lang/parse.h"
#include "store/file.h"
#include "util/cleanup.h"

#define OBJECT "quota."
#define RESETS "quotas.json"

const char *quota_object_name(struct arena *a, const char *name)
{
	return arena_printf(a, OBJECT "%s", name);
}

static json_t *read_resets(const struct store *s)
{
	_cleanup_json_ json_t *all = NULL;

	if (s->dir < 0 || s->public || file_read_json(s->dir, RESETS, &all))
		return NULL;
	return json_incref(json_object_get(all, "reset"));
}

void quotas_look(const struct ir_ruleset *live, const struct store *s, struct arena *a,
		 const char *name, struct quota_list *out)
{
	_cleanup_json_ json_t *resets = read_resets(s);
	struct ir_set *const *q;

	vec_each (&live->sets, q) {
		const char *called = (*q)->name + strlen(OBJECT);
		json_int_t reset;

		if (!(*q)->quota || strncmp((*q)->name, OBJECT, strlen(OBJECT)) != 0)
			continue;
		if (name && strcmp(name, called) != 0)
			continue;
		reset = json_integer_value(json_object_get(resets, called));
		vec_push(a, out,
			 ((struct quota_entry){called, (*q)->quota, (*q)->used,
					       reset > 0 ? (uint64_t)reset : 0}));
	}
}

bool quota_used_up(const struct quota_entry *q)
{
	return q->used >= q->bytes;
}

/* In the unit of the whole, as far as one can see it move. */
static void print_used(struct buf *b, uint64_t used)
{
	int i = 3;

	while (i && used < byte_units[i].bytes)
		i--;
	buf_printf(b, "%llu.%llu %s", (unsigned long long)(used / byte_units[i].bytes),
		   (unsigned long long)(used % byte_units[i].bytes * 10 / byte_units[i].bytes),
		   byte_units[i].word);
}

void quota_print(struct buf *b, const struct quota_entry *q)
{
	print_used(b, q->used);
	buf_puts(b, " of ");
	bytes_print(b, q->bytes);
	if (quota_used_up(q))
		buf_puts(b, ", used up");
}

static void print_since(struct buf *b, const struct quota_entry *q)
{
	time_t t = (time_t)q->reset;
	char text[64];
	struct tm tm;

	if (q->reset && localtime_r(&t, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		buf_printf(b, ", reset %s", text);
}

void quotas_print(const struct quota_list *l)
{
	const struct quota_entry *q;

	vec_each (l, q) {
		_cleanup_buf_ struct buf text = {0};

		quota_print(&text, q);
		print_since(&text, q);
		printf("%-11s %s: %s%s\n", q == l->v ? "quotas" : "", q->name, buf_str(&text),
		       quota_used_up(q) ? "; `fwc quota reset` begins anew" : "");
	}
}

json_t *quotas_json(const struct quota_list *l)
{
	json_t *list = json_array();
	const struct quota_entry *q;

	vec_each (l, q)
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I, s:b, s:o}", "name", q->name, "bytes",
					(json_int_t)q->bytes, "used", (json_int_t)q->used,
					"used_up", quota_used_up(q), "reset",
					q->reset ? json_integer((json_int_t)q->reset)
						 : json_null()));
	return list;
}

int quotas_note_reset(struct store *s, const struct quota_list *l, uint64_t now, struct buf *why)
{
	_cleanup_json_ json_t *resets = read_resets(s), *all = NULL;
	const struct quota_entry *q;
	int err;

	if (!json_is_object(resets)) {
		json_decref(resets);
		resets = json_object();
	}
	vec_each (l, q)
		json_object_set_new(resets, q->name, json_integer((json_int_t)now));
	all = json_pack("{s:O}", "reset", resets);
	err = file_write_json(s->dir, RESETS, all);
	if (!err && fsync(s->dir) < 0)
		err = -errno;
	if (err)
		buf_printf(why, "the quotas begin anew, but %s/" RESETS " cannot be written: %s",
			   s->path, file_reason(err));
	return err;
}
