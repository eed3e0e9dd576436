// SPDX-License-Identifier: Apache-2.0
/* dstack-kms-policy's own parsers: questions, and the block on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pol.h"

#define GOOD                                                                                       \
	"{\"teeVariant\":\"dstack-tdx\",\"mrAggregated\":\"55\",\"osImageHash\":\"0x66\",\"mrSystem\":\"\"," \
	"\"appId\":\"1111111111111111111111111111111111111111\",\"composeHash\":\"22\",\"instanceId\":\"\"," \
	"\"deviceId\":\"33\",\"tcbStatus\":\"UpToDate\",\"advisoryIds\":[\"A\",\"B\"]}"

static void test_boot(void **state)
{
	struct ds_err err = DS_ERR_NULL;
	struct pol_boot b;

	assert_int_equal(pol_boot_parse(DS_SPAN_LIT(GOOD), &b, &err), 0);
	assert_int_equal(b.boot.app_id[0], 0x11);
	assert_int_equal(b.boot.mr_aggregated[31], 0x55); /* zeros in front */
	assert_int_equal(b.boot.mr_aggregated[0], 0);
	assert_int_equal(b.boot.os_image_hash[31], 0x66);
	assert_int_equal(b.boot.n_advisory, 2);
	assert_string_equal(b.boot.advisory[1], "B");
	assert_string_equal(b.boot.tcb_status, "UpToDate");
	assert_string_equal(b.tee, "dstack-tdx");
	pol_boot_done(&b);
	for (size_t n = 0; n < strlen(GOOD); n++)
		assert_int_equal(pol_boot_parse(DS_SPAN(GOOD, n), &b, &err), -EBADMSG);
	/* no key but the first may be missing */
	for (const char *key = strstr(GOOD, ",\""); key; key = strstr(key + 2, ",\"")) {
		DS_FREE char *text = strdup(GOOD);

		if (key[2] == 'B')
			continue;
		text[key + 2 - GOOD] = 'X';
		assert_int_equal(pol_boot_parse(DS_SPAN_STR(text), &b, &err), -EBADMSG);
	}
}

static void test_boot_bad(void **state)
{
	static const struct {
		const char *was, *is, *error;
	} t[] = {
		{ "\"22\"", "\"2\"", "composeHash: expected up to 64 hex" },
		{ "\"22\"", "\"zz\"", "composeHash: expected up to 64 hex" },
		{ "\"22\"", "\"22\\u0000\"", "a JSON object" },
		{ "\"22\"", "22", "composeHash: expected hex" },
		{ "\"1111", "\"111111", "appId: expected up to 40 hex" },
		{ "\"UpToDate\"", "null", "tcbStatus: expected a short string" },
		{ "[\"A\",\"B\"]", "\"A\"", "advisoryIds: expected an array" },
		{ "[\"A\",\"B\"]", "[1]", "advisoryIds: expected a short string" },
		{ "\"dstack-tdx\"", "1", "teeVariant: expected a short string" },
		{ "\"55\"", "\"55\",\"mrAggregated\":\"56\"", "a JSON object" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		const char *at = strstr(GOOD, t[i].was);
		struct ds_err err = DS_ERR_NULL;
		struct pol_boot b;
		char text[1024];

		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - GOOD), GOOD, t[i].is,
			 at + strlen(t[i].was));
		if (!pol_boot_parse(DS_SPAN_STR(text), &b, &err) || !strstr(err.msg, t[i].error))
			fail_msg("%zu: '%s'", i, err.msg);
	}
}

#define HASH "00000000000000000000000000000000000000000000000000000000000000ab"

static void test_seen(void **state)
{
	static const char good[] = "31337 77 " HASH "\n";
	static const struct {
		const char *text;
		int r;
	} bad[] = {
		{ "1 77 " HASH "\n", -ESTALE },	  { "31337  77 " HASH "\n", -EBADMSG },
		{ "31337 -7 " HASH "\n", -EBADMSG }, { " 77 " HASH "\n", -EBADMSG },
		{ "31337 77 " HASH "\n\n", -EBADMSG }, { "31337 77 x" HASH "\n", -EBADMSG },
		{ "31337 9223372036854775808 " HASH "\n", -EBADMSG },
	};
	struct ds_err err = DS_ERR_NULL;
	struct pol_seen seen;

	assert_int_equal(pol_seen_parse(DS_SPAN_STR(good), 31337, &seen, &err), 0);
	assert_int_equal(seen.number, 77);
	assert_int_equal(seen.hash[31], 0xab);
	for (size_t n = 0; n < strlen(good); n++)
		assert_int_equal(pol_seen_parse(DS_SPAN(good, n), 31337, &seen, &err), -EBADMSG);
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++)
		if (pol_seen_parse(DS_SPAN_STR(bad[i].text), 31337, &seen, &err) != bad[i].r)
			fail_msg("%s", bad[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_boot),
					    cmocka_unit_test(test_boot_bad),
					    cmocka_unit_test(test_seen) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
