/* SPDX-License-Identifier: GPL-2.0-or-later
 * What was applied, when and by whom -> the state directory.
 */
#include "config.h"

#include <pwd.h>
#include <time.h>

#include "apply/apply.h"
#include "util/cleanup.h"

static json_t *make_record(const char *netns)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *sudo = getenv("SUDO_USER");
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", localtime_r(&now, &tm));
	return json_pack("{s:i, s:s, s:I, s:s, s:s, s:s*}", "format", 1, "time", text, "epoch",
			 (json_int_t)now, "user",
			 sudo ? sudo
			 : pw ? pw->pw_name
			      : "?",
			 "fwc", PACKAGE_VERSION, "netns", netns);
}

/* The time in the record is that of the last change of rules. */
int record_write(struct apply *x)
{
	_cleanup_json_ json_t *record = NULL;
	_cleanup_buf_ struct buf ignored = {0};

	if (x->unchanged && store_read_record(x->store, &record, &ignored) == 0 &&
	    store_holds(x->store, STORE_APPLIED, x->artefact))
		return 0;
	if (!record)
		record = make_record(x->netns);
	return store_copy(x->store, STORE_APPLIED, x->artefact, record, &x->why);
}
