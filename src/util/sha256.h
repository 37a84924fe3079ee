/* SPDX-License-Identifier: GPL-2.0-or-later
 * SHA-256 (FIPS 180-4) by nettle, as lower-case hex.
 */
#ifndef FWC_SHA256_H
#define FWC_SHA256_H

#include <stddef.h>

#define SHA256_HEX 65 /* with the NUL */

void sha256_hex(const void *data, size_t len, char out[SHA256_HEX]);

#endif
