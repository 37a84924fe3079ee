/* SPDX-License-Identifier: GPL-2.0-or-later
 * runtime.json, and what was fetched for it -> lines, or JSON.
 */
#include "cmd/set_fetched.h"

#include <stdio.h>
#include <string.h>

#include "kernel/cgroup.h"
#include "kernel/delta.h"
#include "see/fetched.h"
#include "store/open.h"
#include "util/cleanup.h"
#include "util/diag.h"
#include "util/show.h"

/* Of a store that is there only as long as this takes. */
static void look(const struct globals *g, struct arena *a, const struct fetch_set *s,
		 struct fetched *out)
{
	const struct fetched_of of = fetch_of(s);
	_cleanup_buf_ struct buf ignored = {0};
	struct store store;

	*out = (struct fetched){0};
	if (s->kind != FETCH_CGROUP && !store_open(&store, g->state, false, &ignored)) {
		if (fetched_load_of(&store, a, s->name, &of, true, out, &ignored))
			*out = (struct fetched){0};
		store_close(&store);
	}
}

const struct fetch_set *set_fetched_find(const struct globals *g, struct arena *a, const char *name,
					 struct fetch_sets *all)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct fetch_set *s;
	struct store store;

	*all = (struct fetch_sets){0};
	if (store_open(&store, g->state, false, &ignored))
		return NULL;
	if (fetch_sets_applied(&store, a, all, &ignored))
		*all = (struct fetch_sets){0};
	store_close(&store);
	vec_each (all, s)
		if (name && s->kind != FETCH_OTHER &&
		    (!strcmp(s->name, name) || (s->path && !strcmp(s->path, name))))
			return s;
	return NULL;
}

bool set_fetched_held(const struct globals *g, struct arena *a, const char *name,
		      struct elements held[2])
{
	struct fetch_sets sets;
	const struct fetch_set *s = set_fetched_find(g, a, name, &sets);
	const struct bulk_list *lists[2];
	struct fetched f;

	if (!s || s->kind == FETCH_CGROUP)
		return false;
	look(g, a, s, &f);
	lists[0] = f.v4;
	lists[1] = f.v6;
	for (int i = 0; i < 2; i++) {
		held[i] = (struct elements){0};
		for (size_t k = 0; lists[i] && k < lists[i]->n; k++)
			vec_push(a, &held[i], ((struct element){.at = bulk_list_at(lists[i], k)}));
	}
	return true;
}

static const char *kind_word(const struct fetch_set *s)
{
	return s->kind == FETCH_DNS ? "dns" : s->kind == FETCH_URL ? "url" : "cgroup";
}

void set_fetched_refuse(const struct fetch_set *s, const char *address, bool takes_away)
{
	if (s->kind == FETCH_CGROUP) {
		fprintf(stderr, "fwc: set %s holds the number of a cgroup (%s); `fwc refresh %s`",
			s->name, s->line, s->name);
		fputs(" looks it up\n", stderr);
		return;
	}
	fprintf(stderr, "fwc: what '%s' holds is fetched (%s); `fwc refresh %s` renews it\n",
		s->name, s->line, s->name);
	if (!address)
		fprintf(stderr, "hint: `fwc set list %s` shows it\n", s->name);
	else if (takes_away)
		fprintf(stderr,
			"hint: write !%s behind the other elements of '%s' in the policy, then "
			"`fwc reload`\n",
			address, s->name);
	else
		fprintf(stderr, "hint: write %s, before %s in the policy, then `fwc reload`\n",
			address, kind_word(s));
}

/* ---- words ---- */

static void print_times(const struct fetched *f)
{
	if (!f->fetched) {
		fputs(", never fetched", stdout);
		return;
	}
	seen_time_print(", as of ", f->fetched);
	seen_time_print(", due ", f->next);
	if (f->stale)
		seen_time_print(", stale since ", f->stale);
	if (f->expired)
		fputs(", expired", stdout);
}

static size_t count(const struct fetch_set *s, const struct fetched *f)
{
	return (size_t)(fetch_count(s, f->v4) + fetch_count(s, f->v6));
}

static json_t *source_json(const struct fetch_set *s)
{
	json_t *list;

	if (s->kind != FETCH_DNS)
		return json_string(s->kind == FETCH_URL ? s->url : s->path);
	list = json_array();
	for (size_t i = 0; i < s->names.n; i++)
		json_array_append_new(list, json_string(s->names.v[i]));
	return list;
}

static json_t *head_json(const struct fetch_set *s, const struct fetched *f)
{
	json_t *j = json_pack("{s:s, s:s, s:o}", "set", s->name, "kind", kind_word(s), "source",
			      source_json(s));

	if (s->kind == FETCH_CGROUP)
		return j;
	json_object_set_new(j, "fetched",
			    f->fetched ? json_integer((json_int_t)f->fetched) : json_null());
	json_object_set_new(j, "due", f->fetched ? json_integer((json_int_t)f->next) : json_null());
	json_object_set_new(j, "stale",
			    f->stale ? json_integer((json_int_t)f->stale) : json_null());
	json_object_set_new(j, "why", f->why ? json_string(f->why) : json_null());
	return j;
}

/* # dns "a.example", "b.example", as of ..., due ... */
static void print_comment(const struct fetch_set *s, const struct fetched *f, bool there)
{
	printf("# %s", kind_word(s));
	for (size_t i = 0; i < s->names.n; i++)
		printf("%s\"%s\"", i ? ", " : " ", s->names.v[i]);
	if (s->kind != FETCH_DNS) {
		fputs(" \"", stdout);
		diag_show_to(stdout, s->kind == FETCH_URL ? s->url : s->path);
		putchar('"');
	}
	if (s->kind == FETCH_CGROUP)
		fputs(there ? ", there" : ", not there", stdout);
	else
		print_times(f);
	putchar('\n');
	if (!f->why)
		return;
	fputs("# ", stdout);
	diag_show_to(stdout, f->why);
	putchar('\n');
}

/* ---- what it holds ---- */

static void put_list(const struct bulk_list *l, json_t *to)
{
	for (size_t i = 0; l && i < l->n; i++) {
		_cleanup_buf_ struct buf text = {0};

		addr_print_range(&text, l->family, bulk_list_at(l, i));
		if (to)
			json_array_append_new(to, json_pack("{s:s}", "address", buf_str(&text)));
		else
			printf("%-39s  -\n", buf_str(&text));
	}
}

void set_fetched_list(const struct globals *g, struct arena *a, const struct fetch_set *s)
{
	json_t *elements = g->json ? json_array() : NULL;
	_cleanup_json_ json_t *j = NULL;
	uint64_t number = 0;
	bool there = s->kind == FETCH_CGROUP && !cgroup_number(s->path, &number);
	struct fetched f;

	look(g, a, s, &f);
	if (!g->json)
		print_comment(s, &f, there);
	put_list(f.v4, elements);
	put_list(f.v6, elements);
	if (!g->json) {
		if (there)
			printf("%llu\n", (unsigned long long)number);
		return;
	}
	if (there)
		json_array_append_new(elements, json_pack("{s:I}", "number", (json_int_t)number));
	j = head_json(s, &f);
	json_object_set_new(j, "elements", elements);
	show_json(j, JSON_INDENT(2));
}

void set_fetched_head(const struct globals *g, struct arena *a, const struct fetch_set *s,
		      json_t *to)
{
	uint64_t number;
	bool there = s->kind == FETCH_CGROUP && !cgroup_number(s->path, &number);
	struct fetched f;
	json_t *j;
	size_t n;

	if (s->kind == FETCH_OTHER)
		return;
	look(g, a, s, &f);
	n = s->kind == FETCH_CGROUP ? there : count(s, &f);
	if (!g->json && s->kind == FETCH_CGROUP) {
		diag_show_to(stdout, s->path);
		printf("  cgroup, %s (%s)\n", there ? "there" : "not there", s->name);
		return;
	}
	if (!g->json) {
		printf("%-20s %6zu %s%s, %s", s->name, n, s->interval ? "network" : "address",
		       n == 1	     ? ""
		       : s->interval ? "s"
				     : "es",
		       kind_word(s));
		print_times(&f);
		putchar('\n');
		return;
	}
	j = head_json(s, &f);
	json_object_set_new(j, "elements", json_integer((json_int_t)n));
	json_array_append_new(to, j);
}
