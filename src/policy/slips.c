/* SPDX-License-Identifier: GPL-2.0-or-later
 * statements -> warnings about words that mean something, but hardly what was meant: what only the
 * spelling shows.
 */
#include <string.h>

#include "policy/resolve.h"

#define NEVER_REACHED 10000000u /* connections a second: more than the kernel can open */

/* tcp, udp/53: every port of TCP. */
static void slip_services(struct resolver *r, const struct ast_service *v, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		const struct ast_service *all = &v[i], *one = &v[i + 1];

		if (all->kind != SERVICE_NAME || one->kind != SERVICE_PORTS || one->whole ||
		    !one->proto.s || map_get(&r->services, all->name.s))
			continue;
		if ((!strcmp(all->name.s, "tcp") && !strcmp(one->proto.s, "udp")) ||
		    (!strcmp(all->name.s, "udp") && !strcmp(one->proto.s, "tcp")))
			diag_hint(r->diag,
				  diag_warning(r->diag, all->span, "'%s' alone is every port of it",
					       all->name.s),
				  "the same port of both is written tcp+udp/%u; if every port is "
				  "meant, let it stand last",
				  one->lo);
	}
}

/* ::10 where suffix ::10 is meant, or a prefix was forgotten; :: and ::1 are what they are. */
static void slip_item(struct resolver *r, const struct ast_item *item)
{
	if (item->kind != ITEM_ADDR || item->family != FAM_IP6 || item->addr.lo != item->addr.hi ||
	    item->addr.lo <= 1 || item->addr.lo >> 64)
		return;
	diag_hint(
		r->diag,
		diag_warning(r->diag, item->span, "no host has an address that begins with zeros"),
		"for every address that ends so, declare host NAME = suffix %s",
		span_text(r->arena, item->span));
}

static void slip_endpoint(struct resolver *r, const struct ast_endpoint *e)
{
	const struct ast_item *i;

	vec_each (&e->items, i)
		slip_item(r, i);
}

static void slip_rate(struct resolver *r, const struct ast_rate *rate, struct span at)
{
	if (rate->unit == RATE_SECOND && rate->rate >= NEVER_REACHED)
		diag_hint(r->diag,
			  diag_warning(r->diag, at,
				       "this limit is never reached: it holds back nothing"),
			  "write a rate that this machine may meet: 100/second");
}

static void slip_rule(struct resolver *r, const struct ast_rule *rule)
{
	slip_endpoint(r, &rule->from);
	slip_endpoint(r, &rule->to);
	slip_services(r, rule->services.v, rule->services.n);
	if (rule->q.limit_span.src)
		slip_rate(r, &rule->q.limit, rule->q.limit_span);
}

static void slip_zone(struct resolver *r, const struct ast_zone *z)
{
	static const char *const all[] = {"any", "all", "others", "everything"};
	const struct ast_iface *i;

	vec_each (&z->interfaces, i)
		for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			if (!strcmp(span_text(r->arena, i->span), all[k]))
				diag_hint(r->diag,
					  diag_warning(r->diag, i->span,
						       "this is an interface that is called '%s'",
						       all[k]),
					  "for those that no other zone names, write interface "
					  "other");
}

static void slip_timeouts(struct resolver *r, const struct ast_stmt *s)
{
	const struct ast_timeout_line *line;

	vec_each (&s->timeouts.lines, line)
		if (!line->is_comment)
			return;
	diag_hint(r->diag, diag_warning(r->diag, s->span, "this sets no timeout"),
		  "leave it out; a policy that no longer names a timeout puts it back");
}

static void slip_block(struct resolver *r, const struct ast_stmt *s)
{
	slip_endpoint(r, &s->block.from);
	slip_endpoint(r, &s->block.to);
	for (size_t i = 0; i < s->block.rules.n; i++) {
		const struct ast_stmt *rule = s->block.rules.v[i];

		if (rule->kind != STMT_RULE)
			continue;
		slip_services(r, rule->rule.services.v, rule->rule.services.n);
		if (rule->rule.q.limit_span.src)
			slip_rate(r, &rule->rule.q.limit, rule->rule.q.limit_span);
	}
}

void slips_warn(struct resolver *r, const struct ast_stmts *stmts)
{
	for (size_t i = 0; i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->v[i];
		const struct ast_element *e;

		if (s->kind == STMT_INCLUDE)
			slips_warn(r, &s->include.files);
		else if (s->kind == STMT_RULE)
			slip_rule(r, &s->rule);
		else if (s->kind == STMT_BLOCK)
			slip_block(r, s);
		else if (s->kind == STMT_SERVICE)
			slip_services(r, s->service.services.v, s->service.services.n);
		else if (s->kind == STMT_NAT)
			slip_services(r, s->nat.services.v, s->nat.services.n);
		else if (s->kind == STMT_LIMIT)
			slip_rate(r, &s->limit.rate, s->span);
		else if (s->kind == STMT_ZONE)
			slip_zone(r, &s->zone);
		else if (s->kind == STMT_TIMEOUTS)
			slip_timeouts(r, s);
		else if (s->kind == STMT_NAMES)
			vec_each (&s->names.elements, e)
				if (e->kind == ELEM_ITEM)
					slip_item(r, &e->item);
	}
}

/* ---- clamp-mss: each one applies that matches, and the smallest size remains ---- */

static bool end_has(const struct endpoint *e, int place, bool whole)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (item_at(i, place) && (!whole || i->addrs.all))
			return true;
	return false;
}

static bool clamps(const struct clamp *k, int x, int y, bool whole)
{
	return (end_has(&k->from, x, whole) && end_has(&k->to, y, whole)) ||
	       (end_has(&k->from, y, whole) && end_has(&k->to, x, whole));
}

/* Whether all of k is in the path of `of`, which leaves no larger size. */
static bool is_covered(const struct policy *p, const struct clamp *k, const struct clamp *of)
{
	if (k->mss ? !of->mss || of->mss > k->mss : of->mss)
		return false;
	for (int x = PLACE_OTHER; x < place_end(p); x++)
		for (int y = PLACE_OTHER; y < place_end(p); y++)
			if (clamps(k, x, y, false) && !clamps(of, x, y, true))
				return false;
	return true;
}

void slips_clamps(struct resolver *r)
{
	const struct policy *p = r->p;

	for (size_t i = 0; i < p->clamps.n; i++) {
		for (size_t j = 0; j < p->clamps.n; j++) {
			const struct clamp *k = &p->clamps.v[i], *of = &p->clamps.v[j];

			if (i == j || !is_covered(p, k, of) || (i < j && is_covered(p, of, k)))
				continue;
			diag_note(r->diag,
				  diag_warning(r->diag, k->span, "this clamp-mss changes nothing"),
				  of->span, "another does as much for all of its connections");
			break;
		}
	}
}
