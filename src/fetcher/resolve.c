/* SPDX-License-Identifier: GPL-2.0-or-later
 * names -> addresses, by c-ares and the resolvers of resolv.conf(5).
 *
 * Families are asked for one by one: an answer of both at once does not tell whether there is no
 * IPv4 address, or only no answer about it.
 */
#include "fetcher/fetcher.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#define TRY_MS 1500
#define TRIES 3

uint64_t fetcher_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Which sockets it waits for. */
static void watch(void *arg, ares_socket_t fd, int in, int out)
{
	struct resolver *r = arg;

	if (fd < 0 || fd >= FD_SETSIZE)
		return;
	FD_CLR(fd, &r->in);
	FD_CLR(fd, &r->out);
	if (in)
		FD_SET(fd, &r->in);
	if (out)
		FD_SET(fd, &r->out);
	if (r->nfds <= fd)
		r->nfds = fd + 1;
}

int resolver_open(struct resolver *r, unsigned ms)
{
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH, /* a name is a whole one */
		.timeout = (int)ms / 2 < TRY_MS ? (int)ms / 2 : TRY_MS,
		.tries = TRIES,
		.sock_state_cb = watch,
		.sock_state_cb_data = r,
	};

	*r = (struct resolver){.deadline = fetcher_now() + ms};
	FD_ZERO(&r->in);
	FD_ZERO(&r->out);
	return ares_init_options(&r->channel, &o,
				 ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					 ARES_OPT_SOCK_STATE_CB);
}

void resolver_close(struct resolver *r)
{
	ares_destroy(r->channel);
}

static void note_ttl(struct resolved *r, int seconds)
{
	uint32_t n = seconds < 0 ? 0 : (uint32_t)seconds;

	if (n < r->seconds)
		r->seconds = n;
}

static void add_address(struct resolved *r, const struct sockaddr *sa)
{
	u128 x = 0;

	if (sa->sa_family == AF_INET && r->family == FAM_IP4) {
		x = ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr);
	} else if (sa->sa_family == AF_INET6 && r->family == FAM_IP6) {
		const uint8_t *p =
			((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr;

		for (int i = 0; i < 16; i++)
			x = x << 8 | p[i];
	} else {
		return;
	}
	vec_push(r->arena, &r->addresses, x);
}

static void take(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct resolved *r = arg;

	(void)timeouts;
	r->by->asked--;
	r->status = status;
	r->seconds = UINT32_MAX;
	if (!info)
		return;
	for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
		note_ttl(r, c->ttl);
	for (const struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next) {
		note_ttl(r, n->ai_ttl);
		add_address(r, n->ai_addr);
	}
	ares_freeaddrinfo(info);
	if (status == ARES_SUCCESS && !r->addresses.n)
		r->status = ARES_ENODATA;
}

void resolver_ask(struct resolver *r, struct resolved *to)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = to->family == FAM_IP4 ? AF_INET : AF_INET6,
		.ai_socktype = SOCK_STREAM,
	};

	to->status = ARES_ETIMEOUT;
	to->by = r;
	r->asked++;
	ares_getaddrinfo(r->channel, to->name, NULL, &hints, take, to);
}

/* Those of which select(2) said so; and what is due, though nothing came. */
static void process(struct resolver *r, const fd_set *in, const fd_set *out)
{
	for (int fd = 0, n = r->nfds; fd < n; fd++) {
		bool can_read = FD_ISSET(fd, in), can_write = FD_ISSET(fd, out);

		if (can_read || can_write)
			ares_process_fd(r->channel, can_read ? fd : ARES_SOCKET_BAD,
					can_write ? fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void resolver_wait(struct resolver *r)
{
	uint64_t now;

	while (r->asked && (now = fetcher_now()) < r->deadline) {
		uint64_t left = r->deadline - now;
		struct timeval most = {(time_t)(left / 1000), (suseconds_t)(left % 1000 * 1000)};
		fd_set in = r->in, out = r->out;
		struct timeval tv;

		if (select(r->nfds, &in, &out, NULL, ares_timeout(r->channel, &most, &tv)) < 1) {
			FD_ZERO(&in);
			FD_ZERO(&out);
		}
		process(r, &in, &out);
	}
	ares_cancel(r->channel);
}

bool resolved_known(const struct resolved *r)
{
	return r->status == ARES_SUCCESS || r->status == ARES_ENODATA;
}

const char *resolved_why(const struct resolved *v4, const struct resolved *v6)
{
	int status = resolved_known(v4) ? v6->status : v4->status;

	switch (status) {
	case ARES_SUCCESS:
	case ARES_ENODATA:
		return "the name has no address";
	case ARES_ENOTFOUND:
		return "there is no such name";
	case ARES_ETIMEOUT:
	case ARES_ECANCELLED:
		return "no answer in time";
	case ARES_ECONNREFUSED:
		return "no resolver can be reached";
	default:
		return ares_strerror(status);
	}
}
