/* SPDX-License-Identifier: GPL-2.0-or-later
 * Recorded dumps (tests/dumps) -> IR -> what becomes of packets, held against what became of them
 * in the kernel. Where the reading leaves open what happens, the case has to be in
 * tests/dumps/open, and one of the ways that it may go has to be the one that the packet went.
 * test_dump CASE... asks about these only; test_dump FILE.dump FILE.packets about those, and
 * nothing may be left open but where a new destination is.
 */
#include <dirent.h>
#include <netinet/in.h>

#include "nft/nft.h"
#include "policy/policy.h"
#include "space/live_walk.h"
#include "test.h"
#include "text.h"
#include "util/map.h"
#include "util/number.h"

#define MAX_WORDS 40

/* The machine of tests/dumps/lab.py. */
static const char lab[] = "zone e0 { interface eth0; network 10.0.0.0/24, fd00:a::/64 }\n"
			  "zone e10 { interface eth10; network 10.0.10.0/24 }\n"
			  "zone docker { interface docker0; network 172.17.0.0/16 }\n"
			  "zone wg { interface wg0; network 10.8.0.0/24, fd00:c::/64 }\n"
			  "zone br { interface br0; network 192.168.122.0/24, fd00:d::/64 }\n"
			  "zone e1 { interface eth1 }\n";
static const char *const interfaces[] = {"eth0", "eth1", "eth10", "docker0",
					 "wg0",	 "br0",	 "p0",	  "p1"};

static const char links[] = "-1 lo\n+11 eth0\n+12 eth1\n+13 eth10\n+14 docker0\n+15 wg0\n"
			    "+16 br0\n-17 p0\n-18 p1\n";

static const char *dir;

struct line_words {
	char *v[MAX_WORDS];
	size_t n;
};

static struct line_words split(char *s)
{
	struct line_words w = {.n = 0};

	for (char *p = strtok(s, " \n"); p && w.n < MAX_WORDS; p = strtok(NULL, " \n"))
		w.v[w.n++] = p;
	return w;
}

/* The whole file, in the arena; NULL if there is none. */
static char *slurp(struct arena *a, const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct buf b = {0};
	char chunk[4096];
	size_t got;
	char *copy;

	if (!f)
		return NULL;
	while ((got = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, got);
	fclose(f);
	*n = b.len;
	copy = arena_alloc(a, b.len + 1);
	if (b.len)
		memcpy(copy, b.data, b.len);
	buf_free(&b);
	return copy;
}

/* ---- a packet ---- */

struct sent {
	struct packet packet;
	bool own; /* by the machine itself */
	bool known; /* all that it is can be said here */
	const char *fate;
	const char *out; /* where it left, or would have */
	const char *to; /* where it went, ADDRESS/PORT; NULL: as it was */
};

static uint64_t number(const char *s)
{
	uint64_t x = 0;

	number_any(s, strlen(s), UINT32_MAX, &x);
	return x;
}

static void set_state(struct sent *s, const char *word)
{
	static const struct {
		const char *word;
		enum ct_code state;
		bool reply;
	} states[] = {{"new", CT_NEW, false},
		      {"established", CT_ESTABLISHED, true},
		      {"original", CT_ESTABLISHED, false},
		      {"related", CT_RELATED, false},
		      {"untracked", CT_UNTRACKED, false},
		      {"invalid", CT_INVALID, false}};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(states[i].word, word) != 0)
			continue;
		s->packet.dim[DIM_CT_STATE] = states[i].state;
		s->packet.dim[DIM_CT_DIRECTION] = states[i].reply;
		if (states[i].state == CT_ESTABLISHED)
			s->packet.dim[DIM_CT_STATUS] = 2 | 8; /* seen reply, confirmed */
		return;
	}
	s->known = false;
}

static unsigned flags_of(char *words)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"};
	unsigned bits = 0;

	for (unsigned i = 0; i < 8; i++)
		if (strstr(words, names[i]))
			bits |= 1u << i;
	return bits;
}

/* lab.py: own(); numbers of interfaces. */
static u128 own_station(const char *interface)
{
	static const struct {
		const char *name;
		unsigned number;
	} all[] = {{"eth0", 11}, {"eth1", 12}, {"eth10", 13}, {"docker0", 14},
		   {"wg0", 15},	 {"br0", 16},  {"p0", 17},    {"p1", 18}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i].name, interface))
			return (u128)0x020000000100 | all[i].number;
	return 0;
}

/* mss:N+sackok+ts+ws:N+NUMBER */
static unsigned options_length(const char *words)
{
	unsigned n = 0;

	for (const char *p = words; *p; p += strcspn(p, "+"), p += *p == '+')
		n += !strncmp(p, "mss:", 4)  ? 4
		     : !strncmp(p, "ws:", 3) ? 3
		     : !strncmp(p, "ts", 2)  ? 10
					     : 2;
	return (n + 3) & ~3u;
}

/* Of the whole packet, as packet.py makes it: 8 bytes of payload, and `data`. */
static unsigned length_of(const u128 *d, const struct line_words *w)
{
	unsigned n = d[DIM_FAMILY] ? 40 : 20;

	switch ((unsigned)d[DIM_PROTO]) {
	case 6:
		n += 20;
		break;
	case 17:
	case 136:
	case 1:
	case 58:
		n += 8;
		break;
	case 132:
		n += 12 + 4 + 8 + 8;
		break;
	case 33:
		n += 16;
		break;
	case 50:
		n += 8;
		break;
	case 51:
		n += 16;
		break;
	default:
		n += 4;
	}
	for (size_t i = 6; i < w->n && strcmp(w->v[i], "->") != 0; i++) {
		if (!strncmp(w->v[i], "data=", 5))
			n += (unsigned)strlen(w->v[i] + 5);
		if (!strncmp(w->v[i], "opts=", 5))
			n += options_length(w->v[i] + 5);
	}
	return n + 8;
}

static u128 station(const char *word)
{
	u128 x = 0;

	for (const char *p = word; *p; p++)
		if (*p != ':')
			x = x << 4 | (u128)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
	return x;
}

/* KEY=VALUE of the packet; what no dimension has changes nothing that this engine can see. */
static void set_key(struct sent *s, char *word)
{
	char *value = strchr(word, '=');
	u128 *d = s->packet.dim;

	if (!value)
		return;
	*value++ = '\0';
	if (!strcmp(word, "flags"))
		d[DIM_FLAGS] = flags_of(value);
	else if (!strcmp(word, "state"))
		set_state(s, value);
	else if (!strcmp(word, "mark"))
		d[DIM_MARK] = number(value);
	else if (!strcmp(word, "ctmark"))
		d[DIM_CT_MARK] = number(value);
	else if (!strcmp(word, "ttl"))
		d[DIM_HOPLIMIT] = number(value);
	else if (!strcmp(word, "uid"))
		d[DIM_UID] = number(value);
	else if (!strcmp(word, "gid"))
		d[DIM_GID] = number(value);
	else if (!strcmp(word, "dscp"))
		d[DIM_DSCP] = number(value);
	else if (!strcmp(word, "ecn"))
		d[DIM_ECN] = number(value);
	else if (!strcmp(word, "smac"))
		d[DIM_ETHER_SADDR] = station(value);
	else if (!strcmp(word, "dmac"))
		d[DIM_ETHER_DADDR] = station(value);
	else if (!strcmp(word, "len"))
		d[DIM_LENGTH] = number(value);
	else if (!strcmp(word, "frag") || !strcmp(word, "ext") || !strcmp(word, "cut"))
		s->known = false; /* its headers are elsewhere than those of others, or gone */
}

static uint8_t proto_of(const char *word)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {{"tcp", 6},    {"udp", 17},  {"icmp", 1},	    {"icmpv6", 58},
		     {"sctp", 132}, {"dccp", 33}, {"udplite", 136}, {"esp", 50},
		     {"ah", 51},    {"gre", 47},  {"igmp", 2}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, word))
			return names[i].number;
	return (uint8_t)number(word);
}

static u128 address(const char *word)
{
	enum family fam;
	u128 x = 0;

	CHECK(addr_parse(word, strlen(word), &fam, &x));
	return x;
}

static uint32_t code_of(struct schema *s, const char *name)
{
	struct ival v;

	if (!strcmp(name, "self") || !ifname_parse(name, strlen(name), &v))
		return schema_no_interface(s);
	return schema_code(s, v);
}

/* What the kernel's routes say of the target: RTN_*. */
static unsigned kind_of(bool ip6, u128 addr, bool here)
{
	if (ip6 ? addr >> 120 == 0xff : addr >> 28 == 14)
		return 5;
	if (!ip6 && (addr == 0xffffffff || (here && (addr & 255) == 255)))
		return 3;
	return here ? 2 : 1;
}

static const char *const own[][2] = {
	{"eth0", "10.0.0.1"},  {"eth0", "fd00:a::1"},  {"eth1", "10.0.1.1"},
	{"eth1", "fd00:b::1"}, {"eth10", "10.0.10.1"}, {"docker0", "172.17.0.1"},
	{"wg0", "10.8.0.1"},   {"wg0", "fd00:c::1"},   {"br0", "192.168.122.1"},
	{"br0", "fd00:d::1"},
};

/* interface NULL: of any. */
static bool is_of(const char *interface, const char *addr)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if ((!interface || !strcmp(own[i][0], interface)) && !strcmp(own[i][1], addr))
			return true;
	return false;
}

/* FROM>OUT ip|ip6 SOURCE TARGET PROTOCOL PORTS [KEY=VALUE...] -> FATE [KEY=VALUE...] */
static bool read_packet(struct schema *schema, struct line_words w, struct sent *s)
{
	static char bridge[] = "br0"; /* p0 and p1 are its ports */
	u128 *d = s->packet.dim;
	char *out;
	size_t i;

	*s = (struct sent){.known = true};
	if (w.n < 8 || !strchr(w.v[0], '>'))
		return false;
	out = strchr(w.v[0], '>');
	*out++ = '\0';
	s->own = !strcmp(w.v[0], "self");
	if (!strcmp(w.v[0], "p0") || !strcmp(w.v[0], "p1"))
		w.v[0] = bridge;
	d[DIM_FAMILY] = !strcmp(w.v[1], "ip6");
	d[DIM_IIF] = code_of(schema, w.v[0]);
	d[DIM_OIF] = code_of(schema, s->own && !strcmp(out, "self") ? "lo" : out);
	d[DIM_SADDR] = address(w.v[2]);
	d[DIM_DADDR] = address(w.v[3]);
	d[DIM_PROTO] = proto_of(w.v[4]);
	d[DIM_HOPLIMIT] = 64;
	d[DIM_FIB_SADDR] = s->own || is_of(NULL, w.v[2]) ? 2 : 1;
	d[DIM_FIB_DADDR] =
		kind_of(d[DIM_FAMILY], d[DIM_DADDR], !strcmp(out, "self") || is_of(NULL, w.v[3]));
	d[DIM_FIB_DADDR_IIF] = d[DIM_FIB_DADDR];
	if (d[DIM_FIB_DADDR] == 2 && !s->own && !is_of(w.v[0], w.v[3]))
		d[DIM_FIB_DADDR_IIF] = 1;
	s->out = out;
	d[DIM_HOUR] = 12 * 3600;
	d[DIM_DAY] = 1;
	d[DIM_PAYLOAD] = d[DIM_PROTO] == 6 || d[DIM_PROTO] == 17;
	if (strchr(w.v[5], '/')) {
		char *second = strchr(w.v[5], '/');
		bool icmp = d[DIM_PROTO] == 1 || d[DIM_PROTO] == 58;

		*second++ = '\0';
		d[icmp ? DIM_TYPE : DIM_SPORT] = number(w.v[5]);
		d[icmp ? DIM_CODE : DIM_DPORT] = number(second);
	}
	if (d[DIM_PROTO] == 6)
		d[DIM_FLAGS] = 2;
	d[DIM_LENGTH] = length_of(d, &w);
	if (!s->own) { /* all interfaces are Ethernet */
		d[DIM_LINK] = d[DIM_IIFTYPE] = 1;
		d[DIM_ETHER_SADDR] = station("02:00:00:00:00:02");
		d[DIM_ETHER_DADDR] = own_station(w.v[0]);
	}
	if (strcmp(out, "self") != 0)
		d[DIM_OIFTYPE] = 1;
	else if (s->own)
		d[DIM_OIFTYPE] = 772; /* lo */
	for (i = 6; i < w.n && strcmp(w.v[i], "->") != 0; i++)
		set_key(s, w.v[i]);
	/* what was sent as an answer called the port that it comes from */
	d[DIM_CALLED] = d[d[DIM_CT_DIRECTION] ? DIM_SPORT : DIM_DPORT];
	if (++i >= w.n)
		return false;
	s->fate = w.v[i];
	for (i++; i < w.n; i++)
		if (!strncmp(w.v[i], "to=", 3))
			s->to = w.v[i] + 3;
	return true;
}

/* ---- the answer ---- */

static const char *fate_of(const struct way *x)
{
	switch (x->fate) {
	case FATE_ACCEPT:
		return "accept";
	case FATE_DROP:
		return "drop";
	case FATE_REJECT:
		return "reject";
	case FATE_NONE:
	case FATE_RETURN:
	case FATE_TRANSLATE:
	case FATE_INSPECT:
	case FATE_UNKNOWN:
		break;
	}
	return "?";
}

static bool went_there(const struct way *x, const struct sent *s)
{
	const u128 *addr = (x->changed[DIM_DADDR] ? x->now : s->packet).dim;
	const u128 *port = (x->changed[DIM_DPORT] ? x->now : s->packet).dim;
	struct buf b = {0};
	bool there;

	addr_print(&b, s->packet.dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4, addr[DIM_DADDR]);
	if (strchr(s->to, '/'))
		buf_printf(&b, "/%u", (unsigned)port[DIM_DPORT]);
	there = !strcmp(s->to, buf_str(&b));
	if (!x->changed[DIM_DADDR] && x->changed[DIM_FIB_DADDR]) /* to an address of this machine */
		there = !strchr(s->to, '/') ||
			!strcmp(strchr(s->to, '/'), strchr(buf_str(&b), '/'));
	buf_free(&b);
	return there;
}

struct tally {
	const char *name;
	bool open; /* something was left open */
	bool fate; /* what a rule does */
	size_t wrong, packets;
	struct arena *arena;
	VEC(char *) depends; /* on these, each once */
};

static void depends_on(struct tally *t, const char *what)
{
	static const char odd[] = "not understood";
	char *const *x;

	if (!strncmp(what, odd, strlen(odd)))
		what += strlen(odd) + strlen(", ");
	vec_each (&t->depends, x)
		if (!strcmp(*x, what))
			return;
	vec_push(t->arena, &t->depends, arena_strdup(t->arena, what));
}

/* What is not known of the packet, and decides which way it goes. */
static void note_conditions(struct tally *t, struct mean *m, dd_ref n)
{
	size_t first = schema_condition_var(0);

	if (dd_is_terminal(m->dd, n))
		return;
	if (dd_var(m->dd, n) >= first && dd_var(m->dd, n) - first < m->schema.texts.n)
		depends_on(t, m->schema.texts.v[dd_var(m->dd, n) - first]);
	note_conditions(t, m, dd_lo(m->dd, n));
	note_conditions(t, m, dd_hi(m->dd, n));
}

static void judge(struct tally *t, struct mean *m, const struct ways *ways, const struct sent *s,
		  const char *line)
{
	bool sure = true, found = false;

	for (size_t i = 0; i < ways->n; i++) {
		const char *fate = fate_of(&ways->v[i]);
		bool same = !strcmp(fate, s->fate) && (!s->to || went_there(&ways->v[i], s));

		/* the answer to a rejected packet is not seen if it goes to the machine itself, or
		 * to a rate that has been used up */
		same |= !strcmp(fate, "reject") && !strcmp(s->fate, "drop");
		sure &= !strcmp(fate, fate_of(&ways->v[0])) && fate[0] != '?';
		found |= same || fate[0] == '?';
	}
	t->packets++;
	t->open |= !sure;
	for (size_t i = 0; i < ways->n && !sure; i++) {
		note_conditions(t, m, ways->v[i].packets);
		t->fate |= fate_of(&ways->v[i])[0] == '?';
	}
	if (found)
		return;
	t->wrong++;
	printf("# %s: %s# said to be %s\n", t->name, line,
	       ways->n ? fate_of(&ways->v[0]) : "nothing");
}

static void add_own(struct arena *a, struct policy *p)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		u128 x = address(own[i][1]);

		vec_push(a, strchr(own[i][1], ':') ? &p->own6 : &p->own4, ((struct ival){x, x}));
	}
	ivset_normalise(&p->own4);
	ivset_normalise(&p->own6);
}

/* Where a new destination is, the packet's line says. */
static const struct policy *route_of(struct arena *a, const struct policy *p, const struct sent *s)
{
	struct diag d;
	struct policy *there;
	const char *to = s->to ? arena_strndup(a, s->to, strcspn(s->to, "/")) : NULL;

	if (!to || !strcmp(s->out, "self"))
		return p;
	diag_init(&d, a);
	there = policy_resolve(parsed(a,
				      arena_printf(a, "zone out { interface %s; network %s/%d }\n",
						   s->out, to, strchr(to, ':') ? 128 : 32),
				      &d),
			       a, &d);
	add_own(a, there);
	return there;
}

static bool is_of_input(const struct ir_ruleset *r)
{
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct ir_base *b = &r->chains.v[i]->base;

		if (b->hook && (strcmp(b->hook, "input") || strcmp(b->type, "filter")))
			return false;
	}
	return true;
}

/* What the proof takes a whole hook for; live_walk() takes its chains one by one. */
static bool says_of_input(struct mean *m, const struct ir_ruleset *r, const struct sent *s,
			  const char *line)
{
	struct mean_values values;
	bool found = false;
	dd_ref says;

	m->within = schema_dims(&m->schema, &s->packet);
	m->now = true;
	says = dd_map(m->dd, mean_ruleset(m, r, AT_INPUT), outcome_decision, &m->outcomes);
	values = mean_values(m, says);
	for (size_t i = 0; i < values.n; i++) {
		struct way x = {.fate = outcome_of(&m->outcomes, values.v[i])->fate};
		const char *fate = fate_of(&x);

		found |= values.v[i] && (!strcmp(fate, s->fate) || fate[0] == '?' ||
					 (!strcmp(fate, "reject") && !strcmp(s->fate, "drop")));
	}
	m->within = DD_TRUE;
	if (!found)
		printf("# of the hook: %s", line);
	return found;
}

/* Where the addresses of the machine are not known more may happen, but still what did. */
static void ask_elsewhere(struct tally *t, struct walk *w, const struct sent *s, const char *line)
{
	struct tally other = {.name = t->name, .arena = t->arena};
	struct policy elsewhere = *w->p;
	struct ways ways = {0};

	elsewhere.own4 = elsewhere.own6 = (struct ivset){0};
	w->p = &elsewhere;
	live_walk(w, schema_dims(&w->m->schema, &s->packet), s->own, &ways);
	judge(&other, w->m, &ways, s, line);
	t->wrong += other.wrong;
}

static void ask(struct tally *t, const struct ir_tables *all, const struct policy *p,
		const char *line)
{
	struct arena *a = arena_new();
	struct live_tables tables = {0};
	struct mean m;
	struct walk w = {.m = &m, .tables = &tables, .p = p};
	struct ways ways = {0};
	struct sent s;

	mean_init(&m, a, (struct dd_budget){.nodes = 1 << 20, .seconds = 10});
	schema_add_policy(&m.schema, p);
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++) {
		struct ival v;

		ifname_parse(interfaces[i], strlen(interfaces[i]), &v);
		schema_add_name(&m.schema, v);
	}
	for (size_t i = 0; i < all->n; i++) {
		const struct ir_table *x = &all->v[i];
		struct live_table table = {.family = ir_family_name(x->family),
					   .name = x->name,
					   .ruleset = x->ruleset};

		if (x->family != 1 && x->family != 2 && x->family != 10)
			continue;
		schema_add_ruleset(&m.schema, x->ruleset);
		vec_push(a, &tables, table);
	}
	if (read_packet(&m.schema, split(arena_strdup(a, line)), &s) && s.known) {
		if (all->n == 1 && !s.own && !strcmp(s.out, "self") &&
		    is_of_input(all->v[0].ruleset))
			CHECK(says_of_input(&m, all->v[0].ruleset, &s, line));
		w.p = route_of(a, p, &s);
		live_walk(&w, schema_dims(&m.schema, &s.packet), s.own, &ways);
		judge(t, &m, &ways, &s, line);
		if (s.to)
			ask_elsewhere(t, &w, &s, line);
	}
	mean_free(&m);
	arena_free(a);
}

/* explain --live says so of tables and hooks that it does not look at. */
static bool is_looked_at(const struct ir_tables *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct ir_ruleset *r = all->v[i].ruleset;

		if (all->v[i].family != 1 && all->v[i].family != 2 && all->v[i].family != 10)
			return false;
		for (size_t k = 0; k < r->chains.n; k++)
			if (r->chains.v[k]->base.hook && strstr(r->chains.v[k]->base.hook, "gress"))
				return false;
	}
	return true;
}

/* ---- tests/dumps/open ---- */

struct reason {
	const char *name; /* what conditions begin with */
	size_t n;
	bool used;
};

struct open_cases {
	VEC(struct reason) reasons;
	VEC(struct reason) cases; /* used: what a rule does is not known */
};

static void read_open(struct arena *a, char *list, struct open_cases *out)
{
	for (char *p = list, *end; p && *p; p = end + (*end == '\n')) {
		struct reason x = {0};

		end = p + strcspn(p, "\n");
		x.name = *p == '*' ? p + 2 : p;
		x.n = (size_t)(end - x.name);
		if (*p == '*') {
			x.n = strcspn(x.name, ":");
			vec_push(a, &out->reasons, x);
		} else if (*p != '#') {
			x.used = memchr(x.name, ':', x.n) != NULL;
			x.n = strcspn(x.name, ":\n");
			vec_push(a, &out->cases, x);
		}
	}
}

static const struct reason *said_open(const struct open_cases *list, const char *name)
{
	const struct reason *x;

	vec_each (&list->cases, x)
		if (strlen(name) == x->n && !strncmp(x->name, name, x->n))
			return x;
	return NULL;
}

static bool has_reason(struct open_cases *list, const char *what)
{
	struct reason *x;
	bool found = false;

	vec_each (&list->reasons, x)
		if (!strncmp(x->name, what, x->n))
			found = x->used = true;
	return found;
}

/* That some packets are left open, and why: all of it is in the list. */
static void check_open(const struct tally *t, struct open_cases *list, const char *name)
{
	const struct reason *said = said_open(list, name);
	char *const *x;

	if (t->open != !!said)
		printf("# %s is %s\n", t->name, t->open ? "left open" : "in the list, but sure");
	CHECK(t->open == !!said);
	CHECK(!t->fate || (said && said->used));
	vec_each (&t->depends, x) {
		bool found = has_reason(list, *x);

		if (!found)
			printf("# %s depends on: %s\n", t->name, *x);
		CHECK(found);
	}
}

static void test_dump(const char *name, const char *file, const struct policy *p,
		      struct open_cases *open_list)
{
	struct arena *a = arena_new();
	struct ir_tables all = {0};
	struct tally t = {.name = file, .arena = a};
	size_t n = 0, left;
	char *bytes = slurp(a, arena_printf(a, "%s/recorded/%s", dir, file), &n);
	char *packets = slurp(a,
			      arena_printf(a, "%s/cases/%.*s.packets", dir,
					   (int)(strlen(file) - strlen(".dump")), file),
			      &left);
	bool read = bytes && read_tables(a, bytes, n, &all);

	if (!read)
		printf("# %s cannot be read\n", file);
	CHECK(read && all.n);
	ir_tables_name_links(a, &all, links);
	if (!packets) /* the same for all kernels and versions of nft */
		packets = slurp(a, arena_printf(a, "%s/cases/%s.packets", dir, name), &left);
	for (char *line = packets; read && line && *line && is_looked_at(&all);) {
		size_t length = strcspn(line, "\n");

		if (strncmp(line, "unknown:", 8) != 0)
			ask(&t, &all, p, arena_strndup(a, line, length + 1));
		line += length + (line[length] == '\n');
	}
	CHECK(t.wrong == 0);
	if (packets)
		check_open(&t, open_list, name);
	arena_free(a);
}

/* test_dump FILE.dump: what is read of it. */
static int show(const char *path)
{
	struct arena *a = arena_new();
	struct ir_tables all = {0};
	struct buf b = {0};
	size_t n = 0;
	char *bytes = slurp(a, path, &n);

	if (!bytes || !read_tables(a, bytes, n, &all))
		return 1;
	for (size_t i = 0; i < all.n; i++) {
		const struct ir_ruleset *r = all.v[i].ruleset;

		buf_printf(&b, "table %s %s\n", ir_family_name(all.v[i].family), all.v[i].name);
		for (size_t k = 0; k < r->sets.n; k++)
			emit_set(&b, r->sets.v[k], false);
		for (size_t k = 0; k < r->chains.n; k++)
			emit_chain(&b, r->chains.v[k], false);
	}
	fputs(buf_str(&b), stdout);
	buf_free(&b);
	arena_free(a);
	return 0;
}

/* test_dump FILE.dump FILE.packets */
static void test_file(const char *dump, const char *file, const struct policy *p)
{
	struct arena *a = arena_new();
	struct ir_tables all = {0};
	struct tally t = {.name = dump, .arena = a};
	size_t n = 0, left;
	char *bytes = slurp(a, dump, &n), *packets = slurp(a, file, &left), *const *x;

	if (CHECK(bytes && packets && read_tables(a, bytes, n, &all) && is_looked_at(&all))) {
		ir_tables_name_links(a, &all, links);
		for (char *line = packets; *line;) {
			size_t length = strcspn(line, "\n");

			ask(&t, &all, p, arena_strndup(a, line, length + 1));
			line += length + (line[length] == '\n');
		}
	}
	CHECK(t.packets > 0);
	CHECK(t.wrong == 0);
	CHECK(!t.fate);
	/* of what is dropped no line says where it is; which address redirect gives, no rule */
	vec_each (&t.depends, x)
		if (!CHECK(strstr(*x, " is in ") || strstr(*x, "set on the way: ip daddr ") ||
			   strstr(*x, "set on the way: ip6 daddr ")))
			printf("# depends on: %s\n", *x);
	arena_free(a);
}

static bool is_asked_for(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new();
	const char *top = getenv("FWC_SRC") ? getenv("FWC_SRC") : getenv("srcdir");
	struct diag d;
	struct ast *ast;
	struct policy *p;
	struct open_cases open_list = {0};
	char *index, *list;
	struct map done;
	const struct reason *x;
	size_t n;

	if (argc == 2 && strstr(argv[1], ".dump"))
		return show(argv[1]);
	dir = arena_printf(a, "%s/tests/dumps", top ? top : ".");
	diag_init(&d, a);
	ast = parsed(a, lab, &d);
	p = policy_resolve(ast, a, &d);
	CHECK(p && !d.nerrors);
	if (!p)
		return test_end();
	add_own(a, p);
	if (argc == 3 && strstr(argv[1], ".dump")) {
		test_file(argv[1], argv[2], p);
		arena_free(a);
		return test_end();
	}
	index = slurp(a, arena_printf(a, "%s/recorded/index", dir), &n);
	list = slurp(a, arena_printf(a, "%s/open", dir), &n);
	CHECK(index && list);
	read_open(a, list, &open_list);
	map_init(&done, a);
	for (char *line = index; line && *line;) {
		size_t length = strcspn(line, "\n");
		struct line_words w = split(arena_strndup(a, line, length));
		size_t end = w.n == 5 ? strlen(w.v[4]) : 0;

		if (end > 5 && w.v[0][0] != '#' && !strcmp(w.v[4] + end - 5, ".dump") &&
		    is_asked_for(w.v[0], argv + 1) && !map_get(&done, w.v[4])) {
			test_dump(w.v[0], w.v[4], p, &open_list);
			map_put(&done, w.v[4], w.v[4]);
		}
		line += length + (line[length] == '\n');
	}
	vec_each (&open_list.reasons, x) {
		if (argc > 1)
			break;
		if (!x->used)
			printf("# of no case: %.*s\n", (int)x->n, x->name);
		CHECK(x->used);
	}
	arena_free(a);
	return test_end();
}
