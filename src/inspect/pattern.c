/* SPDX-License-Identifier: GPL-2.0-or-later
 * Patterns, compiled by PCRE2 and matched in bounded time and memory.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "inspect/pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX 4096
#define STEPS_MAX 100000 /* a hostile payload must not hold the reader: some 1 ms */
#define HEAP_MAX 256 /* KiB */

struct pattern {
	pcre2_code *code;
};

struct pattern_room {
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

static pcre2_code *compile(const char *text, struct buf *why)
{
	PCRE2_UCHAR message[128];
	pcre2_code *code;
	PCRE2_SIZE at;
	int err;

	code = pcre2_compile((PCRE2_SPTR)text, strlen(text), PCRE2_NEVER_UTF | PCRE2_NEVER_UCP,
			     &err, &at, NULL);
	if (code)
		return code;
	pcre2_get_error_message(err, message, sizeof(message));
	buf_printf(why, "%s, at byte %zu", (char *)message, (size_t)at + 1);
	return NULL;
}

struct pattern *pattern_new(const char *text, struct buf *why)
{
	struct pattern *p;
	pcre2_code *code;
	uint32_t options = 0;

	if (strlen(text) > PATTERN_MAX) {
		buf_printf(why, "it is longer than %d bytes", PATTERN_MAX);
		return NULL;
	}
	code = compile(text, why);
	if (!code)
		return NULL;
	pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
	if (!(options & PCRE2_ANCHORED)) {
		buf_puts(why, "it does not begin with '^'");
		pcre2_code_free(code);
		return NULL;
	}
	p = malloc(sizeof(*p));
	if (!p) {
		buf_puts(why, "out of memory");
		pcre2_code_free(code);
		return NULL;
	}
	p->code = code;
	/* Where the machine has no compiler for it, pcre2_match() interprets. */
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_SOFT);
	return p;
}

void pattern_free(struct pattern *p)
{
	if (p)
		pcre2_code_free(p->code);
	free(p);
}

struct pattern_room *pattern_room_new(void)
{
	struct pattern_room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	room->data = pcre2_match_data_create(1, NULL);
	room->limits = pcre2_match_context_create(NULL);
	if (!room->data || !room->limits) {
		pattern_room_free(room);
		return NULL;
	}
	pcre2_set_match_limit(room->limits, STEPS_MAX);
	pcre2_set_heap_limit(room->limits, HEAP_MAX);
	return room;
}

void pattern_room_free(struct pattern_room *room)
{
	if (room) {
		pcre2_match_data_free(room->data);
		pcre2_match_context_free(room->limits);
	}
	free(room);
}

enum answer pattern_match(const struct pattern *p, const uint8_t *bytes, size_t n, bool whole,
			  struct pattern_room *room, bool *failed)
{
	uint32_t options = whole ? 0 : PCRE2_PARTIAL_SOFT | PCRE2_NOTEOL;
	int rc = pcre2_match(p->code, n ? bytes : (PCRE2_SPTR) "", n, 0, options, room->data,
			     room->limits);

	*failed = false;
	if (rc >= 0)
		return ANSWER_YES;
	if (rc == PCRE2_ERROR_NOMATCH)
		return ANSWER_NO;
	if (rc == PCRE2_ERROR_PARTIAL)
		return ANSWER_OPEN;
	*failed = true;
	return ANSWER_OPEN;
}
