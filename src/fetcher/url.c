/* SPDX-License-Identifier: GPL-2.0-or-later
 * a URL -> what is there, by libcurl, unless it is what it was.
 *
 * Redirects are followed here, one by one: where each leads is looked at, its name is resolved, and
 * only addresses that were looked at are called.
 */
#include "fetcher/fetcher.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/fd.h"
#include "util/special.h"

#define REDIRECTS 5
#define HEADER_MAX 1000 /* bytes of an ETag */

struct download {
	const struct url_job *job;
	struct arena *arena;
	CURL *curl;
	uint64_t deadline;
	uint64_t got; /* bytes written */
	bool too_long, barred /* its address is local to somebody */;
	/* of the last answer's headers */
	bool bounded; /* where it ends is said */
	char etag[HEADER_MAX], modified[HEADER_MAX];
	char why[CURL_ERROR_SIZE + 200];
};

/* Without newlines: the other side reads lines. */
static void say(const char *word, const char *text)
{
	struct buf b = {0};

	buf_printf(&b, "%s ", word);
	for (; *text; text++)
		buf_putc(&b, (unsigned char)*text < 0x20 ? ' ' : *text);
	buf_putc(&b, '\n');
	fd_write(STDERR_FILENO, b.data, b.len);
	buf_free(&b);
}

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct download *d = arg;

	n *= size;
	if (d->got + n > d->job->bytes) {
		d->too_long = true;
		return 0;
	}
	d->got += n;
	return fd_write(STDOUT_FILENO, p, n) ? 0 : n;
}

static void keep(char *to, const char *value, size_t n)
{
	while (n && strchr(" \t\r\n", value[n - 1]))
		n--;
	while (n && strchr(" \t", *value)) {
		value++;
		n--;
	}
	if (n >= HEADER_MAX)
		n = 0;
	memcpy(to, value, n);
	to[n] = '\0';
}

static bool is_header(const char *p, size_t n, const char *name)
{
	size_t len = strlen(name);

	return n > len && !strncasecmp(p, name, len);
}

static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
	struct download *d = arg;

	n *= size;
	if (is_header(p, n,
		      "HTTP/")) { /* another answer begins; 2 and later frame what they send */
		d->bounded = n > 5 && p[5] >= '2';
		d->etag[0] = d->modified[0] = '\0';
	} else if (is_header(p, n, "etag:")) {
		keep(d->etag, p + 5, n - 5);
	} else if (is_header(p, n, "last-modified:")) {
		keep(d->modified, p + 14, n - 14);
	} else if (is_header(p, n, "content-length:") || is_header(p, n, "transfer-encoding:")) {
		d->bounded = true;
	}
	return n;
}

/* ---- where to ---- */

static bool take_socket_address(const struct curl_sockaddr *sa, enum family *family, u128 *x)
{
	*x = 0;
	if (sa->family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&sa->addr;

		*family = FAM_IP4;
		*x = ntohl(in->sin_addr.s_addr);
		return true;
	}
	if (sa->family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)&sa->addr;

		*family = FAM_IP6;
		for (int i = 0; i < 16; i++)
			*x = *x << 8 | in->sin6_addr.s6_addr[i];
		addr_unmap(family, x);
		return true;
	}
	return false;
}

/* The last word about whom it calls, however it got there. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *sa)
{
	struct download *d = arg;
	enum family family;
	u128 x;

	if (purpose != CURLSOCKTYPE_IPCXN || !take_socket_address(sa, &family, &x))
		return CURL_SOCKET_BAD;
	if (!d->job->special && special_address(family, x)) {
		d->barred = true;
		return CURL_SOCKET_BAD;
	}
	return socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
}

static unsigned left(const struct download *d)
{
	uint64_t now = fetcher_now();

	return now < d->deadline ? (unsigned)(d->deadline - now) : 0;
}

static bool is_number(const char *host)
{
	struct in6_addr six;
	struct in_addr four;
	char *plain = strdup(host + (*host == '['));
	bool is;

	plain[strcspn(plain, "]%")] = '\0';
	is = inet_pton(AF_INET, plain, &four) == 1 || inet_pton(AF_INET6, plain, &six) == 1;
	free(plain);
	return is;
}

static size_t add_addresses(struct download *d, const struct resolved *r, struct buf *to)
{
	size_t n = 0;

	for (size_t i = 0; i < r->addresses.n; i++) {
		u128 x = r->addresses.v[i];

		if (!d->job->special && special_address(r->family, x)) {
			d->barred = true;
			continue;
		}
		if (to->data[to->len - 1] != ':') /* not the first */
			buf_putc(to, ',');
		buf_puts(to, r->family == FAM_IP6 ? "[" : "");
		addr_print(to, r->family, x);
		buf_puts(to, r->family == FAM_IP6 ? "]" : "");
		n++;
	}
	return n;
}

/* HOST:PORT:ADDRESS,... for CURLOPT_RESOLVE, so that curl resolves nothing. */
static bool resolve(struct download *d, const char *host, const char *port,
		    struct curl_slist **list)
{
	struct resolved v4 = {.name = host, .family = FAM_IP4, .arena = d->arena};
	struct resolved v6 = {.name = host, .family = FAM_IP6, .arena = d->arena};
	struct buf entry = {0};
	struct resolver r;
	size_t n = 0;

	if (is_number(host))
		return true;
	if (resolver_open(&r, left(d)) != ARES_SUCCESS)
		return false;
	resolver_ask(&r, &v4);
	resolver_ask(&r, &v6);
	resolver_wait(&r);
	buf_printf(&entry, "%s:%s:", host, port);
	n += add_addresses(d, &v4, &entry);
	n += add_addresses(d, &v6, &entry);
	if (n)
		*list = curl_slist_append(*list, buf_str(&entry));
	else if (d->barred)
		snprintf(d->why, sizeof(d->why),
			 "%s is an address of this machine or a private network: write private",
			 host);
	else
		snprintf(d->why, sizeof(d->why), "%s: %s", host, resolved_why(&v4, &v6));
	buf_free(&entry);
	resolver_close(&r);
	return n;
}

static bool starts(const char *s, const char *with)
{
	return !strncasecmp(s, with, strlen(with));
}

/* https, or http where that was said from the beginning. */
static bool look_at(struct download *d, const char *url, struct curl_slist **list)
{
	bool plain = starts(url, "http://");
	char *host = NULL, *port = NULL;
	CURLU *u = curl_url();
	bool good = u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
		    !curl_url_get(u, CURLUPART_HOST, &host, 0) &&
		    !curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);

	if (!starts(url, "https://") && !(plain && starts(d->job->url, "http://"))) {
		snprintf(d->why, sizeof(d->why), "it leads to %.200s, which is not https", url);
		good = false;
	} else if (!good) {
		snprintf(d->why, sizeof(d->why), "'%.200s' is not a URL", url);
	} else {
		good = resolve(d, host, port, list);
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return good;
}

/* ---- one request ---- */

static struct curl_slist *ask_whether(const struct url_job *job)
{
	struct curl_slist *list = NULL;
	struct buf b = {0};

	if (job->etag) {
		buf_printf(&b, "If-None-Match: %s", job->etag);
		list = curl_slist_append(list, buf_str(&b));
	}
	b.len = 0;
	if (job->modified) {
		buf_printf(&b, "If-Modified-Since: %s", job->modified);
		list = curl_slist_append(list, buf_str(&b));
	}
	buf_free(&b);
	return list;
}

static void set_up(struct download *d, const char *url)
{
	CURL *c = d->curl;

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http"); /* of the two, look_at() chose */
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* the environment is not asked */
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)left(d));
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 0L);
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "fwc-fetch");
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, d->why);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, d);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, d);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, d);
}

static void explain(struct download *d, CURLcode rc)
{
	if (d->too_long)
		snprintf(d->why, sizeof(d->why), "it is longer than %llu MB",
			 (unsigned long long)(d->job->bytes >> 20));
	else if (d->barred)
		snprintf(d->why, sizeof(d->why),
			 "the server is at an address of this machine or a private network: write "
			 "private");
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		snprintf(d->why, sizeof(d->why), "it did not come to an end in %u seconds",
			 d->job->ms / 1000);
	else if (rc == CURLE_PARTIAL_FILE)
		snprintf(d->why, sizeof(d->why), "the transfer ended early");
	else if (!*d->why)
		snprintf(d->why, sizeof(d->why), "%s", curl_easy_strerror(rc));
}

/* The status of the answer; *to: where it leads. 0 with why. */
static long request(struct download *d, const char *url, char **to)
{
	struct curl_slist *hosts = NULL, *headers = ask_whether(d->job);
	long status = 0;
	char *next = NULL;
	CURLcode rc;

	if (look_at(d, url, &hosts)) {
		set_up(d, url);
		curl_easy_setopt(d->curl, CURLOPT_RESOLVE, hosts);
		curl_easy_setopt(d->curl, CURLOPT_HTTPHEADER, headers);
		rc = left(d) ? curl_easy_perform(d->curl) : CURLE_OPERATION_TIMEDOUT;
		if (rc == CURLE_OK) {
			curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
			curl_easy_getinfo(d->curl, CURLINFO_REDIRECT_URL, &next);
			*to = next ? arena_strdup(d->arena, next) : NULL;
		} else {
			explain(d, rc);
		}
	}
	curl_slist_free_all(hosts);
	curl_slist_free_all(headers);
	return status;
}

/* What came before the last answer was no list. */
static void forget_body(struct download *d)
{
	d->got = 0;
	if (ftruncate(STDOUT_FILENO, 0) < 0 || lseek(STDOUT_FILENO, 0, SEEK_SET) < 0)
		d->too_long = true; /* it is no file: nothing more is written */
}

static long follow(struct download *d)
{
	char *url = arena_strdup(d->arena, d->job->url), *to = NULL;
	long status = 0;

	for (int i = 0; i <= REDIRECTS; i++) {
		status = request(d, url, &to);
		if (!to || status < 300 || status > 399 || status == 304)
			return status;
		forget_body(d);
		url = to;
		to = NULL;
	}
	snprintf(d->why, sizeof(d->why), "more than %d redirects", REDIRECTS);
	return 0;
}

int url_fetch(const struct url_job *job)
{
	struct download d = {.job = job, .arena = arena_new(), .curl = curl_easy_init()};
	long status = 0;

	d.deadline = fetcher_now() + job->ms;
	if (d.curl)
		status = follow(&d);
	if (status == 200 && !d.bounded) {
		snprintf(d.why, sizeof(d.why), "the server does not say where its answer ends");
		status = 0;
	} else if (status && status != 200 && status != 304) {
		snprintf(d.why, sizeof(d.why), "the server answers %ld", status);
		status = 0;
	}
	if (status == 200 || status == 304) {
		say("status", status == 200 ? "200" : "304");
		if (*d.etag)
			say("etag", d.etag);
		if (*d.modified)
			say("modified", d.modified);
	} else {
		say("why", *d.why ? d.why : "out of memory");
	}
	curl_easy_cleanup(d.curl);
	arena_free(d.arena);
	return status ? 0 : 1;
}
