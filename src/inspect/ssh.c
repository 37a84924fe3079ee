/* SPDX-License-Identifier: GPL-2.0-or-later
 * An SSH client's identification string: "SSH-2.0-OpenSSH_9.2p1 Debian-2" CR LF, of at most 255
 * bytes with its end (RFC 4253 4.2). Only a server may send lines before it.
 */
#include <string.h>

#include "inspect/probe.h"

#define BANNER_MAX 255

enum probe ssh_probe(struct facts *f, const uint8_t *p, size_t n)
{
	const uint8_t *end;
	size_t len;

	if (memcmp(p, "SSH-", n < 4 ? n : 4))
		return PROBE_NO;
	if (n < 4)
		return PROBE_MAYBE;
	end = memchr(p, '\n', n < BANNER_MAX ? n : BANNER_MAX);
	if (!end)
		return n < BANNER_MAX ? PROBE_MORE : facts_bad(f, "the banner does not end");
	len = (size_t)(end - p);
	if (p[len - 1] == '\r')
		len--;
	for (size_t i = 0; i < len; i++)
		if (p[i] < ' ' || p[i] == 0x7f)
			return facts_bad(f, "there is a control character in the banner");
	memcpy(f->name, p, len);
	f->name[len] = '\0';
	f->name_len = len;
	f->name_state = NAME_SEEN;
	return facts_done(f);
}
