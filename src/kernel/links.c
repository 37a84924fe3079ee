/* SPDX-License-Identifier: GPL-2.0-or-later
 * getifaddrs(3) and RTM_GETLINK, in a child if it is about another namespace.
 */
#include "kernel/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/ask.h"
#include "kernel/child.h"
#include "util/cleanup.h"
#include "util/fd.h"

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

/* What `write_it` writes in that namespace. */
static int text_of(const char *netns, int (*write_it)(void *), const char *what, struct buf *out,
		   struct buf *why)
{
	_cleanup_close_ int fd = memfd_create("fwc-links", MFD_CLOEXEC);
	struct child c = {
		.where = child_where_of(netns), .netns = netns, .run = write_it, .arg = &fd};
	int err;

	if (fd < 0)
		return -errno;
	err = child_run(&c);
	if (err)
		buf_printf(why, "cannot list the %s of this machine: %s", what,
			   err > 0 ? strerror(err) : buf_str(&c.why));
	child_free(&c);
	if (err)
		return err > 0 ? -err : err;
	return fd_read(fd, out);
}

int links_addresses_text(const char *netns, struct buf *out, struct buf *why)
{
	return text_of(netns, write_addresses, "addresses", out, why);
}

int links_addresses(const char *netns, struct buf *out, struct buf *why)
{
	return ask_can() ? ask_bytes(ASK_ADDRESSES, netns, out, why)
			 : links_addresses_text(netns, out, why);
}

/* ---- names ---- */

struct link {
	const char *name;
	bool slave; /* of a bridge, a bond, a team: what it receives bears the name of that */
};

static int on_slave(const struct nlattr *attr, void *data)
{
	struct link *l = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND)
		l->slave = strcmp(mnl_attr_get_str(attr), "vrf") != 0;
	return MNL_CB_OK;
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct link *l = data;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME)
		l->name = mnl_attr_get_str(attr);
	else if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
		mnl_attr_parse_nested(attr, on_slave, l);
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(nlh);
	const int *fd = data;
	struct link l = {0};
	bool up = (i->ifi_flags & (IFF_UP | IFF_LOOPBACK)) == IFF_UP;

	mnl_attr_parse(nlh, sizeof(*i), on_attr, &l);
	if (l.name)
		dprintf(*fd, "%c%d %s\n", up && !l.slave ? '+' : '-', i->ifi_index, l.name);
	return MNL_CB_OK;
}

static int write_names(void *arg)
{
	char buf[32768] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *i = mnl_nlmsg_put_extra_header(nlh, sizeof(*i));
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int more = MNL_CB_OK;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return errno;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	i->ifi_family = AF_UNSPEC;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		more = -1;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		more = n < 0 ? -1
			     : mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), on_link,
					  arg);
	}
	mnl_socket_close(nl);
	return more < 0 ? errno : 0;
}

int links_names_text(const char *netns, struct buf *out, struct buf *why)
{
	return text_of(netns, write_names, "interfaces", out, why);
}

int links_names(const char *netns, struct buf *out, struct buf *why)
{
	return ask_can() ? ask_bytes(ASK_LINKS, netns, out, why)
			 : links_names_text(netns, out, why);
}
