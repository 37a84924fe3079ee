/* SPDX-License-Identifier: GPL-2.0-or-later
 * What this kernel's nftables can do, found out by trying.
 */
#ifndef FWC_FEATURES_H
#define FWC_FEATURES_H

#include "kernel/nftrun.h"

enum feature {
	FEAT_INET,
	FEAT_CT,
	FEAT_VMAP,
	FEAT_INTERVAL,
	FEAT_CONCAT_INTERVAL,
	FEAT_ELEM_COUNTER,
	FEAT_DYNSET,
	FEAT_LIMIT,
	FEAT_CONNLIMIT,
	FEAT_LOG,
	FEAT_REJECT,
	FEAT_FIB,
	FEAT_NAT,
	FEAT_MASQUERADE,
	FEAT_REDIRECT,
	FEAT_NUMGEN,
	FEAT_MSS,
	FEAT_RT_MTU,
	FEAT_SKUID,
	FEAT_CGROUP,
	FEAT_TIME,
	FEAT_QUEUE,
	FEAT_FLOWTABLE,
	FEAT_TPROXY,
	FEAT_HELPER,
	FEAT_HASH,
	FEAT_PAYLOAD,
	FEAT_NFLOG,
	NFEATURES,
};

struct feature_info {
	const char *name; /* for people: "interval concatenations" */
	const char *script; /* what is tried */
	const char *option; /* of the kernel's configuration */
};
extern const struct feature_info feature_table[NFEATURES];

/* has[f]: works here. 0 or -errno with *why filled (buf_free() it). */
int features_probe(bool has[NFEATURES], struct buf *why);
/* Whether it has a connection helper, for which it may load a module. Where nothing can be tried it
 * is taken to have it. */
bool features_helper(const char *type, uint8_t proto);
/* The same of flowtables. */
bool features_flowtable(void);

#endif
