/* SPDX-License-Identifier: GPL-2.0-or-later
 * Between the files that read what iptables-nft has in its rules.
 */
#ifndef FWC_READ_XT_H
#define FWC_READ_XT_H

#include "nft/read_machine.h"

struct xt { /* one match or target */
	const char *name;
	uint64_t revision;
	struct tlv info;
};

/* The structure, if there are bytes enough for it. */
bool xt_info(const struct xt *x, void *to, size_t n);

/* ---- read_xt_match.c ---- */

/* false: it is not understood, and statements may have been added. */
bool read_xt_match(struct machine *m, const struct xt *x);

#endif
