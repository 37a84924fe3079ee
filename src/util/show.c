/* SPDX-License-Identifier: GPL-2.0-or-later
 * Text that anybody may have written -> text for a terminal; and the streams where all text is.
 */
#include "util/show.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"

#define TAB 8

/* ---- characters ---- */

/* By its first byte; 0: no character begins so. */
static size_t utf8_length(char first)
{
	unsigned char c = (unsigned char)first;

	return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* Bytes of the UTF-8 character at s, and its code point; 0 if it is not one. */
static size_t utf8_char(const char *s, size_t n, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = utf8_length(s[0]);

	if (!len || len > n)
		return 0;
	*code = (unsigned char)s[0];
	*code = len == 1 ? *code : *code & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return len;
}

/* Whether these last bytes of a piece may be a character of which the next piece has the rest. */
static bool is_begun(const char *s, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return false;
	return utf8_length(s[0]) > n;
}

/* Controls could command the terminal, and bidirectional overrides could show another text than
 * the one that is there. */
static bool is_showable(uint32_t code)
{
	return code >= 0x20 && !(code >= 0x7f && code < 0xa0) &&
	       !(code >= 0x200b && code < 0x2010) && !(code >= 0x2028 && code < 0x202f) &&
	       !(code >= 0x2066 && code < 0x206a) && code != 0xfeff;
}

unsigned show_char(struct buf *out, const char *s, size_t n, unsigned col, size_t *used)
{
	uint32_t code;
	size_t len = utf8_char(s, n, &code);
	unsigned width;

	*used = len ? len : 1;
	if (len && is_showable(code)) {
		buf_add(out, s, len);
		return 1;
	}
	if (len && code == '\t') {
		width = TAB - col % TAB;
		for (unsigned i = 0; i < width; i++)
			buf_putc(out, ' ');
		return width;
	}
	for (size_t i = 0; i < *used; i++)
		buf_printf(out, "\\x%02x", (unsigned char)s[i]);
	return (unsigned)(4 * *used);
}

size_t show_plain(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && ((s[i] >= 0x20 && s[i] < 0x7f) || s[i] == '\n' || s[i] == '\t'))
		i++;
	return i;
}

size_t show_part(struct buf *out, const char *s, size_t n)
{
	size_t i = 0, used;

	while (i < n) {
		used = show_plain(s + i, n - i);
		if (used)
			buf_add(out, s + i, used);
		else if (is_begun(s + i, n - i))
			break;
		else
			show_char(out, s + i, n - i, 0, &used);
		i += used;
	}
	return i;
}

/* ---- streams ---- */

static struct stream {
	int fd;
	bool raw;
	struct buf begun; /* of a character; a text that ends so had no end */
} streams[] = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return true;
}

static ssize_t stream_write(void *cookie, const char *p, size_t n)
{
	struct stream *s = cookie;
	struct buf out = {0};
	size_t used;
	bool fine;

	if (s->raw)
		return write_all(s->fd, p, n) ? (ssize_t)n : 0;
	buf_add(&s->begun, p, n);
	used = show_part(&out, s->begun.data, s->begun.len);
	memmove(s->begun.data, s->begun.data + used, s->begun.len - used);
	s->begun.len -= used;
	fine = write_all(s->fd, buf_str(&out), out.len);
	buf_free(&out);
	return fine ? (ssize_t)n : 0;
}

static FILE *stream_open(struct stream *s, int mode)
{
	FILE *f = fopencookie(s, "w", (cookie_io_functions_t){.write = stream_write});

	if (!f)
		abort();
	setvbuf(f, NULL, mode, BUFSIZ);
	return f;
}

void show_streams(void)
{
	stdout = stream_open(&streams[0], isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF);
	stderr = stream_open(&streams[1], _IONBF);
}

void show_raw(FILE *to, const char *s, size_t n)
{
	struct stream *t = to == stdout ? &streams[0] : to == stderr ? &streams[1] : NULL;

	if (!n)
		return;
	fflush(to);
	if (t)
		t->raw = true;
	fwrite(s, 1, n, to);
	fflush(to);
	if (t)
		t->raw = false;
}

void show_paint(FILE *to, const char *escape)
{
	show_raw(to, escape, strlen(escape));
}

void show_json(const json_t *j, size_t flags)
{
	char *text = json_dumps(j, flags | JSON_ENSURE_ASCII);

	/* the one control that JSON leaves alone */
	for (const char *p = text, *end; p && *p; p = end) {
		end = p + strcspn(p, "\177");
		fwrite(p, 1, (size_t)(end - p), stdout);
		if (*end) {
			fputs("\\u007f", stdout);
			end++;
		}
	}
	putchar('\n');
	free(text);
}
