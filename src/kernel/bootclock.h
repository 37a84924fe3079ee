/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which run of the machine this is, and how long it has lasted.
 */
#ifndef FWC_KERNEL_BOOTCLOCK_H
#define FWC_KERNEL_BOOTCLOCK_H

#include <stdint.h>

#define BOOT_ID 64

/* Milliseconds since the machine was started, time asleep included; nobody can set this clock. */
uint64_t boot_clock(void);
/* Another one after every start; "" if proc is not there. */
void boot_id(char out[BOOT_ID]);

#endif
