/* SPDX-License-Identifier: GPL-2.0-or-later
 * sizes -> zeroed memory out of chunks that are freed together.
 */
#include "util/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/room.h"

#define CHUNK (64 * 1024)
#define MANY 32 /* chunks: what has as many may well become long */
#define LARGE (CHUNK / 4) /* what is larger has a chunk of its own */
#define ALIGN 16

struct chunk {
	struct chunk *next, *before; /* before: only of those of their own */
	size_t used, size;
	_Alignas(ALIGN) char data[];
};

struct mapped { /* a file */
	struct mapped *next;
	void *p;
	size_t n;
};

struct arena {
	struct chunk *shared, *own;
	struct mapped *mapped;
	size_t chunks; /* shared ones */
	struct arena *inner; /* the first of those within it */
	struct arena *outer, *next, *before; /* of one that is within another */
};

static void free_all(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;

		room_free(c, sizeof(*c) + c->size);
		c = next;
	}
}

struct arena *arena_new(void)
{
	return room_new(sizeof(struct arena));
}

struct arena *arena_within(struct arena *outer)
{
	struct arena *a = arena_new();

	a->outer = outer;
	a->next = outer->inner;
	if (a->next)
		a->next->before = a;
	outer->inner = a;
	return a;
}

static void leave(struct arena *a)
{
	if (a->next)
		a->next->before = a->before;
	if (a->before)
		a->before->next = a->next;
	else
		a->outer->inner = a->next;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	if (a->outer)
		leave(a);
	while (a->inner)
		arena_free(a->inner);
	for (struct mapped *m = a->mapped; m; m = m->next)
		munmap(m->p, m->n);
	free_all(a->shared);
	free_all(a->own);
	room_free(a, sizeof(*a));
}

static void put_own(struct arena *a, struct chunk *c)
{
	c->before = NULL;
	c->next = a->own;
	if (a->own)
		a->own->before = c;
	a->own = c;
}

static void take_own(struct arena *a, struct chunk *c)
{
	if (c->next)
		c->next->before = c->before;
	if (c->before)
		c->before->next = c->next;
	else
		a->own = c->next;
}

static size_t rounded(size_t size)
{
	return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* `fresh`: makes the room. */
static void *alloc(struct arena *a, size_t size, void *(*fresh)(size_t))
{
	struct chunk *c = a->shared;
	void *p;

	if (size > SIZE_MAX / 2)
		room_lack();
	size = rounded(size);
	if (size > LARGE) {
		c = fresh(sizeof(*c) + size);
		c->used = c->size = size;
		put_own(a, c);
		return c->data;
	}
	if (!c || c->size - c->used < size) {
		size_t n = a->chunks++ < MANY ? CHUNK : ROOM_LARGE - sizeof(*c);

		c = room_new(sizeof(*c) + n);
		c->size = n;
		c->next = a->shared;
		a->shared = c;
	}
	p = c->data + c->used;
	c->used += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return alloc(a, size, room_new);
}

void *arena_copy(struct arena *a, const void *p, size_t n)
{
	char *to = alloc(a, n + 1, room_bare);

	if (n)
		memcpy(to, p, n);
	to[n] = '\0';
	return to;
}

const void *arena_map(struct arena *a, int fd, size_t n)
{
	void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	struct mapped *m;

	if (p == MAP_FAILED)
		return NULL;
	m = arena_alloc(a, sizeof(*m));
	*m = (struct mapped){.next = a->mapped, .p = p, .n = n};
	a->mapped = m;
	return p;
}

void *arena_grow(struct arena *a, const void *old, size_t oldsize, size_t newsize)
{
	void *p = arena_alloc(a, newsize);

	if (oldsize)
		memcpy(p, old, oldsize);
	return p;
}

void *arena_regrow(struct arena *a, void *old, size_t oldsize, size_t newsize)
{
	struct chunk *c;

	if (newsize > SIZE_MAX / 2)
		room_lack();
	if (rounded(oldsize) <= LARGE)
		return arena_grow(a, old, oldsize, newsize);
	c = (struct chunk *)((char *)old - offsetof(struct chunk, data));
	take_own(a, c);
	newsize = rounded(newsize);
	c = room_grow(c, sizeof(*c) + c->size, sizeof(*c) + newsize);
	c->used = c->size = newsize;
	put_own(a, c);
	return c->data;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	return arena_copy(a, s, n);
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char first[256], *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(first, sizeof(first), fmt, again);
	va_end(again);
	p = arena_alloc(a, (size_t)n + 1);
	if ((size_t)n < sizeof(first))
		memcpy(p, first, (size_t)n + 1);
	else
		vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}
