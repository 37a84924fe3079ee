/* SPDX-License-Identifier: GPL-2.0-or-later
 * What `fwc diff` compared with: so that an apply soon after it does what was shown, or says that
 * somebody changed the rules since.
 */
#ifndef FWC_LOOKED_H
#define FWC_LOOKED_H

#include "apply/store.h"
#include "nft/ir.h"

#define LOOKED_SECONDS 900 /* then nobody remembers what was shown */

/* The difference from `live` to that script is being shown; as far as it can be noted. */
void looked_note(const struct store *s, struct arena *a, const struct ir_ruleset *live,
		 const struct manifest *m);
/* The difference to that script was shown a moment ago, but from other rules than these. */
bool looked_elsewhere(const struct store *s, struct arena *a, const struct ir_ruleset *live,
		      const struct manifest *m);
void looked_drop(const struct store *s);

#endif
