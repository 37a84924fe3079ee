/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections in a hash table, and in the order in which they came; their packets, by slot.
 */
#include "inspect/waiting.h"

#include <stdlib.h>

static void count(struct waiting_list *l, int flows, int held)
{
	l->nflows += (uint32_t)flows;
	l->nheld += (uint32_t)held;
	l->c.board->flows = l->nflows;
	l->c.board->held = l->nheld;
}

bool waiting_init(struct waiting_list *l, const struct waiting_config *c)
{
	l->c = *c;
	l->next = malloc(c->slots * sizeof(*l->next));
	l->end = malloc(c->slots * sizeof(*l->end));
	l->bytes = malloc(c->slots * sizeof(*l->bytes));
	l->kept = calloc(c->slots, sizeof(*l->kept));
	l->quiet = UINT64_MAX;
	for (uint32_t i = 0; i < WAITING_BUCKETS; i++)
		l->bucket[i] = WAITING_NONE;
	for (uint32_t i = 0; i < WAITING_FLOWS; i++)
		l->flows[i].next = i + 1 < WAITING_FLOWS ? i + 1 : WAITING_NONE;
	l->oldest = l->newest = WAITING_NONE;
	count(l, 0, 0);
	return l->next && l->end && l->bytes && l->kept;
}

void waiting_free(struct waiting_list *l)
{
	free(l->next);
	free(l->end);
	free(l->bytes);
	free(l->kept);
}

static uint32_t *bucket_of(struct waiting_list *l, const struct known_key *key)
{
	return &l->bucket[known_hash(&l->c.board->known, key) % WAITING_BUCKETS];
}

struct waiting *waiting_find(struct waiting_list *l, const struct known_key *key)
{
	uint32_t i = *bucket_of(l, key);

	while (i != WAITING_NONE && !known_key_same(&l->flows[i].key, key))
		i = l->flows[i].next;
	return i == WAITING_NONE ? NULL : &l->flows[i];
}

struct waiting *waiting_begin(struct waiting_list *l, const struct known_key *key,
			      const struct table_rule *rule, uint64_t now)
{
	uint32_t i = l->free, *b = bucket_of(l, key);
	struct waiting *w = &l->flows[i];

	if (i == WAITING_NONE)
		return NULL;
	l->free = w->next;
	*w = (struct waiting){.key = *key,
			      .rule = rule,
			      .since = now,
			      .first = WAITING_NONE,
			      .last = WAITING_NONE,
			      .next = *b,
			      .older = l->newest,
			      .newer = WAITING_NONE};
	facts_init(&w->state.facts);
	*b = i;
	if (l->newest != WAITING_NONE)
		l->flows[l->newest].newer = i;
	else
		l->oldest = i;
	l->newest = i;
	count(l, 1, 0);
	return w;
}

/* Its packets must have been answered. */
static void end(struct waiting_list *l, struct waiting *w)
{
	uint32_t i = (uint32_t)(w - l->flows), *at = bucket_of(l, &w->key);

	while (*at != i)
		at = &l->flows[*at].next;
	*at = w->next;
	*(w->older != WAITING_NONE ? &l->flows[w->older].newer : &l->oldest) = w->newer;
	*(w->newer != WAITING_NONE ? &l->flows[w->newer].older : &l->newest) = w->older;
	flow_drop(&w->state, l->c.room);
	l->nopenings -= w->opened;
	w->next = l->free;
	l->free = i;
	count(l, -1, 0);
}

struct waiting *waiting_oldest(struct waiting_list *l)
{
	return l->oldest == WAITING_NONE ? NULL : &l->flows[l->oldest];
}

void waiting_packet(struct waiting_list *l, uint32_t slot, bool kept)
{
	l->kept[slot] = kept;
	l->nkept += kept;
}

void waiting_answer(struct waiting_list *l, uint32_t slot, enum act act)
{
	if (l->kept[slot] && act == ACT_HOLD)
		return;
	if (l->kept[slot])
		act = ACT_FORGET;
	l->nkept += act == ACT_KEEP;
	l->nkept -= act == ACT_FORGET;
	l->kept[slot] = act == ACT_KEEP;
	l->c.answer(l->c.ctx, slot, act);
}

void waiting_hold(struct waiting_list *l, struct waiting *w, uint32_t slot, uint32_t bytes_end,
		  size_t n)
{
	l->next[slot] = WAITING_NONE;
	l->end[slot] = bytes_end;
	l->bytes[slot] = (uint32_t)n;
	if (w->last != WAITING_NONE)
		l->next[w->last] = slot;
	else
		w->first = slot;
	w->last = slot;
	w->held++;
	w->kept += l->kept[slot];
	w->begun |= l->kept[slot];
	w->bytes += l->kept[slot] ? 0 : (uint32_t)n;
	count(l, 0, 1);
	waiting_answer(l, slot, ACT_HOLD);
}

/* The oldest of those that went on. */
static void forget_one(struct waiting_list *l, struct waiting *w)
{
	uint32_t *at = &w->first, last = WAITING_NONE, slot;

	while (!l->kept[*at]) {
		last = *at;
		at = &l->next[*at];
	}
	slot = *at;
	*at = l->next[slot];
	if (w->last == slot)
		w->last = last;
	w->held--;
	w->kept--;
	count(l, 0, -1);
	waiting_answer(l, slot, ACT_FORGET);
	w->lost = true;
	known_lose_bytes(&l->c.board->known, &w->key);
}

static void forget_too_many(struct waiting_list *l, struct waiting *w)
{
	while (w->kept > l->c.slots / WAITING_KEPT)
		forget_one(l, w);
}

void waiting_hold_opening(struct waiting_list *l, struct waiting *w, uint32_t slot)
{
	l->nopenings += !w->opened;
	w->opened = true;
	waiting_hold(l, w, slot, 0, 0);
	if (!l->kept[slot]) {
		w->kept++;
		waiting_answer(l, slot, ACT_KEEP);
	}
	forget_too_many(l, w);
}

/* Lets the oldest go, the bytes of which are kept here: all, or of those in sequence what is too
 * much. */
static void let_go(struct waiting_list *l, struct waiting *w, bool all)
{
	for (uint32_t slot = w->first; slot != WAITING_NONE; slot = l->next[slot]) {
		if (!all && w->held - w->kept <= WAITING_CRUMBS && w->bytes <= WAITING_CRUMBS_BYTES)
			break;
		if (l->kept[slot] || (!all && l->end[slot] > w->state.bytes.ready))
			continue;
		w->kept++;
		w->begun = true;
		w->bytes -= l->bytes[slot];
		l->c.board->crumbs++;
		waiting_answer(l, slot, ACT_KEEP);
	}
	forget_too_many(l, w);
}

/* What a parser wants more of, no receiver can act on. Where nobody knows the protocol, only a
 * pattern is open, and that may be so. Of what is small no byte goes on before the decision. */
void waiting_for_more(struct waiting_list *l, struct waiting *w, uint64_t now)
{
	let_go(l, w, false);
	w->quiet = 0;
	if (!w->begun || w->held == w->kept || w->state.facts.protocol == PROTOCOL_UNKNOWN)
		return;
	w->quiet = now + WAITING_QUIET_NS;
	l->quiet = l->quiet < w->quiet ? l->quiet : w->quiet;
}

void waiting_let_quiet_go(struct waiting_list *l, uint64_t now)
{
	if (now < l->quiet)
		return;
	l->quiet = UINT64_MAX;
	for (uint32_t i = l->oldest; i != WAITING_NONE; i = l->flows[i].newer) {
		struct waiting *w = &l->flows[i];

		if (w->quiet && w->quiet <= now) {
			w->quiet = 0;
			let_go(l, w, true);
		}
		if (w->quiet && w->quiet < l->quiet)
			l->quiet = w->quiet;
	}
}

void waiting_release(struct waiting_list *l, struct waiting *w, enum act act)
{
	while (w->first != WAITING_NONE) {
		uint32_t slot = w->first;

		w->first = l->next[slot];
		count(l, 0, -1);
		waiting_answer(l, slot, act);
	}
	end(l, w);
}

void waiting_forget_kept(struct waiting_list *l)
{
	for (uint32_t i = l->oldest; i != WAITING_NONE && l->nkept; i = l->flows[i].newer)
		while (l->flows[i].kept)
			forget_one(l, &l->flows[i]);
}
