/* SPDX-License-Identifier: GPL-2.0-or-later
 * A member of a JSON object -> its value, or what stands for one that is not there or of another
 * type. What a file or a daemon said is believed only by whoever reads it: bounds are theirs.
 */
#ifndef FWC_MEMBER_H
#define FWC_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct arena;

/* Belongs to j; "" if there is none. */
const char *member_text(const json_t *j, const char *key);
const char *member_copy(struct arena *a, const json_t *j, const char *key);
/* NULL if there is none. */
const char *member_copy_if(struct arena *a, const json_t *j, const char *key);
/* 0 too for what is negative. */
uint64_t member_number(const json_t *j, const char *key);
bool member_flag(const json_t *j, const char *key);

#endif
