/* SPDX-License-Identifier: GPL-2.0-or-later
 * Growing arrays in an arena: VEC(int) numbers = {0}; vec_push(arena, &numbers, 7); numbers.v[0],
 * numbers.n.
 */
#ifndef FWC_VEC_H
#define FWC_VEC_H

#include "util/arena.h"

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n, cap;                                                                     \
	}

/* Most lists within large things have one item. */
#define VEC_FIRST(vec) (sizeof(*(vec)->v) > 64 ? 1 : 4)

#define vec_room(grow, a, vec)                                                                     \
	(((vec)->n == (vec)->cap                                                                   \
		  ? (void)((vec)->cap = (vec)->cap ? 2 * (vec)->cap : VEC_FIRST(vec),              \
			   (vec)->v = grow((a), (vec)->v, (vec)->n * sizeof(*(vec)->v),            \
					   (vec)->cap * sizeof(*(vec)->v)))                        \
		  : (void)0),                                                                      \
	 &(vec)->v[(vec)->n++])

/* Makes room for one more and yields a pointer to it (zeroed the first time). */
#define vec_add(a, vec) vec_room(arena_grow, a, vec)

/* For that many more, so that growing leaves few copies behind: of one that grows often it is
 * doubled, as above. */
#define vec_reserve(a, vec, more)                                                                  \
	((vec)->cap - (vec)->n < (more)                                                            \
		 ? (void)((vec)->cap = (vec)->n + ((more) > (vec)->n ? (more) : (vec)->n),         \
			  (vec)->v = arena_grow((a), (vec)->v, (vec)->n * sizeof(*(vec)->v),       \
						(vec)->cap * sizeof(*(vec)->v)))                   \
		 : (void)0)

#define vec_push(a, vec, item) ((void)(*vec_add(a, vec) = (item)))

/* The same of a long array to which nobody has a pointer but the vector, nor a copy of that. */
#define vec_add_sole(a, vec) vec_room(arena_regrow, a, vec)
#define vec_push_sole(a, vec, item) ((void)(*vec_add_sole(a, vec) = (item)))

#define vec_each(vec, p) for (p = (vec)->v; p && p < (vec)->v + (vec)->n; p++)

#endif
