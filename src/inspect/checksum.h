/* SPDX-License-Identifier: GPL-2.0-or-later
 * The checksums of a packet whose payload was changed: IPv4's own, TCP's and UDP's (RFC 1071, RFC
 * 9293 3.1, RFC 768, RFC 8200 8.1).
 */
#ifndef FWC_INSPECT_CHECKSUM_H
#define FWC_INSPECT_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Written in place, over n bytes from the IP header on, all of them there. False, and nothing is
 * written, if it is not TCP or UDP within whole IP. UDP over IPv4 without a checksum stays without.
 */
bool checksum_packet(uint8_t *p, size_t n);

#endif
