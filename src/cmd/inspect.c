/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc inspect; and its replay: a capture through the policy's inspectors, without a firewall.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "apply/inspectd.h"
#include "cmd/common.h"
#include "cmd/inspect.h"
#include "inspect/event.h"
#include "inspect/replay.h"
#include "inspect/tables.h"
#include "kernel/opener.h"
#include "policy/policy.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/show.h"

#define SMALL_BLOCKS 4096 /* connections undecided at a time */
#define LARGE_BLOCKS 64

struct session {
	struct policy *policy;
	struct buf bytes; /* that the tables lie in */
	struct tables tables;
	const struct inspector *only; /* --with: of every connection */
};

/* ---- which inspector ---- */

static u128 address_of(const struct packet *k, const uint8_t *p)
{
	u128 v = 0;

	for (int i = 0; i < (k->version == 4 ? 4 : 16); i++)
		v = v << 8 | p[i];
	return v;
}

/* A capture does not say where packets came in: a zone is where its networks are, and anywhere
 * if it has none of that family. */
static bool may_match(const struct policy *p, const struct endpoint *e, enum family fam, u128 addr)
{
	const struct place_item *i;

	vec_each (&e->items, i) {
		const struct ivset *net = NULL;

		bool parted = i->at == AT_ZONE && p->zones.v[i->zone].sub.has_network;

		if (i->at == AT_ZONE)
			net = fam == FAM_IP4 ? &p->zones.v[i->zone].net4
					     : &p->zones.v[i->zone].net6;
		if ((!net || (!net->n && !parted) || ivset_contains(net, addr)) &&
		    addrs_match(&i->addrs, fam, addr))
			return true;
	}
	return false;
}

static const struct inspector *choose(void *with, const struct packet *k, bool udp,
				      const void **why)
{
	struct session *s = with;
	enum family fam = k->version == 4 ? FAM_IP4 : FAM_IP6;
	const struct rule *r;

	if (s->only)
		return s->only;
	vec_each (&s->policy->rules, r)
		if (r->verb == VERB_INSPECT && (!r->q.family || r->q.family == fam) &&
		    services_match(&r->services, fam, udp ? IPPROTO_UDP : IPPROTO_TCP, k->sport,
				   k->dport) &&
		    may_match(s->policy, &r->from, fam, address_of(k, k->src)) &&
		    may_match(s->policy, &r->to, fam, address_of(k, k->dst))) {
			*why = r;
			return tables_find(&s->tables, r->inspector);
		}
	return NULL;
}

/* ---- printing ---- */

static void put_end(struct buf *b, const struct packet *k, const uint8_t *addr, unsigned port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(k->version == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
	buf_printf(b, k->version == 4 ? "%s:%u" : "[%s]:%u", text, port);
}

static const char *outcome(const struct replay_flow *f)
{
	if (!f->in)
		return "not inspected";
	if (f->decided)
		return verdict_name(f->decision.verdict);
	return f->left ? "opened anew" : "no payload";
}

static void put_word(struct buf *b, const struct replay_flow *f)
{
	const char *at = f->in->word_at[f->decision.cause];

	buf_printf(b, ", %s: %s %s", *at ? at : f->in->at, cause_name(f->decision.cause),
		   f->in->allow_on[f->decision.cause] ? "allow" : "deny");
}

static void print_flow(const struct replay_flow *f)
{
	_cleanup_buf_ struct buf b = {0};
	const struct entry *e = f->decision.entry;

	put_end(&b, &f->first, f->first.src, f->first.sport);
	buf_puts(&b, " -> ");
	put_end(&b, &f->first, f->first.dst, f->first.dport);
	buf_printf(&b, " %s", f->udp ? "udp" : "tcp");
	if (f->decided)
		buf_printf(&b, " %s", protocol_name(f->facts.protocol));
	if (f->decided && f->facts.name_state == NAME_SEEN)
		buf_printf(&b, " \"%s\"", f->facts.name);
	buf_printf(&b, ": %s", outcome(f));
	if (f->decided && f->decision.cause == CAUSE_DEFAULT)
		buf_printf(&b, ", %s", cause_name(f->decision.cause));
	if (f->answered) {
		buf_puts(&b, ", answered ");
		dns_reply_text(&e->reply, &b);
	}
	if (f->decided && f->facts.flaw)
		buf_printf(&b, " (%s)", f->facts.flaw);
	if (f->decided && e)
		buf_printf(&b, ", %s: %s", e->at, e->text);
	if (f->decided && f->decision.cause < NFALLBACKS)
		put_word(&b, f);
	puts(buf_str(&b));
}

/* As in the log, but for the time; what has no decision says why in the verdict's place. */
static json_t *flow_json(struct arena *a, const struct replay_flow *f)
{
	const struct rule *r = f->why;
	const struct known_key key = known_key(&f->first, f->udp);
	struct event e;
	json_t *j;

	event_of(&e, &key, f->in, &f->decision, f->decided ? &f->facts : NULL);
	e.answered = f->answered;
	j = event_json(&e, f->in, r ? r->text : NULL, r ? span_where(a, r->span) : NULL);
	if (f->decided)
		return j;
	json_object_set_new(j, "verdict", json_string(outcome(f)));
	json_object_del(j, "by");
	json_object_del(j, "word");
	json_object_del(j, "word_at");
	return j;
}

static void print_json(const struct replay *r, const struct capture *c)
{
	json_t *flows = json_array(), *all;

	for (size_t i = 0; i < r->flows.n; i++)
		json_array_append_new(flows, flow_json(r->arena, r->flows.v[i]));
	all = json_pack("{s:o, s:i, s:i, s:i}", "connections", flows, "fragments",
			(int)r->fragments, "cut", (int)r->cut, "midway", (int)r->midway);
	if (c->flaw)
		json_object_set_new(all, "flaw", json_string(c->flaw));
	show_json(all, JSON_INDENT(2));
	json_decref(all);
}

static void print_text(const struct replay *r, const struct capture *c, const char *file)
{
	for (size_t i = 0; i < r->flows.n; i++)
		print_flow(r->flows.v[i]);
	if (r->fragments)
		fprintf(stderr, "fwc: %u IP fragments were skipped\n", r->fragments);
	if (r->cut)
		fprintf(stderr, "fwc: %u packets are cut short in the capture\n", r->cut);
	if (r->midway)
		fprintf(stderr, "fwc: %u packets of connections that began before the capture\n",
			r->midway);
	if (c->flaw)
		fprintf(stderr, "fwc: %s: %s\n", file, c->flaw);
}

/* ---- the command ---- */

static int replay_bytes(struct globals *g, struct session *s, struct arena *a, const char *file,
			const uint8_t *p, size_t n)
{
	struct replay r = {.arena = a, .choose = choose, .with = s};
	struct capture c;

	if (!capture_begin(&c, p, n)) {
		fprintf(stderr, "fwc: %s is not a capture (pcap or pcapng)\n", file);
		return EXIT_WRONG;
	}
	r.room = flow_room_new(SMALL_BLOCKS, LARGE_BLOCKS);
	r.patterns = pattern_room_new();
	if (r.room && r.patterns) {
		replay_run(&r, &c);
		if (g->json)
			print_json(&r, &c);
		else
			print_text(&r, &c, file);
	}
	flow_room_free(r.room);
	pattern_room_free(r.patterns);
	return EXIT_FINE;
}

static int replay_file(struct globals *g, struct session *s, struct arena *a, const char *file)
{
	_cleanup_close_ int fd = opener_openat(AT_FDCWD, file, O_RDONLY);
	struct stat st = {0};
	void *p = NULL;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0) {
		fprintf(stderr, "fwc: error: cannot read %s: %s\n", file,
			strerror(fd < 0 ? -fd : errno));
		return EXIT_WRONG;
	}
	if (st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		fprintf(stderr, "fwc: error: cannot read %s: %s\n", file, strerror(errno));
		return EXIT_WRONG;
	}
	rc = replay_bytes(g, s, a, file, p, (size_t)st.st_size);
	if (p)
		munmap(p, (size_t)st.st_size);
	return rc;
}

static int prepare(struct session *s, struct work *w, const char *with)
{
	_cleanup_buf_ struct buf why = {0};

	s->policy = w->compiled.policy;
	if (!policy_inspect_pack(s->policy, &s->bytes))
		buf_puts(&why, "there are too many names");
	else
		tables_open(&s->tables, s->bytes.data, s->bytes.len, &why);
	if (why.len) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	s->only = with ? tables_find(&s->tables, with) : NULL;
	if (with && !s->only) {
		fprintf(stderr, "fwc: no inspector is called '%s'\n", with);
		return EXIT_WRONG;
	}
	return EXIT_FINE;
}

static int replay(struct globals *g, const char *policy, const char *with, const char *file)
{
	struct session s = {0};
	struct work w;
	int rc = EXIT_WRONG;

	work_init(&w);
	if (work_compile(&w, g, policy, STAGE_POLICY, SCRUTINY_NONE))
		rc = prepare(&s, &w, with);
	if (rc == EXIT_FINE)
		rc = replay_file(g, &s, w.arena, file);
	tables_free(&s.tables);
	buf_free(&s.bytes);
	work_free(&w);
	return rc;
}

int cmd_inspect(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"policy", required_argument, NULL, 'p'},
					      {"with", required_argument, NULL, 'w'},
					      {"socket", required_argument, NULL, 's'},
					      {"follow", no_argument, NULL, 'f'},
					      {"syslog", optional_argument, NULL, 'l'},
					      {"rate", required_argument, NULL, 'r'},
					      {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	const char *policy = g->config, *with = NULL, *socket = inspectd_socket(a, g->netns);
	const char *what;
	struct log_sink to = {.fd = -1};
	bool rated = false;
	int c, n;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "f", longs, NULL)) != -1) {
		if (c == 'p')
			policy = optarg;
		else if (c == 'w')
			with = optarg;
		else if (c == 's')
			socket = optarg;
		else if (c == 'l')
			to.path = optarg ? optarg : LOG_SOCKET;
		else if (c == 'r' && number_word(optarg, 1, UINT32_MAX, &to.rate.per_second))
			rated = true;
		else if (c == 'r')
			return usage_error("inspect", "--rate takes lines a second, from 1: %s",
					   optarg);
		else if (c != 'f')
			return usage_bad_option("inspect", argv, "f");
	}
	n = argc - optind;
	what = n ? argv[optind] : "";
	if ((to.path || rated) && strcmp(what, "log") != 0)
		return usage_error("inspect", "--syslog and --rate are for inspect log");
	if (to.path && !rated)
		to.rate.per_second = LOG_RATE;
	if (n == 2 && !strcmp(what, "replay"))
		return replay(g, policy, with, argv[optind + 1]);
	if (n == 1 && !strcmp(what, "status"))
		return inspect_status(g, socket);
	if (n == 1 && !strcmp(what, "log"))
		return inspect_log(g, socket, &to);
	if (n == 1 && !strcmp(what, "reload"))
		return inspect_reload(g, socket);
	return usage_error("inspect", "inspect takes status, log, reload or replay FILE");
}
