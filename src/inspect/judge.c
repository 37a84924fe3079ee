/* SPDX-License-Identifier: GPL-2.0-or-later
 * A packet, its rule, and what is known of its connection -> a decision, or more is awaited.
 */
#include "inspect/judge.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/checksum.h"
#include "inspect/waiting.h"

struct judge {
	struct judge_config c;
	struct flow_room *room;
	struct pattern_room *patterns;
	struct waiting_list waiting;
	uint8_t *copy; /* of a packet that is rewritten */
};

#define COPY_MAX 65536

struct judge *judge_new(const struct judge_config *c)
{
	struct judge *j = calloc(1, sizeof(*j));
	bool fine;

	if (!j)
		return NULL;
	j->c = *c;
	j->room = flow_room_new(c->small, c->large);
	j->patterns = pattern_room_new();
	j->copy = malloc(COPY_MAX);
	fine = waiting_init(&j->waiting, &(struct waiting_config){c->board, j->room, c->slots,
								  c->ctx, c->answer});
	if (!fine || !j->room || !j->patterns || !j->copy) {
		judge_free(j);
		return NULL;
	}
	return j;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	flow_room_free(j->room);
	pattern_room_free(j->patterns);
	waiting_free(&j->waiting);
	free(j->copy);
	free(j);
}

/* ---- decisions ---- */

static enum act act_of(enum verdict v)
{
	return v == VERDICT_ALLOW ? ACT_ALLOW : v == VERDICT_REJECT ? ACT_REJECT : ACT_DENY;
}

static struct tally *tally_of(struct board *b, uint32_t id)
{
	for (uint32_t i = 0; i < TALLIES - 1; i++) {
		struct tally *t = &b->tallies[(id + i) % (TALLIES - 1)];

		if (t->id == id || !t->id) {
			t->id = id;
			return t;
		}
	}
	return &b->tallies[TALLIES - 1];
}

static void tell(struct judge *j, const struct known_key *key, const struct table_rule *rule,
		 const struct decision *d, const struct facts *facts, bool answered)
{
	struct event e;

	event_of(&e, key, rule->inspector, d, facts);
	e.id = rule->id;
	e.answered = answered;
	j->c.event(j->c.ctx, &e);
}

static void count_decision(struct judge *j, const struct table_rule *rule, const struct decision *d)
{
	struct board *b = j->c.board;

	tally_of(b, rule->id)->decided[d->verdict][d->cause]++;
	b->timeouts += d->cause == CAUSE_TIMEOUT;
	b->overflows += d->cause == CAUSE_OVERFLOW;
}

static enum act decide(struct judge *j, const struct known_key *key, const struct table_rule *rule,
		       const struct decision *d, const struct facts *facts, uint64_t now)
{
	struct known *t = &j->c.board->known;

	count_decision(j, rule, d);
	if (!known_lives_on(known_find(t, key), d->verdict, now))
		known_decide(t, key, d->verdict, now);
	tell(j, key, rule, d, facts, false);
	return act_of(d->verdict);
}

/* Of a connection that waits. */
static void settle(struct judge *j, struct waiting *w, struct decision d, uint64_t now)
{
	const struct stream *first = &w->state.bytes;
	enum act act = decide(j, &w->key, w->rule, &d, &w->state.facts, now);
	struct known_entry *known = known_find(&j->c.board->known, &w->key);

	if (w->state.udp && known && act == ACT_ALLOW)
		known->syn = quic_cid_hash(first->block, first->ready);
	waiting_release(&j->waiting, w, act);
}

/* One that has waited too long, or for which there is no more room. */
static void give_up(struct judge *j, struct waiting *w, enum cause cause, uint64_t now)
{
	const struct stream *b = &w->state.bytes;

	if (!w->rule) {
		j->c.board->unknown += w->held;
		waiting_release(&j->waiting, w, ACT_DROP);
	} else if (w->state.opening.ready && !b->ready && !b->ahead) {
		waiting_release(&j->waiting, w,
				ACT_PASS); /* nobody answered its SYN, which went on */
	} else {
		settle(j, w, inspector_fallback(w->rule->inspector, cause), now);
	}
}

/* Whether it still waits. */
static bool judge_again(struct judge *j, struct waiting *w, uint64_t now)
{
	struct decision d;

	flow_end_if_there(&w->state, j->room);
	d = inspector_judge(w->rule->inspector, &w->state, j->patterns);
	if (d.verdict == VERDICT_MORE && w->held >= JUDGE_FLOW_PACKETS)
		d = inspector_fallback(w->rule->inspector, CAUSE_OVERFLOW);
	if (d.verdict == VERDICT_MORE)
		return true;
	settle(j, w, d, now);
	return false;
}

/* Room for others before all slots are taken: the one that has waited longest is decided now. */
static void make_room(struct judge *j, uint64_t now)
{
	const uint32_t *held = &j->waiting.nheld, most = j->c.slots / 4 * 3;
	struct waiting *w;

	if (*held >= most)
		waiting_forget_kept(&j->waiting);
	while (*held >= most && (w = waiting_oldest(&j->waiting)))
		give_up(j, w, CAUSE_OVERFLOW, now);
}

/* ---- packets ---- */

struct arrived {
	const struct judge_packet *k;
	struct packet packet;
	struct known_key key;
	const struct table_rule *rule;
	bool udp;
};

static void rewrite(struct judge *j, const struct arrived *x)
{
	size_t at = (size_t)(x->packet.payload - x->k->p);

	if (!x->packet.n || x->k->n > COPY_MAX) {
		waiting_answer(&j->waiting, x->k->slot, ACT_PASS);
		return;
	}
	memcpy(j->copy, x->k->p, x->k->n);
	if (!inspector_rewrite(x->rule->inspector, j->copy + at, x->packet.n)) {
		waiting_answer(&j->waiting, x->k->slot, ACT_PASS);
		return;
	}
	checksum_packet(j->copy, x->k->n);
	tally_of(j->c.board, x->rule->id)->rewritten++;
	j->c.rewritten(j->c.ctx, x->k->slot, j->copy, x->k->n);
}

/* No room for another connection: it is decided as it comes. */
static void overflow(struct judge *j, const struct arrived *x)
{
	struct decision d = inspector_fallback(x->rule->inspector, CAUSE_OVERFLOW);

	waiting_answer(&j->waiting, x->k->slot, decide(j, &x->key, x->rule, &d, NULL, x->k->now));
}

static struct waiting *begin_or_overflow(struct judge *j, const struct arrived *x)
{
	struct waiting *w = waiting_begin(&j->waiting, &x->key, x->rule, x->k->now);

	if (!w)
		overflow(j, x);
	return w;
}

static void begin_with(struct waiting *w, const struct known_entry *known)
{
	if (!known)
		return;
	flow_syn(&w->state, known->syn);
	flow_manner(&w->state, &known->manner);
}

/* Whether a SYN is denied as it is: for what it carries, as a server that takes that needs no more,
 * or for what it wants. */
static bool deny_opening(struct judge *j, const struct arrived *x, struct waiting *w)
{
	struct flow_state f = {0};
	struct decision d;
	enum act act;

	facts_init(&f.facts);
	d = inspector_judge_opening(x->rule->inspector, &f, j->room, &x->packet, j->patterns);
	if (d.verdict != VERDICT_MORE) {
		act = decide(j, &x->key, x->rule, &d, &f.facts, x->k->now);
		if (w)
			waiting_release(&j->waiting, w, act);
		waiting_answer(&j->waiting, x->k->slot, act);
	}
	flow_drop(&f, j->room);
	return d.verdict != VERDICT_MORE;
}

/* Data in a SYN. It goes on, or there is no connection; what is in it is kept. */
static void take_opening(struct judge *j, const struct arrived *x, struct waiting *w)
{
	const struct packet *p = &x->packet;

	if (!w && j->waiting.nopenings < JUDGE_OPENINGS)
		w = waiting_begin(&j->waiting, &x->key, x->rule, x->k->now);
	if (!w) { /* without what it carries nobody could tell what follows */
		overflow(j, x);
		return;
	}
	known_open_with_data(&j->c.board->known, &x->key);
	begin_with(w, known_find(&j->c.board->known, &x->key));
	flow_trust(&w->state, p);
	flow_opening(&w->state, j->room, p->payload, p->n);
	waiting_hold_opening(&j->waiting, w, x->k->slot);
}

/* Whether something of what it sent is not there any more: another judge could not keep it, or what
 * its SYN carried waited for too long. */
static bool is_lost(const struct known_entry *known, const struct waiting *w, enum cause *why)
{
	if (!known)
		return false;
	*why = known->lost && !w->lost ? CAUSE_OVERFLOW : CAUSE_TIMEOUT;
	return *why == CAUSE_OVERFLOW || (known->opened && !w->opened);
}

/* Bytes of a TCP connection that waits, or begins to. */
static void take_bytes(struct judge *j, const struct arrived *x, struct waiting *w)
{
	const struct packet *p = &x->packet;
	const struct known_entry *known = known_find(&j->c.board->known, &x->key);
	uint32_t seq = p->seq + !!(p->flags & PACKET_SYN), ends;
	enum cause why;

	if (!p->n && !(p->flags & PACKET_URG) && (!w || !flow_has_bytes(&w->state))) {
		waiting_answer(&j->waiting, x->k->slot, ACT_PASS); /* an end of nothing */
		return;
	}
	w = w ? w : begin_or_overflow(j, x);
	if (!w)
		return;
	begin_with(w, known);
	flow_trust(&w->state, p);
	if (is_lost(known, w, &why)) {
		waiting_hold(&j->waiting, w, x->k->slot, 0, 0);
		settle(j, w, inspector_fallback(x->rule->inspector, why), x->k->now);
		return;
	}
	flow_segment(&w->state, j->room, seq, p->payload, p->n);
	ends = seq + (uint32_t)p->n - w->state.base;
	waiting_hold(&j->waiting, w, x->k->slot, ends, p->n);
	if (p->flags & PACKET_FIN)
		flow_fin(&w->state, ends);
	if (judge_again(j, w, x->k->now))
		waiting_for_more(&j->waiting, w, x->k->now);
}

/* What the connection's beginning was, nobody here saw: the policy's word for having no helper.
 * Where openings were forgotten for want of room, this may be one of them: while that is likely,
 * the word for this decides, and afterwards both, or a flood would have opened something for good.
 */
static void unseen(struct judge *j, const struct arrived *x)
{
	enum known_lapse lapse = known_lapse(&j->c.board->known, &x->key, x->k->now);
	struct decision d = inspector_fallback(x->rule->inspector, CAUSE_OVERFLOW);

	if (lapse == KNOWN_NEVER || (lapse == KNOWN_ONCE && d.verdict == VERDICT_ALLOW))
		d = inspector_fallback(x->rule->inspector, CAUSE_NO_HELPER);
	j->c.board->unseen += d.cause == CAUSE_NO_HELPER;
	waiting_answer(&j->waiting, x->k->slot, decide(j, &x->key, x->rule, &d, NULL, x->k->now));
}

static void open_tcp(struct judge *j, const struct arrived *x, struct waiting *w)
{
	const struct known_entry *known = known_find(&j->c.board->known, &x->key);

	/* The same SYN once more changes nothing; another one begins anew, and what is held
	 * belongs to a connection that is gone. */
	if (!known || known->syn != x->packet.seq || known->verdict != VERDICT_MORE) {
		if (w)
			waiting_release(&j->waiting, w, ACT_DROP);
		w = NULL;
	}
	/* One that is denied never gets there, and says nothing of those that do. */
	if ((x->packet.n || x->packet.manner.multipath) && deny_opening(j, x, w))
		return;
	known_open(&j->c.board->known, &x->key, x->packet.seq, &x->packet.manner, x->k->now);
	if (x->packet.n)
		take_opening(j, x, w);
	else
		waiting_answer(&j->waiting, x->k->slot, ACT_PASS);
}

static void take_tcp(struct judge *j, const struct arrived *x)
{
	struct waiting *w = waiting_find(&j->waiting, &x->key);
	const struct known_entry *known;

	if ((x->packet.flags & (PACKET_SYN | PACKET_ACK | PACKET_RST)) == PACKET_SYN) {
		open_tcp(j, x, w);
		return;
	}
	known = known_find(&j->c.board->known, &x->key);
	if (w || (known && known->verdict == VERDICT_MORE))
		take_bytes(j, x, w);
	else if (known) /* it was under way when its connection was decided */
		waiting_answer(&j->waiting, x->k->slot, act_of((enum verdict)known->verdict));
	else
		unseen(j, x);
}

static void reply(struct judge *j, const struct arrived *x, const uint8_t *message, size_t n)
{
	struct board *b = j->c.board;

	b->answered[tally_of(b, x->rule->id) - b->tallies]++;
	j->c.replied(j->c.ctx, x->k->slot, message, n);
}

/* Where one look-up ends and the next one begins only the kernel knows, and each server reads its
 * own. */
static void doubt_several(const struct arrived *x, struct facts *f, struct decision *d)
{
	if (!x->k->several || d->verdict != VERDICT_ALLOW ||
	    (f->protocol != PROTOCOL_DNS && x->packet.dport != PORT_DNS))
		return;
	facts_bad(f, "several datagrams are one packet");
	*d = inspector_fallback(x->rule->inspector, CAUSE_ERROR);
}

/* A datagram by itself. What is allowed goes on, and its connection stays undecided, so that the
 * next one comes here as well. (What is not leaves it so anyway: see nft/lower_inspect.c.) */
static void judge_alone(struct judge *j, const struct arrived *x, bool lasts)
{
	uint8_t message[DNS_REPLY_MAX];
	struct flow_state f = {0};
	struct decision d;
	enum act act;
	size_t n = 0;

	facts_init(&f.facts);
	d = inspector_judge_alone(x->rule->inspector, &f, j->room, &x->packet, j->patterns);
	if (!lasts)
		doubt_several(x, &f.facts, &d);
	if (j->c.replied)
		n = inspector_reply(&d, &f.facts, &x->packet, message);
	count_decision(j, x->rule, &d);
	tell(j, &x->key, x->rule, &d, &f.facts, n != 0);
	flow_drop(&f, j->room);
	if (n) {
		reply(j, x, message, n);
		return;
	}
	act = act_of(d.verdict);
	if (lasts)
		known_decide(&j->c.board->known, &x->key, d.verdict, x->k->now);
	waiting_answer(&j->waiting, x->k->slot, !lasts && act == ACT_ALLOW ? ACT_PASS : act);
}

/* A packet of a connection of QUIC that was allowed, while the rules ask about the next one; or
 * something of its hello that is sent again. What is denied then is that next one alone. */
static bool goes_on(struct judge *j, const struct arrived *x, const struct known_entry *known)
{
	const struct packet *p = &x->packet;
	uint64_t age = known ? x->k->now - known->when : 0;

	if (!known || known->verdict != VERDICT_ALLOW || age >= KNOWN_SPENT_NS)
		return false;
	if (flow_goes_on(p, j->room))
		return true;
	return !flow_is_alone(p) && age < JUDGE_RECENT_NS &&
	       known->syn == quic_cid_hash(p->payload, p->n) &&
	       !inspector_denies(x->rule->inspector, j->room, p, j->patterns);
}

static bool is_recent(const struct arrived *x, const struct known_entry *known)
{
	return known && known->verdict != VERDICT_MORE && x->k->now - known->when < JUDGE_RECENT_NS;
}

static void take_udp(struct judge *j, const struct arrived *x)
{
	struct waiting *w = waiting_find(&j->waiting, &x->key);
	const struct known_entry *known = known_find(&j->c.board->known, &x->key);
	bool brief = inspector_is_brief(x->rule->inspector), alone = flow_is_alone(&x->packet);

	if (!x->packet.n) {
		waiting_answer(&j->waiting, x->k->slot, ACT_PASS);
		return;
	}
	if (!brief && (!w || alone) && goes_on(j, x, known)) {
		waiting_answer(&j->waiting, x->k->slot, w ? ACT_PASS : ACT_ALLOW);
		return;
	}
	if (!w && (brief || (!alone && known && known->verdict != VERDICT_ALLOW)) &&
	    is_recent(x, known)) {
		waiting_answer(&j->waiting, x->k->slot, act_of((enum verdict)known->verdict));
		return;
	}
	if (brief || alone) {
		judge_alone(j, x, brief);
		return;
	}
	w = w ? w : begin_or_overflow(j, x);
	if (!w)
		return;
	waiting_hold(&j->waiting, w, x->k->slot, UINT32_MAX, 0);
	flow_trust_datagram(&w->state, &x->packet);
	flow_datagram(&w->state, j->room, x->packet.payload, x->packet.n);
	judge_again(j, w, x->k->now);
}

/* The rules of the kernel are newer than the tables here: those are on their way. If they are the
 * newest and still do not know it, the rules that asked are gone, and those of now shall judge. */
static void take_unknown(struct judge *j, const struct arrived *x)
{
	struct waiting *w = waiting_find(&j->waiting, &x->key);

	if (x->k->replayed) {
		waiting_answer(&j->waiting, x->k->slot, ACT_AGAIN);
		return;
	}
	if (!w)
		w = waiting_begin(&j->waiting, &x->key, NULL, x->k->now);
	if (w && w->held < JUDGE_FLOW_PACKETS) {
		waiting_hold(&j->waiting, w, x->k->slot, UINT32_MAX, 0);
		return;
	}
	j->c.board->unknown++;
	waiting_answer(&j->waiting, x->k->slot, ACT_DROP);
}

void judge_packet(struct judge *j, const struct judge_packet *k)
{
	struct frame frame = {.p = k->p, .n = k->n, .link = 101 /* IP alone */};
	struct arrived x = {.k = k, .rule = tables_rule(j->c.tables, k->field)};
	enum packet_kind kind = packet_read(&x.packet, &frame);
	struct waiting *waits;

	j->c.board->packets++;
	waiting_packet(&j->waiting, k->slot, k->kept);
	if ((kind != PACKET_TCP && kind != PACKET_UDP) || k->field < 4) {
		j->c.board->astray++;
		waiting_answer(&j->waiting, k->slot, ACT_DROP);
		return;
	}
	make_room(j, k->now);
	x.udp = kind == PACKET_UDP;
	x.key = known_key(&x.packet, x.udp);
	waits = waiting_find(&j->waiting, &x.key);
	if (waits && waits->rule != x.rule) /* another rule asks now */
		waiting_release(&j->waiting, waits, ACT_AGAIN);
	if (!x.rule)
		take_unknown(j, &x);
	else if (x.rule->inspector->rewrites.n && k->kept)
		waiting_answer(&j->waiting, k->slot, ACT_FORGET);
	else if (x.rule->inspector->rewrites.n)
		rewrite(j, &x);
	else if (x.udp)
		take_udp(j, &x);
	else
		take_tcp(j, &x);
}

uint64_t judge_tick(struct judge *j, uint64_t now)
{
	struct waiting *w;

	waiting_let_quiet_go(&j->waiting, now);
	while ((w = waiting_oldest(&j->waiting))) {
		uint64_t due = w->since + j->c.hold;

		if (due > now)
			return due < j->waiting.quiet ? due : j->waiting.quiet;
		give_up(j, w, CAUSE_TIMEOUT, now);
	}
	return UINT64_MAX;
}
