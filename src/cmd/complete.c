/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc complete: half a command line -> how it may go on. Commands, options and operands are those
 * of the command table, as its synopses and details name them; names are the policy's.
 */
#include "cmd/complete.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "lang/lang.h"
#include "lang/parse.h"
#include "policy/policy.h"
#include "store/generation.h"
#include "store/open.h"
#include "util/cleanup.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define ABOUT 60 /* columns for what a word is */

struct typed {
	const char *word; /* the last one */
	const char *partial; /* what of it is to become whole; what is before that stays */
};

/* One line of output, if it goes on from what was typed. */
static void offer(const struct typed *t, const char *name, const char *suffix, const char *about,
		  size_t n)
{
	_cleanup_buf_ struct buf line = {0}, shown = {0};

	if (strncmp(name, t->partial, strlen(t->partial)))
		return;
	if (n > ABOUT)
		for (n = ABOUT; n && about[n] != ' ';)
			n--;
	buf_printf(&line, "%.*s%s%s", (int)(t->partial - t->word), t->word, name, suffix);
	diag_show(&shown, buf_str(&line));
	printf("%s\t", buf_str(&shown));
	buf_free(&line);
	buf_free(&shown);
	buf_add(&line, about, n);
	diag_show(&shown, buf_str(&line));
	puts(buf_str(&shown));
}

static void offer_name(const struct typed *t, const char *name, const char *suffix,
		       const char *about)
{
	offer(t, name, suffix, about, strlen(about));
}

/* ---- what the command table says ---- */

struct option_line { /* "  -o, --output DIR   write it there" */
	const char *names[4];
	size_t lengths[4], n;
	bool attached, optional; /* --dump=STAGE, --confirm[=SECONDS] */
	const char *value; /* "DIR   write..." or NULL */
	const char *about;
	size_t about_len;
};

static const char *read_value(struct option_line *o, const char *p)
{
	size_t n;

	o->optional = *p == '[';
	o->attached = o->optional || *p == '=';
	p += o->optional + 1;
	p += o->optional && *p == '=';
	n = strspn(p, UPPER "|-");
	if (n && strchr(" ]\n", p[n])) {
		o->value = p;
		p += n + o->optional;
	}
	return p;
}

/* The option that the line at p explains; false if it explains none. */
static bool read_option(const char *p, struct option_line *o)
{
	*o = (struct option_line){0};
	if (strncmp(p, "  -", 3))
		return false;
	for (p += 2; *p == '-' && o->n < 4;) {
		o->names[o->n] = p;
		o->lengths[o->n] = strcspn(p, " ,[=\n");
		p += o->lengths[o->n++];
		if (!strncmp(p, ", -", 3))
			p += 2;
	}
	if (*p == '=' || *p == '[' || *p == ' ')
		p = read_value(o, p);
	o->about = p + strspn(p, " ");
	o->about_len = strcspn(o->about, "\n;:");
	return true;
}

static const char *next_line(const char *p)
{
	p = strchr(p, '\n');
	return p && p[1] ? p + 1 : NULL;
}

/* Finds the option that is called so in a text. */
static bool find_option(const char *text, const char *name, size_t n, struct option_line *o)
{
	for (const char *p = text; p && *p; p = next_line(p)) {
		if (!read_option(p, o))
			continue;
		for (size_t i = 0; i < o->n; i++)
			if (o->lengths[i] == n && !strncmp(o->names[i], name, n))
				return true;
	}
	return false;
}

static void offer_options(const struct typed *t, const char *text)
{
	struct option_line o;
	char name[64];

	for (const char *p = text; p && *p; p = next_line(p)) {
		if (!read_option(p, &o))
			continue;
		for (size_t i = 0; i < o.n; i++) {
			snprintf(name, sizeof(name), "%.*s", (int)o.lengths[i], o.names[i]);
			if (name[1] != '-' && o.n > 1) /* the long name says more */
				continue;
			offer(t, name, o.attached && !o.optional ? "=" : "", o.about, o.about_len);
		}
	}
}

/* "auto, always or never": each of its words. */
static void offer_list(const struct typed *t, const char *list)
{
	char word[64];

	while (*list == ' ' || *list == ':' || *list == ',' || *list == '\n' ||
	       !strncmp(list, "or ", 3) || !strncmp(list, "or\n", 3))
		list += *list == 'o' ? 2 : 1;
	if (!strchr(LOWER, *list) || !*list)
		return;
	snprintf(word, sizeof(word), "%.*s", (int)strspn(list, LOWER), list);
	offer_name(t, word, "", "");
	list += strlen(word);
	if (*list == ',' || *list == ' ' || !strncmp(list, "\n    ", 5))
		offer_list(t, list);
}

/* What stands in a synopsis for operands: that without [-options]. */
static void operands_of(struct buf *out, const char *synopsis)
{
	int deep = 0;

	for (const char *p = synopsis; *p; p++) {
		if (deep || (*p == '[' && p[1] == '-'))
			deep += (*p == '[') - (*p == ']');
		else
			buf_putc(out, *p);
	}
}

/* ---- what there is on this machine ---- */

enum wanted_name {
	NAME_ZONE = 1,
	NAME_HOST = 2,
	NAME_SERVICE = 4,
	NAME_INSPECTOR = 8,
	NAME_DYNAMIC = 16,
	NAME_QUOTA = 64,
	NAME_KNOWN = 32, /* zones that an entry of conntrack is known to be in */
};

static void offer_definitions(const struct typed *t, const struct ast_stmts *stmts, unsigned which,
			      const char *suffix)
{
	for (size_t i = 0; i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->v[i];

		if (s->kind == STMT_INCLUDE)
			offer_definitions(t, &s->include.files, which, suffix);
		if (s->kind == STMT_ZONE && which & NAME_ZONE && s->zone.name.s)
			offer_name(t, s->zone.name.s, suffix, "zone");
		if (s->kind == STMT_ZONE && which & NAME_KNOWN && s->zone.name.s &&
		    (!s->zone.within.s || s->zone.networks.n))
			offer_name(t, s->zone.name.s, suffix, "zone");
		if (s->kind == STMT_ZONES && which & NAME_ZONE && s->group.name.s)
			offer_name(t, s->group.name.s, suffix, "group of zones");
		if (s->kind == STMT_NAMES && which & NAME_HOST && s->names.name.s)
			offer_name(t, s->names.name.s, suffix, s->names.is_host ? "host" : "set");
		if (s->kind == STMT_NAMES && which & NAME_DYNAMIC && s->names.name.s &&
		    s->names.dynamic)
			offer_name(t, s->names.name.s, suffix, "dynamic set");
		if (s->kind == STMT_SERVICE && which & NAME_SERVICE && s->service.name.s)
			offer_name(t, s->service.name.s, suffix, "service");
		if (s->kind == STMT_QUOTA && which & NAME_QUOTA && s->quota.name.s)
			offer_name(t, s->quota.name.s, suffix, "quota");
		if (s->kind == STMT_INSPECTOR && which & NAME_INSPECTOR && s->inspector.name.s)
			offer_name(t, s->inspector.name.s, suffix, "inspector");
	}
}

/* Names of the policy, as far as it can be read: it may be half written. */
static void offer_names(const struct typed *t, const char *file, unsigned which, const char *suffix)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct ast *ast;
	struct diag diag;

	diag_init(&diag, a);
	ast = ast_parse_file(file, loader_files(a), a, &diag);
	if (ast)
		offer_definitions(t, &ast->stmts, which, suffix);
}

static void offer_generations(const struct typed *t, const char *state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf ignored = {0};
	struct generations l = {0};
	struct store s;
	char number[16], about[256];

	if (store_open(&s, state, false, &ignored) == 0 &&
	    generations_list(&s, a, WITH_RECORDS, &l, &ignored) == 0) {
		for (size_t i = l.n; i-- > 0;) {
			const json_t *record = l.v[i].record;
			const char *time = json_string_value(json_object_get(record, "time"));
			const char *why = json_string_value(json_object_get(record, "comment"));

			snprintf(number, sizeof(number), "%u", l.v[i].number);
			snprintf(about, sizeof(about), "%s  %s", time ? time : "", why ? why : "");
			offer_name(t, number, "", about);
		}
	}
	generations_free(&l);
	store_close(&s);
}

static void offer_namespaces(const struct typed *t)
{
	DIR *d = opendir("/run/netns");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!e->d_name[strspn(e->d_name, UPPER LOWER "0123456789_.-")] && *e->d_name != '.')
			offer_name(t, e->d_name, "", "network namespace");
	if (d)
		closedir(d);
}

/* ---- what a word may be ---- */

/* By what stands for it: FILE, DIR... */
static void offer_value(const struct completing *c, const struct typed *t,
			const struct option_line *o)
{
	const char *value = o->value;

	if (!strncmp(value, "FILE", 4) || !strncmp(value, "PATH", 4))
		puts(":files");
	else if (!strncmp(value, "DIR", 3))
		puts(":directories");
	else if (!strncmp(value, "NAME", 4))
		offer_namespaces(t);
	else if (!strncmp(value, "INSPECTOR", 9))
		offer_names(t, c->g->config, NAME_INSPECTOR, "");
	else if (!strncmp(value, "WHEN", 4))
		offer_list(t, o->about);
	else if (!strncmp(value, "STAGE", 5))
		offer_list(t, o->about + o->about_len);
}

static const char *behind_last(const char *text, const char *of)
{
	const char *at = text;

	for (const char *p = text; *p; p++)
		if (strchr(of, *p))
			at = p + 1;
	return at;
}

/* SRC[@ZONE] -> DST[@ZONE] [SERVICES] */
static void offer_question(const struct completing *c, const char *word)
{
	const char *arrow = strstr(word, "->"), *side = arrow ? arrow + 2 : word;
	struct typed t = {word, behind_last(side, " ,@!")};
	const char *from = side + strspn(side, " "), *suffix = arrow ? "" : " -> ";
	size_t n = strcspn(from, " ");

	/* behind a destination that is whole */
	if (arrow && n && from + n < t.partial && from[n - 1] != ',') {
		offer_names(&t, c->g->config, NAME_SERVICE, "");
		for (const struct service_row *r = service_rows; r->name; r++)
			offer_name(&t, r->name, "", r->text);
		offer_name(&t, "from port ", "", "source ports");
		offer_name(&t, "ipv4", "", "IPv4 only");
		offer_name(&t, "ipv6", "", "IPv6 only");
		offer_name(&t, "mark ", "", "a mark, or bits of one");
		offer_name(&t, "dscp ", "", "a class of service");
		offer_name(&t, "hours ", "", "a time of day");
		offer_name(&t, "days ", "", "days of the week");
		offer_name(&t, "after ", "", "from the end of a day on");
		offer_name(&t, "until ", "", "to the end of a day");
		offer_name(&t, "user ", "", "the sender's user");
		offer_name(&t, "group ", "", "the sender's group");
		return;
	}
	if (t.partial > word && t.partial[-1] == '@') {
		offer_names(&t, c->g->config, NAME_ZONE, suffix);
	} else {
		offer_names(&t, c->g->config, NAME_ZONE | NAME_HOST, suffix);
		offer_name(&t, "any", suffix, "any zone");
		if (arrow) {
			offer_name(&t, "multicast", suffix, "every multicast address");
			offer_name(&t, "broadcast", suffix, "broadcast addresses of IPv4");
		}
	}
	offer_name(&t, "self", suffix, "this machine");
}

static void offer_filter(const struct completing *c, const struct typed *t)
{
	static const char *const words[] = {"from", "to",   "port",   "self", "tcp",
					    "udp",  "icmp", "icmpv6", NULL};

	offer_names(t, c->g->config, NAME_KNOWN, "");
	for (size_t i = 0; words[i]; i++)
		offer_name(t, words[i], "", "");
}

/* The words of "status | log | reload | replay FILE". */
static void offer_verbs(const struct typed *t, const char *operands)
{
	char word[64];

	while (*operands) {
		size_t n = strspn(operands, LOWER);

		snprintf(word, sizeof(word), "%.*s", (int)n, operands);
		if (n)
			offer_name(t, word, "", "");
		operands += n + strcspn(operands + n, " ");
		operands += strspn(operands, " |");
	}
}

/* NAME [ADDRESS...] [for TIME] */
static void offer_set(const struct completing *c, const struct typed *t, int nth)
{
	if (nth == 1)
		offer_names(t, c->g->config, NAME_DYNAMIC, "");
	else if (nth > 2)
		offer_name(t, "for", "", "how long: 30s, 10m, 1h30m, 2d");
}

static void offer_operand(const struct completing *c, const struct typed *t,
			  const struct command *command, int nth)
{
	_cleanup_buf_ struct buf b = {0};
	const char *operands;

	operands_of(&b, command->synopsis);
	operands = buf_str(&b) + strspn(buf_str(&b), " ");
	if (strstr(operands, "SRC[") && nth == 0)
		offer_question(c, t->word);
	else if (*operands && strchr(LOWER, *operands) && nth == 0)
		offer_verbs(t, operands);
	else if (command->run == cmd_set)
		offer_set(c, t, nth);
	else if (command->run == cmd_quota && nth == 1)
		offer_names(t, c->g->config, NAME_QUOTA, "");
	else if (strstr(operands, "FILTER"))
		offer_filter(c, t);
	else if (!strncmp(operands, "[N]", 3) && nth == 0)
		offer_generations(t, c->g->state);
	else if (strstr(operands, "FILE"))
		puts(":files");
	else if (strstr(operands, "DIR"))
		puts(":directories");
}

/* ---- the line ---- */

static const struct command *command_of(const struct completing *c, const char *name)
{
	for (size_t i = 0; i < c->ncommands; i++)
		if (!strcmp(c->commands[i].name, name))
			return &c->commands[i];
	return NULL;
}

static bool takes_next(const struct completing *c, const struct command *command, const char *word,
		       struct option_line *o)
{
	return *word == '-' &&
	       (find_option(c->global_help, word, strlen(word), o) ||
		(command && find_option(command->details, word, strlen(word), o))) &&
	       o->value && !o->optional;
}

void complete_globals(struct completing *c)
{
	const struct {
		const char *name;
		const char **to;
	} valued[] = {
		{"--config", &c->g->config}, {"--state", &c->g->state}, {"--netns", &c->g->netns}};

	for (int i = 0; i + 1 < c->nwords; i++) {
		for (size_t k = 0; k < sizeof(valued) / sizeof(valued[0]); k++) {
			size_t n = strlen(valued[k].name);

			if (strncmp(c->words[i], valued[k].name, n))
				continue;
			if (c->words[i][n] == '=')
				*valued[k].to = c->words[i] + n + 1;
			else if (!c->words[i][n] && i + 2 < c->nwords)
				*valued[k].to = c->words[i + 1];
		}
	}
}

/* The last word is an option, or has one's value behind '='. */
static void offer_option(const struct completing *c, const struct command *command,
			 const char *word)
{
	const char *value = strchr(word, '=');
	struct typed t = {word, value ? value + 1 : word};
	struct option_line o;

	if (value) {
		size_t n = (size_t)(value - word);

		if ((find_option(c->global_help, word, n, &o) ||
		     (command && find_option(command->details, word, n, &o))) &&
		    o.value)
			offer_value(c, &t, &o);
		return;
	}
	if (command)
		offer_options(&t, command->details);
	offer_options(&t, c->global_help);
}

int complete_print(struct completing *c)
{
	const char *last = c->nwords ? c->words[c->nwords - 1] : "";
	const struct command *command = NULL;
	struct typed t = {last, last};
	struct option_line o;
	bool help = false;
	int nth = 0;

	for (int i = 0; i + 1 < c->nwords; i++) {
		if (takes_next(c, command, c->words[i], &o)) {
			if (i + 2 == c->nwords) {
				offer_value(c, &t, &o);
				return EXIT_FINE;
			}
			i++;
		} else if (!command && !help && !strcmp(c->words[i], "help")) {
			help = true;
		} else if (*c->words[i] == '-') {
			continue;
		} else if (!command) {
			command = command_of(c, c->words[i]);
			if (!command)
				return EXIT_FINE;
		} else {
			nth++;
		}
	}
	if (*last == '-')
		offer_option(c, command, last);
	else if (command && !help)
		offer_operand(c, &t, command, nth);
	for (size_t i = 0; !command && i < c->ncommands; i++)
		offer_name(&t, c->commands[i].name, "", c->commands[i].summary);
	return EXIT_FINE;
}
