/* SPDX-License-Identifier: GPL-2.0-or-later
 * SHA-256 (FIPS 180-4) by nettle.
 */
#ifndef FWC_SHA256_H
#define FWC_SHA256_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX 65 /* lower case, with the NUL */

struct sha256 { /* piece by piece */
	struct sha256_ctx ctx;
};

void sha256_start(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES]);
/* sha256_end(), in words. */
void sha256_end_hex(struct sha256 *s, char out[SHA256_HEX]);
void sha256_hex(const void *data, size_t len, char out[SHA256_HEX]);

#endif
