/* SPDX-License-Identifier: GPL-2.0-or-later
 * Addresses by suffix: what is left of some when others are taken away is asked of each address of
 * a small world, and the same is worked out there by membership alone.
 */
#include <stdlib.h>

#include "policy/resolve.h"
#include "test.h"

struct addresses {
	struct ivset v6;
	struct suffixed_list list;
};

static const u128 heads[] = {0, (u128)0x20010db8 << 96, (u128)0xfd000001 << 96,
			     (u128)0xff020000 << 96};
#define HEADS 4
#define ENDS 64

static bool is_in(const struct addresses *s, u128 x)
{
	return ivset_contains(&s->v6, x) || suffixed_any_has(&s->list, x);
}

static void add(struct arena *a, struct addresses *to)
{
	u128 head = heads[rand() % HEADS];

	if (rand() % 3) {
		unsigned bits = (unsigned)(rand() % 6 + 1);

		vec_push(a, &to->list,
			 suffixed_of(a, (u128)(unsigned)rand() & u128_max((int)bits), bits));
	} else {
		u128 lo = (unsigned)rand() % ENDS;

		vec_push(a, &to->v6,
			 ((struct ival){head | lo, head | (lo + (unsigned)rand() % (ENDS - lo))}));
	}
}

static struct addresses some(struct arena *a)
{
	struct addresses s = {0};

	for (int n = rand() % 4; n >= 0; n--)
		add(a, &s);
	ivset_normalise(&s.v6);
	return s;
}

static void differences(struct arena *a)
{
	for (int round = 0; round < 2000; round++) {
		struct addresses x = some(a), y = some(a), z = some(a), left, last;
		unsigned wrong = 0;

		left = x;
		left.list.cap = left.list.n;
		suffixed_subtract(a, &left.v6, &left.list, &y.v6, &y.list);
		last = z; /* what is taken away has lost something itself */
		suffixed_subtract(a, &last.v6, &last.list, &left.v6, &left.list);
		for (int h = 0; h < HEADS; h++) {
			for (u128 end = 0; end < ENDS; end++) {
				u128 addr = heads[h] | end;
				bool is = is_in(&x, addr) && !is_in(&y, addr);

				wrong += is_in(&left, addr) != is;
				wrong += is_in(&last, addr) != (is_in(&z, addr) && !is);
			}
		}
		SAME_NUMBER(wrong, 0);
	}
}

static void multicast(struct arena *a)
{
	struct suffixed s = suffixed_of(a, 0x10, 64);

	CHECK(suffixed_unicast(&s));
	CHECK(suffixed_has(&s, 0x10));
	CHECK(suffixed_has(&s, ((u128)0xfeff << 112) | 0x10));
	CHECK(!suffixed_has(&s, ((u128)0xff02 << 112) | 0x10));
	CHECK(!suffixed_has(&s, 0x11));
	CHECK(!suffixed_has(&s, (u128)1 << 63 | 0x10));
	CHECK(suffixes_meet((struct suffix){64, 0x10}, (struct suffix){8, 0x10}));
	CHECK(!suffixes_meet((struct suffix){64, 0x10}, (struct suffix){8, 0x11}));
	CHECK(suffixes_meet((struct suffix){128, (u128)1 << 100 | 0x10},
			    (struct suffix){64, 0x10}));
}

int main(void)
{
	struct arena *a = arena_new();

	srand(1);
	multicast(a);
	differences(a);
	arena_free(a);
	return test_end();
}
