/* SPDX-License-Identifier: GPL-2.0-or-later
 * No policy yet -> how to get one.
 */
#ifndef FWC_BEGIN_H
#define FWC_BEGIN_H

#include "cmd/cmd.h"

struct buf;
struct diag;

/* What to type where there is no policy yet; nothing if there is one, or something that is in its
 * place. To be called while the process may still look around. */
void begin_look(struct buf *out, const char *config);
/* What to type where there is no candidate. */
void begin_candidate(const struct globals *g, struct buf *out);
/* diag_print(); says where to begin if `file` was to be read and it is the policy that is missing.
 */
void begin_print(const struct globals *g, const char *file, struct diag *d);

/* Which day it is, for policies. */
void begin_clock(void);

#endif
