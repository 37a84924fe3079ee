/* SPDX-License-Identifier: GPL-2.0-or-later
 * One decision, to be told: by a judge to its holder, by the holder and by replay to people.
 */
#ifndef FWC_INSPECT_EVENT_H
#define FWC_INSPECT_EVENT_H

#include <jansson.h>

#include "inspect/known.h"

struct event { /* plain bytes: it crosses from one process to another */
	uint64_t when; /* seconds since 1970; for the receiver to fill in */
	uint32_t id; /* of the rule */
	uint8_t verdict, cause, protocol /* enum protocol */, udp;
	uint16_t entry; /* from 1; 0: none */
	uint8_t answered; /* as the entry says */
	struct known_key key;
	uint16_t name_len;
	char name[INSPECT_NAME_MAX + 1];
	uint16_t tls_version, alpn_len; /* as struct facts has them */
	uint8_t alpn[INSPECT_ALPN_MAX];
	char ja4[INSPECT_JA4 + 1];
	char flaw[64];
};

/* facts NULL: nothing is known of it. */
void event_of(struct event *e, const struct known_key *key, const struct inspector *in,
	      const struct decision *d, const struct facts *facts);
/* As people get it. Nothing in an event is believed to be within bounds. in NULL: the rule is gone;
 * rule, rule_at NULL: there is none. */
json_t *event_json(const struct event *e, const struct inspector *in, const char *rule,
		   const char *rule_at);

#endif
