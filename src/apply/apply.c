/* SPDX-License-Identifier: GPL-2.0-or-later
 * artefact -> two transactions -> the kernel holds it, or still holds what it held.
 */
#include "config.h"

#include "apply/apply.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "apply/fault.h"
#include "apply/forwarding.h"
#include "apply/live.h"
#include "apply/plan.h"
#include "apply/proof.h"
#include "util/cleanup.h"

struct run {
	struct apply *x;
	struct plan_input in;
	struct live live;
};

static void say(const struct run *r, const char *text)
{
	if (r->x->say) {
		fprintf(r->x->say, "%s\n", text);
		fflush(r->x->say);
	}
}

static int fail(struct run *r, int err, const char *text)
{
	buf_puts(&r->x->why, text);
	return err;
}

static int read_live(struct run *r)
{
	int err = live_read(&r->live, r->x->netns, r->in.arena, &r->x->why);

	r->in.live = r->live.ruleset;
	return err;
}

static const char *proof_text(struct arena *a, const struct proof *p)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	proof_print(f, p, NULL);
	fclose(f);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	return arena_strdup(a, text);
}

/* What the kernel is to hold in the end, said by a kernel. */
static int make_want(struct run *r)
{
	struct proof p;
	struct manifest_object *const *o;

	proof_make(&p, r->in.arena, buf_str(&r->in.artefact->script), NULL);
	if (p.outcome != SCRATCH_LOADED)
		return fail(r, p.outcome == SCRATCH_REFUSED ? -EINVAL : -EPERM,
			    proof_text(r->in.arena, &p));
	r->in.want = p.ruleset;
	vec_each(&r->in.artefact->manifest->objects, o) {
		if (!map_get(p.ruleset->by_name,
			     arena_printf(r->in.arena, "%c:%s",
					  (*o)->kind == OBJECT_CHAIN ? 'c' : 's', (*o)->name)))
			return fail(r, -EBADMSG,
				    "script and manifest of the artefact name different objects");
	}
	if (p.ruleset->by_name->entries.n != r->in.artefact->manifest->objects.n)
		return fail(r, -EBADMSG, "the artefact's script holds objects that its manifest lacks");
	return 0;
}

static int check_conflict(struct run *r)
{
	const char *hint = NULL, *conflict = plan_conflict(&r->in, &hint);

	if (!conflict)
		return 0;
	buf_printf(&r->x->why, "%s\nhint: %s", conflict, hint);
	return -EEXIST;
}

/* Of the objects that the swap leads to, each is as a scratch load of the same script has it; those
 * that the swap itself will mend or fill may differ. */
static int prove_staged(struct run *r, const struct map *known)
{
	struct differences d = {0};
	const struct difference *i;

	ruleset_compare(r->in.arena, r->in.want, r->in.live, r->in.want->by_name, &d);
	vec_each(&d, i) {
		bool chain = !strcmp(i->kind, "chain");
		const struct manifest_object *o =
			manifest_find(r->in.artefact->manifest, chain, i->name);
		const char *key =
			arena_printf(r->in.arena, "%c:%s", chain ? 'c' : 's', i->name);

		if (o->base || map_get(known, key))
			continue;
		buf_printf(&r->x->why,
			   "the kernel holds %s %s differently from what was sent; nothing was "
			   "swapped\n--- wanted\n%s+++ in the kernel\n%s",
			   i->kind, i->name, i->left ? i->left : "", i->right ? i->right : "");
		return -EIO;
	}
	return 0;
}

static bool starts_conntrack(const struct plan_input *in)
{
	return strstr(in->artefact->script.data, "ct state") != NULL;
}

/* Transaction 1. Nothing refers to what it makes, so nothing changes for packets. */
static int stage(struct run *r)
{
	_cleanup_buf_ struct buf script = {0};
	const struct map *known = r->in.live->by_name;
	int err;

	r->x->staged = plan_stage(&r->in, &script);
	if (!r->x->staged)
		return 0;
	err = live_run(r->x->netns, script.data, &r->x->why);
	if (err)
		return err;
	fault_point("staged");
	if (plan_first(&r->in) && starts_conntrack(&r->in)) {
		say(r, "first apply: waiting a second, so that running connections are taken up");
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
	err = read_live(r);
	if (!err)
		err = prove_staged(r, known);
	return err;
}

/* Another program may have committed since we read; then what we would replace may be gone. */
static int check_generation(struct run *r)
{
	struct genid now;
	int err = genid_get(r->x->netns, &now, &r->x->why);

	if (err || now.id == r->live.generation)
		return err;
	return read_live(r);
}

/* Transaction 2: the roots. */
static int swap(struct run *r)
{
	_cleanup_buf_ struct buf script = {0};
	int err = check_generation(r);

	if (err)
		return err;
	fault_point("before-swap");
	r->x->swapped = plan_swap(&r->in, &script);
	if (!r->x->swapped)
		return 0;
	err = live_run(r->x->netns, script.data, &r->x->why);
	r->x->live = !err;
	fault_point("swapped");
	return err;
}

static int prove_live(struct run *r)
{
	struct differences d = {0};
	int err = read_live(r);

	if (err)
		return err;
	ruleset_compare(r->in.arena, r->in.want, r->in.live, r->in.want->by_name, &d);
	if (!d.n)
		return 0;
	buf_printf(&r->x->why,
		   "the new rules are in the kernel, but %s %s is not as compiled: somebody changed it "
		   "meanwhile?\n--- wanted\n%s+++ in the kernel\n%s",
		   d.v[0].kind, d.v[0].name, d.v[0].left ? d.v[0].left : "",
		   d.v[0].right ? d.v[0].right : "");
	return -EIO;
}

json_t *apply_record(const char *netns)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *sudo = getenv("SUDO_USER");
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", localtime_r(&now, &tm));
	return json_pack("{s:i, s:s, s:I, s:s, s:s, s:s*}", "format", 1, "time", text, "epoch",
			 (json_int_t)now, "user", sudo ? sudo : pw ? pw->pw_name : "?", "fwc",
			 PACKAGE_VERSION, "netns", netns);
}

/* The time in the record is that of the last change of rules. */
static int write_record(struct run *r)
{
	_cleanup_json_ json_t *record = NULL, *manifest = NULL;
	_cleanup_buf_ struct buf ignored = {0};
	struct artefact old = {0};
	bool same = false;

	if (r->x->unchanged && store_read_record(r->x->store, &record, &ignored) == 0 &&
	    store_read(r->x->store, STORE_APPLIED, r->in.arena, &old, &ignored) == 0) {
		_cleanup_json_ json_t *before = manifest_json(old.manifest);

		manifest = manifest_json(r->in.artefact->manifest);
		same = json_equal(before, manifest);
		artefact_free(&old);
	}
	if (same)
		return 0;
	if (!record)
		record = apply_record(r->x->netns);
	if (!manifest)
		manifest = manifest_json(r->in.artefact->manifest);
	return store_write(r->x->store, STORE_APPLIED, &r->in.artefact->script, manifest, record,
			   &r->x->why);
}

/* The rules are in force; what is left is done as far as it can be, the first failure told. */
static int finish(struct run *r)
{
	struct apply *x = r->x;
	int proved = 0, first, err;

	if (!x->unchanged)
		proved = prove_live(r);
	/* rules that are not as they should be must not begin to forward */
	first = proved ? proved
		       : forwarding_apply(x->store, x->netns, r->in.artefact->manifest->forwarding,
					  &x->forwarding_changed, &x->why);
	fault_point("forwarding");
	err = write_record(r);
	first = first ? first : err;
	fault_point("recorded");
	if (proved)
		return first;
	err = collect_garbage(x->netns, r->in.arena, r->in.artefact, &x->collected, &x->left,
			      &x->why);
	return first ? first : err;
}

/* Staged objects that no root reaches are harmless, but need not lie about. */
static int undo(struct run *r, int err)
{
	_cleanup_buf_ struct buf ignored = {0};
	size_t gone, left;

	if (r->x->staged)
		collect_garbage(r->x->netns, r->in.arena, NULL, &gone, &left, &ignored);
	return err;
}

static int change(struct run *r)
{
	int err = stage(r);

	if (!err)
		err = swap(r);
	if (err)
		return undo(r, err);
	r->x->unchanged = !r->x->staged && !r->x->swapped;
	r->x->live = true;
	return finish(r);
}

int apply_artefact(struct apply *x)
{
	struct run r = {.x = x, .in = {.arena = x->arena, .artefact = x->artefact}};
	sigset_t quiet, old;
	int err = make_want(&r);

	if (!err)
		err = read_live(&r);
	if (!err)
		err = check_conflict(&r);
	if (err)
		return err;
	/* From here on an impatient ^C or a lost session would leave things half recorded. */
	sigemptyset(&quiet);
	sigaddset(&quiet, SIGINT);
	sigaddset(&quiet, SIGTERM);
	sigaddset(&quiet, SIGHUP);
	sigprocmask(SIG_BLOCK, &quiet, &old);
	err = change(&r);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

void apply_free(struct apply *x)
{
	buf_free(&x->why);
}
