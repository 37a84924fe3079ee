/* SPDX-License-Identifier: GPL-2.0-or-later
 * The script is tried in a scratch namespace; of the line that the kernel refuses the manifest says
 * what it needs, and all rules that need the same get their stand-ins. Until it loads.
 */
#include "boot/standin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/maker.h"
#include "kernel/scratch.h"
#include "nft/canonical.h"
#include "util/cleanup.h"
#include "util/map.h"

struct fitting {
	struct arena *arena;
	const struct artefact *in;
	struct map lacking; /* what rules need, "log,queue" */
	struct artefact *out;
	struct standins *what;
};

struct line {
	const char *text;
	size_t len;
	size_t rule; /* within the chain; SIZE_MAX: it is none */
};

/* The next line of a chain's block: the emitter writes one rule a line. */
static bool next_line(const char **at, const char *end, size_t *nrules, struct line *l)
{
	const char *stop, *word;

	if (*at >= end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	l->text = *at;
	l->len = stop ? (size_t)(stop + 1 - *at) : (size_t)(end - *at);
	*at += l->len;
	word = l->text + strspn(l->text, "\t");
	l->rule = word - l->text != 2 || *word == '#' || !strncmp(word, "type ", 5) ? SIZE_MAX
										    : (*nrules)++;
	return true;
}

/* ---- the refused line ---- */

static const struct manifest_place *rule_of(const struct manifest *m, struct manifest_object *o,
					    size_t rule)
{
	manifest_whole(m, o);
	return rule < o->rules.n ? &o->rules.v[rule] : NULL;
}

/* It has nothing in it that could be told apart. */
static bool is_bare(const struct manifest_object *o)
{
	return o->kind == OBJECT_HELPER || o->kind == OBJECT_FLOWTABLE ||
	       o->kind == OBJECT_QUOTA;
}

static const struct manifest_place *place_at(const struct artefact *x, unsigned line)
{
	struct manifest_object *const *o;
	unsigned number = 1;
	const char *at = x->script.data;

	vec_each (&x->manifest->objects, o) {
		const char *begin = x->script.data + (*o)->off, *end = begin + (*o)->len;
		size_t nrules = 0;
		struct line l;

		for (; at < begin; at++)
			number += *at == '\n';
		while (is_bare(*o) && next_line(&at, end, &nrules, &l)) {
			if (number++ == line)
				return &(*o)->place;
		}
		while ((*o)->kind == OBJECT_CHAIN && next_line(&at, end, &nrules, &l)) {
			if (number++ == line)
				return rule_of(x->manifest, *o, l.rule);
		}
	}
	return NULL;
}

static int blame(struct fitting *f, const struct nftrun_error *e, struct buf *why)
{
	const struct manifest_place *p = place_at(f->out, e->line);

	if (!p || !p->needs || map_get(&f->lacking, p->needs)) {
		buf_printf(why, "%s%s%s", p ? p->at : "", p && *p->at ? ": " : "", e->text);
		return -EOPNOTSUPP;
	}
	map_put(&f->lacking, p->needs, (void *)p->needs);
	return 0;
}

/* ---- the text without ---- */

static const char *words_without(struct arena *a, const struct manifest_place *p)
{
	return arena_printf(a, "not loaded: %s", p->text);
}

static int put_chain(struct fitting *f, const struct manifest_object *o,
		     struct manifest_object *copy, struct buf *script, struct buf *why)
{
	const char *at = f->in->script.data + o->off, *end = at + o->len;
	size_t nrules = 0;
	struct line l;

	while (next_line(&at, end, &nrules, &l)) {
		const struct manifest_place *p = l.rule < o->rules.n ? &o->rules.v[l.rule] : NULL;

		if (!p || !p->needs || !map_get(&f->lacking, p->needs)) {
			buf_add(script, l.text, l.len);
			continue;
		}
		if (!p->instead || strchr(p->instead, '\n')) {
			buf_printf(why, "%s%s%s: it needs %s, and nothing can replace it", p->at,
				   *p->at ? ": " : "", p->text, p->needs);
			return -EOPNOTSUPP;
		}
		buf_printf(script, "\t\t%s\n", p->instead);
		if (strstr(p->instead, "\"not loaded: "))
			copy->rules.v[l.rule].text = words_without(f->arena, p);
		vec_push(f->arena, f->what,
			 ((struct standin){.at = p->at, .text = p->text, .needs = p->needs}));
	}
	return 0;
}

static struct manifest_object *copy_object(struct arena *a, const struct manifest *m,
					   struct manifest_object *o)
{
	struct manifest_object *copy = arena_new_of(a, struct manifest_object);
	const struct manifest_place *p;

	*copy = *manifest_whole(m, o);
	memset(&copy->rules, 0, sizeof(copy->rules));
	vec_each (&o->rules, p)
		vec_push(a, &copy->rules, *p);
	return copy;
}

/* From the beginning, each time: what is lacking has grown. */
static int rewrite(struct fitting *f, struct buf *why)
{
	const struct manifest *m = f->in->manifest;
	struct manifest *copy = arena_new_of(f->arena, struct manifest);
	struct manifest_object *const *o;
	struct buf *script = &f->out->script;
	size_t done = 0;
	int err = 0;

	*copy = *m;
	memset(&copy->objects, 0, sizeof(copy->objects));
	map_init(&copy->by_name, f->arena);
	f->out->manifest = copy;
	f->what->n = script->len = 0;
	vec_each (&m->objects, o) {
		struct manifest_object *c = copy_object(f->arena, m, *o);

		if ((*o)->off < done) {
			buf_puts(why, "the objects of the manifest are out of order");
			return -EBADMSG;
		}
		buf_add(script, f->in->script.data + done, (*o)->off - done);
		done = (*o)->off + (*o)->len;
		if (is_bare(c) && c->place.needs &&
		    map_get(&f->lacking, c->place.needs))
			continue; /* and so are the rules that attach it */
		c->off = script->len;
		if (c->kind == OBJECT_CHAIN)
			err = put_chain(f, *o, c, script, why);
		else
			buf_add(script, f->in->script.data + (*o)->off, (*o)->len);
		if (err)
			return err;
		c->len = script->len - c->off;
		manifest_add(copy, c);
	}
	buf_add(script, f->in->script.data + done, f->in->script.len - done);
	return 0;
}

/* So that who loads it need not ask a scratch namespace again. */
static void keep(struct fitting *f, const struct scratch *s)
{
	struct manifest *m = arena_new_of(f->arena, struct manifest);

	if (s->outcome != SCRATCH_LOADED || s->slept ||
	    !dump_canonical(f->arena, s->dump.data, s->dump.len, &f->out->held))
		return;
	*m = *f->out->manifest;
	m->held_by = kernel_maker();
	map_init(&m->digests, f->arena); /* of the script as it was */
	f->out->manifest = m;
}

int standin_fit(struct arena *a, const struct artefact *in, struct artefact *out,
		struct standins *what, struct buf *why)
{
	struct fitting f = {.arena = a, .in = in, .out = out, .what = what};
	int err;

	map_init(&f.lacking, a);
	*out = *in;
	out->script = (struct buf){0};
	out->held = (struct buf){0};
	for (;;) {
		struct scratch s;

		err = rewrite(&f, why);
		if (err)
			break;
		scratch_load(&s, buf_str(&out->script));
		if (s.outcome == SCRATCH_REFUSED)
			err = blame(&f, &s.error, why);
		else if (s.outcome != SCRATCH_LOADED)
			err = -EPERM;
		if (err == -EPERM)
			buf_puts(why, buf_str(&s.why));
		if (s.outcome != SCRATCH_REFUSED || err) {
			keep(&f, &s);
			scratch_free(&s);
			break;
		}
		scratch_free(&s);
	}
	if (err)
		buf_free(&out->script);
	return err;
}
