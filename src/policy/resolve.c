/* SPDX-License-Identifier: GPL-2.0-or-later
 * AST -> policy: declarations first, from anywhere in the files, then the rules in reading order.
 */
#include "policy/resolve.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "lang/lang.h"
#include "policy/known.h"
#include "util/number.h"

void declare(struct resolver *r, struct decl *d)
{
	struct decl *first = map_get(&r->names, d->name);

	if (first) {
		diag_note(r->diag, diag_error(r->diag, d->span, "'%s' is declared twice", d->name),
			  first->span, "first declared here");
		return;
	}
	map_put(&r->names, d->name, d);
}

/* The zone that is about to be declared is that of `interface other`. */
static void claim_other(struct resolver *r, const struct ast_iface *i)
{
	const struct zone *before = r->p->other >= 0 ? &r->p->zones.v[r->p->other] : NULL;

	if (before)
		diag_note(r->diag,
			  diag_error(r->diag, i->span, "only one zone can be 'interface other'"),
			  before->span, "it is zone '%s'", before->name);
	else
		r->p->other = (int)r->p->zones.n;
}

static void declare_zone(struct resolver *r, const struct ast_zone *ast)
{
	struct decl *d = arena_new_of(r->arena, struct decl);
	struct zone z = {.name = ast->name.s, .span = ast->name.span};

	for (size_t i = 0; i < ast->interfaces.n; i++) {
		vec_push(r->arena, &z.interfaces, ast->interfaces.v[i]);
		if (ifname_is_other(ast->interfaces.v[i].name))
			claim_other(r, &ast->interfaces.v[i]);
	}
	for (size_t i = 0; i < ast->networks.n; i++) {
		bool v4 = ast->networks.v[i].family == FAM_IP4;

		vec_push(r->arena, v4 ? &z.net4 : &z.net6, ast->networks.v[i].addr);
		vec_push(r->arena, v4 ? &z.routes4 : &z.routes6, ast->networks.v[i].addr);
	}
	ivset_normalise(&z.net4);
	ivset_normalise(&z.net6);
	*d = (struct decl){
		.kind = DECL_ZONE, .name = z.name, .span = z.span, .zone = (int)r->p->zones.n};
	vec_push(r->arena, &r->p->zones, z);
	vec_push(r->arena, &r->zone_asts, ast);
	declare(r, d);
	if (ast->within.s)
		return;
	if (ast->ipsec_span.src || ast->mark_span.src || ast->user.s || ast->group.s)
		diag_hint(
			r->diag,
			diag_error(r->diag, z.span,
				   "zone '%s' asks for more than its interfaces, and is within no "
				   "zone",
				   z.name),
			"add the zone that it is part of: within ZONE");
	else if (!z.interfaces.n)
		diag_hint(r->diag,
			  diag_error(r->diag, z.span, "zone '%s' has no interface", z.name),
			  "zone %s { interface eth0 }", z.name);
}

static void declare_names(struct resolver *r, const struct ast_names *ast)
{
	struct decl *d = arena_new_of(r->arena, struct decl);

	*d = (struct decl){.kind = ast->is_host ? DECL_HOST : DECL_SET,
			   .name = ast->name.s,
			   .span = ast->name.span,
			   .ast = ast};
	if (ast->dynamic) {
		d->dyn = arena_new_of(r->arena, struct dynset);
		*d->dyn = (struct dynset){.name = d->name,
					  .span = d->span,
					  .timeout = ast->timeout,
					  .prefixes = ast->prefixes_span.src,
					  .size = ast->size ? ast->size : 65535};
		vec_push(r->arena, &r->p->dynsets, d->dyn);
	}
	declare_runtime(r, d);
	declare(r, d);
}

static void declare_service(struct resolver *r, const struct ast_service_def *ast)
{
	struct service_decl *d = arena_new_of(r->arena, struct service_decl);
	struct service_decl *first = map_get(&r->services, ast->name.s);

	if (first) {
		diag_note(r->diag,
			  diag_error(r->diag, ast->name.span, "service '%s' is declared twice",
				     ast->name.s),
			  first->ast->name.span, "first declared here");
		return;
	}
	d->ast = ast;
	map_put(&r->services, ast->name.s, d);
}

static void declare_inspector(struct resolver *r, const struct ast_inspector *ast)
{
	const struct ast_inspector *first = map_get(&r->inspectors, ast->name.s);

	if (first) {
		diag_note(r->diag,
			  diag_error(r->diag, ast->name.span, "inspector '%s' is declared twice",
				     ast->name.s),
			  first->name.span, "first declared here");
		return;
	}
	map_put(&r->inspectors, ast->name.s, (void *)ast);
	resolve_inspector(r, ast);
	vec_push(r->arena, &r->p->inspectors, ast);
}

static void set_forwarding(struct resolver *r, const struct ast_stmt *s)
{
	if (r->p->forwarding >= 0)
		diag_note(r->diag, diag_error(r->diag, s->span, "forwarding is given twice"),
			  r->p->forwarding_span, "first given here");
	r->p->forwarding = s->forwarding;
	r->p->forwarding_span = s->span;
}

static void set_live_flows(struct resolver *r, const struct ast_stmt *s)
{
	if (r->p->live_flows >= 0)
		diag_note(r->diag, diag_error(r->diag, s->span, "live-flows is given twice"),
			  r->p->live_flows_span, "first given here");
	r->p->live_flows = s->live_flows;
	r->p->live_flows_span = s->span;
}

static void declare_all(struct resolver *r, const struct ast_stmts *stmts)
{
	for (size_t i = 0; i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->v[i];

		if (s->disabled)
			continue;
		switch (s->kind) {
		case STMT_ZONE:
			declare_zone(r, &s->zone);
			break;
		case STMT_ZONES:
			declare_group(r, &s->group);
			break;
		case STMT_NAMES:
			declare_names(r, &s->names);
			break;
		case STMT_SERVICE:
			declare_service(r, &s->service);
			break;
		case STMT_INSPECTOR:
			declare_inspector(r, &s->inspector);
			break;
		case STMT_FORWARDING:
			set_forwarding(r, s);
			break;
		case STMT_LIVE_FLOWS:
			set_live_flows(r, s);
			break;
		case STMT_INSPECTION:
			resolve_inspection(r, s);
			break;
		case STMT_LIMIT:
			declare_limit(r, &s->limit);
			break;
		case STMT_QUOTA:
			declare_quota(r, &s->quota);
			break;
		case STMT_LOG:
			resolve_builtin_log(r, s);
			break;
		case STMT_INCLUDE:
			declare_all(r, &s->include.files);
			break;
		case STMT_RULE:
		case STMT_BLOCK:
		case STMT_NAT:
		case STMT_CLAMP:
		case STMT_GUARD:
		case STMT_EXPECT:
		case STMT_COMMENTS:
		case STMT_MARK:
		case STMT_UNTRACKED:
		case STMT_TIMEOUTS:
		case STMT_OFFLOAD:
			break;
		}
	}
}

bool policy_user(const char *name, uint32_t *uid)
{
	const struct passwd *pw = getpwnam(name);

	if (pw)
		*uid = (uint32_t)pw->pw_uid;
	return pw;
}

bool policy_group(const char *name, uint32_t *gid)
{
	const struct group *gr = getgrnam(name);

	if (gr)
		*gid = (uint32_t)gr->gr_gid;
	return gr;
}

static bool (*find_user)(const char *name, uint32_t *uid) = policy_user;
static bool (*find_group)(const char *name, uint32_t *gid) = policy_group;

void policy_users_by(bool (*user)(const char *name, uint32_t *uid),
		     bool (*group)(const char *name, uint32_t *gid))
{
	find_user = user;
	find_group = group;
}

static bool is_number(const char *s, uint32_t *out)
{
	uint64_t n;

	if (!number_word(s, 0, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

/* A name that nobody has, as before a package is installed, costs the rule and no other: it
 * matches nothing. What is asked or expected of it (costs: NULL) has no answer. False: it is a
 * number, or absent. */
static bool resolve_name_of(struct resolver *r, struct ast_word name, const char *what,
			    bool (*find)(const char *name, uint32_t *number), uint32_t *number,
			    const char *costs, bool *absent)
{
	if (is_number(name.s, number))
		return false;
	if (find(name.s, number))
		return true;
	*absent = true;
	if (strchr("+-0123456789", name.s[0])) /* more likely a number that is mistyped */
		diag_error(r->diag, name.span,
			   "'%s' is neither a %s's name nor a number from 0 to %u", name.s, what,
			   UINT32_MAX - 1);
	else if (!costs)
		diag_error(r->diag, name.span, "this machine has no %s '%s'", what, name.s);
	else
		diag_hint(r->diag,
			  diag_warning(r->diag, name.span, "this machine has no %s '%s': %s", what,
				       name.s, costs),
			  "once there is one, compile again; a number needs no name");
	return false;
}

void resolve_account(struct resolver *r, struct zone *z, struct ast_word w, bool group)
{
	struct subzone *s = &z->sub;

	if (w.s &&
	    resolve_name_of(r, w, group ? "group" : "user", group ? find_group : find_user,
			    group ? &s->gid : &s->uid,
			    "nothing is in this zone, and its rules match nothing", &s->absent))
		*(group ? &s->group : &s->user) = w;
}

/* All that it speaks of is of users that there are not. */
static bool from_nobody(struct resolver *r, const struct endpoint *from, bool asked)
{
	const struct place_item *i;

	vec_each (&from->items, i) {
		if (!item_is_empty(i))
			return false;
		if (asked)
			diag_error(r->diag, i->span, "nothing is in this zone on this machine");
	}
	return from->items.n;
}

static void resolve_process(struct resolver *r, const struct ast_qualifiers *q, struct rule *out,
			    bool asked)
{
	const char *costs = asked ? NULL : "the rule matches nothing";

	out->q.has_user = q->user.s != NULL;
	out->q.has_group = q->group.s != NULL;
	out->q.absent = from_nobody(r, &out->from, asked);
	if (q->user.s &&
	    resolve_name_of(r, q->user, "user", find_user, &out->q.uid, costs, &out->q.absent))
		out->q.user = q->user;
	if (q->group.s &&
	    resolve_name_of(r, q->group, "group", find_group, &out->q.gid, costs, &out->q.absent))
		out->q.group = q->group;
	for (size_t i = 0; (q->user.s || q->group.s || q->cgroup.s) && i < out->from.items.n; i++)
		if (!item_is_self(&out->from.items.v[i]))
			diag_hint(r->diag,
				  diag_error(r->diag, out->from.items.v[i].span,
					     "only packets that this machine sends have a %s",
					     q->user.s	  ? "user"
					     : q->group.s ? "group"
							  : "cgroup"),
				  "write self before the arrow");
}

static void hint_with(struct resolver *r, const struct ast_rule *ast, struct diag_record *rec)
{
	if (ast->verb == VERB_REJECT)
		diag_hint(r->diag, rec, "reject answers by itself, TCP with a reset: leave it out");
	else
		diag_hint(r->diag, rec, "to let an inspector decide, write inspect");
}

static void check_inspect(struct resolver *r, const struct ast_rule *ast)
{
	struct nearest near = {.word = ast->q.with.s};
	const struct map_entry *e;
	struct diag_record *rec;

	if (ast->verb != VERB_INSPECT) {
		if (ast->q.with.s)
			hint_with(r, ast,
				  diag_error(r->diag, ast->q.with.span,
					     "'with' belongs to inspect rules"));
		return;
	}
	if (!r->p->first_inspect.src)
		r->p->first_inspect = ast->verb_span;
	if (!ast->q.with.s) {
		diag_hint(r->diag,
			  diag_error(r->diag, ast->verb_span,
				     "an inspect rule must say which inspector decides"),
			  "add: with INSPECTOR");
		return;
	}
	if (map_get(&r->inspectors, ast->q.with.s) || resolve_excused(r, ast->q.with.s))
		return;
	rec = diag_error(r->diag, ast->q.with.span, "no inspector is called '%s'", ast->q.with.s);
	vec_each (&r->inspectors.entries, e)
		nearest_offer(&near, e->key);
	nearest_hint(r->diag, rec, &near);
}

void number_twin(struct resolver *r, struct rule *out)
{
	unsigned *seen = map_get(&r->texts, out->text);

	if (r->disabled)
		return;
	if (!seen) {
		seen = arena_new_of(r->arena, unsigned);
		map_put(&r->texts, out->text, seen);
	}
	out->twin = (*seen)++;
}

void resolve_rule(struct resolver *r, const struct ast_stmt *s)
{
	const struct ast_rule *ast = &s->rule;
	const struct ast_qualifiers *q = &ast->q;
	struct rule out = {.verb = ast->verb,
			   .some = ast->some,
			   .deny = ast->deny,
			   .span = s->span,
			   .verb_span = ast->verb_span};
	struct buf text = {0};

	out.query = r->query = ast->query;
	out.published = ast->published.src != NULL;
	if (ast->verb == VERB_INSPECT)
		out.inspector = ast->q.with.s;
	resolve_endpoint(r, &ast->from, &out.from, SIDE_FROM);
	resolve_endpoint(r, &ast->to, &out.to, SIDE_TO);
	check_destination(r, &out.to);
	resolve_services(r, ast->services.v, ast->services.n, &out.services);
	resolve_from(r, q, ast->services.v, ast->services.n, &out.services);
	out.q.family = q->family;
	check_broadcast(r, &out.to, q->family);
	out.q.has_mark = q->mark_span.src != NULL;
	out.q.mark = q->mark;
	out.q.mark_mask = q->mark_mask;
	out.q.has_dscp = q->dscp_span.src != NULL;
	out.q.dscp = q->dscp;
	resolve_process(r, q, &out, s->kind == STMT_EXPECT);
	resolve_cgroup(r, ast, &out, s->kind == STMT_EXPECT);
	out.q.when = resolve_times(r, q, s->kind == STMT_EXPECT);
	out.q.absent |= out.q.when && schedule_is_empty(out.q.when);
	resolve_acts(r, ast, &out);
	if (s->kind == STMT_RULE)
		resolve_helpers(r, ast, &out);
	check_quota_helpers(r, ast, &out);
	ast_print_rule(&text, ast);
	out.text = arena_strdup(r->arena, buf_str(&text));
	buf_free(&text);
	if (s->kind == STMT_EXPECT) {
		vec_push(r->arena, &r->p->expects, out);
		return;
	}
	check_inspect(r, ast);
	number_twin(r, &out);
	out.questions = rule_questions(r->arena, &out);
	vec_push(r->arena, &r->p->rules, out); /* resolve_disabled() has a copy of the vector */
}

static void resolve_statements(struct resolver *r, const struct ast_stmts *stmts);

/* Its mistakes are reported, and nothing stays of it. What may be said once is not said by it:
 * the statement that takes its place may stand above it as well as below. */
static void resolve_disabled(struct resolver *r, struct ast_stmt *s)
{
	struct ast_stmts alone = {.v = &s, .n = 1, .cap = 1};
	struct policy before = *r->p;

	memset(&r->p->guards, 0, sizeof(r->p->guards));
	memset(&r->p->timeouts, 0, sizeof(r->p->timeouts));
	memset(&r->p->offloads, 0, sizeof(r->p->offloads));
	r->disabled = true;
	resolve_statements(r, &alone);
	r->disabled = false;
	*r->p = before;
}

static void resolve_statements(struct resolver *r, const struct ast_stmts *stmts)
{
	size_t rules = 0;

	for (size_t i = 0; i < stmts->n; i++)
		rules += stmts->v[i]->kind == STMT_RULE && !stmts->v[i]->disabled;
	vec_reserve(r->arena, &r->p->rules, rules);
	for (size_t i = 0; i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->v[i];

		if (s->disabled && !r->disabled) {
			resolve_disabled(r, stmts->v[i]);
			continue;
		}
		switch (s->kind) {
		case STMT_RULE:
		case STMT_EXPECT:
			resolve_rule(r, s);
			break;
		case STMT_BLOCK:
			resolve_statements(r, &s->block.rules);
			break;
		case STMT_NAT:
			resolve_nat(r, s);
			break;
		case STMT_CLAMP:
			resolve_clamp(r, s);
			break;
		case STMT_MARK:
			resolve_mark(r, s);
			break;
		case STMT_GUARD:
			resolve_guard(r, s);
			break;
		case STMT_UNTRACKED:
			resolve_untracked(r, s);
			break;
		case STMT_TIMEOUTS:
			resolve_timeouts(r, s);
			break;
		case STMT_OFFLOAD:
			resolve_offload(r, s);
			break;
		case STMT_INCLUDE:
			resolve_statements(r, &s->include.files);
			break;
		case STMT_FORWARDING:
		case STMT_LIVE_FLOWS:
		case STMT_ZONE:
		case STMT_ZONES:
		case STMT_NAMES:
		case STMT_SERVICE:
		case STMT_INSPECTOR:
		case STMT_INSPECTION:
		case STMT_LIMIT:
		case STMT_QUOTA:
		case STMT_LOG:
		case STMT_COMMENTS:
			break;
		}
	}
}

static bool is_wildcard(const struct ast_iface *i)
{
	return i->name.lo != i->name.hi;
}

/* One name in two zones, or overlapping wildcards. An exact name within a wildcard is fine: it
 * wins. */
static void check_interfaces(struct resolver *r)
{
	struct policy *p = r->p;

	for (size_t a = 0; a < p->zones.n; a++) {
		for (size_t i = 0; i < p->zones.v[a].interfaces.n; i++) {
			const struct ast_iface *x = &p->zones.v[a].interfaces.v[i];
			struct buf name = {0};

			ifname_print(&name, x->name);
			if (!strcmp(buf_str(&name), "lo"))
				diag_error(r->diag, x->span,
					   "the loopback interface is always open and in no zone");
			for (size_t b = 0; b <= a; b++) {
				size_t end = b == a ? i : p->zones.v[b].interfaces.n;

				for (size_t j = 0; j < end; j++) {
					const struct ast_iface *y = &p->zones.v[b].interfaces.v[j];

					if (is_wildcard(x) != is_wildcard(y) ||
					    ifname_is_other(x->name) || ifname_is_other(y->name) ||
					    x->name.lo > y->name.hi || y->name.lo > x->name.hi)
						continue;
					diag_note(r->diag,
						  diag_error(r->diag, x->span,
							     "interface '%s' is claimed twice",
							     buf_str(&name)),
						  y->span, "here by zone '%s'", p->zones.v[b].name);
				}
			}
			buf_free(&name);
		}
	}
}

static void resolve_unused(struct resolver *r)
{
	const struct map_entry *e;

	warn_limits(r);
	vec_each (&r->services.entries, e) {
		struct service_decl *d = e->value;
		struct services scratch = {0};

		/* errors in what nothing uses are errors too */
		if (d->state != SERVICE_FRESH)
			continue;
		resolve_services(r, d->ast->services.v, d->ast->services.n, &scratch);
		resolve_from(r, &d->ast->q, d->ast->services.v, d->ast->services.n, &scratch);
	}
	vec_each (&r->names.entries, e) {
		struct decl *d = e->value;

		resolve_decl(r, d);
		if (d->kind == DECL_SET && !d->dyn && d->state == DONE && !d->reported &&
		    decl_is_empty(d) && !r->diag->nerrors)
			diag_warning(r->diag, d->span,
				     "set '%s' is empty: rules that name it match nothing",
				     d->name);
	}
}

struct policy *policy_resolve(const struct ast *ast, struct arena *a, struct diag *diag)
{
	struct resolver r = {.p = arena_new_of(a, struct policy), .arena = a, .diag = diag};

	r.p->arena = a;
	r.p->forwarding = -1;
	r.p->live_flows = -1;
	r.p->other = PLACE_OTHER;
	map_init(&r.names, a);
	map_init(&r.services, a);
	map_init(&r.inspectors, a);
	map_init(&r.limits, a);
	map_init(&r.quotas, a);
	map_init(&r.texts, a);
	map_init(&r.broken, a);
	for (size_t i = 0; i < ast->broken.n; i++)
		map_put(&r.broken, ast->broken.v[i], &r);
	r.incomplete = ast->incomplete;
	declare_all(&r, &ast->stmts);
	check_interfaces(&r);
	resolve_subzones(&r);
	resolve_statements(&r, &ast->stmts);
	finish_inspection(&r);
	finish_marks(&r);
	finish_helpers(&r);
	finish_timeouts(&r);
	finish_quotas(&r);
	finish_cgroups(&r);
	finish_offloads(&r);
	finish_suffixes(&r);
	known_begin(r.p);
	resolve_unused(&r);
	warn_runtime(&r);
	slips_warn(&r, &ast->stmts);
	slips_clamps(&r);
	return r.p;
}
