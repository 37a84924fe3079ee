/* SPDX-License-Identifier: GPL-2.0-or-later
 * kernel, state directory -> connections ready to be judged by the rules in force.
 */
#include "cmd/flows_read.h"

#include "see/held.h"
#include "store/open.h"
#include "trial/note.h"
#include "util/cleanup.h"

const struct manifest *manifest_in_force(struct globals *g, struct arena *a)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct manifest *m = NULL;
	struct trial t = {0};
	struct store s;

	if (store_open(&s, g->state, false, &ignored) == 0) {
		trial_read(&s, &t, &ignored);
		m = store_read_manifest(
			&s, t.state == TRIAL_RUNNING ? STORE_PENDING : STORE_APPLIED, a);
	}
	if (s.hidden)
		fputs("fwc: warning: only root can read the state directory: rules have no file "
		      "and line\n",
		      stderr);
	store_close(&s);
	return m;
}

void give_lists(struct globals *g, struct arena *a, struct ir_ruleset *r)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct store s;

	if (store_open(&s, g->state, false, &ignored) == 0)
		store_give_lists(&s, a, r);
	store_close(&s);
}

void give_held(struct globals *g, struct arena *a, struct ir_ruleset *r)
{
	give_lists(g, a, r);
	held_give(g->netns, g->state, a, r);
}

int flows_of_rules(struct globals *g, struct arena *a, const struct live *rules,
		   const struct manifest *m, struct flows *out, struct buf *why)
{
	struct flows_input in = {.netns = g->netns, .ruleset = rules->ruleset, .manifest = m};

	return flows_open(out, a, &in, why);
}

int flows_read_in_force(struct globals *g, struct arena *a, struct flows *out)
{
	_cleanup_buf_ struct buf why = {0};
	struct live live;
	int err = live_read(&live, g->netns, a, &why);

	*out = (struct flows){.arena = a};
	if (!err)
		give_held(g, a, live.ruleset);
	if (!err)
		err = flows_of_rules(g, a, &live, manifest_in_force(g, a), out, &why);
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	else if (out->untold)
		fputs("fwc: warning: this kernel cannot list its connections: it lacks "
		      "nf_conntrack_netlink\n",
		      stderr);
	return err;
}
