/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc trace: what becomes of packets as they come by, and which line of the policy says so.
 */
#include "nft/trace.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/common.h"
#include "cmd/packet_text.h"
#include "see/tracing.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/number.h"
#include "util/show.h"

#define TICK 50 /* ms between looks at what has become quiet */
#define LONGEST 604800 /* seconds: a week */

struct session {
	struct globals *g;
	const struct policy *policy;
	struct tracer tracer;
	struct tracing *tracing;
	uint64_t want, shown; /* want 0: no end */
	bool all, lost;
	bool stop; /* a signal came */
	bool enough; /* all that was wanted is shown, or nobody reads it */
	uint64_t ms; /* 0: no end */
	uint64_t over;
};

/* ---- people ---- */

static void print_time(const struct timespec *at)
{
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&at->tv_sec, &tm));
	printf("%s.%06ld", text, at->tv_nsec / 1000);
}

static void print_line(const struct traced_step *s)
{
	if (s->line || s->rule)
		printf("%s%s%s", s->line ? s->line : "", s->line && s->rule ? ": " : "",
		       s->rule ? s->rule : "");
	else
		printf("table %s, chain %s%s%s", s->table, s->chain, s->nft ? ": " : "",
		       s->nft ? s->nft : "");
}

/* "RULE; what it does", but a rule that says no more than its verdict once. */
static void print_step(const struct traced_step *s)
{
	size_t nft = s->nft ? strlen(s->nft) : 0, does = strlen(s->does);
	bool said = nft >= does && !strcmp(s->nft + nft - does, s->does);

	printf("  %-12s %s %s: ", s->hook, s->table, s->chain);
	if (s->kind != TRACE_RULE || (!s->line && !s->rule && !s->nft)) {
		puts(s->does);
	} else if (s->line || s->rule) {
		print_line(s);
		printf("; %s\n", s->does);
	} else {
		printf("%s%s%s\n", s->nft, said ? "" : "; ", said ? "" : s->does);
	}
}

static void print_path(const struct traced *p)
{
	const struct traced_step *s;

	vec_each (&p->steps, s) {
		if (!p->visits.v[s->visit].own)
			print_step(s);
	}
}

static void print_translations(const struct traced *p)
{
	const struct traced_step *s;
	struct buf b = {0};

	vec_each (&p->steps, s) {
		if (!s->translates)
			continue;
		printf("  %-12s ", "translated");
		print_line(s);
		putchar('\n');
	}
	if (!observed_same_ends(p->arrived, p->left)) {
		observed_print(&b, p->left);
		printf("  %-12s %s\n", "now", buf_str(&b));
		buf_free(&b);
	}
}

static void print_decision(const struct traced *p)
{
	printf("  %-12s ", traced_fate_text(p->fate));
	if (p->fate == TRACED_LOST)
		printf("it arrived but reached no filter: routing dropped it (no route, forwarding "
		       "off, or a wrong source)");
	else if (p->decided)
		print_line(p->decided);
	else
		printf("no rule of fwc saw it");
	putchar('\n');
}

static void print_packet(const struct session *s, const struct traced *p)
{
	struct observed way = *p->arrived;
	struct buf b = {0};

	/* where it went is known at the later hooks */
	memcpy(way.out, p->left->out, sizeof(way.out));
	packet_text_way(&b, s->policy, &way,
			strcmp(p->visits.v[p->visits.n - 1].hook, "prerouting") != 0);
	buf_puts(&b, "  ");
	observed_print(&b, p->arrived);
	print_time(&p->at);
	printf("  %s\n", buf_str(&b));
	buf_free(&b);
	if (s->g->verbose)
		print_path(p);
	print_translations(p);
	print_decision(p);
}

/* ---- programs ---- */

static json_t *step_json(const struct traced_step *s)
{
	return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s}", "hook", s->hook, "table",
			 s->table, "chain", s->chain, "line", s->line, "rule", s->rule, "nft",
			 s->nft, "does", s->does);
}

static void print_json(const struct session *s, const struct traced *p)
{
	struct observed way = *p->arrived;
	json_t *j, *path = json_array(), *now = json_object();
	const struct traced_step *x;

	memcpy(way.out, p->left->out, sizeof(way.out));
	j = packet_text_json(s->policy, &way);
	observed_json(now, p->left);
	vec_each (&p->steps, x) {
		if (!p->visits.v[x->visit].own)
			json_array_append_new(path, step_json(x));
	}
	json_object_set_new(j, "time",
			    json_real((double)p->at.tv_sec + (double)p->at.tv_nsec / 1e9));
	json_object_set_new(j, "now", now);
	json_object_set_new(j, "verdict", json_string(traced_fate_text(p->fate)));
	json_object_set_new(j, "decided", p->decided ? step_json(p->decided) : json_null());
	json_object_set_new(j, "path", path);
	show_json(j, JSON_COMPACT | JSON_REAL_PRECISION(16));
	json_decref(j);
}

static void each_packet(void *ctx, const struct traced *p)
{
	struct session *s = ctx;

	if (s->enough)
		return;
	if (s->g->json)
		print_json(s, p);
	else
		print_packet(s, p);
	s->shown++;
	if (fflush(stdout) || (s->want && s->shown >= s->want))
		s->enough = true;
}

/* ---- the course of it ---- */

static void take_one(struct session *s, const struct trace_event *e)
{
	if (e->kind == TRACE_LOST && !s->lost)
		fputs("fwc: warning: the kernel reported more than there was room for; some "
		      "packets are shown in part\n",
		      stderr);
	s->lost |= e->kind == TRACE_LOST;
	if (e->kind == TRACE_ENDED)
		s->over = e->handle;
	if (e->kind <= TRACE_POLICY && !s->enough)
		tracing_add(s->tracing, e);
}

static int take(struct session *s)
{
	struct trace_event e;
	int got;

	while ((got = trace_read(&s->tracer, &e, false)) > 0)
		take_one(s, &e);
	return got;
}

/* What was told before the end. */
static void take_rest(struct session *s)
{
	struct trace_event e = {.kind = TRACE_READY};
	int got = 0;

	trace_end(&s->tracer);
	while (e.kind != TRACE_ENDED && got >= 0) {
		got = trace_read(&s->tracer, &e, true);
		if (got > 0)
			take_one(s, &e);
	}
	tracing_flush(s->tracing, true);
}

static double elapsed(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static int wait_for(struct session *s, int signals, int timeout)
{
	struct pollfd fds[] = {{.fd = s->tracer.ends[0], .events = POLLIN},
			       {.fd = signals, .events = POLLIN}};

	if (poll(fds, 2, timeout) < 0 && errno != EINTR)
		return -errno;
	if (fds[1].revents)
		s->stop = true;
	return 0;
}

static int follow(struct session *s, int signals)
{
	struct timespec begun;
	bool pending = false;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (!s->stop && !s->enough && !err) {
		int timeout = pending ? TICK : -1;

		if (s->ms) {
			double left = (double)s->ms / 1000 - elapsed(&begun);

			if (left <= 0)
				break;
			if (timeout < 0 || left * 1000 < timeout)
				timeout = (int)(left * 1000) + 1;
		}
		err = wait_for(s, signals, timeout);
		if (!err && !s->stop)
			err = take(s);
		pending = tracing_flush(s->tracing, false);
	}
	if (!err)
		take_rest(s);
	return err;
}

/* The first thing that the child says. */
static bool is_ready(struct session *s)
{
	struct pollfd fd = {.fd = s->tracer.ends[0], .events = POLLIN};
	struct trace_event e;
	int got;

	do {
		poll(&fd, 1, -1);
		got = trace_read(&s->tracer, &e, false);
	} while (got == 0);
	if (got < 0)
		return false; /* why is known when the child is waited for */
	if (e.kind == TRACE_FAILED)
		fprintf(stderr, "fwc: packets cannot be traced: %s\n", e.text);
	else if (*e.text)
		fprintf(stderr, "fwc: warning: %s\n", e.text);
	return e.kind == TRACE_READY;
}

static int stop_and_tell(struct session *s)
{
	int err = trace_stop(&s->tracer);

	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&s->tracer.why));
	else if (s->over)
		fprintf(stderr,
			"fwc: %llu more packets were not traced: the limit is about %d a second\n",
			(unsigned long long)s->over, TRACE_RATE);
	if (!err && !s->shown)
		fprintf(stderr, "fwc: no such packet was seen%s\n",
			s->all ? ""
			       : "; --all also shows packets of known connections, and what others "
				 "drop before connection tracking");
	return err;
}

static int run(struct session *s)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	_cleanup_close_ int signals = -1;
	sigset_t set;
	bool ready;
	int err;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0 || trace_start(&s->tracer)) {
		fprintf(stderr, "fwc: packets cannot be traced: %s\n",
			signals < 0 ? strerror(errno) : buf_str(&s->tracer.why));
		return EXIT_SYSTEM;
	}
	ready = is_ready(s);
	if (ready) {
		fprintf(stderr, "fwc: tracing, about %d packets a second\n", TRACE_RATE);
		err = follow(s, signals);
		if (!err || err == -EPIPE)
			err = stop_and_tell(s);
		else
			trace_stop(&s->tracer);
		return err ? EXIT_SYSTEM : EXIT_FINE;
	}
	if (trace_stop(&s->tracer))
		fprintf(stderr, "fwc: %s\n", buf_str(&s->tracer.why));
	return EXIT_SYSTEM;
}

static int trace(struct session *s, struct work *w, const struct rule *question)
{
	_cleanup_buf_ struct buf why = {0};
	const char *name = arena_printf(w->arena, TRACE_PREFIX "%d", (int)getpid());
	struct trace_question asked;
	int rc;

	s->policy = w->compiled.policy;
	s->tracing = tracing_new(s->g->netns, s->g->state, name, each_packet, s);
	if (tracing_read_rules(s->tracing, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		rc = EXIT_SYSTEM;
		goto done;
	}
	tracing_sweep(s->tracing);
	if (!tracing_rules(s->tracing)->chains.n)
		fputs("fwc: warning: no fwc firewall is loaded\n", stderr);
	if (tracing_hidden(s->tracing))
		fputs("fwc: warning: only root can read the state directory: rules have no file "
		      "and line\n",
		      stderr);
	trace_ask(&asked, w->arena, w->compiled.policy, question, tracing_rules(s->tracing));
	s->tracer = (struct tracer){
		.netns = s->g->netns,
		.question = &asked,
		.all = s->all,
		.may_own = tracing_owner_fits(s->tracing) || fault_wanted("owner"),
	};
	rc = run(s);
	trace_free(&s->tracer);
	trace_question_free(&asked);
done:
	tracing_free(s->tracing);
	return rc;
}

int cmd_trace(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"all", no_argument, NULL, 'a'},
					      {"count", required_argument, NULL, 'n'},
					      {"timeout", required_argument, NULL, 't'},
					      {0}};
	struct session s = {.g = g};
	const struct rule *question = NULL;
	struct work w;
	int rc = EXIT_WRONG, c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "an:", longs, NULL)) != -1) {
		if (c == 'a')
			s.all = true;
		else if (c == 'n' && !number_word(optarg, 1, UINT32_MAX, &s.want))
			return usage_error("trace", "--count takes a number from 1 to %u",
					   UINT32_MAX);
		else if (c == 't' && !number_seconds(optarg, 1, LONGEST * 1000ull, &s.ms))
			return usage_error("trace",
					   "--timeout takes seconds, a number from 0.001 to %d",
					   LONGEST);
		else if (c == '?')
			return question_option("trace", argv);
	}
	if (question_end("trace", argc, argv))
		return EXIT_WRONG;
	work_init(&w);
	if (work_query(&w, g, argc - optind > 1 ? argv[optind + 1] : g->config, argv[optind],
		       &question))
		rc = trace(&s, &w, question);
	work_free(&w);
	return rc;
}
