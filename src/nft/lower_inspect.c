/* SPDX-License-Identifier: GPL-2.0-or-later
 * Inspect rules -> what sends packets to the program that judges, and goes by its verdicts.
 *
 * A field of the connection's mark says how far it is: nothing, decided (allow, deny, reject), or
 * which rule is being asked. It is looked up before `established accept`, because payload comes in
 * that state. Only what changes what the server reads is queued, in the direction of the
 * connection's opener: SYN, payload, FIN, urgent data announced. The program lets the kernel run
 * the hook again with its verdict in the same field of the packet's mark, so that a packet passes
 * nothing but the rules themselves, those of the moment: there is no chain behind the queue that a
 * new ruleset could lack.
 *
 *	rule	   -> asks.HASH:  connection's field = id; queue
 *	root	   -> field -> asked.HASH: verdict in the packet's mark? payload? queue
 *			    -> allowed.HASH, denied.HASH, rejected.HASH
 *
 * A SYN on a connection that is known (a port used again before conntrack forgot it) is a new one.
 * So may be a packet of QUIC with a long header, which none has after the first moments: the rules
 * ask about it again, and the program knows whether it begins a connection. The field stays as it
 * is until a rule asks: what the rules refuse, over a limit, must not leave a connection that
 * nobody asks about.
 */
#include <netinet/in.h>

#include "nft/lower.h"

#define FLAGS_OF_MEANING (1 | 32) /* FIN URG: also of a segment without payload */
#define FLAGS_OF_OPENING (1 | 2 | 4 | 16) /* FIN SYN RST ACK */

static const struct inspection *field(struct lower *l)
{
	return &l->p->inspection;
}

static struct ir_rule commented(struct lower *l, const char *comment)
{
	return (struct ir_rule){.comment = ir_comment(l->arena, comment)};
}

static void set_mark(struct lower *l, struct ir_rule *r, bool ct, uint32_t value)
{
	struct ir_stmt *s = rule_stmt(l, r, IR_MARK);

	s->mark.ct = ct;
	s->mark.keep = ~field(l)->mask;
	s->mark.value = inspection_mark(field(l), value);
}

static void match_field(struct lower *l, struct ir_rule *r, enum field f, uint32_t from,
			uint32_t to)
{
	match_ival(l, r, f,
		   (struct ival){inspection_mark(field(l), from), inspection_mark(field(l), to)});
	r->stmts.v[r->stmts.n - 1].match.sel.mask[0] = field(l)->mask;
}

static void go(struct lower *l, struct ir_chain *c, struct ir_rule r, const char *chain)
{
	rule_verdict(l, &r, V_GOTO, chain);
	chain_push(l, c, r);
}

static const char *seal(struct lower *l, struct ir_chain *c)
{
	return ruleset_seal_chain(l->r, c)->name;
}

/* value -> chain, for the field of one of the marks */
static void push_lookup(struct lower *l, struct ir_chain *c, enum field f, struct ir_set *map)
{
	struct ir_rule r = {0};
	struct ir_stmt *s = rule_stmt(l, &r, IR_VMAP);

	map->is_map = true;
	map->nkeys = 1;
	map->keys[0] = F_MARK;
	map->size = (uint32_t)map->elems.n;
	s->vmap.sel = (struct ir_sel){.n = 1, .f = {f}, .mask = {field(l)->mask}};
	s->vmap.map = ruleset_seal_set(l->r, map)->name;
	chain_push(l, c, r);
}

static void map_to(struct lower *l, struct ir_set *map, uint32_t value, const char *chain)
{
	u128 mark = inspection_mark(field(l), value);

	vec_push(l->arena, &map->elems,
		 ((struct ir_elem){.key = {{mark, mark}}, .verdict = {V_GOTO, chain}}));
}

/* ---- the verdict that the program put into the packet's mark ----
 *
 * Of UDP, what is denied is a datagram, not those after it: the same port of a resolver may ask for
 * other names.
 */

static void push_lasting(struct lower *l, struct ir_chain *c, uint32_t protocol, uint32_t value)
{
	struct ir_rule r = {0};

	match_one(l, &r, F_L4PROTO, protocol);
	set_mark(l, &r, true, value);
	chain_push(l, c, r);
}

static const char *settled(struct lower *l, const char *stem, const char *comment, uint32_t value,
			   bool quic)
{
	struct ir_chain *c = chain_new(l, stem);
	struct ir_rule r = commented(l, comment);

	if (value == MARK_ALLOW && !quic)
		set_mark(l, &r, true, value);
	else
		push_lasting(l, c, IPPROTO_TCP, value);
	if (value == MARK_ALLOW && quic)
		push_lasting(l, c, IPPROTO_UDP, inspection_max(field(l)));
	set_mark(l, &r, false, 0);
	rule_counter(l, &r);
	if (value == MARK_REJECT)
		rule_verdict(l, &r, V_GOTO, reject_chain(l));
	else
		rule_verdict(l, &r, value == MARK_ALLOW ? V_ACCEPT : V_DROP, NULL);
	chain_push(l, c, r);
	return seal(l, c);
}

static void push_verdicts(struct lower *l, struct ir_chain *c, bool quic)
{
	struct ir_set *map = arena_new_of(l->arena, struct ir_set);

	map->stem = "verdicts";
	map_to(l, map, MARK_ALLOW,
	       settled(l, "allow", "fwc: allowed by its inspector", MARK_ALLOW, quic));
	map_to(l, map, MARK_DENY,
	       settled(l, "deny", "fwc: denied by its inspector", MARK_DENY, quic));
	map_to(l, map, MARK_REJECT,
	       settled(l, "refuse", "fwc: rejected by its inspector", MARK_REJECT, quic));
	push_lookup(l, c, F_MARK, map);
}

/* A first packet is counted by the rule that matched it; those after it are not the rule's. */
static void push_queue(struct lower *l, struct ir_chain *c, struct ir_rule r,
		       const struct rule *rule, bool first)
{
	const struct inspected *how = rule->inspected;
	struct ir_stmt *s;

	if (first) {
		r.comment = ir_comment(l->arena, rule->text);
		r.at = rule->span;
		set_mark(l, &r, true, how->id);
	} else {
		r.comment = arena_printf(l->arena, "fwc: to inspector %s", rule->inspector);
	}
	set_mark(l, &r, false, how->id);
	if (!first)
		rule_counter(l, &r);
	s = rule_stmt(l, &r, IR_QUEUE);
	s->queue.first = how->first;
	s->queue.count = how->count;
	s->queue.bypass = how->bypass;
	chain_push(l, c, r);
}

/* A connection that begins. Without an entry in conntrack there is nothing to put a verdict to. */
const char *lower_asks(struct lower *l, const struct rule *rule)
{
	struct ir_chain *c = chain_new(l, "asks");
	struct ir_rule r = commented(l, "fwc: not tracked, so not inspected");

	match_bits(l, &r, F_CT_STATE, 64 /* untracked */);
	rule_counter(l, &r);
	rule_verdict(l, &r, V_DROP, NULL);
	chain_push(l, c, r);
	push_queue(l, c, (struct ir_rule){0}, rule, true);
	return seal(l, c);
}

/* ---- connections that are known to the field ---- */

static void push_reopened(struct lower *l, struct ir_chain *c, bool from_opener, const char *rules)
{
	struct ir_rule r = commented(l, "fwc: opened anew");

	if (!from_opener)
		match_one(l, &r, F_CT_DIRECTION, 0);
	match_one(l, &r, F_TCP_FLAGS, 2 /* SYN */);
	r.stmts.v[r.stmts.n - 1].match.sel.mask[0] = FLAGS_OF_OPENING;
	go(l, c, r, rules);
}

static const char *known(struct lower *l, uint32_t value, const char *rules, const char *rest)
{
	static const struct {
		const char *stem, *comment;
	} words[] = {[MARK_ALLOW] = {"allowed", NULL},
		     [MARK_DENY] = {"denied", "fwc: denied by its inspector"},
		     [MARK_REJECT] = {"rejected", "fwc: rejected by its inspector"}};
	struct ir_chain *c = chain_new(l, words[value].stem);
	struct ir_rule r = {0};

	push_reopened(l, c, false, rules);
	if (value != MARK_ALLOW) {
		r = commented(l, words[value].comment);
		rule_counter(l, &r);
	}
	if (value == MARK_DENY)
		rule_verdict(l, &r, V_DROP, NULL);
	else
		rule_verdict(l, &r, V_GOTO, value == MARK_REJECT ? reject_chain(l) : rest);
	chain_push(l, c, r);
	return seal(l, c);
}

/* Of QUIC, one is allowed: what has a long header may begin another one (RFC 8999 5.1). */
static const char *known_quic(struct lower *l, const char *rules, const char *rest)
{
	struct ir_chain *c = chain_new(l, "quic");
	struct ir_rule r = commented(l, "fwc: perhaps another connection");

	match_one(l, &r, F_CT_DIRECTION, 0);
	match_ival(l, &r, F_PAYLOAD, (struct ival){128, 255});
	go(l, c, r, rules);
	push_reopened(l, c, false, rules);
	go(l, c, (struct ir_rule){0}, rest);
	return seal(l, c);
}

/* rule NULL: the one that asked is gone, so that the rules of now judge. */
static const char *asked(struct lower *l, const struct rule *rule, const char *rules,
			 const char *rest)
{
	struct ir_chain *c = chain_new(l, "asked");
	struct ir_rule reply = {0};

	match_one(l, &reply, F_CT_DIRECTION, 1);
	go(l, c, reply, rest);
	if (rule)
		push_verdicts(l, c, rule->inspected->quic);
	push_reopened(l, c, true, rules);
	for (int bare = 0; bare < 2; bare++) {
		struct ir_rule sent = {0};

		if (bare)
			match_bits(l, &sent, F_TCP_FLAGS, FLAGS_OF_MEANING);
		else
			match_ival(l, &sent, F_PAYLOAD, (struct ival){0, 255});
		if (rule)
			push_queue(l, c, sent, rule, false);
		else
			go(l, c, sent, rules);
	}
	go(l, c, (struct ir_rule){0}, rest);
	return seal(l, c);
}

/* ---- answers of the program, by its mark ---- */

static void push_answer(struct lower *l, struct ir_chain *c, bool out)
{
	struct ir_rule r = commented(l, "fwc: answered by its inspector");

	if (!l->p->inspection.answers)
		return;
	if (out)
		match_bits(l, &r, F_CT_STATE, 64 /* untracked */);
	match_field(l, &r, F_MARK, MARK_ALLOW, MARK_ALLOW);
	match_one(l, &r, F_L4PROTO, IPPROTO_UDP);
	if (out)
		rule_counter(l, &r);
	else
		rule_stmt(l, &r, IR_NOTRACK);
	rule_verdict(l, &r, out ? V_ACCEPT : V_RETURN, NULL);
	chain_push(l, c, r);
}

void lower_answers_untracked(struct lower *l, struct ir_chain *raw)
{
	push_answer(l, raw, false);
}

void lower_answers_out(struct lower *l, struct ir_chain *output)
{
	push_answer(l, output, true);
}

void lower_inspection(struct lower *l, struct ir_chain *root, const char *rules, const char *rest)
{
	struct ir_set *map = arena_new_of(l->arena, struct ir_set);
	struct ir_rule other = commented(l, "fwc: asked by a rule that is gone");

	map->stem = "known";
	for (uint32_t v = MARK_ALLOW; v <= MARK_REJECT; v++)
		map_to(l, map, v, known(l, v, rules, rest));
	for (size_t i = 0; i < l->p->rules.n; i++) {
		const struct rule *rule = &l->p->rules.v[i];

		if (rule->inspected)
			map_to(l, map, rule->inspected->id, asked(l, rule, rules, rest));
	}
	if (field(l)->quic)
		map_to(l, map, inspection_max(field(l)), known_quic(l, rules, rest));
	push_lookup(l, root, F_CT_MARK, map);
	match_field(l, &other, F_CT_MARK, MARK_PENDING, inspection_max(field(l)) - 1);
	go(l, root, other, asked(l, NULL, rules, rest));
	go(l, root, (struct ir_rule){0}, rest);
}
