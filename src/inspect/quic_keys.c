/* SPDX-License-Identifier: GPL-2.0-or-later
 * A client's first connection id -> the keys of its Initial packets (RFC 9001 5.2, RFC 9369 3.3.1),
 * by HKDF with SHA-256 (RFC 5869) and the labels of TLS 1.3 (RFC 8446 7.1).
 */
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <string.h>

#include "inspect/quic.h"

static const uint8_t salt_v1[20] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
				    0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
static const uint8_t salt_v2[20] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
				    0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};

/* HkdfLabel: uint16 length, "tls13 " and the label behind one byte of length, an empty context. */
static void expand_label(const uint8_t secret[32], const char *label, size_t n, uint8_t *out)
{
	uint8_t info[32] = {0, (uint8_t)n};
	size_t len = strlen(label);
	struct hmac_sha256_ctx h;

	info[2] = (uint8_t)(6 + len);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, len);
	hmac_sha256_set_key(&h, 32, secret);
	hkdf_expand(&h, (nettle_hash_update_func *)hmac_sha256_update,
		    (nettle_hash_digest_func *)hmac_sha256_digest, 32, 9 + len + 1, info, n, out);
}

void quic_client_keys(struct quic_keys *keys, uint32_t version, const uint8_t *cid, size_t n)
{
	bool v2 = version == QUIC_V2;
	uint8_t initial[32], client[32], key[16];
	struct hmac_sha256_ctx h;

	hmac_sha256_set_key(&h, 20, v2 ? salt_v2 : salt_v1);
	hkdf_extract(&h, (nettle_hash_update_func *)hmac_sha256_update,
		     (nettle_hash_digest_func *)hmac_sha256_digest, 32, n, cid, initial);
	expand_label(initial, "client in", 32, client);
	expand_label(client, v2 ? "quicv2 key" : "quic key", 16, key);
	gcm_aes128_set_key(&keys->packet, key);
	expand_label(client, v2 ? "quicv2 iv" : "quic iv", GCM_IV_SIZE, keys->iv);
	expand_label(client, v2 ? "quicv2 hp" : "quic hp", 16, key);
	aes128_set_encrypt_key(&keys->header, key);
}
