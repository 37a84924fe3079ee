/* SPDX-License-Identifier: GPL-2.0-or-later
 * /proc/sys/net, of our network namespace or another one <-> JSON.
 */
#include "kernel/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "kernel/ask.h"
#include "kernel/child.h"
#include "util/cleanup.h"
#include "util/fd.h"

#define PROC "/proc/sys/"
#define V4_ALL "net/ipv4/ip_forward"
#define V4_CONF "net/ipv4/conf"
#define V6_ALL "net/ipv6/conf/all/forwarding"
#define V6_CONF "net/ipv6/conf"
/* The kernel turns this off when forwarding goes on, and on when it goes off. */
#define V4_REDIRECTS "net/ipv4/conf/all/accept_redirects"

/* What has frames of bridges meet the hooks of IP: seen, never set. */
#define BRIDGE "net/bridge/bridge-nf-call-"
#define BRIDGES "bridges"
#define BRIDGES_MAX 1024

/* nf_conntrack_udp_timeout_stream is udp-stream */
#define CONNTRACK "net/netfilter/nf_conntrack_"
#define TIMEOUT "_timeout"
#define TIMEOUTS "timeouts"

enum work { SNAPSHOT, SET, RESTORE, SET_TIMEOUTS };

struct job {
	enum work work;
	bool on;
	const json_t *snapshot; /* RESTORE */
	const json_t *values; /* SET_TIMEOUTS */
	int out, err; /* memory files: JSON, message */
};

static int say(struct job *j, int err, const char *verb, const char *name)
{
	dprintf(j->err, "cannot %s " PROC "%s: %s", verb, name, strerror(-err));
	return err;
}

static int open_name(const char *name, int flags)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, PROC "%s", name) < 0)
		abort();
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int get(const char *name, char value[32])
{
	_cleanup_close_ int fd = open_name(name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, value, 31);
	if (n < 0)
		return -errno;
	while (n > 0 && value[n - 1] == '\n')
		n--;
	value[n] = '\0';
	return 0;
}

static int put(struct job *j, const char *name, const char *value)
{
	_cleanup_close_ int fd = open_name(name, O_WRONLY);
	char now[32];

	if (get(name, now) == 0 && !strcmp(now, value))
		return 0;
	if (fd < 0)
		return say(j, fd, "open", name);
	if (write(fd, value, strlen(value)) < 0)
		return say(j, -errno, "write", name);
	return 0;
}

/* An interface may go away between the two calls: what cannot be read is not there. */
static void note(json_t *to, const char *name)
{
	char value[32];

	if (get(name, value) == 0)
		json_object_set_new(to, name, json_string(value));
}

static void note_each(json_t *to, const char *conf, const char *leaf)
{
	DIR *d;
	struct dirent *e;
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, PROC "%s", conf) < 0)
		abort();
	d = opendir(path);
	if (!d)
		return; /* a kernel without IPv6 */
	while ((e = readdir(d))) {
		_cleanup_free_ char *name = NULL;

		if (e->d_name[0] == '.')
			continue;
		if (asprintf(&name, "%s/%s/%s", conf, e->d_name, leaf) < 0)
			abort();
		note(to, name);
	}
	closedir(d);
}

static char *timeout_path(const char *name)
{
	int n = (int)strcspn(name, "-");
	char *path;

	if (asprintf(&path, CONNTRACK "%.*s" TIMEOUT "%s", n, name, name + n) < 0)
		abort();
	for (char *c = path + strlen(CONNTRACK); *c; c++)
		if (*c == '-')
			*c = '_';
	return path;
}

/* What timeout_path() makes a path of; NULL: that file is another setting. */
static char *timeout_name(const char *file)
{
	const char *stem = strrchr(CONNTRACK, '/') + 1, *kind = file + strlen(stem), *middle;
	char *name;

	if (strncmp(file, stem, strlen(stem)) || !(middle = strstr(kind, TIMEOUT)))
		return NULL;
	if (asprintf(&name, "%.*s%s", (int)(middle - kind), kind, middle + strlen(TIMEOUT)) < 0)
		abort();
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = '-';
	return name;
}

/* Those that there are; before connection tracking is loaded, none. */
static json_t *timeouts_here(void)
{
	DIR *d = opendir(PROC "net/netfilter");
	json_t *all = json_object();
	struct dirent *e;

	while (d && (e = readdir(d))) {
		_cleanup_free_ char *name = timeout_name(e->d_name);
		_cleanup_free_ char *path = name ? timeout_path(name) : NULL;
		char value[32];

		if (path && get(path, value) == 0)
			json_object_set_new(all, name, json_string(value));
	}
	if (d)
		closedir(d);
	return all;
}

/* Bridges here, by name; only asked where the switches of br_netfilter are there. */
static json_t *bridges_here(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int index[BRIDGES_MAX];
	unsigned long ask[] = {BRCTL_GET_BRIDGES, (unsigned long)index, BRIDGES_MAX};
	int n = fd < 0 ? -1 : ioctl(fd, SIOCGIFBR, ask);
	json_t *all = json_array();

	for (int i = 0; i < n; i++) {
		char name[IF_NAMESIZE];

		if (if_indextoname((unsigned)index[i], name))
			json_array_append_new(all, json_string(name));
	}
	return all;
}

static json_t *snapshot_here(void)
{
	json_t *s = json_object();

	note(s, BRIDGE "iptables");
	note(s, BRIDGE "ip6tables");
	if (json_object_size(s))
		json_object_set_new(s, BRIDGES, bridges_here());
	note(s, V4_ALL);
	note(s, V4_REDIRECTS);
	note_each(s, V4_CONF, "forwarding");
	note_each(s, V6_CONF, "forwarding");
	note_each(s, V6_CONF, "accept_ra");
	json_object_set_new(s, TIMEOUTS, timeouts_here());
	return s;
}

static bool ends_in(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && !strcmp(s + n - t, tail);
}

static bool is_accept_ra(const char *name)
{
	return ends_in(name, "/accept_ra");
}

/* conf/all/accept_ra has no meaning to the kernel; where forwarding is on already, accept_ra 1
 * means that advertisements are not taken, and that is left so. */
static bool takes_ra(const json_t *now, const char *name, const char *value)
{
	_cleanup_free_ char *forwarding = NULL;
	size_t stem = strlen(name) - strlen("accept_ra");
	const char *f;

	if (!is_accept_ra(name) || strcmp(value, "1") != 0 || strstr(name, "/conf/all/"))
		return false;
	if (asprintf(&forwarding, "%.*sforwarding", (int)stem, name) < 0)
		abort();
	f = json_string_value(json_object_get(now, forwarding));
	return f && !strcmp(f, "0");
}

static int keep_ra(struct job *j)
{
	_cleanup_json_ json_t *now = snapshot_here();
	const char *name;
	json_t *value;
	int err = 0;

	json_object_foreach(now, name, value)
	{
		if (!err && takes_ra(now, name, json_string_value(value)))
			err = put(j, name, "2");
	}
	return err;
}

static int set_here(struct job *j)
{
	const char *value = j->on ? "1" : "0";
	char now[32];
	int err = 0;

	if (j->on)
		err = keep_ra(j);
	if (!err)
		err = put(j, V4_ALL, value);
	if (!err && get(V6_ALL, now) == 0)
		err = put(j, V6_ALL, value);
	return err;
}

/* What we may have made of it: anything else is somebody else's doing, and stays. */
static bool is_ours(const char *name, const char *now, bool on)
{
	if (!strncmp(name, BRIDGE, strlen(BRIDGE)))
		return false;
	if (is_accept_ra(name))
		return on && !strcmp(now, "2");
	return !strcmp(now, on ? "1" : "0");
}

static int restore_one(struct job *j, const char *name)
{
	const char *was = json_string_value(json_object_get(j->snapshot, name));
	char now[32];

	if (!was || get(name, now) != 0 || !strcmp(now, was) || !is_ours(name, now, j->on))
		return 0;
	return put(j, name, was);
}

/* The switches of a whole family first: they move all the others. */
static int restore_here(struct job *j)
{
	_cleanup_json_ json_t *before = snapshot_here();
	const char *redirects = json_string_value(json_object_get(j->snapshot, V4_REDIRECTS));
	const char *name;
	json_t *value;
	int err, one;

	err = restore_one(j, V4_ALL);
	one = restore_one(j, V6_ALL);
	err = err ? err : one;
	json_object_foreach((json_t *)j->snapshot, name, value)
	{
		if (!strcmp(name, V4_REDIRECTS))
			continue;
		one = restore_one(j, name);
		err = err ? err : one;
	}
	value = json_object_get(before, V4_ALL);
	if (redirects && value && is_ours(V4_ALL, json_string_value(value), j->on)) {
		one = put(j, V4_REDIRECTS, redirects);
		err = err ? err : one;
	}
	return err;
}

static int set_timeouts_here(struct job *j)
{
	const char *name;
	json_t *value;
	int err = 0, one;

	json_object_foreach((json_t *)j->values, name, value)
	{
		_cleanup_free_ char *path = timeout_path(name);

		one = put(j, path, json_string_value(value));
		err = err ? err : one;
	}
	return err;
}

/* In one piece: json_dumpfd() writes each comma by itself. */
static int put_json(const json_t *j, int to)
{
	_cleanup_free_ char *text = json_dumps(j, JSON_COMPACT);
	size_t n = text ? strlen(text) : 0;

	return n && write(to, text, n) == (ssize_t)n ? 0 : -EIO;
}

static int work_here(void *arg)
{
	struct job *j = arg;
	int err = 0;

	switch (j->work) {
	case SNAPSHOT: {
		_cleanup_json_ json_t *s = snapshot_here();

		err = put_json(s, j->out);
		break;
	}
	case SET:
		err = set_here(j);
		break;
	case RESTORE:
		err = restore_here(j);
		break;
	case SET_TIMEOUTS:
		err = set_timeouts_here(j);
		break;
	}
	return -err;
}

static void add_message(int fd, struct buf *why)
{
	char text[512];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	if (n > 0)
		buf_add(why, text, (size_t)n);
}

static int do_work(const char *netns, struct job *j, struct buf *why)
{
	_cleanup_close_ int errfd = memfd_create("fwc-err", MFD_CLOEXEC);
	struct child c = {
		.where = child_where_of(netns), .netns = netns, .run = work_here, .arg = j};
	int err;

	j->err = errfd;
	if (errfd < 0)
		return -errno;
	err = child_run(&c);
	if (err < 0)
		buf_puts(why, buf_str(&c.why));
	else if (err > 0)
		add_message(errfd, why);
	child_free(&c);
	return err > 0 ? -err : err;
}

int sysctl_text(const char *netns, struct buf *text, struct buf *why)
{
	_cleanup_close_ int fd = memfd_create("fwc-sysctl", MFD_CLOEXEC);
	struct job j = {.work = SNAPSHOT, .out = fd};
	int err;

	if (fd < 0)
		return -errno;
	err = do_work(netns, &j, why);
	return err ? err : fd_read(fd, text);
}

int sysctl_snapshot(const char *netns, json_t **out, struct buf *why)
{
	_cleanup_buf_ struct buf text = {0};
	json_error_t e;
	json_t *s;
	int err = ask_can() ? ask_bytes(ASK_SYSCTL, netns, &text, why)
			    : sysctl_text(netns, &text, why);

	if (err)
		return err;
	s = json_loadb(buf_str(&text), text.len, 0, &e);
	if (!s) {
		buf_printf(why, "cannot read the settings of the kernel: %s", e.text);
		return -EIO;
	}
	*out = s;
	return 0;
}

int sysctl_set_forwarding(const char *netns, bool on, struct buf *why)
{
	struct job j = {.work = SET, .on = on};

	return do_work(netns, &j, why);
}

int sysctl_restore(const char *netns, const json_t *snapshot, bool set, struct buf *why)
{
	struct job j = {.work = RESTORE, .on = set, .snapshot = snapshot};

	return do_work(netns, &j, why);
}

const json_t *sysctl_timeouts(const json_t *snapshot)
{
	return json_object_get(snapshot, TIMEOUTS);
}

int sysctl_set_timeouts(const char *netns, const json_t *values, struct buf *why)
{
	struct job j = {.work = SET_TIMEOUTS, .values = values};

	return do_work(netns, &j, why);
}

const json_t *sysctl_bridges(const json_t *snapshot)
{
	static const char *const calls[] = {BRIDGE "iptables", BRIDGE "ip6tables"};
	const json_t *all = json_object_get(snapshot, BRIDGES);

	for (int i = 0; json_array_size(all) && i < 2; i++) {
		const char *v = json_string_value(json_object_get(snapshot, calls[i]));

		if (v && strcmp(v, "0") != 0)
			return all;
	}
	return NULL;
}

bool sysctl_forwards(const json_t *snapshot, int family)
{
	const char *v = json_string_value(json_object_get(snapshot, family == 4 ? V4_ALL : V6_ALL));

	return v && strcmp(v, "0") != 0;
}

bool sysctl_has_ip6(const json_t *snapshot)
{
	/* without both, it is /proc that is not there */
	return json_object_get(snapshot, V6_ALL) || !json_object_get(snapshot, V4_ALL);
}
