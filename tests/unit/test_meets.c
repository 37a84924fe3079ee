/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which earlier intervals each meets, against looking at every pair.
 */
#include "test.h"
#include "util/meets.h"

#define MANY 60

static unsigned next(void)
{
	static unsigned x = 1;

	x = x * 1103515245 + 12345;
	return x >> 16;
}

static bool meet(struct ival a, struct ival b)
{
	return a.lo <= b.hi && b.lo <= a.hi;
}

struct shown {
	unsigned times[MANY];
	size_t n, most;
};

static bool see(void *with, size_t j)
{
	struct shown *s = with;

	s->times[j]++;
	return ++s->n < s->most;
}

/* Every earlier one that meets it is shown once, and no other. */
static bool right(struct meets *m, const struct ival *v, size_t i)
{
	struct shown s = {.most = MANY + 1};

	meets_each(m, i, see, &s);
	for (size_t j = 0; j < MANY; j++)
		if (s.times[j] != (j < i && meet(v[i], v[j])))
			return false;
	return true;
}

static void compare(unsigned ends, unsigned longest)
{
	struct arena *a = arena_new();
	struct ival v[MANY];
	uint64_t pairs = 0;
	struct meets *m;
	bool fine = true;

	for (size_t i = 0; i < MANY; i++) {
		v[i].lo = next() % ends;
		v[i].hi = v[i].lo + next() % longest;
		for (size_t j = 0; j < i; j++)
			pairs += meet(v[i], v[j]);
	}
	SAME_NUMBER(meets_pairs(v, MANY), pairs);
	m = meets_new(a, v, MANY);
	for (size_t i = 0; i < MANY; i++) {
		fine = fine && right(m, v, i);
		meets_add(m, i);
	}
	CHECK(fine);
	arena_free(a);
}

static void all_of_them(void)
{
	struct arena *a = arena_new();
	struct ival v[3] = {{0, u128_max(128)}, {7, 7}, {0, u128_max(128)}};
	struct meets *m = meets_new(a, v, 3);
	struct shown s = {.most = 1};

	meets_add(m, 0);
	meets_add(m, 1);
	meets_each(m, 2, see, &s);
	SAME_NUMBER(s.n, 1); /* it was told to stop */
	SAME_NUMBER(meets_pairs(v, 3), 3);
	SAME_NUMBER(meets_pairs(v, 0), 0);
	arena_free(a);
}

int main(void)
{
	for (int i = 0; i < 20; i++) {
		compare(1000, 10); /* most apart */
		compare(1000, 1000); /* most meet */
		compare(8, 3);
		compare(5000, 1); /* single numbers */
	}
	all_of_them();
	return test_end();
}
