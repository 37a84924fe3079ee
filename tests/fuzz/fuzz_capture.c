/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> a capture -> frames -> connections -> decisions. Each is decided in the end, and all
 * memory comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/replay.h"
#include "inspect/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char tables[] =
	"{\"format\":1,\"inspectors\":[{\"name\":\"i\",\"entries\":["
	"{\"verdict\":\"deny\",\"look\":\"payload\",\"patterns\":[\"^\\\\x13Bit\"]},"
	"{\"verdict\":\"deny\",\"look\":\"sni\",\"names\":[\"*.example.org\"]},"
	"{\"verdict\":\"deny\",\"look\":\"host\",\"names\":[\"ads.example\"]},"
	"{\"verdict\":\"deny\",\"look\":\"tls.ech\"},{\"verdict\":\"allow\",\"look\":\"any\"}]}]}";

static const struct inspector *choose(void *with, const struct packet *first, bool udp,
				      const void **why)
{
	const struct tables *t = with;

	(void)udp;
	*why = NULL;
	return first->dport == 25 ? NULL : tables_find(t, "i");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tables t = {0};
	struct buf why = {0};
	json_t *j = json_loads(tables, 0, NULL);
	struct replay r = {.arena = arena_new(), .choose = choose, .with = &t};
	struct capture c;

	if (tables_load(&t, j, &why))
		abort();
	r.room = flow_room_new(8, 2);
	r.patterns = pattern_room_new();
	if (capture_begin(&c, data, size))
		replay_run(&r, &c);
	for (size_t i = 0; i < r.flows.n; i++)
		if (r.flows.v[i]->decided && r.flows.v[i]->decision.verdict == VERDICT_MORE)
			abort();
	if (stream_pool_used(r.room->pool))
		abort();
	flow_room_free(r.room);
	pattern_room_free(r.patterns);
	tables_free(&t);
	json_decref(j);
	arena_free(r.arena);
	return 0;
}
