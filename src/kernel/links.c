/* SPDX-License-Identifier: GPL-2.0-or-later
 * getifaddrs(3), in a child if it is about another namespace.
 */
#include "kernel/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/broker.h"
#include "kernel/child.h"
#include "util/cleanup.h"

static int any_up(void *arg)
{
	struct ifaddrs *all;
	int up = 0;

	(void)arg;
	if (getifaddrs(&all) < 0)
		return 1;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		up |= (i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK);
	freeifaddrs(all);
	return up;
}

bool links_up(const char *netns)
{
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = any_up};
	int up = child_run(&c);

	child_free(&c);
	return up != 0;
}

static void write_address(int fd, const struct sockaddr *a)
{
	char text[INET6_ADDRSTRLEN];
	const void *raw = NULL;

	if (a && a->sa_family == AF_INET)
		raw = &((const struct sockaddr_in *)a)->sin_addr;
	else if (a && a->sa_family == AF_INET6)
		raw = &((const struct sockaddr_in6 *)a)->sin6_addr;
	if (raw && inet_ntop(a->sa_family, raw, text, sizeof(text)))
		dprintf(fd, "%s\n", text);
}

static int write_addresses(void *arg)
{
	const int *fd = arg;
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return errno;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		write_address(*fd, i->ifa_addr);
	freeifaddrs(all);
	return 0;
}

int links_addresses_text(const char *netns, struct buf *out, struct buf *why)
{
	_cleanup_close_ int fd = memfd_create("fwc-addresses", MFD_CLOEXEC);
	struct child c = {
		.where = child_where_of(netns), .netns = netns, .run = write_addresses, .arg = &fd};
	char piece[4096];
	off_t at = 0;
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	err = child_run(&c);
	if (err)
		buf_printf(why, "cannot list the addresses of this machine: %s",
			   err > 0 ? strerror(err) : buf_str(&c.why));
	child_free(&c);
	while (!err && (n = pread(fd, piece, sizeof(piece), at)) > 0) {
		buf_add(out, piece, (size_t)n);
		at += n;
	}
	return err > 0 ? -err : err;
}

int links_addresses(const char *netns, struct buf *out, struct buf *why)
{
	return broker_there() ? broker_ask(BROKER_ADDRESSES, netns, out, why)
			      : links_addresses_text(netns, out, why);
}
