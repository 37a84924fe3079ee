/* SPDX-License-Identifier: GPL-2.0-or-later
 * Sets and maps of a dump, and their elements. How a key is cut into fields, nft's own note of the
 * type says (a hint, which rules that look there must bear out); intervals of one field come as
 * their two ends, those of concatenations as one element.
 */
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/read.h"
#include "util/bulk_parts.h"

#define TYPE_BITS 6 /* of a concatenation's types, the last lowest: nft's include/datatype.h */
#define PADDED(n) (((n) + 3u) & ~3u)
#define SET_ATTRS 20 /* NFTA_SET_TYPE and NFTA_SET_COUNT are of Linux 6.18 */
#define ELEM_COMMENT 0

/* nft's numbers of types, and the field that fwc takes such a value for. */
static const struct type {
	uint8_t number, bytes;
	enum field field;
	bool host; /* a number in this machine's byte order, but in sets of intervals */
} types[] = {
	{2, 1, F_NFPROTO, false},    {7, 4, F_IP_SADDR, false},	    {8, 16, F_IP6_SADDR, false},
	{12, 1, F_L4PROTO, false},   {13, 2, F_TH_DPORT, false},    {14, 1, F_ICMP_TYPE, false},
	{19, 4, F_MARK, true},	     {24, 4, F_SKUID, true},	    {29, 1, F_ICMPV6_TYPE, false},
	{41, 16, F_IIFNAME, false},  {9, 6, F_ETHER_SADDR, false},  {25, 4, F_SKGID, true},
	{32, 1, F_ICMP_CODE, false}, {33, 1, F_ICMPV6_CODE, false}, {35, 4, F_IIFGROUP, true},
	{36, 1, F_IP_DSCP, false},   {37, 1, F_IP_ECN, false},	    {26, 4, F_CT_STATE, true},
	{43, 8, F_TIME, true},	     {46, 8, F_CGROUP1, true},
};

static const struct type *type_of(uint32_t number)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].number == number)
			return &types[i];
	return NULL;
}

u128 read_number(const uint8_t *p, size_t n, bool host)
{
	u128 x = 0;

	for (size_t i = 0; i < n; i++)
		x = x << 8 | p[host && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? n - 1 - i : i];
	return x;
}

/* ---- the set ---- */

/* Which part of the key is what; false if that is not known, or is not as long as the key. */
static bool cut(const struct raw_set *s, const struct type **parts, size_t *n)
{
	uint32_t left = s->key_type, length = 0;

	for (*n = 0; left; left >>= TYPE_BITS) {
		if (*n == IR_MAX_CONCAT)
			return false;
		memmove(parts + 1, parts, *n * sizeof(*parts));
		parts[0] = type_of(left & ((1u << TYPE_BITS) - 1));
		if (!parts[0])
			return false;
		length += *n || left >> TYPE_BITS ? PADDED(parts[0]->bytes) : parts[0]->bytes;
		(*n)++;
	}
	return *n && length == s->key_len;
}

static void read_type(struct reader *r, struct raw_set *s)
{
	const struct type *parts[IR_MAX_CONCAT];
	struct ir_set *set = s->set;
	size_t n;

	if (!cut(s, parts, &n)) {
		set->type = arena_printf(r->a, "?%u of %u bytes", s->key_type, s->key_len);
		return;
	}
	set->nkeys = (uint8_t)n;
	set->type = "";
	for (size_t i = 0; i < n; i++) {
		set->keys[i] = parts[i]->field;
		s->host[i] = parts[i]->host && !(s->flags & NFT_SET_INTERVAL);
		set->type = arena_printf(r->a, "%s%s%s", set->type, i ? " . " : "",
					 field_table[set->keys[i]].set_type);
	}
}

/* What each element counts or is kept back by. */
static void read_statements(struct reader *r, const struct attrs *attrs, struct ir_set *set)
{
	struct tlv list = attrs->v[NFTA_SET_EXPRESSIONS], one;
	struct raw_expr e;
	uint16_t type;
	bool other = false;

	if (read_expr(r->a, attrs->v[NFTA_SET_EXPR], &e)) {
		set->counter = !strcmp(e.name, "counter");
		other = !set->counter;
	}
	while (tlv_next(&list, &type, &one)) {
		bool counter = read_expr(r->a, one, &e) && !strcmp(e.name, "counter");

		other |= !counter || set->counter;
		set->counter |= counter;
	}
	if (other)
		set->type = arena_printf(r->a, "%s ?statements", set->type);
}

/* Whether the kernel cuts a key as its type says: intervals are looked at field by field where it
 * was told the fields' lengths, and as one number where it was not. */
static bool is_cut_so(const struct raw_set *s, struct tlv description)
{
	struct tlv desc[NFTA_SET_DESC_MAX + 1], length[NFTA_SET_FIELD_MAX + 1];
	struct tlv list, one;
	const struct type *parts[IR_MAX_CONCAT];
	size_t n, i = 0;
	uint16_t type;

	if (!tlv_sort(description, desc, NFTA_SET_DESC_MAX))
		return false;
	list = desc[NFTA_SET_DESC_CONCAT];
	if (!cut(s, parts, &n))
		return true; /* nothing is said of its keys */
	if (!list.p)
		return n == 1 || !(s->flags & NFT_SET_INTERVAL);
	while (tlv_next(&list, &type, &one))
		if (i == n || !tlv_sort(one, length, NFTA_SET_FIELD_MAX) ||
		    tlv_number(length[NFTA_SET_FIELD_LEN]) != parts[i++]->bytes)
			return false;
	return i == n;
}

/* What the IR cannot say is made part of the type, so that no other set is equal to this one. */
static void read_rest(struct reader *r, const struct attrs *attrs, struct raw_set *s)
{
	struct ir_set *set = s->set;
	const uint32_t known = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL |
			       NFT_SET_MAP | NFT_SET_TIMEOUT | NFT_SET_EVAL | NFT_SET_OBJECT |
			       NFT_SET_CONCAT | NFT_SET_EXPR;

	if (s->flags & NFT_SET_OBJECT)
		set->type = arena_printf(r->a, "%s ?to objects", set->type);
	else if (s->flags & NFT_SET_MAP && !set->is_map)
		set->type = arena_printf(r->a, "%s ?to %u", set->type,
					 (unsigned)tlv_number(attrs->v[NFTA_SET_DATA_TYPE]));
	if (!attrs->whole || s->flags & ~known || !is_cut_so(s, attrs->v[NFTA_SET_DESC]))
		set->type = arena_printf(r->a, "%s ?more", set->type);
	read_statements(r, attrs, set);
}

struct raw_set *read_set(struct reader *r, struct tlv body)
{
	struct raw_set *s = arena_new_of(r->a, struct raw_set);
	struct tlv size[NFTA_SET_DESC_MAX + 1];
	struct attrs attrs;

	read_attrs(body, SET_ATTRS, &attrs);
	s->name = read_text(r->a, attrs.v[NFTA_SET_NAME]);
	if (!s->name)
		return NULL;
	s->flags = (uint32_t)tlv_number(attrs.v[NFTA_SET_FLAGS]);
	s->key_type = (uint32_t)tlv_number(attrs.v[NFTA_SET_KEY_TYPE]);
	s->key_len = (uint32_t)tlv_number(attrs.v[NFTA_SET_KEY_LEN]);
	s->set = arena_new_of(r->a, struct ir_set);
	s->set->name = s->name;
	s->set->is_map = s->flags & NFT_SET_MAP &&
			 tlv_number(attrs.v[NFTA_SET_DATA_TYPE]) == NFT_DATA_VERDICT;
	s->set->interval = s->flags & NFT_SET_INTERVAL;
	s->set->dynamic = s->flags & (NFT_SET_TIMEOUT | NFT_SET_EVAL) || bulk_name_alone(s->name);
	s->set->lasting = s->set->dynamic && !(s->flags & NFT_SET_TIMEOUT);
	s->set->timeout = tlv_number(attrs.v[NFTA_SET_TIMEOUT]) / 1000;
	if (attrs.v[NFTA_SET_DESC].p) {
		tlv_sort(attrs.v[NFTA_SET_DESC], size, NFTA_SET_DESC_MAX);
		s->set->size = (uint32_t)tlv_number(size[NFTA_SET_DESC_SIZE]);
	}
	read_type(r, s);
	read_rest(r, &attrs, s);
	return s;
}

/* ---- elements ---- */

static void read_counter(const struct raw_expr *e, struct ir_elem *out)
{
	out->has_counter = true;
	out->packets = tlv_number(e->attrs.v[NFTA_COUNTER_PACKETS]);
	out->bytes = tlv_number(e->attrs.v[NFTA_COUNTER_BYTES]);
}

static void read_elem_statements(struct reader *r, const struct attrs *attrs, struct ir_elem *out)
{
	struct tlv list = attrs->v[NFTA_SET_ELEM_EXPRESSIONS], one;
	struct raw_expr e;
	uint16_t type;

	if (read_expr(r->a, attrs->v[NFTA_SET_ELEM_EXPR], &e)) {
		if (!strcmp(e.name, "counter"))
			read_counter(&e, out);
		else
			out->gated = true;
	}
	while (tlv_next(&list, &type, &one)) {
		if (read_expr(r->a, one, &e) && !strcmp(e.name, "counter"))
			read_counter(&e, out);
		else
			out->gated = true;
	}
}

/* What a map's element leads to. */
static void read_target(struct reader *r, const struct raw_set *s, struct tlv data,
			struct raw_elem *e)
{
	struct tlv v[NFTA_DATA_MAX + 1];

	tlv_sort(data, v, NFTA_DATA_MAX);
	e->data = v[NFTA_DATA_VALUE];
	if (s->set->is_map && !(e->flags & NFT_SET_ELEM_INTERVAL_END) &&
	    !read_verdict(r->a, v[NFTA_DATA_VERDICT], &e->as.verdict))
		e->odd = "verdict";
}

void read_elem(struct reader *r, struct raw_set *s, struct tlv bytes)
{
	struct raw_elem e = {.as.order = (uint32_t)s->elems.n};
	struct attrs attrs;

	read_attrs(bytes, NFTA_SET_ELEM_EXPRESSIONS, &attrs);
	e.flags = (uint32_t)tlv_number(attrs.v[NFTA_SET_ELEM_FLAGS]);
	e.key = read_data(attrs.v[NFTA_SET_ELEM_KEY]);
	e.end = read_data(attrs.v[NFTA_SET_ELEM_KEY_END]);
	e.as.comment = read_comment(r->a, attrs.v[NFTA_SET_ELEM_USERDATA]);
	e.as.timeout = tlv_number(attrs.v[NFTA_SET_ELEM_TIMEOUT]) / 1000;
	e.as.left = tlv_number(attrs.v[NFTA_SET_ELEM_EXPIRATION]) / 1000;
	e.as.ages = attrs.v[NFTA_SET_ELEM_EXPIRATION].p != NULL;
	if (e.as.ages && !tlv_number(attrs.v[NFTA_SET_ELEM_EXPIRATION]))
		return; /* its time is over: it is listed until it is swept, and found no more */
	e.as.volatile_elem = e.as.ages || attrs.v[NFTA_SET_ELEM_TIMEOUT].p || s->set->dynamic;
	if (attrs.v[NFTA_SET_ELEM_EXPR].p || attrs.v[NFTA_SET_ELEM_EXPRESSIONS].p)
		read_elem_statements(r, &attrs, &e.as);
	read_target(r, s, attrs.v[NFTA_SET_ELEM_DATA], &e);
	if (e.flags & NFT_SET_ELEM_CATCHALL)
		e.as.order = IR_ORDER_LAST;
	if (!attrs.whole ||
	    e.flags & ~(uint32_t)(NFT_SET_ELEM_INTERVAL_END | NFT_SET_ELEM_CATCHALL) ||
	    (e.as.gated && !e.as.volatile_elem))
		e.odd = "element";
	if (e.odd)
		e.odd = arena_printf(r->a, "?%s", read_odd(r->a, e.odd, bytes));
	vec_push_sole(r->work, &s->elems, e);
}

/* ---- intervals of one field ---- */

struct end {
	u128 key;
	bool closes;
	const struct raw_elem *elem;
};

/* At one key, what closes there comes before what begins there. */
static int end_cmp(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (int)y->closes - (int)x->closes;
}

/* The element that is for all that no other is for. */
static void push_rest(struct arena *a, const struct raw_elem *e, size_t n, const uint8_t *bytes,
		      struct ir_elems *out)
{
	struct ir_elem one = e->as;

	if (e->odd)
		one.comment = e->odd;
	for (size_t i = 0; i < n; i++)
		one.key[i] = (struct ival){0, u128_max(8 * bytes[i])};
	vec_push(a, out, one);
}

/* An interval ends before the next element that begins or closes one; the last may have no end. */
static bool read_intervals(struct arena *a, const struct raw_set *s, size_t bytes, bool host,
			   struct ir_elems *out)
{
	struct end *v = arena_alloc(a, (s->elems.n + 1) * sizeof(*v));
	const struct raw_elem *e;
	size_t n = 0, opens = 0;

	vec_each (&s->elems, e)
		opens += !(e->flags & NFT_SET_ELEM_INTERVAL_END);
	vec_reserve(a, out, opens);
	vec_each (&s->elems, e) {
		if (e->as.order == IR_ORDER_LAST) {
			push_rest(a, e, 1, (const uint8_t[]){(uint8_t)bytes}, out);
			continue;
		}
		if (e->key.n != bytes || e->end.p)
			return false;
		v[n++] = (struct end){read_number(e->key.p, bytes, host),
				      e->flags & NFT_SET_ELEM_INTERVAL_END, e};
	}
	if (n > 1)
		qsort(v, n, sizeof(*v), end_cmp);
	for (size_t i = 0; i < n; i++) {
		struct ir_elem one;

		if (v[i].closes)
			continue;
		one = v[i].elem->as;
		if (v[i].elem->odd)
			one.comment = v[i].elem->odd;
		one.key[0].lo = v[i].key;
		one.key[0].hi = i + 1 < n ? v[i + 1].key - 1 : u128_max((int)(8 * bytes));
		if (i + 1 < n && v[i + 1].key == v[i].key)
			return false;
		vec_push(a, out, one);
	}
	return true;
}

/* ---- all others ---- */

/* What fills a field up to whole words is 0 in every packet's key: with anything else the element
 * is found by none. */
static bool is_filled(struct tlv key, size_t from, size_t to)
{
	for (; from < to && from < key.n; from++)
		if (key.p[from])
			return false;
	return true;
}

static bool read_key(const struct raw_elem *e, size_t n, const uint8_t *bytes, const bool *host,
		     struct ival *out)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		size_t wide = n > 1 ? PADDED(bytes[i]) : bytes[i];

		if (at + bytes[i] > e->key.n || (e->end.p && at + bytes[i] > e->end.n))
			return false;
		out[i].lo = out[i].hi = read_number(e->key.p + at, bytes[i], host[i]);
		if (e->end.p)
			out[i].hi = read_number(e->end.p + at, bytes[i], host[i]);
		if (out[i].hi < out[i].lo || !is_filled(e->key, at + bytes[i], at + wide) ||
		    (e->end.p && !is_filled(e->end, at + bytes[i], at + wide)))
			return false;
		at += wide;
	}
	return at == PADDED(e->key.n) || at == e->key.n;
}

bool read_elems(struct arena *a, const struct raw_set *s, size_t n, const uint8_t *bytes,
		const bool *host, struct ir_elems *out)
{
	const struct raw_elem *e;

	if (n == 1 && s->flags & NFT_SET_INTERVAL)
		return read_intervals(a, s, bytes[0], host[0], out);
	out->v = arena_alloc(a, (s->elems.n + 1) * sizeof(*out->v));
	out->cap = s->elems.n;
	vec_each (&s->elems, e) {
		struct ir_elem one = e->as;

		if (one.order == IR_ORDER_LAST) {
			push_rest(a, e, n, bytes, out);
			continue;
		}
		if (!e->odd && !read_key(e, n, bytes, host, one.key))
			return false;
		if (e->odd)
			one.comment = e->odd;
		vec_push(a, out, one);
	}
	ir_elems_sort(out);
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct raw_elem *x = a, *y = b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int first = n ? memcmp(x->key.p, y->key.p, n) : 0;

	return first ? first : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

void read_set_end(struct reader *r, struct raw_set *s)
{
	uint8_t bytes[IR_MAX_CONCAT];
	struct ir_set *set = s->set;

	for (int i = 0; i < set->nkeys; i++)
		bytes[i] = (uint8_t)((field_table[set->keys[i]].bits + 7) / 8);
	if (set->nkeys && read_elems(r->a, s, set->nkeys, bytes, s->host, &set->elems))
		return;
	/* as many as there are, each of them unknown; a hash has them in any order */
	set->elems = (struct ir_elems){0};
	if (s->elems.n > 1)
		qsort(s->elems.v, s->elems.n, sizeof(*s->elems.v), by_key);
	for (size_t i = 0; i < s->elems.n; i++) {
		struct ir_elem one = s->elems.v[i].as;

		one.comment =
			arena_printf(r->a, "?%s", read_odd(r->a, "element", s->elems.v[i].key));
		vec_push(r->a, &set->elems, one);
	}
}
