/* SPDX-License-Identifier: GPL-2.0-or-later
 * String keys -> pointers, in an arena; entries stay in the order they were added.
 */
#ifndef FWC_MAP_H
#define FWC_MAP_H

#include <stdint.h>

#include "util/vec.h"

struct map_entry {
	const char *key; /* the caller's; must outlive the map */
	void *value;
	uint32_t hash;
};

struct map {
	struct arena *arena;
	VEC(struct map_entry) entries;
	uint32_t *slots; /* index + 1 into entries, 0 = free */
	uint32_t nslots;
};

void map_init(struct map *m, struct arena *arena);
void *map_get(const struct map *m, const char *key); /* NULL if absent */
void map_put(struct map *m, const char *key, void *value); /* replaces */

#endif
