/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a script for nft would do, by its text alone.
 */
#ifndef FWC_SCRIPT_H
#define FWC_SCRIPT_H

#include <stdbool.h>

#include "util/buf.h"

/* Whether nft would read a file for it, as it does with the rights of whoever calls it: the word
 * include outside of strings and comments. */
bool script_includes(const char *script);

/* The script as it is, line by line, of a table called `name` instead, which has an owner and is on
 * no hook (flags owner, dormant). Only a script as the compiler writes them: it fills table inet
 * fwc with chains, sets and maps, and does nothing else. False with nothing written to *out if it
 * is another one, and *line says where. */
bool script_asleep(struct buf *out, const char *script, const char *name, unsigned *line);

/* The kernel makes room for all elements of a dynamic set when it makes the set: 1 MiB for 65,535
 * of them, which it clears. Where that is much in all, *out is the script with each of them made
 * small first and given its size by a second statement, which kernels since 6.5 take for a change:
 * room is then made as elements come. Its lines keep their numbers. False with nothing written if
 * there is little to gain. */
bool script_grow(struct buf *out, const char *script);

#endif
