/* SPDX-License-Identifier: GPL-2.0-or-later
 * It is read by the reader of the policy's set files, as root trusts nobody's text: by a child that
 * has given up all that it can.
 */
#include "fetch/list.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/child.h"
#include "kernel/confine.h"
#include "kernel/message.h"
#include "lang/lang.h"
#include "util/bulk_file.h"
#include "util/cleanup.h"
#include "util/fd.h"

struct reading {
	int from, to;
	bool lenient;
};

struct text_loader {
	struct loader loader;
	const struct buf *text;
};

static struct source *read_list(struct loader *l, const char *path, struct span at, struct arena *a,
				struct diag *diag)
{
	const struct buf *text = ((struct text_loader *)l)->text;
	struct source *src = source_add(a, path, buf_str(text), text->len);

	(void)at;
	(void)diag;
	src->unchecked = true;
	return src;
}

static void put_family(struct buf *out, const struct bulk *b, enum family family, struct arena *a)
{
	_cleanup_buf_ struct buf bytes = {0};
	const struct bulk_list *l = bulk_list(a, b, family);

	if (l && l->n)
		bulk_file_pack(&bytes, l);
	message_put_text(out, buf_str(&bytes), bytes.len);
}

/* The first thing that there is to say, and where. */
static void put_said(struct buf *out, const struct diag *diag, struct arena *a)
{
	const char *text = "";

	for (size_t i = 0; i < diag->records.n && !*text; i++) {
		const struct diag_record *r = &diag->records.v[i];

		if (r->severity == SEV_ERROR && r->span.src && !strcmp(r->span.src->path, "list"))
			text = arena_printf(a, "line %u: %s", span_line(r->span), r->text);
		else if (r->severity == SEV_ERROR || !diag->nerrors)
			text = r->text;
	}
	message_put_text(out, text, strlen(text));
}

static int read_text(const struct buf *text, bool lenient, struct buf *out)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *policy =
		lenient ? "set s = file \"list\" lenient\n" : "set s = file \"list\"\n";
	struct text_loader l = {.loader = {.read_list = read_list}, .text = text};
	const struct ast_element *e = NULL;
	struct diag diag;
	struct ast *ast;

	diag_init(&diag, a);
	ast = ast_parse_source(source_add(a, "policy", policy, strlen(policy)), &l.loader, a,
			       &diag);
	if (ast && ast->stmts.n == 1 && ast->stmts.v[0]->names.elements.n == 1)
		e = &ast->stmts.v[0]->names.elements.v[0];
	message_put_number(out, !e || diag.nerrors ? EINVAL : 0);
	put_said(out, &diag, a);
	if (!e || diag.nerrors)
		return 0;
	put_family(out, &e->content, FAM_IP4, a);
	put_family(out, &e->content, FAM_IP6, a);
	return 0;
}

static int run(void *arg)
{
	const struct reading *r = arg;
	_cleanup_buf_ struct buf text = {0}, out = {0};
	int err = confine();

	if (!err)
		err = fd_read(r->from, &text);
	if (!err)
		err = read_text(&text, r->lenient, &out);
	if (!err)
		err = fd_write(r->to, buf_str(&out), out.len);
	return -err;
}

static bool take_family(struct bytes *b, struct arena *a, enum family family, struct bulk *out)
{
	_cleanup_buf_ struct buf bytes = {0};
	const struct bulk_list *l;

	message_take_text(b, &bytes);
	if (b->bad || !bytes.len)
		return !b->bad;
	l = bulk_file_read(a, bytes.data, bytes.len);
	if (!l || l->family != family)
		return false;
	bulk_add_list(out, l);
	return true;
}

static int take(const struct buf *answer, struct arena *a, struct bulk *out, const char **note,
		struct buf *why)
{
	struct bytes b = {.p = buf_str(answer), .left = answer->len};
	uint32_t err = message_take_number(&b);
	_cleanup_buf_ struct buf said = {0};

	message_take_text(&b, &said);
	if (!b.bad && err) {
		buf_puts(why, buf_str(&said));
		return -EINVAL;
	}
	if (b.bad || !take_family(&b, a, FAM_IP4, out) || !take_family(&b, a, FAM_IP6, out)) {
		buf_puts(why, "its reader answered nonsense");
		return -EPROTO;
	}
	bulk_settle(out, a);
	*note = said.len ? arena_strdup(a, buf_str(&said)) : NULL;
	return 0;
}

int fetch_list_read(int fd, bool lenient, struct arena *a, struct bulk *out, const char **note,
		    struct buf *why)
{
	struct reading r = {fd, memfd_create("fwc-list", MFD_CLOEXEC), lenient};
	struct child c = {.where = CHILD_HERE, .timeout_ms = 60000, .run = run, .arg = &r};
	_cleanup_buf_ struct buf answer = {0};
	int err = r.to < 0 ? -errno : child_run(&c);

	*out = (struct bulk){0};
	*note = NULL;
	if (!err)
		err = fd_read(r.to, &answer);
	if (err)
		buf_printf(why, "it cannot be read: %s",
			   err == -ECHILD      ? "its reader crashed"
			   : err == -ETIMEDOUT ? "its reader does not come to an end"
					       : strerror(err < 0 ? -err : err));
	else
		err = take(&answer, a, out, note, why);
	child_free(&c);
	if (r.to >= 0)
		close(r.to);
	return err > 0 ? -err : err;
}
