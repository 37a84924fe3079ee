/* SPDX-License-Identifier: GPL-2.0-or-later
 * The last confirmed artefact into the kernel, whatever is not there yet; and if there is none that
 * may be loaded, everything shut.
 */
#ifndef FWC_APPLY_BOOT_H
#define FWC_APPLY_BOOT_H

#include "store/boot_note.h"

struct boot {
	enum boot_outcome outcome;
	struct standins left_out;
	unsigned generation; /* taken from the history, as applied/ could not be used; 0: not so */
	struct buf why; /* of everything that is not as it should be; lines */
	struct buf empty; /* which sets that are fetched are empty, and why; lines */
};

/* why_not: NULL, or why the store must not be read; then it may be closed, too (dir -1). settings:
 * the directory of boot.conf. */
void boot_load(struct boot *b, struct store *s, const char *why_not, const char *netns,
	       const char *settings, struct arena *a);
void boot_free(struct boot *b);
/* What is left if that came to no end: all is shut, unless rules of fwc filter already. */
enum boot_outcome boot_block(const char *netns, struct arena *a, struct buf *why);

#endif
