/* SPDX-License-Identifier: GPL-2.0-or-later
 * An artefact into the kernel, for good or on trial, and what is said of it: what fwc apply,
 * rollback and confirm have in common.
 */
#include "cmd/applying.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apply/inspectd.h"
#include "apply/proof.h"
#include "apply/timeouts.h"
#include "fetch/fetch.h"
#include "kernel/genid.h"
#include "kernel/session.h"
#include "see/diff.h"
#include "see/interfaces.h"
#include "see/others.h"
#include "store/generation.h"
#include "store/sources.h"
#include "trial/cancel.h"
#include "trial/note.h"
#include "trial/trial.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/show.h"

#define FETCH_MS 2000 /* that apply waits for others, at most */

/* ---- options ---- */

bool over_ssh(void)
{
	_cleanup_arena_ struct arena *a = arena_new();

	return session_ssh(a) && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static bool parse_seconds(const char *s, unsigned *out)
{
	uint64_t n = TRIAL_SECONDS;

	if (s && !number_word(s, TRIAL_MIN, TRIAL_MAX, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

int apply_options(int argc, char **argv, const char *what, struct apply_options *o)
{
	static const struct option longs[] = {{"dry-run", no_argument, NULL, 'n'},
					      {"message", required_argument, NULL, 'm'},
					      {"confirm", optional_argument, NULL, 'c'},
					      {"no-confirm", no_argument, NULL, 'o'},
					      {"force", no_argument, NULL, 'f'},
					      {"outdated", no_argument, NULL, 'u'},
					      {"keep-flows", no_argument, NULL, 'k'},
					      {"end-flows", no_argument, NULL, 'e'},
					      {0}};
	bool no_confirm = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "nm:", longs, NULL)) != -1) {
		if (c == 'n')
			o->dry_run = true;
		else if (c == 'm')
			o->comment = optarg;
		else if (c == 'o')
			no_confirm = true;
		else if (c == 'u')
			o->outdated = true;
		else if (c == 'f')
			o->force = true;
		else if (c == 'k' || c == 'e')
			o->flows = c == 'k' ? FLOWS_KEEP : FLOWS_END;
		else if (c == 'c' && !parse_seconds(optarg, &o->trial))
			return usage_error(argv[0],
					   "--confirm takes seconds, a number from %d to %d",
					   TRIAL_MIN, TRIAL_MAX);
		else if (c == 'c')
			continue;
		else
			return usage_bad_option(argv[0], argv, "nm:");
	}
	if (argc - optind > 1)
		return usage_error(argv[0], "one %s at a time", what);
	if (o->trial && optind < argc && !argv[optind][strspn(argv[optind], "0123456789")])
		return usage_error(argv[0],
				   "is '%s' the %s? --confirm=%s is a trial of %s seconds; for a "
				   "directory of that name write ./%s",
				   argv[optind], what, argv[optind], argv[optind], argv[optind]);
	if (o->trial && no_confirm)
		return usage_error(argv[0], "--confirm and --no-confirm cannot be combined");
	if (!no_confirm && !o->trial && over_ssh())
		o->trial = TRIAL_SECONDS;
	o->operand = optind < argc ? argv[optind] : NULL;
	return EXIT_FINE;
}

/* ---- trials ---- */

static int refuse_on_trial(const struct trial *t, struct buf *why)
{
	buf_printf(why,
		   "rules of %s are on trial for another %.0f s\n"
		   "hint: `fwc confirm` keeps them, `fwc rollback` ends the trial",
		   t->user, t->left);
	return -EBUSY;
}

bool apply_refuses(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
		   bool force)
{
	struct apply x = {.arena = a,
			  .store = s,
			  .netns = g->netns,
			  .artefact = in,
			  .ssh = force ? NULL : session_ssh(a)};
	struct trial t;
	int err = trial_read(s, &t, &x.why);

	if (!err && t.state == TRIAL_RUNNING)
		err = refuse_on_trial(&t, &x.why);
	if (!err)
		err = apply_refusal(&x);
	if (err)
		fprintf(stderr, "fwc: apply would refuse this: %s\n", buf_str(&x.why));
	apply_free(&x);
	return err != 0;
}

int trial_settle(struct globals *g, struct store *s, struct arena *a, enum trial_while what,
		 struct buf *why)
{
	enum trial_state was;
	struct trial t;
	int err = trial_read(s, &t, why);

	if (err || t.state == TRIAL_NONE)
		return err;
	if (t.state == TRIAL_RUNNING && what == WHILE_NOTHING)
		return refuse_on_trial(&t, why);
	err = trial_cancel(s, g->netns, a, &was, why);
	g->inspection = INSPECTION_ENDED;
	if (!err)
		fprintf(stderr, "fwc: %s\n",
			was == TRIAL_RUNNING
				? "the trial has ended: the previous rules are in force"
				: "a trial that nobody confirmed was undone");
	return err;
}

static int trial_apply(struct globals *g, struct apply *x, unsigned seconds)
{
	int err = trial_begin(x, seconds);

	if (!err && !g->json)
		printf("on trial for %u seconds: `fwc confirm` keeps these rules; without it "
		       "the\nprevious ones come back by themselves\n",
		       seconds);
	return err;
}

/* ---- applying ---- */

static json_t *left_out_json(const struct timeouts_left_out *left_out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < left_out->n; i++)
		json_array_append_new(list, json_string(left_out->v[i].t->name));
	return list;
}

static json_t *devices_json(const struct apply *x)
{
	json_t *all = json_object();
	const struct offload_device *d;

	vec_each (&x->offload, d)
		json_object_set_new(all, d->name,
				    d->bound ? json_true()
					     : json_string(d->why_not ? d->why_not : "gone"));
	return all;
}

/* trial: seconds. */
static void print_json(const struct apply *x, unsigned trial, const struct interfaces *i,
		       const struct foreigners *others, const struct timeouts_left_out *left_out,
		       int err)
{
	_cleanup_json_ json_t *j = json_pack(
		"{s:b, s:i, s:b, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:s}", "ok", err == 0, "trial",
		(int)trial, "unchanged", x->unchanged, "staged", (json_int_t)x->staged, "swapped",
		(json_int_t)x->swapped, "collected", (json_int_t)x->collected, "left",
		(json_int_t)x->left, "forwarding_changed", x->forwarding_changed, "refused",
		(json_int_t)x->refused, "ended", (json_int_t)x->ended, "error", buf_str(&x->why));

	json_object_set_new(j, "interfaces", interfaces_json(i));
	json_object_set_new(j, "foreign", others_json(others));
	json_object_set_new(j, "asleep", json_boolean(x->asleep));
	json_object_set_new(j, "timeouts_changed", json_boolean(x->timeouts_changed));
	json_object_set_new(j, "timeouts_lost", json_boolean(x->timeouts_lost));
	json_object_set_new(j, "timeouts_left_out", left_out_json(left_out));
	json_object_set_new(j, "offload", devices_json(x));
	json_object_set_new(j, "empty", json_string(buf_str(&x->remarks)));
	show_json(j, JSON_INDENT(2));
}

static void print_left_out(const struct timeouts_left_out *left_out)
{
	for (size_t i = 0; i < left_out->n; i++)
		fprintf(stderr, "fwc: warning: %s: timeout %s is left out: %s\n",
			left_out->v[i].t->at, left_out->v[i].t->name, left_out->v[i].reason);
}

static void print_devices(const struct apply *x)
{
	const struct offload_device *d;

	if (x->timeouts_lost)
		fprintf(stderr,
			"fwc: warning: timeouts.json was damaged: what timeouts were before fwc "
			"is forgotten, `fwc stop` leads back to what they were now\n");
	if (x->offload_why)
		fprintf(stderr, "fwc: warning: nothing is offloaded: %s\n", x->offload_why);
	vec_each (&x->offload, d)
		if (!d->bound)
			fprintf(stderr, "fwc: warning: %s is not offloaded: %s\n", d->name,
				d->why_not ? d->why_not : "it is gone");
}

/* Of sets that are fetched: the rules are in force all the same. */
static void print_remarks(const struct apply *x)
{
	const char *line = buf_str(&x->remarks);

	for (; *line; line += strcspn(line, "\n"), line += *line == '\n')
		fprintf(stderr, "fwc: warning: %.*s\n", (int)strcspn(line, "\n"), line);
}

/* What is in force all the same. */
static void note(const struct apply *x, const struct interfaces *i, const struct foreigners *others,
		 const struct timeouts_left_out *left_out)
{
	print_left_out(left_out);
	print_devices(x);
	print_remarks(x);
	proof_note(stderr, x->asleep);
	others_print(stderr, x->arena, others, true, "fwc: warning: ", "  ");
	interfaces_print(stderr, i, "fwc: warning: ");
	interfaces_print_held(stderr, i, "fwc: note: ");
}

static const char *s_of(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_flows(const struct apply *x)
{
	if (x->mode == APPLY_TRIAL && x->refused)
		printf("`fwc confirm` will end %zu connection%s that these rules refuse\n",
		       x->refused, s_of(x->refused));
	if (x->ended)
		printf("%zu connection%s ended that these rules refuse\n", x->ended,
		       s_of(x->ended));
}

static uint64_t changed(const struct apply *x, const char *what)
{
	return (uint64_t)json_integer_value(json_object_get(x->changes, what));
}

/* "1 rule added, 0 removed; +1,204 -37 addresses" */
static void print_changes(const struct apply *x)
{
	uint64_t rules = changed(x, "rules_added"), gone = changed(x, "rules_removed");
	uint64_t added = changed(x, "addresses_added"), removed = changed(x, "addresses_removed");
	_cleanup_buf_ struct buf b = {0};

	if (rules || gone || (!added && !removed))
		buf_printf(&b, ": %llu rule%s added, %llu removed", (unsigned long long)rules,
			   s_of(rules), (unsigned long long)gone);
	if (added || removed)
		buf_puts(&b, b.len ? "; " : ": ");
	if (added) {
		buf_putc(&b, '+');
		buf_thousands(&b, added);
	}
	if (removed) {
		buf_puts(&b, added ? " -" : "-");
		buf_thousands(&b, removed);
	}
	if (added || removed)
		buf_puts(&b, added + removed == 1 ? " address" : " addresses");
	fputs(buf_str(&b), stdout);
}

static void print_applied(const struct apply *x, bool details)
{
	printf("applied as generation %u", generation_in_force(x->store));
	if (x->changes)
		print_changes(x);
	putchar('\n');
	if (details)
		printf("%zu new object%s, %zu chain%s or set%s switched, %zu old object%s "
		       "removed\n",
		       x->staged, s_of(x->staged), x->swapped, s_of(x->swapped), s_of(x->swapped),
		       x->collected, s_of(x->collected));
}

static void print_text(struct globals *g, const struct apply *x, int err)
{
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&x->why));
		fputs(x->live ? "fwc: the new rules are in force, but not everything was done\n"
			      : "fwc: nothing was changed: the rules in force stay\n",
		      stderr);
		return;
	}
	if (x->mode == APPLY_TRIAL)
		; /* it was said when it began */
	else if (x->unchanged)
		puts("nothing to change: the kernel holds these rules already");
	else
		print_applied(x, g->verbose);
	print_flows(x);
	if (x->forwarding_changed)
		printf("forwarding is %s now\n", x->artefact->manifest->forwarding == 1 ? "on"
						 : x->artefact->manifest->forwarding == 0
							 ? "off"
							 : "as it was before fwc");
	if (x->timeouts_changed)
		printf("timeouts are as %s\n", x->artefact->manifest->timeouts.n
						       ? "the policy says now"
						       : "they were before fwc");
	if (x->left && g->verbose)
		printf("%zu old objects are still busy; the next apply removes them\n", x->left);
}

/* One of fwc 0.1 knows inspect.json alone: where it runs, that lies there, too. */
static void tables_for_old(const struct globals *g)
{
	static const char *const names[] = {STORE_APPLIED, STORE_PENDING};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_json_ json_t *status = NULL;
	_cleanup_buf_ struct buf ignored = {0};
	struct store s;

	if (inspectd_glance(inspectd_socket(a, g->netns), &status, &ignored) ||
	    json_is_true(json_object_get(status, "prepare")) ||
	    store_open_own(&s, g->state, false, &ignored))
		return;
	for (int i = 0; i < 2; i++)
		store_write_old_tables(&s, names[i], a);
	store_close_own(&s);
}

void tell_inspectd(const struct globals *g)
{
	_cleanup_buf_ struct buf why = {0};
	bool wanted = g->inspection == INSPECTION_NEW, gone;
	int err;

	if (g->inspection == INSPECTION_SAME)
		return;
	fflush(stdout);
	tables_for_old(g);
	err = inspectd_reload(g->netns, &why);
	gone = err == -ENOENT || err == -ECONNREFUSED;
	if (g->prepared)
		close(g->prepared);
	if (!err || (!wanted && gone))
		return;
	fprintf(stderr, "fwc: warning: %s%s\n", buf_str(&why),
		gone ? "; until then on-no-helper decides connections to be inspected" : "");
}

/* Who judges is ready for the new rules before they come, or they do not come. */
static int prepare_inspectd(struct globals *g, const struct artefact *in, struct buf *why)
{
	bool old;
	int line, err;

	if (!in->inspect.len)
		return 0;
	err = inspectd_prepare(g->netns, &in->inspect, &line, &old, why);
	g->prepared = !err && line > 0 ? line : 0;
	return err;
}

static void warn_panic(const struct globals *g)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct genid gen;

	if (genid_get(g->netns, &gen, &ignored) == 0 && gen.panic_table)
		fputs("fwc: warning: a panic is on: everything is dropped until `fwc rollback`, "
		      "whatever these rules say\n",
		      stderr);
}

/* What these rules look into and nobody has asked for yet. */
static void fetch_missing(struct store *s, struct arena *a, const struct artefact *in,
			  const char *netns)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct fetch_sets sets;

	if (in->runtime.len &&
	    !fetch_sets_read(a, in->runtime.data, in->runtime.len, &sets, &ignored))
		fetch_now(s, a, &sets, netns, FETCH_MS);
}

int work_apply(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
	       const struct apply_words *words)
{
	struct apply x = {.arena = a,
			  .store = s,
			  .netns = g->netns,
			  .artefact = in,
			  .comment = words->comment,
			  .rollback_of = words->rollback_of,
			  .flows = words->flows,
			  .as_shown = words->as_shown && !words->force,
			  .ssh = words->force ? NULL : session_ssh(a),
			  .say = g->json ? NULL : stdout,
			  .tell_changes = words->tell_changes};
	unsigned trial = words->trial;
	struct interfaces interfaces = {0};
	struct foreigners others = {0};
	struct timeouts_left_out left_out = {0};
	int err;

	if (in->manifest->proved != PROVED)
		fprintf(stderr, "fwc: warning: this ruleset is %s\n",
			manifest_proved_text(in->manifest->proved));
	if (trial && store_holds(s, STORE_APPLIED, in)) {
		trial = 0;
		fputs("fwc: no trial is needed: these rules are confirmed already\n", stderr);
	}
	err = prepare_inspectd(g, in, &x.why);
	if (!err)
		fetch_missing(s, a, in, g->netns);
	if (!err)
		err = trial ? trial_apply(g, &x, trial) : apply_artefact(&x);
	if (!err)
		g->inspection = in->inspect.len ? INSPECTION_NEW : INSPECTION_ENDED;
	warn_panic(g);
	if (!err)
		timeouts_left_out(a, g->netns, in->manifest, &left_out);
	if (!err)
		interfaces_look(&interfaces, a, g->netns, in->manifest);
	if (!err && !x.unchanged)
		others_look(&others, g->netns, a);
	if (g->json)
		print_json(&x, trial, &interfaces, &others, &left_out, err);
	else
		print_text(g, &x, err);
	if (!err && !g->json)
		note(&x, &interfaces, &others, &left_out);
	apply_free(&x);
	return err ? EXIT_SYSTEM : EXIT_FINE;
}

int work_dry_run(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
		 const struct apply_options *o)
{
	struct diff_options how = {
		.netns = g->netns, .json = g->json, .verbose = g->verbose, .flows = o->flows};
	int rc = diff_artefact(&how, s, a, in);

	if (!g->json && rc == EXIT_FINE)
		puts("nothing would change");
	if (rc == EXIT_FINDINGS)
		rc = apply_refuses(g, s, a, in, o->force) ? EXIT_SYSTEM : EXIT_FINE;
	return rc;
}

bool is_outdated(struct arena *a, const struct artefact *x, const char *what)
{
	const char *why = sources_outdated(a, x->manifest);

	if (!why)
		return false;
	fprintf(stderr, "fwc: %s the %s was compiled: it is not the current policy\n", why, what);
	return true;
}
