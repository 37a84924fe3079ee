/* SPDX-License-Identifier: GPL-2.0-or-later
 * cgroup "PATH" of rules -> control groups, and sets that hold their numbers at run time.
 *
 * While there is no such control group its set is empty, and the rule matches nothing: so only what
 * lets in may go by one. What refuses would let everything through until the service starts.
 */
#include <ctype.h>
#include <string.h>

#include "lang/parse.h"
#include "policy/resolve.h"
#include "util/cgroup.h"
#include "util/sha256.h"

#define HASH 8
#define NAME_MOST 31 /* systemd's NFTSet= takes no longer name, and of other characters only _ */
#define HEAD "cgroup."
#define STEM_MOST (NAME_MOST - sizeof(HEAD) - HASH)

/* "system.slice/postfix.service" -> "cgroup.1c6f2a90.postfix_service" */
static const char *set_name(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
	char hex[SHA256_HEX], stem[STEM_MOST + 1] = "";
	size_t n = 0;

	for (; last[n] && n < STEM_MOST; n++)
		stem[n] = isalnum((unsigned char)last[n]) ? last[n] : '_';
	if (n >= HASH && !stem[strspn(stem, "0123456789abcdef")]) /* as the hash of a content is */
		stem[0] = '_';
	sha256_hex(path, strlen(path), hex);
	return arena_printf(a, HEAD "%.*s.%s", HASH, hex, stem);
}

static const struct cgroup *of_path(struct resolver *r, struct ast_word w)
{
	struct cgroup *const *old, *c = arena_new_of(r->arena, struct cgroup);

	*c = (struct cgroup){.path = w.s,
			     .set = set_name(r->arena, w.s),
			     .level = cgroup_levels(w.s),
			     .span = w.span};
	vec_each (&r->p->cgroups, old) {
		if (!strcmp((*old)->path, c->path))
			return *old;
		if (!strcmp((*old)->set, c->set))
			diag_error(r->diag, w.span, "this cgroup and '%s' would share set %s",
				   (*old)->path, c->set);
	}
	vec_push(r->arena, &r->p->cgroups, c);
	return c;
}

static void refuses(struct resolver *r, const struct ast_rule *ast)
{
	struct ast_rule rest = *ast;
	struct buf text = {0};

	rest.q.cgroup.s = NULL;
	rest.q.note.s = NULL;
	ast_print_rule(&text, &rest);
	diag_hint(r->diag,
		  diag_error(r->diag, ast->q.cgroup.span,
			     ast->verb == VERB_INSPECT
				     ? "while there is no such cgroup, this would inspect nothing"
				     : "while there is no such cgroup, this would refuse nothing"),
		  "allow by cgroup what may pass, and below that: %s", buf_str(&text));
	buf_free(&text);
}

void resolve_cgroup(struct resolver *r, const struct ast_rule *ast, struct rule *out, bool asked)
{
	struct ast_word w = ast->q.cgroup;

	if (!w.s)
		return;
	if (!asked && ast->verb != VERB_ALLOW)
		refuses(r, ast);
	if (cgroup_levels(w.s)) /* else it was reported */
		out->q.cgroup = of_path(r, w);
}

void finish_cgroups(struct resolver *r)
{
	struct cgroup *const *c;
	const struct rule *rule;
	bool translates = policy_translates_self(r->p);

	vec_each (&r->p->rules, rule) {
		if (!rule->q.cgroup)
			continue;
		vec_each (&r->p->cgroups, c)
			(*c)->used |= *c == rule->q.cgroup;
		if (translates)
			diag_hint(
				r->diag,
				diag_error(r->diag, rule->span,
					   "cgroups are not known where dnat or redirect may send "
					   "elsewhere what this machine sends"),
				"go by user or group, or name the zones before the arrow of the "
				"dnat");
	}
}
