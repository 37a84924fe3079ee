/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc check: what is wrong with a policy, and would the kernel take it?
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apply/needs.h"
#include "apply/proof.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "kernel/sysctl.h"
#include "policy/policy.h"
#include "util/cleanup.h"
#include "util/show.h"

struct found { /* of the kernel's features */
	bool probed;
	bool has[NFEATURES], needs[NFEATURES];
};

static json_t *message_json(struct arena *a, const struct diag_record *r)
{
	static const char *const words[] = {"error", "warning", "note"};
	json_t *notes = json_array();
	const struct diag_note *n;

	vec_each (&r->notes, n)
		json_array_append_new(notes, json_pack("{s:s, s:i, s:i, s:s}", "file",
						       n->span.src ? n->span.src->path : "", "line",
						       (int)span_line(n->span), "column",
						       (int)span_column(n->span), "text", n->text));
	return json_pack("{s:s, s:s, s:i, s:i, s:s, s:s?, s:o}", "severity", words[r->severity],
			 "file", r->span.src ? r->span.src->path : "", "line",
			 (int)span_line(r->span), "column", (int)span_column(r->span), "text",
			 r->text ? r->text : arena_strdup(a, ""), "hint", r->hint, "notes", notes);
}

static json_t *features_json(const struct found *f)
{
	json_t *list = json_array();

	for (int i = 0; i < NFEATURES; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:b, s:s}", "name",
						feature_table[i].name, "here", f->has[i], "needed",
						f->needs[i], "option", feature_table[i].option));
	return list;
}

static const char *outcome_word(const struct proof *p, bool compiled)
{
	static const char *const words[] = {"loaded", "refused", "unavailable", "failed"};

	if (!compiled)
		return "not tried";
	return p->outcome == SCRATCH_LOADED && p->different.n ? "different" : words[p->outcome];
}

static void print_json(struct work *w, const struct proof *p, bool compiled, const struct found *f,
		       int rc)
{
	_cleanup_json_ json_t *j = json_object();
	json_t *messages = json_array();
	const struct diag_record *r;

	vec_each (&w->diag.records, r)
		json_array_append_new(messages, message_json(w->arena, r));
	json_object_set_new(j, "ok", json_boolean(rc == EXIT_FINE));
	json_object_set_new(j, "messages", messages);
	json_object_set_new(j, "kernel", json_string(outcome_word(p, compiled)));
	json_object_set_new(j, "proof", json_string(manifest_proved_text(proof_state(p))));
	json_object_set_new(j, "asleep", json_boolean(p->asleep));
	if (compiled && p->outcome == SCRATCH_REFUSED) {
		json_object_set_new(j, "refusal", json_string(p->error.text));
		json_object_set_new(j, "at", json_string(p->error.where));
	}
	if (f->probed)
		json_object_set_new(j, "features", features_json(f));
	show_json(j, JSON_INDENT(2));
}

static void print_features(const struct found *f)
{
	for (int i = 0; i < NFEATURES; i++)
		printf("%-26s %-8s%s\n", feature_table[i].name,
		       f->has[i]     ? "yes"
		       : f->needs[i] ? "MISSING"
				     : "no",
		       f->needs[i] ? "  used by this policy" : "");
}

static void probe(struct work *w, struct found *f)
{
	_cleanup_buf_ struct buf why = {0};

	ruleset_needs(w->compiled.ruleset, f->needs);
	f->probed = features_probe(f->has, &why) == 0;
	if (!f->probed)
		fprintf(stderr, "fwc: cannot find out what this kernel can do: %s\n",
			buf_str(&why));
}

static void print_text(struct globals *g, struct work *w, const struct proof *p, bool own)
{
	if (p->outcome == SCRATCH_UNAVAILABLE && !p->why && proof_good(p))
		return; /* it was told not to */
	if (p->outcome == SCRATCH_UNAVAILABLE && proof_good(p)) {
		fprintf(stderr,
			"fwc: %s\n"
			"fwc: so only the policy itself was checked; `sudo fwc check` tries it in "
			"the kernel, too\n",
			p->why);
		return;
	}
	proof_print(stderr, p, w->compiled.ruleset);
	proof_note(stderr, p->asleep);
	if (proof_good(p) && !w->refuted && g->verbose)
		printf("%s: fine: the kernel takes it, %zu chains and %zu sets; %s\n",
		       w->compiled.path, w->compiled.ruleset->chains.n, w->compiled.ruleset->sets.n,
		       manifest_proved_text(proof_state(p)));
	else if (proof_good(p) && !w->refuted && isatty(STDOUT_FILENO))
		printf("%s: fine; next: fwc compile%s%s && fwc apply\n", w->compiled.path,
		       own ? "" : " ", own ? "" : w->compiled.path);
}

/* The zone of an interface, by its narrowest name; -1: none. */
static int zone_of(const struct policy *p, const char *interface)
{
	struct ival name, best = {0};
	int zone = -1;

	if (!ifname_parse(interface, strlen(interface), &name))
		return -1;
	for (size_t z = 0; z < p->zones.n; z++) {
		const struct ast_iface *i;

		vec_each (&p->zones.v[z].interfaces, i) {
			bool holds = i->name.lo <= name.lo && name.hi <= i->name.hi;

			if (!holds || (zone >= 0 && best.hi - best.lo <= i->name.hi - i->name.lo))
				continue;
			zone = (int)z;
			best = i->name;
		}
	}
	return zone;
}

static bool is_at(const struct endpoint *e, int zone)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (item_at(i, zone))
			return true;
	return false;
}

static bool forwards_within(const struct policy *p, int zone)
{
	const struct rule *r;

	vec_each (&p->rules, r)
		if ((r->verb == VERB_ALLOW || r->verb == VERB_INSPECT) && is_at(&r->from, zone) &&
		    is_at(&r->to, zone))
			return true;
	return false;
}

/* Of this machine: bridges that the policy would cut in pieces. */
static void tell_bridges(const struct globals *g, const struct policy *p)
{
	_cleanup_json_ json_t *sysctl = NULL;
	_cleanup_buf_ struct buf ignored = {0};
	json_t *name;
	size_t i;

	if (sysctl_snapshot(g->netns, &sysctl, &ignored))
		return;
	json_array_foreach((json_t *)sysctl_bridges(sysctl), i, name)
	{
		const char *bridge = json_string_value(name);
		int zone = zone_of(p, bridge);

		if (zone < 0 || forwards_within(p, zone))
			continue;
		fputs("fwc: note: ", stderr);
		diag_show_to(stderr, bridge);
		fprintf(stderr,
			" is a bridge here: traffic between its ports is filtered "
			"(bridge-nf-call-iptables),\nand no rule allows it; to allow it, add: "
			"allow %s -> %s\n",
			p->zones.v[zone].name, p->zones.v[zone].name);
	}
}

int cmd_check(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"elsewhere", no_argument, NULL, 'e'}, {0}};
	struct found f = {0};
	struct proof p = {0};
	struct work w;
	bool ok, elsewhere = false;
	int c, rc = EXIT_WRONG;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'e')
			return usage_error("check", "unknown option: %s", usage_option(argv));
		elsewhere = true;
	}
	if (argc - optind > 1)
		return usage_error("check", "one policy file at a time");
	work_init(&w);
	w.elsewhere = elsewhere;
	ok = work_compile(&w, g, optind < argc ? argv[optind] : g->config, STAGE_SCRIPT,
			  SCRUTINY_ALL);
	if (ok) {
		if (elsewhere)
			p.outcome = SCRATCH_UNAVAILABLE;
		else
			proof_make_anywhere(&p, w.arena, buf_str(&w.compiled.script),
					    w.compiled.ruleset, g->netns);
		proof_judge(&p, w.arena, w.compiled.policy, w.compiled.ruleset);
		rc = !proof_good(&p) ? EXIT_SYSTEM : w.refuted ? EXIT_FINDINGS : EXIT_FINE;
		if (g->verbose || g->json)
			probe(&w, &f);
	}
	if (ok && !elsewhere)
		tell_bridges(g, w.compiled.policy);
	if (g->json)
		print_json(&w, &p, ok, &f, rc);
	else if (ok)
		print_text(g, &w, &p, optind == argc);
	if (!g->json && f.probed)
		print_features(&f);
	work_free(&w);
	return rc;
}
