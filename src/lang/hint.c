/* SPDX-License-Identifier: GPL-2.0-or-later
 * What people write who come from another firewall, or who slip -> what to write instead: words by
 * the place where they stand, and values in other forms. A hint that says "write" gives a text that
 * can be typed as it stands.
 */
#include <string.h>
#include <strings.h>

#include "lang/parse.h"
#include "util/number.h"

struct pair {
	const char *word, *text;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char passes[] = "replies and what belongs to them pass without a rule: leave it out";
static const char dropped[] = "what no rule matches is dropped: leave this line out";
static const char forwards[] = "write: dnat FROM -> self SERVICES to HOST allow";
static const char ends[] = "the first rule that matches decides: leave it out";
static const char answers[] = "reject answers so by itself: leave it out";

/* Where a statement should begin. */
static const struct pair statement_words[] = {
	{"nat", "write: masquerade FROM -> TO; to a fixed address: snat FROM -> TO to ADDRESS"},
	{"rdr", forwards},
	{"port-forward", forwards},
	{"portforward", forwards},
	{"port_forward", forwards},
	{"forward-port", forwards},
	{"policy", dropped},
	{"default", dropped},
	{"established", passes},
	{"related", passes},
	{"scrub", "write: clamp-mss any -> TO pmtu"},
	{"rp_filter", "write: antispoof any by route"},
	{"rpfilter", "write: antispoof any by route"},
	{"in", "zones say where packets come from: allow ZONE -> self SERVICES"},
	{"out", "zones say where packets go: allow self -> ZONE SERVICES"},
	{"macro", "write: host NAME = ADDRESS"},
	{"alias", "write: host NAME = ADDRESS"},
	{"ipset", "write: set NAME = ADDRESS, ..."},
	{"address-set", "write: set NAME = ADDRESS, ..."},
	{"interface", "write: zone NAME { interface eth0 }"},
	{"network", "write: zone NAME { interface eth0; network 192.168.1.0/24 }"},
	{"object-group", "write: set NAME = ADDRESS, ..."},
	{"early-drop", "write early drop, in two words"},
	{"early_drop", "write early drop, in two words"},
	{"earlydrop", "write early drop, in two words"},
	{"//", "a comment begins with #"},
	{"/*", "a comment begins with #, in each of its lines"},
	{"--", "a comment begins with #"},
};

/* The statement that is called otherwise elsewhere; what follows is read as of it. */
static const struct pair statements_elsewhere[] = {
	{"source-nat", "snat"},	      {"destination-nat", "dnat"},  {"notrack", "untracked"},
	{"nonat", "no-nat"},	      {"flowtable", "offload"},	    {"import", "include"},
	{"ip_forward", "forwarding"}, {"ip-forward", "forwarding"}, {"mss", "clamp-mss"},
	{"assert", "expect"},	      {"set-mark", "mark"},	    {"connmark", "mark"},
};

/* Behind the services, or in their place. */
static const struct pair qualifiers_elsewhere[] = {
	{"time", "hours"},   {"tos", "dscp"},	     {"uid", "user"},
	{"owner", "user"},   {"uid-owner", "user"},  {"skuid", "user"},
	{"gid", "group"},    {"gid-owner", "group"}, {"skgid", "group"},
	{"comment", "note"}, {"rate", "limit"},	     {"logged", "log"},
	{"logging", "log"},  {"otherwise", "else"},  {"ip4", "ipv4"},
	{"ip6", "ipv6"},     {"inet6", "ipv6"},	     {"ipv4", "ipv4"},
	{"ipv6", "ipv6"},    {"v4", "ipv4"},	     {"v6", "ipv6"},
	{"-4", "ipv4"},	     {"-6", "ipv6"},	     {"fwmark", "mark"},
	{"meta", "mark"},    {"weekdays", "days"},   {"description", "note"},
	{"usr", "user"},     {"grp", "group"},
};

static const struct pair qualifier_texts[] = {
	{"state", passes},
	{"ctstate", passes},
	{"ct", passes},
	{"established", passes},
	{"related", passes},
	{"new", "rules are about new connections alone: leave it out"},
	{"return", ends},
	{"accept", ends},
	{"quick", ends},
	{"jump", ends},
	{"-j", ends},
	{"goto", ends},
	{"tcp-reset", answers},
	{"reset", answers},
	{"icmp-port-unreachable", answers},
	{"counter", "every rule counts by itself: leave it out"},
	{"in", "zones say where packets come from: ZONE -> TO"},
	{"out", "zones say where packets go: FROM -> ZONE"},
	{"on", "zones have the interfaces: zone NAME { interface eth0 }"},
	{"via", "zones have the interfaces: zone NAME { interface eth0 }"},
	{"ip", "without ipv4 or ipv6 a rule is for both: leave it out"},
	{"inet", "without ipv4 or ipv6 a rule is for both: leave it out"},
	{"sport", "write from port 1900"},
	{"source-port", "write from port 1900"},
	{"mac", "a MAC address is a source: declare host NAME = aa:bb:cc:dd:ee:ff"},
	{"timeout", "a time belongs to what a set holds: then add source to SET for 10m"},
	{"for", "a time belongs to what a set holds: then add source to SET for 10m"},
	{"add", "write then before it: then add source to SET"},
	{"remove", "write then before it: then remove source from SET"},
	{"ban", "write then add source to SET for 10m"},
	{"burst", "it follows a rate: limit 10/second burst 20"},
	{"per", "it follows a rate: limit 10/second per source"},
	{"prefix", "write log \"tag\""},
	{"nflog", "it follows log: log nflog 1"},
	{"level", "it follows log: log level info"},
	{"tag", "write log \"tag\""},
	{"connlimit", "write max 10 connections per source"},
	{"//", "a comment begins with #"},
	{"/*", "a comment begins with #"},
	{"--", "a comment begins with #"},
	{"disabled", "write it before the statement: disabled allow FROM -> TO"},
	{"hw", "write hardware"},
	{"translated", "write published"},
	{"fully-random", "write random"},
	{"random-fully", "write random"},
	{"any-port", "a rule without services matches all of them"},
};

/* In FROM and TO. */
static const struct pair item_texts[] = {
	{"in", "zones say where packets come from: allow ZONE -> self SERVICES"},
	{"out", "zones say where packets go: allow self -> ZONE SERVICES"},
	{"on", "zones have the interfaces: name the zone alone"},
	{"not", "addresses are negated by '!': !ADDRESS"},
	{"some", "it goes before the verb: expect some allow FROM -> TO"},
	{"hardware", "it goes at the end: offload FROM -> TO hardware"},
	{"published", "it goes after TO: FROM -> TO published SERVICES"},
	{"ipv4", "it goes after the services: FROM -> TO SERVICES ipv4"},
	{"ipv6", "it goes after the services: FROM -> TO SERVICES ipv6"},
	{"internet", "the internet is a zone too, with the interface that leads there"},
	{"established", passes},
	{"refresh", "no comma goes before it: url \"URL\" refresh 6h"},
	{"expire", "no comma goes before it: url \"URL\" expire 10d"},
	{"private", "it goes behind the name: dns \"NAME\" private"},
	{"lenient", "no comma goes before it: url \"URL\" lenient"},
};

/* In a zone. */
static const struct pair zone_words[] = {
	{"iface", "interface"},	  {"if", "interface"},	    {"dev", "interface"},
	{"device", "interface"},  {"devices", "interface"}, {"nic", "interface"},
	{"subnet", "network"},	  {"net", "network"},	    {"address", "network"},
	{"addresses", "network"}, {"source", "network"},    {"sources", "network"},
	{"hosts", "network"},	  {"in", "within"},	    {"parent", "within"},
};

/* What rules of other firewalls begin with, and the word behind it where one is needed to tell. */
static const struct {
	const char *whose, *words, *next;
} foreign[] = {
	{"iptables'",
	 "-A -D -I -P -N -t iptables ip6tables *filter *nat *mangle *raw COMMIT :INPUT :FORWARD "
	 ":OUTPUT",
	 NULL},
	{"Cisco's", "access-list", NULL},
	{"Cisco's", "permit deny", "tcp udp ip icmp gre esp host any"},
	{"Cisco's", "ip", "nat access-list access-group"},
	{"Cisco's", "ipv6", "access-list traffic-filter"},
	{"nft's",
	 "tcp udp ip ip6 iif iifname oif oifname ct meta table chain type nft add insert flush "
	 "delete",
	 NULL},
	{"ufw's", "ufw", NULL},
	{"ufw's", "route", "allow deny reject limit delete insert"},
	{"firewalld's", "firewall-cmd", NULL},
	{"pf's", "pass block", "in out quick all return"},
	{"pf's", "match", "in out on all from"},
	{"shorewall's", "?SECTION ?COMMENT ?FORMAT", NULL},
	{"FireHOL's", "server client", "all http https ssh dns smtp ping"},
};

/* Whether a list of words has it. */
static bool one_of(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = words; n && (at = strstr(at, word)); at += n)
		if ((at == words || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

const char *hint_foreign(const char *word, const char *next)
{
	for (size_t i = 0; i < COUNT(foreign); i++)
		if (one_of(foreign[i].words, word) &&
		    (!foreign[i].next || one_of(foreign[i].next, next)))
			return foreign[i].whose;
	return NULL;
}

bool hint_is_but(const char *word)
{
	return one_of("except without minus less bt btu butt", word);
}

/* lan-wan, as foomuuri names a pair of zones: "lan -> wan" */
const char *hint_pair(struct arena *a, const char *word)
{
	const char *dash = strchr(word, '-'), *to = dash ? dash + 1 : "";
	size_t n = dash ? (size_t)(dash - word) : 0;
	bool self = n == 9 && !strncmp(word, "localhost", n);

	if (!n || !word_is_name(word) || !word_is_name(to) || strchr(to, '-'))
		return NULL;
	if (!strcmp(to, "localhost"))
		to = "self";
	return arena_printf(a, "%.*s -> %s", self ? 4 : (int)n, self ? "self" : word, to);
}

static const char *look_up(const struct pair *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(list[i].word, word))
			return list[i].text;
	return NULL;
}

const char *hint_statement(const char *word)
{
	return look_up(statement_words, COUNT(statement_words), word);
}

const char *hint_statement_called(const char *word)
{
	return look_up(statements_elsewhere, COUNT(statements_elsewhere), word);
}

const char *hint_qualifier(struct arena *a, const char *word)
{
	const char *called = look_up(qualifiers_elsewhere, COUNT(qualifiers_elsewhere), word);

	if (called)
		return arena_printf(a, "did you mean '%s'?", called);
	return look_up(qualifier_texts, COUNT(qualifier_texts), word);
}

const char *hint_item(const char *word)
{
	return look_up(item_texts, COUNT(item_texts), word);
}

const char *hint_zone_word(const char *word)
{
	return look_up(zone_words, COUNT(zone_words), word);
}

/* ---- values in other forms: the text to write, or NULL ---- */

static const struct {
	const char *names;
	uint64_t seconds;
} spans[] = {
	{"s sec secs second seconds", 1}, {"m min mins minute minutes", 60},
	{"h hr hrs hour hours", 3600},	  {"d day days", 86400},
	{"w week weeks", 7 * 86400ull},
};

/* The seconds of a unit of n bytes, 0 if it is none. */
static uint64_t unit_of(const char *s, size_t n)
{
	for (size_t i = 0; i < COUNT(spans); i++) {
		for (const char *at = spans[i].names; *at; at += strspn(at, " ")) {
			size_t len = strcspn(at, " ");

			if (len == n && !strncasecmp(at, s, n))
				return spans[i].seconds;
			at += len;
		}
	}
	return 0;
}

/* 3600, 1h30, 90min, 30m1h, 1w */
const char *hint_duration(struct arena *a, const char *word)
{
	uint64_t total = 0, last = 0, n;
	struct buf b = {0};
	const char *text = NULL;

	for (const char *s = word; *s;) {
		size_t digits = strspn(s, "0123456789"),
		       letters = strcspn(s + digits, "0123456789");
		uint64_t unit = letters ? unit_of(s + digits, letters) : last ? last / 60 : 1;

		if (!number_read(s, digits, 0, 3650 * 86400ull, &n) || !unit)
			return NULL;
		total += n * unit;
		last = unit;
		s += digits + letters;
	}
	if (!total || total > 3650 * 86400ull)
		return NULL;
	duration_print(&b, total);
	text = arena_strndup(a, buf_str(&b), b.len);
	buf_free(&b);
	return text;
}

/* 64k, 1M */
const char *hint_size(struct arena *a, const char *word)
{
	size_t digits = strspn(word, "0123456789");
	uint64_t n, by = word[digits] == 'k' || word[digits] == 'K' ? 1024 : 1048576;

	if (!word[digits] || !strchr("kKmM", word[digits]) || word[digits + 1] ||
	    !number_read(word, digits, 1, UINT32_MAX / by, &n))
		return NULL;
	return arena_printf(a, "%llu", (unsigned long long)(n * by));
}

/* A time of day, "8" or "8:30"; the minutes, or -1. */
static int minutes_of(const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n);
	size_t hour = colon ? (size_t)(colon - s) : n;
	uint64_t h, m = 0;

	if (!number_read(s, hour, 0, 24, &h) ||
	    (colon && !number_read(colon + 1, n - hour - 1, 0, 59, &m)) || h * 60 + m > 1440)
		return -1;
	return (int)(h * 60 + m);
}

/* 8-18, 8:00-18:00 */
const char *hint_hours(struct arena *a, const char *word)
{
	const char *dash = strchr(word, '-');
	int from = dash ? minutes_of(word, (size_t)(dash - word)) : -1;
	int to = dash ? minutes_of(dash + 1, strlen(dash + 1)) : -1;

	if (from < 0 || to < 0 || from == to || from == 1440)
		return NULL;
	return arena_printf(a, "%02d:%02d-%02d:%02d", from / 60, from % 60, to / 60, to % 60);
}

/* "Monday" -> "mon"; n bytes */
static const char *day_of(const char *s, size_t n)
{
	static const struct pair days[] = {
		{"monday", "mon"}, {"tuesday", "tue"},	{"wednesday", "wed"}, {"thursday", "thu"},
		{"friday", "fri"}, {"saturday", "sat"}, {"sunday", "sun"}};

	for (size_t i = 0; i < COUNT(days); i++)
		if (n >= 3 && n <= strlen(days[i].word) && !strncasecmp(days[i].word, s, n))
			return days[i].text;
	return NULL;
}

/* Mon-Fri, saturday, weekend */
const char *hint_days(struct arena *a, const char *word)
{
	const char *dash = strchr(word, '-');
	const char *from = day_of(word, dash ? (size_t)(dash - word) : strlen(word));
	const char *to = dash ? day_of(dash + 1, strlen(dash + 1)) : NULL;

	if (!strcasecmp(word, "weekdays") || !strcasecmp(word, "workdays"))
		return "mon-fri";
	if (!strcasecmp(word, "weekend") || !strcasecmp(word, "weekends"))
		return "sat, sun";
	if (!from || (dash && !to))
		return NULL;
	return dash ? arena_printf(a, "%s-%s", from, to) : from;
}

/* 2027-1-31, 31.1.2027, 31/1/2027, 1/31/2027 where no other reading is left */
const char *hint_date(struct arena *a, const char *word)
{
	uint64_t n[3], y, m, d;
	const char *s = word, *text;
	int32_t day;

	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(s, "0123456789");

		if (!number_read(s, digits, 1, 9999, &n[i]) ||
		    !strchr(i < 2 ? "-./" : "", s[digits]))
			return NULL;
		s += digits + (i < 2 && s[digits]);
	}
	y = n[0] > 99 ? n[0] : n[2];
	m = n[1];
	d = n[0] > 99 ? n[2] : n[0];
	if (n[0] <= 12 && strchr(word, '/')) {
		if (n[1] <= 12 && n[0] != n[1])
			return NULL; /* which is the month? */
		m = n[0];
		d = n[1];
	}
	text = arena_printf(a, "%04u-%02u-%02u", (unsigned)y, (unsigned)m, (unsigned)d);
	return value_date(text, &day) ? text : NULL;
}

/* "192.168.1.*", "192.168.1.x", "192.168.1", "10.0.*.*": the network that is meant */
const char *hint_network(struct arena *a, const char *word, size_t n)
{
	unsigned parts = 0, stars = 0;
	struct buf b = {0};
	const char *text;

	for (size_t i = 0; i < n;) {
		size_t digits = 0;
		uint64_t x = 0;

		while (i + digits < n && word[i + digits] != '.')
			digits++;
		if (digits == 1 && strchr("*xX", word[i]))
			stars++;
		else if (stars || !number_read(word + i, digits, 0, 255, &x))
			break;
		buf_printf(&b, "%s%u", parts ? "." : "", (unsigned)x);
		parts++;
		i += digits + 1;
		if (i < n)
			continue;
		for (; parts < 4; parts++, stars++)
			buf_puts(&b, ".0");
		if (parts > 4 || !stars || stars > 3 || word[n - 1] == '.')
			break;
		text = arena_printf(a, "%s/%u", buf_str(&b), 32 - 8 * stars);
		buf_free(&b);
		return text;
	}
	buf_free(&b);
	return NULL;
}

/* "A..B", "A:B" of two addresses */
const char *hint_range(struct arena *a, const char *word, size_t n)
{
	const char *at = memchr(word, ':', n);
	size_t skip = 1, left;
	enum family family, other;
	u128 lo, hi;

	for (size_t i = 0; !at && i + 1 < n; i++) {
		if (word[i] == '.' && word[i + 1] == '.') {
			at = word + i;
			skip = 2;
		}
	}
	left = at ? (size_t)(at - word) : 0;
	if (!at || !addr_parse(word, left, &family, &lo) ||
	    !addr_parse(at + skip, n - left - skip, &other, &hi) || family != other)
		return NULL;
	return arena_printf(a, "%.*s-%.*s", (int)left, word, (int)(n - left - skip), at + skip);
}
