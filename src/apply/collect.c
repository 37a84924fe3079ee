/* SPDX-License-Identifier: GPL-2.0-or-later
 * What earlier generations left behind -> deleted.
 */
#include <errno.h>

#include "apply/apply.h"
#include "apply/plan.h"
#include "kernel/live.h"
#include "util/cleanup.h"

struct sweep {
	const char *netns;
	struct plan_input in;
	uint32_t commits;
};

static int sweep(struct sweep *w, const struct live *known, bool sets, bool chains, size_t *dead,
		 struct buf *why)
{
	_cleanup_buf_ struct buf script = {0};
	struct live live;
	int err = 0;

	if (!known) {
		err = live_read(&live, w->netns, w->in.arena, why);
		known = &live;
	}
	if (err)
		return err;
	w->in.live = known->ruleset;
	*dead = plan_collect(&w->in, sets, chains, &script);
	err = script.len ? live_run(w->netns, script.data, why) : 0;
	w->commits += script.len && !err;
	return err;
}

/* In one transaction where the kernel lets it. An old one counts what a map's elements refer to
 * until the transaction is over: then it takes one for sets and another for chains. */
int collect_garbage(const char *netns, struct arena *a, const struct artefact *keep,
		    struct live *known, size_t *gone, size_t *left, struct buf *why)
{
	_cleanup_buf_ struct buf busy = {0};
	struct sweep w = {.netns = netns, .in = {.arena = a, .artefact = keep}};
	size_t before, after = 0;
	int err = sweep(&w, known, true, true, &before, &busy);

	*gone = *left = 0;
	if (err == -EBUSY || err == -EINVAL || err == -ENOENT) {
		sweep(&w, NULL, true, false, &after, &busy);
		sweep(&w, NULL, false, true, &after, &busy);
		err = sweep(&w, NULL, false, false, &after, &busy);
	}
	if (known)
		known->generation += w.commits;
	if (err && err != -EBUSY) {
		buf_puts(why, buf_str(&busy));
		return err;
	}
	*left = after;
	*gone = before - after;
	return 0;
}
