/* SPDX-License-Identifier: GPL-2.0-or-later
 * Capabilities of this process (capabilities(7)).
 */
#ifndef FWC_CAPS_H
#define FWC_CAPS_H

#include <linux/capability.h>
#include <stdint.h>

#define CAPS_BIT(cap) ((uint64_t)1 << (cap))

/* Gives up all but those of the mask, for good: from the bounding set, too, where this process may
 * do that, and nothing is left for programs that it starts. 0 or -errno. */
int caps_keep(uint64_t mask);
/* Of that, what concerns the bounding set. */
void caps_bound(uint64_t mask);
/* Those that it has, or may take up. */
uint64_t caps_held(void);

#endif
