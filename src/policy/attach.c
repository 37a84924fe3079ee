/* SPDX-License-Identifier: GPL-2.0-or-later
 * `helper NAME`, and the services that bring one -> what a rule attaches to the connections that it
 * opens; and whose expected connections are let in.
 */
#include <netinet/in.h>
#include <string.h>

#include "policy/resolve.h"

/* ---- one rule ---- */

/* Whether the rule opens something of that protocol. */
static bool opens(const struct services *s, uint8_t proto)
{
	const struct sourced *x;

	vec_each (&s->sourced, x)
		if (port_protocols[x->row] == proto)
			return true;
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (port_protocols[i] == proto && s->ports[i].n)
			return true;
	return false;
}

/* What the kernel lacks costs the helper, and neither the rule nor the load. */
static void attach(struct resolver *r, const struct helper_kind *k, uint16_t port, struct span at,
		   struct rule *out)
{
	bool lacks = false;

	for (int i = 0; i < HELPER_OBJECTS && k->objects[i].type; i++) {
		struct rule_helper h = {.kind = k, .object = &k->objects[i], .port = port};

		if (!opens(&out->services, h.object->proto))
			continue;
		if (r->disabled || policy_has_helper(h.object))
			vec_push(r->arena, &out->q.helpers, h);
		else
			lacks = true;
	}
	if (lacks)
		vec_push(r->arena, &r->p->lacks,
			 ((struct policy_lack){at, k->name,
					       arena_printf(r->arena, "helper %s", k->name),
					       k->module}));
}

static const char *protocols_of(const struct helper_kind *k)
{
	if (k->objects[1].type)
		return "tcp or udp";
	return k->objects[0].proto == IPPROTO_TCP ? "tcp" : "udp";
}

static void unknown_helper(struct resolver *r, struct ast_word w)
{
	struct diag_record *rec =
		diag_error(r->diag, w.span, "no connection helper is called '%s'", w.s);
	struct nearest near = {.word = w.s};

	for (const struct helper_kind *k = helper_kinds; k->name; k++)
		nearest_offer(&near, k->name);
	if (!nearest_hint(r->diag, rec, &near))
		diag_hint(r->diag, rec,
			  "there are ftp, tftp, sip, irc, pptp, h323, snmp, amanda, sane and "
			  "netbios-ns");
}

static void by_name(struct resolver *r, const struct ast_rule *ast, struct rule *out)
{
	struct ast_word w = ast->q.helper;
	const struct helper_kind *k = helper_find(w.s);
	bool some = false;

	if (!k) {
		unknown_helper(r, w);
		return;
	}
	if (out->verb != VERB_ALLOW) {
		diag_hint(r->diag,
			  diag_error(r->diag, w.span,
				     "a helper is for connections that a rule allows"),
			  out->verb == VERB_INSPECT
				  ? "allow them by a rule of their own, above this one"
				  : "leave out 'helper %s'",
			  k->name);
		return;
	}
	if (out->services.any) {
		diag_hint(
			r->diag,
			diag_error(r->diag, w.span,
				   "a helper reads all that its rule opens, and this one names no "
				   "service"),
			"say where it listens, as in: %s/PORT helper %s",
			k->objects[0].proto == IPPROTO_TCP ? "tcp" : "udp", k->name);
		return;
	}
	for (int i = 0; i < HELPER_OBJECTS && k->objects[i].type; i++)
		some |= opens(&out->services, k->objects[i].proto);
	if (!some)
		diag_error(r->diag, w.span, "the helper '%s' reads %s, and this rule opens none",
			   k->name, protocols_of(k));
	attach(r, k, 0, w.span, out);
}

/* Where the service is named, or one that holds it. */
static struct span named_at(const struct ast_rule *ast, const char *service)
{
	for (size_t i = 0; i < ast->services.n; i++)
		if (ast->services.v[i].kind == SERVICE_NAME &&
		    !strcmp(ast->services.v[i].name.s, service))
			return ast->services.v[i].span;
	return ast->services.n ? ast->services.v[0].span : ast->verb_span;
}

void resolve_helpers(struct resolver *r, const struct ast_rule *ast, struct rule *out)
{
	if (ast->q.helper.s) {
		by_name(r, ast, out);
		return;
	}
	if (out->verb != VERB_ALLOW)
		return;
	for (const struct helper_kind *k = helper_kinds; k->name; k++)
		if (out->services.helpers & 1u << (k - helper_kinds))
			attach(r, k, k->port, named_at(ast, k->name), out);
}

/* ---- all of them ---- */

static bool is_set(const struct policy *p, const struct helper_kind *k)
{
	const struct rule *rule;
	const struct rule_helper *h;

	vec_each (&p->rules, rule) {
		vec_each (&rule->q.helpers, h)
			if (h->kind == k && !rule->q.absent)
				return true;
	}
	return false;
}

void finish_helpers(struct resolver *r)
{
	for (const struct helper_kind *k = helper_kinds; k->name; k++)
		for (int i = 0; is_set(r->p, k) && i < HELPER_EXPECTS && k->expects[i]; i++)
			vec_push(r->arena, &r->p->expecting, k->expects[i]);
}
