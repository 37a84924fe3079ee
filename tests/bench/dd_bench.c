/* SPDX-License-Identifier: GPL-2.0-or-later
 * How fast the diagram kernel composes a long list of rules, and with how many nodes.
 *
 *   dd_bench [-6] [-n] [-p | -w] [-c] [-s SEED] RULES
 *
 *   -6  IPv6 addresses
 *   -n  the values are rule numbers
 *   -p  the plain shape of tests/bench/make-policy
 *   -w  wild: port ranges on any address
 *   -c  collects now and then: less memory, but no composition tree to edit
 *
 * The list is random, of the shape that firewalls have: networks in networks in networks, hosts in
 * them, services of a few ports, sometimes a range. Not part of the tests: numbers to look at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "space/dd.h"

#define NETS 300
#define OBJECTS 1500

enum { PROTO_BITS = 8, PORT_BITS = 16 };

struct list {
	struct dd *d;
	int addr_bits;
	bool numbers, plain, wild, collect;
	size_t next; /* collect at this many nodes */
	dd_ref **roots;
	size_t nroots;
	struct ival objects[OBJECTS]; /* the first NETS are networks, the others hosts */
	size_t n;
	dd_ref *rules;
	dd_ref *tree; /* 2n - 1 nodes of the composition, as in a heap; 1 is the root */
};

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % below);
}

static u128 rnd_bits(int bits)
{
	u128 x = 0;

	for (int i = 0; i < bits; i += 16)
		x = x << 16 | rnd(1 << 16);
	return x & u128_max(bits);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A network of `len` bits within another. */
static struct ival within(const struct list *l, struct ival outer, int len)
{
	u128 host = u128_max(l->addr_bits - len);
	u128 x = (outer.lo | (rnd_bits(l->addr_bits) & (outer.hi - outer.lo))) & ~host;

	return (struct ival){x, x | host};
}

static void make_objects(struct list *l)
{
	struct ival all = {0, u128_max(l->addr_bits)};
	int step = l->addr_bits / 4;

	for (int i = 0; i < OBJECTS; i++) {
		if (i >= NETS)
			l->objects[i] = within(l, l->objects[rnd(NETS)], l->addr_bits);
		else if (i < 8)
			l->objects[i] = within(l, all, step);
		else if (i < 80)
			l->objects[i] = within(l, l->objects[rnd(8)], 2 * step + (int)rnd(3));
		else
			l->objects[i] =
				within(l, l->objects[8 + rnd(72)], 3 * step - 2 + (int)rnd(5));
	}
}

/* Few objects are in many rules, many in few. */
static uint32_t skewed(uint32_t below)
{
	return rnd(rnd(below) + 1);
}

static dd_ref address(struct list *l, uint32_t first, dd_ref in)
{
	struct ival v = l->objects[skewed(OBJECTS)];

	if (l->wild && rnd(2))
		v = within(l, l->objects[rnd(NETS)], l->addr_bits);
	return dd_ranges(l->d, first, l->addr_bits, &v, 1, u128_max(l->addr_bits), in, 0);
}

static dd_ref ports(struct list *l, uint32_t first, dd_ref in)
{
	static const uint16_t known[] = {22,   25,   53,   80,	 110,  123,  143,
					 161,  389,  443,  445,	 514,  587,  636,
					 1433, 1521, 3128, 3306, 3389, 5432, 8080};
	static const struct ival ranges[] = {{1024, 65535},  {32768, 60999}, {137, 139},
					     {8000, 8099},   {5000, 5010},   {20, 21},
					     {49152, 65535}, {6881, 6999},   {33434, 33534}};
	struct ival v;

	if (l->wild && rnd(10)) {
		uint32_t x = rnd(65536), y = rnd(65536);

		v = (struct ival){x < y ? x : y, x < y ? y : x};
	} else if (rnd(100) < 10) {
		v = ranges[rnd(sizeof(ranges) / sizeof(*ranges))];
	} else {
		v.lo = v.hi = known[skewed(sizeof(known) / sizeof(*known))];
	}
	return dd_ranges(l->d, first, PORT_BITS, &v, 1, u128_max(PORT_BITS), in, 0);
}

static dd_ref rule(struct list *l, uint32_t number)
{
	uint32_t dst = (uint32_t)l->addr_bits, proto = 2 * dst, dport = proto + PROTO_BITS;
	struct ival p = {6, 6};
	uint32_t any;
	dd_ref r = dd_terminal(l->d, l->numbers ? number + 1 : 1 + rnd(2));

	if (l->wild && rnd(4) == 0)
		r = ports(l, dport + PORT_BITS, r);
	if (rnd(100) < 97) {
		r = ports(l, dport, r);
		if (rnd(3) == 0)
			p.lo = p.hi = 17;
		r = dd_ranges(l->d, proto, PROTO_BITS, &p, 1, u128_max(PROTO_BITS), r, 0);
	}
	any = rnd(100);
	if (any >= (l->wild ? 30 : 8))
		r = address(l, dst, r);
	return any >= (l->wild ? 30 : 8) && any < (l->wild ? 60 : 25) ? r : address(l, 0, r);
}

/* A network or host of 10/8 to one host behind 172.16/16, a port or a few. */
static dd_ref plain_rule(struct list *l, uint32_t number)
{
	uint32_t dst = (uint32_t)l->addr_bits, kind = rnd(3), port = 1 + rnd(60000);
	u128 all = u128_max(l->addr_bits);
	int low = l->addr_bits - 32; /* the same bits at the top of an IPv6 address */
	struct ival from = {(10u << 24) | (1 + rnd(199)) << 16, 0};
	struct ival to = {(172u << 24) | (16u << 16) | rnd(65536), 0};
	struct ival proto = {6, 6}, ports = {port, rnd(3) ? port : port + rnd(500)};
	dd_ref r = dd_terminal(l->d, l->numbers ? number + 1 : 1 + (rnd(10) == 0));

	if (kind)
		from.lo |= rnd(256) << 8 | (kind == 2 ? 1 + rnd(254) : 0);
	from.hi = (from.lo | (kind == 0 ? 0xffff : kind == 1 ? 0xff : 0)) << low;
	from.hi |= u128_max(low);
	from.lo <<= low;
	to.lo = to.hi = (to.lo << low) + (low > 0);
	if (kind == 2)
		from.hi = from.lo += low > 0;
	if (rnd(4) == 0)
		proto.lo = proto.hi = 17;
	r = dd_ranges(l->d, 2 * dst + PROTO_BITS, PORT_BITS, &ports, 1, u128_max(16), r, 0);
	r = dd_ranges(l->d, 2 * dst, PROTO_BITS, &proto, 1, u128_max(PROTO_BITS), r, 0);
	r = dd_ranges(l->d, dst, l->addr_bits, &to, 1, all, r, 0);
	return dd_ranges(l->d, 0, l->addr_bits, &from, 1, all, r, 0);
}

/* Composing and collecting: what is still to be composed are the roots. */
static dd_ref compose_lean(struct list *l, size_t from, size_t to)
{
	size_t mid = (from + to) / 2;
	dd_ref a, b, r;

	if (to - from == 1) {
		r = l->rules[from];
		l->rules[from] = DD_FALSE;
		return r;
	}
	a = compose_lean(l, from, mid);
	l->roots[l->nroots++] = &a;
	b = compose_lean(l, mid, to);
	l->nroots--;
	r = dd_seq(l->d, a, b);
	if (dd_nodes(l->d) > l->next) {
		l->roots[l->nroots++] = &r;
		dd_collect(l->d, l->roots, l->nroots);
		l->nroots--;
		l->next = 2 * dd_nodes(l->d) > 1000000 ? 2 * dd_nodes(l->d) : 1000000;
	}
	return r;
}

static dd_ref compose(struct list *l, size_t from, size_t to, size_t at)
{
	size_t mid = (from + to) / 2;
	dd_ref a, b;

	if (to - from == 1)
		return l->tree[at] = l->rules[from];
	a = compose(l, from, mid, 2 * at);
	b = compose(l, mid, to, 2 * at + 1);
	return l->tree[at] = dd_seq(l->d, a, b);
}

/* The list with another rule at `which`. */
static dd_ref edit(struct list *l, size_t from, size_t to, size_t at, size_t which, dd_ref r)
{
	size_t mid = (from + to) / 2;

	if (to - from == 1)
		return r;
	if (which < mid)
		return dd_seq(l->d, edit(l, from, mid, 2 * at, which, r), l->tree[2 * at + 1]);
	return dd_seq(l->d, l->tree[2 * at], edit(l, mid, to, 2 * at + 1, which, r));
}

static void run(struct list *l)
{
	double t0 = now(), t1, t2, t3, t4;
	dd_ref whole, edited, differ;
	struct rusage use;
	size_t rules, composed;
	dd_ref *root = &whole;

	for (size_t i = 0; i < l->n; i++)
		l->rules[i] = l->plain ? plain_rule(l, (uint32_t)i) : rule(l, (uint32_t)i);
	rules = dd_nodes(l->d);
	t1 = now();
	for (size_t i = 0; i < l->n; i++)
		l->roots[l->nroots++] = &l->rules[i];
	whole = l->collect ? compose_lean(l, 0, l->n) : compose(l, 0, l->n, 1);
	composed = dd_nodes(l->d);
	t2 = now();
	edited = l->collect ? whole : edit(l, 0, l->n, 1, l->n / 3, rule(l, 0));
	t3 = now();
	differ = dd_differ(l->d, whole, edited);
	t4 = now();
	getrusage(RUSAGE_SELF, &use);
	printf("%zu rules: %zu nodes, %.3f s; composed: %zu nodes, %.3f s; edit %.1f ms; "
	       "compare %.1f ms; %ld MB%s%s\n",
	       l->n, rules, t1 - t0, composed, t2 - t1, 1e3 * (t3 - t2), 1e3 * (t4 - t3),
	       use.ru_maxrss / 1024,
	       differ == DD_FALSE && !l->collect ? "; the edit changed nothing" : "",
	       dd_exhausted(l->d) ? "; EXHAUSTED" : "");
	if (dd_exhausted(l->d))
		return;
	dd_collect(l->d, &root, 1);
	printf("collected: %zu nodes in %.1f ms\n", dd_nodes(l->d), 1e3 * (now() - t4));
}

int main(int argc, char **argv)
{
	struct list l = {.addr_bits = 32};
	int c;

	state = 4711;
	while ((c = getopt(argc, argv, "6nwpcs:")) != -1) {
		if (c == '6')
			l.addr_bits = 128;
		else if (c == 'n')
			l.numbers = true;
		else if (c == 'w')
			l.wild = true;
		else if (c == 'p')
			l.plain = true;
		else if (c == 'c')
			l.collect = true;
		else if (c == 's')
			state = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	l.n = optind < argc ? strtoul(argv[optind], NULL, 10) : 5500;
	if (!l.n)
		return 2;
	l.rules = calloc(l.n, sizeof(*l.rules));
	l.tree = calloc(4 * l.n, sizeof(*l.tree));
	l.roots = calloc(l.n + 100, sizeof(*l.roots));
	if (!l.rules || !l.tree || !l.roots)
		return 1;
	l.next = 1000000;
	l.d = dd_new((struct dd_budget){.nodes = 40000000, .seconds = 60});
	make_objects(&l);
	run(&l);
	dd_free(l.d);
	free(l.rules);
	free(l.roots);
	free(l.tree);
	return 0;
}
