/* SPDX-License-Identifier: GPL-2.0-or-later
 * One NFQUEUE of the kernel (<linux/netfilter/nfnetlink_queue.h>): its socket, packets in, verdicts
 * out. The queue and all packets in it live as long as the socket is open, in whatever process.
 */
#ifndef FWC_INSPECTD_QUEUE_H
#define FWC_INSPECTD_QUEUE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "inspect/dns_reply.h"
#include "util/buf.h"

#define QUEUE_MESSAGE_MAX (65536 + 1024) /* a packet with its attributes */

struct queue {
	int fd; /* -1: closed */
	uint16_t number;
	char *out; /* verdicts that are not sent yet */
	size_t len;
	bool origin; /* packets are to come with it */
	uint64_t refused; /* verdicts that the kernel had no packet for, and the like */
};

struct queue_config {
	uint16_t number;
	bool fail_open; /* packets pass when the queue is full */
	bool gso; /* segments that the kernel has put together stay so */
	bool rewrite; /* packets are changed */
	uint32_t length; /* packets that may wait */
};

struct queue_packet {
	uint32_t id;
	uint32_t mark;
	const uint8_t *p; /* from the IP header on, within the message */
	size_t n;
	bool several; /* datagrams that the kernel has put together */
	unsigned interface; /* it came in by; 0: it is of this machine */
	struct dns_origin origin; /* where it was sent before dnat, if the kernel says so */
};

/* Binds and configures in one message, so that nothing comes before all is set. 0 or -errno and
 * why. */
int queue_open(struct queue *q, const struct queue_config *c, struct buf *why);
/* A socket that another process opened. */
int queue_adopt(struct queue *q, int fd, uint16_t number);
void queue_close(struct queue *q);
/* Nothing new is queued, it passes; what waits can still be answered. */
int queue_pass_all(struct queue *q);

/* From now on packets come with their origin, where the kernel can tell. Its yes is not waited for.
 */
void queue_want_origin(struct queue *q);

/* A message as it came: true if it is a packet. Errors in it are counted. */
bool queue_read(struct queue *q, const void *message, size_t n, struct queue_packet *out);

/* Collected until queue_flush() or until there is no more room. payload NULL: as it is. */
void queue_verdict(struct queue *q, uint32_t id, int verdict, uint32_t mark, const void *payload,
		   size_t n);
void queue_flush(struct queue *q);

#endif
