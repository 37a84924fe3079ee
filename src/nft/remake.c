/* SPDX-License-Identifier: GPL-2.0-or-later
 * messages of a dump -> messages of a batch.
 */
#include "nft/remake.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/tlv.h"

#define LIST_MAX 60000 /* bytes of elements in one attribute, which takes no more than 65535 */

struct remake {
	struct arena *arena;
	struct buf *out;
	const struct map *only; /* NULL: all */
	struct map anonymous; /* sets that chains of these look up */
	struct map passed; /* how many rules or elements of an object have been: uint32_t */
	struct map bases; /* chains on hooks, by name */
	struct map ids; /* of sets: uint32_t, in network order; sets are made in their order */
	struct map at_run_time; /* sets whose elements are not the policy's */
	struct map intervals; /* of these what is in all messages, struct interval_set */
	uint32_t nsets, nmessages;
	bool bad;
};

struct begun { /* a message, or an attribute that holds others */
	size_t at;
};

struct counts { /* of one object, and where in it we are */
	const struct remake_counts *of;
	uint32_t *nth;
};

/* A tree of intervals is told from the top, and takes those that meet from the bottom alone: the
 * end of the one before the begin of the next. */
struct interval {
	struct tlv elem, key;
	bool end, rest; /* rest: of a map, for what no other is for */
	uint32_t nth; /* as it was told */
};

struct interval_set {
	struct tlv_message m;
	VEC(struct interval) v;
};

static const char *text_of(struct remake *r, struct tlv name)
{
	if (tlv_is_text(name))
		return arena_strndup(r->arena, (const char *)name.p, name.n - 1);
	r->bad = true;
	return "";
}

static bool is_anonymous(const char *set)
{
	return !strncmp(set, "__", 2);
}

static const char *key_of(struct remake *r, char kind, const char *name)
{
	return arena_printf(r->arena, "%c:%s", kind, name);
}

static bool is_wanted(struct remake *r, char kind, const char *name)
{
	if (!r->only)
		return true;
	return map_get(kind == 's' && is_anonymous(name) ? &r->anonymous : r->only,
		       key_of(r, kind, name)) != NULL;
}

/* ---- writing ---- */

static void put_attr(struct remake *r, uint16_t type, struct tlv value)
{
	r->bad |= !tlv_put(r->out, type, value);
}

static void put_text(struct remake *r, uint16_t type, const char *text)
{
	put_attr(r, type, (struct tlv){(const uint8_t *)text, strlen(text) + 1});
}

static struct begun begin_attr(struct remake *r, uint16_t type)
{
	struct begun b = {r->out->len};

	put_attr(r, type | NLA_F_NESTED, (struct tlv){0});
	return b;
}

static void end_attr(struct remake *r, struct begun b)
{
	size_t n = r->out->len - b.at;
	uint16_t len = (uint16_t)n;

	r->bad |= n > UINT16_MAX;
	memcpy(r->out->data + b.at, &len, sizeof(len));
}

static struct begun begin_message(struct remake *r, const struct tlv_message *m, uint16_t flags)
{
	struct nfgenmsg g = {.nfgen_family = m->family, .version = NFNETLINK_V0};
	struct nlmsghdr h = {.nlmsg_type = m->type, .nlmsg_seq = ++r->nmessages};
	struct begun b = {r->out->len};

	h.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | flags;
	if (r->nmessages == 1) /* of the others only errors are told */
		h.nlmsg_flags |= NLM_F_ACK;
	buf_add(r->out, &h, sizeof(h));
	buf_add(r->out, &g, sizeof(g));
	return b;
}

static void end_message(struct remake *r, struct begun b)
{
	uint32_t len = (uint32_t)(r->out->len - b.at);

	memcpy(r->out->data + b.at, &len, sizeof(len));
}

/* All attributes but those. */
static void put_rest(struct remake *r, struct tlv body, const uint16_t *without)
{
	struct tlv value;
	uint16_t type;

	while (tlv_next(&body, &type, &value)) {
		const uint16_t *w = without;

		while (*w && *w != type)
			w++;
		if (!*w)
			put_attr(r, type, value);
	}
	r->bad |= body.n > 0;
}

/* ---- counters ---- */

static struct counts counts_of(struct remake *r, char kind, const char *name)
{
	const char *key = key_of(r, kind, name);
	uint32_t *nth = map_get(&r->passed, key);

	if (!nth) {
		nth = arena_new_of(r->arena, uint32_t);
		map_put(&r->passed, key, nth);
	}
	return (struct counts){r->only ? map_get(r->only, key) : NULL, nth};
}

int remake_count_cmp(const void *a, const void *b)
{
	const struct remake_count *x = a, *y = b;

	return (x->nth > y->nth) - (x->nth < y->nth);
}

/* NULL: nothing to be told. */
static const struct remake_count *count_of(const struct counts *c, uint32_t nth, bool for_the_rest)
{
	struct remake_count key = {.nth = for_the_rest ? REMAKE_REST : nth};

	if (!c->of || !c->of->n)
		return NULL;
	return bsearch(&key, c->of->v, c->of->n, sizeof(key), remake_count_cmp);
}

/* Of the rule or element that comes next. */
static const struct remake_count *next_count(struct counts *c, bool for_the_rest)
{
	return count_of(c, (*c->nth)++, for_the_rest);
}

/* A number within what was written. */
static void write_number(struct remake *r, struct tlv at, uint64_t value)
{
	char *to = r->out->data + (at.p - (const uint8_t *)r->out->data);

	r->bad |= at.n != sizeof(value);
	for (size_t i = 0; at.n == sizeof(value) && i < at.n; i++)
		to[i] = (char)(value >> (8 * (at.n - 1 - i)));
}

/* An expression that was written: true if it counts. */
static bool write_count(struct remake *r, struct tlv expr, const struct remake_count *x)
{
	struct tlv v[NFTA_EXPR_MAX + 1], c[NFTA_COUNTER_MAX + 1];

	tlv_sort(expr, v, NFTA_EXPR_MAX);
	if (!tlv_is(v[NFTA_EXPR_NAME], "counter"))
		return false;
	tlv_sort(v[NFTA_EXPR_DATA], c, NFTA_COUNTER_MAX);
	write_number(r, c[NFTA_COUNTER_PACKETS], x->packets);
	write_number(r, c[NFTA_COUNTER_BYTES], x->bytes);
	return true;
}

/* Behind the head of an attribute that was written at `at`. */
static struct tlv written(const struct remake *r, struct begun at)
{
	size_t from = at.at + NLA_HDRLEN;

	return (struct tlv){(const uint8_t *)r->out->data + from, r->out->len - from};
}

static bool write_counts(struct remake *r, struct tlv list, const struct remake_count *x)
{
	struct tlv expr;
	uint16_t type;

	while (tlv_next(&list, &type, &expr))
		if (write_count(r, expr, x))
			return true;
	return false;
}

/* ---- sets ---- */

/* The kernel counts those that have no name of their own: "__set3" was asked for as "__set%d", and
 * is called by its number within the batch. */
static bool put_set_name(struct remake *r, uint16_t name_as, uint16_t id_as, struct tlv name)
{
	const char *text = text_of(r, name);
	const uint32_t *id = map_get(&r->ids, text);

	r->bad |= is_anonymous(text) && !id;
	if (!is_anonymous(text) || !id) {
		put_attr(r, name_as, name);
		return false;
	}
	put_text(r, name_as,
		 arena_printf(r->arena, "%.*s%%d", (int)strcspn(text, "0123456789"), text));
	put_attr(r, id_as, (struct tlv){(const uint8_t *)id, sizeof(*id)});
	return true;
}

static bool is_tree(uint64_t flags)
{
	return (flags & NFT_SET_INTERVAL) && !(flags & NFT_SET_CONCAT);
}

static void put_set(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_SET_HANDLE, NFTA_SET_NAME, NFTA_SET_ID,
					   TLV_SET_TYPE,    TLV_SET_COUNT, 0};
	struct tlv v[NFTA_SET_MAX + 1];
	const char *name;
	struct begun b;
	uint32_t *id;

	tlv_sort(m->body, v, NFTA_SET_MAX);
	name = text_of(r, v[NFTA_SET_NAME]);
	if (!is_wanted(r, 's', name))
		return;
	b = begin_message(r, m, 0);
	id = arena_new_of(r->arena, uint32_t);
	*id = htonl(++r->nsets);
	map_put(&r->ids, name, id);
	if (tlv_number(v[NFTA_SET_FLAGS]) & (NFT_SET_TIMEOUT | NFT_SET_EVAL))
		map_put(&r->at_run_time, name, id);
	if (is_tree(tlv_number(v[NFTA_SET_FLAGS])))
		map_put(&r->intervals, name, arena_new_of(r->arena, struct interval_set));
	put_rest(r, m->body, without);
	if (!put_set_name(r, NFTA_SET_NAME, NFTA_SET_ID, v[NFTA_SET_NAME]))
		put_attr(r, NFTA_SET_ID, (struct tlv){(const uint8_t *)id, sizeof(*id)});
	end_message(r, b);
}

static void write_elem_count(struct remake *r, const struct tlv *v, const struct remake_count *x)
{
	if (x && !write_count(r, v[NFTA_SET_ELEM_EXPR], x) &&
	    !write_counts(r, v[NFTA_SET_ELEM_EXPRESSIONS], x))
		r->bad = true;
}

static void count_elem(struct remake *r, struct tlv elem, struct counts *c)
{
	struct tlv v[NFTA_SET_ELEM_EXPRESSIONS + 1];

	tlv_sort(elem, v, NFTA_SET_ELEM_EXPRESSIONS);
	write_elem_count(
		r, v, next_count(c, tlv_number(v[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_CATCHALL));
}

static void put_elem_list(struct remake *r, struct tlv list, struct counts c)
{
	struct begun b = {r->out->len};
	struct tlv elem;
	uint16_t type;

	if (list.p)
		put_attr(r, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, list);
	if (!list.p || r->bad || !c.of || !c.of->n)
		return;
	list = written(r, b);
	while (tlv_next(&list, &type, &elem))
		count_elem(r, elem, &c);
}

/* All but the elements. */
static struct begun begin_elems(struct remake *r, const struct tlv_message *m, struct tlv name)
{
	static const uint16_t without[] = {NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_ELEMENTS, 0};
	struct begun b = begin_message(r, m, 0);

	put_set_name(r, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_SET_ID, name);
	put_rest(r, m->body, without);
	return b;
}

static void keep_intervals(struct remake *r, const struct tlv_message *m, struct tlv list,
			   struct interval_set *to)
{
	struct tlv elem, v[NFTA_SET_ELEM_EXPRESSIONS + 1], key[NFTA_DATA_VALUE + 1];
	uint16_t type;

	if (!to->v.n)
		to->m = *m;
	while (tlv_next(&list, &type, &elem)) {
		uint64_t flags;

		tlv_sort(elem, v, NFTA_SET_ELEM_EXPRESSIONS);
		tlv_sort(v[NFTA_SET_ELEM_KEY], key, NFTA_DATA_VALUE);
		flags = tlv_number(v[NFTA_SET_ELEM_FLAGS]);
		vec_push(r->arena, &to->v,
			 ((struct interval){elem, key[NFTA_DATA_VALUE],
					    flags & NFT_SET_ELEM_INTERVAL_END,
					    flags & NFT_SET_ELEM_CATCHALL, (uint32_t)to->v.n}));
	}
	r->bad |= list.n > 0;
}

static void put_elems(struct remake *r, const struct tlv_message *m)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1];
	struct interval_set *intervals;
	const char *name;
	struct begun b;

	tlv_sort(m->body, v, NFTA_SET_ELEM_LIST_MAX);
	name = text_of(r, v[NFTA_SET_ELEM_LIST_SET]);
	if (!is_wanted(r, 's', name) || map_get(&r->at_run_time, name))
		return;
	intervals = map_get(&r->intervals, name);
	if (intervals) {
		keep_intervals(r, m, v[NFTA_SET_ELEM_LIST_ELEMENTS], intervals);
		return;
	}
	b = begin_elems(r, m, v[NFTA_SET_ELEM_LIST_SET]);
	put_elem_list(r, v[NFTA_SET_ELEM_LIST_ELEMENTS], counts_of(r, 's', name));
	end_message(r, b);
}

static int interval_cmp(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int c = n ? memcmp(x->key.p, y->key.p, n) : 0;

	if (x->rest != y->rest)
		return x->rest - y->rest;
	if (c || x->key.n != y->key.n)
		return c ? c : x->key.n < y->key.n ? -1 : 1;
	if (x->end != y->end)
		return y->end - x->end;
	return (x->nth > y->nth) - (x->nth < y->nth);
}

static void put_interval(struct remake *r, const struct interval *i, const struct counts *c)
{
	struct tlv v[NFTA_SET_ELEM_EXPRESSIONS + 1];
	const struct remake_count *x = count_of(c, i->nth, i->rest);
	struct begun b = {r->out->len};

	put_attr(r, NFTA_LIST_ELEM | NLA_F_NESTED, i->elem);
	if (!x || r->bad)
		return;
	tlv_sort(written(r, b), v, NFTA_SET_ELEM_EXPRESSIONS);
	write_elem_count(r, v, x);
}

static void put_intervals(struct remake *r, const char *name, struct interval_set *s)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1];
	struct counts c = counts_of(r, 's', name);
	size_t i = 0;

	tlv_sort(s->m.body, v, NFTA_SET_ELEM_LIST_MAX);
	if (s->v.n)
		qsort(s->v.v, s->v.n, sizeof(*s->v.v), interval_cmp);
	while (i < s->v.n && !r->bad) {
		struct begun b = begin_elems(r, &s->m, v[NFTA_SET_ELEM_LIST_SET]);
		struct begun list = begin_attr(r, NFTA_SET_ELEM_LIST_ELEMENTS);

		do
			put_interval(r, &s->v.v[i++], &c);
		while (i < s->v.n && r->out->len - list.at + s->v.v[i].elem.n < LIST_MAX);
		end_attr(r, list);
		end_message(r, b);
	}
}

static void put_all_intervals(struct remake *r)
{
	const struct map_entry *e;

	vec_each (&r->intervals.entries, e)
		put_intervals(r, e->key, e->value);
}

/* ---- chains and rules ---- */

static void put_chain(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_CHAIN_HANDLE, NFTA_CHAIN_USE, NFTA_CHAIN_COUNTERS,
					   0};
	struct tlv v[NFTA_CHAIN_MAX + 1];
	struct begun b;

	tlv_sort(m->body, v, NFTA_CHAIN_MAX);
	if (v[NFTA_CHAIN_HOOK].p) {
		map_put(&r->bases, text_of(r, v[NFTA_CHAIN_NAME]), r);
		return;
	}
	if (!is_wanted(r, 'c', text_of(r, v[NFTA_CHAIN_NAME])))
		return;
	b = begin_message(r, m, 0);
	put_rest(r, m->body, without);
	end_message(r, b);
}

/* What the kernel tells of an expression and will not be told, not even that it is 0. */
static const struct {
	const char *name;
	uint16_t attr;
} told[] = {
	{"dynset", NFTA_DYNSET_TIMEOUT}, /* where the set has none */
	{"exthdr", NFTA_EXTHDR_FLAGS}, /* where it writes */
};

static uint16_t untold(struct tlv name, struct tlv data)
{
	struct tlv value;
	uint16_t type;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct tlv rest = data;

		while (tlv_is(name, told[i].name) && tlv_next(&rest, &type, &value))
			if (type == told[i].attr && !tlv_number(value))
				return type;
	}
	return 0;
}

static void put_expr(struct remake *r, struct tlv expr, const struct tlv *v)
{
	static const uint16_t but_data[] = {NFTA_EXPR_DATA, 0};
	const uint16_t without[] = {untold(v[NFTA_EXPR_NAME], v[NFTA_EXPR_DATA]), 0};
	struct begun b;

	put_rest(r, expr, but_data);
	if (!v[NFTA_EXPR_DATA].p)
		return;
	b = begin_attr(r, NFTA_EXPR_DATA);
	put_rest(r, v[NFTA_EXPR_DATA], without);
	end_attr(r, b);
}

static void put_lookup(struct remake *r, struct tlv expr, struct tlv data)
{
	static const uint16_t but_data[] = {NFTA_EXPR_DATA, 0};
	static const uint16_t but_set[] = {NFTA_LOOKUP_SET, NFTA_LOOKUP_SET_ID, 0};
	struct tlv v[NFTA_LOOKUP_MAX + 1];
	struct begun b;

	tlv_sort(data, v, NFTA_LOOKUP_MAX);
	put_rest(r, expr, but_data);
	b = begin_attr(r, NFTA_EXPR_DATA);
	put_set_name(r, NFTA_LOOKUP_SET, NFTA_LOOKUP_SET_ID, v[NFTA_LOOKUP_SET]);
	put_rest(r, data, but_set);
	end_attr(r, b);
}

static void put_exprs(struct remake *r, struct tlv list, const struct remake_count *x)
{
	struct begun all = begin_attr(r, NFTA_RULE_EXPRESSIONS);
	struct tlv expr, v[NFTA_EXPR_MAX + 1];
	uint16_t type;

	while (tlv_next(&list, &type, &expr)) {
		struct begun b = begin_attr(r, NFTA_LIST_ELEM);

		r->bad |= !tlv_sort(expr, v, NFTA_EXPR_MAX);
		if (tlv_is(v[NFTA_EXPR_NAME], "lookup"))
			put_lookup(r, expr, v[NFTA_EXPR_DATA]);
		else
			put_expr(r, expr, v);
		end_attr(r, b);
	}
	end_attr(r, all);
	if (x && !r->bad)
		r->bad = !write_counts(r, written(r, all), x);
}

static void put_rule(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_RULE_HANDLE, NFTA_RULE_POSITION,
					   NFTA_RULE_EXPRESSIONS, 0};
	struct tlv v[NFTA_RULE_MAX + 1];
	const char *chain;
	struct counts c;
	struct begun b;

	tlv_sort(m->body, v, NFTA_RULE_MAX);
	chain = text_of(r, v[NFTA_RULE_CHAIN]);
	if (map_get(&r->bases, chain) || !is_wanted(r, 'c', chain))
		return;
	b = begin_message(r, m, NLM_F_APPEND);
	put_rest(r, m->body, without);
	c = counts_of(r, 'c', chain);
	put_exprs(r, v[NFTA_RULE_EXPRESSIONS], next_count(&c, false));
	end_message(r, b);
}

/* ---- all of it ---- */

/* Sets without a name of their own live and die with the rule that looks them up. */
static void note_lookups(struct remake *r, const struct tlv_message *m)
{
	struct tlv v[NFTA_RULE_MAX + 1], x[NFTA_EXPR_MAX + 1], l[NFTA_LOOKUP_MAX + 1], expr;
	uint16_t type;

	tlv_sort(m->body, v, NFTA_RULE_MAX);
	if (!is_wanted(r, 'c', text_of(r, v[NFTA_RULE_CHAIN])))
		return;
	while (tlv_next(&v[NFTA_RULE_EXPRESSIONS], &type, &expr)) {
		tlv_sort(expr, x, NFTA_EXPR_MAX);
		if (!tlv_is(x[NFTA_EXPR_NAME], "lookup"))
			continue;
		tlv_sort(x[NFTA_EXPR_DATA], l, NFTA_LOOKUP_MAX);
		map_put(&r->anonymous, key_of(r, 's', text_of(r, l[NFTA_LOOKUP_SET])), r);
	}
}

static void put_plain(struct remake *r, const struct tlv_message *m, const uint16_t *without)
{
	struct begun b = begin_message(r, m, 0);

	put_rest(r, m->body, without);
	end_message(r, b);
}

/* One that is there, and sleeps, would wake if its flags were told. */
static void put_table(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_TABLE_FLAGS, NFTA_TABLE_USE, NFTA_TABLE_HANDLE, 0};

	put_plain(r, m, without);
}

static void put_object(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_OBJ_USE, NFTA_OBJ_HANDLE, 0};

	put_plain(r, m, without);
}

/* Devices are bound when its rules are in force. */
static void put_flowtable(struct remake *r, const struct tlv_message *m)
{
	static const uint16_t without[] = {NFTA_FLOWTABLE_USE, NFTA_FLOWTABLE_HANDLE,
					   NFTA_FLOWTABLE_HOOK, 0};
	static const uint16_t but_devices[] = {NFTA_FLOWTABLE_HOOK_DEVS, 0};
	struct tlv v[NFTA_FLOWTABLE_MAX + 1];
	struct begun b = begin_message(r, m, 0), hook;

	tlv_sort(m->body, v, NFTA_FLOWTABLE_MAX);
	put_rest(r, m->body, without);
	hook = begin_attr(r, NFTA_FLOWTABLE_HOOK);
	put_rest(r, v[NFTA_FLOWTABLE_HOOK], but_devices);
	end_attr(r, hook);
	end_message(r, b);
}

/* What others refer to comes first; ONCE is what is there already where only some is made. */
enum pass { LOOKUPS, ONCE, FRAMES, ELEMENTS, RULES, NPASSES };

static void take(struct remake *r, const struct tlv_message *m, enum pass pass)
{
	static const struct {
		int type;
		enum pass pass;
		void (*put)(struct remake *, const struct tlv_message *);
	} kinds[] = {
		{NFT_MSG_NEWRULE, LOOKUPS, note_lookups},
		{NFT_MSG_NEWTABLE, ONCE, put_table},
		{NFT_MSG_NEWOBJ, ONCE, put_object},
		{NFT_MSG_NEWFLOWTABLE, ONCE, put_flowtable},
		{NFT_MSG_NEWCHAIN, FRAMES, put_chain},
		{NFT_MSG_NEWSET, FRAMES, put_set},
		{NFT_MSG_NEWSETELEM, ELEMENTS, put_elems},
		{NFT_MSG_NEWRULE, RULES, put_rule},
	};
	int type = m->type - (NFNL_SUBSYS_NFTABLES << 8);
	bool known = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type != type)
			continue;
		known = true;
		if (kinds[i].pass == pass)
			kinds[i].put(r, m);
	}
	r->bad |= !known;
}

bool remake_some(struct arena *a, const void *dump, size_t n, const struct map *only,
		 struct buf *out)
{
	struct remake r = {.arena = a, .out = out, .only = only};

	map_init(&r.anonymous, a);
	map_init(&r.passed, a);
	map_init(&r.bases, a);
	map_init(&r.ids, a);
	map_init(&r.at_run_time, a);
	map_init(&r.intervals, a);
	for (enum pass pass = LOOKUPS; pass < NPASSES; pass++) {
		struct tlv rest = {dump, n};
		struct tlv_message m;

		if (pass == (only ? ONCE : LOOKUPS))
			continue;
		while (tlv_message(&rest, &m))
			take(&r, &m, pass);
		r.bad |= rest.n > 0;
		if (pass == ELEMENTS)
			put_all_intervals(&r);
	}
	return !r.bad && r.nmessages;
}

bool remake_staged(struct arena *a, const void *dump, size_t n, struct buf *out)
{
	return remake_some(a, dump, n, NULL, out);
}
