/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> a question about a policy, as `fwc explain` and `fwc trace` take it. What is
 * understood is answered, and each answer's own question is understood as well; what is not has a
 * message and goes no further.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "space/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy[] = "forwarding on\n"
			     "zone lan { interface eth0; network 192.0.2.0/24, 2001:db8::/64 }\n"
			     "zone wan { interface ppp* }\n"
			     "host nas = 192.0.2.10, 2001:db8::10\n"
			     "set quiet = 192.0.2.64/26\n"
			     "set banned = dynamic, timeout 1h\n"
			     "service media = tcp/32400, udp/1900\n"
			     "drop banned@wan -> any\n"
			     "allow lan -> wan, self\n"
			     "allow wan -> nas@lan media limit 5/second\n"
			     "dnat wan -> self tcp/80 to nas:32400\n"
			     "masquerade lan -> wan\n";

static void demand(bool truth, const char *what, const char *text)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s: %s\n", what, text);
	abort();
}

/* NULL: it was not understood. */
static const struct rule *ask(struct compiled *c, const char *question, struct arena *a,
			      struct diag *diag)
{
	struct source *src = source_add(a, "policy", policy, strlen(policy));
	struct ast *more;

	*c = (struct compiled){.path = "policy"};
	c->ast = ast_parse_source(src, NULL, a, diag);
	demand(!diag->nerrors, "the policy is fine", policy);
	more = ast_parse_query(question, a, diag);
	demand(more->stmts.n == !diag->nerrors, "a question or an error", question);
	if (diag->nerrors || !compile_more(c, more, STAGE_POLICY, a, diag))
		return NULL;
	for (size_t i = 0; i < c->policy->expects.n; i++)
		if (c->policy->expects.v[i].query)
			return &c->policy->expects.v[i];
	demand(false, "the question is there", question);
	return NULL;
}

static void print(const struct diag *diag)
{
	static FILE *sink;

	if (!sink)
		sink = fopen("/dev/null", "w");
	if (sink)
		diag_print(diag, sink, true);
}

static void answer(struct arena *a, struct compiled *c, const struct rule *query)
{
	struct stories stories = {0};
	struct mean m;

	mean_init(&m, a, (struct dd_budget){200000, 1});
	schema_add_policy(&m.schema, c->policy);
	explain_query(&stories, &m, c->policy, query);
	for (size_t i = 0; i < stories.n && i < 4; i++) {
		struct compiled again;
		struct diag diag;

		if (!stories.v[i].query)
			continue;
		diag_init(&diag, a);
		demand(ask(&again, stories.v[i].query, a, &diag), "an answer's own question",
		       stories.v[i].query);
	}
	mean_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	char *question = arena_strndup(a, (const char *)data, strnlen((const char *)data, size));
	const struct rule *query;
	struct compiled c;
	struct diag diag;

	diag_init(&diag, a);
	query = ask(&c, question, a, &diag);
	print(&diag);
	if (query)
		answer(a, &c, query);
	arena_free(a);
	return 0;
}
