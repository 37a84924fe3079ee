/* SPDX-License-Identifier: GPL-2.0-or-later
 * filter = { [ "from" | "to" ] ( ADDRESSES | "port" N[-M] | ZONE | INTERFACE | "self" ) | PROTOCOL
 * }
 */
#include "cmd/flows_filter.h"
#include "see/flows_print.h"

#include <netinet/in.h>
#include <string.h>

#include "cmd/flows_names.h"
#include "lang/lang.h"
#include "util/cleanup.h"
#include "util/number.h"

enum side { SIDE_ANY, SIDE_FROM, SIDE_TO };

struct filter_term {
	enum {
		TERM_ADDRESSES,
		TERM_NAMED,
		TERM_PORTS,
		TERM_SERVICE,
		TERM_PLACE,
		TERM_SELF,
		TERM_PROTOCOL
	} kind;
	enum side side;
	enum family family;
	struct ival range; /* addresses, ports */
	const char *name; /* of a zone or an interface */
	uint8_t proto;
	const struct services *services;
	const struct addrs *addrs; /* of a host or a set */
};

/* ---- parsing ---- */

static bool protocol(const char *word, uint8_t *out)
{
	static const struct {
		const char *name;
		uint8_t number;
	} all[] = {{"tcp", IPPROTO_TCP},	 {"udp", IPPROTO_UDP},
		   {"icmp", IPPROTO_ICMP},	 {"icmpv6", IPPROTO_ICMPV6},
		   {"sctp", IPPROTO_SCTP},	 {"dccp", IPPROTO_DCCP},
		   {"udplite", IPPROTO_UDPLITE}, {"gre", IPPROTO_GRE},
		   {"esp", IPPROTO_ESP},	 {"ah", IPPROTO_AH}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!strcmp(all[i].name, word)) {
			*out = all[i].number;
			return true;
		}
	}
	return false;
}

static bool ports(const char *word, struct ival *out)
{
	uint64_t lo, hi;

	if (!number_take(&word, 0, 65535, &lo))
		return false;
	hi = lo;
	if (*word == '-' && (word++, !number_take(&word, lo, 65535, &hi)))
		return false;
	*out = (struct ival){lo, hi};
	return !*word;
}

static bool is_place(const struct flows *f, const char *word)
{
	for (size_t i = 0; i < f->conns.ninterfaces; i++)
		if (!strcmp(f->conns.interfaces[i].name, word))
			return true;
	for (size_t i = 0; f->in.manifest && i < f->in.manifest->zones.n; i++)
		if (!strcmp(f->in.manifest->zones.v[i].name, word))
			return true;
	return false;
}

static bool service(struct filter_term *t, const struct flows *f, const char *config,
		    const char *word, struct span at, struct diag *diag)
{
	t->services = names_service(f->arena, config, word);
	if (!t->services)
		return false;
	t->kind = TERM_SERVICE;
	if (t->side == SIDE_FROM)
		diag_error(diag, at, "a service is a destination: '%s' takes no 'from'", word);
	t->side = SIDE_TO;
	return true;
}

/* A word of the policy. */
static bool name(struct filter_term *t, const struct flows *f, const char *config, const char *word,
		 struct span at, struct diag *diag)
{
	if (service(t, f, config, word, at, diag))
		return !diag->nerrors;
	t->kind = TERM_NAMED;
	t->addrs = names_addrs(f->arena, config, word, f->in.ruleset);
	if (!t->addrs)
		diag_error(
			diag, at,
			"'%s' is not an address, protocol, service, host, set, zone or interface "
			"here",
			word);
	return t->addrs;
}

/* Whether the word is a term by itself; reports what it is not. */
static bool term(struct filter_term *t, const struct flows *f, const char *config, const char *word,
		 struct span at, struct diag *diag)
{
	if (!strcmp(word, "self")) {
		t->kind = TERM_SELF;
		return true;
	}
	if (is_place(f, word)) {
		t->kind = TERM_PLACE;
		t->name = word;
		return true;
	}
	if (protocol(word, &t->proto)) {
		t->kind = TERM_PROTOCOL;
		if (t->side != SIDE_ANY)
			diag_error(diag, at, "'%s' takes no 'from' or 'to'", word);
		return t->side == SIDE_ANY;
	}
	if (strpbrk(word, ".:/")) {
		t->kind = TERM_ADDRESSES;
		return ast_parse_address(at, f->arena, diag, &t->family, &t->range);
	}
	return name(t, f, config, word, at, diag);
}

/* The words as one text, for messages. */
static struct source *text_of(struct arena *a, char **words, int n)
{
	_cleanup_buf_ struct buf b = {0};

	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", words[i]);
	return source_add(a, "(filter)", buf_str(&b), b.len);
}

bool flows_filter_parse(struct flows_filter *out, const struct flows *f, const char *config,
			char **words, int n, struct diag *diag)
{
	struct source *src = text_of(f->arena, words, n);
	struct span at = {.src = src};

	for (int i = 0; i < n; i++, at.off += at.len + 1) {
		struct filter_term t = {.side = SIDE_ANY};

		at.len = (uint32_t)strlen(words[i]);
		if (i + 1 < n && (!strcmp(words[i], "from") || !strcmp(words[i], "to"))) {
			t.side = words[i][0] == 'f' ? SIDE_FROM : SIDE_TO;
			at.off += at.len + 1;
			at.len = (uint32_t)strlen(words[++i]);
		} else if (!strcmp(words[i], "from") || !strcmp(words[i], "to")) {
			diag_error(diag, at, "something must follow '%s'", words[i]);
			return false;
		}
		if (!strcmp(words[i], "port")) {
			t.kind = TERM_PORTS;
			if (i + 1 < n) {
				at.off += at.len + 1;
				at.len = (uint32_t)strlen(words[++i]);
			}
			if (!ports(words[i], &t.range) &&
			    !service(&t, f, config, words[i], at, diag)) {
				diag_error(diag, at,
					   "'port' takes a number from 0 to 65535, a range "
					   "LOW-HIGH, or a service");
				return false;
			}
			if (diag->nerrors)
				return false;
		} else if (!term(&t, f, config, words[i], at, diag)) {
			return false;
		}
		vec_push(f->arena, out, t);
	}
	return true;
}

/* ---- asking ---- */

static bool within(struct ival range, u128 x)
{
	return range.lo <= x && x <= range.hi;
}

static bool at(const struct flows *f, const struct filter_term *t, unsigned index)
{
	const struct conn_interface *i = conns_interface(&f->conns, index);
	const char *zone = flow_zone(f, i);

	return i && (!strcmp(i->name, t->name) || (zone && !strcmp(zone, t->name)));
}

static bool is_of(const struct services *s, const struct conn *c, uint16_t from, uint16_t to)
{
	bool icmp = c->proto == IPPROTO_ICMP || c->proto == IPPROTO_ICMPV6;

	return services_match(s, c->family, c->proto, icmp ? c->icmp_code : from,
			      icmp ? c->icmp_type : to);
}

/* One side of a connection, before and behind translation. */
static bool holds(const struct filter_term *t, const struct flows *f, const struct conn *c,
		  bool from)
{
	u128 addr = from ? c->orig.from : c->orig.to, behind = from ? c->reply.to : c->reply.from;
	uint16_t port = from ? c->orig.from_port : c->orig.to_port;
	uint16_t other = from ? c->orig.to_port : c->orig.from_port;
	uint16_t port_behind = from ? c->reply.to_port : c->reply.from_port;

	switch (t->kind) {
	case TERM_ADDRESSES:
		return c->family == t->family &&
		       (within(t->range, addr) || within(t->range, behind));
	case TERM_PORTS:
		return (port && within(t->range, port)) ||
		       (port_behind && within(t->range, port_behind));
	case TERM_NAMED:
		return addrs_match(t->addrs, c->family, addr) ||
		       addrs_match(t->addrs, c->family, behind);
	case TERM_SERVICE:
		return is_of(t->services, c, other, port) ||
		       is_of(t->services, c, other, port_behind);
	case TERM_PLACE:
		return at(f, t, from ? conn_iif(c) : conn_oif(c));
	case TERM_SELF:
		return c->path == (from ? CONN_OUT : CONN_IN);
	case TERM_PROTOCOL:
		break;
	}
	return c->proto == t->proto;
}

bool flows_filter_takes(const struct flows_filter *filter, const struct flows *f,
			const struct conn *c)
{
	const struct filter_term *t;

	vec_each (filter, t)
		if (!(t->side != SIDE_TO && holds(t, f, c, true)) &&
		    !(t->side != SIDE_FROM && holds(t, f, c, false)))
			return false;
	return true;
}
