/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections that were seen to begin, and what was decided of them: what a judging program needs
 * to know of one of which no packet waits. Lies in memory that outlives the process that fills it;
 * an entry that was being written when the writer died is none.
 *
 * The table has a fixed size, and forgets what is decided before what is not, and what is oldest in
 * its place. It remembers that it did: whoever floods it must not get the word for having no
 * helper.
 */
#ifndef FWC_INSPECT_KNOWN_H
#define FWC_INSPECT_KNOWN_H

#include "inspect/capture.h"
#include "inspect/inspector.h"

#define KNOWN_WAYS 4
#define KNOWN_BUCKETS 16384
#define KNOWN_SPENT_NS (60 * 1000000000ull) /* after its decision */
#define KNOWN_SYNS 2 /* of which it is clear which one the server took: see known_open() */
#define KNOWN_NEAR (1u << 22) /* numbers: more than what a server that has sent nothing lets come */
#define KNOWN_OPEN_NS (600 * 1000000000ull) /* for which a server waits for a first byte */
#define KNOWN_LATELY_NS (120 * 1000000000ull) /* for which Linux waits for an answer to a SYN */

struct known_key { /* of packets that the opener sends */
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	uint8_t protocol, version;
	uint16_t zero;
};

struct known_entry {
	struct known_key key;
	uint32_t syn; /* sequence number of its SYN; of QUIC, quic_cid_hash() */
	struct manner manner; /* of that */
	uint8_t verdict; /* enum verdict; VERDICT_MORE: not decided */
	uint8_t whole; /* written to the end; 0: none */
	uint8_t opened; /* its SYN went on with data in it */
	uint8_t lost; /* not all of its bytes can be shown to another judge */
	uint8_t syns; /* different ones that were seen lately, none of which was allowed; 0: none */
	uint64_t when; /* nanoseconds of the boot clock */
};

struct known { /* all zero: empty */
	uint64_t secret[2]; /* so that nobody can aim at a place */
	struct known_entry v[KNOWN_BUCKETS][KNOWN_WAYS];
	uint64_t forgot[KNOWN_BUCKETS]; /* when it last lost what may be asked for; 0: never */
};

/* Whether one that is not known may have been. */
enum known_lapse {
	KNOWN_NEVER,
	KNOWN_LATELY,
	KNOWN_ONCE, /* a connection may be silent for days, but hardly one is */
};

struct known_key known_key(const struct packet *k, bool udp);
bool known_key_same(const struct known_key *a, const struct known_key *b);
uint64_t known_hash(const struct known *t, const struct known_key *key);
enum known_lapse known_lapse(const struct known *t, const struct known_key *key, uint64_t now);
/* NULL: not known. Valid until the next known_put(). */
struct known_entry *known_find(struct known *t, const struct known_key *key);
/* A SYN was seen: nothing is decided. The same once more changes its manner. Another one is another
 * connection, if the server has done with the first one. If it has not, it does not take the second
 * one, and what follows on that is nothing to it, or of a later place in the first one's bytes if
 * the numbers lie near: then all of it is torn, and where it is the third one as well. */
bool known_torn(unsigned syns, uint32_t before, uint32_t syn);
void known_open(struct known *t, const struct known_key *key, uint32_t syn, const struct manner *m,
		uint64_t now);
/* Its SYN went on with data in it. */
void known_open_with_data(struct known *t, const struct known_key *key);
void known_lose_bytes(struct known *t, const struct known_key *key);
/* Also of one that is not there. */
void known_decide(struct known *t, const struct known_key *key, enum verdict v, uint64_t now);
/* Of QUIC: one is allowed, and the one denied now is another one, between the same ports. */
bool known_lives_on(const struct known_entry *e, enum verdict v, uint64_t now);

#endif
