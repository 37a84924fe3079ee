/* SPDX-License-Identifier: GPL-2.0-or-later
 * Pieces in any order -> bytes in order, in blocks of a fixed pool.
 */
#include "inspect/stream.h"

#include <stdlib.h>
#include <string.h>

struct spare { /* a free block holds the way to the next */
	struct spare *next;
};

struct stream_pool {
	struct spare *small, *large;
	unsigned used;
	_Alignas(16) uint8_t memory[];
};

static size_t block_bytes(size_t size)
{
	return size + size / 8;
}

static struct spare *string_up(uint8_t *p, size_t size, unsigned n)
{
	struct spare *first = NULL;

	while (n--) {
		struct spare *s = (struct spare *)(void *)(p + n * block_bytes(size));

		s->next = first;
		first = s;
	}
	return first;
}

struct stream_pool *stream_pool_new(unsigned small, unsigned large)
{
	size_t bytes = small * block_bytes(STREAM_SMALL) + large * block_bytes(STREAM_LARGE);
	struct stream_pool *pool = malloc(sizeof(*pool) + bytes);

	if (!pool)
		return NULL;
	pool->used = 0;
	pool->small = string_up(pool->memory, STREAM_SMALL, small);
	pool->large =
		string_up(pool->memory + small * block_bytes(STREAM_SMALL), STREAM_LARGE, large);
	return pool;
}

void stream_pool_free(struct stream_pool *pool)
{
	free(pool);
}

unsigned stream_pool_used(const struct stream_pool *pool)
{
	return pool->used;
}

static struct spare **shelf(struct stream_pool *pool, size_t size)
{
	return size == STREAM_SMALL ? &pool->small : &pool->large;
}

static uint8_t *take(struct stream_pool *pool, size_t size)
{
	struct spare **from = shelf(pool, size);
	uint8_t *block = (uint8_t *)*from;

	if (!block)
		return NULL;
	*from = (*from)->next;
	pool->used++;
	memset(block + size, 0, size / 8);
	return block;
}

void stream_drop(struct stream *s, struct stream_pool *pool)
{
	struct spare **to = shelf(pool, s->size);
	struct spare *block = (struct spare *)(void *)s->block;

	if (block) {
		block->next = *to;
		*to = block;
		pool->used--;
	}
	*s = (struct stream){0};
}

/* Makes room for `end` bytes: the first block, or a large one for a small. */
static bool reserve(struct stream *s, struct stream_pool *pool, uint64_t end)
{
	struct stream old = *s;
	uint8_t *block = NULL;
	uint32_t size = STREAM_SMALL;

	if (end <= s->size)
		return true;
	if (end <= STREAM_SMALL)
		block = take(pool, size);
	if (!block) {
		size = STREAM_LARGE;
		block = take(pool, size);
	}
	if (!block)
		return false;
	if (old.block) {
		memcpy(block, old.block, old.size);
		memcpy(block + size, old.block + old.size, old.size / 8);
		stream_drop(&old, pool);
	}
	s->block = block;
	s->size = size;
	return true;
}

static bool has(const struct stream *s, uint32_t at)
{
	return at < s->size && (s->block[s->size + at / 8] >> (at & 7) & 1);
}

static bool agrees(const struct stream *s, uint32_t at, const uint8_t *p, size_t n)
{
	size_t sure = at >= s->ready ? 0 : s->ready - at < n ? s->ready - at : n;

	if (sure && memcmp(s->block + at, p, sure))
		return false;
	for (size_t i = sure; s->ahead && i < n; i++)
		if (has(s, at + (uint32_t)i) && s->block[at + i] != p[i])
			return false;
	return true;
}

enum stream_result stream_put(struct stream *s, struct stream_pool *pool, uint64_t offset,
			      const uint8_t *p, size_t n)
{
	uint32_t at = (uint32_t)offset;

	if (!n)
		return STREAM_FINE;
	if (offset > STREAM_LARGE || n > STREAM_LARGE - offset)
		return STREAM_FULL;
	if (!agrees(s, at, p, n))
		return STREAM_CONFLICT;
	if (!reserve(s, pool, offset + n))
		return STREAM_FULL;
	if (at == s->ready && !s->ahead) { /* the usual case */
		memcpy(s->block + at, p, n);
		s->ready += (uint32_t)n;
		return STREAM_FINE;
	}
	for (size_t i = 0; i < n; i++, at++) {
		if (at < s->ready || has(s, at))
			continue;
		s->block[at] = p[i];
		s->block[s->size + at / 8] |= (uint8_t)(1 << (at & 7));
		s->ahead++;
	}
	while (s->ahead && has(s, s->ready)) {
		s->ready++;
		s->ahead--;
	}
	return STREAM_FINE;
}
