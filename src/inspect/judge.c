/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections that wait for a decision, and the packets held of each.
 */
#include "inspect/judge.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/checksum.h"

#define NONE UINT32_MAX
#define BUCKETS 4096

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
	bool begun; /* some went on: it was too much to hold */
	uint64_t quiet; /* when the rest does, if nothing comes; 0: never */
	bool has_end; /* the opener has said where its bytes end */
	uint32_t end; /* counted from the first one */
	uint32_t next; /* in its bucket, or of those that are free */
	uint32_t older, newer; /* in the order in which they began to wait */
};

struct judge {
	struct judge_config c;
	struct flow_room *room;
	struct pattern_room *patterns;
	uint32_t bucket[BUCKETS];
	uint32_t free, oldest, newest;
	uint32_t nkept; /* of those that are held */
	uint32_t nopenings; /* connections */
	uint32_t nflows, nheld; /* the board has copies: another judge may still be writing there */
	struct waiting flows[JUDGE_FLOWS];
	uint32_t *next; /* by slot */
	uint32_t *end; /* by slot: where its bytes end, counted from the connection's first */
	uint32_t *bytes; /* by slot */
	bool *kept; /* by slot: it went on */
	uint64_t quiet; /* no connection is quiet before that */
	uint8_t *copy; /* of a packet that is rewritten */
};

#define COPY_MAX 65536

static void count(struct judge *j, int flows, int held)
{
	j->nflows += (uint32_t)flows;
	j->nheld += (uint32_t)held;
	j->c.board->flows = j->nflows;
	j->c.board->held = j->nheld;
}

struct judge *judge_new(const struct judge_config *c)
{
	struct judge *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->c = *c;
	j->room = flow_room_new(c->small, c->large);
	j->patterns = pattern_room_new();
	j->next = malloc(c->slots * sizeof(*j->next));
	j->end = malloc(c->slots * sizeof(*j->end));
	j->bytes = malloc(c->slots * sizeof(*j->bytes));
	j->kept = calloc(c->slots, sizeof(*j->kept));
	j->copy = malloc(COPY_MAX);
	j->quiet = UINT64_MAX;
	if (!j->room || !j->patterns || !j->next || !j->end || !j->bytes || !j->kept || !j->copy) {
		judge_free(j);
		return NULL;
	}
	for (uint32_t i = 0; i < BUCKETS; i++)
		j->bucket[i] = NONE;
	for (uint32_t i = 0; i < JUDGE_FLOWS; i++)
		j->flows[i].next = i + 1 < JUDGE_FLOWS ? i + 1 : NONE;
	j->oldest = j->newest = NONE;
	count(j, 0, 0);

	return j;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	flow_room_free(j->room);
	pattern_room_free(j->patterns);
	free(j->next);
	free(j->end);
	free(j->bytes);
	free(j->kept);
	free(j->copy);
	free(j);
}

/* ---- connections ---- */

static uint32_t *bucket_of(struct judge *j, const struct known_key *key)
{
	return &j->bucket[known_hash(&j->c.board->known, key) % BUCKETS];
}

static struct waiting *find(struct judge *j, const struct known_key *key)
{
	uint32_t i = *bucket_of(j, key);

	while (i != NONE && !known_key_same(&j->flows[i].key, key))
		i = j->flows[i].next;
	return i == NONE ? NULL : &j->flows[i];
}

static struct waiting *begin(struct judge *j, const struct known_key *key,
			     const struct table_rule *rule, uint64_t now)
{
	uint32_t i = j->free, *b = bucket_of(j, key);
	struct waiting *w = &j->flows[i];

	if (i == NONE)
		return NULL;
	j->free = w->next;
	*w = (struct waiting){.key = *key,
			      .rule = rule,
			      .since = now,
			      .first = NONE,
			      .last = NONE,
			      .next = *b,
			      .older = j->newest,
			      .newer = NONE};
	facts_init(&w->state.facts);
	*b = i;
	if (j->newest != NONE)
		j->flows[j->newest].newer = i;
	else
		j->oldest = i;
	j->newest = i;
	count(j, 1, 0);
	return w;
}

/* Its packets must have been answered. */
static void end(struct judge *j, struct waiting *w)
{
	uint32_t i = (uint32_t)(w - j->flows), *at = bucket_of(j, &w->key);

	while (*at != i)
		at = &j->flows[*at].next;
	*at = w->next;
	*(w->older != NONE ? &j->flows[w->older].newer : &j->oldest) = w->newer;
	*(w->newer != NONE ? &j->flows[w->newer].older : &j->newest) = w->older;
	flow_drop(&w->state, j->room);
	j->nopenings -= w->opened;
	w->next = j->free;
	j->free = i;
	count(j, -1, 0);
}

/* What went on needs no answer, only to be forgotten. */
static void answer(struct judge *j, uint32_t slot, enum act act)
{
	if (j->kept[slot] && act == ACT_HOLD)
		return;
	if (j->kept[slot])
		act = ACT_FORGET;
	j->nkept += act == ACT_KEEP;
	j->nkept -= act == ACT_FORGET;
	j->kept[slot] = act == ACT_KEEP;
	j->c.answer(j->c.ctx, slot, act);
}

static void hold(struct judge *j, struct waiting *w, uint32_t slot, uint32_t bytes_end, size_t n)
{
	j->next[slot] = NONE;
	j->end[slot] = bytes_end;
	j->bytes[slot] = (uint32_t)n;
	if (w->last != NONE)
		j->next[w->last] = slot;
	else
		w->first = slot;
	w->last = slot;
	w->held++;
	w->kept += j->kept[slot];
	w->begun |= j->kept[slot];
	w->bytes += j->kept[slot] ? 0 : (uint32_t)n;
	count(j, 0, 1);
	answer(j, slot, ACT_HOLD);
}

/* The oldest of those that went on. */
static void forget_one(struct judge *j, struct waiting *w)
{
	uint32_t *at = &w->first, last = NONE, slot;

	while (!j->kept[*at]) {
		last = *at;
		at = &j->next[*at];
	}
	slot = *at;
	*at = j->next[slot];
	if (w->last == slot)
		w->last = last;
	w->held--;
	w->kept--;
	count(j, 0, -1);
	answer(j, slot, ACT_FORGET);
}

/* Lets the oldest go, the bytes of which are kept here: all, or of those in sequence what is too
 * much. */
static void let_go(struct judge *j, struct waiting *w, bool all)
{
	for (uint32_t slot = w->first; slot != NONE; slot = j->next[slot]) {
		if (!all && w->held - w->kept <= JUDGE_CRUMBS && w->bytes <= JUDGE_CRUMBS_BYTES)
			break;
		if (j->kept[slot] || (!all && j->end[slot] > w->state.bytes.ready))
			continue;
		w->kept++;
		w->begun = true;
		w->bytes -= j->bytes[slot];
		j->c.board->crumbs++;
		answer(j, slot, ACT_KEEP);
	}
	while (w->kept > j->c.slots / JUDGE_KEPT)
		forget_one(j, w);
}

/* What a parser wants more of, no receiver can act on. Where nobody knows the protocol, only a
 * pattern is open, and that may be so. Of what is small no byte goes on before the decision. */
static void wait_for_more(struct judge *j, struct waiting *w, uint64_t now)
{
	let_go(j, w, false);
	w->quiet = 0;
	if (!w->begun || w->held == w->kept || w->state.facts.protocol == PROTOCOL_UNKNOWN)
		return;
	w->quiet = now + JUDGE_QUIET_NS;
	j->quiet = j->quiet < w->quiet ? j->quiet : w->quiet;
}

static void let_quiet_go(struct judge *j, uint64_t now)
{
	if (now < j->quiet)
		return;
	j->quiet = UINT64_MAX;
	for (uint32_t i = j->oldest; i != NONE; i = j->flows[i].newer) {
		struct waiting *w = &j->flows[i];

		if (w->quiet && w->quiet <= now) {
			w->quiet = 0;
			let_go(j, w, true);
		}
		if (w->quiet && w->quiet < j->quiet)
			j->quiet = w->quiet;
	}
}

/* All that is held, oldest first, and then it waits no more. */
static void release(struct judge *j, struct waiting *w, enum act act)
{
	while (w->first != NONE) {
		uint32_t slot = w->first;

		w->first = j->next[slot];
		count(j, 0, -1);
		answer(j, slot, act);
	}
	end(j, w);
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
	count_decision(j, rule, d);
	known_decide(&j->c.board->known, key, d->verdict, now);
	tell(j, key, rule, d, facts, false);
	return act_of(d->verdict);
}

/* Of a connection that waits. */
static void settle(struct judge *j, struct waiting *w, struct decision d, uint64_t now)
{
	release(j, w, decide(j, &w->key, w->rule, &d, &w->state.facts, now));
}

/* One that has waited too long, or for which there is no more room. */
static void give_up(struct judge *j, struct waiting *w, enum cause cause, uint64_t now)
{
	const struct stream *b = &w->state.bytes;

	if (!w->rule) {
		j->c.board->unknown += w->held;
		release(j, w, ACT_DROP);
	} else if (w->state.opening.ready && !b->ready && !b->ahead) {
		release(j, w, ACT_PASS); /* nobody answered its SYN, which went on */
	} else {
		settle(j, w, inspector_fallback(w->rule->inspector, cause), now);
	}
}

/* Whether it still waits. */
static bool judge_again(struct judge *j, struct waiting *w, uint64_t now)
{
	struct decision d;

	if (w->has_end && w->state.bytes.ready >= w->end)
		flow_end(&w->state, j->room);
	d = inspector_judge(w->rule->inspector, &w->state, j->patterns);
	if (d.verdict == VERDICT_MORE && w->held >= JUDGE_FLOW_PACKETS)
		d = inspector_fallback(w->rule->inspector, CAUSE_OVERFLOW);
	if (d.verdict == VERDICT_MORE)
		return true;
	settle(j, w, d, now);
	return false;
}

/* What would be shown to another judge. */
static void forget_kept(struct judge *j)
{
	for (uint32_t i = j->oldest; i != NONE && j->nkept; i = j->flows[i].newer)
		while (j->flows[i].kept)
			forget_one(j, &j->flows[i]);
}

/* Room for others before all slots are taken: the one that has waited longest is decided now. */
static void make_room(struct judge *j, uint64_t now)
{
	if (j->nheld >= j->c.slots / 4 * 3)
		forget_kept(j);
	while (j->oldest != NONE && j->nheld >= j->c.slots / 4 * 3)
		give_up(j, &j->flows[j->oldest], CAUSE_OVERFLOW, now);
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
		answer(j, x->k->slot, ACT_PASS);
		return;
	}
	memcpy(j->copy, x->k->p, x->k->n);
	if (!inspector_rewrite(x->rule->inspector, j->copy + at, x->packet.n)) {
		answer(j, x->k->slot, ACT_PASS);
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

	answer(j, x->k->slot, decide(j, &x->key, x->rule, &d, NULL, x->k->now));
}

static struct waiting *begin_or_overflow(struct judge *j, const struct arrived *x)
{
	struct waiting *w = begin(j, &x->key, x->rule, x->k->now);

	if (!w)
		overflow(j, x);
	return w;
}

static bool has_bytes(const struct waiting *w)
{
	return w->state.bytes.ready || w->state.bytes.ahead || w->state.opening.ready;
}

static void begin_with(struct waiting *w, const struct known_entry *known)
{
	if (!known)
		return;
	flow_syn(&w->state, known->syn);
	flow_manner(&w->state, &known->manner);
}

/* Whether what a SYN carries is denied as it is: a server that takes it needs no more. */
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
			release(j, w, act);
		answer(j, x->k->slot, act);
	}
	flow_drop(&f, j->room);
	return d.verdict != VERDICT_MORE;
}

/* Data in a SYN. It goes on, or there is no connection; what is in it is kept. */
static void take_opening(struct judge *j, const struct arrived *x, struct waiting *w)
{
	const struct packet *p = &x->packet;
	uint32_t slot = x->k->slot;

	if (deny_opening(j, x, w))
		return;
	if (!w && j->nopenings < JUDGE_OPENINGS)
		w = begin(j, &x->key, x->rule, x->k->now);
	if (!w) {
		answer(j, slot, ACT_PASS);
		return;
	}
	begin_with(w, known_find(&j->c.board->known, &x->key));
	j->nopenings += !w->opened;
	w->opened = true;
	flow_trust(&w->state, p);
	flow_opening(&w->state, j->room, p->payload, p->n);
	hold(j, w, slot, 0, 0);
	if (!j->kept[slot]) {
		w->kept++;
		answer(j, slot, ACT_KEEP);
	}
	while (w->kept > j->c.slots / JUDGE_KEPT)
		forget_one(j, w);
}

/* Bytes of a TCP connection that waits, or begins to. */
static void take_bytes(struct judge *j, const struct arrived *x, struct waiting *w)
{
	const struct packet *p = &x->packet;
	const struct known_entry *known = known_find(&j->c.board->known, &x->key);
	uint32_t seq = p->seq + !!(p->flags & PACKET_SYN), ends;

	if (!p->n && !(p->flags & PACKET_URG) && (!w || !has_bytes(w))) {
		answer(j, x->k->slot, ACT_PASS); /* an end of nothing */
		return;
	}
	w = w ? w : begin_or_overflow(j, x);
	if (!w)
		return;
	begin_with(w, known);
	flow_trust(&w->state, p);
	flow_segment(&w->state, j->room, seq, p->payload, p->n);
	ends = seq + (uint32_t)p->n - w->state.base;
	hold(j, w, x->k->slot, ends, p->n);
	if (p->flags & PACKET_FIN) {
		w->has_end = true;
		w->end = ends;
	}
	if (judge_again(j, w, x->k->now))
		wait_for_more(j, w, x->k->now);
}

/* What the connection's beginning was, nobody here saw: the policy's word for having no helper.
 * Where openings were forgotten for want of room, this may be one of them. */
static void unseen(struct judge *j, const struct arrived *x)
{
	bool forgot = known_forgot(&j->c.board->known, &x->key);
	struct decision d =
		inspector_fallback(x->rule->inspector, forgot ? CAUSE_OVERFLOW : CAUSE_NO_HELPER);

	j->c.board->unseen += !forgot;
	answer(j, x->k->slot, decide(j, &x->key, x->rule, &d, NULL, x->k->now));
}

static void open_tcp(struct judge *j, const struct arrived *x, struct waiting *w)
{
	const struct known_entry *known = known_find(&j->c.board->known, &x->key);

	/* The same SYN once more changes nothing; another one begins anew, and what is held
	 * belongs to a connection that is gone. */
	if (!known || known->syn != x->packet.seq || known->verdict != VERDICT_MORE) {
		if (w)
			release(j, w, ACT_DROP);
		w = NULL;
	}
	known_open(&j->c.board->known, &x->key, x->packet.seq, &x->packet.manner, x->k->now);
	if (x->packet.n)
		take_opening(j, x, w);
	else
		answer(j, x->k->slot, ACT_PASS);
}

static void take_tcp(struct judge *j, const struct arrived *x)
{
	struct waiting *w = find(j, &x->key);
	const struct known_entry *known;

	if ((x->packet.flags & (PACKET_SYN | PACKET_ACK | PACKET_RST)) == PACKET_SYN) {
		open_tcp(j, x, w);
		return;
	}
	known = known_find(&j->c.board->known, &x->key);
	if (w || (known && known->verdict == VERDICT_MORE))
		take_bytes(j, x, w);
	else if (known) /* it was under way when its connection was decided */
		answer(j, x->k->slot, act_of((enum verdict)known->verdict));
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
	answer(j, x->k->slot, !lasts && act == ACT_ALLOW ? ACT_PASS : act);
}

static void take_udp(struct judge *j, const struct arrived *x)
{
	struct waiting *w = find(j, &x->key);
	const struct known_entry *known = known_find(&j->c.board->known, &x->key);
	bool brief = inspector_is_brief(x->rule->inspector), alone = flow_is_alone(&x->packet);

	if (!x->packet.n) {
		answer(j, x->k->slot, ACT_PASS);
		return;
	}
	if (!w && known && known->verdict != VERDICT_MORE && (brief || !alone) &&
	    x->k->now - known->when < JUDGE_RECENT_NS) {
		answer(j, x->k->slot, act_of((enum verdict)known->verdict));
		return;
	}
	if (brief || alone) {
		judge_alone(j, x, brief);
		return;
	}
	w = w ? w : begin_or_overflow(j, x);
	if (!w)
		return;
	hold(j, w, x->k->slot, UINT32_MAX, 0);
	flow_datagram(&w->state, j->room, x->packet.payload, x->packet.n);
	judge_again(j, w, x->k->now);
}

/* The rules of the kernel are newer than the tables here: those are on their way. If they are the
 * newest and still do not know it, the rules that asked are gone, and those of now shall judge. */
static void take_unknown(struct judge *j, const struct arrived *x)
{
	struct waiting *w = find(j, &x->key);

	if (x->k->replayed) {
		answer(j, x->k->slot, ACT_AGAIN);
		return;
	}
	if (!w)
		w = begin(j, &x->key, NULL, x->k->now);
	if (w && w->held < JUDGE_FLOW_PACKETS) {
		hold(j, w, x->k->slot, UINT32_MAX, 0);
		return;
	}
	j->c.board->unknown++;
	answer(j, x->k->slot, ACT_DROP);
}

void judge_packet(struct judge *j, const struct judge_packet *k)
{
	struct frame frame = {.p = k->p, .n = k->n, .link = 101 /* IP alone */};
	struct arrived x = {.k = k, .rule = tables_rule(j->c.tables, k->field)};
	enum packet_kind kind = packet_read(&x.packet, &frame);
	struct waiting *waits;

	j->c.board->packets++;
	j->kept[k->slot] = k->kept;
	j->nkept += k->kept;
	if ((kind != PACKET_TCP && kind != PACKET_UDP) || k->field < 4) {
		j->c.board->astray++;
		answer(j, k->slot, ACT_DROP);
		return;
	}
	make_room(j, k->now);
	x.udp = kind == PACKET_UDP;
	x.key = known_key(&x.packet, x.udp);
	waits = find(j, &x.key);
	if (waits && waits->rule != x.rule) /* another rule asks now */
		release(j, waits, ACT_AGAIN);
	if (!x.rule)
		take_unknown(j, &x);
	else if (x.rule->inspector->rewrites.n && k->kept)
		answer(j, k->slot, ACT_FORGET);
	else if (x.rule->inspector->rewrites.n)
		rewrite(j, &x);
	else if (x.udp)
		take_udp(j, &x);
	else
		take_tcp(j, &x);
}

uint64_t judge_tick(struct judge *j, uint64_t now)
{
	let_quiet_go(j, now);
	while (j->oldest != NONE) {
		struct waiting *w = &j->flows[j->oldest];
		uint64_t due = w->since + j->c.hold;

		if (due > now)
			return due < j->quiet ? due : j->quiet;
		give_up(j, w, CAUSE_TIMEOUT, now);
	}
	return UINT64_MAX;
}
