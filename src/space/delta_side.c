/* SPDX-License-Identifier: GPL-2.0-or-later
 * A ruleset and its manifest -> one side of a comparison, its rules named by lines of the policy.
 */
#include "nft/report.h"
#include "space/delta.h"

static const struct line *line_of(struct mean *m, const struct ir_chain *c, size_t rule,
				  const struct ir_set *map, const struct ir_elem *e)
{
	const struct manifest *known = m->line_ctx;
	const struct manifest_place *p = NULL;
	const char *text = e && e->comment ? e->comment : c->rules.v[rule].comment;
	struct buf b = {0};

	if (e && map)
		p = report_elem_place(known, map, e);
	else if (!e)
		p = report_rule_place(known, c, rule);
	if (p && *p->text)
		text = p->text;
	if (!text) {
		emit_rule(&b, &c->rules.v[rule]);
		text = arena_strdup(m->arena, buf_str(&b));
		buf_free(&b);
	}
	return mean_line(m, text, p ? p->at : "", (struct span){0}, 0);
}

struct delta_side delta_side_of(const struct ir_ruleset *r, const struct manifest *m)
{
	return (struct delta_side){.ruleset = r, .line_of = line_of, .line_ctx = (void *)m};
}
