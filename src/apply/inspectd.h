/* SPDX-License-Identifier: GPL-2.0-or-later
 * Asking fwc-inspectd: one JSON object a line, there and back (fwc-inspectd(8)).
 */
#ifndef FWC_APPLY_INSPECTD_H
#define FWC_APPLY_INSPECTD_H

#include <jansson.h>
#include <stdbool.h>

#include "util/arena.h"
#include "util/buf.h"

/* Where the one of that network namespace listens; in the arena. */
const char *inspectd_socket(struct arena *a, const char *netns);
/* Sends {"ask": what} and yields its answer. -ENOENT, -ECONNREFUSED: it does not run; with why. */
int inspectd_ask(const char *socket, const char *what, json_t **out, struct buf *why);
/* Each line that comes until `each` says no, or it ends. */
int inspectd_follow(const char *socket, const char *what, bool (*each)(void *ctx, const json_t *j),
		    void *ctx, struct buf *why);
/* New tables lie in the state directory. 0, or why it has not taken them. */
int inspectd_reload(const char *netns, struct buf *why);

#endif
