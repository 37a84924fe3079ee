/* SPDX-License-Identifier: GPL-2.0-or-later
 * The packets of one client -> facts: what is kept of a connection while it is not decided, and
 * nothing afterwards. Values in, values out; the caller holds the packets and watches the clock.
 */
#ifndef FWC_INSPECT_FLOW_H
#define FWC_INSPECT_FLOW_H

#include "inspect/capture.h"
#include "inspect/probe.h"
#include "inspect/quic.h"
#include "inspect/stream.h"

#define PORT_DNS 53

struct flow_room { /* what all flows of a thread share */
	struct stream_pool *pool;
	struct probe_room probe;
	struct quic_room quic;
};

enum flow_trouble {
	FLOW_FINE,
	FLOW_BROKEN, /* facts.flaw says how: decided by on-error where an entry needs to know */
	FLOW_FULL, /* too many bytes, or no room: decided by on-overflow */
};

struct flow_state { /* all zero: nothing has come */
	struct facts facts;
	struct stream bytes; /* of a TCP client; of UDP, the first datagram */
	struct stream opening; /* data in the SYN, which not every server takes */
	struct stream crypto; /* QUIC */
	struct quic quic;
	uint32_t base; /* sequence number of the first byte */
	struct manner manner; /* of the SYN; the time stamp of what came in sequence since */
	bool started;
	bool mannered; /* the SYN's is known */
	bool guessed; /* no SYN was seen */
	bool udp;
	bool has_end; /* its client has said where its bytes end */
	uint32_t end;
	enum flow_trouble trouble;
};

/* NULL if out of memory; blocks as in stream_pool_new(). */
struct flow_room *flow_room_new(unsigned small, unsigned large);
void flow_room_free(struct flow_room *room); /* NULL is fine */

/* A SYN with this sequence number was seen: the first byte has the next one. Without it the first
 * payload that comes counts as the beginning, and what lies before it is a flaw: of two swapped
 * segments the second would be taken for the first. */
void flow_syn(struct flow_state *f, uint32_t seq);
/* Its manner. Of several with the same number the one that is hardest to keep up with: it is not
 * known which of them the server took. If nobody can keep up with all of them, they are torn. */
void flow_manner(struct flow_state *f, const struct manner *m);
void manner_add(struct manner *m, const struct manner *other);
/* Payload of the SYN (RFC 7413). It counts once a later segment follows on it: a server that knows
 * nothing of this drops it, and takes what comes then. */
void flow_opening(struct flow_state *f, struct flow_room *room, const uint8_t *p, size_t n);
/* Whether its receiver will take a segment or a datagram as it is, and give all of it to the
 * program that reads: if not, what follows cannot be told. Before its payload. */
void flow_trust(struct flow_state *f, const struct packet *k);
void flow_trust_datagram(struct flow_state *f, const struct packet *k);
/* Payload of a TCP segment; n is 0 for an end. */
void flow_segment(struct flow_state *f, struct flow_room *room, uint32_t seq, const uint8_t *p,
		  size_t n);
/* The client will send no more. */
void flow_end(struct flow_state *f, struct flow_room *room);
/* A FIN behind so many bytes, all of which may not be there yet. */
void flow_fin(struct flow_state *f, uint32_t bytes);
/* flow_end(), if they are. */
void flow_end_if_there(struct flow_state *f, struct flow_room *room);
/* Whether anything was sent. */
bool flow_has_bytes(const struct flow_state *f);
/* Payload of a UDP datagram; n may be 0. */
void flow_datagram(struct flow_state *f, struct flow_room *room, const uint8_t *p, size_t n);
/* Whether a datagram of UDP is to be judged for itself: a look-up, or nothing that is known. One of
 * QUIC belongs to its connection, unless it goes where look-ups do. */
bool flow_is_alone(const struct packet *k);
/* Where a connection of QUIC was allowed: whether a datagram can only belong to that one. */
bool flow_goes_on(const struct packet *k, struct flow_room *room);
/* Gives back what is held; the state is all zero again. */
void flow_drop(struct flow_state *f, struct flow_room *room);

#endif
