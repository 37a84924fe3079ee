/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections of the kernel -> what the rules say of them -> those refused deleted.
 */
#include "apply/flows.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "kernel/live.h"
#include "kernel/session.h"
#include "nft/foreign.h"
#include "space/delta.h"
#include "util/cleanup.h"

#define FEW 300 /* addresses */
/* Of reading anew: what was let in while the rules changed shows up in the next. */
#define ROUNDS 3

/* ---- the session that we were called from ---- */

static void read_session(struct flow_session *s, struct arena *a)
{
	const char *ssh = session_ssh(a);

	s->known = ssh && session_ends(ssh, &s->ends);
}

static bool is_end(u128 addr, uint16_t port, u128 a1, uint16_t p1, u128 a2, uint16_t p2)
{
	return (addr == a1 && port == p1) || (addr == a2 && port == p2);
}

/* As sshd sees it, behind translations; whichever side conntrack took for the one that opened it.
 */
static bool is_session(const struct flow_session *s, const struct conn *c)
{
	const struct session_ends *e = &s->ends;
	const struct conn_tuple *o = &c->orig, *r = &c->reply;
	bool straight, reversed;

	if (!s->known || c->proto != IPPROTO_TCP || c->family != e->family)
		return false;
	straight = is_end(e->client, e->client_port, o->from, o->from_port, r->to, r->to_port) &&
		   is_end(e->server, e->server_port, o->to, o->to_port, r->from, r->from_port);
	reversed = is_end(e->server, e->server_port, o->from, o->from_port, r->to, r->to_port) &&
		   is_end(e->client, e->client_port, o->to, o->to_port, r->from, r->from_port);
	return straight || reversed;
}

/* ---- reading ---- */

/* For both rulesets in one order, so that a code means the same to either. */
static void add_names(struct flows *f, struct admit *x)
{
	schema_add_ruleset(&x->mean.schema, f->in.ruleset);
	if (f->in.before)
		schema_add_ruleset(&x->mean.schema, f->in.before);
	for (size_t i = 0; i < f->conns.ninterfaces; i++) {
		const char *name = f->conns.interfaces[i].name;
		struct ival v;

		if (ifname_parse(name, strlen(name), &v))
			schema_add_name(&x->mean.schema, v);
	}
}

/* Of the ruleset's schema. An interface that came after the diagrams were begun may be any. */
static void find_codes(struct flows *f)
{
	struct schema *s = &f->admit.mean.schema;

	free(f->codes);
	f->codes = calloc(f->conns.ninterfaces + 1, sizeof(*f->codes));
	if (!f->codes)
		abort();
	for (size_t i = 0; i < f->conns.ninterfaces; i++) {
		const char *name = f->conns.interfaces[i].name;
		struct ival v;

		f->codes[i] = ifname_parse(name, strlen(name), &v) ? schema_code(s, v) : 0;
		if (!f->codes[i])
			f->codes[i] = ADMIT_ANY_INTERFACE;
	}
}

static int read_conns(struct flows *f, struct buf *why)
{
	_cleanup_buf_ struct buf ignored = {0};
	int err;

	conns_free(&f->conns);
	err = conns_read(f->in.netns, &f->conns, &ignored);
	f->untold = err == -EOPNOTSUPP;
	if (f->untold)
		return 0;
	if (err)
		buf_puts(why, buf_str(&ignored));
	return err;
}

/* Where connections go; false if these are many. */
static bool find_targets(struct flows *f, struct ivset *to4, struct ivset *to6)
{
	*to4 = *to6 = (struct ivset){0};
	for (size_t i = 0; i < f->conns.n; i++) {
		const struct conn *c = &f->conns.v[i];
		struct ivset *to = c->family == FAM_IP4 ? to4 : to6;

		vec_push(f->arena, to, ((struct ival){c->orig.to, c->orig.to}));
		vec_push(f->arena, to, ((struct ival){c->reply.from, c->reply.from}));
		if (c->taken_up) /* it may have been opened from there */
			vec_push(f->arena, to, ((struct ival){c->orig.from, c->orig.from}));
		if (to->n <= 2 * FEW)
			continue;
		ivset_normalise(to);
		if (to->n > FEW)
			return false;
	}
	ivset_normalise(to4);
	ivset_normalise(to6);
	return to4->n + to6->n > 0;
}

/* Diagrams of the whole ruleset take seconds where it is large; those of what goes to a few
 * addresses do not. New addresses that come up make them anew. */
static void narrow(struct flows *f, bool first)
{
	struct ivset to4 = {0}, to6 = {0};
	bool few = (first || f->few) && find_targets(f, &to4, &to6);

	if (!first && !f->few)
		return;
	if (!first && few && ivset_covers(&f->to4, &to4) && ivset_covers(&f->to6, &to6))
		return;
	if (!first && !f->conns.n)
		return;
	f->few = few;
	f->to4 = few ? to4 : (struct ivset){0};
	f->to6 = few ? to6 : (struct ivset){0};
	admit_only(&f->admit, f->to4, f->to6);
	if (f->before.mean.dd)
		admit_only(&f->before, f->to4, f->to6);
}

static bool is_on_a_hook(const struct ir_ruleset *r)
{
	return !r->dormant && ruleset_has_base(r);
}

int flows_open(struct flows *f, struct arena *a, const struct flows_input *in, struct buf *why)
{
	struct delta_side side = delta_side_of(in->ruleset, in->manifest);
	int err;

	*f = (struct flows){.arena = a, .in = *in, .filters = is_on_a_hook(in->ruleset)};
	read_session(&f->session, f->arena);
	err = read_conns(f, why);
	admit_init(&f->admit, a, in->ruleset);
	f->admit.mean.line_of = side.line_of;
	f->admit.mean.line_ctx = side.line_ctx;
	add_names(f, &f->admit);
	find_codes(f);
	narrow(f, true);
	return err;
}

int flows_read_again(struct flows *f, struct buf *why)
{
	int err = read_conns(f, why);

	if (!err) {
		find_codes(f);
		narrow(f, false);
	}
	return err;
}

void flows_free(struct flows *f)
{
	free(f->codes);
	f->codes = NULL;
	conns_free(&f->conns);
	admit_free(&f->admit);
	admit_free(&f->before);
}

/* ---- judging ---- */

static uint32_t code_of(const struct flows *f, unsigned index)
{
	const struct conn_interface *i = conns_interface(&f->conns, index);

	return i ? f->codes[i - f->conns.interfaces] : ADMIT_ANY_INTERFACE;
}

static struct admit_flow flow_of(const struct flows *f, const struct conn *c)
{
	static const enum station at[] = {[CONN_ANYWHERE] = NSTATIONS,
					  [CONN_IN] = AT_INPUT,
					  [CONN_THROUGH] = AT_FORWARD,
					  [CONN_OUT] = AT_OUTPUT};

	return (struct admit_flow){.family = c->family,
				   .proto = c->proto,
				   .type = c->icmp_type,
				   .code = c->icmp_code,
				   .from = c->orig.from,
				   .to = c->orig.to,
				   .from_port = c->orig.from_port,
				   .to_port = c->orig.to_port,
				   .goes_to = c->reply.from,
				   .seen_as = c->reply.to,
				   .goes_to_port = c->reply.from_port,
				   .at = at[c->path],
				   .iif = code_of(f, c->iif),
				   .oif = code_of(f, c->oif),
				   .oif_before = code_of(f, c->oif_before),
				   .to_type = c->to_type,
				   .goes_to_type = c->goes_type};
}

/* The same, had the other side opened it. */
static struct admit_flow reversed(const struct admit_flow *f)
{
	struct admit_flow r = *f;

	r.from = f->goes_to;
	r.from_port = f->goes_to_port;
	r.to = r.goes_to = f->from;
	r.to_port = r.goes_to_port = f->from_port;
	r.seen_as = r.from;
	r.at = f->at == AT_INPUT ? AT_OUTPUT : f->at == AT_OUTPUT ? AT_INPUT : f->at;
	r.iif = f->oif;
	r.oif = r.oif_before = f->iif;
	r.to_type = r.goes_to_type = 0;
	return r;
}

/* Asked only where it matters: reading all tables takes time. */
static bool others_translate(struct flows *f)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct ir_tables all = {0};
	struct foreigners list = {0};

	if (f->others == OTHERS_NOT_ASKED) {
		f->others = OTHERS_TRANSLATE;
		if (live_read_all(&all, f->in.netns, f->arena, &ignored) == 0) {
			f->others = OTHERS_NONE;
			foreign_find(f->arena, &all, &list);
			for (size_t i = 0; i < list.n; i++)
				if (list.v[i].translates)
					f->others = OTHERS_TRANSLATE;
		}
	}
	return f->others == OTHERS_TRANSLATE;
}

/* Where other tables translate as well, what they did is not held against our rules. */
static bool is_ours(struct flows *f, const struct admit_flow *x, bool source)
{
	if (!others_translate(f))
		return true;
	if (!f->in.before)
		return false;
	if (!f->before.mean.dd) {
		admit_init(&f->before, f->arena, f->in.before);
		add_names(f, &f->before);
		admit_only(&f->before, f->to4, f->to6);
	}
	return admit_translates(&f->before, x, source);
}

static bool is_refused(struct flows *f, const struct admit_flow *x, enum admit_verdict v)
{
	switch (v) {
	case ADMIT_YES:
	case ADMIT_INSPECTED:
	case ADMIT_UNKNOWN:
		return false;
	case ADMIT_ELSEWHERE:
		return is_ours(f, x, false);
	case ADMIT_AS_ANOTHER:
		return is_ours(f, x, true);
	case ADMIT_REFUSED:
		break;
	}
	return true;
}

/* It may have come, or go, by another interface: refused is only what is refused there as well. */
static void try_other(struct flows *f, const struct conn *c, const struct admit_flow *x,
		      struct flow_judged *j)
{
	struct admit_flow y = *x;
	struct admission says;

	if (c->iif_or)
		y.iif = code_of(f, c->iif_or);
	if (c->oif_or)
		y.oif = code_of(f, c->oif_or);
	says = admit_judge(&f->admit, &y);
	if (is_refused(f, &y, says.verdict))
		return;
	j->says = says;
	j->refused = false;
}

struct flow_judged flows_judge(struct flows *f, const struct conn *c)
{
	struct admit_flow x = flow_of(f, c), back = reversed(&x);
	struct flow_judged j = {.conn = c, .says = admit_judge(&f->admit, &x)};

	/* those that a helper expected belong to another one */
	j.refused = f->filters && !(c->status & IPS_EXPECTED) && is_refused(f, &x, j.says.verdict);
	if (j.refused && (c->iif_or || c->oif_or))
		try_other(f, c, &x, &j);
	if (j.refused && c->taken_up)
		j.refused = admit_judge(&f->admit, &back).verdict > ADMIT_UNKNOWN;
	return j;
}

void flows_refused(struct flows *f, struct flows_judged *out)
{
	for (size_t i = 0; i < f->conns.n; i++) {
		struct flow_judged j;

		if (is_session(&f->session, &f->conns.v[i]))
			continue;
		j = flows_judge(f, &f->conns.v[i]);
		if (j.refused)
			vec_push(f->arena, out, j);
	}
}

/* ---- ending ---- */

bool flows_kept(enum flows_choice choice, const struct manifest *m)
{
	return choice == FLOWS_KEEP || (choice == FLOWS_AS_POLICY && m->live_flows == 0);
}

static int end_once(struct flows *f, size_t *ended, struct buf *why)
{
	struct flows_judged list = {0};
	const struct conn **v;

	*ended = 0;
	flows_refused(f, &list);
	if (!list.n)
		return 0;
	v = arena_alloc(f->arena, list.n * sizeof(const struct conn *));
	for (size_t i = 0; i < list.n; i++)
		v[i] = list.v[i].conn;
	return conns_delete(f->in.netns, v, list.n, ended, why);
}

int flows_end(struct flows *f, size_t *ended, struct buf *why)
{
	size_t now = 1;
	int err = 0;

	*ended = 0;
	for (int i = 0; i < ROUNDS && now && !err; i++) {
		err = flows_read_again(f, why);
		if (!err)
			err = end_once(f, &now, why);
		*ended += now;
	}
	return err;
}
