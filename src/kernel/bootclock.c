/* SPDX-License-Identifier: GPL-2.0-or-later
 * CLOCK_BOOTTIME, /proc/sys/kernel/random/boot_id.
 */
#include "kernel/bootclock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t boot_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void boot_id(char out[BOOT_ID])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(out, BOOT_ID, f))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (f)
		fclose(f);
}
