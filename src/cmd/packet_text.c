/* SPDX-License-Identifier: GPL-2.0-or-later
 * Interfaces by the policy's zones.
 */
#include "cmd/packet_text.h"

#include <string.h>

#include "store/file.h"
#include "util/diag.h"

/* The narrowest name wins. */
const char *packet_text_zone(const struct policy *p, const char *name)
{
	const char *found = NULL;
	const struct zone *z;
	struct ival is, best = {0};

	if (!p || !ifname_parse(name, strlen(name), &is))
		return NULL;
	vec_each (&p->zones, z) {
		for (size_t i = 0; i < z->interfaces.n; i++) {
			struct ival x = z->interfaces.v[i].name;

			if (x.lo > is.lo || is.lo > x.hi ||
			    (found && best.hi - best.lo <= x.hi - x.lo))
				continue;
			found = z->name;
			best = x;
		}
	}
	return found;
}

static void put_side(struct buf *b, const struct policy *p, const char *name)
{
	const char *zone = packet_text_zone(p, name);

	diag_show(b, *name ? name : "self"); /* whoever makes an interface names it */
	if (zone)
		buf_printf(b, " (%s)", zone);
}

void packet_text_way(struct buf *b, const struct policy *p, const struct observed *s, bool routed)
{
	put_side(b, p, s->in);
	buf_puts(b, " -> ");
	if (routed)
		put_side(b, p, s->out);
	else
		buf_putc(b, '?');
}

static void set_side(json_t *j, const char *key, const char *zone_key, const struct policy *p,
		     const char *name)
{
	const char *zone = packet_text_zone(p, name);

	json_object_set_new(j, key, *name ? file_text(name) : json_null());
	json_object_set_new(j, zone_key, zone ? json_string(zone) : json_null());
}

json_t *packet_text_json(const struct policy *p, const struct observed *s)
{
	json_t *j = json_object();

	set_side(j, "in", "in_zone", p, s->in);
	set_side(j, "out", "out_zone", p, s->out);
	observed_json(j, s);
	return j;
}
