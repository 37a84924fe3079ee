/* SPDX-License-Identifier: GPL-2.0-or-later
 * A process gives up what it does not need to read what others wrote.
 */
#ifndef FWC_CONFINE_H
#define FWC_CONFINE_H

/* No capability, no new ones by any program, and, where seccomp is there, no program, namespace,
 * mount or socket but those to local programs. What files it may open is left to their modes. 0 or
 * -errno. */
int confine(void);

#endif
