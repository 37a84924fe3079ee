/* SPDX-License-Identifier: GPL-2.0-or-later
 * Common ends are cut off; between them the longest common subsequence is found by the usual table,
 * or, where that would be too large, order is forgotten.
 */
#include "nft/diff_lcs.h"

#include <string.h>

#define MAX_CELLS (4u << 20)

static void step(struct arena *a, struct diff_steps *out, char sign, const struct diff_item *i)
{
	struct diff_step s = {.sign = sign, .item = i};

	vec_push(a, out, s);
}

static bool same(const struct diff_item *x, const struct diff_item *y)
{
	return !strcmp(x->text, y->text);
}

static void by_table(struct arena *a, const struct diff_item *x, size_t nx,
		     const struct diff_item *y, size_t ny, struct diff_steps *out)
{
	size_t w = ny + 1, i = 0, j = 0;
	uint32_t *t = arena_alloc(a, (nx + 1) * w * sizeof(*t)); /* of the tails from i, j */

	for (size_t r = nx; r-- > 0;) {
		for (size_t c = ny; c-- > 0;) {
			uint32_t down = t[(r + 1) * w + c], right = t[r * w + c + 1];

			if (same(&x[r], &y[c]))
				t[r * w + c] = t[(r + 1) * w + c + 1] + 1;
			else
				t[r * w + c] = down > right ? down : right;
		}
	}
	while (i < nx || j < ny) {
		if (i < nx && j < ny && same(&x[i], &y[j])) {
			i++;
			j++;
		} else if (j == ny || (i < nx && t[(i + 1) * w + j] >= t[i * w + j + 1])) {
			step(a, out, '-', &x[i++]);
		} else {
			step(a, out, '+', &y[j++]);
		}
	}
}

/* How often each text is there. */
static struct map *count(struct arena *a, const struct diff_item *x, size_t n)
{
	struct map *m = arena_new_of(a, struct map);

	map_init(m, a);
	for (size_t i = 0; i < n; i++) {
		size_t *c = map_get(m, x[i].text);

		if (!c) {
			c = arena_new_of(a, size_t);
			map_put(m, x[i].text, c);
		}
		(*c)++;
	}
	return m;
}

static void extra(struct arena *a, char sign, const struct diff_item *x, size_t n,
		  struct map *other, struct diff_steps *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t *c = map_get(other, x[i].text);

		if (c && *c)
			(*c)--;
		else
			step(a, out, sign, &x[i]);
	}
}

void diff_items(struct arena *a, const struct diff_item *x, size_t nx, const struct diff_item *y,
		size_t ny, bool ordered, struct diff_steps *out)
{
	while (nx && ny && same(x, y)) {
		x++;
		y++;
		nx--;
		ny--;
	}
	while (nx && ny && same(&x[nx - 1], &y[ny - 1])) {
		nx--;
		ny--;
	}
	if (ordered && (nx + 1) <= MAX_CELLS / (ny + 1)) {
		by_table(a, x, nx, y, ny, out);
		return;
	}
	extra(a, '-', x, nx, count(a, y, ny), out);
	extra(a, '+', y, ny, count(a, x, nx), out);
}
