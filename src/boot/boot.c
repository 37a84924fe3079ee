/* SPDX-License-Identifier: GPL-2.0-or-later
 * applied/, else its copy in the history, else the rescue policy -> the kernel.
 */
#include "boot/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apply/apply.h"
#include "boot/rescue.h"
#include "boot/standin.h"
#include "kernel/bootclock.h"
#include "kernel/live.h"
#include "store/author.h"
#include "store/file.h"
#include "store/generation.h"
#include "util/cleanup.h"

struct booting {
	struct boot *b;
	struct store *s;
	const char *netns;
	struct arena *arena;
	json_t *record; /* of what came from the history; or NULL */
};

static void remark(struct boot *b, const char *text)
{
	buf_printf(&b->why, "%s%s", b->why.len ? "\n" : "", text);
}

/* ---- which one ---- */

/* What was applied last is there twice; `stop` leaves the second. An older one is never taken: it
 * may be more open. */
static int from_history(struct booting *x, struct artefact *out, struct buf *why)
{
	struct generations l;
	unsigned newest;
	int err = generations_list(x->s, x->arena, &l, why);

	if (err)
		return err;
	newest = l.n ? l.v[l.n - 1].number : 0;
	x->record = l.n ? json_incref(l.v[l.n - 1].record) : NULL;
	generations_free(&l);
	if (!newest) {
		buf_puts(why, "nothing was ever applied");
		return -ENOENT;
	}
	err = store_read(x->s, generation_name(x->arena, newest), x->arena, out, why);
	if (!err)
		x->b->generation = newest;
	return err;
}

static int choose(struct booting *x, struct artefact *out)
{
	_cleanup_buf_ struct buf first = {0}, second = {0};
	int err = store_read(x->s, STORE_APPLIED, x->arena, out, &first);

	if (!err)
		return 0;
	if (err != -ENOENT || faccessat(x->s->dir, STORE_APPLIED, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		remark(x->b, buf_str(&first));
	else
		first.len = 0; /* stopped, and not damaged */
	err = from_history(x, out, &second);
	if (err)
		remark(x->b, buf_str(&second));
	else if (first.len)
		remark(x->b, arena_printf(x->arena, "generation %u of the history is the same",
					  x->b->generation));
	if (!err && !first.len)
		x->b->generation = 0;
	return err;
}

/* ---- into the kernel ---- */

static bool load(struct booting *x, const struct artefact *artefact)
{
	struct apply apply = {.mode = APPLY_RESTORE,
			      .flows = FLOWS_KEEP, /* called again, it changes nothing */
			      .arena = x->arena,
			      .store = x->s,
			      .netns = x->netns,
			      .artefact = artefact};
	int err = apply_artefact(&apply);
	bool live = !err || apply.live;

	if (err)
		remark(x->b, buf_str(&apply.why));
	apply_free(&apply);
	return live;
}

/* Fits it to this kernel, and loads that. */
static bool load_fitting(struct booting *x, const struct artefact *artefact)
{
	_cleanup_buf_ struct buf why = {0};
	struct artefact fitting;
	int err = standin_fit(x->arena, artefact, &fitting, &x->b->left_out, &why);
	bool ok;

	if (err) {
		x->b->left_out.n = 0;
		remark(x->b, buf_str(&why));
		return false;
	}
	ok = load(x, &fitting);
	buf_free(&fitting.script);
	return ok;
}

static bool filters_already(struct booting *x)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct live live;

	if (live_read(&live, x->netns, x->arena, &ignored))
		return false;
	return ruleset_has_base(live.ruleset) && !live.ruleset->dormant;
}

/* The ordinary way, with proof and all; if not even that goes, the script as it is. */
static enum boot_outcome shut(struct booting *x, const char *settings)
{
	_cleanup_buf_ struct buf why = {0};
	struct artefact artefact;
	struct rescue r;
	bool ok;

	if (filters_already(x))
		return BOOT_LEFT;
	if (!rescue_settings(x->arena, settings, &r, &why))
		remark(x->b, buf_str(&why));
	why.len = 0;
	if (rescue_compile(x->arena, &r, &artefact, &why)) {
		remark(x->b, buf_str(&why));
		return BOOT_NOTHING;
	}
	ok = (x->s->dir >= 0 && load(x, &artefact)) ||
	     live_run(x->netns, buf_str(&artefact.script), &why) == 0;
	if (!ok)
		remark(x->b, buf_str(&why));
	buf_free(&artefact.script);
	return ok ? BOOT_BLOCKED : BOOT_NOTHING;
}

/* ---- all of it ---- */

void boot_load(struct boot *b, struct store *s, const char *why_no_store, const char *netns,
	       const char *settings, struct arena *a)
{
	struct booting x = {.b = b, .s = s, .netns = netns, .arena = a};
	struct artefact artefact = {0};
	bool ok = false;

	*b = (struct boot){0};
	if (s->dir < 0)
		remark(b, why_no_store);
	else
		ok = choose(&x, &artefact) == 0 && load_fitting(&x, &artefact);
	if (ok && x.record) { /* it is what is applied, again */
		_cleanup_buf_ struct buf ignored = {0};

		store_write(s, STORE_APPLIED, &artefact, x.record, &ignored);
	}
	json_decref(x.record);
	if (ok)
		b->outcome = b->left_out.n || b->why.len ? BOOT_PARTLY : BOOT_WHOLE;
	else
		b->outcome = shut(&x, settings);
	if (s->dir >= 0)
		boot_note_write(s, &(struct boot_note){.outcome = b->outcome,
						       .why = buf_str(&b->why),
						       .left_out = b->left_out});
	artefact_free(&artefact);
}

void boot_free(struct boot *b)
{
	buf_free(&b->why);
}
