/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> the reader of saved state -> commands for the kernel. What was read is written and
 * read the same again; the commands name sets of the kernel, addresses and times, and nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "store/saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void check_again(struct arena *a, const struct saved *s)
{
	json_t *one = saved_json(s), *two;
	struct saved again;
	const char *why;

	demand(one != NULL, "what was read can be written");
	demand(saved_parse(a, one, &again, &why), "what was written can be read");
	two = saved_json(&again);
	demand(json_equal(one, two), "and is the same");
	json_decref(one);
	json_decref(two);
}

static void add_set(struct ir_ruleset *r, const char *name, bool six, uint32_t size, bool meter,
		    bool prefixes)
{
	struct ir_set *s = arena_new_of(r->arena, struct ir_set);
	struct ir_elem e = {.key = {{6, prefixes ? 0xff : 6}}};

	*s = (struct ir_set){.name = name,
			     .stem = name,
			     .dynamic = true,
			     .nkeys = 1,
			     .size = size,
			     .interval = prefixes,
			     .timeout = meter ? 60 : 3600,
			     .type = six ? "ipv6_addr" : "ipv4_addr"};
	s->keys[0] = six ? F_IP6_SADDR : F_IP_SADDR;
	vec_push(r->arena, &s->elems, e);
	ruleset_add_set(r, s);
}

static struct ir_ruleset *make_live(struct arena *a)
{
	struct ir_ruleset *r = ruleset_new(a);
	struct ir_chain *c = arena_new_of(a, struct ir_chain);
	struct ir_rule rule = {0};
	struct ir_stmt s = {.kind = IR_ADD, .add = {.set = "meter.v4", .has_limit = true}};

	add_set(r, "guests.v4", false, 3, false, false);
	add_set(r, "guests.v6", true, 0, false, false);
	add_set(r, "guests-nets.v4", false, 9, false, true);
	add_set(r, "meter.v4", false, 100, true, false);
	c->name = c->stem = "c";
	vec_push(a, &rule.stmts, s);
	vec_push(a, &c->rules, rule);
	ruleset_add_chain(r, c);
	return r;
}

static void check_script(const struct buf *script, const struct state_sum *sum)
{
	static const char begin[] = "add element inet fwc guests";
	const char *line = buf_str(script);
	size_t lines = 0;

	demand(strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789 .:{},/-\n") == script->len,
	       "nothing but words, addresses and times");
	for (; *line; line = strchr(line, '\n') + 1) {
		demand(!strncmp(line, begin, strlen(begin)), "each command adds to a set of ours");
		lines++;
	}
	demand(lines == sum->sets && lines <= 3, "one command a set");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct saved s;
	const char *why = NULL;

	if (j && saved_parse(a, j, &s, &why)) {
		struct buf script = {0};
		struct state_sum sum = {0};

		check_again(a, &s);
		saved_script(a, &s, make_live(a), saved_age(&s, "here", 1795247478163, 5000),
			     &script, &sum);
		check_script(&script, &sum);
		buf_free(&script);
	} else if (j) {
		demand(why != NULL, "a refusal has a reason");
	}
	json_decref(j);
	arena_free(a);
	return 0;
}
