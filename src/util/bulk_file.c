/* SPDX-License-Identifier: GPL-2.0-or-later
 * ranges <-> bytes of a file.
 */
#include "util/bulk_file.h"

#include <endian.h>
#include <string.h>

u128 bulk_address(enum family family, const uint8_t *key)
{
	uint64_t six[2];
	uint32_t four;

	if (family == FAM_IP4) {
		memcpy(&four, key, sizeof(four));
		return be32toh(four);
	}
	memcpy(six, key, sizeof(six));
	return (u128)be64toh(six[0]) << 64 | be64toh(six[1]);
}

size_t bulk_file_bytes(const struct bulk_list *l)
{
	return 1 + 2 * bulk_key_bytes(l->family) * l->n;
}

void bulk_file_begin(struct buf *out, enum family family)
{
	buf_putc(out, (char)family);
}

void bulk_file_add(struct buf *out, enum family family, u128 lo, u128 hi)
{
	size_t bytes = bulk_key_bytes(family);
	uint8_t key[16];

	bulk_key(family, lo, key);
	buf_add(out, key, bytes);
	bulk_key(family, hi, key);
	buf_add(out, key, bytes);
}

void bulk_file_pack(struct buf *out, const struct bulk_list *l)
{
	buf_reserve(out, bulk_file_bytes(l));
	bulk_file_begin(out, l->family);
	for (size_t i = 0; i < l->n; i++) {
		struct ival r = bulk_list_at(l, i);

		bulk_file_add(out, l->family, r.lo, r.hi);
	}
}

static bool are_sorted(const struct bulk_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct ival r = bulk_list_at(l, i);

		if (r.hi < r.lo || (i && r.lo <= bulk_list_at(l, i - 1).hi))
			return false;
	}
	return true;
}

struct bulk_list *bulk_file_read(struct arena *a, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	enum family family = n && *p == FAM_IP4 ? FAM_IP4 : FAM_IP6;
	size_t key = bulk_key_bytes(family), count = n ? (n - 1) / (2 * key) : 0;
	struct range4 *v4 = NULL;
	struct ival *v6 = NULL;
	struct bulk_list *l;

	if (!count || n > BULK_FILE_MAX || (*p != FAM_IP4 && *p != FAM_IP6) ||
	    n != 1 + count * 2 * key)
		return NULL;
	if (family == FAM_IP4)
		v4 = arena_alloc(a, count * sizeof(*v4));
	else
		v6 = arena_alloc(a, count * sizeof(*v6));
	for (size_t i = 0; i < count; i++) {
		const uint8_t *at = p + 1 + 2 * key * i;
		u128 lo = bulk_address(family, at), hi = bulk_address(family, at + key);

		if (v4)
			v4[i] = (struct range4){(uint32_t)lo, (uint32_t)hi};
		else
			v6[i] = (struct ival){lo, hi};
	}
	l = v4 ? bulk_list_of4(a, v4, count) : bulk_list_of6(a, v6, count);
	return are_sorted(l) ? l : NULL;
}
