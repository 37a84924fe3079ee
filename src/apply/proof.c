/* SPDX-License-Identifier: GPL-2.0-or-later
 * script -> scratch namespace -> dump -> IR -> compared with the compiled IR.
 */
#include "apply/proof.h"

#include <stdlib.h>
#include <string.h>

#include "apply/needs.h"
#include "kernel/maker.h"
#include "nft/canonical.h"
#include "nft/digest.h"
#include "store/lists.h"
#include "util/cleanup.h"
#include "util/fault.h"

static void keep_held(struct proof *out, struct arena *a, const struct buf *dump)
{
	_cleanup_buf_ struct buf b = {0};

	if (!dump_canonical(a, dump->data, dump->len, &b) || !b.len)
		return;
	out->held.data = arena_alloc(a, b.len);
	out->held.len = b.len;
	memcpy(out->held.data, b.data, b.len);
}

void proof_finish(struct proof *out, struct arena *a, struct scratch *s,
		  const struct ir_ruleset *compiled)
{
	*out = (struct proof){0};
	scratch_wait(s);
	out->outcome = s->outcome;
	out->error = s->error;
	out->asleep = s->slept;
	out->why = arena_strdup(a, buf_str(&s->why));
	if (s->outcome == SCRATCH_LOADED) {
		out->ruleset = scratch_ruleset(s, a);
		if (!out->ruleset) {
			out->outcome = SCRATCH_FAILED;
			out->why = "cannot read back what was loaded: the dump is malformed";
		}
		if (out->ruleset && compiled)
			ruleset_take_bulk(out->ruleset, compiled);
		if (compiled && !s->slept)
			keep_held(out, a, &s->dump);
		if (out->ruleset && compiled)
			ruleset_compare(a, compiled, out->ruleset, NULL, &out->different);
	}
	scratch_free(s);
}

void proof_make(struct proof *out, struct arena *a, const char *script,
		const struct ir_ruleset *compiled)
{
	struct scratch s;

	scratch_start(&s, script);
	proof_finish(out, a, &s, compiled);
}

void proof_make_anywhere(struct proof *out, struct arena *a, const char *script,
			 const struct ir_ruleset *compiled, const char *netns)
{
	struct scratch s;

	scratch_start_anywhere(&s, script, netns);
	proof_finish(out, a, &s, compiled);
}

bool proof_is_kept(const struct artefact *x)
{
	return x->held.len && !strcmp(x->manifest->held_by, kernel_maker());
}

static bool is_base(const struct artefact *x, const char *key)
{
	const struct manifest_object *o =
		*key == 'c' ? manifest_find(x->manifest, true, key + 2) : NULL;

	return o && o->base;
}

static bool holds(struct arena *a, const struct artefact *x, const void *dump, size_t len,
		  bool with_bases, struct map *same)
{
	const struct map *kept = &x->manifest->digests;
	const struct map_entry *e;
	size_t wanted = 0;
	struct map now, own;

	if (!same) {
		map_init(&own, a);
		same = &own;
	}
	if (!proof_is_kept(x) || !kept->entries.n || !dump_digests(a, dump, len, &now))
		return false;
	vec_each (&kept->entries, e)
		wanted += with_bases || !is_base(x, e->key);
	vec_each (&now.entries, e) {
		const void *digest = map_get(kept, e->key);

		if (!digest || memcmp(digest, e->value, SHA256_BYTES) != 0)
			continue;
		map_put(same, e->key, e->value);
	}
	return same->entries.n == wanted && now.entries.n == wanted;
}

bool proof_holds(struct arena *a, const struct artefact *x, const void *dump, size_t len,
		 struct map *same)
{
	return holds(a, x, dump, len, true, same);
}

bool proof_holds_staged(struct arena *a, const struct artefact *x, const void *dump, size_t len)
{
	return holds(a, x, dump, len, false, NULL);
}

bool proof_holds_some(struct arena *a, const struct artefact *x, const struct map *keys,
		      const void *dump, size_t len)
{
	const struct map_entry *e;
	struct map now;

	if (!proof_is_kept(x) || !dump_digests(a, dump, len, &now))
		return false;
	vec_each (&keys->entries, e) {
		const void *kept = map_get(&x->manifest->digests, e->key);
		const void *digest = map_get(&now, e->key);

		if (!kept || !digest || memcmp(kept, digest, SHA256_BYTES) != 0)
			return false;
	}
	return true;
}

/* What a scratch namespace had of it was empty sets. */
static void give_lists(struct proof *p, struct arena *a, const struct artefact *x)
{
	_cleanup_buf_ struct buf why = {0};

	if (p->outcome != SCRATCH_LOADED || !lists_give(x->lists, a, x->manifest, p->ruleset, &why))
		return;
	p->outcome = SCRATCH_FAILED;
	p->why = arena_strdup(a, buf_str(&why));
}

const char *proof_text(struct arena *a, const struct proof *p)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	proof_print(f, p, NULL);
	fclose(f);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	/* who prints it says whose it is */
	return arena_strdup(a, strncmp(text, "fwc: ", 5) ? text : text + 5);
}

void proof_of_script(struct proof *out, struct arena *a, const struct artefact *x,
		     struct scratch *s)
{
	proof_finish(out, a, s, NULL);
	give_lists(out, a, x);
}

bool proof_of_kept(struct proof *out, struct arena *a, const struct artefact *x)
{
	struct ir_ruleset *r = NULL;

	if (proof_is_kept(x))
		r = read_own(a, x->held.data, x->held.len);
	if (!r)
		return false;
	*out = (struct proof){.outcome = SCRATCH_LOADED, .ruleset = r};
	give_lists(out, a, x);
	return true;
}

void proof_of_artefact(struct proof *out, struct arena *a, const struct artefact *x,
		       const char *netns)
{
	if (proof_of_kept(out, a, x))
		return;
	proof_make_anywhere(out, a, buf_str(&x->script), NULL, netns);
	give_lists(out, a, x);
}

void proof_judge(struct proof *p, struct arena *a, const struct policy *policy,
		 const struct ir_ruleset *compiled)
{
	struct dd_budget budget = {0}; /* the usual one */
	const struct ir_ruleset *r = p->outcome == SCRATCH_LOADED ? p->ruleset : compiled;

	if (p->outcome != SCRATCH_LOADED && p->outcome != SCRATCH_UNAVAILABLE)
		return;
	if (fault_wanted("budget"))
		budget.nodes = 500;
	prove_ruleset(&p->meaning, a, policy, r, budget);
	p->judged = true;
}

bool proof_good(const struct proof *p)
{
	if (p->outcome != SCRATCH_LOADED && p->outcome != SCRATCH_UNAVAILABLE)
		return false;
	return !p->different.n && !(p->judged && p->meaning.state == PROOF_DIFFERENT);
}

enum proved proof_state(const struct proof *p)
{
	if (!p->judged)
		return PROVED_NOT;
	if (p->meaning.state == PROOF_BUDGET)
		return PROVED_BUDGET;
	return p->outcome == SCRATCH_LOADED ? PROVED : PROVED_COMPILED;
}

/* A refusal by the kernel is often just an option that it was built without. */
static void print_missing(FILE *to, const struct ir_ruleset *compiled)
{
	bool has[NFEATURES], needs[NFEATURES];
	struct buf why = {0};

	if (features_probe(has, &why) == 0) {
		ruleset_needs(compiled, needs);
		for (int i = 0; i < NFEATURES; i++) {
			if (needs[i] && !has[i])
				fprintf(to, "hint: this kernel cannot do %s (%s)\n",
					feature_table[i].name, feature_table[i].option);
		}
	}
	buf_free(&why);
}

static void print_refusal(FILE *to, const struct proof *p, const struct ir_ruleset *compiled)
{
	const struct nftrun_error *e = &p->error;

	if (e->by_kernel) {
		fprintf(to, "%s%serror: the kernel refuses what this line compiles to: %s\n",
			e->where, *e->where ? ": " : "", e->text);
		if (*e->source)
			fprintf(to, "\t%s\n", e->source);
		if (compiled)
			print_missing(to, compiled);
		return;
	}
	fprintf(to, "%s%sinternal error: nftables does not understand what fwc wrote: %s\n",
		e->where, *e->where ? ": " : "", e->text);
	if (*e->source)
		fprintf(to, "\tline %u: %s\n", e->line, e->source);
	fputs("hint: this is a bug in fwc; please report it with the policy\n", to);
}

static void print_differences(FILE *to, const struct proof *p)
{
	const struct difference *d;

	fputs("internal error: the kernel holds something other than what was compiled\n", to);
	vec_each (&p->different, d) {
		fprintf(to, "--- compiled\n%s", d->left ? d->left : "\t(nothing)\n");
		fprintf(to, "+++ %s %s in the kernel\n%s", d->kind, d->name,
			d->right ? d->right : "\t(nothing)\n");
	}
	fputs("hint: this is a bug in fwc; please report it with the policy\n", to);
}

void proof_note(FILE *to, bool asleep)
{
	if (asleep)
		fputs("fwc: note: no network namespace can be made here: the rules were loaded "
		      "into a dormant\ntable (inet " NFTRUN_ASLEEP "-PID) and read back from it, "
		      "not from hooks of their own\n",
		      to);
}

static void print_line(FILE *to, const char *who, const char *says, const struct line *l)
{
	fprintf(to, "  %-7s %s", who, says);
	if (l->text)
		fprintf(to, ", by %s%s%s", l->where, *l->where ? ": " : "", l->text);
	fputc('\n', to);
}

static void print_meaning(FILE *to, const struct proof_result *m)
{
	const char *type = m->at < NSTATIONS ? station_table[m->at].type : "";
	const char *hook = m->at < NSTATIONS ? station_table[m->at].hook : "";

	if (m->state == PROOF_BUDGET)
		fprintf(to,
			"fwc: warning: not proved: budget: hook %s took more than %zu nodes or "
			"%.0f "
			"seconds\n",
			hook, PROOF_NODES, PROOF_SECONDS);
	if (m->state != PROOF_DIFFERENT)
		return;
	fputs("internal error: the kernel would hold something other than what the policy says\n",
	      to);
	fprintf(to, "  packet  %s (%s %s)\n", m->packet, type, hook);
	print_line(to, "policy", m->policy_says, &m->policy_line);
	print_line(to, "kernel", m->kernel_says, &m->kernel_line);
	fputs("hint: this is a bug in fwc; please report it with the policy\n", to);
}

void proof_print(FILE *to, const struct proof *p, const struct ir_ruleset *compiled)
{
	if (p->judged)
		print_meaning(to, &p->meaning);
	switch (p->outcome) {
	case SCRATCH_LOADED:
		if (p->different.n && !(p->judged && p->meaning.state == PROOF_DIFFERENT))
			print_differences(to, p);
		break;
	case SCRATCH_REFUSED:
		print_refusal(to, p, compiled);
		break;
	case SCRATCH_UNAVAILABLE:
	case SCRATCH_FAILED:
		fprintf(to, "fwc: %s\n", p->why);
		break;
	}
}
