/* SPDX-License-Identifier: GPL-2.0-or-later
 * Closed intervals of up to 128 bits, and sorted disjoint sets of them: what an address, prefix,
 * range, port or interface name is once parsed. An IPv4 address is its 32-bit number; an interface
 * name is its 16 bytes, big-endian, so that a wildcard is an interval.
 */
#ifndef FWC_IVAL_H
#define FWC_IVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/vec.h"

__extension__ typedef unsigned __int128 u128;

struct ival {
	u128 lo, hi;
};

/* Sorted, disjoint, not adjacent once ivset_normalise() ran. */
struct ivset {
	struct ival *v;
	size_t n, cap;
};

enum family { FAM_NONE = 0, FAM_IP4 = 4, FAM_IP6 = 6 };

void ivset_normalise(struct ivset *s); /* sorts and merges, in place */
bool ivset_contains(const struct ivset *s, u128 x);
bool ivset_overlaps(const struct ivset *a, const struct ivset *b);
bool ivset_covers(const struct ivset *outer, const struct ivset *inner);
struct ivset ivset_subtract(struct arena *a, const struct ivset *x, const struct ivset *y);
struct ivset ivset_intersect(struct arena *a, const struct ivset *x, const struct ivset *y);
struct ivset ivset_one(struct arena *a, u128 lo, u128 hi);
struct ivset ivset_copy(struct arena *a, const struct ivset *x);

/* Prefix length if [lo, hi] is a prefix of a `bits`-wide field, else -1. */
int ival_prefixlen(struct ival iv, int bits);
u128 u128_max(int bits);

/* Addresses. addr_parse: "10.0.0.1" / "fd00::1" of exactly n bytes; no prefix, no zone. */
bool addr_parse(const char *s, size_t n, enum family *fam, u128 *out);
/* How many of the bytes are the IPv4 address that they begin with; 0: they begin with none. */
size_t addr4_scan(const char *s, size_t n, uint32_t *out);
/* ::ffff:192.0.2.1, as sockets of both families call IPv4, becomes that. */
void addr_unmap(enum family *fam, u128 *x);
/* The same for a single address, network or range of them all. */
void addr_unmap_range(enum family *fam, struct ival *iv);
/* "A", "A/LEN", "A-B"; host bits set in a prefix are an error. On failure *why says what is wrong.
 */
bool addr_parse_range(const char *s, size_t n, enum family *fam, struct ival *out,
		      const char **why);
void addr_print(struct buf *b, enum family fam, u128 x);
/* Canonical: a single address, a prefix where it is one, LOW-HIGH otherwise. */
void addr_print_range(struct buf *b, enum family fam, struct ival iv);

/* The low bits of an IPv6 address, "suffix ::10" or "suffix ::10/80". */
#define SUFFIX_BITS 64 /* where no number is written */
void suffix_print(struct buf *b, u128 value, unsigned bits);

/* The address of a station on its link: "aa:bb:cc:dd:ee:ff", printed in small letters. */
bool mac_parse(const char *s, size_t n, u128 *out);
void mac_print(struct buf *b, u128 mac);

/* Interface name, or a wildcard that ends in '*'; at most 15 characters. */
bool ifname_parse(const char *s, size_t n, struct ival *out);
void ifname_print(struct buf *b, struct ival iv);
/* Every name, of which the narrower ones are others': "*" when printed, and never parsed. */
struct ival ifname_other(void);
bool ifname_is_other(struct ival iv);

#endif
