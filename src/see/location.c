/* SPDX-License-Identifier: GPL-2.0-or-later
 * State directory -> manifests; objects are named by their content, so that a name says in which
 * manifest it is.
 */
#include "see/location.h"

#include "nft/report.h"
#include "store/open.h"
#include "util/cleanup.h"

void locations_read(struct locations *p, const char *state, struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct store s;

	*p = (struct locations){0};
	if (store_open(&s, state, false, &ignored) == 0) {
		p->manifests[0] = store_read_manifest(&s, STORE_APPLIED, a);
		p->manifests[1] = store_read_manifest(&s, STORE_PENDING, a);
	}
	p->hidden = s.hidden;
	store_close(&s);
}

/* What is applied says where a line is while both have it. */
static void take(struct location *out, const struct manifest_place *p)
{
	if (p && *p->at)
		out->line = p->at;
	if (p && *p->text)
		out->rule = p->text;
}

struct location locations_rule(const struct locations *p, const struct ir_chain *c, size_t n)
{
	struct location out = {.rule = c->rules.v[n].comment};

	for (int i = 1; i >= 0; i--)
		take(&out, report_rule_place(p->manifests[i], c, n));
	return out;
}

struct location locations_elem(const struct locations *p, const struct ir_set *map,
			       const struct ir_elem *e)
{
	struct location out = {.rule = e->comment};

	for (int i = 1; i >= 0; i--)
		take(&out, report_elem_place(p->manifests[i], map, e));
	return out;
}
