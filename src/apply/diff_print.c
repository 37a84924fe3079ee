/* SPDX-License-Identifier: GPL-2.0-or-later
 * differences -> text for people, JSON for programs.
 */
#include <errno.h>
#include <string.h>

#include "apply/diff.h"
#include "apply/live.h"
#include "apply/proof.h"
#include "util/cleanup.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

static const char *place_text(const struct diff_line *l)
{
	if (!l->place.at)
		return l->sign == '-' ? "(no policy line)" : "";
	return *l->place.at ? l->place.at : "(fwc)";
}

static bool same_head(const struct diff_line *x, const struct diff_line *y)
{
	return !strcmp(place_text(x), place_text(y)) &&
	       !strcmp(x->place.text ? x->place.text : "", y->place.text ? y->place.text : "");
}

/* One policy line makes several rules: it is said once, with the rules below where they are what
 * there is to say. */
static bool said_before(const struct diff_lines *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (d->v[i].sign == d->v[n].sign && same_head(&d->v[i], &d->v[n]))
			return true;
	}
	return false;
}

static bool has_opposite(const struct diff_lines *d, size_t n)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].sign != d->v[n].sign && d->v[i].place.text && d->v[n].place.text &&
		    !strcmp(d->v[i].place.text, d->v[n].place.text))
			return true;
	}
	return false;
}

static int widest(const struct diff_lines *d)
{
	size_t w = 0;
	const struct diff_line *l;

	vec_each(d, l) {
		if (strlen(place_text(l)) > w)
			w = strlen(place_text(l));
	}
	return w > 40 ? 40 : (int)w;
}

static void print_details(FILE *to, const struct diff_lines *d, size_t n)
{
	for (size_t i = n; i < d->n; i++) {
		if (d->v[i].sign == d->v[n].sign && same_head(&d->v[i], &d->v[n]))
			fprintf(to, "      %s: %s\n", d->v[i].object, d->v[i].nft);
	}
}

void diff_print(FILE *to, const struct diff_lines *d, bool details, bool color)
{
	int width = widest(d);

	for (size_t i = 0; i < d->n; i++) {
		const struct diff_line *l = &d->v[i];
		bool words = l->place.text && *l->place.text;

		if (words && said_before(d, i))
			continue;
		fprintf(to, "%s%c %-*s  ", !color ? "" : l->sign == '+' ? GREEN : RED, l->sign, width,
			place_text(l));
		if (words)
			fputs(l->place.text, to);
		else
			fprintf(to, "%s: %s", l->object, l->nft);
		fprintf(to, "%s\n", color ? PLAIN : "");
		if (words && (details || has_opposite(d, i)))
			print_details(to, d, i);
	}
}

json_t *diff_json(const struct diff_lines *d)
{
	json_t *list = json_array();
	const struct diff_line *l;

	vec_each(d, l) {
		char sign[2] = {l->sign, '\0'};

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "sign", sign, "object",
						      l->object, "at",
						      l->place.at ? l->place.at : "", "text",
						      l->place.text ? l->place.text : "", "nft",
						      l->nft));
	}
	return list;
}

static void print(const struct diff_options *how, const struct diff_lines *d)
{
	_cleanup_json_ json_t *j = NULL;

	if (!how->json) {
		diff_print(stdout, d, how->verbose, how->color);
		return;
	}
	j = json_pack("{s:b, s:o}", "different", d->n > 0, "changes", diff_json(d));
	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
}

static int diff_live(const struct diff_options *how, const struct manifest *applied,
		     struct arena *a, const struct artefact *x, const struct ir_ruleset *want)
{
	_cleanup_buf_ struct buf why = {0};
	struct diff_lines lines = {0};
	struct live live;

	if (live_read(&live, how->netns, a, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return 3;
	}
	diff_rulesets(a, live.ruleset, applied, want, x->manifest, &lines);
	print(how, &lines);
	return lines.n ? 1 : 0;
}

int diff_artefact(const struct diff_options *how, const struct store *s, struct arena *a,
		  const struct artefact *x)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct artefact applied = {0};
	struct proof p;
	int rc;

	proof_make(&p, a, buf_str(&x->script), NULL);
	if (p.outcome != SCRATCH_LOADED) {
		proof_print(stderr, &p, NULL);
		return 3;
	}
	/* what removed lines were called; without it they are shown all the same */
	if (s->dir >= 0)
		store_read(s, STORE_APPLIED, a, &applied, &ignored);
	rc = diff_live(how, applied.manifest, a, x, p.ruleset);
	artefact_free(&applied);
	return rc;
}
