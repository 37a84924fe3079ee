/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc set, of sets whose content comes from elsewhere: what they hold is shown, and not changed.
 */
#ifndef FWC_SET_FETCHED_H
#define FWC_SET_FETCHED_H

#include "cmd/cmd.h"
#include "fetch/fetch.h"
#include "nft/elements.h"

/* Of the rules in force, by name or by the path of a cgroup; NULL: there is none. All: out. */
const struct fetch_set *set_fetched_find(const struct globals *g, struct arena *a, const char *name,
					 struct fetch_sets *all);
/* What list shows, IPv4 and IPv6; false: it is no such set, or of a cgroup. */
bool set_fetched_held(const struct globals *g, struct arena *a, const char *name,
		      struct elements held[2]);
void set_fetched_list(const struct globals *g, struct arena *a, const struct fetch_set *s);
/* In a line, or as an object that is added to `to`. */
void set_fetched_head(const struct globals *g, struct arena *a, const struct fetch_set *s,
		      json_t *to);
/* Why it is not changed, and what does; address: what is to be added or taken away, or NULL. */
void set_fetched_refuse(const struct fetch_set *s, const char *address, bool takes_away);

#endif
