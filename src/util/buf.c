/* SPDX-License-Identifier: GPL-2.0-or-later
 * pieces of text -> one string.
 */
#include "util/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/room.h"

#define PAGE ((size_t)4096)
/* What is as long as that may well grow on. A page that is not used costs nothing, a copy does; and
 * what the heap has is had again (util/room.h). */
#define LONG (ROOM_LARGE / 8)

/* Of a long list each page that is touched costs more than what is written there. All pages of the
 * allocation are asked for, its head's too: where a part of a mapping is advised it becomes two,
 * which realloc(3) cannot move and copies. */
static void want_large_pages(char *p, size_t n)
{
	size_t before = (uintptr_t)p & (PAGE - 1);

	if (n > 2 * ROOM_LARGE)
		madvise(p - before, (before + n + PAGE - 1) & ~(PAGE - 1), MADV_HUGEPAGE);
}

static void set_cap(struct buf *b, size_t cap)
{
	b->data = realloc(b->data, cap);
	if (!b->data) {
		fputs("fwc: out of memory\n", stderr);
		abort();
	}
	b->cap = cap;
	want_large_pages(b->data, cap);
}

static void buf_room(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 128;

	if (b->cap - b->len > n)
		return;
	while (cap - b->len <= n)
		cap *= 2;
	if (cap >= LONG && cap < ROOM_MOST_OF_HEAP)
		cap = ROOM_MOST_OF_HEAP;
	set_cap(b, cap);
}

void buf_reserve(struct buf *b, size_t n)
{
	if (b->cap - b->len <= n)
		set_cap(b, b->len + n + 1);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_room(b, n);
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_decimal(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_thousands(struct buf *b, uint64_t n)
{
	char digits[27];
	size_t at = sizeof(digits);

	for (int i = 0; i == 0 || n; i++, n /= 10) {
		if (i && i % 3 == 0)
			digits[--at] = ',';
		digits[--at] = (char)('0' + n % 10);
	}
	buf_add(b, digits + at, sizeof(digits) - at);
}

/* Most texts are short, and fit at the first try. */
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	size_t room;
	int n;

	buf_room(b, 64);
	room = b->cap - b->len;
	va_copy(again, ap);
	n = vsnprintf(b->data + b->len, room, fmt, again);
	va_end(again);
	if ((size_t)n >= room) {
		buf_room(b, (size_t)n + 1);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	}
	b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}
