/* SPDX-License-Identifier: GPL-2.0-or-later
 * One arena holds everything that a compilation makes; it is freed once, at the end.
 * Running out of memory ends the program: a compiler has nothing better to do.
 */
#ifndef FWC_ARENA_H
#define FWC_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* One that is freed with the other, if not before it. */
struct arena *arena_within(struct arena *outer);
void arena_free(struct arena *a); /* NULL is fine */

/* Zeroed memory, aligned for any type; lives until arena_free(). */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of the first oldsize bytes, with zeroes behind them. */
void *arena_grow(struct arena *a, const void *old, size_t oldsize, size_t newsize);
/* What was allocated in the same arena with oldsize, with zeroes behind it, and without a second
 * copy where it is large: nobody may look at the old place again. */
void *arena_regrow(struct arena *a, void *old, size_t oldsize, size_t newsize);
/* A copy of n bytes, and a zero behind them. */
void *arena_copy(struct arena *a, const void *p, size_t n);
/* The first n bytes of a file that nobody writes any more, as they are in it; n > 0. They live
 * until arena_free(), the descriptor may go. NULL, with errno set, if that fails. */
const void *arena_map(struct arena *a, int fd, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

#define arena_new_of(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
