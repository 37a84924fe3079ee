/* SPDX-License-Identifier: GPL-2.0-or-later
 * Nothing passes any more but the session that said so: a table of its own in front of all others,
 * so that it acts whatever state the firewall is in, and leaves that as it was.
 */
#ifndef FWC_PANIC_H
#define FWC_PANIC_H

#include "store/store.h"

struct panic_keep { /* strings in the arena, canonical */
	VEC(const char *) v; /* addresses and networks from which all is let in */
	const char *client; /* and the peer of an ssh session, to one port; or NULL */
	unsigned port;
};

struct panic {
	bool on;
	const char *time, *user; /* "?" if that is not on record */
	const char *kept; /* in words */
};

/* "ADDRESS" or "ADDRESS/LENGTH"; false: it is neither, or a slip that would keep everybody. */
bool panic_keep_add(struct arena *a, struct panic_keep *k, const char *text);
/* ssh as session_ssh() has it; false: it cannot be understood. */
bool panic_keep_session(struct arena *a, struct panic_keep *k, const char *ssh);
const char *panic_keep_text(struct arena *a, const struct panic_keep *k);

/* All yield 0 or -errno, with why filled. */

/* The kernel first; s may be closed (dir -1), then nothing is on record. It can be said again, with
 * others to keep. */
int panic_begin(const char *netns, struct store *s, struct arena *a, const struct panic_keep *k,
		struct buf *why);
/* *was: there was one. */
int panic_end(const char *netns, struct store *s, bool *was, struct buf *why);
int panic_read(const char *netns, const struct store *s, struct arena *a, struct panic *out,
	       struct buf *why);

#endif
