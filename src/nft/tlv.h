/* SPDX-License-Identifier: GPL-2.0-or-later
 * Netlink messages and their attributes, taken apart: <linux/netlink.h>, struct nlmsghdr and struct
 * nlattr. Nothing is copied: what is yielded points into the bytes that were given. Numbers of
 * nf_tables are big endian.
 */
#ifndef FWC_TLV_H
#define FWC_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct tlv { /* one attribute, or any bytes */
	const uint8_t *p; /* NULL: it is not there */
	size_t n;
};

struct tlv_message {
	uint16_t type, flags; /* nlmsg_type, nlmsg_flags */
	uint32_t seq;
	uint8_t family; /* nfgen_family */
	uint16_t res_id; /* host order */
	struct tlv body; /* attributes behind struct nfgenmsg; of NLMSG_ERROR and _DONE all of it */
};

/* Takes the first message off *bytes. False at the end, or where there is none. */
bool tlv_message(struct tlv *bytes, struct tlv_message *out);
/* Takes the first attribute off *bytes: its type without flags, its value. */
bool tlv_next(struct tlv *bytes, uint16_t *type, struct tlv *value);
/* Whether attributes are all that the bytes are. */
bool tlv_whole(struct tlv bytes);
/* The same, and none comes twice; no attribute is of type 0. */
bool tlv_sound(struct tlv bytes);
/* Sorts the attributes of *bytes by type: out[type] for types up to max. False if one is of another
 * type or of type 0, comes twice, or if the bytes are no attributes: *bytes says more than was
 * taken. */
bool tlv_sort(struct tlv bytes, struct tlv *out, size_t max);

/* Big endian numbers of 1, 2, 4 or 8 bytes; 0 where the attribute is not there. */
uint64_t tlv_number(struct tlv t);
/* Whether it is text: one NUL, at its end. */
bool tlv_is_text(struct tlv t);
bool tlv_same(struct tlv a, struct tlv b);
bool tlv_is(struct tlv t, const char *text);
/* Whether a message of nf_tables is of that table: attribute 1 of every object names its own. */
bool tlv_of_table(const struct tlv_message *m, uint8_t family, const char *table);

/* Attributes of sets that the header may not have: which back end it is (with an address), and how
 * many elements there are; Linux 6.18. */
#define TLV_SET_TYPE 19
#define TLV_SET_COUNT 20

/* One attribute behind what was written; the beginning of `out` is aligned. False, and nothing
 * written, if it is longer than attributes can be. */
bool tlv_put(struct buf *out, uint16_t type, struct tlv value);

#endif
