/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is found by bounds of rules and translations, against looking at each of them.
 */
#include "policy/policy.h"
#include "test.h"
#include "text.h"

#define MANY 60

static unsigned next(void)
{
	static unsigned x = 7;

	x = x * 1103515245 + 12345;
	return x >> 16;
}

static const char *const head =
	"forwarding on\n"
	"zone lan { interface eth0; network 10.0.0.0/8, 2001:db8:1::/64 }\n"
	"zone wan { interface eth1 }\n"
	"set seen = dynamic\n"
	"set some = 10.0.0.1, 10.0.0.3, 2001:db8:1::3\n"
	"host both = 10.0.0.2, 2001:db8:1::2\n";

static const char *const ends[] = {
	"10.0.0.1@lan",	 "10.0.0.2@lan", "10.0.0.0/30@lan", "both@lan", "!10.0.0.1@lan",
	"2001:db8:1::1@lan", "some@lan",	 "!some@lan",	    "seen@lan", "lan",
	"2001:db8:1::/126@lan", "self",		 "any"};
static const char *const called[] = {"self", "203.0.113.1@self", "203.0.113.2@self", "any",
				     "2001:db8:2::1@self"};
static const char *const asked[] = {"10.0.0.1@lan", "10.0.0.0/30@lan", "both@lan", "!10.0.0.1@lan",
				    "2001:db8:1::1@lan", "seen@lan", "lan", "self", "any",
				    "203.0.113.1@self", "2001:db8:2::1@self", "10.0.0.1"};
static const char *const services[] = {"tcp/80",      "tcp/81",	    "tcp/80-90", "udp/80",
				       "tcp/1, udp/81", "proto/tcp", "",	 "icmp/echo-request",
				       "tcp/80 ipv4"};
static const char *const nats[] = {"tcp/80", "tcp/81", "tcp/80-83", "udp/80, tcp/443", "udp/81"};
static const char *const targets[] = {"10.0.0.1", "10.0.0.2:80", "both:81", "2001:db8:1::3",
				      "10.0.0.3", "10.0.0.1:8081"};

#define ONE_OF(of) of[next() % (sizeof(of) / sizeof(of[0]))]

static const char *some_policy(struct arena *a)
{
	const char *text = head;

	for (int i = 0; i < MANY; i++) {
		bool moves = next() % 3 == 0;
		const char *nat = moves ? "tcp/80" : ONE_OF(nats);
		const char *ports = ONE_OF(services);

		text = arena_printf(a, "%sallow %s -> %s%s%s\n", text, next() % 4 ? "wan" : "any",
				    ONE_OF(ends), *ports ? " " : "", ports);
		text = arena_printf(a, "%sdnat wan -> %s %s to %s%s\n", text, ONE_OF(called), nat,
				    ONE_OF(targets), "");
		ports = ONE_OF(services);
		text = arena_printf(a, "%sexpect drop %s -> %s%s%s\n", text,
				    next() % 4 ? "wan" : "any", ONE_OF(asked),
				    *ports ? " " : "", ports);
	}
	return text;
}

static bool same(const struct numbers *found, const bool *wanted, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		if (wanted[i] && (at == found->n || found->v[at++] != i))
			return false;
	return at == found->n;
}

static bool right_before(struct arena *a, const struct policy *p, size_t nat)
{
	bool *wanted = arena_alloc(a, p->nats.n + 1);
	struct numbers found = {0};

	for (size_t i = 0; i < nat; i++)
		wanted[i] = nats_meet(&p->nats.v[i], &p->nats.v[nat]);
	nats_before(p, a, nat, &found);
	return same(&found, wanted, p->nats.n);
}

static bool right_behind(struct arena *a, const struct policy *p, const struct nat *n,
			 enum family fam, const u128 *target)
{
	bool *wanted = arena_alloc(a, p->rules.n + 1);
	struct numbers found = {0};

	for (size_t i = 0; i < p->rules.n; i++)
		wanted[i] = rule_meets_nat(&p->rules.v[i], n, fam, target);
	rules_behind_nat(p, a, n, fam, target, &found);
	return same(&found, wanted, p->rules.n);
}

/* Of a translation the destination alone is compared: what a question's packets call. */
static bool right_asked(struct arena *a, const struct policy *p, const struct rule *query)
{
	bool *met = arena_alloc(a, p->rules.n + 1), *called_by = arena_alloc(a, p->nats.n + 1);
	struct numbers near = {0}, translated = {0};

	for (size_t i = 0; i < p->rules.n; i++)
		met[i] = rules_meet(&p->rules.v[i], query);
	for (size_t i = 0; i < p->nats.n; i++) {
		const struct nat *n = &p->nats.v[i];
		struct rule as = {.from = n->from, .to = n->to, .services = n->services};

		as.q.family = n->family;
		called_by[i] = rules_meet(&as, query);
	}
	rules_asked(p, a, query, &near);
	nats_asked(p, a, query, &translated);
	return same(&near, met, p->rules.n) && same(&translated, called_by, p->nats.n);
}

static void one_policy(void)
{
	struct arena *a = arena_new();
	struct diag d;
	struct policy *p;
	bool fine = true;

	diag_init(&d, a);
	p = policy_resolve(parsed(a, some_policy(a), &d), a, &d);
	SAME_NUMBER(p->rules.n, MANY);
	CHECK(p->nats.n > MANY / 2); /* a target of one family is no answer to a call of the other */
	for (size_t i = 0; i < p->nats.n; i++) {
		const struct nat *n = &p->nats.v[i];

		fine = fine && right_before(a, p, i) && right_behind(a, p, n, FAM_IP4, NULL) &&
		       right_behind(a, p, n, FAM_IP6, NULL);
		for (size_t k = 0; k < n->to4.to.n; k++)
			fine = fine && right_behind(a, p, n, FAM_IP4, &n->to4.to.v[k].lo);
		for (size_t k = 0; k < n->to6.to.n; k++)
			fine = fine && right_behind(a, p, n, FAM_IP6, &n->to6.to.v[k].lo);
	}
	SAME_NUMBER(p->expects.n, MANY);
	for (size_t i = 0; i < p->expects.n; i++)
		fine = fine && right_asked(a, p, &p->expects.v[i]);
	CHECK(fine);
	arena_free(a);
}

/* ---- what is not tracked, and translations of it ---- */

static const struct {
	const char *untracked, *nat;
	bool meets;
} pairs[] = {
	{"wan -> 203.0.113.1@self tcp/80", "dnat wan -> 203.0.113.1@self tcp/80 to 10.0.0.1", true},
	{"192.0.2.1@wan -> 203.0.113.1@self tcp/81",
	 "dnat wan -> 203.0.113.1@self tcp/80 to 10.0.0.1", false},
	{"192.0.2.1@wan -> 203.0.113.2@self tcp/80",
	 "dnat wan -> 203.0.113.1@self tcp/80 to 10.0.0.1", false},
	/* behind it */
	{"wan -> 10.0.0.1@lan tcp/80", "dnat wan -> self tcp/80 to 10.0.0.1", true},
	{"wan -> 10.0.0.1@lan tcp/81", "dnat wan -> self tcp/80 to 10.0.0.1:81", true},
	{"192.0.2.1@wan -> 10.0.0.2@lan tcp/80", "dnat wan -> 203.0.113.1@self tcp/80 to 10.0.0.1", false},
	{"10.0.0.9@lan -> 10.0.0.1@lan tcp/80", "dnat wan -> 203.0.113.1@self tcp/80 to 10.0.0.1", false},
	{"lan -> 10.0.0.1@lan tcp/80", "dnat wan -> 203.0.113.1@self tcp/80 to 10.0.0.1 hairpin lan",
	 true},
	/* the answers of what is not tracked */
	{"10.0.0.1@lan -> 192.0.2.1@wan udp/53",
	 "dnat wan -> 10.0.0.1@self udp/1024 to 10.0.0.2", true},
	{"10.0.0.1@lan -> 192.0.2.1@wan udp/53",
	 "dnat wan -> 10.0.0.2@self udp/1024 to 10.0.0.3", false},
	/* the source; of what this machine sends for others, too */
	{"10.0.0.1@lan -> wan udp/53", "snat 10.0.0.1@lan -> wan to 203.0.113.9", true},
	{"10.0.0.1@lan -> wan udp/53", "snat 10.0.0.2@lan -> wan to 203.0.113.9", false},
	{"10.0.0.1@lan -> wan udp/53", "snat 10.0.0.1@lan -> wan tcp/53 to 203.0.113.9", false},
	{"self -> 192.0.2.1@wan udp/53", "snat 10.0.0.2@lan -> wan to 203.0.113.9", true},
	{"self -> 192.0.2.1@wan udp/53", "snat 10.0.0.2@lan -> 192.0.2.2@wan to 203.0.113.9", false},
};

static void untracked_and_nats(void)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct arena *a = arena_new();
		struct policy *p;
		struct diag d;

		diag_init(&d, a);
		p = policy_resolve(parsed(a,
					  arena_printf(a, "%suntracked %s\n%s\n", head,
						       pairs[i].untracked, pairs[i].nat),
					  &d),
				   a, &d);
		if (p->untracked.n != 1 || !p->nats.n ||
		    untracked_meets_nat(&p->untracked.v[0], &p->nats.v[0]) != pairs[i].meets)
			printf("# %s | %s\n", pairs[i].untracked, pairs[i].nat);
		SAME_NUMBER(p->untracked.n, 1);
		CHECK(p->nats.n && untracked_meets_nat(&p->untracked.v[0], &p->nats.v[0]) ==
					   pairs[i].meets);
		arena_free(a);
	}
}

int main(void)
{
	untracked_and_nats();
	for (int i = 0; i < 10; i++)
		one_policy();
	return test_end();
}
