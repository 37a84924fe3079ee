/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc set: what dynamic sets hold, for people and for programs that find out whom to let in or out.
 *
 * It takes no lock: what it read and what it writes are one step by the generation of the ruleset,
 * and whoever came between made progress; so it waits for no apply, and an apply that it comes
 * between looks again.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/set_fetched.h"
#include "kernel/live.h"
#include "lang/lang.h"
#include "lang/parse.h"
#include "nft/elements.h"
#include "nft/nft.h"
#include "store/open.h"
#include "store/saved.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/show.h"

#define TRIES 50 /* others may commit between our look and our change */
#define FOREVER UINT64_MAX

static const enum family families[] = {FAM_IP4, FAM_IP6};

enum set_verb { SET_LIST, SET_ADD, SET_DELETE, SET_FLUSH, SET_TEST, NVERBS };
static const char *const verbs[NVERBS + 1] = {"list", "add", "delete", "flush", "test", NULL};

struct wanted { /* as it was typed */
	const char *text;
	enum family family;
	struct ival at;
};

struct request {
	struct globals *g;
	struct arena *a;
	enum set_verb verb;
	const char *name; /* NULL: list all */
	VEC(struct wanted) wanted;
	uint64_t time; /* seconds; 0: the set's */
};

struct halves { /* of a set, in the kernel: one of each family */
	struct live live;
	const struct ir_set *set[2];
};

/* ---- the command line ---- */

/* Of a word that is not what it should be: how to write it, and no usage. */
static int wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int wrong(const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	fputs("fwc: ", stderr);
	diag_show_to(stderr, buf_str(&text));
	fputc('\n', stderr);
	return EXIT_WRONG;
}

static int no_address(const char *word, const char *why)
{
	uint64_t seconds;

	if (value_duration(word, &seconds))
		return wrong("'%s' is a time: write for %s", word, word);
	if (!strpbrk(word, "/-"))
		return wrong("'%s' is not an address, as 192.0.2.1 and 2001:db8::1 are", word);
	return wrong("'%s' is not a network or a range: %s", word, why);
}

/* ADDRESS/LENGTH is the network that the address lies in, as programs write it. */
static bool read_network(const char *word, struct wanted *w)
{
	const char *slash = strchr(word, '/');
	uint64_t length;
	u128 rest;
	int bits;

	if (!slash || !addr_parse(word, (size_t)(slash - word), &w->family, &w->at.lo))
		return false;
	bits = w->family == FAM_IP4 ? 32 : 128;
	if (!number_word(slash + 1, 0, (uint64_t)bits, &length))
		return false;
	rest = u128_max(bits - (int)length);
	w->at = (struct ival){w->at.lo & ~rest, w->at.lo | rest};
	return true;
}

static int take_addresses(struct request *r, char **words, int n)
{
	if (n && (r->verb == SET_LIST || r->verb == SET_FLUSH))
		return usage_error("set", "%s takes the name of one set, and no addresses",
				   verbs[r->verb]);
	for (int i = 0; i < n; i++) {
		struct wanted w = {.text = words[i]};
		const char *why = NULL;

		if (!read_network(words[i], &w) &&
		    !addr_parse_range(words[i], strlen(words[i]), &w.family, &w.at, &why))
			return no_address(words[i], why);
		addr_unmap_range(&w.family, &w.at);
		vec_push(r->a, &r->wanted, w);
	}
	if (!n && (r->verb == SET_ADD || r->verb == SET_DELETE || r->verb == SET_TEST))
		return usage_error("set", "%s wants an address", verbs[r->verb]);
	return EXIT_FINE;
}

static int take_time(struct request *r, char **words, int *n)
{
	if (*n && !strcmp(words[*n - 1], "for"))
		return usage_error("set", "for wants a time: 30s, 10m, 1h30m, 2d");
	if (*n < 2 || strcmp(words[*n - 2], "for") != 0)
		return EXIT_FINE;
	if (r->verb != SET_ADD)
		return usage_error("set", "for TIME goes with add, not with %s", verbs[r->verb]);
	if (!value_duration(words[*n - 1], &r->time))
		return wrong("'%s' is not a time; write 30s, 10m, 2d or 1h30m, from 1s to 3650d",
			     words[*n - 1]);
	*n -= 2;
	return EXIT_FINE;
}

static int take_verb(struct request *r, const char *word)
{
	const char *near = word_nearest(verbs, word);

	for (int i = 0; i < NVERBS; i++)
		if (!strcmp(verbs[i], word))
			r->verb = (enum set_verb)i;
	if (r->verb < NVERBS)
		return EXIT_FINE;
	if (near)
		return usage_error("set", "set has no '%s'; did you mean '%s'?", word, near);
	return usage_error("set", "set takes list, add, delete, flush or test, not '%s'", word);
}

static int take_arguments(struct request *r, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	int n, err;

	opterr = 0;
	if (getopt_long(argc, argv, "+", longs, NULL) != -1)
		return usage_error("set", "unknown option: %s", usage_option(argv));
	argv += optind;
	n = argc - optind;
	if (!n)
		return usage_error("set", "set wants to be told what: list, add, delete, flush or "
					  "test");
	err = take_verb(r, *argv++);
	n--;
	if (!err && !n && r->verb != SET_LIST)
		return usage_error("set", "%s wants the name of a set", verbs[r->verb]);
	if (err || !n)
		return err;
	r->name = *argv++;
	n--;
	err = take_time(r, argv, &n);
	return err ? err : take_addresses(r, argv, n);
}

/* ---- names ---- */

/* "offenders" of the set offenders.v4; NULL if it is no half of a set of the policy. */
static const char *name_of(struct arena *a, const struct ir_set *s)
{
	const char *dot = strchr(s->name, '.');

	if (!s->dynamic || s->is_map || !dot || strcmp(dot, ".v4") != 0)
		return NULL;
	return arena_strndup(a, s->name, (size_t)(dot - s->name));
}

static const struct ast_names *defined(const struct ast_stmts *stmts, const char *name)
{
	const struct ast_names *found = NULL;

	for (size_t i = 0; !found && i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->v[i];

		if (s->kind == STMT_INCLUDE)
			found = defined(&s->include.files, name);
		else if (s->kind == STMT_NAMES && s->names.name.s && !strcmp(s->names.name.s, name))
			found = &s->names;
	}
	return found;
}

/* It may be in the policy, and yet not one of these sets. */
static bool said_by_policy(const struct request *r)
{
	struct ast *ast;
	const struct ast_names *n;
	bool fetched = false;
	struct diag diag;

	diag_init(&diag, r->a);
	ast = ast_parse_file(r->g->config, loader_files(r->a), r->a, &diag);
	n = ast ? defined(&ast->stmts, r->name) : NULL;
	if (!n)
		return false;
	for (size_t i = 0; i < n->elements.n; i++)
		fetched |= n->elements.v[i].kind == ELEM_DNS || n->elements.v[i].kind == ELEM_URL;
	if (n->dynamic || fetched)
		fprintf(stderr,
			"fwc: set '%s' is not in the rules in force yet (%s has it); `fwc reload` "
			"applies them\n",
			r->name, span_where(r->a, n->name.span));
	else
		fprintf(stderr,
			"fwc: '%s' is no dynamic set: what it holds is part of the policy (%s); "
			"change it there, then `fwc reload`\n",
			r->name, span_where(r->a, n->name.span));
	return true;
}

static int unknown(struct request *r, const struct live *live)
{
	struct nearest near = {.word = r->name};
	const struct fetch_set *fetched;
	struct fetch_sets sets;
	struct ir_set *const *s;
	size_t n = 0;

	if (!live->present) {
		fputs("fwc: no fwc firewall is loaded; `fwc apply` loads it\n", stderr);
		return EXIT_SYSTEM;
	}
	fetched = set_fetched_find(r->g, r->a, r->name, &sets);
	if (fetched)
		set_fetched_refuse(fetched, r->wanted.n ? r->wanted.v[0].text : NULL,
				   r->verb == SET_DELETE);
	if (fetched || said_by_policy(r))
		return EXIT_WRONG;
	vec_each (&live->ruleset->sets, s) {
		const char *name = name_of(r->a, *s);

		if (name) {
			nearest_offer(&near, name);
			n++;
		}
	}
	vec_each (&sets, fetched) {
		nearest_offer(&near, fetched->path ? fetched->path : fetched->name);
		n++;
	}
	fprintf(stderr, "fwc: no %sset is called '", sets.n ? "" : "dynamic ");
	diag_show_to(stderr, r->name);
	if (near.best)
		fprintf(stderr, "'; did you mean '%s'?\n", near.best);
	else
		fputs(n ? "'; `fwc set list` names them\n"
			: "', and the rules in force have none; in the policy: set NAME = "
			  "dynamic, timeout 1h\n",
		      stderr);
	return EXIT_WRONG;
}

/* 0, an exit code with the message printed. */
static int find(struct request *r, struct halves *h)
{
	_cleanup_buf_ struct buf why = {0};
	const char *names = "";
	int err;

	*h = (struct halves){0};
	if (word_is_name(r->name))
		names = arena_printf(r->a, "set %s.v4\nset %s.v6", r->name, r->name);
	err = live_read_some(&h->live, names, r->g->netns, r->a, &why);
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	for (int i = 0; i < 2 && *names; i++) {
		h->set[i] = ruleset_set(h->live.ruleset,
					arena_printf(r->a, "%s.v%d", r->name, families[i]));
		if (h->set[i] && (!h->set[i]->dynamic || h->set[i]->nkeys != 1))
			h->set[i] = NULL;
	}
	return h->set[0] && h->set[1] ? EXIT_FINE : unknown(r, &h->live);
}

/* ---- list, test ---- */

static void print_left(uint64_t left)
{
	_cleanup_buf_ struct buf b = {0};

	duration_print(&b, left);
	fputs(left ? buf_str(&b) : "0s", stdout);
}

struct held { /* by one set, in the order of addresses; as text for people */
	struct elements v[2];
	int width;
};

static const char *element_text(struct request *r, enum family family, struct ival at)
{
	_cleanup_buf_ struct buf text = {0};

	addr_print_range(&text, family, at);
	return arena_strdup(r->a, buf_str(&text));
}

static void held_by(struct request *r, const struct halves *h, struct held *out)
{
	const struct element *e;

	out->width = 0;
	for (int i = 0; i < 2; i++) {
		elements_of(r->a, h->set[i], &out->v[i]);
		vec_each (&out->v[i], e) {
			int n = (int)strlen(element_text(r, families[i], e->at));

			out->width = n > out->width ? n : out->width;
		}
	}
}

static void list_elements(struct request *r, const struct halves *h)
{
	const struct element *e;
	struct held held;

	held_by(r, h, &held);
	for (int i = 0; i < 2; i++)
		vec_each (&held.v[i], e) {
			printf("%-*s  ", held.width, element_text(r, families[i], e->at));
			if (e->ages)
				print_left(e->left);
			else
				putchar('-');
			putchar('\n');
		}
}

static json_t *elements_json(struct request *r, const struct halves *h)
{
	json_t *to = json_array();
	const struct element *e;
	struct held held;

	held_by(r, h, &held);
	for (int i = 0; i < 2; i++)
		vec_each (&held.v[i], e) {
			json_t *j =
				json_pack("{s:s}", "address", element_text(r, families[i], e->at));

			if (e->ages)
				json_object_set_new(j, "left", json_integer((json_int_t)e->left));
			if (e->ages && e->timeout)
				json_object_set_new(j, "timeout",
						    json_integer((json_int_t)e->timeout));
			json_array_append_new(to, j);
		}
	return to;
}

static json_t *head_json(const char *name, const struct ir_set *s)
{
	return json_pack("{s:s, s:b, s:I, s:I}", "set", name, "prefixes", s->interval, "timeout",
			 (json_int_t)s->timeout, "size", (json_int_t)elements_size(s));
}

static int list_one(struct request *r)
{
	struct fetch_sets sets;
	const struct fetch_set *fetched = set_fetched_find(r->g, r->a, r->name, &sets);
	struct halves h;
	int err;

	if (fetched) {
		set_fetched_list(r->g, r->a, fetched);
		return EXIT_FINE;
	}
	err = find(r, &h);
	if (err)
		return err;
	if (r->g->json) {
		_cleanup_json_ json_t *j = head_json(r->name, h.set[0]);

		json_object_set_new(j, "elements", elements_json(r, &h));
		show_json(j, JSON_INDENT(2));
	} else {
		list_elements(r, &h);
	}
	return EXIT_FINE;
}

static void print_head(const char *name, const struct ir_set *v4, size_t n)
{
	printf("%-20s %6zu %s%s", name, n, v4->interval ? "network" : "address",
	       v4->interval ? n == 1 ? "" : "s"
	       : n == 1	    ? ""
			    : "es");
	printf(" of at most %u of each family, timeout ", elements_size(v4));
	if (v4->timeout)
		print_left(v4->timeout);
	else
		fputs("none", stdout);
	putchar('\n');
}

static int list_all(struct request *r)
{
	_cleanup_buf_ struct buf why = {0};
	_cleanup_json_ json_t *list = json_array();
	struct fetch_sets fetched;
	const struct fetch_set *f;
	struct ir_set *const *s;
	struct live live;
	size_t n = 0;
	int err = live_read(&live, r->g->netns, r->a, &why);

	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	else if (!live.present)
		fputs("fwc: no fwc firewall is loaded; `fwc apply` loads it\n", stderr);
	if (err || !live.present)
		return EXIT_SYSTEM;
	vec_each (&live.ruleset->sets, s) {
		const char *name = name_of(r->a, *s);
		const struct ir_set *six =
			name ? ruleset_set(live.ruleset, arena_printf(r->a, "%s.v6", name)) : NULL;
		json_t *j;

		if (!six)
			continue;
		n++;
		if (!r->g->json) {
			print_head(name, *s, (*s)->elems.n + six->elems.n);
			continue;
		}
		j = head_json(name, *s);
		json_object_set_new(j, "elements",
				    json_integer((json_int_t)((*s)->elems.n + six->elems.n)));
		json_array_append_new(list, j);
	}
	set_fetched_find(r->g, r->a, NULL, &fetched);
	vec_each (&fetched, f)
		set_fetched_head(r->g, r->a, f, list);
	if (r->g->json)
		show_json(list, JSON_INDENT(2));
	else if (!n && !fetched.n)
		fputs("fwc: the rules in force have no dynamic set; in the policy: set NAME = "
		      "dynamic, timeout 1h\n",
		      stderr);
	return EXIT_FINE;
}

/* For how long all of it is there; 0: it is not. */
static uint64_t left_of(const struct elements *held, struct ival at)
{
	const struct element *e;
	uint64_t left = FOREVER;

	if (!elements_cover(held, at))
		return 0;
	vec_each (held, e) {
		if (e->at.hi >= at.lo && e->at.lo <= at.hi && e->ages && e->left < left)
			left = e->left ? e->left : 1;
	}
	return left;
}

static int look(struct request *r, struct elements held[2])
{
	struct halves h;
	int err;

	if (set_fetched_held(r->g, r->a, r->name, held))
		return EXIT_FINE;
	err = find(r, &h);
	for (int i = 0; i < 2 && !err; i++)
		elements_of(r->a, h.set[i], &held[i]);
	return err;
}

static int test(struct request *r)
{
	_cleanup_json_ json_t *list = json_array();
	struct elements held[2];
	const struct wanted *w;
	bool all = true;
	int err = look(r, held);

	if (err)
		return err;
	vec_each (&r->wanted, w) {
		uint64_t left = left_of(&held[w->family == FAM_IP6], w->at);
		json_t *j = json_pack("{s:s, s:b}", "address", w->text, "in", left > 0);

		if (left && left != FOREVER)
			json_object_set_new(j, "left", json_integer((json_int_t)left));
		json_array_append_new(list, j);
		all &= left > 0;
		if (r->g->json)
			continue;
		printf("%s is %sin %s", w->text, left ? "" : "not ", r->name);
		if (left && left != FOREVER) {
			fputs(" for another ", stdout);
			print_left(left);
		}
		putchar('\n');
	}
	if (r->g->json)
		show_json(list, JSON_INDENT(2));
	return all ? EXIT_FINE : EXIT_FINDINGS;
}

/* ---- add, delete, flush ---- */

static bool all_fit(const struct request *r, const struct halves *h)
{
	const struct wanted *w;

	vec_each (&r->wanted, w) {
		if (h->set[0]->interval || w->at.lo == w->at.hi || r->verb == SET_DELETE)
			continue;
		fprintf(stderr,
			"fwc: '%s' holds addresses, and %s is more than one; for networks, the "
			"policy says: set %s = dynamic, prefixes\n",
			r->name, w->text, r->name);
		return false;
	}
	return true;
}

static struct elements elements_wanted(const struct request *r, enum family family,
				       const struct ir_set *s)
{
	struct elements out = {0};
	const struct wanted *w;

	vec_each (&r->wanted, w) {
		if (w->family == family)
			vec_push(r->a, &out,
				 ((struct element){.at = w->at,
						   .ages = r->time || s->timeout,
						   .left = r->time ? r->time : s->timeout,
						   .timeout = r->time}));
	}
	return out;
}

static void full(const struct request *r, const struct ir_set *s)
{
	fprintf(stderr, "fwc: set '%s' is full: it holds at most %u %s %s; nothing was added\n",
		r->name, elements_size(s), s->keys[0] == F_IP_SADDR ? "IPv4" : "IPv6",
		s->interval ? "networks" : "addresses");
}

/* What is to be sent; false: there is no room for it. */
static bool plan(struct request *r, const struct halves *h, struct buf *script,
		 struct elements_sum *sum)
{
	*sum = (struct elements_sum){0};
	script->len = 0;
	for (int i = 0; i < 2; i++) {
		const struct ir_set *s = h->set[i];
		struct elements what = elements_wanted(r, families[i], s);

		sum->held = 0;
		if (r->verb == SET_FLUSH) {
			sum->deleted += s->elems.n;
			if (s->elems.n)
				buf_printf(script, "flush set inet " IR_TABLE " %s\n", s->name);
		} else if (r->verb == SET_DELETE) {
			elements_delete(r->a, s, &what, script, sum);
		} else {
			elements_add(r->a, s, &what, ELEMENTS_LONGER, script, sum);
		}
		if (sum->held > s->elems.n && elements_size(s) && sum->held > elements_size(s)) {
			full(r, s);
			return false;
		}
	}
	return true;
}

/* An element may go between our look and our change, and somebody else's may come. */
static int change(struct request *r, struct elements_sum *sum)
{
	_cleanup_buf_ struct buf script = {0}, why = {0};
	int err = -ESTALE;

	for (int i = 0; i < TRIES && (err == -ESTALE || err == -ENOENT); i++) {
		const struct live_names none = {0};
		struct live_outcome out;
		struct halves h;
		int code = find(r, &h);

		if (code)
			return code;
		if (!all_fit(r, &h))
			return EXIT_WRONG;
		if (!plan(r, &h, &script, sum))
			return EXIT_SYSTEM;
		why.len = 0;
		err = script.len ? live_change(&h.live, r->g->netns, r->a, buf_str(&script), &none,
					       &out, &why)
				 : 0;
		if (err && strstr(buf_str(&why), "Too many open files")) {
			full(r, h.set[0]);
			return EXIT_SYSTEM;
		}
	}
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	return err ? EXIT_SYSTEM : EXIT_FINE;
}

/* What only rules on trial have goes with them. */
static void warn_trial(struct request *r)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct manifest *applied;
	struct trial t = {0};
	struct store s;
	const char *half = arena_printf(r->a, "%s.v4", r->name);

	if (store_open(&s, r->g->state, false, &ignored) == 0 &&
	    trial_read(&s, &t, &ignored) == 0 && t.state == TRIAL_RUNNING) {
		applied = store_read_manifest(&s, STORE_APPLIED, r->a);
		if (!applied || !manifest_find(applied, false, half))
			fprintf(stderr,
				"fwc: warning: only the rules on trial have set '%s'; unless `fwc "
				"confirm` comes within %.0f seconds, it goes with them\n",
				r->name, t.left);
	}
	store_close(&s);
}

static void print_sum(const struct request *r, const struct elements_sum *sum)
{
	const struct {
		const char *key, *text;
		size_t n;
		bool always;
	} parts[] = {{"added", "added", sum->added, r->verb == SET_ADD},
		     {"renewed", "renewed", sum->renewed, false},
		     {"kept", "there already", sum->kept, false},
		     {"deleted", "deleted", sum->deleted, r->verb != SET_ADD},
		     {"absent", "not in it", sum->absent, false}};
	_cleanup_json_ json_t *j = json_pack("{s:s}", "set", r->name);
	const char *comma = ": ";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if ((i < 3) == (r->verb == SET_ADD))
			json_object_set_new(j, parts[i].key, json_integer((json_int_t)parts[i].n));
		if (r->g->json || (!parts[i].n && !parts[i].always))
			continue;
		printf("%s%s%zu %s", *comma == ':' ? r->name : "", comma, parts[i].n,
		       parts[i].text);
		comma = ", ";
	}
	if (r->g->json)
		show_json(j, JSON_INDENT(2));
	else
		putchar('\n');
}

int cmd_set(struct globals *g, int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct request r = {.g = g, .a = a, .verb = NVERBS};
	struct elements_sum sum;
	int code = take_arguments(&r, argc, argv);

	if (code)
		return code;
	if (r.verb == SET_LIST)
		return r.name ? list_one(&r) : list_all(&r);
	if (r.verb == SET_TEST)
		return test(&r);
	code = change(&r, &sum);
	if (code)
		return code;
	if (r.verb == SET_ADD)
		warn_trial(&r);
	print_sum(&r, &sum);
	return EXIT_FINE;
}
