/* SPDX-License-Identifier: GPL-2.0-or-later
 * kernel -> IR; script -> kernel.
 */
#include "kernel/live.h"

#include <errno.h>

#include <string.h>

#include "kernel/nftrun.h"
#include "util/cleanup.h"

#define TRIES 5

/* A set is listed by itself fast. For each chain, nft reads all elements of all sets, too: from
 * some number on, one listing of all is cheaper. */
#define MANY 8
#define MANY_CHAINS 4
#define MANY_ELEMENTS 5000 /* then one chain is enough */

static int parse(const struct nftrun_step *step, struct ir_ruleset *to, struct buf *why)
{
	_cleanup_json_ json_t *j = NULL;
	const char *reason;
	json_error_t e;

	j = json_loadb(buf_str(&step->out), step->out.len, 0, &e);
	if (!j) {
		buf_printf(why, "cannot read the nftables listing: %s", e.text);
		return -EIO;
	}
	if (!read_listing(j, to, &reason)) {
		buf_puts(why, reason);
		return -EIO;
	}
	return 0;
}

static int refused(const struct nftrun_step *step, struct buf *why)
{
	struct nftrun_error x;

	/* what libnftables says of it ("cache initialization failed") helps nobody */
	if (strstr(buf_str(&step->err), "Operation not permitted")) {
		buf_puts(why, step->kind == RUN_SCRIPT ? "cannot change" : "cannot read");
		buf_puts(why, " the rules in the kernel: Operation not permitted (it takes root, "
			      "or CAP_NET_ADMIN)");
		return -EPERM;
	}
	if (step->kind == RUN_SCRIPT) {
		nftrun_explain(step->script, buf_str(&step->err), &x);
		buf_printf(why, "%s%s%s: %s", x.where, *x.where ? ": " : "",
			   x.by_kernel ? "the kernel refused" : "nftables refused", x.text);
		if (*x.source)
			buf_printf(why, "\n\t%s", x.source);
	} else {
		nftrun_explain("", buf_str(&step->err), &x);
		buf_printf(why, "cannot read the ruleset in the kernel: %s", x.text);
	}
	return strstr(x.text, "Device or resource busy") ? -EBUSY
	       : strstr(x.text, "No such file")		 ? -ENOENT
							 : -EINVAL;
}

int live_read(struct live *out, const char *netns, struct arena *a, struct buf *why)
{
	for (int i = 0; i < TRIES; i++) {
		struct nftrun_step step = {.kind = RUN_LIST_OWN};
		struct nftrun r = {
			.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
		struct live l = {.ruleset = ruleset_new(a)};
		bool gone = false;
		int err = nftrun(&r);

		if (err) {
			buf_puts(why, buf_str(&r.why));
		} else if (step.refused && (r.had_table || r.looked)) {
			/* not "there is none": whoever may not look does not know */
			err = refused(&step, why);
			gone = err == -ENOENT;
		} else if (!step.refused) {
			err = parse(&step, l.ruleset, why);
		}
		l.present = r.had_table;
		l.generation = r.before;
		nftrun_free(&r);
		if (err && !gone)
			return err;
		/* libnftables sees to it that one listing is of one generation; here it is known
		 * which */
		if (!err && (r.before == r.after || i == TRIES - 1)) {
			*out = l;
			return 0;
		}
		why->len = 0;
	}
	buf_puts(why, "the table comes and goes while it is read: another program is changing it");
	return -EAGAIN;
}

/* An object read again takes the place of its former self, which others may point to. */
static void merge(struct live *l, const struct ir_ruleset *fresh)
{
	struct ir_chain *const *c;
	struct ir_set *const *s;

	vec_each (&fresh->chains, c) {
		struct ir_chain *old = ruleset_chain(l->ruleset, (*c)->name);

		if (old)
			*old = **c;
		else
			ruleset_add_chain(l->ruleset, *c);
	}
	vec_each (&fresh->sets, s) {
		struct ir_set *old = ruleset_set(l->ruleset, (*s)->name);

		if (old)
			*old = **s;
		else
			ruleset_add_set(l->ruleset, *s);
	}
}

static int take(struct live *l, struct arena *a, const struct nftrun *r, bool whole,
		struct buf *why)
{
	struct ir_ruleset *fresh = ruleset_new(a);

	for (size_t i = 0; i < r->n; i++) {
		int err = r->steps[i].refused ? refused(&r->steps[i], why) : 0;

		if (!err && r->steps[i].kind != RUN_SCRIPT)
			err = parse(&r->steps[i], fresh, why);
		if (err)
			return err;
	}
	if (whole)
		l->ruleset = fresh;
	else
		merge(l, fresh);
	l->present = true;
	return 0;
}

static bool is_many(const struct ir_ruleset *live, const struct live_names *names)
{
	size_t chains = 0, elements = 0;
	struct ir_set *const *s;

	for (size_t i = 0; i < names->n; i++)
		chains += names->v[i][0] == 'c';
	vec_each (&live->sets, s)
		elements += (*s)->elems.n;
	return names->n > MANY || chains > (elements > MANY_ELEMENTS ? 1 : MANY_CHAINS);
}

int live_change(struct live *l, const char *netns, struct arena *a, const char *script,
		const struct live_names *names, struct live_outcome *out, struct buf *why)
{
	bool whole = is_many(l->ruleset, names);
	struct nftrun_step *steps = arena_alloc(a, (MANY + 2) * sizeof(*steps));
	struct nftrun r = {.where = child_where_of(netns),
			   .netns = netns,
			   .steps = steps,
			   .expect = l->hurry ? 0 : l->generation};
	int err;

	steps[r.n++] = (struct nftrun_step){.kind = RUN_SCRIPT, .script = script};
	if (whole)
		steps[r.n++] = (struct nftrun_step){.kind = RUN_LIST_OWN};
	for (size_t i = 0; !whole && i < names->n; i++)
		steps[r.n++] = (struct nftrun_step){.kind = RUN_LIST_ONE, .script = names->v[i]};
	err = nftrun(&r);
	out->committed = steps[0].ran && !steps[0].refused;
	out->alone = r.before == l->generation && r.after == r.before + 1;
	if (err) {
		buf_puts(why, buf_str(&r.why));
	} else {
		err = take(l, a, &r, whole, why);
		l->generation = r.after;
	}
	nftrun_free(&r);
	return err;
}

int live_read_all(json_t **out, const char *netns, struct buf *why)
{
	struct nftrun_step step = {.kind = RUN_LIST_ALL};
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	json_error_t e;
	int err = nftrun(&r);

	if (err) {
		buf_puts(why, buf_str(&r.why));
	} else if (step.refused) {
		err = refused(&step, why);
	} else {
		*out = json_loadb(buf_str(&step.out), step.out.len, 0, &e);
		if (!*out) {
			buf_printf(why, "cannot read the nftables listing: %s", e.text);
			err = -EIO;
		}
	}
	nftrun_free(&r);
	return err;
}

int live_run(const char *netns, const char *script, struct buf *why)
{
	struct nftrun_step step = {.kind = RUN_SCRIPT, .script = script};
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	int err = nftrun(&r);

	if (err)
		buf_puts(why, buf_str(&r.why));
	else if (step.refused)
		err = refused(&step, why);
	nftrun_free(&r);
	return err;
}
