/* SPDX-License-Identifier: GPL-2.0-or-later
 * Places at which tests let an apply die; nothing at all unless built with FWC_FAULTS.
 */
#ifndef FWC_FAULT_H
#define FWC_FAULT_H

#include <stdbool.h>

#include "config.h"

#ifdef FWC_FAULTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static inline bool fault_wanted(const char *name)
{
	const char *wanted = getenv("FWC_FAULT");

	return wanted && !strcmp(wanted, name);
}

/* FWC_FAULT=NAME kills the process there, FWC_FAULT=stop:NAME stops it, for a test to look or to
 * send it something. */
static inline void fault_point(const char *name)
{
	const char *wanted = getenv("FWC_FAULT");

	if (fault_wanted(name))
		raise(SIGKILL);
	if (wanted && !strncmp(wanted, "stop:", 5) && !strcmp(wanted + 5, name))
		raise(SIGSTOP);
}

static inline void fault_none(void)
{
	unsetenv("FWC_FAULT");
}
#else
static inline void fault_none(void)
{
}

static inline bool fault_wanted(const char *name)
{
	(void)name;
	return false;
}

static inline void fault_point(const char *name)
{
	(void)name;
}
#endif

#endif
