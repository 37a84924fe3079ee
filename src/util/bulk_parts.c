/* SPDX-License-Identifier: GPL-2.0-or-later
 * a list -> what of it stands alone, and its networks; names of the sets that hold them.
 */
#include "util/bulk_parts.h"

#include <string.h>

static const char *const ends[BULK_PARTS] = {
	[BULK_PART_ALONE] = ".addr" BULK_SUFFIX,
	[BULK_PART_NETS] = ".net" BULK_SUFFIX,
};

static bool is_alone(struct ival r)
{
	return r.hi - r.lo < BULK_ALONE;
}

/* How many ranges are. */
static size_t count_alone(const struct bulk_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += is_alone(bulk_list_at(l, i));
	return n;
}

static const struct bulk_list *part(struct arena *a, const struct bulk_list *l, size_t n,
				    bool alone)
{
	struct bulk_list *out = arena_new_of(a, struct bulk_list);
	struct range4 *v4 = NULL;
	struct ival *v6 = NULL;
	size_t k = 0;

	if (l->family == FAM_IP4)
		v4 = arena_alloc(a, n * sizeof(*v4));
	else
		v6 = arena_alloc(a, n * sizeof(*v6));
	for (size_t i = 0; i < l->n; i++) {
		if (is_alone(bulk_list_at(l, i)) != alone)
			continue;
		if (v4)
			v4[k++] = l->v4[i];
		else
			v6[k++] = l->v6[i];
	}
	*out = (struct bulk_list){.family = l->family, .n = n, .v4 = v4, .v6 = v6};
	return out;
}

struct bulk_parts bulk_parts(struct arena *a, const struct bulk_list *l)
{
	size_t n = l ? count_alone(l) : 0;

	if (!l || !l->n)
		return (struct bulk_parts){NULL, NULL};
	if (n == l->n)
		return (struct bulk_parts){l, NULL};
	if (!n)
		return (struct bulk_parts){NULL, l};
	return (struct bulk_parts){part(a, l, n, true), part(a, l, l->n - n, false)};
}

uint64_t bulk_count_alone(const struct bulk_list *l)
{
	uint64_t n = 0;

	for (size_t i = 0; l && i < l->n; i++) {
		struct ival r = bulk_list_at(l, i);

		n += is_alone(r) ? (uint64_t)(r.hi - r.lo) + 1 : 0;
	}
	return n;
}

uint64_t bulk_count_nets(const struct bulk_list *l)
{
	return l ? l->n - count_alone(l) : 0;
}

/* ---- names ---- */

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && !strcmp(name + n - m, end);
}

const char *bulk_part_name(struct arena *a, const char *whole, enum bulk_part part)
{
	return arena_printf(a, "%.*s%s", (int)(strlen(whole) - strlen(BULK_SUFFIX)), whole,
			    ends[part]);
}

const char *bulk_part_of(struct arena *a, const char *name, enum bulk_part *part)
{
	for (int i = 0; i < BULK_PARTS; i++) {
		if (!ends_with(name, ends[i]))
			continue;
		*part = (enum bulk_part)i;
		return arena_printf(a, "%.*s%s", (int)(strlen(name) - strlen(ends[i])), name,
				    BULK_SUFFIX);
	}
	return NULL;
}

bool bulk_name_alone(const char *name)
{
	return ends_with(name, ends[BULK_PART_ALONE]);
}
