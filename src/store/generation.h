/* SPDX-License-Identifier: GPL-2.0-or-later
 * What was applied before: the last so many artefacts, each with its record, by number.
 */
#ifndef FWC_GENERATION_H
#define FWC_GENERATION_H

#include "store/store.h"

#define GENERATIONS_MAX 20
#define GENERATIONS_BYTES ((uint64_t)64 << 20) /* of all together */

struct generation {
	unsigned number; /* from 1 */
	uint64_t bytes;
	json_t *record; /* apply.json, or NULL if it cannot be read */
};

enum generations_with { /* beside the numbers, bits */
			WITH_NUMBERS = 0,
			WITH_BYTES = 1,
			WITH_RECORDS = 2,
};

struct generations { /* oldest first; freed by generations_free() */
	struct generation *v;
	size_t n, cap;
};

#define GENERATION_MAX 1000000000

/* 0 or -errno with why. */
int generations_list(const struct store *s, struct arena *a, enum generations_with with,
		     struct generations *out, struct buf *why);
void generations_free(struct generations *g);
/* A number of the history: digits alone. */
bool generation_number(const char *text, unsigned *out);
/* Reads one by its number. 0 or -errno with why. */
int generation_read(const struct store *s, unsigned number, struct arena *a, struct artefact *out,
		    struct buf *why);
/* The directory's name below the state directory, for store_read(). */
const char *generation_name(struct arena *a, unsigned number);
/* The number of the next one. */
unsigned generation_next(const struct generations *g);
/* The one in force, by the record of what is applied; 0: none. */
unsigned generation_in_force(const struct store *s);
/* Keeps the artefact under that number, and lets the oldest go where there are too many or they are
 * too large; never the one in force. */
int generation_keep(struct store *s, struct arena *a, unsigned number, const struct artefact *x,
		    const json_t *record, struct buf *why);

#endif
