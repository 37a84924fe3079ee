/* SPDX-License-Identifier: GPL-2.0-or-later
 * seen.json: at which generation of nftables in which namespace the kernel was seen to hold which
 * artefact. While the generation is the same nobody has committed anything, so it still does. And
 * which files of candidate and applied said so: while they are the same they need not be read.
 */
#ifndef FWC_SEEN_H
#define FWC_SEEN_H

#include "kernel/genid.h"
#include "store/store.h"

/* `generation` is that of the dump that was compared with the artefact. Failing to write it costs
 * the next apply a look. */
void seen_note(struct store *s, const struct artefact *x, const char *netns, uint32_t generation);
/* The same of its bulk sets alone: that they held what they are to hold, which takes long to find
 * out, and that others have committed nothing since. */
void seen_note_lists(struct store *s, const struct artefact *x, const char *netns,
		     uint32_t generation);
bool seen_lists(const struct store *s, const struct artefact *x, const char *netns);
/* That it holds what was noted, and applied and the candidate, which x was, are the same: as long
 * as nobody writes to either. */
void seen_note_files(struct store *s, const struct artefact *x, struct arena *a);
/* All of that is so still. Then *out is the head of the candidate, unless it has inspectors. */
bool seen_whole(const struct store *s, const char *netns, struct arena *a, struct artefact *out);
/* The table is there, it is that artefact's, and nobody has committed since it was seen to be. */
bool seen_still(const struct store *s, const struct artefact *x, const char *netns);

#endif
