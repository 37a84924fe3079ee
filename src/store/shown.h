/* SPDX-License-Identifier: GPL-2.0-or-later
 * What `fwc diff` compared with: so that an apply soon after it does what was shown, or says that
 * somebody changed the rules since.
 */
#ifndef FWC_STORE_SHOWN_H
#define FWC_STORE_SHOWN_H

#include "nft/ir.h"
#include "store/store.h"

#define SHOWN_SECONDS 900 /* then nobody remembers what was shown */

/* The difference from `live` to that script is being shown; as far as it can be noted. */
void shown_note(const struct store *s, struct arena *a, const struct ir_ruleset *live,
		const struct manifest *m);
/* The difference to that script was shown a moment ago, but from other rules than these. */
bool shown_differs(const struct store *s, struct arena *a, const struct ir_ruleset *live,
		   const struct manifest *m);
void shown_drop(const struct store *s);
/* What the process that opens files does of both for one that may write nothing: "", and the hashes
 * of rules and script, or nothing more. 0 or -errno. */
int shown_write(const struct store *s, const struct buf *parts, size_t n);

#endif
