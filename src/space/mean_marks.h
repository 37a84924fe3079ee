/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which chains read a mark, or a field of the header, that a rule before them may have set: there
 * it is no longer the packet's as it came. What it was set to by value is followed through a base
 * chain; of all else nothing is claimed.
 */
#ifndef FWC_MEAN_MARKS_H
#define FWC_MEAN_MARKS_H

#include "space/mean.h"
#include "util/map.h"

#define MARKS_FIELDS 64 /* above the marks: enum ir_changed, and */
#define MARKS_HOP_LESS 0x100 /* the kernel took one hop, of how many is not known */
#define MARKS_SADDR 0x200 /* the source was translated, to one of several */
#define MARKS_SPORT 0x400
#define MARKS_DADDR 0x4000 /* the destination was, to whichever address is here */
/* before what is looked at it was as it came, where translations and routing have changed it */
#define MARKS_DADDR_CAME 0x800
#define MARKS_DPORT_CAME 0x1000
#define MARKS_HOP_CAME 0x2000
#define MARKS_CAME (MARKS_DADDR_CAME | MARKS_DPORT_CAME | MARKS_HOP_CAME)
#define MARKS_TRANSLATED (MARKS_SADDR | MARKS_SPORT | MARKS_DADDR)

/* Bits of the packet's mark, above them of the connection's, above them enum ir_changed. */
struct marks {
	struct arena *arena;
	struct map chains[2]; /* name -> what is known of it, by enum marks_of */
	u128 set; /* by base chains before */
	u128 valued, read; /* to values, and behind some set, by any chain */
	u128 follows; /* all set to values, if any is read behind that: marks_then() has to be
			 asked; or 0 */
};

void marks_init(struct marks *m, struct arena *a);
/* Of the base chains of one hook, in their order. */
void marks_spread(struct marks *m, const struct ir_ruleset *r, const struct ir_chain *base);
/* Bits that a base chain may set, whoever else does; and, of those that may be set before, what it
 * reads. */
void marks_of_base(struct arena *a, const struct ir_ruleset *r, const struct ir_chain *base,
		   u128 *sets, u128 *reads);
/* Whether a selector in that chain reads a mark that may have been set. */
bool marks_changed(const struct marks *m, const char *chain, const struct ir_sel *sel);
/* Packets that match then, as far as that is known: else it is a condition. */
dd_ref marks_match(struct mean *m, const struct marks *marks, const char *chain,
		   const struct ir_stmt *s);

/* What b says behind a, where `where` holds: of packets that have the marks that a gave them. */
dd_ref marks_then(struct mean *m, dd_ref a, dd_ref b, dd_ref where);
/* The same of one after the other. */
dd_ref marks_sequence(struct mean *m, const dd_ref *v, size_t n);

/* What IR_LABEL or IR_NOTRACK does to a packet, in words. */
const char *marks_text(struct mean *m, const struct ir_stmt *s);
/* Whether a statement sets marks to what is known. */
bool marks_sets(const struct ir_stmt *s);

#endif
