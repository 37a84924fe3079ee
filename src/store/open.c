/* SPDX-License-Identifier: GPL-2.0-or-later
 * A path -> the state directory, or root's copy of it for others.
 */
#include "store/open.h"

#include "store/publish.h"

int store_open(struct store *s, const char *path, bool create, struct buf *why)
{
	size_t len = why->len;
	int err = store_open_own(s, path, create, why), fd;

	if (!err || !s->hidden || create)
		return err;
	fd = public_open(path);
	if (fd < 0)
		return err;
	why->len = len;
	s->dir = fd;
	s->public = true;
	s->hidden = false;
	return 0;
}

void store_close(struct store *s)
{
	if (s->lock >= 0)
		store_publish(s);
	store_close_own(s);
}
