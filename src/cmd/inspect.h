/* SPDX-License-Identifier: GPL-2.0-or-later
 * The parts of fwc inspect.
 */
#ifndef FWC_CMD_INSPECT_H
#define FWC_CMD_INSPECT_H

#include "cmd/cmd.h"

int inspect_status(struct globals *g, const char *socket);
int inspect_log(struct globals *g, const char *socket);
int inspect_reload(const struct globals *g, const char *socket);

#endif
