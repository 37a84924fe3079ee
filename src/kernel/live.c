/* SPDX-License-Identifier: GPL-2.0-or-later
 * kernel -> IR; script -> kernel.
 */
#include "kernel/live.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>
#include <unistd.h>

#include "kernel/dump.h"
#include "kernel/links.h"
#include "kernel/nftrun.h"
#include "nft/tlv.h"
#include "util/bulk_file.h"
#include "util/cleanup.h"

#define MANY 64 /* objects: beyond them all is read */

static int parsed(const struct ir_ruleset *r, struct buf *why)
{
	if (r)
		return 0;
	buf_puts(why, "cannot read the rules in the kernel: the dump is malformed");
	return -EIO;
}

static int parse(const void *dump, size_t len, struct arena *a, struct ir_ruleset **out,
		 struct buf *why)
{
	*out = read_own(a, dump, len);
	return parsed(*out, why);
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
	if (access("/proc/self", F_OK)) { /* all that libnftables says is that it opened no file */
		buf_puts(why, "nftables needs /proc, which is not mounted");
		return -ENOENT;
	}
	if (step->kind == RUN_MESSAGES) {
		nftrun_explain("", buf_str(&step->err), &x);
		buf_printf(why, "the kernel refused: %s", x.text);
	} else if (step->kind == RUN_SCRIPT) {
		nftrun_explain(step->script, buf_str(&step->err), &x);
		buf_printf(why, "%s%s%s: %s", x.where, *x.where ? ": " : "",
			   x.by_kernel ? "the kernel refused" : "nftables refused", x.text);
		if (*x.source)
			buf_printf(why, "\n\t%s", x.source);
	} else {
		nftrun_explain("", buf_str(&step->err), &x);
		buf_printf(why, "cannot read the rules in the kernel: %s", x.text);
	}
	return strstr(x.text, "Device or resource busy") ? -EBUSY
	       : strstr(x.text, "No such file")		 ? -ENOENT
							 : -EINVAL;
}

/* All steps; the first that is refused ends it. */
static int run(struct nftrun *r, struct buf *why)
{
	int err = nftrun(r);

	if (err)
		buf_puts(why, buf_str(&r->why));
	for (size_t i = 0; !err && i < r->n; i++)
		err = r->steps[i].refused ? refused(&r->steps[i], why) : 0;
	return err;
}

static void keep_dump(struct live *l, const struct nftrun *r, const struct nftrun_step *step)
{
	l->generation = r->dumped;
	l->dump = step->kept ? step->kept : "";
	l->len = step->kept_len;
	l->present = l->len > 0;
	l->ruleset = NULL;
}

static int fetch(struct live *out, struct nftrun_step step, const char *netns, struct arena *a,
		 struct buf *why)
{
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	struct live l = {0};
	int err;

	step.keep = a;
	err = run(&r, why);
	keep_dump(&l, &r, &step);
	nftrun_free(&r);
	if (!err)
		*out = l;
	return err;
}

int live_fetch(struct live *out, const char *netns, struct arena *a, struct buf *why)
{
	return fetch(out, (struct nftrun_step){.kind = RUN_DUMP_OWN}, netns, a, why);
}

int live_parse(struct live *l, struct arena *a, struct buf *why)
{
	return parse(l->dump, l->len, a, &l->ruleset, why);
}

int live_parse_like(struct live *l, struct arena *a, const struct ir_ruleset *like,
		    const struct map *same, struct buf *why)
{
	l->ruleset = read_own_like(a, l->dump, l->len, like, same);
	return parsed(l->ruleset, why);
}

static int read_step(struct live *out, struct nftrun_step step, const char *netns, struct arena *a,
		     struct buf *why)
{
	struct live l;
	int err = fetch(&l, step, netns, a, why);

	if (!err)
		err = live_parse(&l, a, why);
	if (!err)
		*out = l;
	return err;
}

int live_read(struct live *out, const char *netns, struct arena *a, struct buf *why)
{
	return read_step(out, (struct nftrun_step){.kind = RUN_DUMP_OWN}, netns, a, why);
}

int live_read_some(struct live *out, const char *names, const char *netns, struct arena *a,
		   struct buf *why)
{
	struct nftrun_step step = {.kind = RUN_DUMP_SOME, .script = names};

	return read_step(out, step, netns, a, why);
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

/* "chain A\nmap B" */
static const char *list_of(struct arena *a, const struct live_names *names)
{
	struct buf b = {0};
	const char *list;

	if (!names)
		return NULL;
	for (size_t i = 0; i < names->n; i++)
		buf_printf(&b, "%s%s", i ? "\n" : "", names->v[i]);
	list = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return list;
}

/* Objects of a dump that are there only because others refer to them are not whole. */
static void keep_named(struct ir_ruleset *fresh, const char *list)
{
	size_t n = 0;

	for (size_t i = 0; i < fresh->sets.n; i++) {
		struct ir_set *s = fresh->sets.v[i];

		if (dump_names(list, ir_set_word(s), s->name))
			fresh->sets.v[n++] = s;
	}
	fresh->sets.n = n;
}

static bool is_whole(const struct live_names *names)
{
	return !names || names->n > MANY;
}

int live_merge(struct live *l, struct live *made, const struct live_names *names, struct arena *a,
	       struct buf *why)
{
	int err = live_parse(made, a, why);

	if (err)
		return err;
	if (is_whole(names) || !l->ruleset) {
		l->ruleset = made->ruleset;
		return 0;
	}
	keep_named(made->ruleset, list_of(a, names));
	merge(l, made->ruleset);
	return 0;
}

/* A transaction, and then what there is of the objects named. */
static int change(struct live *l, struct nftrun_step step, const char *netns, struct arena *a,
		  const struct live_names *names, struct live *made, struct live_outcome *out,
		  struct buf *why)
{
	struct nftrun_step steps[] = {
		step,
		{.kind = is_whole(names) ? RUN_DUMP_OWN : RUN_DUMP_SOME,
		 .script = list_of(a, names),
		 .keep = a}};
	struct nftrun r = {.where = child_where_of(netns),
			   .netns = netns,
			   .steps = steps,
			   .n = !names || names->n ? 2 : 1,
			   .expect = l->hurry ? 0 : l->generation};
	int err = run(&r, why);

	out->committed = steps[0].ran && !steps[0].refused;
	out->alone = r.before == l->generation && r.after == r.before + 1;
	if (out->committed)
		l->generation = r.n == 2 && !err ? r.dumped : r.after;
	if (!err)
		l->present = true;
	if (!err && r.n == 2)
		keep_dump(made, &r, &steps[1]);
	nftrun_free(&r);
	return err;
}

int live_change(struct live *l, const char *netns, struct arena *a, const char *script,
		const struct live_names *names, struct live_outcome *out, struct buf *why)
{
	struct nftrun_step step = {.kind = RUN_SCRIPT, .script = script};
	struct live made = {0};
	int err = change(l, step, netns, a, names, &made, out, why);

	if (!err && names->n)
		err = live_merge(l, &made, names, a, why);
	return err;
}

int live_make(struct live *l, const char *netns, struct arena *a, const struct buf *messages,
	      const struct live_names *names, struct live *made, struct live_outcome *out,
	      struct buf *why)
{
	struct nftrun_step step = {.kind = RUN_MESSAGES, .messages = messages};

	return change(l, step, netns, a, names, made, out, why);
}

/* Of a step that does not hold what it is to hold, what is different. */
static int run_bulk(enum nftrun_kind kind, const char *netns, const struct bulk_job *j,
		    struct buf *out, struct buf *why)
{
	struct nftrun_step step = {.kind = kind, .bulk = j};
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	struct nftrun_error x;
	int err = nftrun(&r);

	if (err)
		buf_puts(why, buf_str(&r.why));
	else if (step.refused) {
		nftrun_explain("", buf_str(&step.err), &x);
		buf_puts(why, x.text);
		err = -EBADMSG;
	}
	*out = step.out;
	step.out = (struct buf){0};
	nftrun_free(&r);
	return err;
}

int live_fill(struct live *l, const char *netns, const struct bulk_job *j, struct buf *why)
{
	_cleanup_buf_ struct buf out = {0};
	uint32_t commits = 0;
	int err = run_bulk(RUN_BULK_FILL, netns, j, &out, why);

	if (out.len == sizeof(commits))
		memcpy(&commits, out.data, sizeof(commits));
	l->generation += commits;
	return err;
}

int live_compare(const char *netns, const struct bulk_job *j, struct buf *why)
{
	_cleanup_buf_ struct buf none = {0};

	return run_bulk(RUN_BULK_COMPARE, netns, j, &none, why);
}

int live_read_list(const char *netns, const struct bulk_job *j, struct arena *a,
		   const struct bulk_list **out, struct buf *why)
{
	_cleanup_buf_ struct buf bytes = {0};
	int err = run_bulk(RUN_BULK_READ, netns, j, &bytes, why);

	if (err)
		return err;
	*out = bytes.len == 1 ? bulk_list(a, &(struct bulk){0}, j->bulk->elems->family)
			      : bulk_file_read(a, buf_str(&bytes), bytes.len);
	if (*out)
		return 0;
	buf_puts(why, "what is in it overlaps");
	return -EBADMSG;
}

/* Of tables of others, who may name interfaces by their numbers. */
static int read_strange(struct ir_tables *out, const struct buf *dump, const char *netns,
			struct arena *a, struct buf *why)
{
	_cleanup_buf_ struct buf links = {0}, ignored = {0};

	if (!read_tables(a, buf_str(dump), dump->len, out)) {
		buf_puts(why, "cannot read the rules in the kernel: the dump is malformed");
		return -EIO;
	}
	if (out->n && links_names(netns, &links, &ignored) == 0)
		ir_tables_name_links(a, out, buf_str(&links));
	return 0;
}

static int read_several(struct ir_tables *out, enum nftrun_kind kind, const char *netns,
			struct arena *a, struct buf *why)
{
	struct nftrun_step step = {.kind = kind};
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	int err = run(&r, why);

	if (!err)
		err = read_strange(out, &step.out, netns, a, why);
	nftrun_free(&r);
	return err;
}

int live_read_all(struct ir_tables *out, const char *netns, struct arena *a, struct buf *why)
{
	return read_several(out, RUN_DUMP_ALL, netns, a, why);
}

int live_read_unless_alone(struct ir_tables *out, const char *netns, struct arena *a,
			   struct buf *why)
{
	return read_several(out, RUN_DUMP_UNLESS_ALONE, netns, a, why);
}

/* Messages of our table, and those of others; false, with neither filled: there are no others. */
static bool split(const struct nftrun_step *dumped, struct buf *own, struct buf *others)
{
	struct tlv rest = {dumped->kept, dumped->kept_len};
	const uint8_t *begin = rest.p, *at = rest.p;
	struct tlv_message m;

	for (; tlv_message(&rest, &m); at = rest.p) {
		bool ours = tlv_of_table(&m, NFPROTO_INET, IR_TABLE);

		if (ours && !others->len)
			continue;
		if (!others->len) /* the first of them */
			buf_add(own, begin, (size_t)(at - begin));
		buf_add(ours ? own : others, at, (size_t)(rest.p - at));
	}
	return others->len > 0;
}

int live_read_among(struct live *out, struct ir_tables *others, const char *netns, struct arena *a,
		    struct buf *why)
{
	_cleanup_buf_ struct buf own = {0}, rest = {0};
	struct nftrun_step step = {.kind = RUN_DUMP_ALL, .keep = a};
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	int err = run(&r, why);

	if (!err) {
		if (split(&step, &own, &rest)) {
			step.kept = arena_copy(a, buf_str(&own), own.len);
			step.kept_len = own.len;
		}
		*out = (struct live){0};
		keep_dump(out, &r, &step);
		err = live_parse(out, a, why);
	}
	if (!err)
		err = read_strange(others, &rest, netns, a, why);
	nftrun_free(&r);
	return err;
}

int live_run(const char *netns, const char *script, struct buf *why)
{
	struct nftrun_step step = {.kind = RUN_SCRIPT, .script = script};
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	int err = run(&r, why);

	nftrun_free(&r);
	return err;
}
