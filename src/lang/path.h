/* SPDX-License-Identifier: GPL-2.0-or-later
 * Opening a file that decides what a firewall does: nobody else may be able to put another in its
 * place.
 */
#ifndef FWC_PATH_H
#define FWC_PATH_H

#include "util/arena.h"
#include "util/buf.h"

/* Opens for reading what the path leads to, walking each directory and symbolic link by itself:
 * each must belong to root or to who runs this (after sudo, to who called it), and directories may
 * be written by their owner only, unless they are sticky (such as /tmp). What is opened is a
 * regular file of such an owner, which nobody else may write.
 * The descriptor, or -errno with `why`, which is a whole message, and maybe a hint. */
int path_open(const char *path, struct buf *why, struct buf *hint);
/* The same for a directory: 0 or -errno. */
int path_check_dir(const char *path);

/* What a file calls `name`: relative to the directory in which it is. */
char *path_beside(struct arena *a, const char *file, const char *name);
/* The same for a pattern: what is special in the directory's own name loses its meaning. */
char *path_pattern_beside(struct arena *a, const char *file, const char *name);

#endif
