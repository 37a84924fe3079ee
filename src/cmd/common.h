/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the commands that compile have in common: memory, messages, one compiled policy.
 */
#ifndef FWC_COMMON_H
#define FWC_COMMON_H

#include "cmd/cmd.h"
#include "compile.h"

struct work {
	struct arena *arena;
	struct diag diag;
	struct compiled compiled;
};

void work_init(struct work *w);
void work_free(struct work *w);
/* Compiles and prints what there is to say; false if there were errors. */
bool work_compile(struct work *w, struct globals *g, const char *file, enum compile_stage last);
/* Loads the script in a throw-away namespace and compares what the kernel then holds with what was
 * compiled; prints what is wrong. *tried: false where the kernel lets this user make no namespace. */
int work_try(struct work *w, bool *tried);
/* Tries it, and writes the artefact ("-": the script to standard output; NULL: the candidate). */
int work_emit(struct work *w, struct globals *g, const char *out);

#endif
