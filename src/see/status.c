/* SPDX-License-Identifier: GPL-2.0-or-later
 * kernel, records and source files -> struct status.
 */
#include "see/status.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <string.h>
#include <time.h>

#include "apply/bulk.h"
#include "apply/inspectd.h"
#include "apply/proof.h"
#include "kernel/flows.h"
#include "kernel/live.h"
#include "kernel/opener.h"
#include "kernel/sysctl.h"
#include "see/delta_print.h"
#include "see/flows_print.h"
#include "see/others.h"
#include "store/saved.h"
#include "store/sources.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/fd.h"

static int slurp(const char *path, struct buf *out)
{
	_cleanup_close_ int fd = opener_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK);

	return fd < 0 ? fd : fd_read(fd, out);
}

/* What bulk sets hold: by their names, or as read where that is something else. */
static void give_lists(struct status *st, const struct store *s, const char *netns,
		       const struct ir_ruleset *want, struct ir_ruleset *live, struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct plan_input in = {.arena = a, .want = want};
	struct map altered;

	map_init(&altered, a);
	ruleset_take_bulk(live, want);
	store_give_lists(s, a, live);
	if (st->bulk_differs)
		bulk_look(&in, live, NULL, netns, &altered, &ignored);
}

/* deep: what bulk sets hold is read. */
static void find_drift(struct status *st, const struct store *s, const char *netns,
		       const struct live *now, bool deep, struct arena *a)
{
	const struct ir_ruleset *live = now->ruleset;
	struct delta_side before, after;
	struct proof p;

	st->deep = deep;
	if (deep)
		bulk_holds(a, &st->applied, netns, &st->bulk_differs);
	if (!st->dormant && !st->bulk_differs &&
	    proof_holds(a, &st->applied, now->dump, now->len, NULL)) {
		st->drift_known = true;
		return;
	}
	if (!proof_of_kept(&p, a, &st->applied))
		proof_make(&p, a, buf_str(&st->applied.script), NULL);
	if (p.outcome == SCRATCH_REFUSED)
		st->lacking = arena_printf(a, "%s%s%s", p.error.where, *p.error.where ? ": " : "",
					   p.error.text);
	if (p.outcome != SCRATCH_LOADED)
		return;
	st->drift_known = true;
	give_lists(st, s, netns, p.ruleset, now->ruleset, a);
	diff_rulesets(a, live, st->applied.manifest, p.ruleset, st->applied.manifest, &st->drift);
	if (!st->drift.n && !st->dormant)
		return;
	before = delta_side_of(p.ruleset, st->applied.manifest);
	after = delta_side_of(live, st->applied.manifest);
	delta_compare(&st->drift_packets, a, &before, &after,
		      (struct dd_budget){PROOF_NODES, PROOF_SECONDS});
}

static void read_records(struct status *st, const struct store *s, struct ir_ruleset *live,
			 struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct manifest_source *src;

	st->hidden = s->hidden;
	st->public = s->public;
	if (s->dir < 0)
		return;
	st->known = trial_in_force(s, a, live, &st->applied, &ignored) == 0;
	store_read_record(s, &st->record, &ignored);
	if (!st->known)
		return;
	vec_each (&st->applied.manifest->sources, src)
		vec_push(a, &st->sources,
			 ((struct status_source){.path = src->path, .state = source_look(src)}));
}

static void find_foreign(struct status *st, const struct ir_tables *all, const char *netns,
			 struct arena *a)
{
	_cleanup_buf_ struct buf text = {0};

	others_find(&st->foreign, all, a);
	/* only of our own namespace: proc shows that of the reader */
	if (!netns) {
		slurp("/proc/net/ip_tables_names", &text);
		slurp("/proc/net/ip6_tables_names", &text);
		st->legacy = text.len > 0;
	}
}

/* Whoever judges the connections of inspect rules. */
static void find_helper(struct status *st, const char *netns, struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	int err;

	if (!st->known || !st->applied.manifest->inspect)
		return;
	err = inspectd_glance(inspectd_socket(a, netns), &st->judging, &ignored);
	st->helper = !err				      ? HELPER_RUNS
		     : err == -ENOENT || err == -ECONNREFUSED ? HELPER_GONE
		     : err == -EAGAIN			      ? HELPER_SILENT
							      : HELPER_UNKNOWN;
}

static void find_offload(struct status *st, const struct live *live, const char *netns,
			 struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct manifest *m = st->applied.manifest;
	struct conns all;

	if (!st->known || !m->offload.flowtable)
		return;
	offload_look(a, netns, m, ruleset_set(live->ruleset, m->offload.flowtable), &st->offload,
		     &ignored);
	if (conns_read(netns, &all, &ignored))
		return;
	for (size_t i = 0; i < all.n; i++)
		st->offloaded += flow_is_offloaded(&all.v[i]);
	conns_free(&all);
}

/* Where others never stop changing their tables, ours is looked at alone. */
static int look(struct live *live, struct ir_tables *all, const char *netns, struct arena *a,
		struct buf *why)
{
	_cleanup_buf_ struct buf ignored = {0};
	int err = live_read_among(live, all, netns, a, &ignored);

	if (!err && live->present)
		vec_push(a, all, ((struct ir_table){NFPROTO_INET, IR_TABLE, live->ruleset}));
	if (!err)
		return 0;
	*all = (struct ir_tables){0};
	return live_read(live, netns, a, why);
}

int status_gather(struct status *st, const char *netns, const struct store *s, bool deep,
		  struct arena *a, struct buf *why)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct ir_tables all = {0};
	struct live live;
	int err = look(&live, &all, netns, a, why);

	*st = (struct status){0};
	if (err)
		return err;
	st->loaded = ruleset_has_base(live.ruleset);
	st->dormant = live.ruleset->dormant;
	read_records(st, s, live.ruleset, a);
	trial_read(s, &st->trial, &ignored);
	panic_read(netns, s, a, &st->panic, &ignored);
	boot_note_read(s, a, &st->boot);
	if (sysctl_snapshot(netns, &st->sysctl, &ignored))
		st->sysctl = NULL;
	find_foreign(st, &all, netns, a);
	find_helper(st, netns, a);
	seen_fetched_look(s, a, (uint64_t)time(NULL), &st->fetched);
	if (!st->loaded)
		return 0;
	if (st->known)
		interfaces_look(&st->interfaces, a, netns, st->applied.manifest);
	find_offload(st, &live, netns, a);
	quotas_look(live.ruleset, s, a, NULL, &st->quotas);
	/* on trial it is meant to hold something else */
	if (st->known && st->trial.state == TRIAL_NONE)
		find_drift(st, s, netns, &live, deep, a);
	report_lines(a, live.ruleset, st->applied.manifest, &st->lines);
	ends_find(a, &st->lines, live.ruleset, &st->ends);
	saved_counters_add(s, netns, a, &st->lines);
	return 0;
}

void status_free(struct status *st)
{
	artefact_free(&st->applied);
	json_decref(st->record);
	json_decref(st->sysctl);
	json_decref(st->judging);
}

bool status_good(const struct status *st)
{
	if (st->panic.on || st->boot.there)
		return false;
	if (st->trial.state != TRIAL_NONE)
		return st->loaded && !st->dormant && st->trial.state == TRIAL_RUNNING;
	return st->helper != HELPER_GONE && st->helper != HELPER_SILENT && st->loaded &&
	       (st->known || st->hidden || st->public) && !st->drift.n && !st->dormant &&
	       !st->bulk_differs && seen_fetched_good(&st->fetched);
}
