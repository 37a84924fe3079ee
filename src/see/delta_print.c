/* SPDX-License-Identifier: GPL-2.0-or-later
 * Groups of packets -> text, JSON.
 */
#include "see/delta_print.h"

#include <string.h>

#include "space/ranges.h"

#define GROUPS_MAX 10 /* printed for people; --json has all */

/* ---- text ---- */

static const char *label(enum dim d)
{
	switch (d) {
	case DIM_FAMILY:
	case DIM_PROTO:
	case DIM_FLAGS:
	case DIM_CT_STATUS:
	case DIM_CT_DIRECTION:
	case DIM_PAYLOAD:
	case DIM_LINK:
	case DIM_SECPATH:
	case DIM_RT_IPSEC:
	case DIM_FIB_SADDR:
	case DIM_FIB_DADDR:
	case DIM_FIB_DADDR_IIF:
	case NDIMS:
		return "";
	case DIM_IIF:
		return "arriving on ";
	case DIM_OIF:
	case DIM_FIB_OIF:
		return "leaving by ";
	case DIM_SADDR:
		return "from ";
	case DIM_DADDR:
		return "to ";
	case DIM_DPORT:
		return "port ";
	case DIM_CALLED:
		return "called by port ";
	case DIM_SPORT:
		return "source port ";
	case DIM_TYPE:
		return "type ";
	case DIM_CT_STATE:
		return "state ";
	case DIM_CT_MARK:
		return "connection mark ";
	case DIM_MARK:
		return "mark ";
	case DIM_HOPLIMIT:
		return "hop limit ";
	case DIM_UID:
		return "user ";
	case DIM_CODE:
		return "code ";
	case DIM_DSCP:
		return "dscp ";
	case DIM_ECN:
		return "ecn ";
	case DIM_LENGTH:
		return "length ";
	case DIM_GID:
		return "group ";
	case DIM_IIFTYPE:
		return "arriving on an interface of type ";
	case DIM_OIFTYPE:
		return "leaving by an interface of type ";
	case DIM_IIFGROUP:
		return "arriving on an interface of group ";
	case DIM_OIFGROUP:
		return "leaving by an interface of group ";
	case DIM_ETHER_SADDR:
		return "from station ";
	case DIM_ETHER_DADDR:
		return "to station ";
	case DIM_HOUR:
		return "second of the day ";
	case DIM_DAY:
		return "day of the week ";
	case DIM_TIME:
		return "";
	}
	return "";
}

static void print_product(FILE *to, const struct range_product *p)
{
	const struct range *r;
	const char *sep = "    ";

	vec_each (&p->fields, r) {
		fprintf(to, "%s%s%s", sep, label(r->dim), r->text);
		sep = ", ";
	}
	fputs(p->fields.n ? "\n" : "    every packet\n", to);
}

static void print_side(FILE *to, const char *when, const char *says, const struct line *l)
{
	fprintf(to, "  %-7s %-*s", when, l->text ? 6 : 0, says);
	if (l->text)
		fprintf(to, "   %s%s%s", l->where, *l->where ? ": " : "", l->text);
	fputc('\n', to);
}

static void print_group(FILE *to, struct arena *a, const struct delta_group *g)
{
	const struct range_product *p;

	fprintf(to, "%s: %s packet%s (%s%s)\n", delta_kind_text(g->kind),
		ranges_number(a, g->count), g->count == 1 ? "" : "s", station_table[g->at].hook,
		g->at == ROUTE_OUTPUT	  ? ", before routing"
		: g->at >= NAT_PREROUTING ? ", translation"
					  : "");
	vec_each (&g->packets, p)
		print_product(to, p);
	if (g->packets.more)
		fputs("    and more\n", to);
	print_side(to, "before", g->before, &g->before_line);
	print_side(to, "after", g->after, &g->after_line);
	fprintf(to, "  %-7s %s\n", "packet", g->witness);
	if (g->query)
		fprintf(to, "  %-7s fwc explain '%s'\n", "", g->query);
}

void delta_print(FILE *to, struct arena *a, const struct deltas *d)
{
	if (!d->known)
		fputs("not proved: budget: there may be more differences than these\n", to);
	else if (!d->n)
		fputs("no packet changes: each is treated as before\n", to);
	for (size_t i = 0; i < d->n && i < GROUPS_MAX; i++)
		print_group(to, a, &d->v[i]);
	if (d->n > GROUPS_MAX)
		fprintf(to, "(and %zu more kind%s of change; --json lists all)\n",
			d->n - GROUPS_MAX, d->n - GROUPS_MAX == 1 ? "" : "s");
}

/* ---- JSON ---- */

static json_t *side_json(const char *says, const struct line *l)
{
	return json_pack("{s:s, s:s?, s:s?}", "says", says, "line",
			 l->text && *l->where ? l->where : NULL, "rule", l->text);
}

static json_t *products_json(const struct delta_group *g)
{
	json_t *list = json_array();
	const struct range_product *p;

	vec_each (&g->packets, p) {
		json_t *j = json_object(), *conditions = json_array();
		const struct range *r;

		vec_each (&p->fields, r) {
			if (r->dim == NDIMS)
				json_array_append_new(conditions, json_string(r->text));
			else
				json_object_set_new(j, dim_table[r->dim].name,
						    json_string(r->text));
		}
		json_object_set_new(j, "conditions", conditions);
		json_array_append_new(list, j);
	}
	return list;
}

json_t *delta_json(struct arena *a, const struct deltas *d)
{
	json_t *list = json_array();
	const struct delta_group *g;

	(void)a;
	vec_each (d, g)
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:o, s:o, s:f, s:o, s:b, s:s, s:s?}", "change",
				  delta_kind_text(g->kind), "type", station_table[g->at].type,
				  "hook", station_table[g->at].hook, "before",
				  side_json(g->before, &g->before_line), "after",
				  side_json(g->after, &g->after_line), "count", (double)g->count,
				  "ranges", products_json(g), "more", g->packets.more, "packet",
				  g->witness, "query", g->query));
	return json_pack("{s:b, s:o}", "known", d->known, "groups", list);
}
