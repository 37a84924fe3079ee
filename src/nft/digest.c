/* SPDX-License-Identifier: GPL-2.0-or-later
 * messages of the kernel -> what of them the same script makes each time -> hashes.
 */
#include "nft/digest.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nft/read.h"
#include "util/buf.h"

#define ANONYMOUS "__" /* what the kernel's names of such sets begin with */

struct object;

struct piece { /* an element */
	size_t from, n;
	const struct object *of;
};

struct object {
	struct sha256 hash;
	bool anonymous, at_run_time;
	bool idle; /* a base chain that accepts, without rules */
	bool ordered; /* its elements are found in their order */
	struct buf bytes; /* of its elements */
	VEC(struct piece) elems; /* in it */
	const uint8_t *digest; /* when it is done */
};

struct digests {
	struct arena *arena;
	struct map objects; /* by key; anonymous sets too */
	struct buf scrap;
	bool sets_done;
};

static const char *key_of(struct digests *d, char kind, struct tlv name)
{
	size_t n = name.n ? strnlen((const char *)name.p, name.n) : 0;

	return arena_printf(d->arena, "%c:%.*s", kind, (int)n, n ? (const char *)name.p : "");
}

/* ---- what goes into a hash ---- */

static void put(struct buf *out, uint16_t type, struct tlv value)
{
	uint32_t head[2] = {type, (uint32_t)value.n};

	buf_add(out, head, sizeof(head));
	if (value.n)
		buf_add(out, value.p, value.n);
}

/* The head of what follows, up to put_end(). */
static size_t put_begin(struct buf *out, uint16_t type)
{
	put(out, type, (struct tlv){0});
	return out->len;
}

static void put_end(struct buf *out, size_t begun)
{
	uint32_t n = (uint32_t)(out->len - begun);

	memcpy(out->data + begun - sizeof(n), &n, sizeof(n));
}

/* Which set a rule looks into: of one without a name of its own, what is in it. */
static void put_set_name(struct digests *d, struct buf *out, uint16_t type, struct tlv name)
{
	const struct object *o = NULL;

	if (name.n > 2 && !memcmp(name.p, ANONYMOUS, 2))
		o = map_get(&d->objects, key_of(d, 's', name));
	if (o && o->digest)
		name = (struct tlv){o->digest, SHA256_BYTES};
	put(out, type, name);
}

static void put_expr(struct digests *d, struct buf *out, uint16_t as, struct tlv expr)
{
	struct tlv v[NFTA_EXPR_MAX + 1], value;
	size_t begun = put_begin(out, as);
	bool looks;
	uint16_t type;

	if (!tlv_sort(expr, v, NFTA_EXPR_MAX)) {
		put(out, NFTA_LIST_UNSPEC, expr);
		put_end(out, begun);
		return;
	}
	put(out, NFTA_EXPR_NAME, v[NFTA_EXPR_NAME]);
	looks = tlv_is(v[NFTA_EXPR_NAME], "lookup") || tlv_is(v[NFTA_EXPR_NAME], "dynset");
	while (looks && tlv_next(&v[NFTA_EXPR_DATA], &type, &value)) {
		if (type == NFTA_LOOKUP_SET) /* NFTA_DYNSET_SET_NAME is the same number */
			put_set_name(d, out, type, value);
		else
			put(out, type, value);
	}
	if (!tlv_is(v[NFTA_EXPR_NAME], "counter"))
		put(out, NFTA_EXPR_DATA, v[NFTA_EXPR_DATA]); /* of look-ups what is left of it */
	put_end(out, begun);
}

static void put_exprs(struct digests *d, struct buf *out, uint16_t as, struct tlv list)
{
	size_t begun = put_begin(out, as);
	struct tlv expr;
	uint16_t type;

	while (tlv_next(&list, &type, &expr))
		put_expr(d, out, type, expr);
	put_end(out, begun);
}

struct filter { /* types of attributes; 0: none */
	uint16_t without[5];
	uint16_t expr, exprs; /* of which only what packets count is left out */
};

static void put_attrs(struct digests *d, struct buf *out, struct tlv body, const struct filter *f)
{
	struct tlv value;
	uint16_t type;

	while (tlv_next(&body, &type, &value)) {
		const uint16_t *w = f->without;

		while (*w && *w != type)
			w++;
		if (f->expr && type == f->expr)
			put_expr(d, out, type, value);
		else if (f->exprs && type == f->exprs)
			put_exprs(d, out, type, value);
		else if (!*w)
			put(out, type, value);
	}
	if (body.n) /* no attribute */
		buf_add(out, body.p, body.n);
}

/* ---- objects ---- */

static struct object *object_of(struct digests *d, char kind, struct tlv name)
{
	const char *key = key_of(d, kind, name);
	struct object *o = map_get(&d->objects, key);

	if (o)
		return o;
	o = arena_new_of(d->arena, struct object);
	sha256_start(&o->hash);
	map_put(&d->objects, key, o);
	return o;
}

static void add(struct object *o, const void *p, size_t len)
{
	uint32_t n = (uint32_t)len;

	sha256_add(&o->hash, &n, sizeof(n));
	sha256_add(&o->hash, p, len);
}

static void add_body(struct digests *d, struct object *o, struct tlv body, const struct filter *f)
{
	d->scrap.len = 0;
	put_attrs(d, &d->scrap, body, f);
	add(o, buf_str(&d->scrap), d->scrap.len);
}

static void take_table(struct digests *d, struct tlv body)
{
	static const struct filter f = {.without = {NFTA_TABLE_USE, NFTA_TABLE_HANDLE}};
	struct tlv v[NFTA_TABLE_MAX + 1];

	tlv_sort(body, v, NFTA_TABLE_MAX);
	add_body(d, object_of(d, 't', v[NFTA_TABLE_NAME]), body, &f);
}

static void take_chain(struct digests *d, struct tlv body)
{
	static const struct filter f = {
		.without = {NFTA_CHAIN_HANDLE, NFTA_CHAIN_USE, NFTA_CHAIN_COUNTERS}};
	struct tlv v[NFTA_CHAIN_MAX + 1];
	struct object *o;

	tlv_sort(body, v, NFTA_CHAIN_MAX);
	o = object_of(d, 'c', v[NFTA_CHAIN_NAME]);
	o->idle = v[NFTA_CHAIN_HOOK].p && tlv_number(v[NFTA_CHAIN_POLICY]) == NF_ACCEPT;
	add_body(d, o, body, &f);
}

static void take_flowtable(struct digests *d, struct tlv body)
{
	/* devices come and go */
	static const struct filter f = {
		.without = {NFTA_FLOWTABLE_USE, NFTA_FLOWTABLE_HANDLE, NFTA_FLOWTABLE_HOOK}};
	struct tlv v[NFTA_FLOWTABLE_MAX + 1];

	tlv_sort(body, v, NFTA_FLOWTABLE_MAX);
	add_body(d, object_of(d, 'f', v[NFTA_FLOWTABLE_NAME]), body, &f);
}

static void take_object(struct digests *d, struct tlv body)
{
	static const struct filter f = {.without = {NFTA_OBJ_USE, NFTA_OBJ_HANDLE}};
	struct tlv v[NFTA_OBJ_MAX + 1], quota[NFTA_QUOTA_MAX + 1];

	tlv_sort(body, v, NFTA_OBJ_MAX);
	if (tlv_number(v[NFTA_OBJ_TYPE]) == NFT_OBJECT_QUOTA) { /* less what is used of it */
		tlv_sort(v[NFTA_OBJ_DATA], quota, NFTA_QUOTA_MAX);
		add(object_of(d, 'o', v[NFTA_OBJ_NAME]), quota[NFTA_QUOTA_BYTES].p,
		    quota[NFTA_QUOTA_BYTES].n);
		return;
	}
	add_body(d, object_of(d, 'o', v[NFTA_OBJ_NAME]), body, &f);
}

static void take_set(struct digests *d, struct tlv body)
{
	struct filter f = {.without = {NFTA_SET_HANDLE, TLV_SET_TYPE, TLV_SET_COUNT},
			   .expr = NFTA_SET_EXPR,
			   .exprs = NFTA_SET_EXPRESSIONS};
	struct tlv v[NFTA_SET_MAX + 1];
	struct object *o;
	uint64_t flags;

	tlv_sort(body, v, NFTA_SET_MAX);
	o = object_of(d, 's', v[NFTA_SET_NAME]);
	flags = tlv_number(v[NFTA_SET_FLAGS]);
	o->anonymous = flags & NFT_SET_ANONYMOUS;
	o->at_run_time = flags & (NFT_SET_TIMEOUT | NFT_SET_EVAL);
	if (o->anonymous)
		f.without[3] = NFTA_SET_NAME;
	add_body(d, o, body, &f);
}

static void take_elems(struct digests *d, struct tlv body)
{
	static const struct filter f = {.expr = NFTA_SET_ELEM_EXPR,
					.exprs = NFTA_SET_ELEM_EXPRESSIONS};
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1], elem, parts[NFTA_SET_ELEM_MAX + 1];
	struct object *o;
	uint16_t type;

	tlv_sort(body, v, NFTA_SET_ELEM_LIST_MAX);
	o = object_of(d, 's', v[NFTA_SET_ELEM_LIST_SET]);
	while (!o->at_run_time && tlv_next(&v[NFTA_SET_ELEM_LIST_ELEMENTS], &type, &elem)) {
		size_t from = o->bytes.len;

		tlv_sort(elem, parts, NFTA_SET_ELEM_MAX);
		o->ordered |= parts[NFTA_SET_ELEM_KEY_END].p != NULL;
		put_attrs(d, &o->bytes, elem, &f);
		vec_push(d->arena, &o->elems, ((struct piece){from, o->bytes.len - from, o}));
	}
}

/* By their bytes. */
static int piece_cmp(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int first = memcmp(x->of->bytes.data + x->from, y->of->bytes.data + y->from,
			   x->n < y->n ? x->n : y->n);

	return first ? first : (x->n > y->n) - (x->n < y->n);
}

static void finish(struct digests *d, struct object *o)
{
	uint8_t *digest = arena_alloc(d->arena, SHA256_BYTES);

	if (o->elems.n > 1 && !o->ordered)
		qsort(o->elems.v, o->elems.n, sizeof(*o->elems.v), piece_cmp);
	for (size_t i = 0; i < o->elems.n; i++)
		add(o, o->bytes.data + o->elems.v[i].from, o->elems.v[i].n);
	buf_free(&o->bytes);
	sha256_end(&o->hash, digest);
	o->digest = digest;
}

/* What sets hold is told before the rules that look into them. */
static void finish_sets(struct digests *d)
{
	const struct map_entry *e;

	vec_each (&d->objects.entries, e) {
		struct object *o = e->value;

		if (e->key[0] == 's' && !o->digest)
			finish(d, o);
	}
}

static void take_rule(struct digests *d, struct tlv body)
{
	static const struct filter f = {.without = {NFTA_RULE_HANDLE, NFTA_RULE_POSITION},
					.exprs = NFTA_RULE_EXPRESSIONS};
	struct tlv v[NFTA_RULE_MAX + 1];
	struct object *o;

	if (!d->sets_done)
		finish_sets(d);
	d->sets_done = true;
	tlv_sort(body, v, NFTA_RULE_MAX);
	o = object_of(d, 'c', v[NFTA_RULE_CHAIN]);
	o->idle = false;
	add_body(d, o, body, &f);
}

static bool take(struct digests *d, const struct tlv_message *m)
{
	switch (m->type - (NFNL_SUBSYS_NFTABLES << 8)) {
	case NFT_MSG_NEWTABLE:
		take_table(d, m->body);
		return true;
	case NFT_MSG_NEWCHAIN:
		take_chain(d, m->body);
		return true;
	case NFT_MSG_NEWSET:
		take_set(d, m->body);
		return !d->sets_done;
	case NFT_MSG_NEWSETELEM:
		take_elems(d, m->body);
		return !d->sets_done;
	case NFT_MSG_NEWRULE:
		take_rule(d, m->body);
		return true;
	case NFT_MSG_NEWFLOWTABLE:
		take_flowtable(d, m->body);
		return true;
	case NFT_MSG_NEWOBJ:
		take_object(d, m->body);
		return true;
	default:
		return false;
	}
}

bool dump_digests(struct arena *a, const void *bytes, size_t n, struct map *out)
{
	struct digests d = {.arena = a};
	struct tlv rest = {bytes, n};
	struct tlv_message m;
	const struct map_entry *e;
	bool ok = true;

	map_init(&d.objects, a);
	map_init(out, a);
	while (ok && tlv_message(&rest, &m))
		ok = read_is_sound(&m) && take(&d, &m);
	vec_each (&d.objects.entries, e) {
		struct object *o = e->value;

		if (!o->digest)
			finish(&d, o);
		if (!o->anonymous && !o->idle)
			map_put(out, e->key, (void *)o->digest);
	}
	buf_free(&d.scrap);
	return ok && !rest.n;
}
