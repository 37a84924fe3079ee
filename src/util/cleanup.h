/* SPDX-License-Identifier: GPL-2.0-or-later
 * Locals that give back what they hold when they go out of scope.
 */
#ifndef FWC_CLEANUP_H
#define FWC_CLEANUP_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/buf.h"

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_json(json_t **j)
{
	json_decref(*j);
}

static inline void cleanup_arena(struct arena **a)
{
	arena_free(*a);
}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_json_ _cleanup_(cleanup_json)
#define _cleanup_arena_ _cleanup_(cleanup_arena)
#define _cleanup_buf_ _cleanup_(buf_free)

#endif
