/* SPDX-License-Identifier: GPL-2.0-or-later
 * Counts what our own objects allocate, in tests that are linked with --wrap=malloc and its kin.
 */
#ifndef FWC_TEST_ALLOCATIONS_H
#define FWC_TEST_ALLOCATIONS_H

#include <stdlib.h>

/* The linker sends all calls of malloc() and its kin in our own objects here. */
static unsigned long allocations;
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
	allocations++;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
	allocations++;
	return __real_calloc(n, m);
}

void *__wrap_realloc(void *p, size_t n)
{
	allocations++;
	return __real_realloc(p, n);
}

#endif
