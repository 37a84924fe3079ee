/* SPDX-License-Identifier: GPL-2.0-or-later
 * passwd, environment and clock -> struct author.
 */
#include "store/author.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct author author_now(void)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *sudo = getenv("SUDO_USER");
	struct author w = {.epoch = time(NULL)};
	struct tm tm;

	snprintf(w.user, sizeof(w.user), "%s", sudo ? sudo : pw ? pw->pw_name : "?");
	strftime(w.time, sizeof(w.time), "%Y-%m-%d %H:%M:%S %z", localtime_r(&w.epoch, &tm));
	return w;
}
