/* SPDX-License-Identifier: GPL-2.0-or-later
 * A long list of functions, first match, from the top down: at each variable the list falls into
 * what is left of it on either side. Only nodes of the result are made, where composing two at a
 * time makes all those of what is composed on the way, many times as many.
 */
#include "space/dd_core.h"

#include <stdlib.h>
#include <string.h>

#define MEMO_MIN 1024
#define MEMO_MAX ((size_t)1 << 18)
#define POOL_MAX ((size_t)1 << 20) /* members of remembered lists */

struct known { /* what a list came to */
	uint32_t at, n; /* of the pool; n 0: nothing */
	dd_ref result;
};

struct lists {
	struct dd *d;
	dd_ref *stack; /* lists on the way down */
	size_t cap;
	dd_ref *pool;
	size_t npool, pool_cap;
	struct known *memo;
	size_t nmemo;
};

static void *grown(void *p, size_t *cap, size_t need)
{
	while (*cap < need)
		*cap = *cap ? 2 * *cap : MEMO_MIN;
	p = realloc(p, *cap * sizeof(dd_ref));
	if (!p)
		abort();
	return p;
}

static struct known *place_of(const struct lists *l, const dd_ref *v, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = (h ^ v[i]) * 0x9e3779b97f4a7c15ull;
	return &l->memo[(h ^ h >> 32) & (l->nmemo - 1)];
}

static bool is_known(const struct lists *l, const struct known *k, const dd_ref *v, size_t n)
{
	return k->n == n && !memcmp(l->pool + k->at, v, n * sizeof(*v));
}

static void remember(struct lists *l, size_t at, size_t n, dd_ref result)
{
	struct known *k;

	if (result == DD_EXHAUSTED || n > POOL_MAX)
		return;
	if (l->npool + n > POOL_MAX) { /* all is forgotten */
		memset(l->memo, 0, l->nmemo * sizeof(*l->memo));
		l->npool = 0;
	}
	if (l->npool + n > l->pool_cap)
		l->pool = grown(l->pool, &l->pool_cap, l->npool + n);
	memcpy(l->pool + l->npool, l->stack + at, n * sizeof(dd_ref));
	k = place_of(l, l->pool + l->npool, n);
	*k = (struct known){(uint32_t)l->npool, (uint32_t)n, result};
	l->npool += n;
}

/* Puts one more behind the list of n at `to`; what it cannot add anything to stays away. The list
 * is closed by what decides everything. */
static size_t put(const struct dd *d, dd_ref *to, size_t n, dd_ref one)
{
	if (one == DD_UNDECIDED || (n && d->nodes[to[n - 1]].var & NODE_TOTAL) ||
	    (n && to[n - 1] == one && !(d->nodes[one].var & NODE_OPEN)))
		return n;
	to[n] = one;
	return n + 1;
}

static dd_ref sequence(struct lists *l, size_t at, size_t n);

/* Both sides of variable var: the lists are on top of this one. */
static dd_ref split(struct lists *l, size_t at, size_t n, uint32_t var)
{
	struct dd *d = l->d;
	size_t low = at + n, high = low + n, nlo = 0, nhi = 0;
	dd_ref lo, hi;

	if (high + n > l->cap)
		l->stack = grown(l->stack, &l->cap, high + n);
	for (size_t i = at; i < at + n; i++) {
		dd_ref one = l->stack[i];
		const struct node *x = &d->nodes[one];
		bool here = (x->var & VAR_MASK) == var;

		nlo = put(d, l->stack + low, nlo, here ? x->lo : one);
		nhi = put(d, l->stack + high, nhi, here ? x->hi : one);
	}
	hi = sequence(l, high, nhi); /* before it is written over */
	lo = sequence(l, low, nlo);
	return dd_node(d, var, lo, hi);
}

static dd_ref sequence(struct lists *l, size_t at, size_t n)
{
	struct dd *d = l->d;
	uint32_t var = VAR_TERMINAL;
	struct known *k;
	dd_ref r;

	if (n == 0)
		return DD_UNDECIDED;
	if (n == 1)
		return l->stack[at];
	if (n == 2)
		return dd_seq(d, l->stack[at], l->stack[at + 1]);
	k = place_of(l, l->stack + at, n);
	if (is_known(l, k, l->stack + at, n))
		return k->result;
	d->steps += (uint32_t)(n / 8);
	if (!dd_step(d))
		return DD_EXHAUSTED;
	for (size_t i = at; i < at + n; i++)
		if (node_var(d, l->stack[i]) < var)
			var = node_var(d, l->stack[i]);
	if (var == VAR_TERMINAL) { /* open ones before the last */
		r = l->stack[at + n - 1];
		for (size_t i = n - 1; i-- > 0;)
			r = dd_seq(d, l->stack[at + i], r);
	} else {
		r = split(l, at, n, var);
	}
	remember(l, at, n, r);
	return r;
}

dd_ref dd_sequence(struct dd *d, const dd_ref *v, size_t n)
{
	struct lists l = {.d = d, .nmemo = MEMO_MIN};
	size_t m = 0;
	dd_ref r;

	if (n == 2)
		return dd_seq(d, v[0], v[1]);
	for (size_t i = 0; i < n; i++)
		if (v[i] == DD_EXHAUSTED)
			return DD_EXHAUSTED;
	while (l.nmemo < 4 * n && l.nmemo < MEMO_MAX)
		l.nmemo *= 2;
	l.memo = calloc(l.nmemo, sizeof(*l.memo));
	if (!l.memo)
		abort();
	l.stack = grown(NULL, &l.cap, n + 1);
	for (size_t i = 0; i < n; i++)
		m = put(d, l.stack, m, v[i]);
	r = d->exhausted ? DD_EXHAUSTED : sequence(&l, 0, m);
	free(l.stack);
	free(l.pool);
	free(l.memo);
	return r;
}
