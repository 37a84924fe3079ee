/* SPDX-License-Identifier: GPL-2.0-or-later
 * boot.json: what the last boot could not do as it should be.
 */
#ifndef FWC_STORE_BOOT_NOTE_H
#define FWC_STORE_BOOT_NOTE_H

#include "store/store.h"

enum boot_outcome {
	BOOT_WHOLE,
	BOOT_PARTLY, /* rules were replaced, or it came from the history */
	BOOT_BLOCKED, /* only what the rescue policy allows passes */
	BOOT_LEFT, /* nothing may be loaded, but rules of fwc filter already: they stay */
	BOOT_NOTHING, /* nothing of fwc filters */
};

struct standin { /* a rule that is not what the policy says */
	const char *at, *text, *needs;
};

struct standins {
	struct standin *v;
	size_t n, cap;
};

struct boot_note {
	bool there;
	enum boot_outcome outcome;
	const char *time, *why;
	struct standins left_out;
};

/* As far as that goes; of a boot without a fault there is no note. */
void boot_note_write(struct store *s, const struct boot_note *n);
/* If it was during this run of the machine; then apply or stop drops it. */
void boot_note_read(const struct store *s, struct arena *a, struct boot_note *out);
void boot_note_drop(struct store *s);

/* An array of objects: "at", "text", "needs". */
json_t *standins_json(const struct standins *l);

#endif
