/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a command that takes texts apart may still have opened, and written, for it.
 */
#ifndef FWC_OPENING_H
#define FWC_OPENING_H

#include "cmd/cmd.h"
#include "util/buf.h"

/* Starts the process that opens files for the command (kernel/opener.h); from then on policies, the
 * state directory and users are asked for there. argv: all of main()'s; c may be NULL.
 * 0 or -errno. */
int opening_start(struct globals *g, const struct command *c, int argc, char **argv);

/* What it writes, each in the file of its command: opener_job.write. */
int compile_write(void *globals, const struct buf *parts, size_t n, struct buf *why);
int diff_write(void *globals, const struct buf *parts, size_t n, struct buf *why);
int fmt_write(void *globals, const struct buf *parts, size_t n, struct buf *why);

#endif
