/* SPDX-License-Identifier: GPL-2.0-or-later
 * Root's copy of the state for others (publish.c). Whatever fails, there is then less of it.
 */
#ifndef FWC_STORE_PUBLISH_H
#define FWC_STORE_PUBLISH_H

#include "store/store.h"

void store_publish(const struct store *s);
/* Of one note that tells nothing of the policy, at once: by those who wait for no lock. */
void store_publish_note(const struct store *s, const char *name);
/* Whether everybody can read what it was made of. */
bool publish_may_tell(const struct manifest *m);
/* A descriptor or -errno. */
int public_open(const char *state);

#endif
