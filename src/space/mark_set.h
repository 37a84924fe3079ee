/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the marks of a packet and of its connection are set to: as words of effects (outcome.h), and
 * by several settings one after the other.
 */
#ifndef FWC_MARK_SET_H
#define FWC_MARK_SET_H

#include <stdbool.h>

#include "nft/ir.h"
#include "util/arena.h"
#include "util/ival.h"

/* In a word of effects: the header is changed, and marks may be, too. */
#define MARK_SET_FIELDS "changes the packet's header"

#define MARK_SETS 2 /* the packet's mark, and the connection's */
#define MARK_BITS (32 * MARK_SETS) /* the packet's from its lowest on, then the connection's */

#define MARK_BIT_IS(value) (1u + ((value) != 0))
#define MARK_BIT_IS_NUMBER(x) ((x) < 4)
#define MARK_BIT_FROM(bit, flipped) (4u + 2u * (unsigned)(bit) + ((flipped) != 0))
#define MARK_BIT_SOURCE(x) (((x)-4u) / 2)

struct mark_set {
	/* 0: it is as it came; MARK_BIT_IS(0) or (1): set to that; MARK_BIT_FROM(): to what that
	 * bit came as, or to the contrary */
	uint8_t bit[MARK_BITS];
	bool known; /* false: others may be, too */
};

/* What a packet of these effects has set. */
struct mark_set mark_set_of(const char *effects);
/* What IR_MARK sets. */
struct mark_set mark_set_stmt(const struct ir_stmt *s);
/* Then `set` comes. */
void mark_set_put(struct mark_set *now, const struct mark_set *set);
bool mark_set_same(const struct mark_set *a, const struct mark_set *b);
/* As mean_base_chain() has them: the packet's, above them the connection's. */
u128 mark_set_bits(const struct mark_set *x);
/* Those of them that are made of one of these bits. */
u128 mark_set_from(const struct mark_set *x, u128 from);
/* What they are made of. */
u128 mark_set_sources(const struct mark_set *x);
/* Of these bits it says nothing any more. */
void mark_set_forget(struct mark_set *x, u128 bits);

struct mark_words {
	const char **v;
	size_t n, cap;
};

/* Words of effects: "meta mark & 0x000000ff = 0x00000001", "ct mark & 0x00000f00 = meta mark << 8
 * ^ 0x00000100". Of what is not followed ":=": of several such words for the same bits the last
 * holds (outcome_unite). */
void mark_set_words(struct arena *a, const struct mark_set *x, bool followed,
		    struct mark_words *out);
/* Of bits that are set to a value. */
const char *mark_set_word(struct arena *a, bool ct, uint32_t bits, uint32_t value, bool followed);
/* Puts a word that is followed into x; false: it is none. */
bool mark_set_read(struct mark_set *x, const char *word);
/* Whether a word says that marks are set, in whatever way. */
bool mark_set_is(const char *word, size_t n);
/* Whether any of these words makes marks of marks. */
bool mark_set_copies(const char *effects);

#endif
