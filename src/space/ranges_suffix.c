/* SPDX-License-Identifier: GPL-2.0-or-later
 * Addresses in pieces -> words.
 */
#include "space/ranges_suffix.h"

#define SHOWN 16

size_t addr_pieces(const struct schema *s, uint32_t first, struct region_field *out)
{
	size_t n = 0;
	int top = 128;

	for (int bits = 127; bits > 0 && n + 1 < ADDR_PIECES; bits--) {
		if (!s->ends[bits])
			continue;
		out[n++] =
			(struct region_field){first + (uint32_t)(128 - top), (uint8_t)(top - bits)};
		top = bits;
	}
	out[n++] = (struct region_field){first + (uint32_t)(128 - top), (uint8_t)top};
	return n;
}

static bool is_one(const struct ivset *s)
{
	return s->n == 1 && s->v[0].lo == s->v[0].hi;
}

/* How many bits are behind piece i. */
static int behind(const struct region_field *f, size_t i, size_t n)
{
	int bits = 0;

	while (++i < n)
		bits += f[i].bits;
	return bits;
}

/* The pieces from..to (not with it) as intervals of so many bits; false if they are too many. All
 * but the last of them that says something must be single values. */
static bool joined(const struct region_field *f, const struct ivset *sets, size_t from, size_t to,
		   struct ival *out, size_t *count)
{
	u128 head = 0;
	size_t last = to;

	*count = 0;
	while (last > from + 1 && !sets[last - 1].n)
		last--;
	for (size_t i = from; i + 1 < last; i++) {
		if (!is_one(&sets[i]))
			return false;
		head |= sets[i].v[0].lo << behind(f, i, to);
	}
	if (sets[last - 1].n > SHOWN)
		return false;
	for (size_t i = 0; i < sets[last - 1].n; i++) {
		int bits = behind(f, last - 1, to);
		struct ival v = sets[last - 1].v[i];

		out[(*count)++] =
			(struct ival){head | v.lo << bits, head | v.hi << bits | u128_max(bits)};
	}
	return true;
}

static void put_suffixes(struct buf *b, const struct ival *v, size_t n, unsigned bits)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i ? ", " : "");
		suffix_print(b, v[i].lo, v[i].lo == v[i].hi ? bits : SUFFIX_BITS);
		if (v[i].lo == v[i].hi)
			continue;
		buf_putc(b, '-');
		addr_print(b, FAM_IP6, v[i].hi);
		if (bits != SUFFIX_BITS)
			buf_printf(b, "/%u", bits);
	}
}

/* All but multicast, of which every suffix is. */
static bool is_unicast(const struct region_field *f, const struct ivset *s)
{
	return s->n == 1 && s->v[0].lo == 0 && f->bits >= 8 &&
	       s->v[0].hi == ((u128)0xff << (f->bits - 8)) - 1;
}

static void put_all(struct buf *b, const struct ival *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i ? ", " : "");
		addr_print_range(b, FAM_IP6, v[i]);
	}
}

void addr_pieces_text(struct buf *b, const struct region_field *f, const struct ivset *sets,
		      size_t n)
{
	struct ivset before[ADDR_PIECES] = {0}; /* anything behind these */
	struct ival v[SHOWN];
	size_t count, tail = n;

	while (tail && sets[tail - 1].n)
		tail--;
	if (joined(f, sets, 0, n, v, &count)) {
		put_all(b, v, count);
		return;
	}
	tail += tail == 0; /* behind the first piece */
	if (tail == n || !joined(f, sets, tail, n, v, &count)) {
		buf_puts(b, "some addresses");
		return;
	}
	put_suffixes(b, v, count, (unsigned)behind(f, tail - 1, n));
	if (!sets[0].n || is_unicast(&f[0], &sets[0]))
		return;
	for (size_t i = 0; i < tail; i++)
		before[i] = sets[i];
	buf_puts(b, " in ");
	if (joined(f, before, 0, n, v, &count))
		put_all(b, v, count);
	else
		buf_puts(b, "some networks");
}
