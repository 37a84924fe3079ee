/* SPDX-License-Identifier: GPL-2.0-or-later
 * counters.json: what lines had counted before the table in the kernel was made. It belongs to one
 * table; for any other it says nothing.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/bootclock.h"
#include "kernel/genid.h"
#include "store/file.h"
#include "store/saved.h"
#include "util/cleanup.h"

#define COUNTERS "counters.json"

/* The n-th line of that text, counted from 0, or NULL. */
static struct report_line *nth_line(struct report_lines *lines, const char *text, size_t n)
{
	struct report_line *l;

	vec_each (lines, l) {
		if (l->counts && !strcmp(l->text, text) && !n--)
			return l;
	}
	return NULL;
}

static size_t same_before(const struct saved_lines *lines, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < i; k++)
		n += !strcmp(lines->v[k].text, lines->v[i].text);
	return n;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static bool same_table(const struct table_id *x, const char *netns)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct genid now;
	char boot[BOOT_ID];

	boot_id(boot);
	return genid_get(netns, &now, &ignored) == 0 && now.own_table && *boot &&
	       !strcmp(x->boot, boot) && x->netns == now.netns && x->handle == now.table;
}

static int read_counters(const struct store *s, struct arena *a, struct saved *out)
{
	_cleanup_json_ json_t *j = NULL;
	const char *why;
	int err = s->dir < 0 ? -ENOENT : file_read_json(s->dir, COUNTERS, &j);

	if (err)
		return err;
	return saved_parse(a, j, out, &why) ? 0 : -EBADMSG;
}

void saved_counters_add(const struct store *s, const char *netns, struct arena *a,
			struct report_lines *lines)
{
	struct saved x;

	if (read_counters(s, a, &x) || !same_table(&x.table, netns))
		return;
	for (size_t i = 0; i < x.lines.n; i++) {
		const struct saved_line *from = &x.lines.v[i];
		struct report_line *to = nth_line(lines, from->text, same_before(&x.lines, i));

		if (to) {
			to->packets = sum(to->packets, from->packets);
			to->bytes = sum(to->bytes, from->bytes);
		}
	}
}

int saved_counters_write(struct store *s, const struct saved *x, struct buf *why)
{
	_cleanup_json_ json_t *j = saved_json(x);
	int err = file_write_json(s->dir, COUNTERS, j);

	if (!err && fsync(s->dir) < 0)
		err = -errno;
	if (err)
		buf_printf(why, "cannot write %s/" COUNTERS ": %s", s->path, strerror(-err));
	return err;
}

/* The texts of all lines. */
static void collect_texts(struct arena *a, const struct manifest *m, struct map *seen)
{
	struct manifest_object *const *o;
	const struct manifest_place *p;
	const struct map_entry *e;

	map_init(seen, a);
	vec_each (&m->objects, o) {
		manifest_whole(m, *o);
		vec_each (&(*o)->rules, p)
			map_put(seen, p->text, (void *)p);
		vec_each (&(*o)->elems.entries, e)
			map_put(seen, ((const struct manifest_place *)e->value)->text, e->value);
	}
}

int saved_counters_prune(struct store *s, struct arena *a, const struct manifest *m,
			 struct buf *why)
{
	struct saved x;
	struct saved_lines kept = {0};
	const struct saved_line *l;
	struct map texts;

	/* what the head of a manifest leaves out was there when the whole was read */
	if (!m->objects.n || read_counters(s, a, &x))
		return 0;
	collect_texts(a, m, &texts);
	vec_each (&x.lines, l) {
		if (map_get(&texts, l->text))
			vec_push(a, &kept, *l);
	}
	if (kept.n == x.lines.n)
		return 0;
	x.lines = kept;
	return saved_counters_write(s, &x, why);
}
