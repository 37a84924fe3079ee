/* SPDX-License-Identifier: GPL-2.0-or-later
 * text of addresses and interface names <-> intervals; sets of intervals.
 */
#include "util/ival.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/number.h"

#define IFNAME_BYTES 16

u128 u128_max(int bits)
{
	return bits == 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

static int ival_cmp(const void *a, const void *b)
{
	const struct ival *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi == y->hi ? 0 : x->hi < y->hi ? -1 : 1;
}

/* Long lists mostly are, and sorting takes as much memory again. */
static bool is_normal(const struct ivset *s)
{
	for (size_t i = 1; i < s->n; i++)
		if (s->v[i - 1].hi == ~(u128)0 || s->v[i].lo <= s->v[i - 1].hi + 1)
			return false;
	return true;
}

void ivset_normalise(struct ivset *s)
{
	size_t out = 0;

	if (is_normal(s))
		return;
	qsort(s->v, s->n, sizeof(*s->v), ival_cmp);
	for (size_t i = 1; i < s->n; i++) {
		struct ival *last = &s->v[out];

		if (last->hi == ~(u128)0 || s->v[i].lo <= last->hi + 1) {
			if (s->v[i].hi > last->hi)
				last->hi = s->v[i].hi;
		} else {
			s->v[++out] = s->v[i];
		}
	}
	s->n = out + 1;
}

/* First interval that ends at or after x. */
static size_t seek(const struct ivset *s, u128 x)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->v[mid].hi < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool ivset_contains(const struct ivset *s, u128 x)
{
	size_t i = seek(s, x);

	return i < s->n && s->v[i].lo <= x;
}

bool ivset_overlaps(const struct ivset *a, const struct ivset *b)
{
	if (a->n > b->n) {
		const struct ivset *t = a;

		a = b;
		b = t;
	}
	for (size_t i = 0; i < a->n; i++) {
		size_t j = seek(b, a->v[i].lo);

		if (j < b->n && b->v[j].lo <= a->v[i].hi)
			return true;
	}
	return false;
}

bool ivset_covers(const struct ivset *outer, const struct ivset *inner)
{
	for (size_t i = 0; i < inner->n; i++) {
		size_t j = seek(outer, inner->v[i].lo);

		if (j >= outer->n || outer->v[j].lo > inner->v[i].lo ||
		    outer->v[j].hi < inner->v[i].hi)
			return false;
	}
	return true;
}

struct ivset ivset_one(struct arena *a, u128 lo, u128 hi)
{
	struct ivset s = {0};

	vec_reserve(a, &s, 1);
	vec_push(a, &s, ((struct ival){lo, hi}));
	return s;
}

struct ivset ivset_copy(struct arena *a, const struct ivset *x)
{
	struct ivset out = {.n = x->n, .cap = x->n};

	out.v = arena_copy(a, x->v, x->n * sizeof(*x->v));
	return out;
}

struct ivset ivset_subtract(struct arena *a, const struct ivset *x, const struct ivset *y)
{
	struct ivset out = {0};

	for (size_t i = 0; i < x->n; i++) {
		u128 lo = x->v[i].lo, hi = x->v[i].hi;
		bool left = true;

		for (size_t j = seek(y, lo); left && j < y->n && y->v[j].lo <= hi; j++) {
			if (y->v[j].lo > lo)
				vec_push(a, &out, ((struct ival){lo, y->v[j].lo - 1}));
			left = y->v[j].hi < hi;
			lo = y->v[j].hi + 1;
		}
		if (left)
			vec_push(a, &out, ((struct ival){lo, hi}));
	}
	return out;
}

struct ivset ivset_intersect(struct arena *a, const struct ivset *x, const struct ivset *y)
{
	struct ivset out = {0};

	for (size_t i = 0; i < x->n; i++) {
		for (size_t j = seek(y, x->v[i].lo); j < y->n && y->v[j].lo <= x->v[i].hi; j++) {
			u128 lo = y->v[j].lo > x->v[i].lo ? y->v[j].lo : x->v[i].lo;
			u128 hi = y->v[j].hi < x->v[i].hi ? y->v[j].hi : x->v[i].hi;

			vec_push(a, &out, ((struct ival){lo, hi}));
		}
	}
	return out;
}

int ival_prefixlen(struct ival iv, int bits)
{
	u128 diff = iv.lo ^ iv.hi;
	int len = bits;

	while (diff) {
		if (!(diff & 1))
			return -1;
		diff >>= 1;
		len--;
	}
	/* they differ in the host part only; that of lo must be all zeros (then that of hi is all
	 * ones) */
	return iv.lo & (iv.lo ^ iv.hi) ? -1 : len;
}

/* As inet_pton(3) reads them: no zero before another digit. */
size_t addr4_scan(const char *s, size_t n, uint32_t *out)
{
	uint32_t x = 0;
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		size_t begin = i += part > 0;
		uint32_t byte = 0;

		while (i < n && i - begin < 3 && s[i] >= '0' && s[i] <= '9')
			byte = 10 * byte + (uint32_t)(s[i++] - '0');
		if (i == begin || byte > 255 || (s[begin] == '0' && i > begin + 1) ||
		    (part < 3 && (i == n || s[i] != '.')))
			return 0;
		x = x << 8 | byte;
	}
	*out = x;
	return i;
}

bool addr_parse(const char *s, size_t n, enum family *fam, u128 *out)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char b[16];
	uint32_t four;
	int bytes;

	if (n == 0 || n >= sizeof(text))
		return false;
	if (addr4_scan(s, n, &four) == n) { /* most are, and inet_pton() takes its time */
		*fam = FAM_IP4;
		*out = four;
		return true;
	}
	memcpy(text, s, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, b) == 1) {
		*fam = FAM_IP4;
		bytes = 4;
	} else if (inet_pton(AF_INET6, text, b) == 1) {
		*fam = FAM_IP6;
		bytes = 16;
	} else {
		return false;
	}
	*out = 0;
	for (int i = 0; i < bytes; i++)
		*out = *out << 8 | b[i];
	return true;
}

void addr_unmap(enum family *fam, u128 *x)
{
	if (*fam != FAM_IP6 || *x >> 32 != 0xffff)
		return;
	*fam = FAM_IP4;
	*x &= UINT32_MAX;
}

void addr_unmap_range(enum family *fam, struct ival *iv)
{
	enum family lo = *fam, hi = *fam;
	struct ival four = *iv;

	addr_unmap(&lo, &four.lo);
	addr_unmap(&hi, &four.hi);
	if (lo != hi || lo == *fam)
		return;
	*fam = lo;
	*iv = four;
}

static bool parse_prefix(const char *s, size_t n, size_t slash, enum family *fam, struct ival *out,
			 const char **why)
{
	unsigned bits;
	uint64_t len;
	u128 host;

	if (!addr_parse(s, slash, fam, &out->lo)) {
		*why = "not an address";
		return false;
	}
	bits = *fam == FAM_IP4 ? 32 : 128;
	if (!number_read(s + slash + 1, n - slash - 1, 0, bits, &len)) {
		*why = *fam == FAM_IP4 ? "the prefix length must be 0 to 32"
				       : "the prefix length must be 0 to 128";
		return false;
	}
	host = len == bits ? 0 : u128_max((int)(bits - len));
	if (out->lo & host) {
		*why = "has bits set beyond its prefix length";
		return false;
	}
	out->hi = out->lo | host;
	return true;
}

bool addr_parse_range(const char *s, size_t n, enum family *fam, struct ival *out, const char **why)
{
	const char *slash = memchr(s, '/', n);
	const char *dash = memchr(s, '-', n);
	enum family second;

	if (slash)
		return parse_prefix(s, n, (size_t)(slash - s), fam, out, why);
	*why = "not an address";
	if (!dash) {
		if (!addr_parse(s, n, fam, &out->lo))
			return false;
		out->hi = out->lo;
		return true;
	}
	if (!addr_parse(s, (size_t)(dash - s), fam, &out->lo) ||
	    !addr_parse(dash + 1, n - (size_t)(dash + 1 - s), &second, &out->hi))
		return false;
	if (*fam != second) {
		*why = "a range must stay within one family";
		return false;
	}
	if (out->lo > out->hi) {
		*why = "the range ends before it begins";
		return false;
	}
	return true;
}

void addr_print(struct buf *b, enum family fam, u128 x)
{
	unsigned char raw[16];
	char text[INET6_ADDRSTRLEN];

	if (fam == FAM_IP4) { /* most addresses are, and inet_ntop() takes its time */
		for (int i = 24; i >= 0; i -= 8) {
			buf_decimal(b, (unsigned)(x >> i) & 255);
			if (i)
				buf_putc(b, '.');
		}
		return;
	}
	for (int i = 15; i >= 0; i--, x >>= 8)
		raw[i] = (unsigned char)x;
	inet_ntop(AF_INET6, raw, text, sizeof(text));
	buf_puts(b, text);
}

void addr_print_range(struct buf *b, enum family fam, struct ival iv)
{
	int bits = fam == FAM_IP4 ? 32 : 128;
	int len = ival_prefixlen(iv, bits);

	addr_print(b, fam, iv.lo);
	if (len == bits)
		return;
	if (len >= 0) {
		buf_printf(b, "/%d", len);
		return;
	}
	buf_putc(b, '-');
	addr_print(b, fam, iv.hi);
}

void suffix_print(struct buf *b, u128 value, unsigned bits)
{
	buf_puts(b, "suffix ");
	addr_print(b, FAM_IP6, value);
	if (bits != SUFFIX_BITS)
		buf_printf(b, "/%u", bits);
}

bool mac_parse(const char *s, size_t n, u128 *out)
{
	uint64_t byte;
	u128 x = 0;

	if (n != 17)
		return false;
	for (size_t i = 0; i < n; i += 3) {
		if (!number_hex(s + i, 2, 255, &byte) || (i + 2 < n && s[i + 2] != ':'))
			return false;
		x = x << 8 | byte;
	}
	*out = x;
	return true;
}

void mac_print(struct buf *b, u128 mac)
{
	for (int i = 5; i >= 0; i--)
		buf_printf(b, "%02x%s", (unsigned)(mac >> 8 * i) & 255, i ? ":" : "");
}

bool ifname_parse(const char *s, size_t n, struct ival *out)
{
	bool wild = n && s[n - 1] == '*';
	size_t len = wild ? n - 1 : n;

	if (len == 0 || len >= IFNAME_BYTES || (len == 1 && s[0] == '.') ||
	    (len == 2 && s[0] == '.' && s[1] == '.'))
		return false;
	out->lo = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= ' ' || c >= 127 || strchr("/:*\"\\", c))
			return false;
		out->lo = out->lo << 8 | c;
	}
	out->lo <<= 8 * (IFNAME_BYTES - len);
	out->hi = wild ? out->lo | u128_max((int)(8 * (IFNAME_BYTES - len))) : out->lo;
	return true;
}

struct ival ifname_other(void)
{
	return (struct ival){0, u128_max(8 * IFNAME_BYTES)};
}

bool ifname_is_other(struct ival iv)
{
	return iv.lo == 0 && iv.hi == u128_max(8 * IFNAME_BYTES);
}

void ifname_print(struct buf *b, struct ival iv)
{
	u128 diff = iv.lo ^ iv.hi;
	int i;

	for (i = IFNAME_BYTES - 1; i >= 0; i--) {
		unsigned char c = (unsigned char)(iv.lo >> (8 * i));

		if ((unsigned char)(diff >> (8 * i)) || !c)
			break;
		buf_putc(b, (char)c);
	}
	/* no interface has a name with more behind a NUL; but sets may hold it */
	for (; i >= 0 && !diff && iv.lo & u128_max(8 * (i + 1)); i--)
		buf_printf(b, "\\%02x", (unsigned)(iv.lo >> (8 * i)) & 255);
	if (diff)
		buf_putc(b, '*');
}
