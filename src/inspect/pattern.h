/* SPDX-License-Identifier: GPL-2.0-or-later
 * Regular expressions over the first bytes that a client sends, by PCRE2. Bytes, not characters;
 * a pattern begins at the first byte ('^'), or it could not be said when it does not match.
 */
#ifndef FWC_INSPECT_PATTERN_H
#define FWC_INSPECT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/probe.h"
#include "util/buf.h"

struct pattern;
struct pattern_room; /* to match in; one for each thread */

/* NULL and `why` if it is none. `why` says where, counted in bytes from 1. */
struct pattern *pattern_new(const char *text, struct buf *why);
void pattern_free(struct pattern *p); /* NULL is fine */
struct pattern_room *pattern_room_new(void); /* NULL if out of memory */
void pattern_room_free(struct pattern_room *room);

/* YES as soon as the bytes so far match; NO once nothing that follows could make them match;
 * OPEN otherwise, which `whole` (nothing follows) makes a NO. *failed: the pattern took more steps
 * than it may. */
enum answer pattern_match(const struct pattern *p, const uint8_t *bytes, size_t n, bool whole,
			  struct pattern_room *room, bool *failed);

#endif
