/* SPDX-License-Identifier: GPL-2.0-or-later
 * The elements of an artefact's bulk sets: beside the script a file for each list, DIGEST.elements
 * (util/bulk_file.h). The same list of several artefacts is one file with several names. It is read
 * when somebody asks for it, and is then what its name says, or an error.
 */
#ifndef FWC_LISTS_H
#define FWC_LISTS_H

#include "nft/manifest.h"
#include "util/bulk.h"

struct lists; /* in an arena, but for a descriptor */

/* Those of what was compiled; NULL: there are none. */
struct lists *lists_of(struct arena *a, const struct ir_ruleset *compiled);
/* Those that were read of the applied artefact need not be written again, but are linked. */
void lists_keep(struct lists *l, struct lists *applied);
/* Those that the manifest names, in its directory; NULL: it names none. */
struct lists *lists_open(struct arena *a, int dir, const struct manifest *m);
void lists_close(struct lists *l);

/* The one of that digest; NULL with why. */
const struct bulk_list *lists_get(struct lists *l, const char *digest, struct buf *why);
/* All of them can be had. 0 or -errno with why. */
int lists_read(struct lists *l, struct buf *why);
/* Sets that were read, by their names, get what they hold. 0 or -errno with why. */
int lists_give(struct lists *l, struct arena *a, const struct manifest *m, struct ir_ruleset *r,
	       struct buf *why);

/* Into a directory; what lies as a whole in one of the others need not be written again. Files of
 * other lists go. 0 or -errno; -ESTALE: of one that is to be linked, and came without what is in
 * it, there is no file. */
int lists_write(struct lists *l, int dir, const int *others, size_t n);
/* Bytes that it takes to write them to a directory where none of them can be linked to. */
uint64_t lists_bytes(const struct lists *l, int dir);

/* All of them behind one another, for another process, and back; of those that are to be linked
 * the digests, unless `all` is wanted. */
void lists_put(struct lists *l, bool all, struct buf *out);
struct lists *lists_take(struct arena *a, const struct buf *in, bool *good);

#endif
