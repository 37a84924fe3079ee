/* SPDX-License-Identifier: GPL-2.0-or-later
 * The last confirmed artefact into the kernel, whatever is not there yet; and if there is none that
 * may be loaded, everything shut.
 */
#ifndef FWC_APPLY_BOOT_H
#define FWC_APPLY_BOOT_H

#include "apply/fit.h"
#include "apply/rescue.h"

enum boot_outcome {
	BOOT_WHOLE,
	BOOT_PARTLY, /* rules were replaced, or it came from the history */
	BOOT_BLOCKED, /* only what the rescue policy allows passes */
	BOOT_LEFT, /* nothing may be loaded, but rules of fwc filter already: they stay */
	BOOT_NOTHING, /* nothing of fwc filters */
};

struct boot {
	enum boot_outcome outcome;
	struct unfits left_out;
	unsigned generation; /* taken from the history, as applied/ could not be used; 0: not so */
	struct buf why; /* of everything that is not as it should be; lines */
};

/* The store may be closed (dir -1) if why_no_store says why. settings: the directory of boot.conf.
 */
void boot_load(struct boot *b, struct store *s, const char *why_no_store, const char *netns,
	       const char *settings, struct arena *a);
void boot_free(struct boot *b);

/* What is on record of it, if it was during this run of the machine; then apply or stop drops it.
 */
struct boot_note {
	bool there;
	enum boot_outcome outcome;
	const char *time, *why;
	struct unfits left_out;
};
void boot_note_read(const struct store *s, struct arena *a, struct boot_note *out);
void boot_note_drop(struct store *s);

#endif
