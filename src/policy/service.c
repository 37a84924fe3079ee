/* SPDX-License-Identifier: GPL-2.0-or-later
 * services of a rule -> ports, ICMP types and protocol numbers.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/resolve.h"
#include "util/number.h"

const uint8_t port_protocols[PORT_PROTOCOLS] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP,
						IPPROTO_DCCP, IPPROTO_UDPLITE};

static const struct {
	const char *name;
	uint8_t number; /* IANA protocol numbers */
} protocol_table[] = {
	{"icmp", 1},	  {"igmp", 2},	{"ipip", 4},	{"tcp", 6},	   {"egp", 8},
	{"udp", 17},	  {"dccp", 33}, {"ipv6", 41},	{"rsvp", 46},	   {"gre", 47},
	{"esp", 50},	  {"ah", 51},	{"icmpv6", 58}, {"ipv6-icmp", 58}, {"eigrp", 88},
	{"ospf", 89},	  {"pim", 103}, {"vrrp", 112},	{"l2tp", 115},	   {"sctp", 132},
	{"udplite", 136},
};

static const struct {
	const char *name;
	int16_t v4,
		v6; /* RFC 792 and IANA; RFC 4443, 4861, 2710, 3810, 3122; -1: not known there */
} icmp_table[] = {
	{"echo-reply", 0, 129},
	{"echo-request", 8, 128},
	{"destination-unreachable", 3, 1},
	{"packet-too-big", -1, 2},
	{"time-exceeded", 11, 3},
	{"parameter-problem", 12, 4},
	{"source-quench", 4, -1},
	{"redirect", 5, -1},
	{"router-advertisement", 9, -1},
	{"router-solicitation", 10, -1},
	{"timestamp-request", 13, -1},
	{"timestamp-reply", 14, -1},
	{"info-request", 15, -1},
	{"info-reply", 16, -1},
	{"address-mask-request", 17, -1},
	{"address-mask-reply", 18, -1},
	{"mld-listener-query", -1, 130},
	{"mld-listener-report", -1, 131},
	{"mld-listener-done", -1, 132},
	{"nd-router-solicit", -1, 133},
	{"nd-router-advert", -1, 134},
	{"nd-neighbor-solicit", -1, 135},
	{"nd-neighbor-advert", -1, 136},
	{"nd-redirect", -1, 137},
	{"router-renumbering", -1, 138},
	{"ind-neighbor-solicit", -1, 141},
	{"ind-neighbor-advert", -1, 142},
	{"mld2-listener-report", -1, 143},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int port_row(const char *proto)
{
	static const char *const names[PORT_PROTOCOLS] = {"tcp", "udp", "sctp", "dccp", "udplite"};

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (!strcmp(names[i], proto))
			return i;
	return -1;
}

static void add_range(struct resolver *r, struct ivset *s, u128 lo, u128 hi)
{
	vec_push(r->arena, s, ((struct ival){lo, hi}));
}

static void add_ports(struct resolver *r, struct services *out, const char *proto, u128 lo, u128 hi)
{
	int row = port_row(proto);

	if (row >= 0) {
		add_range(r, &out->ports[row], lo, hi);
		return;
	}
	add_range(r, &out->ports[port_row("tcp")], lo, hi);
	add_range(r, &out->ports[port_row("udp")], lo, hi);
}

static void add_protocol(struct resolver *r, struct services *out, uint64_t number)
{
	if (number == IPPROTO_ICMP) {
		add_range(r, &out->icmp, 0, 255);
		return;
	}
	if (number == IPPROTO_ICMPV6) {
		add_range(r, &out->icmpv6, 0, 255);
		return;
	}
	for (int i = 0; i < PORT_PROTOCOLS; i++) {
		if (port_protocols[i] == number) {
			add_range(r, &out->ports[i], 0, 65535);
			return;
		}
	}
	add_range(r, &out->protocols, number, number);
}

static bool protocol_number(const char *name, uint64_t *out)
{
	const struct protoent *e;

	if (number_word(name, 0, 255, out))
		return true;
	for (size_t i = 0; i < COUNT(protocol_table); i++) {
		if (!strcmp(protocol_table[i].name, name)) {
			*out = protocol_table[i].number;
			return true;
		}
	}
	e = getprotobyname(name);
	if (e)
		*out = (uint64_t)e->p_proto;
	return e;
}

static void resolve_proto(struct resolver *r, struct ast_word w, struct services *out)
{
	struct nearest near = {.word = w.s};
	struct diag_record *rec;
	uint64_t number;

	if (protocol_number(w.s, &number)) {
		add_protocol(r, out, number);
		return;
	}
	rec = diag_error(r->diag, w.span, "no IP protocol is called '%s'", w.s);
	for (size_t i = 0; i < COUNT(protocol_table); i++)
		nearest_offer(&near, protocol_table[i].name);
	if (!nearest_hint(r->diag, rec, &near))
		diag_hint(r->diag, rec, "a number from 0 to 255 is fine too");
}

/* A type, with one code or any (-1). */
static void add_type(struct resolver *r, struct services *out, bool six, uint64_t type, int code)
{
	if (code < 0)
		add_range(r, six ? &out->icmpv6 : &out->icmp, type, type);
	else
		add_range(r, six ? &out->icmpv6_codes : &out->icmp_codes,
			  type << 8 | (unsigned)code, type << 8 | (unsigned)code);
}

/* icmp/NAME: both families where both know the type; icmp/NUMBER, icmp/NAME/CODE: IPv4;
 * icmpv6/...: IPv6. */
static bool add_icmp(struct resolver *r, const char *proto, const char *type, int code,
		     struct services *out)
{
	bool six = !strcmp(proto, "icmpv6");
	uint64_t number;

	if (!strcmp(type, "0-255")) {
		add_range(r, six ? &out->icmpv6 : &out->icmp, 0, 255);
		return true;
	}
	if (number_word(type, 0, 255, &number)) {
		add_type(r, out, six, number, code);
		return true;
	}
	for (size_t i = 0; i < COUNT(icmp_table); i++) {
		int v4 = icmp_table[i].v4, v6 = icmp_table[i].v6;

		if (strcmp(icmp_table[i].name, type) || (six && v6 < 0) ||
		    (!six && code >= 0 && v4 < 0))
			continue;
		if (!six && v4 >= 0)
			add_type(r, out, false, (uint64_t)v4, code);
		if (v6 >= 0 && (six || code < 0))
			add_type(r, out, true, (uint64_t)v6, code);
		return true;
	}
	return false;
}

static void resolve_icmp(struct resolver *r, const struct ast_service *s, struct services *out)
{
	struct nearest near = {.word = s->type.s};
	struct services six = {0};
	struct diag_record *rec;

	if (add_icmp(r, s->proto.s, s->type.s, s->code, out))
		return;
	rec = diag_error(r->diag, s->type.span, "no %s type is called '%s'",
			 strcmp(s->proto.s, "icmp") ? "ICMPv6" : "ICMP", s->type.s);
	for (size_t i = 0; i < COUNT(icmp_table); i++)
		if (!strcmp(s->proto.s, "icmp") || icmp_table[i].v6 >= 0)
			nearest_offer(&near, icmp_table[i].name);
	if (s->code >= 0 && add_icmp(r, "icmpv6", s->type.s, s->code, &six))
		diag_hint(r->diag, rec, "write icmpv6/%s/%d", s->type.s, s->code);
	else if (!strcmp(s->type.s, "any") || !strcmp(s->type.s, "all"))
		diag_hint(r->diag, rec, "write %s", s->proto.s);
	else if (!strcmp(s->type.s, "ping"))
		diag_hint(r->diag, rec, "write ping");
	else
		nearest_hint(r->diag, rec, &near);
}

/* A text of the catalogue, "udp/53, tcp/53"; it is ours, so it parses. */
static void add_catalogue(struct resolver *r, const char *text, struct services *out)
{
	char *copy = arena_strdup(r->arena, text), *save = NULL;

	for (char *w = strtok_r(copy, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
		const char *rest = strchr(w, '/') + 1;
		uint64_t lo, hi, number;
		int row;

		w[rest - 1 - w] = '\0';
		row = port_row(w);
		if (!strcmp(w, "proto")) {
			if (protocol_number(rest, &number))
				add_protocol(r, out, number);
		} else if (row >= 0) {
			if (!number_take(&rest, 0, 65535, &lo))
				continue;
			if (*rest != '-' || !number_word(rest + 1, lo, 65535, &hi))
				hi = lo;
			add_range(r, &out->ports[row], lo, hi);
		} else {
			add_icmp(r, w, rest, -1, out);
		}
	}
}

/* Names that neither the policy nor the built-in table has: /etc/services. */
static bool add_etc_services(struct resolver *r, const char *name, struct services *out)
{
	static const char *const protos[] = {"tcp", "udp", "sctp", "dccp"};
	bool found = false;

	for (int i = 0; i < 4; i++) {
		const struct servent *e = getservbyname(name, protos[i]);

		if (!e)
			continue;
		found = true;
		add_range(r, &out->ports[i], ntohs((uint16_t)e->s_port),
			  ntohs((uint16_t)e->s_port));
	}
	return found;
}

/* Services of firewalld and macros of shorewall that are called otherwise here. */
static const char *called_here(const char *name)
{
	static const char *const pairs[][2] = {
		{"ms-wbt", "rdp"},
		{"rsyncd", "rsync"},
		{"mqtt-tls", "mqtts"},
		{"smtp-submission", "submission"},
		{"MSA", "submission"},
		{"Auth", "ident"},
		{"Web", "http, https"},
		{"Mail", "smtp, submission, submissions"},
		{"vnc-server", "vnc"},
		{"puppetmaster", "puppet"},
		{"salt-master", "salt"},
		{"murmur", "mumble"},
		{"iscsi-target", "iscsi"},
		{"ipp-client", "ipp"},
		{"samba-client", "samba"},
		{"SMBBI", "samba"},
		{"kube-apiserver", "kubernetes-api"},
		{"prometheus-node-exporter", "node-exporter"},
		{"ws-discovery", "wsdd"},
		{"Webcache", "http-alt"},
		{"IPsecnat", "ipsec"},
		{"mDNSbi", "mdns"},
		{"ping6", "ping"},
		{"icmp6", "icmpv6"},
		{"ipv6-icmp", "icmpv6"},
	};

	for (size_t i = 0; i < COUNT(pairs); i++)
		if (!strcasecmp(pairs[i][0], name))
			return pairs[i][1];
	return NULL;
}

/* tcp-22 */
static bool protocol_in_name(const char *name)
{
	return (!strncmp(name, "tcp-", 4) || !strncmp(name, "udp-", 4)) && name[4] &&
	       !name[4 + strspn(name + 4, "0123456789")];
}

static void unknown_service(struct resolver *r, struct ast_word w)
{
	/* what may stand where services do, and at the end in their place */
	static const char *const words[] = {
		"published", "hardware", "ipv4", "ipv6",  "log",   "limit", "max",   "mark",
		"dscp",	     "user",	 "note", "hours", "until", "after", "group", "random", NULL,
	};
	const char *told;
	struct nearest near = {.word = w.s};
	const struct map_entry *e;
	struct diag_record *rec;

	if (resolve_excused(r, w.s))
		return;
	told = hint_qualifier(r->arena, w.s);
	rec = diag_error(r->diag, w.span, "no service is called '%s'", w.s);
	vec_each (&r->services.entries, e)
		nearest_offer(&near, e->key);
	for (const struct service_row *row = service_rows; row->name; row++)
		nearest_offer(&near, row->name);
	for (const char *const *word = words; *word; word++)
		nearest_offer(&near, *word);
	if (map_get(&r->names, w.s))
		diag_hint(r->diag, rec, "'%s' is a zone, host or set; is a comma missing?", w.s);
	else if (called_here(w.s))
		diag_hint(r->diag, rec, "here it is called: %s", called_here(w.s));
	else if (told)
		diag_hint(r->diag, rec, "%s", told);
	else if (protocol_in_name(w.s))
		diag_hint(r->diag, rec, "write %.*s/%s", 3, w.s, w.s + 4);
	else if (!nearest_hint(r->diag, rec, &near))
		diag_hint(r->diag, rec,
			  "write tcp/PORT or udp/PORT, or declare: service %s = tcp/…", w.s);
}

static void merge(struct resolver *r, struct services *out, const struct services *in)
{
	struct ivset *to[] = {&out->protocols, &out->icmp, &out->icmpv6, &out->icmp_codes,
			      &out->icmpv6_codes};
	const struct ivset *from[] = {&in->protocols, &in->icmp, &in->icmpv6, &in->icmp_codes,
				      &in->icmpv6_codes};

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		for (size_t j = 0; j < in->ports[i].n; j++)
			vec_push(r->arena, &out->ports[i], in->ports[i].v[j]);
	for (int i = 0; i < 5; i++)
		for (size_t j = 0; j < from[i]->n; j++)
			vec_push(r->arena, to[i], from[i]->v[j]);
	out->asks |= in->asks;
	for (size_t j = 0; j < in->sourced.n; j++)
		vec_push(r->arena, &out->sourced, in->sourced.v[j]);
	out->helpers |= in->helpers;
}

static void resolve_named(struct resolver *r, struct ast_word w, struct services *out)
{
	struct service_decl *d = map_get(&r->services, w.s);
	const char *text;

	if (d) {
		if (d->state == SERVICE_BUSY) {
			diag_error(r->diag, w.span, "service '%s' contains itself", w.s);
			return;
		}
		if (d->state == SERVICE_FRESH) {
			d->state = SERVICE_BUSY;
			resolve_services(r, d->ast->services.v, d->ast->services.n, &d->services);
			resolve_from(r, &d->ast->q, d->ast->services.v, d->ast->services.n,
				     &d->services);
			d->state = SERVICE_DONE;
		}
		merge(r, out, &d->services);
		return;
	}
	text = service_catalogue(w.s);
	out->helpers |= helper_bit(w.s);
	out->asks |= text ? service_asks(w.s) : 0;
	if (text)
		add_catalogue(r, text, out);
	else if (!add_etc_services(r, w.s, out))
		unknown_service(r, w);
}

void resolve_services(struct resolver *r, const struct ast_service *v, size_t n,
		      struct services *out)
{
	out->any = n == 0;
	for (size_t i = 0; i < n; i++) {
		const struct ast_service *s = &v[i];

		switch (s->kind) {
		case SERVICE_NAME:
			resolve_named(r, s->name, out);
			break;
		case SERVICE_PORTS:
			add_ports(r, out, s->proto.s, s->lo, s->hi);
			break;
		case SERVICE_ICMP:
			resolve_icmp(r, s, out);
			break;
		case SERVICE_PROTO:
			resolve_proto(r, s->type, out);
			break;
		}
	}
	services_normalise(r->arena, out);
}

static bool is_known(struct resolver *r, const struct ast_service *s)
{
	uint64_t number;

	if (s->kind == SERVICE_NAME)
		return map_get(&r->services, s->name.s) || service_catalogue(s->name.s);
	return s->kind != SERVICE_PROTO || protocol_number(s->type.s, &number);
}

/* Only what has ports has a source port. */
static void check_ports(struct resolver *r, const struct ast_service *v, size_t n, struct span at)
{
	if (!n)
		diag_hint(r->diag,
			  diag_error(r->diag, at,
				     "source ports are those of a service: none is named"),
			  "write before it whose they are: udp from port 1900");
	for (size_t i = 0; i < n; i++) {
		struct services one = {0};

		if (!is_known(r, &v[i]))
			continue; /* reported already */
		resolve_services(r, &v[i], 1, &one);
		if (one.any || one.protocols.n || services_have_icmp(&one, FAM_NONE))
			diag_error(r->diag, v[i].span, "this has no ports, and so no source port");
	}
}

void resolve_from(struct resolver *r, const struct ast_qualifiers *q, const struct ast_service *v,
		  size_t n, struct services *out)
{
	struct ivset from = {0};
	bool some = out->sourced.n;
	unsigned errors = r->diag->nerrors;

	if (!q->from_span.src)
		return;
	check_ports(r, v, n, q->from_span);
	if (r->diag->nerrors != errors)
		return;
	for (size_t i = 0; i < q->from_ports.n; i++)
		vec_push(r->arena, &from, q->from_ports.v[i]);
	ivset_normalise(&from);
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		some |= out->ports[i].n != 0;
	services_from(r->arena, out, &from);
	if (some && !out->sourced.n)
		diag_error(r->diag, q->from_span,
			   "the services have source ports of their own, and none of these");
}
