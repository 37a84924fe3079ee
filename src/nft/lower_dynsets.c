/* SPDX-License-Identifier: GPL-2.0-or-later
 * dynamic sets, and those that DNS and URLs fill -> sets of the kernel, which keep their names.
 */
#include "nft/lower.h"
#include "util/bulk_parts.h"

/* Of networks, old kernels count both ends, and one that nft puts before them all; `fwc set`
 * counts networks (elements_size). */
static uint32_t size_of(const struct dynset *d)
{
	if (d->from && d->prefixes)
		return 2 * d->size + 2;
	return !d->prefixes ? d->size : d->size >= UINT32_MAX / 2 ? UINT32_MAX : 2 * d->size + 1;
}

static void add_dynset(struct lower *l, const struct dynset *d, enum family fam, size_t part)
{
	struct ir_set *s = arena_new_of(l->arena, struct ir_set);
	const char *name = dynset_part(l->arena, d, fam, part);

	*s = (struct ir_set){.dynamic = true,
			     .nkeys = 1,
			     .size = size_of(d),
			     .interval = d->prefixes,
			     .timeout = d->timeout,
			     .at = d->span};
	/* One that says how many there may be would take the room for them at once; of one whose
	 * elements may end, the kernel looks through them all each second. */
	if (bulk_name_alone(name)) {
		s->size = 0;
		s->interval = false;
		s->lasting = true;
	}
	s->keys[0] = fam == FAM_IP6 ? F_IP6_SADDR : F_IP_SADDR;
	s->stem = s->name = name;
	ruleset_add_set(l->r, s);
}

void lower_dynsets(struct lower *l)
{
	for (size_t i = 0; i < l->p->dynsets.n; i++) {
		const struct dynset *d = l->p->dynsets.v[i];

		for (size_t part = 0; part < dynset_parts(d); part++) {
			add_dynset(l, d, FAM_IP4, part);
			add_dynset(l, d, FAM_IP6, part);
		}
	}
}
