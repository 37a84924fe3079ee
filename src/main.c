/* SPDX-License-Identifier: GPL-2.0-or-later
 * argv -> a row of the command table.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/begin.h"
#include "cmd/cmd.h"
#include "cmd/complete.h"
#include "cmd/opening.h"
#include "config.h"
#include "kernel/broker.h"
#include "kernel/maker.h"
#include "kernel/confine.h"
#include "kernel/meter.h"
#include "util/buf.h"
#include "util/diag.h"
#include "util/room.h"
#include "util/show.h"
#include "util/std.h"

#define DEFAULT_CONFIG SYSCONFDIR "/fwc/firewall.fwc"
#define DEFAULT_STATE "/var/lib/fwc"

static const struct command commands[] = {
	{"check", "[--elsewhere] [FILE]",
	 "say what is wrong with a policy, and try it in a scratch namespace",
	 "Parses and resolves the policy, looks for useless rules and for expectations\n"
	 "that fail, loads the compiled ruleset into a scratch network namespace, and\n"
	 "proves that the kernel holds what the policy means. Changes nothing; needs no\n"
	 "root where user namespaces are allowed.\n"
	 "  --elsewhere        for another machine: do not try it in this kernel, and\n"
	 "                     ignore the addresses of this machine\n",
	 cmd_check},
	{"compile", "[FILE] [-o DIR|-] [--check] [--no-proof | --elsewhere] "
	 "[--dump=STAGE | --explain-cost]",
	 "turn a policy into a candidate for apply",
	 "  --check            give the warnings of `fwc check`, too\n"
	 "  -o, --output DIR   write the artefact there; - prints the nft script\n"
	 "  --no-proof         for emergencies: do not prove that the ruleset means what\n"
	 "                     the policy means\n"
	 "  --elsewhere        for another machine: prove it, but do not try it in this\n"
	 "                     kernel, and ignore the addresses of this machine\n"
	 "  --dump=STAGE       print a stage instead: tokens, ast, policy, inspect, ir or\n"
	 "                     nft\n"
	 "  --explain-cost     print instead, for each pair of zones, what its rules\n"
	 "                     became and about what they cost a packet\n",
	 cmd_compile},
	{"explain", "[--live | --elsewhere] 'SRC[@ZONE] -> DST[@ZONE] [SERVICES]' [FILE]",
	 "say what happens to a packet, and which line decides",
	 "SRC and DST are addresses, hosts, sets, zones, self or any, as in a rule; '@'\n"
	 "also takes an interface. Describe the packet as it arrives; it opens a\n"
	 "connection.\n"
	 "  --live             ask the ruleset in the kernel, with the tables of other\n"
	 "                     programs; FILE only says what the names mean\n"
	 "  --elsewhere        for another machine: ignore the addresses of this one\n",
	 cmd_explain},
	{"trace", "[--all] [-n N] [--timeout SECONDS] 'SRC[@ZONE] -> DST[@ZONE] [SERVICES]' [FILE]",
	 "show live packets, what happens to each, and which line decides",
	 "Takes the question of explain: packets that open a connection, as they arrive;\n"
	 "FILE says what its names mean. Runs until ^C. -v shows every rule on the way.\n"
	 "  -a, --all          show packets of known connections, too\n"
	 "  -n, --count N      stop after N packets\n"
	 "  --timeout SECONDS  stop after that time\n",
	 cmd_trace},
	{"log", "[-f] [FILE|-]", "show what `log` rules logged, with their policy lines",
	 "Reads the kernel's log, or its lines from FILE or standard input, as syslog, the\n"
	 "journal or dmesg write them.\n"
	 "  -f, --follow       wait for more\n",
	 cmd_log},
	{"test", "[--elsewhere] [FILE]",
	 "prove the expectations of a policy and of *.test.fwc files beside it",
	 "Needs no root. Exit status 1: some fail.\n"
	 "  --elsewhere        for another machine: ignore the addresses of this one\n",
	 cmd_test},
	{"diff", "[FILE|DIR|N [FILE|DIR|N]]",
	 "show which packets a change affects, and which rules",
	 "FILE is a policy, DIR a compiled artefact, N a number from `fwc history`. Given\n"
	 "two, compares them; given one (default: the candidate), compares it with the\n"
	 "ruleset in the kernel. Exit status 0, no output: nothing would change; 1:\n"
	 "something would.\n",
	 cmd_diff},
	{"apply",
	 "[DIR] [-m TEXT] [--confirm[=SECONDS] | --no-confirm] [--keep-flows | --end-flows] "
	 "[--force] [--outdated] [--dry-run]",
	 "put the candidate into the kernel, without a gap",
	 "  --confirm[=SECONDS] apply on trial: without `fwc confirm` in time (60\n"
	 "                     seconds), the kernel returns to the previous rules, even\n"
	 "                     if this session is dead. The default at a terminal over\n"
	 "                     ssh\n"
	 "  --no-confirm       apply for good, over ssh too\n"
	 "  --force            apply even if it would cut off this ssh session\n"
	 "  --outdated         apply even if the policy has changed since it was compiled\n"
	 "  --keep-flows       keep running connections that the new rules refuse\n"
	 "  --end-flows        end them: the default, unless the policy says live-flows\n"
	 "                     keep\n"
	 "  -m, --message TEXT why, for the history\n"
	 "  -n, --dry-run      show the difference and try it, but change nothing\n",
	 cmd_apply},
	{"confirm", "[-m TEXT] [--keep-flows | --end-flows]", "keep the rules that are on trial",
	 "  -m, --message TEXT why, for the history\n"
	 "  --keep-flows, --end-flows  as in apply; a trial itself ends no connections\n",
	 cmd_confirm},
	{"reload",
	 "[FILE] [-m TEXT] [--confirm[=SECONDS] | --no-confirm] [--keep-flows | --end-flows] "
	 "[--force] [--dry-run]",
	 "check, compile and apply a policy in one step",
	 "Errors stop it before anything changes; warnings do not. Shows which packets\n"
	 "are treated differently. Takes the options of apply; at a terminal over ssh, it\n"
	 "applies on trial, too.\n",
	 cmd_reload},
	{"boot", "[--with-state]",
	 "load the rules confirmed last; for boot scripts",
	 "Compiles nothing, looks up no name, waits for no interface. Rules that this\n"
	 "kernel cannot take are left out or made to refuse, with a warning. If nothing\n"
	 "can be loaded, drops everything except loopback and ssh from the networks in\n"
	 "boot.conf, beside the policy. Exit status 1: loaded, but with problems; 3:\n"
	 "nothing was loaded.\n"
	 "  --with-state       also put back what `fwc save` kept\n",
	 cmd_boot},
	{"history", "[-n N]", "list what was applied, the newest first",
	 "  -n, --count N      only the newest N\n", cmd_history},
	{"rollback", "[N] [-m TEXT] [--force] [--keep-flows | --end-flows]",
	 "apply an earlier generation again",
	 "N is a number from `fwc history`; by default, the one before the generation in\n"
	 "force. Also ends a trial or a panic.\n"
	 "  -m, --message TEXT why, for the history\n"
	 "  --force, --keep-flows, --end-flows  as in apply\n",
	 cmd_rollback},
	{"show", "[--elements] [N]", "print the ruleset in the kernel, with policy lines",
	 "N, a number from `fwc history`, prints that generation instead.\n"
	 "  --elements         print what its lists of thousands of addresses hold\n",
	 cmd_show},
	{"status", "[--deep]",
	 "what is loaded, since when, from which files; packets by policy line",
	 "  --deep             also read what lists of thousands of addresses hold\n",
	 cmd_status},
	{"counters", "[--watch[=SECONDS]]", "packets and bytes by policy line",
	 "  --watch[=SECONDS]  print rates until interrupted, every second by default\n",
	 cmd_counters},
	{"flows", "[--forbidden] [FILTER...]",
	 "list running connections, with the policy line that admits each",
	 "FILTER words must all match: an address, network or range; a protocol; port N or\n"
	 "N-M; a service, host or set of the policy; a zone, an interface or self. Before\n"
	 "any but a protocol or a service, from or to names the side.\n"
	 "  --forbidden        only those that the rules in force would refuse; exit\n"
	 "                     status 1 if there are any\n",
	 cmd_flows},
	{"top", "[--once]", "the busiest rules and connections, on a terminal",
	 "Every second, until q or ^C.\n"
	 "  --once             print once; needs no terminal\n",
	 cmd_top},
	{"metrics", "[-o FILE]", "counters and state in Prometheus format",
	 "  -o, --output FILE  write it there, whole or not at all\n", cmd_metrics},
	{"panic", "[--keep ADDRESS]...", "drop everything except loopback and this ssh session",
	 "Cuts established connections, too. `fwc rollback` ends it; so does a reboot.\n"
	 "  --keep ADDRESS     let in everything from there, or from ADDRESS/LENGTH\n",
	 cmd_panic},
	{"save", "", "keep dynamic sets and counters, for restore",
	 "For a reboot: writes them to the state directory. Does not keep how much of its\n"
	 "rate each source has used.\n",
	 cmd_save},
	{"restore", "", "put back what `fwc save` kept, as far as it fits the rules in force",
	 "Elements get the time they had left, less the time that has passed; counters go\n"
	 "on. Running it twice does no harm.\n",
	 cmd_restore},
	{"refresh", "[NAME...] [--force] [--timeout SECONDS]",
	 "ask anew for sets whose content comes from names and URLs",
	 "Changes dns and url sets of the rules in force in place, as a timer has it do\n"
	 "all the time. What is not due is not asked for. What fails leaves the set as it\n"
	 "is. Exit status 1: some set is stale or was held back.\n"
	 "  --force            ask now, and take a list that has lost most of itself\n"
	 "  --timeout SECONDS  for each of them (60)\n",
	 cmd_refresh},
	{"set", "list [NAME] | add | delete | flush | test NAME [ADDRESS...] [for TIME]",
	 "list and change what dynamic sets hold",
	 "list: elements and the time that each has left; without NAME, the sets.\n"
	 "add, delete: addresses, and in sets of prefixes also networks and ranges. What\n"
	 "is there already keeps the longer of the two times; what is not there need not\n"
	 "be deleted. for TIME (30s, 10m, 1h30m, 2d): instead of the set's own timeout.\n"
	 "flush: deletes everything. test: exit status 1 if some address is not there.\n",
	 cmd_set},
	{"quota", "list [NAME] | reset [NAME]", "what is used of quotas, and from zero again",
	 "Of the rules in force. reset: also of what `fwc save` kept.\n", cmd_quota},
	{"offload", "", "bind devices that have appeared, for what the policy offloads",
	 "Prints those that are bound. `fwc apply` and `fwc boot` do the same; the rule\n"
	 "for udev that comes with fwc calls it for each interface that appears.\n",
	 cmd_offload},
	{"stop", "", "remove the firewall and leave the host open", "", cmd_stop},
	{"inspect",
	 "status | log [-f] [--syslog[=PATH]] [--rate N] | reload [--socket PATH] | "
	 "replay FILE [--policy FILE] "
	 "[--with INSPECTOR]",
	 "what inspectors decide, and would decide about a capture",
	 "status: the state of fwc-inspectd, its decisions by rule, and every loss; exit\n"
	 "status 1 if there is a loss. log: each decision as it is made. reload: makes\n"
	 "fwc-inspectd read its tables again.\n"
	 "  --socket PATH      where fwc-inspectd listens\n"
	 "  -f, --follow       for log, which always follows\n"
	 "  --syslog[=PATH]    log: to syslogd or journald, as JSON; /dev/log by default\n"
	 "  --rate N           log: at most that many lines a second, on the average; what\n"
	 "                     is left out is counted. 300 with --syslog, else all\n"
	 "\n"
	 "replay: reads a pcap or pcapng file and shows for each connection what it\n"
	 "carried, what would have been decided, and by which line. Needs no root and no\n"
	 "firewall.\n"
	 "  --policy FILE      the policy with the inspectors (default: that of --config)\n"
	 "  --with INSPECTOR   use that one for every connection, not the first inspect\n"
	 "                     rule that matches\n",
	 cmd_inspect},
	{"fmt", "[-w | --check] [FILE|-]...", "print policies in canonical form",
	 "  -w, --write        rewrite the files in place instead\n"
	 "  --check            print the names of files that are not canonical; exit 1 if\n"
	 "                     there are any\n",
	 cmd_fmt},
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char global_help[] =
	"  --config FILE      the policy (default " DEFAULT_CONFIG ")\n"
	"  --state DIR        artefacts and state (default " DEFAULT_STATE ")\n"
	"  --netns NAME       work in that network namespace, with state of its own\n"
	"  --json             print JSON\n"
	"  --color=WHEN       auto, always or never\n"
	"  -v, --verbose      print more details\n"
	"  -h, --help         this help; after a command, the help of that command\n"
	"  --version          print the version\n";

static void usage(FILE *to)
{
	fputs("usage: fwc [OPTIONS] COMMAND [ARGUMENTS]\n\n"
	      "fwc compiles a one-page firewall policy into one nftables ruleset.\n\nCommands:\n",
	      to);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fprintf(to,
		"\nOptions:\n%s\n"
		"The policy language: man fwc.policy. Everything else: man fwc.\n",
		global_help);
}

/* In 80 columns, broken between words that stand in no brackets or quotes. */
static void print_synopsis(FILE *to, const struct command *c)
{
	int col = fprintf(to, "usage: fwc %s", c->name), indent = col + 1;

	for (const char *p = c->synopsis; *p;) {
		bool quoted = false;
		int n = 0;

		for (int deep = 0; p[n] && (p[n] != ' ' || deep || quoted); n++) {
			deep += (p[n] == '[') - (p[n] == ']');
			quoted ^= p[n] == '\'';
		}
		if (col + 1 + n > 79)
			col = fprintf(to, "\n%*s", indent - 1, "") - 1;
		col += fprintf(to, " %.*s", n, p);
		p += n + (p[n] == ' ');
	}
	fputc('\n', to);
}

static void command_help(FILE *to, const struct command *c)
{
	print_synopsis(to, c);
	fprintf(to, "\n%s\n", c->summary);
	if (*c->details)
		fprintf(to, "\n%s", c->details);
	fprintf(to, "\nOptions of every command:\n%s", global_help);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int unknown_option(const char *name)
{
	static const char *const options[] = {"--config", "--state",   "--netns", "--color",
					      "--json",	  "--verbose", "--help",  "--version"};
	struct nearest near = {.word = name};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		nearest_offer(&near, options[i]);
	if (near.best)
		return usage_error(NULL, "unknown option: %s; did you mean '%s'?", name, near.best);
	return usage_error(NULL, "unknown option: %s", name);
}

static int unknown_command(const char *name)
{
	static const char *const others[][2] = {
		{"restart", "reload"}, {"start", "apply"},   {"unpanic", "rollback"},
		{"list", "show"},      {"enable", "apply"},  {"disable", "stop"},
		{"flush", "stop"},     {"undo", "rollback"},
	};
	struct nearest near = {.word = name};

	if (*name == '-')
		return unknown_option(name);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(others[i][0], name) && find_command(others[i][1]))
			return usage_error(NULL, "there is no command '%s'; use `fwc %s`", name,
					   others[i][1]);
	for (size_t i = 0; i < NCOMMANDS; i++)
		nearest_offer(&near, commands[i].name);
	if (near.best)
		return usage_error(NULL, "there is no command '%s'; did you mean '%s'?", name,
				   near.best);
	return usage_error(NULL, "there is no command '%s'", name);
}

/* A cluster of short options is not behind optind before its last letter was looked at. */
const char *usage_option(char **argv)
{
	const char *last = argv[optind - 1], *next = argv[optind];
	bool behind = last[0] == '-' && (last[1] == '-' || strchr(last + 1, optopt));

	return !optopt || behind || !next ? last : next;
}

int usage_error(const char *name, const char *fmt, ...)
{
	const struct command *c = name ? find_command(name) : NULL;
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	fputs("fwc: ", stderr);
	diag_show_to(stderr, buf_str(&text)); /* no newline of an argument's either */
	fputc('\n', stderr);
	buf_free(&text);
	if (c)
		print_synopsis(stderr, c);
	else
		fputs("`fwc --help` lists the commands.\n", stderr);
	return EXIT_WRONG;
}

struct args {
	struct globals g;
	const char *color;
	char netns_state[4096]; /* g.state may point here */
	struct buf begin; /* g.begin points here */
	bool help, version;
	int argc;
	char **argv; /* what is left: the command and its own arguments */
};

/* The value of --name=VALUE or --name VALUE if argv[*i] is that option. */
static const char *option_value(int argc, char **argv, int *i, const char *name, bool *bad)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n))
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	if (argv[*i][n])
		return NULL;
	if (*i + 1 >= argc) {
		*bad = true;
		return NULL;
	}
	return argv[++*i];
}

static bool take_flag(struct args *a, const char *arg)
{
	if (!strcmp(arg, "-v") || !strcmp(arg, "--verbose"))
		a->g.verbose++;
	else if (!strcmp(arg, "-h") || !strcmp(arg, "--help"))
		a->help = true;
	else if (!strcmp(arg, "--version"))
		a->version = true;
	else if (!strcmp(arg, "--json"))
		a->g.json = true;
	else
		return false;
	return true;
}

static int split_args(int argc, char **argv, struct args *a)
{
	const struct {
		const char *name;
		const char **to;
	} valued[] = {{"--config", &a->g.config},
		      {"--state", &a->g.state},
		      {"--netns", &a->g.netns},
		      {"--color", &a->color}};

	for (int i = 1; i < argc; i++) {
		bool taken = false, bad = false;

		if (!strcmp(argv[i], "--")) {
			while (i < argc)
				a->argv[a->argc++] = argv[i++];
			break;
		}
		for (size_t k = 0; k < 4 && !taken; k++) {
			const char *value = option_value(argc, argv, &i, valued[k].name, &bad);

			if (bad)
				return usage_error(NULL, "%s needs a value", argv[i]);
			if (value) {
				*valued[k].to = value;
				taken = true;
			}
		}
		if (!taken && !take_flag(a, argv[i]))
			a->argv[a->argc++] = argv[i];
	}
	return EXIT_FINE;
}

/* An option whose value was forgotten takes the command for it. */
static int check_command(const struct args *a)
{
	const struct {
		const char *name, *value, *wants;
	} taken[] = {{"--config", a->g.config, "a policy file"},
		     {"--state", a->g.state, "a directory"},
		     {"--netns", a->g.netns, "the name of a network namespace"},
		     {"--color", a->color, "auto, always or never"}};

	for (size_t i = 0; !a->argc && i < sizeof(taken) / sizeof(taken[0]); i++)
		if (taken[i].value && find_command(taken[i].value))
			return usage_error(
				NULL,
				"%s wants %s and has taken '%s' for it, so that no command "
				"is left",
				taken[i].name, taken[i].wants, taken[i].value);
	return EXIT_FINE;
}

static int decide_color(struct args *a)
{
	if (!a->color || !strcmp(a->color, "auto"))
		a->g.color = isatty(STDERR_FILENO) && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	else if (!strcmp(a->color, "always"))
		a->g.color = true;
	else if (strcmp(a->color, "never"))
		return usage_error(NULL, "--color takes auto, always or never, not '%s'", a->color);
	return EXIT_FINE;
}

/* What a command may ask of the kernel. */
enum rights {
	RIGHTS_COMMIT, /* whatever the caller may */
	RIGHTS_READ, /* a broker lists, and tries things in a scratch namespace */
	RIGHTS_NONE,
};

/* Policies are read without capabilities, and listings, too, where nothing has to be changed. */
static enum rights rights_of(const struct command *c)
{
	static const struct {
		int (*run)(struct globals *g, int argc, char **argv);
		enum rights rights;
	} less[] = {
		{cmd_check, RIGHTS_READ}, {cmd_compile, RIGHTS_READ},  {cmd_diff, RIGHTS_READ},
		{cmd_show, RIGHTS_READ},  {cmd_explain, RIGHTS_READ},  {cmd_status, RIGHTS_READ},
		{cmd_test, RIGHTS_READ},  {cmd_counters, RIGHTS_READ}, {cmd_history, RIGHTS_NONE},
		{cmd_fmt, RIGHTS_NONE},	  {cmd_inspect, RIGHTS_NONE},  {cmd_flows, RIGHTS_READ},
		{cmd_top, RIGHTS_READ},	  {cmd_log, RIGHTS_READ},      {cmd_trace, RIGHTS_READ},
	};

	for (size_t i = 0; i < sizeof(less) / sizeof(less[0]); i++)
		if (less[i].run == c->run)
			return less[i].rights;
	return RIGHTS_COMMIT;
}

/* main()'s: what they name may be opened. */
static int all_argc;
static char **all_argv;

/* Before anything is opened. */
static bool give_up(struct globals *g, const struct command *c, int argc, char **argv)
{
	enum rights rights = c ? rights_of(c) : RIGHTS_NONE;
	int err = 0;

	if (rights == RIGHTS_READ) {
		kernel_maker(); /* while its file can be looked at */
		err = broker_start();
	}
	if (!err && rights != RIGHTS_COMMIT)
		err = opening_start(g, c, argc, argv);
	if (!err && rights != RIGHTS_COMMIT)
		err = confine();
	if (err)
		fprintf(stderr, "fwc: cannot drop privileges: %s\n", strerror(-err));
	return !err;
}

int run_other(struct globals *g, int argc, const char *const *argv)
{
	const struct command *c = find_command(argv[0]);
	int status = 0, null;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		fprintf(stderr, "fwc: cannot start a process: %s\n", strerror(errno));
		return EXIT_SYSTEM;
	}
	if (!pid) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDOUT_FILENO);
		optind = 0; /* getopt(3) begins anew */
		status = give_up(g, c, argc, (char **)argv) ? c->run(g, argc, (char **)argv)
							    : EXIT_SYSTEM;
		if (fflush(stdout))
			status = EXIT_SYSTEM;
		_exit(status);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_SYSTEM;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "fwc: %s was killed by signal %d\n", argv[0], WTERMSIG(status));
	return EXIT_SYSTEM;
}

/* Where the policy and the state are, unless it was said. */
static void take_defaults(struct args *a)
{
	if (!a->g.config)
		a->g.config = DEFAULT_CONFIG;
	if (!a->g.state && a->g.netns) {
		snprintf(a->netns_state, sizeof(a->netns_state), DEFAULT_STATE "/netns/%s",
			 a->g.netns);
		a->g.state = a->netns_state;
	} else if (!a->g.state) {
		a->g.state = DEFAULT_STATE;
	}
}

/* fwc complete -- WORD...: for shells, so it is no row of the table. */
static int complete(struct args *a)
{
	struct completing c = {.commands = commands,
			       .ncommands = NCOMMANDS,
			       .global_help = global_help,
			       .g = &a->g,
			       .words = a->argv + 2,
			       .nwords = a->argc - 2};

	if (a->argc < 2 || strcmp(a->argv[1], "--"))
		return usage_error(NULL, "complete takes -- and the words of a command line");
	complete_globals(&c);
	take_defaults(a);
	if (!give_up(&a->g, NULL, all_argc, all_argv))
		return EXIT_SYSTEM;
	return complete_print(&c);
}

static int run(struct args *a)
{
	const struct command *c;
	int rc;

	if (a->version) {
		puts("fwc " PACKAGE_VERSION);
		return EXIT_FINE;
	}
	if (a->argc == 0) {
		usage(a->help ? stdout : stderr);
		return a->help ? EXIT_FINE : EXIT_WRONG;
	}
	if (!strcmp(a->argv[0], "help") && a->argc > 1) {
		a->help = true;
		a->argv++;
	} else if (!strcmp(a->argv[0], "help")) {
		usage(stdout);
		return EXIT_FINE;
	}
	if (!strcmp(a->argv[0], "complete"))
		return complete(a);
	c = find_command(a->argv[0]);
	if (!c)
		return unknown_command(a->argv[0]);
	if (a->help) {
		command_help(stdout, c);
		return EXIT_FINE;
	}
	if (a->g.netns && (!*a->g.netns || strchr(a->g.netns, '/') || *a->g.netns == '.'))
		return usage_error(NULL, "'%s' is not a name of a network namespace", a->g.netns);
	take_defaults(a);
	begin_look(&a->begin, a->g.config);
	a->g.begin = buf_str(&a->begin);
	if (!give_up(&a->g, c, all_argc, all_argv))
		return EXIT_SYSTEM;
	rc = c->run(&a->g, a->argc, a->argv);
	tell_inspectd(&a->g);
	return rc;
}

/* At boot a slip in the options must not leave the host open; but in a namespace of its own name it
 * is somebody's experiment. */
static bool boots_anyway(int argc, char **argv)
{
	bool boot = false, netns = false;

	for (int i = 1; i < argc; i++) {
		boot |= !strcmp(argv[i], "boot");
		netns |= !strncmp(argv[i], "--netns", 7);
	}
	return boot && !netns;
}

static int boot_anyway(struct args *a)
{
	char **words = a->argv;
	int rc;

	fputs("fwc: warning: boot ignores these options\n", stderr);
	*a = (struct args){.argv = words, .argc = 1};
	words[0] = (char[]){"boot"};
	words[1] = NULL;
	rc = run(a);
	buf_free(&a->begin);
	return rc == EXIT_FINE ? EXIT_FINDINGS : rc;
}

int main(int argc, char **argv)
{
	struct args a = {0};
	int rc;

	std_open();
	room_keep();
	meter_start();
	begin_clock();
	show_streams();
	all_argc = argc;
	all_argv = argv;
	a.argv = calloc((size_t)argc + 1, sizeof(*a.argv));
	if (!a.argv)
		return EXIT_SYSTEM;
	rc = split_args(argc, argv, &a);
	if (!rc)
		rc = check_command(&a);
	if (!rc)
		rc = decide_color(&a);
	if (!rc) {
		char **all = a.argv;

		rc = run(&a);
		free(all);
		buf_free(&a.begin);
	} else {
		char **all = a.argv;

		if (boots_anyway(argc, argv))
			rc = boot_anyway(&a);
		free(all);
	}
	if (fflush(stdout) || ferror(stdout)) {
		fputs("fwc: cannot write to standard output\n", stderr);
		rc = rc ? rc : EXIT_SYSTEM;
	}
	return rc;
}
