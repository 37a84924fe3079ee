/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list of very many ranges as the bytes of a file: the family (one byte, 4 or 6), then each range
 * by its first and its last address, the highest byte first. They are the bytes that the list's
 * digest is made of, so the file's hash is its name.
 *
 * It is not nft's text because boot would have to parse that, and libnftables takes 370 MB for a
 * million addresses. `fwc show` prints it.
 */
#ifndef FWC_BULK_FILE_H
#define FWC_BULK_FILE_H

#include "util/bulk.h"

#define BULK_FILE ".elements" /* behind the digest: the name of the file */
#define BULK_FILE_MAX ((size_t)1 << 30)

size_t bulk_file_bytes(const struct bulk_list *l);
void bulk_file_pack(struct buf *out, const struct bulk_list *l);
/* The same, range by range, sorted. */
void bulk_file_begin(struct buf *out, enum family family);
void bulk_file_add(struct buf *out, enum family family, u128 lo, u128 hi);
/* In the arena, its digest made anew. NULL: they are no sorted, disjoint ranges. */
struct bulk_list *bulk_file_read(struct arena *a, const void *bytes, size_t n);
/* bulk_key() read again. */
u128 bulk_address(enum family family, const uint8_t *key);

#endif
