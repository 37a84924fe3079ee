/* SPDX-License-Identifier: GPL-2.0-or-later
 * QUIC datagrams of a client -> the bytes of its CRYPTO stream, which begins with a ClientHello.
 *
 * An Initial packet is protected with keys that follow from the connection id that the client
 * chose first (RFC 9001 5.2; version 2: RFC 9369 3.3), so that whoever sees the first datagram can
 * read it. A large hello is spread over several packets and datagrams, its frames in any order.
 */
#ifndef FWC_INSPECT_QUIC_H
#define FWC_INSPECT_QUIC_H

#include <nettle/aes.h>
#include <nettle/gcm.h>

#include "inspect/probe.h"
#include "inspect/stream.h"

#define QUIC_V1 0x00000001u
#define QUIC_V2 0x6b3343cfu
#define QUIC_CID_MAX 20
#define QUIC_DATAGRAM_MAX 65536

struct quic { /* one connection; all zero: none yet */
	uint32_t version; /* 0: not known */
	bool opened; /* a packet opened with its keys */
	uint8_t cid_len;
	uint8_t cid[QUIC_CID_MAX]; /* that the keys come from */
	uint64_t next_number; /* one more than the largest packet number seen */
};

struct quic_keys {
	struct aes128_ctx header;
	struct gcm_aes128_ctx packet;
	uint8_t iv[GCM_IV_SIZE];
};

struct quic_room { /* to work in; one for each thread */
	struct quic_keys keys;
	uint8_t packet[QUIC_DATAGRAM_MAX];
};

/* Keys of what the client sends in Initial packets. */
void quic_client_keys(struct quic_keys *keys, uint32_t version, const uint8_t *cid, size_t n);

/* Whether the first datagram of a flow looks like QUIC, of whatever version. */
bool quic_is(const uint8_t *p, size_t n);

/* Whether a server may take it for the beginning of a connection: an Initial packet with bytes of a
 * hello opens with the keys of its own connection id, or its version cannot be read. What belongs
 * to a connection that has an answer does neither. */
bool quic_begins(const uint8_t *p, size_t n, struct quic_room *room);
/* The connection id that it is for, as a number. */
uint32_t quic_cid_hash(const uint8_t *p, size_t n);

/* Takes one datagram. DONE, MORE and BAD as of the hello; NO: this is not QUIC (first datagram
 * only). STREAM_FULL and STREAM_CONFLICT of the CRYPTO stream are left in *trouble. */
enum probe quic_datagram(struct quic *q, struct facts *f, const uint8_t *p, size_t n,
			 struct stream *crypto, struct stream_pool *pool, struct quic_room *room,
			 enum stream_result *trouble);

#endif
