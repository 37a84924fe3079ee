/* SPDX-License-Identifier: GPL-2.0-or-later
 * Reading nested length-prefixed structures of which the end may not have come yet. Every read is
 * checked against two ends: the one that the structure declares (beyond it: broken) and the one
 * of the bytes that are there (beyond it: wait). The first trouble sticks; reads after it yield 0.
 */
#ifndef FWC_INSPECT_CURSOR_H
#define FWC_INSPECT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cursor_state { CURSOR_FINE, CURSOR_SHORT, CURSOR_BROKEN };

struct cursor {
	const uint8_t *p;
	size_t off;
	size_t have; /* bytes there, from p */
	size_t limit; /* bytes that the structure says it has; have <= limit */
	enum cursor_state state;
};

static inline struct cursor cursor_of(const uint8_t *p, size_t have, size_t limit)
{
	return (struct cursor){.p = p, .have = have < limit ? have : limit, .limit = limit};
}

static inline bool cursor_need(struct cursor *c, size_t n)
{
	if (c->state != CURSOR_FINE)
		return false;
	if (n > c->limit - c->off)
		c->state = CURSOR_BROKEN;
	else if (c->off > c->have || n > c->have - c->off)
		c->state = CURSOR_SHORT;
	return c->state == CURSOR_FINE;
}

/* Big-endian, of `width` bytes. */
static inline uint32_t cursor_get(struct cursor *c, unsigned width)
{
	uint32_t v = 0;

	if (!cursor_need(c, width))
		return 0;
	while (width--)
		v = v << 8 | c->p[c->off++];
	return v;
}

/* The next n bytes as a structure of their own, which need not be there yet; c goes on behind. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
	struct cursor sub = {.p = c->p, .state = c->state};

	if (sub.state == CURSOR_FINE && n > c->limit - c->off)
		c->state = sub.state = CURSOR_BROKEN;
	if (sub.state != CURSOR_FINE)
		return sub;
	sub.off = c->off;
	sub.limit = c->off + n;
	sub.have = c->have < sub.limit ? c->have : sub.limit;
	c->off += n;
	return sub;
}

static inline void cursor_skip(struct cursor *c, size_t n)
{
	cursor_sub(c, n);
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->state == CURSOR_FINE ? c->limit - c->off : 0;
}

#endif
