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

static void pack4(struct buf *out, const struct bulk_list *l)
{
	uint32_t part[2048];

	for (size_t i = 0, n; i < l->n; i += n) {
		n = l->n - i < 1024 ? l->n - i : 1024;
		bulk_keys4(l->v4 + i, n, part);
		buf_add(out, part, n * sizeof(*l->v4));
	}
}

void bulk_file_pack(struct buf *out, const struct bulk_list *l)
{
	buf_reserve(out, bulk_file_bytes(l));
	bulk_file_begin(out, l->family);
	if (l->family == FAM_IP4) {
		pack4(out, l);
		return;
	}
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

static const struct range4 *read4(struct arena *a, const uint8_t *from, size_t n)
{
	struct range4 *v = arena_alloc(a, n * sizeof(*v));
	uint32_t key[2];

	for (size_t i = 0; i < n; i++) {
		memcpy(key, from + i * sizeof(key), sizeof(key));
		v[i] = (struct range4){be32toh(key[0]), be32toh(key[1])};
	}
	return v;
}

static const struct ival *read6(struct arena *a, const uint8_t *from, size_t n)
{
	struct ival *v = arena_alloc(a, n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = (struct ival){bulk_address(FAM_IP6, from + 32 * i),
				     bulk_address(FAM_IP6, from + 32 * i + 16)};
	return v;
}

struct bulk_list *bulk_file_read(struct arena *a, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	enum family family = n && *p == FAM_IP4 ? FAM_IP4 : FAM_IP6;
	size_t key = bulk_key_bytes(family), count = n ? (n - 1) / (2 * key) : 0;
	struct bulk_list *l;

	if (!count || n > BULK_FILE_MAX || (*p != FAM_IP4 && *p != FAM_IP6) ||
	    n != 1 + count * 2 * key)
		return NULL;
	l = arena_new_of(a, struct bulk_list);
	*l = (struct bulk_list){.family = family, .n = count};
	if (family == FAM_IP4)
		l->v4 = read4(a, p + 1, count);
	else
		l->v6 = read6(a, p + 1, count);
	if (!are_sorted(l))
		return NULL;
	sha256_hex(bytes, n, l->digest);
	return l;
}
