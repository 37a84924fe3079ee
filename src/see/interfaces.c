/* SPDX-License-Identifier: GPL-2.0-or-later
 * Manifest and the namespace's interfaces -> those that do not meet.
 */
#include "see/interfaces.h"

#include <string.h>

#include "kernel/links.h"
#include "util/cleanup.h"

/* Whether it names the interface, or one of several that it holds. */
static bool is_in(const struct ir_zone *z, const char *name)
{
	struct ival v;

	if (!ifname_parse(name, strlen(name), &v))
		return false;
	for (size_t i = 0; i < z->interfaces.n; i++)
		if (!ifname_is_other(z->interfaces.v[i]) && z->interfaces.v[i].lo <= v.lo &&
		    v.hi <= z->interfaces.v[i].hi)
			return true;
	return false;
}

static bool is_other(const struct ir_zone *z)
{
	for (size_t i = 0; i < z->interfaces.n; i++)
		if (ifname_is_other(z->interfaces.v[i]))
			return true;
	return false;
}

static const char *zone_text(struct arena *a, const struct ir_zone *z)
{
	_cleanup_buf_ struct buf b = {0};

	buf_printf(&b, "%s (", z->name);
	for (size_t i = 0; i < z->interfaces.n; i++) {
		buf_puts(&b, i ? ", " : "");
		ifname_print(&b, z->interfaces.v[i]);
	}
	buf_puts(&b, ")");
	return arena_strdup(a, buf_str(&b));
}

void interfaces_look(struct interfaces *out, struct arena *a, const char *netns,
		     const struct manifest *m)
{
	_cleanup_buf_ struct buf text = {0}, ignored = {0};
	VEC(const char *) names = {0};
	const struct ir_zone *z;
	char *rest, *line;

	*out = (struct interfaces){0};
	vec_each (&m->zones, z)
		if (is_other(z))
			out->other = z->name;
	if (!m->zones.n || links_names(netns, &text, &ignored))
		return;
	rest = arena_strdup(a, buf_str(&text));
	while ((line = strsep(&rest, "\n"))) {
		const char *name = strchr(line, ' ');
		bool somewhere = false;

		if (!name++)
			continue;
		vec_push(a, &names, name);
		vec_each (&m->zones, z)
			somewhere |= is_in(z, name);
		if (*line == '+' && !somewhere && out->other)
			vec_push(a, &out->held, diag_shown(a, name));
		else if (*line == '+' && !somewhere)
			vec_push(a, &out->stray, diag_shown(a, name));
	}
	vec_each (&m->zones, z) {
		bool here = !z->interfaces.n || is_other(z);

		for (size_t i = 0; i < names.n && !here; i++)
			here = is_in(z, names.v[i]);
		if (!here)
			vec_push(a, &out->gone, zone_text(a, z));
	}
}

void interfaces_print(FILE *to, const struct interfaces *x, const char *before)
{
	for (size_t i = 0; i < x->gone.n; i++)
		fprintf(to, "%szone %s has no interface here now\n", before, x->gone.v[i]);
	for (size_t i = 0; i < x->stray.n; i++)
		fprintf(to,
			"%s%s is up and in no zone: its traffic is dropped, unless a rule says "
			"any\n",
			before, x->stray.v[i]);
}

void interfaces_print_held(FILE *to, const struct interfaces *x, const char *before)
{
	if (!x->other)
		return;
	fprintf(to, "%szone %s (interface other) holds ", before, x->other);
	for (size_t i = 0; i < x->held.n; i++)
		fprintf(to, "%s%s", i ? ", " : "", x->held.v[i]);
	fprintf(to, "%s now\n", x->held.n ? "" : "nothing");
}

json_t *interfaces_json(const struct interfaces *x)
{
	json_t *gone = json_array(), *stray = json_array();
	json_t *held = x->other ? json_array() : NULL;

	for (size_t i = 0; i < x->gone.n; i++)
		json_array_append_new(gone, json_string(x->gone.v[i]));
	for (size_t i = 0; i < x->stray.n; i++)
		json_array_append_new(stray, json_string(x->stray.v[i]));
	for (size_t i = 0; i < x->held.n; i++)
		json_array_append_new(held, json_string(x->held.v[i]));
	return json_pack("{s:o, s:o, s:o*}", "zones_without", gone, "without_zone", stray, "other",
			 held);
}
