/* SPDX-License-Identifier: GPL-2.0-or-later
 * The busiest clients are told apart, however many others there are, and no decision is missing
 * from the sum.
 */
#include <stdlib.h>

#include "inspectd/busy.h"
#include "test.h"

static struct busy b;

static void decide(unsigned client, enum verdict v)
{
	struct event e = {.verdict = (uint8_t)v, .key = {.version = 4}};

	e.key.src[0] = 10;
	e.key.src[1] = (uint8_t)(client >> 16);
	e.key.src[2] = (uint8_t)(client >> 8);
	e.key.src[3] = (uint8_t)client;
	busy_count(&b, &e);
}

static long long of(const json_t *j, const char *verdict)
{
	return json_integer_value(json_object_get(j, verdict));
}

static long long sum(const json_t *j, const char *verdict)
{
	long long all = of(json_object_get(j, "others"), verdict);
	json_t *c;
	size_t i;

	json_array_foreach(json_object_get(j, "shown"), i, c) all += of(c, verdict);
	return all;
}

int main(void)
{
	struct event strange = {.verdict = 200, .key = {.version = 4}};
	struct event six = {.verdict = VERDICT_REJECT, .key = {.version = 6, .src = {0xfd, 0x01}}};
	json_t *j = busy_json(&b), *first;

	SAME_NUMBER(json_array_size(json_object_get(j, "shown")), 0);
	json_decref(j);
	for (int i = 0; i < 100; i++) {
		decide(7, VERDICT_DENY);
		decide(8, VERDICT_ALLOW);
		decide(8, VERDICT_ALLOW);
	}
	for (unsigned i = 1000; i < 21000; i++) /* each comes once */
		decide(i, VERDICT_ALLOW);
	for (int i = 0; i < 150; i++)
		busy_count(&b, &six);
	busy_count(&b, &strange); /* nothing that a judge would say */
	strange = (struct event){.verdict = VERDICT_DENY, .key = {.version = 9}};
	busy_count(&b, &strange);
	j = busy_json(&b);
	SAME_NUMBER(json_array_size(json_object_get(j, "shown")), BUSY_SHOWN);
	first = json_array_get(json_object_get(j, "shown"), 0);
	SAME_TEXT(json_string_value(json_object_get(first, "address")), "10.0.0.8");
	SAME_NUMBER(of(first, "allow"), 200);
	first = json_array_get(json_object_get(j, "shown"), 1);
	SAME_TEXT(json_string_value(json_object_get(first, "address")), "fd01::");
	SAME_NUMBER(of(first, "reject"), 150);
	first = json_array_get(json_object_get(j, "shown"), 2);
	SAME_TEXT(json_string_value(json_object_get(first, "address")), "10.0.0.7");
	SAME_NUMBER(of(first, "deny"), 100);
	SAME_NUMBER(sum(j, "allow"), 20200);
	SAME_NUMBER(sum(j, "deny"), 100);
	SAME_NUMBER(sum(j, "reject"), 150);
	json_decref(j);
	return test_end();
}
