/* SPDX-License-Identifier: GPL-2.0-or-later
 * The reader of numbers, and SSH_CONNECTION (sshd(8)), which is made of some.
 */
#include "kernel/session.h"
#include "util/number.h"
#include "text.h"

static void decimal(void)
{
	uint64_t n = 1;

	CHECK(number_read("0", 1, 0, 9, &n) && n == 0);
	CHECK(number_read("65535", 5, 0, 65535, &n) && n == 65535);
	CHECK(number_read("007", 3, 0, 9, &n) && n == 7);
	CHECK(number_read("4294967295", 10, 0, UINT32_MAX, &n) && n == UINT32_MAX);
	CHECK(number_read("18446744073709551615", 20, 0, UINT64_MAX, &n) && n == UINT64_MAX);
	CHECK(number_read("12", 1, 0, 9, &n) && n == 1);
	n = 42;
	CHECK(!number_read("18446744073709551616", 20, 0, UINT64_MAX, &n));
	CHECK(!number_read("65536", 5, 0, 65535, &n));
	CHECK(!number_read("4294967296", 10, 0, UINT32_MAX, &n));
	CHECK(!number_read("99999999999999999999999", 23, 0, UINT64_MAX, &n));
	CHECK(!number_read("1", 1, 2, 9, &n));
	CHECK(!number_read("", 0, 0, 9, &n));
	CHECK(!number_read("-1", 2, 0, 9, &n));
	CHECK(!number_read("+1", 2, 0, 9, &n));
	CHECK(!number_read(" 1", 2, 0, 9, &n));
	CHECK(!number_read("1 ", 2, 0, 9, &n));
	CHECK(!number_read("1x", 2, 0, 99, &n));
	CHECK(!number_read("0x1", 3, 0, 99, &n));
	CHECK(!number_word(NULL, 0, 9, &n));
	CHECK(n == 42); /* what is none writes none */
}

static void others(void)
{
	const char *s = "12,34";
	uint64_t n;

	CHECK(number_take(&s, 0, 99, &n) && n == 12 && *s == ',');
	CHECK(!number_take(&s, 0, 99, &n) && *s == ',');
	s = "100,";
	CHECK(!number_take(&s, 0, 99, &n) && *s == '1');
	CHECK(number_any("0xff", 4, 255, &n) && n == 255);
	CHECK(number_any("010", 3, 255, &n) && n == 10);
	CHECK(!number_any("0x100", 5, 255, &n));
	CHECK(!number_any("0x", 2, 255, &n));
	CHECK(!number_any("0xg", 3, 255, &n));
	CHECK(!number_any("ff", 2, 255, &n));
	CHECK(number_hex("DeadBeef", 8, UINT32_MAX, &n) && n == 0xdeadbeef);
	CHECK(!number_hex("1deadbeef", 9, UINT32_MAX, &n));
	CHECK(!number_hex("", 0, 9, &n));
}

static void seconds(void)
{
	uint64_t n;

	CHECK(number_seconds("2", 100, 3600000, &n) && n == 2000);
	CHECK(number_seconds("0.1", 100, 3600000, &n) && n == 100);
	CHECK(number_seconds("0.25", 100, 3600000, &n) && n == 250);
	CHECK(number_seconds("3600.000", 100, 3600000, &n) && n == 3600000);
	CHECK(!number_seconds("0.099", 100, 3600000, &n));
	CHECK(!number_seconds("3600.001", 100, 3600000, &n));
	CHECK(!number_seconds("0.1000", 100, 3600000, &n));
	CHECK(!number_seconds(".5", 100, 3600000, &n));
	CHECK(!number_seconds("1.", 100, 3600000, &n));
	CHECK(!number_seconds("1e3", 100, 3600000, &n));
	CHECK(!number_seconds("nan", 0, 3600000, &n));
	CHECK(!number_seconds("inf", 0, 3600000, &n));
	CHECK(!number_seconds("-1", 0, 3600000, &n));
	CHECK(!number_seconds("", 0, 3600000, &n));
	CHECK(!number_seconds(NULL, 0, 3600000, &n));
}

static void sessions(void)
{
	struct session_ends s;

	CHECK(session_ends("192.0.2.1 50000 192.0.2.2 22", &s) && s.family == FAM_IP4 &&
	      s.client == 0xc0000201 && s.server == 0xc0000202 && s.client_port == 50000 &&
	      s.server_port == 22);
	CHECK(session_ends("fe80::1%eth0 1 fe80::2%eth0 65535", &s) && s.family == FAM_IP6 &&
	      (uint64_t)s.client == 1 && s.server_port == 65535);
	/* an sshd that listens on [::] alone names IPv4 so */
	CHECK(session_ends("::ffff:192.0.2.9 50000 ::ffff:192.0.2.2 22", &s) &&
	      s.family == FAM_IP4 && s.client == 0xc0000209);
	CHECK(!session_ends("192.0.2.1 50000 192.0.2.2 0", &s));
	CHECK(!session_ends("192.0.2.1 50000 192.0.2.2 65536", &s));
	CHECK(!session_ends("192.0.2.1 65536 192.0.2.2 22", &s));
	CHECK(!session_ends("192.0.2.1 50000 192.0.2.2 4294967318", &s));
	CHECK(!session_ends("192.0.2.1 50000 192.0.2.2 -1", &s));
	CHECK(!session_ends("192.0.2.1 50000 192.0.2.2 22x", &s));
	CHECK(!session_ends("192.0.2.1 50000 192.0.2.2 22 7", &s));
	CHECK(!session_ends("192.0.2.1 50000 192.0.2.2", &s));
	CHECK(!session_ends("192.0.2.1 50000 2001:db8::1 22", &s));
	CHECK(!session_ends("UNKNOWN 65535 UNKNOWN 65535", &s));
	CHECK(!session_ends("", &s));
}

int main(void)
{
	decimal();
	others();
	seconds();
	sessions();
	return test_end();
}
