/* SPDX-License-Identifier: GPL-2.0-or-later
 * script -> what a kernel makes of it.
 */
#include "kernel/scratch.h"

#include <string.h>
#include <unistd.h>

#include "nft/nft.h"
#include "nft/script.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/progress.h"

/* A namespace made through a user namespace may come without the right to use it; and messages to
 * netlink may be no larger there than net.core.wmem_max, which only CAP_NET_ADMIN of the machine
 * lifts (socket(7), SO_SNDBUFFORCE). */
static const char *powerless(const struct nftrun_step steps[])
{
	if (steps[0].refused && strstr(buf_str(&steps[0].err), "Operation not permitted"))
		return "a namespace was made, but this user may load no rules into it";
	if (steps[1].refused && strstr(buf_str(&steps[1].err), "Message too long"))
		return "this user may not load a ruleset this large at once (net.core.wmem_max)";
	return NULL;
}

/* What libnftables does not say. */
static const char *no_reason(void)
{
	return access("/proc/self", F_OK) ? "nftables needs /proc, which is not mounted"
					  : "nftables does not say why";
}

static void judge(struct scratch *s, struct nftrun *r)
{
	if (powerless(r->steps)) {
		s->outcome = SCRATCH_UNAVAILABLE;
		buf_puts(&s->why, powerless(r->steps));
		return;
	}
	if (r->steps[1].refused) {
		nftrun_explain(r->steps[1].script, buf_str(&r->steps[1].err), &s->error);
		s->outcome = SCRATCH_REFUSED;
		return;
	}
	if (!r->steps[2].ran || r->steps[2].refused) {
		buf_printf(&s->why, "cannot read back what was loaded: %s",
			   r->steps[2].err.len ? buf_str(&r->steps[2].err) : no_reason());
		return;
	}
	buf_add(&s->dump, buf_str(&r->steps[2].out), r->steps[2].out.len);
	s->outcome = SCRATCH_LOADED;
}

bool scratch_resizes_sets(struct arena *a)
{
	static const char script[] =
		"add table inet fwc\n"
		"add set inet fwc probe { type ipv4_addr; size 100; flags dynamic,timeout; "
		"timeout 1h; }\n"
		"add set inet fwc probe { type ipv4_addr; size 200; flags dynamic,timeout; "
		"timeout 2h; }\n";
	const struct ir_ruleset *r = NULL;
	const struct ir_set *set;
	struct scratch s;

	scratch_load(&s, script);
	if (s.outcome == SCRATCH_LOADED)
		r = scratch_ruleset(&s, a);
	set = r ? ruleset_set(r, "probe") : NULL;
	scratch_free(&s);
	return set && set->size == 200 && set->timeout == 7200 && !fault_wanted("resize");
}

bool scratch_grow(struct buf *out, const char *script)
{
	_cleanup_arena_ struct arena *a = NULL;
	bool much = script_grow(out, script);

	if (!much)
		return false;
	a = arena_new();
	much = scratch_resizes_sets(a);
	if (!much)
		buf_free(out);
	return much;
}

void scratch_start(struct scratch *s, const char *script)
{
	*s = (struct scratch){.outcome = SCRATCH_FAILED};
	s->steps[0] = (struct nftrun_step){.kind = RUN_SCRIPT, .script = "add table inet fwc"};
	s->steps[1] = (struct nftrun_step){
		.kind = RUN_SCRIPT,
		.script = scratch_grow(&s->grown, script) ? buf_str(&s->grown) : script};
	s->steps[2] = (struct nftrun_step){.kind = RUN_DUMP_OWN};
	s->run = (struct nftrun){.where = CHILD_SCRATCH, .steps = s->steps, .n = 3};
	nftrun_start(&s->run);
}

void scratch_start_anywhere(struct scratch *s, const char *script, const char *netns)
{
	scratch_start(s, script);
	s->may_sleep = true;
	s->script = script;
	s->netns = netns;
}

/* ---- where no namespace can be made ---- */

/* Whoever may not, and a kernel that knows no owner of a table (before 5.12), leave it as it was:
 * unavailable. */
static void judge_asleep(struct scratch *s, const struct nftrun_step *step)
{
	if (step->refused) {
		nftrun_explain(step->script, buf_str(&step->err), &s->error);
		if (strstr(s->error.text, "Operation not permitted") ||
		    !strncmp(s->error.source, "table ", 6))
			return;
		s->outcome = SCRATCH_REFUSED;
		if (strcmp(s->error.text, NFTRUN_OTHER) != 0)
			return;
		s->outcome = SCRATCH_FAILED;
		s->why.len = 0;
		buf_printf(&s->why, "line %u of the script: " NFTRUN_OTHER, s->error.line);
		return;
	}
	s->why.len = 0;
	s->slept = true;
	buf_add(&s->dump, buf_str(&step->out), step->out.len);
	s->outcome = SCRATCH_LOADED;
}

static void try_asleep(struct scratch *s)
{
	memset(s->steps, 0, sizeof(s->steps));
	s->steps[0] = (struct nftrun_step){.kind = RUN_ASLEEP, .script = s->script};
	s->run = (struct nftrun){
		.where = child_where_of(s->netns), .netns = s->netns, .steps = s->steps, .n = 1};
	if (nftrun(&s->run) == 0)
		judge_asleep(s, &s->steps[0]);
	nftrun_free(&s->run);
}

void scratch_wait(struct scratch *s)
{
	progress_begin(PROGRESS_TRYING, 0);
	if (nftrun_wait(&s->run) == 0) {
		judge(s, &s->run);
	} else {
		s->outcome = s->run.no_scratch ? SCRATCH_UNAVAILABLE : SCRATCH_FAILED;
		buf_puts(&s->why, buf_str(&s->run.why));
	}
	nftrun_free(&s->run);
	if (s->outcome == SCRATCH_UNAVAILABLE && s->may_sleep)
		try_asleep(s);
}

void scratch_load(struct scratch *s, const char *script)
{
	scratch_start(s, script);
	scratch_wait(s);
}

struct ir_ruleset *scratch_ruleset(const struct scratch *s, struct arena *a)
{
	struct ir_tables all = {0};

	/* the one that was loaded, by whatever name */
	if (!read_tables(a, s->dump.data, s->dump.len, &all) || all.n != 1)
		return NULL;
	all.v[0].ruleset->dormant = false;
	return all.v[0].ruleset;
}

void scratch_free(struct scratch *s)
{
	buf_free(&s->dump);
	buf_free(&s->why);
	buf_free(&s->grown);
}
