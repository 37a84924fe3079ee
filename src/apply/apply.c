/* SPDX-License-Identifier: GPL-2.0-or-later
 * artefact -> two transactions -> the kernel holds it, or still holds what it held.
 */
#include "apply/apply.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "apply/bulk.h"
#include "apply/fetched.h"
#include "apply/flows.h"
#include "apply/forwarding.h"
#include "apply/lockout.h"
#include "apply/needs.h"
#include "apply/plan.h"
#include "apply/proof.h"
#include "apply/summary.h"
#include "apply/timeouts.h"
#include "kernel/bootclock.h"
#include "kernel/links.h"
#include "kernel/live.h"
#include "kernel/sysctl.h"
#include "nft/remake.h"
#include "nft/script.h"
#include "nft/trial.h"
#include "store/boot_note.h"
#include "store/saved.h"
#include "store/seen.h"
#include "store/shown.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/progress.h"

#define TRIES 5

struct run {
	struct apply *x;
	struct plan_input in;
	struct live live;
	struct flows flows; /* arena NULL: they are not looked at */
	bool taken_up;
	bool same; /* the kernel holds it already; then what follows of the kernel was not read */
	bool seen; /* known by its generation */
	struct map alike; /* objects of the kernel that are as they are to be */
	struct map filled; /* bulk sets that hold what they are to hold */
	struct map altered; /* bulk sets in force that somebody has changed */
	unsigned strays; /* times that others may have committed since these were compared; the
			    first is before */
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

static int fetch_live(struct run *r)
{
	bool hurry = r->live.hurry;
	int err = live_fetch(&r->live, r->x->netns, r->in.arena, &r->x->why);

	r->live.hurry = hurry;
	r->strays++;
	return err;
}

static int parse_live(struct run *r)
{
	int err = live_parse(&r->live, r->in.arena, &r->x->why);

	r->in.live = r->live.ruleset;
	return err;
}

static int read_live(struct run *r)
{
	int err = fetch_live(r);

	return err ? err : parse_live(r);
}

/* What the kernel is to hold in the end, said by a kernel. */
static int take_want(struct run *r, const struct proof *p)
{
	struct manifest_object *const *o;

	if (p->outcome != SCRATCH_LOADED)
		return fail(r, p->outcome == SCRATCH_REFUSED ? -EINVAL : -EPERM,
			    proof_text(r->in.arena, p));
	r->in.want = p->ruleset;
	vec_each (&r->in.artefact->manifest->objects, o) {
		if (!map_get(p->ruleset->by_name,
			     arena_printf(r->in.arena, "%c:%s",
					  (*o)->kind == OBJECT_CHAIN ? 'c' : 's', (*o)->name)))
			return fail(r, -EBADMSG,
				    "script and manifest of the artefact name different objects");
	}
	if (p->ruleset->by_name->entries.n != r->in.artefact->manifest->objects.n)
		return fail(r, -EBADMSG,
			    "the artefact's script holds objects that its manifest lacks");
	return 0;
}

static int check_conflict(struct run *r)
{
	const char *hint = NULL, *conflict;

	if (!r->in.resizes && plan_resizes(&r->in))
		r->in.resizes = scratch_resizes_sets(r->in.arena);
	conflict = plan_conflict(&r->in, &hint);
	if (!conflict)
		return 0;
	buf_printf(&r->x->why, "%s\nhint: %s", conflict, hint);
	return -EEXIST;
}

/* What was made is as a scratch load of the same script has it. */
static int prove(struct run *r, const struct live_names *names, bool all)
{
	struct differences d = {0};
	struct map keys;

	map_init(&keys, r->in.arena);
	plan_keys(r->in.arena, names, &keys);
	ruleset_compare(r->in.arena, r->in.want, r->in.live, all ? r->in.want->by_name : &keys, &d);
	for (size_t i = 0; i < d.n; i++) {
		const struct difference *x = &d.v[i];

		if (!x->left) /* a base chain that this policy does not need */
			continue;
		buf_printf(&r->x->why,
			   "the kernel holds %s %s differently from what was sent\n--- wanted\n%s"
			   "+++ in the kernel\n%s",
			   x->kind, x->name, x->left, x->right ? x->right : "\t(nothing)\n");
		return -EIO;
	}
	return 0;
}

static bool starts_conntrack(const struct plan_input *in)
{
	return strstr(in->artefact->script.data, "ct state") != NULL;
}

/* The staged rules have started conntrack, and it learns of what it sees. Of what is silent for
 * that second, this machine knows only those connections that end here. */
static void take_up(struct run *r)
{
	_cleanup_buf_ struct buf why = {0};
	size_t taken;

	if (r->taken_up || !starts_conntrack(&r->in) || !links_up(r->x->netns))
		return;
	r->taken_up = true;
	if (conns_take_up(r->x->netns, &taken, &why))
		say(r, arena_printf(r->in.arena,
				    "warning: connections that stay silent for the next second are "
				    "cut off: %s",
				    buf_str(&why)));
	say(r, "first apply: waiting a second to pick up running connections");
	nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
}

static int transact(struct run *r, const struct buf *script, const struct live_names *names,
		    struct live_outcome *out)
{
	uint32_t before = r->live.generation;
	int err = live_change(&r->live, r->x->netns, r->in.arena, buf_str(script), names, out,
			      &r->x->why);

	r->strays += !out->alone || r->live.generation != before + 1;
	r->in.live = r->live.ruleset;
	return err;
}

/* Where the compilation has kept what this kernel makes of it. */
static bool can_stage_kept(const struct run *r)
{
	_cleanup_buf_ struct buf grown = {0};

	return proof_is_kept(r->in.artefact) &&
	       !script_grow(&grown, buf_str(&r->in.artefact->script));
}

/* What was made is what was kept: then it need not be read. */
static int prove_kept(struct run *r, struct live *made, const struct live_names *names,
		      const struct map *keys)
{
	const struct artefact *x = r->in.artefact;
	int err;

	if (names ? proof_holds_some(r->in.arena, x, keys, made->dump, made->len)
		  : proof_holds_staged(r->in.arena, x, made->dump, made->len)) {
		plan_add_staged(&r->in, keys, r->live.ruleset);
		return 0;
	}
	err = live_merge(&r->live, made, names, r->in.arena, &r->x->why);
	r->in.live = r->live.ruleset;
	return err;
}

/* What is missing, made without libnftables. False, with nothing made, where the kernel does not
 * take it, or it is not known to be made of messages; then the script is loaded, and a refusal has
 * a line. */
static bool stage_kept(struct run *r, int *err)
{
	_cleanup_buf_ struct buf messages = {0};
	const struct buf *held = &r->in.artefact->held;
	bool all = !r->in.live->by_name->entries.n, known;
	struct live_names names = {0};
	struct live_outcome out = {0};
	struct live made = {0};
	size_t said = r->x->why.len;
	uint32_t before = r->live.generation;
	struct map keys;

	map_init(&keys, r->in.arena);
	known = plan_missing(&r->in, &names, &keys);
	*err = 0;
	if (!names.n)
		return true;
	if (fault_wanted("no-messages"))
		return false;
	if (all ? !remake_staged(r->in.arena, held->data, held->len, &messages)
		: !known || !remake_some(r->in.arena, held->data, held->len, &keys, &messages))
		return false;
	*err = live_make(&r->live, r->x->netns, r->in.arena, &messages, all ? NULL : &names, &made,
			 &out, &r->x->why);
	if (!out.committed && *err != -ESTALE) {
		r->x->why.len = said;
		return false;
	}
	r->strays += !out.alone || r->live.generation != before + 1;
	if (out.committed)
		r->x->staged += names.n;
	fault_point("staged");
	if (!*err)
		*err = prove_kept(r, &made, all ? NULL : &names, &keys);
	if (!*err)
		*err = prove(r, &names, false);
	return true;
}

static int stage_script(struct run *r)
{
	_cleanup_buf_ struct buf script = {0}, grown = {0};
	struct live_names names = {0};
	struct live_outcome out = {0};
	int err = 0;

	if (fault_wanted("no-script"))
		return fail(r, -EOPNOTSUPP, "no script is to be loaded");
	plan_stage(&r->in, &script, &names);
	if (names.n) {
		bool grows = scratch_grow(&grown, buf_str(&script));

		err = transact(r, grows ? &grown : &script, &names, &out);
		if (out.committed)
			r->x->staged += names.n;
		fault_point("staged");
		if (!err)
			err = prove(r, &names, false);
	}
	return err;
}

/* Transaction 1. Nothing refers to what it makes, so nothing changes for packets. */
static int stage(struct run *r)
{
	bool first = plan_first(&r->in);
	int err = 0;

	if (!can_stage_kept(r) || !stage_kept(r, &err))
		err = stage_script(r);
	if (!err)
		err = bulk_stage(&r->in, &r->live, r->x->netns, &r->filled, &r->x->why);
	if (!err)
		fetched_stage(&r->in, &r->live, r->x->netns, r->x->store, &r->filled,
			      &r->x->remarks);
	/* also over what an apply has staged that died then */
	if (!err && first)
		take_up(r);
	return err;
}

/* Transaction 2: the roots. If others commit at the same time, all is read again to be sure. */
static int swap(struct run *r)
{
	_cleanup_buf_ struct buf script = {0};
	struct live_names names = {0};
	struct live_outcome out = {0};
	bool asleep = r->in.live->dormant;
	int err;

	if (r->x->mode == APPLY_CONFIRM)
		plan_trial_end(r->in.live, &script);
	plan_swap(&r->in, &script, &names);
	fault_point("before-swap");
	if (!script.len)
		return 0;
	err = transact(r, &script, &names, &out);
	r->x->live = out.committed;
	if (out.committed)
		r->x->swapped += names.n + asleep;
	fault_point("swapped");
	if (!err && (asleep || !out.alone))
		err = read_live(r);
	if (!err)
		err = prove(r, &names, !out.alone);
	return err;
}

static int run_trial(struct run *r, const struct buf *script)
{
	struct live_names none = {0};
	struct live_outcome out = {0};
	int err = transact(r, script, &none, &out);

	r->x->live |= out.committed;
	return err ? err : read_live(r);
}

/* Two more transactions: look-ups that find nothing, and what they find. */
static int try_out(struct run *r)
{
	_cleanup_buf_ struct buf frame = {0}, start = {0};
	_cleanup_json_ json_t *sysctl = NULL;
	uint64_t now;
	int err;

	if (sysctl_snapshot(r->x->netns, &sysctl, &r->x->why))
		return -EIO;
	plan_trial_frame(&r->in, (bool[]){sysctl_forwards(sysctl, 4), sysctl_forwards(sysctl, 6)},
			 &frame);
	err = run_trial(r, &frame);
	fault_point("framed");
	r->x->live = false; /* no packet meets anything new */
	if (err)
		return err;
	now = boot_clock();
	if (now + TRIAL_MIN * 500 > r->x->deadline)
		return fail(r, -ETIME, "the trial's time ran out before it could begin");
	plan_trial_start(&r->in, r->x->deadline - now, &start);
	err = run_trial(r, &start);
	fault_point("trial-swapped");
	if (!err && !trial_acts(r->in.live))
		return fail(r, -EIO, "the kernel holds the trial differently from what was sent");
	r->x->swapped = err ? 0 : 1;
	return err;
}

/* Connections that the new rules refuse end where the rules are there to stay; before anything that
 * takes time. */
static int end_flows(struct run *r)
{
	struct apply *x = r->x;
	int err = 0;

	if (r->flows.arena && x->mode != APPLY_TRIAL && !x->unchanged)
		err = flows_end(&r->flows, &x->ended, &x->why);
	fault_point("flows-ended");
	return err;
}

/* What the kernel holds, and, where nothing was to be done, which files say the same. */
static void note_seen(struct run *r)
{
	struct apply *x = r->x;

	if (!r->same && r->strays > 1)
		return;
	if (!r->seen)
		seen_note_lists(x->store, x->artefact, x->netns, r->live.generation);
	if (r->same && !r->seen)
		seen_note(x->store, x->artefact, x->netns, r->live.generation);
	else if (r->same && x->artefact->files)
		seen_note_files(x->store, x->artefact, x->arena);
}

/* What goes wrong costs the offload alone; behind the collection, as a device is in one flowtable.
 */
static void bind_devices(struct run *r)
{
	struct apply *x = r->x;
	_cleanup_buf_ struct buf why = {0};

	if (offload_bind(x->arena, x->netns, r->in.artefact->manifest, &x->offload, &why))
		x->offload_why = arena_strdup(x->arena, buf_str(&why));
}

/* The rules are in force; what is left is done as far as it can be, the first failure told. */
static int finish(struct run *r)
{
	struct apply *x = r->x;
	int first, err;

	store_release(x->store);
	first = end_flows(r);
	err = forwarding_apply(x->store, x->netns, r->in.artefact->manifest->forwarding,
			       &x->forwarding_changed, &x->why);
	first = first ? first : err;
	fault_point("forwarding");
	err = timeouts_apply(x->store, x->netns, r->in.artefact->manifest, &x->timeouts_changed,
			     &x->timeouts_lost, &x->why);
	first = first ? first : err;
	fault_point("timeouts");
	err = x->mode == APPLY_NOW || x->mode == APPLY_CONFIRM ? apply_record(x) : 0;
	first = first ? first : err;
	fault_point("recorded");
	if (x->mode == APPLY_NOW || x->mode == APPLY_CONFIRM)
		boot_note_drop(x->store);
	if (x->mode == APPLY_TRIAL) { /* the old rules are still needed, and their flowtable */
		bind_devices(r);
		return first ? first : err;
	}
	err = saved_counters_prune(x->store, r->in.arena, r->in.artefact->manifest, &x->why);
	first = first ? first : err;
	err = r->same ? 0
		      : collect_garbage(x->netns, r->in.arena, r->in.artefact, &r->live,
					&x->collected, &x->left, &x->why);
	note_seen(r);
	bind_devices(r);
	return first ? first : err;
}

/* Staged objects that no root reaches are harmless, but need not lie about. Rules that are in force
 * without being what was sent stay, with what they replaced; and nothing begins to be forwarded. */
static int give_up(struct run *r, int err)
{
	_cleanup_buf_ struct buf ignored = {0};
	size_t gone, left;

	store_release(r->x->store);
	if (r->x->live && (r->x->mode == APPLY_NOW || r->x->mode == APPLY_CONFIRM))
		apply_record(r->x);
	else if (!r->x->live && r->x->staged && r->x->mode == APPLY_NOW)
		collect_garbage(r->x->netns, r->in.arena, NULL, NULL, &gone, &left, &ignored);
	return err;
}

/* Tables of others may change under us, ours not: whoever did that shall be asked. */
static int look_again(struct run *r)
{
	const struct ir_ruleset *before = r->in.live;
	int err;

	r->x->why.len = 0;
	err = read_live(r);
	if (!err && ruleset_differs(r->in.arena, before, r->in.live))
		return fail(r, -EBUSY,
			    "another program changed table inet fwc at the same moment\n"
			    "hint: `fwc status` shows what changed; `fwc apply` again mends it");
	return err;
}

/* Both transactions, begun again if somebody changes the ruleset while we look at it. The last try
 * does not wait for a quiet moment: what others change are most likely tables of their own, and the
 * proof after the swap finds out. */
static int change(struct run *r)
{
	int err = -ESTALE;

	map_init(&r->filled, r->in.arena);
	for (int i = 0; i < TRIES && err == -ESTALE; i++) {
		if (i) {
			err = look_again(r);
			if (err)
				break;
			r->live.hurry = i == TRIES - 1;
		}
		err = check_conflict(r);
		if (!err && r->x->mode == APPLY_CONFIRM && !trial_acts(r->in.live))
			err = fail(r, -ETIME, "the trial is over: the previous rules are in force");
		if (!err)
			err = bulk_mend(&r->in, r->x->netns, &r->altered, &r->x->swapped,
					&r->x->why);
		if (!err)
			err = stage(r);
		if (!err)
			err = r->x->mode == APPLY_TRIAL ? try_out(r) : swap(r);
	}
	if (err)
		return give_up(r, err);
	shown_drop(r->x->store);
	r->x->unchanged = !r->x->staged && !r->x->swapped;
	r->x->live = true;
	return finish(r);
}

/* What is wanted the compilation has kept, as a kernel held it. Where another kernel or another
 * libnftables is to make it now, it is asked of a scratch namespace, and of the real one what there
 * is, at the same time. */
static int look(struct run *r)
{
	struct proof p;
	struct scratch s;
	int err;

	if (proof_of_kept(&p, r->in.arena, r->in.artefact)) {
		err = r->live.dump ? 0 : fetch_live(r);
		if (!err)
			err = live_parse_like(&r->live, r->in.arena, p.ruleset, &r->alike,
					      &r->x->why);
		r->in.live = r->live.ruleset;
		return err ? err : take_want(r, &p);
	}
	scratch_start_anywhere(&s, buf_str(&r->in.artefact->script), r->x->netns);
	err = read_live(r);
	if (err) {
		s.may_sleep = false;
		scratch_wait(&s);
		scratch_free(&s);
		return err;
	}
	proof_of_script(&p, r->in.arena, r->in.artefact, &s);
	err = take_want(r, &p);
	r->x->asleep = p.asleep;
	if (!err && p.asleep) /* that was a change of the ruleset */
		err = read_live(r);
	return err;
}

/* Nothing of ours filtered before, or nothing that was there to stay. */
static bool is_first(const struct run *r)
{
	_cleanup_buf_ struct buf ignored = {0};
	_cleanup_json_ json_t *record = NULL;

	return plan_first(&r->in) || (r->x->mode == APPLY_CONFIRM &&
				      store_read_record(r->x->store, &record, &ignored) == -ENOENT);
}

/* Judged before anything changes: so they are known to be read, and afterwards nothing but reading
 * them anew stands between the new rules and the end of what these refuse. Before a first apply
 * conntrack may not have seen who opened what, so that ends nothing. */
static int look_at_flows(struct run *r)
{
	struct flows_input in = {.netns = r->x->netns,
				 .ruleset = r->in.want,
				 .manifest = r->in.artefact->manifest,
				 .before = r->in.live};
	struct flows_judged list = {0};
	int err;

	if (flows_kept(r->x->flows, r->x->artefact->manifest) || is_first(r))
		return 0;
	progress_begin(PROGRESS_FLOWS, 0);
	err = flows_open(&r->flows, r->x->arena, &in, &r->x->why);
	if (err)
		buf_puts(&r->x->why, "\nhint: --keep-flows leaves them alone");
	else
		flows_refused(&r->flows, &list);
	progress_end();
	r->x->refused = list.n;
	return err;
}

static void summarise(struct run *r)
{
	struct summary_side before = {.ruleset = r->in.live};
	struct summary_side after = {r->in.want, r->in.artefact->manifest};
	struct artefact applied = {0};
	struct apply *x = r->x;

	if ((x->mode != APPLY_NOW && x->mode != APPLY_CONFIRM && !x->tell_changes) || is_first(r))
		return;
	if (x->mode == APPLY_CONFIRM)
		before = summary_before_trial(x->arena, x->store, x->netns, &applied);
	else
		before.manifest = store_read_manifest(x->store, STORE_APPLIED, x->arena);
	if (before.ruleset)
		x->changes = summary_of(x->arena, &before, &after);
	if (x->tell_changes && x->say)
		summary_print(x->say, "", x->changes);
	artefact_free(&applied);
}

/* Most applies of most machines find what they would put there; then nobody can be cut off by it,
 * and nothing need be read. */
static bool is_in_force(struct run *r)
{
	const struct apply *x = r->x;
	bool same;

	map_init(&r->alike, r->in.arena);
	map_init(&r->altered, r->in.arena);
	if (x->mode != APPLY_NOW && x->mode != APPLY_RESTORE)
		return false;
	r->seen = artefact_is_head(x->artefact) ||
		  (store_holds(x->store, STORE_APPLIED, x->artefact) &&
		   seen_still(x->store, x->artefact, x->netns));
	if (r->seen)
		return true;
	same = fetch_live(r) == 0 &&
	       proof_holds(r->in.arena, x->artefact, r->live.dump, r->live.len, &r->alike) &&
	       bulk_holds(r->in.arena, x->artefact, x->netns, NULL);
	r->x->why.len = 0; /* who looks again is told again */
	return same;
}

int apply_refusal(struct apply *x)
{
	struct run r = {.x = x, .in = {.arena = x->arena, .artefact = x->artefact}};
	int err;

	if (is_in_force(&r))
		return 0;
	err = look(&r);
	if (!err && x->ssh)
		err = lockout_check(x->arena, r.in.want, x->ssh, x->netns, &x->why);
	return err ? err : check_conflict(&r);
}

/* All that may speak against it, before anything is changed. */
static int prepare(struct run *r)
{
	struct apply *x = r->x;
	int err = look(r);

	if (!err)
		err = bulk_room(&r->in, &x->why);
	if (!err) {
		bulk_give(&r->in, x->store);
		err = bulk_look(&r->in, r->live.ruleset, x->store, x->netns, &r->altered,
				&x->why);
	}
	if (!err && x->as_shown &&
	    shown_differs(x->store, x->arena, r->in.live, x->artefact->manifest))
		err = fail(
			r, -EBUSY,
			"the rules in the kernel have changed since `fwc diff` compared with them\n"
			"hint: `fwc diff` again; or --force");
	if (!err && x->ssh)
		err = lockout_check(x->arena, r->in.want, x->ssh, x->netns, &x->why);
	/* what goes back to what is on record anyway must not want anything */
	if (!err && x->mode != APPLY_RESTORE && !store_holds(x->store, STORE_APPLIED, x->artefact))
		err = store_reserve(x->store, x->artefact, &x->why);
	if (!err)
		err = look_at_flows(r);
	if (!err)
		summarise(r);
	return err;
}

/* The rules stay; what is on record of them, and what else belongs to them, may not be there. */
static int stay(struct run *r)
{
	struct apply *x = r->x;

	x->changes = summary_of_none();
	if (x->tell_changes && x->say)
		summary_print(x->say, "", x->changes);
	shown_drop(x->store);
	x->unchanged = x->live = true;
	return finish(r);
}

int apply_artefact(struct apply *x)
{
	struct run r = {.x = x, .in = {.arena = x->arena, .artefact = x->artefact}};
	sigset_t quiet, old;
	int err;

	r.same = is_in_force(&r);
	err = r.same ? 0 : prepare(&r);
	if (err) {
		flows_free(&r.flows);
		return err;
	}
	/* From here on an impatient ^C or a lost session would leave things half recorded. */
	sigemptyset(&quiet);
	sigaddset(&quiet, SIGINT);
	sigaddset(&quiet, SIGTERM);
	sigaddset(&quiet, SIGHUP);
	sigprocmask(SIG_BLOCK, &quiet, &old);
	err = r.same ? stay(&r) : change(&r);
	sigprocmask(SIG_SETMASK, &old, NULL);
	flows_free(&r.flows);
	return err;
}

void apply_free(struct apply *x)
{
	json_decref(x->changes);
	buf_free(&x->remarks);
	buf_free(&x->why);
}
