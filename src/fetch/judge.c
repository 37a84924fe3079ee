/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list is somebody else's, who may have been broken into, or have had a bad day: what would shut
 * out everybody, or who reads this, is not taken, and neither is one that has lost most of itself.
 */
#include "fetch/judge.h"

#include "kernel/delta.h"
#include "kernel/session.h"
#include "kernel/sockets.h"
#include "util/special.h"

#define SSH 22

static size_t pieces(const struct bulk *b)
{
	return b->v4.n + b->v6.n;
}

/* How many ranges of it have something in common with the other one. */
static size_t in_common(struct arena *a, const struct bulk *b, const struct bulk *other)
{
	static const enum family families[] = {FAM_IP4, FAM_IP6};
	size_t n = 0;

	for (int k = 0; k < 2; k++) {
		const struct bulk_list *l = bulk_list(a, b, families[k]);
		const struct bulk_list *o = bulk_list(a, other, families[k]);

		for (size_t i = 0; i < l->n; i++) {
			struct ival r = bulk_list_at(l, i);
			size_t at = bulk_list_from(o, r.lo);

			n += at < o->n && bulk_list_at(o, at).lo <= r.hi;
		}
	}
	return n;
}

struct fetch_list judge_cut(struct arena *a, const struct fetch_set *s, struct bulk *b,
			    size_t *local)
{
	struct fetch_list out = {0};
	struct bulk special;

	*local = 0;
	if (!s->special) {
		special_all(&special, a);
		*local = in_common(a, b, &special);
		bulk_subtract(b, &special, a);
	}
	if (pieces(&s->without))
		bulk_subtract(b, &s->without, a);
	if (b->v4.n && s->v4)
		out.v4 = bulk_list(a, b, FAM_IP4);
	if (b->v6.n && s->v6)
		out.v6 = bulk_list(a, b, FAM_IP6);
	return out;
}

static bool is_all(const struct bulk *b)
{
	return (b->v4.n == 1 && !b->v4.v[0].lo && b->v4.v[0].hi == UINT32_MAX) ||
	       (b->v6.n == 1 && !b->v6.v[0].lo && b->v6.v[0].hi == u128_max(128));
}

/* ---- who sits at this machine over ssh ---- */

struct peer {
	enum family family;
	u128 address;
};

struct peers {
	struct peer *v;
	size_t n, cap;
};

/* The session that this was called from, and those of others, for a timer has none of its own: on
 * whatever port by what runs in them, and on that of ssh those in which nothing runs. */
static void find_peers(struct arena *a, struct peers *out)
{
	struct socket_conns conns = {0};
	struct session_list others = {0};
	struct session_ends ends, *s;
	const char *ssh = session_ssh(a);
	const struct conn *c;

	if (ssh && session_ends(ssh, &ends))
		vec_push(a, out, ((struct peer){ends.family, ends.client}));
	session_all(a, &others);
	vec_each (&others, s)
		vec_push(a, out, ((struct peer){s->family, s->client}));
	if (sockets_read(a, &conns))
		return;
	vec_each (&conns, c)
		if (c->orig.to_port == SSH)
			vec_push(a, out, ((struct peer){c->family, c->orig.from}));
}

static bool holds(const struct bulk_list *v4, const struct bulk_list *v6, const struct peer *p)
{
	const struct bulk_list *l = p->family == FAM_IP4 ? v4 : v6;

	return l && bulk_list_holds(l, p->address);
}

static const char *shut_out(struct arena *a, const struct fetch_list *now,
			    const struct fetched *was)
{
	struct peers peers = {0};
	const struct peer *p;
	struct buf b = {0};

	find_peers(a, &peers);
	vec_each (&peers, p) {
		const char *why;

		if (!holds(now->v4, now->v6, p) || holds(was->v4, was->v6, p))
			continue;
		addr_print(&b, p->family, p->address);
		why = arena_printf(a, "it holds %s, from where somebody is here over ssh",
				   buf_str(&b));
		buf_free(&b);
		return why;
	}
	return NULL;
}

/* ---- how much ---- */

static size_t count(const struct bulk_list *v4, const struct bulk_list *v6)
{
	return (v4 ? v4->n : 0) + (v6 ? v6->n : 0);
}

static const char *too_many(struct arena *a, const struct fetch_set *s, const struct bulk_list *l)
{
	uint64_t n = fetch_parted(s) && l ? l->n : fetch_count(s, l);

	if (s->size && n > s->size)
		return arena_printf(a, "it holds %llu elements, and the set has room for %llu",
				    (unsigned long long)n, (unsigned long long)s->size);
	return NULL;
}

const char *judge_holds_back(struct arena *a, const struct fetch_set *s, const struct bulk *raw,
			     const struct fetch_list *now, const struct fetched *was, bool force)
{
	size_t n = count(now->v4, now->v6), before = count(was->v4, was->v6);
	const char *why = too_many(a, s, now->v4);

	if (!why)
		why = too_many(a, s, now->v6);
	if (why || s->kind != FETCH_URL)
		return why;
	if (is_all(raw))
		return "it holds every address there is";
	if (s->max && pieces(raw) > s->max)
		return arena_printf(a, "it holds %zu ranges, and max is %llu", pieces(raw),
				    (unsigned long long)s->max);
	if (before && 2 * n < before && !force)
		return arena_printf(a,
				    "it shrank from %zu ranges to %zu; to take it: fwc refresh %s "
				    "--force",
				    before, n, s->name);
	return s->drops ? shut_out(a, now, was) : NULL;
}
