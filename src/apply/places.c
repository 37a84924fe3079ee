/* SPDX-License-Identifier: GPL-2.0-or-later
 * State directory -> manifests; objects are named by their content, so that a name says in which
 * manifest it is.
 */
#include "apply/places.h"

#include "apply/report.h"
#include "apply/trial.h"
#include "util/cleanup.h"

static const struct manifest *read_one(const struct store *s, struct arena *a, const char *name)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct artefact x = {0};
	const struct manifest *m;

	store_read(s, name, a, &x, &ignored);
	m = x.manifest; /* in the arena */
	artefact_free(&x);
	return m;
}

void places_read(struct places *p, const char *state, struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct store s;

	*p = (struct places){0};
	if (store_open(&s, state, false, &ignored) == 0) {
		p->manifests[0] = read_one(&s, a, STORE_APPLIED);
		p->manifests[1] = read_one(&s, a, STORE_PENDING);
	}
	p->hidden = s.hidden;
	store_close(&s);
}

/* What is applied says where a line is while both have it. */
static void take(struct place *out, const struct manifest_place *p)
{
	if (p && *p->at)
		out->line = p->at;
	if (p && *p->text)
		out->rule = p->text;
}

struct place places_rule(const struct places *p, const struct ir_chain *c, size_t n)
{
	struct place out = {.rule = c->rules.v[n].comment};

	for (int i = 1; i >= 0; i--)
		take(&out, report_rule_place(p->manifests[i], c, n));
	return out;
}

struct place places_elem(const struct places *p, const struct ir_set *map, const struct ir_elem *e)
{
	struct place out = {.rule = e->comment};

	for (int i = 1; i >= 0; i--)
		take(&out, report_elem_place(p->manifests[i], map, e));
	return out;
}
