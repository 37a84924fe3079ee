/* SPDX-License-Identifier: GPL-2.0-or-later
 * Steps of work -> struct progress.
 */
#include "util/progress.h"

#include <stddef.h>

/* Of the process: whoever works deep down knows nobody who could be told. */
static struct progress *page;
static void (*look)(void);

void progress_shown_by(struct progress *where, void (*by)(void))
{
	page = where;
	look = by;
}

void progress_tick(void)
{
	if (page && look)
		look();
}

void progress_begin(enum progress_of what, uint64_t total)
{
	if (!page)
		return;
	page->done = 0;
	page->total = total;
	__atomic_store_n(&page->what, what, __ATOMIC_RELEASE);
	page->nth++;
	progress_tick();
}

void progress_at(uint64_t done)
{
	if (!page)
		return;
	page->done = done;
	progress_tick();
}

void progress_step(void)
{
	if (page)
		progress_at(page->done + 1);
}

void progress_end(void)
{
	if (!page || page->what == PROGRESS_NONE)
		return;
	__atomic_store_n(&page->what, PROGRESS_NONE, __ATOMIC_RELEASE);
	progress_tick();
}
