/* SPDX-License-Identifier: GPL-2.0-or-later
 * settings -> a policy of a few lines -> an artefact.
 */
#include "config.h"

#include "boot/rescue.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "boot/address.h"
#include "compile.h"
#include "lang/lang.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/number.h"

#define BLANK " \t"
#define SAID 8 /* of networks that are used in another way than they were written */

/* ---- settings ---- */

struct settings {
	struct arena *arena;
	const char *path;
	unsigned line;
	struct rescue *out;
	struct buf *why;
	size_t changed, too_many; /* networks */
};

static void __attribute__((format(printf, 2, 3))) say(struct settings *x, const char *fmt, ...)
{
	va_list ap;

	buf_printf(x->why, "%s%s:%u: ", x->why->len ? "\n" : "", x->path, x->line);
	va_start(ap, fmt);
	buf_puts(x->why, arena_vprintf(x->arena, fmt, ap));
	va_end(ap);
}

/* A network that is not quite one is no reason to lock everybody out, nor to let everybody in. */
static bool network(struct settings *x, const char *word)
{
	const char *one = NULL;
	enum address what = address_read(x->arena, word, true, &one);

	if (what == ADDRESS_NONE)
		return false;
	if (what == ADDRESS_MASKED && x->changed++ < SAID)
		say(x, "%s is taken as %s", word, one);
	else if (what == ADDRESS_ANY && x->changed++ < SAID)
		say(x, "%s is not used: a /0 is everybody, and is written 0.0.0.0/0 or ::/0", word);
	if (one && x->out->networks.n < RESCUE_NETWORKS)
		vec_push(x->arena, &x->out->networks, one);
	else if (one)
		x->too_many++;
	return true;
}

static bool networks(struct settings *x, char *words)
{
	char *rest = NULL;
	size_t n = 0;

	for (char *w = strtok_r(words, ", \t", &rest); w; w = strtok_r(NULL, ", \t", &rest), n++)
		if (!network(x, w))
			return false;
	return n > 0;
}

static bool port(const char *word, struct rescue *out)
{
	uint64_t n;

	if (!number_take(&word, 1, 65535, &n) || word[strspn(word, BLANK)])
		return false;
	out->port = (unsigned)n;
	return true;
}

static bool setting(struct settings *x, char *line)
{
	char *value;

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, BLANK);
	if (!*line)
		return true;
	value = line + strcspn(line, BLANK);
	if (*value)
		*value++ = '\0';
	value += strspn(value, BLANK);
	if (!strcmp(line, "ssh-from"))
		return networks(x, value);
	return !strcmp(line, "ssh-port") && port(value, x->out);
}

static bool refuse(struct rescue *out)
{
	*out = (struct rescue){.port = 22};
	return false;
}

bool rescue_parse(struct arena *a, const char *path, const char *text, size_t len,
		  struct rescue *out, struct buf *why)
{
	struct settings x = {.arena = a, .path = path, .out = out, .why = why};
	char *rest = arena_strndup(a, text, len), *line;

	*out = (struct rescue){.port = 22};
	if (memchr(text, '\0', len)) {
		buf_printf(why, "%s: it contains a NUL byte, so nothing in it is used", path);
		return false;
	}
	while ((line = strsep(&rest, "\n"))) {
		x.line++;
		if (setting(&x, line))
			continue;
		why->len = 0; /* of what is not used nothing more is to be said */
		say(&x, "not understood, so nothing in this file is used (ssh-from "
			"NETWORK..., ssh-port NUMBER)");
		return refuse(out);
	}
	if (x.changed > SAID)
		buf_printf(why, "\n%s: and %zu more such networks", path, x.changed - SAID);
	if (x.too_many)
		buf_printf(why, "%s%s: too many networks: the first %d are used, %zu are not",
			   why->len ? "\n" : "", path, RESCUE_NETWORKS, x.too_many);
	return true;
}

bool rescue_settings(struct arena *a, const char *dir, struct rescue *out, struct buf *why)
{
	const char *path = arena_printf(a, "%s/" RESCUE_SETTINGS, dir);
	struct loader *l = loader_files(a);
	const struct diag_record *r;
	struct source *text;
	struct diag diag;
	struct stat st;

	if (lstat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		refuse(out);
		return true;
	}
	diag_init(&diag, a);
	text = l->read(l, path, (struct span){0}, a, &diag);
	if (text)
		return rescue_parse(a, path, text->text, text->len, out, why);
	r = &diag.records.v[0];
	buf_printf(why, "%s%s%s%s%s%s\n%s is not used", span_where(a, r->span),
		   r->span.src ? ": " : "", r->text, r->hint ? " (" : "", r->hint ? r->hint : "",
		   r->hint ? ")" : "", path);
	return refuse(out);
}

/* ---- policy ---- */

const char *rescue_policy(struct arena *a, const struct rescue *r)
{
	_cleanup_buf_ struct buf b = {0};
	const char *const *one;

	vec_each (&r->networks, one)
		buf_printf(&b, "allow %s -> self tcp/%u\n", *one, r->port);
	buf_puts(&b, "allow self -> any udp/67, udp/547\n"); /* DHCP: an address to be reached at */
	return arena_strdup(a, buf_str(&b));
}

int rescue_compile(struct arena *a, const struct rescue *r, struct artefact *out, struct buf *why)
{
	const char *text = rescue_policy(a, r);
	struct compiled c = {.path = "fwc's own rescue policy"};
	struct diag diag;
	bool ok;

	*out = (struct artefact){0};
	diag_init(&diag, a);
	c.ast = ast_parse_source(source_add(a, c.path, text, strlen(text)), NULL, a, &diag);
	ok = !fault_wanted(r->networks.n ? "rescue-settings" : "rescue") && c.ast &&
	     !diag.nerrors && compile_more(&c, NULL, STAGE_SCRIPT, a, &diag);
	if (!ok) {
		compiled_free(&c);
		buf_puts(why, "the rescue policy does not compile");
		return -EINVAL;
	}
	out->script = c.script;
	out->manifest = manifest_build(a, &(struct manifest_input){.proved = PROVED_NOT,
								   .version = PACKAGE_VERSION,
								   .policy = c.path,
								   .cwd = "/",
								   .ruleset = c.ruleset,
								   .script = &out->script});
	return 0;
}
