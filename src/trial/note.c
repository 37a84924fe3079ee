/* SPDX-License-Identifier: GPL-2.0-or-later
 * trial.json and pending/: that new rules are on trial, until when, and which.
 */
#include "trial/note.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kernel/bootclock.h"
#include "nft/trial.h"
#include "store/author.h"
#include "store/file.h"
#include "util/cleanup.h"

#define TRIAL "trial.json"

int trial_write(struct store *s, const char *id, uint64_t deadline, struct buf *why)
{
	struct author author = author_now();
	char boot[BOOT_ID];
	json_t *j;
	int err;

	boot_id(boot);
	j = json_pack("{s:i, s:s, s:I, s:s, s:o, s:s}", "format", 1, "id", id, "deadline",
		      (json_int_t)deadline, "boot", boot, "user", file_text(author.user), "time",
		      author.time);
	err = j ? file_write_json(s->dir, TRIAL, j) : -ENOMEM;
	json_decref(j);
	if (!err && fsync(s->dir) < 0)
		err = -errno;
	if (err)
		buf_printf(why, "cannot write %s/" TRIAL ": %s", s->path, strerror(-err));
	return err;
}

void trial_forget(struct store *s)
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

const struct manifest *trial_manifest(const struct store *s, struct arena *a,
				      struct ir_ruleset *live)
{
	const struct manifest *m = NULL;

	if (trial_acts(live))
		m = store_read_manifest(s, STORE_PENDING, a);
	if (m)
		trial_view(live);
	return m ? m : store_read_manifest(s, STORE_APPLIED, a);
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
