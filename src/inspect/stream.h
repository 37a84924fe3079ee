/* SPDX-License-Identifier: GPL-2.0-or-later
 * Bytes that come in pieces, in any order, some of them twice -> the bytes from the first one on
 * without a gap. Serves TCP segments and QUIC CRYPTO frames alike.
 *
 * All memory is taken once, when the pool is made: small blocks, which nearly every hello fits,
 * and a few large ones. A stream holds none before its first piece, one while it is looked at.
 */
#ifndef FWC_INSPECT_STREAM_H
#define FWC_INSPECT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_SMALL 4096
#define STREAM_LARGE 65536

struct stream_pool; /* not shared between threads */

/* NULL if out of memory. */
struct stream_pool *stream_pool_new(unsigned small, unsigned large);
void stream_pool_free(struct stream_pool *pool); /* NULL is fine */
unsigned stream_pool_used(const struct stream_pool *pool); /* blocks */

struct stream { /* all zero: empty */
	uint8_t *block; /* bytes, and behind them one bit for each that is there; of the pool */
	uint32_t size; /* bytes that the block holds */
	uint32_t ready; /* bytes there from the first one on */
	uint32_t ahead; /* bytes there beyond a gap */
};

enum stream_result {
	STREAM_FINE,
	/* A byte that was there comes again with another value: sender and receiver may read
	 * different things, so nothing certain can be said (RFC 9293 leaves it open). */
	STREAM_CONFLICT,
	STREAM_FULL, /* more than STREAM_LARGE bytes, or no block is left */
};

/* Puts n bytes at that offset; nothing changes unless STREAM_FINE. */
enum stream_result stream_put(struct stream *s, struct stream_pool *pool, uint64_t offset,
			      const uint8_t *p, size_t n);
/* Gives the block back; the stream is empty again. */
void stream_drop(struct stream *s, struct stream_pool *pool);

#endif
