/* SPDX-License-Identifier: GPL-2.0-or-later
 * A ruleset as the kernel lists it -> what happens to a packet at each hook. A chain is one
 * function, built once: jumps are never unfolded.
 */
#include <stdlib.h>
#include <string.h>

#include "nft/nft.h"
#include "space/live_marks.h"
#include "space/mean_match.h"
#include "space/mean_walker.h"
#include "space/slice.h"
#include "util/number.h"

struct chain_mean {
	dd_ref says;
	bool done;
};

#define MAX_DEPTH 64 /* the kernel allows 16 jumps */

static dd_ref chain_says(struct walker *w, const struct ir_chain *c);

static const struct line *line_at(struct walker *w, const struct ir_chain *c, size_t rule,
				  const struct ir_set *map, const struct ir_elem *e)
{
	struct mean *m = w->m;
	const char *text = e && e->comment ? e->comment : c->rules.v[rule].comment;
	struct buf b = {0};

	if (!m->lines)
		return NULL;
	if (m->line_of)
		return m->line_of(m, c, rule, map, e);
	if (!text) {
		emit_rule(&b, &c->rules.v[rule]);
		text = arena_strdup(m->arena, buf_str(&b));
		buf_free(&b);
	}
	return mean_others_line(m, text, c->name, c->rules.v[rule].handle);
}

dd_ref walker_unknown(struct walker *w, const char *what, const struct line *line)
{
	return mean_outcome(w->m, FATE_UNKNOWN, what, line);
}

static dd_ref leave_chain(struct walker *w, dd_ref says)
{
	return w->returns ? dd_map(w->m->dd, says, outcome_leave_chain, &w->m->outcomes) : says;
}

dd_ref walker_verdict(struct walker *w, const struct ir_verdict *v, bool last,
		      const struct line *line)
{
	const struct ir_chain *to;
	dd_ref says;

	switch (v->kind) {
	case V_ACCEPT:
		return mean_outcome(w->m, FATE_ACCEPT, NULL, line);
	case V_DROP:
		return mean_outcome(w->m, FATE_DROP, NULL, line);
	case V_RETURN:
		if (last)
			return DD_UNDECIDED;
		w->returns = true;
		return mean_outcome(w->m, FATE_RETURN, NULL, NULL);
	case V_NONE:
	case V_CONTINUE:
		return DD_UNDECIDED;
	case V_JUMP:
	case V_GOTO:
		break;
	}
	to = ruleset_chain(w->r, v->target);
	if (!to || w->depth >= MAX_DEPTH)
		return walker_unknown(w, arena_printf(w->m->arena, "jump to %s", v->target), line);
	says = chain_says(w, to);
	if (v->kind == V_JUMP || last)
		return leave_chain(w, says);
	/* what goes through a chain reached by goto returns from the caller, too */
	w->returns = true;
	says = dd_map(w->m->dd, says, outcome_goto, &w->m->outcomes);
	return dd_seq(w->m->dd, says, mean_outcome(w->m, FATE_RETURN, NULL, NULL));
}

/* ---- statements ---- */

/* Whether all of a set could be read; its keys are what it is asked for. */
static bool understood(const struct ir_set *set, const struct ir_sel *sel)
{
	const struct ir_elem *e;

	if (!set || (set->type && strchr(set->type, '?')) || set->nkeys != sel->n)
		return false;
	if (ir_set_is_bulk(set) ? !match_fits_bulk(set, sel)
				: bulk_is_name(set->name) && !set->dynamic)
		return false; /* of the latter nobody knows what is in it */
	vec_each (&set->elems, e) {
		if (e->gated || (e->comment && e->comment[0] == '?'))
			return false;
	}
	return true;
}

static dd_ref set_match(struct walker *w, const struct ir_stmt *s)
{
	const struct ir_set *set = s->match.set ? ruleset_set(w->r, s->match.set) : NULL;
	const struct ir_sel *sel = &s->match.sel;
	const char *key;
	dd_ref *known;

	if (!s->match.set)
		return match_stmt(w->m, s, NULL);
	if (!understood(set, sel))
		return schema_condition(&w->m->schema,
					arena_printf(w->m->arena,
						     "@%s, which is not understood, holds it",
						     s->match.set));
	key = arena_printf(w->m->arena, "%s %d", s->match.set, s->match.op);
	for (int i = 0; i < sel->n; i++)
		key = arena_printf(w->m->arena, "%s %d/%llx%llx", key, sel->f[i],
				   (unsigned long long)(sel->mask[i] >> 64),
				   (unsigned long long)sel->mask[i]);
	known = map_get(&w->matches, key);
	if (!known) {
		known = arena_new_of(w->m->arena, dd_ref);
		*known = match_stmt(w->m, s, set);
		map_put(&w->matches, key, known);
	}
	return *known;
}

static int order_cmp(const void *a, const void *b)
{
	const struct ir_elem *const *x = a, *const *y = b;

	return ((*x)->order > (*y)->order) - ((*x)->order < (*y)->order);
}

static int first_key_cmp(const void *a, const void *b)
{
	const struct ir_elem *const *x = a, *const *y = b;

	return ((*x)->key[0].lo > (*y)->key[0].lo) - ((*x)->key[0].lo < (*y)->key[0].lo);
}

static bool share(const struct ir_elem *x, const struct ir_elem *y, int n)
{
	for (int i = 0; i < n; i++)
		if (x->key[i].lo > y->key[i].hi || y->key[i].lo > x->key[i].hi)
			return false;
	return true;
}

/* Whether some packet is in two elements; sorts them by their first key. */
static bool any_share(const struct ir_elem **v, size_t n, int nkeys)
{
	qsort(v, n, sizeof(*v), first_key_cmp);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n && v[k]->key[0].lo <= v[i]->key[0].hi; k++)
			if (share(v[i], v[k], nkeys))
				return true;
	return false;
}

/* Behind the statement the rule only counts. */
static bool is_last(const struct progress *p, const struct ir_stmt *s)
{
	const struct ir_rule *r = &p->chain->rules.v[p->rule];

	for (const struct ir_stmt *x = s + 1; x < r->stmts.v + r->stmts.n; x++)
		if (x->kind != IR_COUNTER)
			return false;
	return true;
}

static bool ends_chain(const struct progress *p, const struct ir_stmt *s)
{
	return p->rule + 1 == p->chain->rules.n && is_last(p, s);
}

struct lookup { /* of a verdict map */
	const struct ir_sel *sel;
	const struct ir_set *map; /* or NULL */
	bool shared; /* some packet is in two elements */
	dd_ref left; /* packets that are looked up */
	bool narrowed; /* ... less those of elements that may decide nothing */
	bool last; /* verdict_says() */
};

static bool decides(const struct ir_verdict *v, bool last)
{
	return v->kind == V_ACCEPT || v->kind == V_DROP || (v->kind == V_RETURN && !last);
}

/* DD_UNDECIDED: it comes to nothing. */
static dd_ref elem_says(struct walker *w, struct progress *p, struct lookup *l,
			const struct ir_elem *e)
{
	struct dd *d = w->m->dd;
	dd_ref match, where;

	/* what it decides is final: that it comes before later ones does all; who is looked up is
	 * asked once for the whole map */
	if (decides(&e->verdict, l->last) && !l->narrowed &&
	    (w->m->within == DD_TRUE || w->m->slice))
		return match_elem_says(w->m, l->sel, e,
				       walker_verdict(w, &e->verdict, l->last,
						      line_at(w, p->chain, p->rule, l->map, e)));
	match = match_elem(w->m, l->sel, e);
	where = dd_and(d, match, l->left);
	if (l->shared) {
		l->left = dd_and(d, l->left, dd_not(d, match));
		l->narrowed = true;
	}
	if (where == DD_FALSE)
		return DD_UNDECIDED;
	return dd_restrict(
		d, where,
		walker_verdict(w, &e->verdict, l->last, line_at(w, p->chain, p->rule, l->map, e)));
}

/* Elements of a concatenation with intervals may share packets: the one that was put in first,
 * which the dump has first, is found, whatever its verdict then comes to. (It cannot lie around
 * a later one: the kernel refuses that.) All other elements are disjoint, and their order is no
 * matter. */
static void vmap_says(struct walker *w, struct progress *p, const struct ir_stmt *s)
{
	const struct ir_set *map = s->vmap.map ? ruleset_set(w->r, s->vmap.map) : NULL;
	const struct ir_elems *elems = map ? &map->elems : &s->vmap.elems;
	struct lookup l = {
		.sel = &s->vmap.sel, .map = map, .left = p->still, .last = ends_chain(p, s)};
	VEC(const struct ir_elem *) order = {0};
	VEC(dd_ref) parts = {0};
	struct dd *d = w->m->dd;
	dd_ref all, without;

	for (size_t i = 0; i < elems->n; i++) {
		if (!w->m->slice || slice_has_elem(w->m->slice, l.sel, &elems->v[i]))
			vec_push(w->m->arena, &order, &elems->v[i]);
		l.shared |= elems->v[i].order == IR_ORDER_LAST;
	}
	if (!l.shared && l.sel->n > 1 && order.n > 1)
		l.shared = any_share(order.v, order.n, l.sel->n);
	if (l.shared)
		qsort(order.v, order.n, sizeof(*order.v), order_cmp);
	for (size_t i = 0; i < order.n; i++) {
		dd_ref says = elem_says(w, p, &l, order.v[i]);

		if (says != DD_UNDECIDED)
			vec_push(w->m->arena, &parts, says);
	}
	all = dd_restrict(d, p->still, mean_sequence(w->m, parts.v, parts.n));
	without = dd_and(d, p->still, match_no_ports(w->m, l.sel));
	if (without != DD_FALSE)
		all = dd_seq(d,
			     dd_restrict(d, without,
					 walker_unknown(w, "bytes that are no ports",
							line_at(w, p->chain, p->rule, NULL, NULL))),
			     all);
	if (s->vmap.map && !understood(map, l.sel))
		all = dd_restrict(d, p->still,
				  walker_unknown(w, arena_printf(w->m->arena, "@%s", s->vmap.map),
						 line_at(w, p->chain, p->rule, NULL, NULL)));
	p->says = dd_seq(d, p->says, all);
}

/* Which of several equal rules this is: the chain's stem says it, "limit-2". */
static const char *chain_stem(struct walker *w, const struct progress *p, unsigned *twin)
{
	size_t stem = strcspn(p->chain->name, ".-");
	const char *behind = p->chain->name + stem;
	uint64_t n = 0;

	if (*behind == '-' && (behind++, !number_take(&behind, 0, UINT32_MAX, &n)))
		n = 0;
	*twin = (unsigned)n;
	return arena_strndup(w->m->arena, p->chain->name, stem);
}

dd_ref walker_counted(struct walker *w, const struct progress *p, const char *text)
{
	if (!w->base || p->chain == w->base || w->m->line_of)
		return schema_condition(&w->m->schema, text);
	return schema_condition(
		&w->m->schema, arena_printf(w->m->arena, "%s, from chain %s", text, w->base->name));
}

static dd_ref count_says(struct walker *w, const struct progress *p, const char *what,
			 const struct ir_count *count)
{
	const struct ir_rule *r = &p->chain->rules.v[p->rule];
	unsigned twin = 0;
	dd_ref holds;

	if (!what)
		what = chain_stem(w, p, &twin);
	holds = walker_counted(w, p, mean_count(w->m, what, count->n, r->comment, twin));
	return count->over ? dd_not(w->m->dd, holds) : holds;
}

static dd_ref rate_says(struct walker *w, const struct progress *p, const char *what,
			const struct ir_limit *limit)
{
	const struct ir_rule *r = &p->chain->rules.v[p->rule];
	unsigned twin = 0;
	dd_ref holds;

	if (!what)
		what = chain_stem(w, p, &twin);
	holds = walker_counted(w, p, mean_rate(w->m, what, limit, r->comment, twin));
	return limit->over ? dd_not(w->m->dd, holds) : holds;
}

void walker_effect(struct walker *w, struct progress *p, dd_ref where, const char *text)
{
	p->says = dd_seq(w->m->dd, p->says, dd_restrict(w->m->dd, where, mean_effect(w->m, text)));
}

void walker_decide(struct walker *w, struct progress *p, dd_ref says)
{
	p->says = dd_seq(w->m->dd, p->says, dd_restrict(w->m->dd, p->still, says));
}

/* add, update, delete @set { key ... }: goes on only while what stands behind the key holds. */
static void add_says(struct walker *w, struct progress *p, const struct ir_stmt *s)
{
	struct dd *d = w->m->dd;

	p->still = dd_and(d, p->still, match_key_there(w->m, &s->add.key));
	const char *key = match_key_text(w->m, &s->add.key);
	const char *what = arena_printf(w->m->arena, "%s by %s", s->add.set, key);

	if (s->add.has_limit)
		p->still = dd_and(
			d, p->still,
			rate_says(w, p, strcmp(key, "source") ? what : s->add.set, &s->add.limit));
	if (s->add.has_ct_count)
		p->still = dd_and(d, p->still, count_says(w, p, what, &s->add.ct_count));
	if (!s->add.has_limit && !s->add.has_ct_count)
		walker_effect(
			w, p, p->still,
			mean_change_text(w->m, key, s->add.set, s->add.remove, s->add.timeout));
}

/* Of packets of another protocol the kernel looks away. */
static void helper_says(struct walker *w, struct progress *p, const struct ir_stmt *s)
{
	const struct ir_set *o = ruleset_set(w->r, s->helper);
	dd_ref proto = DD_TRUE;

	if (o && o->helper)
		proto = schema_one(&w->m->schema, DIM_PROTO, o->helper_proto);
	walker_effect(w, p, dd_and(w->m->dd, p->still, proto),
		      mean_helper_text(w->m, o && o->helper ? o->helper : s->helper));
}

/* Where the connection is not fit the rule ends: it has seen packets both ways by then. */
static void flowtable_says(struct walker *w, struct progress *p, const struct ir_stmt *s)
{
	const struct ir_set *o = ruleset_set(w->r, s->flowtable);
	dd_ref known = schema_one(&w->m->schema, DIM_CT_STATE, CT_ESTABLISHED);

	p->still = dd_and(w->m->dd, p->still, known);
	walker_effect(w, p, p->still, o && o->hardware ? MEAN_OFFLOAD_HARDWARE : MEAN_OFFLOAD);
	p->still = dd_and(w->m->dd, p->still, mean_taken(w->m, s->flowtable));
}

static void quota_says(struct walker *w, struct progress *p, const struct ir_stmt *s)
{
	walker_effect(w, p, p->still, mean_quota_text(w->m, s->quota));
	p->still = dd_and(w->m->dd, p->still, mean_quota_holds(w->m, s->quota));
}

dd_ref walker_translation(struct walker *w, const struct ir_stmt *s, const struct line *line)
{
	struct outcome x = {.fate = FATE_TRANSLATE, .line = w->m->lines ? line : NULL, .nat = s};

	x.what = mean_nat_stmt_text(w->m, s);
	return dd_restrict(w->m->dd, schema_family(&w->m->schema, s->nat.family),
			   dd_terminal(w->m->dd, outcome_value(&w->m->outcomes, x)));
}

static void nat_says(struct walker *w, struct progress *p, const struct ir_stmt *s,
		     const struct line *line)
{
	struct ival called = {s->nat.called, s->nat.called_last};

	if (called.lo && called.hi) /* of other ports the map has nothing: the rule ends */
		p->still = dd_and(w->m->dd, p->still,
				  schema_ranges(&w->m->schema, DIM_DPORT, 16, &called, 1,
						UINT16_MAX, DD_TRUE));
	walker_decide(w, p, walker_translation(w, s, line));
}

dd_ref walker_match(struct walker *w, const struct progress *p, const struct ir_stmt *s)
{
	if (!marks_changed(&w->marks, p->chain->name, &s->match.sel))
		return set_match(w, s);
	return marks_match(w->m, &w->marks, p->chain->name, s);
}

void walker_mark(struct walker *w, struct progress *p, dd_ref where, const struct ir_stmt *s)
{
	struct mark_set set = mark_set_stmt(s);
	bool of_connection = s->mark.copied && (s->mark.ct || !s->mark.own);
	struct mark_words words = {0};
	const char *text;

	if (of_connection) /* where there is none nothing is copied to or from its mark */
		where = dd_and(w->m->dd, where, match_tracked(w->m));
	mark_set_words(w->m->arena, &set, w->marks.follows != 0, &words);
	text = outcome_effects(&w->m->outcomes, &words); /* all at once */
	if (text)
		walker_effect(w, p, where, text);
}

/* Bits of a connection's mark are set where there is a connection; else the rule ends. */
static void mark_says(struct walker *w, struct progress *p, const struct ir_stmt *s)
{
	if (s->kind != IR_MARK) {
		walker_effect(w, p, p->still, marks_text(w->m, s));
		return;
	}
	if (s->mark.ct && s->mark.keep)
		p->still = dd_and(w->m->dd, p->still, match_tracked(w->m));
	walker_mark(w, p, p->still, s);
}

static void stmt_says(struct walker *w, struct progress *p, const struct ir_stmt *s)
{
	const struct line *line = line_at(w, p->chain, p->rule, NULL, NULL);
	struct mean *m = w->m;
	struct dd *d = m->dd;

	switch (s->kind) {
	case IR_MATCH:
		p->still = dd_and(d, p->still, walker_match(w, p, s));
		break;
	case IR_VMAP:
		if (marks_changed(&w->marks, p->chain->name, &s->vmap.sel))
			walker_decide(w, p, walker_unknown(w, "a value set on the way", line));
		else
			vmap_says(w, p, s);
		break;
	case IR_COUNTER:
		break;
	case IR_LIMIT:
		p->still = dd_and(d, p->still, rate_says(w, p, NULL, &s->limit));
		break;
	case IR_CT_COUNT:
		p->still = dd_and(d, p->still, count_says(w, p, NULL, &s->ct_count));
		break;
	case IR_LOG:
		walker_effect(w, p, p->still,
			      mean_log_text(m, s->log_prefix, s->log_level,
					    s->has_group ? s->log_group : -1));
		break;
	case IR_MSS: /* of another protocol the rule ends */
		p->still = dd_and(d, p->still, schema_one(&m->schema, DIM_PROTO, 6 /* TCP */));
		walker_effect(w, p, p->still, mean_mss_text(m, s->mss));
		break;
	case IR_ADD:
		add_says(w, p, s);
		break;
	case IR_HELPER:
		helper_says(w, p, s);
		break;
	case IR_OFFLOAD:
		flowtable_says(w, p, s);
		break;
	case IR_QUOTA:
		quota_says(w, p, s);
		break;
	case IR_LABEL:
	case IR_NOTRACK:
	case IR_MARK:
		mark_says(w, p, s);
		break;
	case IR_QUEUE:
		walker_decide(w, p,
			      mean_outcome(m, FATE_INSPECT,
					   mean_queue_text(m, s->queue.first, s->queue.count,
							   s->queue.bypass),
					   line));
		break;
	case IR_REJECT:
		if (s->reject == REJECT_TCP_RESET) /* nft asks for TCP by itself */
			p->still = dd_and(d, p->still, schema_one(&m->schema, DIM_PROTO, 6));
		if (s->reject == REJECT_OTHER)
			p->still = dd_and(d, p->still, schema_family(&m->schema, s->reject_family));
		walker_decide(w, p,
			      mean_outcome(m, FATE_REJECT,
					   s->reject == REJECT_TCP_RESET ? "tcp reset"
					   : s->reject == REJECT_ADMIN	 ? "icmpx admin-prohibited"
									 : s->reject_with,
					   line));
		break;
	case IR_NAT:
		nat_says(w, p, s, line);
		break;
	case IR_VERDICT:
		walker_decide(w, p, walker_verdict(w, &s->verdict, ends_chain(p, s), line));
		break;
	case IR_UNKNOWN:
		walker_unknown_says(w, p, s, line);
		break;
	}
}

/* From that statement on, of packets as they are there. */
static dd_ref rule_says(struct walker *w, const struct ir_chain *c, size_t rule, size_t from)
{
	struct progress p = {.chain = c, .rule = rule, .still = w->m->within};
	const struct ir_rule *r = &c->rules.v[rule];

	for (size_t i = from; i < r->stmts.n && p.still != DD_FALSE; i++) {
		stmt_says(w, &p, &r->stmts.v[i]);
		if (w->marks.follows && marks_sets(&r->stmts.v[i]) && i + 1 < r->stmts.n)
			return marks_then(w->m, p.says, rule_says(w, c, rule, i + 1), p.still);
	}
	return p.says;
}

static dd_ref chain_says(struct walker *w, const struct ir_chain *c)
{
	struct chain_mean *known = map_get(&w->chains, c->name);
	VEC(dd_ref) parts = {0};

	if (known && known->done)
		return known->says;
	if (known) /* a loop; the kernel takes none */
		return walker_unknown(w, "loop of chains", NULL);
	known = arena_new_of(w->m->arena, struct chain_mean);
	map_put(&w->chains, c->name, known);
	w->depth++;
	for (size_t i = 0; i < c->rules.n; i++) {
		dd_ref says = rule_says(w, c, i, 0);

		if (says != DD_UNDECIDED)
			vec_push(w->m->arena, &parts, says);
	}
	w->depth--;
	known->says = w->marks.follows ? marks_sequence(w->m, parts.v, parts.n)
				       : mean_sequence(w->m, parts.v, parts.n);
	known->done = true;
	return known->says;
}

/* ---- base chains ---- */

/* `return` and the end of a base chain are its policy. */
static dd_ref base_says(struct walker *w, const struct ir_chain *c)
{
	struct mean *m = w->m;
	dd_ref within = m->within, says;
	const char *text = arena_printf(m->arena, "policy of chain %s", c->name);

	m->within = live_marks_any(m, w->marks.follows, within);
	says = leave_chain(w, chain_says(w, c));
	m->within = within;
	return dd_seq(m->dd, says,
		      mean_outcome(m, c->base.policy_drop ? FATE_DROP : FATE_ACCEPT, NULL,
				   mean_line(m, text, "", (struct span){0}, 0)));
}

dd_ref mean_base_chain(struct mean *m, const struct ir_ruleset *r, const struct ir_chain *c,
		       u128 *marks)
{
	struct walker w = {.m = m, .r = r};

	map_init(&w.chains, m->arena);
	map_init(&w.matches, m->arena);
	marks_init(&w.marks, m->arena);
	w.marks.set = *marks;
	w.base = c;
	marks_spread(&w.marks, r, c);
	*marks = w.marks.set;
	return dd_restrict(m->dd, m->within, base_says(&w, c));
}

dd_ref mean_ruleset(struct mean *m, const struct ir_ruleset *r, enum station at)
{
	struct walker w = {.m = m, .r = r};
	VEC(struct ir_chain *) base = {0};
	dd_ref says = DD_UNDECIDED, last = mean_outcome(m, FATE_ACCEPT, NULL, NULL);

	map_init(&w.chains, m->arena);
	map_init(&w.matches, m->arena);
	marks_init(&w.marks, m->arena);
	/* by priority, of an equal one who was put there last */
	for (size_t i = r->chains.n, k; i-- > 0;) {
		struct ir_chain *c = r->chains.v[i];

		if (!c->base.hook || r->dormant || strcmp(c->base.hook, station_table[at].hook) ||
		    strcmp(c->base.type, station_table[at].type))
			continue;
		vec_push(m->arena, &base, c);
		for (k = base.n - 1; k > 0 && base.v[k - 1]->base.priority > c->base.priority; k--)
			base.v[k] = base.v[k - 1];
		base.v[k] = c;
	}
	for (size_t i = 0; i < base.n; i++)
		marks_spread(&w.marks, r, base.v[i]);
	for (size_t i = 0; i < base.n; i++) {
		/* accept ends this chain only; drop is final */
		dd_ref one = base_says(&w, base.v[i]);

		if (i + 1 < base.n)
			one = dd_map(m->dd, one, outcome_next_base, &m->outcomes);
		says = dd_seq(m->dd, says, one);
	}
	return dd_restrict(m->dd, m->within, dd_seq(m->dd, says, last));
}
