/* SPDX-License-Identifier: GPL-2.0-or-later
 * IPv6 addresses of a region, where some of it goes by their last bits: as intervals they would be
 * one for each network. They are cut into pieces instead, and the pieces said together.
 */
#ifndef FWC_RANGES_SUFFIX_H
#define FWC_RANGES_SUFFIX_H

#include "space/region.h"
#include "space/schema.h"

#define ADDR_PIECES 8

/* The pieces of the address that begins at variable `first`, from the top; how many. */
size_t addr_pieces(const struct schema *s, uint32_t first, struct region_field *out);
/* What is in such a product, in words; "" for any. */
void addr_pieces_text(struct buf *b, const struct region_field *f, const struct ivset *sets,
		      size_t n);

#endif
