/* SPDX-License-Identifier: GPL-2.0-or-later
 * Who does something, and when: for records.
 */
#ifndef FWC_STORE_AUTHOR_H
#define FWC_STORE_AUTHOR_H

#include <time.h>

struct author {
	char user[64]; /* behind sudo(8), whoever called it */
	char time[64]; /* local, with its zone */
	time_t epoch;
};

struct author author_now(void);

#endif
