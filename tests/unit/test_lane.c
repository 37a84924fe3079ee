/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the holder of a queue makes of a judge's answers: verdicts for packets that wait, and
 * nothing else, whatever the judge says. No kernel: the verdicts are read from the buffer they
 * collect in.
 */
#include <arpa/inet.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspectd/lane.h"
#include "inspectd/responder.h"
#include "test.h"

#define MASK 0xff000000u

uint64_t lane_clock(void)
{
	return 1;
}

static struct sent { /* to clients */
	unsigned times, interface;
	uint32_t mark;
	size_t n;
	struct dns_reply_ends ends;
} sent;

bool responder_send(struct responder *responder, unsigned interface, uint32_t mark,
		    const uint8_t *packet, size_t n, const struct dns_reply_ends *ends)
{
	(void)responder;
	sent = (struct sent){sent.times + 1, interface, mark, n, *ends};
	return packet[0] >> 4 == ends->version;
}

static struct lane lane;
static struct responder responder;
static struct lane_options options = {.events = -1, .responder = &responder};
static struct lane_tables tables;
static struct wire_reply r;
static int judge;

static void open_slot(uint32_t slot, uint32_t id, uint32_t mark, uint32_t len)
{
	lane.ledger->place[slot] = (struct lane_place){
		.open = 1, .id = id, .mark = mark, .len = len, .order = lane.ledger->order++};
	lane.counts.waiting++;
}

static void say(enum wire_kind kind, uint32_t n, size_t bytes)
{
	r.kind = kind;
	r.n = n;
	if (send(judge, &r, WIRE_HEAD + bytes, 0) < 0)
		perror("send");
	CHECK(lane_hear(&lane, &lane.judge));
}

static void one(uint32_t slot, uint32_t act)
{
	r.answers[0] = (struct wire_answer){slot, act};
	say(WIRE_ANSWERED, 1, sizeof(r.answers[0]));
}

/* "id verdict mark", of the first verdict that waits to be sent; "" if there is none. */
static const char *verdict(void)
{
	static char text[128];
	const struct nlmsghdr *h = (const void *)lane.queue.out;
	struct nlattr *attr[NFQA_MAX + 1] = {0};
	const struct nfqnl_msg_verdict_hdr *v;

	if (!lane.queue.len)
		return "";
	lane.queue.len = 0;
	nfq_nlmsg_parse(h, attr);
	v = mnl_attr_get_payload(attr[NFQA_VERDICT_HDR]);
	sprintf(text, "%u %u %08x%s", ntohl(v->id), ntohl(v->verdict),
		ntohl(mnl_attr_get_u32(attr[NFQA_MARK])), attr[NFQA_PAYLOAD] ? " changed" : "");
	return text;
}

/* NF_ACCEPT is 1, NF_REPEAT 4, NF_DROP 0; marks as the manual has them. */
static void test_answers(void)
{
	static const struct {
		enum act act;
		const char *wanted;
	} acts[] = {{ACT_PASS, "9 1 00000033"},	 {ACT_ALLOW, "9 4 01000033"},
		    {ACT_DENY, "9 4 02000033"},	 {ACT_REJECT, "9 4 03000033"},
		    {ACT_AGAIN, "9 4 00000033"}, {ACT_DROP, "9 0 00000033"}};

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		open_slot(5, 9, 0x07000033, 60);
		one(5, acts[i].act);
		SAME_TEXT(verdict(), acts[i].wanted);
		CHECK(!lane.ledger->place[5].open);
	}
	SAME_NUMBER(lane.counts.nonsense, 0);
}

/* It goes on, and its bytes stay for whoever judges next. */
static void test_kept(void)
{
	uint64_t before = lane.counts.nonsense;

	open_slot(5, 9, 0x07000033, 60);
	one(5, ACT_FORGET); /* it waits */
	SAME_NUMBER(lane.counts.nonsense - before, 1);
	one(5, ACT_KEEP);
	SAME_TEXT(verdict(), "9 1 00000033");
	SAME_NUMBER(lane.ledger->place[5].open, PLACE_KEPT);
	SAME_NUMBER(lane.counts.waiting, 0);
	one(5, ACT_ALLOW); /* the kernel has its answer */
	one(5, ACT_KEEP);
	SAME_NUMBER(lane.counts.nonsense - before, 3);
	lane.nfree = 0;
	one(5, ACT_FORGET);
	SAME_NUMBER(lane.nfree, 1);
	one(5, ACT_FORGET);
	SAME_NUMBER(lane.counts.nonsense - before, 4);
	open_slot(5, 9, 0x07000033, 60);
	one(5, ACT_KEEP);
	SAME_TEXT(verdict(), "9 1 00000033");
	lane_settle_by(&lane, 5, CAUSE_ERROR);
	SAME_NUMBER(lane.ledger->place[5].open, PLACE_FREE);
	SAME_TEXT(verdict(), "");
	lane.counts.nonsense = before;
}

static void test_nonsense(void)
{
	uint64_t before = lane.counts.nonsense;

	open_slot(5, 9, 0x07000033, 60);
	one(6, ACT_ALLOW); /* nothing waits there */
	one(SLOTS, ACT_ALLOW);
	one(UINT32_MAX, ACT_ALLOW);
	one(5, ACT_HOLD);
	one(5, NACTS);
	one(5, 77);
	SAME_TEXT(verdict(), "");
	say(WIRE_ANSWERED, 2, sizeof(r.answers[0])); /* says more than it brings */
	say(WIRE_ANSWERED, WIRE_ANSWERS + 1, 0);
	r.events = 1;
	say(WIRE_ANSWERED, 0, 3);
	r.events = 0;
	r.slot = 5;
	say(WIRE_REWRITTEN, 60, 60); /* this queue is not for rewriting */
	SAME_TEXT(verdict(), "");
	SAME_NUMBER(lane.counts.nonsense - before, 10);
	lane.config.rewrite = true;
	say(WIRE_REWRITTEN, 59, 59); /* shorter than it was */
	SAME_TEXT(verdict(), "");
	say(WIRE_REWRITTEN, 60, 60);
	SAME_TEXT(verdict(), "9 1 00000033 changed");
	lane.config.rewrite = false;
	one(5, ACT_ALLOW); /* answered already */
	SAME_TEXT(verdict(), "");
	SAME_NUMBER(lane.counts.nonsense - before, 12);
}

/* Decisions go on together, once the packets are on their way. */
static void test_events(void)
{
	const size_t one_of_them = sizeof(struct event);
	uint64_t before = lane.counts.nonsense;
	struct event e[3] = {{.id = 11}, {.id = 12}}, got[3];
	int pair[2];

	SAME_NUMBER(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	options.events = pair[0];
	open_slot(5, 9, 0x07000033, 60);
	r.answers[0] = (struct wire_answer){5, ACT_ALLOW};
	memcpy(r.bytes + sizeof(r.answers[0]), e, 2 * one_of_them);
	r.events = 2;
	say(WIRE_ANSWERED, 1, sizeof(r.answers[0]) + 2 * one_of_them);
	SAME_NUMBER(lane.queue.len, 0); /* sent */
	SAME_NUMBER(lane.ledger->place[5].open, PLACE_FREE);
	SAME_NUMBER(recv(pair[1], got, sizeof(got), MSG_DONTWAIT), 2 * one_of_them);
	SAME_NUMBER(got[0].id, 11);
	SAME_NUMBER(got[1].id, 12);
	CHECK(got[0].when && got[1].when);
	r.events = 3; /* says more than it brings */
	say(WIRE_ANSWERED, 0, 2 * one_of_them);
	r.events = WIRE_EVENTS + 1;
	say(WIRE_ANSWERED, 0, (WIRE_EVENTS + 1) * one_of_them);
	SAME_NUMBER(lane.counts.nonsense - before, 2);
	SAME_NUMBER(lane.counts.lost_events, 0);
	close(pair[1]);
	r.events = 2;
	say(WIRE_ANSWERED, 0, 2 * one_of_them);
	SAME_NUMBER(lane.counts.lost_events, 2);
	close(pair[0]);
	options.events = -1;
	r.events = 0;
	lane.counts.nonsense = before;
}

/* A query from 192.0.2.2:4096 to 198.51.100.1:53, as the kernel brings it. */
static const uint8_t query[] = {
	0x45, 0,    0,	  40, 0, 0, 0, 0, 64,	17,   0,    0,	  192,	0, 2, 2, 198, 51, 100, 1,
	0x10, 0x00, 0x00, 53, 0, 20, 0, 0, 0x12, 0x34, 0x01, 0x00, 0x00, 1, 0, 0, 0,	0, 0,  0};

static void bring(uint32_t slot, uint32_t id)
{
	struct nfqnl_msg_packet_hdr head = {.packet_id = htonl(id)};
	uint8_t *at = lane.slots + (size_t)slot * SLOT_SIZE;
	struct nlmsghdr *h = nfq_nlmsg_put((char *)at, NFQNL_MSG_PACKET, 1);

	mnl_attr_put(h, NFQA_PACKET_HDR, sizeof(head), &head);
	mnl_attr_put_u32(h, NFQA_IFINDEX_INDEV, htonl(7));
	mnl_attr_put(h, NFQA_PAYLOAD, sizeof(query), query);
	open_slot(slot, id, 0x07000033, sizeof(query));
	lane.ledger->place[slot].offset = h->nlmsg_len - sizeof(query);
}

static void reply(uint32_t slot, uint8_t id, size_t n)
{
	memset(r.bytes, 0, n);
	memcpy(r.bytes, (uint8_t[]){0x12, id, 0x81, 0x85}, 4);
	r.slot = slot;
	say(WIRE_REPLIED, (uint32_t)n, n);
}

/* The query is denied by the rules; the answer goes to where it came from, and nowhere else. */
static void test_replies(void)
{
	uint64_t before = lane.counts.nonsense;

	bring(0, 9);
	reply(0, 0x34, 12);
	SAME_TEXT(verdict(), "9 4 02000033");
	SAME_NUMBER(sent.times, 1);
	SAME_NUMBER(sent.interface, 7);
	SAME_NUMBER(sent.mark, 0x01000000);
	SAME_NUMBER(sent.n, 20 + 8 + 12);
	SAME_NUMBER(sent.ends.port, 4096);
	CHECK(!memcmp(sent.ends.client, "\xc0\x00\x02\x02", 4));
	CHECK(!memcmp(sent.ends.server, "\xc6\x33\x64\x01", 4));
	reply(0, 0x34, 12); /* answered already */
	SAME_TEXT(verdict(), "");
	bring(0, 10);
	reply(0, 0x34, 513);
	reply(1, 0x34, 12);
	reply(SLOTS, 0x34, 12);
	SAME_TEXT(verdict(), "");
	SAME_NUMBER(lane.counts.nonsense - before, 4);
	reply(0, 0x35, 12); /* to another query: it is denied, and nobody is told */
	SAME_TEXT(verdict(), "10 4 02000033");
	bring(0, 11);
	lane.ledger->place[0].id = 12; /* something else lies there */
	reply(0, 0x34, 12);
	SAME_TEXT(verdict(), "12 4 02000033");
	bring(0, 13);
	lane.ledger->place[0].mark = 0x08000033; /* that rule's inspector answers nobody */
	reply(0, 0x34, 12);
	SAME_TEXT(verdict(), "13 4 02000033");
	SAME_NUMBER(sent.times, 1);
	SAME_NUMBER(lane.counts.replied, 1);
	SAME_NUMBER(lane.counts.unreplied, 3);
}

/* Without a judge: the rule's words; what no rule is known for is dropped. */
static void test_words(void)
{
	open_slot(1, 1, 0x07000000, 40);
	lane_settle_by(&lane, 1, CAUSE_ERROR);
	SAME_TEXT(verdict(), "1 4 01000000"); /* on-error allow */
	open_slot(1, 2, 0x07000000, 40);
	lane_settle_by(&lane, 1, CAUSE_NO_HELPER);
	SAME_TEXT(verdict(), "2 0 00000000"); /* deny: it may be sent again */
	open_slot(1, 3, 0x09000000, 40);
	lane_settle_by(&lane, 1, CAUSE_ERROR);
	SAME_TEXT(verdict(), "3 0 00000000");
	SAME_NUMBER(lane.counts.settled, 3);
}

/* Whatever comes, only slots that wait are answered, each once. */
static void test_anything(void)
{
	uint64_t freed = 0, opened = 0, still = 0, waits = 0;

	srand(7);
	for (int i = 0; i < 20000; i++) {
		size_t bytes = (size_t)rand() % 200;

		for (uint32_t s = 0; s < 8; s++) {
			if (lane.ledger->place[s].open)
				continue;
			open_slot(s, s, 0x07000000, 40);
			opened++;
		}
		for (size_t k = 0; k < WIRE_HEAD + bytes; k++)
			((uint8_t *)&r)[k] = (uint8_t)(rand() % 8);
		bytes -= rand() % 2 ? bytes % 8 : 0;
		for (size_t k = 0; k < bytes / 8 && rand() % 8; k++)
			r.answers[k] = (struct wire_answer){(uint32_t)rand() % 10,
							    (uint32_t)rand() % (NACTS + 2)};
		r.n = (uint32_t)(rand() % 3 ? bytes / 8 : (size_t)rand());
		r.kind = (uint32_t)rand() % 6;
		r.events = rand() % 16 ? 0 : (uint32_t)rand() % (2 * WIRE_EVENTS);
		lane.nfree = 0;
		if (send(judge, &r, WIRE_HEAD + bytes, 0) < 0 || !lane_hear(&lane, &lane.judge))
			break;
		freed += lane.nfree;
		lane.queue.len = 0;
	}
	for (uint32_t s = 0; s < 8; s++) {
		still += lane.ledger->place[s].open != PLACE_FREE;
		waits += lane.ledger->place[s].open == PLACE_OPEN;
	}
	CHECK(freed > 1000);
	SAME_NUMBER(freed + still, opened);
	SAME_NUMBER(lane.counts.waiting, waits);
}

static const char text[] =
	"{\"format\":1,\"inspectors\":[{\"name\":\"a\",\"on-error\":\"allow\",\"entries\":["
	"{\"verdict\":\"deny\",\"look\":\"any\",\"answer\":[\"refused\"]}]},"
	"{\"name\":\"b\",\"entries\":[]}],"
	"\"mark\":4278190080,\"queues\":[{\"first\":1,\"count\":1,\"on-overflow\":\"deny\","
	"\"rewrite\":false}],\"rules\":[{\"id\":7,\"inspector\":\"a\",\"queue\":1},"
	"{\"id\":8,\"inspector\":\"b\",\"queue\":1}]}";

int main(void)
{
	json_t *j = json_loads(text, 0, NULL);
	struct buf why = {0};
	int pair[2];

	SAME_NUMBER(tables_load(&tables.tables, j, &why), 0);
	json_decref(j);
	lane.o = &options;
	lane.tables = &tables;
	lane.ledger = calloc(1, sizeof(*lane.ledger));
	lane.slots = calloc(8, SLOT_SIZE);
	SAME_NUMBER(queue_adopt(&lane.queue, -1, 1), 0);
	SAME_NUMBER(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	judge = pair[0];
	lane.judge.fd = pair[1];
	test_answers();
	test_kept();
	test_nonsense();
	test_events();
	test_replies();
	test_words();
	test_anything();
	close(judge);
	CHECK(!lane_hear(&lane, &lane.judge)); /* it is gone */
	close(pair[1]);
	queue_close(&lane.queue);
	tables_free(&tables.tables);
	free(lane.ledger);
	free(lane.slots);
	return test_end();
}
