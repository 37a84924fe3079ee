/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc flows: each running connection, and the line of the policy that admits it.
 */
#include "apply/flows.h"

#include <getopt.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/flows_filter.h"
#include "cmd/flows_read.h"
#include "see/flows_print.h"
#include "util/cleanup.h"
#include "util/show.h"

struct options {
	bool forbidden;
};

static int by_ends(const void *x, const void *y)
{
	const struct conn *a = ((const struct flow_judged *)x)->conn;
	const struct conn *b = ((const struct flow_judged *)y)->conn;
	const struct conn_tuple *s = &a->orig, *t = &b->orig;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (s->from != t->from)
		return s->from < t->from ? -1 : 1;
	if (s->to != t->to)
		return s->to < t->to ? -1 : 1;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	if (s->to_port != t->to_port)
		return s->to_port < t->to_port ? -1 : 1;
	return s->from_port < t->from_port ? -1 : s->from_port > t->from_port;
}

static void choose(struct flows *f, const struct flows_filter *filter, const struct options *o,
		   struct flows_judged *out)
{
	for (size_t i = 0; i < f->conns.n; i++) {
		struct flow_judged j;

		if (!flows_filter_takes(filter, f, &f->conns.v[i]))
			continue;
		j = flows_judge(f, &f->conns.v[i]);
		if (j.refused || !o->forbidden)
			vec_push(f->arena, out, j);
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_ends);
}

/* ---- for people ---- */

static const char *place(struct arena *a, const struct flows *f, const struct conn *c, bool from)
{
	const struct conn_interface *i =
		conns_interface(&f->conns, from ? conn_iif(c) : conn_oif(c));
	const char *zone = flow_zone(f, i);

	if (c->path == (from ? CONN_OUT : CONN_IN))
		return "self";
	if (!i)
		return "?";
	return zone ? arena_printf(a, "%s (%s)", zone, i->name) : i->name;
}

static void print_time(unsigned seconds)
{
	if (seconds < 120)
		printf("%u s left", seconds);
	else if (seconds < 7200)
		printf("%u min left", seconds / 60);
	else
		printf("%u h left", seconds / 3600);
}

static void print_more(struct arena *a, const struct conn *c)
{
	fputs("    ", stdout);
	if (flow_is_sent_on(c))
		printf("sent on to %s, ", flow_address(a, c, c->reply.from, c->reply.from_port));
	if (flow_is_seen_as(c))
		printf("seen as %s, ", flow_address(a, c, c->reply.to, c->reply.to_port));
	if (c->counted)
		printf("%llu packets %llu bytes there, %llu packets %llu bytes back, ",
		       (unsigned long long)c->packets[0], (unsigned long long)c->bytes[0],
		       (unsigned long long)c->packets[1], (unsigned long long)c->bytes[1]);
	if (flow_is_offloaded(c))
		fputs("offloaded, ", stdout);
	if (c->mark)
		printf("mark 0x%x, ", c->mark);
	print_time(c->timeout);
	putchar('\n');
}

static void print_one(struct flows *f, const struct flow_judged *j)
{
	const struct conn *c = j->conn;
	struct arena *a = f->arena;
	bool icmp = c->icmp_type || c->icmp_id;

	printf("%s %s", flow_protocol(a, c), flow_state(c));
	if (icmp)
		printf(" type %u", c->icmp_type);
	printf("  %s -> %s  %s -> %s\n", flow_address(a, c, c->orig.from, c->orig.from_port),
	       flow_address(a, c, c->orig.to, c->orig.to_port), place(a, f, c, true),
	       place(a, f, c, false));
	print_more(a, c);
	printf("    %s%s\n", j->refused ? "FORBIDDEN: " : "", flow_says(a, j));
}

static void print_all(struct flows *f, const struct flows_judged *list)
{
	size_t forbidden = 0;
	const struct flow_judged *j;

	vec_each (list, j) {
		print_one(f, j);
		forbidden += j->refused;
	}
	printf("%zu connection%s", list->n, list->n == 1 ? "" : "s");
	if (forbidden)
		printf(", %zu forbidden by the rules in force", forbidden);
	putchar('\n');
}

static void print_json(struct flows *f, const struct flows_judged *list)
{
	_cleanup_json_ json_t *j = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(j, flow_as_json(f->arena, f, &list->v[i]));
	show_json(j, JSON_INDENT(2));
}

static int show(struct globals *g, struct flows *f, const struct options *o, char **words, int n)
{
	struct flows_filter filter = {0};
	struct flows_judged list = {0};
	struct diag diag;

	diag_init(&diag, f->arena);
	if (!flows_filter_parse(&filter, f, g->config, words, n, &diag)) {
		diag_print(&diag, stderr, g->color);
		return EXIT_WRONG;
	}
	choose(f, &filter, o, &list);
	if (g->json)
		print_json(f, &list);
	else
		print_all(f, &list);
	return o->forbidden && list.n ? EXIT_FINDINGS : EXIT_FINE;
}

int cmd_flows(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"forbidden", no_argument, NULL, 'f'}, {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	struct options o = {.forbidden = false};
	struct flows f;
	int c, rc = EXIT_SYSTEM;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'f')
			return usage_error("flows", "unknown option: %s", usage_option(argv));
		o.forbidden = true;
	}
	if (flows_read_in_force(g, a, &f) == 0)
		rc = show(g, &f, &o, argv + optind, argc - optind);
	flows_free(&f);
	return rc;
}
