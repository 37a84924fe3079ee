/* SPDX-License-Identifier: GPL-2.0-or-later
 * Sums of 16-bit words in ones' complement.
 */
#include "inspect/checksum.h"

#include "inspect/capture.h"

static uint64_t add(uint64_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint64_t)p[i] << 8 | p[i + 1];
	if (n & 1)
		sum += (uint64_t)p[n - 1] << 8;
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put(uint8_t *at, uint16_t sum)
{
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

/* The pseudo header, and all from the transport header on. */
static uint16_t transport_sum(const uint8_t *p, const uint8_t *transport, size_t n, bool udp)
{
	uint64_t sum = (udp ? 17u : 6u) + n;

	sum = p[0] >> 4 == 4 ? add(sum, p + 12, 8) : add(sum, p + 8, 32);
	return fold(add(sum, transport, n));
}

bool checksum_packet(uint8_t *p, size_t n)
{
	struct frame frame = {.p = p, .n = n, .link = 101 /* IP alone */};
	struct packet k;
	enum packet_kind kind = packet_read(&k, &frame);
	bool udp = kind == PACKET_UDP;
	uint8_t *transport, *field;
	uint16_t sum;
	size_t head;

	if (kind != PACKET_TCP && !udp)
		return false;
	transport = p + (k.transport - p);
	head = (size_t)(k.payload - k.transport);
	field = transport + (udp ? 6 : 16);
	if (k.version == 4) {
		put(p + 10, 0);
		put(p + 10, fold(add(0, p, (size_t)(p[0] & 15) * 4)));
	}
	if (udp && k.version == 4 && !field[0] && !field[1])
		return true;
	put(field, 0);
	sum = transport_sum(p, transport, head + k.n, udp);
	put(field, udp && !sum ? 0xffff : sum);
	return true;
}
