// SPDX-License-Identifier: Apache-2.0
/* Tests of dstackctl's pure parts: events from the guest, names, ports on the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vm.h"

static void events_are_bounded(void **state)
{
	static const char *const bad[] = {
		"", "x", "[]", "{}", "{\"event\":\"a\"}", "{\"event\":1,\"payload\":\"x\"}",
		"{\"event\":\"UPPER\",\"payload\":\"x\"}", "{\"event\":\"a\",\"event\":\"b\",\"payload\":\"x\"}",
		"{\"event\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"payload\":\"x\"}",
		"{\"event\":\"a\",\"payload\":\"x\"} trailing",
	};
	static const char good[] = "{\"event\":\"boot.error\",\"payload\":\"keys: \\u001b[2J\\n refused\"}\r\n";
	struct notify_event ev;

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		assert_int_equal(notify_parse(DS_SPAN_STR(bad[i]), &ev), -EBADMSG);
	assert_int_equal(notify_parse(DS_SPAN_STR(good), &ev), 0);
	assert_string_equal(ev.event, "boot.error");
	/* a terminal escape of the guest must not reach the operator's terminal */
	assert_string_equal(ev.payload, "keys: \\x1b[2J\\x0a refused");
	for (size_t n = 0; n < sizeof(good) - 3; n++)
		assert_int_equal(notify_parse(DS_SPAN(good, n), &ev), -EBADMSG);
}

static void names_cannot_leave_the_directory(void **state)
{
	static const char *const bad[] = { "", "-a", "..", "a/b", "A", "a b", "a.b",
					   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		assert_false(vm_name_ok(bad[i]));
	assert_true(vm_name_ok("app-1"));
	assert_true(vm_name_ok("0"));
}

static void arguments_grow(void **state)
{
	struct argv a = { 0 };

	for (int i = 0; i < 100; i++)
		assert_int_equal(argv_addf(&a, "arg %d", i), 0);
	assert_string_equal(a.v[99], "arg 99");
	assert_null(a.v[100]);
	argv_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_bounded),
		cmocka_unit_test(names_cannot_leave_the_directory),
		cmocka_unit_test(arguments_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
