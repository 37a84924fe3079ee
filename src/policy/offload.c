/* SPDX-License-Identifier: GPL-2.0-or-later
 * offload statements -> resolved ones: forwarded connections of TCP and UDP, and errors.
 */
#include "policy/offload.h"

#include "policy/resolve.h"

#define TCP 0 /* rows of port_protocols[] */
#define UDP 1

static bool has_all(void)
{
	return true;
}

static bool (*has_flowtable)(void) = has_all;

void policy_offload_by(bool (*has)(void))
{
	has_flowtable = has;
}

/* What the kernel's flowtables can have. */
static struct services of_flows(struct arena *a, const struct services *s)
{
	struct services out = {0};
	const struct sourced *x;

	if (s->any) {
		out.ports[TCP] = out.ports[UDP] = ivset_one(a, 0, UINT16_MAX);
		return out;
	}
	out.ports[TCP] = s->ports[TCP];
	out.ports[UDP] = s->ports[UDP];
	vec_each (&s->sourced, x)
		if (x->row == TCP || x->row == UDP)
			vec_push(a, &out.sourced, *x);
	return out;
}

static bool is_empty(const struct services *s)
{
	return !s->ports[TCP].n && !s->ports[UDP].n && !s->sourced.n;
}

/* What a service has besides: of `dns, ping` the ping. */
static bool has_others(const struct services *s)
{
	for (int i = UDP + 1; i < PORT_PROTOCOLS; i++)
		if (s->ports[i].n)
			return true;
	return s->protocols.n || s->icmp.n || s->icmpv6.n || s->icmp_codes.n || s->icmpv6_codes.n;
}

static void check_services(struct resolver *r, const struct ast_bypass *ast)
{
	for (size_t i = 0; i < ast->services.n; i++) {
		struct services one = {0};

		resolve_services(r, &ast->services.v[i], 1, &one);
		if (!one.any && has_others(&one))
			diag_hint(r->diag,
				  diag_error(r->diag, ast->services.v[i].span,
					     "only connections of TCP and UDP can be offloaded"),
				  "name ports: tcp/443, udp/443; or no services: all of both");
	}
}

/* It is what goes through this machine, from one device to another. */
static void check_self(struct resolver *r, const struct endpoint *e)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (item_is_self(i))
			diag_hint(r->diag,
				  diag_error(r->diag, i->span,
					     "what this machine sends or gets itself is never "
					     "offloaded"),
				  "name zones on both sides: offload lan -> wan");
}

/* One device can be in one flowtable alone. */
static void check_hardware(struct resolver *r, const struct offload *o)
{
	const struct offload *first = r->p->offloads.n ? &r->p->offloads.v[0] : NULL;
	struct diag_record *rec;

	if (!first || first->hardware == o->hardware)
		return;
	rec = diag_error(r->diag, o->rule.span,
			 "either all offload statements say 'hardware' or none does");
	diag_note(r->diag, rec, first->rule.span, "this one is otherwise");
	diag_hint(r->diag, rec, "%s",
		  o->hardware ? "leave 'hardware' out here, or add it there"
			      : "add 'hardware' here: what the device cannot do, the kernel does");
}

void resolve_offload(struct resolver *r, const struct ast_stmt *s)
{
	const struct ast_bypass *ast = &s->bypass;
	struct rule *rule;
	struct offload out = {.hardware = ast->hardware.src,
			      .rule = {.verb = VERB_ALLOW, .span = s->span, .verb_span = s->span}};
	struct services all = {0};
	struct buf text = {0};

	rule = &out.rule;
	resolve_endpoint(r, &ast->from, &rule->from, SIDE_FROM);
	resolve_endpoint(r, &ast->to, &rule->to, SIDE_TO);
	check_destination(r, &rule->to);
	check_self(r, &rule->from);
	check_self(r, &rule->to);
	check_services(r, ast);
	resolve_services(r, ast->services.v, ast->services.n, &all);
	resolve_from(r, &ast->q, ast->services.v, ast->services.n, &all);
	rule->services = of_flows(r->arena, &all);
	rule->q.family = ast->q.family;
	check_hardware(r, &out);
	ast_print_stmt_line(&text, s);
	rule->text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	if (!is_empty(&rule->services))
		vec_push(r->arena, &r->p->offloads, out);
}

/* What the kernel lacks costs the offload, not the load. */
void finish_offloads(struct resolver *r)
{
	const struct offload *o;

	if (!r->p->offloads.n || has_flowtable())
		return;
	vec_each (&r->p->offloads, o)
		vec_push(r->arena, &r->p->lacks,
			 ((struct policy_lack){o->rule.span, NULL, "offload",
					       "nf_flow_table_inet"}));
	r->p->offloads.n = 0;
}
