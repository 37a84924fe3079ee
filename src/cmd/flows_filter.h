/* SPDX-License-Identifier: GPL-2.0-or-later
 * Words of the command line -> which connections are meant.
 */
#ifndef FWC_FLOWS_FILTER_H
#define FWC_FLOWS_FILTER_H

#include "apply/flows.h"
#include "util/diag.h"

struct flows_filter {
	struct filter_term *v;
	size_t n, cap;
};

/* False after a report: some word means nothing. Zones and interfaces are those of f,
 * services, hosts and sets those of the policy in `config`. */
bool flows_filter_parse(struct flows_filter *out, const struct flows *f, const char *config,
			char **words, int n, struct diag *diag);
/* All terms hold. */
bool flows_filter_takes(const struct flows_filter *filter, const struct flows *f,
			const struct conn *c);

#endif
