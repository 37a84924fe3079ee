/* SPDX-License-Identifier: GPL-2.0-or-later
 * Writes of marks, followed through jumps. What may have been set only ever grows, so a chain is
 * walked again only when it is reached with more.
 */
#include "space/mean_marks.h"

#include <string.h>

#include "nft/nft.h"
#include "space/live_marks.h"
#include "space/mean_match.h"

enum marks_of { /* what has set them */
	ANYTHING,
	NO_VALUE, /* all but IR_MARK */
};

struct seen {
	bool any;
	u128 before; /* may have been set when it is entered */
	u128 back; /* when its caller goes on */
	u128 out; /* when the packet leaves the hook by way of it */
	u128 changed; /* is read here after it may have been set */
};

/* Bits of the packet's mark, and above them those of the connection's. */
static u128 bits_of(bool ct, uint32_t bits)
{
	return ct ? (u128)bits << 32 : bits;
}

void marks_init(struct marks *m, struct arena *a)
{
	*m = (struct marks){.arena = a};
	map_init(&m->chains[ANYTHING], a);
	map_init(&m->chains[NO_VALUE], a);
}

static unsigned changed_of(enum field f)
{
	switch (f) {
	case F_IP_TTL:
	case F_IP6_HOPLIMIT:
		return CHANGED_HOPS | MARKS_HOP_LESS | MARKS_HOP_CAME;
	case F_IP_DSCP:
	case F_IP6_DSCP:
		return CHANGED_DSCP;
	case F_IP_ECN:
	case F_IP6_ECN:
		return CHANGED_ECN;
	case F_TCP_FLAGS:
		return CHANGED_FLAGS;
	case F_LENGTH:
		return CHANGED_LENGTH;
	case F_IP_SADDR:
	case F_IP6_SADDR:
		return MARKS_SADDR;
	case F_IP_DADDR:
	case F_IP6_DADDR:
		return MARKS_DADDR | MARKS_DADDR_CAME;
	case F_FIB_DADDR_TYPE:
	case F_FIB_DADDR_IIF_TYPE:
		return MARKS_DADDR_CAME;
	case F_TCP_SPORT:
	case F_UDP_SPORT:
	case F_TH_SPORT:
		return MARKS_SPORT;
	case F_TCP_DPORT:
	case F_UDP_DPORT:
	case F_SCTP_DPORT:
	case F_DCCP_DPORT:
	case F_UDPLITE_DPORT:
	case F_TH_DPORT:
		return MARKS_DPORT_CAME;
	default: /* all other fields are not set by what lets the packet go on */
		return 0;
	}
}

static u128 reads(const struct ir_sel *sel)
{
	u128 bits = 0;

	for (int i = 0; i < sel->n; i++) {
		uint32_t mask = sel->mask[i] ? (uint32_t)sel->mask[i] : UINT32_MAX;

		bits |= (u128)changed_of(sel->f[i]) << MARKS_FIELDS;
		if (sel->f[i] == F_MARK || sel->f[i] == F_CT_MARK)
			bits |= bits_of(sel->f[i] == F_CT_MARK, mask);
	}
	return bits;
}

static const struct seen *walk(struct marks *m, enum marks_of of, const struct ir_ruleset *r,
			       const struct ir_chain *c, u128 before);

struct at { /* a rule that is walked through */
	struct marks *m;
	enum marks_of of;
	const struct ir_ruleset *r;
	struct seen *here;
	u128 now; /* set so far */
	u128 next; /* set where the next rule begins */
};

static void read_marks(struct at *at, const struct ir_sel *sel)
{
	at->here->changed |= at->now & reads(sel);
	if (at->of == ANYTHING)
		at->m->read |= at->now & reads(sel);
}

/* By value, or to what is made of marks, which then have to be known, too. */
static void set_mark(struct at *at, const struct ir_stmt *s)
{
	struct mark_set set = mark_set_stmt(s);
	u128 bits = mark_set_bits(&set);

	if (at->of == ANYTHING) {
		at->m->read |= at->now & mark_set_sources(&set);
		at->now |= bits;
	} else {
		at->now |= mark_set_from(&set, at->now);
	}
	at->m->valued |= bits;
}

/* A verdict that is met: false if the rule ends with it. */
static bool follow(struct at *at, const struct ir_verdict *v)
{
	const struct ir_chain *to = v->target ? ruleset_chain(at->r, v->target) : NULL;
	const struct seen *there = to ? walk(at->m, at->of, at->r, to, at->now) : NULL;

	at->here->out |= there ? there->out : 0;
	switch (v->kind) {
	case V_NONE:
	case V_CONTINUE:
		return true;
	case V_JUMP:
		at->next |= there ? there->back : at->now;
		return false;
	case V_GOTO:
		at->here->back |= there ? there->back : at->now;
		return false;
	case V_RETURN:
		at->here->back |= at->now;
		return false;
	case V_ACCEPT:
		at->here->out |= at->now;
		return false;
	case V_DROP:
		break;
	}
	return false;
}

static void follow_map(struct at *at, const struct ir_stmt *s)
{
	const struct ir_set *map = s->vmap.map ? ruleset_set(at->r, s->vmap.map) : NULL;
	const struct ir_elems *elems = map ? &map->elems : &s->vmap.elems;

	read_marks(at, &s->vmap.sel);
	for (size_t i = 0; i < elems->n; i++)
		follow(at, &elems->v[i].verdict);
}

/* Statements that let every packet go on to the next. */
static bool passes(const struct ir_stmt *s)
{
	return s->kind == IR_COUNTER || s->kind == IR_LOG || s->kind == IR_MARK ||
	       s->kind == IR_NOTRACK ||
	       (s->kind == IR_UNKNOWN && s->unknown.kind != UNKNOWN_MATCH &&
		s->unknown.kind != UNKNOWN_ENDS);
}

/* What is not understood: what it may set, and what it is known to read. */
static void walk_unknown(struct at *at, const struct ir_stmt *s)
{
	const struct ir_stmt *part;

	for (size_t i = 0; i < s->unknown.neither; i++)
		vec_each (&s->unknown.either[i].stmts, part)
			if (part->kind == IR_MATCH)
				read_marks(at, &part->match.sel);
			else if (part->kind == IR_VERDICT)
				follow(at, &part->verdict);
			else if (part->kind == IR_MARK)
				set_mark(at, part);
	switch (s->unknown.kind) {
	case UNKNOWN_MATCH:
	case UNKNOWN_GOES_ON:
		break;
	case UNKNOWN_SETS_FIELDS:
		at->now |= (u128)s->unknown.changes << MARKS_FIELDS;
		break;
	case UNKNOWN_SETS_MARKS:
		if (!s->unknown.neither)
			at->now |= s->unknown.marks ? s->unknown.marks : UINT64_MAX;
		break;
	case UNKNOWN_ENDS: /* one of several are verdicts and translations */
		at->now |= s->unknown.neither
				   ? 0
				   : ~((u128)(MARKS_TRANSLATED | MARKS_CAME) << MARKS_FIELDS);
		break;
	}
}

static void walk_rule(struct at *at, const struct ir_rule *x)
{
	for (size_t i = 0; i < x->stmts.n; i++) {
		const struct ir_stmt *s = &x->stmts.v[i];

		if (s->kind == IR_MATCH)
			read_marks(at, &s->match.sel);
		else if (s->kind == IR_VMAP)
			follow_map(at, s);
		else if (s->kind == IR_MARK)
			set_mark(at, s);
		else if (s->kind == IR_UNKNOWN)
			walk_unknown(at, s);
		else if (s->kind == IR_QUEUE)
			at->here->out |= at->now;
		if (s->kind == IR_QUEUE || s->kind == IR_REJECT ||
		    (s->kind == IR_VERDICT && !follow(at, &s->verdict)))
			return;
		if (!passes(s))
			at->next |= at->now; /* some packets are done with the rule here */
	}
	at->next |= at->now;
}

static const struct seen *walk(struct marks *m, enum marks_of of, const struct ir_ruleset *r,
			       const struct ir_chain *c, u128 before)
{
	struct seen *here = map_get(&m->chains[of], c->name);
	struct at at = {.m = m, .of = of, .r = r};

	if (!here) {
		here = arena_new_of(m->arena, struct seen);
		map_put(&m->chains[of], c->name, here);
	}
	if (here->any && !(before & ~here->before))
		return here;
	here->any = true;
	here->before |= before;
	at.here = here;
	at.next = here->before;
	for (size_t i = 0; i < c->rules.n; i++) {
		at.now = at.next;
		walk_rule(&at, &c->rules.v[i]);
	}
	here->back |= at.next;
	return here;
}

void marks_spread(struct marks *m, const struct ir_ruleset *r, const struct ir_chain *base)
{
	const struct seen *there = walk(m, ANYTHING, r, base, m->set);

	walk(m, NO_VALUE, r, base, m->set);
	m->follows = m->valued & m->read ? m->valued : 0;
	m->set |= there->out | there->back;
}

void marks_of_base(struct arena *a, const struct ir_ruleset *r, const struct ir_chain *base,
		   u128 *sets, u128 *reads)
{
	struct marks from_none, from_all;

	marks_init(&from_none, a);
	marks_spread(&from_none, r, base);
	marks_init(&from_all, a);
	from_all.set = UINT64_MAX;
	marks_spread(&from_all, r, base);
	*sets = from_none.set;
	*reads = from_all.read;
}

static u128 changed(const struct marks *m, const char *chain, const struct ir_sel *sel)
{
	const struct seen *here = map_get(&m->chains[NO_VALUE], chain);

	return here ? here->changed & reads(sel) : 0;
}

bool marks_changed(const struct marks *m, const char *chain, const struct ir_sel *sel)
{
	return changed(m, chain, sel) != 0;
}

static bool marks_of(const struct ir_sel *sel)
{
	for (int i = 0; i < sel->n; i++)
		if (sel->f[i] == F_MARK || sel->f[i] == F_CT_MARK)
			return true;
	return false;
}

/* As no packet has hops left that was forwarded: 255, which says that it came from the link. */
static bool of_all_hops(const struct ir_stmt *s)
{
	const struct ir_elem *e;

	if (s->match.sel.n != 1 || s->match.sel.mask[0] || s->match.set || !s->match.values.n)
		return false;
	vec_each (&s->match.values, e)
		if (e->key[0].lo != UINT8_MAX)
			return false;
	return s->match.op == OP_EQ || s->match.op == OP_NE;
}

/* A mark or a field that was set on the way, which is not followed. */
static dd_ref changed_match(struct mean *m, const struct ir_stmt *s)
{
	struct ir_rule r = {0};
	struct buf b = {0};
	dd_ref held;

	vec_push(m->arena, &r.stmts, *s);
	buf_puts(&b, marks_of(&s->match.sel) ? "not understood, a mark set on the way: "
					     : "not understood, set on the way: ");
	emit_rule(&b, &r);
	held = schema_condition(&m->schema, buf_str(&b));
	buf_free(&b);
	if (marks_of(&s->match.sel))
		return held;
	/* what has no such field at all did not get one on the way */
	return dd_and(m->dd, held, match_key_there(m, &s->match.sel));
}

dd_ref marks_match(struct mean *m, const struct marks *marks, const char *chain,
		   const struct ir_stmt *s)
{
	bool by_hop = changed(marks, chain, &s->match.sel) == (u128)MARKS_HOP_LESS << MARKS_FIELDS;

	if (by_hop && of_all_hops(s))
		return s->match.op == OP_EQ ? DD_FALSE : match_key_there(m, &s->match.sel);
	return changed_match(m, s);
}

dd_ref marks_then(struct mean *m, dd_ref a, dd_ref b, dd_ref where)
{
	struct mean_values values = mean_values(m, a);
	dd_ref behind = b;

	for (size_t i = 0; i < values.n; i++) {
		struct mark_set set = mark_set_of(outcome_of(&m->outcomes, values.v[i])->effects);
		dd_ref here;

		if (!(values.v[i] & DD_OPEN) || !mark_set_bits(&set))
			continue;
		here = dd_where(m->dd, a, values.v[i]);
		behind = dd_seq(m->dd, dd_restrict(m->dd, here, live_marks_arrived(m, &set, b)),
				dd_restrict(m->dd, dd_not(m->dd, here), behind));
	}
	return dd_seq(m->dd, a, dd_restrict(m->dd, where, behind));
}

dd_ref marks_sequence(struct mean *m, const dd_ref *v, size_t n)
{
	dd_ref all = DD_UNDECIDED;

	for (size_t i = 0; i < n; i++)
		all = marks_then(m, all, v[i], DD_TRUE);
	return all;
}

const char *marks_text(struct mean *m, const struct ir_stmt *s)
{
	if (s->kind == IR_NOTRACK)
		return MEAN_NOTRACK;
	return mean_label_text(m, s->label);
}

bool marks_sets(const struct ir_stmt *s)
{
	return s->kind == IR_MARK || (s->kind == IR_UNKNOWN && s->unknown.neither &&
				      s->unknown.kind == UNKNOWN_SETS_MARKS);
}
