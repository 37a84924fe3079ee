/* SPDX-License-Identifier: GPL-2.0-or-later
 * differences -> text for people, JSON for programs.
 */
#include "see/diff.h"

#include <errno.h>
#include <string.h>

#include "apply/proof.h"
#include "kernel/live.h"
#include "see/delta_print.h"
#include "see/flows_print.h"
#include "store/shown.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/show.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"
#define MAX_WIDTH 40

static const char *place_text(const struct diff_line *l)
{
	if (!l->place.at)
		return l->sign == '-' ? "(no policy line)" : "";
	return *l->place.at ? l->place.at : "(fwc)";
}

static bool has_words(const struct diff_line *l)
{
	return l->place.text && *l->place.text;
}

/* Dispatch and what fwc adds by itself: follows from the lines of the policy. */
static bool is_plumbing(const struct diff_line *l)
{
	return l->place.at && !*l->place.at;
}

/* One policy line makes several rules: it is said once, with the rules below it where they are what
 * there is to say. */
struct head {
	const struct diff_line *first;
	VEC(const struct diff_line *) lines;
};

struct heads {
	struct arena *a;
	struct map by_key; /* sign, place, words -> struct head */
	struct map by_words; /* sign, words -> struct head */
	VEC(struct head *) all;
	size_t width;
};

static void add_line(struct heads *h, const struct diff_line *l)
{
	const char *place = place_text(l);
	const char *words = has_words(l) ? l->place.text : NULL;
	const char *key = words ? arena_printf(h->a, "%c%s\n%s", l->sign, place, words) : NULL;
	struct head *head = key ? map_get(&h->by_key, key) : NULL;

	if (!head) {
		head = arena_new_of(h->a, struct head);
		head->first = l;
		vec_push(h->a, &h->all, head);
		if (key) {
			map_put(&h->by_key, key, head);
			map_put(&h->by_words, arena_printf(h->a, "%c%s", l->sign, words), head);
		}
		if (strlen(place) > h->width)
			h->width = strlen(place);
	}
	vec_push(h->a, &head->lines, l);
}

static bool has_opposite(struct heads *h, const struct diff_line *l)
{
	const char *key = arena_printf(h->a, "%c%s", l->sign == '+' ? '-' : '+', l->place.text);

	return map_get(&h->by_words, key) != NULL;
}

static void print_head(FILE *to, struct heads *h, const struct head *head, bool details, bool color)
{
	const struct diff_line *first = head->first, *const * l;

	if (color)
		show_paint(to, first->sign == '+' ? GREEN : RED);
	fprintf(to, "%c %-*s  ", first->sign, (int)h->width, place_text(first));
	if (has_words(first))
		fputs(first->place.text, to);
	else
		fprintf(to, "%s: %s", first->object, first->nft);
	if (color)
		show_paint(to, PLAIN);
	fputc('\n', to);
	if (!has_words(first) || !(details || has_opposite(h, first)))
		return;
	vec_each (&head->lines, l)
		fprintf(to, "      %s: %s\n", (*l)->object, (*l)->nft);
}

void diff_print(FILE *to, const struct diff_lines *d, bool details, bool color)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct heads h = {.a = a};
	const struct diff_line *l;
	struct head *const *head;
	size_t plumbing = 0;

	map_init(&h.by_key, a);
	map_init(&h.by_words, a);
	vec_each (d, l)
		plumbing += is_plumbing(l);
	if (details || plumbing == d->n)
		plumbing = 0;
	vec_each (d, l) {
		if (!plumbing || !is_plumbing(l))
			add_line(&h, l);
	}
	if (h.width > MAX_WIDTH)
		h.width = MAX_WIDTH;
	vec_each (&h.all, head)
		print_head(to, &h, *head, details, color);
	if (plumbing)
		fprintf(to, "(and %zu line%s that fwc adds by itself; -v shows them)\n", plumbing,
			plumbing == 1 ? "" : "s");
}

json_t *diff_json(const struct diff_lines *d)
{
	json_t *list = json_array();
	const struct diff_line *l;

	vec_each (d, l) {
		char sign[2] = {l->sign, '\0'};

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "sign", sign, "object",
					l->object, "at", l->place.at ? l->place.at : "", "text",
					l->place.text ? l->place.text : "", "nft", l->nft));
	}
	return list;
}

static bool has_inspectors(const struct diff_lines *d)
{
	const struct diff_line *l;

	vec_each (d, l)
		if (!strncmp(l->object, "inspector ", 10))
			return true;
	return false;
}

static json_t *connections_json(struct arena *a, const struct diff_flows *x)
{
	json_t *list;

	if (!x)
		return json_null();
	list = json_array();
	for (size_t i = 0; i < x->refused.n; i++)
		json_array_append_new(list, flow_as_json(a, &x->flows, &x->refused.v[i]));
	return json_pack("{s:b, s:I, s:o}", "ends", !x->keep, "refused", (json_int_t)x->refused.n,
			 "list", list);
}

void diff_report(const struct diff_options *how, struct arena *a, const struct deltas *packets,
		 const struct diff_flows *flows, const struct diff_lines *d)
{
	_cleanup_json_ json_t *j = NULL;

	if (!how->json) {
		if (packets && (d->n || packets->n)) {
			delta_print(stdout, a, packets);
			if (has_inspectors(d))
				puts("inspectors change, and what they decide of inspected "
				     "connections");
			if (flows && flows->refused.n) {
				putchar('\n');
				flows_print_refused(stdout, a, &flows->flows, &flows->refused,
						    flows->keep);
			}
			fputs("\nrules:\n", stdout);
		}
		diff_print(stdout, d, how->verbose, how->color);
		return;
	}
	j = json_pack("{s:b, s:o, s:o, s:o}", "different", d->n || (packets && packets->n),
		      "packets", packets ? delta_json(a, packets) : json_null(), "connections",
		      connections_json(a, flows), "changes", diff_json(d));
	show_json(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
}

static bool filters(const struct ir_ruleset *r)
{
	for (size_t i = 0; i < r->chains.n; i++)
		if (r->chains.v[i]->base.hook && r->chains.v[i]->rules.n)
			return true;
	return false;
}

/* Where it cannot be found out, the difference is shown without it. */
static bool find_flows(const struct diff_options *how, struct arena *a, const struct artefact *x,
		       const struct ir_ruleset *want, const struct ir_ruleset *live,
		       struct diff_flows *out)
{
	struct flows_input in = {
		.netns = how->netns, .ruleset = want, .manifest = x->manifest, .before = live};
	_cleanup_buf_ struct buf why = {0};

	out->keep = flows_kept(how->flows, x->manifest);
	if (flows_open(&out->flows, a, &in, &why)) {
		fprintf(stderr, "fwc: warning: %s\n", buf_str(&why));
		return false;
	}
	flows_refused(&out->flows, &out->refused);
	return true;
}

static int diff_live(const struct diff_options *how, const struct store *s, struct artefact *was,
		     struct arena *a, const struct artefact *x, const struct ir_ruleset *want)
{
	struct delta_side after = delta_side_of(want, x->manifest), before;
	_cleanup_buf_ struct buf why = {0}, ignored = {0};
	const struct manifest *applied;
	struct diff_lines lines = {0};
	struct deltas packets = {0};
	struct live live;
	struct diff_flows flows = {.keep = false};
	bool compare, different, looked = false;

	if (live_read(&live, how->netns, a, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return 3;
	}
	/* what removed lines were called; without it they are shown all the same */
	if (s->dir >= 0)
		trial_in_force(s, a, live.ruleset, was, &ignored);
	applied = was->manifest;
	store_give_lists(s, a, live.ruleset);
	diff_rulesets(a, live.ruleset, applied, want, x->manifest, &lines);
	different = lines.n || live.ruleset->dormant;
	diff_inspect_texts(a, &was->inspect, &x->inspect, &lines);
	diff_runtime_texts(a, &was->runtime, &x->runtime, &lines);
	diff_timeouts(a, filters(live.ruleset) ? applied : NULL, x->manifest, &lines);
	compare = different && filters(live.ruleset);
	before = delta_side_of(live.ruleset, applied);
	if (compare)
		delta_compare(&packets, a, &before, &after,
			      (struct dd_budget){PROOF_NODES, PROOF_SECONDS});
	if (compare)
		looked = find_flows(how, a, x, want, live.ruleset, &flows);
	else if (different && !how->json)
		puts("no fwc firewall is loaded yet: the whole policy is new\n");
	diff_report(how, a, compare ? &packets : NULL, looked ? &flows : NULL, &lines);
	if (different)
		shown_note(s, a, live.ruleset, x->manifest);
	else
		shown_drop(s);
	flows_free(&flows.flows);
	return lines.n || different;
}

int diff_artefact(const struct diff_options *how, const struct store *s, struct arena *a,
		  const struct artefact *x)
{
	struct artefact applied = {0};
	struct proof p;
	int rc;

	proof_of_artefact(&p, a, x, how->netns);
	if (p.outcome != SCRATCH_LOADED) {
		proof_print(stderr, &p, NULL);
		return 3;
	}
	proof_note(stderr, p.asleep);
	rc = diff_live(how, s, &applied, a, x, p.ruleset);
	artefact_free(&applied);
	return rc;
}
