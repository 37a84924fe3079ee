/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the marks of a packet and of its connection are set to: as words of effects (outcome.h), and
 * by several settings one after the other.
 */
#ifndef FWC_MARK_SET_H
#define FWC_MARK_SET_H

#include <stdbool.h>

#include "util/arena.h"
#include "util/ival.h"

/* In a word of effects: the header is changed, and marks may be, too. */
#define MARK_SET_FIELDS "changes the packet's header"

#define MARK_SETS 2 /* the packet's mark, and the connection's */

struct mark_set {
	/* Bits that are set; to what; and those of them that are set to what the other mark had
	 * there before any of this. */
	uint32_t bits[MARK_SETS], value[MARK_SETS], copied[MARK_SETS];
	bool known; /* false: others may be, too */
};

/* What a packet of these effects has set. */
struct mark_set mark_set_of(const char *effects);
/* Then `set` comes. */
void mark_set_put(struct mark_set *now, const struct mark_set *set);
bool mark_set_same(const struct mark_set *a, const struct mark_set *b);
/* As mean_base_chain() has them: the packet's, above them the connection's. */
u128 mark_set_bits(const struct mark_set *x);
/* Those of them that are copied from one of these bits. */
u128 mark_set_from(const struct mark_set *x, u128 from);
/* Of these bits it says nothing any more. */
void mark_set_forget(struct mark_set *x, u128 bits);

/* A word of effects: "meta mark & 0x000000ff = 0x00000001"; value NULL: "= ct mark". Of what is not
 * followed ":=": of several such words for the same bits the last holds (outcome_unite). */
const char *mark_set_word(struct arena *a, bool ct, uint32_t bits, const uint32_t *value,
			  bool followed);
/* Puts a word that is followed into x; false: it is none. */
bool mark_set_read(struct mark_set *x, const char *word);
/* Whether a word says that marks are set, in whatever way. */
bool mark_set_is(const char *word, size_t n);
/* Whether any of these words copies. */
bool mark_set_copies(const char *effects);

#endif
