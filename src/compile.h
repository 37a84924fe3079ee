/* SPDX-License-Identifier: GPL-2.0-or-later
 * The pipeline: a policy file -> AST -> policy -> ruleset IR -> nft script. Values in, values out.
 */
#ifndef FWC_COMPILE_H
#define FWC_COMPILE_H

#include "lang/lang.h"
#include "nft/nft.h"

struct policy;

struct compiled { /* each is NULL/empty if an earlier stage reported errors */
	const char *path;
	struct ast *ast;
	struct policy *policy;
	struct ir_ruleset *ruleset;
	struct arena *lowered; /* that one's */
	struct buf script; /* freed with compiled_free() */
};

enum compile_stage { STAGE_AST, STAGE_POLICY, STAGE_IR, STAGE_SCRIPT };

/* Puts statements behind those of a file that was compiled up to STAGE_AST, and goes on. */
bool compile_more(struct compiled *out, const struct ast *more, enum compile_stage last,
		  struct arena *a, struct diag *diag);
/* True if no stage up to and including `last` reported an error. */
bool compile_file(struct compiled *out, const char *path, enum compile_stage last, struct loader *l,
		  struct arena *a, struct diag *diag);
void compiled_free(struct compiled *c);

#endif
