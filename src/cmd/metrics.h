/* SPDX-License-Identifier: GPL-2.0-or-later
 * The parts of fwc metrics.
 */
#ifndef FWC_CMD_METRICS_H
#define FWC_CMD_METRICS_H

#include <jansson.h>

#include "util/buf.h"

void metrics_family(struct buf *b, const char *name, const char *type, const char *help);
void metrics_label(struct buf *b, const char *name, const char *value);
/* The answer of fwc-inspectd; NULL: none. */
void metrics_inspect(struct buf *b, const json_t *status);

#endif
