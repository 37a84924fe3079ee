/* SPDX-License-Identifier: GPL-2.0-or-later
 * path of a control group -> its number, which is that of its directory -> the element of a set.
 */
#include "kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/child.h"
#include "kernel/send.h"
#include "kernel/setelem.h"
#include "nft/tlv.h"
#include "util/cgroup.h"
#include "util/cleanup.h"

#define MOST 1024 /* numbers that somebody has put there; more are left */
#define ROOM (64 << 10)
#define TRIES 8 /* others may commit while we read */

/* ---- the number ---- */

static bool is_cgroup2(int fd)
{
	struct statfs fs;

	return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Where systemd mounts it: alone, or beside version 1. */
static int root_of_all(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (int i = 0; i < 2; i++) {
		int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (is_cgroup2(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

/* One directory after the other, so that nothing leads out of the hierarchy. */
int cgroup_number(const char *path, uint64_t *out)
{
	int fd = cgroup_levels(path) ? root_of_all() : -EINVAL, below;
	struct stat st;
	int err = 0;

	for (const char *s = path; fd >= 0 && *s; s += *s == '/') {
		char name[256];
		size_t n = strcspn(s, "/");

		snprintf(name, sizeof(name), "%.*s", (int)n, s);
		below = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		below = below < 0 ? -errno : below;
		close(fd);
		fd = below;
		s += n;
	}
	if (fd < 0)
		return fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!is_cgroup2(fd))
		err = -ENOENT;
	else
		*out = st.st_ino;
	close(fd);
	return err;
}

/* ---- messages ---- */

struct numbers {
	uint64_t v[MOST]; /* as the kernel has them in memory */
	size_t n;
};

static void put_numbers(struct nlmsghdr *h, const struct numbers *of)
{
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);

	for (size_t i = 0; i < of->n; i++) {
		struct nlattr *elem = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
		struct nlattr *key = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);

		mnl_attr_put(h, NFTA_DATA_VALUE, sizeof(of->v[i]), &of->v[i]);
		mnl_attr_nest_end(h, key);
		mnl_attr_nest_end(h, elem);
	}
	mnl_attr_nest_end(h, list);
}

static int send_numbers(struct cgroup_job *j, uint16_t type, const struct numbers *of)
{
	static char room[ROOM] __attribute__((aligned(8)));
	uint16_t flags = NLM_F_ACK | (type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
	struct nlmsghdr *h;
	struct sender s;
	int err;

	if (!of->n)
		return 0;
	h = setelem_head(room, type, flags, j->set);
	put_numbers(h, of);
	err = sender_open(&s, ROOM);
	if (!err)
		err = sender_send(&s, room, h->nlmsg_len, 0);
	sender_close(&s);
	j->commits += !err;
	return err;
}

/* ---- what there is ---- */

static int take_elem(const struct nlattr *attr, void *ctx)
{
	struct tlv elem = {mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)};
	struct tlv v[NFTA_SET_ELEM_MAX + 1], key[NFTA_DATA_VALUE + 1];
	struct numbers *out = ctx;

	tlv_sort(elem, v, NFTA_SET_ELEM_MAX);
	tlv_sort(v[NFTA_SET_ELEM_KEY], key, NFTA_DATA_VALUE);
	if (key[NFTA_DATA_VALUE].n == sizeof(out->v[0]) && out->n < MOST)
		memcpy(&out->v[out->n++], key[NFTA_DATA_VALUE].p, sizeof(out->v[0]));
	return MNL_CB_OK;
}

static int take_list(const struct nlattr *attr, void *ctx)
{
	return mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS
		       ? mnl_attr_parse_nested(attr, take_elem, ctx)
		       : MNL_CB_OK;
}

static int take_message(const struct nlmsghdr *h, void *ctx)
{
	return mnl_attr_parse(h, sizeof(struct nfgenmsg), take_list, ctx);
}

static int dump(const char *set, uint32_t seq, struct numbers *out)
{
	static char room[ROOM] __attribute__((aligned(8)));
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct nlmsghdr *h = setelem_head(room, NFT_MSG_GETSETELEM, NLM_F_DUMP, set);
	int said = MNL_CB_OK, err = 0;
	ssize_t n;

	out->n = 0;
	h->nlmsg_seq = seq;
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		err = -errno;
	while (!err && said == MNL_CB_OK) {
		n = mnl_socket_recvfrom(nl, room, sizeof(room));
		said = n < 0 ? MNL_CB_ERROR
			     : mnl_cb_run(room, (size_t)n, seq, mnl_socket_get_portid(nl),
					  take_message, out);
		if (said == MNL_CB_ERROR)
			err = -errno;
	}
	if (nl)
		mnl_socket_close(nl);
	return err;
}

/* ---- both ---- */

/* The number is looked up behind what the set holds: what systemd puts there meanwhile stays. */
static int fill(void *arg)
{
	struct cgroup_job *j = arg;
	struct numbers has, want = {.n = 0}, gone = {.n = 0};
	int err = -EINTR;
	bool held = false;

	for (uint32_t i = 0; i < TRIES && err == -EINTR; i++)
		err = dump(j->set, i + 1, &has);
	if (err)
		return -err;
	err = cgroup_number(j->path, &want.v[0]);
	j->there = !err;
	if (err && err != -ENOENT)
		return -err;
	for (size_t i = 0; i < has.n; i++) {
		if (j->there && has.v[i] == want.v[0])
			held = true;
		else
			gone.v[gone.n++] = has.v[i];
	}
	want.n = j->there && !held;
	err = send_numbers(j, NFT_MSG_NEWSETELEM, &want);
	if (!err)
		j->added = want.n;
	if (!err)
		err = send_numbers(j, NFT_MSG_DELSETELEM, &gone);
	if (!err)
		j->deleted = gone.n;
	return -err;
}

int cgroup_fill(struct cgroup_job *j, const char *netns)
{
	struct child c = {.where = child_where_of(netns), .netns = netns, .run = fill};
	int err = child_run_on(&c, j, sizeof(*j));

	if (err == -ENOENT)
		snprintf(j->why, sizeof(j->why), "the kernel has no set %s", j->set);
	else if (err)
		snprintf(j->why, sizeof(j->why), "cannot change set %s: %s", j->set,
			 c.why.len ? buf_str(&c.why) : strerror(-err));
	child_free(&c);
	return err;
}
