/* SPDX-License-Identifier: GPL-2.0-or-later
 * A capture and inspectors -> what would have been decided of each connection in it.
 */
#ifndef FWC_INSPECT_REPLAY_H
#define FWC_INSPECT_REPLAY_H

#include "inspect/capture.h"
#include "inspect/inspector.h"
#include "util/map.h"

struct replay_flow {
	struct packet first; /* addresses and ports; its payload is not to be used */
	bool udp;
	unsigned syns; /* as in known.h; the number of the last one, and their manner */
	uint32_t syn;
	struct manner manner;
	bool opened; /* a SYN with that number went on with data */
	bool kept; /* which is in the state */
	const struct inspector *in; /* NULL: nobody looks into it */
	const void *why; /* what choose() left */
	struct facts facts;
	struct decision decision;
	bool decided;
	bool left; /* undecided, for another connection between the same ports; none of it went on
		    */
	bool answered; /* its client was told, as the entry says */
	bool settled; /* of UDP: and nothing more of it is looked at, but what begins another one */
	uint32_t cid; /* quic_cid_hash() of what decided it */
	struct replay_flow *before; /* of QUIC, allowed, between the same ports: it lives on */
	struct flow_state state; /* while it is not decided */
};

struct replay {
	struct arena *arena;
	VEC(struct replay_flow *) flows; /* in order of their first packets */
	struct map by_name;
	unsigned fragments, cut, midway; /* packets not looked at; midway: TCP without its SYN */
	struct flow_room *room;
	struct pattern_room *patterns;
	/* Which inspector looks into the connection that this packet opens. */
	const struct inspector *(*choose)(void *with, const struct packet *first, bool udp,
					  const void **why);
	void *with;
};

/* Fills in decisions; connections that the capture leaves open are decided by on-timeout. */
void replay_run(struct replay *r, struct capture *c);

#endif
