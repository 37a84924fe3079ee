/* SPDX-License-Identifier: GPL-2.0-or-later
 * A dump of the kernel's own messages -> tables -> ruleset IR.
 */
#include "nft/read.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "util/sha256.h"

#define ODD_CHARS 12 /* of the hash that stands for bytes which nobody could read */
#define COMMENT 0 /* type of a comment in userdata of tables, chains, rules, objects, elements */

/* Of newer kernels than the header may be: Linux 6.10 and later. */
#define CHAIN_ATTRS NFTA_CHAIN_USERDATA

void read_attrs(struct tlv bytes, size_t max, struct attrs *out)
{
	out->whole = tlv_sort(bytes, out->v, max < READ_ATTRS ? max : READ_ATTRS - 1);
}

const char *read_text(struct arena *a, struct tlv t)
{
	return tlv_is_text(t) ? arena_strndup(a, (const char *)t.p, t.n - 1) : NULL;
}

const char *read_odd(struct arena *a, const char *name, struct tlv bytes)
{
	char hex[SHA256_HEX];

	sha256_hex(bytes.p ? (const char *)bytes.p : "", bytes.n, hex);
	return diag_shown(a, arena_printf(a, "%s #%.*s", name, ODD_CHARS, hex));
}

/* The last attribute of each expression that is read; more would say more than was understood. */
static const struct {
	const char *name;
	uint8_t last;
} expressions[] = {
	{"bitwise", NFTA_BITWISE_DATA},
	{"byteorder", NFTA_BYTEORDER_SIZE},
	{"cmp", NFTA_CMP_DATA},
	{"connlimit", NFTA_CONNLIMIT_FLAGS},
	{"counter", NFTA_COUNTER_PAD},
	{"ct", NFTA_CT_SREG},
	{"dynset", NFTA_DYNSET_EXPRESSIONS},
	{"exthdr", NFTA_EXTHDR_SREG},
	{"fib", NFTA_FIB_FLAGS},
	{"hash", NFTA_HASH_TYPE},
	{"immediate", NFTA_IMMEDIATE_DATA},
	{"limit", NFTA_LIMIT_PAD},
	{"lookup", NFTA_LOOKUP_FLAGS},
	{"masq", NFTA_MASQ_REG_PROTO_MAX},
	{"meta", NFTA_META_SREG},
	{"nat", NFTA_NAT_FLAGS},
	{"numgen", NFTA_NG_OFFSET},
	{"objref", NFTA_OBJREF_IMM_NAME},
	{"payload", NFTA_PAYLOAD_CSUM_FLAGS},
	{"queue", NFTA_QUEUE_SREG_QNUM},
	{"range", NFTA_RANGE_TO_DATA},
	{"redir", NFTA_REDIR_FLAGS},
	{"reject", NFTA_REJECT_ICMP_CODE},
	{"rt", NFTA_RT_KEY},
	{"socket", NFTA_SOCKET_LEVEL},
	{"match", NFTA_MATCH_INFO},
	{"target", NFTA_TARGET_INFO},
	{"flow_offload", NFTA_FLOW_TABLE_NAME},
};

static bool has_more(const struct raw_expr *e)
{
	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		if (strcmp(expressions[i].name, e->name) != 0)
			continue;
		for (int k = expressions[i].last + 1; k < READ_ATTRS; k++)
			if (e->attrs.v[k].p)
				return true;
		return false;
	}
	return false;
}

bool read_expr(struct arena *a, struct tlv bytes, struct raw_expr *out)
{
	struct tlv v[NFTA_EXPR_MAX + 1];
	bool whole = tlv_sort(bytes, v, NFTA_EXPR_MAX);

	*out = (struct raw_expr){.name = read_text(a, v[NFTA_EXPR_NAME]),
				 .bytes = v[NFTA_EXPR_DATA]};
	read_attrs(out->bytes, READ_ATTRS - 1, &out->attrs);
	if (!out->name)
		return false;
	out->attrs.whole &= whole && !has_more(out);
	return true;
}

const char *read_comment(struct arena *a, struct tlv userdata)
{
	while (userdata.n >= 2 && userdata.n >= 2u + userdata.p[1]) {
		struct tlv value = {userdata.p + 2, userdata.p[1]};

		if (userdata.p[0] == COMMENT && tlv_is_text(value))
			return diag_shown(a, (const char *)value.p);
		userdata.p += 2 + value.n;
		userdata.n -= 2 + value.n;
	}
	return NULL;
}

struct tlv read_data(struct tlv data)
{
	struct tlv v[NFTA_DATA_MAX + 1];

	return tlv_sort(data, v, NFTA_DATA_MAX) ? v[NFTA_DATA_VALUE] : (struct tlv){0};
}

bool read_verdict(struct arena *a, struct tlv bytes, struct ir_verdict *out)
{
	static const struct {
		int code;
		enum ir_verdict_kind kind;
	} plain[] = {{NF_ACCEPT, V_ACCEPT},	 {NF_DROP, V_DROP},  {NFT_RETURN, V_RETURN},
		     {NFT_CONTINUE, V_CONTINUE}, {NFT_JUMP, V_JUMP}, {NFT_GOTO, V_GOTO}};
	struct tlv v[NFTA_VERDICT_MAX + 1];
	const char *target;
	int code;

	if (!tlv_sort(bytes, v, NFTA_VERDICT_MAX) || !v[NFTA_VERDICT_CODE].p)
		return false;
	code = (int)tlv_number(v[NFTA_VERDICT_CODE]);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (plain[i].code != code)
			continue;
		target = read_text(a, v[NFTA_VERDICT_CHAIN]);
		if ((plain[i].kind >= V_JUMP) != (target != NULL))
			return false;
		*out = (struct ir_verdict){plain[i].kind, target};
		return true;
	}
	return false;
}

/* ---- chains ---- */

static const char *hook_name(uint8_t family, uint64_t number)
{
	static const char *const ip[] = {"prerouting", "input",	      "forward",
					 "output",     "postrouting", "ingress"};
	static const char *const arp[] = {"input", "output", "forward"};
	static const char *const netdev[] = {"ingress", "egress"};

	switch (family) {
	case NFPROTO_INET:
	case NFPROTO_IPV4:
	case NFPROTO_IPV6:
	case NFPROTO_BRIDGE:
		return number < 6 ? ip[number] : "?";
	case NFPROTO_ARP:
		return number < 3 ? arp[number] : "?";
	case NFPROTO_NETDEV:
		return number < 2 ? netdev[number] : "?";
	}
	return "?";
}

static void read_base(struct reader *r, const struct attrs *chain, struct ir_base *out)
{
	struct attrs hook;
	const char *type = read_text(r->a, chain->v[NFTA_CHAIN_TYPE]);

	read_attrs(chain->v[NFTA_CHAIN_HOOK], NFTA_HOOK_MAX, &hook);
	out->hook = hook_name(r->family, tlv_number(hook.v[NFTA_HOOK_HOOKNUM]));
	out->type = type ? type : "?";
	out->priority = (int)tlv_number(hook.v[NFTA_HOOK_PRIORITY]);
	out->policy_drop = tlv_number(chain->v[NFTA_CHAIN_POLICY]) == NF_DROP;
	if (!tlv_whole(chain->v[NFTA_CHAIN_HOOK]) || !hook.v[NFTA_HOOK_HOOKNUM].p ||
	    !hook.v[NFTA_HOOK_PRIORITY].p || !chain->v[NFTA_CHAIN_POLICY].p ||
	    tlv_number(chain->v[NFTA_CHAIN_POLICY]) > NF_ACCEPT)
		out->type = "?"; /* the kernel knows these two, and always says which */
}

/* A chain on no hook that need not be read again, or NULL. */
static const struct ir_chain *known_chain(const struct reader *r, const char *name)
{
	const struct ir_chain *c = r->like ? ruleset_chain(r->like, name) : NULL;

	return c && !c->base.hook && map_get(r->same, arena_printf(r->a, "c:%s", name)) ? c : NULL;
}

static const struct ir_set *known_set(const struct reader *r, const char *name)
{
	const struct ir_set *s = r->like ? ruleset_set(r->like, name) : NULL;

	return s && map_get(r->same, arena_printf(r->a, "s:%s", name)) ? s : NULL;
}

static void read_chain(struct reader *r, struct tlv body)
{
	struct ir_chain *c = arena_new_of(r->a, struct ir_chain);
	struct attrs chain;

	read_attrs(body, CHAIN_ATTRS, &chain);
	c->name = read_text(r->a, chain.v[NFTA_CHAIN_NAME]);
	if (!c->name)
		return;
	c->stem = ruleset_stem(r->a, c->name);
	if (chain.v[NFTA_CHAIN_HOOK].p)
		read_base(r, &chain, &c->base);
	else if (known_chain(r, c->name))
		*c = *known_chain(r, c->name);
	ruleset_add_chain(r->out, c);
}

static void add_rule(struct reader *r, struct tlv body)
{
	struct ir_rule rule = {0};
	struct attrs attrs;
	struct ir_chain *c;
	const char *name;

	read_attrs(body, NFTA_RULE_CHAIN_ID, &attrs);
	name = read_text(r->a, attrs.v[NFTA_RULE_CHAIN]);
	c = name ? ruleset_chain(r->out, name) : NULL;
	if (!c || (!c->base.hook && known_chain(r, name)))
		return;
	rule.handle = tlv_number(attrs.v[NFTA_RULE_HANDLE]);
	rule.comment = read_comment(r->a, attrs.v[NFTA_RULE_USERDATA]);
	r->hook = c->base.hook;
	read_rule(r, &attrs, arena_printf(r->a, "chain %s, rule %zu", c->name, c->rules.n + 1),
		  &rule);
	vec_push(r->a, &c->rules, rule);
}

/* ---- sets ---- */

static void add_set(struct reader *r, struct tlv body)
{
	struct raw_set *s = read_set(r, body);

	if (!s)
		return;
	s->set->stem = ruleset_stem(r->a, s->name);
	map_put(&r->sets, s->name, s);
}

/* Elements of a map of data are asked for by the rules that look into it; what is dynamic has
 * others by now. */
static bool may_share(const struct raw_set *s, const struct ir_set *known)
{
	return known && !known->dynamic && (known->is_map || !(s->flags & NFT_SET_MAP));
}

/* Whose elements these are; NULL: nobody asks for them. */
static struct raw_set *elems_of(struct reader *r, struct tlv body, struct tlv *elems)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1];
	struct raw_set *s;
	const char *name;

	tlv_sort(body, v, NFTA_SET_ELEM_LIST_MAX);
	name = read_text(r->a, v[NFTA_SET_ELEM_LIST_SET]);
	s = name ? map_get(&r->sets, name) : NULL;
	*elems = v[NFTA_SET_ELEM_LIST_ELEMENTS];
	return s && !may_share(s, known_set(r, name)) ? s : NULL;
}

/* Of sets that came before; an element is large, and growing by doubling copies them all. */
static void expect_elems(struct reader *r, struct tlv body)
{
	struct tlv elems, elem;
	struct raw_set *s = elems_of(r, body, &elems);
	uint16_t type;

	while (s && tlv_next(&elems, &type, &elem))
		s->expected++;
}

static void add_elems(struct reader *r, struct tlv body)
{
	struct tlv elems, elem;
	struct raw_set *s = elems_of(r, body, &elems);
	uint16_t type;

	if (s && !s->elems.n)
		vec_reserve(r->work, &s->elems, s->expected);
	while (s && tlv_next(&elems, &type, &elem))
		read_elem(r, s, elem);
}

static void end_sets(struct reader *r)
{
	const struct map_entry *e;

	vec_each (&r->sets.entries, e) {
		struct raw_set *s = e->value;
		const struct ir_set *known = known_set(r, s->name);

		if (may_share(s, known))
			*s->set = *known;
		else
			read_set_end(r, s);
		if (!(s->flags & NFT_SET_ANONYMOUS))
			ruleset_add_set(r->out, s->set);
	}
}

/* ---- objects ---- */

/* One that rules match until it is used up; not one that they match from then on. */
static void add_quota(struct reader *r, const struct attrs *object)
{
	struct ir_set *s = arena_new_of(r->a, struct ir_set);
	struct attrs v;

	read_attrs(object->v[NFTA_OBJ_DATA], NFTA_QUOTA_CONSUMED, &v);
	s->name = read_text(r->a, object->v[NFTA_OBJ_NAME]);
	s->quota = tlv_number(v.v[NFTA_QUOTA_BYTES]);
	s->used = tlv_number(v.v[NFTA_QUOTA_CONSUMED]);
	if (!s->name || !s->quota || tlv_number(v.v[NFTA_QUOTA_FLAGS]) & NFT_QUOTA_F_INV)
		return;
	s->name = diag_shown(r->a, s->name);
	s->stem = s->name;
	s->dynamic = true;
	ruleset_add_set(r->out, s);
}

/* Of the kinds of objects only connection helpers and quotas. */
static void add_object(struct reader *r, struct tlv body)
{
	struct ir_set *s = arena_new_of(r->a, struct ir_set);
	struct attrs object, helper;

	read_attrs(body, NFTA_OBJ_USERDATA, &object);
	if (tlv_number(object.v[NFTA_OBJ_TYPE]) == NFT_OBJECT_QUOTA)
		add_quota(r, &object);
	if (tlv_number(object.v[NFTA_OBJ_TYPE]) != NFT_OBJECT_CT_HELPER)
		return;
	read_attrs(object.v[NFTA_OBJ_DATA], NFTA_CT_HELPER_MAX, &helper);
	s->name = read_text(r->a, object.v[NFTA_OBJ_NAME]);
	s->helper = read_text(r->a, helper.v[NFTA_CT_HELPER_NAME]);
	if (!s->name || !s->helper)
		return;
	s->stem = ruleset_stem(r->a, s->name);
	s->helper = diag_shown(r->a, s->helper);
	s->helper_proto = (uint8_t)tlv_number(helper.v[NFTA_CT_HELPER_L4PROTO]);
	ruleset_add_set(r->out, s);
}

static void read_devices(struct reader *r, struct tlv hook, struct ir_set *s)
{
	struct attrs v;
	struct tlv list, one;
	uint16_t type;

	read_attrs(hook, NFTA_FLOWTABLE_HOOK_DEVS, &v);
	list = v.v[NFTA_FLOWTABLE_HOOK_DEVS];
	while (tlv_next(&list, &type, &one))
		if (type == NFTA_DEVICE_NAME && tlv_is_text(one))
			vec_push(r->a, &s->devices, diag_shown(r->a, read_text(r->a, one)));
}

static void add_flowtable(struct reader *r, struct tlv body)
{
	struct ir_set *s = arena_new_of(r->a, struct ir_set);
	struct attrs v;

	read_attrs(body, NFTA_FLOWTABLE_FLAGS, &v);
	s->name = read_text(r->a, v.v[NFTA_FLOWTABLE_NAME]);
	if (!s->name)
		return;
	s->stem = ruleset_stem(r->a, s->name);
	s->flowtable = true;
	read_devices(r, v.v[NFTA_FLOWTABLE_HOOK], s);
	s->hardware = tlv_number(v.v[NFTA_FLOWTABLE_FLAGS]) & NFT_FLOWTABLE_HW_OFFLOAD;
	ruleset_add_set(r->out, s);
}

/* ---- tables ---- */

struct dump {
	struct arena *a, *work;
	struct ir_tables *out;
	VEC(struct reader *) readers; /* of each table */
	struct reader *last;
	const char *last_name;
	const struct ir_ruleset *like; /* of inet fwc, see struct reader */
	const struct map *same;
};

/* owner and persist keep no table from filtering; a flag that is not known may be one that does. */
static bool may_sleep(uint64_t flags)
{
	return flags & ~(uint64_t)(NFT_TABLE_F_OWNER | 4 /* NFT_TABLE_F_PERSIST, Linux 6.9 */);
}

static void add_table(struct dump *d, const struct tlv_message *m)
{
	struct reader *r = arena_new_of(d->a, struct reader);
	struct ir_table t = {.family = m->family};
	struct attrs table;

	read_attrs(m->body, NFTA_TABLE_OWNER, &table);
	t.name = read_text(d->a, table.v[NFTA_TABLE_NAME]);
	if (!t.name)
		return;
	t.ruleset = ruleset_new(d->a);
	t.ruleset->dormant = may_sleep(tlv_number(table.v[NFTA_TABLE_FLAGS]));
	*r = (struct reader){.a = d->a, .work = d->work, .family = m->family, .out = t.ruleset};
	if (d->like && m->family == NFPROTO_INET && !strcmp(t.name, IR_TABLE)) {
		r->like = d->like;
		r->same = d->same;
	}
	map_init(&r->sets, d->a);
	vec_push(d->a, d->out, t);
	vec_push(d->a, &d->readers, r);
}

/* Attribute 1 of every object names its table. */
static struct reader *table_of(struct dump *d, const struct tlv_message *m)
{
	struct tlv body = m->body, name;
	uint16_t type;

	if (!tlv_next(&body, &type, &name) || type != 1)
		return NULL;
	if (d->last && d->last->family == m->family && tlv_is(name, d->last_name))
		return d->last;
	for (size_t i = 0; i < d->out->n; i++) {
		if (d->out->v[i].family == m->family && tlv_is(name, d->out->v[i].name)) {
			d->last = d->readers.v[i];
			d->last_name = d->out->v[i].name;
			return d->last;
		}
	}
	return NULL;
}

enum pass { TABLES, CHAINS, ELEMENTS, RULES, NPASSES };

static void take(struct dump *d, const struct tlv_message *m, enum pass pass)
{
	int what = (m->type & 0xff) | (m->type >> 8 != NFNL_SUBSYS_NFTABLES ? -1 : 0);
	struct reader *r;

	if (pass == TABLES) {
		if (what == NFT_MSG_NEWTABLE)
			add_table(d, m);
		return;
	}
	r = table_of(d, m);
	if (!r)
		return;
	if (pass == CHAINS && what == NFT_MSG_NEWCHAIN)
		read_chain(r, m->body);
	else if (pass == CHAINS && what == NFT_MSG_NEWSET)
		add_set(r, m->body);
	else if (pass == CHAINS && what == NFT_MSG_NEWSETELEM)
		expect_elems(r, m->body);
	else if (pass == CHAINS && what == NFT_MSG_NEWOBJ)
		add_object(r, m->body);
	else if (pass == CHAINS && what == NFT_MSG_NEWFLOWTABLE)
		add_flowtable(r, m->body);
	else if (pass == ELEMENTS && what == NFT_MSG_NEWSETELEM)
		add_elems(r, m->body);
	else if (pass == RULES && what == NFT_MSG_NEWRULE)
		add_rule(r, m->body);
}

/* A list of what has attributes of its own. */
static bool is_list(struct tlv list)
{
	struct tlv one;
	uint16_t type;

	while (tlv_next(&list, &type, &one))
		if (type != NFTA_LIST_ELEM || !tlv_sound(one))
			return false;
	return !list.n;
}

/* Of a set: its size, and the fields of a key. */
static bool is_description(struct tlv desc)
{
	struct tlv one;
	uint16_t type;

	if (!tlv_sound(desc))
		return false;
	while (tlv_next(&desc, &type, &one))
		if (type == NFTA_SET_DESC_CONCAT && !is_list(one))
			return false;
	return true;
}

/* Whose it is, and of what name, every message says: else what it tells would belong to nothing. */
static bool is_named(const struct tlv_message *m)
{
	static const struct {
		int type;
		uint16_t table, name;
	} names[] = {
		{NFT_MSG_NEWTABLE, NFTA_TABLE_NAME, NFTA_TABLE_NAME},
		{NFT_MSG_NEWCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME},
		{NFT_MSG_NEWSET, NFTA_SET_TABLE, NFTA_SET_NAME},
		{NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET},
		{NFT_MSG_NEWRULE, NFTA_RULE_TABLE, NFTA_RULE_CHAIN},
		{NFT_MSG_NEWOBJ, NFTA_OBJ_TABLE, NFTA_OBJ_NAME},
		{NFT_MSG_NEWFLOWTABLE, NFTA_FLOWTABLE_TABLE, NFTA_FLOWTABLE_NAME},
	};
	int what = m->type - (NFNL_SUBSYS_NFTABLES << 8);
	struct attrs attrs;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].type != what)
			continue;
		read_attrs(m->body, READ_ATTRS - 1, &attrs);
		return tlv_is_text(attrs.v[names[i].table]) && tlv_is_text(attrs.v[names[i].name]);
	}
	return true;
}

bool read_is_sound(const struct tlv_message *m)
{
	struct tlv body = m->body, value;
	uint16_t type;

	if (!tlv_sound(body) || !is_named(m))
		return false;
	while (tlv_next(&body, &type, &value)) {
		switch (m->type - (NFNL_SUBSYS_NFTABLES << 8)) {
		case NFT_MSG_NEWSET:
			if (type == NFTA_SET_DESC && !is_description(value))
				return false;
			break;
		case NFT_MSG_NEWSETELEM:
			if (type == NFTA_SET_ELEM_LIST_ELEMENTS && !is_list(value))
				return false;
			break;
		case NFT_MSG_NEWRULE:
			if (type == NFTA_RULE_EXPRESSIONS && !is_list(value))
				return false;
			break;
		}
	}
	return true;
}

static bool read_passes(struct dump *d, const void *bytes, size_t n)
{
	for (int pass = 0; pass < NPASSES; pass++) {
		struct tlv rest = {bytes, n};
		struct tlv_message m;

		for (size_t i = 0; pass == RULES && i < d->readers.n; i++)
			end_sets(d->readers.v[i]);
		while (tlv_message(&rest, &m)) {
			if (pass == TABLES && !read_is_sound(&m))
				return false;
			take(d, &m, pass);
		}
		if (rest.n)
			return false;
	}
	return true;
}

static bool read_all(struct dump *d, const void *bytes, size_t n)
{
	bool whole;

	d->work = arena_new();
	whole = read_passes(d, bytes, n);
	arena_free(d->work);
	return whole;
}

bool read_tables(struct arena *a, const void *bytes, size_t n, struct ir_tables *out)
{
	return read_all(&(struct dump){.a = a, .out = out}, bytes, n);
}

const char *ir_family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_ARP:
		return "arp";
	}
	return "?";
}

struct ir_table *ir_tables_find(const struct ir_tables *t, uint8_t family, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].family == family && !strcmp(t->v[i].name, name))
			return &t->v[i];
	return NULL;
}

struct ir_ruleset *read_own(struct arena *a, const void *bytes, size_t n)
{
	return read_own_like(a, bytes, n, NULL, NULL);
}

struct ir_ruleset *read_own_like(struct arena *a, const void *bytes, size_t n,
				 const struct ir_ruleset *like, const struct map *same)
{
	struct ir_tables all = {0};
	struct dump d = {.a = a, .out = &all, .like = like, .same = same};
	const struct ir_table *own;

	if (!read_all(&d, bytes, n))
		return NULL;
	own = ir_tables_find(&all, NFPROTO_INET, IR_TABLE);
	return own ? own->ruleset : ruleset_new(a);
}
