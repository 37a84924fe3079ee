/* SPDX-License-Identifier: GPL-2.0-or-later
 * settings -> a policy of a few lines -> an artefact.
 */
#include "config.h"

#include "boot/rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/address.h"
#include "store/file.h"
#include "compile.h"
#include "util/cleanup.h"
#include "util/number.h"

#define SETTINGS "boot.conf"
#define BLANK " \t"

/* ---- settings ---- */

static bool networks(struct arena *a, char *words, struct rescue *out)
{
	size_t before = out->networks.n;
	char *rest = NULL;

	for (char *w = strtok_r(words, ", \t", &rest); w; w = strtok_r(NULL, ", \t", &rest)) {
		const char *one = address_canonical(a, w, true);

		if (!one)
			return false;
		vec_push(a, &out->networks, one);
	}
	return out->networks.n > before;
}

static bool port(const char *word, struct rescue *out)
{
	uint64_t n;

	if (!number_take(&word, 1, 65535, &n) || word[strspn(word, BLANK)])
		return false;
	out->port = (unsigned)n;
	return true;
}

static bool setting(struct arena *a, char *line, struct rescue *out)
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
		return networks(a, value, out);
	return !strcmp(line, "ssh-port") && port(value, out);
}

bool rescue_settings(struct arena *a, const char *dir, struct rescue *out, struct buf *why)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_buf_ struct buf text = {0};
	int err = fd < 0 ? -errno : file_read(fd, SETTINGS, &text), number = 0;
	char *line, *rest = NULL;

	*out = (struct rescue){.port = 22};
	if (err == -ENOENT)
		return true;
	if (err) {
		buf_printf(why, "%s/" SETTINGS " is not used: %s", dir,
			   err == -EPERM ? "others may write it" : strerror(-err));
		return false;
	}
	rest = arena_strdup(a, buf_str(&text));
	while ((line = strsep(&rest, "\n"))) {
		number++;
		if (setting(a, line, out))
			continue;
		buf_printf(why,
			   "%s/" SETTINGS ":%d is not understood, so none of it is used (ssh-from "
			   "NETWORK..., ssh-port NUMBER)",
			   dir, number);
		*out = (struct rescue){.port = 22};
		return false;
	}
	return true;
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
	ok = c.ast && !diag.nerrors && compile_more(&c, NULL, STAGE_SCRIPT, a, &diag);
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
