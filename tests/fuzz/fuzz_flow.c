/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes as the packets of a client: a byte that says how they come, then pieces, each behind
 * two bytes of length. How a TCP stream is cut, and in which order its segments come, changes
 * nothing about what is said of it; and all memory comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct piece {
	const uint8_t *p;
	size_t n;
};

static void demand(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

/* A copy of its own for each piece, so that a read beyond it is seen. */
static void give(struct flow_state *f, struct flow_room *room, bool udp, uint32_t seq,
		 struct piece k)
{
	uint8_t *copy = malloc(k.n ? k.n : 1);

	memcpy(copy, k.p, k.n);
	if (udp)
		flow_datagram(f, room, copy, k.n);
	else if (k.n)
		flow_segment(f, room, seq, copy, k.n);
	free(copy);
}

static void same(const struct flow_state *a, const struct flow_state *b)
{
	demand(a->trouble == b->trouble, "one trouble");
	demand(a->facts.protocol == b->facts.protocol, "one protocol");
	demand(a->facts.name_state == b->facts.name_state, "one state of the name");
	demand(!strcmp(a->facts.name, b->facts.name), "one name");
	demand(a->facts.ech == b->facts.ech, "one answer about ECH");
}

static void check_orders(struct flow_room *room, const struct piece *k, size_t n)
{
	struct flow_state forward = {0}, backward = {0};
	uint32_t base = 0xffffff80u, seq = base;

	flow_syn(&forward, base - 1);
	flow_syn(&backward, base - 1);
	for (size_t i = 0; i < n; i++) {
		give(&forward, room, false, seq, k[i]);
		seq += (uint32_t)k[i].n;
	}
	for (size_t i = n; i-- > 0;) {
		seq -= (uint32_t)k[i].n;
		give(&backward, room, false, seq, k[i]);
	}
	/* What was broken early is not looked at further. */
	if (forward.trouble == FLOW_FINE && backward.trouble == FLOW_FINE)
		same(&forward, &backward);
	flow_end(&forward, room);
	flow_end(&backward, room);
	flow_drop(&forward, room);
	flow_drop(&backward, room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flow_room *room = flow_room_new(2, 2);
	struct piece k[64];
	struct flow_state f = {0};
	size_t n = 0, off = 1;
	uint32_t seq = 0;

	while (n < 64 && off + 2 <= size) {
		size_t len = (size_t)data[off] << 8 | data[off + 1];

		off += 2;
		if (len > size - off)
			len = size - off;
		k[n++] = (struct piece){data + off, len};
		off += len;
	}
	if (n && !(data[0] & 1))
		check_orders(room, k, n);
	for (size_t i = 0; i < n; i++) {
		/* overlapping by some bytes if bit 1 is set */
		give(&f, room, data[0] & 1, seq, k[i]);
		seq += (uint32_t)k[i].n - (data[0] >> 1 & 1);
		demand(f.facts.name_len == strlen(f.facts.name), "a name is text");
		demand((f.trouble == FLOW_FINE) == !f.facts.flaw || f.facts.flaw,
		       "trouble is said");
	}
	flow_drop(&f, room);
	demand(stream_pool_used(room->pool) == 0, "all memory comes back");
	flow_room_free(room);
	return 0;
}
