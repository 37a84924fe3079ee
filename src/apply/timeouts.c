/* SPDX-License-Identifier: GPL-2.0-or-later
 * timeouts of the policy -> sysctls; the note is on disk before the first of them is set.
 */
#include "apply/timeouts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/bootclock.h"
#include "kernel/sysctl.h"
#include "lang/lang.h"
#include "util/cleanup.h"
#include "util/number.h"

#define BOOT "boot" /* no timeout has that name */

static const char *str(const json_t *j, const char *name)
{
	return json_string_value(json_object_get(j, name));
}

/* The note: {"boot": ID, "udp": {"was": "120", "set": ["30"]}, ...}. While one of ours takes the
 * place of another, both are in "set": whichever the kernel has, it is ours. With a start of the
 * machine they are gone, and what was before them; notes of fwc 0.1 do not say of which. */
static int read_note(struct store *s, json_t **note, struct buf *why)
{
	size_t before = why->len;
	int err = store_read_timeouts(s, note, why);
	char now[BOOT_ID];
	const char *of;

	boot_id(now);
	if (!err && !json_is_object(*note)) {
		buf_puts(why, "timeouts.json is no note of timeouts");
		return -EBADMSG;
	}
	of = err ? NULL : str(*note, BOOT);
	if (of && *now && strcmp(of, now) != 0) {
		json_decref(*note);
		*note = NULL;
		store_drop_timeouts(s);
	}
	if (*note)
		json_object_del(*note, BOOT);
	if (err == -ENOENT) {
		why->len = before;
		return 0;
	}
	return err;
}

static bool is_ours(const json_t *entry, const char *now)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(entry, "set"), i, v)
	{
		if (json_is_string(v) && !strcmp(json_string_value(v), now))
			return true;
	}
	return false;
}

/* Nothing but a number is ever written below /proc. */
static bool is_time(const char *s)
{
	uint64_t n;

	return number_word(s, 0, UINT32_MAX, &n);
}

static const struct manifest_timeout *wanted(const struct manifest *m, const char *name)
{
	const struct manifest_timeout *t;

	if (!m)
		return NULL;
	vec_each (&m->timeouts, t)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

/* What to set, and the note while that is done and afterwards. */
struct change {
	json_t *values, *during, *after;
};

static void change_free(struct change *c)
{
	json_decref(c->values);
	json_decref(c->during);
	json_decref(c->after);
}

/* Not what somebody else has set since. */
static void put_back(struct change *c, const json_t *now, const char *name, const json_t *entry)
{
	const char *was = str(entry, "was"), *is = str(now, name);

	if (is_time(was) && is && strcmp(is, was) != 0 && is_ours(entry, is))
		json_object_set_new(c->values, name, json_string(was));
}

/* The entry that says so, too. What somebody else has set meanwhile is from now on what comes
 * back. */
static json_t *note_value(json_t *note, const char *name, const char *is, const char *value)
{
	json_t *entry = json_object_get(note, name);

	if (!entry || (strcmp(is, value) != 0 && !is_ours(entry, is))) {
		json_object_set_new(note, name, json_pack("{s:s, s:[]}", "was", is, "set"));
		entry = json_object_get(note, name);
	}
	if (!is_ours(entry, value))
		json_array_append_new(json_object_get(entry, "set"), json_string(value));
	return entry;
}

static void set_one(struct change *c, const json_t *now, const struct manifest_timeout *t)
{
	const char *is = str(now, t->name);
	const json_t *entry;
	char value[16];

	snprintf(value, sizeof(value), "%u", t->seconds);
	if (!is || (!strcmp(is, value) && !json_object_get(c->during, t->name)))
		return; /* not there; or it is so without us */
	entry = note_value(c->during, t->name, is, value);
	if (strcmp(is, value) != 0)
		json_object_set_new(c->values, t->name, json_string(value));
	json_object_set_new(
		c->after, t->name,
		json_pack("{s:O, s:[s]}", "was", json_object_get(entry, "was"), "set", value));
}

static void plan(struct change *c, const json_t *note, const json_t *now, const struct manifest *m)
{
	const char *name;
	json_t *entry;

	c->values = json_object();
	c->after = json_object();
	c->during = note ? json_deep_copy(note) : json_object();
	json_object_foreach((json_t *)note, name, entry)
	{
		if (!wanted(m, name))
			put_back(c, now, name, entry);
	}
	for (size_t i = 0; m && i < m->timeouts.n; i++)
		set_one(c, now, &m->timeouts.v[i]);
}

/* Where not all could be set: what the kernel has of ours all the same is noted, and no more. */
static int only_ours(const char *netns, struct change *c, bool *changed, struct buf *why)
{
	_cleanup_json_ json_t *now = NULL;
	const char *name, *is;
	json_t *entry;
	void *next;
	int err = sysctl_snapshot(netns, &now, why);

	if (err)
		return err;
	*changed = false;
	json_object_foreach_safe(c->during, next, name, entry)
	{
		is = str(sysctl_timeouts(now), name);
		if (is && str(c->values, name) && !strcmp(is, str(c->values, name)))
			*changed = true;
		if (!is || !is_ours(entry, is))
			json_object_del(c->during, name);
	}
	json_decref(c->after);
	c->after = json_incref(c->during);
	return 0;
}

static int write_note(struct store *s, const json_t *note, struct buf *why)
{
	_cleanup_json_ json_t *whole = json_copy((json_t *)note);
	char now[BOOT_ID];

	boot_id(now);
	if (*now)
		json_object_set_new(whole, BOOT, json_string(now));
	if (json_object_size(note))
		return store_write_timeouts(s, whole, why);
	store_drop_timeouts(s);
	return 0;
}

/* 0, too, if the kernel's settings cannot be written here; *failed says so. */
static int carry_out(struct store *s, const char *netns, struct change *c, const json_t *note,
		     bool *changed, int *failed, struct buf *why)
{
	_cleanup_json_ json_t *during = json_deep_copy(c->during);
	bool fresh = note ? !json_equal(during, note) : json_object_size(during) > 0;
	int err = fresh ? write_note(s, during, why) : 0;

	*failed = 0;
	*changed = json_object_size(c->values) > 0;
	if (!err && *changed)
		*failed = sysctl_set_timeouts(netns, c->values, why);
	if (!err && *failed)
		err = only_ours(netns, c, changed, why);
	if (!err && !json_equal(during, c->after))
		err = write_note(s, c->after, why);
	return err;
}

/* An entry that fwc did not write makes nothing of the others worthless. */
static void sift(json_t *note)
{
	const char *name;
	json_t *entry;
	void *next;

	json_object_foreach_safe(note, next, name, entry)
	{
		if (!is_time(str(entry, "was")) || !json_is_array(json_object_get(entry, "set")))
			json_object_del(note, name);
	}
}

/* Without a manifest all goes back. */
static int work(struct store *s, const char *netns, const struct manifest *m, bool *changed,
		bool *lost, int *failed, struct buf *why)
{
	_cleanup_json_ json_t *note = NULL, *now = NULL;
	size_t before = why->len;
	struct change c;
	int err = read_note(s, &note, why);

	*changed = false;
	*failed = 0;
	*lost = m && err == -EBADMSG;
	if (*lost) { /* it is begun anew */
		store_drop_timeouts(s);
		json_decref(note);
		note = NULL;
		why->len = before;
		err = 0;
	}
	if (err || (!note && (!m || !m->timeouts.n)))
		return err;
	sift(note);
	err = sysctl_snapshot(netns, &now, why);
	if (err)
		return err;
	plan(&c, note, sysctl_timeouts(now), m);
	err = carry_out(s, netns, &c, note, changed, failed, why);
	change_free(&c);
	return err;
}

int timeouts_apply(struct store *s, const char *netns, const struct manifest *m, bool *changed,
		   bool *lost, struct buf *why)
{
	size_t before = why->len;
	int failed, err = work(s, netns, m, changed, lost, &failed, why);

	if (!err && failed)
		why->len = before; /* timeouts_left_out() says which */
	return err;
}

int timeouts_restore(struct store *s, const char *netns, bool *changed, struct buf *why)
{
	bool lost;
	int failed, err = work(s, netns, NULL, changed, &lost, &failed, why);

	return err ? err : failed;
}

enum timeout_state timeout_state(const json_t *sysctl, const struct manifest_timeout *t,
				 uint64_t *is)
{
	if (!number_word(str(sysctl_timeouts(sysctl), t->name), 0, UINT32_MAX, is))
		return TIMEOUT_LACKING;
	return *is == t->seconds ? TIMEOUT_SET : TIMEOUT_DIFFERS;
}

static struct timeout_left_out unwritable(struct arena *a, const struct manifest_timeout *t,
					  uint64_t is)
{
	_cleanup_buf_ struct buf text = {0};

	duration_print(&text, is);
	return (struct timeout_left_out){
		.t = t,
		.reason = arena_printf(a, "/proc/sys cannot be written here; it is %s",
				       buf_str(&text)),
		.needs = "/proc/sys to be writable"};
}

void timeouts_left_out(struct arena *a, const char *netns, const struct manifest *m,
		       struct timeouts_left_out *out)
{
	_cleanup_json_ json_t *now = NULL;
	_cleanup_buf_ struct buf ignored = {0};
	const struct manifest_timeout *t;
	uint64_t is;

	if (!m->timeouts.n || sysctl_snapshot(netns, &now, &ignored))
		return;
	vec_each (&m->timeouts, t) {
		switch (timeout_state(now, t, &is)) {
		case TIMEOUT_SET:
			break;
		case TIMEOUT_DIFFERS:
			vec_push(a, out, unwritable(a, t, is));
			break;
		case TIMEOUT_LACKING:
			vec_push(a, out,
				 ((struct timeout_left_out){t, "this kernel has no such setting",
							    "a kernel that has it"}));
			break;
		}
	}
}
