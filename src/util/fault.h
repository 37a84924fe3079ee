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

/* FWC_FAULT is a list with commas. */
static inline bool fault_listed(const char *how, const char *name)
{
	const char *at = getenv("FWC_FAULT");
	size_t before = strlen(how), n = strlen(name);

	for (; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (!strncmp(at, how, before) && !strncmp(at + before, name, n) &&
		    (at[before + n] == '\0' || at[before + n] == ','))
			return true;
	return false;
}

static inline bool fault_wanted(const char *name)
{
	return fault_listed("", name);
}

/* NAME kills the process there, stop:NAME stops it, for a test to look or to send it something. */
static inline void fault_point(const char *name)
{
	if (fault_wanted(name))
		raise(SIGKILL);
	if (fault_listed("stop:", name))
		raise(SIGSTOP);
}

static inline void fault_none(void)
{
	unsetenv("FWC_FAULT");
}

/* For a process that is given no environment else: an entry of one, or NULL. */
static inline char *fault_environment(void)
{
	char *at = getenv("FWC_FAULT");

	return at && *at ? at - strlen("FWC_FAULT=") : NULL;
}
#else
static inline void fault_none(void)
{
}

static inline char *fault_environment(void)
{
	return 0;
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
