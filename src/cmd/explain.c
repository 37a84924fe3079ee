/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc explain: what happens to a packet, and which line says so.
 */
#include "space/explain.h"

#include <linux/netfilter.h>
#include <getopt.h>
#include <jansson.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/common.h"
#include "cmd/flows_read.h"
#include "kernel/live.h"
#include "kernel/nftrun.h"
#include "nft/spoken.h"
#include "see/delta_print.h"
#include "space/live.h"
#include "space/live_tables.h"
#include "space/packet.h"
#include "space/ranges.h"
#include "store/open.h"
#include "util/cleanup.h"
#include "util/show.h"

#define MANY 1000000 /* of more packets the number tells people nothing */
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
			    d == DIM_FIB_OIF || d == DIM_CT_STATE || d == DIM_ETHER_SADDR ||
			    d == DIM_ETHER_DADDR;
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
	json_t *path = json_array(), *conditions = json_array(), *unless = json_array();
	const struct story_step *x;
	const char *const *c;

	vec_each (&s->steps, x)
		json_array_append_new(path, json_pack("{s:s, s:s, s:s?, s:s?}", "hook", x->hook,
						      "does", x->does, "line", where(&x->line),
						      "rule", x->line.text));
	vec_each (&s->conditions, c)
		json_array_append_new(conditions, json_string(*c));
	vec_each (&s->unless, c)
		json_array_append_new(unless, json_string(*c));
	return json_pack("{s:o, s:s, s:s?, s:s, s:s?, s:s?, s:f, s:o, s:o, s:o}", "packet",
			 packet_json(m, &s->packet), "text", s->text, "query", s->query, "fate",
			 explain_fate_text(s->fate), "line", where(&s->line), "rule", s->line.text,
			 "count", (double)s->count, "conditions", conditions, "unless", unless,
			 "path", path);
}

static void print_condition(const char *word, const char *text)
{
	_cleanup_buf_ struct buf b = {0};

	packet_condition(&b, text);
	printf("  %-12s %s\n", word, buf_str(&b));
}

/* What the ruleset in the kernel leaves open; by the policy, the packet's own words say it. */
static bool print_conditions(const struct story *s)
{
	const char *const *c;

	vec_each (&s->conditions, c)
		print_condition("if", *c);
	vec_each (&s->unless, c)
		print_condition("unless", *c);
	return s->conditions.n || s->unless.n;
}

static void print_story(struct arena *a, const struct story *s, bool live)
{
	static const char *const ends[] = {[FATE_ACCEPT] = "accepted",
					   [FATE_REJECT] = "rejected",
					   [FATE_INSPECT] = "inspected",
					   [FATE_UNKNOWN] = "not known"};
	const struct story_step *x;
	const char *end = ends[s->fate];

	printf("%s\n", s->text);
	vec_each (&s->steps, x) {
		printf("  %-12s %s\n", x->hook, x->does);
		if (x->line.text)
			printf("  %-12s   %s%s%s\n", "", x->line.where, *x->line.where ? ": " : "",
			       x->line.text);
	}
	if (live && print_conditions(s))
		printf("then ");
	printf("%s", end ? end : "dropped");
	if (s->count > MANY)
		printf(", like everything else of this kind");
	else if (s->count > 1)
		printf(", and so are %s packets like it", ranges_number(a, s->count - 1));
	putchar('\n');
}

static void print_all(struct globals *g, struct arena *a, struct mean *m, const struct stories *l,
		      bool live)
{
	_cleanup_json_ json_t *j = g->json ? json_array() : NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (g->json) {
			json_array_append_new(j, story_json(m, &l->v[i]));
		} else if (n++ < STORIES_MAX) {
			printf("%s", n > 1 ? "\n" : "");
			print_story(a, &l->v[i], live);
		}
	}
	if (g->json) {
		show_json(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	} else if (n > STORIES_MAX) {
		printf("\n(and %zu more outcomes; a narrower question shows them)\n",
		       n - STORIES_MAX);
	}
}

/* ---- by the ruleset in the kernel ---- */

static bool is_known_family(uint8_t family)
{
	return family == NFPROTO_INET || family == NFPROTO_IPV4 || family == NFPROTO_IPV6;
}

static void add_table(struct arena *a, const struct ir_table *table, const struct manifest *m,
		      struct live_tables *out)
{
	struct live_table t = {.family = ir_family_name(table->family),
			       .name = table->name,
			       .ruleset = table->ruleset};
	struct delta_side ours;

	if (!is_known_family(table->family))
		return;
	if (table->family == NFPROTO_INET && !strcmp(table->name, IR_TABLE)) {
		ours = delta_side_of(table->ruleset, m);
		t.line_of = ours.line_of;
		t.line_ctx = ours.line_ctx;
	}
	vec_push(a, out, t);
}

static void add_strange(struct arena *a, const struct ir_table *table, struct live_tables *out)
{
	struct ir_chain *const *c;

	vec_each (&table->ruleset->chains, c) {
		const char *hook = (*c)->base.hook;

		if (hook && (!is_known_family(table->family) || strstr(hook, "gress")))
			vec_push(a, &out->strange,
				 arena_printf(a, "table %s %s, chain %s (hook %s)",
					      ir_family_name(table->family), table->name,
					      (*c)->name, hook));
	}
}

static const struct manifest *applied_manifest(struct globals *g, struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct manifest *m = NULL;
	struct store s;

	if (store_open(&s, g->state, false, &ignored) == 0)
		m = store_read_manifest(&s, STORE_APPLIED, a);
	store_close(&s);
	return m;
}

static bool live_tables(struct globals *g, struct arena *a, struct live_tables *out)
{
	const struct manifest *m = applied_manifest(g, a);
	_cleanup_buf_ struct buf why = {0};
	struct ir_tables all = {0};
	const struct ir_table *t;

	if (live_read_all(&all, g->netns, a, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return false;
	}
	vec_each (&all, t) {
		if (t->family == NFPROTO_INET && !strcmp(t->name, IR_TABLE))
			give_held(g, a, t->ruleset);
		add_table(a, t, m, out);
		add_strange(a, t, out);
	}
	return true;
}

/* The rules of others in the words that they are known by. Where nft cannot list them (or crashes
 * at it) they are told as fwc reads them. */
static void speak(struct globals *g, struct arena *a, struct stories *l)
{
	struct nftrun_step step = {.kind = RUN_SPEAK};
	struct nftrun r = {
		.where = child_where_of(g->netns), .netns = g->netns, .steps = &step, .n = 1};
	struct story_step *x;
	struct spoken spoken;
	struct story *s;
	const char *text;

	if (nftrun(&r) == 0 && step.ran && !step.refused) {
		spoken_read(&spoken, a, buf_str(&step.out));
		vec_each (l, s) {
			vec_each (&s->steps, x) {
				text = x->line.handle ? spoken_rule(&spoken, x->table->family,
								    x->table->name, x->line.chain,
								    x->line.handle)
						      : NULL;
				if (text && s->line.chain && s->line.handle == x->line.handle &&
				    !strcmp(s->line.chain, x->line.chain))
					s->line.text = text;
				if (text)
					x->line.text = text;
			}
		}
	}
	nftrun_free(&r);
}

static bool told_of_others(const struct stories *l)
{
	const struct story_step *x;
	const struct story *s;

	vec_each (l, s)
		vec_each (&s->steps, x)
			if (x->line.handle)
				return true;
	return false;
}

static void print_strange(struct globals *g, const struct live_tables *tables)
{
	for (size_t i = 0; !g->json && i < tables->strange.n; i++)
		printf("(not examined: %s)\n", tables->strange.v[i]);
}

/* What leads to other networks is most likely in a zone that names none. */
static const char *likely_zone(const struct policy *p)
{
	const struct zone *z;

	vec_each (&p->zones, z)
		if (!z->routes4.n && !z->routes6.n && !z->sub.is)
			return z->name;
	return p->zones.n ? p->zones.v[p->zones.n - 1].name : NULL;
}

/* Of an address without a zone every way that it may go is told. */
static void print_hint(const struct policy *p, const struct rule *query, const struct stories *l)
{
	const struct place_item *to = query->to.items.v;
	const char *zone = likely_zone(p), *word;
	int n;

	if (l->n < 2 || query->to.items.n != 1 || to->at != AT_ANY || to->addrs.all || !zone ||
	    !to->span.src)
		return;
	word = to->span.src->text + to->span.off;
	n = (int)to->span.len;
	printf("\nhint: it depends on where %.*s is; %.*s@%s or %.*s@self asks for one way\n", n,
	       word, n, word, zone, n, word);
}

static int explain(struct globals *g, struct work *w, const struct rule *query, bool live)
{
	struct live_tables tables = {0};
	struct stories stories = {0};
	struct mean m;
	int rc = EXIT_FINE;

	if (live && !live_tables(g, w->arena, &tables))
		return EXIT_SYSTEM;
	mean_init(&m, w->arena, (struct dd_budget){PROOF_NODES, PROOF_SECONDS});
	schema_add_policy(&m.schema, w->compiled.policy);
	for (size_t i = 0; i < tables.n; i++)
		schema_add_ruleset(&m.schema, tables.v[i].ruleset);
	if (live)
		live_query(&stories, &m, &tables, w->compiled.policy, query);
	else
		explain_query(&stories, &m, w->compiled.policy, query);
	if (!stories.known) {
		fputs("fwc: not proved: budget: the question is too wide\n", stderr);
		rc = EXIT_SYSTEM;
	} else if (!stories.n) {
		fputs(services_undecided(w->arena, &query->services)
			      ? "fwc: ICMP errors and answers open no connection: those of a known "
				"connection pass without a rule, others are dropped\n"
			      : "fwc: no packet matches the question\n",
		      stderr);
		rc = EXIT_WRONG;
	} else {
		if (live && told_of_others(&stories))
			speak(g, w->arena, &stories);
		print_all(g, w->arena, &m, &stories, live);
		print_strange(g, &tables);
		if (!g->json && !live)
			print_hint(w->compiled.policy, query, &stories);
	}
	mean_free(&m);
	return rc;
}

int cmd_explain(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {
		{"live", no_argument, NULL, 'l'}, {"elsewhere", no_argument, NULL, 'e'}, {0}};
	const struct rule *query = NULL;
	bool live = false, elsewhere = false;
	struct work w;
	int rc = EXIT_WRONG, c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'l' && c != 'e')
			return question_option("explain", argv);
		live |= c == 'l';
		elsewhere |= c == 'e';
	}
	if (question_end("explain", argc, argv))
		return EXIT_WRONG;
	if (live && elsewhere)
		return usage_error("explain", "--live asks this machine, --elsewhere asks none");
	work_init(&w);
	w.elsewhere = elsewhere;
	if (work_query(&w, g, argc - optind > 1 ? argv[optind + 1] : g->config, argv[optind],
		       &query))
		rc = explain(g, &w, query, live);
	work_free(&w);
	return rc;
}
