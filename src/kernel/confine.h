/* SPDX-License-Identifier: GPL-2.0-or-later
 * A process gives up what it does not need to read what others wrote.
 */
#ifndef FWC_CONFINE_H
#define FWC_CONFINE_H

#include <sys/types.h>

/* Of who is to take texts apart: another user than root, no capability and no new ones by any
 * program, nothing to write where the kernel has landlock, no program, namespace, mount or socket,
 * and no signal to others. Files that are not for everybody opener.h opens. 0 or -errno. */
int confine(void);
/* Of who opens for it: the same but for the user, what may be written, and local sockets (which
 * names of users may take). */
int confine_opener(void);
/* Of who speaks with strangers: as confine(), and of files it reads what names resolvers and whom
 * to trust, no more; it may open IPv4 and IPv6 sockets, and listens on none of TCP. */
int confine_network(void);
/* Of who has a library read scripts from memory: no path is opened, to read or to write, where the
 * kernel has landlock. 0 or -errno. */
int confine_files(void);
/* Who this is for files that belong to who runs it: the user before confine(). */
uid_t confine_caller(void);
/* For people: as what confine() lets texts be taken apart. */
const char *confine_text(void);

#endif
