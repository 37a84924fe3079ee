/* SPDX-License-Identifier: GPL-2.0-or-later
 * A trial -> what was applied before is in force again.
 */
#include "trial/cancel.h"

#include <errno.h>

#include "apply/apply.h"
#include "apply/forwarding.h"
#include "apply/plan.h"
#include "apply/timeouts.h"
#include "kernel/genid.h"
#include "kernel/live.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/fault.h"

/* Without anything applied before there is nothing to go back to but no firewall. */
static int remove_table(struct store *s, const char *netns, struct buf *why)
{
	struct genid gen;
	bool changed;
	int err = forwarding_restore(s, netns, &changed, why);

	if (!err)
		err = genid_get(netns, &gen, why);
	if (!err && gen.own_table)
		err = live_run(netns, "delete table inet fwc", why);
	/* nobody is shut out for their sake */
	return err ? err : timeouts_restore(s, netns, &changed, why);
}

/* The kernel first, in one step: what is left then is out of the way of every packet. */
static int stop_acting(const char *netns, struct arena *a, struct buf *why)
{
	_cleanup_buf_ struct buf script = {0}, ignored = {0};
	struct live live;
	int err = live_read(&live, netns, a, why);

	if (err)
		return err;
	plan_trial_end(live.ruleset, &script);
	if (script.len)
		live_run(netns, script.data, &ignored); /* they may have expired */
	return 0;
}

static int restore(struct store *s, const char *netns, struct arena *a, struct buf *why)
{
	struct artefact applied = {0};
	_cleanup_buf_ struct buf none = {0};
	struct apply x = {.arena = a, .store = s, .netns = netns, .artefact = &applied};
	int err = store_read(s, STORE_APPLIED, a, &applied, &none);

	if (err == -ENOENT) {
		err = remove_table(s, netns, why);
	} else if (err) {
		buf_puts(why, buf_str(&none));
	} else {
		x.mode = APPLY_RESTORE;
		err = apply_artefact(&x);
		buf_puts(why, buf_str(&x.why));
		apply_free(&x);
	}
	artefact_free(&applied);
	return err;
}

int trial_cancel(struct store *s, const char *netns, struct arena *a, enum trial_state *was,
		 struct buf *why)
{
	struct trial t;
	int err = trial_read(s, &t, why);

	*was = t.state;
	if (err || t.state == TRIAL_NONE)
		return err;
	if (t.same_boot) {
		err = stop_acting(netns, a, why);
		fault_point("cancel-stopped");
		if (!err)
			err = restore(s, netns, a, why);
		fault_point("cancel-restored");
	}
	if (!err)
		trial_forget(s);
	return err;
}
