/* SPDX-License-Identifier: GPL-2.0-or-later
 * Names of a manifest and the interfaces of a namespace -> devices of the flowtable.
 */
#include "apply/offload.h"

#include <string.h>

#include "kernel/flowtable.h"
#include "kernel/links.h"
#include "util/cleanup.h"
#include "util/diag.h"

static bool is_named(const struct ir_offload *o, const char *name)
{
	struct ival v;

	if (!ifname_parse(name, strlen(name), &v))
		return false;
	for (size_t i = 0; i < o->interfaces.n; i++)
		if (o->interfaces.v[i].lo <= v.lo && v.hi <= o->interfaces.v[i].hi)
			return true;
	return false;
}

static bool has_line(const char *lines, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = lines; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!strncmp(p, line, n) && (p[n] == '\n' || !p[n]))
			return true;
	return false;
}

struct names { /* as the kernel has them */
	struct flowtable_device *v;
	size_t n, cap;
};

/* "+2 eth0", a line each; loopback has nothing to offload. */
static int all_here(struct arena *a, const char *netns, const struct ir_offload *o,
		    const char *bound, struct names *here, struct offload_devices *out,
		    struct buf *why)
{
	_cleanup_buf_ struct buf text = {0};
	char *rest, *line;
	int err = links_names(netns, &text, why);

	rest = arena_strdup(a, buf_str(&text));
	while (!err && (line = strsep(&rest, "\n"))) {
		const char *name = strchr(line, ' ');

		if (!name++ || !strcmp(name, "lo") || !is_named(o, name))
			continue;
		vec_push(a, out,
			 ((struct offload_device){.name = diag_shown(a, name),
						  .bound = has_line(bound, name)}));
		vec_push(a, here, ((struct flowtable_device){.name = name}));
	}
	return err;
}

static int look(struct arena *a, const char *netns, const struct manifest *m, struct names *here,
		struct offload_devices *out, struct buf *why)
{
	_cleanup_buf_ struct buf bound = {0};
	int err;

	if (!m->offload.flowtable)
		return 0;
	err = flowtable_devices(netns, m->offload.flowtable, &bound, why);
	return err ? err : all_here(a, netns, &m->offload, buf_str(&bound), here, out, why);
}

int offload_look(struct arena *a, const char *netns, const struct manifest *m,
		 const struct ir_set *flowtable, struct offload_devices *out, struct buf *why)
{
	_cleanup_buf_ struct buf bound = {0};
	struct names here = {0};

	for (size_t i = 0; flowtable && i < flowtable->devices.n; i++)
		buf_printf(&bound, "%s\n", flowtable->devices.v[i]);
	return all_here(a, netns, &m->offload, buf_str(&bound), &here, out, why);
}

int offload_bind(struct arena *a, const char *netns, const struct manifest *m,
		 struct offload_devices *out, struct buf *why)
{
	struct names here = {0}, missing = {0};
	int err = look(a, netns, m, &here, out, why);
	size_t n = 0;

	for (size_t i = 0; i < here.n; i++)
		if (!out->v[i].bound)
			vec_push(a, &missing, here.v[i]);
	if (!err)
		err = flowtable_bind(netns, m->offload.flowtable, m->offload.hardware, missing.v,
				     missing.n, why);
	for (size_t i = 0; i < here.n && !err; i++) {
		if (out->v[i].bound)
			continue;
		out->v[i].bound = !missing.v[n].err;
		if (missing.v[n].err)
			out->v[i].why_not = strerror(-missing.v[n].err);
		n++;
	}
	return err;
}
