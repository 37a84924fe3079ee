/* SPDX-License-Identifier: GPL-2.0-or-later
 * A diagram -> one packet of it, and how many there are.
 */
#include "space/region.h"

#include <math.h>
#include <stdlib.h>

#include "space/region_core.h"

/* The field that a variable belongs to, seen from an earlier one; nf if none does. */
static size_t field_of(const struct region_field *f, size_t nf, size_t from, uint32_t var)
{
	while (from < nf && f[from].first + f[from].bits <= var)
		from++;
	return from;
}

uint32_t dd_at(const struct dd *d, dd_ref n, const struct region_field *f, size_t nf,
	       const u128 *values)
{
	size_t i = 0;

	while (!dd_is_terminal(d, n)) {
		uint32_t var = dd_var(d, n);
		bool one = false;

		i = field_of(f, nf, i, var);
		if (i < nf && var >= f[i].first)
			one = values[i] >> (f[i].bits - 1 - (var - f[i].first)) & 1;
		n = one ? dd_hi(d, n) : dd_lo(d, n);
	}
	return dd_value(d, n);
}

bool region_witness(const struct dd *d, dd_ref region, const struct region_field *f, size_t nf,
		    const u128 *prefer, u128 *values)
{
	size_t i = 0;

	if (region == DD_FALSE || region == DD_EXHAUSTED)
		return false;
	for (size_t j = 0; j < nf; j++)
		values[j] = prefer ? prefer[j] & u128_max(f[j].bits) : 0;
	/* Every node but that of false leads to a packet. */
	while (!dd_is_terminal(d, region)) {
		uint32_t var = dd_var(d, region);
		u128 bit = 0;
		bool one;

		i = field_of(f, nf, i, var);
		if (i < nf && var >= f[i].first)
			bit = (u128)1 << (f[i].bits - 1 - (var - f[i].first));
		one = i < nf && values[i] & bit;
		if ((one ? dd_hi(d, region) : dd_lo(d, region)) == DD_FALSE) {
			one = !one;
			if (i < nf)
				values[i] ^= bit;
		}
		region = one ? dd_hi(d, region) : dd_lo(d, region);
	}
	return true;
}

struct counting {
	const struct dd *d;
	const struct region_field *f;
	size_t nf;
	unsigned *before; /* bits of all fields before field i; before[nf]: of all */
	struct refmap seen;
	long double *counts;
	size_t cap;
};

/* How many bits of fields come before the node's variable. */
static unsigned place(const struct counting *c, dd_ref n)
{
	uint32_t var = dd_var(c->d, n);
	size_t i = field_of(c->f, c->nf, 0, var);

	if (i == c->nf)
		return c->before[i];
	return c->before[i] + (var > c->f[i].first ? var - c->f[i].first : 0);
}

/* Over the node's variable and all later ones. Each is a summand of the whole, so that where the
 * whole is below 2^64 all are, and nothing is rounded in the 64 bits of a long double's mantissa.
 */
static long double count(struct counting *c, dd_ref n)
{
	long double sum = 0;
	uint32_t at;

	if (dd_is_terminal(c->d, n))
		return n == DD_FALSE ? 0 : 1;
	if (refmap_add(&c->seen, n, &at))
		return c->counts[at];
	for (int side = 0; side < 2; side++) {
		dd_ref child = side ? dd_hi(c->d, n) : dd_lo(c->d, n);

		sum += ldexpl(count(c, child), (int)(place(c, child) - place(c, n)) - 1);
	}
	if (c->seen.n > c->cap) {
		c->cap = 2 * c->seen.n;
		c->counts = region_must(realloc(c->counts, c->cap * sizeof(*c->counts)));
	}
	c->counts[at] = sum;
	return sum;
}

long double region_count(const struct dd *d, dd_ref region, const struct region_field *f, size_t nf)
{
	struct counting c = {.d = d, .f = f, .nf = nf};
	long double r;

	if (region == DD_EXHAUSTED)
		return -1;
	c.before = region_must(calloc(nf + 1, sizeof(*c.before)));
	for (size_t i = 0; i < nf; i++)
		c.before[i + 1] = c.before[i] + f[i].bits;
	r = ldexpl(count(&c, region), (int)place(&c, region));
	refmap_free(&c.seen);
	free(c.counts);
	free(c.before);
	return r;
}
