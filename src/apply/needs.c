/* SPDX-License-Identifier: GPL-2.0-or-later
 * ruleset IR -> features.
 */
#include "apply/needs.h"

static void sel_needs(const struct ir_sel *sel, bool *needs)
{
	for (int i = 0; i < sel->n; i++) {
		enum field f = sel->f[i];

		if (f == F_CT_STATE || f == F_CT_STATUS || f == F_CT_MARK || f == F_CT_HELPER ||
		    f == F_CT_DPORT || f == F_CT_LABEL || f == F_CT_L3PROTO)
			needs[FEAT_CT] = true;
		else if (f == F_PAYLOAD)
			needs[FEAT_PAYLOAD] = true;
		else if (f == F_FIB_SADDR_TYPE || f == F_FIB_DADDR_TYPE ||
			 f == F_FIB_DADDR_IIF_TYPE)
			needs[FEAT_FIB] = true;
		else if (f == F_SKUID || f == F_SKGID)
			needs[FEAT_SKUID] = true;
		else if (field_is_cgroup(f))
			needs[FEAT_CGROUP] = true;
		else if (f == F_HOUR || f == F_DAY || f == F_TIME)
			needs[FEAT_TIME] = true;
	}
}

static void nat_needs(const struct ir_stmt *s, bool *needs)
{
	switch (s->nat.kind) {
	case IR_MASQUERADE:
		needs[FEAT_MASQUERADE] = true;
		break;
	case IR_REDIRECT:
		needs[FEAT_REDIRECT] = true;
		break;
	case IR_SNAT:
	case IR_DNAT:
		needs[FEAT_NAT] = true;
		break;
	}
	if (s->nat.to.n > 1)
		needs[s->nat.by_source ? FEAT_HASH : FEAT_NUMGEN] = true;
}

static void stmt_needs(const struct ir_stmt *s, bool *needs)
{
	switch (s->kind) {
	case IR_MATCH:
		sel_needs(&s->match.sel, needs);
		break;
	case IR_VMAP:
		sel_needs(&s->vmap.sel, needs);
		needs[FEAT_VMAP] = true;
		break;
	case IR_LIMIT:
		needs[FEAT_LIMIT] = true;
		break;
	case IR_CT_COUNT:
		needs[FEAT_CONNLIMIT] = true;
		break;
	case IR_LOG:
		needs[s->has_group ? FEAT_NFLOG : FEAT_LOG] = true;
		break;
	case IR_REJECT:
		needs[FEAT_REJECT] = true;
		break;
	case IR_NAT:
		nat_needs(s, needs);
		break;
	case IR_MSS:
		needs[s->mss ? FEAT_MSS : FEAT_RT_MTU] = true;
		break;
	case IR_ADD:
		needs[FEAT_DYNSET] = true;
		needs[FEAT_LIMIT] |= s->add.has_limit;
		needs[FEAT_CONNLIMIT] |= s->add.has_ct_count;
		break;
	case IR_QUEUE:
		needs[FEAT_QUEUE] = true;
		needs[FEAT_HASH] |= s->queue.count > 1;
		break;
	case IR_HELPER:
		needs[FEAT_HELPER] = true;
		break;
	case IR_OFFLOAD:
		needs[FEAT_FLOWTABLE] = true;
		break;
	case IR_QUOTA:
	case IR_LABEL:
	case IR_COUNTER:
	case IR_MARK:
	case IR_NOTRACK:
	case IR_VERDICT:
	case IR_UNKNOWN:
		break;
	}
}

void ruleset_needs(const struct ir_ruleset *r, bool needs[NFEATURES])
{
	for (int i = 0; i < NFEATURES; i++)
		needs[i] = i == FEAT_INET;
	for (size_t i = 0; i < r->sets.n; i++) {
		const struct ir_set *s = r->sets.v[i];

		needs[FEAT_DYNSET] |= s->dynamic && !s->interval && !s->quota;
		needs[FEAT_VMAP] |= s->is_map;
		needs[FEAT_ELEM_COUNTER] |= s->counter;
		if (s->interval)
			needs[s->nkeys > 1 ? FEAT_CONCAT_INTERVAL : FEAT_INTERVAL] = true;
	}
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct ir_chain *c = r->chains.v[i];

		for (size_t k = 0; k < c->rules.n; k++) {
			for (size_t n = 0; n < c->rules.v[k].stmts.n; n++)
				stmt_needs(&c->rules.v[k].stmts.v[n], needs);
		}
	}
}
