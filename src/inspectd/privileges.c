/* SPDX-License-Identifier: GPL-2.0-or-later
 * The process that holds the queues keeps what it needs for them and for the judges that it starts:
 * it sends verdicts, lets judges change their user, and ends them.
 */
#include "inspectd/inspectd.h"
#include "util/caps.h"

int privileges_drop(void)
{
	return caps_keep(CAPS_BIT(CAP_NET_ADMIN) | CAPS_BIT(CAP_SETUID) | CAPS_BIT(CAP_SETGID) |
			 CAPS_BIT(CAP_KILL));
}
