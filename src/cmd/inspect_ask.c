/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc inspect status, log, reload: what fwc-inspectd has to say, for people.
 */
#include "cmd/inspect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apply/inspectd.h"
#include "cmd/common.h"
#include "store/open.h"
#include "store/sources.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/member.h"
#include "util/show.h"

static long long number(const json_t *j, const char *key)
{
	return (long long)json_integer_value(json_object_get(j, key));
}

static const char *when(char *out, size_t size, long long at)
{
	time_t t = (time_t)at;
	struct tm tm;

	strftime(out, size, "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
	return out;
}

/* ---- status ---- */

/* fwc-inspectd 0.1 does not say whether one is ready. */
static const char *judge_trouble(const json_t *q)
{
	if (!number(q, "judge"))
		return "  NO JUDGE";
	return json_is_false(json_object_get(q, "ready")) ? "  JUDGE NOT READY" : "";
}

static void print_queues(const json_t *queues)
{
	json_t *q;
	size_t i;

	puts("\n queue   packets  waiting  connections  restarts");
	json_array_foreach((json_t *)queues, i, q)
		printf("%6lld %9lld %8lld %12lld %9lld%s%s\n", number(q, "number"),
		       number(q, "packets"), number(q, "waiting"), number(q, "flows"),
		       number(q, "restarts"), judge_trouble(q),
		       json_is_true(json_object_get(q, "bound")) ? "" : "  NOT BOUND");
}

static void print_rules(const json_t *rules)
{
	json_t *r;
	size_t i;

	puts("\n allowed   denied rejected   by default  without knowing");
	json_array_foreach((json_t *)rules, i, r)
	{
		const json_t *by = json_object_get(r, "by");

		printf("%8lld %8lld %8lld %12lld %16lld  %s: %s\n", number(r, "allow"),
		       number(r, "deny"), number(r, "reject"), number(by, "default"),
		       number(by, "on-error") + number(by, "on-timeout") +
			       number(by, "on-overflow") + number(by, "on-no-helper"),
		       member_text(r, "at"), member_text(r, "text"));
	}
}

static void print_answers(const json_t *queues)
{
	long long answered = 0, unanswered = 0;
	json_t *q;
	size_t i;

	json_array_foreach((json_t *)queues, i, q)
	{
		answered += number(q, "answered");
		unanswered += number(q, "unanswered");
	}
	if (answered + unanswered)
		printf("\n%lld denied queries were answered\n", answered);
	if (unanswered)
		printf("%lld were not: no route leads back to where they came in\n", unanswered);
}

static void print_client(const json_t *j, const char *name)
{
	printf("%8lld %8lld %8lld  %s\n", number(j, "allow"), number(j, "deny"),
	       number(j, "reject"), name);
}

static void print_clients(const json_t *clients)
{
	const json_t *shown = json_object_get(clients, "shown");
	json_t *j;
	size_t i;

	if (!json_array_size(shown))
		return;
	puts("\n allowed   denied rejected  client");
	json_array_foreach((json_t *)shown, i, j)
		print_client(j, member_text(j, "address"));
	print_client(json_object_get(clients, "others"), "all others");
}

static void print_losses(const json_t *losses)
{
	const char *what;
	json_t *n;

	json_object_foreach((json_t *)losses, what, n)
	{
		if (json_integer_value(n))
			printf("%11lld  %s\n", (long long)json_integer_value(n), what);
	}
}

static void print_status(const json_t *j)
{
	char since[32], loaded[32];

	printf("inspection  process %lld since %s\n", number(j, "pid"),
	       when(since, sizeof(since), number(j, "since")));
	if (json_object_get(j, "sha256"))
		printf("tables      %s, %.12s, loaded %s\n", member_text(j, "tables"),
		       member_text(j, "sha256"), when(loaded, sizeof(loaded), number(j, "loaded")));
	else
		puts("tables      none: no rule inspects");
	if (*member_text(j, "error"))
		printf("ERROR       %s\n", member_text(j, "error"));
	if (json_array_size(json_object_get(j, "queues")))
		print_queues(json_object_get(j, "queues"));
	if (json_array_size(json_object_get(j, "rules")))
		print_rules(json_object_get(j, "rules"));
	print_answers(json_object_get(j, "queues"));
	print_clients(json_object_get(j, "clients"));
	if (number(j, "timeouts"))
		printf("\n%lld decided by on-timeout: the client did not go on\n",
		       number(j, "timeouts"));
	if (number(j, "lost")) {
		printf("\nLOST, or decided without knowing: %lld\n", number(j, "lost"));
		print_losses(json_object_get(j, "losses"));
	}
}

static bool healthy(const json_t *j)
{
	json_t *q;
	size_t i;

	json_array_foreach(json_object_get(j, "queues"), i, q)
	{
		if (*judge_trouble(q) || !json_is_true(json_object_get(q, "bound")))
			return false;
	}
	return !*member_text(j, "error") && !number(j, "lost");
}

int inspect_status(struct globals *g, const char *socket)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_buf_ struct buf why = {0};

	if (inspectd_ask(socket, "status", &j, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	if (g->json) {
		show_json(j, JSON_INDENT(2));
	} else {
		print_status(j);
	}
	return healthy(j) ? EXIT_FINE : EXIT_FINDINGS;
}

/* ---- log ---- */

/* What the hello offers: what an entry can be written from. */
static void print_offers(const json_t *j)
{
	json_t *protocol;
	size_t i;

	if (!*member_text(j, "tls_version"))
		return;
	printf("    TLS %s", member_text(j, "tls_version"));
	json_array_foreach(json_object_get(j, "alpn"), i, protocol)
		printf("%s%s", i ? " " : ", alpn ", json_string_value(protocol));
	printf(*member_text(j, "ja4") ? ", ja4 %s\n" : "\n", member_text(j, "ja4"));
}

static void print_event(const json_t *j)
{
	char at[32];
	bool six = strchr(member_text(j, "from"), ':') != NULL;
	const char *name = member_text(j, "name");
	const char *by = *member_text(j, "word")    ? "word"
			 : *member_text(j, "entry") ? "entry"
						    : "rule";
	char by_at[16];

	if (number(j, "lost"))
		printf("(%lld decisions are not shown: they were too many)\n", number(j, "lost"));
	snprintf(by_at, sizeof(by_at), "%s_at", by);
	printf("%s  %-6s  %s%s%s:%lld -> %s%s%s:%lld %s  %s%s%s%s%s  by %s: %s\n",
	       when(at, sizeof(at), number(j, "time")), member_text(j, "verdict"), six ? "[" : "",
	       member_text(j, "from"), six ? "]" : "", number(j, "sport"), six ? "[" : "",
	       member_text(j, "to"), six ? "]" : "", number(j, "dport"),
	       member_text(j, "transport"), member_text(j, "protocol"), *name ? " " : "", name,
	       *member_text(j, "answer") ? ", answered " : "", member_text(j, "answer"),
	       member_text(j, by_at),
	       strcmp(by, "rule") != 0 ? member_text(j, by) : member_text(j, "by"));
	print_offers(j);
	if (*member_text(j, "flaw"))
		printf("    %s\n", member_text(j, "flaw"));
}

struct following {
	const struct globals *g;
	struct log_sink *to;
	json_int_t left_out; /* since the last line */
	bool before, waits; /* it was there; it is not now, and that was said */
};

static void log_begun(void *ctx)
{
	struct following *f = ctx;

	if (f->waits)
		fputs("fwc: fwc-inspectd runs again; what it decided in between is not shown\n",
		      stderr);
	f->before = true;
	f->waits = false;
}

/* What is left out is counted, and the next line tells how many. */
static bool each_event(void *ctx, const json_t *j)
{
	struct following *f = ctx;
	json_int_t lost = json_integer_value(json_object_get(j, "lost")) + f->left_out;

	json_object_set_new((json_t *)j, "lost", json_integer(lost));
	if (!log_may_tell(&f->to->rate) || (f->to->path && !log_syslog(f->to, j))) {
		f->left_out = lost + 1;
		return true;
	}
	f->left_out = 0;
	if (f->to->path)
		return true;
	if (f->g->json) {
		show_json(j, JSON_COMPACT);
	} else {
		print_event(j);
	}
	return fflush(stdout) == 0;
}

/* A moment; false if nobody reads any more. */
static bool wait_a_moment(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 250) <= 0;
}

/* Whether it is worth waiting for. */
static bool is_away(int err)
{
	return err == -EPIPE || err == -ENOENT || err == -ECONNREFUSED || err == -EAGAIN ||
	       err == -ECONNRESET;
}

int inspect_log(struct globals *g, const char *socket, struct log_sink *to)
{
	_cleanup_buf_ struct buf why = {0};
	struct following f = {.g = g, .to = to};
	int err;

	if (log_open(to))
		return EXIT_SYSTEM;
	while ((err = inspectd_follow(socket, log_begun, each_event, &f, &why))) {
		if (!f.before || !is_away(err)) {
			fprintf(stderr, "fwc: %s\n", buf_str(&why));
			return EXIT_SYSTEM;
		}
		why.len = 0;
		if (!f.waits)
			fputs("fwc: fwc-inspectd has ended; waiting until it runs again\n", stderr);
		f.waits = true;
		if (!wait_a_moment())
			return EXIT_FINE;
	}
	return EXIT_FINE;
}

/* Its tables are what was compiled; who edits a list and asks for a reload may think otherwise. */
static bool is_current(const struct globals *g)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct artefact x = {0};
	struct store s;
	const char *changed = NULL;

	if (store_open(&s, g->state, false, &why) == 0 &&
	    store_read(&s, STORE_APPLIED, a, &x, &why) == 0)
		changed = sources_outdated(a, x.manifest);
	artefact_free(&x);
	store_close(&s);
	if (changed)
		fprintf(stderr,
			"fwc: %s the inspectors in force were compiled\n"
			"hint: only compiling reads it: fwc compile, fwc apply\n",
			changed);
	return !changed;
}

int inspect_reload(const struct globals *g, const char *socket)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_buf_ struct buf why = {0};

	if (inspectd_ask(socket, "reload", &j, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	if (json_is_true(json_object_get(j, "ok")))
		return is_current(g) ? EXIT_FINE : EXIT_FINDINGS;
	fprintf(stderr, "fwc: fwc-inspectd keeps its previous tables: %s\n",
		member_text(j, "error"));
	return EXIT_SYSTEM;
}
