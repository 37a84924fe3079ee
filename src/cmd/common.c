/* SPDX-License-Identifier: GPL-2.0-or-later
 * One policy through the pipeline, its messages printed, the result tried in the kernel and written.
 */
#include "cmd/common.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/store.h"
#include "config.h"
#include "kernel/scratch.h"
#include "nft/compare.h"
#include "util/cleanup.h"

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
	struct loader *l = loader_files(w->arena);
	bool ok = compile_file(&w->compiled, file, last, l, w->arena, &w->diag);

	diag_print(&w->diag, stderr, g->color);
	return ok;
}

/* What the kernel holds is not what was compiled: ours to mend, and nothing is emitted. */
static void print_differences(const struct differences *d)
{
	fputs("fwc: internal error: the kernel does not hold what was compiled; nothing was "
	      "written. Please report this.\n",
	      stderr);
	for (size_t i = 0; i < d->n; i++)
		fprintf(stderr, "%s %s\ncompiled:\n%sread back:\n%s", d->v[i].kind, d->v[i].name,
			d->v[i].left ? d->v[i].left : "\tnothing\n",
			d->v[i].right ? d->v[i].right : "\tnothing\n");
}

static int compare_back(struct work *w, const struct scratch *s)
{
	struct ir_ruleset *back = ruleset_new(w->arena);
	struct differences d = {0};
	const char *why = NULL;

	if (!read_listing(s->listing, back, &why)) {
		fprintf(stderr, "fwc: the kernel's listing cannot be read: %s\n", why);
		return EXIT_SYSTEM;
	}
	ruleset_compare(w->arena, w->compiled.ruleset, back, NULL, &d);
	if (!d.n)
		return EXIT_FINE;
	print_differences(&d);
	return EXIT_SYSTEM;
}

static void print_refusal(const struct nftrun_error *e)
{
	if (!e->by_kernel)
		fprintf(stderr, "fwc: internal error: nft does not understand the compiled script; "
				"please report this.\n");
	fprintf(stderr, "%s%serror: the kernel refuses this: %s\n", e->where, *e->where ? ": " : "",
		e->text);
	if (*e->source)
		fprintf(stderr, "    %s\n", e->source);
}

int work_try(struct work *w, bool *tried)
{
	struct scratch s = {0};
	int rc = EXIT_FINE;

	*tried = false;
	scratch_load(&s, buf_str(&w->compiled.script));
	switch (s.outcome) {
	case SCRATCH_LOADED:
		*tried = true;
		rc = compare_back(w, &s);
		break;
	case SCRATCH_REFUSED:
		print_refusal(&s.error);
		rc = EXIT_SYSTEM;
		break;
	case SCRATCH_UNAVAILABLE:
		fprintf(stderr, "fwc: warning: the ruleset was not tried in the kernel: %s\n",
			buf_str(&s.why));
		break;
	case SCRATCH_FAILED:
		fprintf(stderr, "fwc: the ruleset could not be tried: %s\n", buf_str(&s.why));
		rc = EXIT_SYSTEM;
		break;
	}
	scratch_free(&s);
	return rc;
}

static json_t *build_manifest(struct work *w)
{
	char *cwd = getcwd(NULL, 0);
	struct manifest_input in = {
		.version = PACKAGE_VERSION,
		.policy = w->compiled.path,
		.cwd = cwd ? cwd : "/",
		.sources = w->compiled.ast->sources.v,
		.nsources = w->compiled.ast->sources.n,
		.ruleset = w->compiled.ruleset,
		.script = &w->compiled.script,
	};
	json_t *j = manifest_json(manifest_build(w->arena, &in));

	free(cwd);
	return j;
}

static int write_artefact(struct work *w, const char *state, const char *dir)
{
	json_t *manifest = build_manifest(w);
	struct store store = {.dir = -1, .lock = -1};
	struct buf why = {0};
	int rc;

	if (dir) {
		rc = artefact_write(dir, &w->compiled.script, manifest, &why);
	} else {
		rc = store_open(&store, state, true, &why);
		if (!rc)
			rc = store_lock(&store, &why);
		if (!rc)
			rc = store_write(&store, STORE_CANDIDATE, &w->compiled.script, manifest,
					 NULL, &why);
		store_close(&store);
	}
	if (rc)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	buf_free(&why);
	json_decref(manifest);
	return rc ? EXIT_SYSTEM : EXIT_FINE;
}

int work_emit(struct work *w, struct globals *g, const char *out)
{
	bool tried;
	int rc = work_try(w, &tried);

	if (rc)
		return rc;
	if (out && !strcmp(out, "-")) {
		fwrite(w->compiled.script.data, 1, w->compiled.script.len, stdout);
		return EXIT_FINE;
	}
	return write_artefact(w, g->state, out);
}
