/* SPDX-License-Identifier: GPL-2.0-or-later
 * NFT_MSG_GET* -> bytes, by libmnl.
 *
 * The kernel flags a dump that a commit has run through, but not one of elements; and it flags
 * every commit, also those of others that change nothing here. So commits are listened to while the
 * dump is taken, and it is taken again only if one names a table that is read.
 */
#include "kernel/dump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nft/ir.h"
#include "nft/tlv.h"
#include "util/cleanup.h"

#define ROOM 65536 /* a dump comes in pieces of up to 32 kB if the reader has room for them */
#define TRIES 100
#define PATIENCE 1000 /* milliseconds for the news of a commit that has been made */

struct dump {
	struct mnl_socket *asks, *hears;
	uint32_t seq, port;
	const char *table, *names;
	struct buf *out;
	bool torn; /* a message says that it is not of the same generation as those before */
	char *room;
};

/* Anew each time: a socket on which a dump was given up takes no other. */
static int open_asking(struct dump *d)
{
	if (d->asks)
		mnl_socket_close(d->asks);
	d->asks = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!d->asks || mnl_socket_bind(d->asks, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	d->port = mnl_socket_get_portid(d->asks);
	return 0;
}

static int open_sockets(struct dump *d)
{
	int group = NFNLGRP_NFTABLES;

	d->hears = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!d->hears || mnl_socket_bind(d->hears, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(d->hears, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return open_asking(d);
}

static void close_sockets(struct dump *d)
{
	if (d->asks)
		mnl_socket_close(d->asks);
	if (d->hears)
		mnl_socket_close(d->hears);
	free(d->room);
}

/* ---- questions ---- */

struct question {
	uint16_t type;
	uint8_t family;
	bool dump;
	uint32_t object; /* NFT_OBJECT_*: of this type only; 0: not asked for */
	uint16_t name[2]; /* attributes, 0: none */
	const char *value[2];
};

static int ask(struct dump *d, const struct question *q)
{
	char bytes[1024];
	struct nlmsghdr *h = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | q->type);
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (q->dump ? NLM_F_DUMP : NLM_F_ACK));
	h->nlmsg_seq = ++d->seq;
	g->nfgen_family = q->family;
	g->version = NFNETLINK_V0;
	for (int i = 0; i < 2 && q->name[i]; i++)
		if (!mnl_attr_put_strz_check(h, sizeof(bytes), q->name[i], q->value[i]))
			return -ENAMETOOLONG;
	if (q->object)
		mnl_attr_put_u32(h, NFTA_OBJ_TYPE, htonl(q->object));
	return mnl_socket_sendto(d->asks, h, h->nlmsg_len) < 0 ? -errno : 0;
}

/* 0: goes on, 1: that was the last one, or -errno. */
static int take(struct dump *d, const struct nlmsghdr *h, const struct nlmsghdr **kept)
{
	static const char padding[4];

	*kept = NULL;
	if (h->nlmsg_seq != d->seq || h->nlmsg_pid != d->port)
		return 0;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		d->torn = true;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		int err = h->nlmsg_len >= NLMSG_LENGTH(sizeof(err))
				  ? *(const int *)mnl_nlmsg_get_payload(h)
				  : 0;

		return err < 0 ? err : 1;
	}
	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return 0;
	buf_add(d->out, (const char *)h, h->nlmsg_len);
	buf_add(d->out, padding, -h->nlmsg_len & 3u);
	*kept = h;
	return 0;
}

/* Whether a message is of a table that was not asked for, which dumps of chains have in them. */
static bool is_strange(const struct dump *d, const struct nlmsghdr *h)
{
	struct tlv bytes = {(const uint8_t *)h, h->nlmsg_len};
	struct tlv_message m;

	if (!d->table)
		return false;
	return !tlv_message(&bytes, &m) || !tlv_of_table(&m, NFPROTO_INET, d->table);
}

/* -EINTR: something was lost, so that it has to be asked for again. */
static int hear(struct dump *d, const struct question *q)
{
	int err = ask(d, q);

	while (!err) {
		ssize_t n = mnl_socket_recvfrom(d->asks, d->room, ROOM);
		const struct nlmsghdr *h = (const void *)d->room, *kept;
		int left = (int)n;

		if (n < 0)
			return errno == ENOBUFS ? -EINTR : -errno;
		for (; mnl_nlmsg_ok(h, left) && !err; h = mnl_nlmsg_next(h, &left)) {
			size_t before = d->out->len;

			err = take(d, h, &kept);
			if (kept && q->type != NFT_MSG_GETGEN && is_strange(d, kept))
				d->out->len = before;
		}
		if (!err && left > 0) /* a message that is not all there */
			err = -EINTR;
	}
	return err < 0 ? err : 0;
}

/* ---- news ---- */

struct news {
	bool ours; /* a commit named a table that is read */
	uint32_t generation; /* of the last commit that was told of */
};

static void note(const struct dump *d, struct news *x, const struct tlv_message *m)
{
	struct tlv body = m->body, v[NFTA_GEN_MAX + 1];

	if (m->type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN)) {
		tlv_sort(body, v, NFTA_GEN_MAX);
		x->generation = (uint32_t)tlv_number(v[NFTA_GEN_ID]);
	} else if (m->type >> 8 == NFNL_SUBSYS_NFTABLES) {
		x->ours |= !d->table || tlv_of_table(m, NFPROTO_INET, d->table);
	}
}

/* Everything that is told up to that generation. What was lost may have been anything. */
static void listen_until(struct dump *d, uint32_t generation, struct news *x)
{
	struct pollfd p = {.fd = mnl_socket_get_fd(d->hears), .events = POLLIN};

	while (!x->ours && (int32_t)(generation - x->generation) > 0) {
		struct tlv bytes = {(const uint8_t *)d->room, 0};
		struct tlv_message m;
		ssize_t n;

		if (poll(&p, 1, PATIENCE) <= 0) {
			x->ours = true;
			return;
		}
		n = mnl_socket_recvfrom(d->hears, d->room, ROOM);
		if (n < 0) {
			x->ours |= errno != EAGAIN;
			continue;
		}
		bytes.n = (size_t)n;
		while (tlv_message(&bytes, &m))
			note(d, x, &m);
	}
}

static int generation_now(struct dump *d, uint32_t *id)
{
	_cleanup_buf_ struct buf answer = {0};
	struct buf *out = d->out;
	struct tlv v[NFTA_GEN_MAX + 1], bytes;
	struct tlv_message m;
	int err;

	d->out = &answer;
	err = hear(d, &(struct question){.type = NFT_MSG_GETGEN});
	d->out = out;
	bytes = (struct tlv){(const uint8_t *)buf_str(&answer), answer.len};
	if (err)
		return err;
	if (!tlv_message(&bytes, &m))
		return -EPROTO;
	tlv_sort(m.body, v, NFTA_GEN_MAX);
	*id = (uint32_t)tlv_number(v[NFTA_GEN_ID]);
	return 0;
}

/* ---- one dump ---- */

bool dump_names(const char *names, const char *kind, const char *name)
{
	size_t nkind = strlen(kind), n = strlen(name);

	for (const char *p = names; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!strncmp(p, kind, nkind) && p[nkind] == ' ' &&
		    !strncmp(p + nkind + 1, name, n) &&
		    (p[nkind + 1 + n] == '\n' || !p[nkind + 1 + n]))
			return true;
	return false;
}

/* To read a million of elements takes seconds; what is in a set of ours of such a name was compared
 * when it was made (kernel/bulk.h). */
static bool is_bulk(const struct tlv_message *m, const char *name)
{
	return bulk_is_name(name) && tlv_of_table(m, NFPROTO_INET, IR_TABLE);
}

/* The elements of each set that has been heard of from `from` on. */
static int dump_elements(struct dump *d, size_t from)
{
	_cleanup_buf_ struct buf sets = {0};
	struct tlv bytes;
	struct tlv_message m;
	int err = 0;

	if (d->out->len > from)
		buf_add(&sets, d->out->data + from, d->out->len - from);
	bytes = (struct tlv){(const uint8_t *)buf_str(&sets), sets.len};
	while (!err && tlv_message(&bytes, &m)) {
		struct tlv v[NFTA_SET_MAX + 1];
		struct question q = {.type = NFT_MSG_GETSETELEM,
				     .family = m.family,
				     .dump = true,
				     .name = {NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET}};

		tlv_sort(m.body, v, NFTA_SET_MAX);
		if (!tlv_is_text(v[NFTA_SET_TABLE]) || !tlv_is_text(v[NFTA_SET_NAME]))
			return -EPROTO;
		q.value[0] = (const char *)v[NFTA_SET_TABLE].p;
		q.value[1] = (const char *)v[NFTA_SET_NAME].p;
		if (is_bulk(&m, q.value[1]))
			continue;
		if (!d->names || tlv_number(v[NFTA_SET_FLAGS]) & NFT_SET_ANONYMOUS ||
		    dump_names(d->names, "set", q.value[1]) ||
		    dump_names(d->names, "map", q.value[1]))
			err = hear(d, &q);
	}
	return err;
}

/* One chain after the other. */
static int dump_chains(struct dump *d, bool rules)
{
	int err = 0;

	for (const char *p = d->names; *p && !err; p += strcspn(p, "\n"), p += *p == '\n') {
		_cleanup_free_ char *name = NULL;
		struct question q = {.type = rules ? NFT_MSG_GETRULE : NFT_MSG_GETCHAIN,
				     .family = NFPROTO_INET,
				     .dump = rules,
				     .name = {NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME},
				     .value = {d->table}};

		if (strncmp(p, "chain ", 6) != 0)
			continue;
		name = strndup(p + 6, strcspn(p + 6, "\n"));
		if (rules)
			q.name[1] = NFTA_RULE_CHAIN;
		q.value[1] = name;
		err = hear(d, &q);
	}
	return err;
}

static int dump_once(struct dump *d)
{
	struct question table = {.type = NFT_MSG_GETTABLE, .dump = !d->table};
	struct question chains = {.type = NFT_MSG_GETCHAIN, .dump = true};
	struct question sets = {.type = NFT_MSG_GETSET, .dump = true};
	struct question rules = {.type = NFT_MSG_GETRULE, .dump = true};
	struct question helpers = {
		.type = NFT_MSG_GETOBJ, .dump = true, .object = NFT_OBJECT_CT_HELPER};
	struct question quotas = {.type = NFT_MSG_GETOBJ, .dump = true, .object = NFT_OBJECT_QUOTA};
	struct question flowtables = {.type = NFT_MSG_GETFLOWTABLE, .dump = true};
	size_t from;
	int err;

	if (d->table) {
		flowtables.family = NFPROTO_INET;
		flowtables.name[0] = NFTA_FLOWTABLE_TABLE;
		flowtables.value[0] = d->table;
		table.family = chains.family = sets.family = rules.family = NFPROTO_INET;
		helpers.family = quotas.family = NFPROTO_INET;
		helpers.name[0] = quotas.name[0] = NFTA_OBJ_TABLE;
		helpers.value[0] = quotas.value[0] = d->table;
		table.name[0] = NFTA_TABLE_NAME;
		sets.name[0] = NFTA_SET_TABLE;
		rules.name[0] = NFTA_RULE_TABLE;
		table.value[0] = sets.value[0] = rules.value[0] = d->table;
	}
	err = hear(d, &table);
	if (err)
		return d->table && err == -ENOENT ? 0 : err;
	err = d->names ? dump_chains(d, false) : hear(d, &chains);
	if (!err && d->torn && d->table)
		return -EINTR; /* it goes on by index: those of others shift it */
	if (!err)
		err = hear(d, &helpers);
	if (!err)
		err = hear(d, &quotas);
	if (!err)
		err = hear(d, &flowtables);
	from = d->out->len;
	if (!err)
		err = hear(d, &sets);
	if (!err)
		err = dump_elements(d, from);
	if (!err)
		err = d->names ? dump_chains(d, true) : hear(d, &rules);
	return err;
}

static int dump_whole(struct dump *d, uint32_t *generation)
{
	struct news x = {0};
	int err = generation_now(d, &x.generation);
	uint32_t before = x.generation;

	d->torn = false;
	if (!err)
		err = dump_once(d);
	if (!err)
		err = generation_now(d, generation);
	/* what went away between two questions was committed meanwhile */
	if (err == -ENOENT)
		return -EINTR;
	if (err)
		return err;
	if (*generation == before)
		return d->torn ? -EINTR : 0;
	listen_until(d, *generation, &x);
	return x.ours ? -EINTR : 0;
}

int dump_here(const char *table, const char *names, struct buf *out, uint32_t *generation)
{
	struct dump d = {.table = table, .names = names, .out = out, .room = malloc(ROOM)};
	size_t before = out->len;
	int err = d.room ? open_sockets(&d) : -ENOMEM;

	for (int i = 0; !err && i < TRIES; i++) {
		out->len = before;
		err = dump_whole(&d, generation);
		if (err != -EINTR)
			break;
		err = i + 1 < TRIES ? open_asking(&d) : -EAGAIN;
	}
	close_sockets(&d);
	return err;
}

bool dump_alone(void)
{
	_cleanup_buf_ struct buf tables = {0};
	struct dump d = {.out = &tables, .room = malloc(ROOM)};
	int err = d.room ? open_sockets(&d) : -ENOMEM;
	struct tlv_message m;
	struct tlv rest;

	if (!err)
		err = hear(&d, &(struct question){.type = NFT_MSG_GETTABLE, .dump = true});
	rest = (struct tlv){(const uint8_t *)buf_str(&tables), tables.len};
	while (!err && tlv_message(&rest, &m))
		if (!tlv_of_table(&m, NFPROTO_INET, IR_TABLE))
			err = -EEXIST;
	close_sockets(&d);
	return !err;
}
