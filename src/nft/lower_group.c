/* SPDX-License-Identifier: GPL-2.0-or-later
 * Elements that are keyed by the same fields -> verdict maps, hashes where they can be, and what
 * looks them up; of one element, a rule.
 */
#include "nft/lower.h"

#define TUPLE_MIN 16 /* elements of equal prefix lengths that are worth a hash of their own */

struct groups {
	struct elem_group *v;
	size_t n, cap;
};

static bool has_interval(const struct elem_group *g)
{
	for (size_t i = 0; i < g->elems.n; i++)
		for (int k = 0; k < g->shape.n; k++)
			if (g->elems.v[i].key[k].lo != g->elems.v[i].key[k].hi)
				return true;
	return false;
}

/* By the family first: nft would tell it by the header of the link. */
static void match_frames(struct lower *l, struct ir_rule *r, const struct ir_sel *shape)
{
	for (int k = 1; k < shape->n; k++) {
		enum field f = shape->f[k];

		if (f != F_IP_DADDR && f != F_IP6_DADDR && f != F_ICMP_TYPE && f != F_ICMPV6_TYPE)
			continue;
		match_one(l, r, F_NFPROTO, f == F_IP_DADDR || f == F_ICMP_TYPE ? 2 : 10);
		break;
	}
	match_ethernet(l, r);
}

/* A suffix of a multicast address is nobody's. */
static void match_ends_of(struct lower *l, struct ir_rule *r, const struct ir_sel *shape)
{
	for (int k = 0; k < shape->n; k++)
		if (shape->mask[k] & 1)
			match_unicast(l, r, shape->f[k]);
}

static void push_map(struct lower *l, struct ir_chain *c, const struct elem_group *g)
{
	struct ir_set *map = arena_new_of(l->arena, struct ir_set);
	size_t size = g->elems.n * sizeof(*map->elems.v);
	struct ir_rule r = {0};
	struct ir_stmt *s;

	*map = (struct ir_set){.stem = c->stem,
			       .is_map = true,
			       .counter = true,
			       .nkeys = g->shape.n,
			       .interval = has_interval(g)};
	map->elems.v = arena_grow(l->arena, g->elems.v, size, size);
	map->elems.n = map->elems.cap = g->elems.n;
	for (int i = 0; i < g->shape.n; i++)
		map->keys[i] = g->shape.f[i];
	if (!map->interval)
		map->size = (uint32_t)map->elems.n;
	if (g->shape.f[0] == F_ETHER_SADDR)
		match_frames(l, &r, &g->shape);
	match_ends_of(l, &r, &g->shape);
	s = rule_stmt(l, &r, IR_VMAP);
	s->vmap.sel = g->shape;
	s->vmap.map = lower_seal(l, map)->name;
	chain_push(l, c, r);
}

/* ---- tuples: elements of equal prefix lengths are one hash over masked fields, whose look-up
 * costs the same at any size; the kernel's interval maps grow slow with thousands of elements ----
 */

/* The masks under which the element is a single value; false if there are none. */
static bool elem_masks(const struct ir_sel *shape, const struct ir_elem *e, u128 *masks)
{
	for (int k = 0; k < shape->n; k++) {
		int bits = field_table[shape->f[k]].bits, len = ival_prefixlen(e->key[k], bits);

		if (len <= 0 || (len < bits && bits < 32))
			return false;
		masks[k] = shape->mask[k] ? shape->mask[k]
			   : len == bits  ? 0
					  : u128_max(bits) ^ u128_max(bits - len);
	}
	return true;
}

static struct elem_group *tuple_for(struct lower *l, struct groups *g, const struct ir_sel *shape,
			       const u128 *masks)
{
	struct elem_group fresh = {.shape = *shape};

	for (size_t i = 0; i < g->n; i++) {
		bool same = true;

		for (int k = 0; k < shape->n; k++)
			same = same && g->v[i].shape.mask[k] == masks[k];
		if (same)
			return &g->v[i];
	}
	for (int k = 0; k < shape->n; k++)
		fresh.shape.mask[k] = masks[k];
	vec_push_sole(l->work, g, fresh);
	return &g->v[g->n - 1];
}

static void push_hash(struct lower *l, struct ir_chain *c, struct elem_group *g)
{
	for (size_t i = 0; i < g->elems.n; i++)
		for (int k = 0; k < g->shape.n; k++)
			g->elems.v[i].key[k].hi = g->elems.v[i].key[k].lo;
	push_map(l, c, g);
}

static void push_tuples(struct lower *l, struct ir_chain *c, const struct elem_group *g)
{
	struct elem_group rest = {.shape = g->shape};
	struct groups tuples = {0};
	u128 masks[IR_MAX_CONCAT] = {0};

	for (size_t i = 0; i < g->elems.n; i++) {
		const struct ir_elem *e = &g->elems.v[i];

		if (elem_masks(&g->shape, e, masks))
			vec_push_sole(l->work, &tuple_for(l, &tuples, &g->shape, masks)->elems, *e);
		else
			vec_push_sole(l->work, &rest.elems, *e);
	}
	for (size_t i = 0; i < tuples.n; i++) {
		struct elem_group *t = &tuples.v[i];

		if (t->elems.n >= TUPLE_MIN) {
			push_hash(l, c, t);
			continue;
		}
		for (size_t k = 0; k < t->elems.n; k++)
			vec_push_sole(l->work, &rest.elems, t->elems.v[k]);
	}
	if (rest.elems.n)
		push_map(l, c, &rest);
}

static int port_row(struct ival proto)
{
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (proto.lo == port_protocols[i] && proto.hi == proto.lo)
			return i;
	return -1;
}

/* Whether matching that port asks for the protocol as well. */
static bool implied_by_port(int row, enum field port)
{
	return port_field(row, port) != port;
}

/* A map of one element is a rule: cheaper, and plainer. */
static void push_single(struct lower *l, struct ir_chain *c, const struct elem_group *g)
{
	struct ir_elem e = g->elems.v[0];
	struct ir_rule r = {.comment = e.comment, .at = e.at};
	bool pair = g->shape.f[0] == F_NFPROTO && g->shape.n == 2;

	/* the family of ICMP together with it: nft would not list it by itself */
	if (pair)
		match_key(l, &r, &g->shape, e.key);
	if (g->shape.f[0] == F_ETHER_SADDR)
		match_frames(l, &r, &g->shape);
	match_ends_of(l, &r, &g->shape);
	for (int k = pair ? 2 : 0, row = -1; k < g->shape.n; k++) {
		enum field f = g->shape.f[k];
		bool ports = k + 1 < g->shape.n && g->shape.f[k + 1] >= F_TH_SPORT &&
			     g->shape.f[k + 1] <= F_TH_DPORT;

		if (f == F_L4PROTO && ports)
			row = port_row(e.key[k]);
		if (f == F_L4PROTO && ports && implied_by_port(row, g->shape.f[k + 1]))
			continue;
		match_ival(l, &r, port_field(row, f), e.key[k]);
		r.stmts.v[r.stmts.n - 1].match.sel.mask[0] = g->shape.mask[k];
	}
	if (e.verdict.kind != V_JUMP) /* else counts where it leads */
		rule_counter(l, &r);
	rule_verdict(l, &r, e.verdict.kind, e.verdict.target);
	chain_push(l, c, r);
}

void lower_group(struct lower *l, struct ir_chain *c, const struct elem_group *g)
{
	if (g->elems.n == 1)
		push_single(l, c, g);
	else
		push_tuples(l, c, g);
}
