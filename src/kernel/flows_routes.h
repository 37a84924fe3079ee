/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which way connections go, by the routes of the namespace we are in.
 */
#ifndef FWC_FLOWS_ROUTES_H
#define FWC_FLOWS_ROUTES_H

#include "kernel/conn.h"

/* Fills in path, interfaces and types of addresses. Conntrack does not know them; they are what
 * routing says now. 0 or -errno. */
int flows_route(struct conn *v, size_t n);

#endif
