/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc status: what is loaded, since when, from what, and what each line of the policy has seen.
 */
#include "see/status.h"
#include "space/ranges.h"

#include "see/delta_print.h"
#include "see/others.h"

#include <getopt.h>
#include <string.h>

#include "apply/timeouts.h"
#include "cmd/cmd.h"
#include "kernel/confine.h"
#include "kernel/sysctl.h"
#include "lang/lang.h"
#include "store/file.h"
#include "store/open.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/show.h"

static const char *record_str(const struct status *st, const char *key)
{
	const char *s = json_string_value(json_object_get(st->record, key));

	return s ? s : "?";
}

static void print_trial(const struct status *st)
{
	const struct trial *t = &st->trial;

	if (t->state == TRIAL_RUNNING)
		printf("ON TRIAL    for another %.0f s, by %s since %s\n"
		       "            `fwc confirm` keeps these rules, `fwc rollback` ends the "
		       "trial\n",
		       t->left, t->user, t->time);
	else if (t->state == TRIAL_OVER)
		printf("TRIAL OVER  begun by %s at %s, not confirmed: the previous rules are in "
		       "force;\n            `fwc rollback` removes what is left of it\n",
		       t->user, t->time);
}

static void print_panic(const struct status *st)
{
	const struct panic *p = &st->panic;

	if (p->on)
		printf("PANIC       since %s, by %s: everything is dropped\n"
		       "            except: %s\n"
		       "            `fwc rollback` ends it\n",
		       p->time, p->user, p->kept);
}

static void print_boot(const struct status *st)
{
	const struct boot_note *b = &st->boot;
	const struct standin *u;

	if (!b->there)
		return;
	printf("BOOT        at %s: %s\n", b->time,
	       b->outcome == BOOT_PARTLY ? "loaded with problems"
	       : b->outcome == BOOT_BLOCKED
		       ? "BLOCKED: everything is dropped except loopback and what boot.conf names"
	       : b->outcome == BOOT_LEFT ? "nothing could be loaded; the rules in force stayed"
					 : "NOTHING could be loaded");
	for (const char *at = b->why; *at; at += strcspn(at, "\n"), at += *at == '\n')
		printf("            %.*s\n", (int)strcspn(at, "\n"), at);
	vec_each (&b->left_out, u)
		printf("            not as written: %s%s%s (needs %s)\n", u->at, *u->at ? ": " : "",
		       u->text, u->needs);
}

static void print_state(const struct status *st)
{
	if (!st->loaded)
		puts("firewall    NOT LOADED: no fwc firewall filters here");
	else if (st->hidden || (st->public && !st->known))
		puts("firewall    loaded; the record of what was applied, and of its policy "
		     "lines,\n            is in the state directory, which only root can read");
	else if (st->trial.state == TRIAL_RUNNING && !st->record)
		puts("firewall    loaded for this trial; before it there was none");
	else if (!st->known && st->boot.there && st->boot.outcome == BOOT_BLOCKED)
		puts("firewall    what `fwc boot` puts in place of rules that it cannot load");
	else if (!st->known)
		puts("firewall    loaded, but not by `fwc apply`: there is no record to compare it "
		     "with");
	else if (st->trial.state == TRIAL_RUNNING)
		printf("firewall    without confirm, the rules of %s, by %s, come back\n",
		       record_str(st, "time"), record_str(st, "user"));
	else
		printf("firewall    loaded since %s, by %s\n", record_str(st, "time"),
		       record_str(st, "user"));
}

static void print_sources(const struct status *st)
{
	const struct status_source *s;

	if (!st->known)
		return;
	vec_each (&st->sources, s) {
		printf("%-11s ", s == st->sources.v ? "policy" : "");
		diag_show_to(stdout, s->path);
		puts(s->state == SOURCE_CHANGED
			     ? "  CHANGED since (fwc diff FILE shows what that means)"
		     : s->state == SOURCE_GONE	     ? "  gone"
		     : s->state == SOURCE_UNREADABLE ? "  not readable by this user"
						     : "");
	}
}

static void print_whose(const struct status *st)
{
	if (st->public && st->known)
		puts("on record   as root published it; only root can read the state directory");
}

static void print_proof(const struct status *st)
{
	if (st->known)
		printf("proof       %s\n", manifest_proved_text(st->applied.manifest->proved));
}

static void print_helper(const struct status *st)
{
	static const char *const words[] = {
		[HELPER_RUNS] = "is running; `fwc inspect status` shows details",
		[HELPER_GONE] = "IS NOT RUNNING: on-no-helper decides connections to be inspected",
		[HELPER_SILENT] = "DOES NOT ANSWER: connections to be inspected may wait for ever",
		[HELPER_UNKNOWN] = "not known: only root can use its socket",
	};

	if (st->helper != HELPER_NONE)
		printf("inspectors  fwc-inspectd %s\n", words[st->helper]);
}

static void print_forwarding(const struct status *st)
{
	bool four = sysctl_forwards(st->sysctl, 4), has_six = sysctl_has_ip6(st->sysctl);
	/* where there is no IPv6, nothing of it is amiss */
	bool six = has_six ? sysctl_forwards(st->sysctl, 6) : four;
	int wanted = st->known && st->loaded ? st->applied.manifest->forwarding : -1;

	if (!st->sysctl)
		return;
	printf("forwarding  %s%s%s\n",
	       four && six ? "on"
	       : four	   ? "IPv4 only"
	       : six	   ? "IPv6 only"
			   : "off",
	       has_six ? "" : " (no IPv6 here)",
	       wanted >= 0 && (four != wanted || six != wanted)
		       ? wanted ? "  but the policy says on" : "  but the policy says off"
		       : "");
}

static void print_timeouts(const struct status *st)
{
	_cleanup_buf_ struct buf text = {0};
	const struct manifest_timeout *t;
	uint64_t is;

	if (!st->known || !st->loaded || !st->sysctl || !st->applied.manifest->timeouts.n)
		return;
	vec_each (&st->applied.manifest->timeouts, t) {
		enum timeout_state state = timeout_state(st->sysctl, t, &is);

		buf_printf(&text, "%s%s ", text.len ? "\n            " : "", t->name);
		duration_print(&text, t->seconds);
		if (state == TIMEOUT_DIFFERS) {
			buf_puts(&text, "  but it is ");
			duration_print(&text, is);
		} else if (state == TIMEOUT_LACKING) {
			buf_puts(&text, "  but this kernel has no such setting");
		}
	}
	printf("timeouts    %s\n", buf_str(&text));
}

static json_t *timeouts_json(const struct status *st)
{
	json_t *all = json_object();
	const struct manifest_timeout *t;
	uint64_t is;

	if (!st->known || !st->sysctl)
		return all;
	vec_each (&st->applied.manifest->timeouts, t) {
		json_t *now = timeout_state(st->sysctl, t, &is) == TIMEOUT_LACKING
				      ? json_null()
				      : json_integer((json_int_t)is);

		json_object_set_new(all, t->name,
				    json_pack("{s:I, s:o}", "policy", (json_int_t)t->seconds, "is",
					      now));
	}
	return all;
}

static void print_offload(const struct status *st)
{
	_cleanup_buf_ struct buf bound = {0}, missing = {0};
	const struct offload_device *d;

	if (!st->known || !st->loaded || !st->applied.manifest->offload.flowtable)
		return;
	vec_each (&st->offload, d) {
		struct buf *b = d->bound ? &bound : &missing;

		buf_printf(b, "%s%s", b->len ? ", " : "", d->name);
	}
	printf("offload     %s; %zu connections now\n",
	       bound.len ? buf_str(&bound) : "no device", st->offloaded);
	if (missing.len)
		printf("            not by %s: `fwc offload` tries again\n", buf_str(&missing));
}

static json_t *offload_json(const struct status *st)
{
	json_t *bound = json_array(), *missing = json_array();
	const struct offload_device *d;

	vec_each (&st->offload, d)
		json_array_append_new(d->bound ? bound : missing, json_string(d->name));
	return json_pack("{s:o, s:o, s:I}", "devices", bound, "missing", missing, "connections",
			 (json_int_t)st->offloaded);
}

/* Left out as it was compiled: by then the kernel did not have it. */
static void print_lacks(const struct status *st)
{
	const struct manifest_place *p;

	if (!st->known)
		return;
	vec_each (&st->applied.manifest->lacks, p)
		printf("warning     %s%s%s is left out: the kernel had no %s\n", p->at,
		       *p->at ? ": " : "", p->text, p->needs);
}

static void print_bridges(const struct status *st)
{
	const json_t *all = sysctl_bridges(st->sysctl);
	size_t n = json_array_size(all);

	if (!n)
		return;
	fputs("bridges     ", stdout);
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? ", " : "", json_string_value(json_array_get(all, i)));
	puts(": traffic between ports is filtered as forwarded\n            "
	     "(bridge-nf-call-iptables): it needs a rule from its zone to itself");
}

static void print_drift(struct globals *g, struct arena *a, const struct status *st)
{
	if (!st->loaded || !st->known || st->trial.state != TRIAL_NONE)
		return;
	if (st->lacking)
		printf("kernel      CANNOT HOLD what was applied: %s\n", st->lacking);
	else if (!st->drift_known)
		puts("kernel      not compared: no namespace can be made here");
	else if (st->dormant)
		puts("kernel      has the table of fwc dormant: NOTHING FILTERS");
	else if (!st->drift.n)
		puts("kernel      holds what was applied");
	else
		puts("kernel      DIFFERS from what was applied; `fwc apply` would undo:");
	if (st->drift.n || st->dormant) {
		puts("\npackets, compared with what was applied:");
		delta_print(stdout, a, &st->drift_packets);
		puts("\nrules:");
		diff_print(stdout, &st->drift, g->verbose, g->color);
	}
}

static void print_foreign(const struct status *st, struct arena *a)
{
	others_print(stdout, a, &st->foreign, false, "warning     ", "            ");
	interfaces_print(stdout, &st->interfaces, "warning     ");
	interfaces_print_held(stdout, &st->interfaces, "note        ");
	if (st->legacy)
		puts("warning     iptables-legacy is in use on this host, too: see "
		     "iptables-legacy-save");
}

static void print_lines(struct globals *g, const struct status *st)
{
	const struct report_line *l;

	if (!st->lines.n)
		return;
	printf("\n%12s %14s  line (packets that open connections; others count as fwc's own)\n",
	       "packets", "bytes");
	vec_each (&st->lines, l) {
		if (!*l->at && !g->verbose && !l->packets)
			continue;
		if (l->counts)
			printf("%12llu %14llu  ", (unsigned long long)l->packets,
			       (unsigned long long)l->bytes);
		else
			printf("%12s %14s  ", "-", "-");
		printf("%s%s%s\n", l->at, *l->at ? "  " : "", l->text);
	}
}

static json_t *sources_json(const struct status *st)
{
	static const char *const words[] = {"same", "changed", "gone", "unreadable"};
	json_t *list = json_array();
	const struct status_source *s;

	vec_each (&st->sources, s)
		json_array_append_new(list, json_pack("{s:o, s:s}", "path", file_text(s->path),
						      "state", words[s->state]));
	return list;
}

static json_t *trial_json(const struct trial *t)
{
	if (t->state == TRIAL_NONE)
		return json_null();
	return json_pack("{s:b, s:f, s:s, s:s}", "running", t->state == TRIAL_RUNNING, "left",
			 t->left, "user", t->user, "time", t->time);
}

static json_t *panic_json(const struct panic *p)
{
	if (!p->on)
		return json_null();
	return json_pack("{s:s, s:s, s:s}", "time", p->time, "user", p->user, "kept", p->kept);
}

static json_t *boot_json(const struct boot_note *b)
{
	if (!b->there)
		return json_null();
	return json_pack("{s:b, s:s, s:s, s:o}", "blocked", b->outcome == BOOT_BLOCKED, "time",
			 b->time, "why", b->why, "left_out", standins_json(&b->left_out));
}

static uint64_t bulk_elements(const struct status *st)
{
	const struct manifest_bulk *b;
	uint64_t n = 0;

	vec_each (&st->applied.manifest->bulk, b)
		n += b->n;
	return n;
}

/* To read them takes a second a million. */
static void print_bulk(const struct status *st)
{
	size_t n = st->known ? st->applied.manifest->bulk.n : 0;

	if (!n)
		return;
	printf("lists       %zu set%s, %llu elements, %s\n", n, n == 1 ? "" : "s",
	       (unsigned long long)bulk_elements(st),
	       !st->deep ? n == 1 ? "as compared when it was loaded (--deep reads it)"
				  : "as compared when they were loaded (--deep reads them)"
	       : st->bulk_differs ? "not as they were loaded:"
				  : "read and compared");
	if (st->bulk_differs)
		printf("            %s\n            `fwc apply` mends that\n", st->bulk_differs);
}

static json_t *bulk_json(const struct status *st)
{
	if (!st->known || !st->applied.manifest->bulk.n)
		return json_null();
	return json_pack("{s:I, s:I, s:o, s:s?}", "sets",
			 (json_int_t)st->applied.manifest->bulk.n, "elements",
			 (json_int_t)bulk_elements(st), "compared",
			 st->deep ? json_boolean(!st->bulk_differs) : json_null(), "differs",
			 st->bulk_differs);
}

static void print_json(struct arena *a, const struct status *st)
{
	_cleanup_json_ json_t *j = json_object();

	json_object_set_new(j, "loaded", json_boolean(st->loaded));
	json_object_set_new(j, "known", json_boolean(st->known));
	json_object_set_new(j, "panic", panic_json(&st->panic));
	json_object_set_new(j, "boot", boot_json(&st->boot));
	json_object_set_new(j, "trial", trial_json(&st->trial));
	json_object_set_new(j, "hidden", json_boolean(st->hidden || (st->public && !st->known)));
	json_object_set_new(j, "published", json_boolean(st->public));
	json_object_set_new(j, "drifted",
			    st->drift_known ? json_boolean(st->drift.n > 0 || st->dormant)
					    : json_null());
	json_object_set(j, "applied", st->record);
	json_object_set_new(j, "policy",
			    st->known ? json_string(st->applied.manifest->policy) : json_null());
	json_object_set_new(
		j, "proof",
		st->known ? json_string(manifest_proved_text(st->applied.manifest->proved))
			  : json_null());
	json_object_set_new(j, "sources", sources_json(st));
	json_object_set_new(j, "forwarding",
			    json_pack("{s:b, s:b}", "ip", sysctl_forwards(st->sysctl, 4), "ip6",
				      sysctl_forwards(st->sysctl, 6)));
	json_object_set_new(j, "timeouts", timeouts_json(st));
	json_object_set_new(j, "offload", offload_json(st));
	json_object_set_new(j, "inspectd",
			    st->helper == HELPER_RUNS ? json_true()
			    : st->helper == HELPER_GONE || st->helper == HELPER_SILENT
				    ? json_false()
				    : json_null());
	json_object_set_new(j, "bridged",
			    json_incref(sysctl_bridges(st->sysctl)
						? (json_t *)sysctl_bridges(st->sysctl)
						: json_null()));
	json_object_set_new(j, "lacking", st->lacking ? json_string(st->lacking) : json_null());
	json_object_set_new(j, "left_out",
			    st->known ? manifest_lacks_json(st->applied.manifest) : json_null());
	json_object_set_new(j, "ends", ends_json(&st->ends));
	json_object_set_new(j, "windows_known_until",
			    st->ends.windows ? json_string(st->ends.windows) : json_null());
	json_object_set_new(j, "fetched", seen_fetched_json(&st->fetched));
	json_object_set_new(j, "quotas", quotas_json(&st->quotas));
	json_object_set_new(j, "dormant", json_boolean(st->dormant));
	json_object_set_new(j, "drift", diff_json(&st->drift));
	json_object_set_new(j, "drift_packets",
			    st->drift.n || st->dormant ? delta_json(a, &st->drift_packets)
						       : json_null());
	json_object_set_new(j, "lists", bulk_json(st));
	json_object_set_new(j, "foreign", others_json(&st->foreign));
	json_object_set_new(j, "interfaces", interfaces_json(&st->interfaces));
	json_object_set_new(j, "legacy_iptables", json_boolean(st->legacy));
	json_object_set_new(j, "lines", report_lines_json(&st->lines));
	show_json(j, JSON_INDENT(2));
}

static void print_text(struct globals *g, struct arena *a, const struct status *st)
{
	print_panic(st);
	print_boot(st);
	print_trial(st);
	print_state(st);
	print_sources(st);
	print_proof(st);
	print_whose(st);
	print_helper(st);
	print_forwarding(st);
	print_timeouts(st);
	print_offload(st);
	print_bridges(st);
	print_lacks(st);
	ends_print(&st->ends);
	seen_fetched_print(&st->fetched, g->verbose > 0);
	quotas_print(&st->quotas);
	print_drift(g, a, st);
	print_bulk(st);
	print_foreign(st, a);
	if (g->verbose)
		printf("policies    are read as %s\n", confine_text());
	print_lines(g, st);
}

int cmd_status(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"deep", no_argument, NULL, 'd'}, {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0}, ignored = {0};
	struct status st = {0};
	struct store s;
	bool deep = false;
	int rc, c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'd')
			return usage_error("status", "unknown option: %s", usage_option(argv));
		deep = true;
	}
	if (optind < argc)
		return usage_error("status", "status takes no operands");
	store_open(&s, g->state, false, &ignored); /* none: nothing has ever been applied */
	if (status_gather(&st, g->netns, &s, deep, a, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		rc = EXIT_SYSTEM;
	} else {
		if (g->json)
			print_json(a, &st);
		else
			print_text(g, a, &st);
		rc = status_good(&st) ? EXIT_FINE : EXIT_FINDINGS;
	}
	status_free(&st);
	store_close(&s);
	return rc;
}
