/* SPDX-License-Identifier: GPL-2.0-or-later
 * Judged connections -> words, JSON.
 */
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <string.h>

#include "see/flows_print.h"
#include "space/packet.h"

#define LIST_MAX 10 /* printed for people; --json has all */

#define OFFLOADED (1u << 14 | 1u << 15) /* IPS_OFFLOAD, IPS_HW_OFFLOAD */

/* Its packets go by the flowtable now. */
bool flow_is_offloaded(const struct conn *c)
{
	return c->status & OFFLOADED;
}

const char *flow_state(const struct conn *c)
{
	static const char *const tcp[] = {
		[TCP_CONNTRACK_NONE] = "none",	       [TCP_CONNTRACK_SYN_SENT] = "syn-sent",
		[TCP_CONNTRACK_SYN_RECV] = "syn-recv", [TCP_CONNTRACK_ESTABLISHED] = "established",
		[TCP_CONNTRACK_FIN_WAIT] = "fin-wait", [TCP_CONNTRACK_CLOSE_WAIT] = "close-wait",
		[TCP_CONNTRACK_LAST_ACK] = "last-ack", [TCP_CONNTRACK_TIME_WAIT] = "time-wait",
		[TCP_CONNTRACK_CLOSE] = "closed",      [TCP_CONNTRACK_SYN_SENT2] = "syn-sent"};

	if (c->proto == IPPROTO_TCP && c->tcp_state < sizeof(tcp) / sizeof(tcp[0]))
		return tcp[c->tcp_state];
	return c->status & IPS_ASSURED	    ? "assured"
	       : c->status & IPS_SEEN_REPLY ? "replied"
					    : "unreplied";
}

const char *flow_protocol(struct arena *a, const struct conn *c)
{
	struct ivset s = ivset_one(a, c->proto, c->proto);
	struct buf b = {0};
	const char *text;

	packet_protocols(&b, &s);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

const char *flow_address(struct arena *a, const struct conn *c, u128 addr, uint16_t port)
{
	bool braces = port && c->family == FAM_IP6;
	struct buf b = {0};
	const char *text;

	buf_puts(&b, braces ? "[" : "");
	addr_print(&b, c->family, addr);
	buf_puts(&b, braces ? "]" : "");
	if (port)
		buf_printf(&b, ":%u", port);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

bool flow_is_sent_on(const struct conn *c)
{
	return c->reply.from != c->orig.to || c->reply.from_port != c->orig.to_port;
}

bool flow_is_seen_as(const struct conn *c)
{
	return c->reply.to != c->orig.from || c->reply.to_port != c->orig.from_port;
}

/* The narrowest name wins. */
const char *flow_zone(const struct flows *f, const struct conn_interface *i)
{
	const struct ir_zone *z;
	const char *found = NULL;
	struct ival v, best = {0};

	if (!i || !f->in.manifest || !ifname_parse(i->name, strlen(i->name), &v))
		return NULL;
	vec_each (&f->in.manifest->zones, z) {
		for (size_t k = 0; k < z->interfaces.n; k++) {
			struct ival name = z->interfaces.v[k];

			if (name.lo > v.lo || v.hi > name.hi ||
			    (found && best.hi - best.lo <= name.hi - name.lo))
				continue;
			found = z->name;
			best = name;
		}
	}
	return found;
}

const char *flow_text(struct arena *a, const struct flows *f, const struct conn *c)
{
	const struct conn_interface *in = conns_interface(&f->conns, conn_iif(c));
	const struct conn_interface *out = conns_interface(&f->conns, conn_oif(c));
	const char *text = arena_printf(a, "%s %s -> %s", flow_protocol(a, c),
					flow_address(a, c, c->orig.from, c->orig.from_port),
					flow_address(a, c, c->orig.to, c->orig.to_port));

	if (c->proto == IPPROTO_ICMP || c->proto == IPPROTO_ICMPV6)
		text = arena_printf(a, "%s type %u", text, c->icmp_type);
	if (flow_is_sent_on(c))
		text = arena_printf(a, "%s, sent on to %s", text,
				    flow_address(a, c, c->reply.from, c->reply.from_port));
	if (flow_is_seen_as(c))
		text = arena_printf(a, "%s, seen as %s", text,
				    flow_address(a, c, c->reply.to, c->reply.to_port));
	if (in)
		text = arena_printf(a, "%s, arriving on %s", text, diag_shown(a, in->name));
	if (out)
		text = arena_printf(a, "%s, leaving by %s", text, diag_shown(a, out->name));
	return text;
}

/* ---- what the rules say ---- */

static const struct outcome *decision(const struct admission *x)
{
	return x->verdict == ADMIT_ELSEWHERE	? x->to
	       : x->verdict == ADMIT_AS_ANOTHER ? x->as
						: x->by;
}

static const char *line_text(struct arena *a, const struct line *l)
{
	return arena_printf(a, "%s%s%s", l->where, *l->where ? ": " : "", l->text);
}

const char *flow_says(struct arena *a, const struct flow_judged *j)
{
	const struct outcome *o = decision(&j->says);
	const char *line = o && o->line && o->line->text ? line_text(a, o->line) : NULL;

	switch (j->says.verdict) {
	case ADMIT_YES:
	case ADMIT_INSPECTED:
		return line ? line : "accepted";
	case ADMIT_UNKNOWN:
		return "not known: there are too many rules, or fwc does not understand some";
	case ADMIT_ELSEWHERE:
		if (!o)
			return "its destination is no longer translated";
		return arena_printf(a, "now translated differently%s%s", line ? ": " : "",
				    line ? line : "");
	case ADMIT_AS_ANOTHER:
		return arena_printf(a, "its source is now translated differently%s%s",
				    line ? ": " : "", line ? line : "");
	case ADMIT_REFUSED:
		break;
	}
	if (!o)
		return "refused";
	return line ? arena_printf(a, "%s, by %s", outcome_spoken(a, o), line)
		    : outcome_spoken(a, o);
}

static const char *verdict_text(enum admit_verdict v)
{
	switch (v) {
	case ADMIT_YES:
		return "accept";
	case ADMIT_INSPECTED:
		return "inspect";
	case ADMIT_UNKNOWN:
		return "unknown";
	case ADMIT_ELSEWHERE:
	case ADMIT_AS_ANOTHER:
		return "translated otherwise";
	case ADMIT_REFUSED:
		break;
	}
	return "refused";
}

static json_t *end_json(struct arena *a, const struct conn *c, u128 addr, uint16_t port)
{
	json_t *j = json_pack("{s:s}", "address", flow_address(a, c, addr, 0));

	if (port)
		json_object_set_new(j, "port", json_integer(port));
	return j;
}

static const char *zone_or_self(const struct flows *f, const struct conn *c,
				const struct conn_interface *i, enum conn_path own)
{
	return c->path == own ? "self" : flow_zone(f, i);
}

static void put_counters(json_t *j, const struct conn *c)
{
	if (!c->counted)
		return;
	json_object_set_new(j, "packets", json_integer((json_int_t)c->packets[0]));
	json_object_set_new(j, "bytes", json_integer((json_int_t)c->bytes[0]));
	json_object_set_new(j, "reply_packets", json_integer((json_int_t)c->packets[1]));
	json_object_set_new(j, "reply_bytes", json_integer((json_int_t)c->bytes[1]));
}

json_t *flow_as_json(struct arena *a, const struct flows *f, const struct flow_judged *g)
{
	const struct conn *c = g->conn;
	const struct conn_interface *in = conns_interface(&f->conns, conn_iif(c));
	const struct conn_interface *out = conns_interface(&f->conns, conn_oif(c));
	const struct outcome *o = decision(&g->says);
	const struct line *l = o && o->line && o->line->text ? o->line : NULL;
	json_t *j = json_pack(
		"{s:s, s:s, s:o, s:o, s:s?, s:s?, s:s?, s:s?, s:s, s:b, s:b, s:s?, s:s?, s:I, s:I, "
		"s:I, s:I}",
		"protocol", flow_protocol(a, c), "state", flow_state(c), "from",
		end_json(a, c, c->orig.from, c->orig.from_port), "to",
		end_json(a, c, c->orig.to, c->orig.to_port), "in",
		in ? diag_shown(a, in->name) : NULL, "out", out ? diag_shown(a, out->name) : NULL,
		"from_zone", zone_or_self(f, c, in, CONN_OUT), "to_zone",
		zone_or_self(f, c, out, CONN_IN), "verdict", verdict_text(g->says.verdict),
		"forbidden", g->refused, "offloaded", flow_is_offloaded(c), "line",
		l && *l->where ? l->where : NULL, "rule", l ? l->text : NULL, "id",
		(json_int_t)c->id, "status", (json_int_t)c->status, "mark", (json_int_t)c->mark,
		"timeout", (json_int_t)c->timeout);

	if (flow_is_sent_on(c))
		json_object_set_new(j, "sent_on_to",
				    end_json(a, c, c->reply.from, c->reply.from_port));
	if (flow_is_seen_as(c))
		json_object_set_new(j, "seen_as", end_json(a, c, c->reply.to, c->reply.to_port));
	if (c->proto == IPPROTO_ICMP || c->proto == IPPROTO_ICMPV6)
		json_object_set_new(j, "type", json_integer(c->icmp_type));
	put_counters(j, c);
	return j;
}

void flows_print_refused(FILE *to, struct arena *a, const struct flows *f,
			 const struct flows_judged *list, bool keep)
{
	const char *s = list->n == 1 ? "" : "s";

	if (!list->n)
		return;
	if (keep)
		fprintf(to, "%zu connection%s that these rules refuse go%s on:\n", list->n, s,
			list->n == 1 ? "es" : "");
	else
		fprintf(to, "ends %zu connection%s:\n", list->n, s);
	for (size_t i = 0; i < list->n && i < LIST_MAX; i++)
		fprintf(to, "  %s\n    %s\n", flow_text(a, f, list->v[i].conn),
			flow_says(a, &list->v[i]));
	if (list->n > LIST_MAX)
		fprintf(to, "  (and %zu more; --json lists them)\n", list->n - LIST_MAX);
}
