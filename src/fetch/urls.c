/* SPDX-License-Identifier: GPL-2.0-or-later
 * URLs that are due -> lists.
 */
#include <stdlib.h>
#include <string.h>

#include "fetch/job.h"
#include "fetch/judge.h"
#include "fetch/list.h"
#include "fetch/round.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/sha256.h"

#define REFRESH 86400 /* seconds, where the policy does not say */
#define SUMS_MAX (1 << 20) /* bytes of a file of hashes */

struct pair { /* of one set */
	struct round_set *x;
	struct fetch_job *list, *sums; /* sums: of the list, or NULL */
};

/* ---- hashes ---- */

static const char *base_of(const char *url)
{
	const char *slash = strrchr(url, '/');

	return slash ? slash + 1 : url;
}

static bool is_hash(const char *word)
{
	return strspn(word, "0123456789abcdefABCDEF") == SHA256_HEX - 1 && !word[SHA256_HEX - 1];
}

/* HASH, or lines "HASH  NAME" as sha256sum(1) writes them. */
static bool find_hash(char *text, const char *url, char out[SHA256_HEX])
{
	char *rest = text, *line, *only = NULL;

	while ((line = strsep(&rest, "\n"))) {
		char *words = line + strspn(line, " \t"), *hash = strsep(&words, " \t\r");
		char *name;

		if (!is_hash(hash))
			continue;
		name = words ? words + strspn(words, " \t*") : NULL;
		if (name)
			name[strcspn(name, "\r")] = '\0';
		if (name && *name && !strcmp(base_of(name), base_of(url))) {
			only = hash;
			break;
		}
		if (!only)
			only = hash;
	}
	for (int i = 0; only && i < SHA256_HEX; i++)
		out[i] = only[i] >= 'A' && only[i] <= 'F' ? (char)(only[i] + 32) : only[i];
	return only;
}

/* Why it is not what its hash says, or NULL. */
static const char *check_hash(struct round *r, const struct pair *p, const struct buf *body)
{
	char want[SHA256_HEX], got[SHA256_HEX];
	_cleanup_buf_ struct buf text = {0};
	_cleanup_free_ char *why = NULL;

	if (!p->sums)
		return NULL;
	if (!p->sums->done) {
		why = fetch_job_word(p->sums, "why");
		return arena_printf(r->arena, "%s: %s", p->x->set->sha256, why ? why : "no answer");
	}
	if (fd_read(p->sums->body, &text) || !text.len ||
	    !find_hash(text.data, p->x->set->url, want))
		return arena_printf(r->arena, "%s holds no SHA-256", p->x->set->sha256);
	sha256_hex(buf_str(body), body->len, got);
	return strcmp(want, got) != 0 ? "it is not what its SHA-256 says" : NULL;
}

/* ---- answers ---- */

static const char *word_of(struct arena *a, const struct fetch_job *j, const char *word)
{
	_cleanup_free_ char *s = fetch_job_word(j, word);

	return s ? arena_strdup(a, s) : NULL;
}

static void hold_back(const struct round *r, struct round_set *x, const char *why)
{
	round_stale(r, x, why);
	x->now.held = true;
	x->state = FETCH_HELD;
}

static void confirm(struct round *r, struct round_set *x)
{
	x->now.fetched = r->wall;
	x->now.next = r->wall + (x->set->refresh ? x->set->refresh : REFRESH);
	x->now.stale = 0;
	x->now.why = NULL;
	x->now.held = x->now.expired = false;
}

static void note(struct round *r, struct round_set *x, const char *text, size_t local)
{
	if (local)
		x->note = arena_printf(r->arena,
				       "%zu range%s of it %s of private networks and left out",
				       local, local == 1 ? "" : "s", local == 1 ? "is" : "are");
	else if (text)
		x->note = text;
}

static void take_list(struct round *r, const struct pair *p)
{
	_cleanup_buf_ struct buf body = {0}, said = {0};
	struct round_set *x = p->x;
	struct fetch_list list;
	struct bulk raw, content;
	const char *why, *text;
	size_t local;

	if (fd_read(p->list->body, &body)) {
		round_stale(r, x, "it cannot be read back");
		return;
	}
	why = check_hash(r, p, &body);
	if (!why && fetch_list_read(p->list->body, x->set->lenient, r->arena, &raw, &text, &said))
		why = arena_strdup(r->arena, buf_str(&said));
	if (why) {
		round_stale(r, x, why);
		return;
	}
	content = (struct bulk){0};
	bulk_add_bulk(&content, &raw);
	bulk_settle(&content, r->arena);
	list = judge_cut(r->arena, x->set, &content, &local);
	why = judge_holds_back(r->arena, x->set, &raw, &list, &x->was, r->force);
	if (why) {
		hold_back(r, x, why);
		return;
	}
	confirm(r, x);
	x->now.v4 = list.v4;
	x->now.v6 = list.v6;
	x->now.etag = word_of(r->arena, p->list, "etag");
	x->now.modified = word_of(r->arena, p->list, "modified");
	note(r, x, text, local);
}

/* What was taken away in the policy since then must be, too; what was held back is asked for in
 * full. */
static bool may_be_same(const struct round *r, const struct round_set *x)
{
	return x->was.fetched && !x->was.held && !x->was.expired && !x->was.changing && !r->force;
}

static void take(struct round *r, const struct pair *p)
{
	const char *status = word_of(r->arena, p->list, "status");

	if (!p->list->done || !status) {
		const char *why = word_of(r->arena, p->list, "why");

		round_stale(r, p->x, why ? why : "no answer");
	} else if (!strcmp(status, "304") && may_be_same(r, p->x)) {
		confirm(r, p->x);
	} else if (!strcmp(status, "304")) {
		round_stale(r, p->x, "the server says that it is as before, and was not asked");
	} else {
		take_list(r, p);
	}
	round_expire(r, p->x);
}

static void set_up(const struct round *r, const struct round_set *x, struct fetch_job *j,
		   const char *url, uint64_t bytes)
{
	*j = (struct fetch_job){.what = "url",
				.special = x->set->special,
				.ms = r->ms,
				.bytes = bytes,
				.netns = r->netns,
				.body = -1};
	buf_printf(&j->in, "%s\n", url);
	if (bytes != FETCH_BYTES || !may_be_same(r, x))
		return;
	if (x->was.etag)
		buf_printf(&j->in, "etag %s\n", x->was.etag);
	if (x->was.modified)
		buf_printf(&j->in, "modified %s\n", x->was.modified);
}

void round_ask_urls(struct round *r)
{
	struct fetch_job *jobs = arena_alloc(r->arena, 2 * (r->n + 1) * sizeof(*jobs));
	struct pair *pairs = arena_alloc(r->arena, (r->n + 1) * sizeof(*pairs));
	size_t n = 0, npairs = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct round_set *x = &r->v[i];
		struct pair *p = &pairs[npairs];

		if (x->set->kind != FETCH_URL || !x->due)
			continue;
		*p = (struct pair){.x = x, .list = &jobs[n]};
		set_up(r, x, &jobs[n++], x->set->url, FETCH_BYTES);
		if (x->set->sha256) {
			p->sums = &jobs[n];
			set_up(r, x, &jobs[n++], x->set->sha256, SUMS_MAX);
		}
		npairs++;
	}
	fetch_jobs_run(jobs, n);
	for (size_t i = 0; i < npairs; i++)
		take(r, &pairs[i]);
	for (size_t i = 0; i < n; i++)
		fetch_job_free(&jobs[i]);
}
