/* SPDX-License-Identifier: GPL-2.0-or-later
 * timeouts statements -> one time for each of the kernel's settings.
 */
#include <string.h>

#include "policy/resolve.h"

static const struct policy_timeout *find(const struct policy *p, const char *name)
{
	const struct policy_timeout *t;

	vec_each (&p->timeouts, t)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

void resolve_timeouts(struct resolver *r, const struct ast_stmt *s)
{
	const struct ast_timeout_line *line;

	vec_each (&s->timeouts.lines, line) {
		const struct policy_timeout *first;

		if (line->is_comment)
			continue;
		first = find(r->p, line->name.s);
		if (first)
			diag_note(r->diag,
				  diag_error(r->diag, line->name.span,
					     "the timeout '%s' is given twice", line->name.s),
				  first->at, "first given here");
		else
			vec_push(r->arena, &r->p->timeouts,
				 ((struct policy_timeout){line->name.s, (uint32_t)line->seconds,
							  line->span}));
	}
}

/* A policy is for both families: who says icmp means IPv6's, too. */
void finish_timeouts(struct resolver *r)
{
	const struct policy_timeout *icmp = find(r->p, "icmp");

	if (icmp && !find(r->p, "icmpv6"))
		vec_push(r->arena, &r->p->timeouts,
			 ((struct policy_timeout){"icmpv6", icmp->seconds, icmp->at}));
}
