/* SPDX-License-Identifier: GPL-2.0-or-later
 * The parts of fwc inspect.
 */
#ifndef FWC_CMD_INSPECT_H
#define FWC_CMD_INSPECT_H

#include <jansson.h>
#include <stdint.h>

#include "cmd/cmd.h"

struct log_rate {
	uint64_t per_second; /* 0: all */
	bool begun;
	double last, left; /* seconds; lines */
};

struct log_sink {
	const char *path; /* of the socket of syslogd; NULL: standard output */
	int fd; /* -1: not connected */
	struct log_rate rate;
};

#define LOG_SOCKET "/dev/log"
#define LOG_RATE 300 /* journald drops more than 10,000 in 30 seconds, and says less of it */

int inspect_status(struct globals *g, const char *socket);
int inspect_log(struct globals *g, const char *socket, struct log_sink *to);
int inspect_reload(const struct globals *g, const char *socket);

/* inspect_syslog.c */
bool log_may_tell(struct log_rate *r);
int log_open(struct log_sink *s); /* 0, or -errno, said */
bool log_syslog(struct log_sink *s, const json_t *j); /* false: it did not get there */

#endif
