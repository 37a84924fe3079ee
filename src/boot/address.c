/* SPDX-License-Identifier: GPL-2.0-or-later
 * text -> an address or network -> text.
 */
#include "boot/address.h"

#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/ival.h"
#include "util/number.h"

#define MAPPED 96 /* bits before an IPv4 address within IPv6 */

enum address address_read(struct arena *a, const char *text, bool network, const char **out)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	_cleanup_buf_ struct buf b = {0};
	uint64_t length = 0, width;
	enum family fam;
	u128 addr, host;

	if ((slash && !network) || !addr_parse(text, n, &fam, &addr))
		return ADDRESS_NONE;
	width = fam == FAM_IP4 ? 32 : 128;
	if (!slash)
		length = width;
	else if (!number_word(slash + 1, 0, width, &length))
		return ADDRESS_NONE;
	if (fam == FAM_IP6 && length >= MAPPED) {
		addr_unmap(&fam, &addr);
		length -= fam == FAM_IP4 ? MAPPED : 0;
		width = fam == FAM_IP4 ? 32 : 128;
	}
	host = length == width ? 0 : u128_max((int)(width - length));
	if (!length && addr & host)
		return ADDRESS_ANY;
	addr_print(&b, fam, addr & ~host);
	if (length != width)
		buf_printf(&b, "/%u", (unsigned)length);
	*out = arena_strdup(a, buf_str(&b));
	return addr & host ? ADDRESS_MASKED : ADDRESS_FINE;
}
