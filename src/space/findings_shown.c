/* SPDX-License-Identifier: GPL-2.0-or-later
 * One packet shows that a rule of a list is of use: it gets there, and would fare otherwise without
 * the rule. Looking at packets is cheap where composing what comes before and after each rule is
 * not; what no packet tried here shows is left to be composed.
 */
#include "space/findings_shown.h"

#include <string.h>

#define TRIES 4 /* packets of a region, each away from the rule that had the last one */
#define NEIGHBOURS 4 /* later rules whose packets are tried */

void shown_init(struct shown *s)
{
	s->nbits = schema_condition_var(s->m->schema.texts.n);
	s->bits = arena_alloc(s->m->arena, s->nbits + 1);
}

/* A packet of the region, which is not empty: no bit is set that need not be. */
static void choose(struct shown *s, dd_ref region)
{
	const struct dd *d = s->m->dd;

	memset(s->bits, 0, s->nbits);
	while (!dd_is_terminal(d, region)) {
		bool hi = dd_lo(d, region) == DD_FALSE;

		s->bits[dd_var(d, region)] = hi;
		region = hi ? dd_hi(d, region) : dd_lo(d, region);
	}
}

static uint32_t at(const struct shown *s, dd_ref n)
{
	const struct dd *d = s->m->dd;

	while (!dd_is_terminal(d, n))
		n = s->bits[dd_var(d, n)] ? dd_hi(d, n) : dd_lo(d, n);
	return dd_value(d, n);
}

static bool decides(uint32_t value)
{
	return value && !(value & DD_OPEN);
}

static uint32_t first_then(const struct shown *s, uint32_t a, uint32_t b)
{
	return !a || !b || decides(a) ? (a ? a : b) : outcome_join(&s->m->outcomes, a, b);
}

/* What the packet meets without rule i. */
static uint32_t behind(const struct shown *s, size_t i)
{
	uint32_t v = 0;

	for (size_t k = i + 1; k < s->n && !decides(v); k++)
		v = first_then(s, v, at(s, s->leaf[k]));
	return first_then(s, v, at(s, s->last));
}

static uint32_t to_decided(void *ctx, uint32_t v)
{
	(void)ctx;
	return decides(v);
}

static bool in_region(struct shown *s, size_t i, dd_ref region)
{
	struct dd *d = s->m->dd;

	for (int try = 0; try < TRIES && region != DD_FALSE && region != DD_EXHAUSTED; try++) {
		size_t k = 0;

		choose(s, region);
		while (k < i && !decides(at(s, s->leaf[k])))
			k++;
		if (k == i)
			return at(s, s->leaf[i]) != behind(s, i);
		region = dd_and(d, region, dd_not(d, dd_map(d, s->leaf[k], to_decided, NULL)));
	}
	return false;
}

bool shown_use(struct shown *s, size_t i)
{
	struct dd *d = s->m->dd;
	dd_ref match = dd_and(d, dd_not(d, dd_not(d, s->leaf[i])), s->fresh);
	bool found = in_region(s, i, match);

	for (size_t k = i + 1; !found && k < s->n && k <= i + NEIGHBOURS; k++)
		found = in_region(s, i, dd_and(d, match, dd_not(d, dd_not(d, s->leaf[k]))));
	return found;
}

bool shown_beside(struct shown *s, size_t i, const struct shown_others *others)
{
	uint32_t v = 0;

	memset(s->bits, 0, s->nbits);
	if (!dd_meet(s->m->dd, s->leaf[i], s->fresh, s->bits))
		return false;
	for (size_t k = 0; k < others->nbefore; k++)
		if (decides(at(s, s->leaf[others->before[k]])))
			return false;
	for (size_t k = 0; k < others->nafter && !decides(v); k++)
		v = first_then(s, v, at(s, s->leaf[others->after[k]]));
	return at(s, s->leaf[i]) != first_then(s, v, at(s, s->last));
}
