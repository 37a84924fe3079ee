/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is to be kept -> table inet fwc-panic, and a note of who made it.
 */
#include "boot/panic.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "boot/address.h"
#include "kernel/live.h"
#include "kernel/session.h"
#include "store/author.h"
#include "store/file.h"
#include "store/publish.h"
#include "util/cleanup.h"

#define TABLE "inet fwc-panic"
#define NOTE "panic.json"

/* ---- what is kept ---- */

bool panic_keep_add(struct arena *a, struct panic_keep *k, const char *text)
{
	enum address what;
	const char *one;

	what = address_read(a, text, true, &one);
	if (what != ADDRESS_FINE && what != ADDRESS_MASKED)
		return false;
	vec_push(a, &k->v, one);
	return true;
}

bool panic_keep_session(struct arena *a, struct panic_keep *k, const char *ssh)
{
	_cleanup_buf_ struct buf client = {0};
	struct session_ends s;

	if (!session_ends(ssh, &s))
		return false;
	addr_print(&client, s.family, s.client);
	k->client = arena_strdup(a, buf_str(&client));
	k->port = s.server_port;
	return true;
}

const char *panic_keep_text(struct arena *a, const struct panic_keep *k)
{
	_cleanup_buf_ struct buf b = {0};
	const char *const *one;

	buf_puts(&b, "loopback");
	if (k->client)
		buf_printf(&b, ", ssh from %s (tcp port %u)", k->client, k->port);
	vec_each (&k->v, one)
		buf_printf(&b, ", everything from %s", *one);
	return arena_strdup(a, buf_str(&b));
}

/* ---- the table ---- */

static const char *family_of(const char *addr)
{
	return strchr(addr, ':') ? "ip6" : "ip";
}

/* dir: 's' for what comes in, 'd' for what goes out. */
static void put_kept(struct buf *b, const struct panic_keep *k, char dir)
{
	const char *const *one;

	buf_printf(b, "\t\t%s lo accept\n", dir == 's' ? "iif" : "oif");
	if (k->client)
		buf_printf(b, "\t\t%s %caddr %s tcp %cport %u accept\n", family_of(k->client), dir,
			   k->client, dir == 's' ? 'd' : 's', k->port);
	vec_each (&k->v, one)
		buf_printf(b, "\t\t%s %caddr %s accept\n", family_of(*one), dir, *one);
}

/* Without neighbours, an address and news of the path's size no session lives long. */
static void put_link(struct buf *b, char dir)
{
	buf_puts(b, "\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
		    "nd-neighbor-advert } ip6 hoplimit 255 accept\n");
	if (dir == 's')
		buf_puts(b, "\t\ticmpv6 type packet-too-big accept\n"
			    "\t\ticmp type destination-unreachable icmp code frag-needed accept\n"
			    "\t\tudp sport 67 udp dport 68 accept\n"
			    "\t\tip6 daddr fe80::/10 udp dport 546 accept\n");
	else
		buf_puts(b, "\t\tudp sport 68 udp dport 67 accept\n"
			    "\t\tip6 saddr fe80::/10 udp sport 546 udp dport 547 accept\n");
}

/* The priority is before that of conntrack, so a full table of connections is no matter. */
static void write_table(struct buf *b, const struct panic_keep *k)
{
	static const struct {
		const char *hook;
		char dir;
	} hooks[] = {{"input", 's'}, {"output", 'd'}, {"forward", 0}};

	buf_puts(b, "add table " TABLE "\ndelete table " TABLE "\ntable " TABLE " {\n");
	for (int i = 0; i < 3; i++) {
		buf_printf(b, "\tchain %s {\n\t\ttype filter hook %s priority -350; policy drop;\n",
			   hooks[i].hook, hooks[i].hook);
		if (hooks[i].dir) {
			put_kept(b, k, hooks[i].dir);
			put_link(b, hooks[i].dir);
		}
		buf_puts(b, "\t\tcounter drop\n\t}\n");
	}
	buf_puts(b, "}\n");
}

/* ---- the note ---- */

static int write_note(struct store *s, const char *kept)
{
	struct author author = author_now();
	_cleanup_json_ json_t *j = NULL;

	j = json_pack("{s:s, s:o, s:s}", "time", author.time, "user", file_text(author.user),
		      "kept", kept);
	return j ? file_write_json(s->dir, NOTE, j) : -ENOMEM;
}

static const char *note_text(struct arena *a, const json_t *note, const char *key)
{
	const char *text = json_string_value(json_object_get(note, key));

	return text ? arena_strdup(a, text) : "?";
}

int panic_begin(const char *netns, struct store *s, struct arena *a, const struct panic_keep *k,
		struct buf *why)
{
	_cleanup_buf_ struct buf script = {0};
	int err;

	write_table(&script, k);
	err = live_run(netns, buf_str(&script), why);
	if (!err && s->dir >= 0) {
		write_note(s, panic_keep_text(a, k)); /* without it there is a panic, too */
		store_publish_note(s, NOTE);
	}
	return err;
}

int panic_end(const char *netns, struct store *s, bool *was, struct buf *why)
{
	struct genid gen;
	int err = genid_get(netns, &gen, why);

	*was = !err && gen.panic_table;
	if (*was)
		err = live_run(netns, "delete table " TABLE, why);
	if (!err && s->dir >= 0) {
		unlinkat(s->dir, NOTE, 0);
		store_publish_note(s, NOTE);
	}
	return err;
}

int panic_read(const char *netns, const struct store *s, struct arena *a, struct panic *out,
	       struct buf *why)
{
	_cleanup_json_ json_t *note = NULL;
	struct genid gen;
	int err = genid_get(netns, &gen, why);

	*out = (struct panic){.on = !err && gen.panic_table};
	if (err || !out->on)
		return err;
	if (s->dir >= 0 && file_read_json(s->dir, NOTE, &note))
		note = NULL;
	out->time = note_text(a, note, "time");
	out->user = note_text(a, note, "user");
	out->kept = note_text(a, note, "kept");
	return 0;
}
