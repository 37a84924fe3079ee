/* SPDX-License-Identifier: GPL-2.0-or-later
 * An artefact as this kernel can load it, where it lacks what some rules need: never more open.
 */
#ifndef FWC_BOOT_STANDIN_H
#define FWC_BOOT_STANDIN_H

#include "store/boot_note.h"

/* 0: *out is `in` with other text for the rules in *what (none: the same text); its script is to be
 * freed, all else is borrowed. -errno: some rule has no stand-in, or nothing can be tried. */
int standin_fit(struct arena *a, const struct artefact *in, struct artefact *out,
		struct standins *what, struct buf *why);

#endif
