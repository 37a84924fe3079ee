/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> inspectors, as JSON and as a file of tables, and names of a list. What is taken
 * judges a few clients without trouble; what is not has a reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge_all(const struct tables *t)
{
	static const char *const clients[] = {"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
					      "SSH-2.0-x\r\n", "\x16\x03\x01",
					      "\x13"
					      "BitTorrent"};
	struct pattern_room *patterns = pattern_room_new();
	struct flow_room *room = flow_room_new(1, 1);
	const struct inspector *in;

	for (size_t i = 0; i < 4; i++) {
		struct flow_state f = {0};

		flow_segment(&f, room, 1, (const uint8_t *)clients[i], strlen(clients[i]));
		vec_each (&t->inspectors, in)
			inspector_judge(in, &f, patterns);
		flow_end(&f, room);
		vec_each (&t->inspectors, in)
			if (inspector_judge(in, &f, patterns).verdict == VERDICT_MORE)
				abort(); /* who has ended is decided */
		flow_drop(&f, room);
	}
	flow_room_free(room);
	pattern_room_free(patterns);
}

static void as_json(const uint8_t *data, size_t size)
{
	json_t *j = json_loadb((const char *)data, size, 0, NULL);
	struct tables t = {0};
	struct buf why = {0};

	if (j && !tables_load(&t, j, &why)) {
		judge_all(&t);
		tables_free(&t);
	} else if (j && !why.len) {
		abort(); /* a refusal has a reason */
	}
	json_decref(j);
	buf_free(&why);
}

/* What a judge takes of it is what fwc 0.1 can be given. */
static void as_bytes(const uint8_t *data, size_t size)
{
	struct tables t = {0}, again = {0};
	struct buf why = {0};
	json_t *j;

	pack_flaw(data, size);
	if (!tables_open(&t, data, size, &why)) {
		judge_all(&t);
		j = pack_unpack(data, size, &why);
		if (!j)
			abort();
		if (!tables_load(&again, j, &why)) /* names may be none that a list takes */
			judge_all(&again);
		tables_free(&again);
		tables_free(&t);
		json_decref(j);
	} else if (!why.len) {
		abort();
	}
	buf_free(&why);
}

/* A list of names, as it is published. */
static void as_list(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t off = 0, before = 0;
	struct name_said x;

	while (namelist_line(text, size, &off, &x)) {
		if (off <= before || off > size || x.s < text || x.s + x.n > text + off)
			abort(); /* it moves on, and names lie behind it */
		namelist_flaw(x.s, x.n);
		before = off;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_list(data, size);
	as_json(data, size);
	as_bytes(data, size);
	return 0;
}
