/* SPDX-License-Identifier: GPL-2.0-or-later
 * What processes of one program say to each other: messages with their length before them, of
 * numbers (in the machine's order) and texts; and descriptors.
 */
#ifndef FWC_MESSAGE_H
#define FWC_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

struct bytes { /* to be taken apart */
	const char *p;
	size_t left;
	bool bad; /* something was not there */
};

void message_put_number(struct buf *b, uint32_t n);
void message_put_text(struct buf *b, const char *p, size_t n);
uint32_t message_take_number(struct bytes *b);
void message_take_text(struct bytes *b, struct buf *out);
const char *message_take_bytes(struct bytes *b, size_t *n); /* where they are */

/* 0 or -errno. */
int message_send(int fd, const struct buf *b);
/* What is long goes as one sealed memory file: nobody can change or cut it short any more. */
int message_send_long(int fd, const struct buf *b);
/* Either of them. -EPROTO: a memory file that is not sealed. */
int message_receive(int fd, struct buf *out);
/* One descriptor with one byte. */
int message_pass(int through, int fd);
/* The descriptor; -EPROTO for any other number of them, all closed; -ECONNRESET at the end. */
int message_take(int from);

#endif
