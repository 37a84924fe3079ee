/* SPDX-License-Identifier: GPL-2.0-or-later
 * Inspectors of a policy -> tables -> inspectors that judge, once around.
 */
#include <stdlib.h>

#include "inspect/tables.h"
#include "lang/lang.h"
#include "policy/policy.h"
#include "test.h"

static const char policy[] = "inspector family-filter {\n"
			     "    deny sni \"*.casino.example\", \"a.example\"\n"
			     "    reject payload \"^\\x13BitTorrent protocol\"\n"
			     "    deny ssh \"SSH-1*\"; deny tls.ech\n"
			     "    on-no-helper allow; on-timeout deny\n"
			     "    allow any\n"
			     "}\n"
			     "inspector patch { rewrite \"\\x0av\\\\=1\" to \"\\x0av\\\\=2\" }\n";

/* The file says the same as the JSON, however it was made; and the JSON of fwc 0.1 comes out again. */
static void check_pack(const struct policy *p, const json_t *j)
{
	struct buf bytes = {0}, again = {0}, why = {0};
	json_t *back, *head, *other;

	CHECK(policy_inspect_pack(p, &bytes));
	CHECK(!pack_flaw(bytes.data, bytes.len));
	SAME_TEXT(pack_file(bytes.data, bytes.len), "inspect.tables");
	back = pack_unpack(bytes.data, bytes.len, &why);
	CHECK(json_equal(back, j));
	SAME_NUMBER(pack_json(j, &again, &why), 0);
	SAME_TEXT(pack_flaw(again.data, again.len) ? "damaged" : "", "");
	head = pack_head(&bytes);
	other = pack_head(&again);
	CHECK(head && json_equal(head, other));
	bytes.data[bytes.len - 1] ^= 1;
	SAME_TEXT(pack_flaw(bytes.data, bytes.len), "they are not what was written");
	SAME_TEXT(pack_flaw(bytes.data, bytes.len - 1), "they are not as long as they say");
	SAME_TEXT(buf_str(&why), "");
	json_decref(back);
	json_decref(head);
	json_decref(other);
	buf_free(&bytes);
	buf_free(&again);
}

/* The members that the reader of 0.1 knows; any other one it refuses, with all tables. */
static void check_old(const struct policy *p)
{
	static const char *const known[] = {"name",	  "entries",	"rewrites",    "on-error",
					    "on-timeout", "on-overflow", "on-no-helper"};
	struct buf bytes = {0}, why = {0};
	json_t *j, *in, *unused;
	const char *key;
	size_t i;

	CHECK(policy_inspect_pack(p, &bytes));
	j = pack_unpack(bytes.data, bytes.len, &why);
	CHECK(!pack_make_old(j));
	json_array_foreach(json_object_get(j, "inspectors"), i, in)
	{
		json_object_foreach(in, key, unused)
		{
			bool fine = false;

			for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
				fine |= !strcmp(key, known[k]);
			CHECK(fine);
		}
	}
	json_decref(j);
	buf_free(&bytes);
}

static void check_filter(const struct inspector *in)
{
	SAME_NUMBER(in->entries.n, 5);
	SAME_NUMBER(in->entries.v[0].look, LOOK_SNI);
	SAME_NUMBER(in->entries.v[0].verdict, VERDICT_DENY);
	CHECK(namelist_covers(in->entries.v[0].names, "www.casino.example", 18));
	CHECK(!namelist_covers(in->entries.v[0].names, "casino.example", 14));
	SAME_TEXT(in->entries.v[0].at, "p.fwc:2");
	SAME_TEXT(in->entries.v[0].text, "deny sni \"*.casino.example\", \"a.example\"");
	SAME_NUMBER(in->entries.v[1].verdict, VERDICT_REJECT);
	SAME_NUMBER(in->entries.v[1].patterns.n, 1);
	SAME_NUMBER(in->entries.v[2].banners.n, 1);
	SAME_NUMBER(in->entries.v[3].look, LOOK_ECH);
	SAME_NUMBER(in->entries.v[4].verdict, VERDICT_ALLOW);
	CHECK(in->allow_on[CAUSE_NO_HELPER] && !in->allow_on[CAUSE_TIMEOUT]);
	CHECK(!in->allow_on[CAUSE_ERROR] && !in->allow_on[CAUSE_OVERFLOW]);
}

int main(void)
{
	struct arena *a = arena_new();
	struct buf why = {0};
	struct tables t = {0};
	struct diag diag;
	struct policy *p;
	json_t *j;

	diag_init(&diag, a);
	p = policy_resolve(ast_parse_source(source_add(a, "p.fwc", policy, sizeof(policy) - 1),
					    NULL, a, &diag),
			   a, &diag);
	SAME_NUMBER(diag.nerrors, 0);
	j = policy_inspect_tables(p);
	check_pack(p, j);
	check_old(p);
	SAME_NUMBER(tables_load(&t, j, &why), 0);
	SAME_TEXT(buf_str(&why), "");
	SAME_NUMBER(t.inspectors.n, 2);
	check_filter(tables_find(&t, "family-filter"));
	SAME_NUMBER(tables_find(&t, "patch")->rewrites.v[0].n, 5);
	CHECK(!memcmp(tables_find(&t, "patch")->rewrites.v[0].to, "\nv\\=2", 5));
	tables_free(&t);
	json_decref(j);
	buf_free(&why);
	arena_free(a);
	return test_end();
}
