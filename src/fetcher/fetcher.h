/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc-fetch: who speaks with strangers for `fwc refresh`. A program of its own, so that what loads
 * the firewall at boot has none of these libraries in it, and nothing of root's is in this memory.
 *
 *	fwc-fetch names MS		names on standard input, one a line; for each the answer on
 *					standard output: "NAME SECONDS ADDRESS..." or "NAME - WHY"
 *	fwc-fetch url MS BYTES [private]
 *					standard input: the URL, then lines "etag ..." and
 *					"modified ..." of the last time; what comes goes to standard
 *					output, and what there is to say of it to standard error:
 *					"status 200", "etag ...", "modified ...", or "why ..."
 *	fwc-fetch try WORD		whether it may do that: for tests
 *
 * Each is locked in before it reads anything.
 */
#ifndef FWC_FETCHER_H
#define FWC_FETCHER_H

#include <ares.h>
#include <sys/select.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/ival.h"

/* ---- resolve.c ---- */

struct resolver {
	fd_set in, out; /* which it waits for, below nfds */
	int nfds;
	size_t asked; /* and not answered yet */
	ares_channel channel;
	uint64_t deadline; /* fetcher_now() */
};

struct resolved { /* of one name and family */
	struct resolver *by; /* who was asked */
	const char *name;
	enum family family;
	struct arena *arena;
	int status; /* ARES_SUCCESS, ARES_ENODATA: it has none; or why nobody knows */
	uint32_t seconds; /* it holds for; UINT32_MAX: for ever */
	VEC(u128) addresses;
};

int resolver_open(struct resolver *r, unsigned ms);
void resolver_close(struct resolver *r);
void resolver_ask(struct resolver *r, struct resolved *to);
/* Until all are answered; those that are not by then have timed out. */
void resolver_wait(struct resolver *r);
/* Why there is no address: of both families. */
const char *resolved_why(const struct resolved *v4, const struct resolved *v6);
bool resolved_known(const struct resolved *r);

/* ---- url.c ---- */

struct url_job {
	const char *url, *etag, *modified; /* or NULL */
	unsigned ms;
	uint64_t bytes; /* at most */
	bool special; /* the server may be in this house */
};

int url_fetch(const struct url_job *job);

uint64_t fetcher_now(void); /* milliseconds */

#endif
