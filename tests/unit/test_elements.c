/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is sent to change a set, carried out as the kernel does it: what is deleted must be an
 * element to the letter, and what is added must overlap none. Afterwards each of 64 addresses has
 * the time that the manual says, by a table of them one by one.
 */
#include <stdlib.h>

#include "nft/elements.h"
#include "nft/nft.h"
#include "test.h"

#define SPACE 64
#define BASE 0xc0000200u /* 192.0.2.0 */
#define FOREVER 1000000

struct elem {
	unsigned lo, hi;
	long left; /* FOREVER: it does not age */
};

struct kernel { /* a set of intervals */
	struct elem v[SPACE];
	size_t n;
	bool wrong;
};

static struct ir_set *as_read(struct arena *a, const struct kernel *k)
{
	struct ir_set *s = arena_new_of(a, struct ir_set);

	*s = (struct ir_set){
		.name = "n.v4", .dynamic = true, .interval = true, .nkeys = 1, .timeout = 100};
	s->keys[0] = F_IP_SADDR;
	for (size_t i = 0; i < k->n; i++) {
		struct ir_elem e = {.key = {{BASE + k->v[i].lo, BASE + k->v[i].hi}},
				    .ages = k->v[i].left != FOREVER,
				    .left = (uint64_t)k->v[i].left};

		vec_push(a, &s->elems, e);
	}
	ir_elems_sort(&s->elems);
	return s;
}

static struct elem read_elem(char *text)
{
	char *expires = strstr(text, " expires 0d"), *end = strchr(text, ' ');
	struct elem e = {.left = expires ? atol(expires + strlen(" expires 0d")) : FOREVER};
	const char *why;
	enum family family;
	struct ival at;

	if (end)
		*end = '\0';
	if (!addr_parse_range(text, strlen(text), &family, &at, &why))
		return (struct elem){.lo = 1, .hi = SPACE};
	e.lo = (unsigned)(at.lo - BASE);
	e.hi = (unsigned)(at.hi - BASE);
	return e;
}

static void delete_one(struct kernel *k, struct elem e)
{
	size_t i = 0;

	while (i < k->n && (k->v[i].lo != e.lo || k->v[i].hi != e.hi))
		i++;
	k->wrong |= i == k->n;
	if (i < k->n)
		k->v[i] = k->v[--k->n];
}

static void add_one(struct kernel *k, struct elem e)
{
	for (size_t i = 0; i < k->n; i++)
		k->wrong |= e.lo <= k->v[i].hi && e.hi >= k->v[i].lo;
	k->wrong |= e.hi >= SPACE || k->n == SPACE;
	if (!k->wrong)
		k->v[k->n++] = e;
}

/* "add element inet fwc n.v4 { A expires 0d5s, B-C }", a line each */
static void carry_out(struct kernel *k, char *script)
{
	char *lines = NULL, *elems = NULL;

	for (char *l = strtok_r(script, "\n", &lines); l; l = strtok_r(NULL, "\n", &lines)) {
		char *open = strstr(l, "{ "), *shut = strstr(l, " }");

		k->wrong |= !open || !shut || !strstr(l, " element inet fwc n.v4 {");
		if (k->wrong)
			return;
		*shut = '\0';
		for (char *e = strtok_r(open + 2, ",", &elems); e; e = strtok_r(NULL, ",", &elems)) {
			e += *e == ' ';
			if (*l == 'd')
				delete_one(k, read_elem(e));
			else
				add_one(k, read_elem(e));
		}
	}
}

/* Of each address: 0 where it is not there. */
static void spread(const struct kernel *k, long table[SPACE])
{
	memset(table, 0, SPACE * sizeof(*table));
	for (size_t i = 0; i < k->n; i++)
		for (unsigned x = k->v[i].lo; x <= k->v[i].hi; x++)
			table[x] = k->v[i].left;
}

enum how { LONGER, THERE, DELETE };

static bool change(struct arena *a, struct kernel *k, const struct elem *w, size_t n, enum how how,
		   struct elements_sum *sum)
{
	long before[SPACE], after[SPACE];
	struct elements what = {0};
	struct buf script = {0};

	spread(k, before);
	for (size_t i = 0; i < n; i++) {
		vec_push(a, &what,
			 ((struct element){.at = {BASE + w[i].lo, BASE + w[i].hi},
					   .ages = w[i].left != FOREVER,
					   .left = (uint64_t)w[i].left}));
		for (unsigned x = w[i].lo; x <= w[i].hi; x++) {
			if (how == DELETE)
				before[x] = 0;
			else if (!before[x] || (how == LONGER && before[x] < w[i].left))
				before[x] = w[i].left;
		}
	}
	*sum = (struct elements_sum){0};
	if (how == DELETE)
		elements_delete(a, as_read(a, k), &what, &script, sum);
	else
		elements_add(a, as_read(a, k), &what, how == LONGER ? ELEMENTS_LONGER : ELEMENTS_THERE,
			     &script, sum);
	carry_out(k, (char *)buf_str(&script));
	spread(k, after);
	buf_free(&script);
	return !k->wrong && !memcmp(before, after, sizeof(before)) && sum->held == k->n;
}

static unsigned below(unsigned n)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x % n);
}

static void at_random(struct arena *a)
{
	struct kernel k = {.n = 0};
	size_t bad = 0;

	for (int round = 0; round < 20000 && !bad; round++) {
		enum how how = (enum how)(below(4) % 3);
		size_t n = how == LONGER ? 1 + below(3) : 1 + below(2);
		long left = below(8) ? 1 + (long)below(99) : FOREVER;
		struct elements_sum sum;
		struct elem w[3];

		if (k.n > SPACE / 4) {
			how = DELETE;
			n = 1;
		}
		for (size_t i = 0; i < n; i++) { /* all of one time */
			w[i].lo = below(SPACE);
			w[i].hi = w[i].lo + below(SPACE - w[i].lo) / (1 + below(8));
			w[i].left = left;
		}
		bad += !change(a, &k, w, n, how, &sum);
		if (how == DELETE)
			bad += sum.added || sum.renewed || sum.kept;
		else
			bad += sum.deleted || sum.absent;
	}
	SAME_NUMBER(bad, 0);
}

/* What is said of each that was to be added or deleted. */
static void counts(struct arena *a)
{
	struct kernel k = {.v = {{10, 20, 50}, {30, 30, FOREVER}}, .n = 2};
	struct elements_sum s;

	CHECK(change(a, &k, (struct elem[]){{40, 41, 60}}, 1, LONGER, &s));
	CHECK(s.added == 1 && !s.renewed && !s.kept);
	CHECK(change(a, &k, (struct elem[]){{12, 13, 50}, {30, 30, 90}}, 2, LONGER, &s));
	CHECK(!s.added && !s.renewed && s.kept == 2);
	SAME_NUMBER(k.n, 3);
	CHECK(change(a, &k, (struct elem[]){{20, 22, 60}}, 1, LONGER, &s));
	CHECK(!s.added && s.renewed == 1 && !s.kept);
	CHECK(change(a, &k, (struct elem[]){{0, 63, 5}}, 1, THERE, &s));
	CHECK(change(a, &k, (struct elem[]){{12, 12, 0}}, 1, DELETE, &s));
	CHECK(s.deleted == 1 && !s.absent);
	CHECK(change(a, &k, (struct elem[]){{12, 12, 0}}, 1, DELETE, &s));
	CHECK(!s.deleted && s.absent == 1);
	/* twice in one command is once */
	k.n = 0;
	CHECK(change(a, &k, (struct elem[]){{1, 9, 60}, {4, 5, 60}, {1, 9, 60}}, 3, LONGER, &s));
	SAME_NUMBER(s.added, 1);
	SAME_NUMBER(k.n, 1);
}

static void covers(struct arena *a)
{
	struct kernel k = {.v = {{0, 3, 9}, {4, 7, FOREVER}, {9, 9, 9}}, .n = 3};
	struct elements held;

	elements_of(a, as_read(a, &k), &held);
	CHECK(elements_cover(&held, (struct ival){BASE, BASE + 7}));
	CHECK(elements_cover(&held, (struct ival){BASE + 3, BASE + 4}));
	CHECK(elements_cover(&held, (struct ival){BASE + 9, BASE + 9}));
	CHECK(!elements_cover(&held, (struct ival){BASE + 7, BASE + 8}));
	CHECK(!elements_cover(&held, (struct ival){BASE + 8, BASE + 9}));
	CHECK(!elements_cover(&held, (struct ival){BASE + 10, BASE + 10}));
	CHECK(!elements_cover(&held, (struct ival){BASE - 1, BASE}));
}

int main(void)
{
	struct arena *a = arena_new();

	at_random(a);
	counts(a);
	covers(a);
	arena_free(a);
	return test_end();
}
