/* SPDX-License-Identifier: GPL-2.0-or-later
 * Decisions -> the clients that most of them are about.
 */
#include "inspectd/busy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Its place; where there is none, that of the least busy. */
static struct busy_client *place_of(struct busy *b, const struct known_key *k)
{
	struct busy_client *least = &b->v[0];

	for (size_t i = 0; i < BUSY_CLIENTS; i++) {
		struct busy_client *c = &b->v[i];

		if (c->version == k->version && !memcmp(c->addr, k->src, sizeof(c->addr)))
			return c;
		if (c->all < least->all)
			least = c;
	}
	for (int v = VERDICT_ALLOW; v <= VERDICT_REJECT; v++)
		b->others[v] += least->decided[v];
	*least = (struct busy_client){.version = k->version};
	memcpy(least->addr, k->src, sizeof(least->addr));
	return least;
}

void busy_count(struct busy *b, const struct event *e)
{
	struct busy_client *c;

	if ((e->key.version != 4 && e->key.version != 6) || e->verdict < VERDICT_ALLOW ||
	    e->verdict > VERDICT_REJECT)
		return;
	c = place_of(b, &e->key);
	c->decided[e->verdict]++;
	c->all++;
}

static int busiest_first(const void *x, const void *y)
{
	const struct busy_client *a = *(const struct busy_client *const *)x;
	const struct busy_client *b = *(const struct busy_client *const *)y;

	if (a->all != b->all)
		return a->all < b->all ? 1 : -1;
	return memcmp(a->addr, b->addr, sizeof(a->addr)); /* the same order each time */
}

static void put_verdicts(json_t *j, const uint64_t decided[VERDICT_REJECT + 1])
{
	for (int v = VERDICT_ALLOW; v <= VERDICT_REJECT; v++)
		json_object_set_new(j, verdict_name((enum verdict)v),
				    json_integer((json_int_t)decided[v]));
}

json_t *busy_json(const struct busy *b)
{
	const struct busy_client *order[BUSY_CLIENTS];
	json_t *shown = json_array(), *others = json_object();
	uint64_t rest[VERDICT_REJECT + 1];
	size_t n = 0;

	memcpy(rest, b->others, sizeof(rest));
	for (size_t i = 0; i < BUSY_CLIENTS; i++)
		if (b->v[i].all)
			order[n++] = &b->v[i];
	qsort(order, n, sizeof(order[0]), busiest_first);
	for (size_t i = 0; i < n; i++) {
		const struct busy_client *c = order[i];
		char text[INET6_ADDRSTRLEN] = "";
		json_t *j;

		if (i >= BUSY_SHOWN) {
			for (int v = VERDICT_ALLOW; v <= VERDICT_REJECT; v++)
				rest[v] += c->decided[v];
			continue;
		}
		inet_ntop(c->version == 4 ? AF_INET : AF_INET6, c->addr, text, sizeof(text));
		j = json_pack("{s:s}", "address", text);
		put_verdicts(j, c->decided);
		json_array_append_new(shown, j);
	}
	put_verdicts(others, rest);
	return json_pack("{s:o, s:o}", "shown", shown, "others", others);
}
