/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections -> questions about routes, each asked once -> their ways.
 */
#include "kernel/flows_routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/routes.h"

struct key {
	enum family family;
	bool has_from;
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
	return a->family == b->family && a->has_from == b->has_from && a->to == b->to &&
	       a->from == b->from;
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
	uint64_t h = mix(mix(k.family + 8 * (uint64_t)k.has_from, k.to), k.from);
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

static struct route_query *from(struct cache *c, const struct conn *x, u128 to, u128 of)
{
	return find(c, (struct key){.family = x->family, .has_from = true, .to = to, .from = of});
}

static bool is_own(const struct route_query *q)
{
	return q->type == RTN_LOCAL || q->type == RTN_ANYCAST;
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
static void choose_path(struct conn *c, const struct route_query *opener,
			const struct route_query *goes)
{
	if (is_own(opener) && c->orig.from)
		c->path = CONN_OUT;
	else if (is_own(goes))
		c->path = CONN_IN;
	else if (goes->type == RTN_MULTICAST || goes->type == RTN_BROADCAST)
		c->path = CONN_ANYWHERE;
	else
		c->path = CONN_THROUGH;
}

static void settle(struct cache *k, struct conn *c, bool by_rules)
{
	const struct route_query *opener = plain(k, c, c->orig.from);
	const struct route_query *goes = plain(k, c, c->reply.from);
	const struct route_query *to = plain(k, c, c->orig.to);

	choose_path(c, opener, goes);
	c->to_type = to->type;
	c->goes_type = goes->type;
	if (by_rules && c->path == CONN_OUT) {
		to = from(k, c, c->orig.to, c->orig.from);
		goes = from(k, c, c->reply.from, c->orig.from);
	} else if (by_rules && c->path == CONN_IN) {
		opener = from(k, c, c->orig.from, c->reply.from);
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
		if (v[i].zone)
			continue;
		plain(k, &v[i], v[i].orig.from);
		plain(k, &v[i], v[i].reply.from);
		plain(k, &v[i], v[i].orig.to);
	}
}

static void ask_by_rules(struct cache *k, const struct conn *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct conn *c = &v[i];

		if (c->zone)
			continue;
		if (is_own(plain(k, c, c->orig.from))) {
			from(k, c, c->orig.to, c->orig.from);
			from(k, c, c->reply.from, c->orig.from);
		} else if (is_own(plain(k, c, c->reply.from))) {
			from(k, c, c->orig.from, c->reply.from);
		}
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
	bool by_rules = n && routes_by_rules_here();
	struct cache k;
	size_t asked;
	int err = cache_make(&k, (by_rules ? 5 : 3) * n);

	if (!err && n > FEW && !by_rules)
		find_classes(&k);
	if (!err) {
		ask_for_all(&k, v, n);
		err = routes_ask_here(k.queries, k.n);
	}
	asked = k.n;
	if (!err && by_rules) {
		ask_by_rules(&k, v, n);
		err = routes_ask_here(k.queries + asked, k.n - asked);
	}
	/* addresses of another zone of conntrack may be those of another network altogether */
	for (size_t i = 0; !err && i < n; i++)
		if (!v[i].zone)
			settle(&k, &v[i], by_rules);
	cache_free(&k);
	return err;
}
