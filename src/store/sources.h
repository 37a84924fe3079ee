/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether the files that an artefact was compiled from are still what they were.
 */
#ifndef FWC_STORE_SOURCES_H
#define FWC_STORE_SOURCES_H

#include "nft/manifest.h"

enum source_state { SOURCE_SAME, SOURCE_CHANGED, SOURCE_GONE, SOURCE_UNREADABLE };

enum source_state source_look(const struct manifest_source *s);
/* "/etc/fwc/firewall.fwc has changed since": why the artefact is not of the policy as it is now; in
 * the arena. NULL: it is, or its policy is not on this machine or not for this user to read. */
const char *sources_outdated(struct arena *a, const struct manifest *m);

#endif
