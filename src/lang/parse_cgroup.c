/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> cgroup "PATH", behind a rule.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/cgroup.h"

#define ROOT "/sys/fs/cgroup/"

static void wants_string(struct parser *p)
{
	const char *word = p->tok.kind == TOK_WORD && !p->tok.first ? parse_text(p, p->tok) : "";

	if (p->tok.kind == TOK_BAD)
		return;
	if (*word && !word_in(qualifier_words, word, strlen(word)))
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p),
				     "the path of a cgroup is written as a string"),
			  "write: cgroup \"%s\"", word);
	else
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p),
				     "the path of the cgroup is missing before %s", parse_found(p)),
			  "write: cgroup \"system.slice/postfix.service\"");
}

/* Without what systemd and people put before it: "/sys/fs/cgroup/unified/a/b/" -> "a/b". */
static const char *plain(struct arena *a, const char *path)
{
	size_t n;

	if (!strncmp(path, ROOT, strlen(ROOT)))
		path += strlen(ROOT);
	if (!strncmp(path, "unified/", 8))
		path += 8;
	path += strspn(path, "/");
	n = strlen(path);
	while (n && path[n - 1] == '/')
		n--;
	return arena_strndup(a, path, n);
}

static bool is_unit(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && !strchr(path, '/') && !strcmp(dot, ".service");
}

static void not_plain(struct parser *p, struct ast_word w)
{
	const char *path = plain(p->arena, w.s);
	struct diag_record *r;

	if (cgroup_leads_up(w.s)) {
		r = diag_error(p->diag, w.span, "the path of a cgroup leads down only");
		diag_hint(p->diag, r, "leave . and .. out, and name each directory");
		return;
	}
	if (!*path) {
		r = diag_error(p->diag, w.span, "every process is in the root of all cgroups");
		diag_hint(p->diag, r, "leave it out, or write: cgroup \"system.slice\"");
		return;
	}
	r = diag_error(p->diag, w.span, "'%s' is not the path of a cgroup", w.s);
	if (cgroup_levels(path))
		diag_hint(p->diag, r, "it begins below the root: cgroup \"%s\"", path);
	else
		diag_hint(p->diag, r, "write: cgroup \"system.slice/postfix.service\"");
}

static void check_path(struct parser *p, struct ast_word w)
{
	unsigned levels = cgroup_levels(w.s);

	if (!levels)
		not_plain(p, w);
	else if (levels > CGROUP_LEVELS)
		diag_hint(p->diag,
			  diag_error(p->diag, w.span,
				     "this cgroup is %u levels below the root, and rules can ask "
				     "for %d",
				     levels, CGROUP_LEVELS),
			  "name one that it is in: all that is below belongs to it");
	else if (strchr(w.s, '*'))
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "no cgroup stands for others by '*'"),
			  "name the one that they are in: all that is below belongs to it");
	else if (is_unit(w.s))
		diag_hint(p->diag,
			  diag_warning(p->diag, w.span,
				       "no service is just below the root where systemd runs"),
			  "write: cgroup \"system.slice/%s\"", w.s);
}

/* cgroup = "cgroup" STRING */
bool parse_cgroup(struct parser *p, struct ast_qualifiers *q)
{
	if (p->tok.kind != TOK_STRING) {
		wants_string(p);
		return false;
	}
	q->cgroup = parse_take_string(p);
	check_path(p, q->cgroup);
	if (p->tok.kind != TOK_COMMA)
		return true;
	diag_hint(p->diag, diag_error(p->diag, parse_here(p), "a rule has one cgroup"),
		  "write a rule for each");
	return false;
}
