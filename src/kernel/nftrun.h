/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft scripts in, dumps out. libnftables runs in a child process: it can exit(), abort or crash.
 */
#ifndef FWC_NFTRUN_H
#define FWC_NFTRUN_H

#include <stdint.h>

#include "kernel/bulk.h"
#include "kernel/child.h"

#define NFTRUN_ASLEEP "fwc-asleep" /* of table inet fwc-asleep-PID */
/* An error of that step. */
#define NFTRUN_OTHER "it does something else than to fill table inet fwc"

enum nftrun_kind {
	RUN_SCRIPT, /* load; all or nothing */
	RUN_MESSAGES, /* the same of messages that are made already (nft/remake.h) */
	RUN_DUMP_OWN, /* table inet fwc, as dump.h has it */
	RUN_DUMP_SOME, /* objects of it: script is their names */
	RUN_DUMP_ALL, /* all tables */
	RUN_DUMP_UNLESS_ALONE, /* the same; nothing where inet fwc is the only one */
	RUN_SPEAK, /* all rules as nft prints them, with their handles: nft/spoken.h */
	RUN_VERSION, /* of libnftables, as JSON: {"nftables": [{"metainfo": {"version": ...}}]} */
	/* A script of table inet fwc, loaded into a table of another name that sleeps, dumped, and
	 * gone with the step: the kernel deletes it with the socket that owns it. */
	RUN_ASLEEP,
	/* What a bulk set holds, compared with what it is to hold; the other one fills it if it
	 * holds anything else. Refused: it does not hold it, and err says what is different. */
	RUN_BULK_COMPARE,
	RUN_BULK_FILL,
	RUN_BULK_READ, /* all that it holds, as the file of a list has it (util/bulk_file.h) */
};

struct nftrun_step {
	enum nftrun_kind kind;
	const char *script; /* native nft language; never JSON */
	const struct buf *messages; /* of RUN_MESSAGES */
	const struct bulk_job *bulk; /* of RUN_BULK_* */
	/* Where what comes is to stay: then it is in `kept`, NULL if nothing came, and `out` is
	 * empty. */
	struct arena *keep;
	bool ran, refused;
	struct buf out, err; /* out of RUN_BULK_FILL: a uint32_t, transactions that it took */
	const void *kept;
	size_t kept_len;
};

struct nftrun {
	enum child_where where;
	const char *netns;
	struct nftrun_step *steps;
	size_t n;
	bool go_on; /* after a refused step */
	struct buf why;
	bool no_scratch;
	/* Generations of the ruleset before the first and after the last step, and whether the
	 * table was there before: for those who want to know whether anybody came between. */
	uint32_t before, after;
	uint32_t dumped; /* the generation of the last dump */
	bool had_table;
	int looked; /* 0, or -errno: neither of these could be found out */
	uint32_t expect; /* the first step commits only to this generation; 0: any. -ESTALE */
	struct job *job; /* between start and wait */
	int answer; /* the same, of a broker */
};

/* 0 if the child did its work, whatever each step's outcome was; else -errno, and why says why. */
int nftrun(struct nftrun *r);
/* The same in two steps, for work at the same time. */
void nftrun_start(struct nftrun *r);
int nftrun_wait(struct nftrun *r);
void nftrun_free(struct nftrun *r);

/* An error message of nft: "<buffer>:12:3-9: Error: Could not process rule: ..." */
struct nftrun_error {
	unsigned line; /* of the script, from 1; 0: none given */
	bool by_kernel; /* else by the parser or the evaluation of libnftables */
	char text[400]; /* the message without its position */
	char where[256]; /* the policy place named by the comment above that line; "" if there is
			    none */
	char source[256]; /* the line itself */
};
void nftrun_explain(const char *script, const char *err, struct nftrun_error *out);

#endif
