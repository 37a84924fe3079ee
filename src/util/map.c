/* SPDX-License-Identifier: GPL-2.0-or-later
 * string -> pointer, by open addressing over an ordered list of entries.
 */
#include "util/map.h"

#include <string.h>

static uint32_t hash_str(const char *s)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (*s)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h;
}

void map_init(struct map *m, struct arena *arena)
{
	*m = (struct map){.arena = arena};
}

/* The slot that holds key, or the free one where it belongs. */
static uint32_t find(const struct map *m, const char *key, uint32_t hash)
{
	uint32_t i = hash & (m->nslots - 1);

	for (; m->slots[i]; i = (i + 1) & (m->nslots - 1)) {
		const struct map_entry *e = &m->entries.v[m->slots[i] - 1];

		if (e->hash == hash && !strcmp(e->key, key))
			break;
	}
	return i;
}

void *map_get(const struct map *m, const char *key)
{
	uint32_t slot;

	if (!m->nslots)
		return NULL;
	slot = m->slots[find(m, key, hash_str(key))];
	return slot ? m->entries.v[slot - 1].value : NULL;
}

static void rehash(struct map *m)
{
	m->nslots = m->nslots ? 2 * m->nslots : 16;
	m->slots = arena_alloc(m->arena, m->nslots * sizeof(*m->slots));
	for (size_t i = 0; i < m->entries.n; i++) {
		const struct map_entry *e = &m->entries.v[i];

		m->slots[find(m, e->key, e->hash)] = (uint32_t)i + 1;
	}
}

void map_put(struct map *m, const char *key, void *value)
{
	uint32_t hash = hash_str(key), i;

	if (2 * (m->entries.n + 1) > m->nslots)
		rehash(m);
	i = find(m, key, hash);
	if (!m->slots[i]) {
		vec_push(m->arena, &m->entries,
			 ((struct map_entry){.key = key, .hash = hash}));
		m->slots[i] = (uint32_t)m->entries.n;
	}
	m->entries.v[m->slots[i] - 1].value = value;
}
