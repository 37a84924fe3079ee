/* SPDX-License-Identifier: GPL-2.0-or-later
 * counters of live rules and elements -> `counter packets N bytes M` in what is staged. What is
 * counted between the reading and the swap, a few milliseconds, is lost.
 */
#include "apply/counters.h"

#include <ctype.h>
#include <string.h>

struct counted {
	const char *comment; /* the line's text; or NULL */
	uint64_t packets, bytes;
	const void *taken_by; /* a rule or element to be staged; NULL: nothing yet */
};

static bool is_hash(const char *s)
{
	for (int i = 0; i < 12; i++)
		if (!isdigit((unsigned char)s[i]) && (s[i] < 'a' || s[i] > 'f'))
			return false;
	return !isalnum((unsigned char)s[12]);
}

/* STEM: TEXT, with the hashes of the objects it names left out. */
static const char *key_of(struct arena *a, const char *stem, const char *text)
{
	char *key = arena_printf(a, "%s: %s", stem, text), *to = key;

	for (const char *from = key; *from;) {
		*to++ = *from++;
		if (to[-1] == '.' && strlen(from) >= 12 && is_hash(from))
			from += 12;
	}
	*to = '\0';
	return key;
}

static const struct ir_stmt *counter_of(const struct ir_rule *r)
{
	for (size_t i = 0; i < r->stmts.n; i++)
		if (r->stmts.v[i].kind == IR_COUNTER)
			return &r->stmts.v[i];
	return NULL;
}

static void remember(struct counters *c, const char *key, const char *comment, uint64_t packets,
		     uint64_t bytes)
{
	struct counted *x = packets ? map_get(&c->counts, key) : NULL;

	if (!packets)
		return;
	if (x) {
		x->packets += packets;
		x->bytes += bytes;
		return;
	}
	x = arena_new_of(c->arena, struct counted);
	*x = (struct counted){.comment = comment, .packets = packets, .bytes = bytes};
	map_put(&c->counts, key, x);
}

static const char *elem_key(struct counters *c, const struct ir_set *s, const struct ir_elem *e)
{
	struct buf text = {0};
	const char *key;

	emit_elem(&text, s, e);
	key = key_of(c->arena, s->stem, buf_str(&text));
	buf_free(&text);
	return key;
}

static const char *rule_key(struct counters *c, const struct ir_chain *chain,
			    const struct ir_rule *r)
{
	return key_of(c->arena, chain->stem, canonical_rule(c->arena, r));
}

static void collect_chain(struct counters *c, const struct ir_chain *chain)
{
	for (size_t i = 0; i < chain->rules.n; i++) {
		const struct ir_rule *r = &chain->rules.v[i];
		const struct ir_stmt *s = counter_of(r);

		if (s)
			remember(c, rule_key(c, chain, r), r->comment, s->counter.packets,
				 s->counter.bytes);
	}
}

static void collect_set(struct counters *c, const struct ir_set *s)
{
	const struct ir_elem *e;

	vec_each (&s->elems, e) {
		if (!s->dynamic && e->packets)
			remember(c, elem_key(c, s, e), e->comment, e->packets, e->bytes);
	}
}

void counters_collect(struct counters *c, const struct ir_ruleset *live, const struct manifest *m,
		      struct arena *a)
{
	struct map reach;
	const struct map_entry *e;

	*c = (struct counters){.arena = a};
	map_init(&c->counts, a);
	map_init(&c->rest, a);
	map_init(&reach, a);
	ruleset_reach(live, &reach);
	vec_each (&reach.entries, e) {
		if (manifest_find(m, e->key[0] == 'c', e->key + 2))
			continue;
		if (e->key[0] == 'c')
			collect_chain(c, e->value);
		else
			collect_set(c, e->value);
	}
}

static bool counted_nothing(const struct counters *c)
{
	return !c->counts.entries.n;
}

static void claim(struct counters *c, const char *key, const void *taker)
{
	struct counted *x = map_get(&c->counts, key);

	if (x && !x->taken_by)
		x->taken_by = taker;
}

void counters_claim_chain(struct counters *c, const struct ir_chain *want)
{
	const struct ir_rule *r;

	if (counted_nothing(c))
		return;
	vec_each (&want->rules, r) {
		if (counter_of(r))
			claim(c, rule_key(c, want, r), r);
	}
}

void counters_claim_set(struct counters *c, const struct ir_set *want)
{
	const struct ir_elem *e;

	if (counted_nothing(c))
		return;
	vec_each (&want->elems, e) {
		if (want->counter)
			claim(c, elem_key(c, want, e), e);
	}
}

void counters_settle(struct counters *c)
{
	const struct map_entry *e;

	vec_each (&c->counts.entries, e) {
		const struct counted *x = e->value;
		struct counted *rest;

		if (x->taken_by || !x->comment)
			continue;
		rest = map_get(&c->rest, x->comment);
		if (!rest) {
			rest = arena_new_of(c->arena, struct counted);
			map_put(&c->rest, x->comment, rest);
		}
		rest->packets += x->packets;
		rest->bytes += x->bytes;
	}
}

static struct counted take(struct counters *c, const char *key, const char *comment,
			   const void *taker)
{
	const struct counted *x = map_get(&c->counts, key);
	struct counted *rest = comment ? map_get(&c->rest, comment) : NULL;
	struct counted sum = {0};

	if (x && x->taken_by == taker)
		sum = *x;
	if (rest) {
		sum.packets += rest->packets;
		sum.bytes += rest->bytes;
		*rest = (struct counted){0};
	}
	return sum;
}

static void push_count(struct counters *c, size_t nth, const struct counted *x,
		       struct remake_counts *out)
{
	struct remake_count count = {(uint32_t)nth, x->packets, x->bytes};

	if (x->packets)
		vec_push(c->arena, out, count);
}

static struct counted rule_count(struct counters *c, const void *want, size_t n)
{
	const struct ir_chain *chain = want;
	const struct ir_rule *r = &chain->rules.v[n];

	if (n >= chain->rules.n || !counter_of(r))
		return (struct counted){0};
	return take(c, rule_key(c, chain, r), r->comment, r);
}

static struct counted elem_count(struct counters *c, const void *want, size_t n)
{
	const struct ir_set *s = want;
	const struct ir_elem *e = &s->elems.v[n];

	if (n >= s->elems.n)
		return (struct counted){0};
	return take(c, elem_key(c, s, e), e->comment, e);
}

void counters_take_chain(struct counters *c, const struct ir_chain *want, struct remake_counts *out)
{
	for (size_t i = 0; i < want->rules.n && !counted_nothing(c); i++) {
		struct counted x = rule_count(c, want, i);

		push_count(c, i, &x, out);
	}
}

void counters_take_set(struct counters *c, const struct ir_set *want, struct remake_counts *out)
{
	for (size_t i = 0; i < want->elems.n && want->counter && !counted_nothing(c); i++) {
		struct counted x = elem_count(c, want, i);

		push_count(c, want->elems.v[i].order, &x, out);
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), remake_count_cmp);
}

/* Behind the word `counter`, which is a word of its own and in no quotes. */
static const char *behind_counter(const char *line, size_t len)
{
	bool quoted = false;

	for (size_t i = 0; i + 7 <= len; i++) {
		if (line[i] == '"')
			quoted = !quoted;
		if (!quoted && !memcmp(line + i, "counter", 7) &&
		    (i == 0 || isspace((unsigned char)line[i - 1])) &&
		    (i + 7 == len || isspace((unsigned char)line[i + 7])))
			return line + i + 7;
	}
	return NULL;
}

static void put_line(struct buf *out, const char *line, size_t len, const struct counted *x)
{
	const char *at = x->packets ? behind_counter(line, len) : NULL;

	if (at) {
		buf_add(out, line, (size_t)(at - line));
		buf_printf(out, " packets %llu bytes %llu", (unsigned long long)x->packets,
			   (unsigned long long)x->bytes);
		buf_add(out, at, len - (size_t)(at - line));
	} else {
		buf_add(out, line, len);
	}
}

/* The block's lines one by one; what `count_of` yields for the n-th rule or element is its count.
 */
static void put_block(struct counters *c, const char *block, size_t len, const void *want,
		      bool (*is_item)(const char *line, size_t len),
		      struct counted (*count_of)(struct counters *, const void *want, size_t n),
		      struct buf *out)
{
	const char *end = block + len;
	size_t n = 0;

	while (block < end) {
		const char *stop = memchr(block, '\n', (size_t)(end - block));
		size_t length = (size_t)((stop ? stop : end) - block);
		struct counted count = {0};

		if (is_item(block, length))
			count = count_of(c, want, n++);
		put_line(out, block, length, &count);
		buf_putc(out, '\n');
		block += length + 1;
	}
}

static bool is_rule(const char *line, size_t len)
{
	return len > 2 && line[0] == '\t' && line[1] == '\t' && line[2] != '#' &&
	       strncmp(line + 2, "type ", 5);
}

void counters_chain(struct counters *c, const char *block, size_t len, const struct ir_chain *want,
		    struct buf *out)
{
	put_block(c, block, len, want, is_rule, rule_count, out);
}

static bool is_element(const char *line, size_t len)
{
	return len > 3 && !memcmp(line, "\t\t\t", 3) && line[3] != '#';
}

void counters_set(struct counters *c, const char *block, size_t len, const struct ir_set *want,
		  struct buf *out)
{
	if (want->counter)
		put_block(c, block, len, want, is_element, elem_count, out);
	else
		buf_add(out, block, len);
}

static const struct ir_rule *equal_rule(const struct ir_chain *c, const struct ir_rule *r)
{
	const struct ir_rule *x;

	if (!c)
		return NULL;
	vec_each (&c->rules, x) {
		if (same_rule(x, r))
			return x;
	}
	return NULL;
}

void counters_rule(const char *text, size_t len, const struct ir_rule *want,
		   const struct ir_chain *const *from, size_t n, struct buf *out)
{
	struct counted sum = {0};

	for (size_t i = 0; i < n; i++) {
		const struct ir_rule *r = equal_rule(from[i], want);
		const struct ir_stmt *s = r ? counter_of(r) : NULL;

		sum.packets += s ? s->counter.packets : 0;
		sum.bytes += s ? s->counter.bytes : 0;
	}
	put_line(out, text, len, &sum);
}
