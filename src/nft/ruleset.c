/* SPDX-License-Identifier: GPL-2.0-or-later
 * Objects get their names: "STEM.HASH", the hash over the canonical text, which holds the names of
 * all that the object refers to. Equal objects are one object.
 */
#include <stdlib.h>
#include <string.h>

#include "nft/nft.h"
#include "util/map.h"
#include "util/sha256.h"

#define HASH_CHARS 12 /* 48 bits, and only objects of one stem can meet */
/* 128: strangers make lists, and what has the name of another list would be taken for it. */
#define BULK_HASH_CHARS 32
#define NAME_ROOM 300 /* NFT_NAME_MAXLEN is 256; what is longer costs more */

struct ir_ruleset *ruleset_new(struct arena *a)
{
	struct ir_ruleset *r = arena_new_of(a, struct ir_ruleset);

	r->arena = a;
	r->forwarding = -1;
	r->live_flows = -1;
	r->by_name = arena_new_of(a, struct map);
	map_init(r->by_name, a);
	return r;
}

static const char *hashed_name(struct arena *a, const char *stem, const struct buf *text,
			       bool is_bulk)
{
	char hex[SHA256_HEX];

	sha256_hex(text->data, text->len, hex);
	return arena_printf(a, "%s.%.*s%s", stem, is_bulk ? BULK_HASH_CHARS : HASH_CHARS, hex,
			    is_bulk ? BULK_SUFFIX : "");
}

/* The dot before that many digits at the end, or NULL. */
static const char *tail(const char *name, size_t len, size_t digits)
{
	const char *dot = len > digits ? name + len - digits - 1 : NULL;

	return dot && *dot == '.' && strspn(dot + 1, "0123456789abcdef") >= digits ? dot : NULL;
}

const char *ruleset_stem(struct arena *a, const char *name)
{
	size_t len = strlen(name);
	const char *dot = bulk_is_name(name)
				  ? tail(name, len - strlen(BULK_SUFFIX), BULK_HASH_CHARS)
				  : tail(name, len, HASH_CHARS);

	return dot ? arena_strndup(a, name, (size_t)(dot - name)) : name;
}

static void *find(const struct ir_ruleset *r, char kind, const char *name)
{
	char key[NAME_ROOM] = {kind, ':'};
	size_t n = strlen(name);

	if (n > sizeof(key) - 3)
		return map_get(r->by_name, arena_printf(r->arena, "%c:%s", kind, name));
	memcpy(key + 2, name, n + 1);
	return map_get(r->by_name, key);
}

struct ir_chain *ruleset_chain(const struct ir_ruleset *r, const char *name)
{
	return find(r, 'c', name);
}

int ruleset_base_cmp(const struct ir_chain *x, size_t nth, const struct ir_chain *y, size_t mth)
{
	int px = x->base.priority, py = y->base.priority;

	return px != py ? (px > py) - (px < py) : (nth < mth) - (nth > mth);
}

struct ir_set *ruleset_set(const struct ir_ruleset *r, const char *name)
{
	return find(r, 's', name);
}

void ruleset_add_chain(struct ir_ruleset *r, struct ir_chain *c)
{
	map_put(r->by_name, arena_printf(r->arena, "c:%s", c->name), c);
	vec_push(r->arena, &r->chains, c);
}

int ir_elem_cmp(const void *a, const void *b)
{
	const struct ir_elem *x = a, *y = b;

	for (int i = 0; i < IR_MAX_CONCAT; i++) {
		if (x->key[i].lo != y->key[i].lo)
			return x->key[i].lo < y->key[i].lo ? -1 : 1;
		if (x->key[i].hi != y->key[i].hi)
			return x->key[i].hi < y->key[i].hi ? -1 : 1;
	}
	return 0;
}

/* Sorting takes as much memory again as there is. */
bool ir_elems_sorted(const struct ir_elems *e)
{
	for (size_t i = 1; i < e->n; i++)
		if (ir_elem_cmp(&e->v[i - 1], &e->v[i]) > 0)
			return false;
	return true;
}

void ir_elems_sort(struct ir_elems *e)
{
	if (!ir_elems_sorted(e))
		qsort(e->v, e->n, sizeof(*e->v), ir_elem_cmp);
}

void ruleset_add_set(struct ir_ruleset *r, struct ir_set *s)
{
	ir_elems_sort(&s->elems);
	map_put(r->by_name, arena_printf(r->arena, "s:%s", s->name), s);
	vec_push(r->arena, &r->sets, s);
}

struct ir_chain *ruleset_seal_chain(struct ir_ruleset *r, struct ir_chain *c)
{
	struct buf text = {0};
	struct ir_chain *same;

	c->name = c->stem;
	emit_chain(&text, c, false);
	c->name = hashed_name(r->arena, c->stem, &text, false);
	buf_free(&text);
	same = ruleset_chain(r, c->name);
	if (same)
		return same;
	ruleset_add_chain(r, c);
	return c;
}

struct ir_set *ruleset_seal_set(struct ir_ruleset *r, struct ir_set *s)
{
	struct buf text = {0};
	struct ir_set *same;

	s->name = s->stem;
	ir_elems_sort(&s->elems);
	emit_set(&text, s, false);
	s->name = hashed_name(r->arena, s->stem, &text, ir_set_is_bulk(s));
	buf_free(&text);
	same = ruleset_set(r, s->name);
	if (same)
		return same;
	ruleset_add_set(r, s);
	return s;
}

uint32_t bulk_keys(const struct ir_bulk *b)
{
	int shift = (b->elems->family == FAM_IP4 ? 32 : 128) - b->prefix;
	uint64_t n = 0;

	if (!b->prefix)
		return b->elems->n < UINT32_MAX ? (uint32_t)b->elems->n : UINT32_MAX;
	for (size_t i = 0; i < b->elems->n && n < UINT32_MAX; i++) {
		struct ival r = bulk_list_at(b->elems, i);
		u128 more = (r.hi - r.lo) >> shift;

		n += more < UINT32_MAX ? (uint64_t)more + 1 : UINT32_MAX;
	}
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

void ruleset_take_bulk(struct ir_ruleset *r, const struct ir_ruleset *known)
{
	struct ir_set *const *s;

	vec_each (&known->sets, s) {
		struct ir_set *same = ir_set_is_bulk(*s) ? ruleset_set(r, (*s)->name) : NULL;

		if (!same)
			continue;
		same->bulk = (*s)->bulk;
		same->elems = (struct ir_elems){0};
	}
}

const char *ir_comment(struct arena *a, const char *text)
{
	size_t n = strlen(text);
	char *s = arena_strndup(a, text, n > IR_MAX_COMMENT ? IR_MAX_COMMENT : n);

	for (char *c = s; *c; c++) {
		if (*c == '"' || *c == '\\')
			*c = '\'';
		else if (*c < ' ' || *c >= 127)
			*c = '?';
	}
	if (n > IR_MAX_COMMENT)
		memcpy(s + IR_MAX_COMMENT - 3, "...", 3);
	return s;
}

bool ruleset_has_base(const struct ir_ruleset *r)
{
	struct ir_chain *const *c;

	vec_each (&r->chains, c) {
		if ((*c)->base.hook)
			return true;
	}
	return false;
}
