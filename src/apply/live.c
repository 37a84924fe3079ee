/* SPDX-License-Identifier: GPL-2.0-or-later
 * kernel -> IR; script -> kernel.
 */
#include "apply/live.h"

#include <errno.h>

#include <string.h>

#include "apply/proof.h"
#include "util/cleanup.h"

#define TRIES 5

static int list(enum nftrun_kind kind, const char *netns, json_t **out, struct buf *why)
{
	struct nftrun_step step = {.kind = kind};
	struct nftrun r = {
		.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	json_error_t e;
	int err = nftrun(&r);

	if (err) {
		buf_puts(why, buf_str(&r.why));
	} else if (step.refused) {
		struct nftrun_error x;

		nftrun_explain("", buf_str(&step.err), &x);
		buf_printf(why, "cannot read the ruleset in the kernel: %s", x.text);
		err = strstr(x.text, "No such file") ? -ENOENT : -EIO;
	} else {
		*out = json_loadb(buf_str(&step.out), step.out.len, 0, &e);
		if (!*out) {
			buf_printf(why, "cannot read the listing of nftables: %s", e.text);
			err = -EIO;
		}
	}
	nftrun_free(&r);
	return err;
}

static int read_once(struct live *out, const char *netns, struct arena *a, struct buf *why)
{
	_cleanup_json_ json_t *j = NULL;
	const char *reason;
	int err = list(RUN_LIST_OWN, netns, &j, why);

	if (err)
		return err;
	out->ruleset = listing_ruleset(a, j, &reason);
	if (!out->ruleset) {
		buf_puts(why, reason);
		return -EIO;
	}
	return 0;
}

int live_read(struct live *out, const char *netns, struct arena *a, struct buf *why)
{
	struct genid before, after;
	int err = genid_get(netns, &before, why);

	for (int i = 0; i < TRIES && !err; i++) {
		struct live l = {.present = before.own_table, .generation = before.id};

		why->len = 0;
		if (l.present)
			err = read_once(&l, netns, a, why);
		else
			l.ruleset = ruleset_new(a);
		if (err && err != -ENOENT)
			return err;
		err = genid_get(netns, &after, why);
		if (!err && after.id == before.id && l.ruleset) {
			*out = l;
			return 0;
		}
		before = after;
	}
	if (!err) {
		buf_puts(why, "the ruleset in the kernel changes all the time; it cannot be read");
		err = -EAGAIN;
	}
	return err;
}

int live_read_all(json_t **out, const char *netns, struct buf *why)
{
	return list(RUN_LIST_ALL, netns, out, why);
}

int live_run(const char *netns, const char *script, struct buf *why)
{
	struct nftrun_step step = {.kind = RUN_SCRIPT, .script = script};
	struct nftrun r = {
		.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	struct nftrun_error x;
	int err = nftrun(&r);

	if (err) {
		buf_puts(why, buf_str(&r.why));
	} else if (step.refused) {
		nftrun_explain(script, buf_str(&step.err), &x);
		buf_printf(why, "%s%s%s: %s", x.where, *x.where ? ": " : "",
			   x.by_kernel ? "the kernel refused" : "nftables refused", x.text);
		if (*x.source)
			buf_printf(why, "\n\t%s", x.source);
		err = strstr(x.text, "Operation not permitted")	    ? -EPERM
		      : strstr(x.text, "Device or resource busy")   ? -EBUSY
								    : -EINVAL;
	}
	nftrun_free(&r);
	return err;
}
