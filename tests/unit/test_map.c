/* SPDX-License-Identifier: GPL-2.0-or-later
 * String keys to pointers, in the order they were added.
 */
#include "test.h"
#include "util/map.h"

int main(void)
{
	struct arena *a = arena_new();
	bool all = true, in_order = true;
	struct map m;
	size_t i = 0;
	int values[5000];

	map_init(&m, a);
	CHECK(!map_get(&m, "lan"));
	map_put(&m, "lan", &values[1]);
	map_put(&m, "wan", &values[2]);
	CHECK(map_get(&m, "lan") == &values[1]);
	CHECK(map_get(&m, "wan") == &values[2]);
	CHECK(!map_get(&m, "dmz"));
	CHECK(!map_get(&m, ""));
	map_put(&m, "lan", &values[3]);
	CHECK(map_get(&m, "lan") == &values[3]);
	SAME_NUMBER(m.entries.n, 2);

	map_init(&m, a);
	for (i = 0; i < 5000; i++)
		map_put(&m, arena_printf(a, "host%zu", i), &values[i]);
	for (i = 0; i < 5000; i++) {
		all = all && map_get(&m, arena_printf(a, "host%zu", i)) == &values[i];
		in_order = in_order && m.entries.v[i].value == &values[i];
	}
	CHECK(all);
	CHECK(in_order);
	CHECK(!map_get(&m, "host5000"));
	arena_free(a);
	return test_end();
}
