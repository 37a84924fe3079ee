/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc explain: what happens to a packet, and which line says so.
 */
#include "space/explain.h"

#include <getopt.h>
#include <jansson.h>

#include "cmd/cmd.h"
#include "cmd/common.h"
#include "space/packet.h"
#include "space/ranges.h"
#include "util/cleanup.h"

#define STORIES_MAX 12 /* printed for people; --json prints all */

static const char *where(const struct line *l)
{
	return l->text && *l->where ? l->where : NULL;
}

static json_t *packet_json(struct mean *m, const struct packet *p)
{
	json_t *j = json_object();

	for (int d = 0; d < NDIMS; d++) {
		enum family fam = p->dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4;
		bool text = d == DIM_SADDR || d == DIM_DADDR || d == DIM_IIF || d == DIM_OIF ||
			    d == DIM_CT_STATE;
		struct buf b = {0};

		packet_value(&b, m, (enum dim)d, fam, p->dim[d]);
		json_object_set_new(j, dim_table[d].name,
				    text	      ? json_string(buf_str(&b))
				    : d == DIM_FAMILY ? json_integer(fam == FAM_IP6 ? 6 : 4)
						      : json_integer((json_int_t)p->dim[d]));
		buf_free(&b);
	}
	return j;
}

static json_t *story_json(struct mean *m, const struct story *s)
{
	json_t *path = json_array(), *conditions = json_array();
	const struct story_step *x;
	const char *const *c;

	vec_each (&s->steps, x)
		json_array_append_new(path, json_pack("{s:s, s:s, s:s?, s:s?}", "hook", x->hook,
						      "does", x->does, "line", where(&x->line),
						      "rule", x->line.text));
	vec_each (&s->conditions, c)
		json_array_append_new(conditions, json_string(*c));
	return json_pack("{s:o, s:s, s:s?, s:s, s:s?, s:s?, s:f, s:o, s:o}", "packet",
			 packet_json(m, &s->packet), "text", s->text, "query", s->query, "fate",
			 explain_fate_text(s->fate), "line", where(&s->line), "rule", s->line.text,
			 "count", (double)s->count, "conditions", conditions, "path", path);
}

static void print_story(struct arena *a, const struct story *s)
{
	static const char *const ends[] = {[FATE_ACCEPT] = "accepted",
					   [FATE_REJECT] = "rejected",
					   [FATE_INSPECT] = "inspected"};
	const struct story_step *x;
	const char *end = s->fate <= FATE_INSPECT ? ends[s->fate] : NULL;

	printf("%s\n", s->text);
	vec_each (&s->steps, x) {
		printf("  %-12s %s\n", x->hook, x->does);
		if (x->line.text)
			printf("  %-12s   %s%s%s\n", "", x->line.where, *x->line.where ? ": " : "",
			       x->line.text);
	}
	printf("%s", end ? end : "dropped");
	if (s->count > 1)
		printf(", and so are %s packets like it", ranges_number(a, s->count - 1));
	putchar('\n');
}

static void print_all(struct globals *g, struct arena *a, struct mean *m, const struct stories *l)
{
	_cleanup_json_ json_t *j = g->json ? json_array() : NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (g->json) {
			json_array_append_new(j, story_json(m, &l->v[i]));
		} else if (n++ < STORIES_MAX) {
			printf("%s", n > 1 ? "\n" : "");
			print_story(a, &l->v[i]);
		}
	}
	if (g->json) {
		json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
		putchar('\n');
	} else if (n > STORIES_MAX) {
		printf("\n(and %zu more ways to end; a narrower question shows them)\n",
		       n - STORIES_MAX);
	}
}

static int explain(struct globals *g, struct work *w, const struct rule *query)
{
	struct stories stories = {0};
	struct mean m;
	int rc = EXIT_FINE;

	mean_init(&m, w->arena, (struct dd_budget){PROOF_NODES, PROOF_SECONDS});
	schema_add_policy(&m.schema, w->compiled.policy);
	explain_query(&stories, &m, w->compiled.policy, query);
	if (!stories.known) {
		fputs("fwc: not proved: budget: the question is too wide\n", stderr);
		rc = EXIT_SYSTEM;
	} else if (!stories.n) {
		fputs("fwc: the question speaks of no packet\n", stderr);
		rc = EXIT_WRONG;
	} else {
		print_all(g, w->arena, &m, &stories);
	}
	mean_free(&m);
	return rc;
}

int cmd_explain(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	const struct rule *query = NULL;
	struct work w;
	int rc = EXIT_WRONG;

	opterr = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1)
		return usage_error("explain", "unknown option: %s", argv[optind - 1]);
	if (argc - optind < 1 || argc - optind > 2)
		return usage_error("explain", "one question, and at most one policy file");
	work_init(&w);
	if (work_query(&w, g, argc - optind > 1 ? argv[optind + 1] : g->config, argv[optind],
		       &query))
		rc = explain(g, &w, query);
	work_free(&w);
	return rc;
}
