/* SPDX-License-Identifier: GPL-2.0-or-later
 * Quotas, as fwc.policy(5) defines them and as nft has them: whether one is used up, and which
 * connections count for it, are free conditions; that it counts a packet is an effect.
 */
#include <string.h>

#include "nft/nft.h"
#include "nft/lower.h"
#include "space/mean.h"

#define OBJECT "quota."

static const char *name_of(const char *object)
{
	return strncmp(object, OBJECT, strlen(OBJECT)) ? object : object + strlen(OBJECT);
}

dd_ref mean_quota_holds(struct mean *m, const char *object)
{
	return dd_not(m->dd,
		      schema_condition(&m->schema, arena_printf(m->arena, "quota %s is used up",
								name_of(object))));
}

const char *mean_quota_text(struct mean *m, const char *object)
{
	return arena_printf(m->arena, "counts for quota %s", name_of(object));
}

static const char *labels(struct mean *m, u128 label)
{
	struct buf b = {0};
	const char *text;

	emit_value(&b, F_CT_LABEL, (struct ival){label, label});
	text = arena_strdup(m->arena, buf_str(&b));
	buf_free(&b);
	return text;
}

dd_ref mean_labelled(struct mean *m, u128 label)
{
	return schema_condition(&m->schema, arena_printf(m->arena, "its connection has labels %s",
							 labels(m, label)));
}

const char *mean_label_text(struct mean *m, u128 label)
{
	return arena_printf(m->arena, "its connection gets labels %s", labels(m, label));
}

/* ---- policies ---- */

dd_ref mean_behind_quota(struct mean *m, const struct quota *q, dd_ref says)
{
	const char *object = quota_object(m->arena, q);

	says = dd_seq(m->dd, mean_effect(m, mean_label_text(m, quota_label(q))), says);
	return dd_seq(m->dd, mean_effect(m, mean_quota_text(m, object)),
		      dd_restrict(m->dd, mean_quota_holds(m, object), says));
}

static dd_ref fate(struct mean *m, enum fate fate, const char *text)
{
	return mean_outcome(m, fate, NULL, mean_line(m, text, "", (struct span){0}, 0));
}

static dd_ref counted(struct mean *m, const struct quota *q)
{
	const char *object = quota_object(m->arena, q);
	dd_ref within =
		fate(m, FATE_ACCEPT, arena_printf(m->arena, "fwc: established, quota %s", q->name));
	dd_ref over =
		fate(m, FATE_DROP, arena_printf(m->arena, "fwc: quota %s is used up", q->name));

	within = dd_restrict(m->dd, mean_quota_holds(m, object), within);
	return dd_seq(m->dd, mean_effect(m, mean_quota_text(m, object)),
		      dd_seq(m->dd, within, over));
}

dd_ref mean_quotas(struct mean *m, const struct policy *p)
{
	dd_ref known = schema_one(&m->schema, DIM_CT_STATE, CT_ESTABLISHED), all = DD_UNDECIDED;
	struct quota *const *q;

	known = dd_and(m->dd, known, m->within);
	vec_each (&p->quotas, q) {
		dd_ref its = dd_and(m->dd, known, mean_labelled(m, quota_label(*q)));

		all = dd_seq(m->dd, all, dd_restrict(m->dd, its, counted(m, *q)));
	}
	return all;
}
