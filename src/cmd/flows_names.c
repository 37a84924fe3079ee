/* SPDX-License-Identifier: GPL-2.0-or-later
 * A word, asked as a part of a question -> what the policy makes of it.
 */
#include "cmd/flows_names.h"

#include <string.h>

#include "compile.h"
#include "lang/lang.h"
#include "util/diag.h"

/* What could end the word, or the question, is no name. */
static bool is_name(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_-") == strlen(word);
}

/* The question, put to the policy or, without a file, to none; NULL if it is not understood. */
static const struct rule *ask(struct arena *a, const char *file, const char *question)
{
	struct compiled c = {0};
	struct ast *query;
	struct diag diag;

	diag_init(&diag, a);
	query = ast_parse_query(question, a, &diag);
	if (diag.nerrors)
		return NULL;
	if (!file)
		c.ast = query;
	else if (!compile_file(&c, file, STAGE_AST, loader_files(a), a, &diag))
		return NULL;
	if (!compile_more(&c, file ? query : NULL, STAGE_POLICY, a, &diag))
		return NULL;
	for (size_t i = 0; i < c.policy->expects.n; i++)
		if (c.policy->expects.v[i].query)
			return &c.policy->expects.v[i];
	return NULL;
}

const struct services *names_service(struct arena *a, const char *config, const char *word)
{
	const char *question = arena_printf(a, "any -> any %s", word);
	const struct rule *r = is_name(word) ? ask(a, config, question) : NULL;

	if (!r && is_name(word))
		r = ask(a, NULL, question);
	return r ? &r->services : NULL;
}

/* Of a sub-zone: all else that tells it apart, entries do not remember. */
static const struct addrs *networks(struct arena *a, const struct zone *z)
{
	struct addrs *x = arena_new_of(a, struct addrs);

	*x = (struct addrs){.stem = z->name, .v4 = z->net4, .v6 = z->net6};
	return x;
}

static bool add_now(struct arena *a, const struct dynset *d, const struct ir_ruleset *now,
		    struct addrs *out)
{
	static const enum family families[] = {FAM_IP4, FAM_IP6};

	for (size_t i = 0; i < 2 * dynset_parts(d); i++) {
		const struct ir_set *s =
			ruleset_set(now, dynset_part(a, d, families[i % 2], i / 2));
		struct ivset *to = i % 2 ? &out->v6 : &out->v4;

		if (!s || s->nkeys != 1 || (bulk_is_name(s->name) && !s->bulk))
			return false;
		if (s->bulk)
			bulk_list_append(to, s->bulk->elems, a);
		for (size_t k = 0; k < s->elems.n; k++)
			vec_push(a, to, s->elems.v[k].key[0]);
	}
	return true;
}

/* A host or a set may be both: addresses that are written, and what comes at run time. */
static const struct addrs *of_now(struct arena *a, const struct rule *r, const char *word,
				  const struct ir_ruleset *now)
{
	struct addrs *out = arena_new_of(a, struct addrs);
	const struct place_item *item;

	*out = (struct addrs){.stem = word};
	vec_each (&r->from.items, item) {
		const struct addrs *x = &item->addrs;

		if (item->at != AT_ANY || x->all || x->negated || x->suffixed.n || x->macs.n ||
		    x->bulk4 || x->bulk6 || (x->dyn && !add_now(a, x->dyn, now, out)))
			return NULL;
		for (size_t k = 0; !x->dyn && k < x->v4.n; k++)
			vec_push(a, &out->v4, x->v4.v[k]);
		for (size_t k = 0; !x->dyn && k < x->v6.n; k++)
			vec_push(a, &out->v6, x->v6.v[k]);
	}
	ivset_normalise(&out->v4);
	ivset_normalise(&out->v6);
	return out;
}

const struct addrs *names_addrs(struct arena *a, const char *config, const char *word,
				const struct ir_ruleset *now)
{
	const struct rule *r =
		is_name(word) ? ask(a, config, arena_printf(a, "%s -> any", word)) : NULL;
	const struct place_item *item = r && r->from.items.n == 1 ? &r->from.items.v[0] : NULL;
	const struct addrs *x = item ? &item->addrs : NULL;

	if (r && (!item || x->dyn))
		return of_now(a, r, word, now);
	if (item && item->at == AT_ZONE && item->zone >= 0 && item->of &&
	    item->of->zones.v[item->zone].sub.has_network)
		return networks(a, &item->of->zones.v[item->zone]);
	return x && !x->all ? x : NULL;
}
