/* SPDX-License-Identifier: GPL-2.0-or-later
 * The connection helpers that a rule may have: what the language calls them, and what the kernel.
 */
#ifndef FWC_HELPER_H
#define FWC_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#define HELPER_OBJECTS 2
#define HELPER_EXPECTS 3

struct helper_object {
	const char *type; /* the kernel's name of it */
	uint8_t proto; /* IPPROTO_* of the connections that it listens to */
};

struct helper_kind {
	const char *name; /* in a policy */
	struct helper_object objects[HELPER_OBJECTS];
	/* Helpers of the connections that expect others: besides its own, those that connections
	 * which were expected get in their turn. */
	const char *expects[HELPER_EXPECTS];
	uint16_t port; /* of the built-in service of that name, which brings it; 0: none does */
	const char *module;
};

/* Ends with a NULL name. */
extern const struct helper_kind helper_kinds[];

const struct helper_kind *helper_find(const char *name); /* or NULL */
/* Of the built-in services that bring one, as a bit of services.helpers; 0: it brings none. */
uint32_t helper_bit(const char *service);

/* Whether the kernel has it; who asks it is told here. Without that it has all. */
void policy_helpers_by(bool (*has)(const char *type, uint8_t proto));
bool policy_has_helper(const struct helper_object *o);

#endif
