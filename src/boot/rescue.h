/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is loaded at boot where there is nothing that may be: all is dropped but loopback, what the
 * host needs for an address, and ssh from networks that /etc/fwc/boot.conf names.
 *
 *	# comment
 *	ssh-from 192.168.1.0/24, fd00:1::/64
 *	ssh-port 22
 */
#ifndef FWC_RESCUE_H
#define FWC_RESCUE_H

#include "store/store.h"

struct rescue {
	VEC(const char *) networks; /* canonical; strings in the arena */
	unsigned port;
};

#define RESCUE_SETTINGS "boot.conf"
#define RESCUE_NETWORKS 256 /* how many are used at most */

/* The settings in `dir`, by the rules of trust of policies (lang/path.h). A file that is not there
 * is none of them; one that is broken, or that others may write, counts as none: false. In `why`
 * what there is to say, also of what is used in another way than it was written. */
bool rescue_settings(struct arena *a, const char *dir, struct rescue *out, struct buf *why);
/* The same of its text; `path` is for messages. */
bool rescue_parse(struct arena *a, const char *path, const char *text, size_t len,
		  struct rescue *out, struct buf *why);
/* The policy that they make, in fwc's own language. */
const char *rescue_policy(struct arena *a, const struct rescue *r);
/* Compiled; only the script is to be freed. 0 or -errno. */
int rescue_compile(struct arena *a, const struct rescue *r, struct artefact *out, struct buf *why);

#endif
