/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc boot: what was confirmed last, or everything shut.
 */
#include "boot/boot.h"
#include "store/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "boot/watch.h"
#include "cmd/applying.h"
#include "cmd/cmd.h"
#include "kernel/bootclock.h"
#include "kernel/genid.h"
#include "kernel/hooks.h"
#include "store/open.h"
#include "util/cleanup.h"
#include "util/diag.h"
#include "util/fault.h"
#include "util/show.h"

#define LOCK_SECONDS 5 /* another fwc may be done by then */

static const char *headline(const struct globals *g, const struct boot *b)
{
	switch (b->outcome) {
	case BOOT_WHOLE:
		return NULL;
	case BOOT_PARTLY:
		return b->left_out.n ? "booted, but NOT ALL RULES ARE LOADED AS WRITTEN"
				     : "booted, but with problems";
	case BOOT_BLOCKED:
		return "BLOCKED: there are no confirmed rules to load, so everything is dropped "
		       "except loopback and what boot.conf names";
	case BOOT_LEFT:
		return "nothing could be loaded: the rules in force stay";
	case BOOT_NOTHING:
		break;
	}
	return g->netns ? "NO FIREWALL IS LOADED: this namespace is open"
			: "NO FIREWALL IS LOADED: this host is open";
}

static void say_line(FILE *kernel_log, const char *how, const char *text, size_t n)
{
	_cleanup_buf_ struct buf line = {0}, shown = {0};

	buf_add(&line, text, n);
	diag_show(&shown, buf_str(&line));
	fprintf(stderr, "fwc: %s%s\n", how, buf_str(&shown));
	if (kernel_log) {
		fprintf(kernel_log, "<2>fwc: %s%s\n", how, buf_str(&shown)); /* critical */
		fflush(kernel_log);
	}
}

static void say_lines(FILE *kernel_log, const char *how, const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		say_line(kernel_log, how, text, strcspn(text, "\n"));
}

/* On standard error, and where whoever looks at the console or the journal finds it. */
static void say(const struct globals *g, const struct boot *b)
{
	FILE *kernel_log = g->netns ? NULL : fopen("/dev/kmsg", "we");
	const char *head = headline(g, b);
	const struct standin *u;

	if (head)
		say_line(kernel_log, "", head, strlen(head));
	say_lines(kernel_log, "", buf_str(&b->why));
	vec_each (&b->left_out, u) {
		_cleanup_buf_ struct buf line = {0};

		buf_printf(&line, "%s%s%s (needs %s)", u->at, *u->at ? ": " : "", u->text,
			   u->needs);
		say_line(kernel_log, "", buf_str(&line), line.len);
	}
	say_lines(kernel_log, "warning: ", buf_str(&b->empty));
	if (kernel_log)
		fclose(kernel_log);
}

static void print_json(const struct boot *b)
{
	static const char *const words[] = {"loaded", "partly", "blocked", "left", "nothing"};
	_cleanup_json_ json_t *j = NULL;

	j = json_pack("{s:s, s:i, s:o, s:s, s:s}", "outcome", words[b->outcome], "generation",
		      (int)b->generation, "left_out", standins_json(&b->left_out), "why",
		      buf_str(&b->why), "empty", buf_str(&b->empty));
	show_json(j, JSON_INDENT(2));
}

static int outcome_code(enum boot_outcome o)
{
	return o == BOOT_WHOLE ? EXIT_FINE : o == BOOT_PARTLY ? EXIT_FINDINGS : EXIT_SYSTEM;
}

/* Beside the policy. */
static const char *settings_dir(const struct globals *g, struct arena *a)
{
	const char *slash = strrchr(g->config, '/');

	return slash ? arena_strndup(a, g->config,
				     slash == g->config ? 1 : (size_t)(slash - g->config))
		     : ".";
}

/* Whoever holds the lock may be done soon. Each try waits on its own, so it is time that counts. */
static int lock(struct store *s, struct buf *why)
{
	uint64_t end = boot_clock() + LOCK_SECONDS * 1000;
	int err;

	do {
		why->len = 0;
		err = store_lock(s, why);
	} while (err == -EWOULDBLOCK && boot_clock() < end);
	return err;
}

/* -EWOULDBLOCK: somebody else is at work. Any other trouble with the store is no reason not to
 * load what it holds. */
static int open_store(struct globals *g, struct store *s, struct arena *a, struct buf *why)
{
	_cleanup_buf_ struct buf trial = {0};
	int err = store_open(s, g->state, true, why);

	if (err)
		return 0;
	err = lock(s, why);
	if (err == -EWOULDBLOCK)
		return err;
	if (trial_settle(g, s, a, WHILE_CANCEL, &trial))
		fprintf(stderr, "fwc: %s\n", buf_str(&trial));
	return 0;
}

/* It decides nothing: what cannot be put back is a pity. */
static void restore(struct globals *g, struct store *s, struct arena *a)
{
	_cleanup_buf_ struct buf why = {0};

	if (state_restore(s, g->netns, a, &why))
		fprintf(stderr, "fwc: warning: %s\n", buf_str(&why));
}

/* Nor does this, which has to be there before the rules are. */
static void restore_quotas(struct globals *g, struct store *s, struct arena *a)
{
	_cleanup_buf_ struct buf why = {0};

	if (s->dir >= 0 && state_restore_quotas(s, g->netns, a, &why))
		fprintf(stderr, "fwc: warning: %s\n", buf_str(&why));
}

static int report(const struct globals *g, const struct boot *b)
{
	if (g->json)
		print_json(b);
	say(g, b);
	return outcome_code(b->outcome);
}

/* For `status`, where loading did not get as far as that. */
static void note(const struct globals *g, struct store *s, const struct boot *b)
{
	_cleanup_buf_ struct buf ignored = {0};

	if (s->dir >= 0 || store_open(s, g->state, true, &ignored) == 0)
		boot_note_write(s, &(struct boot_note){.outcome = b->outcome,
						       .why = buf_str(&b->why)});
}

/* `died`: NULL, or what became of the first attempt, which may have died of what the store holds.
 */
static int boot(struct globals *g, struct arena *a, bool with_state, const char *died)
{
	_cleanup_buf_ struct buf why = {0};
	struct store s = {.dir = -1, .lock = -1};
	struct boot b = {0};
	int err = died ? 0 : open_store(g, &s, a, &why), rc;

	fault_point(died ? "boot-again" : "boot-opened");
	if (err) {
		b.outcome = boot_block(g->netns, a, &why);
		buf_puts(&b.why, buf_str(&why));
	} else {
		if (with_state && !died)
			restore_quotas(g, &s, a);
		boot_load(&b, &s, died ? died : s.dir < 0 ? buf_str(&why) : NULL, g->netns,
			  settings_dir(g, a), a);
	}
	if (with_state && b.outcome <= BOOT_PARTLY)
		restore(g, &s, a);
	if (err || died)
		note(g, &s, &b);
	rc = report(g, &b);
	boot_free(&b);
	store_close(&s);
	return rc;
}

/* Twice dead: the hooks that need nothing. */
static int bare(const struct globals *g, const char *died)
{
	struct boot b = {.outcome = BOOT_BLOCKED};
	int rc;

	buf_puts(&b.why, died);
	if (hooks_drop(g->netns, &b.why))
		b.outcome = BOOT_NOTHING;
	rc = report(g, &b);
	boot_free(&b);
	return rc;
}

/* The work is done by a process that may die of what it reads, of memory, or of time; what is left
 * then is for one that has read nothing. */
static int boot_watched(struct globals *g, struct arena *a, bool with_state)
{
	static const unsigned patience[] = {300, 60}; /* seconds: nft has two minutes a script */
	_cleanup_buf_ struct buf died = {0};
	int rc = EXIT_SYSTEM;

	for (int i = 0; i < 2; i++) {
		enum watch what;

		if (i)
			buf_putc(&died, '\n');
		what = watch_begin(patience[i], &rc, &died);
		if (what == WATCH_WORK) {
			rc = boot(g, a, with_state, i ? buf_str(&died) : NULL);
			watch_end();
		}
		if (what != WATCH_DIED)
			return rc;
	}
	return bare(g, buf_str(&died));
}

/* A word too many in the settings of the boot script must not leave the host open. */
static void slip(bool *slips, const char *word)
{
	fprintf(stderr, "fwc: warning: boot ignores '%s', which it does not know\n", word);
	*slips = true;
}

int cmd_boot(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"with-state", no_argument, NULL, 's'}, {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	bool with_state = false, slips = false;
	struct genid gen;
	int c, rc;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 's')
			with_state = true;
		else
			slip(&slips, usage_option(argv));
	}
	while (optind < argc)
		slip(&slips, argv[optind++]);
	/* who may not look cannot say that the host is open */
	if (genid_get(g->netns, &gen, &why) == -EPERM) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	signal(SIGPIPE, SIG_IGN); /* nobody has to hear what it says */
	rc = boot_watched(g, a, with_state);
	return slips && rc == EXIT_FINE ? EXIT_FINDINGS : rc;
}
