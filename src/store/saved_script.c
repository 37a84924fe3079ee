/* SPDX-License-Identifier: GPL-2.0-or-later
 * struct saved, what the kernel holds -> `add element` for what is missing.
 */
#include <stdlib.h>
#include <string.h>

#include "store/saved.h"

/* A rule that keeps a bucket or a list of connections in each element of the set. */
static bool is_meter(const struct ir_ruleset *live, const char *set)
{
	struct ir_chain *const *c;
	const struct ir_rule *r;
	const struct ir_stmt *s;

	vec_each (&live->chains, c) {
		vec_each (&(*c)->rules, r) {
			vec_each (&r->stmts, s) {
				if (s->kind == IR_ADD && !strcmp(s->add.set, set) &&
				    (s->add.has_limit || s->add.has_ct_count))
					return true;
			}
		}
	}
	return false;
}

/* NAME.dns.v4, NAME.url.v6.bulk: what is in it is kept where it was fetched to. */
static bool is_fetched(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && (!strncmp(dot, ".dns.v", 6) || !strncmp(dot, ".url.v", 6));
}

bool saved_keeps(const struct ir_ruleset *live, const struct ir_set *s)
{
	return s->dynamic && !s->is_map && !s->counter && s->nkeys == 1 &&
	       (!strcmp(s->type, "ipv4_addr") || !strcmp(s->type, "ipv6_addr")) &&
	       !is_fetched(s->name) && !is_meter(live, s->name);
}

/* What the set says now counts, and what an element was given beyond it. */
static bool grow_older(const struct ir_set *set, struct element *e, uint64_t seconds)
{
	if (!e->ages)
		return true;
	if (e->left <= seconds)
		return false;
	e->left -= seconds;
	if (!e->timeout && set->timeout && e->left > set->timeout)
		e->left = set->timeout;
	if (!e->timeout && !set->timeout) /* it had one */
		e->timeout = e->left;
	return true;
}

/* The longest first: if there is no room for all, those go without that would go soonest. */
static int longer(const void *x, const void *y)
{
	const struct element *a = x, *b = y;
	uint64_t la = a->ages ? a->left : UINT64_MAX, lb = b->ages ? b->left : UINT64_MAX;

	if (la != lb)
		return la > lb ? -1 : 1;
	return a->at.lo < b->at.lo ? -1 : a->at.lo > b->at.lo;
}

static void choose(struct arena *a, const struct ir_set *set, const struct saved_set *from,
		   uint64_t seconds, struct elements *out, struct state_sum *sum)
{
	uint32_t size = elements_size(set);
	size_t room = !size ? SIZE_MAX : size > set->elems.n ? size - set->elems.n : 0;
	const struct element *e;
	struct elements held;

	elements_of(a, set, &held);
	vec_each (&from->elems, e) {
		struct element now = *e;

		if (elements_cover(&held, now.at))
			continue;
		else if (grow_older(set, &now, seconds))
			vec_push(a, out, now);
		else
			sum->expired++;
	}
	elements_part(out);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), longer);
	if (out->n > room) {
		sum->crowded += out->n - room;
		out->n = room;
	}
}

static void fill(struct arena *a, const struct saved_set *from, const struct ir_set *set,
		 uint64_t seconds, struct buf *script, struct state_sum *sum)
{
	struct elements_sum done = {0};
	struct elements what = {0};

	choose(a, set, from, seconds, &what, sum);
	elements_add(a, set, &what, ELEMENTS_THERE, script, &done);
	sum->sets += done.added + done.renewed > 0;
	sum->elements += done.added + done.renewed;
}

void saved_script(struct arena *a, const struct saved *s, const struct ir_ruleset *live,
		  uint64_t age, struct buf *script, struct state_sum *sum)
{
	uint64_t seconds =
		age / 1000 + (age % 1000 != 0); /* rounded up: never longer than was left */
	struct saved_set *const *from;

	vec_each (&s->sets, from) {
		const struct ir_set *set = ruleset_set(live, (*from)->name);
		bool fits = set && saved_keeps(live, set) && set->interval == (*from)->prefixes &&
			    (set->keys[0] == F_IP_SADDR) == ((*from)->family == FAM_IP4);

		if (fits)
			fill(a, *from, set, seconds, script, sum);
		else
			sum->homeless += (*from)->elems.n;
	}
}
