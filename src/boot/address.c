/* SPDX-License-Identifier: GPL-2.0-or-later
 * text -> bytes -> text.
 */
#include "boot/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "util/number.h"

const char *address_canonical(struct arena *a, const char *text, bool network)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char addr[INET6_ADDRSTRLEN], out[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	int family = memchr(text, ':', n) ? AF_INET6 : AF_INET;
	uint64_t length = 0;

	if (n >= sizeof(addr) || (slash && !network))
		return NULL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (inet_pton(family, addr, bytes) != 1)
		return NULL;
	if (slash && !number_word(slash + 1, 0, family == AF_INET6 ? 128 : 32, &length))
		return NULL;
	inet_ntop(family, bytes, out, sizeof(out));
	return slash ? arena_printf(a, "%s/%u", out, (unsigned)length) : arena_strdup(a, out);
}
