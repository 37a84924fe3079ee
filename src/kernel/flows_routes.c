/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections -> questions about routes, each asked once -> their ways.
 */
#include "kernel/flows_routes.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/routes.h"

struct key {
	enum family family;
	bool has_from;
	uint32_t mark;
	uint8_t proto;
	uint16_t from_port, to_port;
	u128 to, from;
};

#define FEW 500 /* connections: then each address is asked for */
#define BOUNDS 4096 /* with more routes, each address is asked for by itself */

struct classes { /* of addresses with one answer: their first ones */
	u128 v[BOUNDS];
	size_t n; /* 0: not known */
};

struct cache { /* questions by their keys; slots hold numbers of questions, plus one */
	struct key *keys;
	struct route_query *queries;
	size_t n, cap;
	uint32_t *slots;
	size_t nslots;
	struct classes *classes; /* IPv4, IPv6 */
	struct routes_rules rules;
	struct ifaddrs
		*addrs; /* this machine's own, if there are rules: some tables may hide them */
};

struct way { /* of what this machine sends */
	u128 to, from;
	uint16_t from_port, to_port;
};

static uint64_t mix(uint64_t h, u128 x)
{
	h = (h ^ (uint64_t)x) * 0x9e3779b97f4a7c15ull;
	h ^= h >> 31;
	h = (h ^ (uint64_t)(x >> 64)) * 0xbf58476d1ce4e5b9ull;
	return h ^ h >> 29;
}

static bool same(const struct key *a, const struct key *b)
{
	return a->family == b->family && a->has_from == b->has_from && a->mark == b->mark &&
	       a->proto == b->proto && a->from_port == b->from_port && a->to_port == b->to_port &&
	       a->to == b->to && a->from == b->from;
}

/* Room for n questions, at most half of the slots taken. */
static int cache_make(struct cache *c, size_t n)
{
	size_t slots = 16;

	while (slots < 2 * n)
		slots *= 2;
	*c = (struct cache){.cap = n, .nslots = slots};
	c->keys = aligned_alloc(16, (n + 1) * sizeof(*c->keys));
	c->queries = calloc(n + 1, sizeof(*c->queries));
	c->slots = calloc(slots, sizeof(*c->slots));
	c->classes = aligned_alloc(16, 2 * sizeof(*c->classes));
	if (!c->keys || !c->queries || !c->slots || !c->classes)
		return -ENOMEM;
	c->classes[0].n = c->classes[1].n = 0;
	return 0;
}

static void cache_free(struct cache *c)
{
	if (c->addrs)
		freeifaddrs(c->addrs);
	free(c->classes);
	free(c->keys);
	free(c->queries);
	free(c->slots);
}

static void put_bytes(uint8_t to[16], enum family fam, u128 x)
{
	for (int i = fam == FAM_IP4 ? 4 : 16; i-- > 0; x >>= 8)
		to[i] = (uint8_t)x;
}

/* The question's number; asked anew if it was not asked before. */
static struct route_query *find(struct cache *c, struct key k)
{
	uint64_t how = k.family + 8 * (uint64_t)k.has_from + ((uint64_t)k.mark << 16);
	uint64_t ports = k.proto + ((uint64_t)k.from_port << 16) + ((uint64_t)k.to_port << 32);
	uint64_t h = mix(mix(mix(how, ports), k.to), k.from);
	size_t i = h & (c->nslots - 1);
	struct route_query *q;

	for (; c->slots[i]; i = (i + 1) & (c->nslots - 1))
		if (same(&c->keys[c->slots[i] - 1], &k))
			return &c->queries[c->slots[i] - 1];
	if (c->n == c->cap)
		return NULL;
	c->keys[c->n] = k;
	q = &c->queries[c->n++];
	c->slots[i] = (uint32_t)c->n;
	q->family = k.family == FAM_IP4 ? AF_INET : AF_INET6;
	put_bytes(q->to, k.family, k.to);
	q->has_from = k.has_from;
	put_bytes(q->from, k.family, k.from);
	q->mark = k.mark;
	q->proto = k.proto;
	q->from_port = k.from_port;
	q->to_port = k.to_port;
	return q;
}

/* The first address that has the same answer. */
static u128 first_of_class(const struct cache *c, enum family fam, u128 x)
{
	const struct classes *k = &c->classes[fam == FAM_IP6];
	size_t lo = 0, hi = k->n;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (k->v[mid] <= x)
			lo = mid;
		else
			hi = mid;
	}
	return k->n ? k->v[lo] : x;
}

static struct route_query *plain(struct cache *c, const struct conn *x, u128 to)
{
	return find(c, (struct key){.family = x->family, .to = first_of_class(c, x->family, to)});
}

/* As this machine sends to one end of the connection, with a mark of the rules (0: none). The mark
 * of the packets is nobody's to know: a rule of some table sets it. */
static struct route_query *sends(struct cache *c, const struct conn *x, const struct way *w,
				 uint32_t mark)
{
	struct key k = {
		.family = x->family, .has_from = true, .mark = mark, .to = w->to, .from = w->from};

	if (c->rules.ports) {
		k.proto = x->proto;
		k.from_port = w->from_port;
		k.to_port = w->to_port;
	}
	return find(c, k);
}

static bool is_own(const struct route_query *q)
{
	return q->type == RTN_LOCAL || q->type == RTN_ANYCAST;
}

/* What is in a VRF the local table does not know. */
static bool has_address(const struct cache *k, enum family fam, u128 x)
{
	int family = fam == FAM_IP4 ? AF_INET : AF_INET6;
	uint8_t bytes[16];

	put_bytes(bytes, fam, x);
	for (const struct ifaddrs *a = k->addrs; a; a = a->ifa_next) {
		const struct sockaddr_in *v4 = (const void *)a->ifa_addr;
		const struct sockaddr_in6 *v6 = (const void *)a->ifa_addr;

		if (!a->ifa_addr || a->ifa_addr->sa_family != family)
			continue;
		if (fam == FAM_IP4 ? !memcmp(&v4->sin_addr, bytes, 4)
				   : !memcmp(&v6->sin6_addr, bytes, 16))
			return true;
	}
	return false;
}

/* Of these addresses a route says nothing: the same network is behind every interface. */
static bool is_link_local(const struct conn *c, u128 x)
{
	return c->family == FAM_IP6 && x >> 118 == 0xfe80u >> 6;
}

static unsigned index_of(const struct conn *c, u128 addr, const struct route_query *q)
{
	bool known = q->type == RTN_UNICAST || is_own(q);

	return known && addr && !is_link_local(c, addr) ? q->index : 0;
}

/* Multicast may end here, or go on. Where there is no way any more, there was one. */
static void choose_path(const struct cache *k, struct conn *c, const struct route_query *opener,
			const struct route_query *goes)
{
	if ((is_own(opener) || has_address(k, c->family, c->orig.from)) && c->orig.from)
		c->path = CONN_OUT;
	else if (is_own(goes) || has_address(k, c->family, c->reply.from))
		c->path = CONN_IN;
	else if (goes->type == RTN_MULTICAST || goes->type == RTN_BROADCAST)
		c->path = CONN_ANYWHERE;
	else
		c->path = CONN_THROUGH;
}

/* Where answers go to the opener; where what was opened goes, and went before it was translated. */
static size_t ways(const struct conn *c, struct way out[2])
{
	if (c->path == CONN_IN) {
		out[0] = (struct way){c->orig.from, c->reply.from, c->reply.from_port,
				      c->orig.from_port};
		return 1;
	}
	out[0] = (struct way){c->reply.from, c->orig.from, c->orig.from_port, c->reply.from_port};
	out[1] = (struct way){c->orig.to, c->orig.from, c->orig.from_port, c->orig.to_port};
	return c->path == CONN_OUT ? 2 : 0;
}

/* The interface that all rules agree on, whatever mark the packets have; or one of two. */
static unsigned agreed(struct cache *k, const struct conn *c, const struct way *w, unsigned *other)
{
	unsigned found = index_of(c, w->to, sends(k, c, w, 0));

	*other = 0;
	for (size_t i = 0; i < k->rules.nmarks; i++) {
		unsigned one = index_of(c, w->to, sends(k, c, w, k->rules.marks[i]));

		if (!one || one == found || one == *other)
			continue;
		if (*other) {
			*other = 0;
			return 0;
		}
		*(found ? other : &found) = one;
	}
	return found;
}

static bool in_zone(const struct conn *c)
{
	return c->zone || c->zone_orig || c->zone_reply;
}

/* Whether the rules can be asked about it at all. */
static bool askable(const struct cache *k, const struct conn *c)
{
	return !k->rules.unclear && !in_zone(c) &&
	       (!k->rules.ports || c->proto == IPPROTO_TCP || c->proto == IPPROTO_UDP);
}

static void settle_by_rules(struct cache *k, struct conn *c)
{
	struct way w[2];
	unsigned other;

	if (!askable(k, c))
		return;
	ways(c, w);
	if (c->path == CONN_IN) {
		c->iif = agreed(k, c, &w[0], &c->iif_or);
	} else if (c->path == CONN_OUT) {
		c->oif = agreed(k, c, &w[0], &c->oif_or);
		c->oif_before = agreed(k, c, &w[1], &other);
		if (other)
			c->oif_before = 0;
	}
}

static void settle(struct cache *k, struct conn *c)
{
	const struct route_query *opener = plain(k, c, c->orig.from);
	const struct route_query *goes = plain(k, c, c->reply.from);
	const struct route_query *to = plain(k, c, c->orig.to);
	const struct routes_rules *r = &k->rules;

	choose_path(k, c, opener, goes);
	c->to_type = to->type;
	c->goes_type = goes->type;
	/* in another zone of conntrack the far ends may be of another network altogether */
	if (in_zone(c) && (r->any || c->path == CONN_THROUGH))
		return;
	/* of what is passed on the rules ask with its source and interface, and it has any mark */
	if (r->any && (c->path != CONN_THROUGH || r->from || r->ports || r->nmarks || r->unclear)) {
		settle_by_rules(k, c);
		return;
	}
	if (c->path != CONN_OUT)
		c->iif = index_of(c, c->orig.from, opener);
	if (c->path == CONN_THROUGH || c->path == CONN_OUT)
		c->oif = index_of(c, c->reply.from, goes);
	if (c->path == CONN_OUT)
		c->oif_before = index_of(c, c->orig.to, to);
}

static void ask_for_all(struct cache *k, const struct conn *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		plain(k, &v[i], v[i].orig.from);
		plain(k, &v[i], v[i].reply.from);
		plain(k, &v[i], v[i].orig.to);
	}
}

static void ask_by_rules(struct cache *k, struct conn *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct conn *c = &v[i];
		struct way w[2];
		unsigned other;

		choose_path(k, c, plain(k, c, c->orig.from), plain(k, c, c->reply.from));
		for (size_t way = 0, m = askable(k, c) ? ways(c, w) : 0; way < m; way++)
			agreed(k, c, &w[way], &other);
	}
}

static void find_classes(struct cache *k)
{
	for (int i = 0; i < 2; i++)
		if (routes_bounds_here(i ? FAM_IP6 : FAM_IP4, k->classes[i].v, BOUNDS,
				       &k->classes[i].n))
			k->classes[i].n = 0;
}

int flows_route(struct conn *v, size_t n)
{
	struct routes_rules rules = {0};
	struct cache k;
	size_t asked;
	int err;

	if (n)
		routes_rules_here(&rules);
	err = cache_make(&k, (rules.any ? 5 + 2 * rules.nmarks : 3) * n);
	k.rules = rules;
	if (!err && rules.any && getifaddrs(&k.addrs))
		k.addrs = NULL;
	if (!err && n > FEW && !rules.any)
		find_classes(&k);
	if (!err) {
		ask_for_all(&k, v, n);
		err = routes_ask_here(k.queries, k.n);
	}
	asked = k.n;
	if (!err && rules.any) {
		ask_by_rules(&k, v, n);
		err = routes_ask_here(k.queries + asked, k.n - asked);
	}
	for (size_t i = 0; !err && i < n; i++)
		settle(&k, &v[i]);
	cache_free(&k);
	return err;
}
