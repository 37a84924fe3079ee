/* SPDX-License-Identifier: GPL-2.0-or-later
 * rule -> what it needs that a kernel may lack, and what stands in for it then.
 *
 * At boot a rule that the kernel cannot take must not keep all others from being loaded, and what
 * stands in for it must let nothing pass that the rule would not. So a condition that cannot be
 * asked is left away from a rule that refuses (it refuses more), and makes a rule that admits one
 * that does nothing (it admits less); what is neither has no stand-in. Where rules lead to chains
 * that admit some packets and refuse others, none of them passes. Only IPsec is known all the same:
 * without it in the kernel no packet came through it.
 */
#include <string.h>

#include "nft/nft.h"

struct words {
	struct buf b;
};

static void add(struct words *w, const char *word)
{
	if (!strstr(buf_str(&w->b), word))
		buf_printf(&w->b, "%s%s", w->b.len ? "," : "", word);
}

static bool field_condition(enum field f, struct words *w)
{
	if (f == F_FIB_SADDR_TYPE || f == F_FIB_DADDR_TYPE || f == F_FIB_DADDR_IIF_TYPE ||
	    f == F_FIB_BACK || f == F_FIB_BACK_ANY || f == F_FIB_OIFNAME)
		add(w, "fib");
	else if (f == F_SKUID || f == F_SKGID)
		add(w, "skuid");
	else if (field_is_cgroup(f))
		add(w, "cgroup");
	else if (f == F_HOUR || f == F_DAY || f == F_TIME)
		add(w, "time");
	else if (f == F_PAYLOAD)
		add(w, "payload");
	else if (f == F_SECPATH || f == F_RT_IPSEC)
		add(w, "ipsec");
	else
		return false;
	return true;
}

/* Without routes nothing is known of a source, and refusing every one is no stand-in. */
static bool asks_routes(const struct ir_stmt *s)
{
	return s->kind == IR_MATCH &&
	       (s->match.sel.f[0] == F_FIB_BACK || s->match.sel.f[0] == F_FIB_BACK_ANY);
}

static bool is_ipsec(const struct ir_stmt *s)
{
	return s->kind == IR_MATCH &&
	       (s->match.sel.f[0] == F_SECPATH || s->match.sel.f[0] == F_RT_IPSEC);
}

static bool asks_owner(const struct ir_stmt *s)
{
	return s->kind == IR_MATCH &&
	       (s->match.sel.f[0] == F_SKUID || s->match.sel.f[0] == F_SKGID ||
		field_is_cgroup(s->match.sel.f[0]));
}

static bool sel_condition(const struct ir_sel *sel, struct words *w)
{
	bool any = false;

	for (int i = 0; i < sel->n; i++)
		any |= field_condition(sel->f[i], w);
	return any;
}

static bool add_condition(const struct ir_stmt *s, struct words *w)
{
	if (s->add.has_limit)
		add(w, "limit");
	if (s->add.has_ct_count)
		add(w, "connlimit");
	return s->add.has_limit || s->add.has_ct_count;
}

enum part { PART_KEPT, PART_CONDITION, PART_EXTRA, PART_REFUSES, PART_TRANSLATES, PART_MARKS };

static enum part part_of(const struct ir_stmt *s, struct words *w)
{
	switch (s->kind) {
	case IR_MATCH:
		if (!sel_condition(&s->match.sel, w))
			return PART_KEPT;
		return is_ipsec(s) && !s->match.values.v[0].key[0].lo ? PART_EXTRA : PART_CONDITION;
	case IR_VMAP:
		return sel_condition(&s->vmap.sel, w) ? PART_CONDITION : PART_KEPT;
	case IR_ADD:
		return add_condition(s, w) ? PART_CONDITION : PART_KEPT;
	case IR_LIMIT:
		add(w, "limit");
		return PART_CONDITION;
	case IR_CT_COUNT:
		add(w, "connlimit");
		return PART_CONDITION;
	case IR_LOG:
		add(w, s->has_group ? "nflog" : "log");
		return PART_EXTRA;
	case IR_MSS:
		add(w, "mss");
		return PART_EXTRA;
	case IR_REJECT:
		add(w, "reject");
		return PART_REFUSES;
	case IR_QUEUE:
		add(w, "queue");
		return PART_REFUSES;
	case IR_NAT:
		add(w, "nat");
		return PART_TRANSLATES;
	case IR_QUOTA:
		add(w, "quota");
		return PART_CONDITION;
	case IR_LABEL: /* without it nothing would be counted */
		add(w, "ct label");
		return PART_CONDITION;
	case IR_MARK:
	case IR_NOTRACK:
		return PART_MARKS;
	case IR_OFFLOAD:
		add(w, "flowtable");
		return PART_EXTRA;
	case IR_HELPER:
		return PART_EXTRA; /* whose name is added by helper_needs() */
	case IR_COUNTER:
	case IR_VERDICT:
	case IR_UNKNOWN:
		break;
	}
	return PART_KEPT;
}

static struct ir_stmt verdict_drop(void)
{
	return (struct ir_stmt){.kind = IR_VERDICT, .verdict = {.kind = V_DROP}};
}

/* In its place, so that the rules behind it keep their numbers. */
static void put_nothing(struct arena *a, const struct ir_rule *r, struct ir_rule *out)
{
	*out = (struct ir_rule){0};
	vec_push(a, &out->stmts, ((struct ir_stmt){.kind = IR_COUNTER}));
	out->comment = ir_comment(
		a, arena_printf(a, "not loaded: %s", r->comment ? r->comment : "a rule of fwc"));
}

#define DEPTH 16 /* of jumps that the kernel follows */

/* Whether a packet may be let in by it, or by a chain that it leads to. */
static bool admits(const struct ir_ruleset *set, const struct ir_stmt *s, int depth)
{
	const struct ir_chain *c;
	const struct ir_rule *r;
	const struct ir_stmt *x;

	if (s->kind != IR_VERDICT) /* within a chain: what may be anything */
		return depth &&
		       (s->kind == IR_VMAP || s->kind == IR_QUEUE || s->kind == IR_UNKNOWN);
	if (s->verdict.kind != V_JUMP && s->verdict.kind != V_GOTO)
		return s->verdict.kind == V_ACCEPT;
	c = ruleset_chain(set, s->verdict.target);
	if (!c || depth > DEPTH)
		return true;
	vec_each (&c->rules, r) {
		vec_each (&r->stmts, x) {
			if (admits(set, x, depth + 1))
				return true;
		}
	}
	return false;
}

static bool asks_nothing(const struct ir_rule *r)
{
	const struct ir_stmt *s;

	vec_each (&r->stmts, s)
		if (s->kind != IR_COUNTER && s->kind != IR_LOG && s->kind != IR_VERDICT)
			return false;
	return true;
}

/* To a chain that lets some packets in, and not all. */
static bool leads_apart(const struct ir_ruleset *set, const struct ir_stmt *s)
{
	const struct ir_chain *c;
	const struct ir_rule *r;

	if (s->kind != IR_VERDICT || s->verdict.kind != V_GOTO || !admits(set, s, 0))
		return false;
	c = ruleset_chain(set, s->verdict.target);
	vec_each (&c->rules, r) {
		const struct ir_stmt *x = &r->stmts.v[r->stmts.n - 1];

		if (x->kind == IR_VERDICT && x->verdict.kind == V_ACCEPT && asks_nothing(r))
			return false;
	}
	return true;
}

/* Something beyond what may be left away. */
static bool acts(const struct ir_rule *out)
{
	const struct ir_stmt *s;

	vec_each (&out->stmts, s) {
		if (s->kind != IR_MATCH && s->kind != IR_COUNTER)
			return true;
	}
	return false;
}

/* It does, or leads to where nothing is done but that. */
static bool refuses(const struct ir_ruleset *set, const struct ir_stmt *s)
{
	if (s->kind != IR_VERDICT)
		return s->kind == IR_REJECT || s->kind == IR_QUEUE;
	if (s->verdict.kind == V_JUMP || s->verdict.kind == V_GOTO)
		return !admits(set, s, 0);
	return s->verdict.kind == V_DROP;
}

/* False: it has none. */
static bool stand_in(struct arena *a, const struct ir_ruleset *set, const struct ir_rule *r,
		     struct ir_rule *out, struct words *w)
{
	const struct ir_stmt *s, *last = &r->stmts.v[r->stmts.n - 1];
	const struct ir_set *helper;
	bool condition = false, nothing = false, marks = false, owner = false;

	*out = (struct ir_rule){.comment = r->comment};
	vec_each (&r->stmts, s) {
		helper = s->kind == IR_HELPER ? ruleset_set(set, s->helper) : NULL;
		if (helper)
			add(w, helper_needs(a, helper));
		switch (part_of(s, w)) {
		case PART_CONDITION:
			condition = true;
			nothing |= asks_routes(s) || is_ipsec(s);
			owner |= asks_owner(s);
			break;
		case PART_TRANSLATES:
			nothing = true;
			break;
		case PART_REFUSES:
			vec_push(a, &out->stmts, verdict_drop());
			break;
		case PART_MARKS:
			marks = true;
			/* fall through */
		case PART_KEPT:
			vec_push(a, &out->stmts, *s);
			break;
		case PART_EXTRA:
			break;
		}
	}
	/* which chain it is in for is not known: it may be in for the one that refuses it */
	if (owner && !nothing && leads_apart(set, last)) {
		out->stmts.n--;
		vec_push(a, &out->stmts, verdict_drop());
		return true;
	}
	/* a mark neither admits nor refuses: of other packets it would be as wrong */
	if (nothing || (condition && (admits(set, last, 0) || (marks && !refuses(set, last)))) ||
	    !acts(out))
		put_nothing(a, r, out);
	else if (condition && !refuses(set, last))
		return false;
	return true;
}

const char *helper_needs(struct arena *a, const struct ir_set *helper)
{
	if (helper->quota)
		return "quota";
	return helper->flowtable ? "flowtable" : arena_printf(a, "helper %s", helper->helper);
}

bool rule_standin(struct arena *a, const struct ir_ruleset *set, const struct ir_rule *r,
		  const char **needs, const char **instead)
{
	struct words w = {{0}};
	struct buf text = {0};
	struct ir_rule other;
	bool found;

	*needs = *instead = NULL;
	if (!r->stmts.n)
		return false;
	found = stand_in(a, set, r, &other, &w);
	if (w.b.len) {
		*needs = arena_strdup(a, buf_str(&w.b));
		if (found) {
			emit_rule(&text, &other);
			*instead = arena_strdup(a, buf_str(&text));
		}
	}
	buf_free(&w.b);
	buf_free(&text);
	return *needs != NULL;
}
