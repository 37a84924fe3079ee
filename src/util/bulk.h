/* SPDX-License-Identifier: GPL-2.0-or-later
 * Very many addresses, packed: 8 bytes for a range of IPv4 addresses, 32 for one of IPv6. What a
 * list of a million is kept in, from the file to where its elements are wanted one by one.
 */
#ifndef FWC_BULK_H
#define FWC_BULK_H

#include <stdint.h>

#include "util/ival.h"
#include "util/sha256.h"

/* From so many ranges of one family on, what a policy names is a list: it is loaded and looked up
 * by its own name, and is never taken apart. */
#define BULK_MIN 4096

struct range4 {
	uint32_t lo, hi;
};

struct bulk {
	struct { /* in rooms while it grows, in an arena once it is settled */
		struct range4 *v;
		size_t n, cap;
	} v4;
	struct {
		struct ival *v;
		size_t n, cap;
	} v6;
};

void bulk_add(struct bulk *b, enum family family, struct ival range);
/* Sorts what was added, merges what overlaps or touches, and moves it into the arena. */
void bulk_settle(struct bulk *b, struct arena *a);
/* The ranges of one family, behind those that are in `out`. */
void bulk_append(struct ivset *out, const struct bulk *b, enum family family, struct arena *a);

/* What is settled, of one family: sorted, disjoint, and no two are neighbours. */
struct bulk_list {
	enum family family;
	size_t n;
	const struct range4 *v4; /* FAM_IP4 */
	const struct ival *v6; /* FAM_IP6 */
	char digest[SHA256_HEX]; /* of the family and the ranges: equal for equal lists alone */
};

struct bulk_list *bulk_list(struct arena *a, const struct bulk *b, enum family family);
/* Of ranges that are sorted and disjoint, be they neighbours. */
struct bulk_list *bulk_list_of4(struct arena *a, const struct range4 *v, size_t n);
struct bulk_list *bulk_list_of6(struct arena *a, const struct ival *v, size_t n);
struct ival bulk_list_at(const struct bulk_list *l, size_t i);
/* Range by range: not by their digests. */
bool bulk_list_same(const struct bulk_list *x, const struct bulk_list *y);
/* The first range that ends at or behind it. */
size_t bulk_list_from(const struct bulk_list *l, u128 addr);
bool bulk_list_holds(const struct bulk_list *l, u128 addr);
bool bulk_list_overlaps(const struct bulk_list *l, const struct ivset *s);
bool bulk_list_covers(const struct bulk_list *l, const struct ivset *s);
/* Adds to `b` what is in the list; takes from `b`, which is settled, what is in `less`, which is,
 * too. */
void bulk_add_list(struct bulk *b, const struct bulk_list *l);
void bulk_add_bulk(struct bulk *b, const struct bulk *more);
void bulk_subtract(struct bulk *b, const struct bulk *less, struct arena *a);
/* Its ranges behind those that are in `out`. */
void bulk_list_append(struct ivset *out, const struct bulk_list *l, struct arena *a);
/* An address as the kernel has it, and files and digests of lists: 4 or 16 bytes. */
void bulk_key(enum family family, u128 address, uint8_t *out);
/* Of all ends of IPv4 ranges, one after the other. */
void bulk_keys4(const struct range4 *v, size_t n, uint32_t *out);
static inline size_t bulk_key_bytes(enum family family)
{
	return family == FAM_IP4 ? 4 : 16;
}

/* What the kernel's name of a bulk set ends with: a dump has none of its elements. */
#define BULK_SUFFIX ".bulk"
bool bulk_is_name(const char *name);
/* How many ranges make a list: BULK_MIN, which in builds for tests the environment lowers
 * (FWC_BULK_MIN). */
size_t bulk_min(void);

#endif
