/* SPDX-License-Identifier: GPL-2.0-or-later
 * What differs between two rulesets, looked for near what changed and everywhere: the same. The
 * rulesets are those of the policies given, each of their rules left out in turn, or put first.
 */
#include <stdlib.h>

#include "compile.h"
#include "space/delta.h"
#include "test.h"

#define VARIANTS_MAX 6 /* of a policy */

static const struct ir_ruleset *compiled(struct arena *a, const char *text)
{
	struct compiled c = {.path = "p"};
	struct diag diag;
	bool ok;

	diag_init(&diag, a);
	c.ast = ast_parse_source(source_add(a, c.path, text, strlen(text)), NULL, a, &diag);
	ok = c.ast && !diag.nerrors && compile_more(&c, NULL, STAGE_IR, a, &diag);
	return ok ? c.ruleset : NULL;
}

/* By what they say, whatever packet stands for them. */
static const char *group_text(struct arena *a, const struct delta_group *g)
{
	return arena_printf(a, "%d %d %s (%s) %s (%s) %.0Lf", g->at, (int)g->kind, g->before,
			    g->before_line.text ? g->before_line.text : "", g->after,
			    g->after_line.text ? g->after_line.text : "", g->count);
}

static int text_cmp(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static const char *deltas_text(struct arena *a, const struct deltas *d)
{
	const char **v = arena_alloc(a, (d->n + 1) * sizeof(*v)), *all = d->known ? "" : "unknown ";

	for (size_t i = 0; i < d->n; i++)
		v[i] = group_text(a, &d->v[i]);
	if (d->n > 1)
		qsort(v, d->n, sizeof(*v), text_cmp);
	for (size_t i = 0; i < d->n; i++)
		all = arena_printf(a, "%s%s\n", all, v[i]);
	return all;
}

static bool same(const char *before, const char *after)
{
	struct arena *a = arena_new();
	const struct ir_ruleset *x = compiled(a, before), *y = compiled(a, after);
	struct dd_budget budget = {0};
	struct deltas near, whole;
	bool equal = true;

	if (x && y) {
		struct delta_side s = delta_side_of(x, NULL), t = delta_side_of(y, NULL);

		delta_compare(&near, a, &s, &t, budget);
		delta_compare_whole(&whole, a, &s, &t, budget);
		equal = !strcmp(deltas_text(a, &near), deltas_text(a, &whole));
		if (!equal)
			printf("# near:\n# %s# whole:\n# %s", deltas_text(a, &near),
			       deltas_text(a, &whole));
	}
	arena_free(a);
	return equal;
}

static bool is_rule(const char *line)
{
	static const char *const words[] = {"allow ", "drop ",	"reject ",	"inspect ",
					    "dnat ",  "snat ",	"masquerade ",	"redirect ",
					    "set ",   "host ",	"clamp-mss "};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(line, words[i], strlen(words[i])) && !strchr(line, '{'))
			return true;
	return false;
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0;

	if (f && getdelim(&text, &cap, '\0', f) < 0)
		text = NULL;
	if (f)
		fclose(f);
	return text;
}

static void try_policy(const char *path)
{
	char *text = read_file(path), *line = text;
	int n = 0;

	CHECK(text != NULL);
	for (; line && *line && n < VARIANTS_MAX; line = strchr(line, '\n')) {
		struct arena *a = arena_new();
		const char *without, *first, *end;

		line += *line == '\n';
		end = strchr(line, '\n');
		if (end && is_rule(line)) {
			without = arena_printf(a, "%.*s%s", (int)(line - text), text, end + 1);
			first = arena_printf(a, "%.*s\n%s", (int)(end - line), line, without);
			if (!test_report(same(text, without) && same(without, text) &&
						 same(text, first) && same(first, without),
					 __FILE_NAME__, __LINE__, path))
				printf("# %.*s\n", (int)(end - line), line);
			n++;
		}
		arena_free(a);
		if (!end)
			break;
	}
	free(text);
}

int main(int argc, char **argv)
{
	const char *source = getenv("FWC_SRC") ? getenv("FWC_SRC") : ".";
	static const char *const names[] = {
		"rulesets/router.fwc",	       "rulesets/server.fwc",	     "rulesets/standalone.fwc",
		"tests/golden/lower/maps.fwc", "tests/golden/lower/dnat.fwc", "tests/golden/lower/log.fwc",
		"tests/golden/lower/groups.fwc", "examples/office.fwc"};

	for (int i = 1; i < argc; i++)
		try_policy(argv[i]);
	for (size_t i = 0; argc < 2 && i < sizeof(names) / sizeof(names[0]); i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", source, names[i]);
		try_policy(path);
	}
	return test_end();
}
