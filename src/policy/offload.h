/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether the kernel has flowtables, as who may ask it says.
 */
#ifndef FWC_OFFLOAD_H
#define FWC_OFFLOAD_H

#include <stdbool.h>

/* Without that it has them. */
void policy_offload_by(bool (*has)(void));

#endif
