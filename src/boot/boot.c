/* SPDX-License-Identifier: GPL-2.0-or-later
 * applied/, else its copy in the history, else the rescue policy -> the kernel.
 */
#include "boot/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apply/apply.h"
#include "apply/proof.h"
#include "apply/timeouts.h"
#include "boot/block.h"
#include "boot/rescue.h"
#include "boot/standin.h"
#include "kernel/bootclock.h"
#include "kernel/live.h"
#include "store/author.h"
#include "store/file.h"
#include "store/generation.h"
#include "store/lists.h"
#include "util/cleanup.h"

struct booting {
	struct boot *b;
	struct store *s;
	const char *netns;
	struct arena *arena;
	json_t *record; /* of what came from the history; or NULL */
	bool trusted; /* the store may be read */
};

static void remark(struct boot *b, const char *text)
{
	buf_printf(&b->why, "%s%s", b->why.len ? "\n" : "", text);
}

/* ---- which one ---- */

/* Of an artefact that is what it was when it was written. */
static int check_hooks(struct booting *x, const char *name, struct artefact *artefact,
		       struct buf *why)
{
	static const char *const hooks[] = {"input", "forward", "output"};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		const char *line = arena_printf(
			x->arena, "type filter hook %s priority filter; policy drop;", hooks[i]);

		if (strstr(buf_str(&artefact->script), line))
			continue;
		buf_printf(why, "the artefact in %s/%s drops nothing at hook %s", x->s->path, name,
			   hooks[i]);
		artefact_free(artefact);
		*artefact = (struct artefact){0};
		return -EBADMSG;
	}
	return 0;
}

static int read_artefact(struct booting *x, const char *name, struct artefact *out,
			 struct buf *why)
{
	int err = store_read(x->s, name, x->arena, out, why);

	if (!err)
		err = check_hooks(x, name, out, why);
	if (err || !lists_read(out->lists, why))
		return err;
	artefact_free(out);
	*out = (struct artefact){0};
	return -EBADMSG;
}

/* What was applied last is there twice; `stop` leaves the second. An older one is never taken: it
 * may be more open. */
static int from_history(struct booting *x, struct artefact *out, struct buf *why)
{
	struct generations l;
	unsigned newest;
	int err = generations_list(x->s, x->arena, WITH_RECORDS, &l, why);

	if (err)
		return err;
	newest = l.n ? l.v[l.n - 1].number : 0;
	x->record = l.n ? json_incref(l.v[l.n - 1].record) : NULL;
	generations_free(&l);
	if (!newest) {
		buf_puts(why, "nothing has ever been applied");
		return -ENOENT;
	}
	err = read_artefact(x, generation_name(x->arena, newest), out, why);
	if (!err)
		x->b->generation = newest;
	return err;
}

static int choose(struct booting *x, struct artefact *out)
{
	_cleanup_buf_ struct buf first = {0}, second = {0};
	int err = read_artefact(x, STORE_APPLIED, out, &first);

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
		remark(x->b,
		       arena_printf(x->arena, "generation %u of the history is loaded instead",
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
	x->b->empty.len = 0;
	buf_puts(&x->b->empty, buf_str(&apply.remarks));
	apply_free(&apply);
	return live;
}

/* Settings that cannot be made here: that is said, and the policy is loaded all the same. */
static void left_out_timeouts(struct booting *x, const struct artefact *artefact)
{
	struct timeouts_left_out out = {0};

	timeouts_left_out(x->arena, x->netns, artefact->manifest, &out);
	for (size_t i = 0; i < out.n; i++) {
		const char *text = arena_printf(x->arena, "timeout %s", out.v[i].t->name);

		vec_push(x->arena, &x->b->left_out,
			 ((struct standin){
				 .at = out.v[i].t->at, .text = text, .needs = out.v[i].needs}));
	}
}

/* What this very kernel has made of it before, it will most likely make again. */
static bool load_as_it_is(struct booting *x, const struct artefact *artefact)
{
	size_t said = x->b->why.len;
	bool ok = proof_is_kept(artefact) && load(x, artefact);

	if (!ok)
		x->b->why.len = said; /* what is fitted tells it again */
	return ok;
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
	buf_free(&fitting.held);
	return ok;
}

/* Whether each hook ends in a drop: half of a firewall is none. */
static bool filters_already(const char *netns, struct arena *a)
{
	static const char *const hooks[] = {"input", "forward", "output"};
	_cleanup_buf_ struct buf ignored = {0};
	struct live live;

	if (live_read(&live, netns, a, &ignored) || live.ruleset->dormant)
		return false;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		const struct ir_chain *c = ruleset_chain(live.ruleset, hooks[i]);

		if (!c || !c->base.hook || strcmp(c->base.hook, hooks[i]) != 0 ||
		    !c->base.policy_drop)
			return false;
	}
	return true;
}

/* The ordinary way, with proof and all; if not even that goes, the script as it is, in place of
 * whatever is there. */
static bool load_rescue(struct booting *x, const struct rescue *r)
{
	_cleanup_buf_ struct buf why = {0}, anew = {0};
	struct artefact artefact;
	bool ok;

	if (rescue_compile(x->arena, r, &artefact, &why)) {
		remark(x->b, buf_str(&why));
		return false;
	}
	buf_printf(&anew, "add table inet fwc\ndelete table inet fwc\n%s",
		   buf_str(&artefact.script));
	ok = (x->trusted && load(x, &artefact)) ||
	     live_run(x->netns, buf_str(&anew), &why) == 0;
	if (!ok)
		remark(x->b, buf_str(&why));
	buf_free(&artefact.script);
	return ok;
}

/* From what is wanted to what needs the least: nothing that goes wrong on the way leaves the host
 * open. */
static enum boot_outcome shut(struct booting *x, const char *settings)
{
	const struct rescue none = {.port = 22};
	_cleanup_buf_ struct buf why = {0};
	struct rescue r;

	if (filters_already(x->netns, x->arena))
		return BOOT_LEFT;
	rescue_settings(x->arena, settings, &r, &why);
	if (why.len)
		remark(x->b, buf_str(&why));
	why.len = 0;
	if (load_rescue(x, &r))
		return BOOT_BLOCKED;
	if (r.networks.n) {
		remark(x->b, "so " RESCUE_SETTINGS " is not used");
		if (load_rescue(x, &none))
			return BOOT_BLOCKED;
	}
	if (block_all(x->netns, &why) == 0)
		return BOOT_BLOCKED;
	remark(x->b, buf_str(&why));
	return BOOT_NOTHING;
}

enum boot_outcome boot_block(const char *netns, struct arena *a, struct buf *why)
{
	if (filters_already(netns, a))
		return BOOT_LEFT;
	return block_all(netns, why) ? BOOT_NOTHING : BOOT_BLOCKED;
}

/* ---- all of it ---- */

void boot_load(struct boot *b, struct store *s, const char *why_not, const char *netns,
	       const char *settings, struct arena *a)
{
	struct booting x = {
		.b = b, .s = s, .netns = netns, .arena = a, .trusted = s->dir >= 0 && !why_not};
	struct artefact artefact = {0};
	bool ok = false;

	*b = (struct boot){0};
	if (!x.trusted)
		remark(b, why_not);
	else
		ok = choose(&x, &artefact) == 0 &&
		     (load_as_it_is(&x, &artefact) || load_fitting(&x, &artefact));
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
	if (ok)
		left_out_timeouts(&x, &artefact);
	artefact_free(&artefact);
}

void boot_free(struct boot *b)
{
	buf_free(&b->why);
	buf_free(&b->empty);
}
