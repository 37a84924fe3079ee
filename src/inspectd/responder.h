/* SPDX-License-Identifier: GPL-2.0-or-later
 * Sends answers to DNS queries in the place of the server that they were sent to. Its sockets are
 * opened while the program still may (CAP_NET_RAW), and outlive that. One for all lanes.
 */
#ifndef FWC_INSPECTD_RESPONDER_H
#define FWC_INSPECTD_RESPONDER_H

#include <pthread.h>
#include <stdbool.h>

#include "inspect/dns_reply.h"

struct responder {
	int raw[2]; /* of IPv4, IPv6; -1: none */
	int routes;
	pthread_mutex_t lock; /* of a question about routes and its answer */
};

/* The sockets of another process (-1: none), or new ones, where this one may. */
void responder_open(struct responder *r, int raw4, int raw6);
void responder_close(struct responder *r);
bool responder_can(const struct responder *r);
/* What was held came in by that interface (0: it is of this machine). Only who is there gets an
 * answer: where the routes to a client lead elsewhere, somebody else may have used its address.
 * False: nothing was sent. */
bool responder_send(struct responder *r, unsigned interface, uint32_t mark, const uint8_t *packet,
		    size_t n, const struct dns_reply_ends *ends);

#endif
