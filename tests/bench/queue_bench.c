/* SPDX-License-Identifier: GPL-2.0-or-later
 * For tests/bench/inspect: the textbook loop of libnetfilter_queue, and traffic to put through it.
 *
 *	queue_bench stock QUEUE			one packet, one verdict, until killed
 *	queue_bench echo PORT			sends UDP back, until killed
 *	queue_bench serve PORT			answers a ClientHello over TCP with 3000 bytes, until killed
 *	queue_bench ask ADDRESS PORT SECONDS FLOWS WINDOW
 *		keeps WINDOW datagrams of 100 bytes on their way in each of FLOWS
 *	queue_bench connect ADDRESS PORT SECONDS FLOWS
 *		keeps FLOWS connections open, each of which says a ClientHello, reads, and ends
 *
 * The last two print how many came back, and the nanoseconds of processor time that it cost them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE 100
#define FLOWS_MAX 256
#define HELLO 600 /* bytes of a ClientHello */
#define ANSWER 3000

static int accept_it(struct nfq_q_handle *q, struct nfgenmsg *msg, struct nfq_data *data, void *ctx)
{
	struct nfqnl_msg_packet_hdr *h = nfq_get_msg_packet_hdr(data);

	(void)msg;
	(void)ctx;
	return nfq_set_verdict(q, h ? ntohl(h->packet_id) : 0, NF_ACCEPT, 0, NULL);
}

static int stock(int number)
{
	struct nfq_handle *h = nfq_open();
	struct nfq_q_handle *q;
	static char buf[70000];
	ssize_t n;

	if (!h)
		return 1;
	q = nfq_create_queue(h, (uint16_t)number, accept_it, NULL);
	if (!q || nfq_set_mode(q, NFQNL_COPY_PACKET, 0xffff) < 0)
		return 1;
	nfq_set_queue_maxlen(q, 1000);
	puts("ready");
	fflush(stdout);
	while ((n = recv(nfq_fd(h), buf, sizeof(buf), 0)) >= 0 || errno == ENOBUFS)
		if (n > 0)
			nfq_handle_packet(h, buf, (int)n);
	return 1;
}

static int echo(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[2000];

	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return 1;
	for (;;) {
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &size);

		if (n > 0)
			sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, size);
	}
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now(void)
{
	return seconds(CLOCK_MONOTONIC);
}

static void report(unsigned long came)
{
	printf("%lu %.0f\n", came, seconds(CLOCK_PROCESS_CPUTIME_ID) * 1e9);
}

static int ask(char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
	int flows = atoi(argv[3]), window = atoi(argv[4]);
	double end = now() + atof(argv[2]), heard = now();
	struct pollfd p[FLOWS_MAX];
	char buf[2000] = {0};
	unsigned long came = 0;

	inet_pton(AF_INET, argv[0], &to.sin_addr);
	for (int i = 0; i < flows; i++) {
		p[i] = (struct pollfd){socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), POLLIN, 0};
		if (connect(p[i].fd, (struct sockaddr *)&to, sizeof(to)) < 0)
			return 1;
		for (int k = 0; k < window; k++)
			send(p[i].fd, buf, SIZE, 0);
	}
	while (now() < end) {
		poll(p, (nfds_t)flows, 100);
		for (int i = 0; i < flows; i++) {
			/* an echo that keeps up would hold us at one of them for ever */
			for (int k = 0; p[i].revents && k < window; k++) {
				if (recv(p[i].fd, buf, sizeof(buf), 0) <= 0)
					break;
				came++;
				heard = now();
				send(p[i].fd, buf, SIZE, 0);
			}
		}
		if (now() - heard > 1) /* all were lost: begin again */
			for (int i = 0; i < flows; i++)
				send(p[i].fd, buf, SIZE, 0);
	}
	report(came);
	return 0;
}

static void put(char *p, size_t at, size_t n, unsigned v)
{
	while (n--) {
		p[at + n] = (char)v;
		v >>= 8;
	}
}

/* A ClientHello for www.example.org, padded to HELLO bytes (RFC 8446, 6066, 7685). */
static void make_hello(char *p)
{
	static const char name[] = "www.example.org";
	const unsigned n = sizeof(name) - 1;

	memset(p, 0, HELLO);
	put(p, 0, 3, 0x160301);
	put(p, 3, 2, HELLO - 5);
	put(p, 5, 4, 1 << 24 | (HELLO - 9));
	put(p, 9, 2, 0x0303);
	put(p, 44, 4, 0x00021301); /* after 32 bytes and no session: one cipher suite */
	put(p, 48, 2, 0x0100);
	put(p, 50, 2, HELLO - 52);
	put(p, 52, 4, n + 5);
	put(p, 56, 2, n + 3);
	put(p, 59, 2, n);
	memcpy(p + 61, name, n);
	put(p, 61 + n, 2, 21);
	put(p, 63 + n, 2, HELLO - 65 - n);
}

static int listen_at(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0)
		return -1;
	return fd;
}

/* The server closes first, so that ports of the client are free at once. */
static int serve(int port)
{
	static char answer[ANSWER], buf[2 * HELLO];
	static struct pollfd p[2 * FLOWS_MAX];
	static size_t got[2 * FLOWS_MAX];
	int n = 1;

	p[0] = (struct pollfd){listen_at(port), POLLIN, 0};
	while (p[0].fd >= 0 && poll(p, (nfds_t)n, -1) > 0) {
		for (int i = n; --i > 0;) {
			ssize_t k = p[i].revents ? recv(p[i].fd, buf, sizeof(buf), 0) : 0;

			got[i] += k > 0 ? (size_t)k : 0;
			if (!p[i].revents || (k > 0 && got[i] < HELLO))
				continue;
			if (got[i] >= HELLO)
				send(p[i].fd, answer, sizeof(answer), MSG_NOSIGNAL);
			close(p[i].fd);
			p[i] = p[--n];
			got[i] = got[n];
		}
		while (p[0].revents && n < 2 * FLOWS_MAX &&
		       (p[n].fd = accept(p[0].fd, NULL, NULL)) >= 0) {
			p[n].events = POLLIN;
			got[n++] = 0;
		}
	}
	return 1;
}

static int dial(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connect(fd, (const struct sockaddr *)to, sizeof(*to));
	return fd;
}

static int connect_again(char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
	double end = now() + atof(argv[2]);
	static size_t got[FLOWS_MAX];
	struct pollfd p[FLOWS_MAX];
	int flows = atoi(argv[3]);
	char hello[HELLO], buf[2 * ANSWER];
	unsigned long came = 0;

	make_hello(hello);
	inet_pton(AF_INET, argv[0], &to.sin_addr);
	for (int i = 0; i < flows; i++)
		p[i] = (struct pollfd){dial(&to), POLLOUT, 0};
	while (now() < end) {
		poll(p, (nfds_t)flows, 100);
		for (int i = 0; i < flows; i++) {
			bool out = p[i].events == POLLOUT;
			ssize_t k;

			if (!p[i].revents)
				continue;
			k = out ? send(p[i].fd, hello, HELLO, MSG_NOSIGNAL)
				: recv(p[i].fd, buf, sizeof(buf), 0);
			if (k > 0) {
				p[i].events = POLLIN;
				got[i] += out ? 0 : (size_t)k;
				continue;
			}
			came += got[i] == ANSWER;
			got[i] = 0;
			close(p[i].fd);
			p[i] = (struct pollfd){dial(&to), POLLOUT, 0};
		}
	}
	report(came);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "stock"))
		return stock(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "echo"))
		return echo(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	if (argc == 6 && !strcmp(argv[1], "connect") && atoi(argv[5]) <= FLOWS_MAX)
		return connect_again(argv + 2);
	if (argc == 7 && !strcmp(argv[1], "ask") && atoi(argv[5]) <= FLOWS_MAX)
		return ask(argv + 2);
	return 2;
}
