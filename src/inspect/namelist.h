/* SPDX-License-Identifier: GPL-2.0-or-later
 * Many names, and whether one of them covers a given name. "example.org" covers itself,
 * "*.example.org" every name below it (not itself), "*" every name. Case and a dot at the end do
 * not matter. A list of 100,000 names takes 3-4 MiB and a look-up well below a microsecond.
 */
#ifndef FWC_INSPECT_NAMELIST_H
#define FWC_INSPECT_NAMELIST_H

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"

struct namelist;

/* NULL if the text can stand in a list, else what is wrong with it: a few words, static. */
const char *namelist_flaw(const char *s, size_t n);

/* Room for that many names of together so many bytes; in the arena. */
struct namelist *namelist_new(struct arena *a, size_t names, size_t bytes);
/* The text must have no flaw and fit; one that is there already is not added again. */
void namelist_add(struct namelist *l, const char *s, size_t n);
/* `name` in lower case without a dot at its end, n > 0. */
bool namelist_covers(const struct namelist *l, const char *name, size_t n);
size_t namelist_count(const struct namelist *l);
size_t namelist_bytes(const struct namelist *l); /* of memory */

/* The next name of a text with one in each line, '#' comments and empty lines skipped: *off moves
 * on behind it. False at the end. */
bool namelist_line(const char *text, size_t len, size_t *off, const char **name, size_t *n);

#endif
