/* SPDX-License-Identifier: GPL-2.0-or-later
 * JSON, index and the script they belong to -> manifest; or why they do not belong together.
 */
#include <string.h>

#include "inspect/pack.h"
#include "nft/manifest.h"
#include "util/member.h"
#include "util/number.h"
#include "util/sha256.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define MAX_NAME 255 /* of the kernel */

/* Of a source: what is no UTF-8 has its bytes in hex beside it. */
static const char *path_of(struct arena *a, const json_t *j)
{
	const char *hex = member_copy(a, j, "bytes");
	size_t n = strlen(hex) / 2;
	char *path = arena_alloc(a, n + 1);
	uint64_t byte;

	for (size_t i = 0; i < n; i++) {
		if (!number_hex(hex + 2 * i, 2, 255, &byte) || !byte)
			return member_copy(a, j, "path");
		path[i] = (char)byte;
	}
	return n ? path : member_copy(a, j, "path");
}

static struct manifest_place place_of(struct arena *a, const json_t *j)
{
	return (struct manifest_place){
		.at = member_copy(a, j, "at"),
		.text = member_copy(a, j, "text"),
		.needs = json_object_get(j, "needs") ? member_copy(a, j, "needs") : NULL,
		.instead = json_object_get(j, "instead") ? member_copy(a, j, "instead") : NULL,
	};
}

static bool read_kind(const json_t *j, enum manifest_kind *out)
{
	const char *kind = json_string_value(json_object_get(j, "kind"));

	for (int k = OBJECT_SET; kind && k <= OBJECT_QUOTA; k++) {
		if (!strcmp(kind, manifest_kind_name((enum manifest_kind)k))) {
			*out = (enum manifest_kind)k;
			return true;
		}
	}
	return false;
}

static bool read_extent(const json_t *j, size_t size, struct manifest_object *o)
{
	json_int_t off = json_integer_value(json_object_get(j, "offset"));
	json_int_t len = json_integer_value(json_object_get(j, "length"));

	if (off < 0 || len <= 0 || (size_t)off > size || (size_t)len > size - (size_t)off)
		return false;
	o->off = (size_t)off;
	o->len = (size_t)len;
	return true;
}

/* The block begins and ends where the manifest says, and nowhere between. */
static bool is_block(struct arena *a, const struct manifest_object *o, const char *script)
{
	static const char end[] = "\n\t}\n";
	const char *head = arena_printf(a, "\t%s %s {\n", manifest_kind_name(o->kind), o->name);
	const char *block = script + o->off;
	size_t n = strlen(head), e = strlen(end);

	if (o->len < n + e - 1 || memcmp(block, head, n) != 0)
		return false;
	return memmem(block, o->len, end, e) == block + o->len - e;
}

static void read_elements(struct arena *a, const json_t *list, struct manifest_object *o)
{
	size_t i;
	json_t *j;

	json_array_foreach((json_t *)list, i, j)
	{
		struct manifest_place *p = arena_new_of(a, struct manifest_place);

		*p = place_of(a, j);
		map_put(&o->elems, member_copy(a, j, "key"), p);
	}
}

static bool read_object(struct arena *a, const json_t *j, size_t len, struct manifest *m)
{
	struct manifest_object *o = arena_new_of(a, struct manifest_object);
	size_t i;
	json_t *rule;

	o->name = member_copy(a, j, "name");
	o->stem = member_copy(a, j, "stem");
	if (!read_kind(j, &o->kind) || !read_extent(j, len, o))
		return false;
	o->dynamic = member_flag(j, "dynamic");
	o->base = member_flag(j, "base");
	o->place = place_of(a, j);
	map_init(&o->elems, a);
	json_array_foreach(json_object_get(j, "rules"), i, rule)
		vec_push(a, &o->rules, place_of(a, rule));
	read_elements(a, json_object_get(j, "elements"), o);
	return manifest_add(m, o);
}

static bool seal_holds(const json_t *j)
{
	const json_t *seal = json_object_get(j, MANIFEST_SEAL);
	char hex[SHA256_HEX];

	return !seal || (json_is_string(seal) && manifest_seal(j, hex) &&
			 !strcmp(json_string_value(seal), hex));
}

static bool read_ifname(const json_t *name, struct ival *out)
{
	const char *text = json_string_value(name);

	*out = ifname_other();
	return text && (!strcmp(text, "*") || ifname_parse(text, strlen(text), out));
}

/* What is said of live flows and zones is for people and for apply's manners: where it is missing
 * or not understood, nothing depends on it. */
static void read_manners(struct arena *a, const json_t *j, struct manifest *m)
{
	const char *live = member_copy(a, j, "live_flows");
	struct ival v;
	size_t i, k;
	json_t *z, *name;

	json_array_foreach(json_object_get(j, "lacks"), i, z)
		vec_push(a, &m->lacks, place_of(a, z));
	m->live_flows = !strcmp(live, "end") ? 1 : !strcmp(live, "keep") ? 0 : -1;
	json_array_foreach(json_object_get(j, "zones"), i, z)
	{
		struct ir_zone zone = {.name = member_copy(a, z, "name")};

		json_array_foreach(json_object_get(z, "interfaces"), k, name)
		{
			if (read_ifname(name, &v))
				vec_push(a, &zone.interfaces, v);
		}
		vec_push(a, &m->zones, zone);
	}
}

/* Which devices are bound is found out at run time: of what is not understood none are. */
static void read_offload(struct arena *a, const json_t *j, struct manifest *m)
{
	const json_t *offload = json_object_get(j, "offload");
	const char *table = member_copy(a, offload, "flowtable");
	struct ival v;
	json_t *name;
	size_t i;

	if (!*table || strlen(table) > MAX_NAME)
		return;
	m->offload.flowtable = table;
	m->offload.hardware = member_flag(offload, "hardware");
	json_array_foreach(json_object_get(offload, "interfaces"), i, name)
	{
		if (read_ifname(name, &v))
			vec_push(a, &m->offload.interfaces, v);
	}
}

/* They end in names of files below /proc. */
static bool read_timeouts(struct arena *a, const json_t *j, struct manifest *m)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const json_t *list = json_object_get(j, "timeouts");
	size_t i;
	json_t *t;

	if (list && !json_is_array(list))
		return false;
	json_array_foreach((json_t *)list, i, t)
	{
		const char *name = member_copy(a, t, "name");
		json_int_t seconds = json_integer_value(json_object_get(t, "seconds"));

		if (!*name || strlen(name) > MAX_NAME || name[strspn(name, chars)] || seconds < 1 ||
		    seconds > MANIFEST_TIMEOUT_MAX)
			return false;
		vec_push(a, &m->timeouts,
			 ((struct manifest_timeout){name, (uint32_t)seconds,
						    member_copy(a, t, "at")}));
	}
	return true;
}

static bool is_name(const char *name)
{
	size_t n = strlen(name);

	return n && n <= MAX_NAME && strspn(name, NAME_CHARS) == n;
}

static bool is_digest(const char *s)
{
	return strlen(s) == SHA256_HEX - 1 && strspn(s, "0123456789abcdef") == SHA256_HEX - 1;
}

static bool read_role(struct arena *a, const json_t *j, struct manifest_bulk *out)
{
	const char *role = member_copy(a, j, "role");

	if (!*role)
		return true;
	out->role = !strcmp(role, "less") ? BULK_LESS : BULK_MORE;
	out->base = member_copy(a, j, "base");
	return is_digest(out->base) && (out->role == BULK_LESS || !strcmp(role, "more"));
}

/* They are names of files. */
static bool read_bulk(struct arena *a, const json_t *j, struct manifest *m)
{
	const json_t *list = json_object_get(j, "bulk");
	size_t i;
	json_t *b;

	if (list && !json_is_array(list))
		return false;
	json_array_foreach((json_t *)list, i, b)
	{
		json_int_t prefix = json_integer_value(json_object_get(b, "prefix"));
		json_int_t n = json_integer_value(json_object_get(b, "elements"));
		struct manifest_bulk out = {.set = member_copy(a, b, "set"),
					    .digest = member_copy(a, b, "list"),
					    .of = member_copy(a, b, "of"),
					    .prefix = (uint8_t)prefix,
					    .n = (uint64_t)n};

		if (!is_name(out.set) || !is_digest(out.digest) || !is_digest(out.of) ||
		    prefix < 0 || prefix > 128 || n < 1 || !read_role(a, b, &out))
			return false;
		vec_push(a, &m->bulk, out);
	}
	return true;
}

static bool read_head(struct arena *a, const json_t *j, struct manifest *m, const char **why)
{
	const json_t *forwarding = json_object_get(j, "forwarding");
	json_int_t format = json_integer_value(json_object_get(j, "format"));
	size_t i;
	json_t *s;

	if (format < 1 || format > MANIFEST_FORMAT) {
		*why = format > MANIFEST_FORMAT ? "it was written by a newer fwc, in a format that "
						  "this one does not know"
						: "its manifest is not one of fwc";
		return false;
	}
	if (!seal_holds(j)) {
		*why = "its manifest was edited or damaged";
		return false;
	}
	m->version = member_copy(a, j, "fwc");
	m->policy = member_copy(a, j, "policy");
	if (json_object_get(j, "inspect")) {
		m->inspect = member_copy(a, json_object_get(j, "inspect"), "sha256");
		m->inspect_json = !strcmp(member_copy(a, json_object_get(j, "inspect"), "file"),
					  PACK_FILE_JSON);
	}
	if (json_object_get(j, "runtime")) {
		m->runtime = member_copy(a, json_object_get(j, "runtime"), "sha256");
		m->runtime_gist = member_copy(a, json_object_get(j, "runtime"), "gist");
	}
	if (json_object_get(j, "held")) {
		m->held = member_copy(a, json_object_get(j, "held"), "sha256");
		m->held_by = member_copy(a, json_object_get(j, "held"), "by");
	}
	m->proved = PROVED_NOT;
	for (int k = PROVED; k < PROVED_NOT; k++)
		if (!strcmp(member_copy(a, j, "proof"), manifest_proved_text((enum proved)k)))
			m->proved = (enum proved)k;
	m->forwarding = json_is_integer(forwarding) ? (int)json_integer_value(forwarding) : -1;
	if (m->forwarding < -1 || m->forwarding > 1) {
		*why = "its manifest has no valid forwarding";
		return false;
	}
	if (!read_timeouts(a, j, m)) {
		*why = "its manifest has no valid timeouts";
		return false;
	}
	if (!read_bulk(a, j, m)) {
		*why = "its manifest has no valid lists";
		return false;
	}
	read_manners(a, j, m);
	read_offload(a, j, m);
	json_array_foreach(json_object_get(j, "sources"), i, s)
		vec_push(a, &m->sources,
			 ((struct manifest_source){.path = path_of(a, s),
						   .sha256 = member_copy(a, s, "sha256")}));
	json_array_foreach(json_object_get(j, "patterns"), i, s) if (json_is_string(s))
		vec_push(a, &m->patterns, arena_strdup(a, json_string_value(s)));
	return true;
}

static bool check_hash(struct arena *a, const json_t *script, const char *text, size_t len,
		       struct manifest *m, const char **why)
{
	char *hex = arena_alloc(a, SHA256_HEX);

	sha256_hex(text, len, hex);
	m->sha256 = hex;
	m->size = len;
	if (json_integer_value(json_object_get(script, "size")) != (json_int_t)len ||
	    strcmp(member_copy(a, script, "sha256"), hex) != 0) {
		*why = "script and manifest do not belong together: one of them was cut short or "
		       "edited";
		return false;
	}
	return true;
}

static const char *damaged_object(struct arena *a, size_t i)
{
	return arena_printf(a, "object %zu of its manifest is not where it says", i + 1);
}

/* All that format 1 has. */
static bool read_objects(struct arena *a, const json_t *list, size_t len, struct manifest *m,
			 const char **why)
{
	size_t i;
	json_t *o;

	json_array_foreach((json_t *)list, i, o)
	{
		if (!read_object(a, o, len, m)) {
			*why = damaged_object(a, i);
			return false;
		}
	}
	return true;
}

static bool read_index(struct arena *a, const json_t *j, const struct buf *index,
		       struct manifest *m, const char **why)
{
	char hex[SHA256_HEX];
	char *copy;

	sha256_hex(buf_str(index), index->len, hex);
	copy = arena_copy(a, buf_str(index), index->len);
	if (!strcmp(member_copy(a, j, "sha256"), hex) && index_read(a, m, copy, index->len))
		return true;
	*why = MANIFEST_INDEX " and manifest do not belong together: one of them was cut short or "
			      "edited";
	return false;
}

struct manifest *manifest_read_head(struct arena *a, const json_t *j, const char **why)
{
	struct manifest *m = arena_new_of(a, struct manifest);

	map_init(&m->by_name, a);
	map_init(&m->digests, a);
	return read_head(a, j, m, why) ? m : NULL;
}

/* Of a script that nobody looks at its hash and size are taken on trust. */
static bool check_script(struct arena *a, const json_t *named, const struct buf *script,
			 struct manifest *m, const char **why)
{
	json_int_t size = json_integer_value(json_object_get(named, "size"));

	if (script)
		return check_hash(a, named, buf_str(script), script->len, m, why);
	m->sha256 = member_copy(a, named, "sha256");
	m->size = size > 0 ? (size_t)size : 0;
	return true;
}

static bool check_object(struct arena *a, const struct manifest *m, const struct manifest_object *o,
			 const struct buf *script)
{
	return is_name(o->name) && o->len && o->off <= m->size && o->len <= m->size - o->off &&
	       (!script || is_block(a, o, script->data));
}

struct manifest *manifest_read(struct arena *a, const json_t *j, const struct buf *script,
			       const struct buf *index, const char **why)
{
	struct manifest *m = manifest_read_head(a, j, why);
	const json_t *indexed = json_object_get(j, "index");

	if (!m || !check_script(a, json_object_get(j, "script"), script, m, why))
		return NULL;
	if (indexed ? !read_index(a, indexed, index, m, why)
		    : !read_objects(a, json_object_get(j, "objects"), m->size, m, why))
		return NULL;
	for (size_t i = 0; i < m->objects.n; i++) {
		if (!check_object(a, m, m->objects.v[i], script)) {
			*why = damaged_object(a, i);
			return NULL;
		}
	}
	if ((script && memchr(buf_str(script), '\0', script->len)) || !m->objects.n) {
		*why = "its script is not one of fwc";
		return NULL;
	}
	return m;
}
