/* SPDX-License-Identifier: GPL-2.0-or-later
 * mark statements -> resolved ones.
 */
#include "policy/resolve.h"

bool marks_overlap(const struct mark *x, const struct mark *y)
{
	return x->mask & y->mask;
}

static bool only_self(const struct endpoint *e)
{
	for (size_t i = 0; i < e->items.n; i++)
		if (!item_is_self(&e->items.v[i]))
			return false;
	return true;
}

void resolve_mark(struct resolver *r, const struct ast_stmt *s)
{
	const struct ast_mark *ast = &s->mark;
	struct mark out = {.family = ast->q.family,
			   .value = ast->value,
			   .mask = ast->mask,
			   .when = resolve_times(r, &ast->q, false),
			   .span = s->span,
			   .as = ast->as.span};
	struct buf text = {0};

	resolve_endpoint(r, &ast->from, &out.from, SIDE_FROM);
	resolve_endpoint(r, &ast->to, &out.to, SIDE_TO);
	check_destination(r, &out.to);
	check_by_mark(r, &out.from, "a mark statement");
	check_broadcast(r, &out.to, out.family);
	resolve_services(r, ast->services.v, ast->services.n, &out.services);
	resolve_from(r, &ast->q, ast->services.v, ast->services.n, &out.services);
	resolve_before_routing(r, "mark", &out.to);
	if (only_self(&out.from) && only_self(&out.to))
		diag_error(r->diag, s->span, "what stays on this machine is never marked");
	ast_print_stmt_line(&text, s);
	out.text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	vec_push(r->arena, &r->p->marks, out);
}

/* inspection reads and writes its bits of both marks at every packet. */
void finish_marks(struct resolver *r)
{
	uint32_t taken = r->p->inspection.mask;
	const struct mark *m;
	struct diag_record *rec;

	if (!r->p->first_inspect.src)
		return;
	vec_each (&r->p->marks, m) {
		if (!(m->mask & taken))
			continue;
		rec = diag_error(r->diag, m->as,
				 "inspection keeps bits 0x%08x of the mark for itself", taken);
		diag_note(r->diag, rec, r->p->first_inspect, "something is inspected here");
		if (m->mask & ~taken && !(m->value & taken))
			diag_hint(r->diag, rec, "write 0x%x/0x%x", m->value, m->mask & ~taken);
		else
			diag_hint(r->diag, rec,
				  "mark other bits, or say which are inspection's: "
				  "inspection mark MASK");
	}
}
