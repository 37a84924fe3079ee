/* SPDX-License-Identifier: GPL-2.0-or-later
 * untracked statements -> resolved ones: their packets, those the other way, and errors.
 */
#include "policy/resolve.h"

static bool only_self(const struct endpoint *e)
{
	for (size_t i = 0; i < e->items.n; i++)
		if (e->items.v[i].at != AT_SELF)
			return false;
	return true;
}

/* ---- the other way ---- */

/* What answers the questions among these types; one more than each, but for IPv4's echo. */
static void answers(struct arena *a, const struct ivset *types, const struct ivset *codes,
		    enum family fam, struct ivset *out)
{
	struct ivset opens = icmp_opens(fam);

	for (size_t i = 0; i < opens.n; i++) {
		u128 type = opens.v[i].lo, answer = type == 8 ? 0 : type + 1;
		struct ival any = {type << 8, type << 8 | 255};
		struct ivset of = {.v = &any, .n = 1};

		if (ivset_contains(types, type) || ivset_overlaps(codes, &of))
			vec_push(a, out, ((struct ival){answer, answer}));
	}
	ivset_normalise(out);
}

static bool is_whole(const struct ivset *s, u128 last)
{
	return s->n == 1 && s->v[0].lo == 0 && s->v[0].hi == last;
}

static struct services reversed(struct arena *a, const struct services *s)
{
	struct services out = {.any = s->any, .protocols = s->protocols};
	struct ivset any = ivset_one(a, 0, UINT16_MAX);
	const struct sourced *x;

	for (int i = 0; i < PORT_PROTOCOLS; i++) {
		if (is_whole(&s->ports[i], UINT16_MAX))
			out.ports[i] = s->ports[i];
		else if (s->ports[i].n)
			vec_push(a, &out.sourced, ((struct sourced){i, any, s->ports[i]}));
	}
	vec_each (&s->sourced, x)
		vec_push(a, &out.sourced, ((struct sourced){x->row, x->from, x->to}));
	if (is_whole(&s->icmp, UINT8_MAX))
		out.icmp = s->icmp;
	else
		answers(a, &s->icmp, &s->icmp_codes, FAM_IP4, &out.icmp);
	if (is_whole(&s->icmpv6, UINT8_MAX))
		out.icmpv6 = s->icmpv6;
	else
		answers(a, &s->icmpv6, &s->icmpv6_codes, FAM_IP6, &out.icmpv6);
	services_normalise(a, &out);
	return out;
}

static struct rule errors_to(struct arena *a, const struct rule *r, const struct endpoint *side)
{
	struct place_item any = {.at = AT_ANY, .addrs = {.all = true}, .span = side->span};
	struct rule out = *r;

	out.from = (struct endpoint){.span = side->span};
	vec_push(a, &out.from.items, any);
	out.to = *side;
	out.services =
		(struct services){.icmp = icmp_errors(FAM_IP4), .icmpv6 = icmp_errors(FAM_IP6)};
	return out;
}

/* ---- statements ---- */

/* Before it is tracked nothing is marked, nor is it known what IPsec will take. */
static void check_parts(struct resolver *r, const struct endpoint *e)
{
	const struct place_item *i;
	const struct zone *z;

	vec_each (&e->items, i) {
		vec_each (&r->p->zones, z) {
			if (!z->sub.is || !(item_parted_by(i, z->sub.within) >> z->sub.nth & 1))
				continue;
			diag_hint(r->diag,
				  diag_error(r->diag, i->span,
					     "untracked comes first of all: packets of sub-zone "
					     "'%s' cannot be told by then",
					     z->name),
				  "name addresses: ADDRESSES@%s",
				  z->sub.within == PLACE_SELF ? "self"
							      : r->p->zones.v[z->sub.within].name);
			break;
		}
	}
}

/* Nothing comes back from a group, nor is an error about it sent there. */
static struct endpoint without_groups(struct arena *a, const struct endpoint *e)
{
	struct endpoint out = {.span = e->span};
	const struct place_item *i;

	vec_each (&e->items, i)
		if (!i->addrs.multicast)
			vec_push(a, &out.items, *i);
	return out;
}

/* Groups are addresses to it: by which interfaces they go is not known before they are routed. */
static void check_groups(struct resolver *r, const struct endpoint *to)
{
	const struct place_item *i;

	vec_each (&to->items, i) {
		if (i->addrs.broadcast)
			diag_hint(r->diag,
				  diag_error(r->diag, i->span,
					     "untracked comes before routing, which tells what is "
					     "broadcast"),
				  "name its addresses: 255.255.255.255");
		else if (i->addrs.multicast && (i->at != AT_ANY || i->but.n))
			diag_hint(r->diag,
				  diag_error(r->diag, i->span,
					     "untracked comes before routing, which tells where "
					     "multicast goes"),
				  "write multicast alone; the rules say where it may go");
	}
}

void resolve_untracked(struct resolver *r, const struct ast_stmt *s)
{
	const struct ast_bypass *ast = &s->bypass;
	struct rule there = {.verb = VERB_ALLOW, .span = s->span, .verb_span = s->span};
	struct untracked out = {.span = s->span};
	struct buf text = {0};

	resolve_endpoint(r, &ast->from, &there.from, SIDE_BOTH);
	resolve_endpoint(r, &ast->to, &there.to, SIDE_TO);
	check_groups(r, &there.to);
	resolve_services(r, ast->services.v, ast->services.n, &there.services);
	resolve_from(r, &ast->q, ast->services.v, ast->services.n, &there.services);
	there.q.family = ast->q.family;
	check_parts(r, &there.from);
	check_parts(r, &there.to);
	if (there.from.items.n && only_self(&there.from) && only_self(&there.to))
		diag_error(r->diag, s->span,
			   "what stays on this machine goes by loopback, which is always tracked");
	ast_print_stmt_line(&text, s);
	there.text = out.text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	out.there = out.back = there;
	out.back.from = without_groups(r->arena, &there.to);
	out.back.to = there.from;
	out.back.services = reversed(r->arena, &there.services);
	out.errors[0] = errors_to(r->arena, &there, &there.from);
	out.errors[1] = errors_to(r->arena, &there, &out.back.from);
	vec_push(r->arena, &r->p->untracked, out);
}
