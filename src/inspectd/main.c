/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc-inspectd: holds the queues of inspect rules, and has their packets judged.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "inspectd/inspectd.h"
#include "inspectd/worker.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/show.h"
#include "util/std.h"

#define HOLD 10 /* seconds */
#define HOLD_MAX 3600
#define STATE_PATH "/var/lib/fwc"
#define JUDGES "_fwc-inspect" /* a user for nothing else */
#define READY_MS 120000
#define EVENTS_REST_MS 10

static const char usage[] =
	"usage: fwc-inspectd [OPTION...]\n"
	"Judges the connections of a policy's inspect rules; see fwc-inspectd(8).\n"
	"\n"
	"  --state DIR       where fwc keeps what is applied; /var/lib/fwc by default\n"
	"  --tables FILE     the inspectors; DIR/applied/inspect.tables by default\n"
	"  --socket PATH     where `fwc inspect` asks; /run/fwc/inspectd.sock by default\n"
	"  --netns NAME      work in that network namespace\n"
	"  --user NAME       the user of the judges; _fwc-inspect by default, else nobody\n"
	"  --hold SECONDS    the longest that a packet waits; 10 by default\n"
	"  --daemon          go into the background once ready\n"
	"  --pidfile FILE    write the process id there\n"
	"  --fdstore         leave the queues to systemd when stopped, for the next start\n"
	"  --version, --help\n"
	"\n"
	"HUP: read the tables again. USR2: become the program as it is on disk now.\n";

struct options {
	const char *state, *tables, *socket, *netns, *user, *pidfile;
	uint64_t hold;
	bool daemon, keep;
	bool again; /* another one was here, with more privileges */
};

static int bad(const char *what, const char *arg)
{
	fprintf(stderr, "fwc-inspectd: %s%s%s\n", what, arg ? ": " : "", arg ? arg : "");
	return 2;
}

static bool set(struct options *o, const char *name, const char *arg)
{
	if (!strcmp(name, "state"))
		o->state = arg;
	else if (!strcmp(name, "tables"))
		o->tables = arg;
	else if (!strcmp(name, "socket"))
		o->socket = arg;
	else if (!strcmp(name, "netns"))
		o->netns = arg;
	else if (!strcmp(name, "user"))
		o->user = arg;
	else if (!strcmp(name, "pidfile"))
		o->pidfile = arg;
	else if (!strcmp(name, "daemon"))
		o->daemon = true;
	else if (!strcmp(name, "fdstore"))
		o->keep = true;
	else if (!strcmp(name, "hold"))
		return number_word(arg, 1, HOLD_MAX, &o->hold);
	return true;
}

/* -1: go on; else exit with that. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"state", required_argument, NULL, 'o'},  {"tables", required_argument, NULL, 'o'},
		{"socket", required_argument, NULL, 'o'}, {"netns", required_argument, NULL, 'o'},
		{"user", required_argument, NULL, 'o'},	  {"pidfile", required_argument, NULL, 'o'},
		{"hold", required_argument, NULL, 'o'},	  {"daemon", no_argument, NULL, 'o'},
		{"fdstore", no_argument, NULL, 'o'},	  {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	  {0}};
	int c, which;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, &which)) != -1) {
		if (c == 'v')
			return puts("fwc-inspectd " PACKAGE_VERSION) < 0;
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		if (c != 'o')
			return bad("unknown option, or an option without its value",
				   argv[optind - 1]);
		if (!set(o, longs[which].name, optarg))
			return bad("--hold takes seconds, a number from 1 to 3600", optarg);
	}
	return optind < argc ? bad("unexpected argument", argv[optind]) : -1;
}

/* ---- setting up ---- */

static int enter_netns(const char *name)
{
	char path[256];
	int fd, err = 0;

	if (!name)
		return 0;
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = strchr(name, '/') ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		err = bad("cannot enter the network namespace", name);
	if (fd >= 0)
		close(fd);
	return err;
}

/* Numbers that judges get must be nobody's here. */
static void reserve_low(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd < JUDGE_TABLES);
	if (fd > JUDGE_TABLES)
		close(fd);
}

static int find_user(struct inspectd *d, const char *name)
{
	const struct passwd *pw = getpwnam(name ? name : JUDGES);

	if (!pw && !name) {
		name = "nobody"; /* as good as any, but others may be it, too, and end judges */
		pw = getpwnam(name);
		fputs("fwc-inspectd: warning: there is no user " JUDGES
		      ": judges run as nobody, whose other processes can kill them\n",
		      stderr);
	}
	if (!pw)
		return bad("there is no user", name);
	if (!pw->pw_uid && geteuid() == 0)
		return bad("judges cannot be root; choose another user", name);
	d->lane.uid = pw->pw_uid;
	d->lane.gid = pw->pw_gid;
	return 0;
}

static int take_signals(void)
{
	static const int all[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR2};
	sigset_t s;

	sigemptyset(&s);
	for (int i = 0; i < 4; i++)
		sigaddset(&s, all[i]);
	sigprocmask(SIG_BLOCK, &s, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* As `fwc --netns` has them. */
static void set_paths(struct inspectd *d, const struct options *o)
{
	const char *state = o->state, *dot = o->netns ? "." : "", *netns = o->netns ? o->netns : "";

	if (!state && o->netns)
		state = arena_printf(d->arena, STATE_PATH "/netns/%s", o->netns);
	if (!state)
		state = STATE_PATH;
	d->tables_path = o->tables;
	d->applied = arena_printf(d->arena, "%s/applied", state);
	d->pending = arena_printf(d->arena, "%s/pending", state);
	if (!o->tables)
		d->trial = arena_printf(d->arena, "%s/trial.json", state);
	d->socket_path = o->socket;
	if (!d->socket_path)
		d->socket_path =
			arena_printf(d->arena, INSPECTD_RUN "/inspectd%s%s.sock", dot, netns);
}

/* Once it is opened, a socket is all that answers need. */
static void open_responder(struct inspectd *d)
{
	static const char *const names[] = RESPONDER_NAMES;

	responder_open(&d->responder, adopt_take_one(names[0]), adopt_take_one(names[1]));
	d->lane.responder = &d->responder;
}

static int take_queues(struct inspectd *d, struct buf *why)
{
	int err;

	open_responder(d);
	err = privileges_drop();

	if (err) {
		buf_printf(why, "cannot give up privileges: %s", strerror(-err));
		return err;
	}
	err = inspectd_load(d, why);
	adopt_end();
	if (err != -ENOENT)
		return err;
	fprintf(stderr, "fwc-inspectd: nothing is inspected yet: %s\n", buf_str(why));
	return 0;
}

/* Nobody is heard before the queues are there. */
static int open_all(struct inspectd *d)
{
	_cleanup_buf_ struct buf why = {0};
	int err = control_open(d, &why);

	if (!err)
		err = take_queues(d, &why);
	if (!err)
		err = control_listen(d, &why);
	if (!err)
		return 0;
	control_close(d);
	bad(buf_str(&why), NULL);
	return 3;
}

static int set_up(struct inspectd *d, const struct options *o)
{
	int pair[2], room = 8 << 20; /* some seconds of many decisions */

	d->arena = arena_new();
	d->since = (uint64_t)time(NULL);
	d->keep = o->keep;
	set_paths(d, o);
	d->lane.hold = o->hold;
	d->program = realpath("/proc/self/exe", NULL);
	d->lane.program = "/proc/self/exe";
	d->signals = take_signals();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 || !d->program)
		return bad("cannot start", strerror(errno));
	if (setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	d->events = pair[0];
	d->lane.events = pair[1];
	if ((!o->again && enter_netns(o->netns)) || find_user(d, o->user))
		return 2;
	return open_all(d);
}

/* The parent waits for the child's word, and ends with it. */
static int detach(int *ready)
{
	int pair[2];
	char word = 1;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return bad("cannot go into the background", strerror(errno));
	if (pid) {
		struct pollfd p = {pair[0], POLLIN, 0};

		close(pair[1]);
		_exit(poll(&p, 1, READY_MS) == 1 && read(pair[0], &word, 1) == 1 ? word : 3);
	}
	close(pair[0]);
	setsid();
	*ready = pair[1];
	return 0;
}

static void detached(int ready)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char fine = 0;

	if (ready < 0)
		return;
	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	while (write(ready, &fine, 1) < 0 && errno == EINTR)
		;
	close(ready);
}

static int write_pid(const char *path)
{
	_cleanup_fclose_ FILE *f = path ? fopen(path, "we") : NULL;

	if (!path)
		return 0;
	return f && fprintf(f, "%ld\n", (long)getpid()) > 0 ? 0 : bad("cannot write", path);
}

/* ---- running ---- */

static void reload(struct inspectd *d)
{
	_cleanup_buf_ struct buf why = {0};

	service_say("RELOADING=1");
	if (inspectd_load(d, &why))
		fprintf(stderr, "fwc-inspectd: %s\n", buf_str(&why));
	service_say("READY=1");
}

static void take_signal(struct inspectd *d)
{
	struct signalfd_siginfo s;

	while (read(d->signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			reload(d);
		else if (s.ssi_signo == SIGUSR2)
			d->upgrade = true;
		else
			d->stop = true;
	}
}

/* A lane that ended by itself has lost its queue. */
static void check_lanes(struct inspectd *d)
{
	for (size_t i = 0; i < d->lanes.n; i++) {
		if (!d->lanes.v[i]->gone)
			continue;
		fprintf(stderr, "fwc-inspectd: queue %u is gone\n", d->lanes.v[i]->config.number);
		d->stop = true;
	}
}

/* Decisions may be many, and to wake for one of them costs as much as several packets: while they
 * come, they are looked for now and then, and before anybody is answered. */
static void step(struct inspectd *d)
{
	struct pollfd p[CLIENTS_MAX + 3] = {{d->signals, POLLIN, 0},
					    {d->rests ? -1 : d->events, POLLIN, 0},
					    {d->listener, POLLIN, 0}};
	bool asked = false;
	int n;

	for (int i = 0; i < CLIENTS_MAX; i++)
		p[i + 3] = (struct pollfd){d->clients[i].fd, POLLIN, 0};
	n = poll(p, CLIENTS_MAX + 3, d->rests ? EVENTS_REST_MS : 1000);
	if (n < 0)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++)
		asked |= p[i + 3].revents != 0;
	if (asked || p[1].revents || d->rests)
		d->rests = control_events(d);
	if (p[0].revents)
		take_signal(d);
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (p[i + 3].revents)
			control_read(d, &d->clients[i]);
	if (p[2].revents)
		control_accept(d);
	check_lanes(d);
}

static int upgrade(struct inspectd *d, char **argv)
{
	int err;

	inspectd_forget(d);
	for (size_t i = 0; i < d->lanes.n; i++)
		lane_pause(d->lanes.v[i]);
	err = service_exec(d, argv);
	fprintf(stderr, "fwc-inspectd: cannot become %s: %s\n", d->program, strerror(-err));
	return 3;
}

static void finish(struct inspectd *d)
{
	inspectd_forget(d);
	for (size_t i = 0; i < d->lanes.n; i++) {
		if (d->keep)
			lane_pause(d->lanes.v[i]);
		else
			lane_finish(d->lanes.v[i]);
		lane_close(d->lanes.v[i]);
		free(d->lanes.v[i]);
	}
	while (control_events(d))
		;
	lane_tables_drop(d->tables);
	responder_close(&d->responder);
	control_close(d);
	free((char *)d->program);
	arena_free(d->arena);
}

static int judge(int argc, char **argv)
{
	struct worker_options o = {0};
	uint64_t hold, uid, gid;

	if (argc < 5)
		return 2;
	close_range(JUDGE_TABLES + 1, ~0u, 0); /* whatever else the daemon was started with */
	if (!number_word(argv[2], 0, UINT64_MAX, &hold) ||
	    !number_word(argv[3], 0, UINT32_MAX - 1, &uid) ||
	    !number_word(argv[4], 0, UINT32_MAX - 1, &gid))
		return 2;
	o.hold = hold;
	o.uid = (uid_t)uid;
	o.gid = (gid_t)gid;
	o.try = argc > 5 ? argv[5] : NULL;
	return worker_run(&o);
}

int main(int argc, char **argv)
{
	struct options o = {.hold = HOLD};
	static struct inspectd d;
	int rc, ready = -1;

	std_open();
	show_streams();
	if (argc > 1 && !strcmp(argv[1], "--judge"))
		return judge(argc, argv);
	rc = parse_options(argc, argv, &o);
	if (rc >= 0)
		return rc;
	adopt_begin();
	reserve_low();
	o.again = getenv(SERVICE_AGAIN) != NULL;
	unsetenv(SERVICE_AGAIN);
	if (o.daemon && !o.again && detach(&ready))
		return 3;
	rc = set_up(&d, &o);
	if (rc || write_pid(o.pidfile))
		return rc ? rc : 3;
	detached(ready);
	service_say("READY=1");
	while (!d.stop && !d.upgrade)
		step(&d);
	if (d.upgrade && !d.stop)
		return upgrade(&d, argv);
	service_say("STOPPING=1");
	finish(&d);
	return 0;
}
