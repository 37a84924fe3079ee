/* SPDX-License-Identifier: GPL-2.0-or-later
 * bytes -> digest.
 */
#include "util/sha256.h"

#include "util/hex.h"

void sha256_start(struct sha256 *s)
{
	sha256_init(&s->ctx);
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	if (len)
		sha256_update(&s->ctx, len, data);
}

void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES])
{
	sha256_digest(&s->ctx, SHA256_BYTES, out);
}

void sha256_end_hex(struct sha256 *s, char out[SHA256_HEX])
{
	uint8_t digest[SHA256_BYTES];

	sha256_end(s, digest);
	hex_put(out, digest, sizeof(digest));
}

void sha256_hex(const void *data, size_t len, char out[SHA256_HEX])
{
	struct sha256 s;

	sha256_start(&s);
	sha256_add(&s, data, len);
	sha256_end_hex(&s, out);
}
