/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections that wait for a decision, and the packets held of each: which go on before it, and
 * which are forgotten. What is decided, judge.c knows.
 */
#ifndef FWC_INSPECT_WAITING_H
#define FWC_INSPECT_WAITING_H

#include "inspect/board.h"
#include "inspect/tables.h"

#define WAITING_FLOWS 4096 /* at the same time */
/* A sender waits for an answer after ten segments (RFC 6928), which the kernel may have put
 * together to one packet. So not more than this is held of what is not yet enough: what came before
 * goes on, undecided, its bytes kept. The rest of such a message does, too, if nothing follows for
 * a moment - its sender may wait after one small piece (RFC 896) - in less time than the kernel of
 * the sender takes to send it again (10 ms, RFC 8985). */
#define WAITING_CRUMBS 8 /* packets */
#define WAITING_CRUMBS_BYTES 4096 /* less than ten segments of 536 bytes */
#define WAITING_QUIET_NS 2000000ull
#define WAITING_KEPT                                                                               \
	32 /* at most that part of the slots is kept of one connection that went on                \
	    */

#define WAITING_NONE UINT32_MAX
#define WAITING_BUCKETS 4096

struct waiting_config {
	struct board *board;
	struct flow_room *room; /* where their bytes lie */
	uint32_t slots; /* they are numbered from 0 */
	void *ctx;
	void (*answer)(void *ctx, uint32_t slot, enum act act);
};

struct waiting { /* a connection */
	struct known_key key;
	const struct table_rule *rule; /* NULL: the tables do not know its rule */
	struct flow_state state;
	uint64_t since;
	uint32_t first, last; /* slots held, oldest first; NONE: none */
	uint32_t held; /* slots, of which some went on */
	uint32_t kept;
	uint32_t bytes; /* in those that did not */
	bool opened; /* its SYN had data */
	bool lost; /* some of what went on are forgotten, but for their bytes here */
	bool begun; /* some went on: it was too much to hold */
	uint64_t quiet; /* when the rest does, if nothing comes; 0: never */
	uint32_t next; /* in its bucket, or of those that are free */
	uint32_t older, newer; /* in the order in which they began to wait */
};

struct waiting_list {
	struct waiting_config c;
	uint32_t bucket[WAITING_BUCKETS];
	uint32_t free, oldest, newest;
	uint32_t nkept; /* of those that are held */
	uint32_t nopenings; /* connections */
	uint32_t nflows, nheld; /* the board has copies: another judge may still be writing there */
	struct waiting flows[WAITING_FLOWS];
	uint32_t *next; /* by slot */
	uint32_t *end; /* by slot: where its bytes end, counted from the connection's first */
	uint32_t *bytes; /* by slot */
	bool *kept; /* by slot: it went on */
	uint64_t quiet; /* no connection is quiet before that */
};

/* All memory is taken here; false: there is none. */
bool waiting_init(struct waiting_list *l, const struct waiting_config *c);
void waiting_free(struct waiting_list *l);

struct waiting *waiting_find(struct waiting_list *l, const struct known_key *key);
struct waiting *waiting_oldest(struct waiting_list *l); /* NULL: none */
/* NULL: there is no more room. */
struct waiting *waiting_begin(struct waiting_list *l, const struct known_key *key,
			      const struct table_rule *rule, uint64_t now);

/* A packet that comes; `kept`: another process let it go on. */
void waiting_packet(struct waiting_list *l, uint32_t slot, bool kept);
/* The answer to any packet, held or not. What went on needs none, only to be forgotten. */
void waiting_answer(struct waiting_list *l, uint32_t slot, enum act act);
void waiting_hold(struct waiting_list *l, struct waiting *w, uint32_t slot, uint32_t bytes_end,
		  size_t n);
/* A SYN with data that was not decided: it goes on, and is kept. */
void waiting_hold_opening(struct waiting_list *l, struct waiting *w, uint32_t slot);
/* What is too much to be held goes on. */
void waiting_for_more(struct waiting_list *l, struct waiting *w, uint64_t now);
/* The rest of it, of those of which nothing has come for a moment. */
void waiting_let_quiet_go(struct waiting_list *l, uint64_t now);
/* What would be shown to another judge. */
void waiting_forget_kept(struct waiting_list *l);
/* All that is held, oldest first, and then it waits no more. */
void waiting_release(struct waiting_list *l, struct waiting *w, enum act act);

#endif
