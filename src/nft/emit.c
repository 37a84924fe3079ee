/* SPDX-License-Identifier: GPL-2.0-or-later
 * ruleset IR -> nft script, in the words that `nft list` itself uses.
 */
#include <string.h>

#include "nft/nft.h"
#include "util/bulk_parts.h"

static void put_comment(struct buf *out, const char *comment)
{
	if (comment)
		buf_printf(out, " comment \"%s\"", comment);
}

static void put_verdict(struct buf *out, const struct ir_verdict *v)
{
	switch (v->kind) {
	case V_NONE:
		break;
	case V_ACCEPT:
		buf_puts(out, "accept");
		break;
	case V_DROP:
		buf_puts(out, "drop");
		break;
	case V_RETURN:
		buf_puts(out, "return");
		break;
	case V_CONTINUE:
		buf_puts(out, "continue");
		break;
	case V_JUMP:
		buf_printf(out, "jump %s", v->target);
		break;
	case V_GOTO:
		buf_printf(out, "goto %s", v->target);
		break;
	}
}

static void put_sel(struct buf *out, const struct ir_sel *sel)
{
	for (int i = 0; i < sel->n; i++) {
		if (i)
			buf_puts(out, " . ");
		buf_puts(out, field_table[sel->f[i]].nft);
		if (sel->mask[i] && sel->f[i] != F_TCP_FLAGS) {
			buf_puts(out, " & ");
			emit_value(out, sel->f[i], (struct ival){sel->mask[i], sel->mask[i]});
		}
	}
}

static void put_unit(struct buf *out, uint32_t per)
{
	buf_puts(out, per == 1 ? "second" : per == 60 ? "minute" : per == 3600 ? "hour" : "day");
}

static void put_limit(struct buf *out, const struct ir_limit *l)
{
	buf_printf(out, "limit rate %s%u/", l->over ? "over " : "", l->rate);
	put_unit(out, l->per);
	buf_printf(out, " burst %u packets", l->burst);
}

static void put_duration(struct buf *out, uint64_t s)
{
	static const struct {
		unsigned seconds;
		char letter;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};

	for (int i = 0; i < 4; i++) {
		if (s >= units[i].seconds)
			buf_printf(out, "%llu%c", (unsigned long long)(s / units[i].seconds),
				   units[i].letter);
		s %= units[i].seconds;
	}
}

static void put_values(struct buf *out, const struct ir_sel *sel, const struct ir_elems *values)
{
	if (values->n == 1 && sel->n == 1) { /* nft takes concatenations in sets only */
		emit_key(out, sel->f, sel->n, values->v[0].key);
		return;
	}
	buf_puts(out, "{ ");
	for (size_t i = 0; i < values->n; i++) {
		if (i)
			buf_puts(out, ", ");
		emit_key(out, sel->f, sel->n, values->v[i].key);
	}
	buf_puts(out, " }");
}

/* `tcp flags syn / fin,syn,rst,ack`: the value under a mask, as nft lists it. */
static void put_masked_flags(struct buf *out, const struct ir_stmt *s)
{
	u128 mask = s->match.sel.mask[0];

	buf_printf(out, "tcp flags %s", s->match.op == OP_NE ? "!= " : "");
	emit_value(out, F_TCP_FLAGS, s->match.values.v[0].key[0]);
	buf_puts(out, " / ");
	emit_value(out, F_TCP_FLAGS, (struct ival){mask, mask});
}

static void put_match(struct buf *out, const struct ir_stmt *s)
{
	if (s->match.sel.f[0] == F_TCP_FLAGS && s->match.sel.mask[0] && s->match.values.n == 1) {
		put_masked_flags(out, s);
		return;
	}
	put_sel(out, &s->match.sel);
	buf_puts(out, s->match.op == OP_NE					? " != "
		      : s->match.sel.f[0] == F_CT_LABEL && s->match.op == OP_EQ ? " == "
										: " ");
	if (s->match.set)
		buf_printf(out, "@%s", s->match.set);
	else
		put_values(out, &s->match.sel, &s->match.values);
}

static void put_vmap(struct buf *out, const struct ir_stmt *s)
{
	put_sel(out, &s->vmap.sel);
	if (s->vmap.map) {
		buf_printf(out, " vmap @%s", s->vmap.map);
		return;
	}
	buf_puts(out, " vmap { ");
	for (size_t i = 0; i < s->vmap.elems.n; i++) {
		if (i)
			buf_puts(out, ", ");
		emit_key(out, s->vmap.sel.f, s->vmap.sel.n, s->vmap.elems.v[i].key);
		buf_puts(out, " : ");
		put_verdict(out, &s->vmap.elems.v[i].verdict);
	}
	buf_puts(out, " }");
}

static void put_target(struct buf *out, enum family fam, u128 addr, bool brackets)
{
	buf_puts(out, brackets ? "[" : "");
	addr_print(out, fam, addr);
	buf_puts(out, brackets ? "]" : "");
}

/* nft does not shift ports: port by port. */
static void put_shifted(struct buf *out, const struct ir_stmt *s)
{
	uint32_t n = (uint32_t)s->nat.called_last - s->nat.called + 1;

	buf_puts(out, "th dport map { ");
	for (uint32_t i = 0; i < n; i++) {
		buf_printf(out, "%s%u : ", i ? ", " : "", s->nat.called + i);
		addr_print(out, s->nat.family, s->nat.to.v[0].key[0].lo);
		buf_printf(out, " . %u", s->nat.port + i);
	}
	buf_puts(out, " }");
}

static void put_nat_address(struct buf *out, const struct ir_stmt *s)
{
	const struct ir_elems *to = &s->nat.to;
	enum family fam = s->nat.family;
	struct ival iv = to->v[0].key[0];
	bool brackets = fam == FAM_IP6 && s->nat.port && to->n == 1;

	if (s->nat.prefix) {
		addr_print_range(out, fam, iv);
		return;
	}
	if (s->nat.called) {
		put_shifted(out, s);
		return;
	}
	if (to->n == 1) {
		put_target(out, fam, iv.lo, brackets);
		if (iv.hi != iv.lo) {
			buf_putc(out, '-');
			put_target(out, fam, iv.hi, brackets);
		}
		return;
	}
	if (s->nat.by_source)
		buf_printf(out, "jhash %s saddr mod %zu seed 0x%x map { ",
			   fam == FAM_IP4 ? "ip" : "ip6", to->n, IR_HASH_SEED);
	else
		buf_printf(out, "numgen inc mod %zu map { ", to->n);
	for (size_t i = 0; i < to->n; i++) {
		buf_printf(out, "%s%zu : ", i ? ", " : "", i);
		addr_print(out, fam, to->v[i].key[0].lo);
	}
	buf_puts(out, " }");
}

static void put_nat(struct buf *out, const struct ir_stmt *s)
{
	static const char *const names[] = {"masquerade", "snat", "dnat", "redirect"};

	buf_puts(out, names[s->nat.kind]);
	if (s->nat.to.n) {
		buf_puts(out, s->nat.family == FAM_IP4 ? " ip" : " ip6");
		buf_puts(out, s->nat.prefix ? " prefix to " : " to ");
		put_nat_address(out, s);
	} else if (s->nat.port) {
		buf_puts(out, " to ");
	}
	if (s->nat.port && !s->nat.called)
		buf_printf(out, ":%u", s->nat.port);
	if (s->nat.port_last)
		buf_printf(out, "-%u", s->nat.port_last);
	if (s->nat.random)
		buf_puts(out, " fully-random");
	if (s->nat.persistent)
		buf_puts(out, s->nat.random ? ",persistent" : " persistent");
}

static void put_count(struct buf *out, const struct ir_count *c)
{
	buf_printf(out, "ct count %s%u", c->over ? "over " : "", c->n);
}

/* nft's words for levels are not all those of syslog(3). */
static void put_log(struct buf *out, const struct ir_stmt *s)
{
	static const char *const levels[] = {"emerg", "alert",	"crit", "err",
					     "warn",  "notice", "info", "debug"};

	buf_printf(out, "log prefix \"%s\"", s->log_prefix);
	if (s->log_level)
		buf_printf(out, " level %s", levels[s->log_level - 1]);
	if (s->has_group)
		buf_printf(out, " group %u", s->log_group);
}

static void put_add(struct buf *out, const struct ir_stmt *s)
{
	buf_printf(out, "%s @%s { ",
		   s->add.remove   ? "delete"
		   : s->add.update ? "update"
				   : "add",
		   s->add.set);
	put_sel(out, &s->add.key);
	if (s->add.timeout) {
		buf_puts(out, " timeout ");
		put_duration(out, s->add.timeout);
	}
	if (s->add.has_limit) {
		buf_putc(out, ' ');
		put_limit(out, &s->add.limit);
	}
	if (s->add.has_ct_count) {
		buf_putc(out, ' ');
		put_count(out, &s->add.ct_count);
	}
	buf_puts(out, " }");
}

/* As nft lists it: the bits that are set stand in the mask, too. */
static void put_mark(struct buf *out, const struct ir_stmt *s)
{
	const char *what = s->mark.ct ? "ct" : "meta";
	const char *other = s->mark.ct == s->mark.own ? "ct" : "meta";
	bool more = s->mark.keep || s->mark.copied;
	bool flips = s->mark.value & (s->mark.keep | mark_moved(s->mark.copied, s->mark.up));
	uint32_t mask = s->mark.keep | (flips ? 0 : s->mark.value);

	buf_printf(out, "%s mark set ", what);
	if (s->mark.keep)
		buf_printf(out, "%s mark", what);
	if (s->mark.keep && mask != UINT32_MAX)
		buf_printf(out, " & 0x%08x", mask);
	if (s->mark.copied)
		buf_printf(out, "%s%s mark", s->mark.keep ? " | " : "", other);
	if (s->mark.copied && s->mark.copied != UINT32_MAX)
		buf_printf(out, " & 0x%08x", s->mark.copied);
	if (s->mark.up)
		buf_printf(out, " %s %d", s->mark.up > 0 ? "<<" : ">>",
			   s->mark.up > 0 ? s->mark.up : -s->mark.up);
	if (s->mark.value || !more)
		buf_printf(out, "%s0x%08x", flips ? " ^ " : more ? " | " : "", s->mark.value);
}

static void put_queue(struct buf *out, const struct ir_stmt *s)
{
	buf_puts(out, s->queue.bypass ? "queue flags bypass to " : "queue to ");
	if (s->queue.count > 1)
		buf_printf(out, "symhash mod %u offset ", s->queue.count);
	buf_printf(out, "%u", s->queue.first);
}

static void put_stmt(struct buf *out, const struct ir_stmt *s)
{
	switch (s->kind) {
	case IR_MATCH:
		put_match(out, s);
		break;
	case IR_VMAP:
		put_vmap(out, s);
		break;
	case IR_COUNTER:
		buf_puts(out, "counter");
		break;
	case IR_LIMIT:
		put_limit(out, &s->limit);
		break;
	case IR_CT_COUNT:
		put_count(out, &s->ct_count);
		break;
	case IR_LOG:
		put_log(out, s);
		break;
	case IR_REJECT:
		buf_printf(out, "reject with %s",
			   s->reject == REJECT_TCP_RESET ? "tcp reset"
			   : s->reject == REJECT_ADMIN	 ? "icmpx admin-prohibited"
							 : s->reject_with);
		break;
	case IR_NAT:
		put_nat(out, s);
		break;
	case IR_MSS:
		buf_puts(out, "tcp option maxseg size set ");
		if (s->mss)
			buf_printf(out, "%u", s->mss);
		else
			buf_puts(out, "rt mtu");
		break;
	case IR_NOTRACK:
		buf_puts(out, "notrack");
		break;
	case IR_MARK:
		put_mark(out, s);
		break;
	case IR_QUEUE:
		put_queue(out, s);
		break;
	case IR_ADD:
		put_add(out, s);
		break;
	case IR_OFFLOAD:
		buf_printf(out, "flow add @%s", s->flowtable);
		break;
	case IR_QUOTA:
		buf_printf(out, "quota name \"%s\"", s->quota);
		break;
	case IR_LABEL:
		buf_puts(out, "ct label set ");
		emit_value(out, F_CT_LABEL, (struct ival){s->label, s->label});
		break;
	case IR_HELPER:
		buf_printf(out, "ct helper set \"%s\"", s->helper);
		break;
	case IR_VERDICT:
		put_verdict(out, &s->verdict);
		break;
	case IR_UNKNOWN:
		buf_printf(out, "?%s%s", s->unknown.inverted ? "not " : "", s->unknown.text);
		break;
	}
}

static bool asks(const struct ir_stmt *s, enum field f)
{
	return s->kind == IR_MATCH && s->match.sel.n == 1 && s->match.sel.f[0] == f;
}

/* To `ether saddr` nft adds what kind of link it came by; where the rule does not ask, so: */
static void put_link(struct buf *out, const struct ir_stmt *s)
{
	const struct ir_elems *v = &s->match.values;

	buf_printf(out, "@ll,48,48 %s%s", s->match.op == OP_NE ? "!= " : "", v->n == 1 ? "" : "{ ");
	for (size_t i = 0; i < v->n; i++)
		buf_printf(out, "%s0x%012llx", i ? ", " : "",
			   (unsigned long long)v->v[i].key[0].lo);
	buf_puts(out, v->n == 1 ? "" : " }");
}

void emit_rule(struct buf *out, const struct ir_rule *r)
{
	const char *space = "";
	bool ethernet = false;

	for (size_t i = 0; i < r->stmts.n; i++) {
		const struct ir_stmt *s = &r->stmts.v[i];

		buf_puts(out, space);
		ethernet = ethernet || asks(s, F_IIFTYPE);
		if (!ethernet && asks(s, F_ETHER_SADDR) && !s->match.set)
			put_link(out, s);
		else
			put_stmt(out, s);
		space = " ";
	}
	put_comment(out, r->comment);
}

/* A path within a script comment: nothing in it may end the line. */
static void put_path(struct buf *out, const char *path)
{
	for (; *path; path++)
		buf_putc(out, (unsigned char)*path < ' ' || *path == 127 ? '?' : *path);
}

static void put_place(struct buf *out, struct span at, const char *indent)
{
	if (!at.src)
		return;
	buf_printf(out, "%s# ", indent);
	put_path(out, at.src->path);
	buf_printf(out, ":%u\n", span_line(at));
}

/* nft knows each of these words at one hook only; elsewhere it wants the number. */
static void put_base(struct buf *out, const struct ir_base *b)
{
	buf_printf(out, "\t\ttype %s hook %s priority ", b->type, b->hook);
	if (b->priority == 0)
		buf_puts(out, "filter");
	else if (b->priority == -100 && !strcmp(b->hook, "prerouting"))
		buf_puts(out, "dstnat");
	else if (b->priority == 100 && !strcmp(b->hook, "postrouting"))
		buf_puts(out, "srcnat");
	else
		buf_printf(out, "%d", b->priority);
	buf_printf(out, "; policy %s;\n", b->policy_drop ? "drop" : "accept");
}

void emit_chain(struct buf *out, const struct ir_chain *c, bool with_places)
{
	buf_printf(out, "\tchain %s {\n", c->name);
	if (c->base.hook)
		put_base(out, &c->base);
	for (size_t i = 0; i < c->rules.n; i++) {
		if (with_places)
			put_place(out, c->rules.v[i].at, "\t\t");
		buf_puts(out, "\t\t");
		emit_rule(out, &c->rules.v[i]);
		buf_putc(out, '\n');
	}
	buf_puts(out, "\t}\n");
}

void emit_elem(struct buf *out, const struct ir_set *s, const struct ir_elem *e)
{
	emit_key(out, s->keys, s->nkeys, e->key);
	if (e->has_counter || s->counter)
		buf_puts(out, " counter");
	put_comment(out, e->comment);
	if (s->is_map) {
		buf_puts(out, " : ");
		put_verdict(out, &e->verdict);
	}
}

static void put_type(struct buf *out, const struct ir_set *s)
{
	if (s->nkeys == 1 && s->keys[0] == F_TIME && !s->is_map) {
		/* `type time` is another: how long something takes */
		buf_puts(out, "\t\ttypeof meta time\n");
		return;
	}
	buf_puts(out, "\t\ttype ");
	if (s->type) {
		buf_puts(out, s->type);
	} else {
		for (int i = 0; i < s->nkeys; i++)
			buf_printf(out, "%s%s", i ? " . " : "", field_table[s->keys[i]].set_type);
	}
	buf_puts(out, s->is_map ? " : verdict\n" : "\n");
}

static void put_elems(struct buf *out, const struct ir_set *s, bool with_places)
{
	bool first = true;

	for (size_t i = 0; i < s->elems.n; i++) {
		if (s->elems.v[i].volatile_elem)
			continue;
		buf_puts(out, first ? "\t\telements = {\n" : ",\n");
		first = false;
		if (with_places)
			put_place(out, s->elems.v[i].at, "\t\t\t");
		buf_puts(out, "\t\t\t");
		emit_elem(out, s, &s->elems.v[i]);
	}
	if (!first)
		buf_puts(out, "\n\t\t}\n");
}

const char *ir_set_word(const struct ir_set *s)
{
	if (s->flowtable)
		return "flowtable";
	if (s->quota)
		return "quota";
	return s->helper ? "ct helper" : s->is_map ? "map" : "set";
}

static void put_helper(struct buf *out, const struct ir_set *s)
{
	struct ival proto = {s->helper_proto, s->helper_proto};

	buf_printf(out, "\t\ttype \"%s\" protocol ", s->helper);
	emit_value(out, F_L4PROTO, proto);
	buf_puts(out, "\n\t}\n");
}

void emit_set(struct buf *out, const struct ir_set *s, bool with_places)
{
	buf_printf(out, "\t%s %s {\n", ir_set_word(s), s->name);
	if (s->helper) {
		put_helper(out, s);
		return;
	}
	if (s->quota) {
		buf_printf(out, "\t\t%llu bytes\n\t}\n", (unsigned long long)s->quota);
		return;
	}
	if (s->flowtable) {
		buf_printf(out, "\t\thook ingress priority 0%s\n\t}\n",
			   s->hardware ? "\n\t\tflags offload" : "");
		return;
	}
	put_type(out, s);
	if (s->size)
		buf_printf(out, "\t\tsize %u\n", s->size);
	if (s->dynamic && !bulk_name_alone(s->name)) /* an element may have its own timeout */
		buf_printf(out, "\t\tflags %s%s\n", s->interval ? "interval" : "dynamic",
			   s->lasting ? "" : ",timeout");
	else if (s->interval)
		buf_puts(out, "\t\tflags interval\n");
	if (s->timeout) {
		buf_puts(out, "\t\ttimeout ");
		put_duration(out, s->timeout);
		buf_putc(out, '\n');
	}
	if (s->counter)
		buf_puts(out, "\t\tcounter\n");
	if (ir_set_is_bulk(s)) /* what it is named by, too */
		buf_printf(out, "\t\t# %u elements, %s\n", bulk_keys(s->bulk),
			   s->bulk->elems->digest);
	else if (!s->dynamic)
		put_elems(out, s, with_places);
	buf_puts(out, "\t}\n");
}

static void put_header(struct buf *out, const char *policy_path)
{
	buf_puts(out, "#!/usr/sbin/nft -f\n# Compiled by fwc from ");
	put_path(out, policy_path);
	buf_puts(out, ". Do not edit: change the policy and compile again.\n"
		      "# `fwc apply` loads this without a gap. Loading it by `nft -f` works on any "
		      "host and any\n"
		      "# number of times, but connections may be dropped or let through while it "
		      "loads.\n\n"
		      "add table inet " IR_TABLE "\n"
		      "flush table inet " IR_TABLE "\n"
		      "table inet " IR_TABLE " {\n");
}

void emit_script(struct buf *out, struct ir_ruleset *r, const char *policy_path)
{
	put_header(out, policy_path);
	for (size_t i = 0; i < r->sets.n; i++) {
		r->sets.v[i]->text_off = out->len;
		emit_set(out, r->sets.v[i], true);
		r->sets.v[i]->text_len = out->len - r->sets.v[i]->text_off;
		buf_putc(out, '\n');
	}
	for (size_t i = 0; i < r->chains.n; i++) {
		r->chains.v[i]->text_off = out->len;
		emit_chain(out, r->chains.v[i], true);
		r->chains.v[i]->text_len = out->len - r->chains.v[i]->text_off;
		buf_putc(out, '\n');
	}
	buf_puts(out, "}\n");
}
