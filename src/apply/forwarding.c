/* SPDX-License-Identifier: GPL-2.0-or-later
 * forwarding of the policy -> sysctls; the note is on disk before the first switch is turned.
 */
#include "apply/forwarding.h"

#include <errno.h>

#include "kernel/sysctl.h"
#include "util/cleanup.h"

/* The note: {"set": true, "was": {"net/ipv4/ip_forward": "0", ...}}. */
static int read_note(struct store *s, json_t **note, struct buf *why)
{
	size_t before = why->len;
	int err = store_read_forwarding(s, note, why);

	if (err == -ENOENT) {
		why->len = before;
		return 0;
	}
	return err;
}

static bool is_so(const json_t *now, bool wanted)
{
	return sysctl_forwards(now, 4) == wanted &&
	       (sysctl_forwards(now, 6) == wanted || !sysctl_has_ip6(now));
}

int forwarding_restore(struct store *s, const char *netns, bool *changed, struct buf *why)
{
	_cleanup_json_ json_t *note = NULL;
	int err = read_note(s, &note, why);

	*changed = false;
	if (err || !note)
		return err;
	err = sysctl_restore(netns, json_object_get(note, "was"),
			     json_is_true(json_object_get(note, "set")), why);
	if (err)
		return err;
	store_drop_forwarding(s);
	*changed = true;
	return 0;
}

static int first_time(struct store *s, const char *netns, bool wanted, bool *changed,
		      struct buf *why)
{
	_cleanup_json_ json_t *now = NULL, *note = NULL;
	int err = sysctl_snapshot(netns, &now, why);

	if (err || is_so(now, wanted))
		return err;
	note = json_pack("{s:b, s:O}", "set", wanted, "was", now);
	err = store_write_forwarding(s, note, why);
	if (err)
		return err;
	*changed = true;
	return sysctl_set_forwarding(netns, wanted, why);
}

int forwarding_apply(struct store *s, const char *netns, int wanted, bool *changed, struct buf *why)
{
	_cleanup_json_ json_t *note = NULL, *now = NULL;
	int err;

	*changed = false;
	if (wanted < 0)
		return forwarding_restore(s, netns, changed, why);
	err = read_note(s, &note, why);
	if (err)
		return err;
	if (note && json_is_true(json_object_get(note, "set")) != (wanted == 1)) {
		err = forwarding_restore(s, netns, changed, why);
		json_decref(note);
		note = NULL;
		if (err)
			return err;
	}
	if (!note)
		return first_time(s, netns, wanted, changed, why);
	err = sysctl_snapshot(netns, &now, why);
	if (err || is_so(now, wanted))
		return err;
	*changed = true;
	return sysctl_set_forwarding(netns, wanted, why);
}
