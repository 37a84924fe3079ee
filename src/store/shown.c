/* SPDX-License-Identifier: GPL-2.0-or-later
 * shown.json: the hash of what there was, of what was to come, and when.
 */
#include "store/shown.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/bootclock.h"
#include "kernel/opener.h"
#include "nft/compare.h"
#include "store/file.h"
#include "util/cleanup.h"
#include "util/map.h"
#include "util/member.h"
#include "util/sha256.h"

#define SHOWN "shown.json"

/* Of all that base chains lead to, without what packets change. */
static const char *hash_of(struct arena *a, const struct ir_ruleset *r)
{
	char *hex = arena_alloc(a, SHA256_HEX);
	_cleanup_buf_ struct buf all = {0};
	const struct map_entry *e;
	struct map reach;

	map_init(&reach, a);
	ruleset_reach(r, &reach);
	buf_puts(&all, r->dormant ? "asleep\n" : "");
	vec_each (&reach.entries, e)
		buf_puts(&all, e->key[0] == 'c' ? canonical_chain(a, e->value)
						: canonical_set(a, e->value));
	sha256_hex(buf_str(&all), all.len, hex);
	return hex;
}

void shown_note(const struct store *s, struct arena *a, const struct ir_ruleset *live,
		const struct manifest *m)
{
	struct buf parts[3] = {{0}};
	_cleanup_buf_ struct buf ignored = {0};

	if (s->dir < 0 || s->public)
		return;
	buf_puts(&parts[1], hash_of(a, live));
	buf_puts(&parts[2], m->sha256);
	if (opener_there())
		opener_write(parts, 3, &ignored);
	else
		shown_write(s, parts, 3);
	buf_free(&parts[1]);
	buf_free(&parts[2]);
}

static bool is_hash(const struct buf *b)
{
	return b->len == SHA256_HEX - 1 && strspn(buf_str(b), "0123456789abcdef") == b->len;
}

int shown_write(const struct store *s, const struct buf *parts, size_t n)
{
	_cleanup_json_ json_t *j = NULL;
	char boot[BOOT_ID];

	if (n == 1)
		return unlinkat(s->dir, SHOWN, 0) < 0 && errno != ENOENT ? -errno : 0;
	if (n != 3 || !is_hash(&parts[1]) || !is_hash(&parts[2]))
		return -EPROTO;
	boot_id(boot);
	j = json_pack("{s:s, s:I, s:s, s:s}", "boot", boot, "clock", (json_int_t)boot_clock(),
		      "rules", buf_str(&parts[1]), "script", buf_str(&parts[2]));
	return j ? file_write_json(s->dir, SHOWN, j) : -ENOMEM;
}

bool shown_differs(const struct store *s, struct arena *a, const struct ir_ruleset *live,
		   const struct manifest *m)
{
	_cleanup_json_ json_t *j = NULL;
	json_int_t then;
	char boot[BOOT_ID];

	if (s->dir < 0 || file_read_json(s->dir, SHOWN, &j))
		return false;
	boot_id(boot);
	then = json_integer_value(json_object_get(j, "clock"));
	if (strcmp(member_text(j, "boot"), boot) != 0 ||
	    strcmp(member_text(j, "script"), m->sha256) != 0 ||
	    (json_int_t)boot_clock() - then > SHOWN_SECONDS * 1000)
		return false;
	return strcmp(member_text(j, "rules"), hash_of(a, live)) != 0;
}

void shown_drop(const struct store *s)
{
	_cleanup_buf_ struct buf ignored = {0};
	const struct buf none = {0};

	if (s->dir < 0 || s->public)
		return;
	if (opener_there())
		opener_write(&none, 1, &ignored);
	else
		shown_write(s, &none, 1);
}
