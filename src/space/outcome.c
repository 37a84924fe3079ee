/* SPDX-License-Identifier: GPL-2.0-or-later
 * Outcomes, interned.
 */
#include "space/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "space/mark_set.h"

#define RESERVED 2 /* 0: nothing decided, 1: true */

static uint32_t value_at(const struct outcomes *o, size_t i)
{
	enum fate f = o->all.v[i].fate;

	return (uint32_t)i | (f == FATE_NONE ? DD_OPEN : 0);
}

void outcomes_init(struct outcomes *o, struct arena *a)
{
	*o = (struct outcomes){.arena = a};
	map_init(&o->by_text, a);
	for (int i = 0; i < RESERVED; i++)
		vec_push(a, &o->all, (struct outcome){0});
}

uint32_t outcome_value(struct outcomes *o, struct outcome x)
{
	struct buf key = {0};
	size_t i;

	if (x.fate == FATE_NONE) {
		x.line = NULL;
		x.what = NULL;
		if (!x.effects)
			return 0;
	}
	buf_printf(&key, "%d %p %s\n%s", (int)x.fate, (const void *)x.line, x.what ? x.what : "",
		   x.effects ? x.effects : "");
	i = (size_t)map_get(&o->by_text, buf_str(&key));
	if (!i) {
		i = o->all.n;
		map_put(&o->by_text, arena_strdup(o->arena, buf_str(&key)), (void *)i);
		vec_push(o->arena, &o->all, x);
	} else if (!o->all.v[i].nat) {
		o->all.v[i].nat = x.nat;
	}
	buf_free(&key);
	return value_at(o, i);
}

const struct outcome *outcome_of(const struct outcomes *o, uint32_t value)
{
	return &o->all.v[value & ~DD_OPEN];
}

static int text_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether `later` gives another value to what `word` gives one: "KEY := VALUE". */
static bool assigned_again(const char *word, const char *later)
{
	const char *is = strstr(word, " := ");
	size_t n = is ? (size_t)(is - word) + 4 : 0;

	for (; is && later; later = strchr(later, '\n')) {
		later += *later == '\n';
		if (!strncmp(later, word, n))
			return true;
	}
	return false;
}

/* Words of effects into parts, but for marks that are followed; NULL: not those that come again. */
static void take_words(struct outcomes *o, const char *effects, const char *later,
		       struct mark_set *set, struct mark_words *parts)
{
	char *rest = arena_strdup(o->arena, effects), *word;

	while ((word = strsep(&rest, "\n")))
		if (!mark_set_read(set, word) && !assigned_again(word, later))
			vec_push(o->arena, parts, (const char *)word);
}

const char *outcome_effects(struct outcomes *o, struct mark_words *w)
{
	struct buf out = {0};
	const char *text;

	if (w->n > 1)
		qsort(w->v, w->n, sizeof(*w->v), text_cmp);
	for (size_t i = 0; i < w->n; i++)
		if (!i || strcmp(w->v[i], w->v[i - 1]) != 0)
			buf_printf(&out, "%s%s", out.len ? "\n" : "", w->v[i]);
	text = out.len ? arena_strdup(o->arena, buf_str(&out)) : NULL;
	buf_free(&out);
	return text;
}

const char *outcome_unite(struct outcomes *o, const char *a, const char *b)
{
	struct mark_set set = {0}, then = {0};
	struct mark_words parts = {0};

	if (!a || !b || (!strcmp(a, b) && !mark_set_copies(a)))
		return a ? a : b;
	take_words(o, a, b, &set, &parts);
	take_words(o, b, NULL, &then, &parts);
	mark_set_put(&set, &then);
	mark_set_words(o->arena, &set, true, &parts);
	return outcome_effects(o, &parts);
}

uint32_t outcome_join(void *ctx, uint32_t a, uint32_t b)
{
	struct outcomes *o = ctx;
	struct outcome x = *outcome_of(o, b);

	x.effects = outcome_unite(o, outcome_of(o, a)->effects, x.effects);
	return outcome_value(o, x);
}

static uint32_t with_fate(struct outcomes *o, uint32_t v, enum fate from, enum fate to)
{
	struct outcome x = *outcome_of(o, v);

	if (!v || x.fate != from)
		return v;
	x.fate = to;
	return outcome_value(o, x);
}

uint32_t outcome_leave_chain(void *ctx, uint32_t v)
{
	return with_fate(ctx, v, FATE_RETURN, FATE_NONE);
}

uint32_t outcome_goto(void *ctx, uint32_t v)
{
	return with_fate(ctx, v, FATE_NONE, FATE_RETURN);
}

uint32_t outcome_next_base(void *ctx, uint32_t v)
{
	v = with_fate(ctx, v, FATE_RETURN, FATE_NONE);
	return with_fate(ctx, v, FATE_ACCEPT, FATE_NONE);
}

uint32_t outcome_end(void *ctx, uint32_t v)
{
	return with_fate(ctx, v, FATE_NONE, FATE_ACCEPT);
}

uint32_t outcome_decision(void *ctx, uint32_t v)
{
	struct outcome x = *outcome_of(ctx, v);

	x.effects = NULL;
	return v ? outcome_value(ctx, x) : v;
}

uint32_t outcome_without_effects(void *ctx, uint32_t v)
{
	struct outcome x = *outcome_of(ctx, v);

	x.line = NULL;
	x.effects = NULL;
	return v ? outcome_value(ctx, x) : v;
}

uint32_t outcome_silent(void *ctx, uint32_t v)
{
	struct outcome x = *outcome_of(ctx, v);

	if (x.fate != FATE_REJECT)
		return v;
	x.fate = FATE_DROP;
	x.what = NULL;
	return outcome_value(ctx, x);
}

const char *outcome_text(struct arena *a, const struct outcome *x)
{
	static const char *const words[] = {"nothing", "return",  "accept", "drop",
					    "reject",  "inspect", "",	    "not understood:"};
	const char *text = words[x->fate];

	if (x->what)
		text = arena_printf(a, "%s%s%s", text,
				    x->fate == FATE_TRANSLATE ? ""
				    : x->fate == FATE_UNKNOWN ? " "
							      : " with ",
				    x->what);
	for (const char *e = x->effects; e && *e; e += strcspn(e, "\n") + (strchr(e, '\n') != NULL))
		text = arena_printf(a, "%s, %.*s", text, (int)strcspn(e, "\n"), e);
	return text;
}
