/* SPDX-License-Identifier: GPL-2.0-or-later
 * Everything that can be said about the firewall as it stands.
 */
#ifndef FWC_STATUS_H
#define FWC_STATUS_H

#include "apply/offload.h"
#include "boot/boot.h"
#include "boot/panic.h"
#include "nft/foreign.h"
#include "nft/report.h"
#include "see/diff.h"
#include "see/ends.h"
#include "see/fetched.h"
#include "see/interfaces.h"
#include "see/quotas.h"
#include "store/sources.h"
#include "trial/note.h"

struct status_source {
	const char *path;
	enum source_state state;
};

struct status {
	struct panic panic;
	struct boot_note boot;
	struct trial trial;
	bool loaded; /* base chains of ours are there */
	bool known; /* what was applied is on record */
	bool hidden; /* the record is not for this user to read */
	bool public; /* the record is root's copy for others */
	struct artefact applied;
	json_t *record; /* or NULL */
	json_t *sysctl; /* of forwarding, now; or NULL */
	VEC(struct status_source) sources;
	/* fwc-inspectd */
	enum { HELPER_NONE, HELPER_RUNS, HELPER_GONE, HELPER_SILENT, HELPER_UNKNOWN } helper;
	json_t *judging; /* its own status, or NULL */
	const char *lacking; /* what this kernel refuses of it, or NULL */
	bool drift_known;
	bool dormant; /* the table sleeps: nothing filters */
	struct diff_lines drift; /* - only in the kernel, + missing there */
	struct deltas drift_packets; /* from what was applied to what the kernel holds */
	struct report_lines lines;
	struct ends ends;
	struct seen_sets fetched; /* sets whose content comes from elsewhere */
	struct quota_list quotas; /* that the kernel holds */
	struct foreigners foreign;
	struct interfaces interfaces; /* that do not meet the zones of what is applied */
	struct offload_devices offload; /* that there are */
	size_t offloaded; /* connections, now */
	bool legacy; /* iptables-legacy is in use, too */
	bool deep; /* what bulk sets hold was read ... */
	const char *bulk_differs; /* and this is different; or NULL */
};

/* 0 or -errno with why filled. What cannot be found out is left out. deep: reads what bulk sets of
 * what was applied hold, too. */
int status_gather(struct status *st, const char *netns, const struct store *s, bool deep,
		  struct arena *a, struct buf *why);
void status_free(struct status *st);
/* Loaded, and the kernel holds what was applied. */
bool status_good(const struct status *st);

#endif
