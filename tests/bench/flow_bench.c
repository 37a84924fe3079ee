/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets for tests/bench/report. On veth whoever sends does all the work of the path, so what a batch
 * takes is what its packets cost; the median of the batches leaves out those that were interrupted.
 *
 *	flow_bench new|same SOURCE TARGET PORT N   N UDP packets, each of a new flow or all of one: ns a packet
 *	flow_bench answer SOURCE TARGET PORT       one packet back, so that such a flow is established
 *	flow_bench connect TARGET PORT N           N TCP connections, one after the other: connections a second
 *	flow_bench accept PORT                     accepts them, until it is killed
 *	flow_bench forget                          the connections that this network namespace knows
 *	flow_bench peak COMMAND...                 kilobytes that one of its processes had at most
 */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 250
#define FIRST_PORT 2000

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void pin(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static struct sockaddr_in address(const char *ip, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, ip, &a.sin_addr) != 1)
		die(ip);
	return a;
}

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	char data[22]; /* a frame of 64 bytes */
};

static struct packet packet(const char *source, const char *target, int from, int to)
{
	struct packet p = {.ip = {.version = 4, .ihl = 5, .tot_len = htons(sizeof(p)), .ttl = 64,
				  .protocol = IPPROTO_UDP}};

	p.ip.saddr = address(source, 0).sin_addr.s_addr;
	p.ip.daddr = address(target, 0).sin_addr.s_addr;
	p.udp.source = htons((uint16_t)from);
	p.udp.dest = htons((uint16_t)to);
	p.udp.len = htons(sizeof(p) - sizeof(p.ip)); /* no checksum, which UDP allows */
	return p;
}

static int answer(const char *source, const char *target, int port)
{
	struct packet p = packet(source, target, port, FIRST_PORT);
	struct sockaddr_in to = address(target, 0);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (fd < 0 || sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("answer");
	return 0;
}

static int send_packets(int new, const char *source, const char *target, int port, int n)
{
	struct packet p = packet(source, target, FIRST_PORT, port);
	struct sockaddr_in to = address(target, 0);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), batches = n / BATCH, sent = 0;
	int64_t *took = calloc((size_t)batches + 1, sizeof(*took));

	if (fd < 0 || !took || !batches || n > 65535 - FIRST_PORT)
		die("flow_bench");
	pin();
	for (int b = 0; b < batches; b++) {
		int64_t begun = now();

		for (int i = 0; i < BATCH; i++, sent++) {
			if (new)
				p.udp.source = htons((uint16_t)(FIRST_PORT + sent));
			if (sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
				die("sendto");
		}
		took[b] = now() - begun;
	}
	qsort(took, (size_t)batches, sizeof(*took), by_size);
	printf("%.1f\n", (double)took[batches / 2] / BATCH);
	free(took);
	return 0;
}

static int connect_all(const char *target, int port, int n)
{
	struct sockaddr_in to = address(target, port);
	struct linger at_once = {.l_onoff = 1};
	int64_t begun = now();

	for (int i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		/* With a reset, so that no port waits for its time to pass. */
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) ||
		    connect(fd, (struct sockaddr *)&to, sizeof(to)))
			die("connect");
		close(fd);
	}
	printf("%.0f\n", n * 1e9 / (double)(now() - begun));
	return 0;
}

static _Noreturn void accept_all(int port)
{
	struct sockaddr_in at = address("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1024))
		die("listen");
	puts("ready");
	fflush(stdout);
	for (;;)
		close(accept(fd, NULL, NULL));
}

static int forget(void)
{
	struct {
		struct nlmsghdr h;
		struct nfgenmsg g;
	} m = {.h = {.nlmsg_len = sizeof(m),
		     .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
		     .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
	       .g = {.nfgen_family = AF_INET}};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);

	if (fd < 0 || send(fd, &m, sizeof(m), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		die("netlink");
	close(fd);
	return answer.e.error != 0;
}

static int peak(char **argv)
{
	struct rusage use;
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(127);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die(argv[0]);
	getrusage(RUSAGE_CHILDREN, &use);
	printf("%ld\n", use.ru_maxrss);
	return status != 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 6 && (!strcmp(what, "new") || !strcmp(what, "same")))
		return send_packets(*what == 'n', argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	if (argc == 5 && !strcmp(what, "answer"))
		return answer(argv[2], argv[3], atoi(argv[4]));
	if (argc == 5 && !strcmp(what, "connect"))
		return connect_all(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc == 3 && !strcmp(what, "accept"))
		accept_all(atoi(argv[2]));
	if (argc == 2 && !strcmp(what, "forget"))
		return forget();
	if (argc > 2 && !strcmp(what, "peak"))
		return peak(argv + 2);
	fputs("usage: see the head of flow_bench.c\n", stderr);
	return 2;
}
