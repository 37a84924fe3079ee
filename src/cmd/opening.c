/* SPDX-License-Identifier: GPL-2.0-or-later
 * command line -> struct opener_job.
 */
#include "cmd/opening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/tables.h"
#include "kernel/kmsg.h"
#include "kernel/opener.h"
#include "lang/lang.h"
#include "lang/path.h"
#include "policy/policy.h"

/* What status looks at besides, and only root may read. */
static const char *const always[] = {"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names",
				     "/dev/log"};

#define NALWAYS (sizeof(always) / sizeof(always[0]))

static size_t glob_files(const char *pattern, struct arena *a, char ***paths)
{
	struct loader *l = loader_files(a);

	return l->glob(l, pattern, a, paths);
}

/* fmt writes only if it was told to; getopt_long() takes beginnings of --write. */
static bool wants_write(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *s = argv[i];

		if (*s == '-' && (s[1] == '-' ? s[2] == 'w' : strchr(s, 'w') != NULL))
			return true;
	}
	return false;
}

int opening_start(struct globals *g, const struct command *c, int argc, char **argv)
{
	static const struct source_opener sources = {opener_policy, opener_glob};
	const char **named = calloc((size_t)argc + NALWAYS + 2, sizeof(*named));
	struct opener_job job = {
		.named = named,
		.sockets = INSPECTD_RUN "/inspectd",
		.open = path_open,
		.glob = glob_files,
		.beside = path_beside,
		.pattern_beside = path_pattern_beside,
		.user = policy_user,
		.group = policy_group,
		.ctx = g,
	};
	int err;

	if (!named)
		return -ENOMEM;
	for (int i = 1; i < argc; i++)
		named[job.nnamed++] = argv[i];
	for (size_t i = 0; i < NALWAYS; i++)
		named[job.nnamed++] = always[i];
	named[job.nnamed++] = g->config;
	named[job.nnamed++] = g->state;
	if (c && c->run == cmd_compile)
		job.write = compile_write;
	else if (c && c->run == cmd_diff)
		job.write = diff_write;
	else if (c && c->run == cmd_fmt && wants_write(argc, argv))
		job.write = fmt_write;
	err = opener_start(&job);
	free(named);
	if (err)
		return err;
	source_open_by(&sources);
	policy_users_by(opener_user, opener_group);
	if (c && c->run == cmd_log)
		kmsg_prepare();
	return 0;
}
