/* SPDX-License-Identifier: GPL-2.0-or-later
 * A line of a log that a rule with `log` may have written. Whoever may make the kernel log
 * something, as the name of a program that crashes, must not be able to write such a line: what
 * fwc's rules begin with begins the kernel's record, or it is none of theirs.
 */
#ifndef FWC_LOG_LINE_H
#define FWC_LOG_LINE_H

#include "nft/observed.h"

#define LOG_LINE_MAX 8192 /* bytes; the kernel's records are shorter */

struct log_line { /* pieces of the text that it was made of; raw: to be shown by diag_show() */
	const char *stamp; /* what stands before */
	size_t nstamp;
	const char *tag;
	size_t ntag;
	struct observed seen;
};

/* A record of the kernel as it is: "fwc TAG: IN=eth0 OUT= ..." */
bool log_line_record(struct log_line *out, const char *text);
/* The same with what syslog, the journal or dmesg put before it, if anything. */
bool log_line_kept(struct log_line *out, const char *text);

#endif
