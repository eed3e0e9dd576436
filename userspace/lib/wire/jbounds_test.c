// SPDX-License-Identifier: Apache-2.0
/* Bounds of JSON texts, and that jansson makes no more of a text than was counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/wire/jbounds.h>
#include <jansson.h>

#define D 3
#define V 5

static void table(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "", 0 },
		{ "[[[]]]", 0 },
		{ "[[[[]]]]", -EBADMSG },
		{ "[{\"a\":[", 0 },
		{ "[{\"a\":[{", -EBADMSG },
		{ "]]]][[[", 0 }, /* no JSON: only that it ends */
		{ "[1,2,3,4,5]", 0 },
		{ "[1,2,3,4,5,6]", -EFBIG },
		{ "[{},{},{}", -EFBIG },
		{ "{\"a\":1,\"b\":2}", 0 },
		/* in strings nothing counts, and only a bare quotation mark ends one */
		{ "[\"[[[[,,,,,,,\"]", 0 },
		{ "[\"\\\"[[[[,,,,,,\"]", 0 },
		{ "[\"\\\\\",1,2,3,4]", 0 },
		{ "[\"\\\\\",1,2,3,4,5]", -EFBIG },
		{ "[\"\\", 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_err err = DS_ERR_NULL;
		int r = ds_json_bounds(DS_SPAN_STR(rows[i].text), D, V, &err);

		if (r != rows[i].want || err.code != r)
			fail_msg("%s: got %d '%s'", rows[i].text, r, err.msg);
	}
}

static size_t made;

static void *count(size_t n)
{
	made++;
	return malloc(n);
}

/* Whatever comes behind a fault: what a parser has made by then has been counted. */
static void counts_what_is_made(void **state)
{
	static const char *const faults[] = { "\\", "\"\\x\"", "\"\1\"", "}", "]", "{,", "tru", "-", "\xff" };
	char text[8192];

	for (size_t f = 0; f < DS_ARRAY_SIZE(faults); f++) {
		size_t n = 0;

		n += (size_t)snprintf(text, sizeof(text), "[%s", faults[f]);
		while (n < sizeof(text) - 4)
			n += (size_t)snprintf(text + n, sizeof(text) - n, ",{}");
		made = 0;
		json_set_alloc_funcs(count, free);
		json_decref(json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL));
		json_set_alloc_funcs(malloc, free);
		if (made > 64)
			fail_msg("behind '%s' %zu pieces were made", faults[f], made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(counts_what_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
