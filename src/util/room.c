/* SPDX-License-Identifier: GPL-2.0-or-later
 * sizes -> zeroed memory, aligned for large pages.
 */
#include "util/room.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEPT (64 << 20) /* bytes at the end of the heap */
#define HEAP (32 << 20)
#define SMALL (3 << 20)

void room_lack(void)
{
	fputs("fwc: out of memory\n", stderr);
	abort();
}

#ifdef __SANITIZE_ADDRESS__
#define LARGE SIZE_MAX
#else
#define LARGE ROOM_LARGE
#endif

static bool is_large(size_t bytes)
{
	return bytes >= LARGE;
}

static size_t whole(size_t bytes)
{
	return (bytes + ROOM_LARGE - 1) & ~(ROOM_LARGE - 1);
}

static char *map_pages(size_t size)
{
	char *p = mmap(NULL, size + ROOM_LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		room_lack();
	before = -(uintptr_t)p & (ROOM_LARGE - 1);
	if (before)
		munmap(p, before);
	p += before;
	munmap(p + size, ROOM_LARGE - before);
	madvise(p, size, MADV_HUGEPAGE); /* small pages, if the kernel has no others */
	return p;
}

/* The heap begins with small pages, which are enough for most; what a long policy takes beyond
 * them comes in large ones. It is asked for in one piece, as what a heap grows by has not been
 * advised. */
static void want_large_pages(void)
{
#ifndef __SANITIZE_ADDRESS__
	char *from = (char *)sbrk(0) + SMALL, *end;
	void *volatile p = malloc(ROOM_MOST_OF_HEAP); /* the heap grows */

	free(p);
	from += -(uintptr_t)from & (ROOM_LARGE - 1);
	end = sbrk(0);
	if (from < end)
		madvise(from, (size_t)(end - from), MADV_HUGEPAGE);
#endif
}

void room_keep(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, (int)ROOM_LARGE); /* what is larger is mapped by itself */
	mallopt(M_TRIM_THRESHOLD, KEPT);
	mallopt(M_TOP_PAD, HEAP);
	want_large_pages();
	mallopt(M_TOP_PAD, (int)ROOM_LARGE);
#endif
}

static void *get(size_t bytes, bool zeroed)
{
	void *p;

	if (bytes > SIZE_MAX / 2)
		room_lack();
	if (is_large(bytes))
		return map_pages(whole(bytes));
	p = zeroed ? calloc(1, bytes) : malloc(bytes);
	if (!p)
		room_lack();
	return p;
}

void *room_new(size_t bytes)
{
	return get(bytes, true);
}

void *room_bare(size_t bytes)
{
	return get(bytes, false);
}

void *room_grow(void *room, size_t bytes, size_t more)
{
	void *p;

	if (!is_large(bytes)) {
		p = room_new(more);
		memcpy(p, room, bytes);
		room_free(room, bytes);
		return p;
	}
	if (more <= whole(bytes))
		return room; /* pages beyond what was asked for hold zeroes still */
	p = map_pages(whole(more));
	/* The pages go over as they are, none is copied. The new size is said here, so that it
	 * stays one mapping: before 6.17 Linux moves no two of them at once. */
	if (mremap(room, whole(bytes), whole(more), MREMAP_MAYMOVE | MREMAP_FIXED, p) != p)
		room_lack();
	return p;
}

void room_free(void *room, size_t bytes)
{
	if (!room || !is_large(bytes))
		free(room);
	else
		munmap(room, whole(bytes));
}
