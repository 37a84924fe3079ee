/* SPDX-License-Identifier: GPL-2.0-or-later
 * Messages to nf_tables as one transaction, all or nothing: what libnftables does with a script,
 * for messages that are made already (nft/remake.h).
 */
#ifndef FWC_SEND_H
#define FWC_SEND_H

#include <stddef.h>
#include <stdint.h>

struct mnl_socket;

/* To the namespace we are in. The first message asks to be answered (NLM_F_ACK). generation:
 * refused with -ERESTART unless the ruleset is still that one; 0: any. 0 or -errno: what the kernel
 * says of the first message that it refuses; -EINVAL, too, if these are no messages that make
 * something. */
int send_batch(const void *messages, size_t n, uint32_t generation);

/* For many of them, one after the other. */
struct sender {
	struct mnl_socket *nl; /* NULL: not open */
	size_t room; /* bytes that one transaction may have; at most what was wanted */
};

int sender_open(struct sender *s, size_t wanted);
/* Any messages of nf_tables; as above. */
int sender_send(struct sender *s, const void *messages, size_t n, uint32_t generation);
void sender_close(struct sender *s);

#endif
