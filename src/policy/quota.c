/* SPDX-License-Identifier: GPL-2.0-or-later
 * AST -> quotas, the labels of their connections, and what goes with no quota.
 *
 * A connection remembers whose quota it counts for by a label (nf_conntrack_labels.h: 128 bits, of
 * which 32 are left to others), not by its mark: marks are the policy's own, and those of other
 * programs, which copy all of them to and fro. Which bits they are goes by the name alone, as
 * connections outlive policies.
 */
#include <string.h>

#include "lang/lang.h"
#include "policy/resolve.h"
#include "util/sha256.h"

#define LABEL_BITS 4 /* that are set, so that no label is a part of another */
#define LABEL_FIRST 32
#define LABEL_LAST 127

static u128 label_of(const char *name)
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 hash;
	u128 label = 0;
	unsigned set = 0;

	sha256_start(&hash);
	sha256_add(&hash, name, strlen(name));
	sha256_end(&hash, digest);
	for (size_t i = 0; set < LABEL_BITS; i++) {
		unsigned byte = i < SHA256_BYTES ? digest[i] : (unsigned)i;
		u128 bit = (u128)1 << (LABEL_FIRST + byte % (LABEL_LAST - LABEL_FIRST + 1));

		set += !(label & bit);
		label |= bit;
	}
	return label;
}

void declare_quota(struct resolver *r, const struct ast_quota_def *ast)
{
	struct quota *q = map_get(&r->quotas, ast->name.s), *const * other;

	if (q) {
		diag_note(r->diag,
			  diag_error(r->diag, ast->name.span, "quota '%s' is declared twice",
				     ast->name.s),
			  q->span, "first declared here");
		return;
	}
	q = arena_new_of(r->arena, struct quota);
	*q = (struct quota){.name = ast->name.s,
			    .span = ast->name.span,
			    .bytes = ast->bytes,
			    .label = label_of(ast->name.s)};
	vec_each (&r->p->quotas, other)
		if ((*other)->label == q->label)
			diag_hint(r->diag,
				  diag_error(r->diag, q->span,
					     "connections of quota '%s' could not be told from "
					     "those of '%s'",
					     q->name, (*other)->name),
				  "give it another name");
	map_put(&r->quotas, q->name, q);
	vec_push(r->arena, &r->p->quotas, q);
}

void resolve_quota(struct resolver *r, const struct ast_rule *ast, struct rule *out)
{
	struct ast_word w = ast->q.quota;
	struct nearest near = {.word = w.s};
	const struct map_entry *e;
	struct diag_record *rec;
	struct quota *q;

	if (!w.s)
		return;
	if (ast->verb != VERB_ALLOW)
		diag_hint(r->diag,
			  diag_error(r->diag, w.span,
				     "a quota counts connections that its rules let in, and this "
				     "one lets in none"),
			  "let a rule above allow them while it lasts: allow FROM -> TO quota %s",
			  w.s);
	q = map_get(&r->quotas, w.s);
	if (q) {
		q->used = true;
		out->q.quota = q;
		return;
	}
	if (resolve_excused(r, w.s))
		return;
	rec = diag_error(r->diag, w.span, "no quota is called '%s'", w.s);
	vec_each (&r->quotas.entries, e)
		nearest_offer(&near, e->key);
	if (!nearest_hint(r->diag, rec, &near))
		diag_hint(r->diag, rec, "declare it: quota %s = 50 GB", w.s);
}

/* What a helper expects are connections of their own, which have no label. */
void check_quota_helpers(struct resolver *r, const struct ast_rule *ast, const struct rule *rule)
{
	if (rule->q.quota && rule->q.helpers.n)
		diag_hint(r->diag,
			  diag_error(r->diag, ast->q.quota.span,
				     "no quota counts the connections that helper '%s' expects",
				     rule->q.helpers.v[0].kind->name),
			  "let in what has a helper by a rule of its own, without a quota");
}

static void check_offload(struct resolver *r, const struct offload *o)
{
	const struct rule *rule;
	struct diag_record *rec;

	vec_each (&r->p->rules, rule) {
		if (!rule->q.quota || !rules_meet(&o->rule, rule))
			continue;
		rec = diag_error(r->diag, o->rule.span,
				 "what is offloaded is not counted by quota '%s'",
				 rule->q.quota->name);
		diag_note(r->diag, rec, rule->span, "this rule lets in some of it");
		diag_hint(r->diag, rec, "offload what no rule with a quota lets in");
		return;
	}
}

void finish_quotas(struct resolver *r)
{
	struct quota *const *q;
	const struct offload *o;

	vec_each (&r->p->offloads, o)
		check_offload(r, o);
	vec_each (&r->p->quotas, q)
		if (!(*q)->used && !r->diag->nerrors)
			diag_hint(r->diag,
				  diag_warning(r->diag, (*q)->span, "no rule has quota '%s'",
					       (*q)->name),
				  "a rule takes it so: allow FROM -> TO quota %s", (*q)->name);
}
