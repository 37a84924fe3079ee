/* SPDX-License-Identifier: GPL-2.0-or-later
 * script -> what a kernel makes of it.
 */
#include "kernel/scratch.h"

#include <string.h>

/* A namespace made through a user namespace may come without the right to use it. */
static bool powerless(const struct nftrun_step *s)
{
	return s->refused && strstr(buf_str(&s->err), "Operation not permitted");
}

static void judge(struct scratch *s, struct nftrun *r)
{
	json_error_t e;

	if (powerless(&r->steps[0])) {
		s->outcome = SCRATCH_UNAVAILABLE;
		buf_puts(&s->why, "a namespace was made, but this user may load no rules into it");
		return;
	}
	if (r->steps[1].refused) {
		nftrun_explain(r->steps[1].script, buf_str(&r->steps[1].err), &s->error);
		s->outcome = SCRATCH_REFUSED;
		return;
	}
	if (!r->steps[2].ran || r->steps[2].refused) {
		buf_printf(&s->why, "cannot list what was loaded: %s", buf_str(&r->steps[2].err));
		return;
	}
	s->listing = json_loadb(r->steps[2].out.data, r->steps[2].out.len, 0, &e);
	if (s->listing)
		s->outcome = SCRATCH_LOADED;
	else
		buf_printf(&s->why, "cannot read the listing of nftables: %s", e.text);
}

void scratch_load(struct scratch *s, const char *script)
{
	struct nftrun_step steps[] = {
		{.kind = RUN_SCRIPT, .script = "add table inet fwc"},
		{.kind = RUN_SCRIPT, .script = script},
		{.kind = RUN_LIST_OWN},
	};
	struct nftrun r = {.where = CHILD_SCRATCH, .steps = steps, .n = 3};

	*s = (struct scratch){.outcome = SCRATCH_FAILED};
	if (nftrun(&r) == 0) {
		judge(s, &r);
	} else {
		s->outcome = r.no_scratch ? SCRATCH_UNAVAILABLE : SCRATCH_FAILED;
		buf_puts(&s->why, buf_str(&r.why));
	}
	nftrun_free(&r);
}

void scratch_free(struct scratch *s)
{
	json_decref(s->listing);
	buf_free(&s->why);
}
