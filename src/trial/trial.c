/* SPDX-License-Identifier: GPL-2.0-or-later
 * Beginning a trial, and confirming it.
 */
#include "trial/trial.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "kernel/bootclock.h"
#include "trial/guard.h"
#include "trial/note.h"
#include "util/fault.h"
#include "util/hex.h"

static void new_id(char out[33])
{
	uint8_t bytes[16] = {0};

	if (getrandom(bytes, sizeof(bytes), 0) < 0)
		memcpy(bytes, &(uint64_t){boot_clock()}, sizeof(uint64_t));
	hex_put(out, bytes, sizeof(bytes));
}

int trial_begin(struct apply *x, unsigned seconds)
{
	uint64_t deadline = boot_clock() + (uint64_t)seconds * 1000;
	char id[33];
	int err;

	new_id(id);
	err = store_write(x->store, STORE_PENDING, x->artefact, NULL, &x->why);
	if (!err)
		err = trial_write(x->store, id, deadline, &x->why);
	fault_point("trial-written");
	if (!err)
		err = guard_start(x->store->path, x->netns, id, deadline, &x->why);
	fault_point("trial-armed");
	if (!err) {
		x->mode = APPLY_TRIAL;
		x->deadline = deadline;
		err = apply_artefact(x);
	}
	if (err && !x->live)
		trial_forget(x->store); /* the guard finds nothing to do */
	return err;
}

int trial_confirm(struct apply *x)
{
	struct trial t;
	int err = trial_read(x->store, &t, &x->why);

	if (err)
		return err;
	if (t.state != TRIAL_RUNNING)
		return -ETIME;
	x->mode = APPLY_CONFIRM;
	err = apply_artefact(x);
	fault_point("confirmed");
	if (!err || x->live)
		trial_forget(x->store);
	return err;
}
