/* SPDX-License-Identifier: GPL-2.0-or-later
 * Pieces in any order become the bytes in order; memory comes from the pool and goes back.
 */
#include <stdlib.h>

#include "inspect/stream.h"
#include "test.h"

static struct stream_pool *pool;
static uint8_t data[STREAM_LARGE];

static enum stream_result put(struct stream *s, size_t from, size_t to)
{
	return stream_put(s, pool, from, data + from, to - from);
}

static bool is_whole(const struct stream *s, size_t n)
{
	return s->ready == n && !s->ahead && !memcmp(s->block, data, n);
}

static void test_orders(void)
{
	struct stream s = {0};

	CHECK(put(&s, 0, 1000) == STREAM_FINE && put(&s, 1000, 1815) == STREAM_FINE);
	CHECK(is_whole(&s, 1815));
	stream_drop(&s, pool);
	CHECK(put(&s, 1000, 1815) == STREAM_FINE); /* swapped */
	SAME_NUMBER(s.ready, 0);
	CHECK(put(&s, 0, 1000) == STREAM_FINE);
	CHECK(is_whole(&s, 1815));
	CHECK(put(&s, 0, 1000) == STREAM_FINE); /* twice */
	CHECK(put(&s, 900, 2000) == STREAM_FINE); /* overlapping */
	CHECK(is_whole(&s, 2000));
	stream_drop(&s, pool);
	for (size_t i = 3000; i-- > 0;) /* one byte at a time, from the end */
		put(&s, i, i + 1);
	CHECK(is_whole(&s, 3000));
	stream_drop(&s, pool);
	for (size_t i = 0; i < 3000;
	     i++) /* in steps that meet every byte once: 7 and 3000 share none */
		put(&s, i * 7 % 3000, i * 7 % 3000 + 1);
	CHECK(is_whole(&s, 3000));
	stream_drop(&s, pool);
	SAME_NUMBER(stream_pool_used(pool), 0);
}

static void test_conflict(void)
{
	struct stream s = {0};
	uint8_t other[8] = {0};

	put(&s, 0, 100);
	put(&s, 200, 300);
	CHECK(stream_put(&s, pool, 50, data + 50, 8) == STREAM_FINE);
	CHECK(stream_put(&s, pool, 50, other, 8) == STREAM_CONFLICT);
	CHECK(stream_put(&s, pool, 96, other, 8) == STREAM_CONFLICT);
	CHECK(stream_put(&s, pool, 196, other, 8) == STREAM_CONFLICT); /* beyond the gap */
	CHECK(stream_put(&s, pool, 299, other, 8) == STREAM_CONFLICT);
	CHECK(stream_put(&s, pool, 150, other, 8) == STREAM_FINE); /* within it */
	SAME_NUMBER(s.ready, 100);
	stream_drop(&s, pool);
}

static void test_sizes(void)
{
	struct stream s = {0}, t = {0}, u = {0};

	put(&s, 0, 4096);
	SAME_NUMBER(s.size, STREAM_SMALL);
	put(&s, 5000, 5001); /* beyond a small block: bytes and marks move to a large one */
	SAME_NUMBER(s.size, STREAM_LARGE);
	CHECK(put(&s, 4096, 5000) == STREAM_FINE);
	CHECK(is_whole(&s, 5001));
	CHECK(put(&s, 5001, STREAM_LARGE) == STREAM_FINE);
	CHECK(is_whole(&s, STREAM_LARGE));
	CHECK(stream_put(&s, pool, STREAM_LARGE, data, 1) == STREAM_FULL);
	CHECK(stream_put(&s, pool, UINT64_MAX, data, 1) == STREAM_FULL);
	CHECK(stream_put(&s, pool, STREAM_LARGE - 1, data + STREAM_LARGE - 1, 2) == STREAM_FULL);
	CHECK(stream_put(&s, pool, UINT64_MAX, data, 0) == STREAM_FINE);
	/* two small blocks, one large: t takes a small one, u the other, and cannot grow */
	CHECK(put(&t, 0, 10) == STREAM_FINE);
	CHECK(put(&u, 0, 10) == STREAM_FINE);
	CHECK(put(&u, 10, 5000) == STREAM_FULL);
	CHECK(is_whole(&u, 10));
	stream_drop(&s, pool);
	CHECK(put(&u, 10, 5000) == STREAM_FINE);
	CHECK(is_whole(&u, 5000));
	stream_drop(&t, pool);
	stream_drop(&u, pool);
	SAME_NUMBER(stream_pool_used(pool), 0);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(1 + i * 31 % 251);
	pool = stream_pool_new(2, 1);
	test_orders();
	test_conflict();
	test_sizes();
	stream_pool_free(pool);
	return test_end();
}
