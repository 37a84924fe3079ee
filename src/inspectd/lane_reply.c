/* SPDX-License-Identifier: GPL-2.0-or-later
 * A judge's answer to a DNS query that waits -> a packet to its client, from what the kernel said
 * of the query and the policy of its rule: the judge's word is taken for nothing but the message.
 */
#include <string.h>

#include "inspectd/lane.h"
#include "inspectd/responder.h"

/* The kernel's message is still where it came. */
static bool what_waits(struct lane *l, uint32_t slot, struct queue_packet *k)
{
	const struct lane_place *x = &l->ledger->place[slot];
	const uint8_t *message = l->slots + (size_t)slot * SLOT_SIZE;

	return queue_read(&l->queue, message, x->offset + x->len, k) && k->id == x->id &&
	       k->p == message + x->offset && k->n == x->len;
}

static bool is_answered(const struct lane *l, uint32_t slot)
{
	const struct table_rule *r = lane_rule(l, slot);

	return r && inspector_replies(r->inspector);
}

static uint32_t answer_mark(const struct lane *l)
{
	uint32_t mask = l->tables->tables.mark;

	return mask & -mask; /* "allowed", which output lets out */
}

void lane_reply(struct lane *l, uint32_t slot, const uint8_t *message, size_t n)
{
	uint8_t packet[DNS_REPLY_PACKET];
	struct dns_reply_ends ends;
	struct queue_packet k;
	size_t len = 0;

	if (l->o->responder && is_answered(l, slot) && what_waits(l, slot, &k))
		len = dns_reply_packet(k.p, k.n, &k.origin, message, n, packet, &ends);
	if (len && responder_send(l->o->responder, k.interface, answer_mark(l), packet, len, &ends))
		l->counts.replied++;
	else
		l->counts.unreplied++;
}
