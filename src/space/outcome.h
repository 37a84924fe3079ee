/* SPDX-License-Identifier: GPL-2.0-or-later
 * What can happen to a packet at a station, as the terminals of a diagram: a fate, what was done on
 * the way (a log line, a set that was added to, a clamped MSS), and, where asked for, the line that
 * decided.
 */
#ifndef FWC_OUTCOME_H
#define FWC_OUTCOME_H

#include "space/dd.h"
#include "util/diag.h"
#include "util/map.h"

enum fate {
	FATE_NONE, /* goes on to the next rule */
	FATE_RETURN, /* leaves the chain */
	FATE_ACCEPT,
	FATE_DROP,
	FATE_REJECT, /* what: how */
	FATE_INSPECT, /* what: by whom */
	FATE_TRANSLATE, /* what: to what */
	FATE_UNKNOWN, /* what: a statement that fwc does not understand */
};

struct ir_stmt;

struct line { /* who decided */
	const char *text; /* the rule in its own words */
	const char *where; /* "firewall.fwc:12", "inet fwc input"; "" if there is none */
	struct span at; /* of a policy; src NULL: not one */
	const char *chain; /* of a ruleset that is not ours */
	uint64_t handle; /* the same; 0: none */
	size_t order; /* lines of a policy in reading order, from 1; 0: fwc's own */
};

struct outcome {
	enum fate fate;
	const char *what; /* or NULL */
	const char *effects; /* one a line, sorted; NULL: none */
	const struct line *line; /* or NULL */
	const struct ir_stmt
		*nat; /* FATE_TRANSLATE by a ruleset: the statement; what says the same */
};

struct outcomes {
	struct arena *arena;
	VEC(struct outcome) all; /* by terminal value without DD_OPEN */
	struct map by_text;
};

struct mark_words;
void outcomes_init(struct outcomes *o, struct arena *a);
/* The terminal's value; the same for equal outcomes. Strings must last as long as the table. */
uint32_t outcome_value(struct outcomes *o, struct outcome x);
const struct outcome *outcome_of(const struct outcomes *o, uint32_t value);
/* Two sets of effects, united, those of b being the later; either may be NULL. */
const char *outcome_unite(struct outcomes *o, const char *a, const char *b);
/* Those words, sorted; NULL: there are none. */
const char *outcome_effects(struct outcomes *o, struct mark_words *words);
/* For dd_set_join(); ctx is the table. */
uint32_t outcome_join(void *ctx, uint32_t a, uint32_t b);
/* For dd_map(); ctx is the table. */
uint32_t outcome_leave_chain(void *ctx, uint32_t v); /* return -> goes on */
uint32_t outcome_goto(void *ctx, uint32_t v); /* goes on -> return */
uint32_t outcome_next_base(void *ctx, uint32_t v); /* accept, return -> goes on */
uint32_t outcome_end(void *ctx, uint32_t v); /* goes on -> accept */
uint32_t outcome_decision(void *ctx, uint32_t v); /* without effects, but with its line */
uint32_t outcome_without_effects(void *ctx, uint32_t v); /* and without line */
uint32_t outcome_silent(void *ctx, uint32_t v); /* reject -> drop */

/* "accept", "reject with tcp reset", "dnat to 10.0.0.1:80"; in the arena. */
const char *outcome_text(struct arena *a, const struct outcome *x);
/* The same in the policy's words, for those who read what becomes of a packet. */
const char *outcome_spoken(struct arena *a, const struct outcome *x);

#endif
