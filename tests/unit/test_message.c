/* SPDX-License-Identifier: GPL-2.0-or-later
 * Messages between processes: short ones as bytes, long ones as a sealed memory file, and nothing
 * that only looks like one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/message.h"
#include "test.h"

#define IN_FILE ((uint32_t)1 << 31)

static int pair[2];

static void test_both_ways(size_t n)
{
	struct buf sent = {0}, got = {0};

	for (size_t i = 0; i < n; i++)
		buf_putc(&sent, (char)(i * 7));
	CHECK(message_send_long(pair[0], &sent) == 0);
	CHECK(message_receive(pair[1], &got) == 0);
	CHECK(got.len == n && !memcmp(buf_str(&got), buf_str(&sent), n));
	buf_free(&sent);
	buf_free(&got);
}

/* What a memory file of that size and with those seals is taken for. */
static int received(uint32_t said, off_t size, int seals)
{
	int file = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;
	struct buf got = {0};

	CHECK(ftruncate(file, size) == 0);
	if (seals)
		CHECK(fcntl(file, F_ADD_SEALS, seals) == 0);
	said |= IN_FILE;
	CHECK(send(pair[0], &said, sizeof(said), 0) == sizeof(said));
	CHECK(message_pass(pair[0], file) == 0);
	err = message_receive(pair[1], &got);
	CHECK(err || got.len == (size_t)size);
	buf_free(&got);
	close(file);
	return err;
}

static void test_files(void)
{
	const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	SAME_NUMBER(received(100000, 100000, all), 0);
	SAME_NUMBER(received(100000, 100000, 0), -EPROTO);
	SAME_NUMBER(received(100000, 100000, F_SEAL_SHRINK | F_SEAL_GROW), -EPROTO);
	SAME_NUMBER(received(100000, 100000, F_SEAL_WRITE | F_SEAL_GROW), -EPROTO);
	SAME_NUMBER(received(100000, 99999, all), -EPROTO);
	SAME_NUMBER(received(100000, 100001, all), -EPROTO);
}

int main(void)
{
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	test_both_ways(0);
	test_both_ways(5);
	test_both_ways(65536);
	test_both_ways(65537);
	test_both_ways(3000000);
	test_files();
	return test_end();
}
