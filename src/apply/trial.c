/* SPDX-License-Identifier: GPL-2.0-or-later
 * Beginning, confirming and ending a trial; its record on disk.
 */
#include "apply/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "util/fault.h"
#include "apply/file.h"
#include "apply/forwarding.h"
#include "apply/who.h"
#include "kernel/boot.h"
#include "kernel/genid.h"
#include "util/cleanup.h"

#define TRIAL "trial.json"

/* ---- the record ---- */

static int write_record(struct store *s, const char *id, uint64_t deadline, struct buf *why)
{
	struct who who = who_now();
	char boot[BOOT_ID];
	json_t *j;
	int err;

	boot_id(boot);
	j = json_pack("{s:i, s:s, s:I, s:s, s:o, s:s}", "format", 1, "id", id, "deadline",
		      (json_int_t)deadline, "boot", boot, "user", file_text(who.user), "time",
		      who.time);
	err = j ? file_write_json(s->dir, TRIAL, j) : -ENOMEM;
	json_decref(j);
	if (!err && fsync(s->dir) < 0)
		err = -errno;
	if (err)
		buf_printf(why, "cannot write %s/" TRIAL ": %s", s->path, strerror(-err));
	return err;
}

static void forget(struct store *s)
{
	unlinkat(s->dir, TRIAL, 0);
	store_remove(s, STORE_PENDING);
}

static void copy(char *to, size_t size, const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	snprintf(to, size, "%s", s ? s : "?");
}

static bool is_record(const json_t *j)
{
	return json_integer_value(json_object_get(j, "format")) == 1 &&
	       json_is_string(json_object_get(j, "id")) &&
	       json_is_string(json_object_get(j, "boot")) &&
	       json_is_integer(json_object_get(j, "deadline"));
}

/* A record that says nothing must not be in the way of stop or rollback: there was a trial, and
 * whatever is left of it, the kernel goes back to what is applied. */
static void damaged(struct trial *out)
{
	*out = (struct trial){
		.state = TRIAL_OVER, .id = "?", .user = "?", .time = "?", .same_boot = true};
}

int trial_read(const struct store *s, struct trial *out, struct buf *why)
{
	_cleanup_json_ json_t *j = NULL;
	char here[BOOT_ID], boot[BOOT_ID];
	int err = s->dir < 0 ? -ENOENT : file_read_json(s->dir, TRIAL, &j);
	uint64_t deadline, now = boot_clock();

	*out = (struct trial){0};
	if (err == -ENOENT)
		return 0;
	if (err == -EBADMSG || (!err && !is_record(j))) {
		damaged(out);
		return 0;
	}
	if (err) {
		buf_printf(why, "cannot read %s/" TRIAL ": %s", s->path, file_reason(err));
		return err;
	}
	boot_id(here);
	copy(boot, sizeof(boot), j, "boot");
	copy(out->id, sizeof(out->id), j, "id");
	copy(out->user, sizeof(out->user), j, "user");
	copy(out->time, sizeof(out->time), j, "time");
	deadline = (uint64_t)json_integer_value(json_object_get(j, "deadline"));
	out->same_boot = !strcmp(here, boot);
	out->state = out->same_boot && now < deadline ? TRIAL_RUNNING : TRIAL_OVER;
	out->left = out->state == TRIAL_RUNNING ? (double)(deadline - now) / 1000 : 0;
	return 0;
}

/* ---- beginning ---- */

static void new_id(char out[33])
{
	uint8_t bytes[16] = {0};

	if (getrandom(bytes, sizeof(bytes), 0) < 0)
		memcpy(bytes, &(uint64_t){boot_clock()}, sizeof(uint64_t));
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

int trial_begin(struct apply *x, unsigned seconds)
{
	uint64_t deadline = boot_clock() + (uint64_t)seconds * 1000;
	char id[33];
	int err;

	new_id(id);
	err = store_write(x->store, STORE_PENDING, x->artefact, NULL, &x->why);
	if (!err)
		err = write_record(x->store, id, deadline, &x->why);
	fault_point("trial-written");
	if (!err)
		err = guard_start(x->store->path, x->netns, id, deadline, &x->why);
	fault_point("trial-armed");
	if (!err) {
		x->mode = APPLY_TRIAL;
		x->deadline = deadline;
		err = apply_artefact(x);
	}
	if (err && !x->live)
		forget(x->store); /* the guard finds nothing to do */
	return err;
}

/* ---- ending ---- */

/* Without anything applied before there is nothing to go back to but no firewall. */
static int remove_table(struct store *s, const char *netns, struct buf *why)
{
	struct genid gen;
	bool changed;
	int err = forwarding_restore(s, netns, &changed, why);

	if (!err)
		err = genid_get(netns, &gen, why);
	if (err || !gen.own_table)
		return err;
	return live_run(netns, "delete table inet fwc", why);
}

int trial_in_force(const struct store *s, struct arena *a, struct ir_ruleset *live,
		   struct artefact *out, struct buf *why)
{
	_cleanup_buf_ struct buf ignored = {0};

	if (trial_acts(live) && store_read(s, STORE_PENDING, a, out, &ignored) == 0) {
		trial_view(live);
		return 0;
	}
	return store_read(s, STORE_APPLIED, a, out, why);
}

/* The kernel first, in one step: what is left then is out of the way of every packet. */
static int stop_acting(const char *netns, struct arena *a, struct buf *why)
{
	_cleanup_buf_ struct buf script = {0}, ignored = {0};
	struct live live;
	int err = live_read(&live, netns, a, why);

	if (err)
		return err;
	trial_plan_end(live.ruleset, &script);
	if (script.len)
		live_run(netns, script.data, &ignored); /* they may have expired */
	return 0;
}

static int restore(struct store *s, const char *netns, struct arena *a, struct buf *why)
{
	struct artefact applied = {0};
	_cleanup_buf_ struct buf none = {0};
	struct apply x = {.arena = a, .store = s, .netns = netns, .artefact = &applied};
	int err = store_read(s, STORE_APPLIED, a, &applied, &none);

	if (err == -ENOENT) {
		err = remove_table(s, netns, why);
	} else if (err) {
		buf_puts(why, buf_str(&none));
	} else {
		x.mode = APPLY_RESTORE;
		err = apply_artefact(&x);
		buf_puts(why, buf_str(&x.why));
		apply_free(&x);
	}
	artefact_free(&applied);
	return err;
}

int trial_cancel(struct store *s, const char *netns, struct arena *a, enum trial_state *was,
		 struct buf *why)
{
	struct trial t;
	int err = trial_read(s, &t, why);

	*was = t.state;
	if (err || t.state == TRIAL_NONE)
		return err;
	if (t.same_boot) {
		err = stop_acting(netns, a, why);
		fault_point("cancel-stopped");
		if (!err)
			err = restore(s, netns, a, why);
		fault_point("cancel-restored");
	}
	if (!err)
		forget(s);
	return err;
}

/* ---- confirming ---- */

int trial_confirm(struct apply *x)
{
	struct trial t;
	int err = trial_read(x->store, &t, &x->why);

	if (err)
		return err;
	if (t.state != TRIAL_RUNNING)
		return -ETIME;
	x->mode = APPLY_CONFIRM;
	err = apply_artefact(x);
	fault_point("confirmed");
	if (!err || x->live)
		forget(x->store);
	return err;
}
