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
/* Sends {"ask": what} and yields its answer. -ENOENT, -ECONNREFUSED: it does not run; -EAGAIN: it
 * does not answer, which takes half a minute to know; with why. Never with the lock held. */
int inspectd_ask(const char *socket, const char *what, json_t **out, struct buf *why);
/* Its status, for those who have more to tell: three seconds at most. */
int inspectd_glance(const char *socket, json_t **out, struct buf *why);
/* Its log: each line that comes until `each` says no, or it ends: -EPIPE, and why is empty. `begun`
 * is called once it is sure to come. */
int inspectd_follow(const char *socket, void (*begun)(void *ctx),
		    bool (*each)(void *ctx, const json_t *j), void *ctx, struct buf *why);
/* It gets ready for those tables, before the rules change: queues and judges wait for its next
 * reload as long as *line is open. 0: it is, or it does not run (*line -1), or it is of fwc 0.1,
 * which cannot (*line -1, *old). Else why it will not have them. */
int inspectd_prepare(const char *netns, const struct buf *tables, int *line, bool *old,
		     struct buf *why);
/* New tables lie in the state directory. 0, or why it has not taken them. As inspectd_ask(). */
int inspectd_reload(const char *netns, struct buf *why);

#endif
