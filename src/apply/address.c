/* SPDX-License-Identifier: GPL-2.0-or-later
 * text -> bytes -> text.
 */
#include "apply/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

const char *address_canonical(struct arena *a, const char *text, bool network)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char addr[INET6_ADDRSTRLEN], out[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	int family = memchr(text, ':', n) ? AF_INET6 : AF_INET;
	unsigned long bits = family == AF_INET6 ? 128 : 32, length = bits;
	char *end = NULL;

	if (n >= sizeof(addr) || (slash && !network))
		return NULL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (inet_pton(family, addr, bytes) != 1)
		return NULL;
	if (slash) {
		length = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end || length > bits)
			return NULL;
	}
	inet_ntop(family, bytes, out, sizeof(out));
	return slash ? arena_printf(a, "%s/%lu", out, length) : arena_strdup(a, out);
}
