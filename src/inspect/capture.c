/* SPDX-License-Identifier: GPL-2.0-or-later
 * pcap (a header of 24 bytes, then records) and pcapng (blocks: sections, interfaces, packets), of
 * either byte order. Blocks that hold no packet are passed over.
 */
#include "inspect/capture.h"

#include <string.h>

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1
#define BLOCK_SIMPLE 3
#define BLOCK_ENHANCED 6

static uint32_t get(const struct capture *c, size_t at, unsigned width)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < width; i++)
		v = v << 8 | c->p[at + (c->big ? i : width - 1 - i)];
	return v;
}

bool capture_begin(struct capture *c, const uint8_t *p, size_t n)
{
	static const uint8_t section[] = {0x0a, 0x0d, 0x0d, 0x0a};
	uint32_t magic;

	*c = (struct capture){.p = p, .n = n};
	if (n >= 12 && !memcmp(p, section, 4)) {
		c->ng = true;
		return true;
	}
	if (n < 24)
		return false;
	c->big = p[0] == 0xa1;
	magic = get(c, 0, 4);
	if (magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) /* micro- or nanoseconds */
		return false;
	c->links[0] = get(c, 20, 4) & 0xffff;
	c->ninterfaces = 1;
	c->off = 24;
	return true;
}

static bool end(struct capture *c, const char *flaw)
{
	c->flaw = flaw;
	c->off = c->n;
	return false;
}

static bool next_record(struct capture *c, struct frame *out)
{
	uint32_t have;

	if (c->off == c->n)
		return false;
	if (c->n - c->off < 16)
		return end(c, "the last record is not whole");
	have = get(c, c->off + 8, 4);
	if (have > c->n - c->off - 16)
		return end(c, "the last record is not whole");
	*out = (struct frame){c->p + c->off + 16, have, c->links[0], get(c, c->off + 12, 4) > have};
	c->off += 16 + have;
	return true;
}

/* A block of `len` bytes at `at`; true if it holds a packet. */
static bool read_block(struct capture *c, uint32_t type, size_t at, size_t len, struct frame *out)
{
	uint32_t interface = 0, have, sent;
	size_t head = type == BLOCK_SIMPLE ? 12 : 28;

	if (type == BLOCK_INTERFACE && len >= 20) {
		if (c->ninterfaces < CAPTURE_INTERFACES)
			c->links[c->ninterfaces] = get(c, at + 8, 2);
		c->ninterfaces++;
	}
	if ((type != BLOCK_SIMPLE && type != BLOCK_ENHANCED) || len < head + 4)
		return false;
	if (type == BLOCK_ENHANCED)
		interface = get(c, at + 8, 4);
	sent = get(c, at + (type == BLOCK_SIMPLE ? 8 : 24), 4);
	have = type == BLOCK_SIMPLE ? sent : get(c, at + 20, 4);
	if (have > len - head - 4) {
		if (type == BLOCK_ENHANCED)
			return end(c, "a block is broken");
		have = (uint32_t)(len - head - 4);
	}
	if (interface >= c->ninterfaces || interface >= CAPTURE_INTERFACES)
		return end(c, "a packet names an interface that was not described");
	*out = (struct frame){c->p + at + head, have, c->links[interface], sent > have};
	return true;
}

static bool next_block(struct capture *c, struct frame *out)
{
	while (c->off < c->n) {
		size_t at = c->off, len;
		uint32_t type;

		if (c->n - at < 12)
			return end(c, "the last block is not whole");
		type = get(c, at, 4);
		if (type == BLOCK_SECTION) { /* it says its own byte order */
			c->big = c->p[at + 8] == 0x1a;
			c->ninterfaces = 0;
		}
		len = get(c, at + 4, 4);
		if (len < 12 || len % 4 || len > c->n - at)
			return end(c, "a block is broken");
		c->off += len;
		if (read_block(c, type, at, len, out))
			return true;
	}
	return false;
}

bool capture_next(struct capture *c, struct frame *out)
{
	return c->ng ? next_block(c, out) : next_record(c, out);
}
