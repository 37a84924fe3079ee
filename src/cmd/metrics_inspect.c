/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc metrics, of inspection: the status of fwc-inspectd in the text format of Prometheus.
 */
#include <jansson.h>
#include <string.h>

#include "cmd/metrics.h"
#include "util/member.h"
#include "util/sha256.h"

static const char *const verdicts[] = {"allow", "deny", "reject"};

static void value(struct buf *b, const json_t *j, const char *key)
{
	buf_printf(b, "} %lld\n", (long long)json_integer_value(json_object_get(j, key)));
}

/* As of other lines: of its words, numbered where they are there more than once. */
static void rule_labels(struct buf *b, const json_t *rules, size_t at)
{
	const json_t *rule = json_array_get(rules, at);
	char hex[SHA256_HEX], id[SHA256_HEX];
	unsigned n = 1;

	sha256_hex(member_text(rule, "text"), strlen(member_text(rule, "text")), hex);
	for (size_t i = 0; i < at; i++)
		n += !strcmp(member_text(json_array_get(rules, i), "text"),
			     member_text(rule, "text"));
	snprintf(id, sizeof(id), n > 1 ? "%.12s-%u" : "%.12s", hex, n);
	metrics_label(b, "at", member_text(rule, "at"));
	buf_putc(b, ',');
	metrics_label(b, "rule", member_text(rule, "text"));
	buf_putc(b, ',');
	metrics_label(b, "id", id);
	buf_putc(b, ',');
	metrics_label(b, "inspector", member_text(rule, "inspector"));
}

static void rules_by_verdict(struct buf *b, const json_t *rules)
{
	metrics_family(b, "fwc_inspect_decisions_total", "counter",
		       "Connections and look-ups that an inspect rule decided.");
	for (size_t i = 0; i < json_array_size(rules); i++)
		for (int v = 0; v < 3; v++) {
			buf_puts(b, "fwc_inspect_decisions_total{");
			rule_labels(b, rules, i);
			buf_printf(b, ",verdict=\"%s\"", verdicts[v]);
			value(b, json_array_get(rules, i), verdicts[v]);
		}
}

static void rules_by_cause(struct buf *b, const json_t *rules)
{
	metrics_family(b, "fwc_inspect_causes_total", "counter",
		       "The same, by what decided: an entry, the default, or an on- word.");
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *by = json_object_get(json_array_get(rules, i), "by");
		const char *cause;
		json_t *n;

		json_object_foreach((json_t *)by, cause, n)
		{
			buf_puts(b, "fwc_inspect_causes_total{");
			rule_labels(b, rules, i);
			buf_putc(b, ',');
			metrics_label(b, "by", cause);
			value(b, by, cause);
		}
	}
}

/* An earlier fwc-inspectd answers nobody. */
static void rules_answers(struct buf *b, const json_t *rules)
{
	if (!json_object_get(json_array_get(rules, 0), "answered"))
		return;
	metrics_family(b, "fwc_inspect_answers_total", "counter",
		       "Look-ups among them that were answered as their entry says.");
	for (size_t i = 0; i < json_array_size(rules); i++) {
		buf_puts(b, "fwc_inspect_answers_total{");
		rule_labels(b, rules, i);
		value(b, json_array_get(rules, i), "answered");
	}
}

static void client(struct buf *b, const char *name, const json_t *j)
{
	for (int v = 0; v < 3; v++) {
		buf_puts(b, "fwc_inspect_client_decisions_total{");
		metrics_label(b, "client", name);
		buf_printf(b, ",verdict=\"%s\"", verdicts[v]);
		value(b, j, verdicts[v]);
	}
}

void metrics_inspect(struct buf *b, const json_t *status)
{
	const json_t *rules = json_object_get(status, "rules");
	const json_t *clients = json_object_get(status, "clients"), *losses;
	const char *what;
	json_t *j;
	size_t i;

	if (!status)
		return;
	rules_by_verdict(b, rules);
	rules_by_cause(b, rules);
	rules_answers(b, rules);
	if (clients) { /* not of an earlier fwc-inspectd */
		metrics_family(b, "fwc_inspect_client_decisions_total", "counter",
			       "Decisions by client: the busiest ones, and all others together.");
		json_array_foreach(json_object_get(clients, "shown"), i, j)
			client(b, member_text(j, "address"), j);
		client(b, "other", json_object_get(clients, "others"));
	}
	losses = json_object_get(status, "losses");
	metrics_family(b, "fwc_inspect_losses_total", "counter",
		       "What was lost, or decided without knowing its content.");
	json_object_foreach((json_t *)losses, what, j)
	{
		buf_puts(b, "fwc_inspect_losses_total{");
		metrics_label(b, "what", what);
		value(b, losses, what);
	}
}
