/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc log: what rules with `log` have written into the kernel's log, by the lines of the policy.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/common.h"
#include "cmd/packet_text.h"
#include "kernel/kmsg.h"
#include "kernel/live.h"
#include "kernel/opener.h"
#include "nft/compare.h"
#include "nft/log_line.h"
#include "see/location.h"
#include "util/cleanup.h"
#include "util/show.h"

#define READ_AGAIN 1 /* seconds between looks whether the rules are still the same */

struct logging {
	struct globals *g;
	/* the rules of now */
	struct arena *arena;
	const struct ir_ruleset *rules;
	struct locations places; /* none: rules of a policy file */
	struct compiled compiled;
	uint32_t generation;
	time_t looked;
	bool warned, hidden;
};

struct entry { /* one line of the log */
	struct timespec at;
	bool has_time;
	struct log_line line;
	struct observed_logs logs;
};

/* ---- the rules ---- */

static void read_places(struct logging *l)
{
	locations_read(&l->places, l->g->state, l->arena);
	if (l->places.hidden && !l->hidden)
		fputs("fwc: warning: only root can read the state directory: rules have no file "
		      "and line\n",
		      stderr);
	l->hidden |= l->places.hidden;
}

/* The policy that was applied, or that of --config: for its zones. What is wrong with it is for
 * check to say. */
static void read_policy(struct logging *l)
{
	const struct manifest *m = l->places.manifests[0];
	const char *path = m && m->sources.n ? m->sources.v[0].path : l->g->config;
	struct loader *loader = loader_files(l->arena);
	struct diag quiet;

	diag_init(&quiet, l->arena);
	if (!compile_file(&l->compiled, path, STAGE_IR, loader, l->arena, &quiet) && m) {
		compiled_free(&l->compiled);
		l->compiled = (struct compiled){0};
		compile_file(&l->compiled, l->g->config, STAGE_IR, loader, l->arena, &quiet);
	}
}

static void read_rules(struct logging *l)
{
	_cleanup_buf_ struct buf why = {0};
	struct live live;

	compiled_free(&l->compiled);
	l->compiled = (struct compiled){0};
	arena_free(l->arena);
	l->arena = arena_new();
	read_places(l);
	read_policy(l);
	l->rules = ruleset_new(l->arena);
	if (live_read(&live, l->g->netns, l->arena, &why) == 0 && live.ruleset->chains.n) {
		l->rules = live.ruleset;
		l->generation = live.generation;
		return;
	}
	if (l->compiled.ruleset)
		l->rules = l->compiled.ruleset;
	if (!l->warned)
		fprintf(stderr, "fwc: warning: %s%s%s; policy lines are taken from %s\n",
			why.len ? "the rules in the kernel cannot be read ("
				: "no rules are loaded",
			buf_str(&why), why.len ? ")" : "",
			l->compiled.ruleset ? l->compiled.path : "no policy");
	l->warned = true;
	l->places = (struct locations){0};
}

/* Who follows the log outlives the rules. */
static void read_if_changed(struct logging *l)
{
	_cleanup_buf_ struct buf ignored = {0};
	time_t now = time(NULL);
	struct genid g;

	if (now - l->looked < READ_AGAIN && now >= l->looked)
		return;
	l->looked = now;
	if (genid_get(l->g->netns, &g, &ignored) == 0 && g.id != l->generation) {
		read_rules(l);
		l->generation = g.id;
	}
}

static struct location place_of(const struct logging *l, const struct observed_log *log)
{
	struct location out = locations_rule(&l->places, log->chain, log->rule);
	const char *where = span_where(l->arena, log->chain->rules.v[log->rule].at);

	if (!out.line && *where)
		out.line = where;
	return out;
}

/* In the order of the policy, fwc's own last. */
static int place_cmp(const void *x, const void *y)
{
	const struct location *a = x, *b = y;

	if (!a->line || !b->line)
		return !a->line - !b->line;
	return strverscmp(a->line, b->line);
}

/* A rule of the policy may log at several places. */
static size_t places(const struct logging *l, struct arena *a, const struct entry *e,
		     struct location **out)
{
	size_t n = 0;

	*out = arena_alloc(a, (e->logs.n + 1) * sizeof(**out));
	for (size_t i = 0; i < e->logs.n; i++) {
		struct location p = place_of(l, &e->logs.v[i]);
		bool had = false;

		for (size_t k = 0; k < n; k++)
			had |= same_text((*out)[k].line, p.line) &&
			       same_text((*out)[k].rule, p.rule);
		if (!had)
			(*out)[n++] = p;
	}
	qsort(*out, n, sizeof(**out), place_cmp);
	return n;
}

/* ---- a line of the log ---- */

static void find_rules(const struct logging *l, struct arena *a, struct entry *e)
{
	const char *prefix = arena_printf(a, "fwc %.*s: ", (int)e->line.ntag, e->line.tag);

	observed_find_logs(a, l->rules, &e->line.seen, prefix, &e->logs);
	if (!e->logs.n) /* what is not as the rules of now would have it */
		observed_find_logs(a, l->rules, NULL, prefix, &e->logs);
}

static void print_shown(const char *line)
{
	diag_show_to(stdout, line);
	putchar('\n');
}

static void print_entry(const struct logging *l, struct arena *a, const struct entry *e)
{
	struct location *p;
	size_t n = places(l, a, e, &p);
	struct buf b = {0};
	char at[32];
	struct tm tm;

	if (e->has_time && localtime_r(&e->at.tv_sec, &tm)) {
		strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S", &tm);
		buf_printf(&b, "%s  ", at);
	} else {
		buf_add(&b, e->line.stamp, e->line.nstamp);
	}
	buf_add(&b, e->line.tag, e->line.ntag);
	buf_puts(&b, "  ");
	packet_text_way(&b, l->compiled.policy, &e->line.seen, true);
	buf_puts(&b, "  ");
	observed_print(&b, &e->line.seen);
	print_shown(buf_str(&b));
	if (!n)
		puts("  no rule in force logs with this tag");
	for (size_t i = 0; i < n; i++) {
		b.len = 0;
		buf_printf(&b, "  %s%s%s%s", i ? "or " : "", p[i].line ? p[i].line : "",
			   p[i].line ? ": " : "", p[i].rule ? p[i].rule : "");
		print_shown(buf_str(&b));
	}
	buf_free(&b);
}

/* Null if it is no UTF-8, which a file may hold. */
static json_t *piece_json(const char *text, size_t n)
{
	json_t *j = json_stringn(text, n);

	return j ? j : json_null();
}

static void print_json(const struct logging *l, struct arena *a, const struct entry *e)
{
	struct location *p;
	size_t n = places(l, a, e, &p);
	json_t *j = packet_text_json(l->compiled.policy, &e->line.seen), *list = json_array();
	size_t nstamp = e->line.nstamp;

	while (nstamp && e->line.stamp[nstamp - 1] == ' ')
		nstamp--;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			list, json_pack("{s:s?, s:s?}", "line", p[i].line, "rule", p[i].rule));
	json_object_set_new(j, "time",
			    e->has_time
				    ? json_real((double)e->at.tv_sec + (double)e->at.tv_nsec / 1e9)
				    : json_null());
	if (!e->has_time)
		json_object_set_new(j, "stamp", piece_json(e->line.stamp, nstamp));
	json_object_set_new(j, "tag", piece_json(e->line.tag, e->line.ntag));
	json_object_set_new(j, "line", n == 1 && p[0].line ? json_string(p[0].line) : json_null());
	json_object_set_new(j, "rule", n == 1 && p[0].rule ? json_string(p[0].rule) : json_null());
	json_object_set_new(j, "candidates", list);
	show_json(j, JSON_COMPACT | JSON_REAL_PRECISION(16));
	json_decref(j);
}

/* False if nobody reads any more. */
static bool show(struct logging *l, const char *text, const struct timespec *at)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct entry e = {.has_time = at};

	if (!(at ? log_line_record(&e.line, text) : log_line_kept(&e.line, text)))
		return true;
	if (at)
		e.at = *at;
	find_rules(l, a, &e);
	if (l->g->json)
		print_json(l, a, &e);
	else
		print_entry(l, a, &e);
	return fflush(stdout) == 0;
}

/* ---- sources ---- */

/* False at the end. What is too long to be one of ours becomes empty. */
static bool read_line(FILE *f, char line[LOG_LINE_MAX])
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(f)) != EOF && c != '\n') {
		if (n < LOG_LINE_MAX)
			line[n] = (char)c;
		n++;
	}
	line[n < LOG_LINE_MAX ? n : 0] = '\0';
	return c != EOF || n;
}

static int of_file(struct logging *l, const char *path)
{
	bool own = strcmp(path, "-") != 0;
	int fd = own ? opener_openat(AT_FDCWD, path, O_RDONLY) : -1;
	FILE *f = own ? fd < 0 ? NULL : fdopen(fd, "r") : stdin;
	char line[LOG_LINE_MAX];
	int rc = EXIT_FINE;

	if (!f) {
		fprintf(stderr, "fwc: error: cannot read %s: %s\n", path,
			strerror(fd < 0 ? -fd : errno));
		return EXIT_WRONG;
	}
	while (read_line(f, line)) {
		read_if_changed(l);
		if (!show(l, line, NULL))
			break;
	}
	if (ferror(f)) {
		fprintf(stderr, "fwc: error: cannot read %s: %s\n", path, strerror(errno));
		rc = EXIT_SYSTEM;
	}
	if (own)
		fclose(f);
	return rc;
}

static int of_kernel(struct logging *l, bool follow)
{
	int fd = kmsg_open(), got = fd;
	struct kmsg k = {0};

	while (fd >= 0 && (got = kmsg_read(fd, &k)) >= 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (k.lost && follow)
			fputs("fwc: warning: the kernel's log overwrote records before they were "
			      "read\n",
			      stderr);
		if (got > 0)
			read_if_changed(l);
		if (got > 0 && !show(l, buf_str(&k.text), &k.at))
			break;
		if (got == 0 && !follow)
			break;
		if (got == 0)
			poll(&p, 1, -1);
	}
	kmsg_free(&k);
	if (fd >= 0)
		close(fd);
	if (got >= 0)
		return EXIT_FINE;
	fprintf(stderr, "fwc: cannot read the kernel's log (/dev/kmsg): %s\n", strerror(-got));
	return EXIT_SYSTEM;
}

int cmd_log(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"follow", no_argument, NULL, 'f'}, {0}};
	struct logging l = {.g = g, .looked = time(NULL)};
	bool follow = false;
	int c, rc;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "f", longs, NULL)) != -1) {
		if (c != 'f')
			return usage_error("log", "unknown option: %s", usage_option(argv));
		follow = true;
	}
	if (argc - optind > 1)
		return usage_error("log", "at most one file");
	if (follow && optind < argc)
		return usage_error("log", "--follow is for the kernel's own log");
	read_rules(&l);
	rc = optind < argc ? of_file(&l, argv[optind]) : of_kernel(&l, follow);
	compiled_free(&l.compiled);
	arena_free(l.arena);
	return rc;
}
