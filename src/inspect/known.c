/* SPDX-License-Identifier: GPL-2.0-or-later
 * A hash table of small buckets.
 */
#include "inspect/known.h"

#include <string.h>

struct known_key known_key(const struct packet *k, bool udp)
{
	struct known_key key = {.sport = k->sport,
				.dport = k->dport,
				.protocol = udp ? 17 : 6,
				.version = (uint8_t)k->version};

	memcpy(key.src, k->src, sizeof(key.src));
	memcpy(key.dst, k->dst, sizeof(key.dst));
	return key;
}

bool known_key_same(const struct known_key *a, const struct known_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* A keyed mixing of 64-bit words (the finaliser of MurmurHash3 between them): not for secrecy, but
 * an outsider who does not know the key cannot choose addresses that meet. */
uint64_t known_hash(const struct known *t, const struct known_key *key)
{
	uint64_t h = t->secret[0], word;
	const uint8_t *p = (const uint8_t *)key;

	_Static_assert(sizeof(*key) == 40, "five words");
	for (size_t i = 0; i < sizeof(*key); i += 8) {
		memcpy(&word, p + i, 8);
		h ^= word + t->secret[1];
		h ^= h >> 33;
		h *= 0xff51afd7ed558ccdull;
		h ^= h >> 33;
		h *= 0xc4ceb9fe1a85ec53ull;
		h ^= h >> 33;
	}
	return h;
}

static struct known_entry *bucket(struct known *t, const struct known_key *key)
{
	return t->v[known_hash(t, key) % KNOWN_BUCKETS];
}

struct known_entry *known_find(struct known *t, const struct known_key *key)
{
	struct known_entry *b = bucket(t, key);

	for (int i = 0; i < KNOWN_WAYS; i++)
		if (b[i].whole == 1 && known_key_same(&b[i].key, key))
			return &b[i];
	return NULL;
}

enum known_lapse known_lapse(const struct known *t, const struct known_key *key, uint64_t now)
{
	uint64_t when = t->forgot[known_hash(t, key) % KNOWN_BUCKETS];

	if (!when)
		return KNOWN_NEVER;
	return now < when || now - when < KNOWN_LATELY_NS ? KNOWN_LATELY : KNOWN_ONCE;
}

/* Whether it serves nobody any more: of what is decided, only packets that were under way then
 * are not marked by the kernel. */
static bool is_spent(const struct known_entry *e, uint64_t now)
{
	return e->whole != 1 ||
	       (e->verdict != VERDICT_MORE && now > e->when && now - e->when > KNOWN_SPENT_NS);
}

/* Of what is decided only packets are lost that were under way, and have the word of a flood. */
static bool gives_way(const struct known_entry *e, const struct known_entry *to)
{
	if ((e->verdict == VERDICT_MORE) != (to->verdict == VERDICT_MORE))
		return e->verdict != VERDICT_MORE;
	return e->when < to->when;
}

/* The spent one, or what is lost most easily. Half-written entries are as good as empty ones. */
static struct known_entry *place(struct known *t, const struct known_key *key, uint64_t now)
{
	struct known_entry *e = known_find(t, key), *b = bucket(t, key);

	if (e)
		return e;
	e = &b[0];
	for (int i = 0; i < KNOWN_WAYS; i++) {
		if (is_spent(&b[i], now))
			return &b[i];
		if (gives_way(&b[i], e))
			e = &b[i];
	}
	t->forgot[known_hash(t, key) % KNOWN_BUCKETS] = now ? now : 1;
	return e;
}

static void write(struct known *t, const struct known_entry *n, uint64_t now)
{
	struct known_entry *e = place(t, &n->key, now), whole = *n;

	whole.whole = 0;
	whole.when = now;
	e->whole = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*e = whole;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	e->whole = 1;
}

/* One that was allowed is not waited for any more. */
static bool may_last(const struct known_entry *e, uint64_t now)
{
	return e && e->syns && e->verdict != VERDICT_ALLOW && now - e->when < KNOWN_OPEN_NS;
}

bool known_torn(unsigned syns, uint32_t before, uint32_t syn)
{
	return syns > KNOWN_SYNS || syn - before + KNOWN_NEAR <= 2 * KNOWN_NEAR;
}

void known_open(struct known *t, const struct known_key *key, uint32_t syn, const struct manner *m,
		uint64_t now)
{
	const struct known_entry *e = known_find(t, key);
	struct known_entry n = {.key = *key, .syn = syn, .manner = *m, .syns = 1};

	if (e && e->syns && e->syn == syn) {
		n = *e;
		n.verdict = VERDICT_MORE;
		manner_add(&n.manner, m);
	} else if (may_last(e, now)) {
		n.syns = (uint8_t)(e->syns + (e->syns < UINT8_MAX));
		n.manner.torn = known_torn(n.syns, e->syn, syn);
	}
	write(t, &n, now);
}

void known_open_with_data(struct known *t, const struct known_key *key)
{
	struct known_entry *e = known_find(t, key);

	if (e)
		e->opened = 1;
}

void known_lose_bytes(struct known *t, const struct known_key *key)
{
	struct known_entry *e = known_find(t, key);

	if (e)
		e->lost = 1;
}

bool known_lives_on(const struct known_entry *e, enum verdict v, uint64_t now)
{
	return e && e->key.protocol == 17 && e->verdict == VERDICT_ALLOW && v != VERDICT_ALLOW &&
	       now - e->when < KNOWN_SPENT_NS;
}

void known_decide(struct known *t, const struct known_key *key, enum verdict v, uint64_t now)
{
	const struct known_entry *e = known_find(t, key);
	struct known_entry n = e ? *e : (struct known_entry){.key = *key};

	n.verdict = (uint8_t)v;
	write(t, &n, now);
}
