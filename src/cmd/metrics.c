/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc metrics: the state of the firewall in the text format of Prometheus (version 0.0.4), for the
 * textfile directory of its node exporter.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/metrics.h"
#include "see/status.h"
#include "store/file.h"
#include "store/open.h"
#include "util/cleanup.h"
#include "util/sha256.h"

#define IDENTITY 32 /* bytes of a rule's identity */

void metrics_family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct buf *b, const char *name, const char *help, long long value)
{
	metrics_family(b, name, "gauge", help);
	buf_printf(b, "%s %lld\n", name, value);
}

/* Of a label's value backslash, quote and newline are escaped. */
void metrics_label(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			buf_putc(b, '\\');
		if (*value == '\n')
			buf_puts(b, "\\n");
		else
			buf_putc(b, *value);
	}
	buf_putc(b, '"');
}

/* Of the rule's words: it stays when lines above it come and go. Where several rules have the same
 * words they are numbered. */
static void identity(const struct status *st, const struct report_line *l, char id[IDENTITY])
{
	const struct report_line *other;
	char hex[SHA256_HEX];
	unsigned n = 1;

	sha256_hex(l->text, strlen(l->text), hex);
	vec_each (&st->lines, other) {
		if (other == l)
			break;
		n += !strcmp(other->text, l->text);
	}
	snprintf(id, IDENTITY, n > 1 ? "%.12s-%u" : "%.12s", hex, n);
}

static void rules(struct buf *b, const struct status *st, const char *name, bool bytes)
{
	const struct report_line *l;
	char id[IDENTITY];

	metrics_family(b, name, "counter",
		       bytes ? "Bytes of the packets that a line of the policy matched."
			     : "Packets that a line of the policy matched.");
	vec_each (&st->lines, l) {
		if (!l->counts)
			continue;
		buf_printf(b, "%s{", name);
		metrics_label(b, "at", l->at);
		buf_putc(b, ',');
		metrics_label(b, "rule", l->text);
		buf_putc(b, ',');
		identity(st, l, id);
		metrics_label(b, "id", id);
		buf_printf(b, "} %llu\n", (unsigned long long)(bytes ? l->bytes : l->packets));
	}
}

static long long record_number(const struct status *st, const char *key)
{
	return json_integer_value(json_object_get(st->record, key));
}

/* Of sets whose content comes from elsewhere. */
static void fetched(struct buf *b, const struct status *st, const char *name, const char *help,
		    bool stale)
{
	const struct seen_set *x;

	if (!st->fetched.n)
		return;
	metrics_family(b, name, "gauge", help);
	vec_each (&st->fetched, x) {
		if (x->state == SEEN_THERE || x->state == SEEN_NOT_THERE)
			continue;
		buf_printf(b, "%s{", name);
		metrics_label(b, "set", x->name);
		buf_printf(b, "} %llu\n",
			   stale ? (unsigned long long)(x->state >= SEEN_STALE)
				 : (unsigned long long)x->fetched);
	}
}

static uint64_t quota_used(const struct quota_entry *q)
{
	return q->used;
}

static uint64_t quota_limit(const struct quota_entry *q)
{
	return q->bytes;
}

static uint64_t quota_reset(const struct quota_entry *q)
{
	return q->reset;
}

/* One number of each quota; `known`: of those alone that have it. */
static void quotas(struct buf *b, const struct status *st, const char *name, const char *help,
		   uint64_t (*of)(const struct quota_entry *), bool known)
{
	const struct quota_entry *q;

	if (!st->quotas.n)
		return;
	metrics_family(b, name, "gauge", help);
	vec_each (&st->quotas, q) {
		if (known && !of(q))
			continue;
		buf_printf(b, "%s{", name);
		metrics_label(b, "quota", q->name);
		buf_printf(b, "} %llu\n", (unsigned long long)of(q));
	}
}

static void print(struct buf *b, const struct status *st)
{
	gauge(b, "fwc_loaded", "1 if an fwc firewall is loaded.", st->loaded && !st->dormant);
	if (st->helper != HELPER_NONE && st->helper != HELPER_UNKNOWN)
		gauge(b, "fwc_inspectd_up", "1 if fwc-inspectd answers.",
		      st->helper == HELPER_RUNS);
	gauge(b, "fwc_panic", "1 while `fwc panic` drops everything.", st->panic.on);
	gauge(b, "fwc_trial", "1 while rules are on trial.", st->trial.state == TRIAL_RUNNING);
	gauge(b, "fwc_boot_trouble", "1 if the last boot could not load everything as confirmed.",
	      st->boot.there);
	if (st->drift_known || st->dormant)
		gauge(b, "fwc_drifted",
		      "1 if the kernel holds something other than what was applied.",
		      st->dormant || st->drift.n);
	if (st->known) {
		gauge(b, "fwc_proved", "1 if what was applied was proved.",
		      st->applied.manifest->proved == PROVED);
		gauge(b, "fwc_generation", "Number of the generation in force.",
		      record_number(st, "generation"));
		gauge(b, "fwc_applied_timestamp_seconds",
		      "When the generation in force was applied.", record_number(st, "epoch"));
	}
	gauge(b, "fwc_foreign_chains", "Base chains of other programs that may drop or translate.",
	      (long long)st->foreign.n);
	fetched(b, st, "fwc_set_stale", "1 if a set's source fails, or what came was held back.",
		true);
	fetched(b, st, "fwc_set_fetched_timestamp_seconds",
		"When a set's source last confirmed what it holds.", false);
	quotas(b, st, "fwc_quota_used_bytes", "Bytes that are used of a quota.", quota_used, false);
	quotas(b, st, "fwc_quota_limit_bytes", "Bytes of a quota.", quota_limit, false);
	quotas(b, st, "fwc_quota_reset_timestamp_seconds",
	       "When `fwc quota reset` last began a quota anew.", quota_reset, true);
	rules(b, st, "fwc_rule_packets_total", false);
	rules(b, st, "fwc_rule_bytes_total", true);
	metrics_inspect(b, st->judging);
}

static int write_to(const char *path, const struct buf *b)
{
	_cleanup_free_ char *one = strdup(path), *two = strdup(path);
	_cleanup_close_ int dir = -1;
	int err;

	if (!one || !two)
		return -ENOMEM;
	dir = open(dirname(one), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = dir < 0 ? -errno : file_publish(dir, basename(two), b->data, b->len, 0644);
	if (err)
		fprintf(stderr, "fwc: cannot write %s: %s\n", path, strerror(-err));
	return err;
}

int cmd_metrics(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"output", required_argument, NULL, 'o'}, {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0}, ignored = {0}, out = {0};
	const char *path = NULL;
	struct status st = {0};
	struct store s;
	int c, rc = EXIT_FINE;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
		if (c != 'o')
			return usage_bad_option("metrics", argv, "o:");
		path = optarg;
	}
	if (optind < argc)
		return usage_error("metrics", "metrics takes no arguments");
	if (g->json)
		return usage_error("metrics", "metrics has a format of its own; `fwc status "
					      "--json` gives the same in JSON");
	store_open(&s, g->state, false, &ignored);
	if (status_gather(&st, g->netns, &s, false, a, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		rc = EXIT_SYSTEM;
	} else {
		if (st.hidden || (st.public && !st.known))
			fputs("fwc: warning: only root can read the state directory: rules have no "
			      "file and line, and what was applied is not known\n",
			      stderr);
		print(&out, &st);
		if (!path)
			fwrite(out.data, 1, out.len, stdout);
		else if (write_to(path, &out))
			rc = EXIT_SYSTEM;
	}
	status_free(&st);
	store_close(&s);
	return rc;
}
