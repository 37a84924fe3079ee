/* SPDX-License-Identifier: GPL-2.0-or-later
 * ranges -> prefixes -> few lengths: those of which the fewest keys are made. A prefix of another
 * length is split into ones of the next that there is.
 */
#include "util/bulk_split.h"

#define TOP 128
#define NEVER UINT64_MAX

struct lengths {
	int bits; /* of an address */
	uint64_t n[TOP + 1]; /* prefixes by their length */
	uint64_t all;
	/* keys of all prefixes up to a length, where that is the last of k lengths; and which is
	 * the one before it */
	uint64_t keys[BULK_LENGTHS + 1][TOP + 1];
	uint8_t before[BULK_LENGTHS + 1][TOP + 1];
};

/* The largest prefix that begins a range. */
static int first_prefix(struct ival r, int bits)
{
	int len = bits;

	while (len > 0) {
		u128 rest = u128_max(bits - len + 1);

		if (r.lo & rest || r.hi - r.lo < rest)
			break;
		len--;
	}
	return len;
}

static u128 last_of(u128 lo, int len, int bits)
{
	return lo | u128_max(bits - len);
}

static void count(struct lengths *x, const struct bulk_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct ival r = bulk_list_at(l, i);

		for (;;) {
			int len = first_prefix(r, x->bits);
			u128 last = last_of(r.lo, len, x->bits);

			x->n[len]++;
			x->all++;
			if (last == r.hi)
				break;
			r.lo = last + 1;
		}
	}
}

/* Keys of `len` bits that the prefixes longer than `from` become. */
static uint64_t keys_between(const struct lengths *x, int from, int len)
{
	uint64_t keys = 0;

	for (int k = from + 1; k <= len; k++) {
		if (x->n[k] && (len - k > 32 || x->n[k] << (len - k) > 2 * x->all))
			return NEVER;
		keys += x->n[k] ? x->n[k] << (len - k) : 0;
	}
	return keys;
}

static void choose(struct lengths *x)
{
	for (int len = 0; len <= x->bits; len++)
		x->keys[1][len] = keys_between(x, -1, len);
	for (int k = 2; k <= BULK_LENGTHS; k++) {
		for (int len = 0; len <= x->bits; len++) {
			x->keys[k][len] = NEVER;
			for (int from = 0; from < len; from++) {
				uint64_t more = keys_between(x, from, len);
				uint64_t keys = x->keys[k - 1][from];

				if (keys == NEVER || more == NEVER ||
				    keys + more >= x->keys[k][len])
					continue;
				x->keys[k][len] = keys + more;
				x->before[k][len] = (uint8_t)from;
			}
		}
	}
}

/* A look-up less is worth a quarter of the memory. In no case there are twice as many keys as there
 * would be intervals, which take more memory each. */
static int how_many(const struct lengths *x, int last, size_t ranges)
{
	uint64_t most = x->all + x->all / 4;

	if (most > 2 * (uint64_t)ranges)
		most = 2 * (uint64_t)ranges;
	for (int k = 1; k <= BULK_LENGTHS && last; k++)
		if (x->keys[k][last] <= most)
			return k;
	return last && x->keys[BULK_LENGTHS][last] <= 2 * (uint64_t)ranges ? BULK_LENGTHS : 0;
}

static void fill(struct arena *a, const struct bulk_list *l, int bits, struct bulk_split *out)
{
	struct bulk parts[BULK_LENGTHS] = {0};

	for (size_t i = 0; i < l->n; i++) {
		struct ival r = bulk_list_at(l, i);

		for (;;) {
			int len = first_prefix(r, bits);
			u128 last = last_of(r.lo, len, bits);
			size_t k = 0;

			while (out->bits[k] < len)
				k++;
			bulk_add(&parts[k], l->family, (struct ival){r.lo, last});
			if (last == r.hi)
				break;
			r.lo = last + 1;
		}
	}
	for (size_t k = 0; k < out->n; k++) {
		bulk_settle(&parts[k], a);
		out->part[k] = bulk_list(a, &parts[k], l->family);
	}
}

void bulk_split(struct arena *a, const struct bulk_list *l, struct bulk_split *out)
{
	struct lengths *x = arena_new_of(a, struct lengths);
	int last, n;

	*out = (struct bulk_split){0};
	x->bits = l->family == FAM_IP4 ? 32 : TOP;
	count(x, l);
	for (last = x->bits; last > 0 && !x->n[last]; last--)
		;
	choose(x);
	n = how_many(x, last, l->n);
	out->n = (size_t)n;
	for (int k = n, len = last; k > 0; len = x->before[k--][len])
		out->bits[k - 1] = (uint8_t)len;
	if (n)
		fill(a, l, x->bits, out);
}
