/* SPDX-License-Identifier: GPL-2.0-or-later
 * The language's front door: files -> AST -> canonical text.
 */
#ifndef FWC_LANG_H
#define FWC_LANG_H

#include "lang/ast.h"

/* How the parser gets at a file that the policy names; the pure layers open nothing themselves.
 * `path` is already relative to the right directory. Returns NULL after reporting to `diag` at
 * `at`. glob() yields the paths that match, sorted; SIZE_MAX if it could not look, with errno. */
struct loader {
	struct source *(*read)(struct loader *l, const char *path, struct span at, struct arena *a,
			       struct diag *diag);
	size_t (*glob)(struct loader *l, const char *pattern, struct arena *a, char ***paths);
	/* The same as read() for a list of addresses, whose bytes nobody has looked at; or NULL. */
	struct source *(*read_list)(struct loader *l, const char *path, struct span at,
				    struct arena *a, struct diag *diag);
};

/* What read() asks of the bytes of a policy; reports the first of each kind of flaw. */
bool source_check(struct source *src, struct diag *diag);
#define LINE_LIMIT (64u << 10) /* bytes */
/* The length of the well-formed UTF-8 sequence at s, 0 if there is none. */
size_t utf8_len(const unsigned char *s, size_t left);

/* A policy file, its includes and the set files that it names (with no loader, which only
 * ast_parse_source() takes, none is opened). All errors go to diag; the AST that
 * comes back is whole only if there were none. NULL if the file itself could not be read. */
struct ast *ast_parse_file(const char *path, struct loader *l, struct arena *a, struct diag *diag);
/* The same for text in memory (tests, standard input). */
struct ast *ast_parse_source(struct source *src, struct loader *l, struct arena *a,
			     struct diag *diag);

/* FROM -> TO [SERVICES], as `fwc explain` takes it: one STMT_EXPECT whose verb means nothing.
 * Behind '@' it may name an interface in place of its zone. Empty if there was an error. */
struct ast *ast_parse_query(const char *text, struct arena *a, struct diag *diag);
/* An address, network or range of the source's text, as a policy has them; reports what is wrong
 * with it. */
bool ast_parse_address(struct span at, struct arena *a, struct diag *diag, enum family *family,
		       struct ival *out);
/* The statements of `from` behind those of `to`. */
void ast_append(struct ast *to, const struct ast *from, struct arena *a);

/* Canonical text. Includes are printed as `include`, their contents are not. */
void ast_print(struct buf *out, const struct ast *ast);
/* One rule (or expect, nat, clamp statement) on one line without newline: what the kernel carries
 * as comment. */
void ast_print_stmt_line(struct buf *out, const struct ast_stmt *s);
void ast_print_rule(struct buf *out, const struct ast_rule *r);
/* One of a list, as it stands alone. */
void ast_print_service(struct buf *out, const struct ast_service *s);
/* else VERB ... */
void ast_print_else(struct buf *out, const struct ast_qualifiers *q);
void ast_print_entry(struct buf *out, const struct ast_inspector_entry *e);

void tokens_dump(struct buf *out, const struct source *src);
void ast_dump(struct buf *out, const struct ast *ast); /* indented tree, one node a line */

void duration_print(struct buf *b, uint64_t seconds); /* 1h30m */
const char *verb_name(enum verb v);
const char *nat_name(enum nat_kind k);
/* The hint for a word of other firewalls behind or as a service, or in FROM and TO; NULL if it is
 * none of these. */
const char *hint_qualifier(struct arena *a, const char *word);
const char *hint_item(const char *word);
/* Reserved words of the language; NULL-terminated. */
extern const char *const reserved_words[];

/* The loader for real files: refuses those that others may put there or write (path.h), directories
 * and other non-regular files, more than 64 MiB, lines longer than 64 KiB, NUL bytes, carriage
 * returns, a byte order mark, and what is not UTF-8. Of a list the last five are left to its
 * reader. */
struct loader *loader_files(struct arena *a);
/* A process that may open nothing has another one do it, by the same rules: path_open(), and the
 * loader's own glob(). */
struct source_opener {
	int (*open)(const char *path, struct buf *why, struct buf *hint);
	size_t (*glob)(const char *pattern, struct arena *a, char ***paths);
};
void source_open_by(const struct source_opener *o);
/* What comes in by standard input, under the same conditions; NULL after a report. */
struct source *source_stdin(struct arena *a, struct diag *diag);

#endif
