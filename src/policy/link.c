/* SPDX-License-Identifier: GPL-2.0-or-later
 * Stations of a link, by their MAC addresses, and what goes to many of them at once: where these
 * may stand.
 */
#include <string.h>

#include "policy/resolve.h"

void mac_add(struct arena *a, struct ivset *to, u128 mac)
{
	size_t i = to->n;

	while (i && to->v[i - 1].lo > mac)
		i--;
	if (i && to->v[i - 1].lo == mac)
		return;
	vec_push(a, to, ((struct ival){mac, mac}));
	memmove(to->v + i + 1, to->v + i, (to->n - 1 - i) * sizeof(*to->v));
	to->v[i] = (struct ival){mac, mac};
}

static void hint_addresses(struct resolver *r, struct diag_record *rec)
{
	diag_hint(r->diag, rec, "write an IP address, or a host that has only IP addresses");
}

void refuse_mac(struct resolver *r, struct span at, const char *name)
{
	hint_addresses(r, diag_error(r->diag, at, "'%s' has a MAC address, which only FROM takes",
				     name));
}

/* What names such interfaces usually have: PPP, WireGuard, tunnels of IP in IP, raw modems. */
static bool lacks_ethernet(struct ival name)
{
	static const char *const stems[] = {"ppp", "wg",     "tun",  "sit",    "gre",   "ipip",
					    "tunl", "ip6tnl", "ip6gre", "vti", "ip_vti",  "ip6_vti",
					    "xfrm", "ipsec",  "wwan", "rmnet",  "slip",  "utun"};
	struct buf text = {0};
	bool found = false;

	ifname_print(&text, name);
	for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]) && !found; i++) {
		size_t n = strlen(stems[i]);
		const char *rest = buf_str(&text) + n;

		found = !strncmp(buf_str(&text), stems[i], n) &&
			strspn(rest, "0123456789*") == strlen(rest);
	}
	buf_free(&text);
	return found;
}

static void warn_zone(struct resolver *r, const struct ast_item *item, const struct zone *z)
{
	const struct ast_iface *i;

	vec_each (&z->interfaces, i) {
		struct buf name = {0};

		if (!lacks_ethernet(i->name))
			continue;
		ifname_print(&name, i->name);
		diag_note(r->diag,
			  diag_warning(r->diag, item->span,
				       "interface '%s' of zone '%s' is not Ethernet: packets that "
				       "arrive there have no MAC address and never match",
				       buf_str(&name), z->name),
			  i->span, "the interface is named here");
		buf_free(&name);
		return;
	}
}

void check_station(struct resolver *r, const struct ast_item *item, struct place_item *out,
		   enum side_of side)
{
	struct span at = item->kind == ITEM_NAME ? item->name.span : item->span;
	const char *text = span_text(r->arena, at);

	if (!out->addrs.macs.n)
		return;
	if (side == SIDE_TO)
		hint_addresses(r, diag_error(r->diag, item->span,
					     "'%s' cannot be a destination: a MAC address tells "
					     "only who sends",
					     text));
	else if (side == SIDE_BOTH)
		hint_addresses(r, diag_error(r->diag, item->span,
					     "'%s' cannot go here: a MAC address tells only who "
					     "sends, and this is about both directions",
					     text));
	else if (item->negated)
		diag_hint(r->diag,
			  diag_error(r->diag, item->span, "a MAC address cannot be negated"),
			  "put a rule for it before this one");
	else if (item_is_self(out))
		diag_error(r->diag, item->span,
			   "what this machine sends itself has no MAC address to go by");
	else if (out->at == AT_ZONE || out->at == AT_GROUP)
		for (size_t z = 0; !r->query && z < r->p->zones.n; z++)
			if (item_has(out, (int)z))
				warn_zone(r, item, &r->p->zones.v[z]);
}

/* ---- multicast, broadcast ---- */

bool is_group_word(const char *s)
{
	return !strcmp(s, "multicast") || !strcmp(s, "broadcast");
}

static void all_groups(struct resolver *r, const struct ast_item *item, struct addrs *out)
{
	out->v4 = ivset_one(r->arena, 0xe0000000, 0xefffffff); /* RFC 5771 */
	out->v6 = ivset_one(r->arena, (u128)0xff << 120, u128_max(128)); /* RFC 4291 */
	out->multicast = !item->negated;
	out->rest = item->negated;
	if (item->negated) {
		out->v4 = complement(r, &out->v4, 32);
		out->v6 = complement(r, &out->v6, 128);
	}
}

bool resolve_group_word(struct resolver *r, const struct ast_item *item, struct place_item *out,
			enum side_of side)
{
	const char *name = item->name.s;

	if (side == SIDE_BOTH) {
		diag_error(r->diag, item->name.span,
			   "this is about both directions, and no packet comes from '%s'", name);
		return false;
	}
	if (side == SIDE_FROM) {
		diag_hint(r->diag,
			  diag_error(r->diag, item->name.span,
				     "'%s' is a destination: no packet comes from there", name),
			  "write it after the arrow: FROM -> %s", name);
		return false;
	}
	out->addrs.stem = name;
	if (!strcmp(name, "multicast")) {
		all_groups(r, item, &out->addrs);
		return true;
	}
	if (item->negated)
		diag_hint(r->diag,
			  diag_error(r->diag, item->span, "'broadcast' cannot be negated"),
			  "put a rule for it before this one");
	out->addrs.broadcast = true;
	out->addrs.v4 = ivset_one(r->arena, 0, u128_max(32));
	return true;
}

void check_broadcast(struct resolver *r, const struct endpoint *to, enum family family)
{
	const struct place_item *i;

	vec_each (&to->items, i)
		if (i->addrs.broadcast && family == FAM_IP6)
			diag_hint(r->diag,
				  diag_error(r->diag, i->span, "IPv6 has no broadcast"),
				  "leave out ipv6, or write multicast");
}
