/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft scripts -> the kernel, by libnftables in a child process; its messages -> policy places.
 */
#include "kernel/nftrun.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "kernel/ask.h"
#include "kernel/batch.h"
#include "kernel/delta_read.h"
#include "kernel/dump.h"
#include "kernel/genid.h"
#include "kernel/send.h"
#include "nft/script.h"
#include "util/bulk_file.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/number.h"

struct stream { /* one a step and direction; the memory file outlives the child */
	int out, err;
};

struct progress { /* shared with the child */
	uint32_t before, after, dumped;
	bool had_table;
	int looked;
	struct {
		bool ran, refused;
	} step[];
};

struct job {
	struct nftrun *r;
	struct child child;
	struct stream *streams;
	struct progress *progress;
	size_t shared;
	int err; /* of the start */
};

/* From a file, for only then nft says which line of it is wrong. */
static int run_script(struct nft_ctx *ctx, const char *script)
{
	int fd = memfd_create("fwc-script", 0);
	char path[64];

	if (fd < 0 || dprintf(fd, "%s", script) < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return nft_run_cmd_from_filename(ctx, path);
}

static bool run_dump(const char *table, const char *names, FILE *out, FILE *err,
		     uint32_t *generation)
{
	_cleanup_buf_ struct buf bytes = {0};
	int failed = dump_here(table, names, &bytes, generation);

	if (failed)
		fprintf(err, "Error: %s\n", strerror(-failed));
	else if (bytes.len)
		fwrite(bytes.data, 1, bytes.len, out);
	return !failed;
}

/* Nobody else's table has the name of this process. */
static int run_asleep(struct nft_ctx *ctx, const char *script, FILE *out, FILE *err)
{
	_cleanup_buf_ struct buf asleep = {0};
	uint32_t generation;
	char name[40];
	unsigned line;

	snprintf(name, sizeof(name), NFTRUN_ASLEEP "-%d", (int)getpid());
	if (!script_asleep(&asleep, script, name, &line)) {
		fprintf(err, "script:%u:1-1: Error: " NFTRUN_OTHER "\n", line);
		return -1;
	}
	if (run_script(ctx, buf_str(&asleep)))
		return -1;
	fault_point("asleep");
	return run_dump(name, NULL, out, err, &generation) ? 0 : -1;
}

static int run_command(struct nft_ctx *ctx, const struct nftrun_step *s, FILE *out, FILE *err)
{
	if (s->kind == RUN_ASLEEP)
		return run_asleep(ctx, s->script, out, err);
	if (s->kind == RUN_VERSION)
		return nft_run_cmd_from_buffer(ctx, "list tables");
	if (s->kind == RUN_SPEAK)
		return nft_run_cmd_from_buffer(ctx, "list ruleset");
	return run_script(ctx, s->script);
}

static bool run_nft(const struct nftrun_step *s, FILE *out, FILE *err, bool last)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	bool ok;

	if (!ctx)
		abort();
	nft_ctx_set_output(ctx, out);
	nft_ctx_set_error(ctx, err);
	if (s->kind == RUN_VERSION)
		nft_ctx_output_set_flags(ctx, NFT_CTX_OUTPUT_JSON);
	if (s->kind == RUN_SPEAK)
		nft_ctx_output_set_flags(ctx, NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_STATELESS |
						      NFT_CTX_OUTPUT_TERSE);
	ok = run_command(ctx, s, out, err) == 0;
	/* the end of the process is faster at it, if it is near */
	if (!last)
		nft_ctx_free(ctx);
	return ok;
}

static bool run_messages(const struct nftrun_step *s, uint32_t expect, FILE *err)
{
	int failed = send_batch(s->messages->data, s->messages->len, expect);

	if (failed)
		fprintf(err, "Error: Could not process rule: %s\n", strerror(-failed));
	return !failed;
}

/* What somebody who died has left in it goes, if it is not the same. Where nothing goes nothing is
 * committed: whoever counts generations by that must not count it. */
static int fill(struct bulk_job *j)
{
	int err = bulk_compare(j);

	if (err != -EBADMSG)
		return err;
	j->used = !bulk_is_empty(j);
	err = bulk_fill(j);
	fault_point("filled");
	return err ? err : bulk_compare(j);
}

static bool run_bulk(const struct nftrun_step *s, FILE *out, FILE *err)
{
	struct bulk_job j = *s->bulk;
	int failed = s->kind == RUN_BULK_FILL ? fill(&j) : bulk_compare(&j);

	fwrite(&j.commits, sizeof(j.commits), 1, out);
	if (failed)
		fprintf(err, "Error: %s\n", *j.why ? j.why : strerror(-failed));
	return !failed;
}

/* What is in a hash of prefixes and is none is never found. */
static bool read_bulk(const struct nftrun_step *s, FILE *out, FILE *err)
{
	const struct ir_bulk *b = s->bulk->bulk;
	u128 step = b->prefix ? bulk_step(b) : 1;
	_cleanup_buf_ struct buf bytes = {0};
	struct delta_elems e = {0};
	int failed = delta_read(s->bulk->set, b->elems->family, !b->prefix, s->bulk->most, &e);

	bulk_file_begin(&bytes, b->elems->family);
	for (size_t i = 0; i < e.n; i++)
		if (e.v[i].lo % step == 0)
			bulk_file_add(&bytes, b->elems->family, e.v[i].lo, e.v[i].hi + step - 1);
	free(e.v);
	if (failed)
		fprintf(err, "Error: %s\n", strerror(-failed));
	else
		fwrite(bytes.data, 1, bytes.len, out);
	return !failed;
}

static bool run_step(const struct nftrun_step *s, const struct stream *to, bool last,
		     uint32_t expect, uint32_t *generation)
{
	FILE *out = fdopen(dup(to->out), "w"), *err = fdopen(dup(to->err), "w");
	bool ok;

	if (!out || !err)
		abort();
	if (s->kind == RUN_DUMP_OWN || s->kind == RUN_DUMP_SOME)
		ok = run_dump("fwc", s->kind == RUN_DUMP_SOME ? s->script : NULL, out, err,
			      generation);
	else if (s->kind == RUN_DUMP_ALL || (s->kind == RUN_DUMP_UNLESS_ALONE && !dump_alone()))
		ok = run_dump(NULL, NULL, out, err, generation);
	else if (s->kind == RUN_DUMP_UNLESS_ALONE)
		ok = true;
	else if (s->kind == RUN_MESSAGES)
		ok = run_messages(s, expect, err);
	else if (s->kind == RUN_BULK_COMPARE || s->kind == RUN_BULK_FILL)
		ok = run_bulk(s, out, err);
	else if (s->kind == RUN_BULK_READ)
		ok = read_bulk(s, out, err);
	else
		ok = run_nft(s, out, err, last);
	if (fclose(out) != 0 || fclose(err) != 0)
		abort();
	return ok;
}

/* Refused only because somebody else had committed since? */
static bool came_late(const struct nftrun *r)
{
	struct genid g = {0};

	return r->expect && genid_get_here(&g) == 0 && g.id != r->expect;
}

static int run_steps(void *arg)
{
	struct job *j = arg;
	struct progress *p = j->progress;
	struct genid g = {0};

	p->looked = genid_get_here(&g);
	if (p->looked == 0) {
		p->before = g.id;
		p->had_table = g.own_table;
	}
	if (j->r->expect && j->r->expect != p->before && !fault_wanted("looked-away"))
		return ESTALE;
	batch_expect(j->r->expect);
	for (size_t i = 0; i < j->r->n; i++) {
		p->step[i].refused =
			!run_step(&j->r->steps[i], &j->streams[i], i + 1 == j->r->n,
				  i == 0 ? j->r->expect : 0, &p->dumped);
		p->step[i].ran = true;
		if (i == 0 && p->step[0].refused && came_late(j->r))
			return ESTALE;
		batch_expect(0);
		if (p->step[i].refused && !j->r->go_on)
			break;
	}
	fault_point("loaded");
	if (genid_get_here(&g) == 0)
		p->after = g.id;
	return 0;
}

static int slurp(int fd, struct buf *to)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return 0;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	buf_add(to, map, (size_t)st.st_size);
	munmap(map, (size_t)st.st_size);
	return 0;
}

/* The child has ended, and nobody else can write into it. */
static int keep(int fd, struct nftrun_step *s)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	s->kept_len = (size_t)st.st_size;
	s->kept = s->kept_len ? arena_map(s->keep, fd, s->kept_len) : NULL;
	return s->kept_len && !s->kept ? -errno : 0;
}

static int collect(struct job *j)
{
	int err = 0;

	for (size_t i = 0; i < j->r->n && !err; i++) {
		struct nftrun_step *s = &j->r->steps[i];

		s->ran = j->progress->step[i].ran;
		s->refused = j->progress->step[i].refused;
		err = s->keep ? keep(j->streams[i].out, s) : slurp(j->streams[i].out, &s->out);
		if (!err)
			err = slurp(j->streams[i].err, &s->err);
	}
	return err;
}

static int open_streams(struct job *j)
{
	for (size_t i = 0; i < j->r->n; i++) {
		j->streams[i].out = memfd_create("fwc-out", MFD_CLOEXEC);
		j->streams[i].err = memfd_create("fwc-err", MFD_CLOEXEC);
		if (j->streams[i].out < 0 || j->streams[i].err < 0)
			return -errno;
	}
	return 0;
}

static void close_streams(struct job *j)
{
	for (size_t i = 0; i < j->r->n; i++) {
		if (j->streams[i].out >= 0)
			close(j->streams[i].out);
		if (j->streams[i].err >= 0)
			close(j->streams[i].err);
	}
}

static void start_here(struct nftrun *r)
{
	struct job *j = calloc(1, sizeof(*j));
	size_t streams = (r->n + 1) * sizeof(*j->streams);

	j->r = r;
	/* scripts are read from memory */
	j->child = (struct child){
		.where = r->where, .netns = r->netns, .no_files = true, .run = run_steps, .arg = j};
	j->streams = malloc(streams);
	memset(j->streams, 0xff, streams); /* no descriptor yet */
	j->shared = sizeof(*j->progress) + (r->n + 1) * sizeof(j->progress->step[0]);
	j->progress = child_memory(j->shared);
	r->job = j;
	j->err = j->progress ? open_streams(j) : -ENOMEM;
	if (j->err)
		buf_printf(&r->why, "cannot start a child process: %s", strerror(-j->err));
	else
		child_start(&j->child);
}

static int finish(struct job *j)
{
	int err = child_wait(&j->child);

	if (err == ESTALE) {
		buf_puts(&j->r->why, "another program changed the ruleset meanwhile");
		err = -ESTALE;
	} else if (err) {
		buf_puts(&j->r->why, buf_str(&j->child.why));
		j->r->no_scratch = j->child.no_scratch;
	} else {
		err = collect(j);
	}
	j->r->before = j->progress->before;
	j->r->after = j->progress->after;
	j->r->dumped = j->progress->dumped;
	j->r->had_table = j->progress->had_table;
	j->r->looked = j->progress->looked;
	child_free(&j->child);
	return err;
}

static int wait_here(struct nftrun *r)
{
	struct job *j = r->job;
	int err = j->err ? j->err : finish(j);

	close_streams(j);
	free(j->streams);
	if (j->progress)
		child_memory_free(j->progress, j->shared);
	free(j);
	r->job = NULL;
	return err;
}

static void put_bulk(struct buf *b, const struct bulk_job *j)
{
	_cleanup_buf_ struct buf list = {0};

	bulk_file_pack(&list, j->bulk->elems);
	message_put_text(b, j->set, strlen(j->set));
	message_put_number(b, j->bulk->prefix);
	message_put_number(b, j->most);
	message_put_text(b, buf_str(&list), list.len);
}

/* The broker takes it apart again. */
static void ask_start(struct nftrun *r)
{
	_cleanup_buf_ struct buf b = {0};

	ask_put_head(&b, ASK_NFTRUN, r->netns);
	message_put_number(&b, r->where);
	message_put_number(&b, r->go_on);
	message_put_number(&b, (uint32_t)r->n);
	for (size_t i = 0; i < r->n; i++) {
		const char *script = r->steps[i].script;

		message_put_number(&b, r->steps[i].kind);
		message_put_text(&b, script ? script : "", script ? strlen(script) : 0);
		if (r->steps[i].kind == RUN_BULK_COMPARE || r->steps[i].kind == RUN_BULK_READ)
			put_bulk(&b, r->steps[i].bulk);
	}
	r->answer = ask_begin(&b);
}

static void take_out(struct bytes *b, struct nftrun_step *s)
{
	size_t n;
	const char *p = message_take_bytes(b, &n);

	if (!s->keep) {
		buf_add(&s->out, p, n);
		return;
	}
	s->kept = n ? arena_copy(s->keep, p, n) : NULL;
	s->kept_len = n;
}

static int ask_wait(struct nftrun *r)
{
	_cleanup_buf_ struct buf text = {0};
	struct bytes b;
	int err = ask_end(r->answer, &text, &b, &r->why);

	if (!text.len)
		return err;
	r->no_scratch = message_take_number(&b);
	r->before = message_take_number(&b);
	r->after = message_take_number(&b);
	r->dumped = message_take_number(&b);
	r->had_table = message_take_number(&b);
	r->looked = (int)message_take_number(&b);
	for (size_t i = 0; i < r->n; i++) {
		r->steps[i].ran = message_take_number(&b);
		r->steps[i].refused = message_take_number(&b);
		take_out(&b, &r->steps[i]);
		message_take_text(&b, &r->steps[i].err);
	}
	return b.bad ? -EPROTO : err;
}

void nftrun_start(struct nftrun *r)
{
	if (ask_can())
		ask_start(r);
	else
		start_here(r);
}

int nftrun_wait(struct nftrun *r)
{
	return r->job ? wait_here(r) : ask_wait(r);
}

int nftrun(struct nftrun *r)
{
	nftrun_start(r);
	return nftrun_wait(r);
}

void nftrun_free(struct nftrun *r)
{
	for (size_t i = 0; i < r->n; i++) {
		buf_free(&r->steps[i].out);
		buf_free(&r->steps[i].err);
	}
	buf_free(&r->why);
}

static const char *line_start(const char *script, unsigned line)
{
	const char *p = script;

	while (p && --line) {
		p = strchr(p, '\n');
		if (p)
			p++;
	}
	return p;
}

static void copy_line(char *to, size_t size, const char *from)
{
	size_t n;

	from += strspn(from, " \t");
	n = strcspn(from, "\n");
	if (n >= size)
		n = size - 1;
	memcpy(to, from, n);
	to[n] = '\0';
}

/* "# file:12" alone on the line, or the nearest such line above within the same block. */
static void find_place(const char *script, const char *at, struct nftrun_error *out)
{
	while (at > script) {
		const char *word;

		for (at--; at > script && at[-1] != '\n'; at--)
			;
		word = at + strspn(at, " \t");
		if (!strncmp(word, "chain ", 6) || !strncmp(word, "set ", 4) ||
		    !strncmp(word, "map ", 4))
			return;
		if (!strncmp(word, "# ", 2)) {
			copy_line(out->where, sizeof(out->where), word + 2);
			return;
		}
	}
}

void nftrun_explain(const char *script, const char *err, struct nftrun_error *out)
{
	const char *word = strstr(err, "Error: ");
	const char *begin = word, *at;
	uint64_t line;

	memset(out, 0, sizeof(*out));
	if (!word) {
		copy_line(out->text, sizeof(out->text), err);
		return;
	}
	while (begin > err && begin[-1] != '\n')
		begin--;
	copy_line(out->text, sizeof(out->text), word + strlen("Error: "));
	out->by_kernel = strstr(out->text, "Could not process rule") != NULL;
	begin += strcspn(begin, ":");
	if (!*begin++ || !number_take(&begin, 1, UINT32_MAX, &line) || *begin != ':')
		return;
	out->line = (unsigned)line;
	at = line_start(script, out->line);
	if (!at)
		return;
	copy_line(out->source, sizeof(out->source), at);
	find_place(script, at, out);
}
