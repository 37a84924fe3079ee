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

bool saved_keeps(const struct ir_ruleset *live, const struct ir_set *s)
{
	return s->dynamic && !s->is_map && !s->interval && !s->counter && s->nkeys == 1 &&
	       (!strcmp(s->type, "ipv4_addr") || !strcmp(s->type, "ipv6_addr")) &&
	       !is_meter(live, s->name);
}

struct filling { /* of one set */
	struct arena *a;
	const struct ir_set *set;
	enum family family;
	struct map there; /* addresses, as text */
	size_t room;
	VEC(struct saved_elem) elems;
};

static const char *address(struct arena *a, enum family f, u128 x)
{
	struct buf b = {0};
	const char *text;

	addr_print(&b, f, x);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* What the set says now counts, and what an element was given beyond it. */
static bool grow_older(const struct ir_set *set, struct saved_elem *e, uint64_t seconds)
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
	const struct saved_elem *a = x, *b = y;
	uint64_t la = a->ages ? a->left : UINT64_MAX, lb = b->ages ? b->left : UINT64_MAX;

	if (la != lb)
		return la > lb ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

static void choose(struct filling *f, const struct saved_set *from, uint64_t seconds,
		   struct state_sum *sum)
{
	const struct saved_elem *e;

	vec_each (&from->elems, e) {
		const char *text = address(f->a, f->family, e->address);
		struct saved_elem now = *e;

		if (map_get(&f->there, text))
			continue;
		map_put(&f->there, text, f);
		if (grow_older(f->set, &now, seconds))
			vec_push(f->a, &f->elems, now);
		else
			sum->expired++;
	}
	if (f->elems.n > 1)
		qsort(f->elems.v, f->elems.n, sizeof(*f->elems.v), longer);
	if (f->elems.n > f->room) {
		sum->crowded += f->elems.n - f->room;
		f->elems.n = f->room;
	}
}

/* nft refuses large numbers of seconds. */
static void put_time(struct buf *script, const char *what, uint64_t seconds)
{
	buf_printf(script, " %s %llud%llus", what, (unsigned long long)seconds / 86400,
		   (unsigned long long)seconds % 86400);
}

static void put(const struct filling *f, struct buf *script)
{
	const struct saved_elem *e;
	const char *comma = "";

	if (!f->elems.n)
		return;
	buf_printf(script, "add element inet " IR_TABLE " %s { ", f->set->name);
	vec_each (&f->elems, e) {
		buf_puts(script, comma);
		addr_print(script, f->family, e->address);
		if (e->ages && e->timeout)
			put_time(script, "timeout", e->timeout);
		if (e->ages)
			put_time(script, "expires", e->left);
		comma = ", ";
	}
	buf_puts(script, " }\n");
}

static void fill(struct arena *a, const struct saved_set *from, const struct ir_set *set,
		 uint64_t seconds, struct buf *script, struct state_sum *sum)
{
	struct filling f = {.a = a, .set = set, .family = from->family};
	const struct ir_elem *e;

	map_init(&f.there, a);
	vec_each (&set->elems, e)
		map_put(&f.there, address(a, f.family, e->key[0].lo), &f);
	f.room = !set->size ? SIZE_MAX : set->size > set->elems.n ? set->size - set->elems.n : 0;
	choose(&f, from, seconds, sum);
	put(&f, script);
	sum->sets += f.elems.n > 0;
	sum->elements += f.elems.n;
}

void saved_script(struct arena *a, const struct saved *s, const struct ir_ruleset *live,
		  uint64_t age, struct buf *script, struct state_sum *sum)
{
	uint64_t seconds =
		age / 1000 + (age % 1000 != 0); /* rounded up: never longer than was left */
	struct saved_set *const *from;

	vec_each (&s->sets, from) {
		const struct ir_set *set = ruleset_set(live, (*from)->name);
		bool fits = set && saved_keeps(live, set) &&
			    (set->keys[0] == F_IP_SADDR) == ((*from)->family == FAM_IP4);

		if (fits)
			fill(a, *from, set, seconds, script, sum);
		else
			sum->homeless += (*from)->elems.n;
	}
}
