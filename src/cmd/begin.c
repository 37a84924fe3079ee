/* SPDX-License-Identifier: GPL-2.0-or-later
 * No policy yet -> how to get one: which of the installed ones to copy, by a line that works when
 * it is typed.
 */
#include "cmd/begin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/schedule.h"
#include "util/buf.h"
#include "util/diag.h"
#include "util/number.h"

/* A shell takes it as it is. */
static bool is_plain(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+,";

	return *path && *path != '-' && !path[strspn(path, plain)];
}

static void begin_dir(struct buf *out, const char *config)
{
	const char *slash = strrchr(config, '/');

	if (!slash || slash == config)
		return;
	buf_printf(out, "%.*s", (int)(slash - config), config);
	if (access(buf_str(out), F_OK) == 0)
		buf_free(out);
}

void begin_look(struct buf *out, const char *config)
{
	struct buf dir = {0};

	if (access(config, F_OK) == 0 || errno != ENOENT || !is_plain(config))
		return;
	if (access(RULESETSDIR "/server.fwc", R_OK) < 0) {
		buf_puts(out, "fwc.policy(5) says how to write one; rulesets/ in the source of fwc "
			      "has some to start from");
		return;
	}
	begin_dir(&dir, config);
	buf_puts(out, "start from a copy of server.fwc, router.fwc or standalone.fwc: ");
	if (dir.len)
		buf_printf(out, "mkdir -p %s && ", buf_str(&dir));
	buf_printf(out, "cp " RULESETSDIR "/server.fwc %s", config);
	buf_free(&dir);
}

void begin_candidate(const struct globals *g, struct buf *out)
{
	if (*g->begin)
		buf_printf(out, "%s; then `fwc reload`", g->begin);
	else
		buf_puts(out, "`fwc compile` makes the candidate");
}

void begin_print(const struct globals *g, const char *file, struct diag *d)
{
	if (*g->begin && d->nerrors && !strcmp(file, g->config))
		diag_hint(d, &d->records.v[0], "%s", g->begin);
	diag_print(d, stderr, g->color);
}

/* A policy is compiled as at this time: SOURCE_DATE_EPOCH makes the same of it on any day. */
void begin_clock(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	uint64_t n;

	if (epoch && number_word(epoch, 0, 4102444800 /* 2100 */, &n) && n > 86400)
		policy_now((int64_t)n);
	else
		policy_now(time(NULL));
}
