/* SPDX-License-Identifier: GPL-2.0-or-later
 * Half a command line -> how it may go on; for the functions of shells.
 */
#ifndef FWC_COMPLETE_H
#define FWC_COMPLETE_H

#include <stddef.h>

#include "cmd/cmd.h"

struct completing {
	const struct command *commands;
	size_t ncommands;
	const char *global_help; /* the options of every command, as details have them */
	struct globals *g; /* what the half line says of config, state and netns is put here */
	char **words; /* behind "fwc"; the last is the one at the cursor, as far as it is typed */
	int nwords;
};

/* Of the words before the last: what decides which policy and which state are meant. */
void complete_globals(struct completing *c);
/* A line for each: the word as it may become whole, a tab, what it is. A word that ends with a
 * blank or '=' is not at its end. ":files" and ":directories" stand for those that are there. */
int complete_print(struct completing *c);

#endif
