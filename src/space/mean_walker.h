/* SPDX-License-Identifier: GPL-2.0-or-later
 * Between the files that walk through a ruleset of the kernel.
 */
#ifndef FWC_MEAN_WALKER_H
#define FWC_MEAN_WALKER_H

#include "space/mean_marks.h"

struct walker {
	struct mean *m;
	const struct ir_ruleset *r;
	struct map chains; /* name -> struct chain_mean */
	struct map matches; /* "set|selector" -> dd_ref * */
	struct marks marks;
	const struct ir_chain *base; /* of which base chain this is, NULL: of all of a hook */
	int depth;
	bool returns; /* some chain does: what leaves one is to be told from what decides */
};

struct progress { /* through one rule */
	const struct ir_chain *chain;
	size_t rule;
	dd_ref still; /* packets that get to the next statement */
	dd_ref says; /* what has been decided, or done, so far */
};

/* ---- mean_nft.c ---- */

/* What a verdict does, of the statement that the line names. last: nothing comes after it in its
 * chain, where to return is to come to the end. */
dd_ref walker_verdict(struct walker *w, const struct ir_verdict *v, bool last,
		      const struct line *line);
/* Of the other family the kernel looks away. */
dd_ref walker_translation(struct walker *w, const struct ir_stmt *s, const struct line *line);
dd_ref walker_match(struct walker *w, const struct progress *p, const struct ir_stmt *s);
dd_ref walker_unknown(struct walker *w, const char *what, const struct line *line);
/* Of what counts, or throws dice: where a packet comes to it from another base chain, too, it does
 * so again. Of fwc's own rules none is come to twice. */
dd_ref walker_counted(struct walker *w, const struct progress *p, const char *text);
void walker_effect(struct walker *w, struct progress *p, dd_ref where, const char *text);
/* IR_MARK, of packets that it comes to. */
void walker_mark(struct walker *w, struct progress *p, dd_ref where, const struct ir_stmt *s);
void walker_decide(struct walker *w, struct progress *p, dd_ref says);

/* ---- mean_unknown.c ---- */

/* What is not understood: a statement that may end the packet's way here ends it; of one that lets
 * every packet go on it is noted that it was met; a match may hold or not. */
void walker_unknown_says(struct walker *w, struct progress *p, const struct ir_stmt *s,
			 const struct line *line);

#endif
