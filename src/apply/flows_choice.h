/* SPDX-License-Identifier: GPL-2.0-or-later
 * What becomes of running connections that new rules refuse: who says so.
 */
#ifndef FWC_FLOWS_CHOICE_H
#define FWC_FLOWS_CHOICE_H

#include "nft/manifest.h"

enum flows_choice { /* about connections that new rules refuse */
		    FLOWS_AS_POLICY, /* says; where it says nothing they are ended */
		    FLOWS_KEEP,
		    FLOWS_END,
};

/* Whether they go on. */
bool flows_kept(enum flows_choice choice, const struct manifest *m);

#endif
