/* SPDX-License-Identifier: GPL-2.0-or-later
 * JSON of a listing -> statements of a rule. One function a statement; each refuses what it does
 * not know to the last member, so that nothing is taken for what it is not.
 */
#include <string.h>

#include "nft/read.h"

static int elem_cmp(const void *x, const void *y)
{
	const struct ir_elem *a = x, *b = y;

	for (int i = 0; i < IR_MAX_CONCAT; i++) {
		if (a->key[i].lo != b->key[i].lo)
			return a->key[i].lo < b->key[i].lo ? -1 : 1;
		if (a->key[i].hi != b->key[i].hi)
			return a->key[i].hi < b->key[i].hi ? -1 : 1;
	}
	return 0;
}

static bool read_anonymous(struct arena *a, const struct ir_sel *sel, bool is_map,
			   const json_t *list, struct ir_elems *out)
{
	size_t i;
	json_t *j;

	json_array_foreach((json_t *)list, i, j)
	{
		struct ir_elem e;

		if (!read_elem(a, sel->f, sel->n, is_map, j, &e))
			return false;
		e.order = (uint32_t)i;
		vec_push(a, out, e);
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), elem_cmp);
	return out->n > 0;
}

static bool read_op(const char *op, enum ir_op *out)
{
	if (!op)
		return false;
	if (!strcmp(op, "=="))
		*out = OP_EQ;
	else if (!strcmp(op, "!="))
		*out = OP_NE;
	else if (!strcmp(op, "in"))
		*out = OP_ANYBIT;
	else
		return false;
	return true;
}

/* Of raw payload only whether there is any. */
static bool whole_payload(const struct ir_sel *sel, const struct ir_elems *values)
{
	for (int i = 0; i < sel->n; i++)
		if (sel->f[i] == F_PAYLOAD &&
		    (sel->n > 1 || sel->mask[0] || !values || values->n != 1 ||
		     values->v[0].key[0].lo != 0 || values->v[0].key[0].hi != 255))
			return false;
	return true;
}

static bool read_match(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	const json_t *right = json_object_get(in, "right");
	const json_t *set = json_object_get(right, "set");
	const char *name = json_string_value(right);
	struct ir_elem one = {0};

	s->kind = IR_MATCH;
	if (!read_op(json_string_value(json_object_get(in, "op")), &s->match.op) ||
	    !read_sel(a, json_object_get(in, "left"), &s->match.sel))
		return false;
	if (name && name[0] == '@') {
		s->match.set = arena_strdup(a, name + 1);
		return whole_payload(&s->match.sel, NULL);
	}
	if (set)
		return whole_payload(&s->match.sel, NULL) &&
		       read_anonymous(a, &s->match.sel, false, set, &s->match.values);
	if (!read_key(a, s->match.sel.f, s->match.sel.n, right, one.key)) {
		/* `iif` is listed by name where the interface exists */
		if (s->match.sel.n != 1 || s->match.sel.f[0] != F_IIF || !json_is_string(right))
			return false;
		s->match.sel.f[0] = F_IIFNAME;
		if (!read_key(a, s->match.sel.f, 1, right, one.key))
			return false;
	}
	vec_push(a, &s->match.values, one);
	return whole_payload(&s->match.sel, s->match.op == OP_EQ ? &s->match.values : NULL);
}

static bool read_vmap(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	const json_t *data = json_object_get(in, "data");
	const char *name = json_string_value(data);

	s->kind = IR_VMAP;
	if (!read_sel(a, json_object_get(in, "key"), &s->vmap.sel) ||
	    !whole_payload(&s->vmap.sel, NULL))
		return false;
	if (name && name[0] == '@') {
		s->vmap.map = arena_strdup(a, name + 1);
		return true;
	}
	return read_anonymous(a, &s->vmap.sel, true, json_object_get(data, "set"), &s->vmap.elems);
}

static bool read_counter(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	(void)a;
	s->kind = IR_COUNTER;
	s->counter.packets = read_num(in, "packets");
	s->counter.bytes = read_num(in, "bytes");
	return json_is_object(in) || json_is_null(in);
}

static bool read_limit_values(const json_t *in, struct ir_limit *l)
{
	static const char *const known[] = {"rate", "burst", "per", "inv", NULL};
	static const struct {
		const char *name;
		uint32_t seconds;
	} units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};
	const char *per = json_string_value(json_object_get(in, "per"));

	if (!per || !read_only(in, known))
		return false;
	l->rate = (uint32_t)read_num(in, "rate");
	l->burst = json_object_get(in, "burst") ? (uint32_t)read_num(in, "burst") : 5;
	l->over = json_is_true(json_object_get(in, "inv"));
	for (int i = 0; i < 4; i++) {
		if (!strcmp(per, units[i].name))
			l->per = units[i].seconds;
	}
	return l->per != 0;
}

static bool read_limit(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	(void)a;
	s->kind = IR_LIMIT;
	return read_limit_values(in, &s->limit);
}

static bool read_count_value(const json_t *in, uint32_t *over)
{
	*over = (uint32_t)read_num(in, "val");
	return json_is_true(json_object_get(in, "inv"));
}

static bool read_ct_count(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	(void)a;
	s->kind = IR_CT_COUNT;
	return read_count_value(in, &s->ct_count);
}

static bool read_log(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	static const char *const known[] = {"prefix", NULL};

	s->kind = IR_LOG;
	s->log_prefix = read_str(a, in, "prefix");
	return s->log_prefix && read_only(in, known);
}

/* "icmp port-unreachable": nft's words for the codes that it has words for. */
static const char *reject_words(struct arena *a, const char *type, json_int_t code)
{
	static const struct {
		const char *type, *word;
		json_int_t code;
	} known[] = {
		{"icmp", "net-unreachable", 0},	   {"icmp", "host-unreachable", 1},
		{"icmp", "prot-unreachable", 2},   {"icmp", "port-unreachable", 3},
		{"icmp", "net-prohibited", 9},	   {"icmp", "host-prohibited", 10},
		{"icmp", "admin-prohibited", 13},  {"icmpv6", "no-route", 0},
		{"icmpv6", "admin-prohibited", 1}, {"icmpv6", "addr-unreachable", 3},
		{"icmpv6", "port-unreachable", 4}, {"icmpx", "no-route", 0},
		{"icmpx", "port-unreachable", 1},  {"icmpx", "host-unreachable", 2},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].type, type) && known[i].code == code)
			return arena_printf(a, "%s %s", type, known[i].word);
	return arena_printf(a, "%s %d", type, (int)code);
}

static bool read_reject(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	const char *type = json_string_value(json_object_get(in, "type"));
	const json_t *expr = json_object_get(in, "expr");
	const char *word = json_string_value(expr);

	s->kind = IR_REJECT;
	if (!type) { /* plain, where nft's own choice goes without saying */
		s->reject = REJECT_OTHER;
		s->reject_with = "icmpx port-unreachable";
		return json_is_null(in);
	}
	if (!strcmp(type, "tcp reset")) {
		s->reject = REJECT_TCP_RESET;
		return true;
	}
	if (!strcmp(type, "icmpx") &&
	    (word ? !strcmp(word, "admin-prohibited") : json_integer_value(expr) == 3)) {
		s->reject = REJECT_ADMIN;
		return true;
	}
	s->reject = REJECT_OTHER;
	s->reject_family = !strcmp(type, "icmp") ? FAM_IP4 : FAM_IP6;
	if (!strcmp(type, "icmpx"))
		s->reject_family = FAM_NONE;
	else if (strcmp(type, "icmp") != 0 && strcmp(type, "icmpv6") != 0)
		return false;
	s->reject_with = word ? arena_printf(a, "%s %s", type, word)
			      : reject_words(a, type, json_integer_value(expr));
	return word || json_is_integer(expr);
}

/* {"map": {"key": {"numgen": ...}, "data": {"set": [[0, "10.0.0.1"], ...]}}} */
static bool read_round_robin(struct arena *a, const json_t *map, enum field f, struct ir_elems *out)
{
	const json_t *numgen = json_object_get(json_object_get(map, "key"), "numgen");
	const json_t *list = json_object_get(json_object_get(map, "data"), "set");
	const char *mode = json_string_value(json_object_get(numgen, "mode"));
	size_t i;
	json_t *j;

	if (!mode || strcmp(mode, "inc") != 0 || read_num(numgen, "offset") ||
	    read_num(numgen, "mod") != json_array_size(list))
		return false;
	json_array_foreach((json_t *)list, i, j)
	{
		struct ir_elem e = {0};

		if (json_integer_value(json_array_get(j, 0)) != (json_int_t)i ||
		    !read_value(a, f, json_array_get(j, 1), &e.key[0]))
			return false;
		vec_push(a, out, e);
	}
	return out->n > 0;
}

static bool read_nat_target(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	const char *family = json_string_value(json_object_get(in, "family"));
	const json_t *addr = json_object_get(in, "addr");
	const json_t *map = json_object_get(addr, "map");
	struct ir_elem one = {0};
	enum field f;

	if (!addr)
		return !family;
	if (!family)
		return false;
	s->nat.family = !strcmp(family, "ip") ? FAM_IP4 : FAM_IP6;
	f = s->nat.family == FAM_IP4 ? F_IP_DADDR : F_IP6_DADDR;
	if (map)
		return read_round_robin(a, map, f, &s->nat.to);
	if (!read_value(a, f, addr, &one.key[0]))
		return false;
	vec_push(a, &s->nat.to, one);
	return true;
}

static bool read_nat(struct arena *a, const json_t *in, struct ir_stmt *s, enum ir_nat_kind kind)
{
	static const char *const known[] = {"family", "addr", "port", NULL};
	const json_t *port = json_object_get(in, "port");

	s->kind = IR_NAT;
	s->nat.kind = kind;
	s->nat.port = (uint16_t)json_integer_value(port);
	if (json_is_null(in))
		return true;
	return read_only(in, known) && (!port || json_is_integer(port)) &&
	       read_nat_target(a, in, s);
}

static bool read_masquerade(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	return read_nat(a, in, s, IR_MASQUERADE);
}

static bool read_snat(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	return read_nat(a, in, s, IR_SNAT);
}

static bool read_dnat(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	return read_nat(a, in, s, IR_DNAT);
}

static bool read_redirect(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	return read_nat(a, in, s, IR_REDIRECT);
}

/* N, or {"&": [mark, N]}, or {"|": [that or the mark, N]}; the mark is the one that is set. */
static bool read_mark(const json_t *key, const json_t *value, struct ir_stmt *s)
{
	const json_t *ct = json_object_get(key, "ct"), * or = json_object_get(value, "|");
	const char *what =
		json_string_value(json_object_get(ct ? ct : json_object_get(key, "meta"), "key"));
	const json_t *and;

	s->kind = IR_MARK;
	s->mark.ct = ct != NULL;
	if (!what || strcmp(what, "mark") != 0 || json_object_size(ct ? ct : key) != 1)
		return false;
	if (or) {
		if (json_array_size(or) != 2 || !json_is_integer(json_array_get(or, 1)))
			return false;
		s->mark.value = (uint32_t)json_integer_value(json_array_get(or, 1));
		value = json_array_get(or, 0);
	}
	and = json_object_get(value, "&");
	if (or &&json_equal(value, key)) {
		s->mark.keep = ~s->mark.value;
		return true;
	}
	if (!and) { /* all bits of the mark */
		s->mark.value = (uint32_t)json_integer_value(value);
		return ! or &&json_is_integer(value);
	}
	s->mark.keep = (uint32_t)json_integer_value(json_array_get(and, 1)) & ~s->mark.value;
	return json_array_size(and) == 2 && json_equal(json_array_get(and, 0), key) &&
	       json_is_integer(json_array_get(and, 1));
}

static bool read_queue(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	static const char *const known[] = {"num", "flags", NULL};
	static const char *const known_hash[] = {"mod", "offset", NULL};
	const json_t *num = json_object_get(in, "num"), *hash = json_object_get(num, "symhash");
	const json_t *flags = json_object_get(in, "flags");
	const char *flag =
		json_string_value(json_is_array(flags) ? json_array_get(flags, 0) : flags);

	(void)a;
	s->kind = IR_QUEUE;
	s->queue.bypass = flag && !strcmp(flag, "bypass");
	if (!read_only(in, known) || (flags && !s->queue.bypass) || json_array_size(flags) > 1)
		return false;
	s->queue.count = hash ? (uint16_t)read_num(hash, "mod") : 1;
	s->queue.first = (uint16_t)json_integer_value(hash ? json_object_get(hash, "offset") : num);
	return hash ? read_only(hash, known_hash) && json_object_size(num) == 1
		    : json_is_integer(num);
}

static bool read_mangle(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	const json_t *option = json_object_get(json_object_get(in, "key"), "tcp option");
	const json_t *value = json_object_get(in, "value");
	const char *name = json_string_value(json_object_get(option, "name"));
	const char *field = json_string_value(json_object_get(option, "field"));
	const char *rt = json_string_value(json_object_get(json_object_get(value, "rt"), "key"));

	(void)a;
	if (!option)
		return read_mark(json_object_get(in, "key"), value, s);
	s->kind = IR_MSS;
	if (!name || !field || strcmp(name, "maxseg") != 0 || strcmp(field, "size") != 0)
		return false;
	s->mss = (uint16_t)json_integer_value(value);
	return s->mss ? !rt : rt && !strcmp(rt, "mtu");
}

static bool read_inner(const json_t *list, struct ir_stmt *s)
{
	size_t i;
	json_t *j;

	json_array_foreach((json_t *)list, i, j)
	{
		const json_t *limit = json_object_get(j, "limit");
		const json_t *count = json_object_get(j, "ct count");

		if (limit && !s->add.has_limit)
			s->add.has_limit = read_limit_values(limit, &s->add.limit);
		else if (count && !s->add.has_ct_count)
			s->add.has_ct_count = read_count_value(count, &s->add.ct_count);
		else
			return false;
	}
	return json_array_size(list) == (size_t)s->add.has_limit + s->add.has_ct_count;
}

static bool read_add(struct arena *a, const json_t *in, struct ir_stmt *s)
{
	static const char *const known[] = {"op", "elem", "set", "stmt", NULL};
	static const char *const known_elem[] = {"val", "timeout", NULL};
	const json_t *elem = json_object_get(in, "elem");
	const json_t *dressed = json_object_get(elem, "elem");
	const char *op = json_string_value(json_object_get(in, "op"));
	const char *set = json_string_value(json_object_get(in, "set"));

	s->kind = IR_ADD;
	if (!op || !set || set[0] != '@' || !read_only(in, known) ||
	    (dressed && !read_only(dressed, known_elem)))
		return false;
	s->add.set = arena_strdup(a, set + 1);
	s->add.update = !strcmp(op, "update");
	s->add.timeout = read_num(dressed, "timeout");
	return (s->add.update || !strcmp(op, "add")) &&
	       read_sel(a, dressed ? json_object_get(dressed, "val") : elem, &s->add.key) &&
	       read_inner(json_object_get(in, "stmt"), s);
}

static const struct {
	const char *name;
	bool (*read)(struct arena *a, const json_t *in, struct ir_stmt *s);
} readers[] = {
	{"match", read_match},	     {"vmap", read_vmap},
	{"counter", read_counter},   {"limit", read_limit},
	{"ct count", read_ct_count}, {"log", read_log},
	{"reject", read_reject},     {"masquerade", read_masquerade},
	{"snat", read_snat},	     {"dnat", read_dnat},
	{"redirect", read_redirect}, {"mangle", read_mangle},
	{"set", read_add},	     {"queue", read_queue},
};

struct ir_stmt read_stmt(struct arena *a, const json_t *j)
{
	const char *name = json_object_iter_key(json_object_iter((json_t *)j));
	struct ir_stmt s = {0};

	if (json_object_size(j) == 1) {
		const json_t *in = json_object_get(j, name);

		for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
			if (!strcmp(readers[i].name, name) && readers[i].read(a, in, &s))
				return s;
		}
		s = (struct ir_stmt){.kind = IR_VERDICT};
		if (read_verdict(a, j, &s.verdict))
			return s;
	}
	return (struct ir_stmt){.kind = IR_UNKNOWN, .unknown = read_compact(a, j)};
}
