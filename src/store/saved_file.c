/* SPDX-License-Identifier: GPL-2.0-or-later
 * struct saved <-> JSON. What is read back goes into the kernel, so nothing of it is believed:
 * addresses are parsed, times and counts have bounds, names are looked up and never passed on.
 */
#include <string.h>

#include "store/saved.h"

#define KIND "run-time state"

static const char *type_of(enum family f)
{
	return f == FAM_IP4 ? "ipv4_addr" : "ipv6_addr";
}

/* ---- writing ---- */

/* JSON's numbers here end at 2^63 - 1. */
static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *elem_json(const struct saved_set *s, const struct element *e)
{
	json_t *j = json_object();
	struct buf text = {0};

	addr_print_range(&text, s->family, e->at);
	json_object_set_new(j, "key", json_string(buf_str(&text)));
	buf_free(&text);
	if (e->ages)
		json_object_set_new(j, "left", number(e->left));
	if (e->ages && e->timeout)
		json_object_set_new(j, "timeout", number(e->timeout));
	return j;
}

static json_t *sets_json(const struct saved *x)
{
	json_t *list = json_array();
	struct saved_set *const *s;

	vec_each (&x->sets, s) {
		json_t *elems = json_array(), *j;
		const struct element *e;

		vec_each (&(*s)->elems, e)
			json_array_append_new(elems, elem_json(*s, e));
		j = json_pack("{s:s, s:s, s:o}", "name", (*s)->name, "type", type_of((*s)->family),
			      "elements", elems);
		if ((*s)->prefixes)
			json_object_set_new(j, "prefixes", json_true());
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *lines_json(const struct saved_lines *lines)
{
	json_t *list = json_array();
	const struct saved_line *l;

	vec_each (lines, l)
		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:o}", "text", l->text, "packets",
						number(l->packets), "bytes", number(l->bytes)));
	return list;
}

static json_t *quotas_json(const struct saved *x)
{
	json_t *list = json_array();
	const struct saved_quota *q;

	vec_each (&x->quotas, q)
		json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "name", q->name, "bytes",
						      number(q->bytes), "used", number(q->used)));
	return list;
}

json_t *saved_json(const struct saved *s)
{
	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "kind", KIND,
			 "format", SAVED_FORMAT, "ruleset", s->ruleset, "wall_clock",
			 number(s->wall), "boot_clock", number(s->boot), "boot", s->table.boot,
			 "netns", number(s->table.netns), "table", number(s->table.handle), "sets",
			 sets_json(s), "quotas", quotas_json(s), "lines", lines_json(&s->lines));
}

/* ---- reading ---- */

struct reading {
	struct arena *a;
	const char *why;
};

static bool fail(struct reading *r, const char *why)
{
	if (!r->why)
		r->why = why;
	return false;
}

static bool take_number(struct reading *r, const json_t *o, const char *key, uint64_t max,
			uint64_t *out)
{
	const json_t *j = json_object_get(o, key);
	json_int_t n = json_integer_value(j);

	if (!json_is_integer(j) || n < 0 || (uint64_t)n > max)
		return fail(r,
			    arena_printf(r->a, "\"%s\" is not a number, or is out of range", key));
	*out = (uint64_t)n;
	return true;
}

static bool take_text(struct reading *r, const json_t *o, const char *key, const char **out)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_string(j))
		return fail(r, arena_printf(r->a, "\"%s\" is not text", key));
	*out = arena_strdup(r->a, json_string_value(j));
	return true;
}

static bool take_list(struct reading *r, const json_t *o, const char *key, const json_t **out)
{
	*out = json_object_get(o, key);
	return json_is_array(*out) || fail(r, arena_printf(r->a, "\"%s\" is not a list", key));
}

static bool parse_elem(struct reading *r, const struct saved_set *s, const json_t *j,
		       struct element *out)
{
	const char *key, *why;
	struct element e = {0};
	enum family f;

	if (!take_text(r, j, "key", &key))
		return false;
	if (!addr_parse_range(key, strlen(key), &f, &e.at, &why) || f != s->family ||
	    (!s->prefixes && strpbrk(key, "/-")))
		return fail(r, "an element of a set is not an address of the set's family");
	e.ages = json_object_get(j, "left") != NULL;
	if (e.ages && !take_number(r, j, "left", SAVED_SECONDS, &e.left))
		return false;
	if (json_object_get(j, "timeout") &&
	    (!e.ages || !take_number(r, j, "timeout", SAVED_SECONDS, &e.timeout)))
		return fail(r, "an element has a timeout and never ends");
	if (e.timeout && e.left > e.timeout)
		return fail(r, "an element has more time left than it was given");
	*out = e;
	return true;
}

static bool parse_set(struct reading *r, const json_t *j, struct saved_set *out)
{
	const char *type;
	const json_t *list;
	size_t i;
	json_t *item;

	if (!take_text(r, j, "name", &out->name) || !take_text(r, j, "type", &type) ||
	    !take_list(r, j, "elements", &list))
		return false;
	if (strcmp(type, type_of(FAM_IP4)) != 0 && strcmp(type, type_of(FAM_IP6)) != 0)
		return fail(r, "a set is neither of IPv4 nor of IPv6 addresses");
	out->prefixes = json_is_true(json_object_get(j, "prefixes"));
	out->family = strcmp(type, type_of(FAM_IP4)) ? FAM_IP6 : FAM_IP4;
	json_array_foreach((json_t *)list, i, item)
	{
		struct element e;

		if (!parse_elem(r, out, item, &e))
			return false;
		vec_push(r->a, &out->elems, e);
	}
	return true;
}

static bool parse_lines(struct reading *r, const json_t *j, struct saved_lines *out)
{
	const json_t *list;
	size_t i;
	json_t *item;

	if (!take_list(r, j, "lines", &list))
		return false;
	json_array_foreach((json_t *)list, i, item)
	{
		struct saved_line l;

		if (!take_text(r, item, "text", &l.text) ||
		    !take_number(r, item, "packets", INT64_MAX, &l.packets) ||
		    !take_number(r, item, "bytes", INT64_MAX, &l.bytes))
			return false;
		vec_push(r->a, out, l);
	}
	return true;
}

static bool parse_sets(struct reading *r, const json_t *j, struct saved *out)
{
	struct map names;
	const json_t *list;
	size_t i;
	json_t *item;

	map_init(&names, r->a);
	if (!take_list(r, j, "sets", &list))
		return false;
	json_array_foreach((json_t *)list, i, item)
	{
		struct saved_set *s = arena_new_of(r->a, struct saved_set);

		if (!parse_set(r, item, s))
			return false;
		if (map_get(&names, s->name))
			return fail(r, "a set is in it twice");
		map_put(&names, s->name, s);
		vec_push(r->a, &out->sets, s);
	}
	return true;
}

static bool is_object_name(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-")];
}

/* What was saved before there were any has no list of them. */
static bool parse_quotas(struct reading *r, const json_t *j, struct saved *out)
{
	const json_t *list = json_object_get(j, "quotas");
	size_t i;
	json_t *item;

	if (list && !json_is_array(list))
		return fail(r, "\"quotas\" is not a list");
	json_array_foreach((json_t *)list, i, item)
	{
		struct saved_quota q;

		if (!take_text(r, item, "name", &q.name) ||
		    !take_number(r, item, "bytes", INT64_MAX, &q.bytes) ||
		    !take_number(r, item, "used", INT64_MAX, &q.used))
			return false;
		if (strncmp(q.name, "quota.", 6) != 0 || !is_object_name(q.name) || !q.bytes)
			return fail(r, "a quota has a name or a size that none has");
		vec_push(r->a, &out->quotas, q);
	}
	return true;
}

static bool parse_head(struct reading *r, const json_t *j, struct saved *out)
{
	const char *kind = json_string_value(json_object_get(j, "kind"));
	uint64_t format;

	if (!kind || strcmp(kind, KIND) != 0)
		return fail(r, "it was not written by fwc");
	if (!take_number(r, j, "format", INT64_MAX, &format))
		return false;
	if (format != SAVED_FORMAT)
		return fail(r, "it was written by another version of fwc");
	return take_text(r, j, "ruleset", &out->ruleset) &&
	       take_number(r, j, "wall_clock", INT64_MAX, &out->wall) &&
	       take_number(r, j, "boot_clock", INT64_MAX, &out->boot) &&
	       take_text(r, j, "boot", &out->table.boot) &&
	       take_number(r, j, "netns", INT64_MAX, &out->table.netns) &&
	       take_number(r, j, "table", INT64_MAX, &out->table.handle);
}

bool saved_parse(struct arena *a, const json_t *j, struct saved *out, const char **why)
{
	struct reading r = {.a = a};

	*out = (struct saved){0};
	if (parse_head(&r, j, out) && parse_sets(&r, j, out) && parse_quotas(&r, j, out) &&
	    parse_lines(&r, j, &out->lines))
		return true;
	*why = r.why;
	return false;
}

/* Within one run of the machine there is a clock that nobody sets. */
uint64_t saved_age(const struct saved *s, const char *boot_id, uint64_t wall, uint64_t boot)
{
	if (*boot_id && !strcmp(boot_id, s->table.boot))
		return boot > s->boot ? boot - s->boot : 0;
	return wall > s->wall ? wall - s->wall : 0;
}
