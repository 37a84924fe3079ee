/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc panic: drop all but the session that asked for it.
 */
#include "boot/panic.h"

#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "kernel/session.h"
#include "store/open.h"
#include "util/cleanup.h"
#include "util/show.h"

static void print(struct globals *g, const char *kept)
{
	_cleanup_json_ json_t *j = NULL;

	if (!g->json) {
		printf("PANIC: everything is dropped now, established connections too, except: %s\n"
		       "`fwc rollback` ends it; so does a reboot\n",
		       kept);
		return;
	}
	j = json_pack("{s:b, s:s}", "ok", 1, "kept", kept);
	show_json(j, JSON_INDENT(2));
}

static int parse(int argc, char **argv, struct arena *a, struct panic_keep *k)
{
	static const struct option longs[] = {{"keep", required_argument, NULL, 'k'}, {0}};
	const char *ssh = session_ssh(a);
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'k')
			return usage_bad_option("panic", argv, "");
		if (!panic_keep_add(a, k, optarg))
			return usage_error(
				"panic",
				"'%s' is not an address or network; prefix lengths are 0 to 32, of "
				"IPv6 0 to 128, and a /0 is 0.0.0.0/0 or ::/0",
				optarg);
	}
	if (optind < argc)
		return usage_error(
			"panic",
			"panic takes no arguments; `fwc rollback` ends a panic, --keep ADDRESS "
			"spares an address");
	if (ssh && !panic_keep_session(a, k, ssh) && !k->v.n)
		return usage_error("panic",
				   "this is an ssh session, but not clear from where ('%s'): add "
				   "--keep ADDRESS",
				   ssh);
	return EXIT_FINE;
}

int cmd_panic(struct globals *g, int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0}, ignored = {0};
	struct panic_keep keep = {0};
	struct store s;
	int rc = parse(argc, argv, a, &keep), err;

	if (rc)
		return rc;
	/* no lock: whoever else is at work, this comes first */
	store_open(&s, g->state, true, &ignored);
	err = panic_begin(g->netns, &s, a, &keep, &why);
	store_close(&s);
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	else
		print(g, panic_keep_text(a, &keep));
	return err ? EXIT_SYSTEM : EXIT_FINE;
}
