// SPDX-License-Identifier: Apache-2.0
/* Every reason has a name of its own and a text that a person can act on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>

#include <ds/attest/reason.h>
#include <ds/base/base.h>

static void assert_text(const char *name, const char *what, const char *text, bool sentence)
{
	size_t n = text ? strlen(text) : 0;

	if (n < 10 || n > 200)
		fail_msg("%s: %s: expected 10 to 200 characters, got %zu", name, what, n);
	for (size_t i = 0; i < n; i++)
		if (!isprint((unsigned char)text[i]))
			fail_msg("%s: %s: byte 0x%02x", name, what, (unsigned char)text[i]);
	if (sentence && (!isupper((unsigned char)text[0]) || text[n - 1] != '.'))
		fail_msg("%s: %s: not a sentence: %s", name, what, text);
}

static void every_reason_is_explained(void **state)
{
	assert_null(ds_reason_explain(DS_REASON_NONE));
	assert_null(ds_reason_explain(DS_REASON_COUNT));
	for (size_t i = DS_REASON_NONE + 1; i < DS_REASON_COUNT; i++) {
		const struct ds_reason_text *t = ds_reason_explain((enum ds_reason)i);
		const char *name = ds_reason_name((enum ds_reason)i);

		if (!t)
			fail_msg("%s has no text in userspace/lib/attest/reason_*.h", name);
		assert_text(name, "expected", t->expected, false);
		assert_text(name, "meaning", t->meaning, true);
		assert_text(name, "cause", t->cause, true);
		assert_text(name, "action", t->action, true);
	}
}

static void names_are_unique(void **state)
{
	enum ds_reason r;

	for (size_t i = DS_REASON_NONE + 1; i < DS_REASON_COUNT; i++) {
		const char *name = ds_reason_name((enum ds_reason)i);

		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
		assert_int_equal(ds_reason_parse(name, &r), 0);
		assert_int_equal(r, i);
	}
	assert_int_equal(ds_reason_parse("", &r), -ENOENT);
	assert_int_equal(ds_reason_parse("no-such", &r), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_is_explained),
		cmocka_unit_test(names_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
