/* SPDX-License-Identifier: GPL-2.0-or-later
 * The state directory, as commands open and close it: with root's copy for others.
 */
#ifndef FWC_STORE_OPEN_H
#define FWC_STORE_OPEN_H

#include "store/store.h"

/* The state directory, made if it is not there and `create`; -ENOENT otherwise. Without `create`,
 * and if it is not for this user, what root has published of it. */
int store_open(struct store *s, const char *path, bool create, struct buf *why);
/* If it was locked, root's copy for others is brought up to date first. */
void store_close(struct store *s);

#endif
