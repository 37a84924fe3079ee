/* SPDX-License-Identifier: GPL-2.0-or-later
 * text -> numbers: the one reader of them, whoever wrote the text. It takes decimal digits and
 * nothing else (no sign, no blank, no end that is left over), and both bounds belong to every
 * question: what is out of them is no number, so that nothing wraps. Leading zeros change nothing.
 */
#ifndef FWC_NUMBER_H
#define FWC_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each writes to *out only if it yields true. */
bool number_read(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *out);
/* Of a whole string; NULL is none. */
bool number_word(const char *s, uint64_t min, uint64_t max, uint64_t *out);
/* At the head of a text; *s then stands behind it. */
bool number_take(const char **s, uint64_t min, uint64_t max, uint64_t *out);
/* Hexadecimal digits alone. */
bool number_hex(const char *s, size_t n, uint64_t max, uint64_t *out);
/* Decimal, or hexadecimal behind 0x. */
bool number_any(const char *s, size_t n, uint64_t max, uint64_t *out);
/* Seconds with up to three decimals, "2" or "0.25"; all in milliseconds. */
bool number_seconds(const char *s, uint64_t min, uint64_t max, uint64_t *out);
/* In builds for tests, what the environment says, from 1 on; else `otherwise`. */
size_t number_in_tests(const char *name, size_t otherwise);

#endif
