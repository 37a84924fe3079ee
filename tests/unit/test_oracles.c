/* SPDX-License-Identifier: GPL-2.0-or-later
 * Strange requests that nginx, Apache, BIND, Unbound or dnsmasq took are read here as they read them,
 * or on-error decides: they are never something unknown, and never for somebody else.
 */
#include <stdlib.h>

#include "inspect/probe.h"
#include "test.h"
#include "vectors/oracles.h"

static struct probe_room room;

/* In memory of its own, so that no byte behind it is read; NULL: no memory. */
static uint8_t *bytes(const char *hex, size_t *n)
{
	uint8_t *p = malloc(strlen(hex) / 2 + 1);

	for (*n = 0; p && sscanf(hex, "%2hhx", &p[*n]) == 1; hex += 2)
		++*n;
	return p;
}

static bool is_name(const struct facts *f, const char *name)
{
	size_t n = strlen(name);

	n -= n && name[n - 1] == '.';
	return f->name_len == n && !memcmp(f->name, name, n);
}

static const char *reading(const char *protocol, const char *name, const uint8_t *p, size_t n)
{
	bool http = !strcmp(protocol, "http");
	enum probe said;
	struct facts f;

	facts_init(&f);
	said = http ? probe_stream(&f, p, n, false, &room) : dns_probe_udp(&f, p, n);
	if (said == PROBE_BAD || f.flaw)
		return "as it is"; /* on-error */
	if (said == PROBE_NO || (http && f.protocol != PROTOCOL_HTTP))
		return "unknown";
	if (said != PROBE_DONE)
		return "open";
	return f.name_state != NAME_SEEN ? "without a name"
	       : is_name(&f, name)	 ? "as it is"
					 : "for another name";
}

int main(void)
{
	for (size_t i = 0; i < sizeof(oracles) / sizeof(oracles[0]); i++) {
		size_t n;
		uint8_t *p = bytes(oracles[i].hex, &n);

		if (!p)
			return 1;
		test_same_text(reading(oracles[i].protocol, oracles[i].name, p, n), "as it is",
			       oracles[i].server, (int)i, oracles[i].hex);
		free(p);
	}
	return test_end();
}
