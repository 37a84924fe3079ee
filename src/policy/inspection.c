/* SPDX-License-Identifier: GPL-2.0-or-later
 * How packets get to the program that judges: the field of the marks, queues, and for each inspect
 * rule the number by which kernel and program name it.
 */
#include <netinet/in.h>
#include <string.h>

#include "inspect/inspector.h"
#include "policy/resolve.h"
#include "util/number.h"
#include "util/sha256.h"

#define MASK 0xff000000u /* of the marks; most others use lower bits */
#define QUEUES_FIRST 26000
#define QUEUES 4
#define KINDS 4 /* of queues: fail-open or not, rewriting or not */

static void said_twice(struct resolver *r, struct span now, struct span *before)
{
	if (before->src)
		diag_note(r->diag, diag_error(r->diag, now, "this is given twice"), *before,
			  "first given here");
	*before = now;
}

void resolve_inspection(struct resolver *r, const struct ast_stmt *s)
{
	struct inspection *out = &r->p->inspection;

	if (s->inspection.has_mark) {
		said_twice(r, s->span, &out->mark_span);
		out->mask = s->inspection.mask;
	} else {
		said_twice(r, s->span, &out->queues_span);
		out->first = s->inspection.first;
		out->count = (uint16_t)(s->inspection.last - s->inspection.first + 1);
	}
}

uint32_t inspection_mark(const struct inspection *i, uint32_t value)
{
	return value * (i->mask & -i->mask);
}

uint32_t inspection_max(const struct inspection *i)
{
	return i->mask / (i->mask & -i->mask);
}

static bool says(const struct ast_inspector *in, const char *word)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].is_word && in->v[i].word.what.s && !strcmp(in->v[i].word.what.s, word))
			return in->v[i].word.allow;
	return false;
}

static bool rewrites(const struct ast_inspector *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (!in->v[i].is_word && in->v[i].entry.what.s &&
		    !strcmp(in->v[i].entry.what.s, "rewrite"))
			return true;
	return false;
}

static bool has_udp(const struct services *s)
{
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (port_protocols[i] == IPPROTO_UDP && services_have_port(s, i))
			return true;
	return false;
}

static bool answers(const struct ast_inspector *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (!in->v[i].is_word && in->v[i].entry.answer.n)
			return true;
	return false;
}

/* As inspector_is_brief() has it of the finished tables. */
static bool is_brief(const struct ast_inspector *in)
{
	enum look look;

	if (answers(in))
		return false;
	for (size_t i = 0; i < in->n; i++) {
		const char *what = in->v[i].entry.what.s;

		if (!in->v[i].is_comment && !in->v[i].is_word && what &&
		    (!look_find(what, &look) || !look_is_brief(look)))
			return false;
	}
	return true;
}

/* By the rule's own words, so that other rules come and go without changing it: connections that
 * wait for a verdict while a new ruleset is loaded go on waiting for the same rule. */
static uint32_t number(const struct resolver *r, const struct rule *rule, bool *taken)
{
	uint32_t n = inspection_max(&r->p->inspection) - MARK_PENDING + 1;
	char *what = arena_printf(r->arena, "%u %s", rule->twin, rule->text);
	char hex[SHA256_HEX];
	uint64_t at = 0;

	sha256_hex(what, strlen(what), hex);
	number_hex(hex, 8, UINT32_MAX, &at);
	for (at %= n; taken[at]; at = (at + 1) % n)
		;
	taken[at] = true;
	return MARK_PENDING + (uint32_t)at;
}

static const struct inspected *inspected(struct resolver *r, const struct rule *rule, bool *taken)
{
	const struct ast_inspector *in = map_get(&r->inspectors, rule->inspector);
	const struct inspection *all = &r->p->inspection;
	struct inspected *out = arena_new_of(r->arena, struct inspected);

	if (!in)
		return NULL;
	out->id = number(r, rule, taken);
	out->bypass = says(in, "on-no-helper");
	out->fail_open = says(in, "on-overflow");
	out->rewrite = rewrites(in);
	out->answers = answers(in) && has_udp(&rule->services);
	out->quic = !out->rewrite && !is_brief(in) && has_udp(&rule->services);
	out->count = all->count;
	out->first = (uint16_t)(all->first + (out->fail_open + 2 * out->rewrite) * all->count);
	return out;
}

static bool only_tcp_udp(const struct services *s)
{
	if (s->any || s->protocols.n || services_have_icmp(s, FAM_NONE))
		return false;
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (services_have_port(s, i) && port_protocols[i] != IPPROTO_TCP &&
		    port_protocols[i] != IPPROTO_UDP)
			return false;
	return true;
}

static bool end_is(const struct endpoint *e, bool self)
{
	for (size_t i = 0; i < e->items.n; i++)
		if (self ? item_has(&e->items.v[i], PLACE_SELF) : !item_is_self(&e->items.v[i]))
			return true;
	return false;
}

bool policy_inspects(const struct policy *p, bool from_self, bool to_self)
{
	for (size_t i = 0; i < p->rules.n; i++)
		if (p->rules.v[i].inspected && end_is(&p->rules.v[i].from, from_self) &&
		    end_is(&p->rules.v[i].to, to_self))
			return true;
	return false;
}

static void check_rule(struct resolver *r, const struct rule *rule)
{
	if (!only_tcp_udp(&rule->services))
		diag_hint(r->diag,
			  diag_error(r->diag, rule->span, "only TCP and UDP can be inspected"),
			  "name the services: tcp/443, udp/443");
	if (end_is(&rule->from, true) && policy_translates_self(r->p))
		diag_hint(r->diag,
			  diag_error(r->diag, rule->span,
				     "what this machine sends cannot be inspected where dnat or "
				     "redirect may send it elsewhere"),
			  "name the zones before the arrow, or those of the dnat");
}

/* An inspector that answers, and gets no datagram of any rule that uses it. */
static void check_answers(struct resolver *r, const struct ast_inspector *in)
{
	const struct rule *rule, *first = NULL;
	const struct ast_inspector_entry *e = NULL;
	struct diag_record *rec;

	for (size_t i = 0; i < in->n && !e; i++)
		if (!in->v[i].is_word && in->v[i].entry.answer.n)
			e = &in->v[i].entry;
	vec_each (&r->p->rules, rule) {
		if (rule->verb != VERB_INSPECT || !rule->inspector ||
		    strcmp(rule->inspector, in->name.s) != 0)
			continue;
		if (has_udp(&rule->services))
			return;
		first = first ? first : rule;
	}
	if (!e || !first)
		return;
	rec = diag_error(r->diag, e->answer_span,
			 "only DNS queries over UDP are answered, and no rule sends any to "
			 "inspector '%s'",
			 in->name.s);
	diag_note(r->diag, rec, first->span, "this one sends TCP");
	diag_hint(r->diag, rec, "add to the services there: udp/53");
}

void finish_inspection(struct resolver *r)
{
	struct inspection *all = &r->p->inspection;
	uint32_t room, n = 0;
	bool *taken;

	if (!all->mask)
		all->mask = MASK;
	if (!all->count) {
		all->first = QUEUES_FIRST;
		all->count = QUEUES;
	}
	if (all->first + KINDS * all->count > 65536)
		diag_error(r->diag, all->queues_span,
			   "queue numbers end at 65535, and %d times as many may be needed", KINDS);
	for (size_t i = 0; i < r->p->rules.n; i++)
		if (r->p->rules.v[i].verb == VERB_INSPECT)
			check_rule(r, &r->p->rules.v[i]);
	for (size_t i = 0; i < r->p->inspectors.n; i++)
		check_answers(r, r->p->inspectors.v[i]);
	if (r->diag->nerrors)
		return;
	room = inspection_max(all) - MARK_PENDING;
	taken = arena_alloc(r->arena, room + 1);
	taken[room] = true; /* the largest value is no rule's */
	for (size_t i = 0; i < r->p->rules.n; i++) {
		struct rule *rule = &r->p->rules.v[i];

		if (rule->verb != VERB_INSPECT)
			continue;
		if (n++ == room) {
			diag_hint(r->diag,
				  diag_error(r->diag, rule->span,
					     "the mark has room for %u inspect rules", room),
				  "inspection mark 0xffff0000");
			return;
		}
		rule->inspected = inspected(r, rule, taken);
		all->answers |= rule->inspected && rule->inspected->answers;
		all->quic |= rule->inspected && rule->inspected->quic;
	}
}
