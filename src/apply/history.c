/* SPDX-License-Identifier: GPL-2.0-or-later
 * what was applied -> on record.
 */
#include "apply/apply.h"
#include "store/record.h"

int apply_record(struct apply *x)
{
	struct record r = {.store = x->store,
			   .arena = x->arena,
			   .artefact = x->artefact,
			   .netns = x->netns,
			   .comment = x->comment,
			   .changes = x->changes,
			   .rollback_of = x->rollback_of};

	return artefact_is_head(x->artefact) ? 0 : record_write(&r, &x->unchanged, &x->why);
}
