/* SPDX-License-Identifier: GPL-2.0-or-later
 * Large tables: zeroed memory in large pages where the kernel has them, which saves most of the
 * faults, each dearer in a virtual machine, and most misses of the TLB where a table is looked up
 * at random. Small ones are calloc()'s, so that a sanitizer sees them.
 */
#ifndef FWC_ROOM_H
#define FWC_ROOM_H

#include <stddef.h>

/* What is as large begins at a large page of its own; the most that the heap has. */
#define ROOM_LARGE ((size_t)2 << 20)
#define ROOM_MOST_OF_HEAP (ROOM_LARGE - 4096)

/* Never NULL: without memory the program ends. */
void *room_new(size_t bytes);
/* The same, with anything in it. */
void *room_bare(size_t bytes);
/* The same bytes with zeroes behind them; the old ones are gone. */
void *room_grow(void *room, size_t bytes, size_t more);
void room_free(void *room, size_t bytes);
/* From now on the heap keeps what is freed, for what comes next: commands are short, and a page
 * that the kernel gives costs more than most of what is done in it (mallopt(3)). */
void room_keep(void);
/* Ends the program: there is no memory. */
_Noreturn void room_lack(void);

#endif
