/* SPDX-License-Identifier: GPL-2.0-or-later
 * Questions of a process without capabilities to the broker (broker.h), which has them. Whoever
 * reads something of the kernel asks here first whether there is one.
 */
#ifndef FWC_ASK_H
#define FWC_ASK_H

#include <stdbool.h>

#include "kernel/message.h"

/* What a request begins with; the name of a namespace follows ("": where we are). */
enum ask_what {
	ASK_NFTRUN,
	ASK_SYSCTL,
	ASK_GENID,
	ASK_CONNS,
	ASK_ADDRESSES,
	ASK_LINKS,
	ASK_TRACE,
	ASK_SWEEP,
};

/* From now on the broker at the other end of this socket is asked. */
void ask_through(int socket);
bool ask_can(void);
/* In a process that was forked since, and does not ask: the broker ends with the one that does. */
void ask_forget(void);

void ask_put_head(struct buf *request, enum ask_what what, const char *netns);
/* Each request has a connection of its own: the socket on which the answer comes, or -errno. */
int ask_begin(const struct buf *request);
/* Takes the answer and closes (fd < 0: that is the error). Its first number is the result, 0 or
 * -errno, its first text the reason; b is what follows, in `text`. */
int ask_end(int fd, struct buf *text, struct bytes *b, struct buf *why);

/* What there is to read in a namespace (NULL: here), as bytes. 0 or -errno with why. */
int ask_bytes(enum ask_what what, const char *netns, struct buf *out, struct buf *why);

#endif
