/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packet and tables -> story.
 */
#include "space/live.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "policy/routing.h"
#include "space/packet.h"

#define STATUS_DST_NAT 32 /* IPS_DST_NAT */

struct asked { /* a base chain at a hook */
	const struct live_table *table;
	const struct ir_chain *chain;
};

struct asked_list {
	struct asked *v;
	size_t n, cap;
};

struct teller {
	struct mean *m;
	const struct live_tables *tables;
	const struct policy *p;
	struct story *out;
	struct packet packet; /* as it is by now */
	bool over;
};

static int by_priority(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;

	return (x->chain->base.priority > y->chain->base.priority) -
	       (x->chain->base.priority < y->chain->base.priority);
}

static bool sees(const struct live_table *t, const struct packet *p)
{
	if (!strcmp(t->family, "ip"))
		return !p->dim[DIM_FAMILY];
	return strcmp(t->family, "ip6") != 0 || p->dim[DIM_FAMILY];
}

static struct asked_list chains_at(struct teller *t, const char *hook)
{
	struct asked_list out = {0};

	for (size_t i = 0; i < t->tables->n; i++) {
		const struct live_table *table = &t->tables->v[i];
		const struct ir_ruleset *r = table->ruleset;

		for (size_t k = 0; k < r->chains.n; k++) {
			struct asked a = {table, r->chains.v[k]};

			if (a.chain->base.hook && !r->dormant && sees(table, &t->packet) &&
			    !strcmp(a.chain->base.hook, hook))
				vec_push(t->m->arena, &out, a);
		}
	}
	if (out.n > 1)
		qsort(out.v, out.n, sizeof(*out.v), by_priority);
	return out;
}

static void step(struct teller *t, const char *hook, const char *does, const struct line *line)
{
	struct story_step x = {.hook = hook, .does = does};

	x.line = line ? *line : (struct line){.where = ""};
	vec_push(t->m->arena, &t->out->steps, x);
}

static struct outcome ask(struct teller *t, const struct asked *a)
{
	dd_ref says;

	t->m->within = schema_point(&t->m->schema, &t->packet);
	t->m->lines = true;
	t->m->now = true;
	t->m->line_of = a->table->line_of;
	t->m->line_ctx = a->table->line_ctx;
	says = mean_base_chain(t->m, a->table->ruleset, a->chain);
	t->m->within = DD_TRUE;
	return *outcome_of(&t->m->outcomes, schema_at(&t->m->schema, says, &t->packet));
}

/* The packet behind a translation of its destination; of several targets the first. */
static void rewrite(struct teller *t, const struct ir_stmt *s)
{
	if (s->nat.kind != IR_DNAT && s->nat.kind != IR_REDIRECT)
		return;
	t->packet.dim[DIM_CT_STATUS] |= STATUS_DST_NAT;
	if (s->nat.port)
		t->packet.dim[DIM_DPORT] = s->nat.port;
	if (s->nat.kind == IR_REDIRECT) {
		t->packet.dim[DIM_FIB_DADDR] = RTN_LOCAL;
		t->packet.dim[DIM_OIF] = schema_no_interface(&t->m->schema);
	} else if (s->nat.to.n) {
		t->packet.dim[DIM_DADDR] = s->nat.to.v[0].key[0].lo;
		t->packet.dim[DIM_FIB_DADDR] = RTN_UNICAST;
	}
}

/* All base chains of a hook; NAT chains translate once. */
static void at_hook(struct teller *t, const char *hook)
{
	struct asked_list list = chains_at(t, hook);
	bool translated = false;

	for (size_t i = 0; i < list.n && !t->over; i++) {
		const struct asked *a = &list.v[i];
		bool nat = !strcmp(a->chain->base.type, "nat");
		struct outcome x;
		const char *says;

		if (nat && translated)
			continue;
		x = ask(t, a);
		says = arena_printf(t->m->arena, "table %s %s, chain %s: %s", a->table->family,
				    a->table->name, a->chain->name, outcome_text(t->m->arena, &x));
		step(t, hook, says, x.line);
		if (x.fate == FATE_TRANSLATE) {
			translated = true;
			if (x.nat)
				rewrite(t, x.nat);
		}
		t->out->fate = x.fate == FATE_TRANSLATE ? FATE_ACCEPT : x.fate;
		t->out->line = x.line ? *x.line : (struct line){.where = ""};
		t->over = x.fate == FATE_DROP || x.fate == FATE_REJECT || x.fate == FATE_UNKNOWN;
	}
}

/* Where a new destination is, see policy/routing.h; where that is not known, where the old one was.
 */
static void route(struct teller *t, u128 old, bool own)
{
	enum family fam = t->packet.dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4;
	u128 addr = t->packet.dim[DIM_DADDR];
	struct routing_target to;

	if (addr == old)
		return;
	to = routing_target(t->m->arena, t->p, fam, addr);
	if (to.here && !to.on) {
		t->packet.dim[DIM_FIB_DADDR] = RTN_LOCAL;
		t->packet.dim[DIM_OIF] = own ? 2 /* lo */ : schema_no_interface(&t->m->schema);
	} else if (to.zones.n) {
		const struct zone *zone = &t->p->zones.v[to.zones.v[0]];

		t->packet.dim[DIM_OIF] = schema_code(&t->m->schema, zone->interfaces.v[0].name);
	}
}

void live_story(struct story *out, struct mean *m, const struct live_tables *tables,
		const struct policy *p, const struct story *by_policy)
{
	struct teller t = {.m = m, .tables = tables, .p = p, .out = out};
	uint32_t none = schema_no_interface(&m->schema), oif;
	u128 daddr = by_policy->packet.dim[DIM_DADDR];
	bool own, here;

	*out = (struct story){.packet = by_policy->packet,
			      .text = by_policy->text,
			      .query = by_policy->query,
			      .fate = FATE_ACCEPT,
			      .line = {.where = ""},
			      .count = 1};
	t.packet = by_policy->packet;
	oif = (uint32_t)t.packet.dim[DIM_OIF];
	own = t.packet.dim[DIM_IIF] == none;
	if (!own) {
		t.packet.dim[DIM_OIF] = none;
		at_hook(&t, "prerouting");
		if (t.packet.dim[DIM_FIB_DADDR] != RTN_LOCAL)
			t.packet.dim[DIM_OIF] = oif;
		route(&t, daddr, own);
	}
	here = !own && t.packet.dim[DIM_OIF] == none;
	if (!t.over)
		at_hook(&t, own ? "output" : here ? "input" : "forward");
	if (own)
		route(&t, daddr, own);
	if (!t.over && !here)
		at_hook(&t, "postrouting");
}
