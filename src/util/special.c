/* SPDX-License-Identifier: GPL-2.0-or-later
 * The registries of special addresses (RFC 6890), as far as they are local to somebody. Networks
 * for documents and for benchmarks are not: nobody has them, so nothing can be meant by them.
 */
#include "util/special.h"

#define IP6(hextet) ((u128)(hextet) << 112)

static const struct {
	enum family family;
	u128 lo;
	int length;
} special[] = {
	{FAM_IP4, 0x00000000, 8},
	{FAM_IP4, 0x0a000000, 8},
	{FAM_IP4, 0x64400000, 10}, /* 100.64.0.0: behind a provider's translation */
	{FAM_IP4, 0x7f000000, 8},
	{FAM_IP4, 0xa9fe0000, 16},
	{FAM_IP4, 0xac100000, 12},
	{FAM_IP4, 0xc0a80000, 16},
	{FAM_IP4, 0xe0000000, 4},
	{FAM_IP4, 0xf0000000, 4},
	{FAM_IP6, 0, 96}, /* ::, ::1, and IPv4 in old clothes */
	{FAM_IP6, (u128)0xffff << 32, 96}, /* IPv4 in new ones */
	{FAM_IP6, IP6(0xfc00), 7},
	{FAM_IP6, IP6(0xfe80), 10},
	{FAM_IP6, IP6(0xfec0), 10},
	{FAM_IP6, IP6(0xff00), 8},
};

static struct ival range_of(size_t i)
{
	u128 rest = u128_max((special[i].family == FAM_IP4 ? 32 : 128) - special[i].length);

	return (struct ival){special[i].lo, special[i].lo | rest};
}

#define NSPECIAL (sizeof(special) / sizeof(special[0]))

bool special_address(enum family family, u128 address)
{
	for (size_t i = 0; i < NSPECIAL; i++) {
		struct ival r = range_of(i);

		if (special[i].family == family && address >= r.lo && address <= r.hi)
			return true;
	}
	return false;
}

void special_all(struct bulk *out, struct arena *a)
{
	*out = (struct bulk){0};
	for (size_t i = 0; i < NSPECIAL; i++)
		bulk_add(out, special[i].family, range_of(i));
	bulk_settle(out, a);
}
