// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * streams: two streams of UDP packets, and how many of each arrive.
 *
 *	streams send RATE KIND...	until SIGTERM, then print what was sent
 *	streams recv PORT...		until SIGTERM, then print what arrived
 *
 * A KIND is STREAM,SOURCE,DESTINATION,PORT with STREAM allowed or denied. RATE is packets a second
 * of each stream; the kinds of a stream take turns. Every packet has a new source port (they come
 * round after SPORTS packets of a kind, which must take longer than the UDP timeout of conntrack on
 * the way), so each opens a flow and meets the rules. The stream is also in the TOS byte (DSCP 1
 * allowed, 2 denied), where counters on the way can see it behind any translation.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ALLOWED, DENIED, STREAMS };
enum { KINDS = 16, SPORTS = 30000, FIRST_SPORT = 10000, BATCH = 64, MAGIC = 0x66776331 };

static const char *const stream_names[STREAMS] = { "allowed", "denied" };
static volatile sig_atomic_t stop;

struct payload {
	uint32_t magic;
	uint8_t stream, kind;
	uint16_t pad;
	uint64_t seq;
};

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	struct payload data;
} __attribute__((packed));

struct kind {
	struct in_addr src, dst;
	uint16_t port;
};

struct stream {
	struct kind kinds[KINDS];
	unsigned int count;
	uint64_t sent, refused;
};

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_kind(struct stream *streams, char *text)
{
	char *name = strtok(text, ","), *src = strtok(NULL, ","), *dst = strtok(NULL, ",");
	char *port = strtok(NULL, ",");
	struct stream *s = &streams[strcmp(name ? name : "", "denied") == 0 ? DENIED : ALLOWED];
	struct kind *k = &s->kinds[s->count];

	if (!port || s->count == KINDS || inet_pton(AF_INET, src, &k->src) != 1 ||
	    inet_pton(AF_INET, dst, &k->dst) != 1) {
		fprintf(stderr, "streams: no kind: %s\n", text);
		exit(2);
	}
	k->port = (uint16_t)atoi(port);
	s->count++;
}

static void fill(struct packet *p, struct sockaddr_in *to, struct stream *streams, int which,
		 uint64_t seq)
{
	struct stream *s = &streams[which];
	unsigned int n = (unsigned int)(seq % s->count);
	struct kind *k = &s->kinds[n];

	*p = (struct packet) {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			.tos = (uint8_t)((which + 1) << 2),
			.saddr = k->src.s_addr, .daddr = k->dst.s_addr },
		.udp = { .source = htons((uint16_t)(FIRST_SPORT + seq / s->count % SPORTS)),
			 .dest = htons(k->port), .len = htons(sizeof(*p) - sizeof(p->ip)) },
		.data = { .magic = MAGIC, .stream = (uint8_t)which, .kind = (uint8_t)n,
			  .seq = seq },
	};
	*to = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr = k->dst };
}

/* Send a batch, the streams in turn; what the socket refuses was not sent. */
static void send_batch(int fd, struct stream *streams, unsigned int count)
{
	static struct packet packets[BATCH];
	static struct sockaddr_in to[BATCH];
	static struct iovec iov[BATCH];
	static struct mmsghdr msgs[BATCH];
	unsigned int i, done = 0;

	for (i = 0; i < count; i++) {
		int which = i % STREAMS;

		fill(&packets[i], &to[i], streams, which,
		     streams[which].sent + streams[which].refused + i / STREAMS);
		iov[i] = (struct iovec) { &packets[i], sizeof(packets[i]) };
		msgs[i].msg_hdr = (struct msghdr) { .msg_name = &to[i], .msg_namelen = sizeof(to[i]),
						    .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	while (done < count) {
		int n = sendmmsg(fd, msgs + done, count - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			streams[done % STREAMS].refused++;
			done++;
			continue;
		}
		for (i = 0; i < (unsigned int)n; i++)
			streams[(done + i) % STREAMS].sent++;
		done += (unsigned int)n;
	}
}

/*
 * A few packets at a time, at even distances: what is wrong for some microseconds is met only by who
 * is always there, and a burst would fill the kernel's queue between two interfaces and lose packets
 * that no rule has seen. What could not be sent in time is caught up with slowly.
 */
static int send_streams(double rate, struct stream *streams)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), size = 8 << 20;
	double start, due, elapsed;
	uint64_t ticks = 0;

	if (fd < 0)
		die("raw socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	prctl(PR_SET_TIMERSLACK, 1UL);
	start = now();
	while (!stop) {
		struct timespec pause = { .tv_nsec = 20000 };
		unsigned int count;

		due = (now() - start) * rate - (double)ticks;
		count = due < 0 ? 0 : due > BATCH / STREAMS ? BATCH / STREAMS : (unsigned int)due;
		if (count)
			send_batch(fd, streams, count * STREAMS);
		ticks += count;
		if (count < BATCH / STREAMS)
			nanosleep(&pause, NULL);
	}
	elapsed = now() - start;
	for (int i = 0; i < STREAMS; i++)
		printf("sent %s %llu refused %llu rate %.0f\n", stream_names[i],
		       (unsigned long long)streams[i].sent, (unsigned long long)streams[i].refused,
		       (double)streams[i].sent / elapsed);
	close(fd);
	return 0;
}

struct tally {
	uint64_t packets[STREAMS], kinds[STREAMS][KINDS];
};

static void receive(int fd, struct tally *tally)
{
	static struct payload data[BATCH];
	static struct iovec iov[BATCH];
	static struct mmsghdr msgs[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec) { &data[i], sizeof(data[i]) };
		msgs[i].msg_hdr = (struct msghdr) { .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	while ((n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL)) > 0) {
		for (int i = 0; i < n; i++) {
			struct payload *p = &data[i];

			if (msgs[i].msg_len != sizeof(*p) || p->magic != MAGIC ||
			    p->stream >= STREAMS || p->kind >= KINDS)
				continue;
			tally->packets[p->stream]++;
			tally->kinds[p->stream][p->kind]++;
		}
	}
}

static int open_port(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 64 << 20;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die(port);
	return fd;
}

static int receive_streams(int count, char **ports)
{
	struct pollfd fds[KINDS];
	struct tally tally = { 0 };
	uint64_t overflow = 0;

	if (count > KINDS)
		return 2;
	for (int i = 0; i < count; i++)
		fds[i] = (struct pollfd) { .fd = open_port(ports[i]), .events = POLLIN };
	puts("ready");
	fflush(stdout);
	while (!stop) {
		struct timespec pause = { .tv_nsec = 1000000 };

		poll(fds, (nfds_t)count, 200);
		for (int i = 0; i < count; i++)
			receive(fds[i].fd, &tally);
		nanosleep(&pause, NULL);
	}
	for (int i = 0; i < count; i++) {
		uint32_t mem[9] = { 0 };	/* SO_MEMINFO: the last is the socket's drops */
		socklen_t size = sizeof(mem);

		receive(fds[i].fd, &tally);
		if (!getsockopt(fds[i].fd, SOL_SOCKET, SO_MEMINFO, mem, &size))
			overflow += mem[8];
		close(fds[i].fd);
	}
	for (int s = 0; s < STREAMS; s++) {
		printf("received %s %llu\n", stream_names[s], (unsigned long long)tally.packets[s]);
		for (int k = 0; k < KINDS; k++)
			if (tally.kinds[s][k])
				printf("kind %s %d %llu\n", stream_names[s], k,
				       (unsigned long long)tally.kinds[s][k]);
	}
	printf("overflow %llu\n", (unsigned long long)overflow);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_term };
	struct stream streams[STREAMS] = { 0 };

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	if (argc > 3 && strcmp(argv[1], "send") == 0) {
		for (int i = 3; i < argc; i++)
			read_kind(streams, argv[i]);
		if (streams[ALLOWED].count && streams[DENIED].count)
			return send_streams(atof(argv[2]), streams);
	} else if (argc > 2 && strcmp(argv[1], "recv") == 0) {
		return receive_streams(argc - 2, argv + 2);
	}
	fputs("usage: streams send RATE KIND... | streams recv PORT...\n", stderr);
	return 2;
}
