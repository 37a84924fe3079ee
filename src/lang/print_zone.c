/* SPDX-License-Identifier: GPL-2.0-or-later
 * Interfaces, and the lines of sub-zones -> canonical text.
 */
#include "lang/parse.h"

void interface_print(struct buf *out, struct ival name)
{
	if (ifname_is_other(name))
		buf_puts(out, "other");
	else
		ifname_print(out, name);
}

void subzone_line_print(struct buf *out, const struct ast_zone *z, const struct ast_zone_line *line)
{
	switch (line->kind) {
	case ZONE_WITHIN:
		buf_printf(out, "within %s", z->within.s);
		break;
	case ZONE_IPSEC:
		buf_puts(out, "ipsec");
		break;
	case ZONE_MARK:
		if (z->mask == UINT32_MAX)
			buf_printf(out, "mark %u", z->mark);
		else
			buf_printf(out, "mark 0x%x/0x%x", z->mark, z->mask);
		break;
	case ZONE_USER:
		buf_printf(out, "user %s", z->user.s);
		break;
	case ZONE_GROUP:
		buf_printf(out, "group %s", z->group.s);
		break;
	case ZONE_INTERFACE:
	case ZONE_NETWORK:
	case ZONE_COMMENTS:
		break;
	}
}
