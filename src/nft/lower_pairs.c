/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two places -> the rules that apply between them. Those of each place are found once: of a
 * thousand zones there are a million pairs.
 */
#include <string.h>

#include "nft/lower.h"
#include "util/sha256.h"

void note_pair(struct lower *l, const struct ir_chain *c, int from, int to)
{
	struct ir_pair pair = {place_name(l, from), place_name(l, to), "forward", c};

	if (place_root(l->p, to) == PLACE_SELF)
		pair.hook = "input";
	else if (place_root(l->p, from) == PLACE_SELF)
		pair.hook = "output";
	if (c->rules.n && !l->silent) /* else it is one that there was before, once more */
		vec_push(l->arena, &l->r->pairs, pair);
}

/* ---- rules of a place ---- */

const uint32_t *first_alike(struct lower *l, size_t rule, const struct endpoint *e, bool to)
{
	uint32_t **known, *first;

	if (!l->alike)
		l->alike = arena_alloc(l->work, 2 * l->p->rules.n * sizeof(*l->alike));
	known = &l->alike[2 * rule + to];
	if (*known)
		return *known;
	*known = first = arena_alloc(l->work, e->items.n * sizeof(*first));
	for (uint32_t i = 0; i < e->items.n; i++) {
		first[i] = i;
		for (uint32_t k = 0; k < i && first[i] == i; k++)
			if (first[k] == k &&
			    addrs_alike(&e->items.v[k].addrs, &e->items.v[i].addrs))
				first[i] = k;
	}
	return first;
}

/* Which of the items hold at the place, their number first; false: none. */
static bool items_at(struct lower *l, size_t rule, const struct endpoint *e, bool to, int place,
		     struct buf *key)
{
	uint32_t n = 0;
	size_t at = key->len;

	buf_add(key, &n, sizeof(n));
	for (size_t i = 0; i < e->items.n; i++) {
		if (!item_at(&e->items.v[i], place))
			continue;
		buf_add(key, &first_alike(l, rule, e, to)[i], sizeof(uint32_t));
		n++;
	}
	memcpy(key->data + at, &n, sizeof(n));
	return n;
}

/* Of a rule that applies at a place: where in the bytes what it says of that ends. */
struct placed_rule {
	uint32_t rule;
	uint32_t end;
};

struct placed {
	bool known;
	VEC(struct placed_rule) v;
	const char *bytes; /* items_at() of each of them */
};

static struct placed *new_placed(struct lower *l)
{
	size_t places = (size_t)(place_end(l->p) - PLACE_OTHER);

	return arena_alloc(l->work, 2 * places * sizeof(struct placed));
}

/* As the source of the rules, or as what they go `to`. */
static const struct placed *rules_at(struct lower *l, bool to, int place)
{
	struct placed *at;
	struct buf bytes = {0};

	if (!l->placed)
		l->placed = new_placed(l);
	at = &l->placed[2 * (place - PLACE_OTHER) + to];
	if (at->known)
		return at;
	at->known = true;
	for (size_t i = 0; i < l->p->rules.n; i++) {
		const struct rule *rule = &l->p->rules.v[i];
		size_t before = bytes.len;

		if (!rule->q.absent &&
		    items_at(l, i, to ? &rule->to : &rule->from, to, place, &bytes))
			vec_push(l->work, &at->v,
				 ((struct placed_rule){(uint32_t)i, (uint32_t)bytes.len}));
		else
			bytes.len = before;
	}
	if (bytes.len)
		at->bytes = memcpy(arena_alloc(l->work, bytes.len), bytes.data, bytes.len);
	buf_free(&bytes);
	return at;
}

struct pair_rules pair_rules(struct lower *l, int from, int to)
{
	const struct placed *x = rules_at(l, false, from);

	return (struct pair_rules){.from = x, .to = rules_at(l, true, to)};
}

bool next_rule(struct pair_rules *x, size_t *rule)
{
	for (; x->i < x->from->v.n && x->k < x->to->v.n; x->i++) {
		uint32_t is = x->from->v.v[x->i].rule;

		while (x->k < x->to->v.n && x->to->v.v[x->k].rule < is)
			x->k++;
		if (x->k == x->to->v.n || x->to->v.v[x->k].rule != is)
			continue;
		x->i++;
		*rule = is;
		return true;
	}
	return false;
}

/* Of this machine there may be more than the rules say. */
bool pair_is_silent(struct lower *l, int from, int to)
{
	struct pair_rules all;
	size_t rule;

	if (place_root(l->p, from) == PLACE_SELF || place_root(l->p, to) == PLACE_SELF)
		return false;
	all = pair_rules(l, from, to);
	return !next_rule(&all, &rule);
}

/* ---- pairs that share a chain ---- */

/* With fewer zones, each pair has a chain that is called as it is, unless rules might be written so
 * many times. */
#define COPIES_MIN 32768

static void add_items(struct buf *key, const struct placed *at, size_t i)
{
	uint32_t begin = i ? at->v.v[i - 1].end : 0;

	buf_add(key, at->bytes + begin, at->v.v[i].end - begin);
}

/* What a chain says depends on the rules that apply, and on the items of each that hold at its two
 * places; but for what goes to this machine or comes from it. */
const char *shared_key(struct lower *l, int from, int to)
{
	size_t zones = l->p->zones.n, rule;
	struct pair_rules all;
	char hex[SHA256_HEX];
	struct buf key = {0};

	if ((zones < ZONES_MIN && zones * zones * l->p->rules.n < COPIES_MIN) ||
	    place_root(l->p, from) == PLACE_SELF || place_root(l->p, to) == PLACE_SELF)
		return NULL;
	all = pair_rules(l, from, to);
	while (next_rule(&all, &rule)) {
		uint64_t number = rule;

		buf_add(&key, &number, sizeof(number));
		add_items(&key, all.from, all.i - 1);
		add_items(&key, all.to, all.k);
	}
	sha256_hex(key.data, key.len, hex);
	buf_free(&key);
	return arena_strdup(l->arena, hex);
}
