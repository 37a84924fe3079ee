/* SPDX-License-Identifier: GPL-2.0-or-later
 * Memory that is freed at once: arena, vec and buf.
 */
#include <stdint.h>
#include <stdio.h>

#include "test.h"
#include "util/buf.h"
#include "util/room.h"
#include "util/vec.h"

static void zeroed_and_aligned(void)
{
	static const size_t sizes[] = {1, 3, 16, 17, 4096, 16384, 16385, 65536, 1 << 20};
	struct arena *a = arena_new();
	bool zero = true, aligned = true;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *p = arena_alloc(a, sizes[i]);

		aligned = aligned && (uintptr_t)p % _Alignof(max_align_t) == 0;
		for (size_t k = 0; k < sizes[i]; k++)
			zero = zero && p[k] == 0;
		memset(p, 0xff, sizes[i]);
	}
	CHECK(zero);
	CHECK(aligned);
	arena_free(a);
	arena_free(NULL);
}

/* Small objects before and behind a large one must not overlap it. */
static void large_between_small(void)
{
	struct arena *a = arena_new();
	char *small = arena_alloc(a, 8), *large = arena_alloc(a, 100000), *next = arena_alloc(a, 8);

	memset(large, 'l', 100000);
	memset(next, 'n', 8);
	memset(small, 's', 8);
	CHECK(large[0] == 'l' && large[99999] == 'l');
	CHECK(next[0] == 'n' && next[7] == 'n');
	arena_free(a);
}

static void strings(void)
{
	struct arena *a = arena_new();

	SAME_TEXT(arena_strdup(a, ""), "");
	SAME_TEXT(arena_strndup(a, "firewall", 4), "fire");
	SAME_TEXT(arena_printf(a, "%s:%d", "lan", 7), "lan:7");
	arena_free(a);
}

static void vectors(void)
{
	struct arena *a = arena_new();
	VEC(int) v = {0};
	bool in_order = true;
	size_t seen = 0;
	int *p;

	vec_each(&v, p)
		seen++;
	SAME_NUMBER(seen, 0);
	for (int i = 0; i < 1000; i++)
		vec_push(a, &v, i);
	vec_each(&v, p)
		in_order = in_order && *p == (int)seen++;
	SAME_NUMBER(seen, 1000);
	CHECK(in_order);
	arena_free(a);
}

/* A little at a time, as the blocks of a policy are: the copies left behind are not the square. */
static void vectors_reserved(void)
{
	struct arena *a = arena_new();
	const uint64_t *before = NULL;
	VEC(uint64_t) v = {0};
	unsigned moved = 0;

	vec_reserve(a, &v, 100);
	SAME_NUMBER(v.cap, 100);
	for (uint64_t i = 0; i < 10000; i++) {
		if (i % 10 == 0)
			vec_reserve(a, &v, 10);
		vec_push(a, &v, i);
		moved += v.v != before;
		before = v.v;
	}
	CHECK(moved <= 8);
	SAME_NUMBER(v.v[9999], 9999);
	arena_free(a);
}

/* Through all kinds of room: shared chunks, chunks of their own, large pages. Others that are in the
 * same arena keep what they hold. */
static void vectors_of_their_own(void)
{
	struct arena *a = arena_new();
	VEC(uint64_t) v = {0}, w = {0};
	bool right = true, zero = true;
	unsigned char *more;

	for (uint64_t i = 0; i < 1000000; i++) {
		vec_push_sole(a, &v, i);
		if (i % 3 == 0)
			vec_push_sole(a, &w, ~i);
	}
	for (uint64_t i = 0; i < v.n; i++)
		right = right && v.v[i] == i && (i % 3 || w.v[i / 3] == ~i);
	CHECK(right);
	for (size_t i = v.n; i < v.cap; i++)
		zero = zero && !v.v[i];
	CHECK(zero);
	more = arena_regrow(a, arena_alloc(a, 3 << 20), 3 << 20, 9 << 20);
	for (size_t i = 0; i < 9 << 20; i++)
		zero = zero && !more[i];
	CHECK(zero);
	arena_free(a);
}

static bool in_one_mapping(const void *p, size_t n)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long lo, hi, at = (unsigned long)(uintptr_t)p;
	char line[4096];
	bool one = false;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &lo, &hi) == 2 && lo <= at && at < hi)
			one = at + n <= hi;
	if (f)
		fclose(f);
	return one;
}

/* mremap() of Linux before 6.17 moves no pages of two mappings at once. */
static void grown_again(void)
{
	size_t size = 2 << 20;
	unsigned char *p = room_new(size);
	bool right = true;

	for (unsigned char i = 1; i <= 4; i++) {
		memset(p + size / 2, i, size / 2);
		p = room_grow(p, size, 2 * size);
		size *= 2;
		CHECK(in_one_mapping(p, size));
		right = right && p[size / 2 - 1] == i && !p[size / 2] && !p[size - 1];
	}
	CHECK(right && !p[0] && p[1 << 20] == 1 && p[2 << 20] == 2 && p[8 << 20] == 4);
	room_free(p, size);
}

/* What is asked of a mapping is asked of all of it: then realloc(3) moves it, and copies nothing. */
static void long_texts(void)
{
	struct buf b = {0};

	for (int i = 0; i < 1 << 17; i++)
		buf_add(&b, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 64);
	SAME_NUMBER(b.len, 8 << 20);
	CHECK(in_one_mapping(b.data, b.cap));
	CHECK(!memcmp(b.data + (4 << 20), "0123", 4) && !b.data[b.len]);
	buf_free(&b);
}

static void copies(void)
{
	struct arena *a = arena_new();
	FILE *f = tmpfile();
	const char *mapped;
	char *large = arena_alloc(a, 100000);

	memset(large, 'x', 100000);
	SAME_TEXT(arena_copy(a, "abcdef", 3), "abc");
	SAME_TEXT(arena_copy(a, NULL, 0), "");
	SAME_NUMBER(strlen(arena_copy(a, large, 100000)), 100000);
	fputs("what is in a file", f);
	fflush(f);
	mapped = arena_map(a, fileno(f), 17);
	CHECK(mapped && !memcmp(mapped, "what is in a file", 17));
	CHECK(!arena_map(a, -1, 17));
	fclose(f);
	CHECK(mapped && !memcmp(mapped, "what", 4)); /* without the descriptor */
	arena_free(a);
}

/* What one of them keeps after all is a leak, which the sanitizer reports. */
static void within_another(void)
{
	struct arena *outer = arena_new(), *inner[4];
	char *kept = arena_strdup(outer, "kept");

	for (int i = 0; i < 4; i++) {
		inner[i] = arena_within(i < 3 ? outer : inner[0]);
		memset(arena_alloc(inner[i], 100000), i, 100000);
	}
	arena_free(inner[1]); /* between two */
	arena_free(inner[2]); /* the last that was made */
	SAME_TEXT(kept, "kept");
	SAME_NUMBER(((char *)arena_alloc(inner[3], 10))[9], 0);
	arena_free(outer);
}

static void buffers(void)
{
	struct buf b = {0};

	SAME_TEXT(buf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i % 10);
	SAME_NUMBER(b.len, 2000);
	CHECK(!strncmp(b.data + 1990, "5,6,7,8,9,", 11));
	buf_free(&b);
	buf_add(&b, "a\0b", 3);
	buf_putc(&b, 'c');
	SAME_NUMBER(b.len, 4);
	CHECK(!memcmp(b.data, "a\0bc", 5));
	buf_free(&b);
	CHECK(!b.data && !b.len && !b.cap);
}

int main(void)
{
	zeroed_and_aligned();
	large_between_small();
	strings();
	vectors();
	vectors_reserved();
	vectors_of_their_own();
	grown_again();
	long_texts();
	copies();
	within_another();
	buffers();
	return test_end();
}
