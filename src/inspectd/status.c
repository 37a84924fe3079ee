/* SPDX-License-Identifier: GPL-2.0-or-later
 * How the lanes are, what was decided, and every packet that was lost, as JSON.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "inspectd/inspectd.h"
#include "util/cleanup.h"
#include "util/number.h"

static void put(json_t *to, const char *key, uint64_t n)
{
	json_object_set_new(to, key, json_integer((json_int_t)n));
}

/* ---- what the kernel counts: columns of /proc/net/netfilter/nfnetlink_queue ---- */

struct kernel_queue {
	unsigned waiting, dropped, user_dropped;
};

static bool kernel_queue(unsigned number, struct kernel_queue *out)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/netfilter/nfnetlink_queue", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		/* queue, portid, waiting, copy mode, copy range, dropped, user dropped, id, 1 */
		uint64_t column[7];
		const char *p = line;
		size_t n = 0;

		while (n < 7 && (p += strspn(p, " "), number_take(&p, 0, UINT32_MAX, &column[n])))
			n++;
		if (n < 7 || column[0] != number)
			continue;
		*out = (struct kernel_queue){(unsigned)column[2], (unsigned)column[5],
					     (unsigned)column[6]};
		return true;
	}
	return false;
}

/* ---- queues ---- */

struct losses {
	uint64_t all;
	uint64_t timeouts; /* no loss: a client did not go on */
	json_t *list;
};

static void lost(struct losses *x, const char *what, uint64_t n)
{
	json_t *have = json_object_get(x->list, what);

	x->all += n;
	json_object_set_new(x->list, what, json_integer(json_integer_value(have) + (json_int_t)n));
}

static json_t *queue_json(const struct lane *l, struct losses *x)
{
	const struct lane_counts *c = &l->counts;
	const struct board *b = l->board;
	struct kernel_queue k = {0};
	json_t *j = json_object();
	bool found = kernel_queue(l->config.number, &k);

	put(j, "number", l->config.number);
	json_object_set_new(j, "on_overflow", json_string(l->config.fail_open ? "allow" : "deny"));
	json_object_set_new(j, "rewrite", json_boolean(l->config.rewrite));
	json_object_set_new(j, "bound", json_boolean(found));
	put(j, "packets", c->packets);
	put(j, "waiting", c->waiting);
	put(j, "flows", b->flows);
	put(j, "allowed", c->answered[ACT_ALLOW]);
	put(j, "denied", c->answered[ACT_DENY]);
	put(j, "rejected", c->answered[ACT_REJECT]);
	put(j, "passed", c->answered[ACT_PASS] + c->answered[ACT_KEEP]);
	put(j, "again", c->answered[ACT_AGAIN]);
	put(j, "dropped", c->answered[ACT_DROP]);
	put(j, "rewritten", c->rewritten);
	put(j, "answered", c->replied);
	put(j, "unanswered", c->unreplied);
	put(j, "judge", (uint64_t)l->judge.pid);
	json_object_set_new(j, "ready", json_boolean(l->judge.pid && l->judge.ready));
	put(j, "restarts", c->restarts);
	put(j, "replayed", c->replayed);
	lost(x, "queue full", k.dropped);
	lost(x, "buffer full", k.user_dropped);
	lost(x, "verdicts refused", c->refused);
	lost(x, "settled without a judge", c->settled);
	lost(x, "answers that make no sense", c->nonsense);
	lost(x, "rule unknown", b->unknown);
	lost(x, "no packet to inspect", b->astray);
	lost(x, "beginning not seen", b->unseen);
	x->timeouts += b->timeouts;
	lost(x, "overflows", b->overflows);
	lost(x, "log lines", c->lost_events);
	return j;
}

/* ---- rules ---- */

static void add_tally(struct tally *to, uint64_t *told, const struct board *b, uint32_t id)
{
	for (uint32_t i = 0; i < TALLIES - 1; i++) {
		const struct tally *t = &b->tallies[(id + i) % (TALLIES - 1)];

		if (!t->id)
			return;
		if (t->id != id)
			continue;
		for (int v = 0; v <= VERDICT_REJECT; v++)
			for (int c = 0; c < NCAUSES; c++)
				to->decided[v][c] += t->decided[v][c];
		to->rewritten += t->rewritten;
		*told += b->answered[t - b->tallies];
		return;
	}
}

static json_t *rule_json(const struct inspectd *d, const struct table_rule *r)
{
	struct tally all = {0};
	uint64_t told = 0;
	json_t *j = json_object(), *by = json_object();

	for (size_t i = 0; i < d->lanes.n; i++)
		add_tally(&all, &told, d->lanes.v[i]->board, r->id);
	put(j, "id", r->id);
	json_object_set_new(j, "inspector", json_string(r->inspector->name));
	json_object_set_new(j, "at", json_string(r->at));
	json_object_set_new(j, "text", json_string(r->text));
	for (int v = VERDICT_ALLOW; v <= VERDICT_REJECT; v++) {
		uint64_t sum = 0;

		for (int c = 0; c < NCAUSES; c++)
			sum += all.decided[v][c];
		put(j, verdict_name((enum verdict)v), sum);
	}
	for (int c = 0; c < NCAUSES; c++) {
		uint64_t sum = 0;

		for (int v = VERDICT_ALLOW; v <= VERDICT_REJECT; v++)
			sum += all.decided[v][c];
		put(by, cause_name((enum cause)c), sum);
	}
	json_object_set_new(j, "by", by);
	put(j, "rewritten", all.rewritten);
	put(j, "answered", told);
	return j;
}

json_t *status_json(struct inspectd *d)
{
	json_t *j = json_object(), *queues = json_array(), *rules = json_array();
	struct losses x = {.list = json_object()};
	const struct table_rule *r;

	for (size_t i = 0; i < d->lanes.n; i++)
		json_array_append_new(queues, queue_json(d->lanes.v[i], &x));
	if (d->tables)
		vec_each (&d->tables->tables.rules, r)
			json_array_append_new(rules, rule_json(d, r));
	json_object_set_new(j, "version", json_string(PACKAGE_VERSION));
	put(j, "pid", (uint64_t)getpid());
	put(j, "since", d->since);
	json_object_set_new(j, "tables", json_string(d->path));
	if (d->tables) {
		json_object_set_new(j, "sha256", json_string(d->tables->hash));
		put(j, "loaded", d->tables->loaded);
	}
	json_object_set_new(j, "error", d->error[0] ? json_string(d->error) : json_null());
	json_object_set_new(j, "prepare", json_true()); /* it can be asked to; 0.1 cannot */
	json_object_set_new(j, "queues", queues);
	json_object_set_new(j, "rules", rules);
	json_object_set_new(j, "clients", busy_json(&d->busy));
	json_object_set_new(j, "losses", x.list);
	put(j, "lost", x.all);
	put(j, "timeouts", x.timeouts);
	return j;
}

/* ---- decisions ---- */

json_t *told_json(const struct inspectd *d, const struct event *e)
{
	const struct table_rule *r = d->tables ? tables_rule(&d->tables->tables, e->id) : NULL;
	json_t *j = event_json(e, r ? r->inspector : NULL, r ? r->text : NULL, r ? r->at : NULL);

	put(j, "time", e->when);
	return j;
}
