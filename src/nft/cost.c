/* SPDX-License-Identifier: GPL-2.0-or-later
 * Ruleset IR -> estimates of what it costs. A packet that opens a connection and that no rule of
 * its pair matches goes past all of them: it is the one that is reckoned with. No rule is entered.
 */
#include "nft/cost.h"

#include <stdlib.h>
#include <string.h>

enum shape { SHAPE_HASH, SHAPE_TREE, SHAPE_CONCAT, NSHAPES };

#define SIZES 5

/* Measured, and all that is known of costs here. Nanoseconds are what one rule adds to a packet
 * whose keys are random; bytes, what the kernel charges to the memory cgroup of who loads it.
 * Linux 6.18 on an x86-64 server of 2 cores with AVX2, nftables 1.0.6; tests/bench/costs measures
 * both again. */
static const uint64_t sizes[SIZES] = {10, 1000, 10000, 100000, 1000000};
static const struct {
	uint32_t ns[SIZES]; /* a look-up in so many elements, or fewer */
	uint32_t bytes; /* an element whose key has the bytes below */
	uint32_t key;
} table[NSHAPES] = {
	/* ns from 1,000 on: UDP between namespaces; 10: tests/bench/costs, which is why a hash has
	 * the same twice. Bytes: a million addresses loaded. */
	[SHAPE_HASH] = {{46, 46, 118, 300, 350}, 86, 4},
	/* the same; bytes: 10,000 ranges, each of two nodes */
	[SHAPE_TREE] = {{106, 327, 490, 1498, 3430}, 168, 4},
	/* a concatenation with intervals: not measured over 100,000, where it grows as its size
	 * does; bytes: 10,000 of an address and ports */
	[SHAPE_CONCAT] = {{118, 164, 1071, 8635, 86350}, 557, 8},
};
#define TEST_TENTHS 105 /* a rule that does not match; UDP between namespaces */
#define FAMILY_TENTHS 187 /* one that asks for an address, and so for the family first; the same   \
			   */
#define RULE_BYTES 850 /* tests/bench/costs: address, port, counter, verdict, 48 bytes of comment  \
			*/
#define COUNTED_BYTES 145 /* an element with counter and verdict, beyond its key; the same */
#define VERDICT_BYTES 16 /* one with a verdict alone: struct nft_verdict */

struct walk {
	const struct ir_ruleset *r;
	struct arena *a;
	struct cost *to;
	VEC(const struct ir_set *) sets; /* that were counted */
	VEC(struct span) lines; /* of the policy, some more than once */
	unsigned deep;
};

static uint64_t lookup_ns(enum shape shape, uint64_t n)
{
	for (int i = 0; i < SIZES; i++)
		if (n <= sizes[i])
			return table[shape].ns[i];
	return table[shape].ns[SIZES - 1];
}

static unsigned key_bytes(const enum field *f, size_t n)
{
	unsigned bytes = 0;

	for (size_t i = 0; i < n; i++) /* each begins at a multiple of four */
		bytes += (field_table[f[i]].bits + 31) / 32 * 4;
	return bytes;
}

static uint64_t element_bytes(enum shape shape, unsigned key)
{
	uint32_t bytes = table[shape].bytes,
		 more = key > table[shape].key ? key - table[shape].key : 0;

	if (shape == SHAPE_CONCAT) /* its tables are by bits of the key */
		return (uint64_t)bytes * (key ? key : 4) / table[shape].key;
	return bytes + (shape == SHAPE_TREE ? 2 : 1) * more;
}

static enum shape shape_of_set(const struct ir_set *s)
{
	if (s->bulk)
		return s->bulk->prefix ? SHAPE_HASH : SHAPE_TREE;
	if (!s->interval)
		return SHAPE_HASH;
	return s->nkeys > 1 ? SHAPE_CONCAT : SHAPE_TREE;
}

/* What packets fill is empty at first, and nobody knows what it will hold. */
static uint64_t set_elements(const struct ir_set *s)
{
	return s->bulk ? s->size : s->dynamic ? 0 : s->elems.n;
}

static uint64_t set_bytes(const struct ir_set *s)
{
	uint64_t bytes =
		set_elements(s) * element_bytes(shape_of_set(s), key_bytes(s->keys, s->nkeys));
	const struct ir_elem *e;

	vec_each (&s->elems, e)
		if (!s->dynamic && s->is_map)
			bytes += (s->counter ? COUNTED_BYTES : VERDICT_BYTES) +
				 (e->comment ? strlen(e->comment) : 0);
	return bytes;
}

static bool counted(struct walk *w, const struct ir_set *s)
{
	for (size_t i = 0; i < w->sets.n; i++)
		if (w->sets.v[i] == s)
			return true;
	vec_push(w->a, &w->sets, s);
	return false;
}

static void note_line(struct walk *w, struct span at)
{
	if (at.src)
		vec_push(w->a, &w->lines, at);
}

static void look_up(struct walk *w, const char *name)
{
	const struct ir_set *s = ruleset_set(w->r, name);
	const struct ir_elem *e;

	w->to->lookups++;
	if (!s) { /* one that packets fill, of no declaration: a hash */
		w->to->tenths += lookup_ns(SHAPE_HASH, 0) * 10;
		return;
	}
	w->to->tenths += lookup_ns(shape_of_set(s), s->dynamic ? s->size : set_elements(s)) * 10;
	if (counted(w, s))
		return;
	w->to->elements += set_elements(s);
	w->to->bytes += set_bytes(s);
	vec_each (&s->elems, e)
		note_line(w, e->at);
}

static void look_up_anonymous(struct walk *w, const struct ir_sel *sel,
			      const struct ir_elems *values)
{
	enum shape shape = sel->n > 1 ? SHAPE_CONCAT : SHAPE_TREE;
	bool interval = false;

	for (size_t i = 0; i < values->n; i++)
		for (int k = 0; k < sel->n; k++)
			interval |= values->v[i].key[k].lo != values->v[i].key[k].hi;
	if (!interval)
		shape = SHAPE_HASH;
	w->to->lookups++;
	w->to->tenths += lookup_ns(shape, values->n) * 10;
	w->to->elements += values->n;
	w->to->bytes += values->n * element_bytes(shape, key_bytes(sel->f, sel->n));
}

static bool asks_address(const struct ir_sel *s)
{
	for (int i = 0; i < s->n; i++)
		if (s->f[i] >= F_IP_SADDR && s->f[i] <= F_IP6_DADDR)
			return true;
	return false;
}

/* It asks for the protocol first, which few packets have. */
static bool is_icmp(const struct ir_stmt *s)
{
	enum field f = s->kind == IR_MATCH ? s->match.sel.f[0] : NFIELDS;

	return f == F_ICMP_TYPE || f == F_ICMPV6_TYPE || f == F_ICMP_CODE || f == F_ICMPV6_CODE;
}

static void walk_chain(struct walk *w, const struct ir_chain *c);

static void walk_rule(struct walk *w, const struct ir_rule *r)
{
	size_t before = w->to->lookups, matches = 0;
	const struct ir_chain *next;
	const struct ir_stmt *s;
	bool address = false;

	w->to->bytes += RULE_BYTES;
	note_line(w, r->at);
	for (s = r->stmts.v; s && s < r->stmts.v + r->stmts.n; s++) {
		matches += s->kind == IR_MATCH || s->kind == IR_VMAP;
		if (is_icmp(s))
			break;
		if (s->kind == IR_VMAP && s->vmap.map)
			look_up(w, s->vmap.map);
		else if (s->kind == IR_VMAP)
			look_up_anonymous(w, &s->vmap.sel, &s->vmap.elems);
		else if (s->kind == IR_MATCH && s->match.set)
			look_up(w, s->match.set);
		else if (s->kind == IR_MATCH && s->match.values.n > 1 && s->match.op != OP_ANYBIT)
			look_up_anonymous(w, &s->match.sel, &s->match.values);
		address |= s->kind == IR_MATCH && asks_address(&s->match.sel);
	}
	if (w->to->lookups == before) {
		w->to->tests++;
		w->to->tenths += address ? FAMILY_TENTHS : TEST_TENTHS;
	}
	if (matches || !r->stmts.n)
		return;
	s = &r->stmts.v[r->stmts.n - 1];
	next = s->kind == IR_VERDICT && s->verdict.target ? ruleset_chain(w->r, s->verdict.target)
							  : NULL;
	if (next)
		walk_chain(w, next);
}

static void walk_chain(struct walk *w, const struct ir_chain *c)
{
	const struct ir_rule *r;

	if (++w->deep < 16) /* the kernel's own limit of jumps */
		vec_each (&c->rules, r)
			walk_rule(w, r);
	w->deep--;
}

static int cmp_span(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->src != y->src)
		return (uintptr_t)x->src < (uintptr_t)y->src ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

static size_t count_lines(struct walk *w)
{
	size_t n = 0;

	if (w->lines.n)
		qsort(w->lines.v, w->lines.n, sizeof(*w->lines.v), cmp_span);
	for (size_t i = 0; i < w->lines.n; i++)
		n += !i || cmp_span(&w->lines.v[i - 1], &w->lines.v[i]);
	return n;
}

static bool by_interface(const struct ir_rule *r)
{
	const struct ir_stmt *s = r->stmts.n ? &r->stmts.v[0] : NULL;

	return s && s->kind == IR_VMAP && s->vmap.sel.n == 1 &&
	       (s->vmap.sel.f[0] == F_IIFNAME || s->vmap.sel.f[0] == F_OIFNAME);
}

/* What comes before the rules of a pair: the root of the hook to its last look-up by interface; of
 * what is forwarded, there is one more of the same size. */
static uint64_t before_rules(const struct ir_ruleset *r, struct arena *a, const char *hook)
{
	const struct ir_chain *base = ruleset_chain(r, hook), *root = NULL;
	struct cost sum = {0}, second = {0};
	struct walk w = {.r = r, .a = a, .to = &sum};
	size_t last = 0;

	if (base && base->rules.n)
		root = ruleset_chain(r, base->rules.v[0].stmts.v[0].verdict.target);
	if (!root)
		return 0;
	for (size_t i = 0; i < root->rules.n; i++)
		if (by_interface(&root->rules.v[i]))
			last = i + 1;
	if (!last)
		last = root->rules.n;
	for (size_t i = 0; i < last; i++) {
		w.to = &sum;
		walk_rule(&w, &root->rules.v[i]);
		w.to = &second;
		if (by_interface(&root->rules.v[i]) && !strcmp(hook, "forward"))
			walk_rule(&w, &root->rules.v[i]);
	}
	return sum.tenths + second.tenths;
}

static int dearest_first(const void *a, const void *b)
{
	const struct cost_pair *x = a, *y = b;
	int names;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	names = strcmp(x->from, y->from);
	return names ? names : strcmp(x->to, y->to);
}

void cost_ruleset(struct cost_report *out, struct arena *a, const struct ir_ruleset *r)
{
	static const char *const hooks[] = {"input", "forward", "output"};
	uint64_t before[3];
	struct ir_set *const *s;
	struct ir_chain *const *c;
	const struct ir_pair *p;

	*out = (struct cost_report){0};
	for (int i = 0; i < 3; i++)
		before[i] = before_rules(r, a, hooks[i]);
	vec_reserve(a, &out->pairs, r->pairs.n);
	vec_each (&r->pairs, p) {
		struct cost_pair pair = {.from = p->from, .to = p->to, .hook = p->hook};
		struct arena *own = arena_new();
		struct walk w = {.r = r, .a = own, .to = &pair.own};

		walk_chain(&w, p->chain);
		pair.own.rules = count_lines(&w);
		pair.ns = pair.own.tenths;
		for (int i = 0; i < 3; i++)
			pair.ns += strcmp(p->hook, hooks[i]) ? 0 : before[i];
		pair.ns = (pair.ns + 5) / 10;
		vec_push(a, &out->pairs, pair);
		arena_free(own);
	}
	if (out->pairs.n)
		qsort(out->pairs.v, out->pairs.n, sizeof(*out->pairs.v), dearest_first);
	vec_each (&r->sets, s) {
		out->elements += set_elements(*s);
		out->bytes += set_bytes(*s);
	}
	vec_each (&r->chains, c)
		out->bytes += (*c)->rules.n * RULE_BYTES;
}

/* ---- printing ---- */

static const char *size_text(char *s, size_t n, uint64_t bytes)
{
	if (bytes < 10000)
		snprintf(s, n, "%llu B", (unsigned long long)bytes);
	else if (bytes < 10000000)
		snprintf(s, n, "%llu kB", (unsigned long long)((bytes + 500) / 1000));
	else
		snprintf(s, n, "%llu MB", (unsigned long long)((bytes + 500000) / 1000000));
	return s;
}

static int widest(const struct cost_report *c, bool to)
{
	const struct cost_pair *p;
	size_t wide = 4;

	vec_each (&c->pairs, p) {
		size_t n = strlen(to ? p->to : p->from);

		wide = n > wide ? n : wide;
	}
	return (int)wide;
}

void cost_print(struct buf *out, const struct cost_report *c)
{
	int from = widest(c, false), to = widest(c, true);
	const struct cost_pair *p;
	char size[32];

	buf_printf(out, "%-*s  %-*s  %7s %7s %8s %9s %8s %8s\n", from, "from", to, "to", "rules",
		   "tests", "look-ups", "elements", "memory", "est. ns");
	vec_each (&c->pairs, p)
		buf_printf(out, "%-*s  %-*s  %7zu %7zu %8zu %9llu %8s %8llu\n", from, p->from, to,
			   p->to, p->own.rules, p->own.tests, p->own.lookups,
			   (unsigned long long)p->own.elements,
			   size_text(size, sizeof(size), p->own.bytes), (unsigned long long)p->ns);
	buf_printf(out,
		   "all: %llu elements, about %s in the kernel; sets that pairs share are counted "
		   "once\n"
		   "estimated, from costs measured on another machine: for a packet that opens a "
		   "connection\nand that no rule of the pair matches; those that follow take the "
		   "first rule of all\n",
		   (unsigned long long)c->elements, size_text(size, sizeof(size), c->bytes));
}

json_t *cost_json(const struct cost_report *c)
{
	json_t *pairs = json_array();
	const struct cost_pair *p;

	vec_each (&c->pairs, p)
		json_array_append_new(
			pairs,
			json_pack("{ss ss ss sI sI sI sI sI sI}", "from", p->from, "to", p->to,
				  "hook", p->hook, "rules", (json_int_t)p->own.rules, "tests",
				  (json_int_t)p->own.tests, "lookups", (json_int_t)p->own.lookups,
				  "elements", (json_int_t)p->own.elements, "bytes",
				  (json_int_t)p->own.bytes, "ns", (json_int_t)p->ns));
	return json_pack("{sb sI sI so}", "estimated", 1, "elements", (json_int_t)c->elements,
			 "bytes", (json_int_t)c->bytes, "pairs", pairs);
}
