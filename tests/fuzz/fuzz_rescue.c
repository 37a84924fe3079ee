/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> boot.conf -> the rescue policy -> a script. Whatever boot.conf is, the policy compiles;
 * and its script lets in by ssh whom the settings name, and nobody else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/rescue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

static void check_script(struct arena *a, const struct rescue *r, const char *script)
{
	static const char *const hooks[] = {"input", "forward", "output"};
	const char *const *one;

	for (int i = 0; i < 3; i++)
		demand(count(script, arena_printf(a, "type filter hook %s priority filter; "
						     "policy drop;", hooks[i])) == 1,
		       "each hook drops");
	vec_each (&r->networks, one)
		demand(count(script, arena_printf(a, "comment \"allow %s -> self tcp/%u\"", *one,
						  r->port)) > 0,
		       "each network is let in");
	demand(count(script, "comment \"allow ") <= r->networks.n + 1, "besides, DHCP alone is said");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct buf why = {0}, no = {0};
	struct artefact x;
	struct rescue r;

	if (!rescue_parse(a, "boot.conf", (const char *)data, size, &r, &why)) {
		demand(why.len > 0, "a refusal has a reason");
		demand(r.networks.n == 0 && r.port == 22, "what is refused says nothing");
	}
	demand(r.networks.n <= RESCUE_NETWORKS, "there are no more networks than can be loaded");
	demand(rescue_compile(a, &r, &x, &no) == 0, "the policy compiles");
	check_script(a, &r, buf_str(&x.script));
	buf_free(&x.script);
	buf_free(&why);
	buf_free(&no);
	arena_free(a);
	return 0;
}
