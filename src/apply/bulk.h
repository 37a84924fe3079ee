/* SPDX-License-Identifier: GPL-2.0-or-later
 * Bulk sets of an artefact: is there room for them, what is in them, and into the kernel.
 */
#ifndef FWC_APPLY_BULK_H
#define FWC_APPLY_BULK_H

#include "apply/plan.h"

/* Whether there is memory for those that the kernel does not hold yet. 0 or -ENOMEM with why. */
int bulk_room(const struct plan_input *in, struct buf *why);
/* The live ruleset's get what they hold, from this artefact and from those that are in force. */
void bulk_give(const struct plan_input *in, const struct store *s);
/* Behind the staging: those that no base chain leads to yet are filled and read back. `filled`: by
 * name, those of which that is known; they are added to it. 0 or -errno with why. */
int bulk_stage(const struct plan_input *in, struct live *live, const char *netns,
	       struct map *filled, struct buf *why);

/* Whether the kernel's sets hold what the artefact's lists say; else one that does not, and what is
 * different in it. */
bool bulk_holds(struct arena *a, const struct artefact *x, const char *netns, const char **differs);
/* Bulk sets that packets meet, compared with what they are to hold: where somebody has changed one,
 * `live` gets what is in it, and its name is put into *altered. Those are not asked for again that
 * were compared when the store's applied artefact was put into the kernel, if nobody has committed
 * since (s NULL: all are asked for). */
int bulk_look(const struct plan_input *in, struct ir_ruleset *live, const struct store *s,
	      const char *netns, struct map *altered, struct buf *why);
/* Undoes that, and counts the sets. -ESTALE: it is done, and was a change of the ruleset, which is
 * to be read again. */
int bulk_mend(const struct plan_input *in, const char *netns, struct map *altered, size_t *mended,
	      struct buf *why);

#endif
