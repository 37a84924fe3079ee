/* SPDX-License-Identifier: GPL-2.0-or-later
 * Node -> number, by open addressing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "space/region_core.h"

void *region_must(void *p)
{
	if (!p) {
		fputs("fwc: out of memory\n", stderr);
		abort();
	}
	return p;
}

static size_t find(const struct refmap *m, dd_ref n)
{
	size_t at = (n * 0x9e3779b97f4a7c15ull >> 32) & (m->slots - 1);

	while (m->keys[at] != DD_EXHAUSTED && m->keys[at] != n)
		at = (at + 1) & (m->slots - 1);
	return at;
}

static void grow(struct refmap *m)
{
	struct refmap old = *m;

	m->slots = old.slots ? 2 * old.slots : 64;
	m->keys = region_must(malloc(m->slots * sizeof(*m->keys)));
	m->numbers = region_must(malloc(m->slots * sizeof(*m->numbers)));
	memset(m->keys, 0xff, m->slots * sizeof(*m->keys));
	for (size_t i = 0; i < old.slots; i++) {
		if (old.keys[i] != DD_EXHAUSTED) {
			size_t at = find(m, old.keys[i]);

			m->keys[at] = old.keys[i];
			m->numbers[at] = old.numbers[i];
		}
	}
	refmap_free(&old);
}

bool refmap_add(struct refmap *m, dd_ref n, uint32_t *number)
{
	size_t at;

	if (2 * m->n >= m->slots)
		grow(m);
	at = find(m, n);
	if (m->keys[at] == n) {
		*number = m->numbers[at];
		return true;
	}
	m->keys[at] = n;
	m->numbers[at] = *number = (uint32_t)m->n++;
	return false;
}

void refmap_free(struct refmap *m)
{
	free(m->keys);
	free(m->numbers);
	*m = (struct refmap){0};
}
