/* SPDX-License-Identifier: GPL-2.0-or-later
 * One row a command; main() picks the row, usage is printed from the same table.
 */
#ifndef FWC_CMD_H
#define FWC_CMD_H

#include <stdbool.h>

enum exit_code { EXIT_FINE = 0, EXIT_FINDINGS = 1, EXIT_WRONG = 2, EXIT_SYSTEM = 3 };

struct globals {
	const char *config; /* policy file; default /etc/fwc/firewall.fwc */
	const char *state; /* state directory; already follows --netns */
	const char *netns; /* name, or NULL */
	const char *begin; /* where there is no policy at `config`: how to get one; else "" */
	bool color; /* for standard error and output, decided */
	int verbose;
	bool json;
	/* What a command leaves for its end, when no lock is held any more. */
	enum { INSPECTION_SAME, INSPECTION_ENDED, INSPECTION_NEW } inspection;
	int prepared; /* a line to fwc-inspectd, which waits with new tables; 0: none */
};

struct command {
	const char *name;
	const char *synopsis; /* operands and options of its own, "[FILE] [-o DIR]" */
	const char *summary; /* one line */
	const char *details; /* lines printed by --help below the synopsis */
	/* argv[0] is the command's name; global options are already taken out. Yields an exit_code.
	 */
	int (*run)(struct globals *g, int argc, char **argv);
};

/* What getopt_long() has just refused, as it was written. */
const char *usage_option(char **argv);
/* Says what is wrong with it: shorts are the short options that there are. An exit code. */
int usage_bad_option(const char *command, char **argv, const char *shorts);

int cmd_check(struct globals *g, int argc, char **argv);
int cmd_compile(struct globals *g, int argc, char **argv);
int cmd_diff(struct globals *g, int argc, char **argv);
int cmd_explain(struct globals *g, int argc, char **argv);
int cmd_trace(struct globals *g, int argc, char **argv);
int cmd_log(struct globals *g, int argc, char **argv);
int cmd_test(struct globals *g, int argc, char **argv);
int cmd_apply(struct globals *g, int argc, char **argv);
int cmd_reload(struct globals *g, int argc, char **argv);
int cmd_boot(struct globals *g, int argc, char **argv);
int cmd_panic(struct globals *g, int argc, char **argv);
int cmd_confirm(struct globals *g, int argc, char **argv);
int cmd_history(struct globals *g, int argc, char **argv);
int cmd_rollback(struct globals *g, int argc, char **argv);
int cmd_show(struct globals *g, int argc, char **argv);
int cmd_status(struct globals *g, int argc, char **argv);
int cmd_counters(struct globals *g, int argc, char **argv);
int cmd_metrics(struct globals *g, int argc, char **argv);
int cmd_save(struct globals *g, int argc, char **argv);
int cmd_restore(struct globals *g, int argc, char **argv);
int cmd_refresh(struct globals *g, int argc, char **argv);
int cmd_set(struct globals *g, int argc, char **argv);
int cmd_flows(struct globals *g, int argc, char **argv);
int cmd_top(struct globals *g, int argc, char **argv);
int cmd_quota(struct globals *g, int argc, char **argv);
int cmd_offload(struct globals *g, int argc, char **argv);
int cmd_stop(struct globals *g, int argc, char **argv);
int cmd_inspect(struct globals *g, int argc, char **argv);
int cmd_fmt(struct globals *g, int argc, char **argv);

/* Runs another command in a process of its own, with no more rights than that command takes: only
 * what argv and `g` name is opened for it. What it prints on standard output goes nowhere. Yields
 * its exit status. */
int run_other(struct globals *g, int argc, const char *const *argv);

/* fwc-inspectd is to read its tables again, if the command wants that. It only ever follows: a
 * firewall is loaded whether or not anybody judges (apply.c). */
void tell_inspectd(const struct globals *g);

/* Prints usage of `name` to standard error and yields EXIT_WRONG. */
int usage_error(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
