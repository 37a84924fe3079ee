/* SPDX-License-Identifier: GPL-2.0-or-later
 * kernel -> saved.json -> kernel.
 */
#include "store/saved.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/bootclock.h"
#include "kernel/genid.h"
#include "kernel/live.h"
#include "store/file.h"
#include "util/cleanup.h"
#include "util/fault.h"

static uint64_t wall_clock(void) /* milliseconds */
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The rules in force; -ENOENT if there are none. */
static int read_rules(struct live *live, const char *netns, struct arena *a, struct buf *why)
{
	int err = live_read(live, netns, a, why);

	if (!err && !ruleset_has_base(live->ruleset)) {
		buf_puts(why, "no fwc firewall is loaded");
		err = -ENOENT;
	}
	return err;
}

static int table_now(struct table_id *out, const char *netns, struct arena *a, struct buf *why)
{
	struct genid now;
	char boot[BOOT_ID];
	int err = genid_get(netns, &now, why);

	if (err)
		return err;
	boot_id(boot);
	*out = (struct table_id){arena_strdup(a, boot), now.netns, now.table};
	return 0;
}

static bool same_table(const struct table_id *x, const struct table_id *y)
{
	return *x->boot && !strcmp(x->boot, y->boot) && x->netns == y->netns &&
	       x->handle == y->handle;
}

/* ---- saving ---- */

static void take_set(struct arena *a, const struct ir_set *from, struct saved *out)
{
	struct saved_set *s = arena_new_of(a, struct saved_set);
	struct elements held;
	struct element *e;

	s->name = from->name;
	s->family = from->keys[0] == F_IP_SADDR ? FAM_IP4 : FAM_IP6;
	s->prefixes = from->interval;
	elements_of(a, from, &held);
	vec_each (&held, e) {
		if (e->left > SAVED_SECONDS)
			e->left = SAVED_SECONDS;
		if (e->timeout > SAVED_SECONDS)
			e->timeout = SAVED_SECONDS;
		if (!e->ages || e->left)
			vec_push(a, &s->elems, *e);
	}
	if (s->elems.n)
		vec_push(a, &out->sets, s);
}

static void take_lines(struct arena *a, const struct report_lines *lines, struct saved *out)
{
	const struct report_line *l;

	vec_each (lines, l) {
		if (l->counts)
			vec_push(a, &out->lines,
				 ((struct saved_line){l->text, l->packets, l->bytes}));
	}
}

static void take_all(struct store *s, const char *netns, struct arena *a,
		     const struct ir_ruleset *live, struct saved *out)
{
	/* none: lines by their comments */
	const struct manifest *applied = store_read_manifest(s, STORE_APPLIED, a);
	struct report_lines lines = {0};
	struct ir_set *const *set;

	out->ruleset = applied ? applied->sha256 : "";
	vec_each (&live->sets, set) {
		if ((*set)->quota && (*set)->used)
			vec_push(a, &out->quotas,
				 ((struct saved_quota){(*set)->name, (*set)->quota, (*set)->used}));
		else if (!(*set)->quota && saved_keeps(live, *set))
			take_set(a, *set, out);
	}
	report_lines(a, live, applied, &lines);
	saved_counters_add(s, netns, a, &lines);
	take_lines(a, &lines, out);
}

static void sum_up(const struct saved *x, struct state_sum *sum)
{
	struct saved_set *const *s;

	sum->found = true;
	sum->sets = x->sets.n;
	vec_each (&x->sets, s)
		sum->elements += (*s)->elems.n;
	for (size_t i = 0; i < x->lines.n; i++)
		sum->lines += x->lines.v[i].packets > 0;
}

static int write_saved(struct store *s, const struct saved *x, struct buf *why)
{
	_cleanup_json_ json_t *j = saved_json(x);
	int err = file_write_json(s->dir, SAVED, j);

	if (!err && fsync(s->dir) < 0)
		err = -errno;
	if (err)
		buf_printf(why, "cannot write %s/" SAVED ": %s", s->path, strerror(-err));
	return err;
}

int state_save(struct store *s, const char *netns, struct arena *a, struct state_sum *sum,
	       struct buf *why)
{
	struct saved x = {.wall = wall_clock(), .boot = boot_clock()};
	struct live live;
	int err = read_rules(&live, netns, a, why);

	*sum = (struct state_sum){0};
	if (!err)
		err = table_now(&x.table, netns, a, why);
	if (err)
		return err;
	take_all(s, netns, a, live.ruleset, &x);
	fault_point("save-read");
	sum_up(&x, sum);
	return write_saved(s, &x, why);
}

/* ---- restoring ---- */

static int read_saved(const struct store *s, struct arena *a, struct saved *out, struct buf *why)
{
	_cleanup_json_ json_t *j = NULL;
	const char *reason = NULL;
	int err = file_read_json(s->dir, SAVED, &j);

	if (!err && saved_parse(a, j, out, &reason))
		return 0;
	if (err == -ENOENT)
		return err;
	err = err ? err : -EBADMSG;
	buf_printf(why, "cannot use %s/" SAVED ": %s", s->path,
		   reason	     ? reason
		   : err == -EBADMSG ? "it is not JSON: cut short or edited"
		   : err == -EPERM   ? "others can write it, or it belongs to another user"
		   : err == -ELOOP   ? "it is a symbolic link"
		   : err == -EINVAL  ? "it is not a regular file"
				     : strerror(-err));
	return err;
}

/* All of them or none. Between our reading and this, a packet may have put an element there that
 * saved time then makes shorter by as much: milliseconds. */
static int put_elements(const struct saved *x, const struct live *live, const char *netns,
			struct arena *a, struct state_sum *sum, struct buf *why)
{
	_cleanup_buf_ struct buf script = {0};
	char boot[BOOT_ID];

	boot_id(boot);
	saved_script(a, x, live->ruleset, saved_age(x, boot, wall_clock(), boot_clock()), &script,
		     sum);
	return script.len ? live_run(netns, buf_str(&script), why) : 0;
}

static bool has_line(const struct report_lines *lines, const char *text)
{
	const struct report_line *l;

	vec_each (lines, l) {
		if (l->counts && !strcmp(l->text, text))
			return true;
	}
	return false;
}

static int put_counters(struct store *s, struct saved *x, const struct table_id *now,
			const struct report_lines *lines, struct arena *a, struct state_sum *sum,
			struct buf *why)
{
	struct saved_lines kept = {0};
	const struct saved_line *l;

	sum->counting = same_table(&x->table, now);
	if (sum->counting)
		return 0;
	vec_each (&x->lines, l) {
		bool there = has_line(lines, l->text);

		if (there)
			vec_push(a, &kept, *l);
		sum->lines += there && l->packets;
		sum->changed += !there && l->packets;
	}
	x->lines = kept;
	x->sets.n = 0;
	x->table = *now;
	return saved_counters_write(s, x, why);
}

int state_restore_sum(struct store *s, const char *netns, struct arena *a, struct state_sum *sum,
		      struct buf *why)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct manifest *applied;
	struct report_lines lines = {0};
	struct table_id now;
	struct live live;
	struct saved x;
	int err = read_saved(s, a, &x, why);

	*sum = (struct state_sum){.found = err != -ENOENT};
	if (err)
		return sum->found ? err : 0;
	err = read_rules(&live, netns, a, why);
	if (!err)
		err = table_now(&now, netns, a, why);
	if (!err)
		err = put_elements(&x, &live, netns, a, sum, why);
	fault_point("restore-elements");
	if (err)
		return err;
	applied = store_read_manifest(s, STORE_APPLIED, a);
	sum->same_rules = applied && !strcmp(applied->sha256, x.ruleset);
	report_lines(a, live.ruleset, applied, &lines);
	return put_counters(s, &x, &now, &lines, a, sum, why);
}

int state_restore(struct store *s, const char *netns, struct arena *a, struct buf *why)
{
	struct state_sum sum;

	return state_restore_sum(s, netns, a, &sum, why);
}

/* ---- quotas ---- */

int state_restore_quotas(struct store *s, const char *netns, struct arena *a, struct buf *why)
{
	_cleanup_buf_ struct buf script = {0};
	const struct saved_quota *q;
	struct saved x;
	struct live live;
	int err = read_saved(s, a, &x, why);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (!x.quotas.n)
		return 0;
	err = live_read(&live, netns, a, why);
	if (err)
		return err;
	vec_each (&x.quotas, q)
		if (!ruleset_set(live.ruleset, q->name))
			buf_printf(&script,
				   "add table inet " IR_TABLE "\nadd quota inet " IR_TABLE
				   " %s { %llu bytes used %llu bytes }\n",
				   q->name, (unsigned long long)q->bytes,
				   (unsigned long long)q->used);
	return script.len ? live_run(netns, buf_str(&script), why) : 0;
}

int state_reset_quotas(struct store *s, const char *name, struct arena *a, struct buf *why)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct saved_quota *q;
	bool some = false;
	struct saved x;

	/* what cannot be read is not put back either */
	if (read_saved(s, a, &x, &ignored))
		return 0;
	vec_each (&x.quotas, q) {
		if (name && strcmp(name, q->name) != 0)
			continue;
		some |= q->used > 0;
		q->used = 0;
	}
	return some ? write_saved(s, &x, why) : 0;
}
