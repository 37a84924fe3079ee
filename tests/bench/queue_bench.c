/* SPDX-License-Identifier: GPL-2.0-or-later
 * For tests/bench/inspect: the textbook loop of libnetfilter_queue, and traffic to put through it.
 *
 *	queue_bench stock QUEUE			one packet, one verdict, until killed
 *	queue_bench echo PORT			sends UDP back, until killed
 *	queue_bench ask ADDRESS PORT SECONDS FLOWS WINDOW
 *		keeps WINDOW datagrams of 100 bytes on their way in each of FLOWS; prints how many
 *came back
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE 100
#define FLOWS_MAX 256

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

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ask(char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
	int flows = atoi(argv[3]), window = atoi(argv[4]);
	double end = now() + atof(argv[2]), heard = now();
	struct pollfd p[FLOWS_MAX];
	char buf[2000] = {0};
	unsigned long came = 0, sent = 0;

	inet_pton(AF_INET, argv[0], &to.sin_addr);
	for (int i = 0; i < flows; i++) {
		p[i] = (struct pollfd){socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), POLLIN, 0};
		if (connect(p[i].fd, (struct sockaddr *)&to, sizeof(to)) < 0)
			return 1;
		for (int k = 0; k < window; k++)
			sent += send(p[i].fd, buf, SIZE, 0) == SIZE;
	}
	while (now() < end) {
		poll(p, (nfds_t)flows, 100);
		for (int i = 0; i < flows; i++) {
			while (p[i].revents && recv(p[i].fd, buf, sizeof(buf), 0) > 0) {
				came++;
				heard = now();
				sent += send(p[i].fd, buf, SIZE, 0) == SIZE;
			}
		}
		if (now() - heard > 1) /* all were lost: begin again */
			for (int i = 0; i < flows; i++)
				sent += send(p[i].fd, buf, SIZE, 0) == SIZE;
	}
	printf("%lu %lu\n", came, sent);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "stock"))
		return stock(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "echo"))
		return echo(atoi(argv[2]));
	if (argc == 7 && !strcmp(argv[1], "ask") && atoi(argv[5]) <= FLOWS_MAX)
		return ask(argv + 2);
	return 2;
}
