/* SPDX-License-Identifier: GPL-2.0-or-later
 * Addresses as RFC 4291 and RFC 5952 write them, prefixes and ranges, and sets of intervals.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"
#include "util/ival.h"

/* What the text is read as, canonically; "!" and the reason if it is refused. */
static const char *canonical(struct arena *a, const char *text)
{
	const char *why = "no reason", *out;
	enum family family;
	struct buf b = {0};
	struct ival iv;

	if (!addr_parse_range(text, strlen(text), &family, &iv, &why))
		return arena_printf(a, "!%s", why);
	addr_print_range(&b, family, iv);
	out = arena_printf(a, "%d %s", family, b.data);
	buf_free(&b);
	return out;
}

/* RFC 5952, sections 4 and 5; RFC 4291, section 2.2. */
static void addresses(struct arena *a)
{
	SAME_TEXT(canonical(a, "192.0.2.1"), "4 192.0.2.1");
	SAME_TEXT(canonical(a, "0.0.0.0"), "4 0.0.0.0");
	SAME_TEXT(canonical(a, "2001:0db8::0001"), "6 2001:db8::1");
	SAME_TEXT(canonical(a, "2001:db8:0:0:0:0:2:1"), "6 2001:db8::2:1");
	SAME_TEXT(canonical(a, "2001:db8:0:1:1:1:1:1"), "6 2001:db8:0:1:1:1:1:1");
	SAME_TEXT(canonical(a, "2001:0:0:1:0:0:0:1"), "6 2001:0:0:1::1");
	SAME_TEXT(canonical(a, "2001:db8:0:0:1:0:0:1"), "6 2001:db8::1:0:0:1");
	SAME_TEXT(canonical(a, "2001:DB8::ABCD"), "6 2001:db8::abcd");
	SAME_TEXT(canonical(a, "::ffff:192.0.2.1"), "6 ::ffff:192.0.2.1");
	SAME_TEXT(canonical(a, "::"), "6 ::");
	CHECK(canonical(a, "192.0.2")[0] == '!');
	CHECK(canonical(a, "192.0.2.256")[0] == '!');
	CHECK(canonical(a, "192.0.2.01")[0] == '!');
	CHECK(canonical(a, "192.0.2.1.")[0] == '!');
	CHECK(canonical(a, "1::2::3")[0] == '!');
	CHECK(canonical(a, "12345::")[0] == '!');
	CHECK(canonical(a, "fe80::1%eth0")[0] == '!');
	CHECK(canonical(a, "")[0] == '!');
}

/* What inet_pton(3) takes for an IPv4 address, and nothing else, however it is broken. */
static void quads(void)
{
	static const char letters[] = "0123456789012345....";
	unsigned right = 0, wrong = 0, other = 0;

	srand(4);
	for (int i = 0; i < 200000; i++) {
		char text[20];
		size_t n = 0, taken;
		uint32_t got = 0;
		uint8_t want[4];

		if (i % 2) {
			n = (size_t)(rand() % 18);
			for (size_t k = 0; k < n; k++)
				text[k] = letters[rand() % 20];
			text[n] = '\0';
		} else {
			n = (size_t)snprintf(text, sizeof(text), "%d.%d.%d.%d", rand() % 300,
					     rand() % 260, rand() % 260, rand() % 1000);
		}
		taken = addr4_scan(text, n, &got);
		if (inet_pton(AF_INET, text, want) != 1) {
			wrong++;
			other += n && taken == n;
			continue;
		}
		right++;
		other += taken != n || got != ((uint32_t)want[0] << 24 | (uint32_t)want[1] << 16 |
					       (uint32_t)want[2] << 8 | want[3]);
	}
	SAME_NUMBER(other, 0);
	CHECK(right > 10000 && wrong > 10000);
}

static void prefixes(struct arena *a)
{
	SAME_TEXT(canonical(a, "10.0.0.0/8"), "4 10.0.0.0/8");
	SAME_TEXT(canonical(a, "0.0.0.0/0"), "4 0.0.0.0/0");
	SAME_TEXT(canonical(a, "::/0"), "6 ::/0");
	SAME_TEXT(canonical(a, "192.0.2.1/32"), "4 192.0.2.1");
	SAME_TEXT(canonical(a, "2001:db8::/128"), "6 2001:db8::");
	SAME_TEXT(canonical(a, "2001:db8:8000::/33"), "6 2001:db8:8000::/33");
	SAME_TEXT(canonical(a, "192.0.2.1/24"), "!has bits set beyond its prefix length");
	CHECK(canonical(a, "10.0.0.0/33")[0] == '!');
	CHECK(canonical(a, "2001:db8::/129")[0] == '!');
	CHECK(canonical(a, "10.0.0.0/")[0] == '!');
	CHECK(canonical(a, "10.0.0.0/8/8")[0] == '!');
	CHECK(canonical(a, "10.0.0.0/-1")[0] == '!');
	CHECK(canonical(a, "/8")[0] == '!');
}

static void ranges(struct arena *a)
{
	SAME_TEXT(canonical(a, "192.0.2.1-192.0.2.9"), "4 192.0.2.1-192.0.2.9");
	SAME_TEXT(canonical(a, "192.0.2.0-192.0.2.255"), "4 192.0.2.0/24");
	SAME_TEXT(canonical(a, "192.0.2.7-192.0.2.7"), "4 192.0.2.7");
	SAME_TEXT(canonical(a, "2001:db8::-2001:db8::ffff"), "6 2001:db8::/112");
	SAME_TEXT(canonical(a, "0.0.0.0-255.255.255.255"), "4 0.0.0.0/0");
	SAME_TEXT(canonical(a, "192.0.2.9-192.0.2.1"), "!the range ends before it begins");
	SAME_TEXT(canonical(a, "192.0.2.1-2001:db8::"), "!a range must stay within one family");
	CHECK(canonical(a, "192.0.2.1-")[0] == '!');
	CHECK(canonical(a, "-192.0.2.1")[0] == '!');
}

static const char *mac(struct arena *a, const char *text)
{
	struct buf b = {0};
	const char *out;
	u128 x;

	if (!mac_parse(text, strlen(text), &x))
		return "!";
	mac_print(&b, x);
	out = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* IEEE 802: six bytes; colons and no other sign between them */
static void macs(struct arena *a)
{
	SAME_TEXT(mac(a, "02:00:00:00:00:01"), "02:00:00:00:00:01");
	SAME_TEXT(mac(a, "FF:eE:0d:C0:9b:0A"), "ff:ee:0d:c0:9b:0a");
	SAME_TEXT(mac(a, "02-00-00-00-00-01"), "!");
	SAME_TEXT(mac(a, "02:00:00:00:00:1"), "!");
	SAME_TEXT(mac(a, "02:00:00:00:00:01:"), "!");
	SAME_TEXT(mac(a, "02:00:00:00:00:0g"), "!");
	SAME_TEXT(mac(a, "020:0:00:00:00:01"), "!");
	SAME_TEXT(mac(a, ":2:00:00:00:00:01"), "!");
}

static const char *ifname(struct arena *a, const char *text)
{
	struct buf b = {0};
	struct ival iv;
	const char *out;

	if (!ifname_parse(text, strlen(text), &iv))
		return "!";
	ifname_print(&b, iv);
	out = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* As the kernel's dev_valid_name(): at most 15 bytes, no '/', no ':', no blank, not "." or "..". */
static void interfaces(struct arena *a)
{
	struct ival wild, exact, longer;

	SAME_TEXT(ifname(a, "eth0"), "eth0");
	SAME_TEXT(ifname(a, "eth0.10"), "eth0.10");
	SAME_TEXT(ifname(a, "wg*"), "wg*");
	SAME_TEXT(ifname(a, "fifteen-letters"), "fifteen-letters");
	SAME_TEXT(ifname(a, "sixteen--letters"), "!");
	SAME_TEXT(ifname(a, ""), "!");
	SAME_TEXT(ifname(a, "*"), "!");
	SAME_TEXT(ifname(a, "."), "!");
	SAME_TEXT(ifname(a, ".."), "!");
	SAME_TEXT(ifname(a, "a/b"), "!");
	SAME_TEXT(ifname(a, "a:b"), "!");
	SAME_TEXT(ifname(a, "a*b"), "!");
	SAME_TEXT(ifname(a, "a b"), "!");
	ifname_parse("wg*", 3, &wild);
	ifname_parse("wg0", 3, &exact);
	ifname_parse("wf9", 3, &longer);
	CHECK(wild.lo <= exact.lo && exact.hi <= wild.hi && exact.lo == exact.hi);
	CHECK(longer.hi < wild.lo);
}

static struct ivset set_of(struct arena *a, size_t n, const struct ival *v)
{
	struct ivset s = {0};

	for (size_t i = 0; i < n; i++)
		vec_push(a, &s, v[i]);
	ivset_normalise(&s);
	return s;
}

static const char *show(struct arena *a, const struct ivset *s)
{
	const char *out = "";

	for (size_t i = 0; i < s->n; i++)
		out = arena_printf(a, "%s%s%llu-%llu", out, i ? " " : "",
				   (unsigned long long)s->v[i].lo, (unsigned long long)s->v[i].hi);
	return out;
}

static void sets(struct arena *a)
{
	struct ivset x = set_of(a, 4, (struct ival[]){{30, 40}, {1, 5}, {6, 9}, {35, 50}});
	struct ivset y = set_of(a, 2, (struct ival[]){{5, 34}, {45, 45}});
	struct ivset top = ivset_one(a, ~(u128)0 - 1, ~(u128)0), all = ivset_one(a, 0, ~(u128)0);
	struct ivset none = {0}, out;

	SAME_TEXT(show(a, &x), "1-9 30-50");
	CHECK(ivset_contains(&x, 1) && ivset_contains(&x, 9) && ivset_contains(&x, 30));
	CHECK(!ivset_contains(&x, 0) && !ivset_contains(&x, 10) && !ivset_contains(&x, 51));
	CHECK(ivset_overlaps(&x, &y) && !ivset_overlaps(&x, &none));
	out = ivset_subtract(a, &x, &y);
	SAME_TEXT(show(a, &out), "1-4 35-44 46-50");
	out = ivset_subtract(a, &y, &x);
	SAME_TEXT(show(a, &out), "10-29");
	out = ivset_intersect(a, &x, &y);
	SAME_TEXT(show(a, &out), "5-9 30-34 45-45");
	CHECK(ivset_covers(&x, &out) && ivset_covers(&y, &out) && !ivset_covers(&y, &x));
	CHECK(ivset_covers(&x, &none) && !ivset_covers(&none, &x));
	/* at the very end of the number space nothing may wrap around */
	out = ivset_subtract(a, &all, &top);
	CHECK(out.n == 1 && out.v[0].lo == 0 && out.v[0].hi == ~(u128)0 - 2);
	out = ivset_subtract(a, &top, &all);
	SAME_NUMBER(out.n, 0);
	out = set_of(a, 2, (struct ival[]){{~(u128)0, ~(u128)0}, {5, ~(u128)0 - 1}});
	CHECK(out.n == 1 && out.v[0].lo == 5 && out.v[0].hi == ~(u128)0);
}

static void prefix_lengths(void)
{
	SAME_NUMBER(ival_prefixlen((struct ival){0, 255}, 32), 24);
	SAME_NUMBER(ival_prefixlen((struct ival){7, 7}, 32), 32);
	SAME_NUMBER(ival_prefixlen((struct ival){0, u128_max(32)}, 32), 0);
	SAME_NUMBER(ival_prefixlen((struct ival){0, u128_max(128)}, 128), 0);
	SAME_NUMBER(ival_prefixlen((struct ival){1, 2}, 32), -1);
	SAME_NUMBER(ival_prefixlen((struct ival){2, 5}, 32), -1);
	SAME_NUMBER(ival_prefixlen((struct ival){0, 254}, 32), -1);
}

int main(void)
{
	struct arena *a = arena_new();

	addresses(a);
	prefixes(a);
	ranges(a);
	interfaces(a);
	macs(a);
	sets(a);
	prefix_lengths();
	quads();
	arena_free(a);
	return test_end();
}
