/* SPDX-License-Identifier: GPL-2.0-or-later
 * One policy through the pipeline, with its messages printed.
 */
#include "cmd/common.h"

#include <string.h>

void work_init(struct work *w)
{
	*w = (struct work){.arena = arena_new()};
	diag_init(&w->diag, w->arena);
}

void work_free(struct work *w)
{
	compiled_free(&w->compiled);
	arena_free(w->arena);
}

bool work_compile(struct work *w, struct globals *g, const char *file, enum compile_stage last)
{
	bool ok = compile_file(&w->compiled, file, last, loader_files(w->arena), w->arena, &w->diag);

	diag_print(&w->diag, stderr, g->color);
	return ok;
}

int work_emit(struct work *w, struct globals *g, const char *out)
{
	(void)g;
	if (!out || strcmp(out, "-")) {
		fputs("fwc: only -o - is there yet\n", stderr);
		return EXIT_SYSTEM;
	}
	fwrite(w->compiled.script.data, 1, w->compiled.script.len, stdout);
	return EXIT_FINE;
}
