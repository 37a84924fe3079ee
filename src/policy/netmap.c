/* SPDX-License-Identifier: GPL-2.0-or-later
 * netmap A@lan -> vpn to B -> the two translations that it is: of the source from A to B for what
 * lan opens, and of the destination from B to A for what vpn opens to B.
 */
#include "policy/resolve.h"

struct ival nat_seen_as(const struct nat *n, enum family fam)
{
	const struct addrs *s = &n->to.items.v[0].addrs;

	return (fam == FAM_IP6 ? &s->v6 : &s->v4)->v[0];
}

static int bits_of(enum family fam)
{
	return fam == FAM_IP6 ? 128 : 32;
}

struct network { /* the addresses of FROM of one family */
	struct ivset all; /* as written, normalised */
	struct ival is; /* if they are one network */
	int len; /* -1: none */
};

static const char *item_text(struct resolver *r, const struct ast_item *item)
{
	struct span at = item->span;

	if (item->zone.s)
		at.len = item->zone.span.off - 1 - at.off;
	return span_text(r->arena, at);
}

/* What a zone's own networks say that could have been written. */
static void hint_network(struct resolver *r, struct diag_record *d, const struct place_item *item)
{
	const struct zone *z;
	struct buf b = {0};

	if (item->at != AT_ZONE || item->zone < 0) {
		diag_hint(r->diag, d, "write: netmap 192.168.1.0/24@ZONE -> TO to NETWORK");
		return;
	}
	z = &r->p->zones.v[item->zone];
	if (z->routes4.n == 1)
		addr_print_range(&b, FAM_IP4, z->routes4.v[0]);
	else if (z->routes6.n == 1)
		addr_print_range(&b, FAM_IP6, z->routes6.v[0]);
	else
		buf_puts(&b, "192.168.1.0/24");
	diag_hint(r->diag, d, "write: %s@%s", buf_str(&b), z->name);
	buf_free(&b);
}

/* Each item of FROM names addresses that are known when compiling. */
static bool names_addresses(struct resolver *r, const struct endpoint *from)
{
	const struct place_item *item;
	bool all = true;

	vec_each (&from->items, item) {
		if (item->addrs.dyn)
			diag_error(r->diag, item->span,
				   "netmap maps networks; the addresses of '%s' are known at run "
				   "time only",
				   item->addrs.dyn->name);
		else if (item->addrs.suffixed.n)
			hint_network(r,
				     diag_error(r->diag, item->span,
						"netmap maps networks, and this is known by its "
						"suffix"),
				     item);
		else if (item->addrs.all || addrs_open(&item->addrs))
			hint_network(r,
				     diag_error(r->diag, item->span,
						"netmap maps a network to another, and here is "
						"none"),
				     item);
		all = all && !addrs_open(&item->addrs) && !item->addrs.all &&
		      !item->addrs.suffixed.n;
	}
	return all;
}

static struct network network_of(struct resolver *r, const struct endpoint *from, enum family fam)
{
	struct network out = {.len = -1};
	const struct place_item *item;

	vec_each (&from->items, item) {
		const struct ivset *s = fam == FAM_IP6 ? &item->addrs.v6 : &item->addrs.v4;

		for (size_t i = 0; i < s->n; i++)
			vec_push(r->arena, &out.all, s->v[i]);
	}
	ivset_normalise(&out.all);
	if (out.all.n == 1) {
		out.is = out.all.v[0];
		out.len = ival_prefixlen(out.is, bits_of(fam));
	}
	return out;
}

static void not_one(struct resolver *r, struct span at, enum family fam)
{
	diag_hint(r->diag,
		  diag_error(r->diag, at, "the IPv%d addresses here are not one network",
			     fam == FAM_IP6 ? 6 : 4),
		  "write a netmap for each: a network is ADDRESS/LENGTH");
}

static void check_length(struct resolver *r, const struct ast_nat *ast, enum family fam,
			 const struct network *from, struct ival to)
{
	int len = ival_prefixlen(to, bits_of(fam));
	struct diag_record *d;

	if (len != from->len) {
		d = diag_error(r->diag, ast->targets.v[0].span,
			       "a /%d cannot be mapped to a /%d: both networks have one length",
			       from->len, len);
		diag_note(r->diag, d, ast->from.span, "the network that is mapped");
	} else if (to.lo == from->is.lo) {
		diag_error(r->diag, ast->targets.v[0].span,
			   "this maps a network to itself, which changes nothing");
	}
}

/* Both networks of a family, or neither. */
static void check_family(struct resolver *r, const struct ast_nat *ast, const struct nat *n,
			 enum family fam, const struct network *from)
{
	const struct nat_targets *to = fam == FAM_IP6 ? &n->to6 : &n->to4;
	int six = fam == FAM_IP6 ? 6 : 4;
	struct diag_record *d;

	if (!from->all.n && !to->to.n)
		return;
	if (!to->to.n) {
		d = diag_error(r->diag, ast->from.span,
			       "there is no IPv%d network that this one is mapped to", six);
		diag_hint(
			r->diag, d,
			(six == 6 ? n->to4 : n->to6).to.n &&
					network_of(r, &n->from, six == 6 ? FAM_IP4 : FAM_IP6).all.n
				? "add one behind 'to', or write ipv%d before it"
				: "write both networks of one family",
			10 - six);
	} else if (!from->all.n) {
		d = diag_error(r->diag, ast->targets.v[0].span,
			       "there is no IPv%d network that is mapped to this one", six);
		diag_note(r->diag, d, ast->from.span, "the network that is mapped");
	} else if (from->len < 0) {
		not_one(r, ast->from.span, fam);
	} else if (to->to.n != 1 || ival_prefixlen(to->to.v[0], bits_of(fam)) < 0) {
		not_one(r, ast->targets.v[0].span, fam);
	} else {
		check_length(r, ast, fam, from, to->to.v[0]);
	}
}

static void add_target(struct resolver *r, struct nat_targets *out, struct ival v, const char *name)
{
	vec_push(r->arena, &out->to, v);
	vec_push(r->arena, &out->names, name);
	vec_push(r->arena, &out->weights, 1);
}

/* What TO opens to the network that is seen there goes to the one that is mapped. */
static struct nat backwards(struct resolver *r, const struct ast_nat *ast, const struct nat *n,
			    const struct network nets[2])
{
	struct place_item called = {.at = AT_ANY, .span = ast->targets.v[0].span};
	struct nat out = *n;

	out.kind = NAT_DNAT;
	out.from = n->to;
	out.to = (struct endpoint){.span = called.span};
	out.to4 = out.to6 = (struct nat_targets){0};
	called.addrs.stem = "netmap";
	for (int f = 0; f < 2; f++) {
		const struct nat_targets *to = f ? &n->to6 : &n->to4;

		if (!to->to.n)
			continue;
		vec_push(r->arena, f ? &called.addrs.v6 : &called.addrs.v4, to->to.v[0]);
		add_target(r, f ? &out.to6 : &out.to4, nets[f].is,
			   item_text(r, &ast->from.items.v[0]));
	}
	vec_push(r->arena, &out.to.items, called);
	return out;
}

void resolve_netmap(struct resolver *r, const struct ast_nat *ast, struct nat *n)
{
	unsigned errors = r->diag->nerrors;
	struct network nets[2];
	struct nat back;

	n->kind = NAT_SNAT;
	n->netmap = n->prefix = true;
	if (!names_addresses(r, &n->from) || !ast->targets.n)
		return;
	for (int f = 0; f < 2; f++) {
		enum family fam = f ? FAM_IP6 : FAM_IP4;

		nets[f] = (struct network){.len = -1};
		if (n->family && n->family != fam)
			continue;
		nets[f] = network_of(r, &n->from, fam);
		check_family(r, ast, n, fam, &nets[f]);
	}
	if (r->diag->nerrors != errors)
		return;
	back = backwards(r, ast, n, nets);
	vec_push(r->arena, &r->p->nats, *n);
	vec_push(r->arena, &r->p->nats, back);
}
